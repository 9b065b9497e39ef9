"""The dialer as a thing that can die: wired as in production, on a scripted carrier and virtual time, stopped anywhere.

A `Life` is one run of the process. Each of its calls of the store and of the carrier is a step; before and after every
step it may be killed, which means that nothing of it goes on, and may stand still. What is durable is in the `World`.
"""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from sqlalchemy import event

from dialer.core.record import CallbackState
from dialer.engine.bridge import Bridge
from dialer.engine.changes import Changes
from dialer.engine.conversation import Conversations
from dialer.engine.desk import Desk
from dialer.engine.dial import Dialer, Line
from dialer.engine.enrol import enrol
from dialer.engine.ledger import Ledger
from dialer.engine.pace import Pace
from dialer.engine.reconcile import Patience, Reconciler
from dialer.store import Store
from dialer.store.database import Database
from dialer.store.tables import metadata
from tests import campaigns
from tests.scripted_carrier import ScriptedCarrier
from tests.virtual_clock import START, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from datetime import datetime
    from random import Random

    from dialer.core.admission import House
    from dialer.core.customer import Customer
    from dialer.core.lifecycle import Facts
    from dialer.core.record import AttemptRecord, CallbackRecord
    from dialer.engine.bridge import Reply
    from dialer.ports import Telephony, WebRequest

URL = "https://dialer.example"
CALLER_ID = "+15005550006"
_OWNER: contextvars.ContextVar[Life | None] = contextvars.ContextVar("owner", default=None)


@dataclass(slots=True)
class Steps:
    """Counts the steps of lives, and says at which one to die."""

    die_at: frozenset[int] = frozenset()  # the first step is number 1
    trace: list[str] = field(default_factory=list)
    meanwhile: dict[str, Callable[[], object]] = field(default_factory=dict)  # done once at the step of that name

    def next(self, name: str) -> bool:
        """Whether this step is the last."""
        self.trace.append(name)
        if name in self.meanwhile:
            self.meanwhile.pop(name)()
        return len(self.trace) in self.die_at


@dataclass(frozen=True, slots=True)
class Trouble:
    """How likely a life is to be killed or to stand still, per step."""

    chance: Random
    death: float
    pause: float
    longest_pause: timedelta
    after: str = ""  # the transaction after which it stands still; any when empty

    def strikes(self, rate: float) -> bool:
        return self.chance.random() < rate


class _InlineDesk(Desk):
    """Runs transactions where they are asked for: without threads, one run is like the other."""

    def __init__(self, life: Life) -> None:
        super().__init__(1)
        self._life = life

    async def ask(self, transaction: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        await self._life.breathe()
        result = transaction(*args, **kwargs)
        await self._life.breathe(getattr(transaction, "__name__", ""))
        return result


class _Watched:
    """Something whose every call is a step."""

    def __init__(self, life: Life, inner: Any, name: str, *, asynchronous: frozenset[str] = frozenset()) -> None:
        self._life, self._inner, self._name, self._asynchronous = life, inner, name, asynchronous

    def __getattr__(self, name: str) -> Any:
        inner, life, label = getattr(self._inner, name), self._life, f"{self._name}.{name}"
        if not callable(inner):
            return inner

        def step(*args: Any, **kwargs: Any) -> Any:
            life.step(f"before {label}")
            result = inner(*args, **kwargs)
            life.step(f"after {label}")
            return result

        async def slow_step(*args: Any, **kwargs: Any) -> Any:
            life.step(f"before {label}")
            result = await inner(*args, **kwargs)
            life.step(f"after {label}")
            return result

        return slow_step if name in self._asynchronous else step


_CARRIER_STEPS = frozenset(
    {"place", "fetch", "find", "queued", "hang_up", "cancel", "interrupt", "park", "present", "check", "close"}
)


class Life:
    """One run of the dialer."""

    parts: ClassVar[tuple[str, ...]] = ("callbacks", "attempts", "reservations")
    """What of the store it may use."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dead = False
        self._still_until = world.clock.monotonic()
        self._tasks: set[asyncio.Task[Any]] = set()
        adopt_tasks()
        telephony = cast("Telephony", _Watched(self, world.telephony, "carrier", asynchronous=_CARRIER_STEPS))
        store = cast(
            "Store",
            SimpleNamespace(**{name: _Watched(self, getattr(world.store, name), name) for name in self.parts}),
        )
        self.store, self.desk, self.telephony = store, _InlineDesk(self), telephony
        shared: dict[str, Any] = {"store": store, "desk": self.desk, "telephony": telephony, "clock": world.clock}
        self.ledger = Ledger(store, self.desk, telephony, world.clock)
        self.changes = Changes()
        self.bridge = Bridge(**shared, ledger=self.ledger, changes=self.changes, public_url=URL)
        self.conversations = Conversations(**shared, ledger=self.ledger, public_url=URL, bridge=self.bridge)
        self.dialer = world.dialer(
            **shared,
            ledger=self.ledger,
            conversations=self.conversations,
            pace=Pace(world.calls_per_second, world.clock.monotonic()),
            line=Line(URL, CALLER_ID, world.most_at_once, world.patience.lease),
            owner=f"life {len(world.lives)}",
        )
        self.reconciler = world.reconciler(**shared, ledger=self.ledger, patience=world.patience)
        world.lives.append(self)

    def step(self, name: str) -> None:
        """Go on, or die here."""
        if self.dead:
            raise asyncio.CancelledError
        trouble = self.world.trouble
        if self.world.steps.next(name) or (trouble is not None and trouble.strikes(trouble.death)):
            self.die()
            raise asyncio.CancelledError

    async def breathe(self, after: str = "") -> None:
        """Let others go on; stand still if it is so decided."""
        trouble = self.world.trouble
        if trouble is not None and trouble.after in {"", after} and trouble.strikes(trouble.pause):
            pause = trouble.longest_pause.total_seconds() * trouble.chance.random()
            self._still_until = self.world.clock.monotonic() + pause
        await asyncio.sleep(0)
        left = self._still_until - self.world.clock.monotonic()
        if left > 0:
            await asyncio.sleep(left)
            await self.breathe(after)
        if self.dead:
            raise asyncio.CancelledError

    def die(self) -> None:
        """Nothing of this life goes on."""
        self.dead = True
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        self.world.mourn(self)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task of this life, as is every task that it begins."""
        context = contextvars.Context()
        context.run(_OWNER.set, self)
        return asyncio.get_running_loop().create_task(work, context=context)

    def adopt(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def hear(self, request: WebRequest, token: str, what: str) -> Reply:
        """A webhook reaches this life, or finds nobody."""
        if self.dead:
            raise ConnectionRefusedError
        task = self.spawn(self.conversations.hear(request, token, what))
        await asyncio.wait({task})
        if task.cancelled():
            raise ConnectionResetError
        reply: Reply = task.result()
        return reply

    def serve(self) -> None:
        """Do what the daemon's loops do."""
        self.spawn(self._serve())

    async def _serve(self) -> None:
        await self.reconciler.after_restart()
        self.spawn(self._reconcile())
        while True:
            await self.desk.ask(self.store.callbacks.turn, self.world.clock.now())
            while await self.dialer.pump():
                await self.world.clock.sleep(timedelta(milliseconds=20))
            await self.world.clock.sleep(await self._rest(self.world.beat))

    async def _reconcile(self) -> None:
        while True:
            await self.reconciler.round()
            await self.world.clock.sleep(await self._rest(5 * self.world.beat))

    async def _rest(self, beat: timedelta) -> timedelta:
        """Until the next beat; a night in which nobody may be called passes in one."""
        now, store = self.world.clock.now(), self.world.store
        if store.attempts.open_count() or store.callbacks.ready_count(now):
            return beat
        opening = store.callbacks.next_opening()
        return max(beat, opening - now) if opening is not None else timedelta(hours=1)


class World:
    """What outlasts a process: the database, the carrier, time."""

    def __init__(
        self, database: Database, *, house: House | None = None, lives: bool = False, start: datetime = START
    ) -> None:
        self.clock = VirtualClock(start)
        self.carrier = ScriptedCarrier(self.clock, lives=lives)
        self.carrier.hear = self.hear
        self.telephony: Telephony = self.carrier
        self.house = house or campaigns.house()
        self.database = database
        self.store = Store(database, self.house)
        self.patience = Patience()
        self.dialer: type[Dialer] = Dialer
        self.reconciler: type[Reconciler] = Reconciler
        self.life: type[Life] = Life
        self.beat = timedelta(seconds=1)  # of the queue; reconciliation beats five times slower
        self.calls_per_second = 100.0
        self.most_at_once = 50
        self.steps = Steps()
        self.trouble: Trouble | None = None
        self.restart_after: timedelta | None = None
        self.lives: list[Life] = []

    def start(self) -> Life:
        """A process begins; the test moves it."""
        return self.life(self)

    def apply(self, name: str = "survey", **changes: Any) -> None:
        """Put a campaign in force."""
        content = campaigns.document(name, **changes)
        self.store.campaigns.apply(name, campaigns.version(content), content, self.clock.now())

    def enrol(self, *customers: Customer) -> None:
        """Import customers and enrol whoever is selected."""
        now = self.clock.now()
        self.store.customers.upsert(customers, now)
        enrol(self.store, now, self.house.zone)
        self.turn()

    def turn(self) -> None:
        """Let the queue come to this instant."""
        while self.store.callbacks.turn(self.clock.now()):
            pass

    async def hear(self, request: WebRequest, token: str, what: str) -> Reply:
        """A webhook goes to a process that lives, if there is one."""
        alive = [life for life in self.lives if not life.dead]
        if not alive:
            raise ConnectionRefusedError
        chosen = alive[-1] if self.trouble is None else self.trouble.chance.choice(alive)
        return await chosen.hear(request, token, what)

    def mourn(self, life: Life) -> None:
        """A process died; another takes its place if that was asked for."""
        if self.restart_after is not None:
            asyncio.get_running_loop().create_task(self._replace(life), context=contextvars.Context())

    async def _replace(self, life: Life) -> None:
        del life
        assert self.restart_after is not None
        await self.clock.sleep(self.restart_after)
        self.life(self).serve()

    async def until(self, condition: Callable[[], bool], *, within: timedelta, every: timedelta) -> bool:
        """Let time pass until `condition` holds; whether it came to that."""
        last = self.clock.now() + within
        while not condition():
            if self.clock.now() >= last:
                return False
            await self.clock.sleep(every)
        return True

    def is_settled(self) -> bool:
        """Whether nothing is open and nobody waits."""
        unsettled = {CallbackState.WAITING, CallbackState.CALLING}
        return all(state not in unsettled for _, state in self.store.callbacks.counts())

    def facts(self, token: str) -> Facts:
        return self.store.attempts.facts(token)

    def attempts(self) -> Sequence[AttemptRecord]:
        return list(self.store.records.attempts())

    def callbacks(self) -> Sequence[CallbackRecord]:
        return list(self.store.records.callbacks())

    def callback(self, customer: str = "C1") -> CallbackRecord:
        (found,) = [one for one in self.callbacks() if one.customer == customer]
        return found


def open_database(url: str) -> Database:
    """A database with this program's tables. It need not survive a power cut, only the deaths in the test."""
    database = Database(url)
    if database.is_sqlite:
        Path(str(database.url.database)).write_bytes(blank())
        event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    else:
        database.migrate()
    return database


@cache
def blank() -> bytes:
    """A SQLite file with this program's tables, made once: making them takes longer than most tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "blank.db"
        database = Database(f"sqlite:///{path}")
        database.migrate()
        database.close()
        return path.read_bytes()


def empty(database: Database) -> None:
    """Forget everything."""
    with database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())


def adopt_tasks() -> None:
    """Every task that is begun within a life belongs to it."""
    loop = asyncio.get_running_loop()
    if loop.get_task_factory() is None:
        loop.set_task_factory(_born)


def _born(
    loop: asyncio.AbstractEventLoop, work: Any, *, context: contextvars.Context | None = None
) -> asyncio.Task[Any]:
    task = asyncio.Task(work, loop=loop, context=context)
    given = contextvars.copy_context() if context is None else context  # an empty one is false, and yet it is one
    owner = given.get(_OWNER)
    if owner is not None:
        owner.adopt(task)
    return task


async def quiet() -> None:
    """Let everything that can go on now go on."""
    for _ in range(50):
        await asyncio.sleep(0)
