"""An agent's telephone is called once, waits in a conference of its own, and is called anew when it drops."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dialer.core.agent import AgentState, Move
from dialer.core.lifecycle import EventKind
from dialer.engine.parking import PRESS
from dialer.errors import ForgedRequestError
from dialer.ports import CallReport, Leg, Lost, NotSent, Placed, Placement
from tests.engine.floor_world import SECOND, TELEPHONE, Office
from tests.mortal import quiet
from tests.scripted_carrier import SILENCE

if TYPE_CHECKING:
    from tests.mortal import World

pytestmark = pytest.mark.anyio
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def office(world: World) -> Office:
    office = Office(world)
    await office.pass_time(10 * MINUTE)  # the process has run for a while
    office.hire("101")
    await office.shifts.sign_in("101")
    return office


async def look(office: Office, seconds: int = 0) -> None:
    """As many seconds of looking once a second, or one look."""
    for _ in range(seconds or 1):
        if seconds:
            await office.pass_time(SECOND)
        await office.parking.round()
        await quiet()


async def pick_up(office: Office) -> None:
    await office.shifts.get_ready("101")
    await look(office)
    await office.leg("101", "answer", sid="LEG1")


def record(office: Office, kind: EventKind | None) -> None:
    """What the carrier's record says of every call to a telephone."""

    async def fetch(carrier_call_id: str) -> CallReport | None:
        office.carrier.asked.append(f"fetch {carrier_call_id}")
        return None if kind is None else CallReport(carrier_call_id, kind, None, None)

    office.carrier.fetch = fetch  # type: ignore[method-assign]


async def test_nobody_is_called_before_they_are_ready(office: Office) -> None:
    await look(office, 3)
    assert not office.carrier.legs


async def test_a_ready_agent_is_called_once_and_waits(office: Office) -> None:
    await office.shifts.get_ready("101")
    await look(office, 5)
    (leg,) = office.carrier.legs
    assert (leg.address, leg.links.token) == (TELEPHONE, office.seat().leg_token)
    assert (office.seat().leg, office.seat().leg_call_id, office.seat().is_free) == ("calling", "LEG1", False)
    reply = await office.leg("101", "answer", sid="LEG1")
    assert reply.body == f"parked {leg.links.token}"
    assert office.seat().is_free
    await look(office, 5)
    assert len(office.carrier.legs) == 1


@pytest.fixture
async def at_home(office: Office) -> Office:
    """An agent at a telephone number, whose telephone rings."""
    office.hire("102", address="+442079460999", languages=("fr", "zh-CN"))
    await office.shifts.sign_in("102")
    await office.shifts.get_ready("102")
    await look(office)
    return office


async def test_whoever_picks_up_a_telephone_number_is_asked_for_a_key(at_home: Office) -> None:
    """It may be an answering machine, which must never get a customer."""
    asked = json.loads((await at_home.leg("102", "answer", sid="LEG1")).body)
    assert asked["listen"] == {"node": "key", "tries": 1, "spoken": PRESS["zh"]}
    assert (at_home.seat("102").leg, at_home.seat("102").is_free) == ("calling", False)
    reply = await at_home.leg("102", "step/key/1", digits="1", sid="LEG1")
    assert reply.body == f"parked {at_home.seat('102').leg_token}"
    assert at_home.seat("102").is_free


async def test_who_presses_nothing_is_asked_again_and_then_hung_up(at_home: Office) -> None:
    await at_home.leg("102", "answer", sid="LEG1")
    assert json.loads((await at_home.leg("102", "step/key/1", sid="LEG1")).body)["listen"]["tries"] == 2
    assert (await at_home.leg("102", "step/key/2", sid="LEG1")).body == SILENCE
    assert not at_home.seat("102").is_free
    await at_home.leg("102", "status", "ended", sid="LEG1")
    await look(at_home, 5)
    assert len(at_home.carrier.legs) == 2, "their telephone is called again"


async def test_a_telephone_that_never_presses_is_given_up_by_itself(at_home: Office) -> None:
    """No word of its end arrives: the machine records our silence for minutes."""
    record(at_home, EventKind.ANSWERED)
    await at_home.leg("102", "answer", sid="LEG1")
    await look(at_home, 62)
    assert at_home.carrier.hung_up == ["LEG1"]


@pytest.mark.parametrize("languages", [(), ("en-GB", "zh"), ("fr",)])
async def test_english_is_asked_where_nothing_else_is_known(office: Office, languages: tuple[str, ...]) -> None:
    office.hire("103", address="+442079460998", languages=languages)
    await office.shifts.sign_in("103")
    await office.shifts.get_ready("103")
    await look(office)
    assert PRESS["en"] in (await office.leg("103", "answer", sid="LEG1")).body


async def test_a_key_on_a_leg_that_is_nobodys_opens_nothing(at_home: Office) -> None:
    assert (await at_home.leg("102", "step/key/1", token="f" * 32, digits="1")).body == SILENCE
    assert (await at_home.leg("102", "step/key/1", token="f" * 32)).body == SILENCE
    assert not at_home.seat("102").is_free


async def test_a_repeated_answer_is_answered_the_same(office: Office) -> None:
    await pick_up(office)
    assert (await office.leg("101", "answer")).body == f"parked {office.seat().leg_token}"


async def test_without_an_address_there_is_nothing_to_call(office: Office) -> None:
    office.hire("102", address="")
    office.store.presences.move("102", Move.SIGN_IN, office.clock.now())
    office.store.presences.move("102", Move.GET_READY, office.clock.now())
    await look(office, 3)
    assert not office.carrier.legs


async def test_a_leg_that_is_nobodys_hears_nothing(office: Office) -> None:
    await pick_up(office)
    assert (await office.leg("101", "answer", token="f" * 32)).body == SILENCE
    assert office.seat().leg_call_id == "LEG1"


async def test_a_forged_word_is_refused(office: Office) -> None:
    await pick_up(office)
    with pytest.raises(ForgedRequestError):
        await office.leg("101", "status", "ended", signature="made up")
    assert office.seat().leg == "parked"


@pytest.mark.parametrize(
    ("what", "kind", "who"), [("status", "ended", ""), ("conference", "left", "agent"), ("fallback", "other", "")]
)
async def test_a_telephone_that_drops_is_called_anew(office: Office, what: str, kind: str, who: str) -> None:
    await pick_up(office)
    first = office.seat().leg_token
    await office.leg("101", what, kind, who)
    assert (office.seat().leg, office.state()) == ("none", AgentState.READY)
    assert not office.seat().is_free
    await look(office, 3)
    assert len(office.carrier.legs) == 2
    await office.leg("101", "answer", sid="LEG2")
    assert office.seat().leg_token != first
    assert office.seat().is_free
    # What is told late about the first leg changes nothing.
    await office.leg("101", what, kind, who, token=first)
    assert office.seat().is_free


async def test_three_tries_with_pauses_and_then_a_pause(office: Office) -> None:
    office.carrier.leg_answer = NotSent("no route")
    await office.shifts.get_ready("101")
    at: list[float] = []
    for _ in range(20):
        before = len(office.carrier.legs)
        await look(office, 1)
        at += [office.clock.monotonic()] * (len(office.carrier.legs) - before)
    assert len(at) == 3
    assert 2 <= at[1] - at[0] <= 3
    assert 8 <= at[2] - at[1] <= 9
    here = office.seat().presence
    assert (here.state, here.reason) == (AgentState.PAUSED, "telephone not reached")
    office.carrier.leg_answer = None
    await office.shifts.get_ready("101")
    await look(office, 2)
    assert len(office.carrier.legs) == 4
    await office.leg("101", "answer")
    assert office.seat().is_free


async def test_a_telephone_given_up_frees_the_customer_who_was_meant(office: Office) -> None:
    await pick_up(office)
    token = await office.call()
    await office.leg("101", "status", "ended")
    office.carrier.leg_answer = Lost("reset")
    await look(office, 20)
    assert office.state() is AgentState.PAUSED
    assert not office.standing()
    office.carrier.leg_answer = None
    await office.get_ready("101")
    assert await office.tell(token, "answer") == office.to(token)


async def test_a_telephone_that_nobody_picks_up_is_hung_up_and_tried_again(office: Office) -> None:
    record(office, EventKind.RINGING)
    await office.shifts.get_ready("101")
    await look(office, 65)
    assert "LEG1" in office.carrier.hung_up
    assert len(office.carrier.legs) == 2


@pytest.mark.parametrize("kind", [EventKind.ENDED, None])
async def test_a_lost_word_of_the_end_is_found_by_asking(office: Office, kind: EventKind | None) -> None:
    await pick_up(office)
    record(office, kind)
    await look(office, 12)
    assert len(office.carrier.legs) == 2


async def test_a_telephone_that_is_there_is_left_alone(office: Office) -> None:
    await pick_up(office)
    record(office, EventKind.ANSWERED)
    await look(office, 35)
    assert len([one for one in office.carrier.asked if one == "fetch LEG1"]) == 3
    assert office.seat().is_free
    assert not office.carrier.hung_up


async def test_a_carrier_that_cannot_be_asked_changes_nothing(office: Office) -> None:
    await pick_up(office)
    office.carrier.mute = True
    await look(office, 25)
    assert office.seat().is_free


async def test_who_goes_home_is_let_go(office: Office) -> None:
    await pick_up(office)
    await office.shifts.sign_out("101")
    await look(office)
    assert office.carrier.hung_up == ["LEG1"]
    assert (office.seat().leg, office.seat().leg_tries) == ("none", 0)
    await look(office, 5)
    assert len(office.carrier.legs) == 1


async def test_a_pause_keeps_the_telephone_for_a_quarter_of_an_hour(office: Office) -> None:
    await pick_up(office)
    record(office, EventKind.ANSWERED)
    await office.shifts.pause("101", "lunch")
    await office.pass_time(14 * MINUTE)
    await look(office)
    assert office.seat().leg == "parked"
    await office.pass_time(2 * MINUTE)
    await look(office)
    assert office.carrier.hung_up == ["LEG1"]
    assert office.seat().leg == "none"


async def test_an_old_leg_is_renewed_between_customers(office: Office) -> None:
    await pick_up(office)
    record(office, EventKind.ANSWERED)
    await office.pass_time(timedelta(hours=3, minutes=31))
    token = await office.call()
    await look(office)
    assert office.seat().leg == "parked", "not while a customer is called for them"
    await office.end(token)
    await look(office)
    assert office.carrier.hung_up == ["LEG1"]
    await look(office, 3)
    assert len(office.carrier.legs) == 2


async def test_a_telephone_hung_up_while_nobody_listened_is_found_before_a_customer_is(office: Office) -> None:
    await pick_up(office)
    record(office, EventKind.ENDED)
    again = Office(office.world)
    await look(again)
    assert not again.seat().is_free


async def test_a_call_that_was_placed_too_late_is_hung_up(office: Office) -> None:
    """Between the request and its answer the agent has gone home."""
    await office.shifts.get_ready("101")
    placed = office.carrier.park

    async def slow(leg: Leg) -> Placement:
        await office.clock.sleep(3 * SECOND)
        return await placed(leg)

    office.carrier.park = slow  # type: ignore[method-assign]
    await office.parking.round()
    await office.shifts.sign_out("101")
    await look(office)
    await office.pass_time(5 * SECOND)
    await office.parking.finish()
    assert office.carrier.hung_up == ["LEG1"]


async def test_the_webhook_may_overtake_the_carriers_answer(office: Office) -> None:
    await office.shifts.get_ready("101")
    gate: list[Placed] = []

    async def slow(leg: Leg) -> Placement:
        del leg
        await office.clock.sleep(3 * SECOND)
        gate.append(Placed("LEG1", timedelta()))
        return gate[0]

    office.carrier.park = slow  # type: ignore[method-assign]
    await office.parking.round()
    await office.leg("101", "answer", sid="LEG1")
    assert office.seat().is_free
    await office.pass_time(5 * SECOND)
    assert gate
    assert office.seat().is_free
    assert not office.carrier.hung_up


async def test_calls_to_telephones_keep_to_the_pace(world: World) -> None:
    world.calls_per_second = 1.0
    office = Office(world)
    for one in ("101", "102", "103"):
        office.hire(one)
        await office.shifts.sign_in(one)
        await office.shifts.get_ready(one)
    await look(office)
    assert len(office.carrier.legs) == 1
    await look(office, 3)
    assert len(office.carrier.legs) == 3


async def test_a_carrier_that_asks_to_slow_down_is_not_asked_every_second(office: Office) -> None:
    office.carrier.leg_answer = NotSent("429", slow_down=True, retry_after=timedelta(seconds=10))
    await office.shifts.get_ready("101")
    await look(office, 8)
    assert len(office.carrier.legs) == 1
