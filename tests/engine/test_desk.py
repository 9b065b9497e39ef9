"""The desk: blocking transactions beside a loop that goes on. On real threads."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from dialer.engine.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def at_desk(clerks: int, work: Callable[[Desk], Awaitable[Any]]) -> Any:
    async def whole() -> Any:
        desk = Desk(clerks)
        try:
            return await work(desk)
        finally:
            desk.close()

    return asyncio.run(whole())


def test_carries_a_transaction_and_its_answer() -> None:
    assert at_desk(1, lambda desk: desk.ask(divmod, 17, 5)) == (3, 2)


def test_failure_comes_back_to_whoever_asked() -> None:
    async def work(desk: Desk) -> tuple[int, int]:
        with pytest.raises(ZeroDivisionError):
            await desk.ask(divmod, 1, 0)
        return await desk.ask(divmod, 2, 1)

    assert at_desk(1, work) == (2, 0)


def test_loop_goes_on_meanwhile() -> None:
    async def work(desk: Desk) -> bool:
        go = threading.Event()
        asked = asyncio.ensure_future(desk.ask(go.wait, 30))
        await asyncio.sleep(0)
        go.set()  # reached at once only when asking did not block
        return await asked

    assert at_desk(1, work)


def test_one_clerk_does_one_thing_at_a_time() -> None:
    lock, clashes = threading.Lock(), []

    def transaction(index: int) -> None:
        if not lock.acquire(blocking=False):
            clashes.append(index)
            return
        lock.release()

    async def work(desk: Desk) -> None:
        await asyncio.gather(*(desk.ask(transaction, index) for index in range(200)))

    at_desk(1, work)
    assert clashes == []


def test_several_clerks_work_at_once() -> None:
    together = threading.Barrier(3)

    async def work(desk: Desk) -> list[int]:
        return sorted(await asyncio.gather(*(desk.ask(together.wait, 30) for _ in range(3))))

    assert at_desk(3, work) == [0, 1, 2]


def test_closing_finishes_what_was_begun() -> None:
    done: list[int] = []

    async def work(desk: Desk) -> None:
        asked = [asyncio.ensure_future(desk.ask(done.append, index)) for index in range(20)]
        await asyncio.sleep(0)
        desk.close()
        await asyncio.gather(*asked)

    at_desk(2, work)
    assert sorted(done) == list(range(20))
