"""Everything the gate asks about a batch of callbacks, read in a handful of statements inside one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from dialer.core.admission import Proposal
from dialer.core.limits import Contact
from dialer.core.outcome import Ending
from dialer.core.suppression import subjects
from dialer.store import promises
from dialer.store.campaigns import standings
from dialer.store.rows import customer_of
from dialer.store.suppressions import in_force
from dialer.store.tables import AttemptRow, CallbackRow, CustomerRow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from dialer.core.admission import House
    from dialer.core.customer import Customer
    from dialer.core.promise import Promise
    from dialer.core.suppression import Stop
    from dialer.store.campaigns import Standing

attempt = AttemptRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
callback = CallbackRow.__table__  # type: ignore[attr-defined]
customer = CustomerRow.__table__  # type: ignore[attr-defined]

CALLBACK_COLUMNS = tuple(column.label(f"cb_{column.name}") for column in callback.c)
LONGEST_CALL = timedelta(hours=1)
"""Calls are found by when they were intended and counted from when they rang, which is a little later."""

CONTACT_COLUMNS = (
    attempt.c.token,
    attempt.c.customer_id,
    attempt.c.e164,
    attempt.c.callback_id,
    attempt.c.campaign,
    attempt.c.subject,
    attempt.c.purpose,
    attempt.c.counted,
    attempt.c.is_open,
    attempt.c.ending,
    attempt.c.created_at,
    attempt.c.rang_at,
    attempt.c.ended_at,
)


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
    connection: Connection, ids: Sequence[int], now: datetime, house: House, *, own: frozenset[str] = frozenset()
) -> dict[int, Candidate]:
    """The candidates by callback id. Attempts in `own` do not count as calls: they are the ones being decided."""
    if not ids:
        return {}
    columns = (*CALLBACK_COLUMNS, *customer.c)
    query = select(*columns).join(customer, customer.c.id == callback.c.customer_id).where(callback.c.id.in_(ids))
    rows = connection.execute(query).all()
    people = {row.cb_id: customer_of(row) for row in rows}
    world = World.read(connection, {row.cb_customer_id: people[row.cb_id] for row in rows}, now, house, own)
    chosen = promises.read(connection, [row.cb_promise_id for row in rows if row.cb_promise_id is not None])
    campaigns = standings(connection)
    found = {}
    for row in rows:
        person, standing = people[row.cb_id], campaigns[row.cb_campaign]
        facts = world.about(row.cb_customer_id, person)
        proposal = proposal_of(row, person, standing, chosen.get(row.cb_promise_id), facts)
        found[row.cb_id] = Candidate(row, standing.version, proposal)
    return found


def hypothetical(
    connection: Connection, rows: Sequence[Row[Any]], standing: Standing, now: datetime, house: House
) -> list[Proposal]:
    """Proposals for people who are not enrolled, as if they were at `now`. `rows` have the customers' columns."""
    people = {row.id: customer_of(row) for row in rows}
    world = World.read(connection, people, now, house)
    return [
        Proposal(
            customer=person,
            campaign=standing.campaign,
            enrolled=now,
            paused=standing.paused,
            **world.about(key, person),
        )
        for key, person in people.items()
    ]


@dataclass(frozen=True, slots=True)
class World:
    """What is going on around a batch of customers, and what went on as far back as any rule looks."""

    stops: Mapping[str, list[Stop]]
    busy: set[int | str]
    contacts: Mapping[int | str, list[Contact]]

    @classmethod
    def read(
        cls,
        connection: Connection,
        people: Mapping[int, Customer],
        now: datetime,
        house: House,
        own: frozenset[str] = frozenset(),
    ) -> World:
        """All facts about `people`, by the customers' keys."""
        numbers = {number.e164 for person in people.values() for number in person.numbers}
        since = now - house.lookback - LONGEST_CALL
        return cls(
            _by_subject(in_force(connection, {name for person in people.values() for name in subjects(person)})),
            _open_attempts(connection, set(people), numbers, own),
            contacts_of(connection, people, numbers, since, own),
        )

    def about(self, customer_id: int, person: Customer) -> dict[str, Any]:
        """The facts about one of them, as a proposal has them."""
        names: set[int | str] = {customer_id, *(number.e164 for number in person.numbers)}
        return {
            "stops": tuple(stop for name in subjects(person) for stop in self.stops.get(name, ())),
            "in_call": not self.busy.isdisjoint(names),
            "contacts": tuple({one for name in names for one in self.contacts.get(name, ())}),
        }


def proposal_of(
    row: Row[Any], person: Customer, standing: Standing, promise: Promise | None, facts: dict[str, Any]
) -> Proposal:
    """A callback as the gate is asked about it. `row` has its columns as `cb_...`, `facts` are from `World.about`."""
    return Proposal(
        customer=person,
        campaign=standing.campaign,
        enrolled=row.cb_enrolled_at,
        callback=row.cb_id,
        due=row.cb_due_at,
        paused=standing.paused,
        attempts=row.cb_attempts,
        number_index=row.cb_number_index,
        bad_numbers=frozenset(row.cb_bad_numbers),
        not_before=row.cb_not_before,
        promised=row.cb_promised,
        promise=promise,
        last_miss=row.cb_last_miss_at,
        **facts,
    )


def _by_subject(stops: Sequence[Stop]) -> dict[str, list[Stop]]:
    found: dict[str, list[Stop]] = {}
    for stop in stops:
        found.setdefault(stop.subject, []).append(stop)
    return found


def _open_attempts(
    connection: Connection, customer_ids: set[int], numbers: set[str], own: frozenset[str]
) -> set[int | str]:
    """The people and numbers that are in a call."""
    concerned = or_(attempt.c.customer_id.in_(customer_ids), attempt.c.e164.in_(numbers))
    query = select(attempt.c.customer_id, attempt.c.e164).where(attempt.c.is_open, concerned)
    if own:
        query = query.where(attempt.c.token.not_in(own))
    return {name for row in connection.execute(query) for name in row}


def contacts_of(
    connection: Connection,
    people: Mapping[int, Customer],
    numbers: Collection[str],
    since: datetime,
    own: frozenset[str] = frozenset(),
) -> Mapping[int | str, list[Contact]]:
    """Every call since `since` to these people and numbers, under the person's key and under the number.

    Calls that never reached the network are left out: no rule counts them.
    """
    reached = or_(attempt.c.is_open, attempt.c.ending.is_distinct_from(Ending.NOT_RUNG.value))
    contacts: dict[int | str, list[Contact]] = {}
    concerned = or_(attempt.c.customer_id.in_(people), attempt.c.e164.in_(numbers))  # an index each, not a scan
    query = select(*CONTACT_COLUMNS).where(concerned, attempt.c.created_at > since, reached)
    for row in connection.execute(query).all():
        if row.token not in own:
            owner = people.get(row.customer_id)
            one = _contact(row, owner.reference if owner is not None else f"#{row.customer_id}")  # somebody else
            contacts.setdefault(row.customer_id, []).append(one)
            contacts.setdefault(one.number, []).append(one)
    return contacts


def _contact(row: Any, name: str) -> Contact:
    return Contact(
        # The carrier cuts its instants off at the second, and its clock may be behind ours.
        at=max(row.rang_at or row.ended_at or row.created_at, row.created_at),
        customer=name,
        number=row.e164,
        callback=row.callback_id,
        campaign=row.campaign,
        subject=row.subject,
        purposes=frozenset(row.purpose.split(",") if row.purpose else ()),
        felt=row.counted or row.is_open,
        ending=Ending(row.ending) if row.ending and not row.is_open else None,
        ended=row.ended_at,
        intended=row.created_at,
    )
