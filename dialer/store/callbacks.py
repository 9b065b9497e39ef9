"""Callbacks: enrolled when there is a reason to call, waiting for their stretch, claimed with the intent to dial."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dialer.core import duty
from dialer.core.admission import decide
from dialer.core.agent import AgentState
from dialer.core.record import CallbackState, Reason
from dialer.store import intents, promises, proposals, queue, tasks
from dialer.store.agent_tables import PresenceRow
from dialer.store.campaigns import standings
from dialer.store.intents import Intention, alone
from dialer.store.tables import CallbackRow, CustomerRow
from dialer.store.verdict import locked, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from dialer.core.admission import Decision, House, Proposal
    from dialer.store.belonging import Taker
    from dialer.store.campaigns import Standing
    from dialer.store.database import Database
    from dialer.store.proposals import Candidate

callback = CallbackRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
customer = CustomerRow.__table__  # type: ignore[attr-defined]

presence = PresenceRow.__table__  # type: ignore[attr-defined]

AWAY = (AgentState.OFFLINE.value, AgentState.PAUSED.value)

ROUNDS = 5
"""How often one claim goes back to the queue when the gate turned candidates away."""

PAGE = 500
"""Callbacks that are decided together, so that memory does not grow with their number."""

ASKED_FOR = "asked for by "
"""How the occasion of a callback begins that exists because a person asked for it."""

AHEAD = timedelta(days=30)
"""How long ago a hurried callback counts as due: longer than anybody else's head start."""


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
    due: datetime
    deadline: datetime


@dataclass(frozen=True, slots=True)
class EnrolledNow:
    """What one enrolment did."""

    new: int
    infeasible: int  # of them, those whose deadline cannot be met


class Callbacks:
    """Every customer's place in every campaign."""

    def __init__(self, database: Database, house: House) -> None:
        self._database = database
        self._house = house

    def enrol(self, campaign: str, batch: Sequence[Enrolment], now: datetime) -> EnrolledNow:
        """Enrol customers, once per occasion. The gate says at once who can never be called, and whom not in time."""
        if not batch:
            return EnrolledNow(0, 0)
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
        infeasible = 0
        with self._database.write() as connection:
            insert = (sqlite if self._database.is_sqlite else postgresql).insert
            statement = insert(callback).on_conflict_do_nothing().returning(callback.c.id)
            new = list(connection.scalars(statement, rows))
            for start in range(0, len(new), PAGE):
                infeasible += self._reckon(connection, new[start : start + PAGE], now)
            self._decide_and_put(connection, new, now)
        return EnrolledNow(len(new), infeasible)

    def _reckon(self, connection: Connection, ids: Sequence[int], now: datetime) -> int:
        """Work out deadline and slack of new callbacks; how many deadlines cannot be met. A VIP's is a task at once."""
        values, needs, infeasible = [], [], 0
        for one in self._candidates(connection, ids, now).values():
            proposal = one.proposal
            until = duty.deadline(proposal, self._house, one.row.cb_deadline_at, now)
            left = duty.slack(proposal, self._house, now, until)
            values.append({"key": one.callback_id, "new_until": until, "new_slack": left.total_seconds()})
            if not duty.feasible(proposal, left):
                infeasible += 1
                if proposal.customer.is_vip:
                    what = "no callable time before the deadline: the dialer cannot reach this customer in time"
                    needs.append(tasks.Need(one.callback_id, tasks.DEADLINE, what, proposal.campaign.why_now.person))
        change: dict[str, Any] = {"deadline_at": bindparam("new_until"), "slack_seconds": bindparam("new_slack")}
        if values:
            connection.execute(update(callback).where(callback.c.id == bindparam("key")).values(change), values)
        tasks.ask(connection, self._house, needs, now)
        return infeasible

    def withdraw(self, campaign: str, customer_ids: Sequence[int], now: datetime) -> int:
        """Close what waits for customers whom the campaign no longer selects."""
        chosen = (
            select(callback.c.id)
            .where(callback.c.campaign == campaign, callback.c.customer_id.in_(customer_ids))
            .where(callback.c.state.in_([CallbackState.WAITING, CallbackState.HELD]), ~callback.c.promised)
            .where(~callback.c.occasion.startswith(ASKED_FOR))  # a person wanted it, whatever the filter selects
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
            closed = connection.scalars(close.returning(callback.c.id)).all()
            tasks.withdraw(connection, closed, now, "the campaign no longer selects this customer")
            return len(closed)

    def turn(self, now: datetime, limit: int = 1000) -> int:
        """Move the queue to `now`: who may be called stands in line, whose stretch is over waits for the next one.

        Returns how many had to be asked about anew; when that is `limit`, there are more.
        """
        with self._database.write() as connection:
            queue.open_stretches(connection, now)
            over = queue.stretches_over(connection, now, limit)
            self._decide_and_put(connection, over, now)
            promises.expire(connection, now)
            self._alarm(connection, now)
            self._promises_at_risk(connection, now)
        return len(over)

    def _alarm(self, connection: Connection, now: datetime) -> None:
        """VIPs who were not called and have little callable time left are given to a person."""
        found = self._candidates(connection, queue.alarms(connection, now, PAGE), now)
        words = "little callable time is left before the deadline: call this customer yourself"
        needs = [
            tasks.Need(one.callback_id, tasks.DEADLINE, words, one.proposal.campaign.why_now.person)
            for one in found.values()
        ]
        tasks.ask(connection, self._house, needs, now)

    def _promises_at_risk(self, connection: Connection, now: datetime) -> None:
        """A promised call that no agent has made shortly before it is missed is given to a person."""
        terms = {
            name: standing.campaign.agents.belongs.alarm
            for name, standing in standings(connection).items()
            if standing.campaign.agents is not None
        }
        if terms:
            words = "the promised time is nearly over and no agent has called: call this customer yourself"
            found = promises.at_risk(connection, terms, now)
            needs = [tasks.Need(callback_id, tasks.PROMISE, words, agent) for callback_id, agent in found]
            tasks.ask(connection, self._house, needs, now)

    def claim(
        self,
        limit: int,
        now: datetime,
        *,
        owner: str,
        lease: timedelta,
        token: Callable[[], str],
        for_vips: int = 0,
        campaigns: Collection[str] | None = None,
        taker: Taker | None = None,
    ) -> Sequence[str]:
        """Take up to `limit` callbacks whose call the gate allows, each with the intent to dial written beside it.

        One transaction: no row can be claimed twice, no claim exists without its attempt, and of two nodes only one
        takes the last call that a cap allows. The first `for_vips` go to VIPs while any of them stands in line.
        Without `campaigns`, those that need no agent. Returns the attempts' tokens in the order in which they should
        be dialed.
        """
        tokens: list[str] = []
        intention = Intention(owner, now + lease, token)
        with self._database.write() as connection:
            alone(connection)
            running = _running(connection, campaigns)
            for most, vip_only in ((min(for_vips, limit), True), (limit, False)):
                for _ in range(ROUNDS):
                    if len(tokens) >= most:
                        break
                    ids = queue.claim(connection, running, most - len(tokens), now, vip_only=vip_only, taker=taker)
                    if not ids:
                        break
                    tokens += intents.write(connection, self._house, ids, intention, now)
        return tokens

    def _candidates(self, connection: Connection, ids: Sequence[int], now: datetime) -> dict[int, Candidate]:
        return proposals.load(connection, ids, now, self._house)

    def _decide_and_put(self, connection: Connection, ids: Sequence[int], now: datetime) -> None:
        for start in range(0, len(ids), PAGE):
            found = self._candidates(connection, ids[start : start + PAGE], now)
            unreckoned = [key for key, one in found.items() if one.row.cb_slack_seconds is None]
            if unreckoned:  # new, or somebody of whom something is known that was not known before
                self._reckon(connection, unreckoned, now)
                found |= self._candidates(connection, unreckoned, now)
            queue.put(connection, self._house, [(c, decide(c.proposal, self._house, now)) for c in found.values()], now)

    def hurry(self, callback_id: int, now: datetime, *, by: str) -> Decision | None:
        """A person wants this callback called next: it goes to the head of the queue, and the gate decides as always.

        What the gate says now; None when the callback is over or in a call.
        """
        with self._database.write() as connection:
            row = locked(connection, callback_id)
            if row.state not in {CallbackState.WAITING, CallbackState.HELD}:
                return None
            if not row.promised:
                mine = update(callback).where(callback.c.id == callback_id)
                connection.execute(mine.values(not_before=now - AHEAD))
            tasks.noted(connection, callback_id, by, "asked for the call", now)
            return verdict(connection, self._house, callback_id, now)

    def latest(self, reference: str, campaign_id: str) -> int | None:
        """The key of a customer's latest callback in a campaign; None when there is none."""
        query = (
            select(callback.c.id)
            .join(customer, customer.c.id == callback.c.customer_id)
            .where(customer.c.reference == reference, callback.c.campaign == campaign_id)
            .order_by(callback.c.id.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            return connection.scalar(query)

    def proposals_of(self, reference: str, now: datetime) -> Sequence[Enrolled]:
        """Each callback of a customer as a proposal, for explaining."""
        query = (
            select(callback)
            .join(customer, customer.c.id == callback.c.customer_id)
            .where(customer.c.reference == reference)
            .order_by(callback.c.campaign, callback.c.id)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            found = self._candidates(connection, [row.id for row in rows], now)
        return [
            Enrolled(
                found[row.id].proposal, CallbackState(row.state), row.occasion, row.note, row.due_at, row.deadline_at
            )
            for row in rows
        ]

    def hypothetical(self, reference: str, standing: Standing, now: datetime) -> Proposal:
        """What the gate would ask about a customer whom nobody has enrolled, were they enrolled now."""
        with self._database.read() as connection:
            row = connection.execute(select(customer).where(customer.c.reference == reference)).one()
            return proposals.hypothetical(connection, [row], standing, now, self._house)[0]

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

    def for_agents(self, campaigns: Collection[str], now: datetime) -> Mapping[str, bool]:
        """The `campaigns` in which somebody may be called now, and whether anybody there needs an agent first."""
        row, found = queue.row, {}
        with self._database.read() as connection:
            for name in campaigns:
                anybody = select(row.c.callback_id).where(row.c.campaign == name, row.c.ready, row.c.closes_at > now)
                if connection.scalar(anybody.limit(1)) is not None:
                    found[name] = connection.scalar(anybody.where(row.c.agent_first).limit(1)) is not None
        return found

    def ready_count(self, now: datetime) -> int:
        """How many may be called at `now`, in campaigns that run; where agents talk, while any of them is there."""
        with self._database.read() as connection:
            present = select(presence.c.agent_id).where(presence.c.state.not_in(AWAY)).limit(1)
            there = connection.scalar(present) is not None
            running = {
                name
                for name, standing in standings(connection).items()
                if not standing.paused and (there or standing.campaign.agents is None)
            }
        return sum(count for name, count in self.ready_by_campaign(now).items() if name in running)

    def next_opening(self) -> datetime | None:
        """When the next of those who rest may be called; None when nobody waits."""
        query = select(func.min(queue.row.c.opens_at)).where(~queue.row.c.ready)
        with self._database.read() as connection:
            return connection.scalar(query)


def _running(connection: Connection, campaigns: Collection[str] | None = None) -> list[str]:
    """The campaigns that are not paused: of `campaigns`, else those that need no agent."""
    return [
        name
        for name, standing in standings(connection).items()
        if not standing.paused and (standing.campaign.agents is None if campaigns is None else name in campaigns)
    ]
