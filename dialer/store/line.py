"""The line of those who may be called now: who is first for whom, without reading all of a line that is others'."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, column, func, select

from dialer.store.belonging import Taker, fits, is_free
from dialer.store.tables import QueueRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Select

LOOKED_AT = 1000
"""So far down a line somebody looks for whatever is free; what is nobody's or their own they find anywhere."""

STEPS, OWNERS, EACH = 1000, 200, 5
"""When that was too little, an agent looks at the lines of others: among so many owners at the lines of so many, those
who are not there first, and at so many at the head of each."""

row = QueueRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it


def heads(
    connection: Connection,
    campaigns: Sequence[str],
    limit: int,
    now: datetime,
    *,
    vip_only: bool = False,
    taker: Taker | None = None,
    lock: bool = False,
) -> list[int]:
    """The first `limit` callbacks of the `campaigns`, in order; with a `taker`, only what it may take."""
    found: set[tuple[datetime, int]] = set()
    for name in campaigns:

        def first(*which: Any) -> set[tuple[datetime, int]]:
            query = _in_order().where(*which, row.c.closes_at > now, *([row.c.vip] if vip_only else [])).limit(limit)
            query = query.with_for_update(skip_locked=True) if lock else query
            return {(one.rank_at, one.callback_id) for one in connection.execute(query)}

        line = (row.c.campaign == name, row.c.ready)
        if taker is None:
            found |= first(*line)
            continue
        one_by_one = taker.gets_one_by_one(name)
        fitting = fits(taker.me, one_by_one=one_by_one)
        near = (*line, row.c.agent_first) if one_by_one else line
        free = first(_among(LOOKED_AT, *near), is_free(taker, now), *fitting)
        if len(free) < limit:
            parts = [[*line, row.c.owner == owner] for owner in (*taker.me, "")]
            parts = [[_among(LOOKED_AT, *part)] for part in parts[:-1]] if one_by_one else parts
            if taker.me and (others := _of_others(connection, name, taker, now)):
                parts.append([row.c.callback_id.in_(others)])
            free = free.union(*(first(*part, *fitting) for part in parts))
        found |= free
    return [callback_id for _, callback_id in sorted(found)[:limit]]


def _among(many: int, *line: Any) -> Any:
    """Being one of the first so many of a line."""
    return row.c.callback_id.in_(_in_order(row.c.callback_id).where(*line).limit(many))


def _of_others(connection: Connection, campaign: str, taker: Taker, now: datetime) -> list[int]:
    """The first callback of each owner that is free because they are not there, or because their time has passed."""
    query = _heads_of_others(taker.me, (OWNERS, EACH), one_by_one=taker.gets_one_by_one(campaign))
    about = {"campaign": campaign, "now": now, "there": [*taker.on_shift, *taker.me]}
    return [one for one in connection.scalars(query, about) if one is not None]


@lru_cache(maxsize=256)
def _heads_of_others(me: tuple[str, ...], most: tuple[int, int], *, one_by_one: bool) -> Select[Any]:
    """One step along the index finds the next owner, however many callbacks each has.

    A promise that is not anybody's yet is left out: it stands at the head of the whole line. Building this statement
    takes longer than answering it, so it is kept.
    """
    now, theirs = bindparam("now", type_=row.c.opens_at.type), row.alias("theirs")
    there: Any = bindparam("there", expanding=True)
    owners = _owners().order_by(column("owner").in_(there)).limit(most[0]).subquery("looked_at")
    line = select(theirs.c.callback_id).where(*_line_of(theirs), theirs.c.owner == owners.c.owner)
    line = line.order_by(theirs.c.rank_at, theirs.c.callback_id).limit(most[1]).correlate(owners)
    free = (row.c.anyone_at <= now) | (row.c.team_at.is_(None) & row.c.owner.not_in(there))
    mine = [row.c.closes_at > now, free, *fits(me, one_by_one=one_by_one)]
    head = _in_order(row.c.callback_id).where(row.c.callback_id.in_(line), *mine).limit(1).correlate(owners)
    return select(head.scalar_subquery()).select_from(owners)


def _owners() -> Select[Any]:
    """The owners in a campaign's line, but no more than so many: a file may name somebody else for each customer."""
    following = row.alias("following")
    first = select(func.min(row.c.owner).label("owner")).where(*_line_of(row), row.c.owner > "")
    found = first.cte("owners", recursive=True)
    step = select(func.min(following.c.owner)).where(*_line_of(following), following.c.owner > found.c.owner)
    rest = select(step.correlate(found).scalar_subquery()).where(found.c.owner.is_not(None))
    found = found.union_all(rest)
    some = select(found.c.owner).where(found.c.owner.is_not(None)).limit(STEPS).subquery("some")
    return select(some.c.owner)


def _line_of(of: Any) -> list[Any]:
    return [of.c.campaign == bindparam("campaign"), of.c.ready]


def _in_order(*columns: Any) -> Select[Any]:
    return select(*(columns or (row.c.rank_at, row.c.callback_id))).order_by(row.c.rank_at, row.c.callback_id)
