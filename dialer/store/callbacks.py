"""Callbacks: enrolled when there is a reason to call, waiting for their stretch, claimed with the intent to dial."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dialer.core.admission import Dial, Wait, decide
from dialer.core.lifecycle import AttemptState
from dialer.core.record import CallbackState, Reason
from dialer.store import proposals, queue
from dialer.store.campaigns import campaign
from dialer.store.rows import number_values
from dialer.store.tables import AttemptRow, CallbackRow, CustomerRow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from dialer.core.admission import Decision, House, Proposal
    from dialer.store.campaigns import Standing
    from dialer.store.database import Database
    from dialer.store.proposals import Candidate

attempt = AttemptRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
callback = CallbackRow.__table__  # type: ignore[attr-defined]
customer = CustomerRow.__table__  # type: ignore[attr-defined]

ROUNDS = 5
"""How often one claim goes back to the queue when the gate turned candidates away."""

INTENDING = 0xD1A1
"""The lock under which intents are written, where a database has several writers at once."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A reason to call a customer."""

    customer_id: int
    occasion: str
    due: datetime
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A callback as the gate sees it, with where it stands."""

    proposal: Proposal
    state: CallbackState
    occasion: str
    note: str


class Callbacks:
    """Every customer's place in every campaign."""

    def __init__(self, database: Database, house: House) -> None:
        self._database = database
        self._house = house

    def enrol(self, campaign: str, batch: Sequence[Enrolment], now: datetime) -> int:
        """Enrol customers, once per occasion; how many were new. The gate says at once who can never be called."""
        if not batch:
            return 0
        rows = [
            {
                "campaign": campaign,
                "customer_id": one.customer_id,
                "occasion": one.occasion,
                "state": CallbackState.WAITING.value,
                "note": "",
                "due_at": one.due,
                "deadline_at": one.deadline,
                "enrolled_at": now,
                "promised": False,
                "attempts": 0,
                "errors": 0,
                "number_index": 0,
                "bad_numbers": [],
                "answers": {},
            }
            for one in batch
        ]
        with self._database.write() as connection:
            insert = (sqlite if self._database.is_sqlite else postgresql).insert
            statement = insert(callback).on_conflict_do_nothing().returning(callback.c.id)
            new = list(connection.scalars(statement, rows))
            self._decide_and_put(connection, new, now)
        return len(new)

    def withdraw(self, campaign: str, customer_ids: Sequence[int], now: datetime) -> int:
        """Close what waits for customers whom the campaign no longer selects."""
        chosen = (
            select(callback.c.id)
            .where(callback.c.campaign == campaign, callback.c.customer_id.in_(customer_ids))
            .where(callback.c.state.in_([CallbackState.WAITING, CallbackState.HELD]), ~callback.c.promised)
        )
        change = {
            "state": CallbackState.CLOSED.value,
            "reason": Reason.NOT_TARGETED.value,
            "note": "the campaign no longer selects this customer",
            "closed_at": now,
        }
        with self._database.write() as connection:
            ids = list(connection.scalars(chosen))
            if not ids:
                return 0
            waited = queue.take_out(connection, ids)  # what is being claimed at this moment is not among them
            held = callback.c.id.in_(ids) & (callback.c.state == CallbackState.HELD)
            close = update(callback).where(callback.c.id.in_(waited) | held).values(change)
            return len(connection.scalars(close.returning(callback.c.id)).all())

    def turn(self, now: datetime, limit: int = 1000) -> int:
        """Move the queue to `now`: who may be called stands in line, whose stretch is over waits for the next one.

        Returns how many had to be asked about anew; when that is `limit`, there are more.
        """
        with self._database.write() as connection:
            queue.open_stretches(connection, now)
            over = queue.stretches_over(connection, now, limit)
            self._decide_and_put(connection, over, now)
        return len(over)

    def claim(
        self, limit: int, now: datetime, *, owner: str, lease: timedelta, token: Callable[[], str]
    ) -> Sequence[str]:
        """Take up to `limit` callbacks whose call the gate allows, each with the intent to dial written beside it.

        One transaction: no row can be claimed twice, and no claim exists without its attempt. Returns the attempts'
        tokens in the order in which they should be dialed.
        """
        tokens: list[str] = []
        with self._database.write() as connection:
            running = _running(connection)
            for _ in range(ROUNDS):
                ids = queue.claim(connection, running, limit - len(tokens), now)
                if not ids:
                    break
                tokens += self._intend(connection, ids, now, owner=owner, lease_until=now + lease, token=token)
                if len(tokens) >= limit:
                    break
        return tokens

    def _intend(
        self,
        connection: Connection,
        ids: Sequence[int],
        now: datetime,
        *,
        owner: str,
        lease_until: datetime,
        token: Callable[[], str],
    ) -> list[str]:
        """Ask the gate about the claimed rows; write an intent for each Dial and put the others back."""
        found = self._candidates(connection, ids, now)
        decided = [(found[one], decide(found[one].proposal, self._house, now)) for one in ids]
        allowed = [(c, d) for c, d in decided if isinstance(d, Dial)]
        queue.put(connection, [(c, d) for c, d in decided if not isinstance(d, Dial)], now)
        if not allowed:
            return []
        rows = [_intent(c, d, token(), owner, now, lease_until) for c, d in allowed]
        insert = (sqlite if self._database.is_sqlite else postgresql).insert
        if not self._database.is_sqlite:
            # Two claims that insert the same numbers in different orders would wait for each other.
            connection.execute(select(func.pg_advisory_xact_lock(INTENDING)))
        # The partial unique indexes are the fence: a number or person in another open attempt is not inserted.
        statement = insert(attempt).on_conflict_do_nothing().returning(attempt.c.token)
        written = set(connection.scalars(statement, rows))
        won = [row for row in rows if row["token"] in written]
        lost = [
            (c, self._busy(c, now)) for (c, _), row in zip(allowed, rows, strict=True) if row["token"] not in written
        ]
        queue.put(connection, lost, now)
        change = {"state": CallbackState.CALLING.value, "note": ""}
        connection.execute(update(callback).where(callback.c.id.in_([r["callback_id"] for r in won])).values(change))
        return [row["token"] for row in won]

    def _busy(self, candidate: Candidate, now: datetime) -> Decision:
        """The decision for somebody who turned out to be in another call."""
        return decide(replace(candidate.proposal, in_call=True), self._house, now)

    def _candidates(self, connection: Connection, ids: Sequence[int], now: datetime) -> dict[int, Candidate]:
        return proposals.load(connection, ids, now, self._house.spacing)

    def _decide_and_put(self, connection: Connection, ids: Sequence[int], now: datetime) -> None:
        for start in range(0, len(ids), 500):
            found = self._candidates(connection, ids[start : start + 500], now)
            queue.put(connection, [(c, decide(c.proposal, self._house, now)) for c in found.values()], now)

    def proposals_of(self, reference: str, now: datetime) -> Sequence[Enrolled]:
        """Each callback of a customer as a proposal, for explaining."""
        query = (
            select(callback.c.id, callback.c.state, callback.c.occasion, callback.c.note)
            .join(customer, customer.c.id == callback.c.customer_id)
            .where(customer.c.reference == reference)
            .order_by(callback.c.campaign, callback.c.id)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            found = self._candidates(connection, [row.id for row in rows], now)
        return [Enrolled(found[row.id].proposal, CallbackState(row.state), row.occasion, row.note) for row in rows]

    def hypothetical(self, reference: str, standing: Standing, now: datetime) -> Proposal:
        """What the gate would ask about a customer whom nobody has enrolled, were they enrolled now."""
        with self._database.read() as connection:
            row = connection.execute(select(customer).where(customer.c.reference == reference)).one()
            return proposals.hypothetical(connection, row, standing, now, self._house.spacing)

    def counts(self) -> Mapping[tuple[str, CallbackState], int]:
        """How many callbacks stand where, per campaign."""
        query = select(callback.c.campaign, callback.c.state, func.count()).group_by(
            callback.c.campaign, callback.c.state
        )
        with self._database.read() as connection:
            return {(name, CallbackState(state)): count for name, state, count in connection.execute(query)}

    def ready_by_campaign(self, now: datetime) -> Mapping[str, int]:
        """How many stand in line and may be called at `now`, per campaign."""
        query = select(queue.row.c.campaign, func.count()).where(queue.row.c.ready, queue.row.c.closes_at > now)
        with self._database.read() as connection:
            return dict(connection.execute(query.group_by(queue.row.c.campaign)).all())

    def ready_count(self, now: datetime) -> int:
        """How many may be called at `now`, in campaigns that run."""
        with self._database.read() as connection:
            running = _running(connection)
        return sum(count for name, count in self.ready_by_campaign(now).items() if name in running)

    def next_opening(self) -> datetime | None:
        """When the next of those who rest may be called; None when nobody waits."""
        query = select(func.min(queue.row.c.opens_at)).where(~queue.row.c.ready)
        with self._database.read() as connection:
            return connection.scalar(query)


def _running(connection: Connection) -> list[str]:
    return list(connection.scalars(select(campaign.c.id).where(~campaign.c.paused).order_by(campaign.c.id)))


def _intent(
    candidate: Candidate, decision: Dial, token: str, owner: str, now: datetime, lease_until: datetime
) -> dict[str, Any]:
    proposal = candidate.proposal
    return {
        "token": token,
        "callback_id": candidate.callback_id,
        "customer_id": candidate.row.cb_customer_id,
        "campaign": proposal.campaign.id,
        "campaign_version": candidate.version,
        **number_values(decision.number),
        "owner": owner,
        "state": AttemptState.INTENT.value,
        "is_open": True,
        "created_at": now,
        "lease_until": lease_until,
        "heard_at": now,
        "carrier_call_id": "",
        "answered_by": "nobody",
        "failure": "",
        "disposition": "none",
        "code": "",
        "marks": [],
        "counted": False,
        "evidence": evidence(decision),
    }


def evidence(decision: Dial | Wait) -> dict[str, Any]:
    """Why the call was allowed, as it is kept with the attempt."""
    return {
        "rules": [[rule.name, rule.reason] for rule in decision.rules],
        "zones": list(decision.zones),
        "until": decision.opening.end.isoformat(),
    }
