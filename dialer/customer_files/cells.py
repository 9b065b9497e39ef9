"""Turns one cell of any source into clean text, and text of ours into a cell no spreadsheet will run."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from unicodedata import normalize

LONGEST_CELL = 2_000
"""Characters. Anything longer is no customer's field but a missing quote or a document."""

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters, which XML and terminals cannot hold
    "\u200b\u2060\ufeff"  # spaces without width
    "\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the direction of writing around
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"  # no characters at all
)
_FORMULA = frozenset("=+-@\t\r\n")
_HARMLESS = re.compile(r"[+-]?[0-9](?:[0-9 .,()/-]*[0-9)])?")  # a number, an E.164 number, a date
_DAMAGED = re.compile(r"[0-9](?:[.,][0-9]+)?[eE][+]?[0-9]{1,3}")


def clean(text: str) -> str:
    """`text` composed (NFC), without invisible characters, white space folded to single spaces."""
    if not text.isascii():
        text = normalize("NFC", text)
    return " ".join(_INVISIBLE.sub("", text).split())


def folded(text: str) -> str:
    """`text` as it is compared: full-width forms made narrow, case ignored."""
    return normalize("NFKC", text).casefold().strip()


def text_of(value: object) -> str:
    """A value from a spreadsheet or a database as clean text: dates as ISO 8601, whole numbers without `.0`."""
    match value:
        case str():
            return clean(value)
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 10**15 else repr(value)
        case Decimal():
            return f"{value.normalize():f}" if value.is_finite() else str(value)
        case _:
            return clean(_moment(value))


def _moment(value: object) -> str:
    """Dates and times as ISO 8601; a midnight is its day, an instant is written in UTC."""
    match value:
        case datetime():
            if value.tzinfo is not None:
                value = value.astimezone(UTC)
            return value.date().isoformat() if value.time() == time() else value.isoformat(timespec="seconds")
        case date():
            return value.isoformat()
        case time():
            return value.isoformat(timespec="minutes")
        case timedelta():
            minutes = int(value.total_seconds() // 60)
            return f"{minutes // 60:02}:{minutes % 60:02}"
        case bytes() | bytearray() | memoryview():
            return bytes(value).decode("utf-8", errors="replace")
        case _:
            return str(value)


def lost_digits(text: str) -> bool:
    """Whether a spreadsheet has turned a long number into `1.38E+10`: its last digits are gone."""
    return _DAMAGED.fullmatch(text) is not None


def harmless(text: str) -> str:
    """`text` as a cell that spreadsheets show and do not run: a formula gets an apostrophe in front.

    Source: OWASP, CSV injection. Numbers and E.164 phone numbers stay as they are.
    """
    start = normalize("NFKC", text[:1])  # full-width signs start formulas in some spreadsheets
    return f"'{text}" if start in _FORMULA and not _HARMLESS.fullmatch(text) else text
