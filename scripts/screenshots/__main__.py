"""Pictures of every screen, taken from the running program while it calls simulated people."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser import call_centre, chromium
from tests.browser.people_at_screens import AgentsScreen, Screen

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.call_centre import CallCentre

HERE = Path(__file__).parent
PEOPLE = """\
- { number: "sip:*", answer: agent, ring: [2, 4] }
- { number: "+4420794600*", answer: human, ring: [3, 6], talk: [9000, 9900], patience: [200, 300], keys: ["1", "1"] }
- number: "*"
  mix: { human: 6, no-answer: 2, machine: 1, busy: 1 }
  ring: [3, 18]
  keys: { "1": 0.6, "2": 0.2, "3": 0.1, hangup: 0.1 }
"""
"""The first hundred talk to agents until those hang up; the others answer the machine as people do."""


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(prog="scripts/screens", description=__doc__)
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="every screen, light and dark, in both languages")
    folder = parser.parse_args().all
    with (
        tempfile.TemporaryDirectory() as place,
        call_centre.in_folder(Path(place)) as centre,
        chromium.opened() as browser,
    ):
        open_for_the_day(centre)
        shop = Studio(centre, browser, folder or HERE, everything=folder is not None)
        shop.take()
    print(f"Pictures are in {folder or HERE}")


def open_for_the_day(centre: CallCentre) -> None:
    """Start everything: a survey by agents, and a renewal that the machine calls for."""
    centre.environment |= {"DIALER_MINIMUM_SPACING": "1 second", "DIALER_CALLS_PER_SECOND": "30"}
    centre.people = PEOPLE
    centre.start_carrier(speed=15)
    machine: dict[str, Any] = {name: part for name, part in call_centre.survey().items() if name != "agents"}
    machine |= {"campaign": "renewal", "title": "Renewal by telephone"}
    asked = call_centre.survey(mode="preview")
    people = call_centre.customers(140)
    centre.furnish(call_centre.staff(5), people, asked, machine)
    service = centre.start_service()
    # By then customers have a history.
    centre.until(lambda: centre.has_called(len(people)), "the machine has called everybody", service)


@dataclass
class Studio:
    """Takes pictures, of the README only or of everything."""

    centre: CallCentre
    browser: Browser
    folder: Path
    everything: bool

    def take(self) -> None:
        """One shift, and a picture of each of its moments."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._agents()
        self._others()

    def _agents(self) -> None:
        anna = AgentsScreen(self.browser, self.centre.url)
        anna.sign_in("2001")
        anna.sees(".idle")
        self._keep(anna, "work-paused")
        self._colleagues()
        anna.gets_ready()
        anna.sees(".call.preview")
        self._keep(anna, "work-preview")
        anna.press("d")
        anna.gets_a_call()
        anna.answers("1", "How satisfied are you")
        anna.answers("2", "What should we improve?")
        anna.notes("Waited twenty minutes on the telephone last week; would like a letter.")
        self._keep(anna, "work-call", readme=True)
        anna.answers("2", "Thank you very much.")
        anna.hangs_up()
        anna.chooses("Promised: call again at a time")
        at = datetime.now(UTC) + timedelta(hours=3)  # noqa: TID251 - pictures are taken now
        anna.page.locator("[name=day]").fill(f"{at:%Y-%m-%d}")
        anna.page.locator("[name=hour]").fill(f"{at:%H:%M}")
        self._keep(anna, "work-wrap-up", readme=True, dark=True)
        anna.press("Control+Enter")
        anna.sees(".call.preview")
        anna.press("d")
        anna.gets_a_call()
        self.anna = anna

    def _colleagues(self) -> None:
        """Others at work, so that the board has something to show."""
        for number, until in (("2002", "call"), ("2003", "wrap-up"), ("2004", "preview"), ("2005", "paused")):
            one = AgentsScreen(self.browser, self.centre.url)
            one.sign_in(number)
            if until == "paused":
                continue
            one.gets_ready()
            one.sees(".call.preview")
            if until == "preview":
                continue
            one.press("d")
            one.gets_a_call()
            if until == "wrap-up":
                one.hangs_up()

    def _others(self) -> None:
        visitor = Screen(self.browser, self.centre.url)
        visitor.page.goto("/console/sign-in")
        self._keep(visitor, "sign-in")
        lead = Screen(self.browser, self.centre.url)
        lead.sign_in(call_centre.LEAD)
        lead.page.goto("/console/board")
        lead.sees(".board-on_call", "Anna Kent")
        self._keep(lead, "board", readme=True)
        pages: dict[str, str] = {
            "customer": "/console/customers/C-001",
            "campaigns": "/console/campaigns",
            "campaign": "/console/campaigns/survey",
            "why": "/console/customers/C-001/why",
            "tasks": "/console/tasks",
            "reports": "/console/reports",
        }
        for name, path in pages.items():
            lead.page.goto(path)
            expect(lead.page.locator("main h1").first).to_be_visible()
            self._keep(lead, name, readme=name in {"customer", "campaign", "reports"})
        chinese = Screen(self.browser, self.centre.url, "zh-CN", dark=True)
        chinese.sign_in(call_centre.LEAD)
        chinese.page.goto("/console/board")
        chinese.sees(".board-on_call", "Anna Kent")
        self._shoot(chinese, "board-zh-dark")
        dora = AgentsScreen(self.browser, self.centre.url, "zh-CN")
        dora.sign_in("2005")
        dora.gets_ready()
        dora.sees(".call.preview")
        self._shoot(dora, "work-preview-zh")

    def _keep(self, screen: Screen, name: str, *, readme: bool = False, dark: bool = False) -> None:
        """The picture of one moment; with everything, in light and dark."""
        if readme:
            screen.page.emulate_media(color_scheme="dark" if dark else "light")
            self._shoot(screen, name)
        if self.everything:
            screen.page.emulate_media(color_scheme="light" if dark else "dark")
            self._shoot(screen, f"{name}-{'light' if dark else 'dark'}")
            screen.page.emulate_media(color_scheme="dark" if dark else "light")
            self._shoot(screen, name)

    def _shoot(self, screen: Screen, name: str) -> None:
        for moving in (".htmx-added", ".htmx-settling", ".htmx-request"):
            expect(screen.page.locator(moving)).to_have_count(0)
        screen.page.screenshot(path=self.folder / f"{name}.png", animations="disabled")


if __name__ == "__main__":
    main()
