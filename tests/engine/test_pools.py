"""Agents are shared out: nobody counts for two campaigns, and nobody waits for one that has nobody to call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.core.agent import Agent, AgentState, Presence
from dialer.engine.pools import Pool, pools, promised_to
from dialer.store import Seat
from dialer.store.board import Due
from tests.campaigns import NOW, campaign
from tests.engine.floor_world import PREDICTIVE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dialer.store import Standing

S = AgentState


@dataclass(frozen=True)
class Running:
    """A campaign as the pacing sees it."""

    campaign: Any
    paused: bool = False


def seat(key: int, *teams: str, state: AgentState = S.READY) -> Seat:
    who = Agent(f"{100 + key}", f"Agent {key}", teams=frozenset(teams))
    return Seat(key, who, Presence(state, NOW), "parked", f"leg{key}", "", None, 0, NOW, NOW)


def running(name: str, *teams: str, **agents: Any) -> Standing:
    terms = {**PREDICTIVE, "teams": list(teams), **agents}
    return cast("Standing", Running(campaign(name, agents=terms)))


def shared(campaigns: Sequence[Standing], seats: Sequence[Seat], *, idle: Sequence[str] = ()) -> list[Pool]:
    """Everybody has something to do but the idle."""
    return pools(campaigns, seats, {one.campaign.id for one in campaigns} - set(idle))


def shape(found: Sequence[Pool]) -> dict[tuple[str, ...], list[int]]:
    return {one.campaigns: [seat.key for seat in one.seats] for one in found}


def test_campaigns_with_the_same_agents_share_them() -> None:
    seats = [seat(1, "a"), seat(2, "a"), seat(3, "b")]
    found = shared([running("one", "a"), running("two", "a"), running("three", "b")], seats)
    assert shape(found) == {("one", "two"): [1, 2], ("three",): [3]}
    assert {one.name for one in found} == {"one", "three"}


def test_the_strictest_target_of_a_pool_counts() -> None:
    (found,) = shared([running("one", abandonment=0.05), running("two", abandonment=0.01)], [seat(1)])
    assert found.staffing.abandonment == 0.01


def test_the_legal_limit_of_any_campaign_of_a_pool_counts() -> None:
    (found,) = shared([running("one", abandonment=0.05, legal_limit=0.05), running("two", abandonment=0.04)], [seat(1)])
    assert found.limit == 0.05


def test_who_can_serve_two_groups_counts_once_and_nobody_takes_the_only_one_of_another() -> None:
    seats = [seat(1, "a"), seat(2, "a", "b"), seat(3, "b"), seat(4, "a", "b")]
    found = shape(shared([running("one", "a"), running("two", "b")], seats))
    assert sorted(found[("one",)] + found[("two",)]) == [1, 2, 3, 4]
    few = shape(shared([running("all"), running("north", "a")], [seat(1, "a"), seat(2), seat(3)]))
    assert few[("north",)] == [1]
    assert few[("all",)] == [2, 3]


def test_agents_do_not_wait_for_a_campaign_that_has_nobody_to_call() -> None:
    campaigns = [running("all"), running("north", "a")]
    seats = [seat(1, "a"), seat(2, "a"), seat(3)]
    assert shape(shared(campaigns, seats, idle=["north"])) == {("all",): [1, 2, 3], ("north",): []}
    assert shape(shared(campaigns, seats, idle=["all"])) == {("north",): [1, 2], ("all",): [3]}
    assert shape(shared(campaigns, seats, idle=["all", "north"])) == {("north",): [1, 2], ("all",): [3]}


def test_a_call_of_a_group_with_one_that_is_busy_keeps_its_agents() -> None:
    campaigns, seats = [running("one", "a"), running("two", "a"), running("all")], [seat(1, "a"), seat(2)]
    assert shape(shared(campaigns, seats, idle=["two", "all"])) == {("one", "two"): [1], ("all",): [2]}


@settings(max_examples=40)
@given(
    st.lists(st.frozensets(st.sampled_from("abc"), max_size=2), max_size=6),
    st.lists(st.frozensets(st.sampled_from("abc"), max_size=2), max_size=5),
    st.frozensets(st.integers(0, 4)),
)
def test_every_agent_who_can_serve_counts_exactly_once(
    teams: list[frozenset[str]], wanted: list[frozenset[str]], nothing_due: frozenset[int]
) -> None:
    seats = [seat(key, *sorted(some)) for key, some in enumerate(teams)]
    campaigns = [running(f"c{at}", *sorted(some)) for at, some in enumerate(wanted)]
    idle = [f"c{at}" for at in nothing_due]
    found = shared(campaigns, seats, idle=idle)
    assert sorted(name for one in found for name in one.campaigns) == sorted(one.campaign.id for one in campaigns)
    counted = [one.key for pool in found for one in pool.seats]
    assert len(counted) == len(set(counted))
    able = {
        one.key for one in seats for of in campaigns if of.campaign.agents and of.campaign.agents.takes(one.agent, "en")
    }
    assert set(counted) == able
    for pool in found:
        for one in pool.seats:
            for of in campaigns:
                terms = of.campaign.agents
                assert of.campaign.id not in pool.campaigns or (terms is not None and terms.takes(one.agent, "en"))
    assert shape(shared(campaigns[::-1], seats, idle=idle)) == shape(found)


def test_whose_promise_it_is_to_keep() -> None:
    """One of 102, who has it for five minutes alone."""
    minute, one = timedelta(minutes=1), running("one")
    due = Due(1, "C1", "Name", "", "one", "102", NOW, NOW + 15 * minute, calling=False)
    assert not promised_to(seat(1), one, due, NOW)
    assert promised_to(seat(2), one, due, NOW)
    assert promised_to(seat(2), one, replace(due, agent="Agent 2"), NOW)
    assert promised_to(seat(1), one, replace(due, agent=""), NOW)
    assert promised_to(seat(1), one, due, NOW + 5 * minute)
    assert not promised_to(seat(2), one, due, NOW - minute), "it is not due yet"
    assert not promised_to(seat(2), one, due, NOW + 15 * minute), "it is missed"
    assert not promised_to(seat(2), one, replace(due, calling=True), NOW)
    assert not promised_to(seat(2), running("two"), due, NOW)
