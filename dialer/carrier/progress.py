"""Tells the client how its calls go: status and detection callbacks, with the faults that are switched on."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from uuid import uuid4

from dialer.carrier.clock import rfc2822
from dialer.carrier.courier import Undelivered
from dialer.carrier.fault import Fault
from dialer.carrier.fields import Fields
from dialer.carrier.order import Event

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from dialer.carrier.call import Call
    from dialer.carrier.clock import Clock
    from dialer.carrier.courier import Courier
    from dialer.carrier.fault import Faults
    from dialer.carrier.hook import Hook

log = logging.getLogger(__name__)


class Letter:
    """One callback on its way: where it goes, what it says, and what befalls it."""

    __slots__ = ("call", "fields", "forged", "hook", "name", "token")

    def __init__(self, call: Call, name: str, hook: Hook, fields: Fields, *, forged: bool = False) -> None:
        self.call = call
        self.name = name
        self.hook = hook
        self.fields = fields
        self.forged = forged
        self.token = str(uuid4())


class Progress:
    """Sends callbacks, each on its own, so that they may overtake each other as Twilio's may."""

    def __init__(self, courier: Courier, faults: Faults, clock: Clock) -> None:
        self._courier = courier
        self._faults = faults
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: dict[str, list[Letter]] = {}
        self._first: dict[str, asyncio.Event] = {}

    def tell(self, call: Call, event: Event) -> None:
        """Send the status callback of an event, if the client subscribed to it."""
        hook = call.order.status_callback
        if hook is None or event not in call.order.events:
            if event is Event.COMPLETED:
                self._release(call)
            return
        told = self._told(call)
        if call.next_sequence == 1 and self._faults.strikes(Fault.FORGED, call.order.to, call.nth_call):
            call.faults.append(Fault.FORGED)
            lie = told | {"CallStatus": "completed", "CallDuration": "999", "Duration": "17"}
            self.background(self._deliver(Letter(call, "forged", hook, call.identity().plus(lie), forged=True)))
        self._post(Letter(call, event.value, hook, call.identity().plus(told)), last=event is Event.COMPLETED)

    def tell_verdict(self, call: Call) -> None:
        """Send the asynchronous answering-machine callback."""
        detection = call.order.detection
        if detection is None or detection.callback is None:
            return
        verdict = {
            "AccountSid": call.account_sid,
            "CallSid": call.sid,
            "AnsweredBy": call.answered_by or "unknown",
            "MachineDetectionDuration": str(call.detection_ms or 0),
        }
        self._post(Letter(call, "amd", detection.callback, Fields.of(verdict)), last=False)

    async def first_callback(self, call: Call) -> None:
        """Return once any callback of the call has been delivered."""
        arrived = self._first.setdefault(call.sid, asyncio.Event())
        try:
            await arrived.wait()
        finally:
            self._first.pop(call.sid, None)

    def background(self, work: Coroutine[object, object, None]) -> None:
        """Run something that nobody waits for, until it is done or the carrier stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Drop what has not been delivered."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _told(self, call: Call) -> dict[str, str]:
        """What a status callback says beside the call's identity."""
        fields = {
            "CallStatus": call.status.value,
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(call.next_sequence),
            "Timestamp": rfc2822(self._clock.now()) or "",
        }
        call.next_sequence += 1
        if call.answered_by is not None:
            fields["AnsweredBy"] = call.answered_by
        if call.over:
            fields["CallDuration"] = str(call.duration)
            # Minutes, every one that was begun: the field's meaning differs from CallDuration's.
            fields["Duration"] = str(-(-call.duration // 60))
            if call.sip is not None:
                fields["SipResponseCode"] = str(call.sip)
        return fields

    def _post(self, letter: Letter, *, last: bool) -> None:
        if self._struck(Fault.MISSING, letter):
            if last:
                self._release(letter.call)
            return
        if not last and self._struck(Fault.REORDER, letter):
            self._held.setdefault(letter.call.sid, []).append(letter)
            return
        self.background(self._send(letter, self._held.pop(letter.call.sid, [])))

    def _release(self, call: Call) -> None:
        """Send what was held back for a later callback that will not come."""
        for letter in self._held.pop(call.sid, []):
            self.background(self._deliver(letter))

    async def _send(self, letter: Letter, overtaken: list[Letter]) -> None:
        if self._struck(Fault.LATE, letter):
            await asyncio.sleep(self._faults.seconds(Fault.LATE))
        await self._deliver(letter)
        if self._struck(Fault.DUPLICATE, letter):
            if self._faults.draw("new token", letter.call.order.to, letter.name) < 0.5:  # noqa: PLR2004 - half of them
                letter.token = str(uuid4())
            await self._deliver(letter)
        for older in reversed(overtaken):
            await self._deliver(older)

    def _struck(self, fault: Fault, letter: Letter) -> bool:
        if not self._faults.strikes(fault, letter.call.order.to, letter.call.nth_call, letter.name):
            return False
        letter.call.faults.append(f"{fault}:{letter.name}")
        return True

    async def _deliver(self, letter: Letter) -> None:
        sid = letter.call.sid
        letter.call.events_sent.append(letter.name)
        try:
            reply = await self._courier.send(letter.hook, letter.fields, token=letter.token, forged=letter.forged)
        except Undelivered as lost:
            letter.call.errors.append(lost.code)
            log.warning("call %s: %s callback lost (%s): %s", sid, letter.name, lost.code, lost)
            return
        if reply.status >= 400 and not letter.forged:  # noqa: PLR2004 - client and server errors
            letter.call.errors.append(15003)
            log.warning("call %s: %s callback answered %s (15003)", sid, letter.name, reply.status)
        arrived = self._first.get(sid)
        if arrived is not None:
            arrived.set()
