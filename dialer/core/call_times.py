"""When a call may be placed: the hours of everybody who has a say, with the time a call needs to ring out kept free."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from dialer.core.hours import REACH, Hours, Opening, local_hour, next_opening, opening_at
from dialer.core.rule_book import NOTHING
from dialer.core.wall_clock import local, midnight

if TYPE_CHECKING:
    from collections.abc import Callable

    from dialer.core.phone import PhoneNumber
    from dialer.core.proposal import House, Proposal
    from dialer.core.rule_book import Binding

GUARD = timedelta(seconds=10)
"""Kept free before a window closes, for the way from this decision to the ringing phone: clocks err, carriers queue."""

NAMED = 3
"""Zones that a reason names; a mobile number may be in thirty, and nobody reads that."""


def layers(proposal: Proposal, house: House, binding: Binding = NOTHING) -> tuple[Hours, ...]:
    """The hours that must all be open: the campaign's, the house's, every preset's, and the customer's own."""
    hours = (proposal.campaign.when.hours, house.hours, *binding.hours)
    return (*hours, Hours.outside("customer", proposal.customer.quiet)) if proposal.customer.quiet else hours


def layers_at_a_promise(proposal: Proposal, house: House, binding: Binding) -> tuple[Hours, ...]:
    """The hours that hold even at a time the customer chose.

    Their own quiet hours do not: what they said about this very call is later and more precise. A preset's do unless
    it says that a time the customer asked for lifts them; the campaign's do unless its file says so.
    """
    hours = (house.hours, *binding.unlifted.hours)
    return hours if proposal.campaign.promises.outside_windows else (proposal.campaign.when.hours, *hours)


def rules_change(binding: Binding, zones: tuple[str, ...]) -> datetime | None:
    """The first instant at which it is, somewhere in `zones`, a day on which other presets may bind."""
    return None if binding.changes is None else min(midnight(binding.changes, zone) for zone in zones)


def trimmed(hours: tuple[Hours, ...], zones: tuple[str, ...], after: datetime, proposal: Proposal) -> Opening | None:
    """The opening at or after `after`, less the time a call needs to ring out: a phone never rings into quiet hours."""
    margin = proposal.campaign.attempts.ring + GUARD
    opening = next_opening(hours, zones, after)
    while opening is not None and opening.end - margin <= max(after, opening.start):
        # Within the reach of one look: hours whose every stretch is too short would be searched for ever.
        opening = next_opening(hours, zones, opening.end, after + REACH - opening.end)
    return None if opening is None else Opening(opening.start, opening.end - margin)


ERAS = 8
"""How many changes of the rules are looked past for an opening; they change a few times a year."""


class Asked(NamedTuple):
    """A call whose hours are asked about, with what binds it today."""

    proposal: Proposal
    house: House
    binding: Binding
    number: PhoneNumber | None


def first_opening(
    asked: Asked,
    zones: tuple[str, ...],
    after: datetime,
    hours_of: Callable[[Proposal, House, Binding], tuple[Hours, ...]],
) -> Opening | None:
    """The first opening at or after `after`, each day by the presets in force on it; cut where they change."""
    proposal, house, binding, number = asked
    for _ in range(ERAS):
        change = rules_change(binding, zones)
        if change is None or after < change:
            opening = trimmed(hours_of(proposal, house, binding), zones, after, proposal)
            if change is None or (opening is not None and opening.end <= change):
                return opening
            if opening is not None and opening.start < change:
                return Opening(opening.start, change)
        if number is None:
            return None
        after = max(after, change)
        binding = house.rules.binding(proposal.campaign, number, proposal.customer.region, zones, change)
    return None


def shut(hours: tuple[Hours, ...], zones: tuple[str, ...], now: datetime) -> str:
    """Which layer is shut in which zone, in the customer's own time."""
    return _shut(hours, zones, now.replace(second=0, microsecond=0))


@lru_cache(maxsize=4096)
def _shut(hours: tuple[Hours, ...], zones: tuple[str, ...], minute: datetime) -> str:
    """The words of one minute: no clock shows hours that open or shut within it."""
    found = []
    for layer in hours:
        closed = [zone for zone in zones if opening_at((layer,), (zone,), minute) is None]
        named = [f"{zone} ({local(minute, zone):%a %H:%M} there)" for zone in closed[:NAMED]]
        rest = len(closed) - NAMED
        more = f" and {rest} more zone{'s' if rest > 1 else ''}" if rest > 0 else ""
        if closed:
            found.append(f"{layer.name} hours are shut in {', '.join(named)}{more}")
    return "; ".join(found) or "the window closes before a call could ring out"


def opening_outside(
    hours: tuple[Hours, ...], zones: tuple[str, ...], first: datetime, proposal: Proposal, hour: int
) -> Opening | None:
    """The first opening within a week of `first`, cut so that it keeps out of local `hour`."""
    cursor = first
    while cursor < first + timedelta(days=7):
        opening = trimmed(hours, zones, cursor, proposal)
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
