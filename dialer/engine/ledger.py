"""Where every event is written: webhooks, answers of the carrier and findings of reconciliation alike.

Events that arrive while a transaction runs are written together by the next one, so the cost of a durable commit is
shared, and nobody is answered before what they told is safe.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from dialer.errors import CarrierError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dialer.core.lifecycle import Event
    from dialer.engine.desk import Desk
    from dialer.ports import Clock, Telephony
    from dialer.store import Recorded, Store

log = structlog.get_logger(__name__)

LARGEST = 200
"""Events in one transaction, so that nobody waits long for the others."""


class Ledger:
    """Records events, and ends the calls that turn out to be nobody's."""

    def __init__(self, store: Store, desk: Desk, telephony: Telephony, clock: Clock) -> None:
        self._store = store
        self._desk = desk
        self._telephony = telephony
        self._clock = clock
        self._waiting: list[tuple[Event, asyncio.Future[Recorded]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._listeners: list[Callable[[Recorded], None]] = []
        self.settled = asyncio.Event()  # set whenever an attempt ended: there may be room for another call

    def listen(self, listener: Callable[[Recorded], None]) -> None:
        """Tell `listener` of everything that was written, once it is durable; it must not block."""
        self._listeners.append(listener)

    async def record(self, *events: Event) -> Sequence[Recorded]:
        """Write events; returns when they are durable. The answers are in the order of the events."""
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Recorded]] = [loop.create_future() for _ in events]
        self._waiting += zip(events, futures, strict=True)
        if self._writer is None or self._writer.done():
            self._writer = loop.create_task(self._write())
        return await asyncio.gather(*futures)

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
            try:
                results = await self._desk.ask(
                    self._store.attempts.record, [one for one, _ in batch], self._clock.now()
                )
            except Exception as error:  # noqa: BLE001 - whoever asked gets it, whatever it is
                await self._one_by_one(batch, error)
                continue
            self._answer(batch, results)

    async def _one_by_one(self, batch: list[tuple[Event, asyncio.Future[Recorded]]], error: Exception) -> None:
        """One event that cannot be written must not take the others of its batch with it."""
        if len(batch) == 1:
            log.error("event_not_recorded", kind=batch[0][0].kind.value, attempt=batch[0][0].token, exc_info=error)
            if not batch[0][1].cancelled():
                batch[0][1].set_exception(error)
            return
        for one in batch:
            try:
                results = await self._desk.ask(self._store.attempts.record, [one[0]], self._clock.now())
            except Exception as again:  # noqa: BLE001 - as above
                await self._one_by_one([one], again)
            else:
                self._answer([one], results)

    def _answer(self, batch: list[tuple[Event, asyncio.Future[Recorded]]], results: Sequence[Recorded]) -> None:
        for (_, future), result in zip(batch, results, strict=True):
            if not future.cancelled():
                future.set_result(result)
            for listener in self._listeners:
                listener(result)
            if result.facts is not None and not result.facts.is_open:
                self.settled.set()
            if result.stray:
                self.end(result.stray, "second_call_of_one_attempt", result.token)
            if result.orphaned and result.facts is not None:
                self.end(result.facts.carrier_call_id, "orphaned_call", result.token)

    def end(self, carrier_call_id: str, why: str, token: str) -> None:
        """Hang up a call that should not exist, and say so."""
        log.warning("call_ended_by_us", why=why, attempt=token, carrier_call=carrier_call_id)
        task = asyncio.get_running_loop().create_task(self._hang_up(carrier_call_id))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _hang_up(self, carrier_call_id: str) -> None:
        for pause in (1, 3, 9, 27, 0):
            try:
                await self._telephony.hang_up(carrier_call_id)
            except CarrierError:
                await self._clock.sleep(timedelta(seconds=pause))
            else:
                return
        log.error("call_could_not_be_ended", carrier_call=carrier_call_id)

    async def finish(self) -> None:
        """Write what is waiting and end what is to be ended."""
        if self._writer is not None:
            await self._writer
        await asyncio.gather(*self._ending)
