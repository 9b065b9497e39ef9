"""People who work here: added with their presence, changed with their line in the trail, never without a manager."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from dialer.core.agent import Agent, Role
from dialer.errors import InputError, NotFoundError
from dialer.store import Deed, LastManagerError
from dialer.store.agents import presence
from tests.campaigns import NOW

if TYPE_CHECKING:
    from dialer.store import Store

DEED = Deed("1001", "person.test", "2001")
LI = Agent(
    "2001",
    "Li Na",
    Role.AGENT,
    address="+442079460001",
    languages=("zh-CN", "en"),
    skills=frozenset({"loans", "cards"}),
    teams=frozenset({"north"}),
    capacity=3,
)
BOSS = Agent("1001", "Wang", Role.MANAGER)


def actions(store: Store) -> list[str]:
    return [one.deed.action for one in store.audit.latest()]


def test_somebody_added_is_found_as_they_are_and_stands_offline(store: Store) -> None:
    made = store.agents.add(LI, NOW, DEED, password="a hash", must_change=True)
    assert store.agents.get("2001") == store.agents.by_id(made.id) == made
    assert (made.agent, made.password, made.must_change) == (LI, "a hash", True)
    assert "a hash" not in repr(made)
    with store.database.read() as connection:
        (row,) = connection.execute(presence.select()).all()
    assert (row.agent_id, row.state, row.since, row.leg) == (made.id, "offline", NOW, "none")
    assert store.agents.get("2002") is store.agents.by_id(made.id + 1) is None


def test_a_staff_number_is_never_given_twice(store: Store) -> None:
    store.agents.add(LI, NOW, DEED)
    store.agents.change(replace(LI, active=False), NOW, DEED)
    with pytest.raises(InputError, match="2001 is taken"):
        store.agents.add(replace(LI, name="Other"), NOW, DEED)
    assert len(actions(store)) == 2


def test_the_list_is_by_staff_number_and_of_whom_one_asks_for(store: Store) -> None:
    for agent in (LI, BOSS, Agent("2000", "Left", active=False)):
        store.agents.add(agent, NOW, DEED)
    numbers = [one.agent.staff_number for one in store.agents.all()]
    assert numbers == ["1001", "2001"]
    assert [one.agent.staff_number for one in store.agents.all(active=None)] == ["1001", "2000", "2001"]
    assert [one.agent.staff_number for one in store.agents.all(active=False)] == ["2000"]
    assert [one.agent.staff_number for one in store.agents.all(role=Role.MANAGER)] == ["1001"]


def test_a_change_replaces_what_is_known_and_nothing_else(store: Store) -> None:
    store.agents.add(LI, NOW, DEED, password="a hash")
    other = replace(LI, name="Li Na 2", address="sip:li@example.com", skills=frozenset(), capacity=1)
    store.agents.change(other, NOW, DEED)
    store.agents.set_language("2001", "zh-CN", NOW, DEED)
    found = store.agents.get("2001")
    assert found is not None
    assert (found.agent, found.password, found.screen_language) == (other, "a hash", "zh-CN")
    with pytest.raises(NotFoundError):
        store.agents.change(BOSS, NOW, DEED)
    with pytest.raises(NotFoundError):
        store.agents.set_password("1001", "x", NOW, DEED, must_change=False)
    assert len(actions(store)) == 3


def test_the_last_active_manager_stays_and_the_trail_says_nothing(store: Store) -> None:
    store.agents.add(BOSS, NOW, DEED)
    store.agents.add(Agent("1002", "Left", Role.MANAGER, active=False), NOW, DEED)
    for less in (replace(BOSS, active=False), replace(BOSS, role=Role.TEAM_LEAD)):
        with pytest.raises(LastManagerError):
            store.agents.change(less, NOW, DEED)
    assert len(actions(store)) == 2
    store.agents.change(replace(BOSS, name="Wang 2"), NOW, DEED)
    store.agents.add(Agent("1003", "Next", Role.MANAGER), NOW, DEED)
    store.agents.change(replace(BOSS, role=Role.AGENT), NOW, DEED)


def test_two_managers_who_demote_each_other_leave_one(store: Store) -> None:
    pair = [BOSS, Agent("1002", "Zhao", Role.MANAGER)]
    for one in pair:
        store.agents.add(one, NOW, DEED)
    both = Barrier(2)

    def demote(one: Agent) -> bool:
        both.wait()
        try:
            store.agents.change(replace(one, role=Role.AGENT), NOW, DEED)
        except LastManagerError:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(demote, pair)) == [False, True]
    assert len(store.agents.all(role=Role.MANAGER)) == 1


def test_who_leaves_or_gets_a_new_password_is_signed_out(store: Store) -> None:
    made, hour = store.agents.add(LI, NOW, DEED, password="a hash"), timedelta(hours=1)
    kept, other = (store.sessions.open(made, NOW, hour, DEED) or "" for _ in range(2))
    session = store.sessions.find(kept, NOW, hour)
    assert session is not None
    store.agents.set_password("2001", "new", NOW, DEED, must_change=False, keep=session.digest)
    assert store.sessions.find(kept, NOW, hour) is not None
    assert store.sessions.find(other, NOW, hour) is None
    store.agents.change(replace(LI, active=False), NOW, DEED)
    assert store.sessions.find(kept, NOW, hour) is None


def test_a_change_leaves_alone_what_others_changed_meanwhile(store: Store) -> None:
    made = store.agents.add(LI, NOW, DEED)
    store.agents.change(replace(LI, active=False), NOW, DEED, before=LI)
    store.agents.change(replace(LI, capacity=5, teams=frozenset({"south"})), NOW, DEED, before=LI)
    store.agents.change(replace(LI, name="Li Na 2"), NOW, DEED, before=LI)
    found = store.agents.by_id(made.id)
    assert found is not None
    assert found.agent == replace(LI, name="Li Na 2", capacity=5, teams=frozenset({"south"}), active=False)


def test_the_last_manager_stays_whatever_one_had_looked_at(store: Store) -> None:
    store.agents.add(BOSS, NOW, DEED)
    for less in (replace(BOSS, active=False), replace(BOSS, role=Role.AGENT)):
        with pytest.raises(LastManagerError):
            store.agents.change(less, NOW, DEED, before=BOSS)
    store.agents.change(replace(BOSS, name="Wang 2"), NOW, DEED, before=BOSS)


def test_a_password_replaces_only_the_one_that_was_typed_before_it(store: Store) -> None:
    made, hour = store.agents.add(LI, NOW, DEED, password="old"), timedelta(hours=1)
    store.sessions.open(made, NOW, hour, DEED)
    before = actions(store)
    assert not store.agents.set_password("2001", "mine", NOW, DEED, must_change=False, before="older")
    assert store.agents.by_id(made.id) == made
    assert len(store.sessions.of(made.id, NOW, hour)) == 1
    assert actions(store) == before
    assert store.agents.set_password("2001", "mine", NOW, DEED, must_change=False, before="old")
    assert store.sessions.of(made.id, NOW, hour) == []


def test_a_hash_is_renewed_only_while_it_is_the_same_password(store: Store) -> None:
    made = store.agents.add(LI, NOW, DEED, password="old")
    store.agents.renew_hash(made.id, "another", "new")
    assert store.agents.by_id(made.id) == made
    store.agents.renew_hash(made.id, "old", "new")
    found = store.agents.by_id(made.id)
    assert found is not None
    assert found.password == "new"
