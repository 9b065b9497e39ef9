"""The gate every call passes last, in the transaction that writes the intent to dial: Dial, Wait or Refuse, and why.

The rules come in the order of their force. A prohibition (opt-out, number policy, unknown zone, hours) beats every
duty; in doubt the answer is no. The gate is pure and cheap, so `why` asks the very function that decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from dialer.core.hours import REACH, Hours, Opening, local_hour, next_opening
from dialer.core.phone import never_dial
from dialer.core.record import Reason
from dialer.core.wall_clock import local, midnight
from dialer.core.zones import candidates

if TYPE_CHECKING:
    from dialer.core.campaign import Campaign
    from dialer.core.customer import Customer
    from dialer.core.phone import PhoneNumber

GUARD = timedelta(seconds=10)
"""Kept free before a window closes, for the way from this decision to the ringing phone: clocks err, carriers queue."""

BUSY_ELSEWHERE = timedelta(minutes=1)
"""When to look again at a person or number that is in another call right now."""


@dataclass(frozen=True, slots=True)
class House:
    """What holds for every campaign of this installation."""

    hours: Hours
    allowed_countries: frozenset[str]
    spacing: timedelta  # least time between calls of two campaigns to one person
    zone: str = "UTC"  # where dates without a time begin


@dataclass(frozen=True, slots=True)
class Proposal:
    """A call somebody proposes, with all the facts the rules ask for."""

    customer: Customer
    campaign: Campaign
    enrolled: datetime
    paused: bool = False
    attempts: int = 0  # counted ones of this callback
    number_index: int = 0  # the number whose turn it is
    bad_numbers: frozenset[str] = frozenset()  # refused by the network for good, or somebody else's
    opted_out: bool = False  # the person or any of their numbers
    in_call: bool = False  # the person or the number, in any campaign
    not_before: datetime | None = None  # from the retry table or a promise
    promised: bool = False
    last_miss: datetime | None = None
    called_elsewhere: datetime | None = None  # last counted call of another campaign to this person


class Rule(NamedTuple):
    """One rule's answer. `until`: the earliest instant it may pass; None when passed or when no time will help."""

    name: str
    passed: bool
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dial:
    """The call may be placed now, and must have been sent before `until`."""

    rules: tuple[Rule, ...]
    number: PhoneNumber
    zones: tuple[str, ...]
    opening: Opening

    @property
    def until(self) -> datetime:
        """The last instant at which this decision is good."""
        return self.opening.end


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now. `opening` is the next stretch in which the call may be placed; `until` is None while nobody can say."""

    rules: tuple[Rule, ...]
    number: PhoneNumber
    zones: tuple[str, ...]
    opening: Opening
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Not at any time, as things are."""

    rules: tuple[Rule, ...]
    reason: Reason
    zones: tuple[str, ...] = ()
    number: PhoneNumber | None = None

    @property
    def note(self) -> str:
        """The failing rule's own words."""
        return next((rule.reason for rule in self.rules if not rule.passed), "")


Decision = Dial | Wait | Refuse

BY_PERSON = frozenset(
    {
        Reason.NO_ZONE,
        Reason.NO_NUMBER,
        Reason.NUMBER_POLICY,
        Reason.BAD_NUMBER,
        Reason.NO_WINDOW,
        Reason.NEEDS_HUMAN,
    }
)
"""Refusals that a person can mend: the callback is held and shown, not closed."""


def holds(reason: Reason, customer: Customer) -> bool:
    """Whether a callback is held for a person instead of closed. A VIP is never closed unreached (handbook, rule 2)."""
    unreached = {Reason.UNREACHED, Reason.EXPIRED, Reason.WRONG_PERSON, Reason.CAMPAIGN_ENDED}
    return reason in BY_PERSON or (customer.is_vip and reason in unreached)


_PASSED = {
    "opt_out": Rule("opt_out", True, "not on any do-not-call list"),
    "number": Rule("number", True, "the number may be dialed"),
    "campaign": Rule("campaign", True, "running"),
    "attempts": Rule("attempts", True, "attempts and time are left"),
    "in_call": Rule("in_call", True, "neither the person nor the number is in a call"),
    "not_before": Rule("not_before", True, "no retry or promise to wait for"),
    "spacing": Rule("spacing", True, "no call of another campaign lately"),
    "hours": Rule("hours", True, "within the hours of campaign, house and customer in every zone"),
    "other_hour": Rule("other_hour", True, "not the hour of day of the last miss"),
}


@dataclass(slots=True)
class _Hearing:
    """The rules heard so far for one proposal."""

    proposal: Proposal
    house: House
    now: datetime
    rules: list[Rule] = field(default_factory=list)
    reason: Reason | None = None  # the first refusal
    never: bool = False  # failing with no instant to wait for

    def passed(self, name: str) -> None:
        self.rules.append(_PASSED[name])

    def refuse(self, name: str, reason: Reason, words: str) -> None:
        self.rules.append(Rule(name, False, words))
        self.reason = self.reason or reason

    def wait(self, name: str, until: datetime | None, words: str) -> None:
        self.rules.append(Rule(name, False, words, until))
        self.never = self.never or until is None


def decide(proposal: Proposal, house: House, now: datetime) -> Decision:
    """Whether this call may be placed at `now`, with every rule's answer. Pure."""
    hearing = _Hearing(proposal, house, now)
    _opt_out(hearing)
    number = _number(hearing)
    zones = _zones(hearing, number)
    _campaign(hearing)
    _attempts(hearing)
    _in_call(hearing)
    _not_before(hearing)
    _spacing(hearing)
    opening = _in_time(hearing, _hours(hearing, zones)) if zones else None
    rules = tuple(hearing.rules)
    if hearing.reason is not None or number is None or opening is None:
        return Refuse(rules, hearing.reason or Reason.NO_WINDOW, zones, number)
    if opening.start <= now and all(rule.passed for rule in rules):
        return Dial(rules, number, zones, opening)
    return Wait(rules, number, zones, opening, None if hearing.never else opening.start)


def dialable(proposal: Proposal, house: House) -> PhoneNumber | None:
    """The number whose turn it is, skipping those that must not be dialed; None when none is left."""
    numbers = proposal.customer.numbers
    start = proposal.number_index % len(numbers) if numbers else 0
    for number in (*numbers[start:], *numbers[:start]):
        if number.e164 not in proposal.bad_numbers and never_dial(number, house.allowed_countries) is None:
            return number
    return None


def layers(proposal: Proposal, house: House) -> tuple[Hours, ...]:
    """The hours that must all be open: the campaign's, the house's, and the customer's own."""
    hours = (proposal.campaign.when.hours, house.hours)
    return (*hours, Hours.outside("customer", proposal.customer.quiet)) if proposal.customer.quiet else hours


def _opt_out(hearing: _Hearing) -> None:
    if hearing.proposal.opted_out:
        hearing.refuse("opt_out", Reason.OPTED_OUT, "the customer asked not to be called")
    else:
        hearing.passed("opt_out")


def _number(hearing: _Hearing) -> PhoneNumber | None:
    proposal, house = hearing.proposal, hearing.house
    number = dialable(proposal, house)
    if number is not None:
        hearing.passed("number")
        return number
    numbers = proposal.customer.numbers
    if not numbers:
        hearing.refuse("number", Reason.NO_NUMBER, "the customer file has no number")
    elif all(n.e164 in proposal.bad_numbers for n in numbers):
        hearing.refuse(
            "number", Reason.BAD_NUMBER, "the network refused each number for good, or it is somebody else's"
        )
    else:
        why = sorted({why for n in numbers if (why := never_dial(n, house.allowed_countries))})
        hearing.refuse("number", Reason.NUMBER_POLICY, "; ".join(why))
    return None


def _zones(hearing: _Hearing, number: PhoneNumber | None) -> tuple[str, ...]:
    if number is None:
        return ()
    found = candidates(hearing.proposal.customer, number)
    if found.zones:
        hearing.rules.append(Rule("zone", True, found.because))
    else:
        hearing.refuse("zone", Reason.NO_ZONE, f"nobody knows what time it is there: {found.because}")
    return found.zones


def _campaign(hearing: _Hearing) -> None:
    when, now = hearing.proposal.campaign.when, hearing.now
    zone = hearing.house.zone
    if when.ends is not None and now >= midnight(when.ends + timedelta(days=1), zone):
        hearing.refuse("campaign", Reason.CAMPAIGN_ENDED, f"ended on {when.ends.isoformat()}")
    elif when.starts is not None and now < (start := midnight(when.starts, zone)):
        hearing.wait("campaign", start, f"starts on {when.starts.isoformat()}")
    elif hearing.proposal.paused:
        hearing.wait("campaign", None, "paused")
    else:
        hearing.passed("campaign")


def _attempts(hearing: _Hearing) -> None:
    proposal, limits = hearing.proposal, hearing.proposal.campaign.attempts
    if proposal.promised:
        # The customer asked for this call; the campaign's patience does not count against their wish.
        hearing.rules.append(Rule("attempts", True, "the customer asked for this call"))
    elif proposal.attempts >= limits.most:
        hearing.refuse("attempts", Reason.UNREACHED, f"all {limits.most} attempts are used up")
    elif hearing.now >= proposal.enrolled + limits.within:
        hearing.refuse("attempts", Reason.EXPIRED, "the campaign's longest total time is over")
    else:
        hearing.passed("attempts")


def _in_call(hearing: _Hearing) -> None:
    if hearing.proposal.in_call:
        hearing.wait("in_call", hearing.now + BUSY_ELSEWHERE, "the person or the number is in a call")
    else:
        hearing.passed("in_call")


def _not_before(hearing: _Hearing) -> None:
    until = hearing.proposal.not_before
    if until is not None and hearing.now < until:
        what = "the customer chose this time" if hearing.proposal.promised else "the retry table says not yet"
        hearing.wait("not_before", until, what)
    else:
        hearing.passed("not_before")


def _spacing(hearing: _Hearing) -> None:
    last = hearing.proposal.called_elsewhere
    if last is not None and hearing.now < last + hearing.house.spacing:
        hearing.wait("spacing", last + hearing.house.spacing, "another campaign called this person lately")
    else:
        hearing.passed("spacing")


def _hours(hearing: _Hearing, zones: tuple[str, ...]) -> Opening | None:
    """The stretch in which everything is open: the one that holds `now`, else the next one the other rules allow."""
    proposal, now = hearing.proposal, hearing.now
    hours = layers(proposal, hearing.house)
    open_now = _trimmed(hours, zones, now, proposal)
    if open_now is not None and open_now.start <= now:
        hearing.passed("hours")
    else:
        hearing.wait("hours", open_now.start if open_now else None, _shut(hours, zones, now))
        if open_now is None:
            hearing.refuse("window", Reason.NO_WINDOW, "no stretch of time is open in every zone")
            return None
    earliest = max((rule.until for rule in hearing.rules if rule.until is not None), default=now)
    opening = open_now if earliest <= now else _trimmed(hours, zones, earliest, proposal)
    if opening is not None and opening.start < earliest:
        opening = Opening(min(earliest, opening.end), opening.end)
    return _other_hour(hearing, hours, zones, opening, max(earliest, now))


def _in_time(hearing: _Hearing, opening: Opening | None) -> Opening | None:
    """The opening as far as the campaign and its patience last. What opens only afterwards never opens."""
    proposal, ends = hearing.proposal, hearing.proposal.campaign.when.ends
    limits = []
    if ends is not None:
        over = midnight(ends + timedelta(days=1), hearing.house.zone)
        limits.append((over, Reason.CAMPAIGN_ENDED, "nothing opens before the campaign ends"))
    if not proposal.promised:
        over = proposal.enrolled + proposal.campaign.attempts.within
        limits.append((over, Reason.EXPIRED, "nothing opens before the campaign's longest total time is over"))
    if opening is None or not limits:
        return opening
    last, reason, words = min(limits)
    if opening.start < last:
        return Opening(opening.start, min(opening.end, last))
    if hearing.now < last:
        hearing.refuse("window", reason, words)
    return None


def _trimmed(hours: tuple[Hours, ...], zones: tuple[str, ...], after: datetime, proposal: Proposal) -> Opening | None:
    """The opening at or after `after`, less the time a call needs to ring out: a phone never rings into quiet hours."""
    margin = proposal.campaign.attempts.ring + GUARD
    opening = next_opening(hours, zones, after)
    while opening is not None and opening.end - margin <= max(after, opening.start):
        # Within the reach of one look: hours whose every stretch is too short would be searched for ever.
        opening = next_opening(hours, zones, opening.end, after + REACH - opening.end)
    return None if opening is None else Opening(opening.start, opening.end - margin)


def _shut(hours: tuple[Hours, ...], zones: tuple[str, ...], now: datetime) -> str:
    """Which layer is shut in which zone, in the customer's own time."""
    shut = []
    for layer in hours:
        for zone in zones:
            opening = next_opening((layer,), (zone,), now)
            if opening is None or opening.start > now:
                shut.append(f"{layer.name} hours are shut in {zone}")
    return "; ".join(shut) or "the window closes before a call could ring out"


def _other_hour(
    hearing: _Hearing, hours: tuple[Hours, ...], zones: tuple[str, ...], opening: Opening | None, at: datetime
) -> Opening | None:
    """Keep away from the hour of day of the last miss, unless the hours leave no other (LeadDesk's rule)."""
    proposal = hearing.proposal
    missed = proposal.last_miss
    if opening is None or missed is None or proposal.promised or not proposal.campaign.attempts.other_hour:
        hearing.passed("other_hour")
        return opening
    hour = local_hour(zones[0], missed)
    first = max(at, opening.start)
    found = _opening_outside(hours, zones, first, proposal, hour)
    if found is None:
        hearing.rules.append(Rule("other_hour", True, "no other hour is open within a week"))
        return opening
    if found.start > first:
        hearing.wait("other_hour", found.start, f"the last miss was in this hour of the day ({hour:02d}:00)")
    else:
        hearing.passed("other_hour")
    return found


def _opening_outside(
    hours: tuple[Hours, ...], zones: tuple[str, ...], first: datetime, proposal: Proposal, hour: int
) -> Opening | None:
    """The first opening within a week of `first`, cut so that it keeps out of local `hour`."""
    cursor = first
    while cursor < first + timedelta(days=7):
        opening = _trimmed(hours, zones, cursor, proposal)
        if opening is None:
            return None
        cursor = max(cursor, opening.start)
        if local_hour(zones[0], cursor) != hour:
            return Opening(cursor, min(opening.end, _next_hour(zones[0], cursor, hour)))
        cursor = _hour_end(zones[0], cursor)
    return None


def _hour_end(zone: str, at: datetime) -> datetime:
    wall = local(at, zone)
    return at + timedelta(hours=1) - timedelta(minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond)


def _next_hour(zone: str, at: datetime, hour: int) -> datetime:
    """The next instant at which the local hour becomes `hour`."""
    cursor = _hour_end(zone, at)
    for _ in range(26):
        if local_hour(zone, cursor) == hour:
            return cursor
        cursor = _hour_end(zone, cursor)
    return cursor
