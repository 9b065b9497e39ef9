"""Calling rules in words: a preset's hours in short, its limits as sentences, and all of it for scripts."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from dialer.core.caps import CalendarPeriod
from dialer.core.document import spoken
from dialer.core.hours import DailyRange
from dialer.core.purpose import Purpose
from dialer.core.rules import OnHolidays, stale

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, timedelta

    from dialer.core.caps import Abandonment, Cap, CoolOff
    from dialer.core.hours import Week
    from dialer.core.rules import Holidays, Preset

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WHOLE_DAY: Final[tuple[DailyRange, ...]] = (DailyRange(0, 24 * 60),)
_PERIODS: Final = {
    CalendarPeriod.LOCAL_DAY: "day of the called party's calendar",
    CalendarPeriod.CALENDAR_MONTH: "calendar month",
}


def where(preset: Preset) -> str:
    """The place a preset binds: `US-FL`, `CN`, or everywhere."""
    return ", ".join(preset.subdivisions) or preset.country or "everywhere"


def purposes(preset: Preset) -> str:
    """The purposes a preset binds, and the lines of business when it binds only those."""
    named = "all" if set(preset.purposes) == set(Purpose) else ", ".join(preset.purposes)
    return f"{named} ({', '.join(preset.sectors)})" if preset.sectors else named


def ranges(day: Iterable[DailyRange]) -> str:
    """The hours of a day: `09:00-12:00, 14:00-20:00`, `24 h` or `closed`."""
    told = tuple(day)
    return "24 h" if told == _WHOLE_DAY else ", ".join(str(one) for one in told) or "closed"


def weekdays(told: tuple[int, ...]) -> str:
    """Days of the week, Monday being 0: `mon-fri`, `sun`, `mon, wed`."""
    if len(told) > 1 and told == tuple(range(told[0], told[-1] + 1)):
        return f"{DAYS[told[0]]}-{DAYS[told[-1]]}"
    return ", ".join(DAYS[one] for one in told)


def hours(week: Week) -> str:
    """A week in short, days that are alike together: `mon-fri 09:00-21:00; sat 09:00-17:00; sun closed`."""
    days = {name: ranges(day) for name, day in zip(DAYS, week, strict=True)}
    parts = []
    for told, alike in groupby(DAYS, key=days.__getitem__):
        names = list(alike)
        if len(names) == len(DAYS):
            return told
        parts.append(f"{names[0]}-{names[-1]} {told}" if len(names) > 1 else f"{names[0]} {told}")
    return "; ".join(parts)


def holidays(told: Holidays) -> str:
    """What a preset says about holidays, as a sentence."""
    if told.rule is OnHolidays.OPEN:
        return "days like others"
    more = f" and on {', '.join(told.extra)}" if told.extra else ""
    eve = f"; the day before one {ranges(told.eve)}" if told.eve else ""
    return f"closed on those of {told.name}{more}{eve}"


def cap(told: Cap) -> str:
    """A cap as a sentence: `at most 3 attempts in 1 day for each person and subject`."""
    counts = told.counts.removesuffix("s") if told.max == 1 else told.counts
    return f"at most {told.max} {counts} in {_period(told.period)} for each {' and '.join(told.per)}"


def cool_off(told: CoolOff) -> str:
    """A cool-off as a sentence."""
    after = told.after.replace("_", " ")
    return f"{spoken(told.wait)} without a call after: {after}, for each {' and '.join(told.per)}"


def abandonment(told: Abandonment) -> str:
    """A limit on abandoned calls as a sentence."""
    of = told.of.replace("_", " ")
    within = f"; an agent speaks within {spoken(told.connect_within)}" if told.connect_within else ""
    ring = f"; it rings for at least {spoken(told.ring_at_least)}" if told.ring_at_least else ""
    return f"at most {told.max_rate * 100:g} % of {of} for each {told.per} in {_period(told.period)}{within}{ring}"


def _period(told: timedelta | CalendarPeriod) -> str:
    return f"one {_PERIODS[told]}" if isinstance(told, CalendarPeriod) else spoken(told)


def sentences(preset: Preset) -> Iterator[tuple[str, str]]:
    """Everything a preset says, as headings with a line each; what it leaves out is left out."""
    yield "kind", preset.kind
    yield "binds", f"{where(preset)}; {purposes(preset)}"
    if preset.applies_when:
        yield "only when", ", ".join(one.replace("_", " ") for one in preset.applies_when)
    for name, day in zip(DAYS, preset.hours.week, strict=True):
        yield name, ranges(day)
    yield "holidays", holidays(preset.holidays)
    yield from (("cap", cap(one)) for one in preset.caps)
    yield from (("cool-off", cool_off(one)) for one in preset.cooloffs)
    if preset.abandonment is not None:
        yield "abandonment", abandonment(preset.abandonment)
    yield from (("identify", one) for one in preset.identify)
    yield "consent", preset.consent
    yield "appointment", _lifts(preset)
    yield from _duties(preset)
    yield from (("exempt", one) for one in preset.exempt)
    yield "area code", "presumed to tell the state, as the text itself says" if preset.presumption else ""
    yield "in force", _in_force(preset)
    yield from (("source", one) for one in preset.sources)
    yield "confidence", preset.confidence
    yield "reviewed on", preset.reviewed_on.isoformat()
    yield "note", preset.note


def _lifts(preset: Preset) -> str:
    if preset.yields_to_appointment:
        return "a time the customer asked for lifts hours, holidays and caps"
    unknown = ", because its source does not say" if preset.appointment_lifts == "unknown" else ""
    return f"a time the customer asked for lifts nothing{unknown}"


def _duties(preset: Preset) -> Iterator[tuple[str, str]]:
    if preset.deadline is not None:
        yield "deadline", f"within {spoken(preset.deadline)} after the reason arose"
    if preset.not_before_expiry is not None:
        yield "not before", f"{spoken(preset.not_before_expiry)} before the contract expires"
    if preset.records_keep is not None:
        yield "records", f"kept for at least {spoken(preset.records_keep)}"


def _in_force(preset: Preset) -> str:
    since = f"from {preset.effective_from}" if preset.effective_from else ""
    until = f"until {preset.effective_until}" if preset.effective_until else ""
    return " ".join(filter(None, (since, until)))


def as_object(preset: Preset, today: date) -> dict[str, Any]:
    """A preset for scripts: its own keys, hours by weekday, and whether its last review is too long ago."""
    told = preset.model_dump(exclude={"hours", "holidays"})
    eve = [str(one) for one in preset.holidays.eve] if preset.holidays.eve is not None else None
    week = {name: [str(one) for one in day] for name, day in zip(DAYS, preset.hours.week, strict=True)}
    return {
        **told,
        "hours": week,
        "holidays": {**preset.holidays.model_dump(exclude={"eve"}), "eve": eve},
        "stale": stale(preset, today),
    }
