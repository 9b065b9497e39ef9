"""What an agent's screen shows: where they stand, the customer in hand, and the page of the script they are on."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from dialer.core.agent import Agent, Presence
    from dialer.core.outcome import Disposition
    from dialer.core.phone import PhoneNumber
    from dialer.core.staffing import Mode


class Stage(StrEnum):
    """How far the call in hand is."""

    PREVIEW = "preview"  # nothing is dialed yet: the agent looks at the file
    DIALING = "dialing"  # it rings
    CONNECTED = "connected"  # they talk
    WRAP_UP = "wrap_up"  # it is over, and the record is not finished


class NextStep(StrEnum):
    """What follows a conversation, as the agent says."""

    DONE = "done"  # whatever the chosen outcome means
    PROMISE = "promise"  # called again at a time the customer named
    CASE = "case"  # a person must look into something: a task
    OPT_OUT = "opt_out"  # never again
    WRONG_NUMBER = "wrong_number"  # somebody else's


@dataclass(frozen=True, slots=True)
class Option:
    """An answer that the customer may give to the question on the page."""

    key: str  # also the key of the keyboard
    label: str


@dataclass(frozen=True, slots=True)
class ScriptPage:
    """What the agent says now, with the customer's fields filled in. `node` is empty at the end of the script."""

    spoken: tuple[str, ...]
    node: str = ""
    tries: int = 1
    question: str = ""
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class PastCall:
    """An earlier call to this customer."""

    at: datetime
    campaign: str
    ending: str
    agent: str
    talk: timedelta | None
    notes: str
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Choice:
    """An outcome that the agent may choose."""

    code: str  # the campaign's own, or a built-in one
    label: str  # the campaign's words; empty for a built-in one, which the screen translates by its code
    counts_as: Disposition


@dataclass(frozen=True, slots=True)
class CallView:
    """The customer in hand."""

    attempt: str
    campaign: str
    title: str
    mode: Mode
    stage: Stage
    since: datetime  # when this stage began
    reference: str
    name: str
    salutation: str
    tier: str
    language: str  # of the conversation
    number: PhoneNumber  # shows itself masked
    zones: tuple[str, ...]
    region: str
    fields: Mapping[str, str]  # the customer's fields that the campaign uses
    page: ScriptPage
    answers: Mapping[str, str]  # given so far, by question
    history: tuple[PastCall, ...]
    outcomes: tuple[Choice, ...]
    chosen: str = ""  # the outcome that stands, chosen or established by the script
    notes: str = ""
    promise_at: datetime | None = None  # a time written down in this call
    ends_at: datetime | None = None  # when the countdown (preview) or the wrap-up timer is over
    dials_at_zero: bool = True  # preview: whether it is dialed then, or goes back
    warn_at: datetime | None = None  # connected: when the agent is warned and the call is flagged
    flag_at: datetime | None = None
    promised_for: datetime | None = None  # this call is one the customer was promised


@dataclass(frozen=True, slots=True)
class Ahead:
    """Something that waits for this agent: a promised call or a task."""

    at: datetime | None
    what: str  # promise, or the kind of the task
    reference: str
    name: str
    campaign: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class AgentView:
    """Everything on one agent's screen."""

    agent: Agent
    presence: Presence
    leg: str  # none, calling, parked
    leg_tries: int
    call: CallView | None = None
    ahead: tuple[Ahead, ...] = ()
    campaigns: tuple[tuple[str, str], ...] = ()  # those this agent takes calls of: name and title
    today: Mapping[str, int] = field(default_factory=dict)  # calls, reached, promises: this agent's of today


@dataclass(frozen=True, slots=True)
class Record:
    """What an agent writes down about a conversation."""

    outcome: str = ""  # code of a Choice; empty: what the script established
    notes: str = ""
    next_step: NextStep = NextStep.DONE
    at: datetime | None = None  # promise: the wall clock time the customer named, without offset
    zone: str = ""  # promise: on whose clock; empty: the customer's
    person: str = ""  # case: who looks into it; empty: the campaign's person
    another_agent: bool = False  # the next call about it is made by somebody else
