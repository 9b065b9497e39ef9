"""One process at a time, whichever is there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.campaigns import NOW

if TYPE_CHECKING:
    from dialer.store import Store

SECOND = timedelta(seconds=1)
LASTS = 5 * SECOND


def test_whoever_has_it_keeps_it_until_it_is_over(store: Store) -> None:
    assert store.leases.take("pacing", "one", NOW, LASTS)
    assert not store.leases.take("pacing", "two", NOW + 4 * SECOND, LASTS)
    assert store.leases.take("pacing", "one", NOW + 4 * SECOND, LASTS)
    assert not store.leases.take("pacing", "two", NOW + 8 * SECOND, LASTS)
    assert store.leases.take("pacing", "two", NOW + 9 * SECOND, LASTS)
    assert not store.leases.take("pacing", "one", NOW + 9 * SECOND, LASTS)


def test_who_gives_it_up_is_followed_at_once_and_nobody_gives_up_anothers(store: Store) -> None:
    assert store.leases.take("pacing", "one", NOW, LASTS)
    store.leases.give_up("pacing", "two")
    assert not store.leases.take("pacing", "two", NOW, LASTS)
    store.leases.give_up("pacing", "one")
    assert store.leases.take("pacing", "two", NOW, LASTS)


def test_one_lease_is_not_another(store: Store) -> None:
    assert store.leases.take("pacing", "one", NOW, LASTS)
    assert store.leases.take("other", "two", NOW, LASTS)


def test_of_many_at_once_one_has_it(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        for at in (NOW, NOW + LASTS):
            won = list(pool.map(lambda nth, at=at: store.leases.take("pacing", f"{at} {nth}", at, LASTS), range(8)))
            assert sum(won) == 1
