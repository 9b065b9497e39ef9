"""Who may see and do what: the permissions of the console, and which role has which."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from dialer.core.agent import Role


class Permission(StrEnum):
    """What a page of the console may ask for. Each page asks for exactly one."""

    ACCOUNT = "account"  # one's own password, language and sessions
    WORK = "work"  # the agent's screen: one's own calls, with the file of the customer in hand
    BOARD = "board"  # agents by state, calls, pace, abandonment
    CUSTOMERS = "customers"  # any customer's file and history, and customers named anywhere; numbers masked
    SHOW_NUMBER = "show_number"  # a whole number; each showing is written into the trail
    WHY = "why"  # why a customer is or is not called
    CAMPAIGNS = "campaigns"  # campaigns, how they stand, who is due by count
    RUN_CAMPAIGNS = "run_campaigns"  # pause and resume them
    REPORTS = "reports"
    PEOPLE = "people"  # who works here
    EDIT_PEOPLE = "edit_people"  # add and change them, give new passwords
    HELP_AGENTS = "help_agents"  # pause an agent, end their work on the screen
    AUDIT = "audit"  # the trail of what people changed and were shown


_P = Permission
_AGENT: Final = frozenset({_P.ACCOUNT, _P.WORK})
_TEAM_LEAD: Final = _AGENT | {
    _P.BOARD,
    _P.CUSTOMERS,
    _P.SHOW_NUMBER,
    _P.WHY,
    _P.CAMPAIGNS,
    _P.RUN_CAMPAIGNS,
    _P.REPORTS,
    _P.PEOPLE,
    _P.HELP_AGENTS,
}

GRANTS: Final[dict[Role, frozenset[Permission]]] = {
    # Whoever is in hand is shown as a part of the work; no other customer can be looked up.
    Role.AGENT: _AGENT,
    Role.TEAM_LEAD: _TEAM_LEAD,
    Role.MANAGER: frozenset(Permission),
    # Runs the service. No customer is named to them, hence neither reports (which list calls) nor the trail (whose
    # subjects are customers): the board gives them its figures only, see `may(role, CUSTOMERS)`.
    Role.OPERATOR: frozenset({_P.ACCOUNT, _P.BOARD, _P.CAMPAIGNS, _P.RUN_CAMPAIGNS}),
}


def may(role: Role, permission: Permission) -> bool:
    """Whether somebody of `role` has `permission`."""
    return permission in GRANTS[role]
