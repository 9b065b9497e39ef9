"""Reads the days on which a campaign may want to begin: Telecom Day, Spring Festival and the like."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from dialer.core.document import Day, Name, Part, Text, quoted, wrong
from dialer.core.script_check import nearest
from dialer.documents.complaints import Grammar
from dialer.documents.source import Kind, Source
from dialer.errors import InputError, NotFoundError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE: Final = Path(__file__).with_name("special_days.yaml")
_MONTH_DAY: Final = re.compile(r"[0-9]{2}-[0-9]{2}")
_COMMON_YEAR: Final = 2023  # 29 February is no day of every year


def _yearly(value: str) -> str:
    try:
        if _MONTH_DAY.fullmatch(value):
            date.fromisoformat(f"{_COMMON_YEAR}-{value}")
            return value
    except ValueError:
        pass
    raise wrong(f"{quoted(value)} is no day of every year", "expected month-day, such as '05-17'")


class SpecialDay(Part):
    """A day that comes once a year. It may start a campaign; it never permits a call on a day that is closed."""

    title: Text = Field(min_length=1)
    """What people call it."""
    on: Annotated[Text, AfterValidator(_yearly)] | None = None
    """The day of every year, as month-day."""
    dates: tuple[Day, ...] = ()
    """The day of each year, where no rule of the calendar gives it."""

    @model_validator(mode="after")
    def _is_one_day_a_year(self) -> Self:
        if (self.on is None) == (not self.dates):
            raise wrong("'on' and 'dates' stand together, or neither does", "say one of them")
        if len({day.year for day in self.dates}) != len(self.dates):
            raise wrong("a year has two dates", "name one date for each year")
        return self

    def in_year(self, year: int) -> date | None:
        """The day in `year`; None when the file does not reach that year."""
        if self.on is not None:
            return date.fromisoformat(f"{year:04}-{self.on}")
        return next((day for day in self.dates if day.year == year), None)


class SpecialDays(Part):
    """A file of special days."""

    special_days: dict[Name, SpecialDay]
    """The days by name."""


@lru_cache(maxsize=1)
def special_days() -> Mapping[str, SpecialDay]:
    """The special days by name."""
    return _read(_FILE)


def special_day(name: str, year: int) -> date:
    """The date of a special day in `year`. NotFoundError for a name or a year that is not in the file."""
    days = special_days()
    if name not in days:
        raise NotFoundError(f"there is no special day '{name}' ({nearest(name, days)})")
    found = days[name].in_year(year)
    if found is None:
        raise NotFoundError(f"the date of '{name}' in {year} is not known (the table of special days ends before it)")
    return found


def _read(path: Path) -> Mapping[str, SpecialDay]:
    source = Source(str(path), Kind("file of special days", "special_days:", InputError))
    document = source.read(path)
    try:
        return MappingProxyType(SpecialDays.model_validate(document).special_days)
    except ValidationError as error:
        grammar = Grammar(SpecialDays)
        flaws = [grammar.explain(detail, source) for detail in error.errors()]
        raise InputError([Problem(source.where(flaw.path), flaw.what, flaw.mend) for flaw in flaws]) from None
