"""Reading instants that people type, and showing them; the one place where a bare date or hour is interpreted."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pendulum

from dialer.core.wall_clock import local
from dialer.errors import InputError, Problem

_DATED = re.compile(r"\d{4}-\d{2}-\d{2}")


def read(text: str, option: str, zone: str) -> datetime:
    """An instant in UTC. Without an offset the text is taken as time in `zone`; a bare date is its first moment."""
    try:
        if not _DATED.match(text.strip()):
            raise ValueError(text)  # noqa: TRY301 - what has no date would silently be taken as today
        told = pendulum.parse(text.strip().replace(" ", "T", 1), tz=zone, exact=False)
    except ValueError:
        told = None
    if not isinstance(told, pendulum.DateTime):
        what = f"{text!r} is no instant"
        mend = "expected a date or a date and time, such as 2026-11-23 or 2026-11-23T09:30+08:00"
        raise InputError([Problem(option, what, mend)])
    return datetime.fromtimestamp(told.timestamp(), UTC)


def show(at: datetime | None, zone: str) -> str:
    """An instant for people, in `zone`; empty for none."""
    return "" if at is None else f"{local(at, zone):%a %Y-%m-%d %H:%M}"


def exactly(at: datetime, zone: str) -> str:
    """An instant of today or lately, to the second, in `zone`."""
    return f"{local(at, zone):%m-%d %H:%M:%S}"
