"""Tries to sign in are counted by name and by place, and what was typed is not kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dialer.core.agent import Agent
from dialer.store import Deed, Store
from dialer.store.sign_ins import FOR_A_NAME, FOR_A_PLACE, WITHIN, sign_in
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
    for place in ("a", "b"):
        assert begin(store, name, place=place) == [False]
    assert begin(store, name, after=WITHIN - timedelta(seconds=1)) == [False]
    assert all(begin(store, *[name] * FOR_A_NAME, after=WITHIN)), "tries that waited are not held against them"


def test_a_success_begins_anew_for_the_name_and_not_for_the_place(store: Store) -> None:
    tried = 0
    while tried < FOR_A_PLACE:
        tried += sum(begin(store, *["2001"] * (FOR_A_NAME - 1)))
        key = store.sign_ins.begin("2001", "b", NOW)
        assert key is not None
        store.sign_ins.worked(key)
    assert begin(store, "2001") == [False]
    assert begin(store, "2001", place="b") == [True]


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
