"""Waiting callbacks are divided evenly by capacity, customers with an agent of their own stay theirs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from dialer.core.agent import Agent
from dialer.engine.divide import divide
from dialer.store import Deed
from tests.campaigns import NOW, customer, number
from tests.store.steps import crowd, enrol, people, rows, start

if TYPE_CHECKING:
    from dialer.store import Store

AGENTS = {"mode": "progressive", "divide": "evenly"}


def hire(store: Store, staff_number: str, **more: object) -> Agent:
    agent = replace(Agent(staff_number, f"Agent {staff_number}", address="sip:a@example.com"), **more)  # type: ignore[arg-type]
    store.agents.add(agent, NOW, Deed("test", "person.add", staff_number))
    return agent


def shares(store: Store) -> Counter[str]:
    return Counter(name for (name,) in rows(store, "SELECT agent FROM callback"))


def test_by_capacity(store: Store) -> None:
    hire(store, "1001")
    hire(store, "1002", capacity=3)
    people(store, *crowd(20))
    start(store, agents=AGENTS)
    enrol(store)
    assert divide(store, NOW) == 20
    assert shares(store) == {"1001": 5, "1002": 15}
    assert divide(store, NOW) == 0, "what is somebody's is left alone"
    store.callbacks.turn(NOW)
    assert Counter(name for (name,) in rows(store, "SELECT owner FROM queue")) == {"1001": 5, "1002": 15}


def test_what_is_the_customers_own_agents_stays_so(store: Store) -> None:
    hire(store, "1001")
    people(store, customer("C1", agent="1009"), customer("C2", number(2)))
    start(store, agents=AGENTS)
    enrol(store)
    assert divide(store, NOW) == 1
    assert shares(store) == {"": 1, "1001": 1}


def test_of_who_left_it_is_given_anew(store: Store) -> None:
    hire(store, "1001")
    people(store, *crowd(4))
    start(store, agents=AGENTS)
    enrol(store)
    divide(store, NOW)
    hire(store, "1002")
    store.agents.change(Agent("1001", "Agent 1001", active=False), NOW, Deed("test", "person.change", "1001"))
    assert divide(store, NOW) == 4
    assert shares(store) == {"1002": 4}


def test_only_among_those_who_may_take_the_calls(store: Store) -> None:
    hire(store, "1001", languages=("zh-CN",))
    hire(store, "1002", languages=("en-GB",))
    people(store, *crowd(3))
    start(store, agents=AGENTS)
    enrol(store)
    divide(store, NOW)
    assert shares(store) == {"1002": 3}


def test_where_a_campaign_does_not_say_so_nothing_is_divided(store: Store) -> None:
    hire(store, "1001")
    people(store, *crowd(3))
    start(store, agents={"mode": "progressive"})
    enrol(store)
    assert divide(store, NOW) == 0
    assert shares(store) == {"": 3}
