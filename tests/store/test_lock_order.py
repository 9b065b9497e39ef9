"""Whoever changes several rows takes them in one order, so that no two wait for each other; on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dialer.core.agent import AgentState
from dialer.core.lifecycle import EventKind
from dialer.core.outcome import Network
from tests.campaigns import NOW
from tests.store.rival import meet
from tests.store.steps import MINUTE, ended, rows, tell, told
from tests.store.test_reservations import ahead, assign, begin, check_floor, claim, free, state, talk

if TYPE_CHECKING:
    from collections.abc import Callable

    from dialer.store import Store

K, S = EventKind, AgentState

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]


@pytest.fixture
def ringing(store: Store) -> tuple[str, str]:
    """Two calls that ring for an agent each; the agents stand in the table the other way round."""
    later, earlier = free(store, "102"), free(store, "101")
    begin(store)
    calls = claim(store, earlier), claim(store, later)
    tell(store, *(told(call, K.PLACED) for call in calls))
    return calls


def in_turn(store: Store, place: str, first: Callable[[], object], second: Callable[[], object]) -> list[str]:
    """Who came to an end first, when the second begins in the middle of the first."""
    done: list[str] = []

    def finish(what: Callable[[], object], name: str) -> None:
        what()
        done.append(name)

    meet(store, place, lambda: finish(first, "first"), lambda: finish(second, "second"))
    return done


@pytest.mark.parametrize("what", ["seen", "renew", "looked_at"])
def test_signs_of_life_wait_for_nobody(store: Store, ringing: tuple[str, str], what: str) -> None:
    """They concern many rows and can be given again, so what somebody else changes at this moment is left out."""
    later = NOW + MINUTE
    signs: dict[str, Callable[[], None]] = {
        "seen": lambda: store.presences.seen(["101", "102"], later),
        "renew": lambda: store.reservations.renew(ringing, later),
        "looked_at": lambda: store.attempts.looked_at(ringing, later),
    }
    both_end = (ended(call, Network.BUSY) for call in ringing)
    done = in_turn(store, "INSERT INTO agent_move", lambda: tell(store, *both_end), signs[what])
    assert done == ["second", "first"]
    check_floor(store)


def test_signs_of_life_reach_everybody_else(store: Store, ringing: tuple[str, str]) -> None:
    later = NOW + MINUTE

    def one_ends() -> None:
        tell(store, ended(ringing[0], Network.BUSY))

    meet(store, "INSERT INTO agent_move", one_ends, lambda: store.presences.seen(["101", "102"], later))
    assert dict(rows(store, "SELECT leg_token, seen_at FROM presence")) == {"leg-101": None, "leg-102": later}


@pytest.mark.parametrize("place", ["INSERT INTO reservation", "UPDATE presence", "INSERT INTO agent_move"])
def test_a_customer_comes_in_while_their_agent_is_set_aside_for_another(store: Store, place: str) -> None:
    key = free(store, "101")
    begin(store)
    call = ahead(store)
    tell(store, told(call, K.PLACED), told(call, K.WAITING))
    came, claimed = meet(store, place, lambda: store.reservations.meet(call, "leg-101", NOW), lambda: claim(store, key))
    assert (came, claimed) == (True, "")
    assert [one.token for one in store.engagements.standing()] == [call]
    check_floor(store)


@pytest.mark.parametrize("place", ["INSERT INTO reservation", "UPDATE presence", "INSERT INTO agent_move"])
def test_an_agent_is_set_aside_while_another_customer_comes_in(store: Store, place: str) -> None:
    key = free(store, "101")
    begin(store)
    call = ahead(store)
    tell(store, told(call, K.PLACED), told(call, K.WAITING))
    _, came = meet(store, place, lambda: claim(store, key), lambda: store.reservations.meet(call, "leg-101", NOW))
    assert came
    assert [one.token for one in store.engagements.standing()] == [call]
    check_floor(store)


@pytest.mark.parametrize("place", ["UPDATE reservation", "UPDATE presence"])
@pytest.mark.parametrize("turned", [False, True])
def test_an_agent_is_given_up_while_another_customer_comes_in(store: Store, place: str, *, turned: bool) -> None:
    key = free(store, "101")
    begin(store)
    held, call = claim(store, key), ahead(store)
    tell(store, told(call, K.PLACED), told(call, K.WAITING))

    def comes() -> None:
        store.reservations.meet(call, "leg-101", NOW)

    def given_up() -> None:
        store.reservations.release(held, "the lease ran out", NOW)

    meet(store, place, *((given_up, comes) if turned else (comes, given_up)))
    assert [one.token for one in store.engagements.standing()] == [call]
    check_floor(store)


def test_two_customers_who_change_places_do_not_wait_for_each_other(store: Store) -> None:
    """Each comes into the conference of the agent who was set aside for the other."""
    begin(store)
    keys = free(store, "101"), free(store, "102")
    one, two = (claim(store, key) for key in keys)
    tell(store, told(one, K.PLACED), told(two, K.PLACED))
    meet(
        store,
        "UPDATE reservation",
        lambda: store.reservations.meet(one, "leg-102", NOW),
        lambda: store.reservations.meet(two, "leg-101", NOW),
    )
    assert {one.token: one.staff_number for one in store.engagements.standing()}[two] == "101"
    check_floor(store)


def test_a_conversation_ends_while_another_customer_is_said_to_come_in(store: Store) -> None:
    key = free(store, "101")
    begin(store)
    call = claim(store, key)
    talk(store, call)
    other = ahead(store)
    tell(store, told(other, K.PLACED), told(other, K.ANSWERED), told(other, K.WAITING))
    meet(
        store,
        "UPDATE reservation",
        lambda: store.reservations.parted(call, NOW + MINUTE),
        lambda: tell(store, told(other, K.CONNECTED)),
    )
    assert state(store) in {S.WRAP_UP, S.ON_CALL}


def test_customers_who_wait_find_the_agents_of_calls_that_end(store: Store, ringing: tuple[str, str]) -> None:
    waiting = ahead(store)
    tell(store, told(waiting, K.PLACED), told(waiting, K.WAITING))
    ends = [ended(call, Network.BUSY) for call in ringing]
    meet(store, "INSERT INTO agent_move", lambda: tell(store, *ends), lambda: assign(store, waiting))
    assert assign(store, waiting) in {"101", "102"}
    check_floor(store)
