"""What the program needs from the world: a carrier that places calls, and a clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from dialer.core.campaign import MachineReaction
    from dialer.core.lifecycle import Event, EventKind
    from dialer.core.outcome import AnsweredBy, Fault, Network
    from dialer.core.phone import PhoneNumber
    from dialer.core.script import Turn


class Clock(Protocol):
    """The one source of time."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that only ever move forward, for deadlines."""

    async def sleep(self, duration: timedelta) -> None:
        """Return after `duration`."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The web addresses of one call. Each holds its token, so that any request identifies what it is about."""

    public_url: str  # without a trailing slash
    token: str
    section: ClassVar[str]

    def to(self, what: str) -> str:
        """The address for `what`."""
        return f"{self.public_url}/{self.section}/{self.token}/{what}"

    @property
    def answer(self) -> str:
        """Asked for when somebody picks up: what they hear first."""
        return self.to("answer")

    @property
    def fallback(self) -> str:
        """Asked for when an answer of ours failed."""
        return self.to("fallback")

    @property
    def status(self) -> str:
        """Told about each change of the call."""
        return self.to("status")

    def step(self, node: str, tries: int) -> str:
        """Told which key was pressed at `node`, asked for the `tries`-th time."""
        return self.to(f"step/{node}/{tries}")


class Links(Addresses):
    """The web addresses of one attempt."""

    __slots__ = ()
    section = "carrier"

    @property
    def verdict(self) -> str:
        """Told whether a person or a machine answered."""
        return self.to("verdict")

    @property
    def connect(self) -> str:
        """Asked for when the greeting is over: an agent for the customer."""
        return self.to("connect")

    @property
    def parted(self) -> str:
        """Asked for when the customer's stay in a conference is over: what they hear then."""
        return self.to("parted")


class LegLinks(Addresses):
    """The web addresses of one call to an agent's telephone. Its token also names the conference."""

    __slots__ = ()
    section = "agents"

    @property
    def conference(self) -> str:
        """Told who comes and goes in the conference."""
        return self.to("conference")


def room(leg_token: str) -> str:
    """The name of the conference in which the agent of this leg waits: a new one for each leg, met by nobody else."""
    return f"agent-{leg_token}"


AGENT: Final = "agent"
"""How the agent is named in their own conference; customers are named by their attempt."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A call to an agent's telephone."""

    address: str  # +countrynumber or sip:user@host
    caller_id: str
    links: LegLinks
    ring: timedelta
    longest: timedelta


class LegKind(StrEnum):
    """What is told about an agent's telephone and its conference."""

    ANSWERED = "answered"  # it was picked up
    PRESSED = "pressed"  # a key was asked for, and pressed or not
    ENDED = "ended"  # the call to it is over
    JOINED = "joined"  # somebody is in the conference
    LEFT = "left"  # somebody is there no longer
    OTHER = "other"  # nothing that changes anything


@dataclass(frozen=True, slots=True)
class LegNotice:
    """A verified webhook about an agent's telephone or its conference."""

    kind: LegKind
    carrier_call_id: str
    at: datetime
    who: str = ""  # in the conference: AGENT or the token of an attempt
    digits: str = ""  # the key that was pressed, where one was asked for


@dataclass(frozen=True, slots=True)
class Order:
    """One call to place."""

    to: PhoneNumber
    caller_id: str
    links: Links
    ring: timedelta  # how long to let it ring
    longest: timedelta  # the carrier hangs up after this
    machine: MachineReaction


@dataclass(frozen=True, slots=True)
class Placed:
    """The carrier has the call."""

    carrier_call_id: str
    queued_for: timedelta  # how long it will wait in the carrier's own queue before it is dialed


@dataclass(frozen=True, slots=True)
class Refused:
    """The carrier said no; no call exists."""

    fault: Fault
    failure: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """Proof that no call was created: the connection was refused, or the carrier said to slow down."""

    failure: str
    slow_down: bool = False
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """No proof either way. A call may exist."""

    failure: str


Placement = Placed | Refused | NotSent | Lost


@dataclass(frozen=True, slots=True)
class CallReport:
    """What the carrier's own record says about one call."""

    carrier_call_id: str
    kind: EventKind  # QUEUED, RINGING, ANSWERED or ENDED
    created: datetime | None
    at: datetime | None  # when it reached that stage, if the record says
    network: Network | None = None
    answered_by: AnsweredBy | None = None
    talk: timedelta | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class WebRequest:
    """A webhook as it arrived, unparsed: signatures are over exactly this."""

    method: str
    target: str  # raw path and query, as on the request line
    headers: Mapping[str, str]  # lower-case names
    body: bytes


class Telephony(Protocol):
    """A carrier. `dialer.telephony` holds one file per implementation; the contract suite tests them all."""

    name: str

    async def place(self, order: Order) -> Placement:
        """Create the call, sending at most one request that could create it. Never raises for a carrier's failure."""

    async def fetch(self, carrier_call_id: str) -> CallReport | None:
        """The carrier's record of a call; None when it has none. CarrierError when it cannot be asked."""

    async def find(self, to: PhoneNumber, since: datetime, until: datetime) -> Sequence[CallReport]:
        """All calls of the account to `to` created in [since, until]. CarrierError when it cannot be asked."""

    async def queued(self) -> Sequence[CallReport]:
        """All calls the carrier has not begun to dial."""

    async def hang_up(self, carrier_call_id: str) -> bool:
        """End or cancel a call; False when it was over already. CarrierError when it cannot be asked."""

    async def cancel(self, carrier_call_id: str) -> bool:
        """End a call that nobody has answered; False when it was over or goes on. CarrierError when not to be asked."""

    async def interrupt(self, carrier_call_id: str, turn: Turn, links: Links) -> bool:
        """Replace what a live call hears, for a message to a machine; False when the call is over."""

    async def park(self, leg: Leg) -> Placement:
        """Call an agent's telephone, sending at most one request. Never raises for a carrier's failure."""

    async def present(self, room: str) -> frozenset[str]:
        """Who is in a conference, by the names they joined under. CarrierError when it cannot be asked."""

    def read_leg(self, request: WebRequest, what: str, received: datetime) -> LegNotice:
        """Verify a webhook about an agent's telephone and translate it. ForgedRequestError on any doubt."""

    def parked(self, links: LegLinks) -> tuple[str, str]:
        """The agent's telephone waits in its conference, in the carrier's own language: body and media type."""

    def greet(self, turn: Turn | None, links: Links) -> tuple[str, str]:
        """Speak the greeting, if there is one, and ask again for an agent."""

    def connect(self, leg: LegLinks, links: Links, longest: timedelta) -> tuple[str, str]:
        """Put the customer into the conference of an agent's leg, where a third one finds no place."""

    def read(self, request: WebRequest, token: str, what: str, received: datetime) -> Notice:
        """Verify a webhook and translate it. ForgedRequestError on any doubt."""

    def speak(self, turn: Turn, links: Addresses) -> tuple[str, str]:
        """`turn` in the carrier's own language: body and media type."""

    def silence(self) -> tuple[str, str]:
        """A reply that hangs up at once without a word, for calls that should not exist."""

    async def check(self) -> Sequence[str]:
        """What is wrong with credentials and account, a sentence each; empty when calls can be placed."""

    async def close(self) -> None:
        """Give back connections."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A verified webhook: the event it carries, if any, and the key pressed, if it is a step."""

    carrier_call_id: str
    event: Event | None
    digits: str = ""
    complaint: str = ""  # the carrier says that an answer of ours failed
    turned_away: bool = False  # they came out of a conference in which they met nobody
