"""What people call the members of our enumerations on the screen: English here, other languages in the catalogues."""

from __future__ import annotations

from typing import Final

WORDS: Final = {
    "Role.agent": "Agent",
    "Role.team_lead": "Team lead",
    "Role.manager": "Manager",
    "Role.operator": "Operator",
    "AgentState.offline": "Offline",
    "AgentState.paused": "Paused",
    "AgentState.ready": "Ready",
    "AgentState.reserved": "Reserved",
    "AgentState.on_call": "On a call",
    "AgentState.wrap_up": "Wrap-up",
}
"""By `Class.value`; each value is an entry of the catalogue."""
