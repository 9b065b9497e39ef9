"""Calls that were made, as the gate would have seen them then: for judging them again by the rules of today."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, tuple_

from dialer.core.admission import Proposal
from dialer.core.hours import DailyRange
from dialer.core.promise import Missed, Promise
from dialer.core.suppression import subjects
from dialer.store.campaigns import read_version
from dialer.store.proposals import LONGEST_CALL, contacts_of
from dialer.store.rows import customer_of, number_in
from dialer.store.suppressions import in_force
from dialer.store.tables import AttemptRow, CallbackRow, CustomerRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from dialer.core.admission import House
    from dialer.core.customer import Customer
    from dialer.core.limits import Contact
    from dialer.store.database import Database

attempt = AttemptRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
callback = CallbackRow.__table__  # type: ignore[attr-defined]
customer = CustomerRow.__table__  # type: ignore[attr-defined]

PAGE = 500


@dataclass(frozen=True, slots=True)
class Made:
    """A call that was made. `proposal` is None when its evidence does not say enough to judge it again."""

    token: str
    customer: str
    campaign: str
    decided: datetime
    editions: Mapping[str, str]  # of the zone and holiday data it was decided by
    presets: tuple[str, ...]
    proposal: Proposal | None


class History:
    """Every call that was ever sent, oldest first."""

    def __init__(self, database: Database, house: House) -> None:
        self._database = database
        self._house = house

    def made(self, since: datetime, until: datetime, campaign: str | None = None) -> Iterator[Sequence[Made]]:
        """Page by page, the calls sent of the attempts created in [since, until)."""
        last = (since, "")
        while True:
            with self._database.read() as connection:
                rows = self._page(connection, last, until, campaign)
                page = self._judgeable(connection, rows) if rows else []
            if not rows:
                return
            yield page
            last = (rows[-1].created_at, rows[-1].token)

    def _page(
        self, connection: Connection, last: tuple[datetime, str], until: datetime, campaign: str | None
    ) -> Sequence[Row[Any]]:
        query = (
            select(
                attempt,
                callback.c.enrolled_at.label("cb_enrolled_at"),
                callback.c.due_at.label("cb_due_at"),
            )
            .join(callback, callback.c.id == attempt.c.callback_id)
            .where(attempt.c.created_at < until, tuple_(attempt.c.created_at, attempt.c.token) > last)
            .order_by(attempt.c.created_at, attempt.c.token)
            .limit(PAGE)
        )
        if campaign is not None:
            query = query.where(attempt.c.campaign == campaign)
        return connection.execute(query).all()

    def _judgeable(self, connection: Connection, rows: Sequence[Row[Any]]) -> list[Made]:
        sent = [row for row in rows if row.sent_at is not None]
        ids = {row.customer_id for row in sent}
        found = connection.execute(select(customer).where(customer.c.id.in_(ids)))
        people = {row.id: customer_of(row) for row in found}
        numbers = {row.e164 for row in sent}
        lookback = self._house.lookback + LONGEST_CALL
        since = min((row.created_at for row in sent), default=rows[0].created_at) - lookback
        contacts = contacts_of(connection, people, numbers, since)
        counted = _counted(connection, {row.callback_id for row in sent})
        made = []
        for row in sent:
            known = row.evidence if "decided" in row.evidence else None
            decided = datetime.fromisoformat(known["decided"]) if known else row.created_at
            proposal = None
            if known:
                earlier = sum(at < row.created_at for at in counted[row.callback_id])
                proposal = _as_then(connection, row, people[row.customer_id], contacts, earlier, decided)
            made.append(
                Made(
                    row.token,
                    people[row.customer_id].reference,
                    row.campaign,
                    decided,
                    row.evidence.get("editions", {}),
                    tuple(row.evidence.get("presets", ())),
                    proposal,
                )
            )
        return made


def _counted(connection: Connection, callback_ids: set[int]) -> defaultdict[int, list[datetime]]:
    """When each callback's counted attempts were made."""
    query = select(attempt.c.callback_id, attempt.c.created_at)
    found: defaultdict[int, list[datetime]] = defaultdict(list)
    for callback_id, at in connection.execute(query.where(attempt.c.callback_id.in_(callback_ids), attempt.c.counted)):
        found[callback_id].append(at)
    return found


def _as_then(
    connection: Connection,
    row: Any,
    person: Customer,
    contacts: Mapping[int | str, list[Contact]],
    attempts: int,
    decided: datetime,
) -> Proposal:
    """The proposal of an attempt, from its evidence and what is known of the time before it.

    What the evidence says of the customer goes before the customer file, which may have changed since.
    """
    known = row.evidence
    then = replace(
        person,
        numbers=(number_in(row),),
        region=known["region"],
        zone=known["zone"],
        quiet=tuple(DailyRange.parse(text) for text in known["quiet"]),
    )
    campaign = read_version(connection, row.campaign, row.campaign_version)
    contacts_then = (one for name in (row.customer_id, row.e164) for one in contacts.get(name, ()))
    before = {one for one in contacts_then if one.intended is not None and one.intended < row.created_at}
    promise = _promise(known.get("promise"), campaign.promises.missed)
    return Proposal(
        customer=then,
        campaign=campaign,
        enrolled=row.cb_enrolled_at,
        callback=row.callback_id,
        due=row.cb_due_at,
        attempts=attempts,
        stops=tuple(in_force(connection, subjects(then), decided)),
        in_call=any(one.ended is not None and one.ended > decided for one in before),
        promised=promise is not None,
        promise=promise,
        contacts=tuple(before),
    )


def _promise(known: Mapping[str, str] | None, missed: Missed) -> Promise | None:
    if known is None:
        return None
    at, until = datetime.fromisoformat(known["at"]), datetime.fromisoformat(known["until"])
    return Promise(at, until, missed, known["channel"], known["proof"])
