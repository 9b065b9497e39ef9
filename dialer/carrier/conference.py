"""One conference: who was in it from when to when, as Twilio's API shows it and as tests want to see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import uuid4

from dialer.carrier.call import API_VERSION
from dialer.carrier.clock import iso8601, rfc2822

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.carrier.dial import Subscription
    from dialer.carrier.hook import Hook
    from dialer.carrier.line import Line


class Phase(StrEnum):
    """Twilio's conference statuses."""

    INIT = "init"  # whoever is in waits: fewer than two, or nobody who starts it
    IN_PROGRESS = "in-progress"  # two or more were mixed
    COMPLETED = "completed"  # over; the name is free for another conference


class EndReason(StrEnum):
    """Twilio's reasons why a conference ended."""

    BY_CLIENT = "conference-ended-via-api"  # the client set its status to completed
    ENDER_LEFT = "participant-with-end-conference-on-exit-left"  # one with endConferenceOnExit went
    ENDER_REMOVED = "participant-with-end-conference-on-exit-kicked"  # one with it was removed by the client
    LAST_LEFT = "last-participant-left"  # nobody is in any more
    LAST_REMOVED = "last-participant-kicked"  # the client removed the last one


class LeaveReason(StrEnum):
    """Twilio's reasons why a participant left."""

    BY_CLIENT = "participant_updated_via_api"  # removed, or the call was redirected or ended by the client
    HUNG_UP = "participant_hung_up"  # hung up, dropped, or at a time limit
    ENDED_BY_CLIENT = "conference_ended_via_api"  # the client ended the conference
    ENDED_BY_OTHER = "moderator_ended_conference"  # another participant's exit ended it


@dataclass(slots=True, eq=False)
class Participant:
    """One call's stay in a conference. Instants are real and UTC."""

    account_sid: str
    conference_sid: str
    call_sid: str
    label: str
    muted: bool
    starts: bool
    ends: bool
    is_agent: bool
    joined: datetime
    line: Line | None
    hold: bool = False
    updated: datetime | None = None
    left: datetime | None = None
    left_because: LeaveReason | None = None
    met: bool = False  # whether it was ever mixed with somebody

    def resource(self) -> dict[str, object]:
        """The participant as the API's JSON shows it."""
        parent = f"/{API_VERSION}/Accounts/{self.account_sid}/Conferences/{self.conference_sid}"
        return {
            "account_sid": self.account_sid, "call_sid": self.call_sid, "label": self.label or None,
            "call_sid_to_coach": None, "coaching": False, "conference_sid": self.conference_sid,
            "date_created": rfc2822(self.joined), "date_updated": rfc2822(self.updated or self.joined),
            "end_conference_on_exit": self.ends, "muted": self.muted, "hold": self.hold,
            "start_conference_on_enter": self.starts, "status": "connected", "queue_time": None,
            "uri": f"{parent}/Participants/{self.call_sid}.json",
        }  # fmt: skip

    def told(self) -> dict[str, str]:
        """What a callback about the participant says of it. A label is told only if there is one."""
        fields = {
            "CallSid": self.call_sid, "Muted": _flag(self.muted), "Hold": _flag(self.hold), "Coaching": "false",
            "EndConferenceOnExit": _flag(self.ends), "StartConferenceOnEnter": _flag(self.starts),
        }  # fmt: skip
        return {**fields, "ParticipantLabel": self.label} if self.label else fields

    def account(self) -> dict[str, object]:
        """The stay, for tests."""
        return {
            "label": self.label, "call": self.call_sid, "agent": self.is_agent, "joined": iso8601(self.joined),
            "left": iso8601(self.left), "reason": None if self.left_because is None else self.left_because.value,
        }  # fmt: skip


@dataclass(slots=True, eq=False)
class Conference:
    """The record of one conference. Its callback, its events and its size are its first participant's wish."""

    account_sid: str
    name: str
    nth: int
    created: datetime
    callback: Hook | None
    events: frozenset[Subscription]
    limit: int
    sid: str = field(default_factory=lambda: f"CF{uuid4().hex}")
    phase: Phase = Phase.INIT
    updated: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    end_reason: EndReason | None = None
    ended_by: Participant | None = None
    most: int = 0
    refused: int = 0
    next_sequence: int = 1
    everybody: list[Participant] = field(default_factory=list)
    present: dict[str, Participant] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)
    events_sent: list[str] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.phase is Phase.COMPLETED

    @property
    def mixes(self) -> bool:
        """Whether those who are in hear each other now."""
        return self.phase is Phase.IN_PROGRESS and len(self.present) > 1

    @property
    def occasion(self) -> tuple[object, ...]:
        """What the seed draws this conference's faults from."""
        return self.name, self.nth

    def resource(self) -> dict[str, object]:
        """The conference as the API's JSON shows it."""
        uri = f"/{API_VERSION}/Accounts/{self.account_sid}/Conferences/{self.sid}"
        return {
            "account_sid": self.account_sid, "sid": self.sid, "friendly_name": self.name, "region": "us1",
            "status": self.phase.value, "api_version": API_VERSION, "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.updated or self.created),
            "reason_conference_ended": None if self.end_reason is None else self.end_reason.value,
            "call_sid_ending_conference": None if self.ended_by is None else self.ended_by.call_sid,
            "uri": f"{uri}.json",
            "subresource_uris": {
                "participants": f"{uri}/Participants.json", "recordings": f"{uri}/Recordings.json",
            },
        }  # fmt: skip

    def account(self) -> dict[str, object]:
        """Everything about the conference, for tests to compare with the client's own record."""
        return {
            "sid": self.sid, "name": self.name, "status": self.phase.value, "created": iso8601(self.created),
            "started": iso8601(self.started), "ended": iso8601(self.ended),
            "reason": None if self.end_reason is None else self.end_reason.value,
            "participants": [one.account() for one in self.everybody], "most": self.most, "refused": self.refused,
            "callback": None if self.callback is None else self.callback.url, "events": list(self.events_sent),
            "errors": list(self.errors), "faults": list(self.faults),
        }  # fmt: skip


def _flag(value: bool) -> str:  # noqa: FBT001 - it is the value itself
    return "true" if value else "false"
