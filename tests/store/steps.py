"""The steps that stories about the store are told in: import, start, enrol, dial, tell, and look."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from dialer.core.lifecycle import OPEN, Event, EventKind, Mark
from dialer.core.outcome import Disposition, Network
from dialer.core.record import CallbackRecord, CallbackState
from dialer.store import Enrolment
from tests.campaigns import NOW, customer, document, number, version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from dialer.core.customer import Customer
    from dialer.core.lifecycle import Facts
    from dialer.store import Briefing, Store

K = EventKind
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LEASE = timedelta(seconds=60)
SENT = (K.SENT, K.DROPPED, K.PLACED, K.REFUSED, K.NOT_SENT, K.LOST, K.ABSENT, K.AMBIGUOUS)
"""Kinds that are the dialer's own findings; the others come from the carrier."""

_serial = count()


def start(store: Store, name: str = "survey", at: datetime = NOW, **changes: Any) -> str:
    """Put a campaign in force; its version."""
    content = document(name, **changes)
    store.campaigns.apply(name, version(content), content, at)
    return version(content)


def people(store: Store, *some: Customer, at: datetime = NOW) -> None:
    store.customers.upsert(some, at)


def crowd(many: int, **changes: Any) -> list[Customer]:
    """So many customers with a number each."""
    return [customer(f"C{one}", number(one), **changes) for one in range(many)]


def keys(store: Store) -> dict[str, int]:
    """The store's own key of each customer."""
    return {one.reference: key for page in store.customers.numbered_pages() for key, one in page}


def enrol(
    store: Store, name: str = "survey", *, occasion: str = "once", at: datetime = NOW, due: datetime = NOW
) -> int:
    """Enrol everybody."""
    batch = [Enrolment(key, occasion, due, due + 3 * DAY) for key in keys(store).values()]
    return store.callbacks.enrol(name, batch, at).new


def claim(store: Store, limit: int = 100, at: datetime = NOW, owner: str = "here") -> Sequence[str]:
    store.callbacks.turn(at)
    return store.callbacks.claim(limit, at, owner=owner, lease=LEASE, token=lambda: f"{owner}-{next(_serial):06d}")


def dial(store: Store, limit: int = 100, at: datetime = NOW) -> Sequence[Briefing]:
    return store.attempts.commit(claim(store, limit, at), at)


def dial_one(store: Store, at: datetime = NOW) -> str:
    """The token of the one call that goes out now."""
    (briefing,) = dial(store, at=at)
    return briefing.token


def told(token: str, kind: EventKind, at: datetime = NOW, *, key: str = "", **what: Any) -> Event:
    source = "dialer" if kind in SENT else "webhook"
    return Event(token, kind, key or kind.value, at, source, what.pop("carrier_call_id", f"CA-{token}"), **what)


def ended(token: str, network: Network, at: datetime = NOW) -> Event:
    return told(token, K.ENDED, at, network=network)


def heard(token: str, disposition: Disposition, at: datetime = NOW, *, digits: str = "1", **mark: Any) -> Event:
    what = Mark(mark.pop("node", "ask"), digits=digits, disposition=disposition, **mark)
    return told(token, K.HEARD, at, key=f"step:{what.node}:{what.tries}:{digits}", mark=what)


def conversation(token: str, disposition: Disposition, at: datetime = NOW, **mark: Any) -> list[Event]:
    """A call from ringing to its end."""
    return [
        told(token, K.PLACED, at),
        told(token, K.RINGING, at),
        told(token, K.ANSWERED, at),
        heard(token, disposition, at, **mark),
        ended(token, Network.ANSWERED, at),
    ]


def no_answer(token: str, at: datetime = NOW) -> list[Event]:
    return [told(token, K.PLACED, at), told(token, K.RINGING, at), ended(token, Network.NO_ANSWER, at)]


def tell(store: Store, *events: Event, at: datetime = NOW) -> Facts:
    """Record events; what is known after the last."""
    facts = store.attempts.record(events, at)[-1].facts
    assert facts is not None
    return facts


def callbacks(store: Store, name: str | None = None) -> dict[str, CallbackRecord]:
    return {record.customer: record for record in store.records.callbacks(name)}


def callback(store: Store, reference: str = "C1", name: str = "survey") -> CallbackRecord:
    return callbacks(store, name)[reference]


def counts(store: Store, name: str = "survey") -> dict[CallbackState, int]:
    return {state: count for (campaign, state), count in store.callbacks.counts().items() if campaign == name}


def rows(store: Store, query: str, **values: Any) -> list[tuple[Any, ...]]:
    with store.database.read() as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


def check_books(store: Store) -> None:
    """What holds at every moment between two transactions."""
    state = dict(rows(store, "SELECT id, state FROM callback"))
    queued = [key for (key,) in rows(store, "SELECT callback_id FROM queue")]
    calls = rows(store, "SELECT callback_id, customer_id, e164, state, is_open, token FROM attempt")
    open_calls = [call for call in calls if call[4]]
    assert sorted(queued) == sorted(key for key, where in state.items() if where == CallbackState.WAITING)
    assert sorted(c[0] for c in open_calls) == sorted(k for k, where in state.items() if where == CallbackState.CALLING)
    assert len({call[1] for call in open_calls}) == len(open_calls), "two open attempts of one person"
    assert len({call[2] for call in open_calls}) == len(open_calls), "two open attempts to one number"
    assert all(bool(call[4]) == (call[3] in OPEN) for call in calls)
    counted: dict[int, int] = defaultdict(int)
    for attempt in store.records.attempts():
        counted[attempt.callback] += attempt.counted
    records = list(store.records.callbacks())
    assert sum(store.callbacks.counts().values()) == len(records) == len(state)
    for record in records:
        if record.state is not CallbackState.CALLING:
            assert record.attempts == counted[record.callback]
        assert (record.next_at is not None) == (record.state is CallbackState.WAITING)
        assert (record.closed is not None) == (record.state in {CallbackState.DONE, CallbackState.CLOSED})
        assert (record.reason is not None) == (record.state in {CallbackState.HELD, CallbackState.CLOSED})
