"""Days as a table and a chart: when somebody may be called, and which layer of hours closes the rest."""

from __future__ import annotations

from itertools import groupby
from string import ascii_lowercase
from typing import TYPE_CHECKING, Final

from rich.markup import escape
from rich.text import Text

from dialer.cli import chart, rule_words
from dialer.cli.screen import light_table, out
from dialer.core.day_windows import Share
from dialer.core.wall_clock import local

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from dialer.core.day_windows import DayWindows, Slot
    from dialer.core.hours import DailyRange, Opening

OPEN, PARTLY, SEVERAL, UNASKED = "#", "+", ".", " "
LETTERS: Final = ascii_lowercase + ascii_lowercase.upper()


def show_days(days: Sequence[DayWindows], zones: tuple[str, ...], house_zone: str) -> None:
    """Print the table, the chart and its legend."""
    if not days:
        return
    if not any(day.windows for day in days):
        out.print("  no stretch of that time is open")
    _table(days, list(dict.fromkeys((*zones, house_zone))), house_zone)
    names = list(dict.fromkeys(layer.name for day in days for layer in day.layers))
    letters = dict(zip(names, LETTERS, strict=False))
    out.print(f"\n  {'':9}  {chart.hour_axis(2)}  {zones[0]}")
    for day in days:
        drawn = "".join(_character(slot, letters) for slot in day.slots)
        out.print(Text(f"  {_short(day.day):9}  {drawn}"))
    out.print(f"  {OPEN} open  {PARTLY} partly open  {SEVERAL} closed by several layers; a letter: by that one alone")
    _legend(days, letters)


def _table(days: Sequence[DayWindows], clocks: Sequence[str], house_zone: str) -> None:
    """One row a day and clock: the same windows in every zone the customer may be in, and in the house's."""
    table = light_table("day", "open", "on the clock of", "closed by one layer alone")
    for day in days:
        alone = "\n".join(f"{name} {_hours(pieces, clocks[0])}" for name, pieces in day.alone)
        for at, zone in enumerate(clocks):
            whose = f"{zone} (house)" if zone == house_zone else zone
            first = at == 0
            told = _hours(day.windows, zone) or "closed"
            table.add_row(_short(day.day) if first else "", told, whose, escape(alone) if first else "")
    out.print(table)


def _character(slot: Slot, letters: dict[str, str]) -> str:
    match slot.share:
        case Share.ALL:
            return OPEN
        case Share.PART:
            return PARTLY
        case Share.UNASKED:
            return UNASKED
        case Share.NONE:
            return letters.get(slot.shut_by[0], SEVERAL) if len(slot.shut_by) == 1 else SEVERAL


def _legend(days: Sequence[DayWindows], letters: dict[str, str]) -> None:
    """Each layer's own hours, days that follow each other and are alike told once."""
    table = light_table("", "layer", "its own hours")
    for name, letter in letters.items():
        own = [(day.day, next((layer.ranges for layer in day.layers if layer.name == name), None)) for day in days]
        table.add_row(f"  {letter}", escape(name), escape("; ".join(_alike(own))))
    out.print(table)


def _alike(own: Iterable[tuple[date, tuple[DailyRange, ...] | None]]) -> Iterable[str]:
    for ranges, group in groupby(own, key=lambda one: one[1]):
        days = [day for day, _ in group]
        span = _short(days[0]) if len(days) == 1 else f"{_short(days[0])} to {_short(days[-1])}"
        yield f"{rule_words.ranges(ranges) if ranges is not None else 'not in force'} {span}"


def _hours(windows: Iterable[Opening], zone: str) -> str:
    """`09:00-12:00, 14:00-20:00` by a zone's clock; what ends at a midnight ends at 24:00."""
    return ", ".join(f"{_clock(one.start, zone)}-{_clock(one.end, zone, end=True)}" for one in windows)


def _clock(at: datetime, zone: str, *, end: bool = False) -> str:
    told = f"{local(at, zone):%H:%M}"
    return "24:00" if end and told == "00:00" else told


def _short(day: date) -> str:
    return f"{day:%a %m-%d}"
