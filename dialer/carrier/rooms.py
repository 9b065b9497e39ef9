"""The conferences there are and were: who may enter, who hears whom, and when a conference is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.carrier.bulletin import Happening
from dialer.carrier.conference import Conference, EndReason, LeaveReason, Participant, Phase
from dialer.carrier.person import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dialer.carrier.bulletin import Bulletin
    from dialer.carrier.call import Call
    from dialer.carrier.clock import Clock
    from dialer.carrier.dial import Seat
    from dialer.carrier.hook import Hook
    from dialer.carrier.line import Line

_REMOVED = {EndReason.ENDER_LEFT: EndReason.ENDER_REMOVED, EndReason.LAST_LEFT: EndReason.LAST_REMOVED}


class NoEntry(Exception):  # noqa: N818 - an answer to a caller, no error of the program
    """A conference did not let somebody in; `code` is Twilio's error, and nobody was mixed."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Rooms:
    """Conferences by friendly name: alive while somebody is in."""

    def __init__(self, account_sid: str, clock: Clock, bulletin: Bulletin) -> None:
        self.all: dict[str, Conference] = {}
        self.joins = 0
        self.refused = 0
        self._account_sid = account_sid
        self._clock = clock
        self._bulletin = bulletin
        self._live: dict[str, Conference] = {}
        self._count: dict[str, int] = {}
        self._whereabouts: dict[str, Participant] = {}

    def at(self, sid_or_name: str) -> Conference | None:
        """A conference by its sid, or the one that is alive under a name."""
        return self.all.get(sid_or_name) or self._live.get(sid_or_name)

    def newest_first(self) -> Sequence[Conference]:
        """All conferences as the API lists them."""
        return list(reversed(self.all.values()))

    def of(self, participant: Participant) -> Conference:
        """The conference somebody is or was in."""
        return self.all[participant.conference_sid]

    def join(self, call: Call, line: Line, seat: Seat, callback: Hook | None) -> Participant:
        """Let a call into a conference; the first one in makes it.

        Raises `NoEntry`: 16020 when it is full, 16025 when its label is in use there. Which participant's
        maxParticipants counts, Twilio does not say: here the first one's and the joiner's own.
        """
        conference = self._live.get(seat.name)
        if conference is not None:
            self._admit(conference, seat)
        else:
            conference = self._open(seat, callback)
        participant = Participant(
            account_sid=self._account_sid,
            conference_sid=conference.sid,
            call_sid=call.sid,
            label=seat.label,
            muted=seat.muted,
            starts=seat.starts,
            ends=seat.ends,
            is_agent=call.person.answer is Answer.AGENT,
            joined=self._clock.now(),
            line=line,
        )
        self.joins += 1
        call.conference = conference.name
        self._seat(conference, participant)
        return participant

    def leave(self, call_sid: str, reason: LeaveReason, call_status: str) -> None:
        """Let a call out of the conference it is in, if it is in one."""
        participant = self._whereabouts.get(call_sid)
        if participant is not None:
            self._out(participant, reason, call_status)

    def remove(self, participant: Participant) -> None:
        """Put somebody out at the client's wish: their call goes on without the conference."""
        self._out(participant, LeaveReason.BY_CLIENT, "in-progress", removed=True)

    def end(self, conference: Conference) -> None:
        """End a conference at the client's wish: every call in it goes on without it."""
        if not conference.over:
            self._close(conference, EndReason.BY_CLIENT, None)

    def change(
        self, participant: Participant, *, muted: bool | None = None, hold: bool | None = None, ends: bool | None = None
    ) -> None:
        """Mute somebody, put them on hold, or let their exit end the conference. None leaves it as it is."""
        conference = self.of(participant)
        participant.updated = self._clock.now()
        if muted is not None and muted != participant.muted:
            participant.muted = muted
            self._bulletin.tell(conference, Happening.MUTE if muted else Happening.UNMUTE, participant)
        if hold is not None and hold != participant.hold:
            participant.hold = hold
            self._bulletin.tell(conference, Happening.HOLD if hold else Happening.UNHOLD, participant)
        if ends is not None and ends != participant.ends:
            participant.ends = ends
            self._bulletin.tell(conference, Happening.MODIFY, participant)

    def _open(self, seat: Seat, callback: Hook | None) -> Conference:
        nth = self._count[seat.name] = self._count.get(seat.name, 0) + 1
        conference = Conference(
            account_sid=self._account_sid,
            name=seat.name,
            nth=nth,
            created=self._clock.now(),
            callback=callback,
            events=seat.events,
            limit=seat.most,
        )
        self.all[conference.sid] = self._live[seat.name] = conference
        return conference

    def _admit(self, conference: Conference, seat: Seat) -> None:
        problem: NoEntry | None = None
        if len(conference.present) >= min(conference.limit, seat.most):
            problem = NoEntry(16020, f"conference {seat.name} is full: {len(conference.present)} are in")
        elif seat.label and any(one.label == seat.label for one in conference.present.values()):
            problem = NoEntry(16025, f"the label {seat.label} is in use in conference {seat.name}")
        if problem is not None:
            conference.refused += 1
            self.refused += 1
            raise problem

    def _seat(self, conference: Conference, participant: Participant) -> None:
        others = list(conference.present.values())
        conference.present[participant.call_sid] = self._whereabouts[participant.call_sid] = participant
        conference.everybody.append(participant)
        conference.most = max(conference.most, len(conference.present))
        self._bulletin.tell(conference, Happening.JOIN, participant)
        everybody = [*others, participant]
        if conference.phase is Phase.INIT and others and any(one.starts for one in everybody):
            conference.phase = Phase.IN_PROGRESS
            conference.started = conference.updated = self._clock.now()
            self._bulletin.tell(conference, Happening.START, None)
        for one in everybody:
            one.met = one.met or conference.mixes
        _stir(others)

    def _out(self, who: Participant, reason: LeaveReason, call_status: str, *, removed: bool = False) -> None:
        conference = self.of(who)
        self._unseat(conference, who, reason, call_status)
        if who.ends or not conference.present:
            why = EndReason.ENDER_LEFT if who.ends else EndReason.LAST_LEFT
            self._close(conference, _REMOVED[why] if removed else why, who)
        else:
            _stir(list(conference.present.values()))

    def _unseat(self, conference: Conference, who: Participant, reason: LeaveReason, call_status: str) -> None:
        del conference.present[who.call_sid], self._whereabouts[who.call_sid]
        who.left, who.left_because = self._clock.now(), reason
        _stir([who])
        who.line = None
        told = {"ParticipantCallStatus": call_status, "ReasonParticipantLeft": reason.value}
        self._bulletin.tell(conference, Happening.LEAVE, who, told)

    def _close(self, conference: Conference, reason: EndReason, by: Participant | None) -> None:
        left = LeaveReason.ENDED_BY_OTHER if by is not None else LeaveReason.ENDED_BY_CLIENT
        conference.phase = Phase.COMPLETED
        del self._live[conference.name]
        for one in list(conference.present.values()):
            self._unseat(conference, one, left, "in-progress")
        conference.ended = conference.updated = self._clock.now()
        conference.end_reason, conference.ended_by = reason, by
        told = {"ReasonConferenceEnded": reason.value, "Reason": f"Conference ended: {reason.value.replace('-', ' ')}"}
        if by is not None:
            told["CallSidEndingConference"] = by.call_sid
        if by is not None and by.label:
            told["ParticipantLabelEndingConference"] = by.label
        self._bulletin.tell(conference, Happening.END, None, told)


def _stir(participants: Sequence[Participant]) -> None:
    """Wake the lines of those for whom something changed."""
    for one in participants:
        if one.line is not None:
            one.line.stir()
