"""What a campaign file may say: who is called, why now, when, how often, with which words, and what counts as what."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from dialer.core.customer import VIP
from dialer.core.document import Day, Duration, Name, Offset, Part, Text, Whole, between, parse_duration, quoted, wrong
from dialer.core.filter import FieldType, Filter
from dialer.core.hours import Hours
from dialer.core.outcome import RETRYABLE, Disposition, Ending
from dialer.core.promise import Missed
from dialer.core.purpose import Purpose
from dialer.core.staffing import Mode, Staffing
from dialer.core.steps import SETTLED, Script
from dialer.core.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AnsweringMachine",
    "Attempts",
    "Campaign",
    "CampaignOutcome",
    "Due",
    "FieldType",
    "Filter",
    "MachineReaction",
    "Mode",
    "Priority",
    "Purpose",
    "RetryRule",
    "Script",
    "Staffing",
    "When",
    "WhyNow",
    "Windows",
    "parse_duration",
    "version",
]


class MachineReaction(StrEnum):
    """What a call does when an answering machine picks up."""

    HANG_UP = "hang_up"
    LEAVE_MESSAGE = "leave_message"  # after the beep, then hang up
    TALK = "talk"  # do not listen for machines at all: whoever answers hears the script


class Due(Part):
    """The moment a reason to call exists."""

    field: Text | None = None
    """A date field of the customer. Without it, the campaign's start (or the enrolment) is meant."""
    special_day: Name | None = None
    """A day of every year by its name, such as telecom_day or spring_festival. It never opens a day that is closed."""
    offset: Offset = timedelta(0)
    """Added to that date: `-40 days` is forty days before, `3 days` three days after."""

    @model_validator(mode="after")
    def _hangs_on_one_thing(self) -> Self:
        if self.field is not None and self.special_day is not None:
            raise wrong("'field' and 'special_day' stand together", "say which of them the call hangs on")
        return self


class WhyNow(Part):
    """Why the call is made now, and until when."""

    due: Due = Due()
    """When the reason to call exists."""
    deadline: Duration = timedelta(days=3)
    """How long after that the callback must have happened. Handbook: three days."""
    alarm: Duration = timedelta(hours=2)
    """A VIP becomes a task for a person when only so much callable time is left before the deadline."""
    person: Text = ""
    """Who gets the tasks of customers who have no agent of their own; else whom the settings name."""


class When(Part):
    """When the campaign may call. The customer's own quiet hours and the house window always hold as well."""

    windows: Windows
    """Hours by weekday, on the customer's clock."""
    closed: tuple[Day, ...] = ()
    """Days on which nobody is called, whatever the weekday."""
    starts: Day | None = None
    """The first day of the campaign."""
    ends: Day | None = None
    """The last day of the campaign."""

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> Self:
        if self.starts and self.ends and self.ends < self.starts:
            raise wrong("'ends' lies before 'starts'", "expected 'ends' on or after 'starts'")
        return self

    @cached_property
    def hours(self) -> Hours:
        """The campaign's layer of opening hours."""
        return Hours("campaign", self.windows.week, frozenset(self.closed))


class Priority(Part):
    """Who goes first.

    Callbacks are called in the order of waiting time plus head start: with `vip: 1 day` a VIP who became due this
    minute goes before everybody who has waited less than a day. Because a head start is a fixed length and waiting is
    not, whoever waits long enough comes first in the end, and nobody starves.
    """

    tiers: dict[Text, Duration] = Field(default_factory=lambda: {VIP: timedelta(days=1)})
    """The head start of each tier; tiers that are not named have none."""

    def head_start(self, tier: str) -> timedelta:
        """The head start of `tier`; zero when it has none."""
        return self.tiers.get(tier, timedelta(0))


def _ending(value: object) -> object:
    if isinstance(value, str) and value in set(RETRYABLE):
        return Ending(value)
    allowed = ", ".join(ending for ending in Ending if ending in RETRYABLE)
    raise wrong(f"{quoted(value)} is nothing that a retry can follow", f"expected one of {allowed}")


Retryable = Annotated[
    Ending,
    BeforeValidator(_ending),
    WithJsonSchema({"enum": [str(ending) for ending in Ending if ending in RETRYABLE]}),
]


class RetryRule(Part):
    """One row of the retry table: what follows when an attempt ended this way."""

    after: Retryable
    """How the attempt ended."""
    attempt: Annotated[Whole, Field(ge=1, le=50)] | None = None
    """Only after this counted attempt; without it, after any. A numbered row goes before a general one."""
    wait: Duration | None = None
    """How long to wait at least before the next attempt."""
    next_number: StrictBool = False
    """Whether the customer's next number is tried."""
    stop: StrictBool = False
    """No further automatic call. A VIP then becomes a task for a person."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.stop and (self.wait is not None or self.next_number):
            raise wrong("'stop' stands beside 'wait' or 'next_number'", "say either that it stops or how it goes on")
        if not self.stop and self.wait is None:
            raise wrong("this row does not say what follows", "add 'wait: 3 h' or 'stop: true'")
        return self


DEFAULT_RETRY = (
    RetryRule(after=Ending.BUSY, wait=timedelta(minutes=30)),
    RetryRule(after=Ending.NO_ANSWER, wait=timedelta(hours=4), next_number=True),
    RetryRule(after=Ending.UNREACHABLE, wait=timedelta(hours=2), next_number=True),
    RetryRule(after=Ending.MACHINE, wait=timedelta(hours=6)),
    RetryRule(after=Ending.HUNG_UP, wait=timedelta(days=1)),
    RetryRule(after=Ending.ABANDONED, wait=timedelta(days=1)),
    RetryRule(after=Ending.NOT_CONVENIENT, wait=timedelta(hours=20)),
    RetryRule(after=Ending.WRONG_PERSON, wait=timedelta(hours=1), next_number=True),
    RetryRule(after=Ending.DISSATISFIED, wait=timedelta(days=1)),
)
"""What happens when a file does not say. An engaged line may be a declined call, so it is never redialed at once."""


class Attempts(Part):
    """How often and how long to try. Only what the customer felt is counted: a ring, an engaged line, an answer."""

    most: Annotated[Whole, Field(ge=1, le=50)] = 5
    """The most counted attempts."""
    within: Duration = timedelta(days=7)
    """The longest total time from enrolment to the last attempt."""
    ring: Annotated[Duration, between(timedelta(seconds=15), timedelta(seconds=60))] = timedelta(seconds=25)
    """How long to let it ring."""
    longest_call: Annotated[Duration, between(timedelta(seconds=30), timedelta(minutes=30))] = timedelta(minutes=5)
    """The call is ended after this. Handbook: aim for 3 minutes, 5 at the most."""
    retry: tuple[RetryRule, ...] = DEFAULT_RETRY
    """The retry table. A row of the file replaces the default row for the same ending; the others stay."""
    other_hour: StrictBool = True
    """Whether the next attempt avoids the hour of day of the last miss."""

    @field_validator("retry", mode="after")
    @classmethod
    def _complete(cls, rows: tuple[RetryRule, ...]) -> tuple[RetryRule, ...]:
        given: set[tuple[Ending, int | None]] = set()
        for row in rows:
            key = (row.after, row.attempt)
            if key in given:
                place = f"attempt {row.attempt}" if row.attempt else "any attempt"
                raise wrong(f"two rows for '{row.after}' after {place}", "keep one of them")
            given.add(key)
        return (*rows, *(row for row in DEFAULT_RETRY if (row.after, None) not in given))


class Promises(Part):
    """How times that customers chose are kept."""

    tolerance: Annotated[Duration, between(timedelta(minutes=1), timedelta(days=1))] = timedelta(minutes=15)
    """How much later than the promised time the call may still be made."""
    missed: Missed = Missed.NEXT_WINDOW
    """What follows when it was not: next_window, escalate (a person takes over) or close."""
    outside_windows: StrictBool = False
    """Whether a promised time may lie outside this campaign's own windows. Law and house hold all the same, unless a
    preset says that a time the customer asked for lifts it."""


class AnsweringMachine(Part):
    """What happens when a machine answers."""

    reaction: MachineReaction = MachineReaction.HANG_UP
    """Hang up, leave a message after the beep, or talk as to a person."""
    message: Text = ""
    """The message to leave; it may hold the same {placeholders} as the script."""

    @model_validator(mode="after")
    def _has_its_message(self) -> Self:
        if (self.reaction is MachineReaction.LEAVE_MESSAGE) != bool(self.message.strip()):
            if self.message:
                raise wrong("a message that nobody leaves", "set 'reaction: leave_message' or remove it")
            raise wrong("no message to leave", "add 'message' with what the machine shall record")
        return self


def _settled(value: object) -> object:
    if isinstance(value, str) and value in set(SETTLED):
        return Disposition(value)
    raise wrong(f"{quoted(value)} is nothing an outcome can count as", f"expected one of {', '.join(SETTLED)}")


class CampaignOutcome(Part):
    """An outcome of the campaign's own, for its reports."""

    label: Text = Field(min_length=1)
    """What reports call it."""
    counts_as: Annotated[
        Disposition, BeforeValidator(_settled), WithJsonSchema({"enum": [str(disposition) for disposition in SETTLED]})
    ]
    """Which of the built-in outcomes it is, which decides whether the customer is called again."""


class Campaign(Part):
    """One campaign file. Run state (running, paused) lives in the database, never here."""

    id: Name = Field(alias="campaign")
    """The campaign's own name, which never changes: small letters, digits, _ and -."""
    title: Text = Field(min_length=1)
    """What people call it."""
    language: Text = Field("en", pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
    """The language of all its texts (BCP 47): en, en-GB, zh-CN."""
    voice: Text = ""
    """The carrier's name for a voice; empty for the carrier's own choice."""
    purpose: Purpose
    """Why it calls: sales, service, survey, renewal, collection or appointment."""
    may_sell: StrictBool = False
    """Whether the conversation may turn to selling. If so, the rules for sales bind it as well."""
    sectors: tuple[Name, ...] = ()
    """The lines of business it speaks of (`life_insurance`, `motor`), for rules that bind only those."""
    subject: Name | None = None
    """The matter it calls about, which rules count calls by; campaigns that name the same one are counted together."""
    company: Text = Field(min_length=1)
    """Who calls, as it is spoken: {company} in texts."""
    hotline: Text = Field(min_length=1)
    """The official number on which the customer can check and answer, as it is spoken: {hotline} in texts."""
    fields: dict[Name, FieldType] = Field(default_factory=dict)
    """The customer's own attributes this campaign uses, and what they hold: date, text or number."""
    who: Filter = Filter()
    """Who is called; everybody when it is left out."""
    why_now: WhyNow = WhyNow()
    """When the reason to call exists, and the deadline."""
    when: When
    """When calls may be made."""
    priority: Priority = Priority()
    """Who goes first."""
    attempts: Attempts = Attempts()
    """How often and how long to try."""
    promises: Promises = Promises()
    """How times that customers chose are kept."""
    caller_id: Text = Field("", pattern=r"^(\+[1-9][0-9]{6,14})?$")
    """The number the customer sees, as +countrynumber; the house's own when it is left out."""
    answering_machine: AnsweringMachine = AnsweringMachine()
    """What happens when a machine answers."""
    script: Script
    """The conversation, with the machine or with an agent who reads it from the screen."""
    agents: Staffing | None = None
    """The agents who talk to the customers; without this block the script talks by itself."""
    outcomes: dict[Name, CampaignOutcome] = Field(default_factory=dict)
    """Outcomes of the campaign's own, which the script may name."""

    @property
    def purposes(self) -> frozenset[Purpose]:
        """The purposes whose rules bind it: its own, and sales where it may sell."""
        return frozenset({self.purpose, Purpose.SALES} if self.may_sell else {self.purpose})

    @property
    def mode(self) -> Mode:
        """How calls and agents come together."""
        return self.agents.mode if self.agents is not None else Mode.AGENTLESS

    @property
    def longest(self) -> timedelta:
        """The carrier ends a call after this."""
        return self.agents.longest if self.agents is not None else self.attempts.longest_call

    @property
    def matter(self) -> str:
        """The name by which calls about the same matter are counted: its `subject`, else its own."""
        return self.subject or self.id


def version(document: Mapping[str, Any]) -> str:
    """The version of a campaign file: twelve hexadecimal digits over its content.

    Comments, the order of keys and the layout make no difference; every value does.
    """
    canonical = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]
