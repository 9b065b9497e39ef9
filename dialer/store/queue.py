"""The queue: who waits, since when, and in which stretch of time they may be called.

A row is in the queue exactly while its callback waits. The stretch is an accelerator and never the authority: the gate
decides again when the row is claimed and once more before the call is sent.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dialer.core import duty, priority
from dialer.core.admission import Refuse, Wait, holds
from dialer.core.record import CallbackState, Reason
from dialer.store import promises, tasks
from dialer.store.belonging import ownership
from dialer.store.line import heads
from dialer.store.tables import CallbackRow, QueueRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from dialer.core.admission import Decision, Dial, House
    from dialer.store.belonging import Taker
    from dialer.store.proposals import Candidate

UNTIL_A_PERSON_SAYS = (Reason.NEEDS_HUMAN.value, Reason.STOPPED.value, Reason.UNCLEAR_TIME.value)
"""Reasons to hold that the gate does not know of: it would call again at once."""

PLACE = (
    "ready",
    "vip",
    "opens_at",
    "closes_at",
    "alarm_at",
    "rank_at",
    "agent_first",
    "owner",
    "not_for",
    "team_at",
    "anyone_at",
)
"""What changes when a callback that waits is decided anew."""

row = QueueRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
callback = CallbackRow.__table__  # type: ignore[attr-defined]


def put(connection: Connection, house: House, decided: Sequence[tuple[Candidate, Decision]], now: datetime) -> None:
    """Let each callback wait for its stretch, or hold or close it when the gate refused for good.

    What is held becomes a task for a person in the same transaction.
    """
    waiting, refused, needs = [], [], []
    for candidate, decision in decided:
        if isinstance(decision, Refuse):
            refused.append(_refusal(candidate, decision, now))
            if holds(decision.reason, candidate.proposal.customer):
                needs.append(need(candidate, decision.reason, decision.note))
        else:
            waiting.append(_place(candidate, house, decision, now))
    if waiting:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        statement = dialect.insert(row)
        changes = {name: statement.excluded[name] for name in PLACE}
        connection.execute(statement.on_conflict_do_update(index_elements=[row.c.callback_id], set_=changes), waiting)
        explained = [
            {"key": candidate.callback_id, "note": _why_not_now(decision)}
            for candidate, decision in decided
            if isinstance(decision, Wait)
        ]
        if explained:
            _change(connection, explained)
    if refused:
        ids = [one["key"] for one in refused]
        take_out(connection, ids)
        _change(connection, refused)
        closed = [one["key"] for one in refused if one["closed_at"] is not None]
        promises.settle(connection, closed, promises.VOID, now)
        tasks.withdraw(connection, closed, now, "the callback was closed")
        tasks.ask(connection, house, needs, now)


def need(candidate: Candidate, reason: Reason, note: str) -> tasks.Need:
    """A held callback as a task for a person."""
    return tasks.Need(candidate.callback_id, reason.value, note, candidate.proposal.campaign.why_now.person)


def _place(candidate: Candidate, house: House, decision: Dial | Wait, now: datetime) -> dict[str, Any]:
    proposal = candidate.proposal
    vip, left, until = proposal.customer.is_vip, candidate.row.cb_slack_seconds, candidate.row.cb_deadline_at
    slack = None if left is None else timedelta(seconds=left)
    since = proposal.not_before or max(candidate.row.cb_due_at, proposal.enrolled)
    head_start = proposal.campaign.priority.head_start(proposal.customer.tier)
    opens = decision.opening.start
    return {
        "callback_id": candidate.callback_id,
        "campaign": proposal.campaign.id,
        "ready": opens <= now < decision.opening.end,
        "vip": vip,
        "opens_at": opens,
        "closes_at": decision.opening.end,
        "alarm_at": duty.alarm(proposal, house, now, until) if vip and now < until else None,
        "rank_at": priority.rank(since, head_start, promised=proposal.promised, slack=slack),
        **ownership(candidate, opens),
    }


def _why_not_now(decision: Wait) -> str:
    return "; ".join(dict.fromkeys(rule.reason for rule in decision.rules if not rule.passed))


def _refusal(candidate: Candidate, decision: Refuse, now: datetime) -> dict[str, Any]:
    held = holds(decision.reason, candidate.proposal.customer)
    return {
        "key": candidate.callback_id,
        "state": (CallbackState.HELD if held else CallbackState.CLOSED).value,
        "reason": decision.reason.value,
        "note": decision.note,
        "closed_at": None if held else now,
    }


def _change(connection: Connection, changes: Sequence[dict[str, Any]]) -> None:
    names = [name for name in changes[0] if name != "key"]
    statement = update(callback).where(callback.c.id == bindparam("key"))
    rows = [{"key": one["key"]} | {f"new_{name}": one[name] for name in names} for one in changes]
    connection.execute(statement.values({name: bindparam(f"new_{name}") for name in names}), rows)


def take_out(connection: Connection, ids: Sequence[int]) -> list[int]:
    """These callbacks wait no longer; those that did until now. Whoever takes a row out decides what comes next."""
    return list(connection.scalars(delete(row).where(row.c.callback_id.in_(ids)).returning(row.c.callback_id)))


def look_again(connection: Connection, ids: Sequence[int], now: datetime, *, by_person: bool = False) -> None:
    """Facts about these callbacks changed: the next `turn` asks the gate about them anew, those held included.

    What is held for another reason than the gate's own goes on only when a person says so (`by_person`), or to be
    closed.
    """
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        back = {"state": CallbackState.WAITING.value, "reason": None, "note": ""}
        held = update(callback).where(callback.c.id.in_(part), callback.c.state == CallbackState.HELD).values(back)
        if not by_person:
            held = held.where(callback.c.reason.not_in(UNTIL_A_PERSON_SAYS))
        revived = [
            {
                "callback_id": one.id,
                "campaign": one.campaign,
                "ready": False,
                "vip": False,
                "opens_at": now,
                "closes_at": now,
                "rank_at": now,
            }
            for one in connection.execute(held.returning(callback.c.id, callback.c.campaign))
        ]
        if revived:
            connection.execute(insert(row), revived)
            tasks.withdraw(connection, [one["callback_id"] for one in revived], now, "the dialer goes on")
        connection.execute(update(row).where(row.c.callback_id.in_(part)).values(ready=False, closes_at=now))


def look_again_at_campaign(connection: Connection, campaign: str, now: datetime) -> None:
    """The campaign says something else now: the next turns ask the gate about all that wait in it or are held."""
    held = select(callback.c.id).where(callback.c.campaign == campaign, callback.c.state == CallbackState.HELD)
    look_again(connection, list(connection.scalars(held)), now)
    connection.execute(update(row).where(row.c.campaign == campaign).values(ready=False, closes_at=now))


def open_stretches(connection: Connection, now: datetime) -> int:
    """Let everybody whose stretch has begun stand in line; how many. One statement, no rows are read out."""
    begun = (~row.c.ready) & (row.c.opens_at <= now) & (row.c.closes_at > now)
    return connection.execute(update(row).where(begun).values(ready=True)).rowcount


def stretches_over(connection: Connection, now: datetime, limit: int) -> list[int]:
    """Callbacks whose stretch has ended, or about which something changed, locked for this transaction."""
    query = select(row.c.callback_id).where(row.c.closes_at <= now).order_by(row.c.closes_at).limit(limit)
    return list(connection.scalars(query.with_for_update(skip_locked=True)))


def alarms(connection: Connection, now: datetime, limit: int) -> list[int]:
    """VIPs whose time before the deadline runs out; each is told once for every place it has in the queue."""
    due = select(row.c.callback_id).where(row.c.alarm_at <= now).order_by(row.c.alarm_at).limit(limit)
    rung = update(row).where(row.c.callback_id.in_(due)).values(alarm_at=None)
    return list(connection.scalars(rung.returning(row.c.callback_id)))


def claim(
    connection: Connection,
    campaigns: Sequence[str],
    limit: int,
    now: datetime,
    *,
    vip_only: bool = False,
    taker: Taker | None = None,
) -> list[int]:
    """Take the first `limit` callbacks of the running `campaigns` out of the queue, in order.

    With a `taker`, only what it may take.

    The delete is the compare-and-set: whoever deletes a row owns it. Where several nodes share a database the rows are
    locked while being looked at, so that nobody waits for rows another is taking.
    """
    wanted = heads(connection, campaigns, limit, now, vip_only=vip_only, taker=taker, lock=True)
    if not wanted:
        return []
    won = delete(row).where(row.c.callback_id.in_(wanted)).returning(row.c.callback_id)
    taken = set(connection.scalars(won))
    return [one for one in wanted if one in taken]
