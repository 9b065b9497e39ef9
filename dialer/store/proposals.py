"""Everything the gate asks about a batch of callbacks, read in a handful of statements inside one transaction."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from dialer.core.admission import Proposal
from dialer.store.campaigns import standings
from dialer.store.rows import customer_of
from dialer.store.suppressions import listed, subjects
from dialer.store.tables import AttemptRow, CallbackRow, CustomerRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection, Row

    from dialer.core.customer import Customer
    from dialer.store.campaigns import Standing

attempt = AttemptRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
callback = CallbackRow.__table__  # type: ignore[attr-defined]
customer = CustomerRow.__table__  # type: ignore[attr-defined]

CALLBACK_COLUMNS = tuple(column.label(f"cb_{column.name}") for column in callback.c)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A callback with the facts about it. `row` has the callback's columns as `cb_...`."""

    row: Row[Any]
    version: str
    proposal: Proposal

    @property
    def callback_id(self) -> int:
        """The callback's key."""
        return int(self.row.cb_id)


def load(
    connection: Connection, ids: Sequence[int], now: datetime, spacing: timedelta, *, own: frozenset[str] = frozenset()
) -> dict[int, Candidate]:
    """The candidates by callback id. Attempts in `own` do not count as "in a call": they are the ones being decided."""
    if not ids:
        return {}
    columns = (*CALLBACK_COLUMNS, *customer.c)
    query = select(*columns).join(customer, customer.c.id == callback.c.customer_id).where(callback.c.id.in_(ids))
    rows = connection.execute(query).all()
    people = {row.cb_id: customer_of(row) for row in rows}
    world = _World.read(connection, {row.cb_customer_id: people[row.cb_id] for row in rows}, now, spacing, own)
    campaigns = standings(connection)
    found = {}
    for row in rows:
        person, standing = people[row.cb_id], campaigns[row.cb_campaign]
        facts = world.about(row.cb_customer_id, person, row.cb_campaign)
        found[row.cb_id] = Candidate(row, standing.version, _proposal(row, person, standing, facts))
    return found


def hypothetical(
    connection: Connection, row: Row[Any], standing: Standing, now: datetime, spacing: timedelta
) -> Proposal:
    """The proposal of somebody who is not enrolled, as if they were at `now`. `row` has the customer's columns."""
    person = customer_of(row)
    facts = _World.read(connection, {row.id: person}, now, spacing).about(row.id, person, standing.campaign.id)
    return Proposal(customer=person, campaign=standing.campaign, enrolled=now, paused=standing.paused, **facts)


@dataclass(frozen=True, slots=True)
class _World:
    """What is going on around a batch of customers."""

    suppressed: set[str]
    busy: set[int | str]
    recent: Mapping[int | str, list[tuple[str, datetime]]]

    @classmethod
    def read(
        cls,
        connection: Connection,
        people: Mapping[int, Customer],
        now: datetime,
        spacing: timedelta,
        own: frozenset[str] = frozenset(),
    ) -> _World:
        numbers = {number.e164 for person in people.values() for number in person.numbers}
        return cls(
            listed(connection, {name for person in people.values() for name in subjects(person)}),
            _open_attempts(connection, set(people), numbers, own),
            _recent_calls(connection, set(people), numbers, now - spacing),
        )

    def about(self, customer_id: int, person: Customer, campaign: str) -> dict[str, Any]:
        names: set[int | str] = {customer_id, *(number.e164 for number in person.numbers)}
        elsewhere = (at for name in names for where, at in self.recent[name] if where != campaign)
        return {
            "opted_out": not self.suppressed.isdisjoint(subjects(person)),
            "in_call": not self.busy.isdisjoint(names),
            "called_elsewhere": max(elsewhere, default=None),
        }


def _proposal(row: Row[Any], person: Customer, standing: Standing, facts: dict[str, Any]) -> Proposal:
    return Proposal(
        customer=person,
        campaign=standing.campaign,
        enrolled=row.cb_enrolled_at,
        paused=standing.paused,
        attempts=row.cb_attempts,
        number_index=row.cb_number_index,
        bad_numbers=frozenset(row.cb_bad_numbers),
        not_before=row.cb_not_before,
        promised=row.cb_promised,
        last_miss=row.cb_last_miss_at,
        **facts,
    )


def _open_attempts(
    connection: Connection, customer_ids: set[int], numbers: set[str], own: frozenset[str]
) -> set[int | str]:
    """The people and numbers that are in a call."""
    concerned = or_(attempt.c.customer_id.in_(customer_ids), attempt.c.e164.in_(numbers))
    query = select(attempt.c.customer_id, attempt.c.e164).where(attempt.c.is_open, concerned)
    if own:
        query = query.where(attempt.c.token.not_in(own))
    return {name for row in connection.execute(query) for name in row}


def _recent_calls(
    connection: Connection, customer_ids: set[int], numbers: set[str], since: datetime
) -> defaultdict[int | str, list[tuple[str, datetime]]]:
    """Per person and per number: campaign and instant of the last calls they felt since `since`."""
    calls: defaultdict[int | str, list[tuple[str, datetime]]] = defaultdict(list)
    for key, names in ((attempt.c.customer_id, customer_ids), (attempt.c.e164, numbers)):
        query = (
            select(key, attempt.c.campaign, func.max(attempt.c.created_at))
            .where(key.in_(names), attempt.c.created_at > since, attempt.c.counted)
            .group_by(key, attempt.c.campaign)
        )
        for name, where, at in connection.execute(query):
            calls[name].append((where, at))
    return calls
