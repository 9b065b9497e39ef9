"""Who is set aside for which call: one agent, one customer, each a row, so that nobody ever has two.

Whoever changes a reservation holds its agent's presence until the transaction ends. Locks are taken in one order:
attempts by token, then presences by key; who holds a presence waits for no attempt that others can see.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from dialer.core.agent import Move
from dialer.core.routing import Wants
from dialer.core.staffing import Mode
from dialer.store import intents, queue
from dialer.store.agent_tables import AgentRow, PresenceRow, ReservationRow
from dialer.store.campaigns import read_version, standings
from dialer.store.intents import Intention, alone
from dialer.store.presences import PARKED, Seat, free_seats, lock, locked_seat, shift
from dialer.store.tables import AttemptRow, CallbackRow, CustomerRow

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from dialer.core.admission import House
    from dialer.store.belonging import Taker
    from dialer.store.database import Database
    from dialer.store.settlement import Told

agent = AgentRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
attempt = AttemptRow.__table__  # type: ignore[attr-defined]
callback = CallbackRow.__table__  # type: ignore[attr-defined]
customer = CustomerRow.__table__  # type: ignore[attr-defined]
presence = PresenceRow.__table__  # type: ignore[attr-defined]
reservation = ReservationRow.__table__  # type: ignore[attr-defined]

PREVIEW, HELD, CONNECTED, OVER = "preview", "held", "connected", "over"
LEASE = timedelta(seconds=12)
"""So long others believe that whoever set an agent aside still sees to it: longer than a request to the carrier."""

AFTER_ZERO = timedelta(seconds=30)
"""How much longer than its countdown the intent of a preview holds its number."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A callback taken for one agent."""

    token: str
    preview: bool


class Reservations:
    """Agents and the calls they are set aside for."""

    def __init__(self, database: Database, house: House) -> None:
        self._database = database
        self._house = house

    def claim(
        self,
        agent_id: int,
        taker: Taker,
        campaigns: Collection[str],
        now: datetime,
        *,
        owner: str,
        lease: timedelta,
        token: Callable[[], str],
    ) -> Claimed | None:
        """Take the first callback that is for this agent and that the gate allows, and set the agent aside for it."""
        with self._database.write() as connection:
            alone(connection)
            seat = locked_seat(connection, agent_id)
            if not seat.is_free or _has_one(connection, agent_id):
                return None
            found = standings(connection)
            running = [name for name in campaigns if name in found and not found[name].paused]
            intention = Intention(owner, now + lease, token, seat.agent.staff_number)
            tokens = _first(connection, self._house, running, taker, intention, now)
            if not tokens:
                return None
            return self._set_aside(connection, seat, tokens[0], now)

    def _set_aside(self, connection: Connection, seat: Seat, token: str, now: datetime) -> Claimed:
        mine = attempt.c.token == token
        row = connection.execute(select(attempt.c.campaign, attempt.c.campaign_version).where(mine)).one()
        staffing = read_version(connection, row.campaign, row.campaign_version).agents
        preview = staffing is not None and staffing.mode is Mode.PREVIEW
        lease = LEASE
        if staffing is not None and preview:
            lease = staffing.countdown + AFTER_ZERO
            connection.execute(update(attempt).where(mine).values(lease_until=now + lease))
        _hold(connection, seat.key, token, row.campaign, now, state=PREVIEW if preview else HELD, lease=lease)
        return Claimed(token, preview)

    def dialed(self, token: str, now: datetime) -> None:
        """The agent dials what they looked at."""
        mine = _standing(token) & (reservation.c.state == PREVIEW)
        with self._database.write() as connection:
            connection.execute(update(reservation).where(mine).values(state=HELD, lease_until=now + LEASE))

    def assign(self, token: str, now: datetime, choose: Callable[[Wants, Sequence[Seat]], Seat | None]) -> Seat | None:
        """The agent for a customer who waits: whoever was set aside before the call, else the one `choose` takes.

        None when nobody is free or the call is over. Asked again it gives the same agent.
        """
        with self._database.write() as connection:
            row = connection.execute(select(attempt).where(attempt.c.token == token).with_for_update()).one_or_none()
            if row is None or not row.is_open:
                return None
            held = _held(connection, token)
            if held is not None:
                seat = locked_seat(connection, held.agent_id)
                if seat.leg == PARKED:
                    return seat
                what = Move.HANG_UP if held.state == CONNECTED else Move.RELEASE
                _end(connection, held, what, "their telephone is off the line", now)
            free = [seat for seat in free_seats(connection) if not _has_one(connection, seat.key)]
            seat_ = choose(_wants(connection, row), free) if free else None
            if seat_ is None:
                return None
            _hold(connection, seat_.key, token, row.campaign, now, state=HELD, lease=LEASE)
            change = update(attempt).where(attempt.c.token == token)
            connection.execute(change.values(agent=seat_.agent.staff_number))
            return seat_

    def release(self, token: str, why: str, now: datetime) -> Sequence[str]:
        """The customer will not come to the agent who was set aside; who that was. Whoever has met them stays."""
        with self._database.write() as connection:
            _lock_attempt(connection, token)
            held = _held(connection, token)
            if held is None or held.state not in {PREVIEW, HELD}:
                return []
            _end(connection, held, Move.RELEASE, why, now)
            return list(connection.scalars(select(agent.c.staff_number).where(agent.c.id == held.agent_id)))

    def meet(self, token: str, leg_token: str, now: datetime) -> bool:
        """A customer came into the conference of this telephone: its agent is theirs, whoever was set aside.

        False when the telephone is nobody's any more.
        """
        with self._database.write() as connection:
            mine = attempt.c.token == token
            row = connection.execute(select(attempt).where(mine).with_for_update()).one_or_none()
            key = connection.scalar(select(presence.c.agent_id).where(presence.c.leg_token == leg_token))
            if row is None or key is None:
                return False
            held = _held(connection, token, key)
            if held is not None and held.agent_id != key:
                _end(connection, held, Move.RELEASE, "the customer is with another agent", now)
            if (held is None or held.agent_id != key) and row.is_open:
                _give_way(connection, key, now)
                _hold(connection, key, token, row.campaign, now, state=HELD, lease=LEASE)
                named = select(agent.c.staff_number).where(agent.c.id == key).scalar_subquery()
                connection.execute(update(attempt).where(mine).values(agent=named))
            return True

    def parted(self, token: str, now: datetime) -> bool:
        """The customer and the agent are no longer in one conference, whatever the call is told to be later."""
        with self._database.write() as connection:
            _lock_attempt(connection, token)
            held = _held(connection, token)
            if held is None or held.state != CONNECTED:
                return False
            _end(connection, held, Move.HANG_UP, "the conversation ended", now)
            return True

    def renew(self, tokens: Collection[str], now: datetime) -> None:
        """Somebody still sees to these. Those that another one changes this moment are left out."""
        mine = select(reservation.c.id).where(reservation.c.attempt.in_(tokens), reservation.c.state != OVER)
        held = mine.order_by(reservation.c.id).with_for_update(skip_locked=True)
        with self._database.write() as connection:
            change = update(reservation).where(reservation.c.id.in_(held)).values(lease_until=now + LEASE)
            connection.execute(change)


def _first(
    connection: Connection, house: House, running: Sequence[str], taker: Taker, intention: Intention, now: datetime
) -> list[str]:
    for _ in range(5):  # the gate may turn candidates away that stood at the head
        ids = queue.claim(connection, running, 1, now, taker=taker)
        if not ids:
            return []
        tokens = intents.write(connection, house, ids, intention, now)
        if tokens:
            return tokens
    return []


def follow(connection: Connection, changes: Sequence[Told], now: datetime) -> None:
    """Let agents follow what became of their calls, in the transaction that learnt of it."""
    staffed = [one for one in changes if one.row.mode != Mode.AGENTLESS and (_joined(one) or _ended(one) or _done(one))]
    _lock_agents(connection, staffed)
    for one in staffed:
        if _joined(one) and one.after.is_open:
            _connect(connection, one.row, now)
        if _ended(one):
            for held in connection.execute(select(reservation).where(_standing(one.row.token))).all():
                what = Move.HANG_UP if held.state == CONNECTED else Move.RELEASE
                _end(connection, held, what, "the call is over", now, had_turn=one.after.skipped)
        if _done(one):
            _wrap(connection, one.row, now)


def _joined(one: Told) -> bool:
    return one.after.connected_at is not None and one.before.connected_at is None


def _ended(one: Told) -> bool:
    return one.before.is_open and not one.after.is_open


def _done(one: Told) -> bool:
    """Whether the agent has finished the record."""
    return one.after.wrapped_at is not None and one.before.wrapped_at is None


def _lock_agents(connection: Connection, changes: Sequence[Told]) -> None:
    """All agents whom these calls concern, at once, before any of them is moved."""
    if not changes:
        return
    tokens = [one.row.token for one in changes]
    held = select(reservation.c.agent_id).where(reservation.c.attempt.in_(tokens), reservation.c.state != OVER)
    named = select(agent.c.id).where(agent.c.staff_number.in_({one.row.agent for one in changes}))
    lock(connection, list(connection.scalars(held.union(named))))


def _lock_attempt(connection: Connection, token: str) -> None:
    connection.execute(select(attempt.c.token).where(attempt.c.token == token).with_for_update()).all()


def _held(connection: Connection, token: str, *keys: int) -> Row[Any] | None:
    """The reservation that stands for an attempt, with its agent locked, and those with `keys` as well.

    Another customer who came in may have ended it while its agent was waited for, so it is read again.
    """
    mine = select(reservation).where(_standing(token))
    found = connection.execute(mine).one_or_none()
    lock(connection, [*keys, *([found.agent_id] if found is not None else [])])
    return connection.execute(mine).one_or_none() if found is not None else None


def _connect(connection: Connection, row: Row[Any], now: datetime) -> None:
    held = connection.execute(select(reservation).where(_standing(row.token))).one_or_none()
    key = held.agent_id if held is not None else _agent_of(connection, row.agent)
    if key is None:
        return
    if held is None:  # given up by a lease that ran out, and then they met after all
        _give_way(connection, key, now)
        _hold(connection, key, row.token, row.campaign, now, state=CONNECTED, lease=LEASE)
        mine = _standing(row.token)
    else:
        mine = reservation.c.id == held.id
    change = {"state": CONNECTED, "connected_at": now, "lease_until": now + LEASE}
    connection.execute(update(reservation).where(mine).values(change))
    shift(connection, key, Move.CONNECT, now, attempt=row.token)


def _give_way(connection: Connection, key: int, now: datetime) -> None:
    """Whoever is in the room already is the agent's customer; the one they are set aside for needs another agent."""
    mine = (reservation.c.agent_id == key) & (reservation.c.state != OVER)
    for other in connection.execute(select(reservation).where(mine)).all():
        _end(connection, other, Move.RELEASE, "another customer is in the conference", now)


def _wrap(connection: Connection, row: Row[Any], now: datetime) -> None:
    """The record is finished: the agent who was finishing it is free. A record finished late concerns nobody."""
    key = _agent_of(connection, row.agent)
    if key is None:
        return
    last = select(reservation.c.attempt).where(reservation.c.agent_id == key).order_by(reservation.c.id.desc()).limit(1)
    if connection.scalar(last) == row.token:
        shift(connection, key, Move.WRAP, now, attempt=row.token)


def _agent_of(connection: Connection, staff_number: str) -> int | None:
    return connection.scalar(select(agent.c.id).where(agent.c.staff_number == staff_number)) if staff_number else None


def _has_one(connection: Connection, key: int) -> bool:
    mine = (reservation.c.agent_id == key) & (reservation.c.state != OVER)
    return connection.scalar(select(reservation.c.id).where(mine)) is not None


def _standing(token: str) -> Any:
    return (reservation.c.attempt == token) & (reservation.c.state != OVER)


def _hold(
    connection: Connection, key: int, token: str, campaign: str, now: datetime, *, state: str, lease: timedelta
) -> None:
    """Set an agent aside. The unique indexes are the fence: a second customer for one agent fails here."""
    values = {"agent_id": key, "attempt": token, "campaign": campaign, "state": state, "made_at": now, "why": ""}
    connection.execute(insert(reservation).values(values | {"lease_until": now + lease}))
    shift(connection, key, Move.RESERVE, now, attempt=token)


def _end(
    connection: Connection, held: Row[Any], what: Move, why: str, now: datetime, *, had_turn: bool = False
) -> None:
    change = update(reservation).where(reservation.c.id == held.id, reservation.c.state != OVER)
    if connection.execute(change.values(state=OVER, over_at=now, why=why)).rowcount:
        shift(connection, held.agent_id, what, now, attempt=held.attempt, had_turn=had_turn)


def _wants(connection: Connection, row: Row[Any]) -> Wants:
    columns = (callback.c.agent, callback.c.not_agents, customer.c.agent.label("own"), customer.c.language)
    query = select(*columns).join(customer, customer.c.id == callback.c.customer_id)
    found = connection.execute(query.where(callback.c.id == row.callback_id)).one()
    return Wants(row.campaign, found.agent or found.own, frozenset(found.not_agents or ()), found.language)
