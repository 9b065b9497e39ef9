// What pages cannot say in HTML: keys, running clocks, and a stream that is lost.
"use strict";
(() => {
  // data-key="r": the key that presses an element, unless somebody is typing.
  const typing = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    if (event.target instanceof Element && typing(event.target)) return;
    const wanted = event.key.toLowerCase();
    for (const element of document.querySelectorAll("[data-key]")) {
      if (element.dataset.key === wanted && !element.disabled && element.getClientRects().length > 0) {
        event.preventDefault();
        element.focus();
        element.click();
        return;
      }
    }
  });

  // data-since / data-until: clocks that run between two refreshes. The server's clock is the one that counts.
  let ahead = 0;
  const heardNow = (answer) => {
    const date = Date.parse(answer);
    if (!Number.isNaN(date)) ahead = Date.now() - date - 500; // the header is cut off at the second
  };
  const clock = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    const pad = (n) => String(n).padStart(2, "0");
    const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
    return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
  };
  const tick = () => {
    const now = Date.now() - ahead;
    for (const element of document.querySelectorAll("[data-since]")) {
      const text = clock((now - Date.parse(element.dataset.since)) / 1000);
      if (element.textContent !== text) element.textContent = text;
    }
    for (const element of document.querySelectorAll("[data-until]")) {
      const left = (Date.parse(element.dataset.until) - now) / 1000;
      const text = clock(Math.ceil(left));
      if (element.textContent !== text) element.textContent = text;
      element.classList.toggle("over", left <= 0);
    }
  };
  setInterval(tick, 500);
  document.addEventListener("DOMContentLoaded", tick);
  document.addEventListener("htmx:afterSettle", tick);
  document.addEventListener("htmx:sseMessage", tick);

  // A refused request says why in #notice; the next one that somebody makes and that works takes it away.
  document.addEventListener("htmx:afterRequest", (event) => {
    const answer = event.detail.xhr;
    if (answer) heardNow(answer.getResponseHeader("date") || "");
    const notice = document.getElementById("notice");
    const byItself = /\/calls\/(write|here)$/.test(event.detail.pathInfo?.requestPath || "");
    if (event.detail.successful && notice && !byItself) notice.replaceChildren();
  });
  document.addEventListener("htmx:sendError", () => lost(true));

  // A stream that is lost is said, and asked about: the network comes back, a session that is over does not.
  const lost = (is) => {
    const banner = document.getElementById("lost");
    if (banner) banner.hidden = !is;
  };
  const askWho = async () => {
    try {
      const answer = await fetch("/console/session", { headers: { "HX-Request": "true" }, redirect: "manual" });
      if (answer.status === 401 || answer.type === "opaqueredirect") location.reload();
      else heardNow(answer.headers.get("date") || "");
    } catch {
      // Nobody answers; the stream tries again and asks again.
    }
  };
  document.addEventListener("htmx:sseOpen", (event) => {
    lost(false);
    event.detail.source.addEventListener("signed-out", () => location.reload());
    askWho();
  });
  document.addEventListener("htmx:sseError", () => {
    lost(true);
    askWho();
  });
})();
