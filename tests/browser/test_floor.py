"""A shift as people live it, in real browsers on the running program, with everything that happens in one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.call_centre import LEAD, customers, staff, survey
from tests.browser.people_at_screens import PATIENCE, AgentsScreen, Screen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.browser.call_centre import CallCentre

pytestmark = pytest.mark.slow

BUSY_TELEPHONE = '- { number: "sip:2002*", answer: busy }\n'


@dataclass(frozen=True)
class Floor:
    """Two agents and their team lead at their screens."""

    centre: CallCentre
    anna: AgentsScreen
    ben: AgentsScreen
    lead: Screen


@pytest.fixture
def floor(centre: CallCentre, browser: Browser) -> Iterator[Floor]:
    """All signed in, the lead with the board open; nobody is ready yet."""
    centre.start_carrier()
    centre.furnish(staff(2), customers(6), survey())
    centre.start_service()
    anna, ben, lead = AgentsScreen(browser, centre.url), AgentsScreen(browser, centre.url), Screen(browser, centre.url)
    anna.sign_in("2001")
    ben.sign_in("2002")
    lead.sign_in(LEAD)
    lead.page.goto("/console/board")
    yield Floor(centre, anna, ben, lead)
    for screen in (anna, ben, lead):
        screen.close()


def test_a_shift(floor: Floor) -> None:
    anna, ben = floor.anna, floor.ben
    anna.gets_ready()
    assert anna.gets_a_call() == "Ms Ada Bell", "the VIP is called first"
    anna.sees(".call h2", "VIP")
    anna.sees(".file", "home insurance")
    floor.lead.sees(".board-on_call", "Anna Kent")
    ben.gets_ready()
    asked = ben.gets_a_call()
    floor.lead.sees(".board-on_call", "Ben Shaw")
    follow_the_script(anna)
    promise_another_time(floor, asked)
    lose_the_service(floor)
    go_to_lunch(floor)


def follow_the_script(anna: AgentsScreen) -> None:
    """By keyboard, one step back and forth; the script establishes the outcome."""
    anna.sees(".script", "Do you have half a minute?")
    anna.answers("1", "How satisfied are you")
    anna.answers("2", "What should we improve?")
    anna.answers("b", "How satisfied are you")
    anna.answers("2", "What should we improve?")
    anna.notes("Waited twenty minutes last week.")
    anna.answers("1", "Thank you very much.")
    anna.sees(".saying", "Outcome so far: Not satisfied")
    anna.hangs_up()
    anna.has_notes("Waited twenty minutes last week.")
    anna.finishes()


def promise_another_time(floor: Floor, customer: str) -> None:
    """The customer is busy; the agent and the team lead see when they are called again."""
    name = customer.partition(" ")[2]
    floor.ben.answers("2", "When may we call again?")
    floor.ben.hangs_up()
    floor.ben.promises(datetime.now(UTC) + timedelta(hours=2))  # noqa: TID251 - people live in the present
    floor.ben.sees(".ahead", name)
    floor.lead.sees("[sse-swap=promised]", name)


def lose_the_service(floor: Floor) -> None:
    """Killed in the middle of a call. The telephones go on, and the screens find what they had, typed text included."""
    anna, lead = floor.anna, floor.lead
    anna.gets_a_call()
    anna.answers("1", "How satisfied are you")
    anna.notes("Moves house in May.")
    floor.centre.kill_service()
    anna.sees("#lost")
    lead.sees("#lost")
    anna.page.locator("[name=notes]").fill("Moves house in May. Wants a letter.")
    anna.press("Escape")
    floor.centre.start_service()
    anna.sees_no("#lost")
    lead.sees_no("#lost")
    anna.sees(".script", "How satisfied are you")
    anna.has_notes("Moves house in May. Wants a letter.")
    lead.sees(".board-on_call", "Anna Kent")
    anna.answers("1", "Thank you very much.")


def go_to_lunch(floor: Floor) -> None:
    """A pause that is asked for in a call begins after it; what was typed while nobody listened is there."""
    anna = floor.anna
    anna.pauses_afterwards("Lunch")
    anna.hangs_up()
    anna.page.reload()
    anna.has_notes("Moves house in May. Wants a letter.")
    anna.finishes()
    anna.sees(".badge.paused")
    anna.sees(".where", "Lunch")
    floor.lead.sees(".board-paused", "Anna Kent")


def test_an_agents_screen_in_chinese(centre: CallCentre, browser: Browser) -> None:
    centre.start_carrier()
    centre.furnish(staff(1), customers(1), survey(mode="preview"))
    centre.start_service()
    agent = AgentsScreen(browser, centre.url, language="zh-CN")
    agent.sign_in("2001")
    agent.gets_ready()
    agent.sees(".call.preview", "查看客户资料")
    expect(agent.page).to_have_title(re.compile("Ada Bell"), timeout=PATIENCE)
    agent.press("d")
    agent.gets_a_call()
    agent.sees(".call", "通话中")
    agent.close()


def test_what_is_not_possible_is_said(centre: CallCentre, browser: Browser) -> None:
    centre.people = BUSY_TELEPHONE + centre.people
    centre.start_carrier()
    centre.furnish(staff(2), customers(3), survey(mode="preview"))
    centre.start_service()
    anna, ben = AgentsScreen(browser, centre.url), AgentsScreen(browser, centre.url)
    ben.sign_in("2002")
    ben.press("r")
    anna.sign_in("2001")
    anna.gets_ready()
    anna.sees(".call.preview", "Ada Bell")
    anna.skips("Was spoken to recently")
    anna.sees(".call.preview", "Tom Reed")
    anna.press("d")
    anna.gets_a_call()
    anna.hangs_up()
    anna.press("f")
    anna.sees("#notice", "Choose what came of it")
    anna.chooses("Never call again")
    anna.press("f")
    anna.sees("#notice", "Please confirm")
    anna.chooses("Yes, the customer asked never to be called again")
    anna.finishes()
    ben.sees(".telephone .badge.bad", "Telephone not reached")
    ben.sees(".badge.paused")
    anna.close()
    ben.close()
