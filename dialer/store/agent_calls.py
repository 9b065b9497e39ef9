"""The calls agents have in hand and had: what their screens show, and what they write down beside the events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import case, func, or_, select, update

from dialer.core.outcome import RIGHT_PARTY, Disposition, Ending
from dialer.store import promises, tasks
from dialer.store.agent_tables import ReservationRow
from dialer.store.rows import facts_of
from dialer.store.tables import AttemptRow, CallbackRow, CustomerRow, PromiseRow, TaskRow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from dialer.core.admission import House
    from dialer.core.lifecycle import Facts
    from dialer.store.database import Database

attempt = AttemptRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
callback = CallbackRow.__table__  # type: ignore[attr-defined]
customer = CustomerRow.__table__  # type: ignore[attr-defined]
promise = PromiseRow.__table__  # type: ignore[attr-defined]
reservation = ReservationRow.__table__  # type: ignore[attr-defined]
task = TaskRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class InHand:
    """A call as its agent sees it."""

    callback_id: int
    customer_id: int
    facts: Facts
    notes: str
    created: datetime
    reserved: str  # how the reservation stands: preview, held, connected, over
    reserved_at: datetime
    promised_for: datetime | None


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier call to a customer."""

    at: datetime
    campaign: str
    ending: str
    agent: str
    talk_seconds: float | None
    notes: str
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A promise or a task that is this agent's."""

    at: datetime | None
    what: str
    reference: str
    name: str
    campaign: str
    note: str


class AgentCalls:
    """Calls as agents handle them."""

    def __init__(self, database: Database, house: House) -> None:
        self._database = database
        self._house = house

    def in_hand(self, token: str) -> InHand | None:
        """What an agent needs to know of a call beside its briefing; None when there is no such call."""
        held = (reservation.c.state.label("held"), reservation.c.made_at.label("held_at"))
        query = (
            select(attempt, *held, promise.c.at.label("promised_for"))
            .join(callback, callback.c.id == attempt.c.callback_id)
            .outerjoin(reservation, reservation.c.attempt == attempt.c.token)
            .outerjoin(promise, promise.c.id == callback.c.promise_id)
            .where(attempt.c.token == token)
            .order_by(reservation.c.id.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        about = (row.callback_id, row.customer_id, facts_of(row), row.notes, row.created_at)
        return InHand(*about, row.held or "over", row.held_at or row.created_at, row.promised_for)

    def past(self, customer_id: int, but: str, most: int = 6) -> Sequence[Past]:
        """The last calls to a customer that somebody answered or that rang, newest first, without `but`."""
        mine = (attempt.c.customer_id == customer_id) & (attempt.c.token != but) & attempt.c.counted
        query = select(attempt).where(mine, ~attempt.c.is_open).order_by(attempt.c.created_at.desc()).limit(most)
        with self._database.read() as connection:
            return [
                Past(
                    row.created_at,
                    row.campaign,
                    row.ending or "",
                    row.agent,
                    row.talk_seconds,
                    row.notes,
                    facts_of(row).answers,
                )
                for row in connection.execute(query)
            ]

    def write_notes(self, token: str, notes: str) -> None:
        """What the agent writes about the call, in place of what they wrote before."""
        with self._database.write() as connection:
            connection.execute(update(attempt).where(attempt.c.token == token).values(notes=notes))

    def ahead(self, names: Collection[str], until: datetime, most: int = 10) -> Sequence[Waiting]:
        """Promised calls before `until` and undone tasks that are this agent's, by time."""
        people = (customer.c.reference, customer.c.name)
        owned = or_(promise.c.agent.in_(names), (promise.c.agent == "") & customer.c.agent.in_(names))
        promised = (
            select(promise.c.at, promise.c.campaign, promise.c.note, *people)
            .join(customer, customer.c.id == promise.c.customer_id)
            .where(promise.c.state == promises.OPEN, owned, promise.c.at < until)
            .order_by(promise.c.at)
            .limit(most)
        )
        mine = or_(task.c.taken_by.in_(names), (task.c.taken_by == "") & task.c.person.in_(names))
        undone = (
            select(task.c.due_at, task.c.kind, task.c.campaign, task.c.what, *people)
            .join(customer, customer.c.id == task.c.customer_id)
            .where(task.c.state != tasks.DONE, mine)
            .order_by(task.c.due_at)
            .limit(most)
        )
        with self._database.read() as connection:
            found = [
                Waiting(row.at, "promise", row.reference, row.name, row.campaign, row.note)
                for row in connection.execute(promised)
            ]
            found += [
                Waiting(row.due_at, row.kind, row.reference, row.name, row.campaign, row.what)
                for row in connection.execute(undone)
            ]
        return sorted(found, key=lambda one: (one.at is None, one.at))[:most]

    def today(self, staff_number: str, since: datetime) -> Mapping[str, int]:
        """This agent's figures since `since`: calls, reached, promises."""
        reached = attempt.c.ending.in_([ending.value for ending in RIGHT_PARTY | {Ending.REACHED}])
        columns = {
            "calls": func.count(),
            "reached": func.sum(case((reached, 1), else_=0)),
            "promises": func.sum(case((attempt.c.disposition == Disposition.PROMISED.value, 1), else_=0)),
        }
        query = select(*columns.values()).where(
            attempt.c.created_at >= since, attempt.c.agent == staff_number, attempt.c.connected_at.is_not(None)
        )
        with self._database.read() as connection:
            return dict(zip(columns, (int(one or 0) for one in connection.execute(query).one()), strict=True))
