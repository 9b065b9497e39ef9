"""Calls that happen without a carrier: the store is told what it would be told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from dialer import bootstrap
from dialer.core.lifecycle import AttemptState, Event, EventKind

if TYPE_CHECKING:
    from collections.abc import Mapping

LEASE = timedelta(seconds=60)


def place(customer: str) -> str:
    """Dial whoever may be dialed, keep only the attempt to `customer` open, and return its token."""
    store, now = bootstrap.open_store(), bootstrap.now()
    names = iter(f"attempt{number}" for number in range(100))
    tokens = store.callbacks.claim(10, now, owner="test", lease=LEASE, token=lambda: next(names))
    who = {token: briefing.customer.reference for token in tokens if (briefing := store.attempts.briefing(token))}
    (mine,) = (token for token, reference in who.items() if reference == customer)
    store.attempts.record([_event(one, EventKind.DROPPED) for one in tokens if one != mine], now)
    assert store.attempts.commit([mine], now)
    store.close()
    return mine


def tell(token: str, *kinds: EventKind, call: str = "", detail: Mapping[str, str] | None = None) -> AttemptState:
    """Let events arrive, one after the other; the state in which they leave the attempt."""
    store = bootstrap.open_store()
    for kind in kinds:
        store.attempts.record([_event(token, kind, call, detail or {})], bootstrap.now())
    state = store.attempts.facts(token).state
    store.close()
    return state


def _event(token: str, kind: EventKind, call: str = "", detail: Mapping[str, str] | None = None) -> Event:
    source = "webhook" if call else "dialer"
    return Event(token, kind, f"test:{kind}", bootstrap.now(), source, carrier_call_id=call, detail=detail or {})
