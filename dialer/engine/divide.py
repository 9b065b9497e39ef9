"""Gives waiting callbacks to agents in advance, where a campaign says that each agent calls their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.core.agent import Role
from dialer.core.staffing import Divide

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.store import Store


def divide(store: Store, now: datetime) -> int:
    """Divide what is nobody's among the agents who take such calls, by capacity; how many callbacks were given."""
    given = 0
    for standing in store.campaigns.all():
        staffing, language = standing.campaign.agents, standing.campaign.language
        if staffing is None or staffing.divide is Divide.NO:
            continue
        people = [seat.agent for seat in store.presences.all() if seat.agent.role is Role.AGENT and seat.agent.address]
        able = [agent for agent in people if staffing.takes(agent, language)]
        capacities = {agent.staff_number: agent.capacity for agent in able}
        while capacities:
            many = store.divisions.divide(standing.campaign.id, capacities, now)
            given += many
            if not many:
                break
    return given
