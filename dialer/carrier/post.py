"""Posts callbacks, each on its own, so that they may overtake each other as Twilio's may, and lets faults strike."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from dialer.carrier.courier import Undelivered
from dialer.carrier.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from dialer.carrier.courier import Courier
    from dialer.carrier.fault import Faults
    from dialer.carrier.fields import Fields
    from dialer.carrier.hook import Hook

log = logging.getLogger(__name__)


class Subject(Protocol):
    """What a callback is about: a call or a conference, which keeps a record of its callbacks."""

    sid: str
    faults: list[str]
    errors: list[int]
    events_sent: list[str]

    @property
    def occasion(self) -> tuple[object, ...]:
        """What the seed draws the subject's faults from."""


class Letter:
    """One callback on its way: where it goes, what it says, and what befalls it. A subject's letters differ in name."""

    __slots__ = ("fields", "forged", "hook", "name", "subject", "token")

    def __init__(self, subject: Subject, name: str, hook: Hook, fields: Fields) -> None:
        self.subject = subject
        self.name = name
        self.hook = hook
        self.fields = fields
        self.forged = False
        self.token = str(uuid4())


class Post:
    """Sends letters in the background."""

    def __init__(self, courier: Courier, faults: Faults) -> None:
        self._courier = courier
        self._faults = faults
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: dict[str, list[Letter]] = {}
        self._first: dict[str, asyncio.Event] = {}

    def post(self, letter: Letter, *, last: bool) -> None:
        """Send a letter with whatever faults strike it; `last` if no other about its subject will follow."""
        if self._struck(Fault.MISSING, letter):
            if last:
                self.release(letter.subject)
            return
        if not last and self._struck(Fault.REORDER, letter):
            self._held.setdefault(letter.subject.sid, []).append(letter)
            return
        self.background(self._send(letter, self._held.pop(letter.subject.sid, [])))

    def forge(self, letter: Letter) -> None:
        """Send a letter with a wrong signature."""
        letter.forged = True
        letter.subject.faults.append(Fault.FORGED)
        self.background(self._deliver(letter))

    def release(self, subject: Subject) -> None:
        """Send what was held back for a later callback that will not come."""
        for letter in self._held.pop(subject.sid, []):
            self.background(self._deliver(letter))

    async def first(self, subject: Subject) -> None:
        """Return once any callback about the subject has been delivered."""
        arrived = self._first.setdefault(subject.sid, asyncio.Event())
        try:
            await arrived.wait()
        finally:
            self._first.pop(subject.sid, None)

    def background(self, work: Coroutine[object, object, None]) -> None:
        """Run something that nobody waits for, until it is done or the carrier stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Drop what has not been delivered."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, letter: Letter, overtaken: list[Letter]) -> None:
        if self._struck(Fault.LATE, letter):
            await asyncio.sleep(self._faults.seconds(Fault.LATE))
        await self._deliver(letter)
        if self._struck(Fault.DUPLICATE, letter):
            if self._faults.draw("new token", letter.subject.occasion[0], letter.name) < 0.5:  # noqa: PLR2004 - half of them
                letter.token = str(uuid4())
            await self._deliver(letter)
        for older in reversed(overtaken):
            await self._deliver(older)

    def _struck(self, fault: Fault, letter: Letter) -> bool:
        if not self._faults.strikes(fault, *letter.subject.occasion, letter.name):
            return False
        letter.subject.faults.append(f"{fault}:{letter.name}")
        return True

    async def _deliver(self, letter: Letter) -> None:
        subject = letter.subject
        subject.events_sent.append(letter.name)
        try:
            reply = await self._courier.send(letter.hook, letter.fields, token=letter.token, forged=letter.forged)
        except Undelivered as lost:
            subject.errors.append(lost.code)
            log.warning("%s: %s callback lost (%s): %s", subject.sid, letter.name, lost.code, lost)
            return
        if reply.status >= 400 and not letter.forged:  # noqa: PLR2004 - client and server errors
            subject.errors.append(15003)
            log.warning("%s: %s callback answered %s (15003)", subject.sid, letter.name, reply.status)
        arrived = self._first.get(subject.sid)
        if arrived is not None:
            arrived.set()
