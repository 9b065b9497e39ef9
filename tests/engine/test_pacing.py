"""Who is dialed for whom: nobody for two, everybody who is free for one, ahead only as far as the pacer says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.core.agent import Agent, AgentState, Presence
from dialer.core.lifecycle import AttemptState, EventKind, Facts, Mark
from dialer.core.outcome import AnsweredBy, Disposition, Network
from dialer.core.pacing import Seen
from dialer.engine.pacing import Pool, lessons, pools
from dialer.store import Enrolment, Seat
from tests.campaigns import NOW, campaign, customer, number
from tests.engine.floor_world import PREDICTIVE, SECOND, Office
from tests.mortal import quiet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dialer.store import Standing
    from tests.mortal import World

S = AgentState


# Pools


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


def shape(found: Sequence[Pool]) -> dict[tuple[str, ...], list[int]]:
    return {one.campaigns: [seat.key for seat in one.seats] for one in found}


def test_campaigns_with_the_same_agents_share_them() -> None:
    seats = [seat(1, "a"), seat(2, "a"), seat(3, "b")]
    found = pools([running("one", "a"), running("two", "a"), running("three", "b")], seats)
    assert shape(found) == {("one", "two"): [1, 2], ("three",): [3]}
    assert {one.name for one in found} == {"one", "three"}


def test_the_strictest_target_of_a_pool_counts() -> None:
    (found,) = pools([running("one", abandonment=0.05), running("two", abandonment=0.01)], [seat(1)])
    assert found.staffing.abandonment == 0.01


def test_the_legal_limit_of_any_campaign_of_a_pool_counts() -> None:
    (found,) = pools([running("one", abandonment=0.05, legal_limit=0.05), running("two", abandonment=0.04)], [seat(1)])
    assert found.limit == 0.05


def test_who_can_serve_two_groups_counts_once_and_nobody_takes_the_only_one_of_another() -> None:
    seats = [seat(1, "a"), seat(2, "a", "b"), seat(3, "b"), seat(4, "a", "b")]
    found = shape(pools([running("one", "a"), running("two", "b")], seats))
    assert sorted(found[("one",)] + found[("two",)]) == [1, 2, 3, 4]
    few = shape(pools([running("all"), running("north", "a")], [seat(1, "a"), seat(2), seat(3)]))
    assert few[("north",)] == [1]
    assert few[("all",)] == [2, 3]


@settings(max_examples=40)
@given(
    st.lists(st.frozensets(st.sampled_from("abc"), max_size=2), max_size=6),
    st.lists(st.frozensets(st.sampled_from("abc"), max_size=2), max_size=5),
)
def test_every_agent_who_can_serve_counts_exactly_once(
    teams: list[frozenset[str]], wanted: list[frozenset[str]]
) -> None:
    seats = [seat(key, *sorted(some)) for key, some in enumerate(teams)]
    campaigns = [running(f"c{at}", *sorted(some)) for at, some in enumerate(wanted)]
    found = pools(campaigns, seats)
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
    assert shape(pools(campaigns[::-1], seats)) == shape(found)


# Lessons

RANG = Facts(state=AttemptState.ACCEPTED, sent_at=NOW, rang_at=NOW + SECOND)
ANSWERED = replace(RANG, state=AttemptState.LIVE, answered_at=NOW + 9 * SECOND, answered_by=AnsweredBy.UNKNOWN)
WAITING = replace(ANSWERED, waited_at=NOW + 10 * SECOND)
TALKING = replace(WAITING, connected_at=NOW + 11 * SECOND)
OVER = replace(TALKING, state=AttemptState.FINAL, ended_at=NOW + 71 * SECOND, network=Network.ANSWERED)
WRAPPED = replace(OVER, wrapped_at=NOW + 91 * SECOND)


@pytest.mark.parametrize(
    ("before", "after", "learnt"),
    [
        (RANG, RANG, []),
        (RANG, ANSWERED, [("answer", 9)]),
        (ANSWERED, WAITING, []),
        (WAITING, TALKING, [("connect", 1)]),
        (TALKING, OVER, [("talk_end", 60)]),
        (OVER, WRAPPED, [("wrap_end", 20)]),
        (RANG, TALKING, [("answer", 9), ("connect", 1)]),
        (RANG, replace(RANG, state=AttemptState.FINAL, network=Network.NO_ANSWER), [("noanswer", 0)]),
        (RANG, replace(RANG, state=AttemptState.FINAL, network=Network.BUSY), [("noanswer", 0)]),
        (ANSWERED, replace(ANSWERED, answered_by=AnsweredBy.MACHINE), [("machine", 0)]),
        (RANG, replace(ANSWERED, answered_by=AnsweredBy.FAX), [("answer", 9), ("machine", 0)]),
        (WAITING, replace(WAITING, state=AttemptState.FINAL), [("abandon", 0)]),
        (WAITING, replace(WAITING, answered_by=AnsweredBy.MACHINE, state=AttemptState.FINAL), [("machine", 0)]),
        (Facts(), Facts(state=AttemptState.RELEASED), []),
        (Facts(state=AttemptState.DIALING), Facts(state=AttemptState.REJECTED), []),
        (Facts(state=AttemptState.UNKNOWN), Facts(state=AttemptState.NOT_PLACED), [("noanswer", 0)]),
    ],
)
def test_what_a_pacer_learns(before: Facts, after: Facts, learnt: list[tuple[str, float]]) -> None:
    assert lessons(before, after) == learnt
    assert {kind for kind, _ in lessons(before, after)} <= set(Seen)


def test_the_message_and_the_end_after_it_are_one_abandoned_call() -> None:
    mark = Mark("safe_harbour", disposition=Disposition.ABANDONED)
    told = replace(WAITING, marks=frozenset({mark}))
    assert lessons(WAITING, told) == [("abandon", 0.0)]
    assert lessons(told, replace(told, state=AttemptState.FINAL)) == []


def test_a_call_taken_back_says_nothing_of_who_would_have_answered() -> None:
    canceled = replace(RANG, state=AttemptState.FINAL, network=Network.CANCELED)
    assert [kind for kind, _ in lessons(RANG, canceled)] in ([], ["cancel"])


# Dialing


@pytest.fixture
async def office(world: World) -> Office:
    return Office(world)


@pytest.mark.anyio
async def test_one_call_for_each_free_agent_and_no_more(office: Office) -> None:
    office.open(many=6)
    await office.ready("101", "102", "103")
    await office.shifts.pause("103", "lunch")
    assert await office.pump() == 2
    assert await office.pump() == 0
    assert len(office.carrier.calls) == 2
    assert sorted(one[0] for one in office.standing()) == ["101", "102"]
    pace = office.pacing.paces["survey"]
    assert "free agent" in pace.reason
    assert pace.inputs["ready"] == 2
    await office.end(office.token(0), Network.NO_ANSWER)
    assert await office.pump() == 1


@pytest.mark.anyio
async def test_the_longest_idle_gets_the_first_customer(office: Office) -> None:
    await office.ready("102", "101")
    office.open(many=1)
    await office.pump()
    assert office.standing()[0][0] == "102"


@pytest.mark.anyio
async def test_nobody_is_dialed_for_a_paused_campaign_or_without_agents(office: Office) -> None:
    office.open(agents=PREDICTIVE, many=3)
    assert [await office.pump() for _ in range(6)] == [0] * 6
    await office.ready("101")
    office.store.campaigns.pause("survey", "today")
    assert [await office.pump() for _ in range(6)] == [0] * 6
    office.store.campaigns.resume("survey")
    assert sum([await office.pump() for _ in range(6)]) == 1


@pytest.mark.anyio
async def test_a_predictive_campaign_dials_for_who_is_free_and_says_why(office: Office) -> None:
    office.open(agents=PREDICTIVE, many=12)
    await office.ready("101", "102")
    dialed = sum([await office.pump() for _ in range(10)])
    assert dialed >= 2
    assert not office.standing(), "nobody is set aside before somebody answers"
    pace = office.pacing.paces["survey"]
    assert pace.reason.startswith("dialing")
    assert "2 ready" in pace.reason
    assert pace.inputs["ready"] == 2
    assert float(pace.inputs["ringing"]) <= dialed


@pytest.mark.anyio
async def test_no_agent_is_dialed_for_twice_by_campaigns_that_share_them(office: Office) -> None:
    await office.ready("101", "102")
    office.open("one", agents=PREDICTIVE, many=8)
    office.open("two", agents=PREDICTIVE, many=0)
    office.world.turn()
    await office.pass_time(SECOND)
    await office.pump()
    assert len(office.carrier.calls) == 2
    assert set(office.pacing.paces) == {"one", "two"}
    assert office.pacing.paces["one"] == office.pacing.paces["two"]


@pytest.mark.anyio
async def test_who_was_set_aside_a_moment_ago_is_not_dialed_for_ahead(office: Office) -> None:
    """One agent, a progressive campaign and a predictive one: one call."""
    await office.ready("101")
    office.world.apply("ahead", agents=PREDICTIVE)
    office.world.apply("aside", agents={})
    now = office.clock.now()
    office.store.customers.upsert([customer("A", number(1)), customer("B", number(2))], now)
    keys = office.store.customers.keys(["A", "B"])
    for name, who in (("ahead", "A"), ("aside", "B")):
        office.store.callbacks.enrol(name, [Enrolment(keys[who], "once", now, now + timedelta(days=3))], now)
    office.world.turn()
    await office.pump()
    assert len(office.carrier.calls) == 1


@pytest.mark.anyio
async def test_calls_of_a_campaign_that_was_paused_still_need_their_agents(office: Office) -> None:
    await office.ready("101")
    office.open("one", agents=PREDICTIVE, many=1)
    office.open("two", agents=PREDICTIVE, many=0)
    await office.pass_time(SECOND)
    await office.pump()
    assert len(office.carrier.calls) == 1
    office.store.campaigns.pause("one", "today")
    for _ in range(6):
        await office.pump()
    assert office.pacing.paces["two"].inputs["ringing"] == 1


@pytest.mark.anyio
async def test_the_abandoned_get_an_agent_first(office: Office) -> None:
    office.open(
        agents=PREDICTIVE | {"legal_limit": None},
        many=1,
        attempts={"retry": [{"after": "abandoned", "wait": "10 min"}], "other_hour": False},
    )
    (token,) = await office.dialer.ahead(1, ["survey"])
    await quiet()
    await office.tell(token, "connect")
    await office.end(token)
    await office.ready("101")
    await office.pass_time(timedelta(minutes=10))
    assert await office.pump() == 1
    assert office.standing() == [("101", office.token(), "held")]
    assert len(office.carrier.calls) == 2


@pytest.mark.anyio
async def test_the_pacer_hears_what_becomes_of_calls(office: Office) -> None:
    office.open(agents=PREDICTIVE, many=4)
    await office.ready("101", "102")
    while not office.carrier.calls:
        await office.pump()
    for call in list(office.carrier.calls):
        await office.end(call.token, Network.NO_ANSWER)
    for _ in range(6):
        await office.pump()
    assert float(office.pacing.paces["survey"].inputs["hit_rate"]) < 0.40


@pytest.mark.anyio
async def test_what_was_learnt_outlasts_the_process(office: Office) -> None:
    office.open(agents=PREDICTIVE, many=4)
    await office.ready("101", "102")
    for _ in range(6):
        await office.pump()
    for call in list(office.carrier.calls):
        await office.end(call.token, Network.NO_ANSWER)
    await office.pass_time(timedelta(seconds=61))
    for _ in range(6):
        await office.pump()
    assert office.store.pacers.learnt("survey")
    again = Office(office.world)
    for _ in range(6):
        await again.pump()
    assert float(again.pacing.paces["survey"].inputs["hit_rate"]) < 0.40


@pytest.mark.anyio
async def test_the_window_counts_what_was_abandoned_before_this_process(office: Office) -> None:
    office.open(agents=PREDICTIVE, many=3)
    for _ in range(3):
        (token,) = await office.dialer.ahead(1, ["survey"])
        await quiet()
        await office.tell(token, "connect")
        await office.end(token)
    await office.ready("101")
    for _ in range(12):
        await office.pump()
    inputs = office.pacing.paces["survey"].inputs
    assert (inputs["abandoned"], inputs["answered"]) == (3, 3)


@pytest.mark.anyio
async def test_a_new_target_is_kept_from_then_on(office: Office) -> None:
    office.open(agents=PREDICTIVE | {"abandonment": 0.03}, many=3)
    await office.ready("101")
    for _ in range(6):
        await office.pump()
    before = office.pacing.paces["survey"].inputs
    office.world.apply("survey", agents=PREDICTIVE | {"abandonment": 0.03, "legal_limit": 0.01})
    for _ in range(6):
        await office.pump()
    after = office.pacing.paces["survey"].inputs
    assert before["gate_open"]
    assert not after["gate_open"]


@pytest.mark.anyio
async def test_late_calls_are_taken_back_where_nobody_will_be_free(office: Office) -> None:
    office.open(agents=PREDICTIVE | {"late_hang_up": True}, many=3)
    tokens = await office.dialer.ahead(3, ["survey"])
    await quiet()
    for token in tokens:
        await office.tell(token, "status", EventKind.RINGING)
    await office.ready("101")
    await office.shifts.pause("101", "lunch")
    await office.pass_time(18 * SECOND)
    for _ in range(6):
        await office.pump()
    assert len(office.carrier.hung_up) == 3
    assert office.pacing.paces["survey"].reason.startswith("stopping")


@pytest.mark.anyio
async def test_looks_are_not_taken_more_often_than_ten_times_a_second(office: Office) -> None:
    office.open(many=5)
    await office.ready("101")
    assert await office.pump() == 1
    await office.end(office.token(), Network.BUSY)
    assert office.pacing.pause > timedelta(0)
    assert await office.pacing.pump() == 0
    assert await office.pump() == 1


@pytest.mark.anyio
async def test_own_agents_first(office: Office) -> None:
    """102 has waited longer, and the customer is 101's."""
    await office.ready("102", "101")
    office.world.apply("survey", agents={})
    office.world.enrol(customer("C1", number(1), agent="101"))
    await office.pump()
    assert [one[0] for one in office.standing()] == ["101"]


@pytest.mark.anyio
async def test_skills_languages_and_teams_decide_who_is_set_aside(office: Office) -> None:
    await office.ready("101", languages=("fr",))
    await office.ready("102", languages=("en",), skills=frozenset({"claims"}))
    office.open(agents={"skills": ["claims"]}, language="en-GB", many=3)
    await office.pump()
    assert [one[0] for one in office.standing()] == ["102"]


@pytest.mark.anyio
async def test_previews_are_looked_at_one_at_a_time(office: Office) -> None:
    office.open(agents={"mode": "preview"}, many=3)
    await office.ready("101")
    assert await office.pump() == 1
    assert await office.pump() == 0
    assert not office.carrier.calls
    assert office.standing()[0][2] == "preview"
