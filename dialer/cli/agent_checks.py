"""What `dialer doctor` says about agents: campaigns that nobody can work for, and agents nobody can call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.cli.finding import Finding
from dialer.core.agent import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dialer.store import Store


def agents(store: Store) -> list[Finding]:
    """The findings; none where no campaign has agents and nobody works here."""
    return list(_agents(store))


def _agents(store: Store) -> Iterator[Finding]:
    people = [seat.agent for seat in store.presences.all() if seat.agent.active]
    staffed = [one.campaign for one in store.campaigns.all() if one.campaign.agents is not None]
    if not people and not staffed:
        return
    if not any(person.role is Role.MANAGER for person in people):
        says = "nobody is a manager; `dialer agents add STAFF_NUMBER --name NAME --role manager` makes the first"
        yield Finding("agents", False, says)
    if people:
        yield Finding("agents", True, f"{len(people)} work here")
    silent = [person.staff_number for person in people if person.role is Role.AGENT and not person.address]
    if silent:
        says = f"{', '.join(silent)}: no telephone; `dialer agents change STAFF_NUMBER --phone` enters it"
        yield Finding("agents", False, says)
    for campaign in staffed:
        staffing = campaign.agents
        if staffing is not None and not any(staffing.takes(person, campaign.language) for person in people):
            wants = [*(f"team {team}" for team in staffing.teams), *(f"skill {skill}" for skill in staffing.skills)]
            needs = ", ".join([*wants, f"language {campaign.language}"])
            yield Finding("agents", False, f"nobody takes calls of {campaign.id}, which needs {needs}")
