"""Keeps agents' telephones on the line: called once when they get ready, each waits in a conference of its own."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import structlog

from dialer.core.agent import WITH_TELEPHONE, AgentState, Move
from dialer.core.lifecycle import EventKind
from dialer.core.script import Listen, Turn
from dialer.engine.bridge import Reply
from dialer.errors import CarrierError
from dialer.ports import AGENT, Leg, LegKind, LegLinks, NotSent, Placed
from dialer.store.presences import CALLING, NO_LEG, PARKED

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from dialer.engine.bridge import Bridge
    from dialer.engine.changes import Changes
    from dialer.engine.desk import Desk
    from dialer.engine.dial import Dialer
    from dialer.engine.floor import Floor
    from dialer.ports import Clock, LegNotice, Telephony, WebRequest
    from dialer.store import Seat, Store

log = structlog.get_logger(__name__)

RING: Final = timedelta(seconds=30)
PICK_UP: Final = timedelta(seconds=60)
"""How long a call to a telephone may go on without its agent before it counts as failed, whatever we were not told."""

KEY: Final = "key"
PRESS: Final = MappingProxyType({"en": "Press 1 to take calls.", "zh": "请按 1 开始接听来电。"})
"""What whoever picks up hears first, by language: an answering machine must never get a customer, and presses nothing.
Only at telephone numbers; behind a SIP address is the agent's own program, which has none."""

FOR_A_KEY: Final = timedelta(seconds=6)
ASKED: Final = 2
"""How often a key is asked for before the call is given up."""

LONGEST: Final = timedelta(hours=3, minutes=30)
"""A leg that is this old is called anew between two customers: carriers end calls after about four hours."""

KEPT_IN_A_PAUSE: Final = timedelta(minutes=15)
"""A telephone stays on the line this long while its agent is paused."""

CHECKED: Final = timedelta(seconds=10)
"""How often the carrier is asked whether a telephone that said nothing is still on the line."""

MOST_TRIES: Final = 3
BETWEEN_TRIES: Final = (timedelta(0), timedelta(seconds=2), timedelta(seconds=8))
SLOW_DOWN: Final = timedelta(seconds=2)
NOT_REACHED: Final = "telephone not reached"


class Parking:
    """Calls agents' telephones, answers for them, and lets go of them."""

    def __init__(
        self,
        *,
        store: Store,
        desk: Desk,
        telephony: Telephony,
        clock: Clock,
        changes: Changes,
        dialer: Dialer,
        bridge: Bridge,
        floor: Floor,
        public_url: str,
        caller_id: str,
    ) -> None:
        self._store = store
        self._desk = desk
        self._telephony = telephony
        self._clock = clock
        self._changes = changes
        self._dialer = dialer
        self._bridge = bridge
        self._floor = floor
        self._public_url = public_url
        self._caller_id = caller_id
        self._checked: dict[str, float] = {}  # leg -> when the carrier was last asked, on the monotonic clock
        self._not_before: dict[int, float] = {}  # agent -> when their telephone may be called again
        self._held_until = -inf  # the carrier asked to slow down
        self._at_work: set[asyncio.Task[None]] = set()

    async def round(self) -> None:
        """One look at every telephone."""
        seats = await self._desk.ask(self._store.presences.all)
        known = {seat.leg_token for seat in seats}
        self._checked = {token: at for token, at in self._checked.items() if token in known}
        for seat in seats:
            await self._see_to(seat)

    async def _see_to(self, seat: Seat) -> None:
        state, now = seat.presence.state, self._clock.now()
        if seat.leg == NO_LEG:
            if state in WITH_TELEPHONE and seat.agent.address:
                await self._call(seat)
            return
        age = now - (seat.leg_since or now)
        idle_too_long = state is AgentState.PAUSED and now - seat.presence.since > KEPT_IN_A_PAUSE
        too_old = seat.leg == PARKED and age > LONGEST and state in {AgentState.READY, AgentState.PAUSED}
        if state is AgentState.OFFLINE or idle_too_long or too_old:
            await self._let_go(seat)
        elif (seat.leg == CALLING and age > PICK_UP) or self._is_due(seat):
            self._start(self._check(seat))

    async def _call(self, seat: Seat) -> None:
        if seat.leg_tries >= MOST_TRIES:
            await self._give_up(seat)
            return
        now = self._clock.monotonic()
        if now < max(self._held_until, self._not_before.get(seat.key, -inf)) or not self._dialer.leg():
            return
        wait = BETWEEN_TRIES[min(seat.leg_tries + 1, MOST_TRIES - 1)].total_seconds()
        self._not_before[seat.key] = now + wait
        token = secrets.token_hex(16)
        # The row first, then the call: whatever the carrier tells about this leg finds it.
        if not await self._desk.ask(self._store.presences.leg_called, seat.key, token, self._clock.now()):
            return
        self._changes.happened()
        self._start(self._place(seat, token))

    async def _give_up(self, seat: Seat) -> None:
        """A telephone that does not answer: its agent gets nobody until they say that they are there."""
        now, number = self._clock.now(), seat.agent.staff_number
        await self._floor.let_go(seat, NOT_REACHED)
        moved = await self._desk.ask(self._store.presences.move, number, Move.LOSE, now, reason=NOT_REACHED)
        if moved is not None:
            log.warning("telephone_not_reached", agent=number)
            self._changes.happened()

    async def _place(self, seat: Seat, token: str) -> None:
        links = LegLinks(self._public_url, token)
        placed = await self._telephony.park(Leg(seat.agent.address, self._caller_id, links, RING, LONGEST * 2))
        if isinstance(placed, Placed):
            if not await self._desk.ask(self._store.presences.leg_placed, token, placed.carrier_call_id):
                await self._hang_up(placed.carrier_call_id)
            return
        log.warning("telephone_not_called", agent=seat.agent.staff_number, failure=placed.failure)
        # Whether a call exists or not: one that is picked up after all finds its leg gone, and is hung up.
        await self._desk.ask(self._store.presences.leg_failed, token)
        if isinstance(placed, NotSent) and placed.slow_down:
            await self._desk.ask(self._store.presences.tries_forgotten, seat.key)
            pause = placed.retry_after or SLOW_DOWN
            self._held_until = self._clock.monotonic() + pause.total_seconds()
        self._changes.happened()

    async def _let_go(self, seat: Seat) -> None:
        if not await self._desk.ask(self._store.presences.leg_let_go, seat.leg_token):
            return
        self._changes.happened()
        if seat.leg_call_id:
            self._start(self._hang_up(seat.leg_call_id))

    def _is_due(self, seat: Seat) -> bool:
        """Whether the carrier should be asked about a telephone that is said to be on the line."""
        now = self._clock.monotonic()
        if seat.leg == CALLING:  # a call that was only just made is in no record yet
            self._checked.setdefault(seat.leg_token, now)
        last = self._checked.get(seat.leg_token, -inf)  # one that this process has not seen may be long dead
        if not seat.leg_call_id or now < last + CHECKED.total_seconds():
            return False
        self._checked[seat.leg_token] = now
        return True

    async def _check(self, seat: Seat) -> None:
        """A webhook may be lost: ask how the call to the telephone stands."""
        try:
            call = await self._telephony.fetch(seat.leg_call_id) if seat.leg_call_id else None
        except CarrierError:
            return
        over = call is None or call.kind is EventKind.ENDED
        unanswered = seat.leg == CALLING and self._clock.now() - (seat.leg_since or self._clock.now()) > PICK_UP
        if over or unanswered:
            if not over:
                await self._hang_up(seat.leg_call_id)
            await self._gone(seat.leg_token)

    async def hear(self, request: WebRequest, leg_token: str, what: str) -> Reply:
        """Answer a webhook about an agent's telephone or its conference.

        Raises:
            ForgedRequestError: it did not prove that the carrier sent it.
            StoreError: it could not be kept; the carrier may send it again.
        """
        now = self._clock.now()
        notice = self._telephony.read_leg(request, what, now)
        if notice.kind is LegKind.ANSWERED:
            return await self._picked_up(leg_token, notice)
        if notice.kind is LegKind.PRESSED:
            return await self._pressed(leg_token, notice, int(what.rpartition("/")[2]))
        if what == "fallback":
            await self._gone(leg_token)
            return Reply(*self._telephony.silence())
        if notice.kind is LegKind.ENDED or (notice.kind is LegKind.LEFT and notice.who == AGENT):
            await self._gone(leg_token)
        elif notice.kind in {LegKind.JOINED, LegKind.LEFT} and notice.who not in {"", AGENT}:
            await self._bridge.follow(leg_token, notice)
        return Reply()

    async def _picked_up(self, leg_token: str, notice: LegNotice) -> Reply:
        seat = await self._desk.ask(self._store.presences.of_leg, leg_token)
        if seat is None or seat.agent.address.startswith("+"):
            return self._ask_for_key(seat, leg_token, 1)
        return await self._there(leg_token, notice)

    async def _pressed(self, leg_token: str, notice: LegNotice, tries: int) -> Reply:
        if notice.digits:
            return await self._there(leg_token, notice)
        seat = await self._desk.ask(self._store.presences.of_leg, leg_token)
        return self._ask_for_key(seat if tries < ASKED else None, leg_token, tries + 1)

    def _ask_for_key(self, seat: Seat | None, leg_token: str, tries: int) -> Reply:
        """Ask whether an agent is there; hang up when it is nobody's leg any more, or was asked often enough."""
        if seat is None:
            return Reply(*self._telephony.silence())
        language = next((known for one in seat.agent.languages if (known := one.partition("-")[0]) in PRESS), "en")
        question = Turn((), Listen(KEY, tries, PRESS[language], FOR_A_KEY), (), language, "")
        return Reply(*self._telephony.speak(question, LegLinks(self._public_url, leg_token)))

    async def _there(self, leg_token: str, notice: LegNotice) -> Reply:
        """The agent is on the line: they wait in their conference."""
        parked = self._store.presences.leg_parked
        if not await self._desk.ask(parked, leg_token, notice.carrier_call_id, self._clock.now()):
            return Reply(*self._telephony.silence())  # given up since: another call to the telephone is on its way
        self._checked[leg_token] = self._clock.monotonic()
        self._changes.happened()
        return Reply(*self._telephony.parked(LegLinks(self._public_url, leg_token)))

    async def _gone(self, leg_token: str) -> None:
        if await self._desk.ask(self._store.presences.leg_gone, leg_token):
            log.info("telephone_off_the_line", leg=leg_token)
            self._changes.happened()

    async def _hang_up(self, carrier_call_id: str) -> None:
        try:
            await self._telephony.hang_up(carrier_call_id)
        except CarrierError:
            log.warning("telephone_not_hung_up", carrier_call=carrier_call_id)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)

    async def finish(self) -> None:
        """Wait for what is on its way."""
        await asyncio.gather(*self._at_work, return_exceptions=True)
