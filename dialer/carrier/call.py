"""One call: what happened to it so far, as Twilio's API and callbacks show it and as tests want to see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from typing import TYPE_CHECKING
from uuid import uuid4

from dialer.carrier.clock import iso8601, rfc2822
from dialer.carrier.fields import Fields

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.carrier.order import Order, Source
    from dialer.carrier.person import Person

API_VERSION = "2010-04-01"


class Status(StrEnum):
    """Twilio's call statuses."""

    QUEUED = "queued"  # accepted, waits for its turn under the account's calls per second
    INITIATED = "initiated"  # being dialed
    RINGING = "ringing"  # the callee's telephone rings
    IN_PROGRESS = "in-progress"  # answered
    COMPLETED = "completed"  # answered and over
    BUSY = "busy"  # engaged
    NO_ANSWER = "no-answer"  # rang until the caller gave up
    FAILED = "failed"  # could not be connected
    CANCELED = "canceled"  # taken back before it was answered


TERMINAL = frozenset({Status.COMPLETED, Status.BUSY, Status.NO_ANSWER, Status.FAILED, Status.CANCELED})


@dataclass(slots=True, eq=False)
class Call:
    """The record of one call. Instants are real and UTC, seconds are simulated."""

    account_sid: str
    order: Order
    person: Person
    nth_call: int
    created: datetime
    visible_from: float
    sid: str = field(default_factory=lambda: f"CA{uuid4().hex}")
    status: Status = Status.QUEUED
    updated: datetime | None = None
    dialed: datetime | None = None
    rang: datetime | None = None
    answered: datetime | None = None
    ended: datetime | None = None
    queue_seconds: float = 0.0
    talk_seconds: float = 0.0
    sip: int | None = None
    answered_by: str | None = None
    detection_ms: int | None = None
    ended_by: str | None = None
    keys: list[str] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)
    events_sent: list[str] = field(default_factory=list)
    redirect: Source | None = None
    next_sequence: int = 0
    faults: list[str] = field(default_factory=list)
    conference: str | None = None
    _identity: Fields | None = None

    @property
    def over(self) -> bool:
        """Whether the call has reached one of its final statuses."""
        return self.status in TERMINAL

    @property
    def occasion(self) -> tuple[object, ...]:
        """What the seed draws this call's faults from."""
        return self.order.to, self.nth_call

    @property
    def duration(self) -> int:
        """Whole simulated seconds talked, rounded up as carriers bill."""
        return ceil(self.talk_seconds - 1e-6)

    def move(self, status: Status, now: datetime) -> None:
        """Enter a status. A final status is never left."""
        if self.over:
            raise AssertionError(f"{self.sid} is {self.status} and cannot become {status}")
        self.status = status
        self.updated = now
        if status is Status.INITIATED:
            self.dialed = now
        elif status is Status.RINGING:
            self.rang = now
        elif status is Status.IN_PROGRESS:
            self.answered = now
        elif status in TERMINAL:
            self.ended = now

    def identity(self) -> Fields:
        """The fields every request about this call carries, the geographic ones blank."""
        if self._identity is None:
            to, from_ = self.order.to, self.order.from_
            self._identity = Fields.of({
                "AccountSid": self.account_sid, "ApiVersion": API_VERSION, "CallSid": self.sid,
                "Called": to, "CalledCity": "", "CalledCountry": "", "CalledState": "", "CalledZip": "",
                "Caller": from_, "CallerCity": "", "CallerCountry": "", "CallerState": "", "CallerZip": "",
                "Direction": "outbound-api", "From": from_, "FromCity": "", "FromCountry": "", "FromState": "",
                "FromZip": "", "To": to, "ToCity": "", "ToCountry": "", "ToState": "", "ToZip": "",
            })  # fmt: skip
        return self._identity

    def settle(self) -> None:
        """Let go of what only a running call needs: a long run keeps every call."""
        self.person.chance = None
        self._identity = None

    def resource(self) -> dict[str, object]:
        """The call as the API's JSON shows it."""
        uri = f"/{API_VERSION}/Accounts/{self.account_sid}/Calls/{self.sid}"
        order = self.order
        return {
            "sid": self.sid, "account_sid": self.account_sid, "parent_call_sid": None,
            "date_created": rfc2822(self.created), "date_updated": rfc2822(self.updated or self.created),
            "to": order.to, "to_formatted": order.to, "from": order.from_, "from_formatted": order.from_,
            "phone_number_sid": None, "status": self.status.value,
            "start_time": rfc2822(self.dialed), "end_time": rfc2822(self.ended),
            "duration": str(self.duration) if self.over else None,
            "price": None, "price_unit": "USD", "direction": "outbound-api", "answered_by": self.answered_by,
            "annotation": None, "api_version": API_VERSION, "forwarded_from": None, "group_sid": None,
            "caller_name": None, "queue_time": str(round(self.queue_seconds * 1000)), "trunk_sid": None,
            "uri": f"{uri}.json",
            "subresource_uris": {
                name: f"{uri}/{path}.json" for name, path in (
                    ("events", "Events"), ("notifications", "Notifications"), ("payments", "Payments"),
                    ("recordings", "Recordings"), ("siprec", "Siprec"), ("streams", "Streams"),
                    ("transcriptions", "Transcriptions"), ("user_defined_messages", "UserDefinedMessages"),
                    ("user_defined_message_subscriptions", "UserDefinedMessageSubscriptions"),
                )
            },
        }  # fmt: skip

    def account(self) -> dict[str, object]:
        """Everything about the call, for tests to compare with the client's own record."""
        order = self.order
        return {
            "sid": self.sid, "to": order.to, "from": order.from_, "nth_call": self.nth_call,
            "status": self.status.value, "created": iso8601(self.created), "dialed": iso8601(self.dialed),
            "rang": iso8601(self.rang), "answered": iso8601(self.answered), "ended": iso8601(self.ended),
            "duration": self.duration, "answer": self.person.answer.value, "answered_by": self.answered_by,
            "ended_by": self.ended_by, "sip": self.sip, "keys": list(self.keys),
            "conference": self.conference,
            "url": None if order.source.hook is None else order.source.hook.url,
            "status_callback": None if order.status_callback is None else order.status_callback.url,
            "events": list(self.events_sent), "errors": list(self.errors), "faults": list(self.faults),
        }  # fmt: skip
