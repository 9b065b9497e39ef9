"""A carrier without a network, for exact interleavings: what becomes of each request and each call is the test's word.

Calls either stand still until the test tells of them, or live by themselves on the test's clock (`lives`).
"""

from __future__ import annotations

import asyncio
import contextvars
import json
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from dialer.core.lifecycle import Event, EventKind
from dialer.core.outcome import AnsweredBy, Network
from dialer.errors import CarrierError, DialerError, ForgedRequestError
from dialer.ports import CallReport, LegKind, LegNotice, Notice, Placed, WebRequest, room

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from dialer.core.phone import PhoneNumber
    from dialer.core.script import Turn
    from dialer.engine.bridge import Reply
    from dialer.ports import Addresses, Clock, Leg, LegLinks, Links, Order, Placement

T = TypeVar("T")
NONE = timedelta()
SILENCE = "silence"
SIGNATURE = "made by the scripted carrier"


@dataclass(frozen=True, slots=True)
class Fate:
    """What befalls one request to create a call."""

    answer: Placement | Exception | None = None  # None: placed, with the call's own id
    made: bool = True  # whether the call comes into being
    way: timedelta = NONE  # until the request is there
    back: timedelta = NONE  # until the answer is back; the call goes on meanwhile
    queued: timedelta = NONE


@dataclass(frozen=True, slots=True)
class Person:
    """Who or what is at the other end of a call that lives."""

    network: Network = Network.ANSWERED
    ring: timedelta = timedelta(seconds=6)
    keys: tuple[str, ...] = ("1",)  # pressed at one question after the other; then they hang up
    verdict: AnsweredBy | None = None  # told by the answering-machine detection, if it listens


@dataclass(slots=True, eq=False)
class Call:
    """One call as it really was."""

    sid: str
    order: Order
    person: Person
    created: datetime
    queued: timedelta = NONE
    dialed: datetime | None = None
    rang: datetime | None = None
    answered: datetime | None = None
    ended: datetime | None = None
    network: Network | None = None
    ended_by_us: bool = False
    heard: list[str] = field(default_factory=list)  # every sentence spoken, in order
    sequence: int = 0
    life: asyncio.Task[None] | None = None

    @property
    def token(self) -> str:
        return self.order.links.token

    @property
    def number(self) -> str:
        return self.order.to.e164

    @property
    def felt(self) -> bool:
        """Whether the customer's phone made itself heard."""
        return self.rang is not None

    def report(self) -> CallReport:
        if self.ended is not None:
            talk = self.ended - self.answered if self.answered is not None else None
            return CallReport(self.sid, EventKind.ENDED, self.created, self.ended, self.network, talk=talk)
        for kind, at in ((EventKind.ANSWERED, self.answered), (EventKind.RINGING, self.rang)):
            if at is not None:
                return CallReport(self.sid, kind, self.created, at)
        return CallReport(self.sid, EventKind.QUEUED, self.created, None)


class ScriptedCarrier:
    """Implements `ports.Telephony` over calls kept in a list. Everything a test may want to bend is an attribute."""

    name = "scripted"

    def __init__(self, clock: Clock, *, lives: bool = False) -> None:
        self.clock = clock
        self.lives = lives
        self.calls: list[Call] = []
        self.orders: list[Order] = []
        self.legs: list[Leg] = []  # calls to agents' telephones
        self.leg_answer: Placement | None = None  # None: placed
        self.rooms: dict[str, frozenset[str]] = {}  # who is in which conference
        self.fates: deque[Fate] = deque()  # of the next requests, one each; then `fate`
        self.fate: Callable[[Order], Fate] = lambda _order: Fate()
        self.person: Callable[[Order], Person] = lambda _order: Person()
        self.post: Callable[[Call, str], Sequence[timedelta]] = lambda _call, _event: (NONE,)  # delays; none: lost
        self.listed_after = NONE  # how long a new call is in no listing and no record
        self.strangers: list[CallReport] = []  # calls of the account that are not ours, in every listing
        self.mute = False  # cannot be asked anything, as in an outage of the API
        self.mute_about: set[str] = set()  # numbers and ids it cannot be asked about
        self.stutters: Callable[[], bool] = lambda: False  # whether this one question gets no answer
        self.hear: Any = None  # where the webhooks go
        self.asked: list[str] = []
        self.asked_about: list[str] = []  # numbers and ids
        self.hung_up: list[str] = []
        self.interrupted: list[tuple[str, Turn]] = []

    # What the dialer asks

    async def place(self, order: Order) -> Placement:
        self.orders.append(order)
        fate = self.fates.popleft() if self.fates else self.fate(order)
        # What is on its way arrives, whether or not whoever sent it is still there.
        arrival = self._apart(self._arrive(order, fate))
        await asyncio.wait({arrival})
        await self.clock.sleep(fate.back)
        if isinstance(fate.answer, Exception):
            raise fate.answer
        if fate.answer is not None:
            return fate.answer
        call = arrival.result()
        assert call is not None, "a call that was not made needs an answer"
        return Placed(call.sid, fate.queued)

    async def _arrive(self, order: Order, fate: Fate) -> Call | None:
        await self.clock.sleep(fate.way)
        return self.begin(order, fate.queued) if fate.made else None

    async def fetch(self, carrier_call_id: str) -> CallReport | None:
        self._ask(f"fetch {carrier_call_id}", carrier_call_id)
        found = [call.report() for call in self._visible() if call.sid == carrier_call_id]
        return found[0] if found else None

    async def find(self, to: PhoneNumber, since: datetime, until: datetime) -> Sequence[CallReport]:
        self._ask("find", to.e164)
        ours = [call.report() for call in self._visible() if call.number == to.e164]
        return [one for one in ours if one.created and since <= one.created <= until] + self.strangers

    async def queued(self) -> Sequence[CallReport]:
        self._ask("queued", "")
        return [call.report() for call in self._visible() if call.dialed is None and call.ended is None]

    async def hang_up(self, carrier_call_id: str) -> bool:
        self._ask(f"hang up {carrier_call_id}", carrier_call_id)
        self.hung_up.append(carrier_call_id)
        for call in self.calls:
            if call.sid == carrier_call_id and call.ended is None:
                call.ended_by_us = True
                self.end(call, Network.CANCELED if call.answered is None else Network.ANSWERED)
                return True
        return False

    async def cancel(self, carrier_call_id: str) -> bool:
        self._ask(f"cancel {carrier_call_id}", carrier_call_id)
        for call in self.calls:
            if call.sid == carrier_call_id and call.ended is None and call.answered is None:
                self.hung_up.append(carrier_call_id)
                call.ended_by_us = True
                self.end(call, Network.CANCELED)
                return True
        return False

    async def interrupt(self, carrier_call_id: str, turn: Turn, links: Links) -> bool:
        del links
        self._ask(f"interrupt {carrier_call_id}", carrier_call_id)
        self.interrupted.append((carrier_call_id, turn))
        for call in self.calls:
            if call.sid == carrier_call_id and call.ended is None:
                call.heard += turn.spoken
                return True
        return False

    async def park(self, leg: Leg) -> Placement:
        """Calls to telephones stand still until the test tells of them."""
        self.legs.append(leg)
        return Placed(f"LEG{len(self.legs)}", NONE) if self.leg_answer is None else self.leg_answer

    async def present(self, room: str) -> frozenset[str]:
        self._ask(f"present {room}", "")
        return self.rooms.get(room, frozenset())

    def read_leg(self, request: WebRequest, what: str, received: datetime) -> LegNotice:
        if request.headers.get("signature") != SIGNATURE:
            raise ForgedRequestError("a webhook is not certainly from the scripted carrier")
        told = json.loads(request.body)
        known = {"answer": LegKind.ANSWERED, "step": LegKind.PRESSED}.get(what.partition("/")[0])
        kind = known or LegKind(told.get("kind", "other"))
        return LegNotice(kind, told.get("sid", ""), received, told.get("who", ""), told.get("digits", ""))

    def parked(self, links: LegLinks) -> tuple[str, str]:
        return f"parked {links.token}", "text/plain"

    def greet(self, turn: Turn | None, links: Links) -> tuple[str, str]:
        del links
        return f"greet {' '.join(turn.spoken) if turn is not None else ''}".strip(), "text/plain"

    def connect(self, leg: LegLinks, links: Links, longest: timedelta) -> tuple[str, str]:
        del longest
        return f"connect {links.token} to {room(leg.token)}", "text/plain"

    def read(self, request: WebRequest, token: str, what: str, received: datetime) -> Notice:
        if request.headers.get("signature") != SIGNATURE:
            raise ForgedRequestError("a webhook is not certainly from the scripted carrier")
        told = json.loads(request.body)
        event = None
        if told["kind"] is not None:
            event = Event(
                token,
                EventKind(told["kind"]),
                told["key"],
                datetime.fromisoformat(told["at"]) if told["at"] else received,
                "webhook",
                carrier_call_id=told["sid"],
                network=Network(told["network"]) if told["network"] else None,
                answered_by=AnsweredBy(told["answered_by"]) if told["answered_by"] else None,
            )
        complaint = "an answer of ours failed" if what == "fallback" else ""
        return Notice(told["sid"], event, told["digits"], complaint)

    def speak(self, turn: Turn, links: Addresses) -> tuple[str, str]:
        del links
        listen = turn.listen
        question = None if listen is None else {"node": listen.node, "tries": listen.tries, "spoken": listen.spoken}
        return json.dumps({"spoken": turn.spoken, "listen": question}), "application/json"

    def silence(self) -> tuple[str, str]:
        return SILENCE, "text/plain"

    async def check(self) -> Sequence[str]:
        return ()

    async def close(self) -> None:
        pass

    # What a test does

    def begin(self, order: Order, queued: timedelta = NONE) -> Call:
        """A call comes into being, and lives if calls do."""
        call = Call(f"CA{len(self.calls):032x}", order, self.person(order), self.clock.now(), queued)
        self.calls.append(call)
        if self.lives:
            call.life = self._apart(self._live(call))
        return call

    def request(self, call_id: str, what: str, kind: EventKind | None = None, **told: Any) -> WebRequest:
        """A webhook as this carrier would send it. `key` tells repetitions apart."""
        body = {
            "sid": call_id,
            "kind": kind or _KINDS.get(what.partition("/")[0]),
            "key": f"{what}:{kind or ''}:{told.get('digits', '')}",
            "at": None,
            "network": None,
            "answered_by": None,
            "digits": "",
        }
        return WebRequest("POST", "/", {"signature": SIGNATURE}, json.dumps(body | told).encode())

    async def tell(self, token: str, what: str, kind: EventKind | None = None, **told: Any) -> Reply:
        """Send a webhook about the call of an attempt; the dialer's reply."""
        sids = [call.sid for call in self.calls if call.token == token]
        sid = told.pop("sid", sids[0] if sids else f"CA{0xAB:032x}")
        reply: Reply = await self.hear(self.request(sid, what, kind, **told), token, what)
        return reply

    def end(self, call: Call, network: Network) -> None:
        """The call is over."""
        if call.ended is not None:
            return
        call.ended, call.network = self.clock.now(), network
        if self.lives:
            self._status(call, EventKind.ENDED, network)
            if call.life is not None and call.life is not asyncio.current_task():
                call.life.cancel()

    def _visible(self) -> list[Call]:
        return [call for call in self.calls if call.created + self.listed_after <= self.clock.now()]

    def _ask(self, what: str, about: str) -> None:
        self.asked.append(what)
        self.asked_about.append(about)
        if self.mute or about in self.mute_about or self.stutters():
            raise CarrierError("the scripted carrier does not answer")

    def _apart(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something that is the carrier's, whoever's request began it."""
        return asyncio.get_running_loop().create_task(work, context=contextvars.Context())

    async def _live(self, call: Call) -> None:
        await self.clock.sleep(call.queued)
        call.dialed = self.clock.now()
        self._status(call, EventKind.QUEUED)
        await self.clock.sleep(timedelta(seconds=0.5))
        if call.person.network in {Network.UNREACHABLE, Network.BAD_NUMBER}:
            self.end(call, call.person.network)
            return
        call.rang = self.clock.now()
        self._status(call, EventKind.RINGING)
        await self.clock.sleep(call.person.ring)
        if call.person.network is not Network.ANSWERED:
            self.end(call, call.person.network)
            return
        call.answered = self.clock.now()
        self._status(call, EventKind.ANSWERED)
        if call.person.verdict is not None:
            self._apart(self._detect(call, call.person.verdict))
        await self._talk(call)
        self.end(call, Network.ANSWERED)

    async def _talk(self, call: Call) -> None:
        reply = await self._fetch(call, "answer")
        for key in call.person.keys:
            if reply is None or reply["listen"] is None:
                break
            await self.clock.sleep(timedelta(seconds=4))
            question = reply["listen"]
            reply = await self._fetch(call, f"step/{question['node']}/{question['tries']}", digits=key)
        await self.clock.sleep(timedelta(seconds=3))

    async def _detect(self, call: Call, verdict: AnsweredBy) -> None:
        await self.clock.sleep(timedelta(seconds=2))
        if call.ended is None:
            self._send(call, "verdict", self.request(call.sid, "verdict", EventKind.VERDICT, answered_by=verdict))

    async def _fetch(self, call: Call, what: str, **told: Any) -> dict[str, Any] | None:
        """Ask what to say, twice if need be; None when there is no usable answer."""
        for _ in range(2):
            try:
                reply: Reply = await self.hear(self.request(call.sid, what, **told), call.token, what)
            except (ConnectionError, DialerError):
                continue
            if reply.body == SILENCE:
                return None
            answer: dict[str, Any] = json.loads(reply.body)
            call.heard += answer["spoken"]
            return answer
        return None

    def _status(self, call: Call, kind: EventKind, network: Network | None = None) -> None:
        call.sequence += 1
        at = self.clock.now().isoformat()
        key = f"status:{call.sequence}:{kind}"
        self._send(call, "status", self.request(call.sid, "status", kind, key=key, at=at, network=network))

    def _send(self, call: Call, what: str, request: WebRequest) -> None:
        for delay in self.post(call, what):
            self._apart(self._deliver(call, what, request, delay))

    async def _deliver(self, call: Call, what: str, request: WebRequest, delay: timedelta) -> None:
        await self.clock.sleep(delay)
        try:
            await self.hear(request, call.token, what)
        except (ConnectionError, DialerError):
            return  # lost: nobody was there to take it


_KINDS = {
    "answer": EventKind.ANSWERED,
    "fallback": EventKind.ANSWERED,
    "step": EventKind.HEARD,
    "verdict": EventKind.VERDICT,
}
