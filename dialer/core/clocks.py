"""Reads the zone database that is installed with the program, so that no machine's own copy decides when we call.

Source of all data: the IANA time zone database as packaged in `tzdata` (`zones`, `zone.tab` and the compiled zones).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import tzdata

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DATABASE: Final = files("tzdata")
_YEARS_COMPARED: Final = 12
_SECOND: Final = timedelta(seconds=1)
_LOOK: Final = 13 * 24 * 3600 // 2
_YEAR: Final = 56 * _LOOK  # 52 whole weeks, so that none lies in two years

Stretch = tuple[int, int, int]
"""A time in which a clock keeps its distance from UTC: start and end, half open in seconds of UTC since 1970, and
that distance in seconds (`wall clock = UTC + distance`)."""


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every zone name the database knows, aliases included."""
    return frozenset(_DATABASE.joinpath("zones").read_text(encoding="utf-8").split())


def is_zone(name: str) -> bool:
    """Whether `name` is an IANA zone, spelt exactly (`America/New_York`)."""
    return name in zone_names()


def zone_data_version() -> str:
    """The release of the zone database, such as `2026a`: part of the evidence why a call was allowed."""
    return str(tzdata.IANA_VERSION)


@lru_cache(maxsize=1024)
def clock(zone: str) -> ZoneInfo:
    """The rules of one zone. ValueError when the database has no such zone."""
    if not is_zone(zone):
        raise ValueError(f"{zone!r} is no time zone; expected an IANA name such as 'Asia/Shanghai'")
    with _DATABASE.joinpath("zoneinfo", *zone.split("/")).open("rb") as compiled:
        return ZoneInfo.from_file(compiled, key=zone)


def stretches(zone: str, start: int, end: int) -> tuple[Stretch, ...]:
    """[start, end) cut where the clock of `zone` changes. ValueError for an unknown zone."""
    found: list[Stretch] = []
    for year in range(start // _YEAR, (end - 1) // _YEAR + 1):
        for begins, ends, offset in _year(zone, year):
            if ends <= start or begins >= end:
                continue
            low = found.pop()[0] if found and found[-1][2] == offset else max(begins, start)
            found.append((low, min(ends, end), offset))
    return tuple(found)


@lru_cache(maxsize=8192)
def _year(zone: str, year: int) -> tuple[Stretch, ...]:
    """The stretches of 52 weeks; `year` counts such years since 1970.

    Found by looking every six and a half days and searching between two looks that differ: since 1995 no clock in the
    database changes twice in less than six days and 23 hours (Recife in 2000, Gaza in 2040).
    """
    rules, start, end = clock(zone), year * _YEAR, (year + 1) * _YEAR
    cuts = [(start, _offset(rules, start))]
    for looked in range(start, end, _LOOK):
        low, high = looked, looked + _LOOK
        offset = _offset(rules, high)
        if offset == cuts[-1][1]:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if _offset(rules, middle) == offset else (middle, high)
        cuts.append((high, offset))
    ends = [*(cut for cut, _ in cuts[1:]), end]
    return tuple((a, b, offset) for (a, offset), b in zip(cuts, ends, strict=True) if a < b)


def _offset(rules: ZoneInfo, second: int) -> int:
    return (datetime.fromtimestamp(second, rules).utcoffset() or timedelta()) // _SECOND


@lru_cache(maxsize=1024)
def face(zone: str) -> tuple[Stretch, ...]:
    """What the clock of `zone` shows from the year of the database on, for as long as calls are planned.

    Two zones with equal faces show the same time at every instant that matters, whatever their past.
    """
    year = int(tzdata.IANA_VERSION[:4])
    first, last = (int(datetime(y, 1, 1, tzinfo=UTC).timestamp()) for y in (year, year + _YEARS_COMPARED))
    return stretches(zone, first, last)


def distinct(zones: Iterable[str]) -> tuple[str, ...]:
    """`zones` without those that show the same time as another; the best known name of each clock stays."""
    first: dict[tuple[Stretch, ...], str] = {}
    for zone in sorted(zones, key=lambda zone: zone not in _well_known()):
        first.setdefault(face(zone), zone)
    return tuple(first.values())


@lru_cache(maxsize=1)
def _well_known() -> frozenset[str]:
    """The name the database itself would choose for each clock: the most populous place (`zonenow.tab`)."""
    return frozenset(zone for _, zone in _rows("zonenow.tab"))


@lru_cache(maxsize=1)
def zones_by_country() -> Mapping[str, tuple[str, ...]]:
    """ISO 3166 country to its zones, in the order of `zone.tab`."""
    table: dict[str, list[str]] = {}
    for country, zone in _rows("zone.tab"):
        table.setdefault(country, []).append(zone)
    return MappingProxyType({country: tuple(zones) for country, zones in table.items()})


def _rows(table: str) -> list[tuple[str, str]]:
    """Country and zone of each row."""
    lines = _DATABASE.joinpath("zoneinfo", table).read_text(encoding="utf-8").splitlines()
    columns = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [(column[0], column[2]) for column in columns]
