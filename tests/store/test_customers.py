"""The customer file: twice is once, later updates, and what waits for a changed customer is asked about anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.core.customer import Customer
from dialer.core.hours import DailyRange
from dialer.core.phone import NumberKind, PhoneNumber
from dialer.core.record import CallbackState, Reason
from dialer.errors import StoreError
from dialer.store import Store, Upserted
from tests.campaigns import NOW, customer, house, number
from tests.store.steps import DAY, callback, check_books, claim, counts, crowd, enrol, people, start

if TYPE_CHECKING:
    from pathlib import Path

FULL = Customer(
    "客户-1",
    "王芳",
    salutation="女士",
    language="zh-CN",
    tier="vip",
    numbers=(PhoneNumber("+8613800138000", "CN", NumberKind.MOBILE, "12"), number(1)),
    region="CN-XJ",
    zone="Asia/Urumqi",
    quiet=(DailyRange.parse("12:00-14:30"), DailyRange.parse("21:00-09:00")),
    agent="A17",
    attributes={"policy": "车险", "expires": "2026-04-01", "visits": 3, "balance": -1.5},
)


def test_a_customer_is_kept_whole(store: Store) -> None:
    people(store, FULL)
    assert store.customers.get("客户-1") == FULL
    assert store.customers.get("客户-2") is None


def test_the_same_file_twice_changes_nothing(store: Store) -> None:
    everybody = [*crowd(5), FULL]
    assert store.customers.upsert(everybody, NOW) == Upserted(added=6, changed=0, same=0)
    assert store.customers.upsert(everybody, NOW + DAY) == Upserted(added=0, changed=0, same=6)
    assert store.customers.count() == 6


def test_a_later_file_adds_updates_and_deletes_nobody(store: Store) -> None:
    people(store, *crowd(3))
    later = [replace(crowd(1)[0], name="New name"), customer("C9", number(9)), crowd(2)[1]]
    assert store.customers.upsert(later, NOW) == Upserted(added=1, changed=1, same=1)
    found = store.customers.get("C0")
    assert found is not None
    assert found.name == "New name"
    assert store.customers.count() == 4


def test_an_empty_batch_is_nothing(store: Store) -> None:
    assert store.customers.upsert([], NOW) == Upserted(0, 0, 0)


def test_a_batch_is_kept_whole_or_not_at_all(store: Store) -> None:
    people(store, *crowd(1))
    broken = replace(customer("C7"), attributes={"what": object()})  # type: ignore[dict-item] # the point
    with pytest.raises((StoreError, TypeError)):
        store.customers.upsert([customer("C5"), broken], NOW)
    assert store.customers.count() == 1


def test_pages_go_through_the_whole_file_once(store: Store) -> None:
    people(store, *crowd(7, tier="vip"), *[customer(f"D{n}", number(100 + n)) for n in range(4)])
    sizes = [len(page) for page in store.customers.pages(3)]
    references = [one.reference for page in store.customers.pages(3) for one in page]
    assert sizes == [3, 3, 3, 2]
    assert len(set(references)) == 11
    assert sum(len(page) for page in store.customers.pages(2, tier="vip")) == 7


# What waits for a changed customer


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (replace(customer("C1"), numbers=()), Reason.NO_NUMBER),
        (replace(customer("C1"), zone="Nowhere/Town"), Reason.NO_ZONE),
        (customer("C1", PhoneNumber("+449098790000", "GB", NumberKind.PREMIUM)), Reason.NUMBER_POLICY),
        (customer("C1", quiet=(DailyRange.parse("00:00-24:00"),)), Reason.NO_WINDOW),
    ],
)
def test_a_mended_customer_is_called_after_all(store: Store, before: Customer, reason: Reason) -> None:
    start(store)
    people(store, before)
    enrol(store)
    held = callback(store)
    assert (held.state, held.reason, held.closed) == (CallbackState.HELD, reason, None)
    assert held.note
    people(store, customer("C1"))
    check_books(store)
    assert callback(store).state is CallbackState.WAITING
    assert callback(store).reason is None
    assert len(claim(store)) == 1


def test_a_change_that_mends_nothing_is_held_again(store: Store) -> None:
    start(store)
    people(store, replace(customer("C1"), numbers=()))
    enrol(store)
    people(store, replace(customer("C1"), numbers=(), name="Other"))
    assert claim(store) == []
    assert (callback(store).state, callback(store).reason) == (CallbackState.HELD, Reason.NO_NUMBER)
    check_books(store)


def test_a_customer_who_now_rests_is_not_called_although_they_stood_in_line(store: Store) -> None:
    start(store)
    people(store, customer("C1"))
    enrol(store)
    people(store, customer("C1", quiet=(DailyRange.parse("14:00-16:00"),)))
    assert claim(store) == []
    assert callback(store).next_at == NOW.replace(hour=16, minute=0)
    check_books(store)


def test_what_is_over_stays_over_whatever_the_file_says(store: Store) -> None:
    start(store)
    people(store, customer("C1"))
    store.suppressions.add_customers(["C1"], "person", NOW)
    enrol(store)
    assert counts(store) == {CallbackState.CLOSED: 1}
    people(store, customer("C1", number(7)))
    assert counts(store) == {CallbackState.CLOSED: 1}


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
customers = st.builds(
    Customer,
    reference=texts.map("R".__add__),
    name=texts,
    salutation=texts,
    language=texts,
    tier=texts,
    numbers=st.lists(st.integers(0, 5).map(number), max_size=3).map(tuple),
    region=texts,
    zone=texts,
    quiet=st.lists(st.just(DailyRange.parse("21:00-09:00")), max_size=1).map(tuple),
    agent=texts,
    attributes=st.dictionaries(texts, texts | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9), max_size=3),
)


@given(st.lists(customers, max_size=6, unique_by=lambda one: one.reference))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.slow
def test_whatever_a_file_says_is_kept_as_it_was_said(tmp_path: Path, some: list[Customer]) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'customers.db'}", house())
    store.customers.upsert(some, NOW)
    assert [store.customers.get(one.reference) for one in some] == some
    assert store.customers.upsert(some, NOW).same == len(some)
    store.close()
