"""Rows of the record, as reports read them: what was attempted, and where each callback stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from dialer.core.lifecycle import AttemptState
    from dialer.core.outcome import AnsweredBy, Disposition, Ending, Network
    from dialer.core.phone import PhoneNumber


class CallbackState(StrEnum):
    """Where one customer's place in one campaign stands."""

    WAITING = "waiting"  # due or to become due; in the queue
    CALLING = "calling"  # an attempt is open
    HELD = "held"  # cannot go on without a person: no zone, no usable number, several calls, a VIP not reached
    DONE = "done"  # the conversation took place
    CLOSED = "closed"  # ended without one; `reason` says why


class Reason(StrEnum):
    """Why a callback is held or closed (axis a of the outcome): the rule that decided it."""

    OPTED_OUT = "opted_out"
    REFUSED = "refused"
    NO_NUMBER = "no_number"  # the customer has no number
    NUMBER_POLICY = "number_policy"  # every number is one we never dial
    BAD_NUMBER = "bad_number"  # every number was refused by the network for good
    NO_ZONE = "no_zone"  # nobody knows what time it is there
    WRONG_PERSON = "wrong_person"
    NO_WINDOW = "no_window"  # no legal minute is left
    UNREACHED = "unreached"  # the attempts the campaign allows are used up
    STOPPED = "stopped"  # the campaign's retry table ends it after such an attempt
    EXPIRED = "expired"  # the longest total time of the campaign is over
    NOT_TARGETED = "not_targeted"  # the campaign's filter no longer selects the customer
    CAMPAIGN_ENDED = "campaign_ended"
    UNCLEAR_TIME = "unclear_time"  # the customer chose a time of day, and may be in several zones
    PROMISE_MISSED = "promise_missed"  # the time the customer chose has passed, or cannot be kept
    NEEDS_HUMAN = "needs_human"  # the carrier shows several calls that could be ours


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One attempt. Instants are UTC."""

    attempt: str
    callback: int
    customer: str
    name: str
    tier: str
    campaign: str
    campaign_version: str
    number: PhoneNumber
    carrier_call_id: str
    state: AttemptState
    created: datetime
    rang: datetime | None
    answered: datetime | None
    ended: datetime | None
    talk: timedelta | None
    network: Network | None
    answered_by: AnsweredBy
    disposition: Disposition
    ending: Ending | None  # None while the attempt is open
    code: str
    counted: bool
    failure: str
    allowed_because: tuple[str, ...]  # the rules that passed, with their reasons
    zones: tuple[str, ...]
    agent: str = ""  # who talked or was set aside, else the customer's own
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # node -> answer
    connected: datetime | None = None  # when the customer and the agent were both there
    notes: str = ""  # what the agent wrote down


@dataclass(frozen=True, slots=True)
class CallbackRecord:
    """One callback. Instants are UTC; `next_at` is set while it waits."""

    callback: int
    customer: str
    name: str
    tier: str
    vip: bool
    campaign: str
    occasion: str
    state: CallbackState
    reason: Reason | None
    note: str  # the reason in words
    due: datetime
    deadline: datetime
    enrolled: datetime
    closed: datetime | None
    attempts: int  # counted ones
    number: PhoneNumber | None  # the number called last, else the first of the file
    last_called: datetime | None
    reached: datetime | None  # when the customer was first spoken to
    ending: Ending | None  # of the last counted attempt
    code: str
    agent: str
    next_at: datetime | None
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    slack: timedelta | None = None  # callable time between enrolment and deadline; None when nobody reckoned it
    feasible: bool | None = None  # whether that was enough for a call
    promises: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))  # how many in which state
    promised_at: datetime | None = None  # the time the customer chose, while it can still be kept
    tasks: int = 0  # what people still have to do about it
    person: str = ""  # whom that is for
