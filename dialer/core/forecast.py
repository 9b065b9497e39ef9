"""When first calls would be made, if as many people may be called as a plan found and only so many calls are possible.

A capacity forecast, not a promise: it knows whom the rules allow when, and how many calls the carrier's account and
the lines allow; it does not know who will answer.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, Final, NamedTuple

from dialer.core.bit_runs import runs
from dialer.core.wall_clock import local, midnight

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from dialer.core.hours import Opening

SLOT: Final = timedelta(minutes=5)
"""The grain of a forecast: a slot counts as open when all of it is. Rules are written in minutes that are fives."""

CALL_LENGTH: Final = timedelta(minutes=1)
"""How long a line is taken by one call, its ringing included: an assumption, between an unanswered call and a talk."""

HOUR: Final = timedelta(hours=1)


class Grid(NamedTuple):
    """The slots of a forecast, from the one that holds `now` to the last one before `end`."""

    now: datetime
    start: datetime
    end: datetime

    @classmethod
    def of(cls, now: datetime, days: int, zone: str) -> Grid:
        """From `now` to the end of the last of `days` calendar days in `zone`, today being the first."""
        end = midnight(local(now, zone).date() + timedelta(days=days), zone)
        return cls(now, end - ceil((end - now) / SLOT) * SLOT, end)

    def open_slots(self, openings: Iterable[Opening]) -> int:
        """The slots that lie wholly in an opening, as bits, the first slot lowest. The past of the first is ignored."""
        bits = 0
        for opening in openings:
            first = 0 if opening.start <= self.now else ceil((opening.start - self.start) / SLOT)
            last = floor((min(opening.end, self.end) - self.start) / SLOT)
            if first < last:
                bits |= (1 << last) - (1 << first)
        return bits


class Capacity(NamedTuple):
    """How many calls are possible."""

    per_second: float  # by the carrier's account
    at_once: int  # lines
    call_length: timedelta = CALL_LENGTH

    @property
    def rate(self) -> Fraction:
        """Calls a second: what the account allows, or what the lines can carry when that is less."""
        carried = Fraction(self.at_once) / Fraction(self.call_length / timedelta(seconds=1))
        return min(Fraction(self.per_second), carried)


@dataclass(frozen=True, slots=True)
class Forecast:
    """First calls by the hour of a calendar, each hour by the instant it begins, and how many come only afterwards."""

    hours: tuple[tuple[datetime, int], ...]
    left: int


def forecast(demand: Mapping[int, int], grid: Grid, capacity: Capacity, zone: str) -> Forecast:
    """Serve people in every slot as far as the capacity goes, whose stretch closes earliest first.

    `demand` is how many people may be called in which slots (`Grid.open_slots`). Capacity that nobody uses is lost.
    Hours are those of the wall clock in `zone`; one that the clock repeats is there twice.
    """
    masks = sorted(mask for mask in demand if mask)
    waiting = {mask: demand[mask] for mask in masks}
    begins: dict[int, list[tuple[int, int]]] = {}
    for mask in masks:
        for first, last in runs(mask):
            begins.setdefault(first, []).append((last, mask))
    line: list[tuple[int, int]] = []  # the end of the stretch, and who: a heap
    hours: dict[datetime, int] = {}
    for slot, room in enumerate(_rooms(grid, capacity.rate)):
        for one in begins.get(slot, ()):
            heapq.heappush(line, one)
        hour = _hour(max(grid.start + slot * SLOT, grid.now), zone)
        hours[hour] = hours.get(hour, 0) + _serve(line, waiting, slot, room)
    return Forecast(tuple(hours.items()), demand.get(0, 0) + sum(waiting.values()))


def _serve(line: list[tuple[int, int]], waiting: dict[int, int], slot: int, room: int) -> int:
    """Call as many as there is room for; how many that were."""
    called = 0
    while line and called < room:
        last, mask = line[0]
        if last > slot:
            taken = min(waiting[mask], room - called)
            waiting[mask] -= taken
            called += taken
        if last <= slot or not waiting[mask]:
            heapq.heappop(line)
    return called


def _rooms(grid: Grid, rate: Fraction) -> Iterator[int]:
    """How many calls fit into each slot: in all slots until any instant as many as the rate gives, rounded down."""
    before = 0
    for slot in range((grid.end - grid.start) // SLOT):
        passed = grid.start + (slot + 1) * SLOT - grid.now
        until = floor(rate * Fraction(passed // timedelta(microseconds=1), 1_000_000))
        yield until - before
        before = until


def _hour(at: datetime, zone: str) -> datetime:
    """The instant at which the hour of the wall clock that holds `at` began."""
    wall = local(at, zone)
    return at - timedelta(minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond)
