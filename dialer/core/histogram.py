"""Durations as they were lately observed, because when a call ends is known only from how calls ended before."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

LEAST = 1e-9
"""The smallest share that is kept of anything: beyond all experience a duration goes on as it did before."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of a duration before any was seen: lognormal, and how many observations that is worth."""

    mean: float  # seconds
    spread: float  # standard deviation of the logarithm
    worth: float  # observations

    def below(self, seconds: float) -> float:
        """The chance of a duration of at most so many seconds."""
        if seconds <= 0:
            return 0.0
        middle = math.log(self.mean) - self.spread**2 / 2
        return 0.5 * math.erfc((middle - math.log(seconds)) / (self.spread * math.sqrt(2)))


class Histogram:
    """Counts of durations by bins; what was seen `half_life` observations ago counts half, the expectation too.

    The last bin is open: whatever is longer than its edge falls into it. All durations are in seconds.
    """

    __slots__ = ("counts", "edges", "fade")

    def __init__(self, edges: Sequence[float], expected: Expected, half_life: float) -> None:
        self.edges = np.asarray(edges, dtype=float)
        self.fade = 0.5 ** (1 / half_life)
        reached = [expected.below(edge) for edge in self.edges] + [1.0]
        self.counts: NDArray[np.float64] = np.diff(np.asarray(reached)) * expected.worth + LEAST

    def add(self, seconds: float) -> None:
        """One more duration was seen. Negative ones count as nothing at all."""
        self.counts *= self.fade
        place = int(np.searchsorted(self.edges, max(0.0, seconds), side="right")) - 1
        self.counts[max(place, 0)] += 1

    @property
    def shares(self) -> NDArray[np.float64]:
        """The chance of each bin, the open one last."""
        return np.asarray(self.counts / self.counts.sum())

    @property
    def longer(self) -> NDArray[np.float64]:
        """The chance of a duration longer than each edge; one at the first, falling."""
        tails = self.counts[::-1].cumsum()[::-1]
        return np.asarray(np.maximum(tails / tails[0], LEAST))

    def longer_than(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """The chance of a duration longer than each of these, with a steady hazard inside of a bin."""
        return np.asarray(np.exp(np.interp(seconds, self.edges, np.log(self.longer))))

    def state(self) -> list[float]:
        """What was learnt, for `restore`."""
        return [float(one) for one in self.counts]

    def restore(self, counts: Sequence[float]) -> None:
        """Take up what another histogram with the same edges had learnt.

        Raises:
            ValueError: it had other bins.
        """
        if len(counts) != len(self.counts):
            raise ValueError(f"a histogram of {len(self.counts)} bins cannot take up {len(counts)}")
        self.counts = np.asarray(counts, dtype=float)


class Share:
    """How often something happens: a Beta distribution whose past fades with a half life of so many trials."""

    __slots__ = ("fade", "happened", "missed")

    def __init__(self, mean: float, worth: float, half_life: float) -> None:
        self.happened = mean * worth
        self.missed = (1 - mean) * worth
        self.fade = 0.5 ** (1 / half_life)

    def add(self, *, happened: bool) -> None:
        """One more trial."""
        self.happened = self.happened * self.fade + happened
        self.missed = self.missed * self.fade + (not happened)

    def turn(self) -> None:
        """The last trial that counted as happened had in truth not happened."""
        moved = min(1.0, self.happened)
        self.happened -= moved
        self.missed += moved

    @property
    def mean(self) -> float:
        """The expected share."""
        return self.happened / (self.happened + self.missed)

    @property
    def deviation(self) -> float:
        """The standard deviation of what is known of the share."""
        mean = self.mean
        return math.sqrt(mean * (1 - mean) / (self.happened + self.missed + 1))

    def state(self) -> list[float]:
        """What was learnt, for `restore`."""
        return [self.happened, self.missed]

    def restore(self, counts: Sequence[float]) -> None:
        """Take up what another share had learnt."""
        self.happened, self.missed = counts


def checked(state: Mapping[str, Any], name: str) -> list[float]:
    """A list of numbers out of a saved state.

    Raises:
        ValueError: it is not there.
    """
    if name not in state:
        raise ValueError(f"the saved pacer lacks {name}")
    return [float(one) for one in state[name]]
