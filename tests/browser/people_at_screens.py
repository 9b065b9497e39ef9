"""What people do at their screens, in the words of those who do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect

from tests.browser.call_centre import PASSWORD

if TYPE_CHECKING:
    import re
    from datetime import datetime

    from playwright.sync_api import Browser

PATIENCE = 20_000
"""Milliseconds that a screen may take; nothing waits longer than it must."""


class Screen:
    """Somebody's browser window, and the page in it."""

    def __init__(self, browser: Browser, url: str, language: str = "en-GB", *, dark: bool = False) -> None:
        scheme: Literal["dark", "light"] = "dark" if dark else "light"
        self.context = browser.new_context(
            base_url=url, locale=language, color_scheme=scheme, viewport={"width": 1200, "height": 800}
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.troubles: list[str] = []
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", lambda said: self._note(said.type, said.text))

    def _note(self, kind: str, text: str) -> None:
        # That a request failed is what a killed service looks like; what the policy forbids is a mistake in a page.
        if kind == "error" and "Content Security Policy" in text:
            self.troubles.append(text)

    def sign_in(self, staff_number: str) -> None:
        """Sign in, and be led to the page that one's day begins with."""
        self.page.goto("/console/sign-in")
        self.page.locator("[name=staff_number]").fill(staff_number)
        self.page.locator("[name=password]").fill(PASSWORD)
        self.page.locator("main button.primary").click()
        expect(self.page.locator(".me")).to_contain_text(staff_number, timeout=PATIENCE)

    def press(self, key: str) -> None:
        """Press a key, wherever one is."""
        self.page.keyboard.press(key)

    def sees(self, where: str, text: str | re.Pattern[str] = "", *, within: int = PATIENCE) -> None:
        """Wait until something is there, with a text in it."""
        found = self.page.locator(where).first
        expect(found).to_be_visible(timeout=within)
        if text:
            expect(found).to_contain_text(text, timeout=within)

    def sees_no(self, where: str) -> None:
        """Wait until it is gone."""
        expect(self.page.locator(where)).to_be_hidden(timeout=PATIENCE)

    def close(self) -> None:
        """Close the window; nothing in it may have gone wrong."""
        self.context.close()
        assert not self.troubles, "\n".join(self.troubles)


class AgentsScreen(Screen):
    """The screen of somebody who talks to customers."""

    def gets_ready(self) -> None:
        """Press the key, and pick up the telephone."""
        self.sees(".badge.paused")
        self.press("r")
        self.sees(".telephone .badge.good")

    def gets_a_call(self) -> str:
        """Wait for a customer; the attention is on the script. Gives the customer's name."""
        self.sees(".call.connected")
        expect(self.page.locator("#work-script")).to_be_focused(timeout=PATIENCE)
        return self.page.locator(".call h2").inner_text().partition("\n")[0]

    def answers(self, key: str, next_words: str) -> None:
        """Press the key of the customer's answer, and read on."""
        self.press(key)
        self.sees(".script", next_words)

    def notes(self, text: str) -> None:
        """Write a note and wait until it is saved."""
        with self.page.expect_response(lambda answer: answer.url.endswith("/calls/write") and answer.status == 204):
            self.page.locator("[name=notes]").fill(text)
        self.press("Escape")

    def chooses(self, label: str) -> None:
        """Choose an outcome or a next step."""
        self.page.get_by_label(label, exact=True).check()
        self.press("Escape")

    def skips(self, reason: str) -> None:
        """Do not call the customer whose file is shown."""
        self.press("s")
        self.page.get_by_role("button", name=reason).click()

    def hangs_up(self) -> None:
        """End the conversation."""
        self.press("h")
        self.sees(".call.wrap_up")

    def promises(self, at: datetime) -> None:
        """Write down that the customer is called again at a time in London, and be done with the record."""
        local = at.astimezone(ZoneInfo("Europe/London"))
        self.chooses("Promised: call again at a time")
        self.page.locator("[name=day]").fill(f"{local:%Y-%m-%d}")
        self.page.locator("[name=hour]").fill(f"{local:%H:%M}")
        self.press("Control+Enter")
        self.sees_no(".call.wrap_up")

    def pauses_afterwards(self, reason: str) -> None:
        """Ask for a pause in the middle of a call."""
        self.press("p")
        self.page.get_by_role("button", name=reason).click()
        self.sees(".standing", f"afterwards: pause ({reason})")

    def has_notes(self, text: str) -> None:
        """Wait until these notes are in the form."""
        expect(self.page.locator("[name=notes]")).to_have_value(text, timeout=PATIENCE)

    def finishes(self) -> None:
        """Be done with the record."""
        self.press("f")
        self.sees_no(".call.wrap_up")
