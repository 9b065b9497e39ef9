"""The record as reports read it, streamed so that a year of calls needs no more memory than a day."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, case, func, select

from dialer.core.call_times import GUARD
from dialer.core.customer import VIP
from dialer.core.lifecycle import AGENTS_OWN, AttemptState
from dialer.core.outcome import AnsweredBy, Disposition, Ending, Network
from dialer.core.record import AttemptRecord, CallbackRecord, CallbackState, Reason
from dialer.store import promises, tasks
from dialer.store.campaigns import standings
from dialer.store.rows import number_in, number_of
from dialer.store.tables import AttemptRow, CallbackRow, CustomerRow, EventRow, PromiseRow, QueueRow, TaskRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from dialer.store.database import Database

attempt = AttemptRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
callback = CallbackRow.__table__  # type: ignore[attr-defined]
customer = CustomerRow.__table__  # type: ignore[attr-defined]
event = EventRow.__table__  # type: ignore[attr-defined]
waiting = QueueRow.__table__  # type: ignore[attr-defined]
promise = PromiseRow.__table__  # type: ignore[attr-defined]
task = TaskRow.__table__  # type: ignore[attr-defined]
chosen = promise.alias("chosen")

PAGE = 1000


class Records:
    """Rows for reports. Nothing here changes anything."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def callbacks(
        self, campaign: str | None = None, start: datetime | None = None, end: datetime | None = None
    ) -> Iterator[CallbackRecord]:
        """Callbacks by the instant of their enrolment in [start, end), oldest first."""
        query = _callbacks()
        if campaign is not None:
            query = query.where(callback.c.campaign == campaign)
        if start is not None:
            query = query.where(callback.c.enrolled_at >= start)
        if end is not None:
            query = query.where(callback.c.enrolled_at < end)
        with self._database.read() as connection:
            rings = _rings(connection)
        for row in self._stream(query.order_by(callback.c.id)):
            yield _callback(row, rings[row.campaign])

    def attempts(
        self, campaign: str | None = None, start: datetime | None = None, end: datetime | None = None
    ) -> Iterator[AttemptRecord]:
        """Attempts by the instant of their intent in [start, end), oldest first."""
        query = _attempts()
        if campaign is not None:
            query = query.where(attempt.c.campaign == campaign)
        if start is not None:
            query = query.where(attempt.c.created_at >= start)
        if end is not None:
            query = query.where(attempt.c.created_at < end)
        for row in self._stream(query.order_by(attempt.c.created_at, attempt.c.token)):
            yield _attempt(row)

    def latest(self, most: int) -> Sequence[AttemptRecord]:
        """The last attempts, newest first."""
        query = _attempts().order_by(attempt.c.created_at.desc(), attempt.c.token).limit(most)
        with self._database.read() as connection:
            return [_attempt(row) for row in connection.execute(query)]

    def events(self, token: str) -> Sequence[tuple[datetime, str, str, dict[str, Any]]]:
        """What was told about one attempt: received, source, kind, and the teller's own words."""
        query = select(event).where(event.c.token == token).order_by(event.c.received_at, event.c.at)
        with self._database.read() as connection:
            return [(row.received_at, row.source, row.kind, row.body) for row in connection.execute(query)]

    def _stream(self, query: Select[Any]) -> Iterator[Row[Any]]:
        with self._database.read() as connection, connection.execution_options(yield_per=PAGE).execute(query) as result:
            yield from result


def of_customer(connection: Connection, key: int) -> list[CallbackRecord]:
    """All callbacks of one customer, the newest first."""
    rings = _rings(connection)
    return [
        _callback(row, rings[row.campaign])
        for row in connection.execute(_callbacks(key).order_by(callback.c.id.desc()))
    ]


def _rings(connection: Connection) -> dict[str, timedelta]:
    """How much time one call takes at least, by campaign."""
    return {one.campaign.id: one.campaign.attempts.ring + GUARD for one in standings(connection).values()}


def _callbacks(who: int | None = None) -> Select[Any]:
    """Callbacks, of one customer if so wanted, with what reports say of them."""
    made, undone = _made(who), _undone(who)
    last_columns = ("e164", "region", "kind", "extension", "created_at", "ending", "code")
    query = (
        select(
            callback,
            customer.c.reference.label("customer_reference"),
            customer.c.name.label("customer_name"),
            customer.c.tier.label("customer_tier"),
            customer.c.agent.label("customer_agent"),
            customer.c.numbers.label("customer_numbers"),
            waiting.c.opens_at,
            chosen.c.at.label("chosen_at"),
            *(made.c[state].label(f"{state}_promises") for state in PROMISE_STATES),
            undone.c.tasks.label("undone_tasks"),
            undone.c.person.label("task_person"),
            *(attempt.c[name].label(f"last_{name}") for name in last_columns),
        )
        .join(customer, customer.c.id == callback.c.customer_id)
        .outerjoin(waiting, waiting.c.callback_id == callback.c.id)
        .outerjoin(attempt, attempt.c.token == callback.c.last_attempt)
        .outerjoin(made, made.c.callback_id == callback.c.id)
        .outerjoin(undone, undone.c.callback_id == callback.c.id)
        .outerjoin(chosen, (chosen.c.id == callback.c.promise_id) & (chosen.c.state == promises.OPEN))
    )
    return query if who is None else query.where(callback.c.customer_id == who)


def _attempts() -> Select[Any]:
    """Attempts with what reports say of their customers."""
    names = ("reference", "name", "tier", "agent")
    columns = (customer.c[name].label(f"customer_{name}") for name in names)
    return select(attempt, *columns).join(customer, customer.c.id == attempt.c.customer_id)


PROMISE_STATES = (promises.OPEN, promises.KEPT, promises.MISSED, promises.REPLACED, promises.VOID)


def _made(who: int | None) -> Any:
    """How many promises each callback has in each state. One pass, since most callbacks have none."""
    counts = (func.sum(case((promise.c.state == state, 1), else_=0)).label(state) for state in PROMISE_STATES)
    query = select(promise.c.callback_id, *counts).group_by(promise.c.callback_id)
    return (query if who is None else query.where(promise.c.customer_id == who)).subquery("made")


def _undone(who: int | None) -> Any:
    """How many tasks of each callback are not done, and whom one of them is for."""
    asked = (func.count().label("tasks"), func.max(task.c.person).label("person"))
    query = select(task.c.callback_id, *asked).where(task.c.state != tasks.DONE).group_by(task.c.callback_id)
    return (query if who is None else query.where(task.c.customer_id == who)).subquery("undone")


def _callback(row: Row[Any], ring: timedelta) -> CallbackRecord:
    slack = None if row.slack_seconds is None else timedelta(seconds=row.slack_seconds)
    promised = {state: int(getattr(row, f"{state}_promises") or 0) for state in PROMISE_STATES}
    first = row.customer_numbers[0] if row.customer_numbers else None
    called = {name: getattr(row, f"last_{name}") for name in ("e164", "region", "kind", "extension")}
    return CallbackRecord(
        callback=row.id,
        customer=row.customer_reference,
        name=row.customer_name,
        tier=row.customer_tier,
        vip=row.customer_tier == VIP,
        campaign=row.campaign,
        occasion=row.occasion,
        state=CallbackState(row.state),
        reason=Reason(row.reason) if row.reason else None,
        note=row.note,
        due=row.due_at,
        deadline=row.deadline_at,
        enrolled=row.enrolled_at,
        closed=row.closed_at,
        attempts=row.attempts,
        number=number_of(called) if row.last_e164 else (number_of(first) if first else None),
        last_called=row.last_created_at,
        reached=row.reached_at,
        ending=Ending(row.last_ending) if row.last_ending else None,
        code=row.last_code or "",
        agent=row.agent or row.customer_agent,
        next_at=row.opens_at,
        answers=MappingProxyType(row.answers),
        slack=slack,
        feasible=None if slack is None else slack > ring,
        promises=MappingProxyType({state: count for state, count in promised.items() if count}),
        promised_at=row.chosen_at,
        tasks=row.undone_tasks or 0,
        person=row.task_person or "",
    )


def _attempt(row: Row[Any]) -> AttemptRecord:
    return AttemptRecord(
        attempt=row.token,
        callback=row.callback_id,
        customer=row.customer_reference,
        name=row.customer_name,
        tier=row.customer_tier,
        campaign=row.campaign,
        campaign_version=row.campaign_version,
        number=number_in(row),
        carrier_call_id=row.carrier_call_id,
        state=AttemptState(row.state),
        created=row.created_at,
        rang=row.rang_at,
        answered=row.answered_at,
        ended=row.ended_at,
        talk=None if row.talk_seconds is None else timedelta(seconds=row.talk_seconds),
        network=Network(row.network) if row.network else None,
        answered_by=AnsweredBy(row.answered_by),
        disposition=Disposition(row.disposition),
        ending=Ending(row.ending) if row.ending else None,
        code=row.code,
        counted=row.counted,
        failure=row.failure,
        allowed_because=tuple(f"{name}: {reason}" for name, reason in row.evidence.get("rules", ())),
        zones=tuple(row.evidence.get("zones", ())),
        agent=row.agent or row.customer_agent,
        connected=row.connected_at,
        notes=row.notes,
        answers=answers_in(row.marks),
    )


def answers_in(marks: Sequence[dict[str, Any]]) -> MappingProxyType[str, str]:
    """Per node the answer of its last asking."""
    said = [mark for mark in marks if mark["node"] not in AGENTS_OWN]
    ordered = sorted(said, key=lambda mark: (mark["tries"], mark["node"], mark["digits"]))
    return MappingProxyType({m["node"]: m["answer"] or m["digits"] for m in ordered if m["answer"] or m["digits"]})
