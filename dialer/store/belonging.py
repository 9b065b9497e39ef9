"""Whose a waiting callback is: its own agent's first, then the team's, then anybody's, as the queue's rows say it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_

from dialer.core.staffing import Divide, Mode
from dialer.store.tables import QueueRow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from dialer.core.promise import Promise
    from dialer.core.staffing import Belongs
    from dialer.store.proposals import Candidate

row = QueueRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it


NOBODYS: Mapping[str, Any] = MappingProxyType(
    {"agent_first": False, "owner": "", "not_for": "", "team_at": None, "anyone_at": None}
)


@dataclass(frozen=True, slots=True)
class Taker:
    """Who asks the queue for a callback: one agent, or a pacer who asks for whoever will be free.

    Customer files name agents by staff number or by name, so all these hold both.
    """

    me: tuple[str, ...] = ()  # the agent; empty for a pacer
    team: frozenset[str] = frozenset()  # the agents who share a team with them, themselves included
    on_shift: frozenset[str] = frozenset()  # all who are ready now or soon to be
    agent_first: frozenset[str] = frozenset()  # campaigns of which this taker gets only what needs an agent beforehand

    def gets_one_by_one(self, campaign: str) -> bool:
        """Whether this is an agent who gets of a campaign only what no pacer may dial ahead."""
        return bool(self.me) and campaign in self.agent_first


def ownership(candidate: Candidate, opens: datetime) -> Mapping[str, Any]:
    """Whose a callback is and until when, as columns of the queue.

    A pacer dials for nobody in particular. So in a predictive campaign what was divided is called by its agent one by
    one, and a customer's own agent only comes first among those who are free when the customer answers.
    """
    proposal, known = candidate.proposal, candidate.row
    staffing = proposal.campaign.agents
    if staffing is None:
        return NOBODYS
    promised = proposal.promise.agent if proposal.promise is not None else ""
    divided = known.cb_agent if staffing.divide is Divide.EVENLY else ""
    owner = promised or divided or proposal.customer.agent
    unwelcome = list(known.cb_not_agents or ())
    owner = "" if owner in unwelcome else owner
    predictive = staffing.mode is Mode.PREDICTIVE
    team = anyone = None
    if owner and proposal.promise is not None and proposal.promised:
        team, anyone = _promised(proposal.promise, proposal.not_before, staffing.belongs)
    elif owner and not divided:
        anyone = opens + staffing.belongs.agent
    elif owner:  # its agent's for half of the time there is
        anyone = opens + max(known.cb_deadline_at - opens, staffing.belongs.agent) / 2
    agent_first = known.cb_agent_first or team is not None or bool(unwelcome) or bool(predictive and owner and divided)
    if predictive and not agent_first:
        return NOBODYS
    return {
        "agent_first": agent_first,
        "owner": owner,
        "not_for": f",{','.join(unwelcome)}," if unwelcome else "",
        "team_at": team,
        "anyone_at": anyone,
    }


def _promised(promise: Promise, not_before: datetime | None, terms: Belongs) -> tuple[datetime, datetime]:
    """From when on a promised call is the team's, and from when on anybody's, early enough for all of them to keep it.

    Whoever gave it back, or whose try the customer never felt, had their turn: it is the team's at once.
    """
    third = (promise.until - promise.at) / 3
    tried = not_before is not None and not_before > promise.at
    team = promise.at if tried else promise.at + min(terms.agent, third)
    return team, team + min(terms.team, third)


def is_free(taker: Taker, now: datetime) -> Any:
    """The condition on the queue's rows that are not somebody else's now.

    What is nobody's promise belongs to its own agent only while they are there.
    """
    return or_(
        row.c.owner == "",
        row.c.owner.in_(taker.me),
        row.c.anyone_at <= now,
        and_(row.c.team_at <= now, row.c.owner.in_(taker.team)),
        and_(row.c.team_at.is_(None), row.c.owner.not_in(taker.on_shift)),
    )


def fits(me: tuple[str, ...], *, one_by_one: bool) -> list[Any]:
    """The conditions on the queue's rows that a taker of these names may have at all, whoever's they are."""
    needs_agent = [row.c.agent_first] if one_by_one else []
    if not me:
        needs_agent = [~row.c.agent_first]
    return needs_agent + [~row.c.not_for.contains(f",{name},", autoescape=True) for name in me]
