"""Between rows and the values that the core decides over."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from dialer.core.customer import Customer
from dialer.core.hours import DailyRange
from dialer.core.lifecycle import AttemptState, Event, Facts, Mark
from dialer.core.outcome import AnsweredBy, Disposition, Fault, Network
from dialer.core.phone import NumberKind, PhoneNumber

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row


def customer_values(customer: Customer) -> dict[str, Any]:
    """A customer as columns."""
    values: dict[str, Any] = {
        "reference": customer.reference,
        "name": customer.name,
        "salutation": customer.salutation,
        "language": customer.language,
        "tier": customer.tier,
        "region": customer.region,
        "zone": customer.zone,
        "agent": customer.agent,
        "numbers": [number_values(number) for number in customer.numbers],
        "quiet": [str(quiet) for quiet in customer.quiet],
        "attributes": dict(customer.attributes),
    }
    text = json.dumps(values, sort_keys=True, ensure_ascii=False)
    return values | {"fingerprint": hashlib.sha256(text.encode()).hexdigest()[:32]}


def customer_of(row: Row[Any]) -> Customer:
    """A customer out of columns."""
    return Customer(
        reference=row.reference,
        name=row.name,
        salutation=row.salutation,
        language=row.language,
        tier=row.tier,
        numbers=tuple(number_of(number) for number in row.numbers),
        region=row.region,
        zone=row.confirmed_zone or row.zone,
        quiet=tuple(DailyRange.parse(text) for text in row.quiet),
        agent=row.agent,
        attributes=MappingProxyType(row.attributes),
    )


def number_values(number: PhoneNumber) -> dict[str, str]:
    """A number as columns."""
    return {
        "e164": number.e164,
        "region": number.region,
        "kind": number.kind.value,
        "extension": number.extension,
    }


def number_of(values: Mapping[str, Any]) -> PhoneNumber:
    """A number out of columns."""
    return PhoneNumber(values["e164"], values["region"], NumberKind(values["kind"]), values["extension"])


def number_in(row: Row[Any]) -> PhoneNumber:
    """The number in an attempt's columns."""
    return PhoneNumber(row.e164, row.region, NumberKind(row.kind), row.extension)


def facts_of(row: Row[Any]) -> Facts:
    """What is known of an attempt, out of its columns."""
    return Facts(
        state=AttemptState(row.state),
        carrier_call_id=row.carrier_call_id,
        sent_at=row.sent_at,
        rang_at=row.rang_at,
        answered_at=row.answered_at,
        waited_at=row.waited_at,
        connected_at=row.connected_at,
        wrapped_at=row.wrapped_at,
        ended_at=row.ended_at,
        network=Network(row.network) if row.network else None,
        answered_by=AnsweredBy(row.answered_by),
        talk=None if row.talk_seconds is None else timedelta(seconds=row.talk_seconds),
        fault=Fault(row.fault) if row.fault else None,
        failure=row.failure,
        marks=frozenset(mark_of(mark) for mark in row.marks),
    )


def facts_values(facts: Facts) -> dict[str, Any]:
    """What is known of an attempt as columns."""
    return {
        "state": facts.state.value,
        "is_open": facts.is_open,
        "carrier_call_id": facts.carrier_call_id,
        "sent_at": facts.sent_at,
        "rang_at": facts.rang_at,
        "answered_at": facts.answered_at,
        "waited_at": facts.waited_at,
        "connected_at": facts.connected_at,
        "wrapped_at": facts.wrapped_at,
        "ended_at": facts.ended_at,
        "network": facts.network.value if facts.network else None,
        "answered_by": facts.answered_by.value,
        "talk_seconds": facts.talk.total_seconds() if facts.talk is not None else None,
        "fault": facts.fault.value if facts.fault else None,
        "failure": facts.failure,
        "disposition": facts.disposition.value,
        "code": facts.code,
        "promise_at": facts.promise_at,
        "marks": [mark_values(mark) for mark in sorted(facts.marks, key=lambda m: (m.node, m.tries, m.digits))],
        "ending": None if facts.is_open else facts.outcome.ending.value,
        "counted": facts.counted,
    }


def mark_values(mark: Mark) -> dict[str, Any]:
    """One step of a conversation, as JSON."""
    return {
        "node": mark.node,
        "tries": mark.tries,
        "digits": mark.digits,
        "answer": mark.answer,
        "disposition": mark.disposition.value,
        "code": mark.code,
        "promise_at": mark.promise_at.isoformat() if mark.promise_at else None,
        **({"zone": mark.zone} if mark.zone else {}),
        **({"another_agent": True} if mark.another_agent else {}),
        **({"case": True, "person": mark.person} if mark.case else {}),
    }


def mark_of(values: Mapping[str, Any]) -> Mark:
    """One step of a conversation, out of JSON."""
    promise = values["promise_at"]
    return Mark(
        node=values["node"],
        tries=values["tries"],
        digits=values["digits"],
        answer=values["answer"],
        disposition=Disposition(values["disposition"]),
        code=values["code"],
        promise_at=datetime.fromisoformat(promise) if promise else None,
        zone=values.get("zone", ""),
        another_agent=values.get("another_agent", False),
        case=values.get("case", False),
        person=values.get("person", ""),
    )


def event_values(event: Event, received: datetime) -> dict[str, Any]:
    """An event as columns; what has no column of its own is in the body."""
    body: dict[str, Any] = {
        "carrier_call_id": event.carrier_call_id,
        "network": event.network.value if event.network else None,
        "answered_by": event.answered_by.value if event.answered_by else None,
        "talk_seconds": event.talk.total_seconds() if event.talk is not None else None,
        "fault": event.fault.value if event.fault else None,
        "failure": event.failure,
        "mark": mark_values(event.mark) if event.mark else None,
        "detail": dict(event.detail),
    }
    return {
        "token": event.token,
        "key": event.key,
        "kind": event.kind.value,
        "at": event.at,
        "received_at": received,
        "source": event.source,
        "body": {name: value for name, value in body.items() if value},
    }
