"""Each way to misbehave, seen from the client's side."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]

from dialer.carrier import Fault, FaultError, Rate, read_faults
from dialer.carrier.fault import Faults

if TYPE_CHECKING:
    from tests.carrier.conftest import Builder
    from tests.carrier.receiver import World

ALWAYS = Rate(1.0)


async def failing(world: World) -> TwilioRestException:
    with pytest.raises(TwilioRestException) as caught:
        await world.call()
    return caught.value


@pytest.mark.anyio
async def test_duplicates_arrive_twice(world_with: Builder) -> None:
    world = await world_with(faults={Fault.DUPLICATE: ALWAYS})
    await world.call()
    await world.receiver.until(lambda: len(world.receiver.at("/status")) == 8)
    for number in "0123":
        twins = [one for one in world.receiver.at("/status") if one.fields["SequenceNumber"] == number]
        assert len(twins) == 2
        assert twins[0].fields == twins[1].fields


@pytest.mark.anyio
async def test_reordered_callbacks_come_after_the_end(world_with: Builder) -> None:
    world = await world_with(faults={Fault.REORDER: ALWAYS})
    await world.call()
    await world.receiver.until(lambda: len(world.receiver.at("/status")) == 4)
    heard = [one.fields["CallStatus"] for one in world.receiver.at("/status")]
    assert heard == ["completed", "in-progress", "ringing", "initiated"]


@pytest.mark.anyio
async def test_late_callbacks_come_late(world_with: Builder) -> None:
    world = await world_with(faults={Fault.LATE: Rate(1.0, 0.3)})
    await world.call(status_callback_event=["initiated"])
    await world.receiver.until(lambda: bool(world.receiver.at("/answer")))
    assert not world.receiver.at("/status")
    await world.receiver.until(lambda: bool(world.receiver.at("/status")))


@pytest.mark.anyio
async def test_missing_callbacks_never_come(world_with: Builder) -> None:
    world = await world_with(faults={Fault.MISSING: ALWAYS})
    call = await world.call()
    await world.receiver.until(lambda: bool(world.receiver.at("/answer")))
    while (await call.fetch_async()).status != "completed":
        pass
    assert not world.receiver.at("/status")
    assert "missing:completed" in world.carrier.calls()[0]["faults"]  # type: ignore[operator]


@pytest.mark.anyio
async def test_a_forged_callback_does_not_verify(world_with: Builder) -> None:
    world = await world_with(faults={Fault.FORGED: ALWAYS})
    await world.call()
    await world.receiver.until(lambda: len(world.receiver.at("/status")) == 5)
    (forged,) = [one for one in world.receiver.deliveries if not one.genuine]
    assert forged.fields["CallDuration"] == "999"


@pytest.mark.anyio
async def test_refused_and_failed_creates_make_no_call(world_with: Builder) -> None:
    world = await world_with(faults={Fault.CREATE_429: ALWAYS})
    assert ((problem := await failing(world)).status, problem.code) == (429, 20429)
    world.carrier.replace_faults({Fault.CREATE_500_NOT_MADE: ALWAYS})
    assert ((problem := await failing(world)).status, problem.code) == (500, 20500)
    assert not world.carrier.calls()


@pytest.mark.anyio
async def test_a_failed_create_may_have_made_the_call(world_with: Builder) -> None:
    world = await world_with(faults={Fault.CREATE_500_MADE: ALWAYS})
    assert (await failing(world)).status == 500
    await world.receiver.until_over()
    assert len(world.carrier.calls()) == 1


@pytest.mark.anyio
async def test_a_dropped_connection_hides_a_call(world_with: Builder) -> None:
    world = await world_with(faults={Fault.CREATE_RESET: ALWAYS})
    with pytest.raises(aiohttp.ClientConnectionError):
        await world.call()
    await world.receiver.until_over()
    assert len(world.carrier.calls()) == 1


@pytest.mark.anyio
async def test_a_slow_reply_does_not_hold_the_call(world_with: Builder) -> None:
    world = await world_with(faults={Fault.CREATE_SLOW: Rate(1.0, 0.5)})
    creating = asyncio.create_task(world.call())
    await world.receiver.until_over()
    assert not creating.done()
    assert (await creating).sid == world.carrier.calls()[0]["sid"]


@pytest.mark.anyio
async def test_a_callback_may_overtake_the_reply(world_with: Builder) -> None:
    world = await world_with(faults={Fault.CALLBACK_BEFORE_REPLY: ALWAYS})
    await world.call()
    assert world.receiver.at("/status")


@pytest.mark.anyio
async def test_a_new_call_may_be_unknown_for_a_while(world_with: Builder) -> None:
    world = await world_with(faults={Fault.LIST_LAG: Rate(1.0, 0.3)})
    call = await world.call()
    assert not await world.client.calls.list_async(to="+14155550100")
    with pytest.raises(TwilioRestException) as unknown:
        await call.fetch_async()
    assert unknown.value.code == 20404
    await asyncio.sleep(0.31)
    assert (await call.fetch_async()).sid == call.sid


def test_the_seed_decides_who_is_struck() -> None:
    def struck(seed: int) -> list[int]:
        faults = Faults(seed, {Fault.MISSING: Rate(0.3)})
        return [number for number in range(1000) if faults.strikes(Fault.MISSING, number)]

    assert struck(1) == struck(1) != struck(2)
    assert 250 < len(struck(1)) < 350


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("late", "expected name=rate"),
        ("lat=0.1", "known are duplicate"),
        ("late=2", "from 0 to 1"),
        ("late=x", "from 0 to 1"),
        ("duplicate=0.1@3", "takes no seconds"),
    ],
)
def test_wrong_faults_are_named(text: str, complaint: str) -> None:
    with pytest.raises(FaultError, match=complaint):
        read_faults([text])


def test_faults_are_read_with_their_seconds() -> None:
    assert read_faults(["late=0.2@30", "create-slow=1", "join-slow=0.5", "agent-drops=0.1"]) == {
        Fault.LATE: Rate(0.2, 30.0),
        Fault.JOIN_SLOW: Rate(0.5, 2.0),
        Fault.AGENT_DROPS: Rate(0.1),
        Fault.CREATE_SLOW: Rate(1.0, 15.0),
    }
