"""Campaigns: the versions a file has had, and whether each campaign runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from sqlalchemy import Interval, String, func, insert, literal, select, update

from dialer.core.campaign import Campaign
from dialer.core.record import CallbackState
from dialer.errors import NotFoundError, StoreError
from dialer.store import queue, tasks
from dialer.store.tables import CallbackRow, CampaignRow, CampaignVersionRow, QueueRow, TaskRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from dialer.store.database import Database

campaign = CampaignRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
campaign_version = CampaignVersionRow.__table__  # type: ignore[attr-defined]
callback = CallbackRow.__table__  # type: ignore[attr-defined]
task = TaskRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Standing:
    """A campaign in force: what it says, under which version, and whether it runs."""

    campaign: Campaign
    version: str
    paused: bool
    pause_reason: str
    applied: datetime


class Campaigns:
    """The campaigns in force."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def apply(self, name: str, version: str, document: Mapping[str, Any], now: datetime) -> bool:
        """Put a version in force at once; False when it was already. What waits is looked at anew under it."""
        with self._database.write() as connection:
            old = connection.scalar(select(campaign.c.version).where(campaign.c.id == name))
            if old == version:
                return False
            if old is None:
                connection.execute(
                    insert(campaign).values(id=name, version=version, applied_at=now, paused=False, pause_reason="")
                )
            else:
                change = {"version": version, "applied_at": now}
                connection.execute(update(campaign).where(campaign.c.id == name).values(change))
            key = (campaign_version.c.campaign == name) & (campaign_version.c.version == version)
            if connection.scalar(select(campaign_version.c.version).where(key)) is None:
                row = {"campaign": name, "version": version, "document": dict(document), "applied_at": now}
                connection.execute(insert(campaign_version).values(row))
            deadline = read_version(connection, name, version).why_now.deadline
            queue.look_again_at_campaign(connection, name, now)  # locks the queue's rows first, as claims do
            if old is not None and deadline != _deadline(connection, name, old):
                _set_deadlines(connection, name, deadline, now)
        return True

    def pause(self, name: str, reason: str) -> None:
        """No call of this campaign starts from now on; calls in flight go on."""
        self._set_paused(name, paused=True, reason=reason)

    def resume(self, name: str) -> None:
        """The campaign's calls start again."""
        self._set_paused(name, paused=False, reason="")

    def _set_paused(self, name: str, *, paused: bool, reason: str) -> None:
        change = update(campaign).where(campaign.c.id == name).values(paused=paused, pause_reason=reason)
        with self._database.write() as connection:
            if connection.execute(change).rowcount == 0:
                raise NotFoundError(
                    f"no campaign {name!r} has been applied; `dialer campaigns list` shows those that have"
                )

    def all(self) -> Sequence[Standing]:
        """Every campaign that was ever applied, by name."""
        with self._database.read() as connection:
            return list(standings(connection).values())

    def get(self, name: str) -> Standing:
        """One campaign; NotFoundError when it was never applied."""
        with self._database.read() as connection:
            found = standings(connection).get(name)
        if found is None:
            raise NotFoundError(f"no campaign {name!r} has been applied; `dialer campaigns list` shows those that have")
        return found

    def version(self, name: str, version: str) -> Campaign:
        """What the campaign said under `version`."""
        with self._database.read() as connection:
            return read_version(connection, name, version)

    def waiting(self) -> Mapping[str, int]:
        """How many callbacks stand in the queue, per campaign."""
        row = QueueRow.__table__  # type: ignore[attr-defined]
        with self._database.read() as connection:
            return dict(connection.execute(select(row.c.campaign, func.count()).group_by(row.c.campaign)).all())


def standings(connection: Connection) -> dict[str, Standing]:
    """The campaigns in force, as this transaction sees them."""
    rows = connection.execute(select(campaign).order_by(campaign.c.id)).all()
    return {
        row.id: Standing(
            read_version(connection, row.id, row.version), row.version, row.paused, row.pause_reason, row.applied_at
        )
        for row in rows
    }


def _deadline(connection: Connection, name: str, version: str) -> timedelta | None:
    """How long after the reason to call a version wanted the call; None when this program cannot read that version."""
    try:
        return read_version(connection, name, version).why_now.deadline
    except StoreError:
        return None


def _set_deadlines(connection: Connection, name: str, deadline: timedelta, now: datetime) -> None:
    """Give what waits or is held the new deadline, in one statement; the next turn reckons the slack and a preset's.

    It also asks people anew about deadlines at risk that nobody has taken.
    """
    due = callback.c.due_at
    if connection.dialect.name == "sqlite":  # which keeps instants as text with six digits after the second
        seconds = f"+{int(deadline.total_seconds())} seconds"
        until: Any = func.strftime("%Y-%m-%d %H:%M:%f", due, seconds, type_=String()) + "000"
    else:
        until = due + literal(deadline, Interval())
    mine = callback.c.state.in_([CallbackState.WAITING, CallbackState.HELD]) & (callback.c.campaign == name)
    connection.execute(update(callback).where(mine).values(deadline_at=until, slack_seconds=None))
    untaken = (task.c.campaign == name) & (task.c.kind == tasks.DEADLINE) & (task.c.state == tasks.OPEN)
    afraid = list(connection.scalars(select(task.c.callback_id).where(untaken)))
    tasks.withdraw(connection, afraid, now, "the campaign has another deadline", kind=tasks.DEADLINE)


_parsed: dict[tuple[str, str], Campaign] = {}


def read_version(connection: Connection, name: str, version: str) -> Campaign:
    """A version by its content hash; parsed once, since a version never changes."""
    if (name, version) not in _parsed:
        key = (campaign_version.c.campaign == name) & (campaign_version.c.version == version)
        document = connection.scalar(select(campaign_version.c.document).where(key))
        if document is None:
            raise NotFoundError(f"campaign {name!r} has no version {version!r}")
        try:
            _parsed[name, version] = Campaign.model_validate(document)
        except ValidationError as error:
            words = f"campaign {name!r} was applied by another version of this program, and this one cannot read it"
            raise StoreError(f"{words}; apply its file again with `dialer campaigns apply`") from error
    return _parsed[name, version]


def pause_for_fault(connection: Connection, names: Mapping[str, str]) -> None:
    """Pause campaigns whose calls the carrier refuses for a reason a person must mend: name -> reason."""
    for name, reason in names.items():
        connection.execute(
            update(campaign).where(campaign.c.id == name, ~campaign.c.paused).values(paused=True, pause_reason=reason)
        )
