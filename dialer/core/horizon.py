"""What the next seconds bring: who of the busy is free by then, and which of the ringing calls is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dialer.core.histogram import Expected, Histogram

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

POINTS = 12
TALK_EDGES = (
    *range(0, 60, 5),
    *range(60, 180, 10),
    *range(180, 420, 20),
    *range(420, 1200, 60),
    *range(1200, 3601, 300),
)
LONGEST_WRAP = 240


class Horizon:
    """A dozen points of time up to the ring limit, and what is likely to have happened by each. Seconds throughout.

    What is derived from a histogram is derived once after it has changed.
    """

    __slots__ = ("_curves", "_ring_edges", "_shift", "points", "reach", "ring", "ring_limit", "talk", "wrap")

    def __init__(
        self, ring_limit: float, patience: float, ring: Expected, talk: Expected, wrap: Expected, half_life: float
    ) -> None:
        step = ring_limit / POINTS
        self.ring_limit = ring_limit
        self.points: Numbers = np.linspace(step / 2, ring_limit - step / 2, POINTS)
        self.reach: Numbers = self.points + patience
        self.ring = Histogram(np.arange(0, ring_limit, 1.0).tolist(), ring, half_life)
        self.talk = Histogram(TALK_EDGES, talk, half_life)
        self.wrap = Histogram(range(LONGEST_WRAP + 1), wrap, half_life)
        self._ring_edges = np.append(self.ring.edges, ring_limit)
        self._shift = _shift(self.reach)
        self._curves: dict[str, Numbers] = {}

    def answered(self, seconds: float) -> None:
        """Somebody answered after so long a ringing."""
        self.ring.add(min(seconds, self.ring_limit))
        for name in ("ring", "fresh", "weights"):
            self._curves.pop(name, None)

    def talked(self, seconds: float) -> None:
        """A talk ended."""
        self.talk.add(seconds)
        self._curves.pop("talk", None)

    def wrapped(self, seconds: float) -> None:
        """A wrap-up ended."""
        self.wrap.add(seconds)
        for name in ("wrap", "turn"):
            self._curves.pop(name, None)

    @property
    def fresh(self) -> Numbers:
        """For a call started now that will be answered: the chance that it is by each point."""
        found = self._curves.get("fresh")
        if found is None:
            found = self._curves["fresh"] = self._answered_by(self.points)
        return found

    @property
    def weights(self) -> Numbers:
        """For a call started now that will be answered: the chance that it is about each point."""
        found = self._curves.get("weights")
        if found is None:
            steps = np.linspace(0.0, self.ring_limit, POINTS + 1)
            found = self._curves["weights"] = np.diff(self._answered_by(steps))
        return found

    def answering(self, ages: Numbers, chances: Numbers) -> Numbers:
        """For calls that have rung so long unanswered: the chance to be answered by each point, one row a call."""
        ages = np.minimum(ages, self.ring_limit)
        before = self._answered_by(ages)
        after = self._answered_by(ages[:, None] + self.points)
        return np.asarray((chances[:, None] * (after - before[:, None])) / (1 - chances * before + 1e-9)[:, None])

    def still_talking(self, ages: Numbers) -> Numbers:
        """For talks of these ages: the chance that the agent is not free by each point and the patience after it."""
        longer = self._curves.get("talk")
        if longer is None:
            longer = self._curves["talk"] = self.talk.longer_than(np.arange(TALK_EDGES[-1], dtype=float))
        turn = self._curves.get("turn")
        if turn is None:
            turn = self._curves["turn"] = np.asarray(np.tensordot(self.wrap.shares, self._shift, axes=1))
        width = len(turn)
        starts = np.minimum(ages, len(longer) - width - 1).astype(int)
        ahead = longer[starts[:, None] + np.arange(width)]
        return np.asarray((ahead @ turn) / ahead[:, :1])

    def still_wrapping(self, ages: Numbers) -> Numbers:
        """The same for wrap-ups of these ages."""
        logs = self._curves.get("wrap")
        if logs is None:
            logs = self._curves["wrap"] = np.log(self.wrap.longer)
        ahead = np.interp(ages[:, None] + self.reach, self.wrap.edges, logs)
        return np.asarray(np.exp(ahead - np.interp(ages, self.wrap.edges, logs)[:, None]))

    def _answered_by(self, seconds: Numbers) -> Numbers:
        reached = self._curves.get("ring")
        if reached is None:
            reached = self._curves["ring"] = np.append(0.0, self.ring.shares.cumsum())
        return np.asarray(np.interp(seconds, self._ring_edges, reached))


def _shift(reach: Numbers) -> Numbers:
    """How a wrap-up of each length moves the end of a talk that still lets the agent be free by each of `reach`.

    Indexed by the wrap-up's bin, seconds of talk from now and point; a wrap-up too long for it has its weight at 0.
    """
    width = int(reach[-1]) + 2
    shift = np.zeros((LONGEST_WRAP + 1, width, len(reach)))
    for wrap in range(LONGEST_WRAP + 1):
        for point, by in enumerate(reach):
            left = max(0.0, by - wrap - 0.5)
            whole = int(left)
            shift[wrap, whole, point] += whole + 1 - left
            shift[wrap, whole + 1, point] += left - whole
    return shift
