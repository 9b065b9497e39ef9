"""Decides each second who is dialed for whom: agents set aside first where a campaign says so, else as the pacer says.

Campaigns whose agents are the same people share one pacer, and no agent counts for two of them, so nobody is dialed for
twice.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING, Any, Final

import structlog

from dialer.core.agent import AgentState
from dialer.core.answer_rates import AnswerRates
from dialer.core.lessons import lessons
from dialer.core.outcome import Disposition
from dialer.core.pacing import AWAY, READY, RINGING, TALKING, UNDECIDED, WAITING, WRAPPING, Pacer
from dialer.core.staffing import Mode
from dialer.engine.board import Pace
from dialer.engine.pools import ON_SHIFT, Pool, campaigns_of, on_shift, pools, taker_for
from dialer.errors import CarrierError
from dialer.store.belonging import Taker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from dialer.engine.changes import Changes
    from dialer.engine.desk import Desk
    from dialer.engine.dial import Dialer
    from dialer.ports import Clock, Telephony
    from dialer.store import Seat, Standing, Store
    from dialer.store.attempts import InFlight, Recorded
    from dialer.store.prospects import Traits

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(seconds=1)
"""How often a pacer decides."""

LOOK: Final = timedelta(milliseconds=100)
"""The shortest time between two looks for agents who are free."""

MOST_PROSPECTS: Final = 4
"""So many people next in line are looked at for each agent on shift; a pacer never dials more lines than that."""

SAVED_EVERY: Final = timedelta(minutes=1)
COUNTED: Final = timedelta(days=30)
"""The window of the abandonment rate. Law: 30 days in the United States, 24 hours by campaign in Britain."""


@dataclass(slots=True)
class _Wanted:
    """What a pacer wants to be dialed until it decides anew."""

    campaigns: tuple[str, ...]
    taker: Taker
    calls: int


class Pacing:
    """Dials for agents."""

    def __init__(
        self, *, store: Store, desk: Desk, telephony: Telephony, clock: Clock, changes: Changes, dialer: Dialer
    ) -> None:
        self._store = store
        self._desk = desk
        self._telephony = telephony
        self._clock = clock
        self._changes = changes
        self._dialer = dialer
        self._pacers: dict[str, Pacer] = {}
        self._parameters: dict[str, Mapping[str, Any]] = {}
        self._rates: dict[str, AnswerRates] = {}
        self._traits: dict[str, Traits] = {}  # of calls in flight, by attempt
        self._of_campaign: dict[str, str] = {}  # predictive campaign -> its pool
        self._paces: dict[str, Pace] = {}
        self._wanted: list[_Wanted] = []
        self._vain: dict[int, float] = {}  # agent -> until when there is nothing for them, on the monotonic clock
        self._looked = self._decided = self._saved = self._counted = -inf

    @property
    def paces(self) -> Mapping[str, Pace]:
        """Per campaign: what was decided last, from what and why."""
        return self._paces

    @property
    def pause(self) -> timedelta:
        """How long until the next look; nothing when one may be taken now."""
        left = self._looked + LOOK.total_seconds() - self._clock.monotonic()
        return timedelta(seconds=left) if left > 0 else timedelta(0)

    async def pump(self) -> int:
        """One look: dial for agents who are free, and once a second as far ahead as the pacers say; how many."""
        now = self._clock.monotonic()
        if self.pause:
            return 0
        self._looked = now
        standings = [one for one in await self._desk.ask(self._store.campaigns.all) if one.campaign.agents is not None]
        if not standings:
            return 0
        seats = await self._desk.ask(self._store.presences.all)
        running = [one for one in standings if not one.paused]
        dialed = await self._one_by_one(running, seats)
        if now >= self._decided + EVERY.total_seconds():
            self._decided = now
            if dialed:
                seats = await self._desk.ask(self._store.presences.all)
            await self._ahead(standings, seats)
            await self._keep()
        return dialed + await self._dial_wanted()

    async def _one_by_one(self, running: Sequence[Standing], seats: Sequence[Seat]) -> int:
        """Set free agents aside for a callback each, whoever has been idle longest first."""
        free = [seat for seat in seats if seat.is_free]
        free.sort(key=lambda seat: seat.idle_since or seat.presence.since)
        if not free:
            return 0
        names = [one.campaign.id for one in running]
        waiting = await self._desk.ask(self._store.callbacks.for_agents, names, self._clock.now())
        dialed = 0
        for seat in free:
            mine = campaigns_of(seat, running)
            first = frozenset(one.campaign.id for one in mine if one.campaign.mode is Mode.PREDICTIVE)
            names = [
                name for one in mine if (name := one.campaign.id) in waiting and (name not in first or waiting[name])
            ]
            self._say([name for name in names if name not in first], len(free))
            if self._dialer.pause:
                break  # the next look comes sooner than the carrier takes another call
            if not names or self._clock.monotonic() < self._vain.get(seat.key, -inf):
                continue
            if await self._dialer.for_agent(seat.key, names, taker_for(seat, seats, first)) is not None:
                dialed += 1
                self._changes.happened()
            else:  # what waits is others', or the gate says no
                self._vain[seat.key] = self._clock.monotonic() + EVERY.total_seconds()
        return dialed

    def _say(self, names: Sequence[str], free: int) -> None:
        pace = Pace(f"one call for each free agent: {free} ready", self._clock.now(), {"ready": free, "each": 1})
        self._paces |= dict.fromkeys(names, pace)

    async def _ahead(self, standings: Sequence[Standing], seats: Sequence[Seat]) -> None:
        """Let each pool's pacer decide. What it wants is sent as fast as the carrier takes it."""
        self._wanted = []
        predictive = [one for one in standings if one.campaign.mode is Mode.PREDICTIVE]
        if not predictive:
            return
        await self._count(predictive)
        flying = await self._desk.ask(self._store.attempts.in_flight)
        names = [one.campaign.id for one in predictive]
        waiting = await self._desk.ask(self._store.callbacks.for_agents, names, self._clock.now())
        taker = Taker(on_shift=on_shift(seats))
        for pool in pools(predictive, seats, waiting.keys() | {one.campaign for one in flying}):
            self._of_campaign |= dict.fromkeys(pool.campaigns, pool.name)
            if not pool.running:
                continue
            mine = [one for one in flying if one.campaign in pool.campaigns and not one.agent]
            wanted = await self._decide(pool, mine, taker)
            if wanted > 0:
                self._wanted.append(_Wanted(pool.running, taker, wanted))
            elif wanted < 0:
                await self._stop(mine, -wanted)

    async def _dial_wanted(self) -> int:
        """Dial what the pacers want and the pace did not let through yet; how many."""
        dialed = 0
        for one in self._wanted:
            sent = await self._dialer.ahead(one.calls, one.campaigns, one.taker)
            if sent:
                self._traits |= await self._desk.ask(self._store.prospects.of, sent, self._clock.now())
            one.calls -= len(sent)
            dialed += len(sent)
        self._wanted = [one for one in self._wanted if one.calls > 0]
        return dialed

    async def _decide(self, pool: Pool, mine: Sequence[InFlight], taker: Taker) -> int:
        pacer, rates = await self._pacer(pool), self._rates[pool.name]
        most = MOST_PROSPECTS * max(1, sum(seat.presence.state in ON_SHIFT for seat in pool.seats))
        at = self._clock.now()
        ahead = await self._desk.ask(self._store.prospects.next, pool.running, taker, most, at)
        now = self._clock.now().timestamp()
        states = [(_state(seat), (seat.presence.since).timestamp()) for seat in pool.seats]
        calls = [_stage(one) for one in mine]
        agents = ([state for state, _ in states], [since for _, since in states])
        wanted = pacer.decide(
            now,
            agents,
            ([stage for stage, _ in calls], [began for _, began in calls]),
            chances=[self._chance(rates, one.token) for one in mine],
            prospects=[rates.chance(one.segment, one.hour, one.contact) for one in ahead],
        )
        pace = Pace(pacer.reason, self._clock.now(), asdict(pacer.inputs))
        if any(self._paces.get(name) is None or self._paces[name].reason != pace.reason for name in pool.running):
            self._changes.happened()
        self._paces |= dict.fromkeys(pool.running, pace)
        return wanted

    def _chance(self, rates: AnswerRates, token: str) -> float:
        """The chance of a call in flight; of one sent by a process that died, everybody's."""
        known = self._traits.get(token)
        return rates.chance(known.segment, known.hour, known.contact) if known is not None else rates.chance("", 0, "")

    async def _pacer(self, pool: Pool) -> Pacer:
        known, parameters = self._pacers.get(pool.name), pool.parameters
        if known is not None and self._parameters[pool.name] == parameters:
            return known
        kept: Mapping[str, Any] = {}
        if known is None:
            kept = await self._desk.ask(self._store.pacers.learnt, pool.name)
            self._rates[pool.name] = AnswerRates.restore(kept.get("rates", []))
        learnt = known.state() if known is not None else kept.get("pacer")
        try:
            pacer = Pacer.restore(learnt, **parameters) if learnt else Pacer(**parameters)
        except ValueError:  # another ring limit: what was learnt does not fit any more
            pacer = Pacer(**parameters)
        self._pacers[pool.name], self._parameters[pool.name] = pacer, parameters
        self._counted = -inf
        return pacer

    async def _count(self, predictive: Sequence[Standing]) -> None:
        """Put the window's counts, which outlast this process, into the pacers."""
        now = self._clock.monotonic()
        if now < self._counted + SAVED_EVERY.total_seconds():
            return
        self._counted = now
        names, at = [one.campaign.id for one in predictive], self._clock.now()
        counts = await self._desk.ask(self._store.board.abandonment, names, at - COUNTED, at)
        totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for one in predictive:
            pool = self._of_campaign.get(one.campaign.id, one.campaign.id)
            abandoned, waited = counts.get(one.campaign.id, (0, 0))
            totals[pool][0] += abandoned
            totals[pool][1] += waited
        for pool, (abandoned, waited) in totals.items():
            if pool in self._pacers:
                self._pacers[pool].count(abandoned, waited)

    async def _keep(self) -> None:
        now = self._clock.monotonic()
        if now < self._saved + SAVED_EVERY.total_seconds():
            return
        self._saved = now
        for name, pacer in self._pacers.items():
            learnt = {"pacer": pacer.state(), "rates": self._rates[name].state()}
            await self._desk.ask(self._store.pacers.keep, name, learnt, self._clock.now())

    async def _stop(self, mine: Sequence[InFlight], many: int) -> None:
        """Take back the calls that have rung longest, before anybody answers them in vain."""
        ringing = sorted((one for one in mine if one.answered is None and one.carrier_call_id), key=_began)
        for one in ringing[:many]:
            try:
                await self._telephony.cancel(one.carrier_call_id)
            except CarrierError:
                log.warning("ringing_call_not_stopped", attempt=one.token)

    def hear(self, told: Recorded) -> None:
        """Let the pacer learn from what was told about a call."""
        pool = self._of_campaign.get(told.campaign)
        pacer = self._pacers.get(pool) if pool is not None else None
        if pool is None or pacer is None or told.before is None or told.facts is None or told.before == told.facts:
            return
        for kind, value in lessons(told.before, told.facts):
            pacer.observe(self._clock.now().timestamp(), kind, value)
        met = told.facts.connected_at is not None
        if met or not told.facts.is_open:
            traits = self._traits.pop(told.token, None)
            if traits is not None:
                person = met or told.facts.disposition is Disposition.ABANDONED
                rates = self._rates[pool]
                rates.observe(traits.segment, traits.hour, traits.contact, answered=person)


def _state(seat: Seat) -> int:
    match seat.presence.state:
        case AgentState.READY:
            return READY if seat.is_free else AWAY
        case AgentState.RESERVED | AgentState.ON_CALL:
            return TALKING if seat.presence.afterwards is None else AWAY
        case AgentState.WRAP_UP:
            return WRAPPING if seat.presence.afterwards is None else AWAY
        case _:
            return AWAY


def _stage(one: InFlight) -> tuple[int, float]:
    if one.waited is not None:
        return WAITING, one.waited.timestamp()
    if one.answered is not None:
        return UNDECIDED, one.answered.timestamp()
    return RINGING, _began(one).timestamp()


def _began(one: InFlight) -> datetime:
    return one.sent or one.created
