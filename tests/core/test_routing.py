"""Who gets whom, and how callbacks are divided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.agent import Agent
from dialer.core.routing import EARLIEST, Wants, choose, divide
from dialer.core.staffing import Staffing
from tests.campaigns import NOW

ANYBODY = Staffing()


@dataclass(frozen=True)
class Free:
    """An agent who waits."""

    agent: Agent
    idle_since: datetime | None = NOW


def wants(**changes: Any) -> Wants:
    values: dict[str, Any] = {"campaign": "survey", "owner": "", "unwelcome": frozenset(), "language": ""}
    return Wants(**values | changes)


def free(staff_number: str, idle: int = 0, **about: Any) -> Free:
    return Free(Agent(staff_number, f"Name {staff_number}", **about), NOW - timedelta(minutes=idle))


def chosen(customer: Wants, *agents: Free, staffing: Staffing = ANYBODY, language: str = "en") -> str | None:
    found = choose(staffing, language, customer, agents)
    return found.agent.staff_number if found else None


def test_the_longest_idle_and_then_the_smaller_staff_number() -> None:
    assert chosen(wants(), free("101", 1), free("102", 5), free("103", 5)) == "102"
    assert chosen(wants(), free("101", 1), Free(Agent("109", "New"), None)) == "109"
    assert chosen(wants()) is None


def test_the_customers_own_agent_goes_before_all() -> None:
    others = (free("101", 9, languages=("fr",)), free("102", 1))
    assert chosen(wants(owner="102"), *others) == "102"
    assert chosen(wants(owner="Name 102"), *others) == "102"
    assert chosen(wants(owner="777"), *others, language="fr") == "101"


def test_who_speaks_the_customers_language_goes_before_who_waited_longer() -> None:
    pair = (free("101", 9, languages=("en",)), free("102", 1, languages=("en", "pl")))
    assert chosen(wants(language="pl"), *pair) == "102"
    assert chosen(wants(language="de"), *pair) == "101"
    assert chosen(wants(), *pair) == "101"


def test_who_may_not_take_the_call_does_not_get_it() -> None:
    assert chosen(wants(owner="101", unwelcome=frozenset({"101"})), free("101", 9), free("102")) == "102"
    assert chosen(wants(owner="101"), free("101", 9, languages=("fr",)), free("102"), language="en") == "102"
    assert chosen(wants(), free("101", active=False)) is None
    skilled = Staffing(skills=("claims",), teams=("north",))
    assert chosen(wants(), free("101", teams=frozenset({"north"})), staffing=skilled) is None
    able = free("103", teams=frozenset({"north", "south"}), skills=frozenset({"claims", "more"}))
    assert chosen(wants(), free("101", 9), able, staffing=skilled) == "103"


agents = st.lists(
    st.builds(
        Free,
        st.builds(
            Agent,
            staff_number=st.sampled_from(["101", "102", "103", "104"]),
            name=st.sampled_from(["Ann", "Bob"]),
            languages=st.sampled_from([(), ("en",), ("en", "pl"), ("pl",)]),
            skills=st.sampled_from([frozenset(), frozenset({"claims"})]),
            teams=st.sampled_from([frozenset(), frozenset({"north"})]),
            active=st.booleans(),
        ),
        st.none() | st.integers(0, 3).map(lambda minutes: NOW - timedelta(minutes=minutes)),
    ),
    max_size=5,
    unique_by=lambda one: one.agent.staff_number,
)


@given(
    agents,
    st.builds(
        wants,
        owner=st.sampled_from(["", "101", "Bob", "999"]),
        unwelcome=st.frozensets(st.sampled_from(["101", "102"])),
        language=st.sampled_from(["", "pl"]),
    ),
    st.sampled_from([ANYBODY, Staffing(skills=("claims",)), Staffing(teams=("north",))]),
    st.data(),
)
def test_the_chosen_one_is_able_and_nobody_able_is_better(
    some: list[Free], customer: Wants, staffing: Staffing, data: st.DataObject
) -> None:
    found = choose(staffing, "en", customer, some)
    able = [
        one
        for one in some
        if one.agent.active
        and one.agent.staff_number not in customer.unwelcome
        and set(staffing.skills) <= one.agent.skills
        and (not staffing.teams or one.agent.teams & set(staffing.teams))
        and one.agent.languages != ("pl",)
    ]
    assert (found is None) == (not able)
    if found is None:
        return
    assert found in able
    assert choose(staffing, "en", customer, data.draw(st.permutations(some))) is found
    own = [one for one in able if customer.owner and customer.owner in {one.agent.staff_number, one.agent.name}]
    best = own or able
    speaking = [one for one in best if not customer.language or one.agent.languages in {(), ("en", "pl")}]
    best = speaking or best
    assert found in best
    assert (found.idle_since or EARLIEST) == min(one.idle_since or EARLIEST for one in best)


# Dividing

capacities = st.dictionaries(st.sampled_from(["101", "102", "103", "104"]), st.integers(0, 4), max_size=4)


@given(capacities, st.integers(0, 40))
def test_no_two_agents_differ_by_more_than_one_callback_for_what_they_can_carry(
    able: dict[str, int], many: int
) -> None:
    given_to = divide({}, able, many)
    working = {name: capacity for name, capacity in able.items() if capacity > 0}
    assert len(given_to) == (many if working else 0)
    assert set(given_to) <= set(working)
    load = {name: given_to.count(name) for name in working}
    for one, mine in working.items():
        for other, theirs in working.items():
            assert (load[one] - 1) / mine <= (load[other] + 1) / theirs + 1e-9
            # Whoever has the next one would not be better off than the other is with one more.
            assert load[one] == 0 or load[one] / mine <= (load[other] + 1) / theirs + 1e-9


@given(capacities, st.dictionaries(st.sampled_from(["101", "102", "105"]), st.integers(0, 9)), st.integers(0, 30))
def test_what_agents_have_already_counts_and_nobody_is_given_more_than_the_others(
    able: dict[str, int], loads: dict[str, int], many: int
) -> None:
    given_to = divide(loads, able, many)
    assert divide(loads, able, many) == given_to
    assert given_to[: many // 2] == divide(loads, able, many // 2), "one at a time is the same as all at once"
    after = {name: loads.get(name, 0) + given_to.count(name) for name, capacity in able.items() if capacity}
    for name in set(given_to):
        assert all(after[name] / able[name] <= (after[other] + 1) / able[other] + 1e-9 for other in after)


def test_capacity_weighs_and_the_smaller_number_is_first() -> None:
    assert divide({}, {"102": 1, "101": 1}, 3) == ["101", "102", "101"]
    assert sorted(divide({}, {"101": 1, "102": 3}, 8)) == ["101"] * 2 + ["102"] * 6
    assert divide({"101": 2}, {"101": 1, "102": 1}, 3) == ["102", "102", "101"]
    assert divide({}, {"101": 0}, 3) == []


@pytest.mark.parametrize("many", [0, -1])
def test_nothing_to_divide(many: int) -> None:
    assert divide({}, {"101": 1}, many) == []
