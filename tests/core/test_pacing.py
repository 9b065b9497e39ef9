"""The pacer: never less than progressive, never more than the budget lets it, and always able to say why."""

from __future__ import annotations

import json
import math
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.core.loss import EXACT, Loss
from dialer.core.pacing import LINES, Pacer
from scripts.benchmarks.people import People
from scripts.benchmarks.shifts import Shift, Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.benchmarks.shifts import Agents, Floor

NOW = 10_000.0
Kind = tuple[str, float]

agents = st.lists(st.tuples(st.integers(0, 3), st.floats(0, 900)), max_size=40)
calls = st.lists(st.tuples(st.sampled_from([0, 0, 0, 0, 1, 2]), st.floats(0, 30)), max_size=50)
events = st.lists(
    st.tuples(
        st.sampled_from(
            ["answer", "noanswer", "cancel", "abandon", "connect", "talk_end", "wrap_end", "machine", "amd_human"]
        ),
        st.floats(0, 600),
    ),
    max_size=40,
)


def pair(rows: Sequence[tuple[int, float]]) -> tuple[list[int], list[float]]:
    """States and instants, out of states and ages."""
    return [state for state, _ in rows], [NOW - age for _, age in rows]


def taught(seen: Sequence[Kind], **parameters: Any) -> Pacer:
    pacer = Pacer(**parameters)
    for i, (kind, value) in enumerate(seen):
        pacer.observe(NOW - len(seen) + i, kind, value)
    return pacer


def progressive(crew: Sequence[tuple[int, float]], flying: Sequence[tuple[int, float]]) -> int:
    return max(0, sum(state == 0 for state, _ in crew) - len(flying))


@settings(max_examples=40)
@given(agents, calls, events)
def test_never_fewer_than_progressive(
    crew: list[tuple[int, float]], flying: list[tuple[int, float]], seen: list[Kind]
) -> None:
    count = taught(seen).decide(NOW, pair(crew), pair(flying))
    present = sum(state != 3 for state, _ in crew)
    assert progressive(crew, flying) <= count <= max(progressive(crew, flying), LINES * present - len(flying))


@settings(max_examples=40)
@given(agents, calls, events)
def test_one_more_ready_agent_never_means_fewer_calls(
    crew: list[tuple[int, float]], flying: list[tuple[int, float]], seen: list[Kind]
) -> None:
    pacer = taught(seen)
    assert pacer.decide(NOW, pair(crew), pair(flying)) <= pacer.decide(NOW, pair([*crew, (0, 5.0)]), pair(flying))


@settings(max_examples=40)
@given(agents, calls, st.integers(1, 20))
def test_who_is_away_does_not_count(
    crew: list[tuple[int, float]], flying: list[tuple[int, float]], absent: int
) -> None:
    pacer = Pacer()
    here = pacer.decide(NOW, pair(crew), pair(flying))
    assert pacer.decide(NOW, pair([*crew, *[(3, 100.0)] * absent]), pair(flying)) == here


@settings(max_examples=40)
@given(agents, calls, events)
def test_what_was_learnt_survives_being_written_down(
    crew: list[tuple[int, float]], flying: list[tuple[int, float]], seen: list[Kind]
) -> None:
    pacer = taught(seen)
    again = Pacer.restore(json.loads(json.dumps(pacer.state())))
    for step in range(3):
        pacer.observe(NOW + step, "answer", 7.0)
        again.observe(NOW + step, "answer", 7.0)
        assert again.decide(NOW, pair(crew), pair(flying)) == pacer.decide(NOW, pair(crew), pair(flying))
        assert again.inputs == pacer.inputs
    assert again.state() == pacer.state()


def test_the_state_of_another_ring_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="bins"):
        Pacer.restore(Pacer().state(), ring_limit=40.0)
    with pytest.raises(ValueError, match="lacks answers"):
        Pacer.restore({})


@settings(max_examples=40)
@given(agents, calls, events)
def test_beyond_the_budget_agents_are_dialed_for_one_by_one(
    crew: list[tuple[int, float]], flying: list[tuple[int, float]], seen: list[Kind]
) -> None:
    pacer = taught(seen)
    pacer.count(50, 300)
    assert pacer.decide(NOW, pair(crew), pair(flying)) == progressive(crew, flying)
    assert not pacer.inputs.gate_open
    assert pacer.inputs.budget < 0
    assert "one by one" in pacer.reason


@pytest.mark.parametrize("allowed", [True, False])
@settings(max_examples=40)
@given(crew=agents, flying=calls, seen=events)
def test_only_what_rang_long_enough_is_stopped_and_only_where_that_is_allowed(
    *, crew: list[tuple[int, float]], flying: list[tuple[int, float]], seen: list[Kind], allowed: bool
) -> None:
    count = taught(seen, late_hang_up=allowed).decide(NOW, pair(crew), pair(flying))
    long_enough = sum(stage == 0 and NOW - (NOW - age) >= 15 for stage, age in flying)
    assert count >= (-long_enough if allowed else 0)


def test_the_oldest_calls_are_stopped_when_nobody_will_be_free() -> None:
    pacer = Pacer(late_hang_up=True)
    assert pacer.decide(NOW, pair([(1, 20.0)]), pair([(0, 20.0), (0, 18.0), (0, 5.0)])) == -2
    assert pacer.reason.startswith("stopping 2: 0 ready, 3 ringing")
    assert Pacer().decide(NOW, pair([(1, 20.0)]), pair([(0, 20.0), (0, 18.0), (0, 5.0)])) == 0


@pytest.mark.parametrize("empty", [([], []), (np.array([]), np.array([])), ((), ())])
def test_nobody_there_means_nothing_to_do(empty: Any) -> None:
    pacer = Pacer()
    assert pacer.inputs.ready == 0
    assert pacer.decide(NOW, empty, empty) == 0
    assert pacer.decide(NOW, empty, pair([(0, 3.0)])) == 0
    assert pacer.decide(NOW, pair([(0, 3.0)]), empty) >= 1
    assert pacer.decide(NOW, pair([(3, 3.0)]), empty, chances=[], prospects=[]) == 0


def test_arrays_and_lists_are_the_same() -> None:
    crew, flying = pair([(0, 1.0), (1, 90.0), (2, 20.0)]), pair([(0, 4.0)])
    arrays = [(np.array(states), np.array(since)) for states, since in (crew, flying)]
    assert Pacer().decide(NOW, crew, flying) == Pacer().decide(NOW, *arrays)


def test_no_more_are_called_than_there_are_and_sure_answers_mean_fewer_calls() -> None:
    crew = pair([(0, 1.0)] * 10)
    assert Pacer().decide(NOW, crew, ([], []), prospects=[0.4] * 3) == 3
    rarely = Pacer().decide(NOW, crew, ([], []), prospects=[0.1] * 100)
    surely = Pacer().decide(NOW, crew, ([], []), prospects=[0.99] * 100)
    assert surely == 10 < rarely
    ringing = pair([(0, 3.0)] * 12)
    assert Pacer().decide(NOW, crew, ringing, chances=[0.9] * 12) == 0
    assert Pacer().decide(NOW, crew, ringing, chances=[0.05] * 12) > 0


def test_the_reason_is_a_sentence_and_the_inputs_are_for_the_board() -> None:
    pacer = taught([("answer", 5.0), ("connect", 0.0), ("abandon", 2.0)], window=(2, 100))
    count = pacer.decide(NOW, pair([(0, 1.0)] * 5 + [(1, 3.0), (3, 3.0)]), pair([(0, 2.0), (0, 3.0), (2, 1.0)]))
    seen = pacer.inputs
    assert pacer.reason == f"dialing {count}: 5 ready, 2 ringing, 1 waiting, hit rate {seen.hit_rate:.2f}"
    assert (seen.ready, seen.talking, seen.wrapping, seen.away) == (5, 1, 0, 1)
    assert (seen.ringing, seen.undecided, seen.waiting, seen.decided) == (2, 0, 1, count)
    assert (seen.abandoned, seen.answered) == (3, 101)
    assert seen.rate == pytest.approx(3 / 101)
    assert seen.rate < seen.bound < 0.1


def test_an_unknown_event_is_refused() -> None:
    with pytest.raises(ValueError, match="hiccup"):
        Pacer().observe(NOW, "hiccup", 0.0)
    with pytest.raises(ValueError, match="cannot be"):
        Pacer().count(3, 2)


@pytest.mark.parametrize(
    ("seen", "answered", "dials"),
    [
        (["answer", "connect"], 1, 1),
        (["answer", "amd_human", "connect"], 1, 1),
        (["amd_human", "connect"], 1, 1),
        (["answer", "machine"], 0, 1),
        (["machine"], 0, 1),
        (["noanswer"], 0, 1),
        (["cancel"], 0, 0),
        (["answer", "answer", "amd_human", "machine", "abandon"], 1, 2),
        (["answer", "answer", "amd_human", "connect", "machine"], 1, 2),
    ],
)
def test_each_dial_is_counted_once(seen: list[str], answered: int, dials: int) -> None:
    pacer = Pacer(answer_worth=1.0, answer_rate=0.5, answer_half_life=1e9)
    for kind in seen:
        pacer.observe(NOW, kind, 3.0)
    assert pacer.inputs.answered == answered
    assert pacer.inputs.hit_rate == pytest.approx((0.5 + answered) / (1 + dials))


def test_theta_falls_with_abandoned_calls_and_recovers_with_answers() -> None:
    pacer = Pacer()
    start = pacer.inputs.theta
    pacer.observe(NOW, "answer", 5.0)
    pacer.observe(NOW, "abandon", 2.0)
    fallen = pacer.inputs.theta
    for _ in range(40):
        pacer.observe(NOW, "answer", 5.0)
        pacer.observe(NOW, "connect", 0.0)
    assert fallen < start < pacer.inputs.theta


def test_theta_has_a_floor_and_a_ceiling() -> None:
    low = taught([("abandon", 2.0)] * 200)
    high = taught([("answer", 5.0), ("connect", 0.0)] * 1000)
    assert low.inputs.theta == pytest.approx(0.002)
    assert high.inputs.theta == pytest.approx(0.25)


def test_when_wrap_ups_end_is_learnt() -> None:
    seen = [
        (kind, value) for _ in range(300) for kind, value in (("wrap_end", 25.0), ("answer", 12.0), ("connect", 0.0))
    ]
    pacer = taught(seen, window=(0, 100))
    assert pacer.decide(NOW, pair([(2, 2.0)] * 3), ([], [])) == 0
    assert pacer.decide(NOW, pair([(2, 22.0)] * 3), ([], [])) > 0


def test_a_call_that_has_rung_long_is_less_likely_to_take_an_agent() -> None:
    pacer = taught([("answer", 8.0), ("connect", 0.0), ("noanswer", 25.0), ("noanswer", 25.0)] * 100)
    crew = pair([(0, 1.0)] * 3)
    assert pacer.decide(NOW, crew, pair([(0, 1.0)] * 6)) < pacer.decide(NOW, crew, pair([(0, 20.0)] * 6))


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1), max_size=6), st.integers(1, 8), st.integers(0, 3))
def test_the_loss_of_a_few_is_exact(taken: list[float], room: int, already: int) -> None:
    """Against every way in which they can turn out."""
    chances = [*taken, *[0.3] * already]
    exact = 0.0
    for turns in product((False, True), repeat=len(chances)):
        if sum(turns) >= room:
            exact += math.prod(one if turn else 1 - one for one, turn in zip(chances, turns, strict=True))
    rows = np.array(chances).reshape(-1, 1)
    assert Loss(rows, room, np.ones(1), np.ones(1)).first() == pytest.approx(exact, abs=1e-9)


def test_many_are_nearly_exact() -> None:
    luck = np.random.default_rng(7)
    fresh, weights = np.ones(1), np.ones(1)
    for room in (20, 24, 28):
        few = luck.uniform(0.1, 0.6, (EXACT - 1, 1))
        exact = Loss(few, room, fresh, weights).first()
        many = np.vstack([few, np.zeros((1, 1))])
        assert Loss(many, room, fresh, weights).first() == pytest.approx(exact, abs=2e-3)


@settings(max_examples=30)
@given(st.integers(0, 80), st.integers(1, 60), st.floats(0.05, 0.95))
def test_a_higher_threshold_never_means_fewer_calls(taken: int, room: int, chance: float) -> None:
    rows = np.full((taken, 2), 0.4)
    loss = Loss(rows, room, np.array([0.4, 0.9]), np.array([0.5, 0.5]))
    counts = [loss.most(np.full(200, chance), 0, theta) for theta in (0.002, 0.01, 0.05, 0.25)]
    assert all(one <= two for one, two in pairwise(counts))


class Pace:
    """A pacer on the floor of a simulated shift."""

    def __init__(self, pacer: Pacer) -> None:
        self.pacer = pacer
        self.decided: list[int] = []

    def decide(self, now: float, agents: Agents, stages: list[int], began: list[float], floor: Floor) -> int:
        del floor
        self.decided.append(self.pacer.decide(now, agents, (stages, began)))
        return self.decided[-1]

    def observe(self, now: float, kind: str, value: float) -> None:
        self.pacer.observe(now, kind, value)

    def learn(self, *_: Any, **__: Any) -> None:
        """Everybody is alike here."""


def shift(pace: Pace, crew: int, rate: float, seconds: int, day: int = 0) -> Tally:
    return Shift(pace, People(rate, seed=day + 1), crew, day * 86_400.0).run(seconds)


def test_the_same_shift_is_paced_the_same_twice() -> None:
    first, second = Pace(Pacer()), Pace(Pacer())
    assert shift(first, 5, 0.35, 1200).answered == shift(second, 5, 0.35, 1200).answered
    assert first.decided == second.decided
    assert first.pacer.state() == second.pacer.state()


def test_an_hour_stays_within_the_budget_and_agents_are_busier_than_one_by_one() -> None:
    pace = Pace(Pacer())
    tally = shift(pace, 20, 0.35, 3600)
    assert tally.abandoned <= 0.03 * tally.answered + 5
    assert tally.utilisation > 0.82
    assert tally.abandoned == pace.pacer.inputs.abandoned
    assert tally.answered == pace.pacer.inputs.answered


@pytest.mark.slow
@pytest.mark.parametrize(("crew", "rate", "least"), [(3, 0.20, 0.70), (10, 0.50, 0.87)])
def test_in_the_long_run_the_target_is_kept(crew: int, rate: float, least: float) -> None:
    pace = Pace(Pacer())
    tallies = [shift(pace, crew, rate, 8 * 3600, day) for day in range(2)]
    answered, abandoned = sum(one.answered for one in tallies), sum(one.abandoned for one in tallies)
    assert abandoned <= 0.03 * answered
    assert tallies[1].utilisation > least
