"""A cell as people and spreadsheets read it: the one place where values become words and numbers are masked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from dialer.core.phone import PhoneNumber
from dialer.reports.language import Language, say, word
from dialer.reports.table import Rate

if TYPE_CHECKING:
    from dialer.reports.table import Cell

RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet run a cell as a formula when it begins with it (OWASP, CSV injection). The full-width forms
count too: Chinese and Japanese versions read them as their half-width ones."""

_BLANK = " \t\r\n\v\f\u00a0\u3000\u200b\ufeff"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def phone(number: PhoneNumber, *, reveal: bool) -> str:
    """The number masked, or whole with its extension as RFC 3966 writes it."""
    if not reveal:
        return str(number)
    return f"{number.e164};ext={number.extension}" if number.extension else number.e164


def written(cell: Cell, language: Language = Language.EN, *, reveal: bool = False) -> str:
    """The cell in words. Instants are UTC and lose their zone, which the heading tells.

    Control characters, with which a name could steer a terminal or break a workbook, are replaced.
    """
    return _CONTROL.sub("\ufffd", _words(cell, language, reveal=reveal))


def _words(cell: Cell, language: Language, *, reveal: bool) -> str:
    text = str(cell)
    match cell:
        case None:
            text = ""
        case bool():
            text = say("text.yes" if cell else "text.no", language)
        case StrEnum():
            text = word(cell, language)
        case PhoneNumber():
            text = phone(cell, reveal=reveal)
        case datetime():
            text = f"{cell.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        case timedelta():
            text = clock(cell)
        case Rate():
            text = cell.percent
        case Mapping():
            text = "; ".join(f"{key}: {value}" for key, value in cell.items())
        case tuple():
            text = "; ".join(cell)
        case _:
            pass
    return text


def clock(duration: timedelta) -> str:
    """A duration as hours, minutes and seconds, which spreadsheets read as a time."""
    minutes, seconds = divmod(round(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"


def harmless(text: str) -> str:
    """The text so that no spreadsheet runs it: an apostrophe in front says that what follows is text."""
    dangerous = text.startswith(RUN_BY_SPREADSHEETS) or text.lstrip(_BLANK).startswith(RUN_BY_SPREADSHEETS)
    return f"'{text}" if dangerous else text
