"""The service: loops woken by a metronome, webhooks answered in the same process, and a clean way to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
import uvicorn
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from dialer.customer_files.mapping import load_mapping
from dialer.engine.divide import divide
from dialer.engine.enrol import enrol
from dialer.engine.importing import sync
from dialer.errors import DialerError, InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.types import ASGIApp

    from dialer.bootstrap import Works

log = structlog.get_logger(__name__)

TICK = timedelta(seconds=1)
RECONCILE_EVERY = timedelta(seconds=5)
TURNS_A_TICK = 5
"""Pages of the queue whose stretch is over that one tick looks at; the rest waits for the next tick."""

BETWEEN_ROUNDS = 0.02
"""Seconds between two rounds of dialing while there is something to dial, so that rounds are worth their commits."""

GRACE = timedelta(seconds=30)
"""How long a stop waits for calls that are going on. What is not over then is found again by reconciliation."""

SCREENS_LEAVE = 0.3
"""Seconds in which the screens' streams end by themselves."""

LAST_REQUESTS = 5
"""Seconds that a stop gives requests in the middle of being made; one that stalls must not hold it up."""


class _Server(uvicorn.Server):
    """A server that leaves signals to the daemon: the webhooks must outlive the dialing."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Daemon:
    """Runs the works until it is told to stop."""

    def __init__(self, works: Works, app: ASGIApp) -> None:
        self._works = works
        self._app = app
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()  # an agent may be free
        works.changes.tell(self._changed.set)
        self._stopping = asyncio.Event()
        self._beats: set[asyncio.Task[None]] = set()
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    async def run(self, listening: socket.socket, *, ready: Callable[[str], None]) -> None:
        """Serve on `listening` and dial until SIGTERM or SIGINT; a second signal stops at once.

        `ready` is given the address at which webhooks are answered.
        """
        given = self._works.settings
        config = uvicorn.Config(
            self._app,
            host=given.host,
            port=given.port,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=LAST_REQUESTS,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells nobody else
            await asyncio.sleep(0.01)
        self._catch_signals()
        ready(_address(server))
        dialing = asyncio.create_task(self._dial())
        await self._start_metronome()
        await self._stopping.wait()
        log.info("stopping", grace_seconds=GRACE.total_seconds())
        await self._stop_metronome()
        await dialing
        with _reported("pacing_not_given_up"):
            await self._works.pacing.stop()
        with _reported("calls_left_to_reconciliation"):
            await self._finish_calls()
        self._works.changes.closing.set()
        await asyncio.sleep(SCREENS_LEAVE)
        server.should_exit = True
        await serving
        await self._works.ledger.finish()
        await self._works.parking.finish()
        await self._works.telephony.close()
        self._works.desk.close()
        self._works.reading.close()
        self._works.store.close()
        log.info("stopped")

    def stop(self) -> None:
        """Start no more calls, finish those going on, then return from `run`. Asked again: finish nothing."""
        if self._stopping.is_set():
            log.warning("stopping_at_once")
            raise SystemExit(1)
        self._stopping.set()
        self._wake.set()

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(ValueError, RuntimeError):  # not in the main thread, as in a test
                loop.add_signal_handler(number, self.stop)

    async def _start_metronome(self) -> None:
        """APScheduler only beats time: what is due stands in the database, so a beat that is lost loses nothing."""
        given = self._works.settings
        with _reported("reconciliation_failed"):
            await self._works.reconciler.after_restart()
        beats: list[tuple[Callable[[], Awaitable[None]], timedelta]] = [
            (self._turn, TICK),
            (self._recall, TICK),
            (self._park, TICK),
            (self._mind_floor, TICK),
            (self._reconcile, RECONCILE_EVERY),
            (self._enrol, given.enrol_every),
        ]
        if given.customer_sync is not None:
            beats.append((self._sync, given.customer_sync_every))
        now = self._works.clock.now()
        for job, every in beats:
            seconds = every.total_seconds()
            self._scheduler.add_job(self._counted(job), "interval", seconds=seconds, id=job.__name__, next_run_time=now)
        self._scheduler.start()

    async def _stop_metronome(self) -> None:
        """No more beats; those being worked on are finished, since a beat cut off may be a transaction cut off."""
        self._scheduler.pause()
        if self._beats:
            await asyncio.wait(self._beats)
        self._scheduler.shutdown(wait=False)

    def _counted(self, beat: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def counted() -> None:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - APScheduler runs coroutines as tasks
            self._beats.add(task)
            task.add_done_callback(self._beats.discard)
            await beat()

        return counted

    async def _dial(self) -> None:
        while not self._stopping.is_set():
            dialed = 0
            if not self._works.pacing.pause:
                self._changed.clear()
            try:
                dialed = await self._works.dialer.pump() + await self._works.pacing.pump()
            except DialerError as error:
                log.error("dialing_round_failed", error=str(error))
            except Exception:
                # Whatever it was, the next round may do better; a service that serves and does not dial helps nobody.
                log.exception("dialing_round_failed")
            if dialed:
                await asyncio.sleep(BETWEEN_ROUNDS)
            else:
                await self._woken()

    async def _woken(self) -> None:
        """Wait for the next beat, for a call to end and make room, or until the pace allows another call."""
        settled = self._works.ledger.settled
        pause = max(self._works.dialer.pause, self._works.pacing.pause if self._changed.is_set() else timedelta(0))
        listened = [self._wake, settled] if pause else [self._wake, settled, self._changed]
        waits = [asyncio.create_task(one.wait()) for one in listened]
        patience = max(pause.total_seconds(), BETWEEN_ROUNDS) if pause else None
        await asyncio.wait(waits, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()
        self._wake.clear()
        if settled.is_set():
            settled.clear()
            await asyncio.sleep(BETWEEN_ROUNDS)

    async def _turn(self) -> None:
        store, now = self._works.store, self._works.clock.now()
        with _reported("turn_failed"):
            for _ in range(TURNS_A_TICK):
                if await self._works.desk.ask(store.callbacks.turn, now) == 0:
                    break
        self._wake.set()

    async def _recall(self) -> None:
        # A beat of its own: the carrier may take its time to answer, and the queue must not wait for it.
        with _reported("recall_failed"):
            await self._works.recall.round()

    async def _park(self) -> None:
        with _reported("parking_failed"):
            await self._works.parking.round()

    async def _mind_floor(self) -> None:
        with _reported("floor_failed"):
            await self._works.shifts.write_seen()
            await self._works.floor.round()

    async def _reconcile(self) -> None:
        with _reported("reconciliation_failed"):
            await self._works.reconciler.round()

    async def _enrol(self) -> None:
        given = self._works.settings
        with _reported("enrolment_failed"):
            done = await asyncio.to_thread(enrol, self._works.store, self._works.clock.now(), str(given.house_zone))
            if done.new or done.withdrawn:
                log.info("enrolled", new=done.new, withdrawn=done.withdrawn, infeasible=done.infeasible)
            given_out = await asyncio.to_thread(divide, self._works.store, self._works.clock.now())
            if given_out:
                log.info("divided", callbacks=given_out)
        self._wake.set()

    async def _sync(self) -> None:
        path = self._works.settings.customer_sync
        if path is None:
            return
        with _reported("customer_sync_failed"):
            report = await asyncio.to_thread(
                sync,
                load_mapping(path),
                self._works.store,
                self._works.clock.now(),
                name=str(path),
                rejects=path.with_suffix(".rejects.csv"),
                home_region=self._works.settings.home_region,
            )
            log.info("customers_synced", added=report.added, changed=report.changed, rejected=report.rejected)

    async def _finish_calls(self) -> None:
        """Requests on their way come back, and calls going on end while the webhooks are still answered."""
        clock, attempts = self._works.clock, self._works.store.attempts
        until = clock.monotonic() + GRACE.total_seconds()
        await self._works.dialer.drain(GRACE)
        while clock.monotonic() < until:
            # Calls of which the carrier may still tell; what is unknown or waits for a person does not end by waiting.
            if not await self._works.desk.ask(attempts.silent, clock.now(), 1):
                return
            await self._recall()
            await clock.sleep(timedelta(milliseconds=200))
        log.warning("calls_left_to_reconciliation")


@contextlib.contextmanager
def _reported(event: str) -> Iterator[None]:
    """A beat that fails is said and tried again at the next beat; the service goes on."""
    try:
        yield
    except DialerError as error:
        log.error(event, error=str(error))


def listen(host: str, port: int) -> socket.socket:
    """The socket on which webhooks arrive; taken before anything starts, so that nothing starts without it."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, kind, protocol)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except OSError as error:
        what = f"cannot listen on {host} port {port}: {error.strerror or error}"
        mend = "is `dialer run` running already? Otherwise choose another DIALER_PORT, and lead the proxy to it"
        raise InputError([Problem("DIALER_HOST, DIALER_PORT", what, mend)]) from error
    return taken


def _address(server: uvicorn.Server) -> str:
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    return f"http://{host}:{port}"
