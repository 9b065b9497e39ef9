"""What a campaign would do with each customer at an instant, counted: asks the gate, and remembers its answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from dialer.core import duty
from dialer.core.admission import Dial, Refuse, Wait, decide, dialable
from dialer.core.area_codes import presumed_state
from dialer.core.call_times import GUARD, layers
from dialer.core.hours import next_opening, open_time, openings
from dialer.core.zones import candidates

if TYPE_CHECKING:
    from collections.abc import Hashable
    from datetime import datetime

    from dialer.core.admission import House, Proposal
    from dialer.core.campaign import Campaign
    from dialer.core.forecast import Grid
    from dialer.core.hours import Hours

MOST_KNOWN: Final = 65536
"""Answers that are remembered; then all are forgotten, so that memory does not grow with the customer file."""

PASSED: Final = "the deadline has passed"
TOGETHER: Final = "hours: all layers together"


class Place(StrEnum):
    """Where a customer stands in a campaign."""

    NOT_SELECTED = "not_selected"
    NO_REASON = "no_reason"  # the date that the call hangs on is not in the file, or has not come in any year
    PAST = "past"  # the special day is so long ago that nobody new is called about it
    LATER = "due_later"
    CALLABLE = "callable_now"
    WAITING = "waiting"  # a rule says: not yet
    REFUSED = "refused"  # a rule says: not at all
    CALLING = "calling"  # in a call about it right now
    HELD = "held"  # a person is at it
    DONE = "done"  # was called about it
    CLOSED = "closed"  # over without a conversation


UNTARGETED: Final = frozenset({Place.NOT_SELECTED, Place.NO_REASON, Place.PAST, Place.LATER})
AHEAD: Final = frozenset({Place.CALLABLE, Place.WAITING, Place.REFUSED})
"""Those whom the gate is asked about; all others who are targeted have a callback that is not called again."""


class Fate(NamedTuple):
    """Where a customer stands, and by which rule or for which reason."""

    place: Place
    by: str = ""

    @property
    def targeted(self) -> bool:
        """Whether the campaign selects them and its reason to call has come."""
        return self.place not in UNTARGETED


class Verdict(NamedTuple):
    """What a plan counts of one customer."""

    fate: Fate
    until: datetime | None = None  # when the wait ends, or when it becomes due; None when nobody can say
    late: str = ""  # why the deadline cannot be met; empty when it can
    slots: int = 0  # of the forecast, in which they may be called
    country: str = ""  # of the number that would be called


def judge(proposal: Proposal, house: House, now: datetime, deadline: datetime, grid: Grid) -> Verdict:
    """The gate's answer for one customer, as a plan counts it. `deadline` is the campaign's."""
    decision = decide(proposal, house, now)
    if isinstance(decision, Refuse):
        return Verdict(Fate(Place.REFUSED, decision.reason.value))
    number, zones = decision.number, decision.zones
    binding = house.rules.binding(proposal.campaign, number, proposal.customer.region, zones, now)
    hours = layers(proposal, house, binding)
    by = "" if isinstance(decision, Dial) else blocking(decision, hours, now)
    late = _late(proposal, house, now, deadline, decision, hours) or ""
    fate = Fate(Place.CALLABLE) if isinstance(decision, Dial) else Fate(Place.WAITING, by)
    until = decision.until if isinstance(decision, Wait) else None
    if isinstance(decision, Wait) and decision.until is None:
        slots = 0  # nobody knows when, such as while the campaign is paused
    elif proposal.promise is not None and now < proposal.promise.until:
        slots = grid.open_slots([decision.opening])
    else:
        slots = _open_slots(hours, zones, decision.opening.start, grid)
    return Verdict(fate, until, late, slots, number.region)


def blocking(decision: Wait, hours: tuple[Hours, ...], now: datetime) -> str:
    """The rule that blocks longest, with the layer or preset it speaks for: `hours: us-fl`, `limits: us-fl`."""
    failing = [rule for rule in decision.rules if not rule.passed]
    if not failing:
        return "hours"
    rule = max(failing, key=lambda one: (one.until is None, one.until or now))
    if rule.name == "limits":
        return f"limits: {rule.reason.partition(': ')[0]}"
    layer = _shut_longest(hours, decision.zones, now) if rule.name == "hours" else ""
    return f"hours: {layer}" if layer else rule.name


def _shut_longest(hours: tuple[Hours, ...], zones: tuple[str, ...], now: datetime) -> str:
    """The layer that opens last. Of several the first: a preset is named only for what the campaign leaves open."""
    name, last = "", now
    for layer in hours:
        opening = next_opening((layer,), zones, now)
        if opening is None:
            return layer.name
        if opening.start > last:
            name, last = layer.name, opening.start
    return name


def _late(
    proposal: Proposal, house: House, now: datetime, deadline: datetime, decision: Dial | Wait, hours: tuple[Hours, ...]
) -> str | None:
    """Why the deadline cannot be met; None when it can."""
    until = duty.deadline(proposal, house, deadline, now)
    if until <= now:
        return PASSED
    if not duty.feasible(proposal, duty.slack(proposal, house, now, until)):
        least = proposal.campaign.attempts.ring + GUARD
        alone = (one.name for one in hours if open_time((one,), decision.zones, now, until) <= least)
        name = next(alone, None)
        return f"hours: {name}" if name is not None else TOGETHER
    if isinstance(decision, Wait) and decision.opening.start >= until:
        return blocking(decision, hours, now)
    return None


@lru_cache(maxsize=16384)
def _open_slots(hours: tuple[Hours, ...], zones: tuple[str, ...], start: datetime, grid: Grid) -> int:
    return grid.open_slots(openings(hours, zones, start, grid.end)) if start < grid.end else 0


@dataclass(slots=True)
class Judge:
    """Asks the gate about calls of one campaign, and once only about all to which the same facts apply."""

    campaign: Campaign
    house: House
    now: datetime
    grid: Grid
    _known: dict[Hashable, Verdict] = field(default_factory=dict, repr=False)

    def verdict(self, proposal: Proposal, deadline: datetime, alike: Hashable | None) -> Verdict:
        """As `judge` says of the proposal in this campaign. `alike` is its `likeness`, the same in every campaign."""
        key = (alike, deadline)
        known = self._known.get(key) if alike is not None else None
        if known is None:
            mine = proposal if proposal.campaign is self.campaign else replace(proposal, campaign=self.campaign)
            known = judge(mine, self.house, self.now, deadline, self.grid)
            if alike is not None:
                if len(self._known) >= MOST_KNOWN:
                    self._known.clear()
                self._known[key] = known
        return known


def likeness(proposal: Proposal, house: House) -> Hashable | None:
    """What people have in common about whom the gate says the same, in any one campaign at any one instant.

    Everything the gate reads of a customer and a callback is in it, but for the campaign. None for whoever has
    something of their own: a wish, an earlier call, a call going on; or no number that may be dialed.
    """
    if proposal.stops or proposal.contacts or proposal.in_call:
        return None
    number = dialable(proposal, house)
    if number is None:
        return None
    customer = proposal.customer
    return (
        candidates(customer, number),
        number.region,
        presumed_state(number),
        customer.region,
        customer.quiet,
        proposal.enrolled,
        proposal.due,
        proposal.paused,
        proposal.attempts,
        proposal.not_before,
        proposal.promised,
        proposal.promise,
        proposal.last_miss,
    )


@dataclass(slots=True)
class Tally:
    """The counts of a plan. Grows with the number of rules, zones and personal quiet hours, not of customers."""

    customers: int = 0
    fates: Counter[Fate] = field(default_factory=Counter)
    enrolled: Counter[Fate] = field(default_factory=Counter)  # of those, who has an open callback already
    spans: dict[Fate, tuple[datetime, datetime]] = field(default_factory=dict)  # the earliest and latest `until`
    late: Counter[str] = field(default_factory=Counter)
    demand: Counter[int] = field(default_factory=Counter)
    countries: Counter[str] = field(default_factory=Counter)
    changes: Counter[tuple[Fate, Fate]] = field(default_factory=Counter)  # under the version in force, and now

    def skip(self, many: int) -> None:
        """Count customers whom neither version selects."""
        self.customers += many
        self.fates[Fate(Place.NOT_SELECTED)] += many

    def add(self, verdict: Verdict, *, enrolled: bool = False, before: Fate | None = None) -> None:
        """Count one customer. `before`: where they stand under the version in force."""
        fate = verdict.fate
        self.customers += 1
        self.fates[fate] += 1
        if enrolled:
            self.enrolled[fate] += 1
        if verdict.until is not None:
            first, last = self.spans.get(fate, (verdict.until, verdict.until))
            self.spans[fate] = (min(first, verdict.until), max(last, verdict.until))
        if verdict.late:
            self.late[verdict.late] += 1
        if fate.place in {Place.CALLABLE, Place.WAITING}:
            self.demand[verdict.slots] += 1
            self.countries[verdict.country] += 1
        if before is not None and before != fate:
            self.changes[before, fate] += 1

    def merge(self, other: Tally) -> None:
        """Count what another has counted as well."""
        self.customers += other.customers
        for mine, theirs in (
            (self.fates, other.fates),
            (self.enrolled, other.enrolled),
        ):
            mine.update(theirs)
        self.late.update(other.late)
        self.demand.update(other.demand)
        self.countries.update(other.countries)
        self.changes.update(other.changes)
        for fate, (first, last) in other.spans.items():
            earliest, latest = self.spans.get(fate, (first, last))
            self.spans[fate] = (min(first, earliest), max(last, latest))

    def count(self, *places: Place) -> int:
        """How many stand in any of these places."""
        return sum(many for fate, many in self.fates.items() if fate.place in places)

    @property
    def targeted(self) -> int:
        """How many the campaign selects and has a reason to call now."""
        return sum(many for fate, many in self.fates.items() if fate.targeted)
