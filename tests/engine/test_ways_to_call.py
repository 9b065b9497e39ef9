"""However a call comes about, by itself, by promise or because somebody asks for it, the same prohibitions stop it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from dialer.core.admission import Refuse, Wait
from dialer.engine.asked_for import call_next
from dialer.errors import InputError, NotFoundError
from dialer.store import promises
from tests.campaigns import customer, number
from tests.mortal import World, open_database
from tests.rule_books import preset, ruled
from tests.store.steps import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dialer.core.rules import Preset

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)
SHUT = preset("office", hours="18:00-19:00")
USED_UP = preset("seldom", caps=[{"max": 1, "period": "24 h", "counts": "attempts", "per": "person"}])


@pytest.fixture
def of(database_url: str) -> Iterator[Callable[..., World]]:
    """A world in which these presets hold."""
    databases = []

    def make(*presets: Preset) -> World:
        databases.append(open_database(database_url))
        world = World(databases[-1], house=ruled(*presets, spacing=timedelta(0)))
        world.apply()
        world.enrol(customer())
        return world

    yield make
    for database in databases:
        database.close()


def by_itself(world: World) -> None:
    world.turn()


def by_promise(world: World) -> None:
    now = world.clock.now()
    key = world.store.callbacks.latest("C1", "survey")
    asked = {"callback_id": key, "customer_id": 1, "campaign": "survey", "channel": "person", "asked_by": "Li Na"}
    said = {"asked_at": now, "wall": "2026-03-03T14:30", "zone": "Europe/London", "reading": "exact"}
    with world.store.database.write() as connection:
        promises.make(connection, asked | said | {"at": now, "until_at": now + HOUR, "missed": "next_window"}, now)
    world.store.callbacks.turn(now + HOUR * 24)
    world.turn()


def by_request(world: World) -> None:
    call_next(world.store, "C1", "survey", world.clock.now(), by="Li Na")
    world.turn()


WAYS = [by_itself, by_promise, by_request]


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_nothing_forbids_goes_out(of: Callable[..., World], way: Callable[[World], None]) -> None:
    world = of(USED_UP)
    way(world)
    assert await world.start().dialer.pump() == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("forbidden", ["opted out", "shut", "used up"])
async def test_what_is_forbidden_stays_forbidden(
    of: Callable[..., World], way: Callable[[World], None], forbidden: str
) -> None:
    world = of(*{"opted out": [], "shut": [SHUT], "used up": [USED_UP]}[forbidden])
    if forbidden == "opted out":
        world.store.suppressions.add_number(number().e164, "person", world.clock.now())
    if forbidden == "used up":  # by a call about something else, a moment ago
        world.apply("renewal")
        world.store.callbacks.turn(world.clock.now())
        call_next(world.store, "C1", "renewal", world.clock.now(), by="Li Na")
        life = world.start()
        assert await life.dialer.pump() == 1
        rung = world.attempts()[0]
        with world.store.database.write() as connection:
            done = "UPDATE attempt SET is_open = false, state = 'final', ending = 'no_answer', counted = true"
            connection.execute(text(done + " WHERE token = :token"), {"token": rung.attempt})
    before = len(world.attempts())
    way(world)
    assert await world.start().dialer.pump() == 0
    assert len(world.attempts()) == before


async def test_asking_for_a_call_says_what_the_gate_says_and_who_asked(of: Callable[..., World]) -> None:
    world = of(SHUT)
    decided = call_next(world.store, "C1", "survey", world.clock.now(), by="Li Na")
    assert isinstance(decided, Wait)
    assert any("office hours are shut" in rule.reason for rule in decided.rules)
    assert rows(world.store, "SELECT done_by, what FROM task") == [("Li Na", "asked for the call")]


async def test_whoever_is_asked_for_goes_before_everybody_else(of: Callable[..., World]) -> None:
    world = of()
    world.enrol(*[customer(f"V{n}", number(n), tier="vip") for n in range(1, 4)], customer("C9", number(9)))
    call_next(world.store, "C9", "survey", world.clock.now(), by="Li Na")
    world.turn()
    tokens = world.store.callbacks.claim(1, world.clock.now(), owner="x", lease=HOUR, token=lambda: "t")
    assert list(tokens) == ["t"]
    assert [one.customer for one in world.attempts()] == ["C9"]


async def test_somebody_who_is_not_enrolled_gets_a_callback_of_their_own(of: Callable[..., World]) -> None:
    world = of()
    world.apply("renewal", who={"field": "tier", "is": "vip"})
    with pytest.raises(InputError, match="does not select"):
        call_next(world.store, "C1", "renewal", world.clock.now(), by="Li Na")
    decided = call_next(world.store, "C1", "renewal", world.clock.now(), by="Li Na", anyway=True)
    assert not isinstance(decided, Refuse)
    assert {one.occasion for one in world.callbacks() if one.campaign == "renewal"} == {"asked for by Li Na"}


async def test_nobody_and_nothing_is_said(of: Callable[..., World]) -> None:
    world = of()
    with pytest.raises(NotFoundError):
        call_next(world.store, "C404", "survey", world.clock.now(), by="Li Na")
    with pytest.raises(NotFoundError):
        call_next(world.store, "C1", "nothing", world.clock.now(), by="Li Na")
    assert await world.start().dialer.pump() == 1
    with pytest.raises(InputError, match="in a call"):
        call_next(world.store, "C1", "survey", world.clock.now(), by="Li Na")
