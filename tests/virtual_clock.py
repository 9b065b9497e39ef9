"""Time that passes only when nobody has anything left to do: hours of calls in milliseconds, the same in every run."""

from __future__ import annotations

import asyncio
import selectors
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

START = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
"""A Tuesday afternoon; the same in London and in UTC."""


class _Skipping(selectors.SelectSelector):
    """Instead of waiting for the next timer, moves the time there."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError("everybody waits for somebody else: no task can go on and no timer is set")
        self.passed += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time. Threads and sockets have no place in it."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        """Seconds of virtual time since the loop was made."""
        return self._skipping.passed

    def skip(self, seconds: float) -> None:
        """Let time pass at once, as for a machine that was asleep: timers fire late."""
        self._skipping.passed += seconds


class VirtualClock:
    """A `ports.Clock` on the virtual time of the loop it is used in."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._loop: VirtualLoop | None = None
        self._at_first = 0.0
        self._asleep = timedelta()

    @property
    def _passed(self) -> float:
        if self._loop is None:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop), "the test needs the virtual loop"
            self._loop, self._at_first = loop, loop.time()
        return self._loop.time() - self._at_first

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed) + self._asleep

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(duration.total_seconds())

    def freeze(self, duration: timedelta) -> None:
        """The whole process stands still for `duration`."""
        _ = self._passed
        assert self._loop is not None
        self._loop.skip(duration.total_seconds())

    def suspend(self, duration: timedelta) -> None:
        """The machine sleeps for `duration`: the monotonic clock does not count that, the calendar does."""
        self._asleep += duration


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario on virtual time."""

    async def whole() -> None:
        await scenario()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(whole())
