"""The life of one call: queued, dialed, ringing, answered or not, talked, over."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from dialer.carrier.call import Status
from dialer.carrier.conference import LeaveReason
from dialer.carrier.conversation import Conversation
from dialer.carrier.detection import detect
from dialer.carrier.line import Ended, Line
from dialer.carrier.order import Event
from dialer.carrier.person import Answer

if TYPE_CHECKING:
    from dialer.carrier.call import Call
    from dialer.carrier.courier import Courier
    from dialer.carrier.detection import Verdict
    from dialer.carrier.order import Change
    from dialer.carrier.pacer import Pacer
    from dialer.carrier.progress import Progress
    from dialer.carrier.stay import Floor

CONNECT_SECONDS = 0.5  # from dialing to ringing
RING_BUFFER_SECONDS = 5.0  # Twilio may ring about five seconds longer than Timeout
LONGEST_QUEUE_SECONDS = 86_400.0  # Twilio drops calls that were queued for a day
MACHINE_RECORDS_SECONDS = 120.0  # after its greeting
FAX_WAITS_SECONDS = 30.0
# SipResponseCode of ends that need no luck. Source: Twilio, status callback parameters, and payloads seen.
_SIP = {Status.BUSY: 486, Status.NO_ANSWER: 487, Status.CANCELED: 487, Status.COMPLETED: 200}


class Journey:
    """Takes a call from the queue to its end and tells the client on the way."""

    def __init__(self, call: Call, floor: Floor, pacer: Pacer, courier: Courier, progress: Progress) -> None:
        self.call = call
        clock = floor.clock
        self.line = Line(clock)
        self._clock = clock
        self._floor = floor
        self._courier = courier
        self._progress = progress
        call.queue_seconds = pacer.expected_wait()
        self._joined = clock.monotonic()
        self._place = pacer.join()
        self._verdict_timer: asyncio.TimerHandle | None = None

    async def leave_queue(self) -> bool:
        """Wait for the call's turn. Whether it may be dialed now; if not, it is over."""
        try:
            await self.line.queue(self._place)
        except Ended as end:
            self.end(Status.CANCELED, end.by)
        if (self._clock.monotonic() - self._joined) * self._clock.speed > LONGEST_QUEUE_SECONDS:
            self.end(Status.CANCELED, "queue")
        return not self.call.over

    async def run(self) -> None:
        """Live through the call, from dialing to its end."""
        try:
            if await self._reach():
                await self._talk()
        except Ended as end:
            self.end(self._status_after(end), end.by)
        finally:
            if self._verdict_timer is not None:
                self._verdict_timer.cancel()

    def amend(self, change: Change) -> None:
        """Take over what a client changed about the call's callbacks."""
        order = self.call.order
        self.call.order = replace(
            order,
            fallback=change.fallback or order.fallback,
            status_callback=change.status_callback or order.status_callback,
        )

    def end(self, status: Status, by: str) -> None:
        """Leave the conference, enter a final status and tell the client, unless the call is over already."""
        call = self.call
        if call.over:
            return
        left = LeaveReason.BY_CLIENT if by == "client" else LeaveReason.HUNG_UP
        self._floor.rooms.leave(call.sid, left, status.value)
        call.talk_seconds = self.line.seconds if call.answered is not None else 0.0
        call.ended_by = by
        call.sip = _SIP.get(status, call.sip)
        call.move(status, self._clock.now())
        self._progress.tell(call, Event.COMPLETED)

    def _status_after(self, end: Ended) -> Status:
        if self.call.answered is not None:
            return Status.COMPLETED
        return Status.NO_ANSWER if end.by == "timeout" else Status.CANCELED

    async def _reach(self) -> bool:
        """Dial and ring. Whether somebody or something picked up."""
        call, person = self.call, self.call.person
        self._enter(Status.INITIATED, Event.INITIATED)
        await self.line.wait(CONNECT_SECONDS)
        if person.answer in {Answer.INVALID, Answer.UNREACHABLE}:
            call.sip = 404 if person.answer is Answer.INVALID else person.sip
            self.end(Status.FAILED, "network")
            return False
        self._enter(Status.RINGING, Event.RINGING)
        patience = call.order.ring_timeout_seconds + RING_BUFFER_SECONDS
        rings = patience if person.answer is Answer.NO_ANSWER else person.ring_seconds
        await self.line.wait(min(rings, patience))
        if rings >= patience:
            raise Ended("timeout")
        if person.answer is Answer.BUSY:
            self.end(Status.BUSY, "network")
            return False
        return True

    async def _talk(self) -> None:
        call = self.call
        self.line.restart()
        self.line.limits = {
            "limit": float(call.order.time_limit_seconds),
            "callee": self._hangs_up_at(),
            "drop": self._drops_off_at(),
        }
        self._enter(Status.IN_PROGRESS, Event.ANSWERED)
        await Conversation(call, self.line, self._courier, self._floor).hold(await self._detect())
        self.end(Status.COMPLETED, "caller")

    def _hangs_up_at(self) -> float:
        person = self.call.person
        if person.hangs_up_after_seconds is not None:
            return person.hangs_up_after_seconds
        if person.answer is Answer.MACHINE:
            return person.greeting_seconds + MACHINE_RECORDS_SECONDS
        return FAX_WAITS_SECONDS if person.answer is Answer.FAX else float("inf")

    def _drops_off_at(self) -> float:
        person = self.call.person
        if person.answer is not Answer.AGENT or person.drops_off_seconds is None:
            return float("inf")
        return person.drops_off_seconds

    async def _detect(self) -> dict[str, str]:
        """Start detection; when it is synchronous, wait for it and return what the first request carries."""
        detection = self.call.order.detection
        if detection is None:
            return {}
        verdict = detect(self.call.person, detection)
        if detection.asynchronous:
            wait = self._clock.real(verdict.after_seconds)
            self._verdict_timer = asyncio.get_running_loop().call_later(wait, self._tell_verdict, verdict)
            return {}
        await self.line.wait(verdict.after_seconds)
        self._record(verdict)
        return {
            "AnsweredBy": verdict.answered_by,
            "MachineDetectionDuration": str(self.call.detection_ms),
        }

    def _tell_verdict(self, verdict: Verdict) -> None:
        if not self.call.over:
            self._record(verdict)
            self._progress.tell_verdict(self.call)

    def _record(self, verdict: Verdict) -> None:
        self.call.answered_by = verdict.answered_by
        self.call.detection_ms = round(verdict.after_seconds * 1000)

    def _enter(self, status: Status, event: Event) -> None:
        self.call.move(status, self._clock.now())
        self._progress.tell(self.call, event)
