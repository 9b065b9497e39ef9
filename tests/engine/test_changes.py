"""Whoever waits for a change is woken by it, and nobody waits longer than asked."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from dialer.engine.changes import Changes
from tests.mortal import quiet

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


async def test_a_change_wakes_everybody_who_waits() -> None:
    changes = Changes()
    waiting = [asyncio.create_task(changes.wait(0, HOUR)) for _ in range(3)]
    await quiet()
    assert not any(one.done() for one in waiting)
    changes.happened()
    assert await asyncio.gather(*waiting) == [1, 1, 1]


async def test_a_change_between_the_look_and_the_wait_is_not_missed() -> None:
    changes = Changes()
    seen = changes.version
    changes.happened()
    assert await changes.wait(seen, HOUR) == 1


async def test_without_a_change_the_time_runs_out() -> None:
    changes = Changes()
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await changes.wait(0, timedelta(seconds=5)) == 0
    assert loop.time() - began == pytest.approx(5)
    changes.happened()
    assert changes.version == 1


async def test_who_stops_waiting_is_forgotten() -> None:
    changes = Changes()
    waiting = asyncio.create_task(changes.wait(0, HOUR))
    await quiet()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    changes.happened()
    assert await changes.wait(0, HOUR) == 1


async def test_listeners_are_told_of_each_change() -> None:
    changes = Changes()
    told: list[int] = []
    changes.tell(lambda: told.append(changes.version))
    changes.happened()
    changes.happened()
    assert told == [1, 2]
