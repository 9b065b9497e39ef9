"""The bound on abandoned calls, and the gate that it closes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.abandonment import Gate, upper_bound


@pytest.mark.parametrize(
    ("abandoned", "answered", "bound"),
    [(0, 0, 1.0), (0, 10, 0.2775), (3, 100, 0.0845), (30, 1000, 0.0425), (10, 10, 1.0)],
)
def test_the_bound_is_wilsons(abandoned: int, answered: int, bound: float) -> None:
    assert upper_bound(abandoned, answered) == pytest.approx(bound, abs=5e-4)


@given(answered=st.integers(1, 10_000), data=st.data())
def test_the_bound_is_above_the_share_and_more_calls_bring_it_closer(answered: int, data: st.DataObject) -> None:
    abandoned = data.draw(st.integers(0, answered))
    bound = upper_bound(abandoned, answered)
    assert abandoned / answered <= bound <= 1
    assert upper_bound(10 * abandoned, 10 * answered) <= bound


@pytest.mark.parametrize(("abandoned", "answered"), [(-1, 5), (6, 5), (0, -1)])
def test_counts_that_cannot_be_are_refused(abandoned: int, answered: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        upper_bound(abandoned, answered)


def test_the_gate_closes_when_the_budget_and_its_allowance_are_spent() -> None:
    gate = Gate(target=0.03, allowance=2)
    assert gate.budget(4, 100) == pytest.approx(1)
    assert gate.is_open(5, 100)
    assert not gate.is_open(6, 100)


def test_a_limit_is_proved_before_it_is_used() -> None:
    gate = Gate(target=0.025, allowance=2, limit=0.03)
    assert not gate.is_open(0, 0)
    assert not gate.is_open(0, 100)
    assert gate.is_open(0, 125)
    assert not gate.is_open(3, 125)
