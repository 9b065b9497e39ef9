"""Which dates are days of rest somewhere, as far as it is known, for the rules that close on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of rest of one place, in the `years` it was made for.

    `name` is the place by ISO 3166 (`CN`, `US-LA`). `closed` are its days of rest, `working` the weekend days on which
    people work to make up for others. A year in `unconfirmed` rests on an estimate: the official notice is not known.
    """

    name: str
    years: frozenset[int]
    closed: frozenset[date]
    working: frozenset[date] = frozenset()
    unconfirmed: frozenset[int] = frozenset()

    def is_confirmed(self, year: int) -> bool:
        """Whether the days of rest of `year` are officially known. False as well for a year it was not made for."""
        return year in self.years and year not in self.unconfirmed
