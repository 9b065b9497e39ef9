"""How busy agents are and how many people answer to silence, by pacer, in whole shifts of simulated calls."""

from __future__ import annotations

import math
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import fmean, median, stdev
from typing import TYPE_CHECKING, Any

from dialer.core.answer_rates import AnswerRates
from dialer.core.pacing import Pacer
from scripts.benchmarks.figure import Figure, percentile
from scripts.benchmarks.people import RING_SPREAD, DifferentPeople, People
from scripts.benchmarks.shifts import DAY, READY, Shift, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scripts.benchmarks.people import Person
    from scripts.benchmarks.shifts import Agents, Floor, Pace

TARGET = 0.03
ADAPTIVE = {
    1: {0.20: 0.70, 0.35: 0.79, 0.50: 0.85},
    3: {0.20: 0.75, 0.35: 0.81, 0.50: 0.86},
    5: {0.20: 0.79, 0.35: 0.83, 0.50: 0.87},
    10: {0.20: 0.84, 0.35: 0.86, 0.50: 0.88},
    25: {0.20: 0.90, 0.35: 0.91, 0.50: 0.92},
    50: {0.20: 0.934, 0.35: 0.939, 0.50: 0.944},
    100: {0.20: 0.960, 0.35: 0.962, 0.50: 0.965},
}
"""Utilisation that was promised, by agents and answer rate: that of an adaptive pacer at 3 % abandoned."""

SHIFTS = {1: 12, 3: 8, 5: 6, 10: 4, 25: 3, 50: 2, 100: 2}
"""Shifts in a row, the first of which only learns; twice with other people."""

SEEDS = 2
LEARNING = ((3, 0.20), (10, 0.20), (10, 0.35), (50, 0.35))
VARIED: tuple[tuple[str, int, float, str, dict[str, Any]], ...] = (
    ("ring_spread_0.5", 1, 0.20, "plain", {"ring_spread": 0.5}),
    ("wrap_spread_0.5", 3, 0.35, "plain", {"wrap_spread": 0.5}),
    ("wrap_spread_0.5", 25, 0.35, "plain", {"wrap_spread": 0.5}),
    ("late_hang_up", 3, 0.35, "late", {}),
    ("late_hang_up", 25, 0.35, "late", {}),
)
COST = 1000.0
"""Microseconds that a decision may take at a hundred agents."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Shifts in a row of one pacer with the same agents and one stream of people."""

    pacer: str
    agents: int
    rate: float
    seed: int
    shifts: int
    differ: bool = False
    ring_spread: float = RING_SPREAD
    wrap_spread: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all shifts of a kind came to: abandonment over all of them, utilisation after the first."""

    utilisation: float
    half_width: float
    abandonment: float
    first_shift: float
    shifts: int
    answered: int
    cost: float  # median microseconds of CPU of a decision
    cost_99: float


class OneToOne:
    """Progressive: one call for each ready agent, and what any pacer has to beat."""

    def decide(self, now: float, agents: Agents, stages: list[int], began: list[float], floor: Floor) -> int:
        del now, began, floor
        return max(0, int((agents[0] == READY).sum()) - len(stages))

    def observe(self, now: float, kind: str, value: float) -> None:
        """Nothing is learnt."""

    def learn(self, person: Person, hour: float, *, answered: bool) -> None:
        """Nothing is learnt."""


class Plain(OneToOne):
    """The pacer, for which all people are alike."""

    def __init__(self, *, late_hang_up: bool = False) -> None:
        self.pacer = Pacer(TARGET, late_hang_up=late_hang_up)

    def decide(self, now: float, agents: Agents, stages: list[int], began: list[float], floor: Floor) -> int:
        del floor
        return self.pacer.decide(now, agents, (stages, began))

    def observe(self, now: float, kind: str, value: float) -> None:
        self.pacer.observe(now, kind, value)


class Known(Plain):
    """The pacer, told of everybody's true chance: nobody can learn more than that."""

    def decide(self, now: float, agents: Agents, stages: list[int], began: list[float], floor: Floor) -> int:
        chances = self._chances(floor.called(), floor)
        prospects = self._chances(floor.people.ahead(4 * len(agents[0]) + 10), floor)
        return self.pacer.decide(now, agents, (stages, began), chances=chances, prospects=prospects)

    def _chances(self, people: Iterable[Person], floor: Floor) -> list[float]:
        return [floor.people.chance(one, floor.hour) for one in people]


class Learnt(Known):
    """The pacer with what was learnt of who answers, by segment, past contact and hour."""

    def __init__(self) -> None:
        super().__init__()
        self.rates = AnswerRates()
        self._minute = -1
        self._known: dict[tuple[int, int], float] = {}

    def _chances(self, people: Iterable[Person], floor: Floor) -> list[float]:
        if int(floor.hour * 60) != self._minute:
            self._minute = int(floor.hour * 60)
            self._known.clear()
        return [self._known.get((one.segment, one.contact)) or self._look_up(one, floor.hour) for one in people]

    def _look_up(self, person: Person, hour: float) -> float:
        chance = self.rates.chance(str(person.segment), int(hour), str(person.contact))
        self._known[person.segment, person.contact] = chance
        return chance

    def learn(self, person: Person, hour: float, *, answered: bool) -> None:
        self.rates.observe(str(person.segment), int(hour), str(person.contact), answered=answered)


def measure(quick: bool) -> Iterator[Figure]:  # noqa: FBT001 - one of the table of benches
    """Every condition that was promised; then wrap-ups that vary, late hang-up, and people who differ."""
    with ProcessPoolExecutor(2, mp_context=get_context("forkserver")) as workers:
        for agents, rates in ADAPTIVE.items():
            shifts = _shifts(SHIFTS[agents], quick)
            found = _judged(workers, [(name, agents, rate, shifts, {}) for rate in rates for name in ("plain", "one")])
            for rate, adaptive in rates.items():
                yield from _condition(found, agents, rate, adaptive)
        yield from _beyond(workers, quick)


def _beyond(workers: ProcessPoolExecutor, quick: bool) -> Iterator[Figure]:  # noqa: FBT001 - as measure
    for what, agents, rate, name, about in VARIED:
        found = _judged(workers, [(name, agents, rate, _shifts(SHIFTS[agents], quick), about)])
        conditions = {"agents": agents, "answer_rate": rate, "promised": ADAPTIVE[agents][rate], **about}
        yield _utilisation(f"{what}_{agents}_agents_{rate:.2f}", found[name, agents, rate], conditions)
    for agents, rate in LEARNING:
        shifts = _shifts(SHIFTS[agents], quick)
        names = ("one", "plain", "learnt", "known")
        found = _judged(workers, [(name, agents, rate, shifts, {"differ": True}) for name in names])
        plain = found["plain", agents, rate]
        for name in names:
            verdict = found[name, agents, rate]
            yield _utilisation(
                f"people_differ_{name}_{agents}_agents_{rate:.2f}",
                verdict,
                {"agents": agents, "answer_rate": rate, "people": "differ by segment, past contact, hour, themselves"},
                baseline=("the pacer for which all are alike", plain.utilisation),
            )


def _shifts(usual: int, quick: bool) -> int:  # noqa: FBT001 - as measure
    return 2 if quick else usual


def _condition(
    found: dict[tuple[str, int, float], Verdict], agents: int, rate: float, adaptive: float
) -> Iterator[Figure]:
    verdict, raw = found["plain", agents, rate], found["one", agents, rate]
    conditions = {"agents": agents, "answer_rate": rate, "target": TARGET, "shifts": verdict.shifts}
    place = f"{agents}_agents_{rate:.2f}"
    yield _utilisation(
        place,
        verdict,
        {**conditions, "promised": adaptive},
        baseline=("progressive 1:1", raw.utilisation),
        floor=round(adaptive - verdict.half_width, 4),
    )
    yield Figure(
        "pacing",
        f"abandonment_{place}",
        verdict.abandonment,
        "of answered",
        {**conditions, "answered": verdict.answered},
        ceiling=TARGET,
    )
    if agents == max(ADAPTIVE):
        yield Figure(
            "pacing",
            f"decision_{place}",
            verdict.cost,
            "us",
            {**conditions, "of": "median CPU time, what was learnt since the last one included"},
            ceiling=COST,
            beside={"percentile_99": verdict.cost_99},
        )


def _utilisation(
    name: str,
    verdict: Verdict,
    conditions: dict[str, Any],
    baseline: tuple[str, float] | None = None,
    floor: float | None = None,
) -> Figure:
    return Figure(
        "pacing",
        f"utilisation_{name}",
        verdict.utilisation,
        "of logged-in time",
        conditions,
        baseline=baseline,
        floor=floor,
        beside={
            "half_width": verdict.half_width,
            "abandonment": verdict.abandonment,
            "first_shift": verdict.first_shift,
            "decision_us": verdict.cost,
            "decision_us_99": verdict.cost_99,
        },
    )


def _judged(
    workers: ProcessPoolExecutor, asked: list[tuple[str, int, float, int, dict[str, Any]]]
) -> dict[tuple[str, int, float], Verdict]:
    trials = [
        Trial(name, agents, rate, seed, shifts, **about)
        for name, agents, rate, shifts, about in asked
        for seed in range(SEEDS)
    ]
    runs: dict[tuple[str, int, float], list[list[Tally]]] = {}
    for trial, tallies in zip(trials, workers.map(run, trials), strict=True):
        runs.setdefault((trial.pacer, trial.agents, trial.rate), []).append(tallies)
    return {key: _verdict(found) for key, found in runs.items()}


def run(trial: Trial) -> list[Tally]:
    """All shifts of a trial; the pacer remembers from one to the next."""
    pace = _pace(trial.pacer)
    people = (DifferentPeople if trial.differ else People)(trial.rate, trial.seed, trial.ring_spread, trial.wrap_spread)
    return [Shift(pace, people, trial.agents, day * DAY).run() for day in range(trial.shifts)]


def _pace(name: str) -> Pace:
    match name:
        case "one":
            return OneToOne()
        case "learnt":
            return Learnt()
        case "known":
            return Known()
        case _:
            return Plain(late_hang_up=name == "late")


def _verdict(runs: list[list[Tally]]) -> Verdict:
    shares = [tally.utilisation for tallies in runs for tally in tallies[1:]]
    every = [tally for tallies in runs for tally in tallies]
    answered = sum(tally.answered for tally in every)
    costs = [1e6 * cost for tally in every for cost in tally.costs]
    return Verdict(
        utilisation=fmean(shares),
        half_width=1.96 * stdev(shares) / math.sqrt(len(shares)),
        abandonment=sum(tally.abandoned for tally in every) / answered,
        first_shift=fmean(tallies[0].utilisation for tallies in runs),
        shifts=len(every),
        answered=answered,
        cost=median(costs),
        cost_99=percentile(costs, 0.99),
    )
