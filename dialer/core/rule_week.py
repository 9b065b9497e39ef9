"""The hours of a calling rule by weekday: written as in a campaign file, but every day has to be named."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from dialer.core.document import wrong
from dialer.core.hours import DailyRange
from dialer.core.short_form import ShortForm
from dialer.core.windows import Range, Windows

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WORDS = {"closed": (), "24 h": (DailyRange(0, 24 * 60),)}
_WORD_SCHEMA = {"enum": list(_WORDS)}
_RANGE_SCHEMA = {"type": "string", "pattern": r"^\d{1,2}:\d{2} ?- ?\d{1,2}:\d{2}$", "examples": ["09:00-12:00"]}


def _day(value: object) -> object:
    if isinstance(value, str) and value in _WORDS:
        return _WORDS[value]
    if isinstance(value, (str, DailyRange)):
        return (value,)
    if isinstance(value, list) and not value:
        raise wrong("nothing is said here", "write 'closed' for a day without calls")
    return value


Day = Annotated[
    tuple[Range, ...],
    BeforeValidator(_day),
    WithJsonSchema({"anyOf": [_WORD_SCHEMA, _RANGE_SCHEMA, {"type": "array", "items": _RANGE_SCHEMA, "minItems": 1}]}),
]


class RuleWeek(Windows):
    """When a rule lets people be called, on their own clock: ranges, `closed` or `24 h`, for every day of the week.

    A rule that forgot a day would be read two ways, so each of the seven has to be named.
    """

    mon: Day | None = None
    tue: Day | None = None
    wed: Day | None = None
    thu: Day | None = None
    fri: Day | None = None
    sat: Day | None = None
    sun: Day | None = None
    mon_fri: Day | None = Field(None, alias="mon-fri")
    """Monday to Friday."""
    sat_sun: Day | None = Field(None, alias="sat-sun")
    """Saturday and Sunday."""
    daily: Day | None = None
    """Every day of the week."""

    @model_validator(mode="after")
    def _names_every_day(self) -> Self:
        named = set(_WEEKDAYS) if self.daily is not None else set()
        named |= set(_WEEKDAYS[:5]) if self.mon_fri is not None else set()
        named |= set(_WEEKDAYS[5:]) if self.sat_sun is not None else set()
        missing = [day for day in _WEEKDAYS if day not in named and getattr(self, day) is None]
        if missing:
            raise wrong(f"nothing is said about {', '.join(missing)}", f"write '{missing[0]}: closed' if it is")
        return self


HoursByDay = Annotated[RuleWeek, ShortForm(lambda text: {"daily": text}, {"anyOf": [_WORD_SCHEMA, _RANGE_SCHEMA]})]
"""A week of hours; a lone text (`09:00-20:00`, `24 h`) stands for every day."""
