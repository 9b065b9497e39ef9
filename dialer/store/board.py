"""What the team lead's board is made of, read in short transactions: no look at it may hold up those who dial."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, case, func, or_, select

from dialer.core.agent import AgentState, Role
from dialer.core.customer import VIP
from dialer.core.lifecycle import AttemptState
from dialer.core.outcome import MACHINES, Disposition
from dialer.core.record import CallbackState
from dialer.core.staffing import Mode
from dialer.store import promises, tasks
from dialer.store.agent_tables import AgentMoveRow, AgentRow, PresenceRow, ReservationRow
from dialer.store.tables import AttemptRow, CallbackRow, CustomerRow, PromiseRow, TaskRow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from dialer.store.database import Database

agent = AgentRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
moved = AgentMoveRow.__table__  # type: ignore[attr-defined]
presence = PresenceRow.__table__  # type: ignore[attr-defined]
reservation = ReservationRow.__table__  # type: ignore[attr-defined]
attempt = AttemptRow.__table__  # type: ignore[attr-defined]
callback = CallbackRow.__table__  # type: ignore[attr-defined]
customer = CustomerRow.__table__  # type: ignore[attr-defined]
promise = PromiseRow.__table__  # type: ignore[attr-defined]
task = TaskRow.__table__  # type: ignore[attr-defined]

LISTED = 50
"""How many rows a list of the board has at most; the counts beside it know of all."""


class Flight(StrEnum):
    """How far a call in flight is."""

    RINGING = "ringing"  # on its way, or ringing
    GREETING = "greeting"  # answered; the program speaks: its first words, or the message when no agent comes
    WAITING = "waiting"  # the customer waits for an agent
    CONNECTED = "connected"  # they talk, with an agent or with the script


@dataclass(frozen=True, slots=True)
class OnFloor:
    """One agent, and the customer they have in hand. Instants are UTC."""

    staff_number: str
    name: str
    teams: tuple[str, ...]
    state: AgentState
    since: datetime | None  # None: was never signed in
    reason: str = ""
    afterwards: AgentState | None = None
    leg: str = "none"  # none, calling, parked
    attempt: str = ""
    campaign: str = ""
    customer: str = ""
    customer_name: str = ""
    tier: str = ""
    talk_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class InLine:
    """A customer who waits for an agent at this moment."""

    customer: str
    name: str
    campaign: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Floor:
    """What changes from second to second."""

    agents: tuple[OnFloor, ...]
    flights: Mapping[tuple[str, Flight], int]  # by campaign
    in_line: tuple[InLine, ...]  # the longest wait first


@dataclass(frozen=True, slots=True)
class Due:
    """A promised call that has not been made yet."""

    id: int
    customer: str
    name: str
    tier: str
    campaign: str
    agent: str
    at: datetime
    until: datetime
    calling: bool


class Hour(NamedTuple):
    """Calls of a stretch of time: how many went out, and how many were answered."""

    calls: int
    answered: int


class Vips(NamedTuple):
    """Callbacks of VIPs in one campaign."""

    due: int
    reached: int
    open: int  # not reached so far, and not given up

    def __add__(self, other: object) -> Vips:
        """Both together."""
        if not isinstance(other, Vips):
            return NotImplemented
        return Vips(self.due + other.due, self.reached + other.reached, self.open + other.open)


@dataclass(frozen=True, slots=True)
class Moved:
    """A change of where an agent stands."""

    at: datetime
    after: AgentState
    reason: str
    by: str  # a staff number; empty when the program did it


@dataclass(frozen=True, slots=True)
class Gap:
    """A VIP whom nobody has spoken to yet."""

    customer: str
    name: str
    state: CallbackState
    note: str
    attempts: int
    deadline: datetime


class Board:
    """Reads for the board. Nothing here changes anything."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def floor(self) -> Floor:
        """Agents, calls in flight and customers who wait, as one moment."""
        with self._database.read() as connection:
            return Floor(_agents(connection), _flights(connection), _in_line(connection))

    def abandonment(self, campaigns: Collection[str], start: datetime, end: datetime) -> Mapping[str, tuple[int, int]]:
        """How many were abandoned, and of how many, of those who came to wait for an agent in [start, end).

        Abandoned is who met nobody, whatever they pressed or said after that; `core.lessons` tells pacers of the same.
        """
        over = or_(~attempt.c.is_open, _heard_message())
        alone = attempt.c.disposition == Disposition.ABANDONED  # perhaps where they seemed to be connected
        lost = func.sum(case((or_(alone, attempt.c.connected_at.is_(None) & over), 1), else_=0))
        query: Select[Any] = (
            select(attempt.c.campaign, lost, func.count())
            .where(attempt.c.campaign.in_(campaigns), attempt.c.waited_at >= start, attempt.c.waited_at < end)
            .where(~_is_machine())
            .group_by(attempt.c.campaign)
        )
        with self._database.read() as connection:
            return {name: (int(abandoned), waited) for name, abandoned, waited in connection.execute(query)}

    def calls(self, start: datetime, end: datetime) -> Hour:
        """The calls begun in [start, end)."""
        sent = func.count(attempt.c.sent_at)
        query = select(sent, func.count(attempt.c.answered_at))
        query = query.where(attempt.c.created_at >= start, attempt.c.created_at < end)
        with self._database.read() as connection:
            calls, answered = connection.execute(query).one()
        return Hour(calls, min(answered, calls))

    def promised(self, before: datetime) -> tuple[int, Sequence[Due]]:
        """How many open promises have a time before `before`, and the first of them by the end of their tolerance."""
        mine = (promise.c.state == promises.OPEN) & (promise.c.at < before)
        query: Select[Any] = (
            select(promise, callback.c.state.label("cb_state"), customer.c.reference, customer.c.name, customer.c.tier)
            .join(customer, customer.c.id == promise.c.customer_id)
            .join(callback, callback.c.id == promise.c.callback_id)
            .where(mine)
            .order_by(promise.c.until_at, promise.c.id)
            .limit(LISTED)
        )
        with self._database.read() as connection:
            found = [_due(row) for row in connection.execute(query)]
            many = connection.scalar(select(func.count()).where(mine)) if len(found) == LISTED else len(found)
        return int(many or 0), found

    def missed(self, since: datetime) -> int:
        """How many promises were missed since an instant."""
        query = select(func.count()).where(promise.c.state == promises.MISSED, promise.c.settled_at >= since)
        with self._database.read() as connection:
            return connection.scalar(query) or 0

    def tasks(self, now: datetime) -> tuple[int, int]:
        """How many tasks are not done, and how many of those should be."""
        late = func.sum(case((task.c.due_at <= now, 1), else_=0))
        query = select(func.count(), late).where(task.c.state.in_((tasks.OPEN, tasks.TAKEN)))
        with self._database.read() as connection:
            undone, overdue = connection.execute(query).one()
        return undone, int(overdue or 0)

    def moves(self, staff_number: str, most: int = 20) -> Sequence[Moved]:
        """Where an agent stood lately, the newest first."""
        query = (
            select(moved.c.at, moved.c.after, moved.c.reason, moved.c.by)
            .join(agent, agent.c.id == moved.c.agent_id)
            .where(agent.c.staff_number == staff_number)
            .order_by(moved.c.at.desc(), moved.c.id.desc())
            .limit(most)
        )
        with self._database.read() as connection:
            return [Moved(row.at, AgentState(row.after), row.reason, row.by) for row in connection.execute(query)]

    def keys(self) -> range:
        """The keys that callbacks have, for reading them in parts."""
        with self._database.read() as connection:
            first, last = connection.execute(select(func.min(callback.c.id), func.max(callback.c.id))).one()
        return range(0) if first is None else range(first, last + 1)

    def vips(self, keys: range) -> Mapping[str, Vips]:
        """The VIPs' callbacks with these keys, by campaign."""
        reached = func.count(callback.c.reached_at)
        undecided = func.sum(case((_undecided(), 1), else_=0))
        query: Select[Any] = (
            select(callback.c.campaign, func.count(), reached, undecided)
            .join(customer, customer.c.id == callback.c.customer_id)
            .where(callback.c.id >= keys.start, callback.c.id < keys.stop, customer.c.tier == VIP)
            .group_by(callback.c.campaign)
        )
        with self._database.read() as connection:
            return {name: Vips(due, met, int(left)) for name, due, met, left in connection.execute(query)}

    def vip_gaps(self, campaign: str, most: int = 200) -> Sequence[Gap]:
        """VIPs of a campaign who were not reached, the nearest deadline first."""
        columns = (callback.c.state, callback.c.note, callback.c.attempts, callback.c.deadline_at)
        query: Select[Any] = (
            select(customer.c.reference, customer.c.name, *columns)
            .join(customer, customer.c.id == callback.c.customer_id)
            .where(callback.c.campaign == campaign, customer.c.tier == VIP, callback.c.reached_at.is_(None))
            .order_by(callback.c.deadline_at, callback.c.id)
            .limit(most)
        )
        with self._database.read() as connection:
            return [
                Gap(row.reference, row.name, CallbackState(row.state), row.note, row.attempts, row.deadline_at)
                for row in connection.execute(query)
            ]

    def blocked(self, campaign: str) -> Sequence[tuple[CallbackState, str, str, int]]:
        """Callbacks of a campaign that are not over, by state, reason and note, the most frequent first."""
        what = (callback.c.state, callback.c.reason, callback.c.note)
        many = func.count().label("many")
        query: Select[Any] = (
            select(*what, many)
            .where(callback.c.campaign == campaign, callback.c.state != CallbackState.DONE)
            .group_by(*what)
            .order_by(many.desc())
            .limit(2000)
        )
        with self._database.read() as connection:
            return [(CallbackState(row[0]), row[1] or "", row[2], row[3]) for row in connection.execute(query)]


def _undecided() -> ColumnElement[bool]:
    going_on = callback.c.state.in_([CallbackState.WAITING, CallbackState.CALLING, CallbackState.HELD])
    return and_(callback.c.reached_at.is_(None), going_on)


def _agents(connection: Connection) -> tuple[OnFloor, ...]:
    standing = (reservation.c.agent_id == agent.c.id) & (reservation.c.state != "over")
    columns = (presence.c[name] for name in ("state", "since", "reason", "afterwards", "leg"))
    query: Select[Any] = (
        select(
            *(agent.c.staff_number, agent.c.name, agent.c.teams, *columns),
            *(reservation.c.attempt, reservation.c.campaign, attempt.c.connected_at),
            *(customer.c.reference, customer.c.name.label("customer_name"), customer.c.tier),
        )
        .outerjoin(presence, presence.c.agent_id == agent.c.id)
        .outerjoin(reservation, standing)
        .outerjoin(attempt, attempt.c.token == reservation.c.attempt)
        .outerjoin(customer, customer.c.id == attempt.c.customer_id)
        .where(agent.c.active, or_(agent.c.role == Role.AGENT, presence.c.state != AgentState.OFFLINE))
        .order_by(agent.c.staff_number)
    )
    return tuple(_on_floor(row) for row in connection.execute(query))


def _on_floor(row: Row[Any]) -> OnFloor:
    return OnFloor(
        staff_number=row.staff_number,
        name=row.name,
        teams=tuple(row.teams),
        state=AgentState(row.state) if row.state else AgentState.OFFLINE,
        since=row.since,
        reason=row.reason or "",
        afterwards=AgentState(row.afterwards) if row.afterwards else None,
        leg=row.leg or "none",
        attempt=row.attempt or "",
        campaign=row.campaign or "",
        customer=row.reference or "",
        customer_name=row.customer_name or "",
        tier=row.tier or "",
        talk_since=row.connected_at,
    )


def _stage() -> ColumnElement[str]:
    """How far a call is, in the words of `Flight`."""
    agentless = attempt.c.mode == Mode.AGENTLESS
    return case(
        (attempt.c.connected_at.is_not(None), Flight.CONNECTED.value),
        (_waits(), Flight.WAITING.value),
        (attempt.c.answered_at.is_(None), Flight.RINGING.value),
        (agentless, Flight.CONNECTED.value),
        else_=Flight.GREETING.value,
    )


def _is_machine() -> ColumnElement[bool]:
    return or_(*(attempt.c.answered_by == one for one in MACHINES))


def _heard_message() -> ColumnElement[bool]:
    """Who is told that nobody was there in time, and may have pressed the key that ends the calls."""
    return or_(*(attempt.c.disposition == one for one in (Disposition.ABANDONED, Disposition.OPTED_OUT)))


def _waits() -> ColumnElement[bool]:
    """Who waits for an agent at this moment."""
    alone = attempt.c.waited_at.is_not(None) & attempt.c.connected_at.is_(None)
    return and_(alone, ~_is_machine(), ~_heard_message())


def _in_flight() -> ColumnElement[bool]:
    """Calls that were sent. What is only intended, such as a file that an agent looks at, rings nowhere."""
    return and_(attempt.c.is_open, attempt.c.state != AttemptState.INTENT)


def _flights(connection: Connection) -> dict[tuple[str, Flight], int]:
    stage = _stage().label("stage")
    query = select(attempt.c.campaign, stage, func.count()).where(_in_flight()).group_by(attempt.c.campaign, stage)
    return {(name, Flight(stage)): many for name, stage, many in connection.execute(query)}


def _in_line(connection: Connection) -> tuple[InLine, ...]:
    query: Select[Any] = (
        select(customer.c.reference, customer.c.name, attempt.c.campaign, attempt.c.waited_at)
        .join(customer, customer.c.id == attempt.c.customer_id)
        .where(_in_flight(), _waits())
        .order_by(attempt.c.waited_at)
        .limit(LISTED)
    )
    return tuple(InLine(*row) for row in connection.execute(query))


def _due(row: Row[Any]) -> Due:
    calling = row.cb_state == CallbackState.CALLING
    return Due(
        row.id, row.reference, row.name, row.tier, row.campaign, row.agent, row.at, row.until_at, calling=calling
    )
