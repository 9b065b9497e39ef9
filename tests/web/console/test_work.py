"""The agent's screen on a shift that is written by hand: each stage is drawn, each button asks for the right thing."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette

from dialer.core.agent import Agent, AgentState, Presence, Role
from dialer.core.outcome import Disposition
from dialer.core.staffing import Mode
from dialer.engine.agent_view import (
    AgentView,
    Ahead,
    CallView,
    Choice,
    NextStep,
    Option,
    PastCall,
    Record,
    ScriptPage,
    Stage,
)
from dialer.engine.changes import Changes
from dialer.errors import InputError, Problem
from dialer.store import Seat
from dialer.web.console import account, sign_in, work
from dialer.web.console.site import Console
from tests.campaigns import number
from tests.web.console.conftest import CHEAP, NOW, NUMBERS, Browser, Hand

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dialer.bootstrap import Works
    from dialer.store import Member

pytestmark = pytest.mark.anyio

ME = NUMBERS[Role.AGENT]
MINUTE = timedelta(minutes=1)
PAGE = ScriptPage(
    ("Good morning, Ms Bell <b>.",), "satisfied", 1, "Are you satisfied?", (Option("1", "Yes"), Option("2", "So-so"))
)
PAST = PastCall(NOW - timedelta(days=2), "survey", "no_answer", "2002", None, "rang long", {"mood": "fine"})


def in_hand(stage: Stage, **changes: Any) -> CallView:
    """A customer in hand."""
    call = CallView(
        attempt="a-1",
        campaign="survey",
        title="Spring survey",
        mode=Mode.PROGRESSIVE,
        stage=stage,
        since=NOW - MINUTE,
        reference="C-77",
        name="Ada <Bell>",
        salutation="Ms",
        tier="vip",
        language="en-GB",
        number=number(123),
        zones=("Europe/London", "Asia/Tokyo"),
        region="Yorkshire",
        fields={"policy_number": "P & Q"},
        page=PAGE,
        answers={"convenient": "Yes"},
        history=(PAST,),
        outcomes=(Choice("bought", "Bought it", Disposition.COMPLETED), Choice("refused", "", Disposition.REFUSED)),
        notes="likes tea",
        ends_at=NOW + timedelta(seconds=20),
        warn_at=NOW + 2 * MINUTE,
        flag_at=NOW + 4 * MINUTE,
    )
    return replace(call, **changes)


@dataclass
class Double:
    """Shifts whose view is set by the test, and that remember what they were asked."""

    view_now: AgentView
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    seen_times: int = 0
    views: int = 0
    refuses: InputError | None = None

    async def view(self, staff_number: str) -> AgentView:
        assert staff_number == self.view_now.agent.staff_number
        self.views += 1
        return self.view_now

    def seen(self, staff_number: str) -> None:
        assert staff_number == self.view_now.agent.staff_number
        self.seen_times += 1

    def __getattr__(self, name: str) -> Any:
        async def ask(*args: Any) -> bool:
            if self.refuses is not None:
                raise self.refuses
            self.asked.append((name, *args))
            return name == "write" and bool(args[-1].outcome)

        return ask

    def stands(self, state: AgentState, call: CallView | None = None, **changes: Any) -> None:
        presence = Presence(state, NOW - MINUTE, changes.pop("reason", ""), changes.pop("afterwards", None))
        self.view_now = replace(self.view_now, presence=presence, call=call, **changes)


@dataclass(frozen=True)
class Instead:
    """Something with a few of its parts replaced."""

    whole: Any
    parts: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.parts[name] if name in self.parts else getattr(self.whole, name)


@dataclass
class Seats:
    """The seat of the one agent there is."""

    shifts: Double
    looks: int = 0

    def all(self) -> list[Seat]:
        self.looks += 1
        view = self.shifts.view_now
        return [Seat(1, view.agent, view.presence, view.leg, "", "", None, view.leg_tries, None, None)]


@pytest.fixture
def shifts() -> Double:
    agent = Agent(ME, "Name", address="+441632960000")
    ahead = (Ahead(NOW + timedelta(hours=1), "promise", "C-9", "Tom", "survey", "call after tea"),)
    first = AgentView(agent, Presence(AgentState.PAUSED, NOW), "none", 0, None, ahead, (("survey", "Spring survey"),))
    return Double(replace(first, today={"calls": 7, "reached": 3, "promises": 1}))


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
def seats(shifts: Double) -> Seats:
    return Seats(shifts)


@pytest.fixture
def site(works: Works, people: dict[Role, Member], shifts: Double, changes: Changes, seats: Seats) -> Console:
    del people
    store = Instead(works.store, {"presences": seats})
    whole: Any = Instead(works, {"shifts": shifts, "changes": changes, "store": store})
    console = Console(whole, CHEAP)
    for module in (sign_in, account, work):
        module.add(console)
    return console


@pytest.fixture
async def agent(site: Console) -> Browser:
    browser = Browser(site, Starlette(routes=site.routes()))
    await browser.sign_in(ME)
    return browser


def keys(html: str) -> set[str]:
    return set(re.findall(r'data-key="(\w)"', html))


def trail(works: Works) -> list[tuple[str, str]]:
    return [(row.deed.action, row.deed.subject) for row in works.store.audit.latest(50)]


# --- What is shown


async def test_the_day_begins_by_opening_the_page(agent: Browser, shifts: Double) -> None:
    shifts.stands(AgentState.OFFLINE)
    page = await agent.get("/console/calls")
    assert shifts.asked == [("sign_in", ME)]
    assert shifts.seen_times == 1
    assert "You are not at work" in page.text
    await agent.get("/console/calls?away=1")
    assert len(shifts.asked) == 1


async def test_paused_says_what_to_do_and_what_is_ahead(agent: Browser, shifts: Double) -> None:
    shifts.stands(AgentState.PAUSED, reason="lunch")
    html = (await agent.get("/console/calls")).text
    assert {"r", "p"} <= keys(html)
    for text in ("You are paused", "Lunch", "Promised call", "call after tea", "Spring survey", "3 Mar 15:30"):
        assert text in html
    assert re.search(r"<dt>reached</dt><dd>3</dd>", html)
    assert 'sse-connect="/console/events/calls"' in html


@pytest.mark.parametrize(
    ("leg", "tries", "text"),
    [
        ("none", 0, "It is called when you get ready."),
        ("calling", 1, "Pick up, press 1 if you are asked to"),
        ("parked", 1, "Telephone on the line"),
        ("none", 1, "Tried 1 time; "),
        ("none", 3, "Tried 3 times; "),
    ],
)
async def test_the_telephone(agent: Browser, shifts: Double, leg: str, tries: int, text: str) -> None:
    shifts.stands(AgentState.READY, leg=leg, leg_tries=tries)
    html = (await agent.get("/console/calls")).text
    assert text in html
    assert ("r" in keys(html)) is (leg == "none")


async def test_without_telephone_or_campaign_the_agent_is_told_whom_to_ask(agent: Browser, shifts: Double) -> None:
    nowhere = replace(shifts.view_now.agent, address="")
    shifts.stands(AgentState.READY, agent=nowhere, campaigns=())
    html = (await agent.get("/console/calls")).text
    assert "Ask a manager to enter it." in html
    assert "Ask your team lead." in html


async def test_preview(agent: Browser, shifts: Double) -> None:
    shifts.stands(AgentState.RESERVED, in_hand(Stage.PREVIEW, promised_for=NOW))
    html = (await agent.get("/console/calls")).text
    assert {"d", "s", "p"} <= keys(html)
    assert "then it is dialed by itself" in html
    assert "promised for 3 Mar 14:30" in html
    assert 'data-until="2026-03-03T14:30:20+00:00"' in html
    assert "likes tea" not in html  # nothing is written down before the call
    shifts.stands(AgentState.RESERVED, in_hand(Stage.PREVIEW, dials_at_zero=False))
    assert "goes back to the queue" in (await agent.get("/console/calls")).text


async def test_dialing(agent: Browser, shifts: Double) -> None:
    shifts.stands(AgentState.RESERVED, in_hand(Stage.DIALING))
    html = (await agent.get("/console/calls")).text
    assert "It rings" in html
    assert 'data-since="2026-03-03T14:29:00+00:00"' in html
    assert not {"d", "h", "f", "1"} & keys(html)


async def test_connected(agent: Browser, shifts: Double) -> None:
    shifts.stands(AgentState.ON_CALL, in_hand(Stage.CONNECTED), afterwards=AgentState.PAUSED)
    html = (await agent.get("/console/calls")).text
    assert {"h", "1", "2", "b", "p", "r"} <= keys(html)
    for text in ("Are you satisfied?", "So-so", "likes tea", "Bought it", "Does not want this", "VIP", "no answer"):
        assert text in html
    assert "afterwards: pause" in html
    assert "14:30" in html
    assert "23:30" in html  # in Tokyo
    assert "P &amp; Q" in html
    assert "<b>." not in html
    assert "Ada &lt;Bell&gt;" in html
    assert "9460123" not in html
    assert "●" in html


async def test_long_conversations_change_colour(agent: Browser, shifts: Double) -> None:
    for flagged, word in ((NOW + MINUTE, "Come to an end"), (NOW, "the team lead sees it")):
        shifts.stands(AgentState.ON_CALL, in_hand(Stage.CONNECTED, warn_at=NOW, flag_at=flagged))
        assert word in (await agent.get("/console/calls")).text


async def test_the_end_of_the_script(agent: Browser, shifts: Double) -> None:
    shifts.stands(AgentState.ON_CALL, in_hand(Stage.CONNECTED, page=ScriptPage(("Goodbye.",)), chosen="bought"))
    html = (await agent.get("/console/calls")).text
    assert "The script is over" in html
    assert "Outcome so far: Bought it" in html


async def test_wrap_up(agent: Browser, shifts: Double) -> None:
    promised = NOW + timedelta(days=1)
    shifts.stands(AgentState.WRAP_UP, in_hand(Stage.WRAP_UP, chosen="refused", promise_at=promised))
    html = (await agent.get("/console/calls")).text
    assert "f" in keys(html)
    assert 'form="record"' in html
    assert '<progress max="80"' in html
    assert re.search(r'value="refused" checked', html)
    assert re.search(r'value="promise" checked', html)
    assert 'value="2026-03-04"' in html
    assert "Are you satisfied?" not in html


async def test_in_chinese(site: Console, shifts: Double) -> None:
    browser = Browser(site, Starlette(routes=site.routes()), language="zh-CN")
    await browser.sign_in(ME)
    shifts.stands(AgentState.ON_CALL, in_hand(Stage.CONNECTED), reason="")
    html = (await browser.get("/console/calls")).text
    for text in ("通话中", "挂断", "话术", "备注", "通话结果", "预约回访", "无人接听"):
        assert text in html


async def test_an_operator_has_no_such_screen(site: Console) -> None:
    browser = Browser(site, Starlette(routes=site.routes()))
    await browser.sign_in(NUMBERS[Role.OPERATOR])
    assert (await browser.get("/console/calls")).status == 403


# --- What the buttons ask for


@pytest.mark.parametrize(
    ("path", "fields", "asked"),
    [
        ("start", {}, ("sign_in", ME)),
        ("ready", {}, ("get_ready", ME)),
        ("pause", {"reason": "lunch"}, ("pause", ME, "lunch")),
        ("pause", {"other": " a nail "}, ("pause", ME, "a nail")),
        ("leave", {}, ("sign_out", ME)),
        ("dial", {"attempt": "a-1"}, ("dial", ME, "a-1")),
        ("skip", {"attempt": "a-1", "reason": "recent"}, ("skip", ME, "a-1", "recent")),
        (
            "answer",
            {"attempt": "a-1", "node": "satisfied", "tries": "2", "key": "1"},
            ("answer", ME, "a-1", "satisfied", 2, "1"),
        ),
        ("back", {"attempt": "a-1"}, ("back", ME, "a-1")),
        ("hang-up", {"attempt": "a-1"}, ("hang_up", ME, "a-1")),
    ],
)
@pytest.mark.parametrize("htmx", [False, True])
async def test_buttons(
    agent: Browser, shifts: Double, path: str, fields: dict[str, Any], asked: tuple[Any, ...], *, htmx: bool
) -> None:
    shifts.stands(AgentState.ON_CALL, in_hand(Stage.CONNECTED))
    await agent.get("/console/calls")
    answer = await agent.post(f"/console/calls/{path}", htmx=htmx, **fields)
    assert shifts.asked == [asked]
    if not htmx:
        assert (answer.status, answer.goes_to.partition("?")[0]) == (303, "/console/calls")
    else:
        assert answer.status == 204
        assert answer.goes_to == ("/console/calls?away=1" if path == "leave" else "")


async def test_whatever_an_agent_says_of_a_call_is_in_the_trail(agent: Browser, shifts: Double, works: Works) -> None:
    shifts.stands(AgentState.ON_CALL, in_hand(Stage.CONNECTED))
    await agent.get("/console/calls")
    await agent.post("/console/calls/answer", attempt="a-1", node="satisfied", tries="2", key="1")
    await agent.post("/console/calls/back", attempt="a-1")
    await agent.post("/console/calls/write", attempt="a-1", notes="only a note")
    await agent.post("/console/calls/write", attempt="a-1", outcome="bought")
    deeds = [(one.deed.action, one.deed.detail) for one in works.store.audit.latest(10, subject="a-1")]
    assert deeds[::-1] == [
        ("call.answer", {"question": "satisfied", "key": "1"}),
        ("call.back", {}),
        ("call.draft", {"outcome": "bought", "next_step": "done"}),
    ]


@pytest.mark.parametrize("path", ["dial", "skip", "answer", "back", "hang-up", "write", "finish"])
async def test_what_was_meant_for_one_customer_never_reaches_the_next(
    agent: Browser, shifts: Double, path: str
) -> None:
    await agent.get("/console/calls")
    for call in (None, in_hand(Stage.CONNECTED, attempt="a-2")):
        shifts.stands(AgentState.ON_CALL, call)
        fields: dict[str, Any] = {"attempt": "a-1", "tries": "1", "reason": "recent", "notes": "secret"}
        answer = await agent.post(f"/console/calls/{path}", htmx=True, **fields)
        assert answer.status == 409
        assert "nothing was changed" in answer.text
    assert shifts.asked == []


@pytest.mark.parametrize("htmx", [False, True])
async def test_what_is_not_possible_now_is_said(agent: Browser, shifts: Double, *, htmx: bool) -> None:
    await agent.get("/console/calls")
    shifts.refuses = InputError([Problem("outcome", "is missing", "choose one"), Problem("moon", "is full", "wait")])
    answer = await agent.post("/console/calls/ready", htmx=htmx)
    assert answer.status == 409
    assert "Choose what came of it: the script has established nothing. moon: is full (wait)" in answer.text
    assert ("hx-retarget" in answer.headers) is htmx


async def test_a_reason_is_needed(agent: Browser, shifts: Double) -> None:
    shifts.stands(AgentState.RESERVED, in_hand(Stage.PREVIEW))
    await agent.get("/console/calls")
    assert (await agent.post("/console/calls/pause", htmx=True, other=" ")).status == 422
    assert (await agent.post("/console/calls/skip", htmx=True, attempt="a-1")).status == 422
    assert shifts.asked == []


async def test_changes_are_in_the_trail_and_typing_is_not(agent: Browser, shifts: Double, works: Works) -> None:
    shifts.stands(AgentState.WRAP_UP, in_hand(Stage.WRAP_UP))
    await agent.get("/console/calls")
    await agent.post("/console/calls/pause", reason="lunch")
    await agent.post("/console/calls/write", attempt="a-1", notes="private matter")
    await agent.post("/console/calls/finish", attempt="a-1", notes="private matter", outcome="bought")
    assert {("work.pause", ME), ("call.record", "a-1")} <= set(trail(works))
    assert "private" not in str(works.store.audit.latest(50))


# --- The record


async def test_finishing(agent: Browser, shifts: Double) -> None:
    shifts.stands(AgentState.WRAP_UP, in_hand(Stage.WRAP_UP))
    await agent.get("/console/calls")
    fields: dict[str, Any] = {
        "day": "2026-03-05",
        "hour": "10:00",
        "zone": "Asia/Tokyo",
        "notes": " wants a letter \n",
        "person": "x",
    }
    answer = await agent.post(
        "/console/calls/finish", attempt="a-1", outcome="bought", next_step="promise", another_agent="yes", **fields
    )
    assert answer.status == 303
    at = datetime(2026, 3, 5, 10)  # noqa: DTZ001 - a wall clock
    record = Record("bought", "wants a letter", NextStep.PROMISE, at, "Asia/Tokyo", another_agent=True)
    assert shifts.asked == [("finish", ME, "a-1", record)]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"next_step": "promise", "day": "2026-03-05"}, "Fill in both"),
        ({"next_step": "promise", "day": "tomorrow", "hour": "10:00"}, "Fill in both"),
        ({"next_step": "opt_out"}, "never to be called again"),
    ],
)
async def test_half_a_record_is_kept_but_not_finished(
    agent: Browser, shifts: Double, fields: dict[str, Any], text: str
) -> None:
    shifts.stands(AgentState.WRAP_UP, in_hand(Stage.WRAP_UP))
    await agent.get("/console/calls")
    answer = await agent.post("/console/calls/finish", htmx=True, attempt="a-1", **fields)
    assert answer.status == 422
    assert text in answer.text
    assert shifts.asked == []
    assert (await agent.post("/console/calls/write", htmx=True, attempt="a-1", notes="n", **fields)).status == 204
    assert shifts.asked == [("write", ME, "a-1", Record(notes="n"))]


async def test_only_what_was_offered_is_taken(agent: Browser, shifts: Double) -> None:
    shifts.stands(AgentState.WRAP_UP, in_hand(Stage.WRAP_UP))
    await agent.get("/console/calls")
    odd: dict[str, Any] = {"outcome": "hacked", "next_step": "nix", "zone": "Mars/Base", "notes": "n" * 5000}
    await agent.post("/console/calls/finish", attempt="a-1", **odd)
    await agent.post("/console/calls/finish", attempt="a-1", next_step="opt_out", sure="yes")
    await agent.post("/console/calls/finish", attempt="a-1", next_step="case", person=" Kim ")
    records = [record for _, _, _, record in shifts.asked]
    assert records[0] == Record(notes="n" * 4000)
    assert records[1] == Record(next_step=NextStep.OPT_OUT)
    assert records[2] == Record(next_step=NextStep.CASE, person="Kim")


# --- The stream


class Stream:
    """The events of one screen as they come."""

    def __init__(self, site: Console, browser: Browser) -> None:
        self._events: asyncio.Queue[str] = asyncio.Queue()
        self.beats = 0
        self._task = asyncio.create_task(self._listen(site, browser))

    async def _listen(self, site: Console, browser: Browser) -> None:
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "https",
            "path": "/console/events/calls",
            "raw_path": b"/console/events/calls",
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"calls.example.com"), (b"cookie", cookie.encode())],
            "client": ("192.0.2.7", 1234),
            "server": ("127.0.0.1", 8080),
        }

        async def receive() -> dict[str, Any]:
            await asyncio.Event().wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            for event in message.get("body", b"").decode().replace("\r", "").split("\n\n"):
                if event.startswith("event: beat\n"):
                    self.beats += 1
                elif event.startswith("event: "):
                    await self._events.put(event)

        del site
        await browser.app(scope, receive, send)

    async def next(self, count: int) -> dict[str, str]:
        events = [await asyncio.wait_for(self._events.get(), 5) for _ in range(count)]
        return {event.partition("\n")[0].removeprefix("event: "): event for event in events}

    def silent(self) -> bool:
        return self._events.empty()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture
async def stream(site: Console, agent: Browser, shifts: Double) -> AsyncIterator[Stream]:
    shifts.stands(AgentState.ON_CALL, in_hand(Stage.CONNECTED))
    one = Stream(site, agent)
    yield one
    await one.close()


async def test_the_stream_begins_with_everything_and_sends_only_what_changes(
    stream: Stream, shifts: Double, agent: Browser
) -> None:
    assert set(await stream.next(6)) == set(work.PARTS)
    shifts.stands(AgentState.ON_CALL, in_hand(Stage.CONNECTED, page=replace(PAGE, question="And the price?")))
    await agent.post("/console/calls/back", htmx=True, attempt="a-1")
    told = await stream.next(1)
    assert "And the price?" in told["script"]
    assert stream.silent()


async def test_what_others_do_is_not_looked_at(stream: Stream, shifts: Double, changes: Changes, seats: Seats) -> None:
    await stream.next(6)
    looks, views = seats.looks, shifts.views
    changes.happened()
    while seats.looks == looks:
        await changes.wait(changes.version, timedelta(milliseconds=10))
    assert shifts.views == views
    shifts.stands(AgentState.WRAP_UP, in_hand(Stage.WRAP_UP))
    changes.happened()
    assert "call" in await stream.next(3)


async def test_typing_is_never_replaced_while_the_call_is_the_same(
    stream: Stream, shifts: Double, changes: Changes
) -> None:
    first = (await stream.next(6))["record"]
    shifts.stands(AgentState.WRAP_UP, in_hand(Stage.WRAP_UP, notes="more", chosen="bought"))
    changes.happened()
    told = await stream.next(3)
    while "record" not in told:
        told |= await stream.next(1)
    prints = [re.findall(r'data-print="(\w+)"', one)[0] for one in (first, told["record"])]
    assert prints[0] == prints[1]  # by which the browser keeps what it has
    shifts.stands(AgentState.ON_CALL, in_hand(Stage.CONNECTED, attempt="a-2"))
    changes.happened()
    told = await stream.next(1)
    while "record" not in told:
        told |= await stream.next(1)
    assert re.findall(r'data-print="(\w+)"', told["record"])[0] != prints[0]


async def test_an_open_screen_is_asked_whether_somebody_is_there(
    stream: Stream, shifts: Double, clock: Hand, changes: Changes, agent: Browser
) -> None:
    await stream.next(6)
    shifts.stands(AgentState.WRAP_UP, in_hand(Stage.WRAP_UP))
    clock.at += work.HEARTBEAT
    changes.happened()
    await stream.next(3)
    while stream.beats < 2:
        await changes.wait(changes.version, timedelta(milliseconds=10))
    before = shifts.seen_times
    assert (await agent.post("/console/calls/here", htmx=True)).status == 204
    assert shifts.seen_times == before + 1
    assert timedelta(seconds=5) > work.HEARTBEAT
