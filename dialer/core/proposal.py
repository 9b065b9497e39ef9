"""What the gate is asked: a call somebody proposes with all facts about it, and the house in which it would be made."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from dialer.core.phone import never_dial
from dialer.core.rule_book import RuleBook

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from dialer.core.campaign import Campaign
    from dialer.core.caps import CoolOff
    from dialer.core.customer import Customer
    from dialer.core.hours import Hours
    from dialer.core.limits import Contact
    from dialer.core.phone import PhoneNumber
    from dialer.core.promise import Promise
    from dialer.core.suppression import Stop


@dataclass(frozen=True, slots=True)
class House:
    """What holds for every campaign of this installation."""

    hours: Hours
    allowed_countries: frozenset[str]
    spacing: timedelta  # least time between calls to one person about two callbacks
    zone: str = "UTC"  # where dates without a time begin
    rules: RuleBook = field(default_factory=RuleBook)
    floors: tuple[CoolOff, ...] = ()  # how long a number is left alone at least, by how a call to it ended
    person: str = ""  # who gets the tasks that nobody else is named for
    editions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # of the data decided by

    @property
    def lookback(self) -> timedelta:
        """How far back any rule looks at calls that were made."""
        return max(self.spacing, self.rules.lookback, *(floor.wait for floor in self.floors))


@dataclass(frozen=True, slots=True)
class Proposal:
    """A call somebody proposes, with all the facts the rules ask for."""

    customer: Customer
    campaign: Campaign
    enrolled: datetime
    callback: int | None = None
    due: datetime | None = None
    paused: bool = False
    attempts: int = 0  # counted ones of this callback
    number_index: int = 0  # the number whose turn it is
    bad_numbers: frozenset[str] = frozenset()  # refused by the network for good, or somebody else's
    stops: tuple[Stop, ...] = ()  # wishes in force, of the person or any of their numbers, whatever their scope
    in_call: bool = False  # the person or the number, in any campaign
    not_before: datetime | None = None  # from the retry table or a promise
    promised: bool = False
    promise: Promise | None = None  # the promise with its proof
    last_miss: datetime | None = None
    contacts: tuple[Contact, ...] = ()  # all calls to this person or these numbers, whoever made them


def dialable(proposal: Proposal, house: House) -> PhoneNumber | None:
    """The number whose turn it is, skipping those that must not be dialed; None when none is left."""
    numbers = proposal.customer.numbers
    start = proposal.number_index % len(numbers) if numbers else 0
    for number in (*numbers[start:], *numbers[:start]):
        if number.e164 not in proposal.bad_numbers and never_dial(number, house.allowed_countries) is None:
            return number
    return None
