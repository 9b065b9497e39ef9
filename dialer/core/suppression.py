"""Wishes not to be called: whom they protect, from which calls, and which of them stops a given campaign."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from dialer.core.purpose import Purpose
from dialer.errors import InputError, Problem

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.core.campaign import Campaign
    from dialer.core.customer import Customer

EVERYTHING: Final = "everything"
"""The scope of a wish never to be called, whatever for."""

_PERSON: Final = "customer:"
_NUMBER: Final = "number:"
_CAMPAIGN: Final = re.compile(r"campaign:[a-z][a-z0-9_-]{0,39}")


class Source(StrEnum):
    """How a wish not to be called came to us."""

    KEYPAD = "keypad"  # a key pressed in a call
    PERSON = "person"  # somebody of ours wrote it down
    API = "api"  # another program of the house said so
    CARRIER = "carrier"  # the carrier blocks the number because its holder asked for it
    IMPORT = "import"  # a list or a customer file, which repeats old wishes


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for, and how we know: `by` is whoever wrote it down, `note` is in their words."""

    source: str
    scope: str = EVERYTHING
    by: str = ""
    note: str = ""

    @property
    def is_new(self) -> bool:
        """Whether it was said now. A file repeats what was said once, and must not undo what was said since."""
        return self.source != Source.IMPORT


@dataclass(frozen=True, slots=True)
class Stop:
    """A wish that is in force: not to be called, about everything, one purpose (`purpose:sales`) or one campaign."""

    subject: str  # `customer:REFERENCE` or `number:+44...`
    scope: str
    source: str  # how it came to us: keypad, import, person, api, carrier
    said: datetime

    @property
    def on(self) -> str:
        """What is on the list, without saying who: `person` or `number`."""
        return "number" if self.subject.startswith(_NUMBER) else "person"


@dataclass(frozen=True, slots=True)
class Word:
    """One entry of the list. Of each subject and scope the words take turns: a stop, its lifting, the next stop."""

    subject: str
    scope: str
    turn: int  # 0 for the first
    source: str  # of a stop: a `Source`; of a lifting: how and when the customer said so
    said: datetime
    attempt: str = ""  # the call in which it was said
    by: str = ""
    note: str = ""
    holds: bool = False  # whether it is the last word and a stop

    @property
    def stops(self) -> bool:
        """Whether it forbids calls; else it lifts the stop before it."""
        return self.turn % 2 == 0

    @property
    def e164(self) -> str:
        """The number on the list; empty when a person is."""
        return self.subject.removeprefix(_NUMBER) if self.subject.startswith(_NUMBER) else ""


def person(reference: str) -> str:
    """The name under which a person is on the list."""
    return f"{_PERSON}{reference}"


def line(e164: str) -> str:
    """The name under which a number is on the list; it stops everybody who has that number."""
    return f"{_NUMBER}{e164}"


def subjects(customer: Customer) -> list[str]:
    """Every name under which this person may be on a list."""
    return [person(customer.reference), *(line(number.e164) for number in customer.numbers)]


def scopes_of(campaign: Campaign) -> frozenset[str]:
    """The scopes that stop this campaign's calls. One that may sell is stopped by a wish for no sales calls as well."""
    return frozenset({EVERYTHING, f"campaign:{campaign.id}", *(f"purpose:{one}" for one in campaign.purposes)})


def read_scope(text: str) -> str:
    """The scope that somebody typed.

    Raises:
        InputError: it is none. A misspelt scope would stop nothing and look as if it did.
    """
    scope = text.strip()
    if scope in {EVERYTHING, *(f"purpose:{purpose}" for purpose in Purpose)} or _CAMPAIGN.fullmatch(scope):
        return scope
    mend = f"expected everything, campaign:ID, or purpose: with one of {', '.join(Purpose)}"
    raise InputError([Problem("scope", f"{text!r} is none", mend)])
