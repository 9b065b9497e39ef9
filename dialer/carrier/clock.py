"""The stand-in carrier's own time: real instants for the record, compressed seconds for everything people do."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.utils import format_datetime


class Clock:
    """Reads the wall clock and lets simulated seconds pass faster than real ones.

    Instants (dates in the API, `Timestamp` in callbacks) are real UTC instants, so that a client may compare them with
    its own; durations are simulated seconds. At a speed above 1 the two disagree on purpose: a call that reports 40
    seconds began and ended less than 40 seconds apart.
    """

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._loop = asyncio.get_running_loop()

    def now(self) -> datetime:
        """The present instant, UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the carrier is a world of its own and owns its clock

    def monotonic(self) -> float:
        """Real seconds since some start; only differences mean anything."""
        return self._loop.time()

    def real(self, simulated_seconds: float) -> float:
        """How many real seconds so many simulated ones take."""
        return simulated_seconds / self.speed


def rfc2822(instant: datetime | None) -> str | None:
    """An instant as Twilio's 2010 API and its callbacks write it."""
    return None if instant is None else format_datetime(instant)


def iso8601(instant: datetime | None) -> str | None:
    """An instant as the control endpoints write it, in UTC."""
    return None if instant is None else instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
