"""Tells the client how its conferences go: the callbacks of <Conference>."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from dialer.carrier.clock import rfc2822
from dialer.carrier.dial import Subscription
from dialer.carrier.fault import Fault
from dialer.carrier.fields import Fields
from dialer.carrier.post import Letter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dialer.carrier.clock import Clock
    from dialer.carrier.conference import Conference, Participant
    from dialer.carrier.fault import Faults
    from dialer.carrier.post import Post


class Happening(StrEnum):
    """Twilio's names of conference events (`StatusCallbackEvent`)."""

    START = "conference-start"  # the first two are mixed
    END = "conference-end"  # over
    JOIN = "participant-join"  # somebody came in
    LEAVE = "participant-leave"  # somebody went out
    MUTE = "participant-mute"  # somebody is not heard any more
    UNMUTE = "participant-unmute"  # and is heard again
    HOLD = "participant-hold"  # somebody hears music instead of the others
    UNHOLD = "participant-unhold"  # and is back
    MODIFY = "participant-modify"  # another of somebody's attributes changed


_SUBSCRIPTION: Mapping[Happening, Subscription] = {
    Happening.START: Subscription.START, Happening.END: Subscription.END, Happening.JOIN: Subscription.JOIN,
    Happening.LEAVE: Subscription.LEAVE, Happening.MUTE: Subscription.MUTE, Happening.UNMUTE: Subscription.MUTE,
    Happening.HOLD: Subscription.HOLD, Happening.UNHOLD: Subscription.HOLD, Happening.MODIFY: Subscription.MODIFY,
}  # fmt: skip


class Bulletin:
    """Posts conference events to the callback of a conference's first participant."""

    def __init__(self, post: Post, faults: Faults, clock: Clock) -> None:
        self._post = post
        self._faults = faults
        self._clock = clock

    def tell(
        self, conference: Conference, event: Happening, who: Participant | None, more: Mapping[str, str] | None = None
    ) -> None:
        """Send an event if the client subscribed to it.

        Events about nobody in particular name no participant. SequenceNumber begins at 1 and counts what was
        subscribed to. Source: Twilio, TwiML <Conference>, statusCallback parameters.
        """
        last = event is Happening.END
        if conference.callback is None or _SUBSCRIPTION[event] not in conference.events:
            if last:
                self._post.release(conference)
            return
        sequence, conference.next_sequence = conference.next_sequence, conference.next_sequence + 1
        told = {
            "ConferenceSid": conference.sid, "FriendlyName": conference.name, "AccountSid": conference.account_sid,
            "StatusCallbackEvent": event.value, "SequenceNumber": str(sequence),
            "Timestamp": rfc2822(self._clock.now()) or "", **({} if who is None else who.told()), **(more or {}),
        }  # fmt: skip
        name = f"{event}#{sequence}"
        if sequence == 1 and self._faults.strikes(Fault.FORGED, *conference.occasion):
            lie = told | {"StatusCallbackEvent": Happening.END.value, "SequenceNumber": "999"}
            self._post.forge(Letter(conference, "forged", conference.callback, Fields.of(lie)))
        self._post.post(Letter(conference, name, conference.callback, Fields.of(told)), last=last)
