"""Who is signed in: sessions live here and not in the browser, so that they can be taken back at once."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from dialer.store import audit_trail
from dialer.store.agent_tables import AgentRow, SessionRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from dialer.store.agents import Member
    from dialer.store.audit_trail import Deed
    from dialer.store.database import Database

session = SessionRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
agent = AgentRow.__table__  # type: ignore[attr-defined]

TOUCH_EVERY = timedelta(minutes=1)
"""How exactly it is kept when a session was last used; a write for every request would buy nothing."""

KEPT = timedelta(days=30)
"""How long a session is kept after its end."""

_RANDOM = 32
"""Bytes of a token: nobody guesses one."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in. `digest` is what is kept of the token that the browser holds."""

    digest: str
    agent_id: int
    csrf: str
    made_at: datetime
    seen_at: datetime
    ends_at: datetime


def digest_of(token: str) -> str:
    """What is kept of a token: whoever reads the database cannot use it."""
    return hashlib.sha256(token.encode()).hexdigest()


def revoke_all(connection: Connection, agent_id: int, by: str, now: datetime, *, keep: str = "") -> int:
    """End every session of a person but `keep`; how many there were."""
    mine = (session.c.agent_id == agent_id) & session.c.revoked_at.is_(None) & (session.c.digest != keep)
    return connection.execute(update(session).where(mine).values(revoked_at=now, revoked_by=by)).rowcount


def _is_as_verified(connection: Connection, member: Member) -> bool:
    """Whether they may sign in with the hash that `member` has. Their row is locked: until the end it stays so."""
    same = (agent.c.id == member.id) & agent.c.active & (agent.c.password == member.password)
    row = select(agent.c.id).where(same, agent.c.password != "").with_for_update(read=True)
    return connection.scalar(row) is not None


class Sessions:
    """The sessions of the console."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, member: Member, now: datetime, lasts: timedelta, deed: Deed) -> str | None:
        """Begin a session that ends after `lasts` whatever happens; the token for the browser.

        None when `member`, as they were when their password was found right, is the past by now: they left, or that
        password is no longer theirs. Whoever changes one of these ends all sessions, and this would be one more.
        Sessions of theirs that ended long ago go at this occasion.
        """
        token = secrets.token_urlsafe(_RANDOM)
        values = {"digest": digest_of(token), "agent_id": member.id, "csrf": secrets.token_urlsafe(_RANDOM)}
        times = {"made_at": now, "seen_at": now, "ends_at": now + lasts, "revoked_by": ""}
        over = (session.c.agent_id == member.id) & (session.c.ends_at < now - KEPT)
        with self._database.write() as connection:
            if not _is_as_verified(connection, member):
                return None
            connection.execute(delete(session).where(over))
            connection.execute(insert(session).values(values | times))
            audit_trail.write(connection, deed, now)
        return token

    def find(self, token: str, now: datetime, idle: timedelta, *, touch: bool = True) -> Session | None:
        """The session of a token, or None: unknown, over, revoked, unused for `idle`, or of somebody who left.

        It counts as used now if `touch`.
        """
        joined = session.join(agent, agent.c.id == session.c.agent_id)
        holds = (session.c.digest == digest_of(token)) & session.c.revoked_at.is_(None) & agent.c.active
        with self._database.read() as connection:
            row = connection.execute(select(session).select_from(joined).where(holds)).one_or_none()
        if row is None or now >= row.ends_at or now - row.seen_at >= idle:
            return None
        if touch and now - row.seen_at >= TOUCH_EVERY:
            with self._database.write() as connection:
                connection.execute(update(session).where(session.c.digest == row.digest).values(seen_at=now))
        return Session(row.digest, row.agent_id, row.csrf, row.made_at, row.seen_at, row.ends_at)

    def of(self, agent_id: int, now: datetime, idle: timedelta) -> Sequence[Session]:
        """The sessions of a person that can still be used, the latest used first."""
        query = select(session).where(session.c.agent_id == agent_id, session.c.revoked_at.is_(None))
        open_ = query.where(session.c.ends_at > now, session.c.seen_at > now - idle)
        with self._database.read() as connection:
            rows = connection.execute(open_.order_by(session.c.seen_at.desc(), session.c.digest)).all()
        return [Session(r.digest, r.agent_id, r.csrf, r.made_at, r.seen_at, r.ends_at) for r in rows]

    def revoke(self, digest: str, agent_id: int, now: datetime, deed: Deed) -> bool:
        """End one session of this person; False when it is over or not theirs."""
        mine = (session.c.digest == digest) & (session.c.agent_id == agent_id) & session.c.revoked_at.is_(None)
        with self._database.write() as connection:
            ended = update(session).where(mine).values(revoked_at=now, revoked_by=deed.by)
            done = connection.execute(ended).rowcount > 0
            if done:
                audit_trail.write(connection, deed, now)
        return done

    def revoke_everywhere(self, agent_id: int, now: datetime, deed: Deed, *, keep: str = "") -> int:
        """End all sessions of a person but the one with the digest `keep`; how many there were."""
        with self._database.write() as connection:
            ended = revoke_all(connection, agent_id, deed.by, now, keep=keep)
            audit_trail.write(connection, deed, now)
        return ended
