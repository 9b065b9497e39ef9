"""What pacers have learnt outlasts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.core.pacing import Pacer
from tests.campaigns import NOW
from tests.store.steps import MINUTE, rows

if TYPE_CHECKING:
    from dialer.store import Store


def test_what_was_kept_last_is_what_is_known(store: Store) -> None:
    assert store.pacers.learnt("survey") == {}
    store.pacers.keep("survey", {"theta": [0.5]}, NOW)
    store.pacers.keep("renewal", {"theta": [0.1]}, NOW)
    store.pacers.keep("survey", {"theta": [0.25], "new": {"deep": [1, None]}}, NOW + MINUTE)
    assert store.pacers.learnt("survey") == {"theta": [0.25], "new": {"deep": [1, None]}}
    assert store.pacers.learnt("renewal") == {"theta": [0.1]}
    assert len(rows(store, "SELECT saved_at FROM pacer")) == 2


def test_a_pacer_goes_on_where_it_stopped(store: Store) -> None:
    pacer = Pacer()
    for second in range(40):
        pacer.observe(second, "answer", 8.0)
        pacer.observe(second + 0.5, "connect")
        pacer.observe(second, "noanswer")
        pacer.observe(second, "talk_end", 90.0 + second)
    store.pacers.keep("survey", pacer.state(), NOW)
    again = Pacer.restore(store.pacers.learnt("survey"))
    floor = ([0, 0, 1, 1, 2], [0.0, 5.0, 10.0, 20.0, 35.0])
    flying = ([0, 0, 1], [38.0, 39.0, 39.5])
    assert again.decide(41.0, floor, flying) == pacer.decide(41.0, floor, flying)
    assert (again.reason, again.inputs) == (pacer.reason, pacer.inputs)
