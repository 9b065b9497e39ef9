"""Whether a duty can still be met: the time left in which a customer may be called before the deadline, and the alarm.

A prohibition is never bent to keep a deadline. What can be done is to know early: at enrolment, when no minute is
open before the deadline, and later, when so little is left that a person should take over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.core.admission import dialable
from dialer.core.call_times import GUARD, layers
from dialer.core.hours import open_time, openings
from dialer.core.zones import candidates

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from dialer.core.hours import Hours
    from dialer.core.proposal import House, Proposal


def deadline(proposal: Proposal, house: House, by_campaign: datetime, now: datetime) -> datetime:
    """By when the call must have happened: as the campaign says, or sooner where a preset says so."""
    number = dialable(proposal, house)
    if number is None or proposal.due is None:
        return by_campaign
    zones = candidates(proposal.customer, number).zones
    span = house.rules.binding(proposal.campaign, number, proposal.customer.region, zones, now).deadline
    return by_campaign if span is None else min(by_campaign, proposal.due + span)


def slack(proposal: Proposal, house: House, now: datetime, until: datetime) -> timedelta:
    """The callable time between `now` and the deadline `until`; none without a zone or a number that may be dialed."""
    hours, zones = _when(proposal, house, now)
    return open_time(hours, zones, now, until) if zones and now < until else until - until


def feasible(proposal: Proposal, left: timedelta) -> bool:
    """Whether so much callable time is enough to let one call ring out."""
    return left > proposal.campaign.attempts.ring + GUARD


def alarm(proposal: Proposal, house: House, now: datetime, until: datetime) -> datetime:
    """When only the campaign's `alarm` of callable time is left before `until`; `now` when it is less already."""
    hours, zones = _when(proposal, house, now)
    wanted = proposal.campaign.why_now.alarm
    stretches = openings(hours, zones, now, until) if zones and now < until else []
    for stretch in reversed(stretches):
        length = stretch.end - stretch.start
        if length >= wanted:
            return stretch.end - wanted
        wanted -= length
    return now


def _when(proposal: Proposal, house: House, now: datetime) -> tuple[tuple[Hours, ...], tuple[str, ...]]:
    number = dialable(proposal, house)
    if number is None:
        return (), ()
    zones = candidates(proposal.customer, number).zones
    binding = house.rules.binding(proposal.campaign, number, proposal.customer.region, zones, now) if zones else None
    return (layers(proposal, house, binding), zones) if binding is not None else ((), ())
