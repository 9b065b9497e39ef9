"""Builds the calendars of days of rest that presets close on, from the `holidays` package and official notices."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from dialer.core.calendars import Calendar
from dialer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dialer.core.rules import Preset
    from dialer.rule_files.notices import Notice

CHINA: Final = "CN"
WHOLE_NOTICE: Final = 7
"""Days off that a Chinese notice names at least. Every year since 2008 has had 11 statutory days of rest or more, and
notices name the weekends beside them as well: what names fewer than this is a beginning, not the notice."""
SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)


def calendars_for(presets: Iterable[Preset], year: int, notices: Sequence[Notice] = ()) -> dict[str, Calendar]:
    """Every calendar that `presets` close on, by name, for `year` and the years before and after it."""
    names = sorted({preset.holidays.name for preset in presets} - {""})
    return {name: calendar_of(name, year, notices) for name in names}


def calendar_of(name: str, year: int, notices: Sequence[Notice] = ()) -> Calendar:
    """The days of rest of a place (`CN`, `US-LA`) in `year` and the years before and after it.

    `notices` go before what the `holidays` package knows, date by date. A year is unconfirmed when its notice is not
    known: in China a year for which the package has no working weekend and nobody gave a whole notice, elsewhere one
    with a holiday that is only estimated. InputError for a place nobody knows.
    """
    years = range(year - 1, year + 2)
    own = [notice for notice in notices if notice.calendar == name]
    off = frozenset(day for notice in own for day in notice.off)
    work = frozenset(day for notice in own for day in notice.work)
    named, worked, estimated = _package(name, range(years.start - 1, years.stop + 1))
    rest = (named | off) - work
    working = (worked | work) - off
    closed = frozenset(_blocks(rest, working)) if name == CHINA else rest
    if name == CHINA:
        whole = {notice.year for notice in own if len(notice.off) >= WHOLE_NOTICE}
        unconfirmed = frozenset(years) - {day.year for day in worked} - whole
    else:
        unconfirmed = frozenset(day.year for day in estimated - off - work)
    return Calendar(
        name,
        frozenset(years),
        frozenset(day for day in closed if day.year in years),
        frozenset(day for day in working if day.year in years),
        unconfirmed & frozenset(years),
    )


def holiday_data_version() -> str:
    """The edition of the holidays that calendars are made of."""
    return version("holidays")


def is_known(name: str) -> bool:
    """Whether anybody knows the holidays of a place (`CN`, `US-LA`)."""
    import holidays  # noqa: PLC0415 - a tenth of a second, spent only by commands that ask the gate

    country, _, subdivision = name.partition("-")
    try:
        holidays.country_holidays(country, subdiv=subdivision or None)
    except NotImplementedError:
        return False
    return True


def is_estimated(name: str, day: date) -> bool:
    """Whether a day of rest of a place that somebody knows is an estimate, as where a moon has to be seen."""
    _, _, estimated = _package(name, range(day.year, day.year + 1))
    return day in estimated


@lru_cache(maxsize=64)
def _package(name: str, years: range) -> tuple[frozenset[date], frozenset[date], frozenset[date]]:
    """What the package knows of some years: holidays, working weekend days, and which holidays are estimated."""
    import holidays  # noqa: PLC0415 - as above

    country, _, subdivision = name.partition("-")
    try:
        known = holidays.country_holidays(country, subdiv=subdivision or None, years=years, language="en_US")
    except NotImplementedError:
        mend = "name a country and state that have a calendar, such as US and LA"
        raise InputError(f"nobody knows the holidays of '{name}' ({mend})") from None
    estimated = frozenset(day for day, label in known.items() if "estimated" in label)
    return frozenset(known), frozenset(known.weekend_workdays), estimated


def _blocks(rest: frozenset[date], working: frozenset[date]) -> Iterator[date]:
    """Days of rest with the weekends that touch them: what a Chinese notice gives off in one piece.

    The law names only the holidays and the weekdays moved to them; the free weekend days between and beside belong to
    the same block, unless the notice makes them days of work.
    """

    def free(day: date) -> bool:
        return day in rest or (day.weekday() >= SATURDAY and day not in working)

    for day in rest:
        yield day
        for step in (-_DAY, _DAY):
            beside = day + step
            while free(beside):
                yield beside
                beside += step
