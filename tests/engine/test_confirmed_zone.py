"""A zone that a customer confirms on the phone: times offered later in the call are on that clock, and it stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dialer.core.campaign import Campaign
from dialer.core.campaign_check import campaign_flaws
from dialer.core.lifecycle import EventKind, Mark
from dialer.core.outcome import Network
from dialer.core.phone import NumberKind, PhoneNumber
from dialer.core.record import CallbackState, Reason
from dialer.core.script import answered
from dialer.store.rows import mark_of, mark_values
from tests.campaigns import NOW, campaign, customer, document
from tests.mortal import World, quiet

SCRIPT: dict[str, Any] = {
    "start": "where",
    "nodes": {
        "where": {
            "ask": "Are you in Chicago or in London?",
            "keys": {"1": {"go": "later", "zone": "America/Chicago"}, "2": "later"},
            "no_answer": "bye",
        },
        "later": {
            "offer_time": "Tomorrow at ten?",
            "choices": {"1": "tomorrow 10:00"},
            "keys": {"2": {"go": "bye", "zone": "Europe/London"}},
            "next": "bye",
            "no_answer": "bye",
        },
        "bye": {"end": "Goodbye"},
    },
}


def zoned(name: str) -> Campaign:
    nodes = SCRIPT["nodes"] | {"where": SCRIPT["nodes"]["where"] | {"keys": {"1": {"go": "later", "zone": name}}}}
    return Campaign.model_validate(document(script=SCRIPT | {"nodes": nodes}))


def test_a_key_carries_the_zone_into_the_record() -> None:
    turn = answered(campaign(script=SCRIPT), customer(), "where", 1, "1", now=NOW, zone="UTC")
    assert [mark.zone for mark in turn.marks] == ["America/Chicago"]
    (mark,) = turn.marks
    assert mark_of(mark_values(mark)) == mark


def test_rows_from_before_there_were_zones_read_as_they_did() -> None:
    plain = Mark("ask", digits="1")
    assert "zone" not in mark_values(plain)
    assert mark_of(mark_values(plain)) == plain


def test_a_zone_that_does_not_exist_is_a_flaw_with_its_place() -> None:
    place = ("script", "nodes", "where", "keys", "1", "zone")
    assert place not in {flaw.path for flaw in campaign_flaws(zoned("America/Chicago"))}
    (flaw,) = (flaw for flaw in campaign_flaws(zoned("America/Chigago")) if flaw.path == place)
    assert flaw.mend == "did you mean 'America/Chicago'?"


@pytest.mark.anyio
async def test_what_is_offered_afterwards_is_on_the_confirmed_clock(world: World) -> None:
    world.apply(script=SCRIPT)
    world.enrol(customer("C1"))
    life = world.start()
    await life.dialer.pump()
    await quiet()
    token = world.carrier.calls[0].token
    await world.carrier.tell(token, "answer")
    await world.carrier.tell(token, "step/where/1", digits="1")
    await world.carrier.tell(token, "step/later/1", digits="1")
    await world.carrier.tell(token, "status", EventKind.ENDED, network=Network.ANSWERED)
    known = world.store.customers.get("C1")
    assert known is not None
    assert known.zone == "America/Chicago"
    (made,) = world.store.promises.find()
    assert (made.wall, made.zone) == ("2026-03-04T10:00", "America/Chicago")
    assert made.at == datetime(2026, 3, 4, 16, tzinfo=UTC)


@pytest.mark.anyio
async def test_a_time_of_day_on_a_clock_nobody_knows_becomes_a_task(world: World) -> None:
    """Seven clocks in Australia: ten o'clock on which of them?"""
    world.apply(script=SCRIPT)
    mobile = PhoneNumber("+61412345678", "AU", NumberKind.MOBILE)
    world.enrol(replace(customer("C1", mobile), region="AU"))
    while not world.store.callbacks.ready_count(world.clock.now()):
        await world.clock.sleep(timedelta(hours=1))
        world.turn()
    life = world.start()
    await life.dialer.pump()
    await quiet()
    token = world.carrier.calls[0].token
    await world.carrier.tell(token, "answer")
    await world.carrier.tell(token, "step/where/1", digits="2")
    await world.carrier.tell(token, "step/later/1", digits="1")
    await world.carrier.tell(token, "status", EventKind.ENDED, network=Network.ANSWERED)
    assert world.store.promises.find() == []
    assert (world.callback().state, world.callback().reason) == (CallbackState.HELD, Reason.UNCLEAR_TIME)
    (task,) = world.store.tasks.find()
    assert "ask for their zone" in task.what
