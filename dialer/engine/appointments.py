"""Promises that people make for customers: a wall-clock time, as it was said, becomes an instant to be kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from dialer.core.admission import dialable
from dialer.core.promise import Reading, resolve
from dialer.core.zones import candidates, is_zone, nearest_zone
from dialer.errors import InputError, NotFoundError, Problem
from dialer.store import Wanted

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.core.admission import House, Proposal
    from dialer.core.promise import Missed
    from dialer.store import Store
    from dialer.store.promise_list import Made

FARTHEST: Final = timedelta(days=60)
"""Farther ahead than this is no appointment but a mistyped date."""


class Channel(StrEnum):
    """How the customer's wish reached us."""

    AGENT = "agent"  # said to an agent on the phone
    PERSON = "person"  # said to anybody else of ours: in a letter, at the counter
    API = "api"  # another program, such as the web site's form


@dataclass(frozen=True, slots=True)
class Wish:
    """A time as a customer said it."""

    customer: str
    campaign: str
    wall: datetime  # on their clock, without an offset
    asked_by: str
    zone: str = ""  # as they said it; empty: theirs
    second: bool = False  # the later of two, on a day whose clock shows the time twice
    channel: Channel = Channel.AGENT
    note: str = ""


@dataclass(frozen=True, slots=True)
class Promised:
    """A promise that was made, how its time was read, and what the gate makes of it."""

    at: datetime
    until: datetime
    zone: str
    reading: Reading
    missed: Missed
    made: Made


def promise(store: Store, house: House, wish: Wish, now: datetime) -> Promised:
    """Write the customer's wish down, with who heard it and when.

    Raises:
        NotFoundError: no such customer or campaign, or no callback in it.
        InputError: the time is past, too far ahead or not clear; the callback is over or in a call; or nobody may ever
            call this customer about it.
    """
    if store.customers.get(wish.customer) is None:
        mend = "`dialer customers list` shows the references"
        raise NotFoundError([Problem("customer", f"nobody has the reference {wish.customer!r}", mend)])
    store.campaigns.get(wish.campaign)
    key = store.callbacks.latest(wish.customer, wish.campaign)
    if key is None:
        mend = f"`dialer campaigns enrol {wish.campaign}` enrols who is due"
        raise NotFoundError([Problem("customer", f"is not enrolled in {wish.campaign!r}", mend)])
    proposal = store.promises.proposal(key, now)
    zone = _zone(proposal, house, wish)
    at, reading = resolve(wish.wall, zone, second=wish.second)
    _check(at, reading, wish, now)
    by = wish.asked_by
    made = store.promises.make(Wanted(key, at, wish.wall, zone, reading, wish.channel.value, by, wish.note), now)
    terms = proposal.campaign.promises
    return Promised(at, at + terms.tolerance, zone, reading, terms.missed, made)


def _zone(proposal: Proposal, house: House, wish: Wish) -> str:
    """The zone that was said, else the confirmed one, else any of those the customer may be in, if all agree."""
    if wish.zone:
        if not is_zone(wish.zone):
            raise InputError([Problem("--zone", f"there is no time zone {wish.zone!r}", nearest_zone(wish.zone))])
        return wish.zone
    number = dialable(proposal, house)
    zones = candidates(proposal.customer, number).zones if number is not None else ()
    if proposal.customer.zone:
        zones = (proposal.customer.zone,)
    if len({resolve(wish.wall, zone, second=wish.second) for zone in zones}) != 1:
        what = f"this time means another instant in each of {', '.join(zones)}" if zones else "nobody knows their zone"
        raise InputError([Problem("--zone", what, "ask where the customer is: `dialer customers confirm-zone`")])
    return zones[0]


def _check(at: datetime, reading: Reading, wish: Wish, now: datetime) -> None:
    if wish.second and reading is not Reading.SECOND_OF_TWO:
        raise InputError([Problem("--second", "the clock shows this time only once that day", "leave it out")])
    if at <= now:
        raise InputError([Problem("--at", "this time has passed already", "agree a later one with the customer")])
    if at > now + FARTHEST:
        raise InputError([Problem("--at", f"is more than {FARTHEST.days} days ahead", "agree an earlier time")])
