"""The intent to dial: the one place where an attempt comes into being, in the transaction that claimed its callback."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dialer.core.admission import Dial, decide
from dialer.core.lifecycle import AttemptState
from dialer.core.record import CallbackState
from dialer.store import proposals, queue
from dialer.store.evidence import evidence
from dialer.store.rows import number_values
from dialer.store.tables import AttemptRow, CallbackRow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from dialer.core.admission import Decision, House
    from dialer.store.proposals import Candidate

attempt = AttemptRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
callback = CallbackRow.__table__  # type: ignore[attr-defined]

INTENDING = 0xD1A1
"""The lock under which intents are written, where a database has several writers at once."""


@dataclass(frozen=True, slots=True)
class Intention:
    """Who intends to dial, and for how long others believe that they live."""

    owner: str
    lease_until: datetime
    token: Callable[[], str]
    agent: str = ""  # the staff number of the agent who is set aside for the call


def alone(connection: Connection) -> None:
    """Count and write without being torn apart by another node.

    Two claims that insert the same numbers in different orders would wait for each other.
    """
    if connection.dialect.name != "sqlite":
        connection.execute(select(func.pg_advisory_xact_lock(INTENDING)))


def write(connection: Connection, house: House, ids: Sequence[int], intention: Intention, now: datetime) -> list[str]:
    """Ask the gate about the claimed rows; write an intent for each Dial and put the others back."""
    found = proposals.load(connection, ids, now, house)
    decided = [(found[one], decide(found[one].proposal, house, now)) for one in ids]
    allowed = [(c, d) for c, d in decided if isinstance(d, Dial)]
    queue.put(connection, house, [(c, d) for c, d in decided if not isinstance(d, Dial)], now)
    if not allowed:
        return []
    rows = [_intent(c, house, d, intention, now) for c, d in allowed]
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert
    # The partial unique indexes are the fence: a number or person in another open attempt is not inserted.
    statement = insert(attempt).on_conflict_do_nothing().returning(attempt.c.token)
    written = set(connection.scalars(statement, rows))
    won = [row for row in rows if row["token"] in written]
    lost = [(c, _busy(c, house, now)) for (c, _), row in zip(allowed, rows, strict=True) if row["token"] not in written]
    queue.put(connection, house, lost, now)
    change = {"state": CallbackState.CALLING.value, "note": ""}
    connection.execute(update(callback).where(callback.c.id.in_([r["callback_id"] for r in won])).values(change))
    return [row["token"] for row in won]


def _busy(candidate: Candidate, house: House, now: datetime) -> Decision:
    """The decision for somebody who turned out to be in another call."""
    return decide(replace(candidate.proposal, in_call=True), house, now)


def _intent(candidate: Candidate, house: House, decision: Dial, intention: Intention, now: datetime) -> dict[str, Any]:
    proposal = candidate.proposal
    return {
        "token": intention.token(),
        "callback_id": candidate.callback_id,
        "customer_id": candidate.row.cb_customer_id,
        "campaign": proposal.campaign.id,
        "campaign_version": candidate.version,
        "purpose": ",".join(sorted(proposal.campaign.purposes)),
        "subject": proposal.campaign.matter,
        "vip": proposal.customer.is_vip,
        **number_values(decision.number),
        "mode": proposal.campaign.mode.value,
        "agent": intention.agent,
        "notes": "",
        "owner": intention.owner,
        "state": AttemptState.INTENT.value,
        "is_open": True,
        "created_at": now,
        "lease_until": intention.lease_until,
        "heard_at": now,
        "carrier_call_id": "",
        "answered_by": "nobody",
        "failure": "",
        "disposition": "none",
        "code": "",
        "marks": [],
        "counted": False,
        "evidence": evidence(candidate, house, decision, now),
    }
