"""How many calls to start now, so that agents talk and hardly anybody answers to silence."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from dialer.core.abandonment import Gate, upper_bound
from dialer.core.histogram import Expected, Share, checked
from dialer.core.horizon import POINTS, Horizon
from dialer.core.loss import Loss
from dialer.core.theta import Theta

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Pair = tuple[Sequence[float] | NDArray[Any], Sequence[float] | NDArray[Any]]

READY, TALKING, WRAPPING, AWAY = range(4)
RINGING, UNDECIDED, WAITING = range(3)
LINES = 10
"""Calls in flight for each agent at the most: where fewer than one in ten answers, no pacing helps."""

UNRESOLVED = 30.0
"""Seconds after which an answer that nobody has said more of was a person's."""

SURE = 0.5
"""Standard deviations by which the answer rate is taken too high: more answers expected means fewer calls."""

RING = Expected(mean=12, spread=0.6, worth=20)
TALK = Expected(mean=120, spread=1.0, worth=20)
WRAP = Expected(mean=30, spread=0.7, worth=10)


class Seen(StrEnum):
    """What a pacer is told of."""

    ANSWER = "answer"  # picked up, after seconds of ringing
    NOANSWER = "noanswer"  # rang out, busy or failed
    CANCEL = "cancel"  # stopped by us while ringing: says nothing of who would have answered
    ABANDON = "abandon"  # a person answered and met nobody
    CONNECT = "connect"  # a person answered and met an agent
    TALK_END = "talk_end"  # after seconds of talk
    WRAP_END = "wrap_end"  # after seconds of wrap-up
    MACHINE = "machine"  # a machine, whether or not its picking up was told as an answer before
    AMD_HUMAN = "amd_human"  # what had picked up is a person


@dataclass(frozen=True, slots=True)
class PaceInputs:
    """What a decision was made from, for the board."""

    ready: int
    talking: int
    wrapping: int
    away: int
    ringing: int
    undecided: int
    waiting: int
    hit_rate: float  # the chance that a dial is answered by a person, as learnt
    theta: float  # the loss that the next call may have
    abandoned: int
    answered: int  # by persons, the abandoned ones included
    rate: float  # abandoned by answered
    bound: float  # its upper 95 % bound
    budget: float  # abandoned calls left before the gate closes
    gate_open: bool
    decided: int


class Pacer:
    """The predictive pacer: the most calls of which the last one is lost with a chance of at most theta.

    It has no clock and no luck: the same calls in the same order decide the same. All times and durations are float
    seconds, `now` on any clock that only goes forward, for callers bring arrays of hundreds of them every second.

    `target` is the share of people who answer and meet no agent within `patience` seconds that is kept in the long run;
    `ring_limit` how long a call rings at the most. What is expected before anything was seen: `answer_rate`, worth
    `answer_worth` dials and with a half life of `answer_half_life` dials, and `ring`, `talk` and `wrap`, with a half
    life of `half_life` observations. Above `target` x answers + `allowance` abandoned calls agents are dialed for one
    by one; a `limit` closes that gate also when the upper 95 % bound of the share is above it. With `late_hang_up`
    calls that have rung for `least_ring` seconds are stopped when agents are likely to be short.
    """

    def __init__(
        self,
        target: float = 0.03,
        ring_limit: float = 25.0,
        patience: float = 2.0,
        *,
        answer_rate: float = 0.40,
        answer_worth: float = 20.0,
        answer_half_life: float = 400.0,
        ring: Expected = RING,
        talk: Expected = TALK,
        wrap: Expected = WRAP,
        half_life: float = 1500.0,
        gain: float = 0.25,
        allowance: float = 12.0,
        limit: float | None = None,
        late_hang_up: bool = False,
        least_ring: float = 15.0,
        stop_above: float = 0.5,
        window: tuple[int, int] = (0, 0),
    ) -> None:
        self.late_hang_up = late_hang_up
        self.least_ring = least_ring
        self.stop_above = stop_above
        self._horizon = Horizon(ring_limit, patience, ring, talk, wrap, half_life)
        self._answers = Share(answer_rate, answer_worth, answer_half_life)
        self._persons = Share(0.9, 10, answer_half_life)
        self._theta = Theta(target, gain)
        self._gate = Gate(target, allowance, limit)
        self._open: deque[float] = deque()  # when something picked up of which no more was told yet
        self._confirmed = 0  # persons told from machines who have met neither an agent nor nobody yet
        self._abandoned, self._answered = window
        self._inputs: PaceInputs | None = None

    def count(self, abandoned: int, answered: int) -> None:
        """Put in the counts of the rolling window, as kept elsewhere; what is observed later is added.

        Raises:
            ValueError: counts that cannot be.
        """
        upper_bound(abandoned, answered)
        self._abandoned, self._answered = abandoned, answered

    def observe(self, now: float, kind: str, value: float | None = None) -> None:
        """Learn from one event.

        `value` is for `answer` the seconds of ringing, for `talk_end` those of talk, for `wrap_end` those of wrap-up;
        for all others it is ignored. A person is told as `answer` and then, once, as `connect` or `abandon`; where
        machines are told from people after they have picked up, `amd_human` or `machine` comes between. `answer`
        counts as a person at once, `amd_human` adds nothing to it, and `machine` takes the answer before it back.

        Raises:
            ValueError: a kind that is not known.
        """
        match Seen(kind):
            case Seen.ANSWER:
                self._answer(now, value)
            case Seen.NOANSWER:
                self._answers.add(happened=False)
            case Seen.MACHINE:
                self._machine(now)
            case Seen.AMD_HUMAN:
                self._human(now, value)
            case Seen.CONNECT:
                self._met(now)
            case Seen.ABANDON:
                self._met(now)
                self._abandoned += 1
                self._answered = max(self._answered, self._abandoned)
                self._theta.abandoned()
            case Seen.TALK_END if value is not None:
                self._horizon.talked(value)
            case Seen.WRAP_END if value is not None:
                self._horizon.wrapped(value)

    def _answer(self, now: float, rang: float | None) -> None:
        self._answers.add(happened=True)
        self._answered += 1
        self._theta.answered()
        self._open.append(now)
        if rang is not None:
            self._horizon.answered(rang)

    def _machine(self, now: float) -> None:
        if not self._resolve(now):
            self._answers.add(happened=False)
            return
        self._answers.turn()
        self._persons.add(happened=False)
        self._answered = max(self._abandoned, self._answered - 1)
        self._theta.unanswered()

    def _human(self, now: float, rang: float | None) -> None:
        if not self._resolve(now):
            self._answer(now, rang)
            self._resolve(now)
        self._persons.add(happened=True)
        self._confirmed += 1

    def _met(self, now: float) -> None:
        """A person met an agent, or nobody: one who was told from a machine, if there is such a one."""
        if self._confirmed:
            self._confirmed -= 1
        else:
            self._resolve(now)

    def _resolve(self, now: float) -> bool:
        """Of the oldest answer it is known now what it was; whether there was one."""
        while self._open and self._open[0] < now - UNRESOLVED:
            self._open.popleft()
        if not self._open:
            return False
        self._open.popleft()
        return True

    def decide(
        self,
        now: float,
        agents: Pair,
        in_flight: Pair,
        *,
        chances: Sequence[float] | NDArray[Any] | None = None,
        prospects: Sequence[float] | NDArray[Any] | None = None,
    ) -> int:
        """How many calls to start; below zero, how many of the oldest ringing ones to stop.

        `agents` are their states (0 ready, 1 talking, 2 wrap-up, 3 away) and when each began, `in_flight` the calls'
        stages (0 ringing, 1 answered and undecided, 2 a person waiting) and when each began. `chances` are those of
        each call in flight to be answered by a person, `prospects` those of the next people in the order in which they
        would be called, and no more than these are called; without them everybody answers at the learnt rate.
        """
        states, since = np.asarray(agents[0], dtype=np.int64), np.asarray(agents[1], dtype=float)
        stages, began = np.asarray(in_flight[0], dtype=np.int64), np.asarray(in_flight[1], dtype=float)
        inputs = self._look(states, stages)
        most = LINES * (inputs.ready + inputs.talking + inputs.wrapping)
        usual = min(1.0, self._answers.mean + SURE * self._answers.deviation)
        flying = np.full(len(stages), usual) if chances is None else np.asarray(chances, dtype=float)
        next_ones = np.full(most, usual) if prospects is None else np.asarray(prospects, dtype=float)[:most]
        decided = least = min(max(0, inputs.ready - len(stages)), len(next_ones))
        room = inputs.ready + inputs.talking + inputs.wrapping - inputs.waiting
        if inputs.gate_open or self.late_hang_up:
            taken = self._taken(now, (states, since), (stages, began), flying)
            if inputs.gate_open and len(stages) < most:
                found = Loss(taken, room, self._horizon.fresh, self._horizon.weights)
                decided = found.most(next_ones[: most - len(stages)], least, self._theta.value)
            if self.late_hang_up and not decided:
                decided = -self._surplus(now, began[stages == RINGING], taken, room)
        self._inputs = replace(inputs, decided=decided)
        return decided

    def _taken(self, now: float, agents: tuple[Any, Numbers], calls: tuple[Any, Numbers], chances: Numbers) -> Numbers:
        """What may take an agent by each point of time, one row each; the ringing calls come first."""
        (states, since), (stages, began) = agents, calls
        ages, rung = np.maximum(now - since, 0.0), np.maximum(now - began, 0.0)
        ringing, undecided = stages == RINGING, int((stages == UNDECIDED).sum())
        return np.concatenate(
            [
                self._horizon.answering(rung[ringing], chances[ringing]),
                np.full((undecided, POINTS), self._persons.mean),
                self._horizon.still_talking(ages[states == TALKING]),
                self._horizon.still_wrapping(ages[states == WRAPPING]),
            ]
        )

    def _surplus(self, now: float, began: Numbers, taken: Numbers, room: int) -> int:
        """How many of the oldest ringing calls would probably be answered in vain, and may be stopped by law."""
        oldest = np.argsort(began, kind="stable")
        stopped = 0
        for call in oldest:
            if now - began[call] < self.least_ring:
                break
            others = np.delete(taken, oldest[: stopped + 1], axis=0)
            when = np.diff(taken[call], prepend=0.0)
            if Loss(others, room, self._horizon.fresh, when / max(when.sum(), 1e-9)).first() <= self.stop_above:
                break
            stopped += 1
        return stopped

    def _look(self, states: NDArray[Any], stages: NDArray[Any]) -> PaceInputs:
        ready, talking, wrapping, away = np.bincount(states, minlength=4)[:4].tolist()
        ringing, undecided, waiting = np.bincount(stages, minlength=3)[:3].tolist()
        return PaceInputs(
            ready=ready,
            talking=talking,
            wrapping=wrapping,
            away=away,
            ringing=ringing,
            undecided=undecided,
            waiting=waiting,
            hit_rate=self._answers.mean,
            theta=self._theta.value,
            abandoned=self._abandoned,
            answered=self._answered,
            rate=self._abandoned / self._answered if self._answered else 0.0,
            bound=upper_bound(self._abandoned, self._answered),
            budget=self._gate.budget(self._abandoned, self._answered),
            gate_open=self._gate.is_open(self._abandoned, self._answered),
            decided=0,
        )

    @property
    def inputs(self) -> PaceInputs:
        """What the last decision was made from; as if nobody was there before the first."""
        nobody = np.empty(0, dtype=np.int64)
        return self._inputs or self._look(nobody, nobody)

    @property
    def reason(self) -> str:
        """The last decision in a sentence."""
        seen = self.inputs
        verb = f"stopping {-seen.decided}" if seen.decided < 0 else f"dialing {seen.decided}"
        parts = [f"{seen.ready} ready", f"{seen.ringing} ringing", f"hit rate {seen.hit_rate:.2f}"]
        if seen.undecided:
            parts.insert(2, f"{seen.undecided} undecided")
        if seen.waiting:
            parts.insert(-1, f"{seen.waiting} waiting")
        if not seen.gate_open:
            parts.append("one by one until the abandonment budget is kept")
        return f"{verb}: {', '.join(parts)}"

    def state(self) -> dict[str, Any]:
        """All that was learnt and counted, for `restore`; JSON can hold it."""
        return {
            "answers": self._answers.state(),
            "persons": self._persons.state(),
            "ring": self._horizon.ring.state(),
            "talk": self._horizon.talk.state(),
            "wrap": self._horizon.wrap.state(),
            "theta": [self._theta.logarithm],
            "window": [self._abandoned, self._answered],
            "open": list(self._open),
            "confirmed": [self._confirmed],
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], **parameters: Any) -> Self:
        """A pacer that decides as the one did whose `state` this is, given the same parameters.

        Raises:
            ValueError: the state is not one, or of a pacer with another ring limit.
        """
        pacer = cls(**parameters)
        pacer._answers.restore(checked(state, "answers"))
        pacer._persons.restore(checked(state, "persons"))
        pacer._horizon.ring.restore(checked(state, "ring"))
        pacer._horizon.talk.restore(checked(state, "talk"))
        pacer._horizon.wrap.restore(checked(state, "wrap"))
        (pacer._theta.logarithm,) = checked(state, "theta")
        pacer._abandoned, pacer._answered = (int(one) for one in checked(state, "window"))
        pacer._open.extend(checked(state, "open"))
        (confirmed,) = checked(state, "confirmed")
        pacer._confirmed = int(confirmed)
        return pacer
