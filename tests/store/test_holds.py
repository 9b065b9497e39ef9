"""What is held for another reason than the gate's own stays held until a person says otherwise, or nothing is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dialer.core.outcome import Fault, Network
from dialer.core.record import CallbackState, Reason
from dialer.core.suppression import Wish, line, person
from dialer.store import Result
from tests.campaigns import NOW, customer, number
from tests.store.steps import (
    DAY,
    MINUTE,
    K,
    callback,
    check_books,
    dial,
    dial_one,
    ended,
    enrol,
    people,
    start,
    tell,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dialer.store import Store

ATTEMPTS: dict[str, Any] = {"other_hour": False, "retry": [{"after": "hung_up", "stop": True}]}
LATER = NOW + DAY
"""When nothing but the hold keeps them from being called."""


def begun(store: Store) -> str:
    start(store, attempts=ATTEMPTS)
    people(store, customer("C1", tier="vip"))
    enrol(store)
    return dial_one(store)


def by_retry_table(store: Store) -> Reason:
    """The retry table ends it after such a call, and no VIP is closed unreached."""
    token = begun(store)
    tell(store, told(token, K.PLACED), told(token, K.RINGING), told(token, K.ANSWERED), ended(token, Network.ANSWERED))
    return Reason.STOPPED


def by_unknown_fault(store: Store) -> Reason:
    """The carrier refused with a code that nobody knows."""
    token = begun(store)
    tell(store, told(token, K.REFUSED, carrier_call_id="", fault=Fault.UNKNOWN, failure="99999"))
    return Reason.NEEDS_HUMAN


def imported(store: Store) -> None:
    people(store, customer("C1", tier="vip", language="de"), at=NOW + MINUTE)


def applied(store: Store) -> None:
    start(store, at=NOW + MINUTE, attempts=ATTEMPTS, title="Another title")


def zone_confirmed(store: Store) -> None:
    assert store.customers.confirm_zone("C1", "Europe/London", by="Li Na", now=NOW + MINUTE)


HOLDS = pytest.mark.parametrize("hold", [by_retry_table, by_unknown_fault])


@HOLDS
@pytest.mark.parametrize("news", [imported, applied, zone_confirmed])
def test_news_about_somebody_does_not_undo_a_hold(
    store: Store, hold: Callable[[Store], Reason], news: Callable[[Store], None]
) -> None:
    reason = hold(store)
    news(store)
    assert dial(store, at=LATER) == []
    assert (callback(store).state, callback(store).reason) == (CallbackState.HELD, reason)
    assert [(task.kind, task.state) for task in store.tasks.find()] == [(reason, "open")]
    check_books(store)


@HOLDS
@pytest.mark.parametrize("scope", ["everything", "purpose:survey", "campaign:survey"])
def test_an_opt_out_from_these_calls_closes_what_is_held(
    store: Store, hold: Callable[[Store], Reason], scope: str
) -> None:
    hold(store)
    store.suppressions.stop([person("C1")], Wish("person", scope=scope), NOW + MINUTE)
    assert dial(store, at=LATER) == []
    assert (callback(store).state, callback(store).reason) == (CallbackState.CLOSED, Reason.OPTED_OUT)
    assert store.tasks.find(states={"open", "taken"}) == []
    check_books(store)


@HOLDS
@pytest.mark.parametrize("name", [person("C1"), line(number().e164)])
def test_an_opt_out_from_other_calls_leaves_it_held(store: Store, hold: Callable[[Store], Reason], name: str) -> None:
    reason = hold(store)
    store.suppressions.stop([name], Wish("person", scope="purpose:sales"), NOW + MINUTE)
    assert dial(store, at=LATER) == []
    assert (callback(store).state, callback(store).reason) == (CallbackState.HELD, reason)
    assert [task.state for task in store.tasks.find()] == ["open"]
    check_books(store)


@HOLDS
def test_a_person_who_says_call_again_is_obeyed(store: Store, hold: Callable[[Store], Reason]) -> None:
    hold(store)
    (task,) = store.tasks.find()
    store.tasks.finish(task.id, "Li Na", Result.CALL_AGAIN, NOW + MINUTE)
    assert callback(store).state is CallbackState.WAITING
    assert [one.customer.reference for one in dial(store, at=LATER)] == ["C1"]
    check_books(store)


@HOLDS
def test_a_person_who_wants_it_called_next_is_obeyed(store: Store, hold: Callable[[Store], Reason]) -> None:
    hold(store)
    key = store.callbacks.latest("C1", "survey")
    assert key is not None
    assert store.callbacks.hurry(key, NOW + MINUTE, by="Li Na") is not None
    assert callback(store).state is CallbackState.WAITING
    assert [one.customer.reference for one in dial(store, at=LATER)] == ["C1"]
    check_books(store)
