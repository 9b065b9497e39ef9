"""The file of one customer (客户档案) as people read it: their callbacks, promises, tasks and every call so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from dialer.core.outcome import AnsweredBy, Ending
from dialer.core.suppression import subjects
from dialer.store import records, tasks
from dialer.store.agent_tables import AgentRow
from dialer.store.rows import customer_of, number_in
from dialer.store.suppressions import in_force
from dialer.store.tables import AttemptRow, CallbackRow, CustomerRow, PromiseRow, TaskRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

    from dialer.core.customer import Customer
    from dialer.core.phone import PhoneNumber
    from dialer.core.record import CallbackRecord
    from dialer.core.suppression import Stop
    from dialer.store.database import Database

customer = CustomerRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
callback = CallbackRow.__table__  # type: ignore[attr-defined]
attempt = AttemptRow.__table__  # type: ignore[attr-defined]
agent = AgentRow.__table__  # type: ignore[attr-defined]
promise = PromiseRow.__table__  # type: ignore[attr-defined]
task = TaskRow.__table__  # type: ignore[attr-defined]

LATEST = 200
"""How many calls of the history are shown."""


@dataclass(frozen=True, slots=True)
class Found:
    """A customer in the list that a search gives."""

    reference: str
    name: str
    tier: str
    region: str
    agent: str


@dataclass(frozen=True, slots=True)
class Called:
    """One call of the history. Instants are UTC."""

    token: str
    campaign: str
    at: datetime
    number: PhoneNumber
    mode: str
    ending: Ending | None
    answered_by: AnsweredBy
    code: str
    talk: timedelta | None
    agent: str
    agent_name: str
    notes: str
    answers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A time that the customer chose."""

    id: int
    campaign: str
    at: datetime
    until: datetime
    zone: str
    state: str
    asked: datetime
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A task about the customer that is not done."""

    id: int
    kind: str
    campaign: str
    what: str
    due: datetime | None
    state: str
    whose: str


@dataclass(frozen=True, slots=True)
class CustomerFile:
    """Everything the record holds about one person."""

    customer: Customer
    confirmed_zone: str
    stops: tuple[Stop, ...]
    callbacks: tuple[CallbackRecord, ...]
    promises: tuple[Chosen, ...]
    tasks: tuple[Asked, ...]
    calls: tuple[Called, ...]  # the newest first


class CustomerFiles:
    """The customer file, to be looked at by people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(self, text: str, most: int = 50) -> Sequence[Found]:
        """Customers whose reference begins with `text`, or whose name has it in it; numbers are not searched."""
        wanted = text.strip()
        if not wanted:
            return ()
        named = customer.c.name.icontains(wanted, autoescape=True)
        called = customer.c.reference.istartswith(wanted, autoescape=True)
        columns = (customer.c[name] for name in ("reference", "name", "tier", "region", "agent"))
        query = select(*columns).where(or_(called, named)).order_by(customer.c.reference).limit(most)
        with self._database.read() as connection:
            return [Found(*row) for row in connection.execute(query)]

    def read(self, reference: str) -> CustomerFile | None:
        """The file of one customer; None when there is no such customer."""
        with self._database.read() as connection:
            row = connection.execute(select(customer).where(customer.c.reference == reference)).one_or_none()
            if row is None:
                return None
            person = customer_of(row)
            return CustomerFile(
                customer=person,
                confirmed_zone=row.confirmed_zone,
                stops=tuple(in_force(connection, list(subjects(person)))),
                callbacks=tuple(records.of_customer(connection, row.id)),
                promises=tuple(_promises(connection, row.id)),
                tasks=tuple(_tasks(connection, row.id)),
                calls=tuple(_calls(connection, row.id)),
            )


def _promises(connection: Connection, key: int) -> list[Chosen]:
    mine = select(callback.c.id).where(callback.c.customer_id == key)
    query = select(promise).where(promise.c.callback_id.in_(mine)).order_by(promise.c.at.desc(), promise.c.id)
    return [
        Chosen(
            row.id,
            row.campaign,
            row.at,
            row.until_at,
            row.zone,
            row.state,
            row.asked_at,
            row.agent or row.asked_by,
            row.note,
        )
        for row in connection.execute(query)
    ]


def _tasks(connection: Connection, key: int) -> list[Asked]:
    mine = select(callback.c.id).where(callback.c.customer_id == key)
    query = select(task).where(task.c.callback_id.in_(mine), task.c.state != tasks.DONE)
    return [
        Asked(row.id, row.kind, row.campaign, row.what, row.due_at, row.state, row.taken_by or row.person)
        for row in connection.execute(query.order_by(task.c.due_at, task.c.id))
    ]


def _calls(connection: Connection, key: int) -> list[Called]:
    query: Select[Any] = (
        select(attempt, agent.c.name.label("agent_name"))
        .outerjoin(agent, agent.c.staff_number == attempt.c.agent)
        .where(attempt.c.customer_id == key)
        .order_by(attempt.c.created_at.desc(), attempt.c.token)
        .limit(LATEST)
    )
    return [_called(row) for row in connection.execute(query)]


def _called(row: Row[Any]) -> Called:
    return Called(
        token=row.token,
        campaign=row.campaign,
        at=row.created_at,
        number=number_in(row),
        mode=row.mode,
        ending=Ending(row.ending) if row.ending else None,
        answered_by=AnsweredBy(row.answered_by),
        code=row.code,
        talk=None if row.talk_seconds is None else timedelta(seconds=row.talk_seconds),
        agent=row.agent,
        agent_name=row.agent_name or "",
        notes=row.notes,
        answers=records.answers_in(row.marks),
    )
