"""Promises and what people have to do are figures that somebody can be woken by."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dialer.core.customer import Customer
from dialer.core.promise import Reading
from dialer.engine.enrol import enrol
from dialer.store import Wanted
from tests.campaigns import NOW

if TYPE_CHECKING:
    from tests.web.conftest import Site

pytestmark = pytest.mark.anyio


async def test_promises_and_open_tasks_are_counted(site: Site) -> None:
    await site.webhook("status", CallStatus="busy", SequenceNumber="2")
    store = site.works.store
    key = store.callbacks.latest("C1", "survey")
    assert key is not None
    at = NOW + timedelta(hours=3)
    wanted = Wanted(key, at, at.replace(tzinfo=None), "Europe/London", Reading.EXACT, "agent", "Li Na")
    made = store.promises.make(wanted, NOW)
    store.customers.upsert([Customer("V1", "Without a number", tier="vip")], NOW)
    enrol(store, NOW, "UTC")
    text = (await site.ask("GET", "/metrics")).text
    assert 'dialer_promises{campaign="survey",state="open"} 1.0' in text
    assert 'dialer_open_tasks{campaign="survey",kind="no_number"} 1.0' in text
    store.promises.withdraw(made.id, "Li Na", NOW)
    text = (await site.ask("GET", "/metrics")).text
    assert 'dialer_promises{campaign="survey",state="void"} 1.0' in text
    assert 'state="open"' not in text
