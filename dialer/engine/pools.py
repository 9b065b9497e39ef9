"""Whose agents are whose: campaigns with the same agents share them, and no agent counts for two."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from dialer.core.agent import AgentState
from dialer.store.belonging import Taker

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime, timedelta

    from dialer.core.staffing import Staffing
    from dialer.store import Seat, Standing
    from dialer.store.board import Due

ON_SHIFT: Final = frozenset({AgentState.READY, AgentState.RESERVED, AgentState.ON_CALL, AgentState.WRAP_UP})
"""Who is ready now, or soon to be."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Predictive campaigns with the same agents, those that are paused included: their calls need agents as well."""

    campaigns: tuple[str, ...]
    running: tuple[str, ...]
    staffing: Staffing  # the strictest target among them
    limit: float | None  # the strictest that law sets
    ring: timedelta
    seats: tuple[Seat, ...]

    @property
    def name(self) -> str:
        """How its pacer is kept: by the first campaign's name."""
        return self.campaigns[0]

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What its pacer is made with."""
        return {
            "target": self.staffing.abandonment,
            "ring_limit": self.ring.total_seconds(),
            "patience": self.staffing.patience.total_seconds(),
            "late_hang_up": self.staffing.late_hang_up,
            "limit": self.limit,
        }


def pools(predictive: Sequence[Standing], seats: Sequence[Seat], busy: Collection[str]) -> list[Pool]:
    """Campaigns with the same agents share them; an agent of several groups counts for one of them only.

    Groups in which nobody is due and no call goes on, that is without any `busy` campaign, get whom no other can use.
    Among the others those with few agents are served first, so that nobody takes the only one of another.
    """
    able = {one.campaign.id: frozenset(seat.key for seat in seats if campaigns_of(seat, [one])) for one in predictive}
    groups: dict[frozenset[int], list[Standing]] = defaultdict(list)
    for one in predictive:
        groups[able[one.campaign.id]].append(one)
    idle = {keys for keys, members in groups.items() if not any(one.campaign.id in busy for one in members)}
    share: dict[int, int] = defaultdict(int)
    for keys in groups.keys() - idle:
        for key in keys:
            share[key] += 1
    found, taken = [], set[int]()
    order = sorted(groups.items(), key=lambda of: (of[0] in idle, len(of[0]), min(one.campaign.id for one in of[1])))
    for keys, members in order:
        chosen = [seat for seat in seats if seat.key in keys and seat.key not in taken]
        mine = chosen if keys in idle else _part(chosen, share)
        taken |= {seat.key for seat in mine}
        found.append(_pool(members, mine))
    return found


def _part(chosen: Sequence[Seat], share: dict[int, int]) -> list[Seat]:
    """Whom a group takes: those nobody else can use, and every second one of those another group can use as well."""
    shared = [seat.key for seat in chosen if share[seat.key] > 1]
    part = set(shared[::2])
    mine = [seat for seat in chosen if share[seat.key] == 1 or seat.key in part]
    for seat in chosen:
        share[seat.key] -= 1
    return mine


def _pool(members: Sequence[Standing], seats: Sequence[Seat]) -> Pool:
    staffings = [one.campaign.agents for one in members if one.campaign.agents is not None]
    return Pool(
        campaigns=tuple(sorted(one.campaign.id for one in members)),
        running=tuple(sorted(one.campaign.id for one in members if not one.paused)),
        staffing=min(staffings, key=lambda terms: terms.abandonment),
        limit=min((terms.legal_limit for terms in staffings if terms.legal_limit is not None), default=None),
        ring=max(one.campaign.attempts.ring for one in members),
        seats=tuple(seats),
    )


def campaigns_of(seat: Seat, running: Sequence[Standing]) -> list[Standing]:
    """The campaigns whose calls this agent may take."""
    return [
        one
        for one in running
        if one.campaign.agents is not None and one.campaign.agents.takes(seat.agent, one.campaign.language)
    ]


def promised_to(seat: Seat, of: Standing, due: Due, now: datetime) -> bool:
    """Whether a promise is due that this agent may keep: their own, nobody's, or one that others may have by now."""
    staffing = of.campaign.agents
    if staffing is None or due.campaign != of.campaign.id or due.calling or not due.at <= now < due.until:
        return False
    return due.agent in {"", *seat.names} or now >= due.at + staffing.belongs.agent


def taker_for(seat: Seat, seats: Sequence[Seat], agent_first: frozenset[str]) -> Taker:
    """One agent as somebody who asks the queue for a callback."""
    team = [one for one in seats if not one.agent.teams.isdisjoint(seat.agent.teams)]
    return Taker(
        me=seat.names,
        team=frozenset(name for one in team for name in one.names),
        on_shift=on_shift(seats),
        agent_first=agent_first,
    )


def on_shift(seats: Sequence[Seat]) -> frozenset[str]:
    """Everybody who is ready now or soon to be, by all their names."""
    return frozenset(name for seat in seats if seat.presence.state in ON_SHIFT for name in seat.names)
