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
from itertools import accumulate
from math import ceil, floor
from typing import TYPE_CHECKING, Final, Self
from unicodedata import normalize

from dialer.core.clocks import clock, stretches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dialer.core.clocks import Stretch

REACH: Final = timedelta(days=30)
"""How far an opening is followed to either side of the instant asked about; one that never ends is cut there."""

_MICRO: Final = 1_000_000
_MINUTE: Final = 60
_DAY_MINUTES: Final = 24 * 60
_DAY: Final = _DAY_MINUTES * _MINUTE
_WEEK: Final = 7 * _DAY
_REACH: Final = int(REACH.total_seconds())
_DAYS_A_WEEK: Final = 7
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_DAYS: Final = range(-2, _DAYS_A_WEEK + 1)
"""The dates whose ranges a clock can show in one week of UTC, counted from its first: clocks are less than a day away
from UTC, and a range may have begun on the day before. Weeks begin with a Thursday, as 1970 did."""
_MIDNIGHTS: Final = tuple(day * _DAY for day in _DAYS)
_RANGE: Final = re.compile(r"([0-9]{1,2}):([0-9]{2}) *[-–—~] *([0-9]{1,2}):([0-9]{2})")
_EXPECTED: Final = "expected HH:MM-HH:MM, such as 09:00-12:00 or 21:30-08:00 across midnight"

Interval = tuple[int, int]
"""Half open, in seconds: of UTC since 1970, or of a day since midnight."""
Spans = tuple[Interval, ...]


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
Edges = tuple[list[int], list[int]]
"""Pieces of time that may overlap, in seconds: where each begins, and where each ends, in any order."""
Dated = tuple[tuple[int, Spans | None], ...]
"""Days counted from the start of a week, and what begins on them; None when they are closed."""


@dataclass(frozen=True, slots=True)
class Hours:
    """One layer of rules: when, by the wall clock, calling is allowed.

    A range that crosses midnight belongs to the weekday it starts on. A date in `closed` is closed from midnight to
    midnight: its own ranges do not start, and a range of the evening before ends at midnight. On a date in `special`
    the ranges named there begin instead of the weekday's; a date that is in both is closed. `spans` are the ranges of
    each weekday in seconds from its midnight, ending after 24 hours where they cross the next one.
    """

    name: str
    week: Week = field(compare=False)  # its spans are compared
    closed: frozenset[date] = frozenset()
    special: Special = ()
    spans: tuple[Spans, ...] = field(init=False, repr=False)
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.week) != _DAYS_A_WEEK:
            raise ValueError(f"hours {self.name!r} have {len(self.week)} weekdays; expected 7, Monday first")
        spans = tuple([_spans(day) for day in self.week])
        # Numbers only: unlike that of text, their hash is the same in every process, so values survive pickling.
        closed = tuple(sorted(day.toordinal() for day in self.closed))
        special = tuple(sorted(self.special))
        if len({day for day, _ in special}) != len(special):
            raise ValueError(f"hours {self.name!r} name a special date twice; give each date its ranges once")
        dated = tuple((day.toordinal(), _spans(ranges)) for day, ranges in special)
        object.__setattr__(self, "special", special)
        object.__setattr__(self, "spans", spans)
        object.__setattr__(self, "_hash", hash((spans, closed, dated)))

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
        spans = [(a + midnight, b + midnight) for a, b in _spans(quiet) for midnight in (-_DAY, 0)]
        asleep = _edges(spans)
        return cls.daily(name, [DailyRange(a // _MINUTE, b // _MINUTE) for a, b in _left(asleep, 0, _DAY)])


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
    lasted: tuple[int, ...]  # what the first n openings last together, for each n from 0 on

    def open_before(self, microsecond: int) -> int:
        """How many microseconds of the week are open before that one of UTC."""
        begun = bisect_right(self.starts, microsecond // _MICRO)
        if not begun:
            return 0
        return self.lasted[begun] * _MICRO - max(0, self.ends[begun - 1] * _MICRO - microsecond)


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
    first, last = _second(start), _second(end)
    if end <= start:
        return timedelta()
    plans = [_plan(hours, zones, week) for week in range(first // _WEEK, last // _WEEK + 1)]
    before = plans[0].open_before(first * _MICRO + start.microsecond)
    until = plans[-1].open_before(last * _MICRO + end.microsecond)
    return timedelta(seconds=sum([plan.lasted[-1] for plan in plans[:-1]]), microseconds=until - before)


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
    """The openings in one week of UTC: what is left when every layer's rest, by every zone's clock, is taken away."""
    start = week * _WEEK
    rest = _rest(hours, tuple([_dated(layer, week) for layer in hours]))
    clocks = {_clock_in(zone, week) for zone in zones}  # many zones show the same time
    found = _left(_together([_in_utc(rest, clock, start) for clock in clocks]), start, start + _WEEK) if clocks else []
    lasted = accumulate([b - a for a, b in found], initial=0)
    return _Plan(tuple([a for a, _ in found]), tuple([b for _, b in found]), tuple(lasted))


def _in_utc(rest: Edges, clock: tuple[Stretch, ...], start: int) -> Edges:
    """The rest of a week that begins at `start`, from a clock's time to UTC. May reach beyond the week."""
    if len(clock) == 1:
        shift = start - clock[0][2]
        return [a + shift for a in rest[0]], [b + shift for b in rest[1]]
    pieces = [
        (max(a + start - offset, begins), min(b + start - offset, ends))
        for begins, ends, offset in clock
        for a, b in zip(*rest, strict=True)
    ]
    return _edges([(a, b) for a, b in pieces if a < b])


@lru_cache(maxsize=8192)
def _clock_in(zone: str, week: int) -> tuple[Stretch, ...]:
    return stretches(zone, week * _WEEK, (week + 1) * _WEEK)


@lru_cache(maxsize=8192)
def _rest(hours: tuple[Hours, ...], dated: tuple[Dated, ...]) -> Edges:
    """When any layer is closed by the wall clock: a week and a day to either side, in seconds from the week's start."""
    each = [_layer_rest(layer, dates) for layer, dates in zip(hours, dated, strict=True)]
    if len(each) == 1:
        return each[0]
    opens, closes = _edges(_left(_together(each), -_DAY, _WEEK + _DAY))
    return [-_DAY, *closes], [*opens, _WEEK + _DAY]


@lru_cache(maxsize=8192)
def _layer_rest(layer: Hours, dated: Dated) -> Edges:
    """When one layer is closed, as in `_rest`."""
    days = [*layer.spans[1:], *layer.spans[:4]]  # from a Tuesday, two days before the week, on
    for day, spans in dated:
        days[day - _DAYS.start] = spans or ()
    opens = [midnight + a for midnight, spans in zip(_MIDNIGHTS, days, strict=True) for a, _ in spans]
    closes = [midnight + b for midnight, spans in zip(_MIDNIGHTS, days, strict=True) for _, b in spans]
    rest = _left((opens, closes), -_DAY, _WEEK + _DAY)
    return _edges([*rest, *[(day * _DAY, day * _DAY + _DAY) for day, spans in dated if spans is None]])


def _dated(layer: Hours, week: int) -> Dated:
    """The dates of a week, and around it, on which a layer does not do what it does on other weeks."""
    if not layer.closed and not layer.special:
        return ()
    dates, first = _dates(layer), week * _DAYS_A_WEEK
    return tuple([(day, dates[first + day]) for day in _DAYS if first + day in dates])


@lru_cache(maxsize=1024)
def _dates(layer: Hours) -> dict[int, Spans | None]:
    """What begins on each date that differs from its weekday, by days since 1970; None when it is closed."""
    special = {day.toordinal() - _EPOCH_ORDINAL: _spans(ranges) for day, ranges in layer.special}
    return special | {day.toordinal() - _EPOCH_ORDINAL: None for day in layer.closed}


def _spans(ranges: Iterable[DailyRange]) -> Spans:
    """Ranges in seconds from the midnight of the day they begin on."""
    return tuple([(r.start * _MINUTE, r.end * _MINUTE + (_DAY if r.end < r.start else 0)) for r in ranges])


def _together(several: Iterable[Edges]) -> Edges:
    begins: list[int] = []
    ends: list[int] = []
    for a, b in several:
        begins += a
        ends += b
    return begins, ends


def _edges(pieces: list[Interval]) -> Edges:
    return [a for a, _ in pieces], [b for _, b in pieces]


def _left(taken: Edges, start: int, end: int) -> list[Interval]:
    """[start, end) without what is taken, in order.

    Time is free from where as many pieces have ended as have begun until the next one begins. An empty piece would
    cut such time in two, so there must be none between `start` and `end`.
    """
    begins, ends = taken
    return [(a, b) for a, b in zip(sorted([start, *ends]), sorted([*begins, end]), strict=True) if a < b]


def _merged(pieces: Iterable[Interval]) -> list[Interval]:
    """The same time in order, overlapping and touching pieces joined."""
    joined: list[Interval] = []
    for start, end in sorted(pieces):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
