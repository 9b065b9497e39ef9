"""Tells an agent's screen whether a change was about its agent, with one question to the database for all screens."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from dialer.bootstrap import Works
    from dialer.core.agent import Presence

CALM: Final = timedelta(milliseconds=100)
"""The least time between two looks at the floor, however much happens on it."""


class Glance(NamedTuple):
    """Where an agent and their telephone stand; while this is the same, so is the screen but for what they do there."""

    presence: Presence
    leg: str
    leg_tries: int


class Glances:
    """The floor as it was seen last."""

    def __init__(self, works: Works) -> None:
        self._works = works
        self._looking = asyncio.Lock()
        self._version = -1
        self._looked_at = float("-inf")
        self._seen: dict[str, Glance] = {}

    async def of(self, staff_number: str, version: int) -> Glance | None:
        """Where an agent stands, not older than the `version` of the changes; None for who left."""
        if self._version < version:
            async with self._looking:
                if self._version < version:
                    await self._look()
        return self._seen.get(staff_number)

    async def _look(self) -> None:
        works = self._works
        wait = self._looked_at + CALM.total_seconds() - works.clock.monotonic()
        if wait > 0:
            await works.clock.sleep(timedelta(seconds=wait))
        self._looked_at = works.clock.monotonic()
        version = works.changes.version
        seats = await works.reading.ask(works.store.presences.all)
        self._seen = {seat.agent.staff_number: Glance(seat.presence, seat.leg, seat.leg_tries) for seat in seats}
        self._version = version
