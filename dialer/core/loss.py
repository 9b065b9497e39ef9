"""How likely one more call is lost: answered when every agent is taken by somebody else."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

EXACT = 64
"""Up to so many yes-or-no events are summed exactly; the sum of more is nearly normal."""

SIZES = (16, 32, EXACT)
FAR = 5.0
SKEWED = 0.5


class Loss:
    """The loss of the next calls, at a dozen points of time ahead of which each has its weight.

    Agents are taken when they are still busy or when somebody else has answered before. Both are independent
    yes-or-no events, `taken` (one row an event, one column a point of time), and a call is lost when at least `room`
    of them happen: a Poisson binomial tail, from its characteristic function.
    """

    __slots__ = ("_fresh", "_room", "_taken", "_weights")

    def __init__(self, taken: Numbers, room: int, fresh: Numbers, weights: Numbers) -> None:
        self._taken = taken
        self._room = room
        self._fresh = fresh
        self._weights = weights

    def most(self, chances: Numbers, least: int, theta: float) -> int:
        """How many calls may be started, at least `least`, the loss of the last being at most `theta`.

        `chances` are those of the next calls to be answered by a person, in their order; no more are started.
        """
        if self._room <= 0 or least >= len(chances):
            return least
        count = least
        within = EXACT - 1 - len(self._taken)
        if within > least:
            count = self._exactly(chances[:within], least, theta)
            if count < min(within, len(chances)):
                return count
        return self._nearly(chances, count, theta)

    def first(self) -> float:
        """The loss of the first call that is started now."""
        if self._room <= 0:
            return 1.0
        if len(self._taken) >= EXACT:
            return self._normal(np.empty(0))(0)
        sums = (1 + self._taken[:, :, None] * _circle(EXACT)).prod(axis=0)
        return float(self._weights @ (sums @ _beyond(EXACT, min(self._room, EXACT))).real)

    def _exactly(self, chances: Numbers, least: int, theta: float) -> int:
        """Step by step from `least`: nearly always none or one is added, so a coarse circle is tried first."""
        needed = len(self._taken) + least + 8
        for size in SIZES:
            within = size - 1 - len(self._taken)
            if size < needed:
                continue
            count = self._stepwise(chances[:within], least, theta, size)
            if count < within or count == len(chances):
                return count
        return self._stepwise(chances, least, theta, EXACT)

    def _stepwise(self, chances: Numbers, least: int, theta: float, size: int) -> int:
        turns, beyond = _circle(size), _beyond(size, min(self._room, size))
        sums = (1 + self._taken[:, :, None] * turns).prod(axis=0)
        ours = self._fresh[:, None] * turns
        if least:
            sums = sums * (1 + chances[:least, None, None] * ours).prod(axis=0)
        count = least
        while count < len(chances) and float(self._weights @ (sums @ beyond).real) <= theta:
            sums = sums * (1 + chances[count] * ours)
            count += 1
        return count

    def _nearly(self, chances: Numbers, least: int, theta: float) -> int:
        """The sum as a normal one with its skewness; by doubling and bisection."""
        loss = self._normal(chances)
        good, step = least, 1
        if loss(good) > theta:
            return good
        while good + step < len(chances) and loss(good + step) <= theta:
            good, step = good + step, step * 2
        bad = min(good + step, len(chances))
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if loss(middle) <= theta else (good, middle)
        return good + 1

    def _normal(self, chances: Numbers) -> Callable[[int], float]:
        """The loss of one more call after so many others of `chances`."""
        taken, fresh = self._taken, self._fresh
        free = 1 - taken
        both = taken * free
        mean, spread, skew = taken.sum(axis=0), both.sum(axis=0), (both * (free - taken)).sum(axis=0)
        first, second, third = (np.concatenate([[0.0], (chances**power).cumsum()]) for power in (1, 2, 3))

        def loss(count: int) -> float:
            one, two, three = first[count] * fresh, second[count] * fresh**2, third[count] * fresh**3
            deviation = np.sqrt(np.maximum(spread + one - two, 1e-6))
            far = np.clip((self._room - 0.5 - mean - one) / deviation, -FAR, FAR)
            bent = np.clip((skew + one - 3 * two + 2 * three) / deviation**3, -SKEWED, SKEWED)
            straight = (far - bent * (far * far - 1) / 6) / math.sqrt(2)
            return float(self._weights @ np.array([0.5 * math.erfc(point) for point in straight.tolist()]))

        return loss


@cache
def _circle(size: int) -> NDArray[np.complex128]:
    """Each turn of the half circle, less one; the other half mirrors it."""
    return np.asarray(np.exp(2j * np.pi * np.arange(size // 2 + 1) / size) - 1)


@cache
def _beyond(size: int, room: int) -> NDArray[np.complex128]:
    """What turns a characteristic function into the chance of a sum of at least `room`."""
    turns = np.arange(size // 2 + 1)
    sums = np.arange(room, size)
    waves = np.exp(-2j * np.pi * np.outer(turns, sums) / size).sum(axis=1) / size
    doubled = np.full(size // 2 + 1, 2.0)
    doubled[[0, -1]] = 1.0
    return np.asarray(waves * doubled)
