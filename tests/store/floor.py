"""Rows of a call centre at work, put straight into the tables: agents, calls in flight, promises, tasks."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from dialer.core.agent import Role
from dialer.store import Enrolment
from dialer.store.agent_tables import AgentRow, PresenceRow, ReservationRow
from dialer.store.tables import AttemptRow, CallbackRow, CustomerRow, PromiseRow, TaskRow
from tests.campaigns import NOW
from tests.store.steps import HOUR, MINUTE

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.store import Store

SECOND = timedelta(seconds=1)
_serial = count(1)

AGENTS = {"mode": "predictive", "safe_harbour": "Acme called. Our hotline is +44 20 7946 0000."}
"""The block of a campaign that may abandon calls."""


def _put(store: Store, table: Any, **values: Any) -> int:
    columns = {one.name: one for one in table.__table__.columns}
    row = {name: columns[name].default.arg for name in columns if _constant(columns[name])} | values
    with store.database.write() as connection:
        made = connection.execute(insert(table.__table__).values(row))
        key: Any = made.inserted_primary_key
        return int(key[0]) if table.__table__.c.get("id") is not None else 0


def _constant(column: Any) -> bool:
    return column.default is not None and column.default.is_scalar


def agent(store: Store, staff_number: str, name: str = "", state: str = "ready", **presence: Any) -> int:
    """Somebody who takes calls, where they stand."""
    role = presence.pop("role", Role.AGENT)
    lists = {"languages": [], "skills": [], "teams": presence.pop("teams", [])}
    lists |= {"address": presence.pop("address", "")}
    who = {"staff_number": staff_number, "name": name or f"Agent {staff_number}", "role": role.value, **lists}
    key = _put(store, AgentRow, **who, created_at=NOW, changed_at=NOW)
    _put(store, PresenceRow, agent_id=key, state=state, since=presence.pop("since", NOW), **presence)
    return key


def call(store: Store, reference: str = "C1", campaign: str = "survey", at: datetime = NOW, **changes: Any) -> str:
    """One attempt to the customer's first number; open and ringing unless `changes` say otherwise."""
    token = f"call-{next(_serial):06d}"
    with store.database.read() as connection:
        person = connection.execute(
            select(CustomerRow.__table__).where(CustomerRow.__table__.c.reference == reference)  # type: ignore[attr-defined]
        ).one()
        mine = CallbackRow.__table__.c  # type: ignore[attr-defined]
        key = connection.scalar(select(mine.id).where(mine.customer_id == person.id, mine.campaign == campaign))
    number = person.numbers[0]
    values = {
        "token": token,
        "callback_id": key,
        "customer_id": person.id,
        "campaign": campaign,
        "campaign_version": "v",
        "e164": number["e164"],
        "region": number["region"],
        "kind": number["kind"],
        "owner": "test",
        "state": "accepted",
        "created_at": at,
        "sent_at": at,
        "lease_until": at + HOUR,
        "heard_at": at,
        "mode": "predictive",
        "marks": [],
        "evidence": {},
    }
    _put(store, AttemptRow, **values | changes)
    return token


def over(store: Store, reference: str, at: datetime, disposition: str = "completed", **changes: Any) -> str:
    """A call that is over, of a customer who came to wait for an agent."""
    heard: dict[str, Any] = {"answered_at": at + 5 * SECOND, "waited_at": at + 6 * SECOND, "ended_at": at + MINUTE}
    done = {"is_open": False, "state": "final", "network": "answered", "answered_by": "human"}
    ending = {"completed": "reached"}.get(disposition, disposition)
    return call(store, reference, at=at, **heard | done | {"disposition": disposition, "ending": ending} | changes)


def reserve(store: Store, agent_id: int, token: str, campaign: str = "survey", state: str = "connected") -> None:
    """Set an agent aside for a call."""
    times = {"made_at": NOW, "lease_until": NOW + HOUR}
    _put(store, ReservationRow, agent_id=agent_id, attempt=token, campaign=campaign, state=state, **times)


def promise(store: Store, reference: str, at: datetime, until: datetime, state: str = "open", **changes: Any) -> int:
    """A time that a customer chose."""
    with store.database.read() as connection:
        people, mine = CustomerRow.__table__.c, CallbackRow.__table__.c  # type: ignore[attr-defined]
        key = connection.scalar(select(people.id).where(people.reference == reference))
        callback = connection.scalar(select(mine.id).where(mine.customer_id == key))
    said = {"channel": "agent", "asked_at": NOW - HOUR, "wall": f"{at:%Y-%m-%dT%H:%M}", "zone": "Europe/London"}
    values = {"callback_id": callback, "customer_id": key, "campaign": "survey", "reading": "exact", **said}
    return _put(store, PromiseRow, **values, at=at, until_at=until, missed="next_window", state=state, **changes)


def task(store: Store, reference: str, due: datetime | None = None, kind: str = "no_zone", **changes: Any) -> int:
    """Something a person has to do."""
    with store.database.read() as connection:
        people, mine = CustomerRow.__table__.c, CallbackRow.__table__.c  # type: ignore[attr-defined]
        key = connection.scalar(select(people.id).where(people.reference == reference))
        callback = connection.scalar(select(mine.id).where(mine.customer_id == key))
    values = {"kind": kind, "callback_id": callback, "customer_id": key, "campaign": "survey", "what": "ask them"}
    return _put(store, TaskRow, **values | {"opened_at": NOW, "due_at": due} | changes)


def enrol_one(store: Store, reference: str) -> None:
    """Enrol a customer who came later."""
    key = store.customers.keys([reference])[reference]
    store.callbacks.enrol("survey", [Enrolment(key, "once", NOW, NOW + 72 * HOUR)], NOW)
