"""Tries to sign in are counted by name and by place, and what was typed is not kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dialer.core.agent import Agent
from dialer.store import Deed, Store
from dialer.store.sign_ins import FOR_A_NAME, FOR_A_NAME_ANYWHERE, FOR_A_PLACE, KEPT, WITHIN, network_of, sign_in
from tests.campaigns import NOW, house

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.fixture(autouse=True)
def li(store: Store) -> None:
    store.agents.add(Agent("2001", "Li Na"), NOW, Deed("x", "y"))


def begin(store: Store, *names: str, place: str = "a", after: timedelta = timedelta()) -> Sequence[bool]:
    """Whether each try may go on."""
    return [store.sign_ins.begin(name, place, NOW + after) is not None for name in names]


@pytest.mark.parametrize("name", ["2001", "nobody"])
def test_a_name_waits_whether_it_exists_or_not_and_no_longer_than_its_failures_last(store: Store, name: str) -> None:
    assert all(begin(store, *[name] * FOR_A_NAME))
    assert begin(store, name) == [False]
    assert begin(store, name, place="b") == [True], "a stranger elsewhere locks nobody out"
    assert begin(store, name, after=WITHIN - timedelta(seconds=1)) == [False]
    assert all(begin(store, *[name] * FOR_A_NAME, after=WITHIN)), "tries that waited are not held against them"


@pytest.mark.parametrize("name", ["2001", "nobody"])
def test_many_places_together_guess_slowly_as_well(store: Store, name: str) -> None:
    for place in range(FOR_A_NAME_ANYWHERE // FOR_A_NAME):
        assert all(begin(store, *[name] * FOR_A_NAME, place=f"place {place}"))
    assert begin(store, name, place="another") == [False]
    assert begin(store, "2002", place="another") == [True]
    assert begin(store, name, place="another", after=WITHIN) == [True]


def succeed(store: Store, name: str, place: str = "a", after: timedelta = timedelta()) -> None:
    key = store.sign_ins.begin(name, place, NOW + after)
    assert key is not None
    store.sign_ins.worked(key, NOW + after)


def test_a_success_begins_anew_for_the_name_where_it_was_and_not_for_the_place(store: Store) -> None:
    names = [str(number) for number in range(2001, 2001 + FOR_A_PLACE // (FOR_A_NAME - 1))]
    for name in names:
        assert all(begin(store, *[name] * (FOR_A_NAME - 1)))
        if name != names[-1]:
            succeed(store, name)
    assert begin(store, "2999") == [False], "the place has had enough"
    succeed(store, "2001", place="b")


def test_a_success_elsewhere_forgives_nothing_here(store: Store) -> None:
    assert all(begin(store, *["2001"] * FOR_A_NAME))
    succeed(store, "2001", place="b")
    assert begin(store, "2001") == [False]


def test_a_success_forgives_what_was_typed_before_it_at_the_same_place(store: Store) -> None:
    for _ in range(3):
        assert all(begin(store, *["2001"] * (FOR_A_NAME - 1)))
        succeed(store, "2001")


def test_old_tries_go_when_one_works(store: Store) -> None:
    begin(store, "2001", "2002")
    succeed(store, "2001", after=KEPT)
    with store.database.read() as connection:
        assert len(connection.execute(sign_in.select()).all()) == 3
    succeed(store, "2001", after=KEPT + timedelta(seconds=1))
    with store.database.read() as connection:
        assert [row.worked for row in connection.execute(sign_in.select())] == [True, True]


def test_a_place_waits_after_many_names_and_a_restart_forgives_nothing(store: Store) -> None:
    assert all(begin(store, *map(str, range(FOR_A_PLACE))))
    again = Store.open(store.database.url.render_as_string(hide_password=False), house())
    try:
        assert begin(again, "2001") == [False]
        assert begin(again, "2001", place="b") == [True]
    finally:
        again.close()


def test_what_is_no_staff_number_is_kept_as_a_digest(store: Store) -> None:
    begin(store, "my secret password", "2001")
    with store.database.read() as connection:
        names = list(
            connection.scalars(sign_in.select().order_by(sign_in.c.id).with_only_columns(sign_in.c.staff_number))
        )
    assert names[0].startswith("?")
    assert "secret" not in names[0]
    assert names[1] == "2001"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::7", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::7%eth0", "fe80::/64"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_what_counts_as_one_place(address: str, network: str) -> None:
    assert network_of(address) == network


def test_addresses_that_one_customer_has_are_one_place(store: Store) -> None:
    for last in range(FOR_A_NAME):
        assert begin(store, "2001", place=f"2001:db8::{last:x}") == [True]
    assert begin(store, "2001", place="2001:db8::ffff") == [False]
    assert begin(store, "2001", place="2001:db8:0:1::1") == [True]


def guess_everywhere(store: Store, after: timedelta) -> None:
    for place in range(FOR_A_NAME_ANYWHERE // FOR_A_NAME):
        assert all(begin(store, *["2001"] * FOR_A_NAME, place=f"place {place}", after=after))


@pytest.mark.parametrize(("after", "may"), [(KEPT - timedelta(seconds=1), True), (KEPT, False)])
def test_many_places_do_not_keep_a_number_out_where_it_signed_in_lately(
    store: Store,
    after: timedelta,
    may: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    succeed(store, "2001", place="home")
    guess_everywhere(store, after)
    assert begin(store, "2001", place="another", after=after) == [False]
    assert begin(store, "2001", place="home", after=after) == [may]
    rest = FOR_A_NAME - 1 if may else 0
    assert begin(store, *["2001"] * (rest + 1), place="home", after=after) == [True] * rest + [False]


def test_made_up_names_do_not_keep_out_who_signed_in_there_lately(store: Store) -> None:
    store.agents.add(Agent("2002", "Wei"), NOW, Deed("x", "y"))
    succeed(store, "2001", place="office")
    succeed(store, "2002", place="home")
    assert all(begin(store, *[f"made up {one}" for one in range(FOR_A_PLACE)], place="office"))
    assert begin(store, "another", "2002", place="office") == [False, False]
    assert begin(store, *["2001"] * (FOR_A_NAME + 1), place="office") == [True] * FOR_A_NAME + [False]


def test_the_numbers_known_at_a_place_are_not_all_guessed_there(store: Store) -> None:
    numbers = [str(number) for number in range(3001, 3002 + FOR_A_PLACE // (FOR_A_NAME - 1))]
    for number in numbers:
        store.agents.add(Agent(number, number), NOW, Deed("x", "y"))
        succeed(store, number)
    *tried, last = numbers
    for number in tried:
        assert all(begin(store, *[number] * (FOR_A_NAME - 1)))
    assert begin(store, last, tried[0]) == [False, False]
    assert begin(store, last, place="b") == [True]
