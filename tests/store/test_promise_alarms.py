"""A promised call that no agent makes becomes a task before it is missed, once, for whoever gave their word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.core.promise import Reading
from dialer.store import Wanted
from dialer.store.tasks import PROMISE
from tests.campaigns import NOW, customer
from tests.store.steps import HOUR, MINUTE, enrol, people, rows, start

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.store import Store

AT = NOW + 2 * HOUR
STAFFED = {"mode": "progressive", "belongs": {"agent": "5 min", "team": "5 min", "alarm": "5 min"}}


def promised(store: Store, agent: str = "1001", **changes: object) -> None:
    people(store, customer("C1"))
    start(store, **{"agents": STAFFED} | changes)  # type: ignore[arg-type]
    enrol(store)
    (key,) = (key for (key,) in rows(store, "SELECT id FROM callback"))
    wall = AT.replace(tzinfo=None)
    store.promises.make(Wanted(key, AT, wall, "Europe/London", Reading.EXACT, "agent", agent, ""), NOW)


def alarms(store: Store, at: datetime) -> list[tuple[str, str]]:
    store.callbacks.turn(at)
    return [
        (one.person, one.state) for one in store.tasks.find(states=("open", "taken", "done")) if one.kind == PROMISE
    ]


def test_shortly_before_the_tolerance_ends(store: Store) -> None:
    promised(store)
    assert alarms(store, AT + 9 * MINUTE) == []
    assert [state for _, state in alarms(store, AT + 10 * MINUTE)] == ["open"]


def test_only_once(store: Store) -> None:
    promised(store)
    (_,) = alarms(store, AT + 10 * MINUTE)
    (task,) = (one for one in store.tasks.find() if one.kind == PROMISE)
    store.tasks.take(task.id, "1002", AT + 11 * MINUTE)
    assert len(alarms(store, AT + 12 * MINUTE)) == 1


def test_not_where_the_machine_talks(store: Store) -> None:
    promised(store, agents=None)
    assert alarms(store, AT + 12 * MINUTE) == []
