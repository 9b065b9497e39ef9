"""When people may be called: wall-clock hours of several layers, in every zone a person may be in, as UTC intervals.

Openness is a function of the wall clock alone: an hour that a clock repeats is open both times, an hour that it skips
never exists. UTC is cut into stretches in which a zone's offset does not change; inside one, wall time is UTC plus a
constant, so gaps, repeated hours and skipped days need no special case.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import ceil, floor
from typing import TYPE_CHECKING, Final, Self
from unicodedata import normalize

from dialer.core.clocks import clock, stretches

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dialer.core.clocks import Stretch

REACH: Final = timedelta(days=30)
"""How far an opening is followed to either side of the instant asked about; one that never ends is cut there."""

_MINUTE: Final = 60
_DAY_MINUTES: Final = 24 * 60
_DAY: Final = _DAY_MINUTES * _MINUTE
_WEEK: Final = 7 * _DAY
_REACH: Final = int(REACH.total_seconds())
_DAYS_A_WEEK: Final = 7
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_RANGE: Final = re.compile(r"([0-9]{1,2}):([0-9]{2}) *[-–—~] *([0-9]{1,2}):([0-9]{2})")
_EXPECTED: Final = "expected HH:MM-HH:MM, such as 09:00-12:00 or 21:30-08:00 across midnight"

Interval = tuple[int, int]
"""Half open, in seconds: of UTC since 1970, or of a day since midnight."""


@dataclass(frozen=True, slots=True, order=True)
class DailyRange:
    """A stretch of the day on a wall clock, half open, in minutes since midnight; `end` may be 1440 (24:00).

    An `end` before the `start` lies on the next day; the range then belongs to the day it starts on.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not (0 <= self.start < _DAY_MINUTES and 0 <= self.end <= _DAY_MINUTES):
            raise ValueError(f"a time of day lies between 00:00 and 24:00, and 24:00 can only be an end; {_EXPECTED}")
        if self.start == self.end:
            raise ValueError(f"{self} begins and ends at the same time; for a whole day write 00:00-24:00")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `09:00-12:00`. ValueError says what was expected."""
        found = _RANGE.fullmatch(normalize("NFKC", text).strip())
        if found is None:
            raise ValueError(f"{text!r} is no range of the day; {_EXPECTED}")
        start_hour, start_minute, end_hour, end_minute = map(int, found.groups())
        if max(start_minute, end_minute) >= _MINUTE:
            raise ValueError(f"{text!r} has more than 59 minutes in an hour; {_EXPECTED}")
        return cls(start_hour * 60 + start_minute, end_hour * 60 + end_minute)

    @classmethod
    def of_hour(cls, hour: int) -> Self:
        """The whole hour of the day that begins at `hour` (0 to 23)."""
        return cls(hour * 60, hour * 60 + 60)

    @property
    def crosses_midnight(self) -> bool:
        """Whether the range ends on the day after the one it starts on."""
        return self.end < self.start

    def __str__(self) -> str:
        return f"{self.start // 60:02}:{self.start % 60:02}-{self.end // 60:02}:{self.end % 60:02}"


Week = tuple[tuple[DailyRange, ...], ...]
"""The ranges of each weekday, Monday first."""
Special = tuple[tuple[date, tuple[DailyRange, ...]], ...]
"""Dates with ranges of their own, each date once."""


@dataclass(frozen=True, slots=True)
class Hours:
    """One layer of rules: when, by the wall clock, calling is allowed.

    A range that crosses midnight belongs to the weekday it starts on. A date in `closed` is closed from midnight to
    midnight: its own ranges do not start, and a range of the evening before ends at midnight. On a date in `special`
    the ranges named there begin instead of the weekday's; a date that is in both is closed.
    """

    name: str
    week: Week
    closed: frozenset[date] = frozenset()
    special: Special = ()
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.week) != _DAYS_A_WEEK:
            raise ValueError(f"hours {self.name!r} have {len(self.week)} weekdays; expected 7, Monday first")
        # Numbers only: unlike that of text, their hash is the same in every process, so values survive pickling.
        days = tuple(tuple((r.start, r.end) for r in day) for day in self.week)
        closed = tuple(sorted(day.toordinal() for day in self.closed))
        special = tuple(sorted(self.special))
        if len({day for day, _ in special}) != len(special):
            raise ValueError(f"hours {self.name!r} name a special date twice; give each date its ranges once")
        dated = tuple((day.toordinal(), tuple((r.start, r.end) for r in ranges)) for day, ranges in special)
        object.__setattr__(self, "special", special)
        object.__setattr__(self, "_hash", hash((days, closed, dated)))

    def __hash__(self) -> int:
        return self._hash

    @classmethod
    def daily(cls, name: str, ranges: Iterable[DailyRange]) -> Self:
        """The same ranges on every day."""
        return cls(name, (tuple(ranges),) * _DAYS_A_WEEK)

    @classmethod
    def always(cls, name: str) -> Self:
        """Open at every instant."""
        return cls.daily(name, [DailyRange(0, _DAY_MINUTES)])

    @classmethod
    def outside(cls, name: str, quiet: Iterable[DailyRange]) -> Self:
        """Open except in `quiet`, every day: the hours in which somebody asked not to be called."""
        asleep = _merged([piece for r in quiet for piece in (*_own(r), *_tail(r))])
        edges = [0, *(edge for piece in asleep for edge in piece), _DAY]
        pairs = zip(edges[::2], edges[1::2], strict=True)
        return cls.daily(name, [DailyRange(a // _MINUTE, b // _MINUTE) for a, b in pairs if a < b])


@dataclass(frozen=True, slots=True)
class Opening:
    """A stretch of time in which calling is allowed: `start` included, `end` not, both UTC."""

    start: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class _Plan:
    """The openings of one week of UTC, cut at its borders."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]


def opening_at(hours: tuple[Hours, ...], zones: tuple[str, ...], at: datetime) -> Opening | None:
    """The opening that contains `at`, allowed by every layer of `hours` in every one of `zones`.

    None when `at` is not allowed; always None without zones, for nobody knows what time it is there. An opening is
    followed at most `REACH` to either side of `at`.
    """
    second = _second(at)
    plan = _plan(hours, zones, second // _WEEK)
    index = bisect_right(plan.starts, second) - 1
    if index < 0 or plan.ends[index] <= second:
        return None
    return _whole(hours, zones, plan, index, second)


def next_opening(
    hours: tuple[Hours, ...], zones: tuple[str, ...], after: datetime, horizon: timedelta = REACH
) -> Opening | None:
    """The opening that contains `after`, else the first one to start within `horizon` after it, else None.

    Layers, zones and the length of an opening are as for `opening_at`.
    """
    second = _second(after)
    last = second + ceil(horizon.total_seconds())
    for week in range(second // _WEEK, last // _WEEK + 1):
        plan = _plan(hours, zones, week)
        index = bisect_right(plan.ends, second)  # the first one that is not over
        if index < len(plan.ends):
            start = plan.starts[index]
            return _whole(hours, zones, plan, index, max(start, second)) if start <= last else None
    return None


def openings(hours: tuple[Hours, ...], zones: tuple[str, ...], start: datetime, end: datetime) -> list[Opening]:
    """Every opening between `start` and `end`, cut at both; in order, none touching the next."""
    pieces = _pieces(hours, zones, _second(start), ceil(_checked(end).timestamp()))
    found = [(max(_instant(a), start), min(_instant(b), end)) for a, b in pieces]
    return [Opening(a.astimezone(UTC), b.astimezone(UTC)) for a, b in found if a < b]


def open_time(hours: tuple[Hours, ...], zones: tuple[str, ...], start: datetime, end: datetime) -> timedelta:
    """How much time between `start` and `end` is open. This is the slack of a callback due by `end`."""
    return sum((o.end - o.start for o in openings(hours, zones, start, end)), timedelta())


def local_hour(zone: str, at: datetime) -> int:
    """The hour of the day (0 to 23) that a clock in `zone` shows at `at`. ValueError for an unknown zone."""
    return _checked(at).astimezone(clock(zone)).hour


def _checked(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("an instant must be aware; expected a datetime in UTC")
    return at


def _second(at: datetime) -> int:
    return floor(_checked(at).timestamp())


def _instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _whole(hours: tuple[Hours, ...], zones: tuple[str, ...], plan: _Plan, index: int, second: int) -> Opening:
    """Opening `index` of `plan`, joined with what touches it in the weeks before and after."""
    start, end = plan.starts[index], plan.ends[index]
    if start % _WEEK and end % _WEEK:
        return _opening(start, end)
    while start % _WEEK == 0 and start > second - _REACH:
        before = _plan(hours, zones, start // _WEEK - 1)
        if not before.ends or before.ends[-1] != start:
            break
        start = before.starts[-1]
    while end % _WEEK == 0 and end < second + _REACH:
        after = _plan(hours, zones, end // _WEEK)
        if not after.starts or after.starts[0] != end:
            break
        end = after.ends[0]
    return _opening(max(start, second - _REACH), min(end, second + _REACH))


@lru_cache(maxsize=4096)
def _opening(start: int, end: int) -> Opening:
    return Opening(_instant(start), _instant(end))


def _pieces(hours: tuple[Hours, ...], zones: tuple[str, ...], start: int, end: int) -> list[Interval]:
    """The merged open intervals of the weeks that [start, end) touches, cut to it."""
    weeks = range(start // _WEEK, (end - 1) // _WEEK + 1)
    plans = (_plan(hours, zones, week) for week in weeks)
    cut = ((max(a, start), min(b, end)) for plan in plans for a, b in zip(plan.starts, plan.ends, strict=True))
    return _merged([piece for piece in cut if piece[0] < piece[1]])


@lru_cache(maxsize=8192)
def _plan(hours: tuple[Hours, ...], zones: tuple[str, ...], week: int) -> _Plan:
    """The openings in one week of UTC, over all layers and zones."""
    found: Sequence[Interval] = _zone_week(hours, zones[0], week) if zones else ()
    for zone in zones[1:]:
        if not found:
            break
        found = _intersection(found, _zone_week(hours, zone, week))
    return _Plan(tuple([start for start, _ in found]), tuple([end for _, end in found]))


@lru_cache(maxsize=8192)
def _zone_week(hours: tuple[Hours, ...], zone: str, week: int) -> tuple[Interval, ...]:
    """The open intervals of one week of UTC in one zone, over all layers."""
    days = _local_days(hours, week)
    first = week * _DAYS_A_WEEK - 1
    found: list[Interval] = []
    for start, end, offset in _stretches(zone, week):
        for day in range((start + offset) // _DAY, (end - 1 + offset) // _DAY + 1):
            midnight = day * _DAY - offset
            for opens, closes in days[day - first]:
                piece = max(midnight + opens, start), min(midnight + closes, end)
                if piece[0] >= piece[1]:
                    continue
                if found and found[-1][1] == piece[0]:
                    piece = found.pop()[0], piece[1]
                found.append(piece)
    return tuple(found)


@lru_cache(maxsize=4096)
def _local_days(hours: tuple[Hours, ...], week: int) -> tuple[tuple[Interval, ...], ...]:
    """What is open on each local date that any zone can have in one week of UTC, from the day before it on."""
    first = week * _DAYS_A_WEEK - 1
    return tuple(_local_day(hours, date.fromordinal(day + _EPOCH_ORDINAL)) for day in range(first, first + 9))


def _local_day(hours: tuple[Hours, ...], day: date) -> tuple[Interval, ...]:
    """What every layer leaves open between midnight and midnight of one date, in seconds of the wall clock."""
    found: tuple[Interval, ...] = ((0, _DAY),)
    for layer in hours:
        if day in layer.closed:
            return ()
        after_closed = bool(layer.closed) and day - timedelta(days=1) in layer.closed
        shape = _special_shapes(layer).get(day) if layer.special else None
        if shape is None:
            shape = _shapes(layer)[day.weekday() + (_DAYS_A_WEEK if after_closed else 0)]
        found = tuple(_intersection(found, shape))
    return found


@lru_cache(maxsize=4096)
def _stretches(zone: str, week: int) -> tuple[Stretch, ...]:
    return stretches(zone, week * _WEEK, (week + 1) * _WEEK)


@lru_cache(maxsize=4096)
def _shapes(layer: Hours) -> tuple[tuple[Interval, ...], ...]:
    """What is open between midnight and midnight: per weekday, and again per weekday after a closed date."""
    own = [[piece for r in day for piece in _own(r)] for day in layer.week]
    tails = [[piece for r in layer.week[day - 1] for piece in _tail(r)] for day in range(_DAYS_A_WEEK)]
    with_tails = [tuple(_merged(a + b)) for a, b in zip(own, tails, strict=True)]
    return (*with_tails, *(tuple(_merged(a)) for a in own))


@lru_cache(maxsize=1024)
def _special_shapes(layer: Hours) -> dict[date, tuple[Interval, ...]]:
    """What is open between midnight and midnight of each date that a special date shapes: itself and the day after."""
    special = dict(layer.special)

    def begun_on(day: date) -> tuple[DailyRange, ...]:
        return () if day in layer.closed else special.get(day, layer.week[day.weekday()])

    days = {day + timedelta(days=after) for day in special for after in (0, 1)}
    return {
        day: tuple(
            _merged(
                [piece for r in begun_on(day) for piece in _own(r)]
                + [piece for r in begun_on(day - timedelta(days=1)) for piece in _tail(r)]
            )
        )
        for day in days
    }


def _own(r: DailyRange) -> list[Interval]:
    """The part of a range on the day it starts."""
    return [(r.start * _MINUTE, (_DAY_MINUTES if r.crosses_midnight else r.end) * _MINUTE)]


def _tail(r: DailyRange) -> list[Interval]:
    """The part of a range on the day after."""
    return [(0, r.end * _MINUTE)] if r.crosses_midnight and r.end else []


def _merged(pieces: Iterable[Interval]) -> list[Interval]:
    """The same time in order, overlapping and touching pieces joined."""
    joined: list[Interval] = []
    for start, end in sorted(pieces):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _intersection(left: Sequence[Interval], right: Sequence[Interval]) -> list[Interval]:
    """The time that lies in both."""
    both: list[Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        (left_start, left_end), (right_start, right_end) = left[i], right[j]
        start = max(left_start, right_start)
        end = min(left_end, right_end)
        if start < end:
            both.append((start, end))
        if left_end < right_end:
            i += 1
        else:
            j += 1
    return both
