"""Who is called in the shifts that pacers are judged by: alike in all, or different in who answers. Seeded."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

RING_MEAN, RING_LIMIT = 12.0, 25.0
RING_SPREAD = 0.4
"""The promised figures do not say it; with 0.5 one agent at a rate of 0.20 stays below them, and that is shown too."""

TALK_MEAN, TALK_SPREAD = 150.0, 0.9
WRAP_MEAN = 25.0
HOURS = 8
DRIFT = 0.2
"""By how much of itself the answer rate rises and falls over a shift."""

QUICK = 0.15
"""The share of the unanswered that ends before the ring limit: busy, failed. It brings progressive to its figures."""

SEGMENTS = (-1.0, -0.4, 0.4, 1.0)
CONTACTS = (-1.0, 0.0, 1.0)
PERSONAL = 0.6
"""Log odds of answering: by segment, by past contact, and what nobody can know of a person."""

DRAWN = 4096


@dataclass(slots=True)
class Person:
    """One person to be called, and all that will come of it. Seconds."""

    luck: float
    rings: float
    ends_early: bool
    talks: float
    wraps: float
    lean: float = 0.0  # log odds by segment, contact and person
    segment: int = 0
    contact: int = 0


class People:
    """People in the order in which they are called, the same for every pacer; they differ in nothing.

    `rate` is the chance to answer over a whole shift; `ring_spread` and `wrap_spread` how much their
    logarithms vary, zero for not at all.
    """

    def __init__(self, rate: float, seed: int, ring_spread: float = RING_SPREAD, wrap_spread: float = 0.0) -> None:
        self.rate = rate
        self._ring_spread = ring_spread
        self._wrap_spread = wrap_spread
        self._luck = np.random.default_rng(seed)
        self._waiting: deque[Person] = deque()

    def ahead(self, count: int) -> Iterator[Person]:
        """The next so many, who stay where they are."""
        while len(self._waiting) < count:
            self._waiting.extend(self._drawn())
        return islice(self._waiting, count)

    def next(self) -> Person:
        """The next one, who is called now."""
        if not self._waiting:
            self._waiting.extend(self._drawn())
        return self._waiting.popleft()

    def chance(self, person: Person, hour: float) -> float:
        """The chance that this person answers at that hour of the shift."""
        del person
        return self.rate * (1 + DRIFT * math.sin(hour / HOURS * 2 * math.pi))

    def _drawn(self) -> Iterator[Person]:
        luck = self._luck
        columns = (
            luck.random(DRAWN),
            np.minimum(lognormal(luck, RING_MEAN, self._ring_spread), RING_LIMIT),
            luck.random(DRAWN) < QUICK,
            lognormal(luck, TALK_MEAN, TALK_SPREAD),
            lognormal(luck, WRAP_MEAN, self._wrap_spread),
        )
        return (Person(*row) for row in zip(*(one.tolist() for one in columns), strict=True))


class DifferentPeople(People):
    """People of whom one answers more easily than another: by segment, past contact, hour, and by themselves."""

    def __init__(self, rate: float, seed: int, ring_spread: float = RING_SPREAD, wrap_spread: float = 0.0) -> None:
        super().__init__(rate, seed, ring_spread, wrap_spread)
        self._traits = np.random.default_rng((seed, 1))
        self._lift = 0.0
        self._lift_to(rate)

    def chance(self, person: Person, hour: float) -> float:
        swing = 0.5 * math.sin((hour / HOURS + person.segment / len(SEGMENTS)) * 2 * math.pi)
        return 1 / (1 + math.exp(-self._lift - person.lean - swing))

    def _drawn(self) -> Iterator[Person]:
        traits = self._traits
        segments = traits.integers(len(SEGMENTS), size=DRAWN).tolist()
        contacts = traits.integers(len(CONTACTS), size=DRAWN).tolist()
        own = (traits.standard_normal(DRAWN) * PERSONAL).tolist()
        for person, segment, contact, lean in zip(super()._drawn(), segments, contacts, own, strict=True):
            person.segment, person.contact = segment, contact
            person.lean = SEGMENTS[segment] + CONTACTS[contact] + lean
            yield person

    def _lift_to(self, rate: float) -> None:
        """Makes them answer as often as `rate` says, over all of them and the whole shift."""
        sample = list(self.ahead(DRAWN))
        low, high = -6.0, 6.0
        for _ in range(20):
            self._lift = (low + high) / 2
            mean = sum(self.chance(one, i % 80 / 10) for i, one in enumerate(sample)) / len(sample)
            low, high = (self._lift, high) if mean < rate else (low, self._lift)


def lognormal(luck: np.random.Generator, mean: float, spread: float) -> NDArray[np.float64]:
    """Durations of that mean; all the same without a spread."""
    return luck.lognormal(math.log(mean) - spread**2 / 2, spread, DRAWN)
