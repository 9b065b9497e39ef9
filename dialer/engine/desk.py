"""The way from asynchronous code to the store, whose transactions block."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


class Desk:
    """A few clerks who carry transactions to the store. SQLite writes one at a time, so it gets one clerk."""

    def __init__(self, clerks: int) -> None:
        self._clerks = ThreadPoolExecutor(max_workers=clerks, thread_name_prefix="store")

    async def ask(self, transaction: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one transaction of the store; other work goes on meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._clerks, partial(transaction, *args, **kwargs))

    def close(self) -> None:
        """Finish what was begun; take nothing new."""
        self._clerks.shutdown(wait=True)
