"""How often somebody may be called and how long they are left alone, counted over all campaigns and ways of dialing.

What is counted is every earlier call to the person or the number, and one that is going on counts as whatever it may
still become: a program that dies in the middle has counted too much, never too little.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from dialer.core.caps import After, CalendarPeriod, Counts, Per
from dialer.core.outcome import Ending
from dialer.core.wall_clock import local, midnight

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from dialer.core.caps import Cap, CoolOff, Period
    from dialer.core.rules import Preset

LONGEST = timedelta(days=3660)
"""No cap or cool-off looks further back."""

_NOT_ON_THE_NETWORK = frozenset({Ending.NOT_RUNG, Ending.BAD_NUMBER})
_UNANSWERED = frozenset({Ending.NO_ANSWER, Ending.BUSY})
_SPOKEN = frozenset(
    {
        Ending.REACHED,
        Ending.DISSATISFIED,
        Ending.PROMISED,
        Ending.REFUSED,
        Ending.OPTED_OUT,
        Ending.NOT_CONVENIENT,
        Ending.HUNG_UP,
    }
)
_AFTER = {
    After.REFUSED: frozenset({Ending.REFUSED, Ending.OPTED_OUT}),
    After.OPTED_OUT: frozenset({Ending.OPTED_OUT}),
    After.CONVERSATION: _SPOKEN,
    After.COMPLETED: frozenset({Ending.REACHED}),
    After.ABANDONED: frozenset({Ending.ABANDONED}),
    After.NO_ANSWER: frozenset({Ending.NO_ANSWER}),
    After.BUSY: frozenset({Ending.BUSY}),
}


@dataclass(frozen=True, slots=True)
class Contact:
    """An earlier call to this person or to a number of theirs; `ending` is None while it goes on."""

    at: datetime  # when it rang, as far as is known, else when it was intended: never too early
    customer: str  # the reference of the person who was meant
    number: str
    callback: int
    campaign: str
    subject: str
    purposes: frozenset[str]  # as which it counts; empty when that is not known, and then every rule counts the call
    felt: bool  # they noticed it: a ring, an engaged line, an answer; so is one that goes on
    ending: Ending | None
    ended: datetime | None = None
    intended: datetime | None = None  # when it was decided, by our own clock


class Call(NamedTuple):
    """The call that somebody proposes, as limits see it."""

    customer: str
    number: str
    campaign: str
    subject: str
    zones: tuple[str, ...]


class Hold(NamedTuple):
    """A limit that does not allow the call before `until`."""

    until: datetime
    words: str


def holds_of(preset: Preset, call: Call, contacts: Sequence[Contact], now: datetime) -> Iterator[Hold]:
    """Every cap of the preset that is used up and every cool-off that lasts at `now`."""
    for cap in preset.caps:
        found = used_up(cap, call, contacts, now)
        if found is not None:
            yield found
    bound = [one for one in contacts if not one.purposes or not one.purposes.isdisjoint(preset.purposes)]
    for cool_off in preset.cooloffs:
        found = cooling(cool_off, call, bound, now)
        if found is not None:
            yield found


def used_up(cap: Cap, call: Call, contacts: Iterable[Contact], now: datetime) -> Hold | None:
    """When a cap allows the next call; None when it allows one now.

    A call counts from when it rang. A calendar period is that of the called party: where they may be in
    several zones, the one that ends last.
    """
    counted = sorted(one.at for one in contacts if _counts(cap.counts, one) and _same(cap.per, one, call))
    if isinstance(cap.period, timedelta):
        recent = [at for at in counted if at > now - cap.period]
        until = recent[-cap.max] + cap.period if len(recent) >= cap.max else None
    else:
        ends = [
            _period_end(cap.period, now, zone)
            for zone in call.zones
            if sum(at >= _period_start(cap.period, now, zone) for at in counted) >= cap.max
        ]
        until = max(ends, default=None)
    if until is None:
        return None
    many = f"{cap.max} {cap.counts.value}" if cap.max > 1 else f"1 {cap.counts.value.removesuffix('s')}"
    return Hold(until, f"{many} in {_words(cap.period)} {'is' if cap.max == 1 else 'are'} allowed, and used up")


def cooling(rule: CoolOff, call: Call, contacts: Iterable[Contact], now: datetime) -> Hold | None:
    """When a cool-off is over; None when none lasts."""
    ends = _AFTER[rule.after]
    times = [(one.ended or one.at) for one in contacts if one.ending in ends and _same(rule.per, one, call)]
    until = max(times, default=None)
    if until is None or now >= until + rule.wait:
        return None
    return Hold(until + rule.wait, f"left alone for {_words(rule.wait)} after {rule.after.value.replace('_', ' ')}")


def spaced(
    spacing: timedelta, call: Call, callback: int | None, contacts: Iterable[Contact], now: datetime
) -> datetime | None:
    """Until when an earlier call about something else keeps this one waiting; None when none does.

    Something else is another callback of the same person, or another campaign's of whoever shares the number. People
    behind one number are called one after the other in the same campaign: a switchboard serves many.
    """
    others = (one for one in contacts if one.felt and one.callback != callback)
    about = (one.at for one in others if one.customer == call.customer or one.campaign != call.campaign)
    last = max(about, default=None)
    return last + spacing if last is not None and now < last + spacing else None


def _counts(what: Counts, one: Contact) -> bool:
    if one.ending is None:
        return True
    match what:
        case Counts.ATTEMPTS:
            return one.ending not in _NOT_ON_THE_NETWORK
        case Counts.CALLS:
            return one.felt
        case Counts.CONVERSATIONS:
            return one.ending in _SPOKEN
        case Counts.UNANSWERED:
            return one.ending in _UNANSWERED


def _same(per: Sequence[Per], one: Contact, call: Call) -> bool:
    """Whether an earlier call is counted together with this one. Where neither person nor number is named: person."""
    if Per.NUMBER in per and one.number != call.number:
        return False
    if (Per.PERSON in per or Per.NUMBER not in per) and one.customer != call.customer:
        return False
    if Per.SUBJECT in per and one.subject not in {"", call.subject}:
        return False
    return Per.CAMPAIGN not in per or one.campaign == call.campaign


def _period_start(period: CalendarPeriod, now: datetime, zone: str) -> datetime:
    today = local(now, zone).date()
    return midnight(today if period is CalendarPeriod.LOCAL_DAY else today.replace(day=1), zone)


def _period_end(period: CalendarPeriod, now: datetime, zone: str) -> datetime:
    today = local(now, zone).date()
    if period is CalendarPeriod.LOCAL_DAY:
        return midnight(today + timedelta(days=1), zone)
    return midnight((today.replace(day=28) + timedelta(days=4)).replace(day=1), zone)


def _words(period: Period) -> str:
    if not isinstance(period, timedelta):
        return "a day of theirs" if period is CalendarPeriod.LOCAL_DAY else "a calendar month of theirs"
    hours, minutes = divmod(int(period.total_seconds()) // 60, 60)
    if minutes:
        return f"{hours * 60 + minutes} min"
    return f"{hours // 24} days" if hours % 24 == 0 and hours > 24 else f"{hours} h"  # noqa: PLR2004 - a day
