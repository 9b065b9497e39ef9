"""Who is likely to answer, learnt from who did: what separates a good pace from a perfect one is knowing that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

Key = tuple[str | int, ...]


class AnswerRates:
    """The chance that a person answers, by segment, past contact and hour of the day.

    Each level leans on the one above it as if that had been seen `worth` times: everybody, the segment, the segment
    with that past contact, and these at that hour. So a new segment starts at everybody's rate and moves away from it
    with what is seen. What was seen `half_life` dials ago at a level counts half there.

    `segment` and `contact` are any words ("vip", "answered last time"), `hour` the hour of the day where the person is.
    """

    __slots__ = ("_fade", "_seen", "_worth", "rate")

    def __init__(self, rate: float = 0.40, worth: float = 20.0, half_life: float = 4000.0) -> None:
        self.rate = rate
        self._worth = worth
        self._fade = 0.5 ** (1 / half_life)
        self._seen: dict[Key, tuple[float, float]] = {}  # answered and dialed, faded

    def observe(self, segment: str, hour: int, contact: str, *, answered: bool) -> None:
        """A dial has ended: a person answered, or nobody or a machine did."""
        for key in _levels(segment, hour, contact):
            hits, dials = self._seen.get(key, (0.0, 0.0))
            self._seen[key] = hits * self._fade + answered, dials * self._fade + 1

    def chance(self, segment: str, hour: int, contact: str) -> float:
        """The chance that a person answers a dial now, between 0 and 1."""
        rate = self.rate
        for key in _levels(segment, hour, contact):
            hits, dials = self._seen.get(key, (0.0, 0.0))
            rate = (hits + self._worth * rate) / (dials + self._worth)
        return rate

    def chances(self, people: Iterable[tuple[str, int, str]]) -> list[float]:
        """The chance of each, given as segment, hour and past contact: what the pacer takes."""
        return [self.chance(*one) for one in people]

    def state(self) -> list[list[Any]]:
        """What was learnt, for `restore`; JSON can hold it."""
        return [[list(key), hits, dials] for key, (hits, dials) in self._seen.items()]

    @classmethod
    def restore(cls, state: Iterable[list[Any]], **parameters: Any) -> Self:
        """Rates that say what those said whose `state` this is, given the same parameters."""
        rates = cls(**parameters)
        rates._seen = {tuple(key): (float(hits), float(dials)) for key, hits, dials in state}
        return rates


def _levels(segment: str, hour: int, contact: str) -> tuple[Key, ...]:
    return (), (segment,), (segment, contact), (segment, contact, hour)
