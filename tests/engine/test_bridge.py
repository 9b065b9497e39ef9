"""A customer who has picked up meets an agent at once, within the campaign's patience, or hears who called."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dialer.core.agent import AgentState
from dialer.core.lifecycle import AttemptState, Event, EventKind
from dialer.core.outcome import AnsweredBy, Disposition, Ending, Network
from dialer.ports import Lost
from tests.engine.floor_world import HARBOUR, PREDICTIVE, SECOND, Office
from tests.mortal import quiet
from tests.scripted_carrier import SILENCE, Fate

if TYPE_CHECKING:
    from tests.mortal import World

pytestmark = pytest.mark.anyio
MACHINE = {"opening": "machine", "greeting": "Hello {name}, this is {company}."}


@pytest.fixture
async def office(world: World) -> Office:
    return Office(world)


def spoken(body: str) -> list[str]:
    return list(json.loads(body)["spoken"])


SAID = [HARBOUR.replace("{hotline}", "+44 20 7946 0000")]


async def waiting(office: Office, token: str, what: str = "connect") -> asyncio.Task[str]:
    """The customer's request, which is not answered yet."""
    task = asyncio.get_running_loop().create_task(office.tell(token, what))
    await quiet()
    return task


async def test_an_agent_set_aside_is_given_at_once_and_without_a_request(office: Office) -> None:
    token = await office.call()
    asked, at = len(office.carrier.asked), office.clock.now()
    assert await office.tell(token, "answer") == office.to(token)
    assert (office.clock.now(), len(office.carrier.asked)) == (at, asked)
    facts = office.facts(token)
    assert (facts.state, facts.waited_at, facts.connected_at) == (AttemptState.LIVE, at, None)
    await office.leg("101", "conference", "joined", token)
    assert office.state() is AgentState.ON_CALL
    assert office.facts(token).connected_at == office.clock.now()


async def test_a_free_agent_is_given_at_once_to_who_was_called_ahead(office: Office) -> None:
    token = await office.ahead()
    await office.ready("101", "102")
    assert await office.tell(token, "answer") == office.to(token, "101")
    assert [one[:2] for one in office.standing()] == [("101", token)]
    assert office.world.attempts()[0].attempt == token


async def test_the_same_request_gets_the_same_room(office: Office) -> None:
    token = await office.ahead()
    await office.ready("101", "102")
    first = await office.tell(token, "answer")
    assert {await office.tell(token, "answer"), await office.tell(token, "connect")} == {first}
    assert office.state("102") is AgentState.READY


async def test_nobody_free_is_asked_to_wait_and_then_woken(office: Office) -> None:
    token = await office.ahead()
    assert await office.tell(token, "answer") == "greet"
    await office.pass_time(SECOND / 10)
    answer = await waiting(office, token)
    await office.pass_time(SECOND / 2)
    assert not answer.done()
    at = office.clock.now()
    await office.ready("101")
    assert await answer == office.to(token)
    assert office.clock.now() - at < SECOND / 10, "it was woken by the change"
    assert office.facts(token).waited_at is not None


async def test_another_nodes_agent_is_found_by_looking(office: Office) -> None:
    token = await office.ahead()
    answer = await waiting(office, token)
    other = Office(office.world)
    office.carrier.hear = office.conversations.hear
    await other.ready("101")
    await office.pass_time(timedelta(milliseconds=300))
    assert await answer == office.to(token)


async def test_patience_is_over_after_the_campaigns_two_seconds(office: Office) -> None:
    token = await office.ahead()
    await office.tell(token, "answer")
    began = office.facts(token).waited_at
    await office.pass_time(SECOND / 2)
    assert spoken(await office.tell(token, "connect")) == SAID
    assert began is not None
    assert timedelta(seconds=2) <= office.clock.now() - began < timedelta(seconds=2.1)
    assert office.facts(token).disposition is Disposition.ABANDONED


async def test_who_heard_the_message_was_abandoned_once(office: Office) -> None:
    token = await office.ahead()
    for what in ("answer", "connect", "connect"):
        await office.tell(token, what)
    await office.end(token)
    heard = [one for one in office.store.records.events(token) if one[2] == "heard"]
    assert len(heard) == 1
    assert office.world.attempts()[0].ending is Ending.ABANDONED
    (row,) = office.store.callbacks.proposals_of("C0", office.clock.now())
    assert row.proposal.not_before is not None
    assert row.proposal.not_before - office.clock.now() > timedelta(hours=23)


async def test_who_hangs_up_while_waiting_was_abandoned_too(office: Office) -> None:
    token = await office.ahead()
    answer = await waiting(office, token)
    await office.end(token)
    assert await answer
    assert office.facts(token).outcome.ending is Ending.ABANDONED


async def test_a_machine_is_not_abandoned(office: Office) -> None:
    token = await office.ahead()
    await office.tell(token, "answer")
    await office.tell(token, "connect")
    await office.tell(token, "verdict", EventKind.VERDICT, answered_by=AnsweredBy.MACHINE)
    await office.end(token)
    assert office.world.attempts()[0].ending is Ending.MACHINE
    with office.store.database.read() as connection:
        assert connection.exec_driver_sql("SELECT agent_first FROM callback").scalar() == 0


async def test_the_machine_speaks_first_where_it_is_to(office: Office) -> None:
    token = await office.call(agents=MACHINE)
    assert await office.tell(token, "answer") == "greet Hello Name of C0, this is Acme."
    assert office.facts(token).waited_at is None, "nobody waits while they are greeted"
    await office.pass_time(3 * SECOND)
    assert await office.tell(token, "connect") == office.to(token)
    assert office.facts(token).waited_at == office.clock.now()


async def test_the_customers_own_agent_is_given_before_who_waited_longer(office: Office) -> None:
    token = await office.ahead()
    await office.ready("101", "102")
    with office.store.database.write() as connection:
        connection.exec_driver_sql("UPDATE customer SET agent = 'Agent 102'")
    assert await office.tell(token, "answer") == office.to(token, "102")


async def test_after_a_conversation_there_is_silence_and_the_agent_writes(office: Office) -> None:
    token = await office.call()
    await office.talk(token)
    assert await office.tell(token, "parted") == SILENCE
    assert office.state() is AgentState.WRAP_UP
    assert await office.tell(token, "parted") == SILENCE
    await office.end(token)
    assert await office.tell(token, "parted") == SILENCE
    assert office.facts(token).disposition is Disposition.NONE, "they talked: nobody was abandoned"


async def test_the_conference_tells_that_they_parted(office: Office) -> None:
    token = await office.call()
    await office.talk(token)
    await office.leg("101", "conference", "left", token)
    assert office.state() is AgentState.WRAP_UP


async def test_a_lost_word_of_the_meeting_is_made_up_for_by_the_end_of_the_dial(office: Office) -> None:
    token = await office.call()
    await office.tell(token, "answer")
    assert await office.tell(token, "parted", EventKind.CONNECTED) == SILENCE
    assert office.state() is AgentState.WRAP_UP


async def test_without_another_agent_a_room_without_a_place_leads_to_the_message(office: Office) -> None:
    token = await office.call(agents=PREDICTIVE | {"mode": "progressive"})
    await office.tell(token, "answer")
    assert "Acme called" in await office.tell(token, "parted")
    assert office.facts(token).disposition is Disposition.ABANDONED
    assert office.standing() == []


async def test_a_customer_who_found_no_place_is_put_to_another_agent(office: Office) -> None:
    token = await office.ahead()
    await office.ready("101", "102")
    assert await office.tell(token, "answer") == office.to(token, "101")
    assert await office.tell(token, "parted") == office.to(token, "102")


async def test_a_failed_answer_of_ours_ends_in_the_message(office: Office) -> None:
    token = await office.ahead()
    await office.tell(token, "answer")
    assert spoken(await office.tell(token, "fallback")) == SAID
    assert office.facts(token).disposition is Disposition.ABANDONED


async def test_a_failed_answer_after_the_conversation_abandons_nobody(office: Office) -> None:
    token = await office.call()
    await office.talk(token)
    await office.tell(token, "fallback")
    await office.end(token)
    assert office.facts(token).disposition is Disposition.NONE


async def test_a_campaign_without_a_message_says_who_called(office: Office) -> None:
    token = await office.call()
    await office.tell(token, "answer")
    assert spoken(await office.tell(token, "fallback")) == ["Acme. +44 20 7946 0000."]
    assert not office.standing(), "their agent waits for somebody else"


@pytest.mark.parametrize("what", ["answer", "connect", "parted", "fallback"])
async def test_a_call_that_is_over_or_nobodys_hears_nothing(office: Office, what: str) -> None:
    token = await office.ahead()
    await office.ready("101")
    await office.end(token, Network.NO_ANSWER)
    assert await office.tell(token, what) == SILENCE
    assert await office.tell("f" * 32, what) == SILENCE
    assert not office.standing()


async def test_a_call_that_was_given_up_and_comes_after_all_hears_nothing(office: Office) -> None:
    office.open(agents=PREDICTIVE)
    await office.ready("101")
    office.carrier.fates.append(_lost())
    (token,) = await office.dialer.ahead(1, ["survey"])
    await quiet()
    await office.ledger.record(Event(token, EventKind.ABSENT, "absent", office.clock.now(), "poll"))
    assert await office.tell(token, "answer") == SILENCE
    assert office.facts(token).state is AttemptState.ORPHANED
    assert not office.standing()


def _lost() -> Fate:
    return Fate(Lost("reset"), made=False)


async def test_a_second_call_of_one_attempt_gets_no_agent_but_its_end(office: Office) -> None:
    token = await office.ahead()
    await office.ready("101")
    stray = f"CA{7:032x}"
    await office.tell(token, "status", EventKind.RINGING)
    reply = await office.tell(token, "answer", sid=stray)
    await quiet()
    assert stray in office.carrier.hung_up
    assert reply == SILENCE
    assert not office.standing()


async def test_a_stranger_in_a_conference_moves_nobody(office: Office) -> None:
    await office.call()
    await office.leg("101", "conference", "joined", "f" * 32)
    assert office.state() is AgentState.RESERVED


async def test_a_restart_forgets_nobody(office: Office) -> None:
    token = await office.call()
    again = Office(office.world)
    assert await again.tell(token, "answer") == again.to(token)
    await again.leg("101", "conference", "joined", token)
    assert again.state() is AgentState.ON_CALL


async def test_many_customers_at_once_and_few_agents(office: Office) -> None:
    office.open(agents=PREDICTIVE, many=6)
    tokens = await office.dialer.ahead(6, ["survey"])
    await quiet()
    await office.ready("101", "102")
    answers = await asyncio.gather(*(office.tell(one, "connect") for one in tokens))
    rooms = [one.partition(" to ")[2] for one in answers if one.startswith("connect")]
    assert sorted(rooms) == sorted([office.room("101"), office.room("102")])
    assert [spoken(one) for one in answers if not one.startswith("connect")] == [SAID] * 4
    abandoned = [office.facts(one).disposition is Disposition.ABANDONED for one in tokens]
    assert sum(abandoned) == 4


async def test_who_hears_the_message_can_ask_never_to_be_called_again(office: Office) -> None:
    said = {"safe_harbour": "Acme called. Press 9 if we shall not call again.", "stop_key": "9"}
    token = await office.ahead(agents=PREDICTIVE | said)
    await office.tell(token, "answer")
    await office.pass_time(3 * SECOND)
    reply = await office.tell(token, "connect")
    assert "Press 9" in reply
    await office.tell(token, "step/safe_harbour/1", EventKind.HEARD, digits="9")
    assert office.facts(token).disposition is Disposition.OPTED_OUT


async def test_silence_after_the_message_is_no_wish(office: Office) -> None:
    said = {"safe_harbour": "Acme called. Press 9 if we shall not call again.", "stop_key": "9"}
    token = await office.ahead(agents=PREDICTIVE | said)
    await office.tell(token, "answer")
    await office.pass_time(3 * SECOND)
    await office.tell(token, "connect")
    assert await office.tell(token, "step/safe_harbour/1", EventKind.HEARD) == SILENCE
    assert office.facts(token).disposition is Disposition.ABANDONED
