"""The list of tasks: who has to do what until when, taken and done by named people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from dialer.core.record import CallbackState, Reason
from dialer.core.suppression import scopes_of
from dialer.errors import InputError, NotFoundError, Problem
from dialer.store import promises, proposals, queue, tasks
from dialer.store.tables import CallbackRow, CustomerRow, TaskRow
from dialer.store.verdict import locked, verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from dialer.core.admission import Decision, House
    from dialer.store.database import Database

task = TaskRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
callback = CallbackRow.__table__  # type: ignore[attr-defined]
customer = CustomerRow.__table__  # type: ignore[attr-defined]

UNDONE = (tasks.OPEN, tasks.TAKEN)


class Result(StrEnum):
    """What came of a task."""

    REACHED = "reached"  # a person spoke to the customer: the callback is done
    CALL_AGAIN = "call_again"  # what stood in the way is mended: the dialer goes on, as far as the gate allows
    CLOSED = "closed"  # nothing more is to be done


@dataclass(frozen=True, slots=True)
class Task:
    """One task with what a person needs to know of its callback. Instants are UTC."""

    id: int
    kind: str  # why: `deadline`, or the reason for which the callback is held
    customer: str
    name: str
    tier: str
    campaign: str
    callback: int
    person: str  # whom it is for
    what: str
    opened: datetime
    due: datetime | None
    state: str  # open, taken or done
    taken_by: str
    taken: datetime | None
    done_by: str
    done: datetime | None
    result: str
    note: str

    def overdue(self, now: datetime) -> bool:
        """Whether it should have been done by `now`."""
        return self.state != tasks.DONE and self.due is not None and self.due <= now


class Tasks:
    """What people have to do."""

    def __init__(self, database: Database, house: House) -> None:
        self._database = database
        self._house = house

    def find(
        self, *, states: Collection[str] = UNDONE, person: str | None = None, campaign: str | None = None
    ) -> Sequence[Task]:
        """Tasks in these states, the most urgent first; of `person` those meant for them or taken by them."""
        query = _tasks().where(task.c.state.in_(states))
        if person is not None:
            query = query.where((task.c.taken_by == person) | ((task.c.person == person) & (task.c.taken_by == "")))
        if campaign is not None:
            query = query.where(task.c.campaign == campaign)
        with self._database.read() as connection:
            return [_task(row) for row in connection.execute(query.order_by(task.c.due_at, task.c.id))]

    def counts(self) -> Mapping[tuple[str, str], int]:
        """How many tasks are not done, by campaign and kind."""
        query = select(task.c.campaign, task.c.kind, func.count()).where(task.c.state.in_(UNDONE))
        with self._database.read() as connection:
            rows = connection.execute(query.group_by(task.c.campaign, task.c.kind))
            return {(name, kind): count for name, kind, count in rows}

    def take(self, key: int, by: str, now: datetime) -> Task:
        """Let `by` have a task. Taking one's own again changes nothing.

        Raises:
            NotFoundError: no such task.
            InputError: somebody else has it, it is done, or the customer does not want to be called.
        """
        with self._database.write() as connection:
            row, _ = _locked(connection, key)
            _refuse_others(row, by)
            self._refuse_opted_out(connection, row, now)
            if row.state == tasks.DONE:
                raise _over(row)
            if row.state == tasks.OPEN:
                taken = {"state": tasks.TAKEN, "taken_by": by, "taken_at": now}
                connection.execute(update(task).where(task.c.id == key).values(taken))
            return _task(_read(connection, key))

    def finish(
        self, key: int, by: str, result: Result, now: datetime, *, note: str = ""
    ) -> tuple[Task, Decision | None]:
        """Write down what came of a task, and let its callback follow. What the gate says, where it is asked again.

        What the dialer withdrew while `by` was at it can still be reported: what a person did is not lost.

        Raises:
            NotFoundError: no such task.
            InputError: somebody else has it, it is done, or the dialer is calling the customer at this moment.
        """
        with self._database.write() as connection:
            row, held = _locked(connection, key)
            _refuse_others(row, by)
            if row.state == tasks.DONE and (row.done_by, row.taken_by) != (tasks.DIALER, by):
                raise _over(row)
            if held.state == CallbackState.CALLING:
                what = "the dialer is calling this customer at this moment"
                raise InputError([Problem(f"task {key}", what, "report it again when that call has ended")])
            done = {"state": tasks.DONE, "done_by": by, "done_at": now, "result": result.value, "note": note}
            done |= {} if row.taken_by else {"taken_by": by, "taken_at": now}
            connection.execute(update(task).where(task.c.id == key).values(done))
            decision = self._follow(connection, held, result, now, by, note)
            return _task(_read(connection, key)), decision

    def _refuse_opted_out(self, connection: Connection, row: Row[Any], now: datetime) -> None:
        """A prohibition beats every duty. The next turn of the queue closes the callback and withdraws the task."""
        proposal = proposals.load(connection, [row.callback_id], now, self._house)[row.callback_id].proposal
        scopes = scopes_of(proposal.campaign)
        if any(stop.scope in scopes for stop in proposal.stops):
            what = "the customer asked not to be called; nobody may call them, whatever the duty"
            raise InputError([Problem(f"task {row.id}", what, "`dialer do-not-call show` says more")])

    def _follow(
        self, connection: Connection, held: Row[Any], result: Result, now: datetime, by: str, note: str
    ) -> Decision | None:
        """The callback after its task."""
        settled = held.state in {CallbackState.DONE, CallbackState.CLOSED}
        if result is Result.CALL_AGAIN:
            return None if settled else self._again(connection, held, now)
        if result is Result.REACHED:
            promises.called(connection, [(held.id, now)], now)
            reached = {"state": CallbackState.DONE.value, "reason": None, "reached_at": held.reached_at or now}
            self._end(connection, held, reached | {"note": f"{by} spoke to the customer"}, now)
        elif not settled:
            words = f"{by} closed it" + (f": {note}" if note else "")
            closed = {"state": CallbackState.CLOSED.value, "reason": held.reason or Reason.UNREACHED.value}
            self._end(connection, held, closed | {"note": words}, now)
        return None

    def _end(self, connection: Connection, held: Row[Any], values: dict[str, Any], now: datetime) -> None:
        ended = values | {"closed_at": held.closed_at or now, "promised": False, "promise_id": None}
        connection.execute(update(callback).where(callback.c.id == held.id).values(ended))
        queue.take_out(connection, [held.id])
        promises.settle(connection, [held.id], promises.VOID, now)
        tasks.withdraw(connection, [held.id], now, "the callback has ended")

    def _again(self, connection: Connection, held: Row[Any], now: datetime) -> Decision:
        """A person mended what held it: the gate decides, and a promise that was broken binds no more."""
        if held.promise_id is not None and held.reason == Reason.PROMISE_MISSED:
            broken = {"promised": False, "promise_id": None, "not_before": None}
            connection.execute(update(callback).where(callback.c.id == held.id).values(broken))
        return verdict(connection, self._house, held.id, now)


def _tasks() -> Any:
    names = ("reference", "name", "tier")
    columns = (customer.c[name].label(f"customer_{name}") for name in names)
    return select(task, *columns).join(customer, customer.c.id == task.c.customer_id)


def _read(connection: Connection, key: int) -> Row[Any]:
    return connection.execute(_tasks().where(task.c.id == key)).one()


def _locked(connection: Connection, key: int) -> tuple[Row[Any], Row[Any]]:
    """A task and its callback; the task last, as everywhere."""
    callback_id = connection.scalar(select(task.c.callback_id).where(task.c.id == key))
    if callback_id is None:
        raise NotFoundError([Problem("task", f"there is no task {key}", "`dialer tasks list --all` shows them")])
    held = locked(connection, callback_id)
    return connection.execute(select(task).where(task.c.id == key).with_for_update()).one(), held


def _refuse_others(row: Row[Any], by: str) -> None:
    if row.state == tasks.TAKEN and row.taken_by != by:
        what, mend = f"{row.taken_by} took it at {row.taken_at:%F %H:%M} UTC", "only who has a task can finish it"
        raise InputError([Problem(f"task {row.id}", what, mend)])


def _over(row: Row[Any]) -> InputError:
    why = f": {row.note}" if row.note else ""
    what = f"it was done by {row.done_by} at {row.done_at:%F %H:%M} UTC ({row.result}{why})"
    return InputError([Problem(f"task {row.id}", what, "`dialer tasks list` shows what is left")])


def _task(row: Row[Any]) -> Task:
    return Task(
        id=row.id,
        kind=row.kind,
        customer=row.customer_reference,
        name=row.customer_name,
        tier=row.customer_tier,
        campaign=row.campaign,
        callback=row.callback_id,
        person=row.person,
        what=row.what,
        opened=row.opened_at,
        due=row.due_at,
        state=row.state,
        taken_by=row.taken_by,
        taken=row.taken_at,
        done_by=row.done_by,
        done=row.done_at,
        result=row.result,
        note=row.note,
    )
