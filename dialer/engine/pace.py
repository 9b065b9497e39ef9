"""How fast calls are sent: below the account's calls per second, because the carrier queues silently what is above."""

from __future__ import annotations

from datetime import timedelta

BURST_SECONDS = 0.1
"""How much unused allowance may be saved up; more would be a burst the carrier puts in its own queue."""

_ROUNDING = 1e-4  # of a call: whoever waits as long as told, in whole microseconds, is not sent away again


class Pace:
    """A token bucket over the monotonic clock, in calls per second."""

    def __init__(self, calls_per_second: float, now: float) -> None:
        self._rate = calls_per_second
        self._most = max(1.0, calls_per_second * BURST_SECONDS)
        self._allowance = self._most
        self._at = now
        self._held_until = now

    def available(self, now: float) -> int:
        """How many calls may be sent at monotonic instant `now`."""
        self._allowance = min(self._most, self._allowance + (now - self._at) * self._rate)
        self._at = now
        return 0 if now < self._held_until else int(self._allowance + _ROUNDING)

    def wait(self, now: float) -> timedelta:
        """How long from `now` until a call may be sent; nothing when one may be sent at once."""
        missing = (1 - _ROUNDING - self._allowance) / self._rate - (now - self._at)
        seconds = max(missing, self._held_until - now)
        return timedelta(seconds=seconds) if seconds > 0 else timedelta()

    def spend(self, calls: int) -> None:
        """`calls` were sent."""
        self._allowance -= calls

    def hold(self, now: float, duration: timedelta) -> None:
        """The carrier asked to slow down: nothing for `duration`."""
        self._held_until = max(self._held_until, now + duration.total_seconds())
