// The agent's screen: what they see stays where it is when it refreshes, and a new call takes the attention.
"use strict";
(() => {
  const quiet = document.title;
  let attempt = "", held = null;

  const attend = () => {
    const call = document.querySelector("#work-call [data-title]");
    document.title = call ? call.dataset.title : quiet;
    const now = call && ["preview", "connected"].includes(call.dataset.stage)
      ? `${call.dataset.attempt} ${call.dataset.stage}` : attempt;
    if (now === attempt) return;
    attempt = now;
    document.getElementById("work-script").focus();
  };

  // A part that is already shown is not put there again: a reconnected stream begins with all of them.
  document.addEventListener("htmx:sseBeforeMessage", (event) => {
    const shown = event.target.firstElementChild;
    const sent = /^<div class="part" data-print="(\w+)"/.exec(event.detail.data);
    if (sent && shown && shown.dataset.print === sent[1]) event.preventDefault();
    else held = event.target.contains(document.activeElement) ? event.target : null;
  });
  document.addEventListener("htmx:sseMessage", (event) => {
    if (held === event.target && document.activeElement === document.body) {
      held.tabIndex = -1;
      held.focus();
    }
    attend();
  });
  // The server asks every few seconds whether somebody is here. Timers of hidden pages sleep; answers do not.
  const here = () => {
    const headers = JSON.parse(document.body.getAttribute("hx-headers"));
    fetch("/console/calls/here", { method: "POST", headers }).catch(() => {}); // a lost line is said by the stream
  };
  // What was typed while the line to the server was down is sent now.
  document.addEventListener("htmx:sseOpen", (event) => {
    event.detail.source.addEventListener("beat", here);
    const record = document.getElementById("record");
    if (record) window.htmx.trigger(record, "save");
  });
  document.addEventListener("DOMContentLoaded", attend);

  document.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && event.ctrlKey) document.querySelector("[data-finish]:not(:disabled)")?.click();
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
      document.getElementById("work-script").focus();
    }
  });

  setInterval(() => {
    for (const bar of document.querySelectorAll("progress[data-ends]")) {
      bar.value = Math.max(0, (Date.parse(bar.dataset.ends) - Date.now()) / 1000);
    }
    for (const option of document.querySelectorAll("[data-zone]")) {
      const time = new Date().toLocaleTimeString("en-GB", { timeZone: option.dataset.zone, hour: "2-digit", minute: "2-digit" });
      const text = `${option.dataset.zone} · ${time}`;
      if (option.textContent !== text) option.textContent = text;
    }
  }, 500);
})();
