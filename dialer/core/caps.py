"""How often a customer may be called, and how long they are left alone, as rules write it."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from dialer.core.document import Duration, Part, Whole, between, parse_duration, quoted, wrong
from dialer.core.short_form import NOT_EMPTY, OR_ONE

_DURATION_SCHEMA = {"type": "string", "examples": ["24 h", "7 days"]}


class CalendarPeriod(StrEnum):
    """A period that begins at a midnight, not with the first call."""

    LOCAL_DAY = "local_day"  # of the called party's calendar
    CALENDAR_MONTH = "calendar_month"  # of the called party's calendar


class Counts(StrEnum):
    """What a cap counts."""

    ATTEMPTS = "attempts"  # every dial that reached the network
    CALLS = "calls"  # every dial the customer could notice, texts included
    CONVERSATIONS = "conversations"  # a person answered
    UNANSWERED = "unanswered"  # nobody answered, or the call was declined


class Per(StrEnum):
    """Whose calls are counted together."""

    PERSON = "person"  # over all their numbers
    NUMBER = "number"  # over all people behind it
    SUBJECT = "subject"  # the matter called about: a debt, an offer
    CAMPAIGN = "campaign"


class After(StrEnum):
    """What a cool-off follows."""

    REFUSED = "refused"  # the customer does not want this
    CONVERSATION = "conversation"  # a person was spoken to
    COMPLETED = "completed"  # the conversation came to its end and was accepted
    ABANDONED = "abandoned"  # a person answered and no agent came in time
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    OPTED_OUT = "opted_out"  # the customer wants no calls at all


def _period(value: object) -> object:
    if isinstance(value, (timedelta, CalendarPeriod)):
        return value
    if isinstance(value, str) and value in set(CalendarPeriod):
        return CalendarPeriod(value)
    if not isinstance(value, str) or value.replace("_", "").isalpha():
        names = " or ".join(CalendarPeriod)
        raise wrong(f"{quoted(value)} is no period", f"expected a length such as '24 h' or '7 days', or {names}")
    span = parse_duration(value)
    if not span:
        raise wrong("a period has to last", "expected a length such as '24 h' or '7 days'")
    return span


Period = Annotated[
    timedelta | CalendarPeriod,
    BeforeValidator(_period),
    WithJsonSchema({"anyOf": [_DURATION_SCHEMA, {"enum": [str(period) for period in CalendarPeriod]}]}),
]
"""A rolling length of time (`24 h`), or a period of the called party's calendar."""
Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, between 0 and 1."""


class Cap(Part):
    """At most `max` of what it counts, in any one period."""

    max: Annotated[Whole, Field(ge=1, le=1000)]
    """The most that is allowed; the next one is refused."""
    period: Period
    """A rolling length such as `24 h`, or local_day or calendar_month."""
    counts: Counts
    """attempts, calls, conversations or unanswered."""
    per: Annotated[tuple[Per, ...], NOT_EMPTY, OR_ONE]
    """person, number, subject or campaign; several together (`[person, subject]`) mean each combination.

    Where neither person nor number is named, person is meant: `subject` alone is as good as `[person, subject]`.
    """


class CoolOff(Part):
    """How long nobody calls again after something happened."""

    after: After
    """What happened."""
    wait: Annotated[Duration, between(timedelta(minutes=1), timedelta(days=3660))]
    """How long to wait at least."""
    per: Annotated[tuple[Per, ...], NOT_EMPTY, OR_ONE] = (Per.PERSON,)
    """Whom, or which matter, it is left alone; as for a cap, and as there person is meant where neither person nor
    number is named."""


class Base(StrEnum):
    """What a rate of abandoned calls is a share of."""

    ANSWERED_LIVE = "answered_live"  # calls that a person answered
    CALLS = "calls"  # all calls


class Keeper(StrEnum):
    """Over whose calls a rate is measured."""

    CAMPAIGN = "campaign"
    HOUSE = "house"  # everything this installation dials


class Abandonment(Part):
    """How many people may answer and find nobody there."""

    max_rate: Share
    """The largest share allowed: 0.03 is three in a hundred."""
    of: Base
    """answered_live or calls."""
    per: Keeper
    """campaign or house."""
    period: Period
    """Over which it is measured."""
    connect_within: Duration | None = None
    """An answer counts as abandoned when no agent speaks within this."""
    ring_at_least: Duration | None = None
    """How long an unanswered call has to ring."""
