"""Dialing: the intent before the send, one send, and what every answer of the carrier comes to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from dialer.core.lifecycle import AttemptState, EventKind
from dialer.core.outcome import Ending, Fault, Network
from dialer.core.record import CallbackState, Reason
from dialer.errors import StoreError
from dialer.ports import Lost, NotSent, Placed, Refused
from dialer.store import Enrolment
from tests.campaigns import customer, number
from tests.mortal import CALLER_ID, URL, Life, World, quiet
from tests.scripted_carrier import SILENCE, Fate

if TYPE_CHECKING:
    from dialer.core.phone import PhoneNumber
    from dialer.core.record import AttemptRecord
    from dialer.ports import Order

pytestmark = pytest.mark.anyio


async def dial_one(world: World, *fates: Fate, **campaign: Any) -> Life:
    """One customer, one round of dialing, everything done that can be done at once."""
    world.carrier.fates.extend(fates)
    world.apply(**campaign)
    world.enrol(customer("C1"))
    life = world.start()
    await life.dialer.pump()
    await quiet()
    return life


def only(world: World) -> AttemptRecord:
    (attempt,) = world.attempts()
    return attempt


async def test_order_says_whom_from_whom_how_long_and_where_to_report(world: World) -> None:
    await dial_one(world, attempts={"ring": "20 s", "longest_call": "3 min"})
    (order,) = world.carrier.orders
    assert order.to == number()
    assert order.caller_id == CALLER_ID
    assert (order.ring, order.longest) == (timedelta(seconds=20), timedelta(minutes=3))
    assert order.links.public_url == URL
    assert order.links.token == only(world).attempt


async def test_campaign_has_its_own_caller_id(world: World) -> None:
    await dial_one(world, caller_id="+442079460999")
    assert world.carrier.orders[0].caller_id == "+442079460999"


async def test_intent_and_commit_are_durable_before_the_carrier_hears_anything(world: World) -> None:
    seen: list[AttemptState] = []

    def look(_order: Order) -> Fate:
        seen.append(only(world).state)
        return Fate()

    world.carrier.fate = look
    await dial_one(world)
    assert seen == [AttemptState.DIALING]
    steps = [step for step in world.steps.trace if step.startswith("after")]
    wanted = ["after callbacks.claim", "after attempts.commit", "after carrier.place"]
    assert [step for step in steps if step in wanted] == wanted


@pytest.mark.parametrize(
    ("fate", "state", "callback"),
    [
        (Fate(), AttemptState.ACCEPTED, CallbackState.CALLING),
        (Fate(Lost("timeout")), AttemptState.UNKNOWN, CallbackState.CALLING),
        (Fate(Lost("timeout"), made=False), AttemptState.UNKNOWN, CallbackState.CALLING),
        (Fate(RuntimeError("a bug"), made=False), AttemptState.UNKNOWN, CallbackState.CALLING),
        (Fate(NotSent("refused"), made=False), AttemptState.RELEASED, CallbackState.WAITING),
        (Fate(Refused(Fault.TEMPORARY, "busy"), made=False), AttemptState.REJECTED, CallbackState.WAITING),
        (Fate(Refused(Fault.NUMBER, "none"), made=False), AttemptState.REJECTED, CallbackState.HELD),
        (Fate(Refused(Fault.UNKNOWN, "99999"), made=False), AttemptState.REJECTED, CallbackState.HELD),
        (Fate(Refused(Fault.CONFIGURATION, "no"), made=False), AttemptState.REJECTED, CallbackState.WAITING),
        (Fate(Refused(Fault.CALLER_ID, "no"), made=False), AttemptState.REJECTED, CallbackState.WAITING),
    ],
    ids=lambda value: repr(getattr(value, "answer", value)) if isinstance(value, Fate) else None,
)
async def test_what_every_answer_comes_to(
    world: World, fate: Fate, state: AttemptState, callback: CallbackState
) -> None:
    with capture_logs():
        await dial_one(world, fate)
    attempt = only(world)
    assert attempt.state is state
    assert not attempt.counted
    assert world.callback().state is callback
    assert len(world.carrier.orders) == 1


async def test_number_refused_for_good_is_held_for_a_person(world: World) -> None:
    await dial_one(world, Fate(Refused(Fault.NUMBER, "no such number"), made=False))
    assert only(world).ending is Ending.BAD_NUMBER
    assert world.callback().reason is Reason.BAD_NUMBER


async def test_number_refused_for_good_gives_way_to_the_next_one(world: World) -> None:
    world.carrier.fates.append(Fate(Refused(Fault.NUMBER, "no such number"), made=False))
    world.apply()
    world.enrol(customer("C1", number(1), number(2)))
    life = world.start()
    await life.dialer.pump()
    await quiet()
    world.turn()
    await life.dialer.pump()
    await quiet()
    assert [order.to for order in world.carrier.orders] == [number(1), number(2)]


async def test_code_nobody_knows_is_said_and_not_tried_again(world: World) -> None:
    with capture_logs() as logs:
        life = await dial_one(world, Fate(Refused(Fault.UNKNOWN, "99999: new"), made=False))
    assert world.callback().reason is Reason.NEEDS_HUMAN
    assert "carrier_refused_with_unknown_code" in [line["event"] for line in logs]
    await world.clock.sleep(timedelta(hours=2))
    world.turn()
    assert await life.dialer.pump() == 0


@pytest.mark.parametrize("fault", [Fault.CONFIGURATION, Fault.CALLER_ID])
async def test_fault_in_the_configuration_pauses_the_campaign_and_says_why(world: World, fault: Fault) -> None:
    with capture_logs() as logs:
        life = await dial_one(world, Fate(Refused(fault, "21210: the caller id is not verified"), made=False))
    standing = world.store.campaigns.get("survey")
    assert standing.paused
    assert standing.pause_reason == "21210: the caller id is not verified"
    assert "campaign_paused" in [line["event"] for line in logs]
    await world.clock.sleep(timedelta(hours=2))
    world.turn()
    assert await life.dialer.pump() == 0
    world.store.campaigns.resume("survey")
    world.turn()
    assert await life.dialer.pump() == 1


async def test_what_never_reached_the_customer_is_tried_again_and_counts_for_nothing(world: World) -> None:
    life = await dial_one(world, Fate(NotSent("connection refused"), made=False))
    await world.clock.sleep(timedelta(seconds=61))
    world.turn()
    await life.dialer.pump()
    await quiet()
    first, second = world.attempts()
    assert (first.state, second.state) == (AttemptState.RELEASED, AttemptState.ACCEPTED)
    assert first.attempt != second.attempt
    assert world.callback().attempts == 0


@pytest.mark.parametrize(
    "answer",
    [None, Lost("HTTP 500"), RuntimeError("not JSON"), NotSent("late"), Refused(Fault.TEMPORARY, "10004")],
    ids=repr,
)
async def test_webhooks_before_the_answer_are_not_undone_by_it(
    world: World, answer: Lost | NotSent | Refused | Exception | None
) -> None:
    with capture_logs():
        await dial_one(world, Fate(answer, back=timedelta(seconds=9)))
        token = world.carrier.calls[0].token
        assert world.facts(token).state is AttemptState.DIALING
        await world.carrier.tell(token, "status", EventKind.RINGING)
        assert world.facts(token).state is AttemptState.ACCEPTED
        await world.carrier.tell(token, "answer")
        await world.carrier.tell(token, "status", EventKind.ENDED, network=Network.ANSWERED)
        before = world.facts(token)
        assert before.state is AttemptState.FINAL
        await world.clock.sleep(timedelta(seconds=10))
    after = world.facts(token)
    assert after.state is AttemptState.FINAL
    assert after.carrier_call_id == world.carrier.calls[0].sid
    assert (after.outcome, after.counted) == (before.outcome, before.counted)


async def test_lost_answer_after_a_first_webhook_leaves_the_call_where_the_webhook_put_it(world: World) -> None:
    with capture_logs():
        await dial_one(world, Fate(Lost("timeout"), back=timedelta(seconds=9)))
        token = world.carrier.calls[0].token
        await world.carrier.tell(token, "status", EventKind.QUEUED)
        await world.clock.sleep(timedelta(seconds=10))
    assert world.facts(token).state is AttemptState.ACCEPTED


async def test_answer_that_comes_after_all_ends_not_knowing(world: World) -> None:
    with capture_logs():
        life = await dial_one(world, Fate(back=timedelta(seconds=70)))
        await world.clock.sleep(timedelta(seconds=61))
        await life.reconciler.round()
        assert only(world).state is AttemptState.UNKNOWN
        await world.clock.sleep(timedelta(seconds=10))
    assert only(world).state is AttemptState.ACCEPTED


async def test_call_that_could_not_be_sent_in_time_is_not_sent(world: World) -> None:
    world.steps.meanwhile["after attempts.commit"] = lambda: world.clock.freeze(timedelta(seconds=21))
    await dial_one(world)
    assert world.carrier.orders == []
    assert only(world).state is AttemptState.RELEASED


async def test_machine_that_slept_after_the_commit_does_not_send(world: World) -> None:
    world.steps.meanwhile["after attempts.commit"] = lambda: world.clock.suspend(timedelta(minutes=10))
    await dial_one(world)
    assert world.carrier.orders == []
    assert only(world).state is AttemptState.RELEASED


async def test_short_lease_leaves_less_time_to_send(world: World) -> None:
    """Others conclude from the lease that this dialer is dead; it must not send after that."""
    world.patience = type(world.patience)(lease=timedelta(seconds=4))
    world.steps.meanwhile["after attempts.commit"] = lambda: world.clock.freeze(timedelta(seconds=3))
    await dial_one(world)
    assert world.carrier.orders == []


async def test_call_whose_window_closed_on_the_way_is_not_sent(world: World) -> None:
    world.apply(when={"windows": {"daily": ["09:00-15:00"]}}, attempts={"ring": "25 s"})
    world.enrol(customer("C1"))
    life = world.start()
    # The last instant at which the gate says yes is 15:00 less 25 seconds of ringing and 10 of guard.
    await world.clock.sleep(timedelta(minutes=29, seconds=20))
    world.steps.meanwhile["after attempts.commit"] = lambda: world.clock.freeze(timedelta(seconds=6))
    assert await life.dialer.pump() == 1
    await quiet()
    assert world.carrier.orders == []
    assert only(world).state is AttemptState.RELEASED
    assert world.callback().state is CallbackState.WAITING


async def test_gate_is_asked_again_between_claim_and_commit(world: World) -> None:
    def opt_out() -> None:
        world.store.suppressions.add_number(number().e164, "person", world.clock.now())

    world.steps.meanwhile["after callbacks.claim"] = opt_out
    await dial_one(world)
    assert world.carrier.orders == []
    assert only(world).state is AttemptState.RELEASED
    assert world.callback().reason is Reason.OPTED_OUT


async def test_pause_between_claim_and_commit_is_heeded(world: World) -> None:
    world.steps.meanwhile["after callbacks.claim"] = lambda: world.store.campaigns.pause("survey", "by hand")
    await dial_one(world)
    assert world.carrier.orders == []
    assert world.callback().state is CallbackState.WAITING


@pytest.mark.parametrize(("queued", "taken_back"), [(2.0, False), (2.1, True)])
async def test_call_the_carrier_would_hold_back_is_taken_back(world: World, queued: float, *, taken_back: bool) -> None:
    with capture_logs() as logs:
        await dial_one(world, Fate(queued=timedelta(seconds=queued)))
    assert world.carrier.hung_up == ([world.carrier.calls[0].sid] if taken_back else [])
    assert ("queued_call_taken_back" in [line["event"] for line in logs]) is taken_back
    # Only the carrier can say that it is over: until then the number is held.
    assert only(world).state is AttemptState.ACCEPTED


async def test_taken_back_call_that_never_rang_is_called_again(world: World) -> None:
    with capture_logs():
        await dial_one(world, Fate(queued=timedelta(seconds=9)))
    token = world.carrier.calls[0].token
    await world.carrier.tell(token, "status", EventKind.ENDED, network=Network.CANCELED)
    assert only(world).ending is Ending.NOT_RUNG
    assert world.callback().state is CallbackState.WAITING
    assert world.callback().attempts == 0


async def test_call_that_rings_already_is_not_taken_back(world: World) -> None:
    """The answer that said how long it would wait was itself late: whoever hears it ring may answer it."""
    await dial_one(world, Fate(queued=timedelta(seconds=6), back=timedelta(seconds=5)))
    await world.clock.sleep(timedelta(seconds=10))
    assert world.carrier.hung_up == []


async def test_call_that_began_to_ring_while_the_carrier_was_silent_goes_on(world: World) -> None:
    world.carrier.mute = True
    await dial_one(world, Fate(queued=timedelta(seconds=6)))
    await world.clock.sleep(timedelta(seconds=7))
    world.carrier.mute = False
    await world.clock.sleep(timedelta(minutes=1))
    assert world.carrier.hung_up == []


async def test_carrier_that_cannot_be_asked_to_take_back_is_asked_again(world: World) -> None:
    world.carrier.mute = True
    with capture_logs():
        await dial_one(world, Fate(queued=timedelta(seconds=9)))
        await world.clock.sleep(timedelta(seconds=2))
        world.carrier.mute = False
        await world.clock.sleep(timedelta(seconds=10))
    assert world.carrier.hung_up == [world.carrier.calls[0].sid]


@pytest.mark.parametrize(("told", "seconds"), [(None, 1), (timedelta(seconds=7), 7)])
async def test_slows_down_when_the_carrier_asks(world: World, told: timedelta | None, seconds: int) -> None:
    world.apply()
    world.enrol(customer("C1", number(1)), customer("C2", number(2)))
    world.calls_per_second = 5  # one at a time
    world.carrier.fates.append(Fate(NotSent("429", slow_down=True, retry_after=told), made=False))
    life = world.start()
    with capture_logs() as logs:
        assert await life.dialer.pump() == 1
        await quiet()
    assert "carrier_asks_to_slow_down" in [line["event"] for line in logs]
    await world.clock.sleep(timedelta(seconds=seconds - 0.1))
    assert await life.dialer.pump() == 0
    await world.clock.sleep(timedelta(seconds=0.2))
    assert await life.dialer.pump() == 1


async def test_calls_a_second_are_kept(world: World) -> None:
    world.apply()
    world.enrol(*(customer(f"C{i}", number(i)) for i in range(30)))
    world.calls_per_second = 4
    life = world.start()
    for _ in range(500):
        await life.dialer.pump()
        await world.clock.sleep(timedelta(seconds=0.01))
    await quiet()
    assert 20 <= len(world.carrier.orders) <= 21


async def test_no_more_calls_at_once_than_allowed_and_unknown_ones_count(world: World) -> None:
    world.apply()
    world.enrol(*(customer(f"C{i}", number(i)) for i in range(9)))
    world.most_at_once = 3
    world.carrier.fates.append(Fate(Lost("timeout"), made=False))
    life = world.start()
    with capture_logs():
        for _ in range(20):
            await life.dialer.pump()
            await world.clock.sleep(timedelta(seconds=0.1))
    assert len(world.carrier.orders) == 3
    await world.carrier.tell(world.carrier.calls[0].token, "status", EventKind.ENDED, network=Network.BUSY)
    await life.dialer.pump()
    await quiet()
    assert len(world.carrier.orders) == 4


async def test_two_people_behind_one_number_are_not_called_at_once(world: World) -> None:
    world.apply()
    world.enrol(customer("C1", number(1)), customer("C2", number(1)))
    life = world.start()
    await life.dialer.pump()
    await quiet()
    assert len(world.carrier.orders) == 1
    assert sorted(one.state for one in world.callbacks()) == [CallbackState.CALLING, CallbackState.WAITING]


async def test_one_person_in_two_campaigns_is_in_one_call(world: World) -> None:
    world.apply("survey")
    world.apply("renewal")
    world.enrol(customer("C1"))
    life = world.start()
    for _ in range(3):
        await life.dialer.pump()
        await quiet()
    assert len(world.carrier.orders) == 1


async def test_answer_that_cannot_be_written_is_left_to_reconciliation(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise StoreError("the database is away")

    record = world.store.attempts.record
    with capture_logs():
        monkeypatch.setattr(world.store.attempts, "record", broken)
        life = await dial_one(world)
        assert only(world).state is AttemptState.DIALING
        monkeypatch.setattr(world.store.attempts, "record", record)
        for _ in range(3):
            await world.clock.sleep(timedelta(seconds=61))
            await life.reconciler.round()
    assert only(world).state is AttemptState.ACCEPTED
    assert only(world).carrier_call_id == world.carrier.calls[0].sid


async def test_carrier_that_asks_to_slow_down_is_heard_when_the_database_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise StoreError("the database is away")

    with capture_logs():
        monkeypatch.setattr(world.store.attempts, "record", broken)
        life = await dial_one(world, Fate(NotSent("429", slow_down=True, retry_after=timedelta(minutes=1)), made=False))
    world.enrol(customer("C2", number(2)))
    assert await life.dialer.pump() == 0


async def test_draining_waits_for_requests_on_their_way(world: World) -> None:
    life = await dial_one(world, Fate(back=timedelta(seconds=5)))
    await life.dialer.drain(timedelta(seconds=30))
    assert only(world).state is AttemptState.ACCEPTED


async def test_draining_leaves_to_reconciliation_what_does_not_come_back(world: World) -> None:
    life = await dial_one(world, Fate(back=timedelta(minutes=5)))
    await life.dialer.drain(timedelta(seconds=30))
    await quiet()
    assert only(world).state is AttemptState.DIALING
    later = world.start()
    with capture_logs():
        await world.clock.sleep(timedelta(seconds=120))
        await later.reconciler.round()
    assert only(world).state is AttemptState.ACCEPTED
    assert len(world.carrier.orders) == 1


async def test_orphan_is_hung_up_and_reported(world: World) -> None:
    """The request was taken for lost on its way to the carrier, and was only slow."""
    with capture_logs() as logs:
        await dial_one(world, Fate(NotSent("connection refused"), made=False))
        call = world.carrier.begin(world.carrier.orders[0])
        reply = await world.carrier.tell(call.token, "answer")
        await quiet()
    assert reply.body == SILENCE
    assert only(world).state is AttemptState.ORPHANED
    assert world.carrier.hung_up == [call.sid]
    assert [line["why"] for line in logs if line["event"] == "call_ended_by_us"] == ["orphaned_call"]


async def test_placed_is_the_only_answer_that_names_a_call(world: World) -> None:
    await dial_one(world, Fate(Placed("CA" + "f" * 32, timedelta())))
    assert only(world).carrier_call_id == "CA" + "f" * 32


@pytest.mark.parametrize(("lines", "first"), [(1, number(1)), (4, number(1)), (5, number(2))])
async def test_a_share_for_vips_that_is_no_whole_line_keeps_none(world: World, lines: int, first: PhoneNumber) -> None:
    """With one line, a fifth of it for VIPs would be all of it, and nobody else would ever be called."""
    now = world.clock.now()
    world.apply()
    world.store.customers.upsert([customer("OLD", number(1)), customer("VIP", number(2), tier="vip")], now)
    keys = world.store.customers.keys(["OLD", "VIP"])
    for one, due in (("OLD", now - timedelta(days=6)), ("VIP", now)):  # longer ago than a VIP's head start
        world.store.callbacks.enrol("survey", [Enrolment(keys[one], "once", due, now + timedelta(days=3))], due)
    world.turn()
    world.most_at_once = lines
    life = world.start()
    life.dialer._line = replace(life.dialer._line, vip_share=0.2)
    await life.dialer.pump()
    await quiet()
    assert world.carrier.orders[0].to == first
