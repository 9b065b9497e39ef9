"""What is known of those who may answer, in the order in which they would be called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.store.belonging import Taker
from dialer.store.prospects import MISSED, NEW, Traits
from tests.campaigns import NOW, customer, number
from tests.store.floor import AGENTS
from tests.store.steps import DAY, HOUR, claim, dial, dial_one, enrol, no_answer, people, start, tell

if TYPE_CHECKING:
    from dialer.store import Store


def test_those_next_in_line_by_rank(store: Store) -> None:
    people(store, customer("C1", number(1)), customer("C2", number(2), tier="vip"))
    start(store, agents=AGENTS)
    enrol(store)
    store.callbacks.turn(NOW)
    vip, other = store.prospects.next(["survey"], Taker(), 10, NOW)
    assert vip == Traits("survey/vip/fixed_line", NOW.hour, NEW)
    assert other == Traits("survey//fixed_line", NOW.hour, NEW)
    assert store.prospects.next(["survey"], Taker(), 1, NOW) == [vip]
    assert store.prospects.next(["another"], Taker(), 10, NOW) == []


def test_who_was_called_in_vain_is_told_from_who_is_new(store: Store) -> None:
    people(store, customer("C1"))
    start(store)
    enrol(store)
    tell(store, *no_answer(dial_one(store)))
    later = NOW + DAY + 2 * HOUR  # not the hour of the miss
    (briefing,) = dial(store, at=later)
    found = store.prospects.of([briefing.token], later)
    assert found == {briefing.token: Traits("survey//fixed_line", later.hour, MISSED)}


def test_of_nobody_nothing_is_known(store: Store) -> None:
    assert store.prospects.of([], NOW) == {}
    assert claim(store) == []
