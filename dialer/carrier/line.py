"""The open line of one call: lets its simulated seconds pass until something cuts in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from dialer.carrier.clock import Clock
    from dialer.carrier.order import Source

Answered = TypeVar("Answered")


class Ended(Exception):  # noqa: N818 - the end of a call, no error
    """The call is over: the person hung up, the time limit passed, or the client ended it (`by`)."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


class Redirected(Exception):  # noqa: N818 - a client's wish, no error
    """The client sent the call to other instructions while it was in progress."""

    def __init__(self, source: Source) -> None:
        super().__init__("redirected")
        self.source = source


class Line:
    """Counts a call's simulated seconds since the answer.

    Seconds that pass while the client's server is asked for instructions count as they are: that server's time is not
    compressed, and a slow one should not look `speed` times slower than it is.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._asleep: asyncio.Future[None] | None = None
        self._dozing = False
        self._woken = False
        self._cut_in: Ended | Redirected | None = None
        self._counted = 0.0
        # What passes now: since when, how fast, and at most how much of it.
        self._passing: tuple[float, float, float] | None = None
        self.limits: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        """Simulated seconds since the answer, to this moment."""
        if self._passing is None:
            return self._counted
        since, speed, most = self._passing
        return self._counted + min(most, (self._clock.monotonic() - since) * speed)

    def restart(self) -> None:
        """Count from here."""
        self._counted = 0.0

    def interrupt(self, what: Ended | Redirected) -> None:
        """Cut in: whoever waits on the line sees the exception at once, or at the next wait."""
        if isinstance(self._cut_in, Ended):
            return
        self._cut_in = what
        self._wake()

    def stir(self) -> None:
        """Let whoever dozes on the line look around; nobody else notices."""
        if self._dozing:
            self._wake()

    async def wait(self, seconds: float) -> None:
        """Let simulated seconds pass. Raises `Ended` at the first limit reached, `Ended` or `Redirected` if cut in."""
        await self._pass(seconds)

    async def doze(self, seconds: float) -> None:
        """As `wait`, but returns at once when stirred."""
        self._dozing = True
        try:
            await self._pass(seconds)
        finally:
            self._dozing = False

    async def _pass(self, seconds: float) -> None:
        self._look_up()
        by, limit = min(self.limits.items(), key=lambda item: item[1], default=("", float("inf")))
        step = min(seconds, limit - self._counted)
        if step > 0:
            self._passing = (self._clock.monotonic(), self._clock.speed, step)
            full = await self._sleep(step)
            self._counted, self._passing = self._counted + step if full else self.seconds, None
        self._look_up()
        if self._counted >= limit:
            raise Ended(by)

    async def queue(self, place: asyncio.Future[None]) -> None:
        """Wait for a place in the carrier's queue to come up. Raises `Ended` if the call is taken back first."""
        self._asleep = place
        try:
            self._look_up()
            await place
        finally:
            self._asleep = None
            place.cancel()
        self._look_up()

    async def ask(self, question: Awaitable[Answered]) -> Answered:
        """Await the client's server; the real time it takes is counted. Raises as `wait` does, once it answered."""
        self._passing = (self._clock.monotonic(), 1.0, float("inf"))
        try:
            answer = await question
        finally:
            self._counted, self._passing = self.seconds, None
        await self.wait(0)
        return answer

    def _look_up(self) -> None:
        if self._cut_in is None:
            return
        what, self._cut_in = self._cut_in, None if isinstance(self._cut_in, Redirected) else self._cut_in
        raise what

    async def _sleep(self, seconds: float) -> bool:
        """Sleep; whether it was as long as asked."""
        self._asleep, self._woken = self._loop.create_future(), False
        timer = self._loop.call_later(self._clock.real(seconds), _time_is_up, self._asleep)
        try:
            await self._asleep
        finally:
            timer.cancel()
            self._asleep = None
        return not self._woken

    def _wake(self) -> None:
        if self._asleep is not None and not self._asleep.done():
            self._woken = True
            self._asleep.set_result(None)


def _time_is_up(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)
