"""One shape for every report, so that a new report is a list of fields and a new format is one renderer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

from dialer.core.phone import PhoneNumber
from dialer.reports.language import Language, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

R = TypeVar("R")


class Kind(StrEnum):
    """What a column holds; renderers align, format and type cells by it."""

    TEXT = "text"
    NUMBER = "number"
    INSTANT = "instant"  # UTC
    DURATION = "duration"
    PERCENT = "percent"
    PHONE = "phone"  # text for every spreadsheet, never a number


@dataclass(frozen=True, slots=True)
class Rate:
    """A part of a whole, which keeps its denominator in sight and can never be more than all of it."""

    part: int
    whole: int

    def __post_init__(self) -> None:
        if not 0 <= self.part <= self.whole:
            raise ValueError(f"{self.part} of {self.whole} is not a rate")

    @property
    def value(self) -> float | None:
        """Between 0 and 1; None when there is nothing to take a part of."""
        return self.part / self.whole if self.whole else None

    @property
    def percent(self) -> str:
        """Rounded, but 100 % only when nobody is missing and 0 % only when there is nobody; "-" without a whole."""
        if not self.whole:
            return "-"
        tenths = (self.part * 2000 + self.whole) // (2 * self.whole)
        if 0 < self.part < self.whole:
            tenths = min(max(tenths, 1), 999)
        return f"{tenths // 10}.{tenths % 10} %"

    def __str__(self) -> str:
        return f"{self.percent} ({self.part}/{self.whole})" if self.whole else "-"


Cell = str | int | float | datetime | timedelta | PhoneNumber | Rate | Mapping[str, str] | tuple[str, ...] | None
"""A value as the record holds it. Renderers turn enumerations into words and phone numbers into masked ones."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `key` is for scripts and never changes, `heading` is for people."""

    key: str
    heading: str
    kind: Kind = Kind.TEXT
    brief: bool = True  # shown where space is short


@dataclass(frozen=True, slots=True)
class Table:
    """A report: `rows` may be read once only, and are made while they are read."""

    title: str
    columns: tuple[Column, ...]
    rows: Iterable[tuple[Cell, ...]]
    language: Language = Language.EN


@dataclass(frozen=True, slots=True)
class Field(Generic[R]):
    """One column of a report and how its cell follows from a record."""

    key: str
    of: Callable[[R, Language], Cell]
    kind: Kind = Kind.TEXT
    brief: bool = False


def tabulate(title: str, fields: Iterable[Field[R]], records: Iterable[R], language: Language) -> Table:
    """One row a record, lazily. `title` is a key of the phrases; so is each field's `column.<key>`."""
    chosen = tuple(fields)

    def rows() -> Iterator[tuple[Cell, ...]]:
        for record in records:
            yield tuple(field.of(record, language) for field in chosen)

    columns = tuple(Column(f.key, say(f"column.{f.key}", language), f.kind, f.brief) for f in chosen)
    return Table(say(title, language), columns, rows(), language)
