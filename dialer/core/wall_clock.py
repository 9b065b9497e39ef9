"""Between instants and what a clock on a wall shows, in the few places where a person's own time matters."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import lru_cache

from dialer.core.clocks import clock


def local(at: datetime, zone: str) -> datetime:
    """What the wall clock in `zone` shows at `at`. For display and for calendar arithmetic, never for comparison."""
    return at.astimezone(clock(zone))


@lru_cache(maxsize=4096)
def midnight(day: date, zone: str) -> datetime:
    """The instant, in UTC, at which `day` begins in `zone`; where midnight is skipped, the first instant of the day."""
    return datetime.combine(day, time(), clock(zone)).astimezone(UTC)
