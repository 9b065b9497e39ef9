"""What the law, a code or the house says about calling somebody: a preset for each rule, and where it stands written.

A call must satisfy every preset that matches it, so the strictest always wins and no preset can loosen another.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import AfterValidator, Field, StrictBool, StringConstraints, model_validator

from dialer.core.caps import Abandonment, Cap, CoolOff  # noqa: TC001 - pydantic reads the annotations
from dialer.core.document import Day, Duration, Name, Part, Text, quoted, wrong
from dialer.core.hours import DailyRange, Hours
from dialer.core.purpose import Purpose
from dialer.core.rule_week import HoursByDay  # noqa: TC001 - as above
from dialer.core.short_form import NOT_EMPTY, OR_ONE
from dialer.core.windows import Ranges  # noqa: TC001 - as above

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dialer.core.calendars import Calendar

STALE_AFTER: Final = timedelta(days=180)
"""A preset that nobody has reviewed for longer may no longer be the law."""

_MONTH_DAY: Final = re.compile(r"(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_DATE: Final = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_MONDAY, _SATURDAY = 0, 5


class Kind(StrEnum):
    """How binding a preset is, and on whom."""

    LAW = "law"  # a statute, a regulation or a standard with the force of law
    REGULATOR = "regulator"  # what a regulator has said it expects
    STANDARD = "standard"  # a recommended national standard
    CODE = "code"  # binds those who signed it
    PRACTICE = "practice"  # what decent callers do where no rule was found
    HOUSE = "house"  # our own choice


class Confidence(StrEnum):
    """How well a preset is supported by its sources."""

    HIGH = "high"  # the primary text, or two good sources
    MEDIUM = "medium"  # one decent secondary source
    LOW = "low"  # unverified, or sources that disagree


class Circumstance(StrEnum):
    """What must be so for a preset to apply, beside the place and the purpose."""

    AUTOMATED = "automated"  # a machine speaks, not a person
    UNKNOWN_STATE = "unknown_state"  # nothing tells in which state of its country the called party is


class Lifts(StrEnum):
    """Whether the time a customer asked for may lie outside a preset's hours, holidays and caps."""

    YES = "yes"  # its source lets the customer's own request lift them
    NO = "no"
    UNKNOWN = "unknown"  # its source does not say; counts as no


class OnHolidays(StrEnum):
    """What a preset says about holidays."""

    OPEN = "open"  # nothing: they are days like others
    CLOSED = "closed"  # nobody is called


def _dated(value: str) -> str:
    if _MONTH_DAY.fullmatch(value) is None and _DATE.fullmatch(value) is None:
        raise wrong(f"{quoted(value)} is no day", "expected month-day, such as '12-24', or year-month-day")
    return value


DayOfYear = Annotated[Text, AfterValidator(_dated)]
"""A day that returns every year (`12-24`), or one date (`2026-04-03`)."""
Country = Annotated[str, StringConstraints(strict=True, pattern=r"^([A-Z]{2})?$")]
"""ISO 3166-1, two capital letters; empty for everywhere."""
Subdivision = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z]{2}-[A-Z0-9]{1,3}$")]
"""ISO 3166-2, such as `US-FL`."""


class Holidays(Part):
    """What a preset says about holidays, and whose."""

    rule: OnHolidays = OnHolidays.OPEN
    """closed: nobody is called on one. open: the preset says nothing about them."""
    calendar: Country = ""
    """Whose holidays: the country."""
    subdivision: Annotated[Text, Field(pattern=r"^[A-Z0-9]{0,3}$")] = ""
    """Whose holidays: the state or province, without its country."""
    extra: tuple[DayOfYear, ...] = ()
    """Further days, for what no calendar has: `12-24` in every year, `2026-04-03` once."""
    eve: Ranges | None = None
    """The hours on the day before a holiday, instead of the weekday's. A weekday that is closed stays closed."""

    @model_validator(mode="after")
    def _has_whose(self) -> Self:
        if self.rule is OnHolidays.CLOSED and not self.calendar:
            raise wrong("it is closed on holidays, but not on whose", "add 'calendar: US' with the country's letters")
        if self.rule is OnHolidays.OPEN and (self.extra or self.eve):
            raise wrong("'extra' or 'eve' stands beside open holidays", "add 'rule: closed' or remove them")
        return self

    @property
    def name(self) -> str:
        """The calendar's name: `US-LA`; empty when holidays are days like others."""
        if self.rule is OnHolidays.OPEN:
            return ""
        return f"{self.calendar}-{self.subdivision}" if self.subdivision else self.calendar


class Preset(Part):
    """One rule about calling people, or the rules of one text about it."""

    id: Name
    """The preset's own name, which never changes: small letters, digits, _ and -."""
    kind: Kind
    """law, regulator, standard, code, practice or house."""
    country: Country = ""
    """The called party's country by ISO 3166; empty means everywhere."""
    subdivisions: Annotated[tuple[Subdivision, ...], OR_ONE] = ()
    """Only in these states or provinces, by ISO 3166-2 (`US-FL`); without it, in the whole country."""
    purposes: Annotated[tuple[Purpose, ...], NOT_EMPTY, OR_ONE]
    """The purposes it binds: sales, service, survey, renewal, collection, appointment."""
    sectors: Annotated[tuple[Name, ...], OR_ONE] = ()
    """Only for these lines of business; without it, for all."""
    applies_when: Annotated[tuple[Circumstance, ...], OR_ONE] = ()
    """Only when all of these are so: automated, unknown_state."""
    hours: HoursByDay
    """When calls may be made, on the called party's clock. Every weekday is named; `closed` and `24 h` are words."""
    holidays: Holidays = Holidays()
    """What it says about holidays."""
    caps: tuple[Cap, ...] = ()
    """How often one may be called."""
    cooloffs: tuple[CoolOff, ...] = ()
    """How long one is left alone after something happened."""
    abandonment: Abandonment | None = None
    """How many may answer and find nobody there."""
    identify: tuple[Text, ...] = ()
    """What the called party must be told, or be able to see."""
    consent: Text = ""
    """What the called party must have agreed to beforehand."""
    appointment_lifts: Lifts
    """yes, no or unknown: whether a time the customer asked for may lie outside. unknown counts as no."""
    not_before_expiry: Duration | None = None
    """A contract's renewal is spoken of no earlier than this before it expires."""
    deadline: Duration | None = None
    """The call must have happened this long after its reason arose."""
    records_keep: Duration | None = None
    """How long the records of the call are kept at least."""
    exempt: tuple[Text, ...] = ()
    """Calls it does not bind. For people to read: nothing is let through because of it."""
    presumption: StrictBool = False
    """Whether the text itself says that an area code tells the state."""
    effective_from: Day | None = None
    """The first day it is in force."""
    effective_until: Day | None = None
    """The last day it is in force."""
    sources: Annotated[tuple[Annotated[Text, Field(min_length=1)], ...], NOT_EMPTY]
    """Where it stands written."""
    confidence: Confidence
    """high, medium or low: how well the sources support it."""
    reviewed_on: Day
    """When a person last compared it with its sources."""
    note: Text = ""
    """What a reader should know beyond the keys."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        strangers = [place for place in self.subdivisions if not place.startswith(f"{self.country}-")]
        if strangers:
            raise wrong(f"{quoted(strangers[0])} is not in {quoted(self.country)}", "name a state of its country")
        if self.effective_from and self.effective_until and self.effective_until < self.effective_from:
            raise wrong("'effective_until' lies before 'effective_from'", "expected it on or after that day")
        return self

    def in_force(self, on: date) -> bool:
        """Whether `on` lies in the days it is in force, both ends included."""
        return (self.effective_from is None or self.effective_from <= on) and (
            self.effective_until is None or on <= self.effective_until
        )

    @property
    def yields_to_appointment(self) -> bool:
        """Whether a time that the customer asked for lifts its hours, holidays and caps."""
        return self.appointment_lifts is Lifts.YES


def matching(
    presets: Iterable[Preset],
    *,
    countries: frozenset[str],
    regions: frozenset[str],
    purpose: Purpose,
    sectors: frozenset[str],
    on: date,
    may_sell: bool = False,
    automated: bool = True,
) -> tuple[Preset, ...]:
    """The presets that bind a call, in the order given. All of them must hold.

    `countries` (ISO 3166) and `regions` (ISO 3166-2) are those of the number, with what its area code presumes, and of
    the address, together. A call that `may_sell` is bound by the presets for sales as well as by those for its
    purpose. `on` is the called party's date; where it is not the same in all their zones, ask for each.
    """
    purposes = {purpose, Purpose.SALES} if may_sell else {purpose}
    known = {country for country, dash, _ in (region.partition("-") for region in regions) if dash}

    def binds(preset: Preset) -> bool:
        return (
            (not preset.country or preset.country in countries)
            and (not preset.subdivisions or not regions.isdisjoint(preset.subdivisions))
            and not purposes.isdisjoint(preset.purposes)
            and (not preset.sectors or not sectors.isdisjoint(preset.sectors))
            and (automated or Circumstance.AUTOMATED not in preset.applies_when)
            and (Circumstance.UNKNOWN_STATE not in preset.applies_when or preset.country not in known)
            and preset.in_force(on)
        )

    return tuple(preset for preset in presets if binds(preset))


def stale(preset: Preset, today: date, after: timedelta = STALE_AFTER) -> bool:
    """Whether nobody has compared a preset with its sources for longer than `after`."""
    return today - preset.reviewed_on > after


def hours_of(preset: Preset, calendars: Mapping[str, Calendar]) -> Hours:
    """The hours a preset allows, named by its id. `calendars` holds each calendar under its name.

    Weekend days on which people work to make up for others have Monday's hours. ValueError when the preset's calendar
    is not there: without it, holidays would look like days of work.
    """
    week, holidays = preset.hours.week, preset.holidays
    if not holidays.name:
        return Hours(preset.id, week)
    calendar = calendars.get(holidays.name)
    if calendar is None:
        raise ValueError(f"preset {preset.id!r} needs the calendar {holidays.name!r}; build it first")
    closed = calendar.closed | _extra(holidays, calendar.years)
    special = {day: week[_MONDAY] for day in calendar.working - closed if day.weekday() >= _SATURDAY} | _eves(
        holidays, week, closed, calendar.working
    )
    return Hours(preset.id, week, closed, tuple(special.items()))


def _extra(holidays: Holidays, years: Iterable[int]) -> frozenset[date]:
    """The further days of a preset, in the years of its calendar. 29 February is left out of the years without it."""
    written = [day if _DATE.fullmatch(day) else f"{year}-{day}" for year in years for day in holidays.extra]
    found = (_existing(day) for day in written)
    return frozenset(day for day in found if day is not None)


def _existing(day: str) -> date | None:
    try:
        return date.fromisoformat(day)
    except ValueError:
        return None


def _eves(
    holidays: Holidays, week: tuple[tuple[DailyRange, ...], ...], closed: frozenset[date], working: frozenset[date]
) -> dict[date, tuple[DailyRange, ...]]:
    """The days before holidays, with the hours of such a day."""
    if holidays.eve is None:
        return {}
    eves = {day - timedelta(days=1) for day in closed} - closed
    return {day: holidays.eve for day in eves if week[day.weekday()] or day in working}
