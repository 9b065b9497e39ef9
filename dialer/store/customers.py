"""The customer file: imports write it, enrolment reads it page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, insert, select, update

from dialer.core.record import CallbackState
from dialer.store import queue
from dialer.store.rows import customer_of, customer_values
from dialer.store.tables import CallbackRow, CustomerRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from dialer.core.customer import Customer
    from dialer.store.database import Database

customer = CustomerRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it


@dataclass(frozen=True, slots=True)
class Upserted:
    """What an import batch did."""

    added: int
    changed: int
    same: int


def confirm_zone(connection: Connection, key: int, zone: str, by: str, now: datetime) -> None:
    """Keep the zone a customer confirmed (empty: none) and look anew at what waits or is held for them."""
    said = {"confirmed_zone": zone, "confirmed_by": by, "confirmed_at": now}
    connection.execute(update(customer).where(customer.c.id == key).values(said))
    callback = CallbackRow.__table__  # type: ignore[attr-defined]
    unsettled = callback.c.state.in_([CallbackState.WAITING, CallbackState.HELD])
    mine = select(callback.c.id).where(callback.c.customer_id == key, unsettled)
    _look_again(connection, list(connection.scalars(mine)), now)


def _look_again(connection: Connection, ids: Sequence[int], now: datetime, *, by_person: bool = False) -> None:
    """Somebody is known better now: the gate decides anew, and so is the callable time that is left.

    The queue's rows are locked before the callbacks, as in a claim.
    """
    queue.look_again(connection, ids, now, by_person=by_person)
    callback = CallbackRow.__table__  # type: ignore[attr-defined]
    for start in range(0, len(ids), 500):
        part = callback.c.id.in_(ids[start : start + 500])
        connection.execute(update(callback).where(part).values(slack_seconds=None))


class Customers:
    """The customer file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def upsert(self, batch: Sequence[Customer], now: datetime) -> Upserted:
        """Add and update by reference, in one transaction. What waits for a changed customer is looked at anew."""
        values = [customer_values(one) | {"changed_at": now} for one in batch]
        with self._database.write() as connection:
            known = self._fingerprints(connection, [one.reference for one in batch])
            added = [v | {"created_at": now} for v in values if v["reference"] not in known]
            changed = [v for v in values if known.get(v["reference"], v["fingerprint"]) != v["fingerprint"]]
            if added:
                connection.execute(insert(customer), added)
            if changed:
                self._update(connection, changed, now)
        return Upserted(len(added), len(changed), len(batch) - len(added) - len(changed))

    def _fingerprints(self, connection: Connection, references: Sequence[str]) -> dict[str, str]:
        query = select(customer.c.reference, customer.c.fingerprint).where(customer.c.reference.in_(references))
        return dict(connection.execute(query).all())

    def _update(self, connection: Connection, changed: Sequence[dict[str, Any]], now: datetime) -> None:
        numbers = {one["reference"]: one["numbers"] for one in changed}
        known = select(customer.c.reference, customer.c.numbers).where(customer.c.reference.in_(numbers))
        elsewhere = [row.reference for row in connection.execute(known) if row.numbers != numbers[row.reference]]
        rows = [{f"new_{name}": value for name, value in one.items()} for one in changed]
        columns: dict[str, Any] = {name: bindparam(f"new_{name}") for name in changed[0] if name != "reference"}
        by_reference = update(customer).where(customer.c.reference == bindparam("new_reference"))
        connection.execute(by_reference.values(columns), rows)
        callback = CallbackRow.__table__  # type: ignore[attr-defined]
        unsettled = callback.c.state.in_([CallbackState.WAITING, CallbackState.HELD])
        for references, by_person in ((elsewhere, True), (numbers.keys() - elsewhere, False)):
            # With another number there is somebody new to try, whatever became of the old one.
            theirs = select(customer.c.id).where(customer.c.reference.in_(references))
            waiting = select(callback.c.id).where(callback.c.customer_id.in_(theirs), unsettled)
            _look_again(connection, list(connection.scalars(waiting)), now, by_person=by_person)

    def get(self, reference: str) -> Customer | None:
        """The customer with this reference."""
        with self._database.read() as connection:
            row = connection.execute(select(customer).where(customer.c.reference == reference)).one_or_none()
        return customer_of(row) if row is not None else None

    def keys(self, references: Sequence[str]) -> dict[str, int]:
        """The store's own keys of customers, by reference; those of nobody are left out."""
        query = select(customer.c.reference, customer.c.id).where(customer.c.reference.in_(references))
        with self._database.read() as connection:
            return {row.reference: row.id for row in connection.execute(query)}

    def confirm_zone(self, reference: str, zone: str, *, by: str, now: datetime) -> bool:
        """The customer told `by` which zone they live in; it outranks every guess and outlasts every import.

        An empty `zone` takes it back. False when there is no such customer.
        """
        with self._database.write() as connection:
            key = connection.scalar(select(customer.c.id).where(customer.c.reference == reference))
            if key is None:
                return False
            confirm_zone(connection, key, zone, by, now)
        return True

    def pages(self, size: int = 1000, tier: str | None = None) -> Iterator[Sequence[Customer]]:
        """The whole file, `size` customers at a time."""
        for page in self.numbered_pages(size, tier):
            yield [one for _, one in page]

    def numbered_pages(self, size: int = 1000, tier: str | None = None) -> Iterator[Sequence[tuple[int, Customer]]]:
        """The whole file with row ids, a short read per page so that no transaction stays open."""
        last = 0
        while True:
            query = select(customer).where(customer.c.id > last).order_by(customer.c.id).limit(size)
            if tier is not None:
                query = query.where(customer.c.tier == tier)
            with self._database.read() as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            last = rows[-1].id
            yield [(row.id, customer_of(row)) for row in rows]

    def count(self) -> int:
        """How many customers there are."""
        with self._database.read() as connection:
            return connection.scalar(select(func.count()).select_from(customer)) or 0
