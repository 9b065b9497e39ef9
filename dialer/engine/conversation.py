"""Holds the conversation of each call: verify what arrives, keep it, and answer with the script's next turn."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from dialer.core import script
from dialer.core.campaign import MachineReaction
from dialer.core.lifecycle import AttemptState, Event, EventKind
from dialer.core.outcome import MACHINES, AnsweredBy
from dialer.engine.bridge import STOP, Reply
from dialer.errors import CarrierError
from dialer.ports import Links

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from dialer.core.lifecycle import Facts, Mark
    from dialer.core.script import Turn
    from dialer.engine.bridge import Bridge
    from dialer.engine.desk import Desk
    from dialer.engine.ledger import Ledger
    from dialer.ports import Clock, Notice, Telephony, WebRequest
    from dialer.store import Briefing, Store

log = structlog.get_logger(__name__)

WITH_AGENTS = frozenset({"answer", "connect", "parted", "fallback"})
"""What the carrier asks for a customer who is to talk to an agent."""

REMEMBERED = 10_000
"""Briefings kept at hand; after a restart, or beyond this, they are read from the record."""


@dataclass(slots=True)
class _Call:
    """A call as this process remembers it."""

    briefing: Briefing
    answers: Mapping[str, str]
    zone: str  # on whose clock times are offered
    zones: tuple[str, ...]  # all in which the customer may be; empty once they said which


class Conversations:
    """Answers the carrier's requests."""

    def __init__(
        self,
        *,
        store: Store,
        desk: Desk,
        ledger: Ledger,
        telephony: Telephony,
        clock: Clock,
        public_url: str,
        bridge: Bridge,
    ) -> None:
        self._store = store
        self._bridge = bridge
        self._desk = desk
        self._ledger = ledger
        self._telephony = telephony
        self._clock = clock
        self._public_url = public_url
        self._calls: OrderedDict[str, _Call] = OrderedDict()

    def brief(self, briefing: Briefing) -> None:
        """Keep at hand what this call's conversation needs: an answering person must not wait for the database."""
        self._calls[briefing.token] = _Call(
            briefing, briefing.answers, briefing.customer.zone or briefing.zones[0], briefing.zones
        )
        if len(self._calls) > REMEMBERED:
            self._calls.popitem(last=False)

    async def hear(self, request: WebRequest, token: str, what: str) -> Reply:
        """Answer one webhook; what it told is durable before it is answered.

        Raises:
            ForgedRequestError: it did not prove that the carrier sent it.
            StoreError: it could not be kept; the carrier may send it again.
        """
        now = self._clock.now()
        notice = self._telephony.read(request, token, what, now)
        if notice.complaint:
            log.error("carrier_complains_about_our_answer", attempt=token, complaint=notice.complaint)
        call = await self._call(token)
        if call is None:
            return self._nobodys(notice, token)
        if call.briefing.campaign.agents is not None and (what in WITH_AGENTS or what.startswith(STOP)):
            return await self._bridge.hear(call.briefing, what, notice)
        turn = self._turn(call, what, notice, now)
        facts, is_news = await self._keep(token, what, notice, turn, now)
        call.answers = facts.answers
        if facts.zone:
            call.zone, call.zones = facts.zone, ()
        if what == "fallback" or facts.state is AttemptState.ORPHANED:
            return Reply(*self._telephony.silence())
        if what == "verdict" and is_news:
            await self._react_to_machine(call.briefing, notice, facts, now)
        if turn is None:
            return Reply()
        return Reply(*self._telephony.speak(turn, Links(self._public_url, token)))

    def _nobodys(self, notice: Notice, token: str) -> Reply:
        """The carrier calls in our name for an attempt that is not in the record, as after a restored backup."""
        if notice.carrier_call_id:
            self._ledger.end(notice.carrier_call_id, "no_such_attempt", token)
        return Reply(*self._telephony.silence())

    async def _call(self, token: str) -> _Call | None:
        known = self._calls.get(token)
        if known is None:
            briefing = await self._desk.ask(self._store.attempts.briefing, token)
            if briefing is None:
                return None
            self.brief(briefing)
            known = self._calls[token]
        return known

    def _turn(self, call: _Call, what: str, notice: Notice, now: datetime) -> Turn | None:
        """What is said now. The same request gets the same turn, however often it comes."""
        campaign, customer, zone = call.briefing.campaign, call.briefing.customer, call.zone
        if what == "answer":
            return script.opening(campaign, customer, now=now, zone=zone)
        if what.startswith("step/"):
            _, node, tries = what.split("/")
            return script.answered(
                campaign,
                customer,
                node,
                int(tries),
                notice.digits,
                now=now,
                zone=zone,
                zones=call.zones,
                answers=call.answers,
            )
        return None

    async def _keep(
        self, token: str, what: str, notice: Notice, turn: Turn | None, now: datetime
    ) -> tuple[Facts, bool]:
        """What is known afterwards, and whether any of it was told for the first time."""
        events = [] if notice.event is None else [notice.event]
        if turn is not None:
            events += [_heard(token, what, notice, mark, now) for mark in turn.marks]
        if not events:
            return await self._desk.ask(self._store.attempts.facts, token), False
        results = await self._ledger.record(*events)
        facts = results[-1].facts
        assert facts is not None  # noqa: S101 - the briefing proved that the attempt exists
        return facts, any(one.new for one in results)

    async def _react_to_machine(self, briefing: Briefing, notice: Notice, facts: Facts, now: datetime) -> None:
        """Hang up on a machine or leave the message, as the campaign says; keys pressed prove a person."""
        event = notice.event
        if event is None or event.answered_by not in MACHINES or facts.answered_by is AnsweredBy.HUMAN:
            return
        try:
            message = briefing.campaign.answering_machine.reaction is MachineReaction.LEAVE_MESSAGE
            if message and event.answered_by is AnsweredBy.MACHINE:
                await self._leave_message(briefing, notice.carrier_call_id, now)
            else:
                await self._telephony.hang_up(notice.carrier_call_id)
        except CarrierError:
            log.warning("machine_not_reacted_to", attempt=briefing.token)

    async def _leave_message(self, briefing: Briefing, carrier_call_id: str, now: datetime) -> None:
        turn = script.machine_message(briefing.campaign, briefing.customer)
        if await self._telephony.interrupt(carrier_call_id, turn, Links(self._public_url, briefing.token)):
            await self._ledger.record(
                *(
                    Event(briefing.token, EventKind.HEARD, "message_left", now, "dialer", carrier_call_id, mark=mark)
                    for mark in turn.marks
                )
            )


def _heard(token: str, what: str, notice: Notice, mark: Mark, now: datetime) -> Event:
    """A step of the conversation as an event; the step's place in the script is what makes it unique."""
    return Event(
        token,
        EventKind.HEARD,
        f"{what}:{mark.node}:{mark.tries}:{mark.digits}",
        now,
        "webhook",
        carrier_call_id=notice.carrier_call_id,
        mark=mark,
    )
