"""Minds the floor: frees agents whose customer, screen or telephone is gone, and ends countdowns that are over.

Everything is found in the database at each look, so a restart forgets nothing and a lost webhook costs seconds.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from dialer.core.agent import AgentState, Move
from dialer.core.lifecycle import PREVIEW, RECORD, AttemptState, Event, EventKind, Mark
from dialer.core.outcome import Disposition
from dialer.core.staffing import AtZero
from dialer.engine.reconcile import as_events
from dialer.errors import CarrierError, DialerError
from dialer.ports import AGENT, room
from dialer.store import reservations
from dialer.store.presences import PARKED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from dialer.core.campaign import Campaign
    from dialer.core.lifecycle import Facts
    from dialer.engine.bridge import Bridge
    from dialer.engine.changes import Changes
    from dialer.engine.desk import Desk
    from dialer.engine.dial import Dialer
    from dialer.engine.ledger import Ledger
    from dialer.ports import Clock, Telephony
    from dialer.store import Seat, Store
    from dialer.store.engagements import Standing, Wrapping

log = structlog.get_logger(__name__)

SCREEN_LOST: Final = timedelta(seconds=15)
"""An agent whose screen gave no sign of life for so long gets no customer."""

SCREEN_GONE: Final = "screen lost"
MEETING: Final = timedelta(seconds=4)
"""How often the carrier is asked about a customer for whom an agent is set aside."""

TALKING: Final = timedelta(seconds=5)
"""How often about one who talks."""

JOINS_WITHIN: Final = timedelta(seconds=6)
"""A customer who was put to an agent and is not with them after so long hears who called, and nobody waits for them."""

MISSES: Final = 2
"""So many looks in a row have to miss a customer before a conversation counts as over while the call goes on."""

WAITS_FOR_LINE: Final = timedelta(seconds=15)
"""How much longer than its countdown a preview waits for a line or for the agent's telephone."""

NOT_SENT: Final = frozenset({AttemptState.INTENT, AttemptState.DIALING})
HEARD_WITHIN: Final = 0.5
"""Seconds that one look waits for the carrier's answers; later ones are heard meanwhile."""


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
        bridge: Bridge,
    ) -> None:
        self._store = store
        self._desk = desk
        self._ledger = ledger
        self._telephony = telephony
        self._clock = clock
        self._changes = changes
        self._dialer = dialer
        self._bridge = bridge
        self._missed: dict[str, int] = {}  # attempt -> looks in a row that did not find the two together
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._began = clock.now()
        self._asked: dict[str, float] = {}  # attempt -> when the carrier was asked about it, on the monotonic clock

    async def round(self) -> None:
        """One look at everybody. What the carrier is asked goes on in the background when it takes its time."""
        now = self._clock.now()
        await self._screens(now)
        await self._strays()
        standing = await self._desk.ask(self._store.engagements.standing)
        known = {one.token for one in standing}
        self._asked = {token: at for token, at in self._asked.items() if token in known}
        self._missed = {token: count for token, count in self._missed.items() if token in known}
        await self._set_aside(standing, now)
        await self._wrap_ups(now)
        if self._asking:
            await asyncio.wait(self._asking.values(), timeout=HEARD_WITHIN)

    async def _set_aside(self, standing: Sequence[Standing], now: datetime) -> None:
        kept = []
        for one in standing:
            if one.state == reservations.PREVIEW:
                await self._preview(one, now)
            elif self._is_vain(one, now):
                log.warning("agent_freed", agent=one.staff_number, attempt=one.token, state=one.attempt_state.value)
                await self._free(one, f"the call is {one.attempt_state.value}")
            else:
                if one.attempt_state not in NOT_SENT:  # a dialer that died in between renews nothing
                    kept.append(one.token)
                self._ask(one)
        if kept:
            await self._desk.ask(self._store.reservations.renew, kept, now)

    async def _strays(self) -> None:
        """Whom nothing holds any more, whatever was lost on the way."""
        for number, state in await self._desk.ask(self._store.engagements.strays):
            what = Move.HANG_UP if state == AgentState.ON_CALL else Move.RELEASE
            await self._desk.ask(self._store.presences.move, number, what, self._clock.now(), reason="nothing stands")
            log.error("agent_held_by_nothing", agent=number, state=state)
            self._changes.happened()

    def _is_vain(self, one: Standing, now: datetime) -> bool:
        """Whether nobody can say that a customer will come; talks are ended only by what the carrier says."""
        if one.state == reservations.CONNECTED:
            return False
        if one.attempt_state in {AttemptState.UNKNOWN, AttemptState.NEEDS_HUMAN}:
            return True
        return one.attempt_state in NOT_SENT and now >= min(one.attempt_lease, one.lease_until)

    async def _free(self, one: Standing, why: str) -> None:
        await self._desk.ask(self._store.reservations.release, one.token, why, self._clock.now())
        self._changes.happened()

    def _ask(self, one: Standing) -> None:
        """Ask the carrier about a customer of whom nothing was told for a while: a webhook may be lost."""
        talking = one.state == reservations.CONNECTED
        now = self._clock.monotonic()
        last = self._asked.setdefault(one.token, now)
        if one.token in self._asking or now < last + (TALKING if talking else MEETING).total_seconds():
            return
        self._asked[one.token] = now
        task = asyncio.get_running_loop().create_task(self._meeting(one))
        self._asking[one.token] = task
        task.add_done_callback(lambda _: self._asking.pop(one.token, None))

    async def _meeting(self, one: Standing) -> None:
        talking = one.state == reservations.CONNECTED
        try:
            waits = one.waited_at is not None or talking
            inside = await self._telephony.present(room(one.leg_token)) if waits and one.leg_token else frozenset()
            if {one.token, AGENT} <= inside:
                self._missed.pop(one.token, None)
                if not talking:
                    now = self._clock.now()
                    await self._ledger.record(Event(one.token, EventKind.CONNECTED, "found_talking", now, "poll"))
                return
            if await self._is_over(one):
                return
        except CarrierError:
            log.warning("carrier_cannot_be_asked_about", attempt=one.token)
            return
        except DialerError as error:
            log.error("meeting_not_recorded", attempt=one.token, error=str(error))
            return
        await self._apart(one, alone=one.token in inside)

    async def _is_over(self, one: Standing) -> bool:
        """Whether the carrier says that the call has ended, which frees the agent."""
        call = await self._telephony.fetch(one.carrier_call_id) if one.carrier_call_id else None
        if call is None or call.kind is not EventKind.ENDED:
            return False
        await self._ledger.record(*as_events(one.token, call, self._clock.now()))
        return True

    async def _apart(self, one: Standing, *, alone: bool) -> None:
        """The call goes on and the two are not together. The carrier's lists lag, so one look proves nothing.

        An agent who leaves ends their conference: a customer who is alone in there never met them, and their telephone
        is off the line.
        """
        now = self._clock.now()
        if one.state == reservations.CONNECTED:
            self._missed[one.token] = self._missed.get(one.token, 0) + 1
            if self._missed[one.token] >= MISSES or not one.leg_token:  # without a telephone there is no conference
                await self._desk.ask(self._store.reservations.parted, one.token, now)
                if alone:
                    log.warning("customer_alone_in_a_conference", attempt=one.token, agent=one.staff_number)
                    await self._desk.ask(self._store.presences.leg_gone, one.leg_token)
                    await self._bridge.rescue(one.token, one.carrier_call_id, alone=True)
                self._changes.happened()
        elif one.waited_at is not None and now >= max(one.waited_at, one.made_at) + JOINS_WITHIN:
            log.warning("customer_never_met_agent", attempt=one.token, agent=one.staff_number)
            await self._bridge.rescue(one.token, one.carrier_call_id)

    async def _preview(self, one: Standing, now: datetime) -> None:
        campaign = await self._campaign(one.campaign)
        staffing = campaign.agents
        if one.attempt_state is not AttemptState.INTENT:  # dialed this moment; what is over is freed with its end
            await self._desk.ask(self._store.reservations.dialed, one.token, now)
        elif staffing is not None and now >= one.made_at + staffing.countdown:
            if staffing.at_zero is AtZero.DIAL and one.leg == PARKED and await self._dialer.previewed(one.token):
                self._changes.happened()
            elif now >= one.made_at + staffing.countdown + WAITS_FOR_LINE or staffing.at_zero is AtZero.SKIP:
                await self.skip(one.token, "countdown")

    async def skip(self, token: str, reason: str) -> None:
        """The agent, or the countdown, gives back what was looked at."""
        mark = Mark(PREVIEW, answer=reason)
        await self._ledger.record(
            Event(token, EventKind.DROPPED, "skipped", self._clock.now(), "person", failure=reason, mark=mark)
        )
        self._changes.happened()

    async def let_go(self, seat: Seat, why: str) -> None:
        """Free an agent from whom they are set aside for; who was only looked at goes back to the queue."""
        if seat.presence.state is not AgentState.RESERVED:
            return
        latest = await self._desk.ask(self._store.engagements.latest, seat.key)
        if latest is not None and latest[1] == reservations.PREVIEW:
            await self.skip(latest[0], why)
        elif latest is not None:
            await self._desk.ask(self._store.reservations.release, latest[0], why, self._clock.now())
            self._changes.happened()

    async def _screens(self, now: datetime) -> None:
        """Whose browser died gets nobody; a conversation that goes on over the telephone is not cut."""
        for seat in await self._desk.ask(self._store.presences.all):
            seen, state = max(seat.seen_at or self._began, self._began), seat.presence.state
            if now - seen <= SCREEN_LOST or state in {AgentState.OFFLINE, AgentState.PAUSED}:
                continue
            number = seat.agent.staff_number
            if state in {AgentState.ON_CALL, AgentState.WRAP_UP}:  # when the customer is dealt with
                if seat.presence.afterwards is None:
                    move = self._store.presences.move
                    await self._desk.ask(move, number, Move.PAUSE, now, reason=SCREEN_GONE)
                continue
            await self.let_go(seat, SCREEN_GONE)
            await self._desk.ask(self._store.presences.move, number, Move.LOSE, now, reason=SCREEN_GONE)
            log.warning("screen_lost", agent=number)
            self._changes.happened()

    async def _wrap_ups(self, now: datetime) -> None:
        for one in await self._desk.ask(self._store.engagements.wrapping):
            campaign = await self._campaign(one.campaign) if one.campaign else None
            staffing = campaign.agents if campaign is not None else None
            if staffing is None or now >= one.since + staffing.wrap_up:
                await self._finish(one, campaign)
        for one in await self._desk.ask(self._store.engagements.unfinished, now - timedelta(minutes=1)):
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
            events.append(default_record(one.token, facts, campaign, now))
        events.append(Event(one.token, EventKind.WRAPPED, "wrapped", now, "dialer"))
        await self._ledger.record(*events)
        if facts.wrapped_at is not None or facts.is_open:
            await self._desk.ask(self._store.presences.move, number, Move.WRAP, now, reason="finished")
        self._changes.happened()

    async def _campaign(self, name: str) -> Campaign:
        return (await self._desk.ask(self._store.campaigns.get, name)).campaign


def default_record(token: str, facts: Facts, campaign: Campaign, now: datetime) -> Event:
    """What is recorded when an agent chose no outcome in time; what else they wrote down stays."""
    code = campaign.agents.default_outcome if campaign.agents is not None else None
    own = campaign.outcomes.get(code) if code else None
    disposition = own.counts_as if own is not None else Disposition(code or Disposition.NOT_CONVENIENT)
    written = max(
        (mark for mark in facts.marks if mark.node == RECORD), key=lambda mark: mark.tries, default=Mark(RECORD, 0)
    )
    tries = 1 + max((mark.tries for mark in facts.marks), default=-1)
    mark = replace(written, tries=tries, disposition=disposition, code=code or "" if own is not None else "")
    return Event(token, EventKind.HEARD, "default_record", now, "dialer", mark=mark)
