"""Tasks: what a person must do about a callback, because the dialer must not or cannot go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dialer.core.record import Reason
from dialer.store.tables import CallbackRow, CustomerRow, PromiseRow, TaskRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from dialer.core.admission import House

task = TaskRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
callback = CallbackRow.__table__  # type: ignore[attr-defined]
customer = CustomerRow.__table__  # type: ignore[attr-defined]
promise = PromiseRow.__table__  # type: ignore[attr-defined]

OPEN, TAKEN, DONE = "open", "taken", "done"
DIALER = "dialer"
"""Who did a task that nobody has to do any more."""

CASE, PROMISE = "case", "promise"
"""Kinds of task beside the callback's own way: something an agent asks somebody to look into, and a promised call that
is about to be missed."""

DEADLINE = "deadline"
"""The kind of task that asks to call before the deadline what the dialer may not reach in time. The kinds
not named here are the reasons for which a callback is held."""


@dataclass(frozen=True, slots=True)
class Need:
    """A reason to ask a person."""

    callback_id: int
    kind: str
    what: str
    person: str = ""  # whom the campaign names; the customer's own agent goes before, whom the settings name after


def ask(connection: Connection, house: House, needs: Sequence[Need], now: datetime) -> None:
    """Open a task for each need, unless one of its kind is open already.

    A person hears of a deadline once: not again when they have done what they could about it, and no longer when the
    callback is held, which is a task of its own.
    """
    answered = _answered(connection, [need.callback_id for need in needs if need.kind == DEADLINE])
    needs = [need for need in needs if need.kind != DEADLINE or need.callback_id not in answered]
    if not needs:
        return
    held = [need.callback_id for need in needs if need.kind not in {DEADLINE, CASE, PROMISE}]
    withdraw(connection, held, now, "the callback is held for another reason", kind=DEADLINE)
    columns = (callback.c.id, callback.c.customer_id, callback.c.campaign, callback.c.deadline_at, customer.c.agent)
    query = select(*columns, promise.c.until_at).join(customer, customer.c.id == callback.c.customer_id)
    query = query.outerjoin(promise, promise.c.id == callback.c.promise_id)
    about = {row.id: row for row in connection.execute(query.where(callback.c.id.in_([n.callback_id for n in needs])))}
    rows = [
        {
            "kind": need.kind,
            "callback_id": need.callback_id,
            "customer_id": about[need.callback_id].customer_id,
            "campaign": about[need.callback_id].campaign,
            "person": _person(need, about[need.callback_id].agent) or house.person,
            "what": need.what,
            "opened_at": now,
            "due_at": _due(need, about[need.callback_id]),
            "state": OPEN,
            "taken_by": "",
            "done_by": "",
            "result": "",
            "note": "",
        }
        for need in needs
    ]
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    cases = [need for need in needs if need.kind == CASE]
    for need in cases:  # an earlier one is still being looked into
        same = (task.c.callback_id == need.callback_id) & (task.c.kind == CASE) & (task.c.state != DONE)
        connection.execute(update(task).where(same).values(what=task.c.what + "; " + need.what))
    connection.execute(dialect.insert(task).on_conflict_do_nothing(), rows)


def _person(need: Need, own: str) -> str:
    """The customer's own agent goes before whom the campaign names; promises and cases name theirs themselves."""
    return need.person or own if need.kind in {PROMISE, CASE} else own or need.person


def _due(need: Need, about: Any) -> datetime:
    """A promise is due at its own time, everything else by the callback's deadline."""
    own = about.until_at if need.kind in {Reason.PROMISE_MISSED, PROMISE} else None
    return cast("datetime", own or about.deadline_at)


def _answered(connection: Connection, callback_ids: Sequence[int]) -> set[int]:
    """Those about whose deadline a person has done something already."""
    mine = task.c.callback_id.in_(callback_ids) & (task.c.kind == DEADLINE)
    by_person = (task.c.state == DONE) & (task.c.done_by != DIALER)
    query = select(task.c.callback_id).where(mine, by_person)
    return set(connection.scalars(query)) if callback_ids else set()


def withdraw(
    connection: Connection, callback_ids: Sequence[int], now: datetime, why: str, *, kind: str | None = None
) -> None:
    """Nobody needs to do anything about these callbacks any more; with `kind`, not this."""
    if not callback_ids:
        return
    undone = task.c.callback_id.in_(callback_ids) & (task.c.state != DONE)
    # A case outlasts the callback in which it came up.
    undone &= task.c.kind == kind if kind is not None else task.c.kind != CASE
    values = {"state": DONE, "done_by": DIALER, "done_at": now, "result": "withdrawn", "note": why}
    connection.execute(update(task).where(undone).values(values))


def noted(connection: Connection, callback_id: int, by: str, what: str, now: datetime) -> None:
    """What a person did about a callback of their own accord, for the record: a task that is done already."""
    about = select(callback.c.customer_id, callback.c.campaign).where(callback.c.id == callback_id)
    row = connection.execute(about).one()
    done = {"state": DONE, "done_by": by, "done_at": now, "taken_by": "", "result": "noted", "note": ""}
    mine = {"callback_id": callback_id, "customer_id": row.customer_id, "campaign": row.campaign, "person": by}
    connection.execute(insert(task).values(done | mine | {"kind": "by_hand", "what": what, "opened_at": now}))
