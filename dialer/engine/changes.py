"""Tells whoever looks at a screen that something has changed, so that nobody asks the database in vain."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta


class Changes:
    """A counter that goes up, and those who wait for it."""

    def __init__(self) -> None:
        self.version = 0
        self.closing = asyncio.Event()  # set when the service stops: nobody need wait any longer
        self._waiting: set[asyncio.Future[None]] = set()
        self._told: list[Callable[[], object]] = []

    def happened(self) -> None:
        """Something has changed: wake everybody."""
        self.version += 1
        waiting, self._waiting = self._waiting, set()
        for one in waiting:
            if not one.done():
                one.set_result(None)
        for tell in self._told:
            tell()

    def tell(self, listener: Callable[[], object]) -> None:
        """Call `listener` at each change, at once; it must not block."""
        self._told.append(listener)

    async def wait(self, seen: int, timeout: timedelta) -> int:  # noqa: ASYNC109 - the time is part of the question
        """The version once it is newer than `seen`, or the same after `timeout`."""
        if self.version > seen:
            return self.version
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait({future}, timeout=timeout.total_seconds())
        finally:
            self._waiting.discard(future)
        return self.version
