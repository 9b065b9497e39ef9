"""Late words of the carrier about a call: the record learns from them, and what people have done since stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dialer.core.outcome import Disposition, Fault, Network
from dialer.core.promise import Reading
from dialer.core.record import CallbackState, Reason
from dialer.store import Result, Wanted
from tests.campaigns import NOW, customer
from tests.store.steps import (
    DAY,
    HOUR,
    MINUTE,
    K,
    callback,
    check_books,
    conversation,
    dial,
    dial_one,
    enrol,
    no_answer,
    people,
    start,
    tell,
    told,
)

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.core.lifecycle import Event
    from dialer.store import Store

SOON, LATER = NOW + 2 * HOUR, NOW + 4 * HOUR


def begun(store: Store, tier: str = "", **changes: Any) -> str:
    """The one call of a new campaign."""
    start(store, **changes)
    people(store, customer("C1", tier=tier))
    enrol(store)
    return dial_one(store)


def unanswered(store: Store, tier: str = "", **changes: Any) -> str:
    token = begun(store, tier, **changes)
    tell(store, *no_answer(token))
    return token


def chosen(store: Store) -> str:
    """A call in which the customer chose another time by a key."""
    token = begun(store)
    tell(store, *choosing(token, NOW, SOON))
    return token


def choosing(token: str, at: datetime, when: datetime) -> list[Event]:
    return conversation(token, Disposition.PROMISED, at, node="when", promise_at=when, answer="later")


def spoken_to(store: Store) -> None:
    """A person takes the one task and reaches the customer."""
    (task,) = store.tasks.find()
    store.tasks.finish(task.id, "Li Na", Result.REACHED, NOW + 10 * MINUTE)


def engaged(token: str) -> Event:
    """It was another reason than was said first."""
    return told(token, K.ENDED, NOW, key="late", network=Network.BUSY)


def troubled(token: str) -> Event:
    """Nothing new about what was said, only about how the call went."""
    return told(token, K.ENDED, NOW, key="late", network=Network.ANSWERED, fault=Fault.TEMPORARY)


def ask_a_person(store: Store, at: datetime, now: datetime) -> None:
    key = store.callbacks.latest("C1", "survey")
    assert key is not None
    wall = at.replace(tzinfo=None)
    store.promises.make(Wanted(key, at, wall, "Europe/London", Reading.EXACT, "agent", "Li Na", ""), now)


def promises(store: Store) -> list[tuple[str, datetime, str]]:
    return [(one.state, one.at, one.channel) for one in store.promises.find()]


def test_a_promise_made_to_a_person_since_stands(store: Store) -> None:
    token = unanswered(store)
    ask_a_person(store, SOON, NOW + MINUTE)
    tell(store, engaged(token), at=NOW + 2 * MINUTE)
    assert promises(store) == [("open", SOON, "agent")]
    assert callback(store).promised_at == callback(store).next_at == SOON
    check_books(store)


def test_the_time_chosen_in_the_call_does_not_replace_the_one_chosen_since(store: Store) -> None:
    token = chosen(store)
    ask_a_person(store, LATER, NOW + MINUTE)
    tell(store, troubled(token), at=NOW + 2 * MINUTE)
    assert [one for one in promises(store) if one[0] == "open"] == [("open", LATER, "agent")]
    assert callback(store).promised_at == callback(store).next_at == LATER
    check_books(store)


def test_a_promise_taken_back_since_does_not_return(store: Store) -> None:
    token = chosen(store)
    (made,) = store.promises.find()
    store.promises.withdraw(made.id, "Li Na", NOW + MINUTE)
    tell(store, troubled(token), at=NOW + 2 * MINUTE)
    assert [state for state, *_ in promises(store)] == ["void"]
    assert callback(store).promised_at is None
    check_books(store)


def test_what_a_person_finished_stays_done(store: Store) -> None:
    token = unanswered(store, "vip", attempts={"most": 1})
    spoken_to(store)
    assert callback(store).state is CallbackState.DONE
    tell(store, engaged(token), at=NOW + 11 * MINUTE)
    assert callback(store).state is CallbackState.DONE
    assert store.tasks.find(states={"open", "taken"}) == []
    check_books(store)


def test_nobody_is_called_again_whom_a_person_reached(store: Store) -> None:
    """By the retry table the late word alone would mean another call."""
    token = unanswered(store, "vip", attempts={"most": 3, "retry": [{"after": "no_answer", "stop": True}]})
    spoken_to(store)
    tell(store, engaged(token), at=NOW + 11 * MINUTE)
    assert dial(store, at=NOW + 2 * HOUR) == []
    assert dial(store, at=NOW + DAY) == []
    assert callback(store).state is CallbackState.DONE
    check_books(store)


def test_who_is_no_longer_selected_stays_so(store: Store) -> None:
    token = unanswered(store)
    key = store.customers.keys(["C1"])["C1"]
    assert store.callbacks.withdraw("survey", [key], NOW + MINUTE) == 1
    tell(store, engaged(token), at=NOW + 2 * MINUTE)
    assert (callback(store).state, callback(store).reason) == (CallbackState.CLOSED, Reason.NOT_TARGETED)
    check_books(store)


def test_a_word_about_an_earlier_call_leaves_the_promise_of_a_later_one(store: Store) -> None:
    first = unanswered(store, attempts={"other_hour": False})
    second = dial_one(store, at=LATER)
    tell(store, *choosing(second, LATER, LATER + HOUR), at=LATER)
    tell(store, engaged(first), at=LATER + MINUTE)
    assert promises(store) == [("open", LATER + HOUR, "keypad")]
    assert callback(store).promised_at == LATER + HOUR
    check_books(store)
