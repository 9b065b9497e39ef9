"""The ledger: nobody is answered before their words are safe, and one bad event does not take others with it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from dialer.core.lifecycle import AttemptState, Event, EventKind
from dialer.engine.ledger import LARGEST
from dialer.errors import StoreError
from tests.campaigns import customer, number
from tests.mortal import Life, World, quiet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from dialer.store import Recorded

pytestmark = pytest.mark.anyio


async def in_calls(world: World, people: int) -> tuple[Life, list[str]]:
    """Calls that the carrier has; the process and the attempts' tokens."""
    world.calls_per_second = 10_000
    world.most_at_once = people
    world.apply()
    world.enrol(*(customer(f"C{i}", number(i)) for i in range(people)))
    life = world.start()
    await life.dialer.pump()
    await quiet()
    return life, [call.token for call in world.carrier.calls]


def ringing(world: World, token: str, key: str = "ringing") -> Event:
    return Event(token, EventKind.RINGING, key, world.clock.now(), "webhook")


def watch_batches(world: World, monkeypatch: pytest.MonkeyPatch, poison: str = "") -> list[int]:
    """How many events each transaction held; those that hold the token `poison` fail."""
    sizes: list[int] = []
    record = world.store.attempts.record

    def watched(events: Sequence[Event], now: datetime) -> Sequence[Recorded]:
        sizes.append(len(events))
        if any(one.token == poison for one in events):
            raise StoreError("the database at sqlite:///dialer.db failed (DataError)")
        return record(events, now)

    monkeypatch.setattr(world.store.attempts, "record", watched)
    return sizes


async def test_events_that_come_together_are_written_together(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    life, tokens = await in_calls(world, 12)
    sizes = watch_batches(world, monkeypatch)
    told = [ringing(world, token) for token in tokens]
    results = await asyncio.gather(*(life.ledger.record(event) for event in told))
    assert [one.token for (one,) in results] == tokens
    assert sizes == [12]


async def test_no_transaction_is_endless(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    life, (token,) = await in_calls(world, 1)
    sizes = watch_batches(world, monkeypatch)
    await life.ledger.record(*(ringing(world, token, f"ringing {i}") for i in range(LARGEST * 2 + 1)))
    assert sizes == [LARGEST, LARGEST, 1]


async def test_answers_come_in_the_order_of_the_events(world: World) -> None:
    life, (token,) = await in_calls(world, 1)
    kinds = [EventKind.ENDED, EventKind.ANSWERED, EventKind.ANSWERED]
    now = world.clock.now()
    events = [Event(token, kind, kind.value, now, "webhook") for kind in kinds]
    results = await life.ledger.record(*events)
    assert [one.new for one in results] == [True, True, False]
    assert await life.ledger.record(*events[:1]) != results[:1], "told for the second time"


async def test_poison_event_harms_nobody_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    life, tokens = await in_calls(world, 5)
    sizes = watch_batches(world, monkeypatch, poison=tokens[2])
    with capture_logs() as logs:
        results = await asyncio.gather(
            *(life.ledger.record(ringing(world, token)) for token in tokens), return_exceptions=True
        )
    assert [isinstance(one, StoreError) for one in results] == [False, False, True, False, False]
    assert sizes == [5, 1, 1, 1, 1, 1]
    ((event, token),) = [(line["event"], line["attempt"]) for line in logs]
    assert (event, token) == ("event_not_recorded", tokens[2])
    rang = {token: world.facts(token).rang_at is not None for token in tokens}
    assert rang == {token: token != tokens[2] for token in tokens}


async def test_writing_goes_on_after_a_failure(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    life, tokens = await in_calls(world, 2)
    with monkeypatch.context() as patch, capture_logs():
        watch_batches(world, patch, poison=tokens[0])
        with pytest.raises(StoreError):
            await life.ledger.record(ringing(world, tokens[0]))
    await life.ledger.record(ringing(world, tokens[0]))
    assert world.facts(tokens[0]).rang_at is not None


async def test_whoever_gives_up_waiting_does_not_stop_the_writing(world: World) -> None:
    life, tokens = await in_calls(world, 2)
    impatient = asyncio.create_task(_record(life, ringing(world, tokens[0])))
    other = asyncio.create_task(_record(life, ringing(world, tokens[1])))
    await asyncio.sleep(0)
    impatient.cancel()
    await other
    await quiet()
    assert world.facts(tokens[0]).rang_at is not None, "what was told is kept although nobody waits for it"


async def _record(life: Life, *events: Event) -> Sequence[Recorded]:
    return await life.ledger.record(*events)


async def test_end_of_a_call_wakes_the_dialing(world: World) -> None:
    life, (token,) = await in_calls(world, 1)
    await life.ledger.record(ringing(world, token))
    assert not life.ledger.settled.is_set()
    await life.ledger.record(Event(token, EventKind.ENDED, "ended", world.clock.now(), "webhook"))
    assert life.ledger.settled.is_set()


async def test_unknown_token_is_answered_without_facts(world: World) -> None:
    life, _ = await in_calls(world, 1)
    (result,) = await life.ledger.record(ringing(world, "0" * 32))
    assert (result.facts, result.new) == (None, False)


async def test_call_that_must_not_be_is_ended_however_often_the_carrier_must_be_asked(world: World) -> None:
    life, _ = await in_calls(world, 1)
    world.carrier.mute = True
    with capture_logs() as logs:
        life.ledger.end(world.carrier.calls[0].sid, "orphaned_call", world.carrier.calls[0].token)
        await world.clock.sleep(timedelta(seconds=20))
        world.carrier.mute = False
        await life.ledger.finish()
    assert world.carrier.calls[0].ended_by_us
    assert [line["event"] for line in logs] == ["call_ended_by_us"]


async def test_call_that_cannot_be_ended_is_said(world: World) -> None:
    life, _ = await in_calls(world, 1)
    world.carrier.mute = True
    with capture_logs() as logs:
        life.ledger.end(world.carrier.calls[0].sid, "orphaned_call", world.carrier.calls[0].token)
        await life.ledger.finish()
    assert [line["event"] for line in logs] == ["call_ended_by_us", "call_could_not_be_ended"]


async def test_finishing_writes_what_is_waiting(world: World) -> None:
    life, (token,) = await in_calls(world, 1)
    task = asyncio.create_task(_record(life, ringing(world, token)))
    await asyncio.sleep(0)
    await life.ledger.finish()
    assert world.facts(token).rang_at is not None
    assert world.facts(token).state is AttemptState.ACCEPTED
    await task
