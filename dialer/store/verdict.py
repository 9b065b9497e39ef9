"""Asks the gate about one callback at once, when a person waits for the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from dialer.core.admission import decide
from dialer.store import proposals, queue
from dialer.store.tables import CallbackRow

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from dialer.core.admission import Decision, House


callback = CallbackRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it


def locked(connection: Connection, callback_id: int) -> Row[Any]:
    """The callback, with nobody else at it until this transaction ends.

    The queue's row comes first, as in a claim: two who take the same locks in different orders wait for each other.
    """
    place = select(queue.row.c.callback_id).where(queue.row.c.callback_id == callback_id)
    connection.execute(place.with_for_update()).all()
    return connection.execute(select(callback).where(callback.c.id == callback_id).with_for_update()).one()


def verdict(connection: Connection, house: House, callback_id: int, now: datetime) -> Decision:
    """What the gate says about a callback that waits or is held, which follows in the same transaction."""
    queue.look_again(connection, [callback_id], now, by_person=True)
    candidate = proposals.load(connection, [callback_id], now, house)[callback_id]
    decision = decide(candidate.proposal, house, now)
    queue.put(connection, house, [(candidate, decision)], now)
    return decision
