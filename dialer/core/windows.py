"""The hours of a campaign by weekday, as its file writes them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator

from dialer.core.document import Part, quoted, wrong
from dialer.core.hours import DailyRange

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPANS = {
    **{day: (index,) for index, day in enumerate(_WEEKDAYS)},
    "mon-fri": tuple(range(5)),
    "sat-sun": (5, 6),
    "daily": tuple(range(7)),
}


def _range(value: object) -> DailyRange:
    if isinstance(value, DailyRange):
        return value
    if not isinstance(value, str):
        raise wrong(f"{quoted(value)} is no range of hours", "expected text such as 09:00-12:00")
    try:
        return DailyRange.parse(value)
    except ValueError as error:
        what, _, mend = str(error).partition("; ")
        raise wrong(what, mend or "expected text such as 09:00-12:00") from None


def _several(value: object) -> object:
    return [value] if isinstance(value, (str, DailyRange)) else value


_RANGE_SCHEMA = {"type": "string", "pattern": r"^\d{1,2}:\d{2} ?- ?\d{1,2}:\d{2}$", "examples": ["09:00-12:00"]}
Range = Annotated[DailyRange, PlainValidator(_range), WithJsonSchema(_RANGE_SCHEMA)]
Ranges = Annotated[
    tuple[Range, ...],
    BeforeValidator(_several),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [_RANGE_SCHEMA, {"type": "array", "items": _RANGE_SCHEMA, "minItems": 1}]}),
]


class Windows(Part):
    """When calls may be made, by weekday, on the customer's own clock. A day that is not named is closed.

    Each entry is one range (`09:00-12:00`) or a list of them; a range may cross midnight and then belongs to the day
    it begins on.
    """

    mon: Ranges | None = None
    tue: Ranges | None = None
    wed: Ranges | None = None
    thu: Ranges | None = None
    fri: Ranges | None = None
    sat: Ranges | None = None
    sun: Ranges | None = None
    mon_fri: Ranges | None = Field(None, alias="mon-fri")
    """Monday to Friday."""
    sat_sun: Ranges | None = Field(None, alias="sat-sun")
    """Saturday and Sunday."""
    daily: Ranges | None = None
    """Every day of the week."""

    @model_validator(mode="after")
    def _names_each_day_once(self) -> Self:
        named: dict[int, str] = {}
        for key, _ in self._given:
            for day in _SPANS[key]:
                if day in named:
                    raise wrong(f"'{named[day]}' and '{key}' both say when {_WEEKDAYS[day]} is", "name each day once")
                named[day] = key
        if not named:
            raise wrong("no window at all, so nobody could ever be called", "expected such as daily: 09:00-20:00")
        return self

    @property
    def _given(self) -> list[tuple[str, tuple[DailyRange, ...]]]:
        ranges = ((key, getattr(self, key.replace("-", "_"))) for key in _SPANS)
        return [(key, value) for key, value in ranges if value is not None]

    @property
    def week(self) -> tuple[tuple[DailyRange, ...], ...]:
        """The ranges of the seven days, Monday first."""
        days: list[tuple[DailyRange, ...]] = [()] * 7
        for key, ranges in self._given:
            for day in _SPANS[key]:
                days[day] = ranges
        return tuple(days)
