"""How many people answered and met nobody, and whether that is still within what was promised."""

from __future__ import annotations

import math
from dataclasses import dataclass

NORMAL_95 = 1.959963984540054
"""Two-sided 95 %: the bound is exceeded by the truth once in forty times."""


def upper_bound(abandoned: int, answered: int) -> float:
    """The upper end of the 95 % interval of the share of abandoned calls, by Wilson's score.

    One when nothing is known yet. Wilson, E. B. (1927), "Probable inference, the law of succession, and statistical
    inference".

    Raises:
        ValueError: counts that cannot be.
    """
    if not 0 <= abandoned <= answered:
        raise ValueError(f"{abandoned} abandoned of {answered} answered cannot be")
    if not answered:
        return 1.0
    share, square = abandoned / answered, NORMAL_95**2
    middle = share + square / (2 * answered)
    half = NORMAL_95 * math.sqrt(share * (1 - share) / answered + square / (4 * answered**2))
    return max(share, min(1.0, (middle + half) / (1 + square / answered)))


@dataclass(frozen=True, slots=True)
class Gate:
    """The hard gate: beyond the budget, agents are dialed for one by one until it is kept again.

    `target` is the share aimed at and `allowance` how many abandoned calls beyond it are forgiven. Where a law sets a
    `limit`, the upper bound has to stay below it as well: few calls prove nothing, so a campaign starts with the gate
    closed and opens it after some hundred calls that nobody abandoned.
    """

    target: float
    allowance: float
    limit: float | None = None

    def budget(self, abandoned: int, answered: int) -> float:
        """How many more calls may be abandoned before the gate closes; below zero it is closed."""
        return self.target * answered + self.allowance - abandoned

    def is_open(self, abandoned: int, answered: int) -> bool:
        """Whether more calls may be started than agents are ready."""
        if self.budget(abandoned, answered) < 0:
            return False
        return self.limit is None or upper_bound(abandoned, answered) <= self.limit
