"""The loss that the next call may have, led by what was abandoned: whatever the model errs, the budget is kept."""

from __future__ import annotations

import math

LEAST = 0.002
MOST = 0.25


class Theta:
    """A threshold by multiplicative weights: each answer raises it a little, each abandoned call lowers it much.

    In balance one of 1 / `target` answered calls is abandoned. `gain` is how far one abandoned call moves it.
    """

    __slots__ = ("_log", "gain", "target")

    def __init__(self, target: float, gain: float) -> None:
        self.target = target
        self.gain = gain
        self.value = target

    @property
    def value(self) -> float:
        """The threshold now, between 0.002 and 0.25."""
        return math.exp(self._log)

    @value.setter
    def value(self, value: float) -> None:
        self._log = math.log(min(MOST, max(LEAST, value)))

    def answered(self) -> None:
        """A person has answered."""
        self._move(self.gain * self.target)

    def abandoned(self) -> None:
        """Nobody was there for a person who had answered."""
        self._move(-self.gain)

    def unanswered(self) -> None:
        """What had counted as a person was none."""
        self._move(-self.gain * self.target)

    def _move(self, by: float) -> None:
        self._log = min(math.log(MOST), max(math.log(LEAST), self._log + by))
