"""Lets calls leave the queue at the account's calls per second, in the order they came."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dialer.carrier.clock import Clock


class Pacer:
    """A token bucket. Twilio queues calls above the rate instead of refusing them.

    The rate is per simulated second: at ten times the speed, ten times as many leave in a real second.
    """

    def __init__(self, calls_per_second: float, clock: Clock) -> None:
        self._rate = calls_per_second
        self._clock = clock
        # A tenth of a second's worth: one call for small accounts, and no stall on coarse timers for large ones.
        self._largest = max(1.0, calls_per_second / 10)
        self._tokens = self._largest
        self._counted_at = clock.monotonic()
        self._line: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def expected_wait(self) -> float:
        """Simulated seconds a call that joins now will be queued."""
        self._count()
        return max(0.0, (len(self._line) + 1 - self._tokens) / self._rate)

    def join(self) -> asyncio.Future[None]:
        """Take a place at the end of the queue; the future is done when the call may be dialed.

        Whoever gives up cancels or completes the future; the place then costs no token.
        """
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(place)
        self._let_go()
        return place

    def _count(self) -> None:
        now = self._clock.monotonic()
        passed = (now - self._counted_at) * self._clock.speed
        self._tokens = min(self._largest, self._tokens + passed * self._rate)
        self._counted_at = now

    def _let_go(self) -> None:
        self._count()
        while self._line:
            if not self._line[0].done():
                if self._tokens < 1 - 1e-9:
                    break
                self._tokens -= 1
                self._line[0].set_result(None)
            self._line.popleft()
        if self._line and self._timer is None:
            wait = self._clock.real((1 - self._tokens) / self._rate)
            self._timer = asyncio.get_running_loop().call_later(wait, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._let_go()
