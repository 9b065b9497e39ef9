"""The days in which somebody may be called: the windows of each, and which layer of hours closes the rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from dialer.core.hours import Opening, openings
from dialer.core.wall_clock import local, midnight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date, datetime

    from dialer.core.hours import DailyRange, Hours

HALF_HOUR: Final = timedelta(minutes=30)
_NONE: Final = timedelta(0)


class Share(StrEnum):
    """How much of half an hour is open."""

    ALL = "all"
    PART = "part"
    NONE = "none"
    UNASKED = "unasked"  # outside the stretch, or an hour that the clock skips


class Slot(NamedTuple):
    """Half an hour of a wall clock, and the layers that are not open in all of it."""

    share: Share
    shut_by: tuple[str, ...] = ()


class LayerDay(NamedTuple):
    """What one layer of hours allows on a day, by the wall clock: nothing on a day that is closed."""

    name: str
    ranges: tuple[DailyRange, ...]


@dataclass(frozen=True, slots=True)
class DayWindows:
    """One calendar day, of the customer's first zone, as far as it lies in the stretch."""

    day: date
    windows: tuple[Opening, ...]
    layers: tuple[LayerDay, ...]
    alone: tuple[tuple[str, tuple[Opening, ...]], ...]  # what no other layer closes, by layer
    slots: tuple[Slot, ...]  # 48, from midnight on


def day_windows(
    hours: Callable[[datetime], tuple[Hours, ...]], zones: tuple[str, ...], start: datetime, end: datetime
) -> Iterator[DayWindows]:
    """Every day between `start` and `end`. `hours` gives the layers that hold on the day of an instant."""
    zone, at = zones[0], start
    while at < end:
        day = local(at, zone).date()
        over = min(midnight(day + timedelta(days=1), zone), end)
        yield _day(day, hours(at), zones, Opening(at, over))
        at = over


def ranges_on(hours: Hours, day: date) -> tuple[DailyRange, ...]:
    """What begins on a date: its own ranges where it is special, nothing where it is closed, else its weekday's."""
    if day in hours.closed:
        return ()
    return next((ranges for special, ranges in hours.special if special == day), hours.week[day.weekday()])


def joined(days: Sequence[DayWindows]) -> tuple[Opening, ...]:
    """The windows of all days; one that goes on over midnight is one."""
    found: list[Opening] = []
    for window in (window for day in days for window in day.windows):
        if found and found[-1].end == window.start:
            found[-1] = Opening(found[-1].start, window.end)
        else:
            found.append(window)
    return tuple(found)


def _day(day: date, hours: tuple[Hours, ...], zones: tuple[str, ...], span: Opening) -> DayWindows:
    windows = openings(hours, zones, span.start, span.end)
    own = [openings((layer,), zones, span.start, span.end) for layer in hours]
    alone = []
    for at, layer in enumerate(hours):
        others = (*hours[:at], *hours[at + 1 :])
        without = openings(others, zones, span.start, span.end) if others else [span]
        closed = tuple(piece for opening in without for piece in _less(opening, windows))
        if closed:
            alone.append((layer.name, closed))
    names = [layer.name for layer in hours]
    return DayWindows(
        day,
        tuple(windows),
        tuple(LayerDay(layer.name, ranges_on(layer, day)) for layer in hours),
        tuple(alone),
        tuple(_slots(day, zones[0], span, windows, dict(zip(names, own, strict=True)))),
    )


def _less(opening: Opening, taken: Sequence[Opening]) -> Iterator[Opening]:
    """What is left of an opening without openings in it, which are in order."""
    at = opening.start
    for one in taken:
        if one.end <= at or one.start >= opening.end:
            continue
        if one.start > at:
            yield Opening(at, one.start)
        at = one.end
    if at < opening.end:
        yield Opening(at, opening.end)


def _slots(
    day: date, zone: str, span: Opening, windows: Sequence[Opening], own: dict[str, list[Opening]]
) -> Iterator[Slot]:
    """The half hours that a clock shows on a day; one that it shows twice is open as far as both are."""
    shown: dict[int, list[Opening]] = {}
    at, over = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    while at < over:
        wall = local(at, zone)
        start, end = max(at, span.start), min(at + HALF_HOUR, span.end)
        if start < end:
            shown.setdefault(2 * wall.hour + wall.minute // 30, []).append(Opening(start, end))
        at += HALF_HOUR
    for index in range(48):
        yield _slot(shown.get(index, []), windows, own)


def _slot(times: Sequence[Opening], windows: Sequence[Opening], own: dict[str, list[Opening]]) -> Slot:
    if not times:
        return Slot(Share.UNASKED)
    whole = sum((one.end - one.start for one in times), _NONE)
    free = _common(times, windows)
    shut_by = tuple(name for name, hours in own.items() if _common(times, hours) < whole)
    return Slot(Share.ALL if free == whole else Share.PART if free else Share.NONE, shut_by)


def _common(some: Sequence[Opening], others: Sequence[Opening]) -> timedelta:
    """How long both are open."""
    both = (min(a.end, b.end) - max(a.start, b.start) for a in some for b in others)
    return sum((one for one in both if one > _NONE), _NONE)
