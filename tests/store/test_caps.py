"""Caps hold over all campaigns and all dialers: what two of them may both take, only one gets."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest

from dialer.core.caps import After, CoolOff
from dialer.core.outcome import Disposition
from dialer.store import Store
from tests.campaigns import NOW, customer, number
from tests.rule_books import preset, ruled
from tests.store.steps import (
    DAY,
    HOUR,
    LEASE,
    MINUTE,
    callback,
    check_books,
    claim,
    conversation,
    dial,
    dial_one,
    enrol,
    no_answer,
    people,
    rows,
    start,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dialer.core.rules import Preset

CAMPAIGNS = ("autumn", "renewal", "survey", "welcome")


def twice_a_day(counts: str = "attempts", per: str = "person") -> Preset:
    return preset("twice", caps=[{"max": 2, "period": "24 h", "counts": counts, "per": per}])


@pytest.fixture
def opened(database_url: str) -> Iterator[Callable[..., Store]]:
    stores = []

    def make(*presets: Preset) -> Store:
        stores.append(Store.open(database_url, ruled(*presets, spacing=timedelta(0))))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def begin(store: Store, many: int = 1) -> None:
    for name in CAMPAIGNS:
        start(store, name)
    people(store, *[customer(f"C{one}", number(one)) for one in range(1, many + 1)])
    for name in CAMPAIGNS:
        enrol(store, name)


def test_a_cap_counts_over_all_campaigns_and_says_when_it_lets_the_next_pass(opened: Callable[..., Store]) -> None:
    store = opened(twice_a_day())
    begin(store)
    for minutes in (0, 10):
        token = dial_one(store, NOW + minutes * MINUTE)
        tell(store, *no_answer(token, NOW + minutes * MINUTE), at=NOW + minutes * MINUTE)
    assert claim(store, at=NOW + 20 * MINUTE) == []
    waiting = [one for one in store.records.callbacks() if not one.attempts]
    assert {one.next_at for one in waiting} == {NOW + DAY}
    assert all("2 attempts in 24 h are allowed, and used up" in one.note for one in waiting)
    assert len(claim(store, at=NOW + DAY)) == 1
    check_books(store)


def test_a_call_whose_end_nobody_knows_counts(opened: Callable[..., Store]) -> None:
    """A program that dies in the middle has counted too much, never too little."""
    store = opened(preset(caps=[{"max": 1, "period": "24 h", "counts": "attempts", "per": "number"}]))
    start(store)
    people(store, customer("C1", number(1)), customer("C2", number(1)))
    enrol(store)
    (token,) = claim(store)  # and then it dies
    store.attempts.commit([token], NOW)
    assert claim(store, at=NOW + 5 * HOUR) == []
    assert {one.next_at for one in store.records.callbacks() if one.next_at} <= {NOW + DAY, NOW + 5 * HOUR + MINUTE}


def test_what_was_never_sent_uses_up_nothing(opened: Callable[..., Store]) -> None:
    store = opened(preset(caps=[{"max": 1, "period": "24 h", "counts": "attempts", "per": "person"}]))
    start(store)
    people(store, customer())
    enrol(store)
    tokens = claim(store)
    store.campaigns.pause("survey", "a test")
    assert store.attempts.commit(tokens, NOW) == []
    store.campaigns.resume("survey")
    store.callbacks.turn(NOW + 2 * MINUTE)
    assert len(dial(store, at=NOW + 2 * MINUTE)) == 1


def test_a_cool_off_after_a_conversation_holds_for_every_campaign_of_its_purpose(opened: Callable[..., Store]) -> None:
    store = opened(preset(purposes=["survey"], cooloffs=[{"after": "conversation", "wait": "7 days"}]))
    start(store, "survey")
    start(store, "another")
    start(store, "renewal", purpose="renewal")
    people(store, customer())
    enrol(store, "survey")
    tell(store, *conversation(dial_one(store), Disposition.COMPLETED))
    enrol(store, "another")
    enrol(store, "renewal")
    later = NOW + HOUR
    (briefing,) = dial(store, at=later)
    assert briefing.campaign.id == "renewal"
    assert (
        callback(store, name="another").next_at is None
        or "left alone for 7 days" in callback(store, name="another").note
    )


@pytest.mark.parametrize("many", [6, pytest.param(40, marks=pytest.mark.slow)])
def test_caps_are_never_exceeded_by_several_dialers(opened: Callable[..., Store], database_url: str, many: int) -> None:
    """Each dialer claims, dials and ends calls as fast as it can; whoever counts and writes must do both at once."""
    dialers = 4
    begin(opened(twice_a_day()), many)
    barrier = threading.Barrier(dialers)

    def work(one: int) -> None:
        own = Store.open(database_url, ruled(twice_a_day(), spacing=timedelta(0)))
        serial = count()
        barrier.wait(timeout=60)
        for _ in range(many):
            own.callbacks.turn(NOW + MINUTE)
            tokens = own.callbacks.claim(
                3, NOW + MINUTE, owner=f"d{one}", lease=LEASE, token=lambda: f"d{one}-{next(serial):04d}"
            )
            for briefing in own.attempts.commit(tokens, NOW + MINUTE):
                tell(own, *no_answer(briefing.token, NOW + MINUTE), at=NOW + MINUTE)
        own.close()

    with ThreadPoolExecutor(dialers) as pool:
        list(pool.map(work, range(dialers)))
    store = opened(twice_a_day())
    calls = Counter(who for (who,) in rows(store, "SELECT customer_id FROM attempt WHERE sent_at IS NOT NULL"))
    assert calls
    assert max(calls.values()) <= 2
    check_books(store)


def test_a_service_call_that_may_sell_starts_the_cool_off_for_sales(opened: Callable[..., Store]) -> None:
    store = opened(preset(purposes=["sales"], cooloffs=[{"after": "refused", "wait": "2 days"}]))
    start(store, "service", purpose="service", may_sell=True)
    start(store, "sale", purpose="sales")
    people(store, customer())
    enrol(store, "service")
    tell(store, *conversation(dial_one(store), Disposition.REFUSED))
    later = NOW + HOUR
    enrol(store, "sale", at=later, due=later)
    assert dial(store, at=later) == []
    assert "left alone for 2 days" in callback(store, name="sale").note
    assert len(dial(store, at=NOW + 2 * DAY)) == 1
    check_books(store)


def test_a_floor_of_the_house_longer_than_every_preset_is_kept(database_url: str) -> None:
    """Calls are looked at as far back as the longest of all rules, the house's own among them."""
    week = CoolOff(after=After.CONVERSATION, wait=7 * DAY)
    with closing(Store.open(database_url, ruled(spacing=timedelta(0), floors=(week,)))) as store:
        start(store, "survey")
        start(store, "another")
        people(store, customer())
        enrol(store, "survey")
        tell(store, *conversation(dial_one(store), Disposition.COMPLETED))
        enrol(store, "another", at=NOW + DAY, due=NOW + DAY)
        assert dial(store, at=NOW + 2 * DAY) == []
        assert len(dial(store, at=NOW + 7 * DAY)) == 1
        check_books(store)
