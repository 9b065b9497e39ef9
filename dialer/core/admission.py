"""The gate every call passes last, in the transaction that writes the intent to dial: Dial, Wait or Refuse, and why.

The rules come in the order of their force. A prohibition (opt-out, number policy, unknown zone, hours) beats every
duty; in doubt the answer is no. The gate is pure and cheap, so `why` asks the very function that decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from dialer.core.call_times import Asked, first_opening, layers, layers_at_a_promise, opening_outside, shut
from dialer.core.hours import Hours, Opening, local_hour
from dialer.core.limits import Call, cooling, holds_of, spaced
from dialer.core.phone import never_dial
from dialer.core.promise import Missed
from dialer.core.proposal import House, Proposal, dialable
from dialer.core.purpose import Purpose
from dialer.core.record import Reason
from dialer.core.rule_book import NOTHING
from dialer.core.suppression import EVERYTHING, scopes_of
from dialer.core.wall_clock import midnight
from dialer.core.zones import candidates

if TYPE_CHECKING:
    from dialer.core.customer import Customer
    from dialer.core.phone import PhoneNumber
    from dialer.core.promise import Promise
    from dialer.core.rule_book import Binding

__all__ = [
    "BY_PERSON",
    "Decision",
    "Dial",
    "House",
    "Proposal",
    "Refuse",
    "Rule",
    "Wait",
    "decide",
    "dialable",
    "holds",
]

BUSY_ELSEWHERE = timedelta(minutes=1)
"""When to look again at a person or number that is in another call right now."""


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
    presets: tuple[str, ...] = ()  # that bind it
    lifted: tuple[str, ...] = ()  # those among them that the customer's own time lifts

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
    note: str = ""  # the refusing rule's own words


Decision = Dial | Wait | Refuse

BY_PERSON = frozenset(
    {
        Reason.NO_ZONE,
        Reason.NO_NUMBER,
        Reason.NUMBER_POLICY,
        Reason.BAD_NUMBER,
        Reason.NO_WINDOW,
        Reason.UNCLEAR_TIME,
        Reason.PROMISE_MISSED,
        Reason.NEEDS_HUMAN,
    }
)
"""Refusals that a person can mend: the callback is held and shown, not closed."""


def holds(reason: Reason, customer: Customer) -> bool:
    """Whether a callback is held for a person instead of closed. A VIP is never closed unreached (handbook, rule 2)."""
    unreached = {Reason.UNREACHED, Reason.STOPPED, Reason.EXPIRED, Reason.WRONG_PERSON, Reason.CAMPAIGN_ENDED}
    return reason in BY_PERSON or (customer.is_vip and reason in unreached)


_PASSED = {
    "opt_out": Rule("opt_out", True, "not on any do-not-call list"),
    "number": Rule("number", True, "the number may be dialed"),
    "campaign": Rule("campaign", True, "running"),
    "attempts": Rule("attempts", True, "attempts and time are left"),
    "in_call": Rule("in_call", True, "neither the person nor the number is in a call"),
    "not_before": Rule("not_before", True, "no retry or promise to wait for"),
    "spacing": Rule("spacing", True, "no call about anything else lately"),
    "expiry": Rule("expiry", True, "not too early before the contract ends"),
    "promise": Rule("promise", True, "within the time the customer chose"),
    "limits": Rule("limits", True, "within every cap, and no cool-off lasts"),
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
    note: str = ""  # and its words
    never: bool = False  # failing with no instant to wait for
    binding: Binding = NOTHING
    number: PhoneNumber | None = None

    @property
    def asked(self) -> Asked:
        """What the hours are asked about."""
        return Asked(self.proposal, self.house, self.binding, self.number)

    @property
    def chosen(self) -> Promise | None:
        """The promise while its time has not passed. From its first instant on it lifts what yields to it."""
        promise = self.proposal.promise
        return promise if promise is not None and self.now < promise.until else None

    def passed(self, name: str) -> None:
        self.rules.append(_PASSED[name])

    def refuse(self, name: str, reason: Reason, words: str) -> None:
        self.rules.append(Rule(name, False, words))
        if self.reason is None:
            self.reason, self.note = reason, words

    def wait(self, name: str, until: datetime | None, words: str) -> None:
        self.rules.append(Rule(name, False, words, until))
        self.never = self.never or until is None


def decide(proposal: Proposal, house: House, now: datetime) -> Decision:
    """Whether this call may be placed at `now`, with every rule's answer. Pure."""
    hearing = _Hearing(proposal, house, now)
    _opt_out(hearing)
    number = _number(hearing)
    zones = _zones(hearing, number)
    if number is not None and zones:
        hearing.binding = house.rules.binding(proposal.campaign, number, proposal.customer.region, zones, now)
        hearing.number = number
    _campaign(hearing)
    _attempts(hearing)
    _in_call(hearing)
    _not_before(hearing)
    _spacing(hearing, number, zones)
    _expiry(hearing)
    if number is not None and zones:
        _limits(hearing, number, zones)
    opening = _in_time(hearing, _hours(hearing, zones)) if zones else None
    if opening is not None:
        _promise(hearing, opening, zones)
    rules = tuple(hearing.rules)
    if hearing.reason is not None or number is None or opening is None:
        return Refuse(rules, hearing.reason or Reason.NO_WINDOW, zones, number, hearing.note)
    if opening.start <= now and all(rule.passed for rule in rules):
        lifted = hearing.binding.lifted if hearing.chosen is not None else ()
        return Dial(rules, number, zones, opening, hearing.binding.names, lifted)
    return Wait(rules, number, zones, opening, None if hearing.never else opening.start)


def _opt_out(hearing: _Hearing) -> None:
    proposal = hearing.proposal
    scopes = scopes_of(proposal.campaign)
    stop = next((stop for stop in proposal.stops if stop.scope in scopes), None)
    if stop is None:
        hearing.passed("opt_out")
        return
    about = "" if stop.scope == EVERYTHING else f" about {stop.scope.replace(':', ' ')}"
    words = f"the customer asked not to be called{about}"
    hearing.refuse("opt_out", Reason.OPTED_OUT, f"{words} ({stop.on}, by {stop.source}, {stop.said:%Y-%m-%d})")


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
    until, promise = hearing.proposal.not_before, hearing.chosen
    if promise is not None:
        until = max(until or promise.at, promise.at)
    if until is not None and hearing.now < until:
        what = "the customer chose this time" if hearing.proposal.promised else "the retry table says not yet"
        hearing.wait("not_before", until, what)
    else:
        hearing.passed("not_before")


def _spacing(hearing: _Hearing, number: PhoneNumber | None, zones: tuple[str, ...]) -> None:
    proposal = hearing.proposal
    until = None
    if proposal.contacts and hearing.chosen is None:
        call = _call(proposal, number, zones)
        until = spaced(hearing.house.spacing, call, proposal.callback, proposal.contacts, hearing.now)
    if until is None:
        hearing.passed("spacing")
    else:
        hearing.wait("spacing", until, "this person was called about something else lately")


def _call(proposal: Proposal, number: PhoneNumber | None, zones: tuple[str, ...]) -> Call:
    campaign = proposal.campaign
    return Call(proposal.customer.reference, number.e164 if number else "", campaign.id, campaign.matter, zones)


def _expiry(hearing: _Hearing) -> None:
    """A renewal is not spoken of long before the contract ends, where a preset says how long."""
    proposal, span = hearing.proposal, hearing.binding.not_before_expiry
    due = proposal.campaign.why_now.due
    if span is None or due.field is None or proposal.due is None or proposal.campaign.purpose is not Purpose.RENEWAL:
        return
    first = proposal.due - due.offset - span
    if hearing.now < first:
        hearing.wait("expiry", first, f"the contract's renewal may be spoken of {span.days} days before it ends")
    else:
        hearing.passed("expiry")


def _limits(hearing: _Hearing, number: PhoneNumber, zones: tuple[str, ...]) -> None:
    """Caps and cool-offs of every preset that binds, but for those that a time the customer chose lifts."""
    proposal = hearing.proposal
    if not proposal.contacts:
        hearing.passed("limits")
        return
    binding = hearing.binding if hearing.chosen is None else hearing.binding.unlifted
    call = _call(proposal, number, zones)
    found = [
        (hold.until, f"{preset.id}: {hold.words}")
        for preset in binding.presets
        for hold in holds_of(preset, call, proposal.contacts, hearing.now)
    ]
    floors = (cooling(floor, call, proposal.contacts, hearing.now) for floor in hearing.house.floors)
    found += [(hold.until, f"house: {hold.words}") for hold in floors if hold is not None]
    for until, words in found:
        hearing.wait("limits", until, words)
    if not found:
        hearing.passed("limits")


def _promise(hearing: _Hearing, opening: Opening, zones: tuple[str, ...]) -> None:
    """A promise that cannot be kept any more goes the way its campaign says, before its time when that is certain."""
    promise = hearing.proposal.promise
    if promise is None:
        return
    if hearing.now < promise.until and (opening.start < promise.until or hearing.proposal.in_call):
        hearing.passed("promise")
        return
    words = "the time the customer chose has passed"
    if hearing.now < promise.until:
        hours = layers_at_a_promise(hearing.proposal, hearing.house, hearing.binding)
        words = f"it cannot be kept ({shut(hours, zones, promise.at)})"
    match promise.missed:
        case Missed.NEXT_WINDOW:
            hearing.rules.append(Rule("promise", True, f"{words}; the next window is taken"))
        case Missed.ESCALATE:
            hearing.refuse("promise", Reason.PROMISE_MISSED, f"{words}; a person takes over")
        case Missed.CLOSE:
            hearing.refuse("promise", Reason.EXPIRED, f"{words}; the campaign closes then")


def _hours(hearing: _Hearing, zones: tuple[str, ...]) -> Opening | None:
    """The stretch in which everything is open: the one that holds `now`, else the next one the other rules allow."""
    proposal, now = hearing.proposal, hearing.now
    at_promise = _at_promise(hearing, zones)
    if at_promise is not None:
        return at_promise
    open_now = first_opening(hearing.asked, zones, now, layers)
    if open_now is not None and open_now.start <= now:
        hearing.passed("hours")
    else:
        closed = shut(layers(proposal, hearing.house, hearing.binding), zones, now)
        hearing.wait("hours", open_now.start if open_now else None, closed)
        if open_now is None:
            hearing.refuse("window", Reason.NO_WINDOW, "no stretch of time is open")
            return None
    earliest = max((rule.until for rule in hearing.rules if rule.until is not None), default=now)
    opening = open_now if earliest <= now else first_opening(hearing.asked, zones, earliest, layers)
    if opening is not None and opening.start < earliest:
        opening = Opening(min(earliest, opening.end), opening.end)
    hours = layers(proposal, hearing.house, hearing.binding)
    return _other_hour(hearing, hours, zones, opening, max(earliest, now))


def _at_promise(hearing: _Hearing, zones: tuple[str, ...]) -> Opening | None:
    """The stretch of the promised time, by the rules that hold even then; None when the ordinary rules decide."""
    promise = hearing.chosen
    if promise is None:
        return None
    waits = [rule.until for rule in hearing.rules if rule.until is not None]
    first = max((promise.at, hearing.now, *waits))
    opening = first_opening(hearing.asked, zones, first, layers_at_a_promise)
    if opening is None or opening.start >= promise.until or first >= promise.until:
        return None
    found = Opening(max(opening.start, first), min(opening.end, promise.until))
    if found.start <= hearing.now:
        hearing.rules.append(Rule("hours", True, "the customer chose this time"))
    else:
        hearing.wait("hours", found.start, "the customer chose this time")
    hearing.passed("other_hour")
    return found


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
    found = opening_outside(hours, zones, first, proposal, hour)
    if found is None:
        hearing.rules.append(Rule("other_hour", True, "no other hour is open within a week"))
        return opening
    if found.start > first:
        hearing.wait("other_hour", found.start, f"the last miss was in this hour of the day ({hour:02d}:00)")
    else:
        hearing.passed("other_hour")
    return found
