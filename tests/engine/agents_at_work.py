"""A call centre whose program may die at any step: telephones and conferences that live, and agents at their screens.

The carrier remembers who was in which conference when. That is the witness: no customer was ever told a lie by it.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from dialer.core.agent import Agent, AgentState, Role
from dialer.core.lifecycle import EventKind
from dialer.core.outcome import Network
from dialer.engine.agent_view import Record
from dialer.engine.floor import Floor
from dialer.engine.pacing import Pacing
from dialer.engine.parking import Parking
from dialer.engine.recall import Recall
from dialer.engine.shifts import Shifts
from dialer.errors import DialerError
from dialer.ports import AGENT, CallReport, Placed, WebRequest
from dialer.store import Deed
from dialer.store.reservations import PREVIEW
from tests.mortal import CALLER_ID, URL, Life, World
from tests.scripted_carrier import NONE, SIGNATURE, SILENCE, Person, ScriptedCarrier

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from datetime import datetime

    from dialer.core.script import Turn
    from dialer.engine.bridge import Reply
    from dialer.ports import Leg, Links, Placement
    from dialer.store import Seat
    from dialer.store.database import Database
    from tests.scripted_carrier import Call

SECOND = timedelta(seconds=1)
MOMENT = SECOND / 2
RINGS = 2 * SECOND
"""How long an agent's telephone rings."""
GREETING = 2 * SECOND
GOODBYE = 2 * SECOND
TWO = 2
"""So many find place in a conference."""


@dataclass(frozen=True, slots=True)
class Guest(Person):
    """A customer who is to talk to an agent."""

    ring: timedelta = timedelta(seconds=3)
    talk: timedelta = timedelta(seconds=4)  # with the agent; then they hang up
    patience: timedelta = timedelta(seconds=60)  # alone in a conference; then they hang up
    leaves: bool = False  # hangs up in the greeting


@dataclass(slots=True, eq=False)
class Telephone:
    """One call to an agent's telephone as it really was."""

    sid: str
    leg: Leg
    created: datetime
    answered: datetime | None = None
    ended: datetime | None = None
    life: asyncio.Task[None] | None = None


@dataclass(slots=True)
class Stay:
    """Somebody in a conference."""

    room: str
    who: str  # AGENT or the token of an attempt
    sid: str
    came: datetime
    out: asyncio.Event  # set when the conference ends around them
    left: datetime | None = None


class Exchange(ScriptedCarrier):
    """A scripted carrier whose customers, telephones and conferences live."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock, lives=True)
        self.hear_leg: Any = None  # where the webhooks about telephones go
        self.telephones: list[Telephone] = []
        self.stays: list[Stay] = []
        self.inside: dict[str, list[Stay]] = {}
        self.turned_away: list[str] = []  # customers who found a conference full
        self.joins_lost = 0  # so many words of customers who come into a conference are lost
        self.loses: Callable[[], bool] = lambda: False  # whether this webhook, or the answer to it, is lost
        self.lag: Callable[[], timedelta] = lambda: NONE  # how late a word about a conference comes
        self.drops_after: timedelta | None = None  # so long into a conversation a telephone drops, once

    # Customers

    async def _talk(self, call: Call) -> None:
        guest = call.person
        assert isinstance(guest, Guest)
        words = await self._say(call, "answer")
        while words is not None:
            verb, _, rest = words.partition(" ")
            if verb == "greet":
                if guest.leaves:
                    await self.clock.sleep(MOMENT)
                    return
                await self.clock.sleep(GREETING if rest else NONE)
                words = await self._say(call, "connect")
            elif verb == "connect":
                if not await self._stay(call, rest.rpartition(" ")[2], guest):
                    self._apart(self._say(call, "parted"))  # it asks although nobody listens any more
                    return
                words = await self._say(call, "parted")
            else:
                call.heard += json.loads(words)["spoken"]
                await self.clock.sleep(GOODBYE)
                return

    async def _say(self, call: Call, what: str) -> str | None:
        """Ask what to do next, twice if need be, and then where failures are told; None: hang up."""
        for address in (what, what, "fallback"):
            request = self.request(call.sid, address, EventKind.ANSWERED)
            try:
                reply: Reply = await self.hear(request, call.token, address)
            except (ConnectionError, DialerError):
                continue
            return None if reply.body in {"", SILENCE} else reply.body
        return None

    async def _stay(self, call: Call, room: str, guest: Guest) -> bool:
        """Be in a conference until it is over; whether the customer is still on the line."""
        stay = self._enter(room, call.token, call.sid)
        if stay is None:
            self.turned_away.append(call.token)
            await self.clock.sleep(MOMENT)
            return True
        talked = alone = NONE
        while not stay.out.is_set():
            await self.clock.sleep(MOMENT)
            if any(one.who == AGENT for one in self.inside.get(room, ())):
                talked += MOMENT
            else:
                alone += MOMENT
            if self.drops_after is not None and talked >= self.drops_after:
                self.drops_after = None
                self._drop(next(one for one in self.telephones if room.endswith(one.leg.links.token)))
            elif talked >= guest.talk or alone >= guest.patience:
                self._leave(stay)
                return False
        return True

    async def interrupt(self, carrier_call_id: str, turn: Turn, links: Links) -> bool:
        del links
        self._ask(f"interrupt {carrier_call_id}", carrier_call_id)
        self.interrupted.append((carrier_call_id, turn))
        for call in self.calls:
            if call.sid == carrier_call_id and call.ended is None:
                if call.life is not None:
                    call.life.cancel()
                self._take_out(call.sid)
                call.life = self._apart(self._hear_out(call, turn))
                return True
        return False

    async def _hear_out(self, call: Call, turn: Turn) -> None:
        call.heard += turn.spoken
        await self.clock.sleep(GOODBYE)
        self.end(call, Network.ANSWERED)

    def end(self, call: Call, network: Network) -> None:
        if call.ended is None:
            self._take_out(call.sid)
        super().end(call, network)

    def is_on(self, token: str) -> bool:
        """Whether a call of this attempt goes on."""
        return any(call.token == token and call.ended is None for call in self.calls)

    # Conferences

    def _enter(self, room: str, who: str, sid: str) -> Stay | None:
        people = self.inside.setdefault(room, [])
        if len(people) >= TWO:
            return None
        stay = Stay(room, who, sid, self.clock.now(), asyncio.Event())
        people.append(stay)
        self.stays.append(stay)
        self._happened(stay, "joined")
        return stay

    def _leave(self, stay: Stay) -> None:
        """They go; with the agent everybody goes."""
        people = self.inside.get(stay.room, [])
        if stay not in people:
            return
        gone = list(people) if stay.who == AGENT else [stay]
        for one in gone:
            people.remove(one)
            one.left = self.clock.now()
            one.out.set()
            self._happened(one, "left")
        if not people:
            del self.inside[stay.room]

    def _take_out(self, sid: str) -> None:
        for people in list(self.inside.values()):
            for stay in [one for one in people if one.sid == sid]:
                self._leave(stay)

    def _happened(self, stay: Stay, kind: str) -> None:
        if kind == "joined" and stay.who != AGENT and self.joins_lost > 0:
            self.joins_lost -= 1
            return
        self._apart(self._word(stay, kind, self.lag()))

    async def _word(self, stay: Stay, kind: str, late: timedelta) -> None:
        await self.clock.sleep(late)
        await self._tell(stay.room.removeprefix("agent-"), "conference", stay.sid, kind=kind, who=stay.who)

    async def present(self, room: str) -> frozenset[str]:
        self._ask(f"present {room}", "")
        return frozenset(one.who for one in self.inside.get(room, ()))

    # Telephones of agents

    async def park(self, leg: Leg) -> Placement:
        self.legs.append(leg)
        telephone = Telephone(f"LEG{len(self.legs)}", leg, self.clock.now())
        self.telephones.append(telephone)
        telephone.life = self._apart(self._ring(telephone))
        return Placed(telephone.sid, NONE)

    async def _ring(self, telephone: Telephone) -> None:
        token = telephone.leg.links.token
        await self.clock.sleep(RINGS)
        telephone.answered = self.clock.now()
        body = await self._tell(token, "answer", telephone.sid)
        while body.startswith("{"):  # asked for a key
            question = json.loads(body)["listen"]
            await self.clock.sleep(SECOND)
            step = f"step/{question['node']}/{question['tries']}"
            body = await self._tell(token, step, telephone.sid, digits="1")
        if not body.startswith("parked "):
            self._drop(telephone)
            return
        self._enter(f"agent-{token}", AGENT, telephone.sid)

    def _drop(self, telephone: Telephone) -> None:
        """The call to a telephone is over."""
        if telephone.ended is not None:
            return
        telephone.ended = self.clock.now()
        self._take_out(telephone.sid)
        self._apart(self._tell(telephone.leg.links.token, "status", telephone.sid, kind="ended"))
        if telephone.life is not None and telephone.life is not asyncio.current_task():
            telephone.life.cancel()

    async def _tell(self, token: str, what: str, sid: str, **told: str) -> str:
        """A webhook about a telephone, sent twice if need be; what it is answered with."""
        body = json.dumps({"sid": sid} | told).encode()
        for _ in range(2):
            try:
                reply: Reply = await self.hear_leg(WebRequest("POST", "/", {"signature": SIGNATURE}, body), token, what)
            except (ConnectionError, DialerError):
                continue
            return reply.body
        return ""

    async def fetch(self, carrier_call_id: str) -> CallReport | None:
        for one in self.telephones:
            if one.sid == carrier_call_id:
                self._ask(f"fetch {carrier_call_id}", carrier_call_id)
                kinds = {EventKind.ENDED: one.ended, EventKind.ANSWERED: one.answered, EventKind.RINGING: one.created}
                kind = next(kind for kind, at in kinds.items() if at is not None)
                return CallReport(one.sid, kind, one.created, kinds[kind])
        return await super().fetch(carrier_call_id)

    async def hang_up(self, carrier_call_id: str) -> bool:
        for one in self.telephones:
            if one.sid == carrier_call_id:
                self._ask(f"hang up {carrier_call_id}", carrier_call_id)
                self.hung_up.append(carrier_call_id)
                was_on = one.ended is None
                self._drop(one)
                return was_on
        return await super().hang_up(carrier_call_id)


class Shop(Life):
    """One run of the whole program, agents included."""

    world: CallCentre
    parts: ClassVar[tuple[str, ...]] = (
        *Life.parts,
        *(
            "presences",
            "campaigns",
            "prospects",
            "pacers",
            "board",
            "agent_calls",
            "suppressions",
            "leases",
            "engagements",
        ),
    )

    def __init__(self, world: World) -> None:
        super().__init__(world)
        shared: dict[str, Any] = {
            "store": self.store,
            "desk": self.desk,
            "telephony": self.telephony,
            "clock": world.clock,
        }
        told: dict[str, Any] = {"changes": self.changes, "dialer": self.dialer}
        self.floor = self.world.floor(**shared, **told, ledger=self.ledger, bridge=self.bridge)
        self.pacing = Pacing(**shared, **told)
        self.ledger.listen(self.pacing.hear)
        self.ledger.listen(lambda told: self.changes.happened() if told.staffed else None)
        self.recall = Recall(**shared)
        told_floor: dict[str, Any] = {"bridge": self.bridge, "floor": self.floor}
        self.parking = Parking(**shared, **told, **told_floor, public_url=URL, caller_id=CALLER_ID)
        self.shifts = Shifts(**shared, **told, reading=self.desk, ledger=self.ledger, floor=self.floor)

    async def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Something that is asked of this life from outside, and that ends with it."""
        task = self.spawn(work)
        await asyncio.wait({task})
        if task.cancelled():
            raise ConnectionResetError
        return task.result()

    async def _serve(self) -> None:
        self.spawn(self._dial())
        await self._reported(self.reconciler.after_restart)
        beats: list[tuple[Callable[[], Awaitable[Any]], int]] = [
            (self._turn, 1),
            (self.recall.round, 1),
            (self.parking.round, 1),
            (self._mind_floor, 1),
            (self.reconciler.round, 5),
        ]
        for job, every in beats:
            self.spawn(self._beat(job, every * SECOND))

    async def _beat(self, job: Callable[[], Awaitable[Any]], every: timedelta) -> None:
        while True:
            await self._reported(job)
            await self.world.clock.sleep(every)

    async def _reported(self, job: Callable[[], Awaitable[Any]]) -> int:
        """A beat that fails is tried again at the next; a failure nobody foresaw is the program's fault."""
        try:
            return await job() or 0
        except DialerError:
            return 0
        except Exception as error:  # noqa: BLE001 - whatever it is
            self.world.broken.append(f"{type(error).__name__}: {error}")
            return 0

    async def _turn(self) -> None:
        await self.desk.ask(self.store.callbacks.turn, self.world.clock.now())

    async def _mind_floor(self) -> None:
        await self.shifts.write_seen()
        await self.floor.round()

    async def _dial(self) -> None:
        while True:
            seen = self.changes.version
            if await self._reported(self.dialer.pump) + await self._reported(self.pacing.pump):
                await self.world.clock.sleep(SECOND / 50)
            else:
                await self.changes.wait(seen, SECOND)
                await self.world.clock.sleep(self.pacing.pause)


class CallCentre(World):
    """What outlasts the program where agents work: the carrier with everybody's telephones, and the agents."""

    carrier: Exchange
    lives: list[Shop]  # type: ignore[assignment] # they are made by `life`

    def __init__(self, database: Database) -> None:
        super().__init__(database, lives=True)
        self.life, self.floor = Shop, Floor
        self.telephony = self.carrier = Exchange(self.clock)
        self.carrier.hear, self.carrier.hear_leg = self.hear, self.hear_leg
        self.agents: list[AtScreen] = []
        self.broken: list[str] = []  # failures that nobody foresaw

    def living(self) -> Shop | None:
        """The program as it runs now."""
        return next((life for life in reversed(self.lives) if not life.dead), None)

    async def ask(self, work: Callable[[Shop], Coroutine[Any, Any, Any]]) -> Any:
        """Ask the running program for something. ConnectionError when there is none, or when it died of it."""
        life = self.living()
        if life is None:
            raise ConnectionRefusedError
        try:
            return await life.do(work(life))
        except (ConnectionError, DialerError):
            raise
        except Exception as error:
            self.broken.append(f"{type(error).__name__}: {error}")
            raise ConnectionResetError from error

    async def hear(self, request: WebRequest, token: str, what: str) -> Reply:
        return await self._webhook(lambda life: life.conversations.hear(request, token, what))

    async def hear_leg(self, request: WebRequest, token: str, what: str) -> Reply:
        """A webhook about an agent's telephone."""
        return await self._webhook(lambda life: life.parking.hear(request, token, what))

    async def _webhook(self, work: Callable[[Shop], Coroutine[Any, Any, Any]]) -> Reply:
        if self.carrier.loses():
            raise ConnectionResetError
        reply: Reply = await self.ask(work)
        if self.carrier.loses():
            raise ConnectionResetError
        return reply

    def staff(self, staff_number: str, habits: Habits) -> None:
        """Somebody who comes to work."""
        who = Agent(staff_number, f"Agent {staff_number}", role=Role.AGENT, address=habits.address)
        self.store.agents.add(who, self.clock.now(), Deed("test", "person.add"))
        self.agents.append(AtScreen(self, staff_number, habits))

    def begin(self) -> None:
        """The program is started, and everybody sits down."""
        self.start().serve()
        for one in self.agents:
            one.tasks += [self.apart(one.work()), self.apart(one.stay_awake())]

    def apart(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Something that is not the program's, and outlives it."""
        return asyncio.get_running_loop().create_task(work, context=contextvars.Context())


@dataclass(frozen=True, slots=True)
class Habits:
    """How an agent works."""

    address: str = "sip:agent@office.example"
    clicks: bool = False  # dials what they look at; else the countdown does
    hangs_up: bool = False  # ends conversations
    writes: bool = True  # finishes records; else the timer does


class AtScreen:
    """An agent at a screen, who tries again what the program did not hear."""

    def __init__(self, world: CallCentre, staff_number: str, habits: Habits) -> None:
        self._world, self._number, self._habits = world, staff_number, habits
        self.finished: list[str] = []  # attempts whose record they have finished
        self.tasks: list[asyncio.Task[None]] = []

    async def work(self) -> None:
        """A day at work."""
        await self._do("sign_in")
        await self._do("get_ready")
        while True:
            await self._world.clock.sleep(SECOND)
            seat = self._world.store.presences.get(self._number)
            assert seat is not None
            await self._look(seat)

    async def stay_awake(self) -> None:
        """The screen gives signs of life."""
        while True:
            life = self._world.living()
            if life is not None:
                life.shifts.seen(self._number)
            await self._world.clock.sleep(4 * SECOND)

    async def _look(self, seat: Seat) -> None:
        state, since = seat.presence.state, self._world.clock.now() - seat.presence.since
        token, how = self._world.store.engagements.latest(seat.key) or ("", "")
        match state:
            case AgentState.PAUSED:
                await self._do("get_ready")
            case AgentState.RESERVED if self._habits.clicks and how == PREVIEW and since >= 2 * SECOND:
                await self._do("dial", token)
            case AgentState.ON_CALL if self._habits.hangs_up and since >= 3 * SECOND:
                await self._do("hang_up", token)
            case AgentState.WRAP_UP if self._habits.writes and since >= 2 * SECOND:
                if await self._do("finish", token, Record(outcome="completed", notes="glad")):
                    self.finished.append(token)
            case _:
                pass

    async def _do(self, what: str, *about: Any) -> bool:
        """A click, repeated until the program has heard it; whether it did what was asked."""
        while True:
            try:
                await self._world.ask(lambda life: getattr(life.shifts, what)(self._number, *about))
            except ConnectionError:
                await self._world.clock.sleep(SECOND)
            except DialerError:
                return False
            else:
                return True
