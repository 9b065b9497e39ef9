"""Times that customers choose: how they say them, the instant each one means, and the promise that comes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from dialer.core.clocks import clock
from dialer.core.document import parse_duration, quoted, wrong

_EXPECTED = "expected 'in 2 hours', 'today 18:00', 'tomorrow 10:00', 'in 3 days 10:00' or 'monday 10:00'"
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = r"(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)"
_AFTER = re.compile(r"in (?P<span>\d+ ?[a-z]+)")
_ON = re.compile(rf"(?:(?P<word>[a-z]+)|in (?P<days>\d{{1,2}}) days?) {_TIME}")


class Missed(StrEnum):
    """What becomes of a promise whose time has passed without a call."""

    NEXT_WINDOW = "next_window"  # called as soon as the ordinary rules allow
    ESCALATE = "escalate"  # a person takes over
    CLOSE = "close"  # not called; a VIP is left to a person


class Reading(StrEnum):
    """How a wall-clock time became an instant."""

    EXACT = "exact"  # the clock shows it once
    FIRST_OF_TWO = "first_of_two"  # the clock shows it twice that day; the first is meant
    SECOND_OF_TWO = "second_of_two"  # twice, and the customer said that they mean the second
    AFTER_GAP = "after_gap"  # the clock skips it; as much later as the clock was put forward


@dataclass(frozen=True, slots=True)
class Promise:
    """A time the customer chose, with the proof: over which channel, in which call, or who wrote it down."""

    at: datetime
    until: datetime  # the end of the tolerance
    missed: Missed
    channel: str
    proof: str  # the attempt in which it was asked for, or the name of who heard it; empty: none was kept
    agent: str = ""  # the staff number of the agent who promised it, whose it is first


def resolve(wall: datetime, zone: str, *, second: bool = False) -> tuple[datetime, Reading]:
    """The instant that a wall-clock time means in `zone`, in UTC, and how it was read.

    A time that a clock shows twice means the first, unless the customer said `second`; one that a clock skips is read
    with the offset before the gap, so 02:30 becomes 03:30 (the rule of RFC 5545, section 3.3.5).
    """
    rules = clock(zone)
    first = wall.replace(tzinfo=rules, fold=0)
    at = first.astimezone(UTC)
    if at.astimezone(rules).replace(tzinfo=None) != wall.replace(tzinfo=None):
        return at, Reading.AFTER_GAP
    later = wall.replace(tzinfo=rules, fold=1)
    if first.utcoffset() == later.utcoffset():
        return at, Reading.EXACT
    return (later.astimezone(UTC), Reading.SECOND_OF_TWO) if second else (at, Reading.FIRST_OF_TWO)


def spoken(at: datetime, zone: str) -> tuple[datetime, Reading]:
    """What the clock in `zone` shows at `at`, without its offset, and how that has to be read to mean `at` again."""
    shown = at.astimezone(clock(zone))
    wall = shown.replace(tzinfo=None, fold=0)
    return wall, resolve(wall, zone, second=bool(shown.fold))[1]


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as it is offered: some time from now, or a time of day on a coming day of the customer's calendar."""

    text: str
    after: timedelta | None = None
    days: int | None = None  # days from today
    weekday: int | None = None  # Monday is 0
    clock: time = time(0)

    @classmethod
    def parse(cls, text: str) -> Moment:
        """Read `in 2 hours`, `today 18:00`, `tomorrow 10:00`, `in 3 days 10:00`, `monday 10:00`. Raises ValueError."""
        plain = " ".join(text.lower().split())
        if match := _AFTER.fullmatch(plain):
            span = parse_duration(match["span"])
            if not timedelta(minutes=1) <= span <= timedelta(days=30):
                raise wrong(f"{quoted(text)} is out of reach", "expected between 1 minute and 30 days")
            return cls(text, after=span)
        match = _ON.fullmatch(plain)
        if match is None:
            raise wrong(f"{quoted(text)} is no time that can be promised", _EXPECTED)
        at = time(int(match["hour"]), int(match["minute"]))
        if match["days"]:
            return cls(text, days=int(match["days"]), clock=at)
        if match["word"] in {"today", "tomorrow"}:
            return cls(text, days=0 if match["word"] == "today" else 1, clock=at)
        if match["word"] in _WEEKDAYS:
            return cls(text, weekday=_WEEKDAYS.index(match["word"]), clock=at)
        raise wrong(f"{quoted(text)} is no time that can be promised", _EXPECTED)

    def at(self, now: datetime, zone: str) -> datetime:
        """The instant meant by a customer in `zone` who hears the offer at `now`; in UTC, always after `now`.

        `today 18:00` after six means tomorrow; a weekday is never today. A wall time that a clock shows twice means
        the first; one that a clock skips is read with the offset before the gap, so 02:30 becomes 03:30 (the rule of
        RFC 5545, section 3.3.5).
        """
        if self.after is not None:
            return (now.astimezone(UTC) + self.after).replace(microsecond=0)
        today = now.astimezone(clock(zone)).date()
        days = self.days if self.weekday is None else (self.weekday - today.weekday() - 1) % 7 + 1
        day = today + timedelta(days=days or 0)
        while (chosen := datetime.combine(day, self.clock, clock(zone)).astimezone(UTC)) <= now:
            day += timedelta(days=1)
        return chosen
