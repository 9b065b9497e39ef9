"""The board in a browser: what each role sees, that it refreshes, and that a reconnected screen has everything."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from starlette.requests import Request

from dialer.core.agent import Role
from dialer.engine.board import Pace
from dialer.web.console.board import Wall, refresh
from tests.store import floor
from tests.web.console import leads
from tests.web.console.conftest import NOW, NUMBERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dialer.bootstrap import Works
    from tests.web.console.conftest import Browser, Hand

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)


@pytest.fixture
def all_works(works: Works, people: object) -> Any:
    del people
    leads.fill(works.store, 3, tier="vip")
    return leads.wired(works, {"survey": Pace("dialing 3: 5 ready, 2 ringing", NOW, {"hit_rate": 0.31})})


@pytest.fixture
def browser(all_works: Any) -> Browser:
    return leads.site(all_works)


def talk(works: Any, number: str = "3001", since: timedelta = MINUTE) -> None:
    """An agent who talks to C1."""
    at = NOW - since
    token = floor.call(
        works.store, "C1", at=at, answered_at=at, waited_at=at, connected_at=at, state="live", agent=number
    )
    floor.reserve(works.store, floor.agent(works.store, number, "Li Na", "on_call", since=at, leg="parked"), token)


async def test_a_lead_sees_agents_with_their_customers_campaigns_and_the_reason_of_the_pace(
    browser: Browser, all_works: Any
) -> None:
    talk(all_works)
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])

    page = (await browser.get("/console/board")).text

    for told in ("Li Na", "3001", "Name of C1", "dialing 3: 5 ready, 2 ringing", "hit_rate", "0.31", "predictive"):
        assert told in page
    assert 'sse-connect="/console/events/board"' in page
    assert '/console/board/vips/survey"' in page
    assert "+4420" not in page


async def test_an_operator_sees_figures_and_no_customer(browser: Browser, all_works: Any) -> None:
    talk(all_works)
    floor.promise(all_works.store, "C1", NOW + MINUTE, NOW + 9 * MINUTE)
    floor.call(all_works.store, "C2", state="live", answered_at=NOW, waited_at=NOW)
    await browser.sign_in(NUMBERS[Role.OPERATOR])

    page = (await browser.get("/console/board")).text

    assert "Li Na" in page
    assert "Name of C" not in page
    assert "/console/customers/" not in page
    assert (await browser.get("/console/board/vips/survey")).status == 403
    assert (await browser.get("/console/board/agents/3001")).status == 403


async def test_an_agent_does_not_see_the_board(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.AGENT])
    assert (await browser.get("/console/board")).status == 403


async def test_a_long_call_is_marked(browser: Browser, all_works: Any) -> None:
    talk(all_works, "3001", 4 * MINUTE)
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    assert "a long call" in (await browser.get("/console/board")).text


async def test_a_far_too_long_call_is_marked(browser: Browser, all_works: Any) -> None:
    talk(all_works, "3001", 6 * MINUTE)
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    assert "far too long a call" in (await browser.get("/console/board")).text


async def test_hostile_names_are_only_text(browser: Browser, all_works: Any) -> None:
    floor.agent(all_works.store, "3002", leads.EVIL, "paused", reason=leads.EVIL)
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])

    page = (await browser.get("/console/board")).text

    assert leads.EVIL not in page
    assert page.count("&lt;script&gt;") >= 2


async def test_the_board_in_chinese(browser: Browser, all_works: Any) -> None:
    talk(all_works)
    browser.language = "zh-CN"
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])

    page = (await browser.get("/console/board")).text

    for told in ("看板", "坐席", "放弃", "就绪"):
        assert told in page
    assert "Waiting" not in page


async def test_an_empty_board_teaches(works: Works, people: object) -> None:
    del people
    browser = leads.site(leads.wired(works))
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])

    page = (await browser.get("/console/board")).text

    assert "dialer campaigns apply" in page
    assert "No call is promised" in page


async def test_vip_gaps_by_name(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    page = (await browser.get("/console/board/vips/survey", htmx=True)).text
    assert "Name of C0" in page
    assert "<html" not in page


async def test_a_lead_pauses_and_signs_out_an_agent(browser: Browser, all_works: Any) -> None:
    floor.agent(all_works.store, "3001", "Li Na", "ready")
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    assert "Li Na" in (await browser.get("/console/board/agents/3001")).text

    await browser.post("/console/board/agents/3001/pause", htmx=True, reason="come to my desk")
    await browser.post("/console/board/agents/3001/sign-out")

    lead = NUMBERS[Role.TEAM_LEAD]
    assert all_works.shifts.asked == [("pause", "3001", "come to my desk", lead), ("sign_out", "3001", lead)]
    told = [(one.deed.action, one.deed.subject) for one in all_works.store.audit.latest(by=lead, action="agent")]
    assert told == [("agent.sign-out", "3001"), ("agent.pause", "3001")]


async def test_only_what_changed_something_is_in_the_trail(browser: Browser, all_works: Any) -> None:
    floor.agent(all_works.store, "3001", "Li Na", "ready")
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    for what in ("pause", "pause", "sign-out", "sign-out", "pause"):
        await browser.post(f"/console/board/agents/3001/{what}", htmx=True, reason="lunch")
    told = [one.deed.action for one in all_works.store.audit.latest(action="agent")]
    assert told == ["agent.sign-out", "agent.pause"]


@pytest.mark.parametrize("what", ["pause", "sign-out"])
async def test_nobody_can_be_paused_or_signed_out_who_is_not_there(browser: Browser, all_works: Any, what: str) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    assert (await browser.post(f"/console/board/agents/nobody/{what}", reason="x")).status == 404
    assert all_works.shifts.asked == []
    assert all_works.store.audit.latest(action="agent") == []


async def test_nobody_who_is_not_there_can_be_looked_at(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    assert (await browser.get("/console/board/agents/nobody")).status == 404


# --- Refreshing


def listen(browser: Browser, wall: Wall | None = None) -> AsyncIterator[tuple[str, str]]:
    """The events of one screen of whoever is signed in."""
    console = browser.console
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""})
    request.state.person = console.look_up(next(iter(browser.cookies.values())))
    request.state.tongue = console.languages.choose("en", "")
    return refresh(console, wall or Wall(console), request)


async def test_a_screen_is_told_everything_at_once_and_then_what_changes(
    browser: Browser, all_works: Any, clock: Hand
) -> None:
    floor.agent(all_works.store, "3001", "Li Na", "ready", leg="parked")
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    events = listen(browser)
    first = dict([await anext(events) for _ in range(10)])
    assert set(first) >= {"figures", "campaigns", "promised", "charts", "agents-ready"}
    assert "Li Na" in first["agents-ready"]

    with all_works.store.database.write() as connection:
        connection.exec_driver_sql("UPDATE presence SET state = 'paused'")
    clock.at += timedelta(seconds=1)
    all_works.changes.happened()
    changed = dict([await asyncio.wait_for(anext(events), 5) for _ in range(3)])

    assert set(changed) == {"figures", "agents-ready", "agents-paused"}
    assert "Li Na" in changed["agents-paused"]
    assert changed["agents-ready"] == ""


async def test_a_reconnected_screen_has_the_whole_state_again(browser: Browser, all_works: Any, clock: Hand) -> None:
    floor.agent(all_works.store, "3001", "Li Na", "ready", leg="parked")
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    before = listen(browser)
    for _ in range(10):
        await anext(before)
    with all_works.store.database.write() as connection:
        connection.exec_driver_sql("UPDATE presence SET state = 'paused'")
    clock.at += timedelta(seconds=1)

    again = dict([await anext(events) for events in [listen(browser)] for _ in range(10)])

    assert "Li Na" in again["agents-paused"]
    assert again["agents-ready"] == ""


async def test_screens_that_show_the_same_are_drawn_once(browser: Browser, all_works: Any) -> None:
    floor.agent(all_works.store, "3001", "Li Na", "ready")
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    wall = Wall(browser.console)
    one, other = listen(browser, wall), listen(browser, wall)
    for _ in range(10):
        (name, html), (same, again) = await anext(one), await anext(other)
        assert name == same
        assert html is again
