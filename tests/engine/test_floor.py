"""The floor is minded: nobody waits for a customer who will not come, and no record stays open."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dialer.core.agent import AgentState, Move
from dialer.core.lifecycle import AttemptState, Event, EventKind
from dialer.core.outcome import AnsweredBy, Disposition, Ending, Network
from dialer.core.record import CallbackState
from dialer.engine.agent_view import NextStep, Record
from dialer.ports import Lost, room
from dialer.store.belonging import Taker
from tests.engine.floor_world import PREDICTIVE, SECOND, Office
from tests.mortal import quiet
from tests.scripted_carrier import SILENCE, Fate

if TYPE_CHECKING:
    from tests.mortal import World

pytestmark = pytest.mark.anyio
S = AgentState
MINUTE = timedelta(minutes=1)
PREVIEW = {"mode": "preview", "countdown": "20 s"}


@pytest.fixture
async def office(world: World) -> Office:
    return Office(world)


async def wrapping(office: Office, **agents: object) -> str:
    """A conversation that is over and of which nothing is written down."""
    token = await office.call(agents=agents)
    await office.talk(token)
    await office.end(token)
    assert office.state() is S.WRAP_UP
    return token


# Calls of which nobody can say whether they exist


async def test_an_agent_whose_call_is_unknown_is_freed_at_once(office: Office) -> None:
    office.carrier.fates.append(Fate(Lost("reset"), made=False))
    office.open()
    await office.ready("101")
    await office.pump()
    (attempt,) = office.world.attempts()
    assert attempt.state is AttemptState.UNKNOWN
    assert office.state() is S.RESERVED
    await office.rounds(1, seen=("101",))
    assert office.state() is S.READY
    assert not office.standing()


async def test_an_agent_whose_dialer_died_is_freed_when_its_lease_is_over(office: Office) -> None:
    """Killed between intent and commit: the next process finds the agent set aside and nothing sent."""
    office.open()
    await office.ready("101")
    await office.pass_time(SECOND)
    found = office.store.reservations.claim(
        office.seat().key,
        Taker(me=("101",)),
        ["survey"],
        office.clock.now(),
        owner="dead",
        lease=timedelta(seconds=60),
        token=lambda: "a" * 32,
    )
    assert found is not None
    again = Office(office.world)
    await again.rounds(10, seen=("101",))
    assert again.state() is S.RESERVED
    await again.rounds(3, seen=("101",))
    assert again.state() is S.READY
    assert not again.standing()


async def test_a_call_that_rings_long_keeps_its_agent(office: Office) -> None:
    token = await office.call()
    await office.tell(token, "status", EventKind.RINGING)
    await office.rounds(30, seen=("101",))
    assert office.standing() == [("101", token, "held")]


# Lost webhooks


async def test_a_lost_word_of_the_meeting_is_found_by_asking(office: Office) -> None:
    token = await office.call()
    await office.tell(token, "answer")
    office.carrier.rooms[office.room()] = frozenset({"agent", token})
    await office.rounds(6, seen=("101",))
    assert office.state() is S.ON_CALL
    assert office.facts(token).connected_at is not None
    await office.leg("101", "conference", "joined", token)
    assert office.standing() == [("101", token, "connected")]


async def test_a_lost_word_of_the_parting_is_found_by_asking(office: Office) -> None:
    token = await office.call()
    await office.talk(token)
    office.carrier.rooms[office.room()] = frozenset({"agent", token})
    await office.rounds(20, seen=("101",))
    assert office.state() is S.ON_CALL
    office.carrier.rooms[office.room()] = frozenset({"agent"})
    await office.rounds(7, seen=("101",))
    assert office.state() is S.WRAP_UP


async def test_a_customer_on_the_way_is_not_given_up(office: Office) -> None:
    token = await office.call()
    await office.tell(token, "answer")
    office.carrier.rooms[office.room()] = frozenset({"agent"})
    await office.rounds(5, seen=("101",))
    assert office.standing() == [("101", token, "held")]


async def test_a_carrier_that_cannot_be_asked_parts_nobody(office: Office) -> None:
    token = await office.call()
    await office.talk(token)
    office.carrier.mute = True
    await office.rounds(20, seen=("101",))
    assert office.state() is S.ON_CALL


async def test_a_conversation_ends_with_the_telephone_of_the_agent(office: Office) -> None:
    token = await office.call()
    await office.talk(token)
    await office.leg("101", "status", "ended")
    await office.rounds(7, seen=("101",))
    assert office.state() is S.WRAP_UP
    await office.end(token)
    assert office.state() is S.WRAP_UP


# Screens


async def test_who_shows_no_sign_of_life_gets_nobody(office: Office) -> None:
    await office.ready("101")
    await office.rounds(14)
    assert office.state() is S.READY
    await office.rounds(3)
    here = office.seat().presence
    assert (here.state, here.reason) == (S.PAUSED, "screen lost")


async def test_who_is_seen_stays_ready(office: Office) -> None:
    await office.ready("101")
    await office.rounds(40, seen=("101",))
    assert office.state() is S.READY


async def test_a_customer_who_rings_for_a_dead_screen_goes_to_another(office: Office) -> None:
    token = await office.call()
    await office.rounds(17)
    assert office.state() is S.PAUSED
    assert not office.standing()
    await office.ready("102")
    assert await office.tell(token, "answer") == office.to(token, "102")


async def test_a_conversation_goes_on_without_the_screen(office: Office) -> None:
    token = await office.call()
    await office.talk(token)
    office.carrier.rooms[office.room()] = frozenset({"agent", token})
    await office.rounds(40)
    assert office.state() is S.ON_CALL


async def test_a_preview_nobody_looks_at_goes_back(office: Office) -> None:
    office.open(agents=PREVIEW | {"countdown": "2 min"})
    await office.ready("101")
    await office.pump()
    assert office.standing()[0][2] == "preview"
    await office.rounds(17)
    assert office.state() is S.PAUSED
    assert office.world.callback("C0").state is CallbackState.WAITING
    assert not office.carrier.calls


async def test_a_restart_gives_screens_the_time_to_come_back(office: Office) -> None:
    await office.ready("101")
    await office.pass_time(MINUTE)
    again = Office(office.world)
    await again.rounds(10)
    assert again.state() is S.READY


async def test_a_screen_that_died_during_the_call_is_not_ready_after_it(office: Office) -> None:
    await wrapping(office, wrap_up="30 s")
    for _ in range(40):
        await office.rounds(1)
        assert office.state() is not S.READY


# Wrap-up


async def test_the_timer_writes_the_default_once(office: Office) -> None:
    token = await wrapping(office, wrap_up="30 s")
    await office.rounds(29, seen=("101",))
    assert office.state() is S.WRAP_UP
    assert office.world.callback("C0").state is CallbackState.CALLING
    await office.rounds(2, seen=("101",))
    assert office.state() is S.READY
    facts = office.facts(token)
    assert (facts.disposition, facts.code) == (Disposition.NOT_CONVENIENT, "")
    assert office.world.callback("C0").state is CallbackState.WAITING
    events = list(office.store.records.events(token))
    await office.rounds(5, seen=("101",))
    assert list(office.store.records.events(token)) == events


async def test_the_campaign_says_what_the_default_is(office: Office) -> None:
    own = {"no_result": {"label": "No result", "counts_as": "refused"}}
    token = await office.call(agents={"wrap_up": "30 s", "default_outcome": "no_result"}, outcomes=own)
    await office.talk(token)
    await office.end(token)
    await office.rounds(31, seen=("101",))
    assert (office.facts(token).disposition, office.facts(token).code) == (Disposition.REFUSED, "no_result")
    assert office.world.attempts()[0].ending is Ending.REFUSED


async def test_what_was_chosen_is_not_overwritten_by_the_timer(office: Office) -> None:
    token = await wrapping(office, wrap_up="30 s")
    await office.shifts.write("101", office.hand("101"), Record(outcome="completed", notes="glad"))
    await office.rounds(31, seen=("101",))
    assert office.state() is S.READY
    assert office.facts(token).outcome.ending is Ending.REACHED
    assert office.world.callback("C0").state is CallbackState.DONE


async def test_the_timer_leads_where_the_agent_wanted_to_go(office: Office) -> None:
    await wrapping(office, wrap_up="30 s")
    await office.shifts.pause("101", "lunch")
    await office.rounds(31, seen=("101",))
    here = office.seat().presence
    assert (here.state, here.reason) == (S.PAUSED, "lunch")


async def test_a_record_whose_call_is_not_told_to_be_over_is_finished_too(office: Office) -> None:
    token = await office.call(agents={"wrap_up": "30 s"})
    await office.talk(token)
    await office.leg("101", "conference", "left", token)
    await office.rounds(31, seen=("101",))
    assert office.state() is S.READY
    assert office.facts(token).is_open
    await office.end(token)
    assert office.world.callback("C0").state is CallbackState.WAITING
    assert office.state() is S.READY


async def test_a_meeting_that_was_told_too_late_is_written_down_by_itself(office: Office) -> None:
    """The word of it came after the end: nobody wraps it up, and the callback must not hang for ever."""
    token = await office.call(agents={"wrap_up": "30 s"})
    await office.tell(token, "answer")
    await office.end(token)
    sid = office.carrier.calls[0].sid
    late = Event(token, EventKind.CONNECTED, "connected", office.clock.now(), "webhook", carrier_call_id=sid)
    await office.ledger.record(late)
    assert office.state() is S.READY
    await office.rounds(120, seen=("101",))
    facts = office.facts(token)
    assert facts.is_settled
    assert facts.outcome.ending is Ending.NOT_CONVENIENT
    assert office.state() is S.READY


async def test_a_killed_process_is_followed_by_one_that_goes_on(office: Office) -> None:
    token = await wrapping(office, wrap_up="30 s")
    again = Office(office.world)
    await again.rounds(31, seen=("101",))
    assert again.state() is S.READY
    assert again.facts(token).is_settled


# Preview


async def look_at(office: Office, **terms: object) -> None:
    office.open(agents=PREVIEW | terms)
    await office.ready("101")
    await office.pump()
    assert office.standing()[0][2] == "preview"
    assert not office.carrier.calls


async def test_the_countdown_dials(office: Office) -> None:
    await look_at(office)
    await office.rounds(19, seen=("101",))
    assert not office.carrier.calls
    await office.rounds(2, seen=("101",))
    await quiet()
    (call,) = office.carrier.calls
    assert office.standing() == [("101", call.token, "held")]
    assert await office.tell(call.token, "answer") == office.to(call.token)


async def test_the_countdown_gives_it_back(office: Office) -> None:
    await look_at(office, at_zero="skip")
    await office.rounds(21, seen=("101",))
    assert not office.carrier.calls
    assert office.state() is S.READY
    back = office.world.callback("C0")
    assert (back.state, back.attempts) == (CallbackState.WAITING, 0)
    assert back.next_at is not None
    assert back.next_at >= office.clock.now() + 14 * MINUTE
    await office.pump()
    assert office.state() is S.READY, "not offered again at once"


async def test_what_may_not_be_dialed_any_more_frees_the_agent(office: Office) -> None:
    await look_at(office)
    office.store.suppressions.add_customers(["C0"], "person", office.clock.now())
    await office.rounds(22, seen=("101",))
    assert not office.carrier.calls
    assert office.state() is S.READY
    assert office.world.callback("C0").state is CallbackState.CLOSED


async def test_a_countdown_outlives_the_process(office: Office) -> None:
    await look_at(office)
    again = Office(office.world)
    await again.rounds(22, seen=("101",))
    assert len(again.carrier.calls) == 1


async def test_nobody_stays_set_aside_for_a_call_that_ended(office: Office) -> None:
    for network in (Network.NO_ANSWER, Network.BUSY, Network.ANSWERED):
        token = await office.call(many=1, first=len(office.carrier.calls))
        await office.end(token, network)
        assert office.state() is S.READY
        assert not office.standing()


async def test_a_customer_alone_in_a_room_hears_who_called_and_nobody_waits_for_them(office: Office) -> None:
    """The agent's telephone drops between the answer and the meeting, and nobody tells of it."""
    token = await office.call()
    await office.tell(token, "answer")
    office.carrier.rooms = {room(seat.leg_token): frozenset({token}) for seat in office.store.presences.all()}
    await office.rounds(10)
    assert office.carrier.interrupted, "they are taken out of the silence"
    assert office.facts(token).disposition is Disposition.ABANDONED
    assert office.standing() == []


async def test_one_list_without_the_customer_ends_no_conversation(office: Office) -> None:
    token = await office.call()
    await office.tell(token, "answer")
    await office.talk(token)
    office.carrier.rooms = {}
    await office.rounds(8)
    assert office.state() is AgentState.ON_CALL
    await office.rounds(8)
    assert office.state() is AgentState.WRAP_UP


async def test_whom_nothing_holds_is_let_go(office: Office) -> None:
    await office.ready("101")
    office.store.presences.move("101", Move.CONNECT, office.clock.now())
    await office.rounds(1)
    assert office.state() is AgentState.READY, "there is nothing to finish"


# What two things at once must not break


async def test_a_customer_who_waited_long_is_given_the_same_time_to_come_in(office: Office) -> None:
    token = await office.ahead(agents=PREDICTIVE | {"patience": "5 s"})
    waiting = asyncio.ensure_future(office.tell(token, "connect"))
    await office.pass_time(4 * SECOND)
    await office.ready("101")
    await office.pass_time(SECOND)
    assert await waiting == office.to(token)
    await office.rounds(4, seen=("101",))
    assert not office.carrier.interrupted
    assert office.standing() == [("101", token, "held")]


async def test_a_meeting_that_is_told_while_the_carrier_is_asked_is_not_cut(office: Office) -> None:
    token = await office.call()
    await office.tell(token, "answer")
    office.carrier.rooms[office.room()] = frozenset({"agent"})
    await office.rounds(5, seen=("101",))
    present = office.carrier.present

    async def slow(room: str) -> frozenset[str]:
        await office.leg("101", "conference", "joined", token)
        return await present(room)

    office.carrier.present = slow  # type: ignore[method-assign]
    await office.rounds(4, seen=("101",))
    assert not office.carrier.interrupted
    assert office.facts(token).disposition is Disposition.NONE
    assert office.state() is S.ON_CALL


async def test_a_machine_keeps_its_message_and_gets_no_agent(office: Office) -> None:
    message = {"reaction": "leave_message", "message": "Call us"}
    token = await office.ahead(answering_machine=message)
    waiting = asyncio.ensure_future(office.tell(token, "connect"))
    await office.pass_time(SECOND)
    await office.tell(token, "verdict", EventKind.VERDICT, answered_by=AnsweredBy.MACHINE)
    await office.ready("101")
    await office.pass_time(SECOND)
    assert await waiting == SILENCE
    await office.rounds(10, seen=("101",))
    assert [turn.spoken for _, turn in office.carrier.interrupted] == [("Call us",)]
    assert not office.standing()
    assert office.facts(token).disposition is not Disposition.ABANDONED


async def test_a_machine_at_an_agent_who_was_set_aside_frees_them_and_hears_no_excuse(office: Office) -> None:
    token = await office.call(answering_machine={"reaction": "leave_message", "message": "Call us"})
    await office.tell(token, "answer")
    await office.tell(token, "verdict", EventKind.VERDICT, answered_by=AnsweredBy.MACHINE)
    await office.rounds(10, seen=("101",))
    assert [turn.spoken for _, turn in office.carrier.interrupted] == [("Call us",)]
    assert office.state() is S.READY


async def test_nobody_is_called_for_an_agent_who_signed_out_in_a_preview(office: Office) -> None:
    office.open(agents=PREVIEW)
    await office.ready("101")
    await office.pump()
    token = office.hand()
    await office.shifts.sign_out("101")
    await office.rounds(25)
    assert not office.carrier.calls
    assert (office.state(), office.facts(token).state) == (S.OFFLINE, AttemptState.RELEASED)
    assert office.world.callback("C0").state is CallbackState.WAITING


async def test_a_preview_at_a_telephone_that_is_gone_goes_back(office: Office) -> None:
    office.open(agents=PREVIEW | {"countdown": "10 min"})
    await office.ready("101")
    await office.pump()
    token = office.hand()
    for _ in range(12):
        if office.seat().leg != "none":
            await office.leg("101", "status", "ended")
        await office.rounds(3, seen=("101",))
        await office.parking.round()
        await quiet()
    assert (office.state(), office.seat().presence.reason) == (S.PAUSED, "telephone not reached")
    assert office.facts(token).state is AttemptState.RELEASED


@pytest.mark.parametrize(
    "half", [Record(next_step=NextStep.CASE, notes="look"), Record(another_agent=True), Record(outcome="refused")]
)
async def test_half_a_record_is_completed_when_the_time_is_over(office: Office, half: Record) -> None:
    token = await office.call()
    await office.talk(token)
    if half.outcome:  # chosen and taken back
        await office.shifts.write("101", token, half)
        half = Record()
    await office.shifts.write("101", token, half)
    await office.end(token)
    await office.rounds(60, seen=("101",))
    facts = office.facts(token)
    assert facts.disposition is Disposition.NOT_CONVENIENT
    assert (facts.case is not None, facts.another_agent) == (half.next_step is NextStep.CASE, half.another_agent)
    assert office.state() is S.READY
