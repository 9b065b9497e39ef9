"""What is known beforehand about who may answer: those next in line, and those whose telephone rings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from dialer.core.wall_clock import local
from dialer.core.zones import candidates
from dialer.store.line import heads
from dialer.store.rows import customer_of
from dialer.store.tables import AttemptRow, CallbackRow, CustomerRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from dialer.core.customer import Customer
    from dialer.store.belonging import Taker
    from dialer.store.database import Database

attempt = AttemptRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
callback = CallbackRow.__table__  # type: ignore[attr-defined]
customer = CustomerRow.__table__  # type: ignore[attr-defined]

SPOKEN, MISSED, NEW = "spoken", "missed", "new"
"""Past contact about a callback: they were spoken to, called in vain, or never called."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What answer rates are learnt by."""

    segment: str  # the campaign, the tier, and the kind of the number
    hour: int  # of the day, on the customer's clock
    contact: str


class Prospects:
    """Who may answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def next(self, campaigns: Sequence[str], taker: Taker, limit: int, now: datetime) -> list[Traits]:
        """The first `limit` callbacks that the taker may have now, in the order in which they would be called."""
        columns = (callback.c.attempts, callback.c.reached_at, callback.c.number_index, callback.c.campaign)
        with self._database.read() as connection:
            ids = heads(connection, campaigns, limit, now, taker=taker)
            query = (
                select(*columns, callback.c.id.label("callback_id"), *customer.c)
                .join(customer, customer.c.id == callback.c.customer_id)
                .where(callback.c.id.in_(ids))
            )
            found = {row.callback_id: row for row in connection.execute(query)}
        rows = (found[one] for one in ids)
        return [_traits(row, customer_of(row), row.number_index, now) for row in rows]

    def of(self, tokens: Sequence[str], now: datetime) -> Mapping[str, Traits]:
        """The traits of calls that were just sent, by attempt."""
        query = (
            select(attempt.c.token, callback.c.campaign, callback.c.attempts, callback.c.reached_at)
            .add_columns(callback.c.number_index, *customer.c)
            .join(callback, callback.c.id == attempt.c.callback_id)
            .join(customer, customer.c.id == attempt.c.customer_id)
            .where(attempt.c.token.in_(tokens))
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return {row.token: _traits(row, customer_of(row), row.number_index, now) for row in rows}


def _traits(row: Any, person: Customer, number_index: int, now: datetime) -> Traits:
    number = person.numbers[number_index % len(person.numbers)] if person.numbers else None
    zones = candidates(person, number).zones if number is not None else ()
    hour = local(now, zones[0] if zones else "UTC").hour
    contact = SPOKEN if row.reached_at is not None else MISSED if row.attempts else NEW
    return Traits(f"{row.campaign}/{person.tier}/{number.kind.value if number is not None else ''}", hour, contact)
