"""A call that a person asks for: it meets a claim of the same callback in peace, and no enrolment takes it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dialer.core.promise import Reading
from dialer.core.record import CallbackState, Reason
from dialer.engine.asked_for import call_next
from dialer.engine.enrol import enrol as go_through_file
from dialer.store import Store, Wanted
from tests.campaigns import NOW, customer, house, number
from tests.store.rival import meet
from tests.store.steps import LEASE, MINUTE, callback, check_books, enrol, people, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import PostgresServer

AT = NOW + 2 * MINUTE


@pytest.fixture
def shared(postgres_server: PostgresServer) -> Iterator[Store]:
    """A store on a database that lets several write at once, with one callback."""
    with postgres_server.database() as url:
        opened = Store.open(url, house())
        start(opened)
        people(opened, customer("C1"))
        enrol(opened)
        yield opened
        opened.close()


def promise(store: Store) -> None:
    wall = (NOW + MINUTE).replace(tzinfo=None)
    wanted = Wanted(1, NOW + MINUTE, wall, "Europe/London", Reading.EXACT, "agent", "Li Na", "")
    store.promises.make(wanted, NOW)


@pytest.mark.slow
@pytest.mark.parametrize("promised", [False, True])
def test_what_is_being_claimed_at_this_moment_is_left_to_the_claim(shared: Store, promised: bool) -> None:  # noqa: FBT001 - a row of the table
    """A claim takes the place in the queue first, and the callback afterwards; so must everybody who wants both."""
    if promised:
        promise(shared)
    shared.callbacks.turn(AT)
    claimed, verdict = meet(
        shared,
        "DELETE FROM queue",
        lambda: shared.callbacks.claim(1, AT, owner="here", lease=LEASE, token=lambda: "the-call"),
        lambda: shared.callbacks.hurry(1, AT, by="Li Na"),
    )
    assert list(claimed) == ["the-call"]
    assert verdict is None, "it is in a call"
    assert callback(shared).state is CallbackState.CALLING
    check_books(shared)


def test_a_call_that_was_asked_for_is_not_withdrawn_by_the_next_enrolment(store: Store) -> None:
    """Whoever asked knows why; the campaign's filter is about those whom nobody asked for."""
    start(store, who={"field": "tier", "is": "vip"})
    people(store, customer("C1", number(1)), customer("C2", number(2), tier="vip"))
    go_through_file(store, NOW, "UTC")
    call_next(store, "C1", "survey", NOW, by="Li Na", anyway=True)
    people(store, customer("C2", number(2)), at=NOW + MINUTE)
    go_through_file(store, NOW + MINUTE, "UTC")
    assert callback(store, "C1").state is CallbackState.WAITING
    assert callback(store, "C2").reason is Reason.NOT_TARGETED
    check_books(store)
