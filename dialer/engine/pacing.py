"""Decides each second who is dialed for whom: agents set aside first where a campaign says so, else as the pacer says.

Campaigns whose agents are the same people share one pacer, and no agent counts for two of them, so nobody is dialed for
twice. An agent of both kinds gets them in turn.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING, Any, Final

import structlog

from dialer.core.answer_rates import AnswerRates
from dialer.core.lessons import is_abandoned, lessons
from dialer.core.outcome import MACHINES
from dialer.core.pacing import AWAY, Pacer
from dialer.core.staffing import Mode
from dialer.engine.board import Pace
from dialer.engine.look import Look, stage_of, state_of
from dialer.engine.pools import ON_SHIFT, campaigns_of, on_shift, pools, promised_to, taker_for
from dialer.engine.turns import Turns
from dialer.errors import CarrierError
from dialer.store.belonging import Taker

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from datetime import datetime

    from dialer.engine.changes import Changes
    from dialer.engine.desk import Desk
    from dialer.engine.dial import Dialer
    from dialer.engine.pools import Pool
    from dialer.ports import Clock, Telephony
    from dialer.store import Seat, Standing, Store
    from dialer.store.attempts import InFlight, Recorded
    from dialer.store.prospects import Traits

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(seconds=1)
"""How often a pacer decides."""

PACING: Final = "pacing"
LASTS: Final = timedelta(seconds=5)
"""How soon after the end of the process that dialed for agents another one does."""

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
        self._wanted: dict[str, _Wanted] = {}  # by pool
        self._turns = Turns()
        self._vain: dict[int, float] = {}  # agent -> until when there is nothing for them, on the monotonic clock
        self._leading = False
        self._asked = self._looked = self._decided = self._saved = self._counted = -inf

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
        if not standings or not await self._leads():
            return 0
        deciding = now >= self._decided + EVERY.total_seconds()
        look = await self._look(standings, deciding=deciding)
        dialed = await self._one_by_one(look)
        if deciding:
            self._decided = now
            if dialed:
                look = await self._look(standings, deciding=True)
            await self._ahead(look)
            await self._keep()
        return dialed + await self._dial_wanted()

    async def _leads(self) -> bool:
        """Whether it is this process that dials for agents: two would dial for the same ones."""
        now = self._clock.monotonic()
        if now >= self._asked + EVERY.total_seconds():
            self._asked = now
            take = self._store.leases.take
            self._leading = await self._desk.ask(take, PACING, self._dialer.owner, self._clock.now(), LASTS)
            if not self._leading:
                self._paces = {}
        return self._leading

    async def stop(self) -> None:
        """Let another process dial for agents at once."""
        if self._leading:
            self._leading = False
            await self._desk.ask(self._store.leases.give_up, PACING, self._dialer.owner)

    async def _look(self, standings: Sequence[Standing], *, deciding: bool) -> Look:
        seats = await self._desk.ask(self._store.presences.all)
        if not deciding and not any(seat.is_free for seat in seats):
            return Look(standings, seats, {}, (), ())
        names = [one.campaign.id for one in standings]
        waiting = await self._desk.ask(self._store.callbacks.for_agents, names, self._clock.now())
        predictive = [one for one in standings if one.campaign.mode is Mode.PREDICTIVE]
        if not predictive:
            return Look(standings, seats, waiting, (), ())
        flying = await self._desk.ask(self._store.attempts.in_flight)
        found = pools(predictive, seats, waiting.keys() | {one.campaign for one in flying})
        return Look(standings, seats, waiting, [one for one in flying if not one.agent and one.needs_agent], found)

    async def _one_by_one(self, look: Look) -> int:
        """Set free agents aside for a callback each, where calls made ahead leave them any; how many."""
        self._say(look)
        free, dialed = look.free, 0
        self._turns.begin(look.pools, free, {pool.name: self._likely(pool, look) for pool in look.pools})
        for seat in free:
            if self._dialer.pause:
                break  # the next look comes sooner than the carrier takes another call
            names, first = look.one_by_one(seat)
            if not names:
                self._turns.nothing_for(seat.key)
            elif self._clock.monotonic() >= self._vain.get(seat.key, -inf):
                dialed += await self._set_aside(seat, look, names, first)
        return dialed

    async def _set_aside(self, seat: Seat, look: Look, names: Sequence[str], first: frozenset[str]) -> bool:
        """Dial for an agent if it is their turn, or else what was promised; whether somebody is."""
        taker = taker_for(seat, look.seats, first)
        if not self._turns.is_own(seat.key):
            promised = await self._promised(seat, look, names)
            if not promised:
                await self._owe(seat, names, taker)
                return False
            names, taker = promised, taker_for(seat, look.seats, frozenset(promised))
            self._wanted.clear()  # who is dialed for now was counted on; the pacers decide anew within a second
        if await self._dialer.for_agent(seat.key, names, taker) is None:  # what waits is others', or the gate says no
            self._in_vain(seat)
            return False
        self._turns.set_aside(seat.key)
        self._changes.happened()
        return True

    async def _owe(self, seat: Seat, names: Sequence[str], taker: Taker) -> None:
        """The calls ahead keep an agent from what may wait for them: it is their next, if it does."""
        if not self._turns.is_kept(seat.key):
            return
        if await self._desk.ask(self._store.prospects.next, names, taker, 1, self._clock.now()):
            self._turns.owe(seat.key)
        else:
            self._in_vain(seat)

    def _in_vain(self, seat: Seat) -> None:
        self._vain[seat.key] = self._clock.monotonic() + EVERY.total_seconds()
        self._turns.nothing_for(seat.key)

    async def _promised(self, seat: Seat, look: Look, names: Sequence[str]) -> list[str]:
        """Those of the campaigns `names` in which a promise is due that this agent may keep: they go before all."""
        if not any(look.waiting[name] for name in names):
            return []
        now = self._clock.now()
        _, due = await self._desk.ask(self._store.board.promised, now)
        mine = [one for one in look.running if one.campaign.id in names]
        return [one.campaign.id for one in mine if any(promised_to(seat, one, promise, now) for promise in due)]

    def _likely(self, pool: Pool, look: Look) -> list[tuple[datetime, float]]:
        """The calls made ahead, and those that will be in a moment: when, and how likely each needs an agent."""
        rates = self._rates.get(pool.name, AnswerRates())
        found = [
            (one.created, self._chance(rates, one.token) if one.answered is None else 1.0) for one in look.of(pool)
        ]
        if pool.name in self._wanted:
            found.append((self._clock.now(), self._wanted[pool.name].calls * self._chance(rates, "")))
        return found

    def _say(self, look: Look) -> None:
        free = [seat for seat in look.seats if seat.is_free]
        for one in look.running:
            if one.campaign.mode.reserves:
                ready = sum(bool(campaigns_of(seat, [one])) for seat in free)
                reason = f"one call for each free agent: {ready} ready"
                self._paces[one.campaign.id] = Pace(reason, self._clock.now(), {"ready": ready, "each": 1})

    async def _ahead(self, look: Look) -> None:
        """Let each pool's pacer decide. What it wants is sent as fast as the carrier takes it."""
        self._wanted = {}
        if not look.pools:
            return
        await self._count([one for one in look.standings if one.campaign.mode is Mode.PREDICTIVE])
        for seat in look.seats:
            if seat.key in self._turns.owed and not look.one_by_one(seat)[0]:
                self._turns.nothing_for(seat.key)
        taker = Taker(on_shift=on_shift(look.seats))
        for pool in look.pools:
            self._of_campaign |= dict.fromkeys(pool.campaigns, pool.name)
            if not pool.running:
                continue
            mine = look.of(pool)
            wanted = await self._decide(pool, mine, taker)
            if wanted > 0:
                self._wanted[pool.name] = _Wanted(pool.running, taker, wanted)
            elif wanted < 0:
                await self._stop(mine, -wanted, timedelta(seconds=self._pacers[pool.name].least_ring))
        self._turns.decided((seat.key for seat in look.free), self._clock.now())

    async def _dial_wanted(self) -> int:
        """Dial what the pacers want and the pace did not let through yet; how many."""
        dialed = 0
        for one in self._wanted.values():
            sent = await self._dialer.ahead(one.calls, one.campaigns, one.taker)
            if sent:
                self._traits |= await self._desk.ask(self._store.prospects.of, sent, self._clock.now())
            one.calls -= len(sent)
            dialed += len(sent)
        self._wanted = {name: one for name, one in self._wanted.items() if one.calls > 0}
        return dialed

    async def _decide(self, pool: Pool, mine: Sequence[InFlight], taker: Taker) -> int:
        pacer, rates = await self._pacer(pool), self._rates[pool.name]
        most = MOST_PROSPECTS * max(1, sum(seat.presence.state in ON_SHIFT for seat in pool.seats))
        at = self._clock.now()
        ahead = await self._desk.ask(self._store.prospects.next, pool.running, taker, most, at)
        now = self._clock.now()
        calls = [stage_of(one, now) for one in mine]

        def decided(likely: Sequence[float], away: Container[int] = ()) -> int:
            states = [AWAY if seat.key in away else state_of(seat) for seat in pool.seats]
            return pacer.decide(
                now.timestamp(),
                (states, [seat.presence.since.timestamp() for seat in pool.seats]),
                ([stage for stage, _ in calls], [began for _, began in calls]),
                chances=[self._chance(rates, one.token) for one in mine],
                prospects=likely,
            )

        likely = [rates.chance(one.segment, one.hour, one.contact) for one in ahead]
        owed = self._turns.owed.intersection(seat.key for seat in pool.seats)
        wanted = decided(likely, owed)
        if owed and wanted <= 0:
            wanted = decided(())  # who is kept for the calls that ring now does count for these
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

    async def _stop(self, mine: Sequence[InFlight], many: int, least_ring: timedelta) -> None:
        """Take back the calls that have rung longest, before anybody answers them in vain, and none too early."""
        latest = self._clock.now() - least_ring
        ringing = [(one.rang, one) for one in mine if one.answered is None and one.rang is not None]
        ringing.sort(key=lambda pair: pair[0])
        for rang, one in ringing[:many]:
            if rang > latest or not one.carrier_call_id:
                continue
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
                person = (met or is_abandoned(told.facts)) and told.facts.answered_by not in MACHINES
                rates = self._rates[pool]
                rates.observe(traits.segment, traits.hour, traits.contact, answered=person)
