"""The customer file as a plan goes through it: by ranges of keys, with all facts the gate asks for, read-only."""

from __future__ import annotations

import json
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import Text, cast, func, select

from dialer.core.customer import Customer
from dialer.core.hours import DailyRange
from dialer.core.record import CallbackState
from dialer.store import promises, proposals
from dialer.store.proposals import World
from dialer.store.rows import number_of
from dialer.store.tables import CallbackRow, CustomerRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from dialer.core.admission import House, Proposal
    from dialer.core.promise import Promise
    from dialer.store.campaigns import Standing
    from dialer.store.database import Database

callback = CallbackRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
customer = CustomerRow.__table__  # type: ignore[attr-defined]

PAGE = 1000
"""Customers that are read together."""

_TEXTS = ("reference", "name", "salutation", "language", "tier", "region", "zone", "confirmed_zone", "agent")
# As text: lists and attributes are read only of customers for whom somebody asks.
_CUSTOMER = (
    customer.c.id,
    *(customer.c[name] for name in _TEXTS),
    cast(customer.c.numbers, Text).label("numbers"),
    cast(customer.c.quiet, Text).label("quiet"),
    cast(customer.c.attributes, Text).label("attributes"),
)
_OF_CALLBACK = frozenset(
    {
        "id",
        "customer_id",
        "occasion",
        "state",
        "due_at",
        "deadline_at",
        "enrolled_at",
        "not_before",
        "promised",
        "promise_id",
        "attempts",
        "number_index",
        "bad_numbers",
        "last_miss_at",
    }
)
_CALLBACK = tuple(column.label(f"cb_{column.name}") for column in callback.c if column.name in _OF_CALLBACK)
_STATES: Final = {state.value: state for state in CallbackState}
_json: Final = json.JSONDecoder().raw_decode
_NOTHING: Mapping[str, Any] = MappingProxyType({"stops": (), "in_call": False, "contacts": ()})


class Kept(NamedTuple):
    """A callback that is there already, for one occasion."""

    row: Row[Any]
    state: CallbackState
    promise: Promise | None

    @property
    def deadline(self) -> datetime:
        """By when the call is to have happened, as it was reckoned at enrolment."""
        found: datetime = self.row.cb_deadline_at
        return found


class Counted(NamedTuple):
    """One customer, what the gate asks about them, and their callbacks in one campaign by occasion."""

    key: int
    customer: Customer
    facts: Mapping[str, Any]  # stops, calls going on and calls that were, as a proposal has them
    callbacks: Mapping[str, Kept]

    def proposal(self, kept: Kept, standing: Standing) -> Proposal:
        """The call that a callback stands for, under the version of `standing`."""
        return proposals.proposal_of(kept.row, self.customer, standing, kept.promise, dict(self.facts))


class Page(NamedTuple):
    """Customers that were read together: those who are wanted, and how many are not."""

    counted: tuple[Counted, ...]
    others: int


class Census:
    """The customer file, to be counted."""

    def __init__(self, database: Database, house: House) -> None:
        self._database = database
        self._house = house

    def keys(self) -> range:
        """The keys that customers have; not every one of them is a customer's."""
        with self._database.read() as connection:
            first, last = connection.execute(select(func.min(customer.c.id), func.max(customer.c.id))).one()
        return range(0) if first is None else range(first, last + 1)

    def pages(self, keys: range, campaign: str, wanted: Callable[[Customer], bool], now: datetime) -> Iterator[Page]:
        """The customers with these keys, in short reads. Numbers and quiet hours are unknown to `wanted`."""
        query = select(*_CUSTOMER).order_by(customer.c.id).limit(PAGE)
        last = keys.start - 1
        while True:
            with self._database.read() as connection:
                rows = connection.execute(query.where(customer.c.id > last, customer.c.id < keys.stop)).all()
                if not rows:
                    return
                last = rows[-1].id
                people = {}
                for row in rows:
                    attributes = _attributes(row.attributes)
                    if wanted(_sketch(row, attributes)):
                        people[row.id] = _whole(row, attributes)
                found = self._counted(connection, people, campaign, now) if people else ()
            yield Page(found, len(rows) - len(people))

    def _counted(
        self, connection: Connection, people: Mapping[int, Customer], campaign: str, now: datetime
    ) -> tuple[Counted, ...]:
        world = World.read(connection, people, now, self._house)
        callbacks = _callbacks(connection, people, campaign)
        lonely = not (world.stops or world.busy or world.contacts)
        return tuple(
            Counted(key, one, _NOTHING if lonely else world.about(key, one), callbacks.get(key, {}))
            for key, one in people.items()
        )


def _callbacks(connection: Connection, people: Mapping[int, Customer], campaign: str) -> dict[int, dict[str, Kept]]:
    within = callback.c.customer_id.between(min(people), max(people))
    query = select(*_CALLBACK).where(callback.c.campaign == campaign, within).order_by(callback.c.id)
    rows = [row for row in connection.execute(query) if row.cb_customer_id in people]
    promised = [row.cb_promise_id for row in rows if row.cb_promise_id is not None]
    chosen = promises.read(connection, promised) if promised else {}
    found: dict[int, dict[str, Kept]] = {}
    for row in rows:
        kept = Kept(row, _STATES[row.cb_state], chosen.get(row.cb_promise_id))
        found.setdefault(row.cb_customer_id, {})[row.cb_occasion] = kept
    return found


def _sketch(row: Row[Any], attributes: Mapping[str, Any]) -> Customer:
    """What a campaign's filter asks of a customer; most files select a few of many."""
    return Customer(
        row.reference,
        row.name,
        row.salutation,
        row.language,
        row.tier,
        (),
        row.region,
        row.confirmed_zone or row.zone,
        (),
        row.agent,
        attributes,
    )


def _whole(row: Row[Any], attributes: Mapping[str, Any]) -> Customer:
    return Customer(
        row.reference,
        row.name,
        row.salutation,
        row.language,
        row.tier,
        tuple([number_of(number) for number in _json(row.numbers)[0]]),
        row.region,
        row.confirmed_zone or row.zone,
        _quiet(row.quiet),
        row.agent,
        attributes,
    )


def _attributes(text: str) -> Mapping[str, Any]:
    return MappingProxyType(_json(text)[0])


@lru_cache(maxsize=4096)
def _quiet(text: str) -> tuple[DailyRange, ...]:
    return tuple(DailyRange.parse(one) for one in json.loads(text))
