"""A call centre at work on virtual time: everything wired as in production, on a scripted carrier."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from dialer.core.agent import Agent, AgentState, Role
from dialer.core.lifecycle import EventKind
from dialer.core.outcome import Network
from dialer.engine.bridge import Bridge
from dialer.engine.changes import Changes
from dialer.engine.conversation import Conversations
from dialer.engine.desk import Desk
from dialer.engine.dial import Dialer, Line
from dialer.engine.floor import Floor
from dialer.engine.ledger import Ledger
from dialer.engine.pace import Pace
from dialer.engine.pacing import Pacing
from dialer.engine.parking import Parking
from dialer.engine.shifts import Shifts
from dialer.ports import WebRequest
from dialer.store import Deed
from tests.campaigns import customer, number
from tests.mortal import CALLER_ID, URL, quiet
from tests.scripted_carrier import SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Callable

    from dialer.core.lifecycle import Facts
    from dialer.engine.bridge import Reply
    from dialer.store import Seat
    from tests.mortal import World

SECOND = timedelta(seconds=1)
HARBOUR = "Acme called. Our hotline is {hotline}."
PREDICTIVE = {"mode": "predictive", "safe_harbour": HARBOUR}
TELEPHONE = "sip:agent@office.example"
_serial = count()


class InlineDesk(Desk):
    """Runs transactions where they are asked for: threads have no place on virtual time."""

    async def ask(self, transaction: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        return transaction(*args, **kwargs)


class Office:
    """One run of the program with all that concerns agents."""

    def __init__(self, world: World) -> None:
        self.world, self.store, self.carrier, self.clock = world, world.store, world.carrier, world.clock
        desk, self.changes = InlineDesk(1), Changes()
        shared: dict[str, Any] = {
            "store": self.store,
            "desk": desk,
            "telephony": self.carrier,
            "clock": self.clock,
        }
        self.ledger = Ledger(self.store, desk, self.carrier, self.clock)
        told: dict[str, Any] = shared | {"ledger": self.ledger}
        self.bridge = Bridge(**told, changes=self.changes, public_url=URL)
        self.conversations = Conversations(**told, public_url=URL, bridge=self.bridge)
        self.dialer = Dialer(
            **told,
            conversations=self.conversations,
            pace=Pace(world.calls_per_second, self.clock.monotonic()),
            line=Line(URL, CALLER_ID, world.most_at_once, timedelta(seconds=60)),
            owner=f"office {next(_serial)}",
        )
        self.floor = Floor(**told, changes=self.changes, dialer=self.dialer, bridge=self.bridge)
        self.pacing = Pacing(**shared, changes=self.changes, dialer=self.dialer)
        self.ledger.listen(self.pacing.hear)
        self.parking = Parking(
            **shared,
            changes=self.changes,
            dialer=self.dialer,
            bridge=self.bridge,
            floor=self.floor,
            public_url=URL,
            caller_id=CALLER_ID,
        )
        self.shifts = Shifts(**told, reading=desk, changes=self.changes, dialer=self.dialer, floor=self.floor)
        self.carrier.hear = self.conversations.hear

    # People

    def hire(self, staff_number: str, **about: Any) -> None:
        """Somebody who takes calls."""
        who = {"name": f"Agent {staff_number}", "role": Role.AGENT, "address": TELEPHONE} | about
        self.store.agents.add(Agent(staff_number, **who), self.clock.now(), Deed("test", "person.add"))

    async def ready(self, *staff_numbers: str, **about: Any) -> None:
        """Agents who wait in their conferences, in the order in which they have waited longest."""
        for one in staff_numbers:
            self.hire(one, **about)
            await self.shifts.sign_in(one)
            await self.get_ready(one)
            await self.pass_time(SECOND / 1000)

    async def get_ready(self, staff_number: str) -> None:
        """They get ready and pick up their telephone."""
        await self.shifts.get_ready(staff_number)
        await self.parking.round()
        await quiet()
        if self.seat(staff_number).leg == "calling":
            await self.leg(staff_number, "answer")

    async def leg(self, staff_number: str, what: str, kind: str = "other", who: str = "", **about: str) -> Reply:
        """A webhook about the leg on which an agent is now."""
        token = about.get("token") or self.seat(staff_number).leg_token
        customers = [one.sid for one in self.carrier.calls if one.token == who]
        sid = about.get("sid", customers[0] if customers else f"LEG-{token[:6]}")
        body = f'{{"kind": "{kind}", "sid": "{sid}", "who": "{who}", "digits": "{about.get("digits", "")}"}}'
        request = WebRequest("POST", "/", {"signature": about.get("signature", SIGNATURE)}, body.encode())
        reply = await self.parking.hear(request, token, what)
        await quiet()
        return reply

    def seat(self, staff_number: str = "101") -> Seat:
        found = self.store.presences.get(staff_number)
        assert found is not None
        return found

    def state(self, staff_number: str = "101") -> AgentState:
        return self.seat(staff_number).presence.state

    # Calls

    def open(self, name: str = "survey", many: int = 1, *, first: int = 0, **changes: Any) -> None:
        """A campaign with agents, and customers who may be called."""
        self.world.apply(name, **({"agents": {}} | changes))
        if many:
            self.world.enrol(*[customer(f"C{one}", number(one)) for one in range(first, first + many)])

    async def pump(self) -> int:
        """One look of the pacing, a moment after the last one."""
        await self.pass_time(SECOND / 5)
        self.store.callbacks.turn(self.clock.now())
        dialed = await self.pacing.pump()
        await quiet()
        return dialed

    async def call(self, **changes: Any) -> str:
        """One call that rings for agent 101, who was set aside for it."""
        self.open(**changes)
        if self.store.presences.get("101") is None:
            await self.ready("101")
        assert await self.pump() == 1
        return self.token()

    async def ahead(self, **changes: Any) -> str:
        """One call that rings for nobody in particular."""
        self.open(**{"agents": PREDICTIVE} | changes)
        (token,) = await self.dialer.ahead(1, ["survey"])
        await quiet()
        return token

    async def talk(self, token: str, staff_number: str = "101") -> None:
        """The customer picks up and is in the agent's conference."""
        await self.tell(token, "answer")
        await self.leg(staff_number, "conference", "joined", token)

    async def tell(self, token: str, what: str, kind: EventKind | None = None, **told: Any) -> str:
        """A webhook about the customer's call; what it is answered with."""
        if kind is None and what in {"connect", "parted"}:
            kind = EventKind.ANSWERED
        reply: Reply = await self.carrier.tell(token, what, kind, **told)
        return reply.body

    async def end(self, token: str, network: Network = Network.ANSWERED) -> None:
        await self.tell(token, "status", EventKind.ENDED, network=network)

    async def pass_time(self, duration: timedelta) -> None:
        await self.clock.sleep(duration)
        await quiet()

    async def rounds(self, seconds: int, *, seen: tuple[str, ...] = ()) -> None:
        """The floor is minded once a second; the screens of `seen` give signs of life."""
        for _ in range(seconds):
            await self.pass_time(SECOND)
            for one in seen:
                self.shifts.seen(one)
            await self.shifts.write_seen()
            await self.floor.round()

    def token(self, which: int = -1) -> str:
        return self.carrier.calls[which].token

    def hand(self, staff_number: str = "101") -> str:
        """The attempt that an agent was last set aside for."""
        latest = self.store.engagements.latest(self.seat(staff_number).key)
        return latest[0] if latest is not None else ""

    def facts(self, token: str) -> Facts:
        return self.world.facts(token)

    def room(self, staff_number: str = "101") -> str:
        return f"agent-{self.seat(staff_number).leg_token}"

    def to(self, token: str, staff_number: str = "101") -> str:
        """What a customer who is put to this agent is answered with."""
        return f"connect {token} to {self.room(staff_number)}"

    def standing(self) -> list[tuple[str, str, str]]:
        return [(one.staff_number, one.token, one.state) for one in self.store.engagements.standing()]
