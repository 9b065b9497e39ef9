"""One call's stay in a conference: entering it, what its person does there, and what the stay came to."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from dialer.carrier.conference import LeaveReason
from dialer.carrier.fault import Fault
from dialer.carrier.line import Ended
from dialer.carrier.person import Answer
from dialer.carrier.rooms import NoEntry

if TYPE_CHECKING:
    from dialer.carrier.call import Call
    from dialer.carrier.clock import Clock
    from dialer.carrier.conference import Participant
    from dialer.carrier.dial import Dial
    from dialer.carrier.fault import Faults
    from dialer.carrier.hook import Hook
    from dialer.carrier.line import Line
    from dialer.carrier.rooms import Rooms

log = logging.getLogger(__name__)

DROPS_WITHIN_SECONDS = 20.0  # of somebody's company, when an agent's leg is struck by the fault agent-drops
_MOMENT_SECONDS = 1e-6  # two ends closer than this are the same: sums of seconds are not exact


@dataclass(frozen=True, slots=True)
class Floor:
    """What every stay needs: the rooms, the time and the faults."""

    rooms: Rooms
    clock: Clock
    faults: Faults


class Stay:
    """Performs one <Dial><Conference>. Seconds are simulated and count from the call's answer."""

    def __init__(self, call: Call, line: Line, floor: Floor) -> None:
        self._call = call
        self._line = line
        self._floor = floor
        self._in_company = False
        self._acts_at = inf
        self._act = "callee"

    async def through(self, dial: Dial, callback: Hook | None) -> dict[str, str]:
        """Enter, stay and leave; returns the fields the action is asked with.

        Raises `Ended` when the call ends in the conference, `Redirected` when the client pulls it out: whoever ends or
        redirects the call lets it out.
        """
        await self._walk_in(dial.seat.name)
        try:
            participant = self._floor.rooms.join(self._call, self._line, dial.seat, callback)
        except NoEntry as refused:
            self._call.errors.append(refused.code)
            log.warning("call %s: error %s: %s", self._call.sid, refused.code, refused)
            return {"DialCallStatus": "failed", "DialBridged": "false"}
        began = self._line.seconds
        await self._remain(participant, began + dial.limit_seconds)
        return {
            "DialCallStatus": "answered",
            "DialCallDuration": str(round(self._line.seconds - began)),
            "DialBridged": "true" if participant.met else "false",
        }

    async def _walk_in(self, name: str) -> None:
        faults, call = self._floor.faults, self._call
        if faults.strikes(Fault.JOIN_SLOW, call.order.to, call.nth_call, name):
            call.faults.append(Fault.JOIN_SLOW)
            await self._line.wait(faults.seconds(Fault.JOIN_SLOW) * self._floor.clock.speed)

    async def _remain(self, participant: Participant, until: float) -> None:
        """Stay until let out, the dial's limit, or the person's own wish to go."""
        self._acts_at = self._line.seconds + self._patience()
        while participant.left is None:
            self._look_around(participant)
            now = self._line.seconds
            if now >= self._acts_at - _MOMENT_SECONDS:
                raise Ended(self._act)
            if now >= until - _MOMENT_SECONDS:
                self._floor.rooms.leave(self._call.sid, LeaveReason.HUNG_UP, "in-progress")
                return
            await self._line.doze(min(self._acts_at, until) - now)

    def _look_around(self, participant: Participant) -> None:
        """Notice that somebody came or went, and decide when to go oneself."""
        company = self._floor.rooms.of(participant).mixes
        if company == self._in_company:
            return
        self._in_company = company
        now = self._line.seconds
        self._acts_at = now + (self._talk(participant) if company else self._patience())

    def _patience(self) -> float:
        person = self._call.person
        return person.patience_seconds if person.answer is Answer.HUMAN else inf

    def _talk(self, participant: Participant) -> float:
        """Seconds of company after which the person goes on their own: never, if the other side ends it."""
        person = self._call.person
        if person.answer is Answer.AGENT:
            return self._dropped_after(participant)
        return person.talk_seconds if person.answer is Answer.HUMAN and person.hangs_up_first else inf

    def _dropped_after(self, participant: Participant) -> float:
        faults, conference = self._floor.faults, self._floor.rooms.of(participant)
        occasion = (*conference.occasion, len(conference.everybody))
        if not faults.strikes(Fault.AGENT_DROPS, *occasion):
            return inf
        self._call.faults.append(Fault.AGENT_DROPS)
        self._act = "drop"
        return faults.draw("drops after", *occasion) * DROPS_WITHIN_SECONDS
