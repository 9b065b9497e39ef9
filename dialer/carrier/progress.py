"""Tells the client how its calls go: status and detection callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.carrier.clock import rfc2822
from dialer.carrier.fault import Fault
from dialer.carrier.fields import Fields
from dialer.carrier.order import Event
from dialer.carrier.post import Letter

if TYPE_CHECKING:
    from dialer.carrier.call import Call
    from dialer.carrier.clock import Clock
    from dialer.carrier.fault import Faults
    from dialer.carrier.post import Post


class Progress:
    """Posts a call's events to the callbacks it was ordered with."""

    def __init__(self, post: Post, faults: Faults, clock: Clock) -> None:
        self._post = post
        self._faults = faults
        self._clock = clock

    def tell(self, call: Call, event: Event) -> None:
        """Send the status callback of an event, if the client subscribed to it."""
        hook = call.order.status_callback
        if hook is None or event not in call.order.events:
            if event is Event.COMPLETED:
                self._post.release(call)
            return
        told = self._told(call)
        if call.next_sequence == 1 and self._faults.strikes(Fault.FORGED, call.order.to, call.nth_call):
            lie = told | {"CallStatus": "completed", "CallDuration": "999", "Duration": "17"}
            self._post.forge(Letter(call, "forged", hook, call.identity().plus(lie)))
        self._post.post(Letter(call, event.value, hook, call.identity().plus(told)), last=event is Event.COMPLETED)

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
        self._post.post(Letter(call, "amd", detection.callback, Fields.of(verdict)), last=False)

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
