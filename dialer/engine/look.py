"""The floor at one moment, as whoever decides for whom to dial sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dialer.core.agent import AgentState
from dialer.core.pacing import AWAY, READY, RINGING, TALKING, UNDECIDED, WAITING, WRAPPING
from dialer.core.staffing import Mode
from dialer.engine.pools import campaigns_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from dialer.engine.pools import Pool
    from dialer.store import Seat, Standing
    from dialer.store.attempts import InFlight


@dataclass(frozen=True, slots=True)
class Look:
    """One look at everything. Without anybody who is free, and without a pacer who asks, only campaigns and seats."""

    standings: Sequence[Standing]
    seats: Sequence[Seat]
    waiting: Mapping[str, bool]  # as `Callbacks.for_agents` says it
    flying: Sequence[InFlight]  # calls made ahead that may need an agent
    pools: Sequence[Pool]

    @property
    def running(self) -> list[Standing]:
        """The campaigns that are not paused."""
        return [one for one in self.standings if not one.paused]

    @property
    def free(self) -> list[Seat]:
        """Whom a customer can be put to, whoever has been idle longest first."""
        free = [seat for seat in self.seats if seat.is_free]
        return sorted(free, key=lambda seat: seat.idle_since or seat.presence.since)

    def one_by_one(self, seat: Seat) -> tuple[list[str], frozenset[str]]:
        """In which campaigns somebody may wait for whom this agent is set aside; the predictive among its campaigns.

        In those only who needs an agent first.
        """
        mine = campaigns_of(seat, self.running)
        first = frozenset(one.campaign.id for one in mine if one.campaign.mode is Mode.PREDICTIVE)
        names = [name for one in mine if (name := one.campaign.id) in self.waiting]
        return [name for name in names if name not in first or self.waiting[name]], first

    def of(self, pool: Pool) -> list[InFlight]:
        """The calls that the pool's agents are for."""
        return [one for one in self.flying if one.campaign in pool.campaigns]


def state_of(seat: Seat) -> int:
    """Where an agent stands, in the pacer's words; who leaves after this customer is away."""
    match seat.presence.state:
        case AgentState.READY:
            return READY if seat.is_free else AWAY
        case AgentState.RESERVED | AgentState.ON_CALL:
            return TALKING if seat.presence.afterwards is None else AWAY
        case AgentState.WRAP_UP:
            return WRAPPING if seat.presence.afterwards is None else AWAY
        case _:
            return AWAY


def stage_of(one: InFlight, now: datetime) -> tuple[int, float]:
    """How far a call is, in the pacer's words, and since when.

    Ringing counts from the first ring, as law has it for taking a call back; what does not ring yet is new.
    """
    if one.waited is not None:
        return WAITING, one.waited.timestamp()
    if one.answered is not None:
        return UNDECIDED, one.answered.timestamp()
    return RINGING, (one.rang or now).timestamp()
