"""Brings a customer who has picked up and an agent together, within the time the campaign gives itself for it.

The agent waits in a conference already, so nothing rings: the answer to one webhook names the conference. Who finds no
agent in time hears who called, and is called again with an agent set aside first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from dialer.core import script
from dialer.core.lifecycle import Event, EventKind, Mark
from dialer.core.outcome import MACHINES, Disposition
from dialer.core.routing import Wants, choose
from dialer.core.staffing import Opening, Staffing
from dialer.errors import CarrierError
from dialer.ports import LegKind, LegLinks, Links

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from dialer.core.lifecycle import Facts
    from dialer.core.script import Turn
    from dialer.engine.changes import Changes
    from dialer.engine.desk import Desk
    from dialer.engine.ledger import Ledger
    from dialer.ports import Clock, LegNotice, Notice, Telephony
    from dialer.store import Briefing, Seat, Store

log = structlog.get_logger(__name__)

AT_ONCE: Final = timedelta(seconds=2)
"""A full conference turns people away within this time; an agent who leaves one ends it, and nobody else does."""

LOOK_AGAIN: Final = timedelta(milliseconds=250)
"""How long nobody looks whether an agent is free, when nobody tells of a change: another node's agents say nothing."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a webhook is answered with. An empty body is a plain acknowledgement."""

    body: str = ""
    media_type: str = ""


class Bridge:
    """Answers for customers who are to talk to an agent."""

    def __init__(
        self,
        *,
        store: Store,
        desk: Desk,
        ledger: Ledger,
        telephony: Telephony,
        clock: Clock,
        changes: Changes,
        public_url: str,
    ) -> None:
        self._store = store
        self._desk = desk
        self._ledger = ledger
        self._telephony = telephony
        self._clock = clock
        self._changes = changes
        self._public_url = public_url

    async def hear(self, briefing: Briefing, what: str, notice: Notice) -> Reply:
        """Answer a webhook of a call that has to reach an agent; what it told is durable before it is answered."""
        staffing = briefing.campaign.agents
        assert staffing is not None  # noqa: S101 - only such calls come here
        if what.startswith(STOP):
            return await self._stopped(briefing, staffing, notice)
        events = [] if notice.event is None else [notice.event]
        waits = what in {"connect", "fallback"} or (what == "answer" and staffing.opening is Opening.AGENT)
        if waits:  # the greeting is over, or there is none
            events.append(self._event(briefing.token, EventKind.WAITING, "waiting", notice.carrier_call_id))
        results = await self._ledger.record(*events)
        facts = results[-1].facts
        if facts is None or not facts.is_open or any(one.stray for one in results):
            return self._silence()
        if facts.connected_at is not None and what == "fallback":
            return self._silence()  # they have talked
        if any(mark.node == SAFE_HARBOUR for mark in facts.marks):
            return self._goodbye(briefing, staffing)
        if what == "answer":
            return await self._greet(briefing, staffing)
        if what == "parted":
            return await self._parted(briefing, staffing, facts, turned_away=notice.turned_away)
        if what == "fallback":
            return await self._safe_harbour(briefing, staffing)
        return await self._connect(briefing, staffing, facts)

    async def _greet(self, briefing: Briefing, staffing: Staffing) -> Reply:
        links = Links(self._public_url, briefing.token)
        if staffing.opening is Opening.MACHINE:
            turn = script.said(briefing.campaign, briefing.customer, staffing.greeting)
            return Reply(*self._telephony.greet(turn, links))
        seat = await self._agent(briefing, staffing)
        if seat is not None:
            return self._to(seat, briefing)
        return Reply(*self._telephony.greet(None, links))  # whose address may keep the customer waiting for us

    async def _connect(
        self, briefing: Briefing, staffing: Staffing, facts: Facts, but: frozenset[str] = frozenset()
    ) -> Reply:
        """Wait for a free agent for as long as the campaign allows; for any `but` those who have no place."""
        since = facts.waited_at or self._clock.now()
        left = staffing.patience - (self._clock.now() - since)
        until = self._clock.monotonic() + left.total_seconds()
        while True:
            if not facts.is_open or facts.answered_by in MACHINES:
                return self._silence()  # nobody listens, or a machine that gets its message in another way
            seen = self._changes.version
            seat = await self._agent(briefing, staffing, but)
            if seat is not None:
                return self._to(seat, briefing)
            rest = timedelta(seconds=until - self._clock.monotonic())
            if rest <= timedelta(0):
                return await self._safe_harbour(briefing, staffing)
            await self._changes.wait(seen, min(rest, LOOK_AGAIN))
            facts = await self._desk.ask(self._store.attempts.facts, briefing.token)

    async def _agent(self, briefing: Briefing, staffing: Staffing, but: frozenset[str] = frozenset()) -> Seat | None:
        language = briefing.campaign.language

        def chosen(wants: Wants, free: Sequence[Seat]) -> Seat | None:
            return choose(staffing, language, wants, [seat for seat in free if seat.agent.staff_number not in but])

        seat = await self._desk.ask(self._store.reservations.assign, briefing.token, self._clock.now(), chosen)
        if seat is not None:
            self._changes.happened()
        return seat

    def _to(self, seat: Seat, briefing: Briefing) -> Reply:
        links = Links(self._public_url, briefing.token)
        leg = LegLinks(self._public_url, seat.leg_token)
        return Reply(*self._telephony.connect(leg, links, briefing.campaign.longest))

    async def _parted(self, briefing: Briefing, staffing: Staffing, facts: Facts, *, turned_away: bool) -> Reply:
        """The stay in the conference is over: after a conversation goodbye, else another agent or the message."""
        if facts.connected_at is not None or (not turned_away and await self._stayed(briefing.token, facts)):
            if facts.connected_at is None:
                await self._ledger.record(self._event(briefing.token, EventKind.CONNECTED, "stayed", ""))
            await self._desk.ask(self._store.reservations.parted, briefing.token, self._clock.now())
            self._changes.happened()
            return self._silence()
        log.warning("customer_found_no_place", attempt=briefing.token)
        full = await self._release(briefing.token, "no place with them")
        return await self._connect(briefing, staffing, facts, frozenset(full))

    async def _stayed(self, token: str, facts: Facts) -> bool:
        """Whether they were in the conference for so long that they have met, though nobody told of it."""
        held = await self._desk.ask(self._store.agent_calls.in_hand, token)
        if held is None or facts.waited_at is None:
            return False
        return self._clock.now() - max(facts.waited_at, held.reserved_at) > AT_ONCE

    async def _safe_harbour(self, briefing: Briefing, staffing: Staffing) -> Reply:
        """Nobody is free in time: who called, the hotline, goodbye."""
        await self._abandon(briefing)
        return self._goodbye(briefing, staffing)

    async def _abandon(self, briefing: Briefing) -> None:
        """Write down that nobody was there in time; an agent who was set aside waits for somebody else."""
        mark = Mark(SAFE_HARBOUR, disposition=Disposition.ABANDONED)
        await self._ledger.record(self._event(briefing.token, EventKind.HEARD, SAFE_HARBOUR, "", mark=mark))
        await self._release(briefing.token, "they never met")
        log.warning("customer_abandoned", attempt=briefing.token, campaign=briefing.campaign.id)

    async def _release(self, token: str, why: str) -> Sequence[str]:
        freed = await self._desk.ask(self._store.reservations.release, token, why, self._clock.now())
        self._changes.happened()
        return freed

    def _goodbye(self, briefing: Briefing, staffing: Staffing) -> Reply:
        return Reply(*self._telephony.speak(_message(briefing, staffing), Links(self._public_url, briefing.token)))

    async def _stopped(self, briefing: Briefing, staffing: Staffing, notice: Notice) -> Reply:
        """The key pressed at the message, if one was: a wish not to be called again holds at once."""
        events = [] if notice.event is None else [notice.event]
        if notice.digits and notice.digits == staffing.stop_key:
            mark = Mark(SAFE_HARBOUR, 2, notice.digits, disposition=Disposition.OPTED_OUT)
            key = f"{SAFE_HARBOUR}:stop"
            events.append(self._event(briefing.token, EventKind.HEARD, key, notice.carrier_call_id, mark))
        await self._ledger.record(*events)
        return self._silence()

    async def rescue(self, token: str, carrier_call_id: str, *, alone: bool = False) -> None:
        """A customer who was put to an agent and never met them: they hear who called, and the agent is free.

        With `alone` the carrier says that nobody is with them, whatever was told before.
        """
        briefing = await self._desk.ask(self._store.attempts.briefing, token)
        staffing = briefing.campaign.agents if briefing is not None else None
        if briefing is None or staffing is None:
            return
        facts = await self._desk.ask(self._store.attempts.facts, token)
        if not facts.is_open or (facts.connected_at is not None and not alone):
            return  # told meanwhile
        if facts.answered_by in MACHINES:
            await self._release(token, "a machine")
            return
        await self._abandon(briefing)
        links = Links(self._public_url, token)
        try:
            await self._telephony.interrupt(carrier_call_id, _message(briefing, staffing), links)
        except CarrierError:
            log.warning("customer_not_rescued", attempt=token)

    async def follow(self, leg_token: str, notice: LegNotice) -> None:
        """Somebody came into an agent's conference or went: the customer there, by the name of their attempt."""
        if notice.kind is LegKind.JOINED:
            await self._joined(leg_token, notice.who, notice.carrier_call_id, notice.at)
        elif notice.kind is LegKind.LEFT:
            await self._desk.ask(self._store.reservations.parted, notice.who, self._clock.now())
        self._changes.happened()

    async def _joined(self, leg_token: str, token: str, carrier_call_id: str, at: datetime) -> None:
        known = await self._desk.ask(self._store.attempts.briefing, token)
        if known is None:
            log.warning("stranger_in_a_conference", leg=leg_token)
            return
        if await self._desk.ask(self._store.reservations.meet, token, leg_token, self._clock.now()):
            told = Event(token, EventKind.CONNECTED, "connected", at, "webhook", carrier_call_id=carrier_call_id)
            await self._ledger.record(told)

    def _silence(self) -> Reply:
        return Reply(*self._telephony.silence())

    def _event(self, token: str, kind: EventKind, key: str, carrier_call_id: str, mark: Mark | None = None) -> Event:
        return Event(token, kind, key, self._clock.now(), "dialer", carrier_call_id=carrier_call_id, mark=mark)


def _message(briefing: Briefing, staffing: Staffing) -> Turn:
    words = staffing.safe_harbour or f"{briefing.campaign.company}. {briefing.campaign.hotline}."
    turn = script.said(briefing.campaign, briefing.customer, words)
    if staffing.stop_key is None:
        return turn
    return replace(turn, spoken=(), listen=script.Listen(SAFE_HARBOUR, 1, turn.spoken[0], FOR_A_KEY))


SAFE_HARBOUR: Final = "safe_harbour"
"""The place at which is recorded that a customer heard the message of a campaign without a free agent."""
STOP: Final = f"step/{SAFE_HARBOUR}/"
"""What the carrier asks for when that message has been heard and a key may have been pressed."""
FOR_A_KEY: Final = timedelta(seconds=3)
