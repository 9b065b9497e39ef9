"""Recall: a phone that rings falls silent when its owner is put on the list, and a conversation is never cut."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from dialer.core.lifecycle import AttemptState, EventKind
from dialer.core.outcome import Network
from dialer.core.record import CallbackState, Reason
from dialer.core.suppression import Wish, line, person
from dialer.engine.recall import AGAIN, Recall
from dialer.ports import Lost
from dialer.store import Store
from dialer.store.database import Database
from tests.campaigns import customer, number
from tests.mortal import Life, World, quiet
from tests.scripted_carrier import Fate, Person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dialer.core.customer import Customer

pytestmark = pytest.mark.anyio

SECOND = timedelta(seconds=1)


async def ringing(world: World, *people: Customer, ring: timedelta = 20 * SECOND, **campaign: Any) -> Recall:
    """Everybody's phone rings."""
    world.carrier.lives = True
    world.carrier.person = lambda _order: Person(ring=ring)
    world.apply(**campaign)
    world.enrol(*(people or (customer("C1"),)))
    life = world.start()
    await life.dialer.pump()
    await world.clock.sleep(2 * SECOND)
    assert all(call.rang for call in world.carrier.calls)
    return recall_of(world, life)


def recall_of(world: World, life: Life) -> Recall:
    return Recall(store=world.store, desk=life.desk, telephony=world.carrier, clock=world.clock)


def stop(world: World, *names: str, scope: str = "everything") -> None:
    world.store.suppressions.stop(names, Wish("person", scope), world.clock.now())


async def look(recall: Recall) -> Sequence[str]:
    """One look; what was said of it."""
    with capture_logs() as logs:
        await recall.round()
        await quiet()
    return [str(entry["event"]) for entry in logs]


@pytest.mark.parametrize("name", [person("C1"), line(number(1).e164), line(number(2).e164)])
async def test_a_ringing_call_is_canceled_and_ends_as_the_carrier_tells(world: World, name: str) -> None:
    """By person, by the number that rings, and by another number of theirs."""
    recall = await ringing(world, customer("C1", number(1), number(2)))
    stop(world, name)
    assert await look(recall) == ["ringing_call_recalled"]
    (call,) = world.carrier.calls
    assert (call.ended_by_us, call.network, call.answered) == (True, Network.CANCELED, None)
    (attempt,) = world.attempts()
    assert (attempt.state, attempt.counted) == (AttemptState.FINAL, True), "the phone did ring"
    world.turn()
    assert (world.callback().state, world.callback().reason) == (CallbackState.CLOSED, Reason.OPTED_OUT)
    assert await recall.round() == 0


async def test_what_another_process_wrote_counts(world: World) -> None:
    recall = await ringing(world)
    assert await recall.round() == 0
    other = Database(world.database.url.render_as_string(hide_password=False))
    Store(other, world.house).suppressions.add_customers(["C1"], "person", world.clock.now())
    other.close()
    assert await recall.round() == 1
    assert world.carrier.calls[0].ended_by_us


async def test_only_calls_that_the_wish_forbids_are_canceled(world: World) -> None:
    recall = await ringing(world, *(customer(f"C{one}", number(one)) for one in range(1, 6)))
    stop(world, person("C1"), scope="purpose:survey")
    stop(world, person("C2"), scope="campaign:survey")
    stop(world, person("C3"), scope="purpose:sales")
    stop(world, person("C4"), scope="campaign:other")
    stop(world, person("C5"))
    world.store.suppressions.lift(person("C5"), "everything", by="Eve", said="on the phone", now=world.clock.now())
    assert await recall.round() == 2
    assert {call.number for call in world.carrier.calls if call.ended_by_us} == {number(1).e164, number(2).e164}


async def test_a_call_that_may_sell_is_forbidden_by_a_wish_about_sales(world: World) -> None:
    recall = await ringing(world, may_sell=True)
    stop(world, person("C1"), scope="purpose:sales")
    assert await recall.round() == 1


async def test_an_old_row_without_purpose_is_read_by_its_campaign(world: World) -> None:
    recall = await ringing(world)
    with world.database.write() as connection:
        connection.execute(text("UPDATE attempt SET purpose = ''"))
    stop(world, person("C1"), scope="purpose:survey")
    assert await recall.round() == 1


async def test_a_number_that_left_the_file_is_still_the_one_that_rings(world: World) -> None:
    recall = await ringing(world, customer("C1", number(1)))
    world.store.customers.upsert([customer("C1", number(2))], world.clock.now())
    stop(world, line(number(1).e164))
    assert await recall.round() == 1


async def test_a_conversation_is_not_cut(world: World) -> None:
    recall = await ringing(world, ring=timedelta(seconds=1))
    await world.clock.sleep(SECOND)
    assert world.attempts()[0].state is AttemptState.LIVE
    stop(world, person("C1"))
    assert await recall.round() == 0
    await world.clock.sleep(timedelta(minutes=1))
    assert not world.carrier.calls[0].ended_by_us
    assert world.carrier.calls[0].network is Network.ANSWERED


async def test_the_carrier_is_asked_once_in_some_seconds_until_the_call_is_over(world: World) -> None:
    recall = await ringing(world)
    world.carrier.post = lambda _call, _event: ()  # its webhooks are lost
    stop(world, person("C1"))
    asked = []
    for _ in range(7):
        asked.append(await recall.round())
        await world.clock.sleep(AGAIN / 3)
    assert asked == [1, 0, 0, 1, 0, 0, 1]


async def test_a_silent_carrier_is_said_and_asked_again_and_hides_no_other_call(world: World) -> None:
    recall = await ringing(world, customer("C1", number(1)), customer("C2", number(2)))
    stop(world, person("C1"), person("C2"))
    world.carrier.mute_about = {world.carrier.calls[0].sid}
    assert sorted(await look(recall)) == ["ringing_call_not_recalled", "ringing_call_recalled"]
    world.carrier.mute_about = set()
    await world.clock.sleep(AGAIN)
    assert await look(recall) == ["ringing_call_recalled"]
    assert all(call.ended_by_us for call in world.carrier.calls)


async def test_nothing_personal_is_logged(world: World) -> None:
    recall = await ringing(world, customer("secret-reference", number(1)))
    stop(world, line(number(1).e164))
    with capture_logs() as logs:
        await recall.round()
    assert [set(entry) for entry in logs] == [
        {"event", "log_level", "attempt", "on", "scope", "source", "ended"},
    ]
    assert "secret" not in str(logs)
    assert number(1).e164[1:] not in str(logs)


async def test_a_call_is_canceled_as_soon_as_the_carrier_names_it(world: World) -> None:
    """The wish comes while the request is on its way: the gate has let it go, and nobody knows the call yet."""
    world.carrier.fates.append(Fate(back=3 * SECOND))
    world.apply()
    world.enrol(customer("C1"))
    life = world.start()
    recall = recall_of(world, life)
    await life.dialer.pump()
    await quiet()
    stop(world, person("C1"))
    assert await recall.round() == 0
    await world.clock.sleep(4 * SECOND)
    assert await recall.round() == 1
    assert world.carrier.calls[0].ended_by_us


async def test_a_lost_call_is_canceled_when_it_is_found(world: World) -> None:
    world.carrier.fates.append(Fate(Lost("timeout")))
    world.apply()
    world.enrol(customer("C1"))
    life = world.start()
    recall = recall_of(world, life)
    with capture_logs():
        await life.dialer.pump()
        await quiet()
    stop(world, person("C1"))
    assert await recall.round() == 0, "nobody knows which call it is"
    await world.carrier.tell(world.carrier.orders[0].links.token, "status", EventKind.RINGING)
    assert await recall.round() == 1


async def test_a_key_pressed_in_one_call_silences_the_phone_of_whoever_shares_the_number(world: World) -> None:
    """C1 answers on the number that C2 turns out to have as well, while C2's own phone rings."""
    world.carrier.lives = True
    world.carrier.person = lambda order: (
        Person(ring=SECOND, keys=("9",)) if order.to == number(1) else Person(ring=40 * SECOND)
    )
    world.apply()
    world.enrol(customer("C1", number(1)), customer("C2", number(2)))
    life = world.start()
    recall = recall_of(world, life)
    await life.dialer.pump()
    world.store.customers.upsert([customer("C2", number(2), number(1))], world.clock.now())
    await world.clock.sleep(4 * SECOND)
    assert await recall.round() == 0
    await world.clock.sleep(4 * SECOND)
    assert await recall.round() == 1
    assert {call.number for call in world.carrier.calls if call.ended_by_us} == {number(2).e164}
