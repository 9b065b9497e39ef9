"""Minds the floor: frees agents whose customer, screen or telephone is gone, and ends countdowns that are over.

Everything is found in the database at each look, so a restart forgets nothing and a lost webhook costs seconds.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from dialer.core.agent import AgentState, Move
from dialer.core.lifecycle import PREVIEW, RECORD, AttemptState, Event, EventKind, Mark
from dialer.core.outcome import Disposition
from dialer.core.staffing import AtZero
from dialer.engine.reconcile import as_events
from dialer.errors import CarrierError
from dialer.ports import room
from dialer.store import reservations

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from dialer.core.campaign import Campaign
    from dialer.engine.changes import Changes
    from dialer.engine.desk import Desk
    from dialer.engine.dial import Dialer
    from dialer.engine.ledger import Ledger
    from dialer.ports import Clock, Telephony
    from dialer.store import Store
    from dialer.store.reservations import Standing, Wrapping

log = structlog.get_logger(__name__)

SCREEN_LOST: Final = timedelta(seconds=15)
"""An agent whose screen gave no sign of life for so long gets no customer."""

SCREEN_GONE: Final = "screen lost"
MEETING: Final = timedelta(seconds=4)
"""How often the carrier is asked about a customer for whom an agent is set aside."""

TALKING: Final = timedelta(seconds=5)
"""How often about one who talks."""

STALE: Final = timedelta(days=1)
"""Records older than this are not finished by the program any more."""


class Floor:
    """Looks after everybody who is set aside, talks, or wraps up."""

    def __init__(
        self,
        *,
        store: Store,
        desk: Desk,
        ledger: Ledger,
        telephony: Telephony,
        clock: Clock,
        changes: Changes,
        dialer: Dialer,
    ) -> None:
        self._store = store
        self._desk = desk
        self._ledger = ledger
        self._telephony = telephony
        self._clock = clock
        self._changes = changes
        self._dialer = dialer
        self._began = clock.now()
        self._asked: dict[str, float] = {}  # attempt -> when the carrier was asked about it, on the monotonic clock

    async def round(self) -> None:
        """One look at everybody."""
        now = self._clock.now()
        standing = await self._desk.ask(self._store.reservations.standing)
        self._asked = {one.token: self._asked[one.token] for one in standing if one.token in self._asked}
        await self._screens(now)
        await self._set_aside(standing, now)
        await self._wrap_ups(now)

    async def _set_aside(self, standing: Sequence[Standing], now: datetime) -> None:
        kept = []
        for one in standing:
            if one.state == reservations.PREVIEW:
                await self._preview(one, now)
            elif self._is_vain(one, now):
                log.warning("agent_freed", agent=one.staff_number, attempt=one.token, state=one.attempt_state.value)
                await self._free(one, f"the call is {one.attempt_state.value}")
            else:
                kept.append(one.token)
                await self._meeting(one, now)
        if kept:
            await self._desk.ask(self._store.reservations.renew, kept, now)

    def _is_vain(self, one: Standing, now: datetime) -> bool:
        """Whether nobody can say that a customer will come; talks are ended only by what the carrier says."""
        if one.state == reservations.CONNECTED:
            return False
        if one.attempt_state in {AttemptState.UNKNOWN, AttemptState.NEEDS_HUMAN}:
            return True
        waits_for_dialer = one.attempt_state in {AttemptState.INTENT, AttemptState.DIALING}
        return waits_for_dialer and now >= min(one.attempt_lease, one.lease_until)

    async def _free(self, one: Standing, why: str) -> None:
        await self._desk.ask(self._store.reservations.release, one.token, why, self._clock.now())
        self._changes.happened()

    async def _meeting(self, one: Standing, now: datetime) -> None:
        """Ask the carrier about a customer of whom nothing was told for a while: a webhook may be lost."""
        talking = one.state == reservations.CONNECTED
        last = self._asked.setdefault(one.token, self._clock.monotonic())
        if self._clock.monotonic() < last + (TALKING if talking else MEETING).total_seconds():
            return
        self._asked[one.token] = self._clock.monotonic()
        try:
            met = await self._is_inside(one)
            if met and not talking:
                await self._ledger.record(Event(one.token, EventKind.CONNECTED, "found_talking", now, "poll"))
            elif not met:
                await self._how_it_stands(one, now)
                if talking:
                    await self._desk.ask(self._store.reservations.parted, one.token, now)
                    self._changes.happened()
        except CarrierError:
            log.warning("carrier_cannot_be_asked_about", attempt=one.token)

    async def _is_inside(self, one: Standing) -> bool:
        waits = one.waited_at is not None or one.connected_at is not None
        return waits and bool(one.leg_token) and one.token in await self._telephony.present(room(one.leg_token))

    async def _how_it_stands(self, one: Standing, now: datetime) -> None:
        if one.carrier_call_id:
            call = await self._telephony.fetch(one.carrier_call_id)
            if call is not None and call.kind is EventKind.ENDED:
                await self._ledger.record(*as_events(one.token, call, now))

    async def _preview(self, one: Standing, now: datetime) -> None:
        campaign = await self._campaign(one.campaign)
        staffing = campaign.agents
        if one.attempt_state is not AttemptState.INTENT:
            await self._free(one, "the callback was taken back")
        elif staffing is not None and now >= one.made_at + staffing.countdown:
            if staffing.at_zero is AtZero.DIAL and await self._dialer.previewed(one.token):
                self._changes.happened()
            else:
                await self.skip(one.token, "countdown")

    async def skip(self, token: str, reason: str) -> None:
        """The agent, or the countdown, gives back what was looked at."""
        mark = Mark(PREVIEW, answer=reason)
        await self._ledger.record(
            Event(token, EventKind.DROPPED, "skipped", self._clock.now(), "person", failure=reason, mark=mark)
        )
        self._changes.happened()

    async def _screens(self, now: datetime) -> None:
        """Whose browser died gets nobody; a conversation that goes on over the telephone is not cut."""
        for seat in await self._desk.ask(self._store.presences.all):
            seen = max(seat.seen_at or self._began, self._began)
            if now - seen <= SCREEN_LOST or seat.presence.state not in {AgentState.READY, AgentState.RESERVED}:
                continue
            number = seat.agent.staff_number
            if seat.presence.state is AgentState.RESERVED:
                latest = await self._desk.ask(self._store.reservations.latest, seat.key)
                if latest is not None and latest[1] == reservations.PREVIEW:
                    await self.skip(latest[0], SCREEN_GONE)
                elif latest is not None:
                    await self._desk.ask(self._store.reservations.release, latest[0], SCREEN_GONE, now)
            await self._desk.ask(self._store.presences.move, number, Move.LOSE, now, reason=SCREEN_GONE)
            log.warning("screen_lost", agent=number)
            self._changes.happened()

    async def _wrap_ups(self, now: datetime) -> None:
        for one in await self._desk.ask(self._store.reservations.wrapping):
            campaign = await self._campaign(one.campaign) if one.campaign else None
            staffing = campaign.agents if campaign is not None else None
            if staffing is None or now >= one.since + staffing.wrap_up:
                await self._finish(one, campaign)
        late = now - timedelta(minutes=1)
        for one in await self._desk.ask(self._store.reservations.unfinished, now - STALE, late):
            campaign = await self._campaign(one.campaign)
            limit = campaign.agents.wrap_up if campaign.agents is not None else timedelta(0)
            if now >= one.since + limit + timedelta(minutes=1):
                await self._finish(one, campaign)

    async def _finish(self, one: Wrapping, campaign: Campaign | None) -> None:
        """The time is over: what nobody chose is what the campaign says."""
        number, now = one.staff_number, self._clock.now()
        if not one.token:
            await self._desk.ask(self._store.presences.move, number, Move.WRAP, now, reason="nothing to finish")
            return
        facts = await self._desk.ask(self._store.attempts.facts, one.token)
        events = []
        if campaign is not None and facts.disposition is Disposition.NONE:
            events.append(default_record(one.token, campaign, now))
        events.append(Event(one.token, EventKind.WRAPPED, "wrapped", now, "dialer"))
        await self._ledger.record(*events)
        if facts.wrapped_at is not None or facts.is_open:
            await self._desk.ask(self._store.presences.move, number, Move.WRAP, now, reason="finished")
        self._changes.happened()

    async def _campaign(self, name: str) -> Campaign:
        return (await self._desk.ask(self._store.campaigns.get, name)).campaign


def default_record(token: str, campaign: Campaign, now: datetime) -> Event:
    """What is recorded when an agent chose nothing in time."""
    code = campaign.agents.default_outcome if campaign.agents is not None else None
    own = campaign.outcomes.get(code) if code else None
    disposition = own.counts_as if own is not None else Disposition(code or Disposition.NOT_CONVENIENT)
    mark = Mark(RECORD, 0, disposition=disposition, code=code or "" if own is not None else "")
    return Event(token, EventKind.HEARD, "default_record", now, "dialer", mark=mark)
