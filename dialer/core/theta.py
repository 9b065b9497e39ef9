"""The loss that the next call may have, led by what was abandoned: whatever the model errs, the budget is kept."""

from __future__ import annotations

import math

LEAST = 0.002
MOST = 0.25
AIM = 0.97
"""The part of the target that is aimed at, so that the long run ends below it and not around it."""

START = 0.5
"""The part of the target that a campaign starts with: what is not yet known is not paid for by people who answer."""


class Theta:
    """A threshold by multiplicative weights: each answer raises it a little, each abandoned call lowers it much.

    In balance `AIM` x `target` of the answered calls are abandoned. `gain` is how far one abandoned call moves it.
    """

    __slots__ = ("gain", "logarithm", "target")

    def __init__(self, target: float, gain: float) -> None:
        self.target = AIM * target
        self.gain = gain
        self.logarithm = math.log(min(MOST, max(LEAST, START * target)))

    @property
    def value(self) -> float:
        """The threshold now, between 0.002 and 0.25."""
        return math.exp(self.logarithm)

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
        self.logarithm = min(math.log(MOST), max(math.log(LEAST), self.logarithm + by))
