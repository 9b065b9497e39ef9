"""What every part of a campaign file is made of, so that text, dates and durations are read the same everywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Strict, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError


class Part(BaseModel):
    """One block of keys in a campaign file: frozen, and it refuses keys it does not know."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,  # the sentence under each key is what editors show
        allow_inf_nan=False,
        validate_default=False,
    )


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong in a file that reads well key by key. `path` are the keys that lead to it."""

    path: tuple[str | int, ...]
    what: str
    mend: str


def wrong(what: str, mend: str) -> PydanticCustomError:
    """The error to raise while a value is read: what is wrong with it, and what was expected."""
    return PydanticCustomError("dialer", "{what} ({mend})", {"what": what, "mend": mend})


def quoted(value: object) -> str:
    """A value as a complaint may show it, short."""
    text = str(value)
    return f"'{text[:40]}...'" if len(text) > 40 else f"'{text}'"  # noqa: PLR2004 - what fits beside the complaint


_UNITS = {
    **dict.fromkeys(("s", "second", "seconds"), timedelta(seconds=1)),
    **dict.fromkeys(("min", "minute", "minutes"), timedelta(minutes=1)),
    **dict.fromkeys(("h", "hour", "hours"), timedelta(hours=1)),
    **dict.fromkeys(("d", "day", "days"), timedelta(days=1)),
    **dict.fromkeys(("week", "weeks"), timedelta(weeks=1)),
}
UNITS = "s, seconds, min, minutes, h, hours, d, days, week, weeks"
LONGEST = timedelta(days=3660)
"""Ten years. What is longer is a slip of the hand, and would lead beyond the last day of the calendar."""
_DURATION = re.compile(r"(\d{1,6}) ?([a-z]+)")
_EXPECTED = f"expected a number and a unit, such as '40 days' or '25 s'; the units are {UNITS}"


def parse_duration(text: str) -> timedelta:
    """`40 days`, `3 h`, `25 s`, `20 minutes`, `1 week` as a timedelta, never negative.

    A day is 24 hours. A bare number is refused, because nobody can say what it counts. Raises ValueError.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    unit = _UNITS.get(match[2]) if match else None
    if match is None or unit is None:
        bare = text.strip().lstrip("+-").isdigit()
        raise wrong(f"{quoted(text)} has no unit" if bare else f"{quoted(text)} is no duration", _EXPECTED)
    if int(match[1]) * unit.total_seconds() > LONGEST.total_seconds():
        raise wrong(f"{quoted(text)} is too long", f"expected at most {LONGEST.days} days")
    return int(match[1]) * unit


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise wrong(f"{value} has no unit", _EXPECTED)
    if not isinstance(value, str):
        raise wrong("this is no duration", _EXPECTED)
    return parse_duration(value)


def _offset(value: object) -> object:
    if isinstance(value, str) and value.lstrip()[:1] in {"-", "+"}:
        size = parse_duration(value.strip()[1:])
        return -size if value.strip()[0] == "-" else size
    return _duration(value)


def _day(value: object) -> object:
    if type(value) is date:
        return value
    try:
        if isinstance(value, str) and len(value) == len("2026-01-01"):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise wrong(f"{quoted(value)} is no date", "expected year-month-day, such as 2026-12-25")


_DURATION_SCHEMA: dict[str, Any] = {
    "type": "string",
    "pattern": rf"^\d{{1,6}} ?({'|'.join(_UNITS)})$",
    "examples": ["25 s", "20 minutes", "3 h", "40 days"],
}
_OFFSET_SCHEMA = {
    **_DURATION_SCHEMA,
    "pattern": rf"^[-+]? ?\d{{1,6}} ?({'|'.join(_UNITS)})$",
    "examples": ["-40 days", "3 days"],
}


def between(low: timedelta, high: timedelta) -> AfterValidator:
    """The check that a duration lies between two others, both included."""

    def check(value: timedelta) -> timedelta:
        if not low <= value <= high:
            side = "little" if value < low else "much"
            raise wrong(f"{spoken(value)} is too {side}", f"expected between {spoken(low)} and {spoken(high)}")
        return value

    return AfterValidator(check)


def spoken(length: timedelta) -> str:
    """A duration as files write it, in the largest unit that fits evenly."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        count, rest = divmod(length.total_seconds(), size)
        if count and not rest:
            return f"{count:g} {unit.removesuffix('s') if count == 1 else unit}"
    return f"{length.total_seconds():g} s"


Duration = Annotated[timedelta, BeforeValidator(_duration), WithJsonSchema(_DURATION_SCHEMA)]
"""A length of time, never negative: `25 s`, `40 days`."""
Offset = Annotated[timedelta, BeforeValidator(_offset), WithJsonSchema(_OFFSET_SCHEMA)]
"""A distance in time, before (`-40 days`) or after (`3 days`)."""
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
"""A calendar day, `2026-12-25`."""
Whole = Annotated[int, Strict()]
"""A whole number; text and truth values are refused."""
Text = Annotated[str, Strict()]
"""Text; numbers are refused, because `010` and `1e3` would arrive as something else."""
Name = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
"""A name that also stands in web addresses: small letters, digits, `_` and `-`, at most 40 characters."""
