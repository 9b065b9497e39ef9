"""Who is dialed for: everybody who is free for one call, ahead only as far as the pacer says."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dialer.core.agent import AgentState
from dialer.core.lifecycle import AttemptState, EventKind
from dialer.core.outcome import AnsweredBy, Disposition, Network
from dialer.ports import Lost
from dialer.store import Enrolment
from tests.campaigns import customer, number
from tests.engine.floor_world import PREDICTIVE, SECOND, Office
from tests.mortal import quiet
from tests.scripted_carrier import Fate

if TYPE_CHECKING:
    from tests.mortal import World

S = AgentState


@pytest.fixture
async def office(world: World) -> Office:
    return Office(world)


@pytest.mark.anyio
async def test_one_call_for_each_free_agent_and_no_more(office: Office) -> None:
    office.open(many=6)
    await office.ready("101", "102", "103")
    await office.shifts.pause("103", "lunch")
    assert await office.pump() == 2
    pace = office.pacing.paces["survey"]
    assert "free agent" in pace.reason
    assert pace.inputs["ready"] == 2
    assert await office.pump() == 0
    assert len(office.carrier.calls) == 2
    assert sorted(one[0] for one in office.standing()) == ["101", "102"]
    assert office.pacing.paces["survey"].inputs["ready"] == 0, "both are set aside"
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
async def test_agents_do_not_wait_for_a_campaign_that_has_nobody_due(office: Office) -> None:
    """Both could serve either, 101 alone the one of the north: which has nobody to call."""
    await office.ready("101", teams=frozenset({"north"}))
    await office.ready("102", teams=frozenset({"south"}))
    office.open("all", agents=PREDICTIVE, many=8)
    office.open("north", agents=PREDICTIVE | {"teams": ["north"]}, many=0)
    office.world.turn()
    await office.pass_time(SECOND)
    await office.pump()
    assert office.pacing.paces["all"].inputs["ready"] == 2


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
    await office.pass_time(5 * SECOND)
    for _ in range(6):
        await again.pump()
    assert float(again.pacing.paces["survey"].inputs["hit_rate"]) < 0.40


@pytest.mark.anyio
async def test_of_two_processes_one_dials_for_agents_and_the_other_when_it_is_gone(office: Office) -> None:
    office.open(agents=PREDICTIVE, many=6)
    await office.ready("101")
    other = Office(office.world)
    for _ in range(10):
        await office.pump()
        await other.pump()
    assert len(office.carrier.calls) == 1
    assert (list(office.pacing.paces), list(other.pacing.paces)) == (["survey"], [])
    await office.end(office.token(), Network.NO_ANSWER)
    for _ in range(40):  # the first one is dead
        await other.pump()
    assert len(office.carrier.calls) == 2
    await other.pacing.stop()
    await office.end(office.token(), Network.NO_ANSWER)
    for _ in range(10):  # back, and the other one stopped
        await office.pump()
    assert len(office.carrier.calls) == 3


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
async def test_a_call_is_not_taken_back_before_it_has_rung_as_long_as_law_says(office: Office) -> None:
    office.open(agents=PREDICTIVE | {"late_hang_up": True}, many=2)
    first, second = await office.dialer.ahead(2, ["survey"])
    await quiet()
    await office.pass_time(12 * SECOND)
    await office.tell(first, "status", EventKind.RINGING)
    await office.ready("101")
    await office.shifts.pause("101", "lunch")
    await office.pass_time(14 * SECOND)
    await office.pump()
    assert not office.carrier.hung_up, "14 s, and the other one does not ring at all"
    await office.pass_time(SECOND)
    await office.pump()
    assert office.carrier.hung_up == [call.sid for call in office.carrier.calls if call.token == first]
    assert office.facts(second).state is AttemptState.ACCEPTED


@pytest.mark.anyio
async def test_calls_that_need_no_agent_are_not_counted(office: Office) -> None:
    """One of which nobody knows whether it exists, a machine, and somebody who hears that nobody was there."""
    reaction = {"reaction": "leave_message", "message": "Please call us."}
    office.open(agents=PREDICTIVE | {"legal_limit": 0.03}, answering_machine=reaction, many=4)
    office.carrier.fates.append(Fate(answer=Lost("timeout"), made=False))
    lost, machine, abandoned = await office.dialer.ahead(3, ["survey"])
    await quiet()
    await office.tell(machine, "answer")
    await office.tell(machine, "verdict", EventKind.VERDICT, answered_by=AnsweredBy.MACHINE)
    await office.tell(abandoned, "connect")
    assert office.facts(lost).state is AttemptState.UNKNOWN
    assert office.facts(abandoned).is_open
    assert not office.store.board.floor().in_line
    await office.ready("101")
    await office.pass_time(SECOND)
    assert await office.pump() == 1
    inputs = office.pacing.paces["survey"].inputs
    assert [inputs[name] for name in ("ready", "ringing", "undecided", "waiting")] == [1, 0, 0, 0]


@pytest.mark.anyio
async def test_the_stop_key_does_not_hide_an_abandoned_call(office: Office) -> None:
    said = {"safe_harbour": "Acme called. Press 9 if we shall not call again.", "stop_key": "9"}
    office.open(agents=PREDICTIVE | said, many=1)
    await office.ready("101")
    await office.shifts.pause("101", "lunch")
    for _ in range(6):  # the pacer is there, and hears of it
        await office.pump()
    (token,) = await office.dialer.ahead(1, ["survey"])
    await quiet()
    await office.tell(token, "connect")
    await office.tell(token, "step/safe_harbour/1", EventKind.HEARD, digits="9")
    await office.end(token)
    for _ in range(6):
        await office.pump()
    now, day = office.clock.now(), timedelta(days=1)
    assert office.facts(token).disposition is Disposition.OPTED_OUT
    assert office.store.board.abandonment(["survey"], now - day, now + day) == {"survey": (1, 1)}
    inputs = office.pacing.paces["survey"].inputs
    assert (inputs["abandoned"], inputs["answered"]) == (1, 1)


@pytest.mark.anyio
@pytest.mark.parametrize(("who", "rises"), [(AnsweredBy.HUMAN, True), (AnsweredBy.MACHINE, False)])
async def test_a_machine_that_heard_the_message_is_nobody_who_answers(
    office: Office, who: AnsweredBy, *, rises: bool
) -> None:
    reaction = {"reaction": "leave_message", "message": "Please call us."}
    office.open(agents=PREDICTIVE, answering_machine=reaction, many=2)
    await office.ready("101")
    await office.shifts.pause("101", "lunch")
    await office.get_ready("101")
    while not office.carrier.calls:
        await office.pump()
    await office.shifts.pause("101", "lunch")
    token = office.token()
    await office.tell(token, "connect")
    await office.tell(token, "verdict", EventKind.VERDICT, answered_by=who)
    await office.end(token)
    await office.pass_time(timedelta(seconds=61))
    for _ in range(6):
        await office.pump()
    everybody = next(one for one in office.store.pacers.learnt("survey")["rates"] if not one[0])
    assert everybody[1] == (1.0 if rises else 0.0)


@pytest.mark.anyio
async def test_what_a_pacer_wanted_is_not_dialed_once_its_campaign_is_paused(office: Office) -> None:
    office.open(agents=PREDICTIVE, many=3)
    await office.ready("101", "102")
    now = office.clock.monotonic()
    office.dialer._pace.hold(now, 3 * SECOND / 10)
    assert await office.pump() == 0, "decided, and held back by the pace"
    assert office.pacing._wanted
    office.store.campaigns.pause("survey", "today")
    await office.pass_time(SECOND / 2)
    assert office.pacing._wanted
    assert await office.pump() == 0
    assert not office.carrier.calls


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
