"""Who is likely to answer: everybody's rate first, then what each kind of person showed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.answer_rates import AnswerRates

dials = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 23), st.sampled_from(["new", "met"]), st.booleans()),
    max_size=60,
)


def taught(seen: list[tuple[str, int, str, bool]]) -> AnswerRates:
    rates = AnswerRates()
    for segment, hour, contact, answered in seen:
        rates.observe(segment, hour, contact, answered=answered)
    return rates


def test_before_anything_was_seen_the_expectation_holds() -> None:
    assert AnswerRates(rate=0.25).chance("vip", 9, "new") == pytest.approx(0.25)


def test_a_new_segment_starts_at_everybodys_rate() -> None:
    rates = taught([("a", 9, "new", i % 10 == 0) for i in range(2000)])
    assert rates.chance("never seen", 9, "new") == pytest.approx(0.1, abs=0.01)


def test_segment_contact_and_hour_are_told_apart() -> None:
    rates = AnswerRates()
    for i in range(4000):
        segment, contact, hour = ("a", "b")[i % 2], ("new", "met")[i // 2 % 2], (9, 18)[i // 4 % 2]
        likely = 0.1 + 0.2 * (segment == "b") + 0.3 * (contact == "met") + 0.2 * (hour == 18)
        rates.observe(segment, hour, contact, answered=i // 8 % 10 < round(10 * likely))
    assert rates.chance("a", 9, "new") == pytest.approx(0.1, abs=0.03)
    assert rates.chance("b", 18, "met") == pytest.approx(0.8, abs=0.03)
    assert rates.chance("b", 9, "met") == pytest.approx(0.6, abs=0.03)
    assert rates.chances([("a", 18, "new"), ("a", 9, "met")]) == pytest.approx([0.3, 0.4], abs=0.03)


def test_what_was_seen_long_ago_counts_less() -> None:
    rates = AnswerRates(half_life=50)
    for answered in [True] * 300 + [False] * 300:
        rates.observe("a", 9, "new", answered=answered)
    assert rates.chance("a", 9, "new") < 0.05


@given(dials)
def test_a_chance_is_a_chance_and_one_more_answer_never_lowers_it(seen: list[tuple[str, int, str, bool]]) -> None:
    yes, no = taught([*seen, ("a", 9, "new", True)]), taught([*seen, ("a", 9, "new", False)])
    assert 0 < no.chance("a", 9, "new") < yes.chance("a", 9, "new") < 1


@given(dials)
def test_what_was_learnt_survives_being_written_down(seen: list[tuple[str, int, str, bool]]) -> None:
    rates = taught(seen)
    again = AnswerRates.restore(json.loads(json.dumps(rates.state())))
    assert again.chance("a", 9, "met") == rates.chance("a", 9, "met")
    again.observe("a", 9, "met", answered=True)
    rates.observe("a", 9, "met", answered=True)
    assert again.state() == rates.state()
