"""Dials what is due: claim with intent, commit, send once, record. At most one request could ever create a call.

The order is the whole point. The intent is durable before the gate is asked a last time, the commit is durable before
the first byte leaves, and whatever is not proven afterwards is "unknown" and stays so until the carrier says more.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from math import floor
from typing import TYPE_CHECKING

import structlog

from dialer.core.lifecycle import Event, EventKind
from dialer.core.outcome import Fault
from dialer.errors import CarrierError, DialerError
from dialer.ports import Links, Lost, NotSent, Order, Placed, Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from dialer.engine.conversation import Conversations
    from dialer.engine.desk import Desk
    from dialer.engine.ledger import Ledger
    from dialer.engine.pace import Pace
    from dialer.ports import Clock, Placement, Telephony
    from dialer.store import Briefing, Store
    from dialer.store.belonging import Taker
    from dialer.store.reservations import Claimed

log = structlog.get_logger(__name__)

SEND_WITHIN = timedelta(seconds=20)
"""A call must have been sent this soon after its intent, or within a third of the lease, or it is not sent at all: when
the lease is over others conclude what became of it."""

QUEUE_LIMIT = timedelta(seconds=2)
"""A call that the carrier would hold back longer than this is taken back: nobody can say when it would ring."""

SLOW_DOWN = timedelta(seconds=1)
BETWEEN_TRIES = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Line:
    """What the dialer is allowed and told."""

    public_url: str
    caller_id: str
    most_at_once: int
    lease: timedelta  # after this, others may conclude that this dialer died
    vip_share: float = 0.0  # of the lines, kept for VIPs while any of them stands in line


@dataclass(frozen=True, slots=True)
class _Deadline:
    """The end of the time to send, on two clocks: one may be set back, the other stands still in a machine asleep."""

    monotonic: float
    at: datetime

    def has_passed(self, clock: Clock) -> bool:
        return clock.monotonic() >= self.monotonic or clock.now() >= self.at


class Dialer:
    """Claims and sends. One of these per process."""

    def __init__(
        self,
        *,
        store: Store,
        desk: Desk,
        ledger: Ledger,
        conversations: Conversations,
        telephony: Telephony,
        clock: Clock,
        pace: Pace,
        line: Line,
        owner: str,
    ) -> None:
        self._store = store
        self._desk = desk
        self._ledger = ledger
        self._conversations = conversations
        self._telephony = telephony
        self._clock = clock
        self._pace = pace
        self._line = line
        self.owner = owner
        self._sending: set[asyncio.Task[None]] = set()
        self.dialed = 0

    @property
    def pause(self) -> timedelta:
        """How long the pace holds the next call back; nothing when it is not the pace that does."""
        return self._pace.wait(self._clock.monotonic())

    async def pump(self) -> int:
        """One round: dial as many as the pace and the free lines allow; how many were sent on their way."""
        return len(await self.ahead(self._line.most_at_once))

    async def ahead(
        self, most: int, campaigns: Collection[str] | None = None, taker: Taker | None = None
    ) -> Sequence[str]:
        """Dial up to `most` callbacks for nobody in particular; the attempts that were sent on their way.

        Without `campaigns`, of those that need no agent; else of these, for whichever agent will be free.
        """
        allowed, kept = await self._room()
        if min(allowed, most) <= 0:
            return []
        deadline = self._deadline()  # taken before the commit: the way back from it may be long
        briefings = await self._desk.ask(self._claim_and_commit, min(allowed, most), kept, campaigns, taker)
        self._go(briefings, deadline)
        return [briefing.token for briefing in briefings]

    async def for_agent(self, agent_id: int, campaigns: Collection[str], taker: Taker) -> Claimed | None:
        """Set an agent aside for the first callback that is theirs, and dial it, unless they look at the file first.

        None when there is nothing to dial, or no room.
        """
        if (await self._room())[0] <= 0:
            return None
        deadline = self._deadline()
        claimed, briefings = await self._desk.ask(self._claim_for, agent_id, campaigns, taker)
        self._go(briefings, deadline)
        return claimed

    async def previewed(self, token: str) -> bool:
        """Dial what an agent has looked at; False when the gate does not allow it any more, or there is no room."""
        if (await self._room())[0] <= 0:
            return False
        deadline = self._deadline()
        briefings = await self._desk.ask(self._commit_previewed, token)
        self._go(briefings, deadline)
        return bool(briefings)

    def leg(self) -> bool:
        """Whether a call to an agent's telephone may be sent now, which the carrier counts like any other."""
        if self._pace.available(self._clock.monotonic()) <= 0:
            return False
        self._pace.spend(1)
        return True

    async def _room(self) -> tuple[int, int]:
        """How many calls may be sent now, and how many of them are kept for VIPs."""
        allowed = self._pace.available(self._clock.monotonic())
        if allowed <= 0:
            return 0, 0
        lines = await self._desk.ask(self._store.attempts.lines)
        room = self._line.most_at_once - lines.taken
        kept = max(0, floor(self._line.vip_share * self._line.most_at_once) - lines.by_vips)
        return min(allowed, room), kept

    def _go(self, briefings: Sequence[Briefing], deadline: _Deadline) -> None:
        self._pace.spend(len(briefings))
        for briefing in briefings:
            self._conversations.brief(briefing)
            task = asyncio.get_running_loop().create_task(self._send(briefing, deadline))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        self.dialed += len(briefings)

    def _claim_and_commit(
        self, limit: int, for_vips: int, campaigns: Collection[str] | None, taker: Taker | None
    ) -> list[Briefing]:
        """Two transactions, one after the other: the intent must be durable before the last question is asked."""
        tokens = self._store.callbacks.claim(
            limit,
            self._clock.now(),
            owner=self.owner,
            lease=self._line.lease,
            token=_token,
            for_vips=for_vips,
            campaigns=campaigns,
            taker=taker,
        )
        return list(self._store.attempts.commit(tokens, self._clock.now())) if tokens else []

    def _claim_for(
        self, agent_id: int, campaigns: Collection[str], taker: Taker
    ) -> tuple[Claimed | None, list[Briefing]]:
        """As above, for one agent; what they look at first is committed when they have done so."""
        claimed = self._store.reservations.claim(
            agent_id,
            taker,
            campaigns,
            self._clock.now(),
            owner=self.owner,
            lease=self._line.lease,
            token=_token,
        )
        if claimed is None or claimed.preview:
            return claimed, []
        return claimed, list(self._store.attempts.commit([claimed.token], self._clock.now()))

    def _commit_previewed(self, token: str) -> list[Briefing]:
        briefings = list(self._store.attempts.commit([token], self._clock.now()))
        if briefings:
            self._store.reservations.dialed(token, self._clock.now())
        return briefings

    def _deadline(self) -> _Deadline:
        within = min(SEND_WITHIN, self._line.lease / 3)
        return _Deadline(self._clock.monotonic() + within.total_seconds(), self._clock.now() + within)

    async def _send(self, briefing: Briefing, deadline: _Deadline) -> None:
        order = self._order(briefing)
        placement: Placement
        sent = self._clock.monotonic()
        if deadline.has_passed(self._clock) or (briefing.until is not None and self._clock.now() >= briefing.until):
            placement = NotSent("too late to send: the window or the deadline passed on the way")
        else:
            try:
                placement = await self._telephony.place(order)
            except asyncio.CancelledError:
                # Stopped in the middle: a request may be on its way. Written by reconciliation when the lease is over.
                raise
            except Exception as error:
                log.exception("carrier_adapter_failed", attempt=briefing.token)
                placement = Lost(f"the carrier adapter failed with {type(error).__name__}")
        # What cannot be written is said by the ledger; the lease will run out, and reconciliation will ask the carrier.
        with contextlib.suppress(DialerError):
            await self._ledger.record(_told(briefing.token, placement, self._clock.now()))
        if isinstance(placement, Placed):
            await self._take_back(briefing.token, placement, sent)
        self._follow(briefing.token, placement)

    async def _take_back(self, token: str, placement: Placed, sent: float) -> None:
        """Cancel a call that the carrier holds back, but only while it does: one that rings is like any other."""
        rings = sent + placement.queued_for.total_seconds()  # or later: the way to the carrier took its time
        while rings - self._clock.monotonic() > QUEUE_LIMIT.total_seconds():
            try:
                await self._telephony.cancel(placement.carrier_call_id)
            except CarrierError:
                await self._clock.sleep(BETWEEN_TRIES)
            else:
                log.warning(
                    "queued_call_taken_back", attempt=token, queued_seconds=placement.queued_for.total_seconds()
                )
                return

    def _follow(self, token: str, placement: Placement) -> None:
        match placement:
            case NotSent(slow_down=True):
                self._pace.hold(self._clock.monotonic(), placement.retry_after or SLOW_DOWN)
                log.warning("carrier_asks_to_slow_down", attempt=token)
            case Refused(fault=fault):
                if fault in {Fault.CONFIGURATION, Fault.CALLER_ID}:
                    log.error("campaign_paused", attempt=token, fault=fault.value, failure=placement.failure)
                elif fault is Fault.UNKNOWN:
                    log.error("carrier_refused_with_unknown_code", attempt=token, failure=placement.failure)
            case Lost():
                log.warning("call_unknown", attempt=token, failure=placement.failure)
            case _:
                pass

    def _order(self, briefing: Briefing) -> Order:
        campaign = briefing.campaign
        return Order(
            to=briefing.number,
            caller_id=campaign.caller_id or self._line.caller_id,
            links=Links(self._line.public_url, briefing.token),
            ring=campaign.attempts.ring,
            longest=campaign.longest,
            machine=campaign.answering_machine.reaction,
        )

    async def drain(self, patience: timedelta) -> None:
        """Let requests that are on their way come back; what does not in time is left to reconciliation."""
        if self._sending:
            _, late = await asyncio.wait(self._sending, timeout=patience.total_seconds())
            for task in late:
                task.cancel()


def _token() -> str:
    return secrets.token_hex(16)


def _told(token: str, placement: Placement, now: datetime) -> Event:
    """The carrier's answer as an event."""
    match placement:
        case Placed():
            return Event(token, EventKind.PLACED, "placed", now, "dialer", carrier_call_id=placement.carrier_call_id)
        case Refused():
            failure, fault = placement.failure, placement.fault
            return Event(token, EventKind.REFUSED, "refused", now, "dialer", fault=fault, failure=failure)
        case NotSent():
            return Event(token, EventKind.NOT_SENT, "not_sent", now, "dialer", failure=placement.failure)
        case Lost():
            return Event(token, EventKind.LOST, "lost", now, "dialer", failure=placement.failure)
