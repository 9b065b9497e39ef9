"""Reconciliation: what nobody told us is asked, what nobody knows is never dialed again, and nothing is guessed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from dialer.core.lifecycle import AttemptState, Event, EventKind
from dialer.core.outcome import AnsweredBy, Ending, Fault, Network
from dialer.core.record import CallbackState
from dialer.engine.reconcile import Patience
from dialer.ports import CallReport, Lost, NotSent, Refused
from tests.campaigns import customer, number
from tests.mortal import Life, World, quiet
from tests.scripted_carrier import SILENCE, Fate

if TYPE_CHECKING:
    from dialer.core.record import AttemptRecord

pytestmark = pytest.mark.anyio

MADE = Fate(Lost("read timeout"))
NOT_MADE = Fate(Lost("read timeout"), made=False)


async def dialed(world: World, *fates: Fate, people: int = 1) -> Life:
    world.carrier.fates.extend(fates)
    world.apply()
    world.enrol(*(customer(f"C{i}", number(i)) for i in range(1, people + 1)))
    life = world.start()
    with capture_logs():
        await life.dialer.pump()
        await quiet()
    return life


async def reconcile(world: World, life: Life, after: timedelta) -> list[str]:
    """Let time pass, look once at all that is overdue; what was said."""
    await world.clock.sleep(after)
    with capture_logs() as logs:
        await life.reconciler.round()
        await quiet()
    return [str(line["event"]) for line in logs]


def only(world: World) -> AttemptRecord:
    (attempt,) = world.attempts()
    return attempt


def stranger(world: World, sid: str = "CA" + "5" * 32) -> CallReport:
    """A call to the same number that looks as if it could be ours."""
    return CallReport(sid, EventKind.ENDED, world.clock.now(), world.clock.now(), Network.BUSY)


async def test_nobody_is_asked_before_everything_had_time_to_arrive(world: World) -> None:
    life = await dialed(world, MADE)
    await reconcile(world, life, timedelta(seconds=119))
    assert world.carrier.asked == []
    await reconcile(world, life, timedelta(seconds=1))
    assert world.carrier.asked == ["find"]


async def test_unknown_call_is_found_in_the_carriers_list(world: World) -> None:
    life = await dialed(world, MADE)
    world.carrier.calls[0].rang = world.clock.now()
    world.carrier.end(world.carrier.calls[0], Network.NO_ANSWER)
    said = await reconcile(world, life, timedelta(minutes=2))
    assert "unknown_call_found" in said
    attempt = only(world)
    assert attempt.state is AttemptState.FINAL
    assert attempt.carrier_call_id == world.carrier.calls[0].sid
    assert (attempt.ending, attempt.counted) == (Ending.NO_ANSWER, True)
    assert world.callback("C1").attempts == 1


async def test_found_call_that_goes_on_is_followed_to_its_end(world: World) -> None:
    life = await dialed(world, MADE)
    call = world.carrier.calls[0]
    call.answered = world.clock.now()
    await reconcile(world, life, timedelta(minutes=2))
    assert only(world).state is AttemptState.LIVE
    world.carrier.end(call, Network.ANSWERED)
    await reconcile(world, life, timedelta(minutes=7))
    assert only(world).ending is Ending.HUNG_UP


async def test_call_that_two_listings_do_not_show_was_never_placed_and_is_tried_anew(world: World) -> None:
    life = await dialed(world, NOT_MADE)
    await reconcile(world, life, timedelta(minutes=2))
    assert only(world).state is AttemptState.UNKNOWN
    await reconcile(world, life, timedelta(seconds=59))
    assert world.carrier.asked == ["find"], "the second listing came too soon to prove anything"
    said = await reconcile(world, life, timedelta(seconds=1))
    assert world.carrier.asked == ["find", "find"]
    assert "unknown_call_never_placed" in said
    assert only(world).state is AttemptState.NOT_PLACED
    assert world.callback("C1").state is CallbackState.WAITING
    await world.clock.sleep(timedelta(seconds=61))
    world.turn()
    await life.dialer.pump()
    await quiet()
    first, second = world.attempts()
    assert second.state is AttemptState.ACCEPTED
    assert first.attempt != second.attempt
    assert world.callback("C1").attempts == 0


async def test_unknown_is_never_dialed_again_while_it_is_unknown(world: World) -> None:
    life = await dialed(world, NOT_MADE)
    world.carrier.mute = True
    for _ in range(50):
        await reconcile(world, life, timedelta(minutes=5))
        world.turn()
        assert await life.dialer.pump() == 0
    assert only(world).state is AttemptState.UNKNOWN
    assert len(world.carrier.orders) == 1


async def test_list_that_lags_is_asked_a_second_time_before_anything_is_concluded(world: World) -> None:
    world.carrier.listed_after = timedelta(seconds=150)
    life = await dialed(world, MADE)
    await reconcile(world, life, timedelta(minutes=2))
    await reconcile(world, life, timedelta(minutes=1))
    assert only(world).state is AttemptState.ACCEPTED
    assert only(world).carrier_call_id == world.carrier.calls[0].sid


async def test_listing_that_fails_concludes_nothing(world: World) -> None:
    life = await dialed(world, NOT_MADE)
    await reconcile(world, life, timedelta(minutes=2))
    world.carrier.mute = True
    assert "carrier_cannot_be_asked_about" in await reconcile(world, life, timedelta(minutes=9))
    assert only(world).state is AttemptState.UNKNOWN
    world.carrier.mute = False
    await reconcile(world, life, timedelta(minutes=1))
    assert only(world).state is AttemptState.NOT_PLACED


async def test_one_call_that_cannot_be_asked_about_does_not_stop_the_others(world: World) -> None:
    life = await dialed(world, NOT_MADE, MADE, people=2)
    world.carrier.mute_about = {number(1).e164}
    await reconcile(world, life, timedelta(minutes=2))
    states = {one.customer: one.state for one in world.attempts()}
    assert states == {"C1": AttemptState.UNKNOWN, "C2": AttemptState.ACCEPTED}
    world.carrier.mute_about.add(world.carrier.calls[0].sid)
    await reconcile(world, life, timedelta(minutes=8))
    world.carrier.mute_about = {number(1).e164}
    world.carrier.end(world.carrier.calls[0], Network.BUSY)
    await reconcile(world, life, timedelta(minutes=8))
    assert {one.customer: one.state for one in world.attempts()}["C2"] is AttemptState.FINAL


async def test_silent_carrier_is_not_asked_about_everything(world: World) -> None:
    """Each question would wait for its timeout, and nothing else would be looked at meanwhile."""
    world.calls_per_second = 1000
    life = await dialed(world, *[MADE] * 30, people=30)
    world.carrier.mute = True
    assert "carrier_cannot_be_asked" in await reconcile(world, life, timedelta(minutes=2))
    assert len(world.carrier.asked) < 10
    for _ in range(10):
        await reconcile(world, life, timedelta(seconds=5))
    assert len(set(world.carrier.asked_about)) == 30, "those at the head must not hide the others"


async def test_several_candidates_are_left_to_a_person(world: World) -> None:
    life = await dialed(world, MADE)
    world.carrier.strangers.append(stranger(world))
    said = await reconcile(world, life, timedelta(minutes=2))
    assert "several_calls_could_be_this_one" in said
    assert only(world).state is AttemptState.NEEDS_HUMAN
    assert [one.token for one in world.store.attempts.needing_a_person()] == [only(world).attempt]
    await reconcile(world, life, timedelta(days=1))
    world.turn()
    assert await life.dialer.pump() == 0
    assert only(world).state is AttemptState.NEEDS_HUMAN


async def settle(world: World, kind: EventKind, call: str = "") -> None:
    """What `dialer attempts settle` records."""
    now = world.clock.now()
    decision = Event(only(world).attempt, kind, f"person:{kind}", now, "person", carrier_call_id=call)
    world.store.attempts.record([decision], now)


async def test_person_names_the_call_and_the_carrier_is_asked_about_it(world: World) -> None:
    life = await dialed(world, MADE)
    world.carrier.strangers.append(stranger(world))
    await reconcile(world, life, timedelta(minutes=2))
    await settle(world, EventKind.PLACED, world.carrier.calls[0].sid)
    assert only(world).state is AttemptState.ACCEPTED
    world.carrier.end(world.carrier.calls[0], Network.BUSY)
    await reconcile(world, life, timedelta(minutes=7))
    assert only(world).ending is Ending.BUSY


async def test_person_says_that_there_was_no_call(world: World) -> None:
    life = await dialed(world, MADE)
    world.carrier.strangers.append(stranger(world))
    await reconcile(world, life, timedelta(minutes=2))
    await settle(world, EventKind.ABSENT)
    assert only(world).state is AttemptState.NOT_PLACED
    assert world.callback("C1").state is CallbackState.WAITING


async def test_webhook_decides_what_a_person_was_asked(world: World) -> None:
    life = await dialed(world, MADE)
    world.carrier.strangers.append(stranger(world))
    await reconcile(world, life, timedelta(minutes=2))
    call = world.carrier.calls[0]
    await world.carrier.tell(call.token, "status", EventKind.ENDED, network=Network.NO_ANSWER)
    assert only(world).state is AttemptState.FINAL
    assert only(world).carrier_call_id == call.sid


async def test_calls_of_other_attempts_are_no_candidates(world: World) -> None:
    """The number was called before, and that call is in the list as well."""
    life = await dialed(world)
    first = world.carrier.calls[0]
    await world.carrier.tell(first.token, "status", EventKind.ENDED, network=Network.BUSY)
    await world.clock.sleep(timedelta(hours=1))
    world.turn()
    world.carrier.fates.append(MADE)
    with capture_logs():
        await life.dialer.pump()
        await quiet()
    second = world.carrier.calls[1]
    first.created = second.created  # as close as can be
    await reconcile(world, life, timedelta(minutes=2))
    tokens = {one.attempt: one.carrier_call_id for one in world.attempts()}
    assert tokens == {first.token: first.sid, second.token: second.sid}


@pytest.mark.parametrize("clock_error", [timedelta(seconds=-4), timedelta(seconds=0)])
async def test_carriers_clock_may_be_a_little_behind(world: World, clock_error: timedelta) -> None:
    life = await dialed(world, MADE)
    world.carrier.calls[0].created += clock_error
    await reconcile(world, life, timedelta(minutes=2))
    assert only(world).state is AttemptState.ACCEPTED


async def test_intent_of_a_dead_dialer_is_dropped_when_its_lease_is_over(world: World) -> None:
    world.apply()
    world.enrol(customer("C1", number(1)))
    life = world.start()
    world.steps.meanwhile["after callbacks.claim"] = life.die
    life.spawn(life.dialer.pump())
    await quiet()
    assert only(world).state is AttemptState.INTENT
    other = world.start()
    await reconcile(world, other, timedelta(seconds=59))
    assert only(world).state is AttemptState.INTENT
    assert "attempt_forsaken" in await reconcile(world, other, timedelta(seconds=1))
    assert only(world).state is AttemptState.RELEASED
    assert world.carrier.asked == [], "nothing was sent, so there is nothing to ask"
    await world.clock.sleep(timedelta(minutes=2))
    world.turn()
    assert await other.dialer.pump() == 1


async def test_commit_of_a_dead_dialer_is_unknown_when_its_lease_is_over(world: World) -> None:
    world.apply()
    world.enrol(customer("C1", number(1)))
    life = world.start()
    world.steps.meanwhile["after carrier.place"] = life.die
    life.spawn(life.dialer.pump())
    await quiet()
    assert only(world).state is AttemptState.DIALING
    other = world.start()
    await reconcile(world, other, timedelta(seconds=60))
    assert only(world).state is AttemptState.UNKNOWN
    await reconcile(world, other, timedelta(seconds=60))
    assert only(world).state is AttemptState.ACCEPTED


async def test_zombie_that_wakes_up_writes_nothing_over(world: World) -> None:
    """A dialer that slept through its lease between claim and commit finds its intent gone."""
    world.apply()
    world.enrol(customer("C1", number(1)))
    life, other = world.start(), world.start()

    def sleep() -> None:
        world.clock.freeze(timedelta(minutes=5))
        for one in world.store.attempts.forsaken(world.clock.now()):
            dropped = Event(one.token, EventKind.DROPPED, "dropped", world.clock.now(), "dialer")
            world.store.attempts.record([dropped], world.clock.now())

    world.steps.meanwhile["after callbacks.claim"] = sleep
    assert await life.dialer.pump() == 0
    await quiet()
    assert world.carrier.orders == []
    assert only(world).state is AttemptState.RELEASED
    await reconcile(world, other, timedelta(minutes=9))
    assert only(world).state is AttemptState.RELEASED


async def test_lost_webhooks_are_made_up_for_by_asking(world: World) -> None:
    life = await dialed(world)
    call = world.carrier.calls[0]
    call.rang = call.answered = world.clock.now()
    world.carrier.end(call, Network.ANSWERED)
    await reconcile(world, life, timedelta(seconds=80))
    assert only(world).state is AttemptState.ACCEPTED
    await reconcile(world, life, timedelta(seconds=10))
    attempt = only(world)
    assert (attempt.state, attempt.network, attempt.counted) == (AttemptState.FINAL, Network.ANSWERED, True)


async def test_call_is_asked_about_only_when_nothing_was_heard_of_it(world: World) -> None:
    life = await dialed(world)
    await world.clock.sleep(timedelta(seconds=80))
    await world.carrier.tell(world.carrier.calls[0].token, "status", EventKind.RINGING)
    await reconcile(world, life, timedelta(seconds=80))
    assert world.carrier.asked == []
    await reconcile(world, life, timedelta(seconds=10))
    await reconcile(world, life, timedelta(seconds=10))
    assert len(world.carrier.asked) == 1, "the next question is due one patience later"


async def test_a_conversation_is_left_alone_for_longer_than_a_phone_that_rings(world: World) -> None:
    life = await dialed(world)
    await world.carrier.tell(world.carrier.calls[0].token, "status", EventKind.ANSWERED)
    await reconcile(world, life, timedelta(minutes=6))
    assert world.carrier.asked == []
    await reconcile(world, life, timedelta(minutes=1))
    assert len(world.carrier.asked) == 1


async def test_call_the_carrier_does_not_know_stays_open_and_is_said(world: World) -> None:
    life = await dialed(world)
    world.carrier.listed_after = timedelta(days=1)
    assert "carrier_forgot_a_call" in await reconcile(world, life, timedelta(minutes=7))
    assert only(world).state is AttemptState.ACCEPTED


async def test_restart_asks_about_every_call_at_once(world: World) -> None:
    life = await dialed(world, people=3)
    life.die()
    for call in world.carrier.calls:
        world.carrier.end(call, Network.NO_ANSWER)
    later = world.start()
    assert await later.reconciler.after_restart() == 3
    assert {one.state for one in world.attempts()} == {AttemptState.FINAL}


async def test_restart_goes_on_when_the_carrier_is_silent(world: World) -> None:
    life = await dialed(world)
    life.die()
    world.carrier.mute = True
    with capture_logs() as logs:
        await world.start().reconciler.after_restart()
    assert "carrier_cannot_be_asked_about" in [line["event"] for line in logs]


@pytest.mark.parametrize(
    "fate",
    [NOT_MADE, Fate(NotSent("no connection"), made=False), Fate(Refused(Fault.TEMPORARY, "10004"), made=False)],
    ids=["not placed", "released", "rejected"],
)
async def test_call_that_was_given_up_and_comes_all_the_same_is_hung_up_and_said(world: World, fate: Fate) -> None:
    life = await dialed(world, fate)
    await reconcile(world, life, timedelta(minutes=2))
    await reconcile(world, life, timedelta(minutes=2))
    assert only(world).state not in {AttemptState.UNKNOWN, AttemptState.ORPHANED}
    call = world.carrier.begin(world.carrier.orders[0])
    with capture_logs() as logs:
        await world.carrier.tell(call.token, "status", EventKind.RINGING)
        reply = await world.carrier.tell(call.token, "answer")
        await quiet()
    assert reply.body == SILENCE
    assert set(world.carrier.hung_up) == {call.sid}
    assert only(world).state is AttemptState.ORPHANED
    assert "orphaned_call" in [line.get("why") for line in logs]


async def test_second_call_of_one_attempt_is_hung_up_and_changes_nothing(world: World) -> None:
    """Something between us and the carrier sent our one request twice."""
    await dialed(world)
    first = world.carrier.calls[0]
    await world.carrier.tell(first.token, "answer")
    second = world.carrier.begin(first.order)
    with capture_logs() as logs:
        await world.carrier.tell(first.token, "status", EventKind.RINGING, sid=second.sid)
        await world.carrier.tell(
            first.token, "status", EventKind.ENDED, sid=second.sid, network=Network.CANCELED, key="status:9"
        )
        await quiet()
    assert second.sid in world.carrier.hung_up
    assert first.sid not in world.carrier.hung_up
    assert "second_call_of_one_attempt" in [line.get("why") for line in logs]
    assert only(world).carrier_call_id == first.sid
    assert only(world).state is AttemptState.LIVE


async def test_verdict_in_the_carriers_record_is_taken_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    life = await dialed(world)
    call = world.carrier.calls[0]
    call.answered = world.clock.now()
    world.carrier.end(call, Network.ANSWERED)
    report = replace(call.report(), answered_by=AnsweredBy.MACHINE)
    monkeypatch.setattr(type(call), "report", lambda _self: report)
    await reconcile(world, life, timedelta(minutes=7))
    assert only(world).ending is Ending.MACHINE


def test_listing_waits_for_lease_and_lag() -> None:
    patience = Patience(lease=timedelta(seconds=30), listing_lag=timedelta(seconds=20))
    assert patience.before_listing == timedelta(seconds=50)
