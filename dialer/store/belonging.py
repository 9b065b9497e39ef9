"""Whose a waiting callback is: its own agent's first, then the team's, then anybody's, as the queue's rows say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_

from dialer.store.tables import QueueRow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from dialer.store.proposals import Candidate

row = QueueRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it


@dataclass(frozen=True, slots=True)
class Taker:
    """Who asks the queue for a callback: one agent, or a pacer who asks for whoever will be free.

    Customer files name agents by staff number or by name, so all these hold both.
    """

    me: tuple[str, ...] = ()  # the agent; empty for a pacer
    team: frozenset[str] = frozenset()  # the agents who share a team with them, themselves included
    on_shift: frozenset[str] = frozenset()  # all who are ready now or soon to be
    agent_first: frozenset[str] = frozenset()  # campaigns of which this taker gets only what needs an agent beforehand


def ownership(candidate: Candidate, opens: datetime) -> Mapping[str, Any]:
    """Whose a callback is and until when, as columns of the queue."""
    proposal, known = candidate.proposal, candidate.row
    staffing = proposal.campaign.agents
    if staffing is None:
        return {"agent_first": False, "owner": "", "not_for": "", "team_at": None, "anyone_at": None}
    promised = proposal.promise.agent if proposal.promise is not None else ""
    owner = promised or known.cb_agent or proposal.customer.agent
    unwelcome = list(known.cb_not_agents or ())
    owner = "" if owner in unwelcome else owner
    terms = staffing.belongs
    team = anyone = None
    if owner and proposal.promise is not None and proposal.promised:
        team = proposal.promise.at + terms.agent
        anyone = team + terms.team
    elif owner and not known.cb_agent:
        anyone = opens + terms.agent
    elif owner:  # divided: its agent's for half of the time there is
        anyone = opens + max(known.cb_deadline_at - opens, terms.agent) / 2
    return {
        "agent_first": known.cb_agent_first or team is not None or bool(unwelcome),
        "owner": owner,
        "not_for": f",{','.join(unwelcome)}," if unwelcome else "",
        "team_at": team,
        "anyone_at": anyone,
    }


def may_take(taker: Taker, campaign: str, now: datetime) -> list[Any]:
    """The conditions on the queue's rows of a campaign that this taker may have now.

    What is nobody's promise belongs to its own agent only while they are there.
    """
    free = or_(
        row.c.owner == "",
        row.c.owner.in_(taker.me),
        row.c.anyone_at <= now,
        and_(row.c.team_at <= now, row.c.owner.in_(taker.team)),
        and_(row.c.team_at.is_(None), row.c.owner.not_in(taker.on_shift)),
    )
    found: list[Any] = [free]
    if not taker.me:
        found.append(~row.c.agent_first)
    elif campaign in taker.agent_first:
        found.append(row.c.agent_first)
    found += [~row.c.not_for.contains(f",{name},", autoescape=True) for name in taker.me]
    return found
