"""Promises: times that customers chose, with the proof that they did, and whether they were kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, or_, select, update

from dialer.core.promise import Missed, Promise
from dialer.core.record import CallbackState, Reason
from dialer.store.tables import CallbackRow, PromiseRow, TaskRow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

promise = PromiseRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
callback = CallbackRow.__table__  # type: ignore[attr-defined]
task = TaskRow.__table__  # type: ignore[attr-defined]

OPEN, KEPT, MISSED, REPLACED, VOID = "open", "kept", "missed", "replaced", "void"
"""A promise is open until a call is made in its time (kept), its time passes (missed), the customer chooses another
(replaced), or nothing is left to call about (void)."""


_BLANK = {"asked_by": "", "attempt": "", "note": "", "agent": "", "state": OPEN, "settled_by": ""}


def read(connection: Connection, ids: Collection[int]) -> dict[int, Promise]:
    """Promises by their keys."""
    if not ids:
        return {}
    return {
        row.id: Promise(row.at, row.until_at, Missed(row.missed), row.channel, row.attempt or row.asked_by, row.agent)
        for row in connection.execute(select(promise).where(promise.c.id.in_(ids)))
    }


def make(connection: Connection, values: dict[str, Any], now: datetime) -> int:
    """Write a promise down in place of an earlier one of the same callback; the new one's key."""
    settle(connection, [values["callback_id"]], REPLACED, now)
    made = connection.execute(insert(promise).values(_BLANK | values))
    key = int(made.inserted_primary_key[0])  # type: ignore[index] # one row was inserted
    mine = update(callback).where(callback.c.id == values["callback_id"])
    connection.execute(mine.values(promise_id=key, promised=True, not_before=values["at"]))
    return key


def settle(connection: Connection, callback_ids: Sequence[int], state: str, now: datetime) -> None:
    """The open promises of these callbacks are over, as `state` says.

    None is void whose time has passed, or whose callback was closed because it could not be kept: those were missed.
    """
    if not callback_ids:
        return
    mine = promise.c.callback_id.in_(callback_ids) & (promise.c.state == OPEN)
    if state == VOID:
        given_up = select(callback.c.id).where(callback.c.id.in_(callback_ids), callback.c.reason == Reason.EXPIRED)
        broken = (promise.c.until_at <= now) | promise.c.callback_id.in_(given_up)
        connection.execute(update(promise).where(mine, broken).values(state=MISSED, settled_at=now))
    connection.execute(update(promise).where(mine).values(state=state, settled_at=now))


def called(connection: Connection, calls: Sequence[tuple[int, datetime]], now: datetime) -> None:
    """Calls the customers felt: callback and when each was begun. One within its promise's time keeps it."""
    in_time = (promise.c.at <= bindparam("begun")) & (bindparam("begun") < promise.c.until_at)
    mine = (promise.c.callback_id == bindparam("of")) & or_(promise.c.state == OPEN, promise.c.state == MISSED)
    if calls:
        rows = [{"of": one, "begun": begun} for one, begun in calls]
        connection.execute(update(promise).where(mine, in_time).values(state=KEPT, settled_at=now), rows)


def at_risk(connection: Connection, alarms: Mapping[str, timedelta], now: datetime) -> list[tuple[int, str]]:
    """Promised calls about to be missed that nobody was told of yet: callback, and the agent who promised it.

    `alarms` say by campaign how long before the end of the tolerance a promise is at risk.
    """
    soonest = now + max(alarms.values(), default=timedelta(0))
    told = (
        select(task.c.id)
        .where(task.c.callback_id == promise.c.callback_id, task.c.kind == "promise")
        .where(task.c.opened_at >= promise.c.asked_at)
        .exists()
    )
    query = (
        select(promise.c.callback_id, promise.c.campaign, promise.c.until_at, promise.c.agent)
        .join(callback, callback.c.id == promise.c.callback_id)
        .where(promise.c.state == OPEN, promise.c.until_at > now, promise.c.until_at <= soonest, ~told)
        .where(callback.c.state == CallbackState.WAITING.value, promise.c.campaign.in_(list(alarms)))
        .order_by(promise.c.until_at)
        .limit(500)
    )
    return [
        (row.callback_id, row.agent) for row in connection.execute(query) if now >= row.until_at - alarms[row.campaign]
    ]


def expire(connection: Connection, now: datetime) -> list[int]:
    """Mark as missed what was still open when its time passed; the callbacks concerned."""
    over = (promise.c.state == OPEN) & (promise.c.until_at <= now)
    missed = update(promise).where(over).values(state=MISSED, settled_at=now).returning(promise.c.callback_id)
    return list(connection.scalars(missed))
