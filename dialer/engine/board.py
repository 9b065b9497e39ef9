"""The team lead's board as one snapshot, made once for all screens however many look at it."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from dialer.core.abandonment import upper_bound
from dialer.core.agent import AgentState
from dialer.core.wall_clock import local, midnight
from dialer.store.board import Flight, Floor, Hour, Vips

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import date, datetime

    from dialer.core.staffing import Mode
    from dialer.engine.desk import Desk
    from dialer.ports import Clock
    from dialer.store import Standing, Store
    from dialer.store.board import Due, InLine, OnFloor

T = TypeVar("T")

KEEP = timedelta(milliseconds=750)
"""How old a snapshot may be that is given to another screen."""

SOON = timedelta(seconds=5)
"""How old counts of queue, promises and tasks may be."""

NOW_AND_THEN = timedelta(seconds=15)
"""How old today's figures may be."""

SLOW = timedelta(minutes=1)
"""How old figures of many days and of the whole customer file may be."""

FOR_GOOD = timedelta(days=3650)
"""Figures of days and hours that are over."""

WINDOW_DAYS = 30
"""Days over which abandonment is judged, as regulators do."""

AHEAD = timedelta(hours=4)
"""Promises of so long ahead are on the board."""

ALARM = timedelta(minutes=5)
"""How long before its end a promise is at risk when its campaign does not say."""

SLICE = 20_000
"""Callbacks that are read in one go: a longer read would hold up those who dial."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a campaign dials and why, as its pacer said it last."""

    reason: str
    at: datetime
    inputs: Mapping[str, float | int | str] = field(default_factory=lambda: MappingProxyType({}))


class Talk(StrEnum):
    """How long a conversation is, by the measure of its campaign."""

    FINE = "fine"
    LONG = "long"  # the agent is warned
    TOO_LONG = "too_long"  # somebody should look


@dataclass(frozen=True, slots=True)
class AgentOnBoard:
    """One agent, the customer in hand and how long they talk."""

    at: OnFloor
    talk: Talk


@dataclass(frozen=True, slots=True)
class Abandonment:
    """How many of those who waited for an agent met nobody, against the share that is aimed at."""

    abandoned: int
    answered: int
    target: float

    @property
    def rate(self) -> float | None:
        """None while nobody has waited."""
        return self.abandoned / self.answered if self.answered else None

    @property
    def bound(self) -> float:
        """The upper end of the 95 % interval."""
        return upper_bound(self.abandoned, self.answered)


@dataclass(frozen=True, slots=True)
class CampaignOnBoard:
    """One campaign: what it does now, and how fast and why."""

    name: str
    title: str
    mode: Mode
    paused: bool
    pause_reason: str
    flights: Mapping[Flight, int]
    ready: int  # callbacks that may be called now and wait for their turn
    vips: Vips
    today: Abandonment | None = None  # None: no customer ever waits for an agent
    month: Abandonment | None = None
    pace: Pace | None = None

    @property
    def in_flight(self) -> int:
        """Calls that go on."""
        return sum(self.flights.values())


@dataclass(frozen=True, slots=True)
class PromiseOnBoard:
    """A promised call, and whether it is about to be missed."""

    of: Due
    at_risk: bool


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the board shows, as of one instant. `serial` grows with every snapshot."""

    serial: int
    at: datetime
    agents: tuple[AgentOnBoard, ...]
    states: Mapping[AgentState, int]
    campaigns: tuple[CampaignOnBoard, ...]
    in_line: tuple[InLine, ...]
    promised: int  # promises within the next hours
    promises: tuple[PromiseOnBoard, ...]  # the first of them
    missed: int  # promises missed today
    tasks: int
    overdue: int
    hours: tuple[tuple[datetime, Hour], ...]  # today, from the house's midnight on

    @property
    def at_risk(self) -> int:
        """Promises that are about to be missed."""
        return sum(one.at_risk for one in self.promises)

    @property
    def flights(self) -> Mapping[Flight, int]:
        """Calls in flight of all campaigns."""
        return {stage: sum(one.flights[stage] for one in self.campaigns) for stage in Flight}

    @property
    def long_talks(self) -> tuple[AgentOnBoard, ...]:
        """Conversations that are longer than their campaign wants them."""
        return tuple(one for one in self.agents if one.talk is not Talk.FINE)

    @property
    def vips(self) -> Vips:
        """VIPs of all campaigns."""
        return sum((one.vips for one in self.campaigns), Vips(0, 0, 0))


class Boards:
    """Makes snapshots, one at a time, and keeps what changes slowly."""

    def __init__(self, *, store: Store, desk: Desk, clock: Clock, paces: Callable[[], Mapping[str, Pace]]) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock
        self._paces = paces
        self._making = asyncio.Lock()
        self._last: Board | None = None
        self._made_at = 0.0
        self._kept: dict[tuple[Any, ...], tuple[float, Any]] = {}

    async def snapshot(self) -> Board:
        """The board as it is, or as it was less than `KEEP` ago."""
        async with self._making:
            if self._last is None or self._clock.monotonic() - self._made_at >= KEEP.total_seconds():
                self._made_at = self._clock.monotonic()  # before reading: what happens meanwhile may be missing
                self._last = await self._make(self._last.serial + 1 if self._last else 1)
            return self._last

    async def _make(self, serial: int) -> Board:
        now, ask, reads = self._clock.now(), self._desk.ask, self._store.board
        zone = self._store.house.zone
        today = local(now, zone).date()
        standings, floor = await ask(self._now)
        names = tuple(one.campaign.id for one in standings)
        days = [today - timedelta(days=back) for back in range(WINDOW_DAYS)]
        abandoned = {day: await self._abandonment(day, today, names) for day in days}
        ready = await self._keep(("ready",), SOON, lambda: ask(self._store.callbacks.ready_by_campaign, now))
        vips = await self._keep(("vips",), SLOW, self._vips)
        promised, due = await self._keep(("promises",), SOON, lambda: ask(reads.promised, now + AHEAD))
        missed = await self._keep(("missed", today), NOW_AND_THEN, lambda: ask(reads.missed, midnight(today, zone)))
        tasks, overdue = await self._keep(("tasks",), SOON, lambda: ask(reads.tasks, now))
        hours = await self._hours(today, now)
        paces = self._paces()
        self._forget(today)
        campaigns = tuple(
            _campaign(one, floor, ready.get(one.campaign.id, 0), vips, paces, days, abandoned) for one in standings
        )
        of = {one.campaign.id: one for one in standings}
        return Board(
            serial=serial,
            at=now,
            agents=tuple(AgentOnBoard(one, _talk(one, of.get(one.campaign), now)) for one in floor.agents),
            states=MappingProxyType(Counter(one.state for one in floor.agents)),
            campaigns=campaigns,
            in_line=floor.in_line,
            promised=promised,
            promises=tuple(PromiseOnBoard(one, _at_risk(one, of.get(one.campaign), now)) for one in due),
            missed=missed,
            tasks=tasks,
            overdue=overdue,
            hours=hours,
        )

    def _now(self) -> tuple[Sequence[Standing], Floor]:
        return self._store.campaigns.all(), self._store.board.floor()

    async def _abandonment(self, day: date, today: date, names: tuple[str, ...]) -> Mapping[str, tuple[int, int]]:
        """Counted by the house's days, since those that are over need no counting again."""
        zone = self._store.house.zone
        start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
        age = (today - day).days
        life = NOW_AND_THEN if age == 0 else SLOW if age == 1 else FOR_GOOD
        return await self._keep(
            ("abandoned", day, names), life, lambda: self._desk.ask(self._store.board.abandonment, names, start, end)
        )

    async def _hours(self, today: date, now: datetime) -> tuple[tuple[datetime, Hour], ...]:
        zone, found = self._store.house.zone, []
        at, over = midnight(today, zone), midnight(today + timedelta(days=1), zone)
        while at < over:
            start, end = at, at + timedelta(hours=1)
            hour = Hour(0, 0)
            if start <= now:
                life = NOW_AND_THEN if now - end < timedelta(hours=1) else FOR_GOOD
                hour = await self._hour(start, end, life)
            found.append((start, hour))
            at = end
        return tuple(found)

    async def _hour(self, start: datetime, end: datetime, life: timedelta) -> Hour:
        return await self._keep(("hour", start), life, lambda: self._desk.ask(self._store.board.calls, start, end))

    async def _vips(self) -> Mapping[str, Vips]:
        keys, found = await self._desk.ask(self._store.board.keys), dict[str, Vips]()
        for start in range(keys.start, keys.stop, SLICE):
            part = await self._desk.ask(self._store.board.vips, range(start, min(start + SLICE, keys.stop)))
            for name, more in part.items():
                found[name] = found.get(name, Vips(0, 0, 0)) + more
        return found

    async def _keep(self, key: tuple[Any, ...], life: timedelta, read: Callable[[], Awaitable[T]]) -> T:
        """What was read less than `life` ago, else read now."""
        at = self._clock.monotonic()
        if key in self._kept and at - self._kept[key][0] < life.total_seconds():
            kept: T = self._kept[key][1]
            return kept
        value = await read()
        self._kept[key] = (at, value)
        return value

    def _forget(self, today: date) -> None:
        """Drop days that have left the window, once a day."""
        if ("day", today) not in self._kept:
            oldest = today - timedelta(days=WINDOW_DAYS)
            zone = self._store.house.zone
            self._kept = {
                key: value
                for key, value in self._kept.items()
                if not (key[0] in {"abandoned", "missed"} and key[1] <= oldest)
                and not (key[0] == "hour" and key[1] < midnight(today, zone))
                and key[0] != "day"
            }
            self._kept["day", today] = (self._clock.monotonic(), None)


def _campaign(
    standing: Standing,
    floor: Floor,
    ready: int,
    vips: Mapping[str, Vips],
    paces: Mapping[str, Pace],
    days: Sequence[date],
    abandoned: Mapping[date, Mapping[str, tuple[int, int]]],
) -> CampaignOnBoard:
    name, staffing = standing.campaign.id, standing.campaign.agents
    counted = [abandoned[day].get(name, (0, 0)) for day in days]
    today = month = None
    if staffing is not None:
        today = Abandonment(*counted[0], staffing.abandonment)
        whole = sum(lost for lost, _ in counted), sum(waited for _, waited in counted)
        month = Abandonment(*whole, staffing.abandonment)
    return CampaignOnBoard(
        name=name,
        title=standing.campaign.title,
        mode=standing.campaign.mode,
        paused=standing.paused,
        pause_reason=standing.pause_reason,
        flights=MappingProxyType({stage: floor.flights.get((name, stage), 0) for stage in Flight}),
        ready=ready,
        vips=vips.get(name, Vips(0, 0, 0)),
        today=today,
        month=month,
        pace=paces.get(name),
    )


def _talk(one: OnFloor, standing: Standing | None, now: datetime) -> Talk:
    staffing = standing.campaign.agents if standing is not None else None
    if one.state is not AgentState.ON_CALL or one.talk_since is None or staffing is None:
        return Talk.FINE
    length = now - one.talk_since
    if length >= staffing.flag_after:
        return Talk.TOO_LONG
    return Talk.LONG if length >= staffing.warn_after else Talk.FINE


def _at_risk(one: Due, standing: Standing | None, now: datetime) -> bool:
    """Whether it is time, nobody calls, and what is left is short: the campaign's alarm, or half of the tolerance."""
    if one.calling or now < one.at:
        return False
    staffing = standing.campaign.agents if standing is not None else None
    alarm = staffing.belongs.alarm if staffing is not None else ALARM
    return one.until - now <= max(alarm, (one.until - one.at) / 2)
