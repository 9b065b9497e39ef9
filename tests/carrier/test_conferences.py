"""Agents and customers in conferences: entering, talking, leaving, and what the client hears of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dialer.carrier import Fault, Rate
from tests.carrier.receiver import Page

if TYPE_CHECKING:
    from twilio.rest.api.v2010.account.call import CallInstance  # type: ignore[import-untyped]

    from tests.carrier.conftest import Builder
    from tests.carrier.receiver import Delivery, World

pytestmark = pytest.mark.anyio

AGENT = "sip:ann@phones.example.com"
CUSTOMER = "+14155550100"
PEOPLE = """
- {number: "sip:*", answer: agent, ring: 1}
- {number: "*", answer: human, ring: 1, greeting: 1, talk: 20, hangs_up_first: 1, patience: 15}
"""
# Customers who leave it to the other side to hang up.
PATIENT = PEOPLE.replace("hangs_up_first: 1", "hangs_up_first: 0")
GOODBYE = "<Response><Say>Goodbye</Say></Response>"


def room(label: str, attributes: str = "", dial: str = 'action="/dialed"') -> Page:
    """A document that puts a call into the conference `room`."""
    return Page(
        f'<Response><Dial {dial}><Conference participantLabel="{label}" beep="false" waitUrl="" jitterBufferSize='
        f'"small" maxParticipants="2" {attributes}>room</Conference></Dial><Redirect>/after</Redirect></Response>'
    )


def parked(attributes: str = 'endConferenceOnExit="true"', events: str = "start end join leave") -> Page:
    return room("ann", f'statusCallback="/room" statusCallbackEvent="{events}" {attributes}')


async def park(world: World, page: Page | None = None) -> CallInstance:
    """Call the agent and wait until they are in."""
    world.receiver.pages |= {
        "/agent": page or parked(), "/customer": room("A1"), "/dialed": Page(GOODBYE), "/after": Page(GOODBYE),
        "/elsewhere": Page('<Response><Pause length="30"/></Response>'),
    }  # fmt: skip
    call = await world.call(AGENT, url=f"{world.receiver.url}/agent", status_callback=f"{world.receiver.url}/agent-leg")
    await world.receiver.until(lambda: bool(heard(world, "participant-join")))
    return call


async def connect(world: World, to: str = CUSTOMER, **given: object) -> CallInstance:
    return await world.call(to, url=f"{world.receiver.url}/customer", **given)


def heard(world: World, event: str) -> list[Delivery]:
    return [one for one in world.receiver.at("/room") if one.fields["StatusCallbackEvent"] == event and one.genuine]


def sequence(world: World) -> list[str]:
    told = sorted(world.receiver.at("/room"), key=lambda one: int(one.fields["SequenceNumber"]))
    return [one.fields["StatusCallbackEvent"] for one in told]


async def until_ended(world: World) -> None:
    await world.receiver.until(lambda: bool(heard(world, "conference-end")))


async def conversation(world: World) -> tuple[CallInstance, CallInstance]:
    """An agent and a customer who hear each other."""
    agent = await park(world)
    customer = await connect(world)
    await world.receiver.until(lambda: bool(heard(world, "conference-start")))
    return agent, customer


def conferences(world: World) -> list[dict[str, Any]]:
    return world.carrier.conferences()


def calls(world: World) -> list[dict[str, Any]]:
    return world.carrier.calls()


def call_of(world: World, call: CallInstance) -> dict[str, Any]:
    return next(one for one in calls(world) if one["sid"] == call.sid)


async def test_a_customer_talks_and_hangs_up_and_the_agent_stays(world_with: Builder) -> None:
    world = await world_with(PEOPLE)
    agent, customer = await conversation(world)
    await world.receiver.until_over()
    await world.receiver.until(lambda: bool(heard(world, "participant-leave")))
    assert [one.genuine for one in world.receiver.at("/room")] == [True] * 4
    assert sequence(world) == ["participant-join", "participant-join", "conference-start", "participant-leave"]
    (leave,) = heard(world, "participant-leave")
    (conference,) = conferences(world)
    del leave.fields["Timestamp"]
    assert leave.fields == {
        "AccountSid": world.config.account_sid, "CallSid": customer.sid, "Coaching": "false",
        "ConferenceSid": conference["sid"], "EndConferenceOnExit": "false", "FriendlyName": "room", "Hold": "false",
        "Muted": "false", "ParticipantCallStatus": "completed", "ParticipantLabel": "A1",
        "ReasonParticipantLeft": "participant_hung_up", "SequenceNumber": "4", "StartConferenceOnEnter": "true",
        "StatusCallbackEvent": "participant-leave",
    }  # fmt: skip
    gone = call_of(world, customer)
    assert (gone["ended_by"], gone["conference"]) == ("callee", "room")
    assert 20 <= gone["duration"] <= 22
    assert call_of(world, agent)["status"] == "in-progress"
    assert (conference["status"], conference["most"]) == ("in-progress", 2)
    assert not world.receiver.at("/dialed")


async def test_an_agent_who_hangs_up_ends_the_customers_stay(world_with: Builder) -> None:
    world = await world_with(PATIENT)
    agent, customer = await conversation(world)
    await agent.update_async(status="completed")
    await world.receiver.until_over()
    await until_ended(world)
    (asked,) = world.receiver.at("/dialed")
    assert asked.fields["CallSid"] == customer.sid
    assert asked.fields["CallStatus"] == "in-progress"
    assert (asked.fields["DialCallStatus"], asked.fields["DialBridged"]) == ("answered", "true")
    assert int(asked.fields["DialCallDuration"]) >= 0
    reasons = {one.fields["CallSid"]: one.fields for one in heard(world, "participant-leave")}
    assert reasons[agent.sid]["ReasonParticipantLeft"] == "participant_updated_via_api"
    assert reasons[agent.sid]["ParticipantCallStatus"] == "completed"
    assert reasons[customer.sid]["ReasonParticipantLeft"] == "moderator_ended_conference"
    assert reasons[customer.sid]["ParticipantCallStatus"] == "in-progress"
    (end,) = heard(world, "conference-end")
    assert end.fields["ReasonConferenceEnded"] == "participant-with-end-conference-on-exit-left"
    assert end.fields["CallSidEndingConference"] == agent.sid
    assert end.fields["ParticipantLabelEndingConference"] == "ann"
    assert "CallSid" not in end.fields
    assert sequence(world)[-3:] == ["participant-leave", "participant-leave", "conference-end"]


async def test_a_lost_agent_leg_does_the_same(world_with: Builder) -> None:
    world = await world_with(PATIENT.replace("answer: agent", "answer: agent, drops_off: 200"))
    agent, _ = await conversation(world)
    await world.receiver.until_over()
    await until_ended(world)
    assert call_of(world, agent)["ended_by"] == "drop"
    assert world.receiver.at("/dialed")
    assert {one.fields["ReasonParticipantLeft"] for one in heard(world, "participant-leave")} == {
        "participant_hung_up", "moderator_ended_conference",
    }  # fmt: skip


async def test_a_third_is_refused_and_nobody_is_mixed(world_with: Builder) -> None:
    world = await world_with(PATIENT)
    await conversation(world)
    world.receiver.pages["/customer"] = room("A2")
    third = await connect(world, "+14155550101")
    await world.receiver.until_over()
    (asked,) = world.receiver.at("/dialed")
    assert (asked.fields["CallSid"], asked.fields["DialCallStatus"]) == (third.sid, "failed")
    assert asked.fields["DialBridged"] == "false"
    assert call_of(world, third)["errors"] == [16020]
    assert call_of(world, third)["conference"] is None
    (conference,) = conferences(world)
    assert (conference["most"], conference["refused"], len(conference["participants"])) == (2, 1, 2)
    stats = world.carrier.stats()
    assert (stats["conferences"], stats["joins"], stats["refused_joins"]) == (1, 2, 1)


async def test_a_label_is_used_once_at_a_time(world_with: Builder) -> None:
    world = await world_with(PEOPLE)
    await park(world)
    world.receiver.pages["/customer"] = room("ann")
    await connect(world)
    await world.receiver.until_over()
    assert calls(world)[-1]["errors"] == [16025]


async def test_without_an_action_the_next_verb_follows(world_with: Builder) -> None:
    world = await world_with(PATIENT)
    agent = await park(world)
    world.receiver.pages["/customer"] = room("A1", dial="")
    await connect(world)
    await world.receiver.until(lambda: bool(heard(world, "conference-start")))
    await agent.update_async(status="completed")
    await world.receiver.until(lambda: bool(world.receiver.at("/after")))


async def test_the_dials_limit_ends_a_stay(world_with: Builder) -> None:
    world = await world_with(PATIENT)
    await park(world)
    world.receiver.pages["/customer"] = room(
        "A1", dial='action="/dialed" timeLimit="30" timeout="10" hangupOnStar="true"'
    )
    await connect(world)
    await world.receiver.until(lambda: bool(world.receiver.at("/dialed")))
    assert world.receiver.at("/dialed")[0].fields["DialCallDuration"] == "30"


async def test_the_first_participants_callback_counts_until_the_conference_ends(world_with: Builder) -> None:
    world = await world_with(PEOPLE)
    agent = await park(world)
    world.receiver.pages["/customer"] = room("A1", 'statusCallback="/other" statusCallbackEvent="join"')
    await connect(world)
    await world.receiver.until_over()
    assert not world.receiver.at("/other")
    await agent.update_async(status="completed")
    await until_ended(world)
    await connect(world)
    await world.receiver.until(lambda: bool(world.receiver.at("/other")))
    first, second = conferences(world)
    assert first["name"] == second["name"]
    assert first["sid"] != second["sid"]
    assert world.receiver.at("/other")[0].fields["ConferenceSid"] == second["sid"]
    assert world.receiver.at("/other")[0].fields["SequenceNumber"] == "1"


async def test_nobody_hears_anybody_until_somebody_starts_the_conference(world_with: Builder) -> None:
    world = await world_with(PEOPLE)
    await park(world, parked('startConferenceOnEnter="false"'))
    world.receiver.pages["/customer"] = room("A1", 'startConferenceOnEnter="false"')
    await connect(world)
    await world.receiver.until_over()
    assert "conference-start" not in sequence(world)
    assert conferences(world)[0]["status"] == "init"
    waited = calls(world)[-1]
    assert waited["ended_by"] == "callee"
    assert 15 <= waited["duration"] <= 17


async def test_a_customer_alone_loses_patience(world_with: Builder) -> None:
    world = await world_with(PEOPLE)
    world.receiver.pages["/customer"] = room("A1")
    await connect(world)
    await world.receiver.until_over()
    (call,) = calls(world)
    assert call["ended_by"] == "callee"
    assert 15 <= call["duration"] <= 17
    assert conferences(world)[0]["reason"] == "last-participant-left"


async def test_a_customer_who_hangs_up_last_stays_to_the_end(world_with: Builder) -> None:
    world = await world_with(PATIENT)
    await park(world)
    await connect(world, time_limit=90)
    await world.receiver.until_over()
    call = calls(world)[-1]
    assert (call["ended_by"], call["duration"]) == ("limit", 90)


async def test_a_redirect_pulls_a_call_out(world_with: Builder) -> None:
    world = await world_with(PATIENT)
    agent, customer = await conversation(world)
    await customer.update_async(url=f"{world.receiver.url}/elsewhere")
    await world.receiver.until_over()
    (leave,) = heard(world, "participant-leave")
    assert leave.fields["ReasonParticipantLeft"] == "participant_updated_via_api"
    assert leave.fields["ParticipantCallStatus"] == "in-progress"
    assert world.receiver.at("/elsewhere")
    assert not world.receiver.at("/dialed")
    assert call_of(world, agent)["status"] == "in-progress"


@pytest.mark.parametrize("fault", [Fault.DUPLICATE, Fault.REORDER, Fault.MISSING, Fault.FORGED])
async def test_conference_callbacks_suffer_the_same_faults(world_with: Builder, fault: Fault) -> None:
    world = await world_with(PEOPLE)
    world.receiver.pages["/customer"] = room("A1", 'statusCallback="/room" statusCallbackEvent="start end join leave"')
    world.carrier.replace_faults({fault: Rate(1.0)})
    await connect(world, status_callback="")
    expected = {Fault.DUPLICATE: 6, Fault.REORDER: 3, Fault.MISSING: 0, Fault.FORGED: 4}[fault]
    await world.receiver.until(lambda: len(world.receiver.at("/room")) >= expected)
    while not await world.client.conferences.list_async(status="completed"):
        pass
    told = [one.fields["StatusCallbackEvent"] for one in world.receiver.at("/room")]
    assert len(told) == expected
    if fault is Fault.REORDER:
        assert told == ["conference-end", "participant-leave", "participant-join"]
    if fault is Fault.FORGED:
        (forged,) = [one.fields for one in world.receiver.at("/room") if not one.genuine]
        assert (forged["StatusCallbackEvent"], forged["SequenceNumber"]) == ("conference-end", "999")


async def test_late_conference_callbacks_come_late(world_with: Builder) -> None:
    world = await world_with(PEOPLE, faults={Fault.LATE: Rate(1.0, 0.2)})
    world.receiver.pages["/customer"] = room("A1", 'statusCallback="/room" statusCallbackEvent="join"')
    await connect(world, status_callback="")
    await world.receiver.until(lambda: bool(world.receiver.at("/customer")))
    assert not world.receiver.at("/room")
    await world.receiver.until(lambda: bool(world.receiver.at("/room")))
    assert conferences(world)[0]["faults"] == ["late:participant-join#1"]


async def test_agents_may_drop_in_the_middle_of_a_conversation(world_with: Builder) -> None:
    world = await world_with(PATIENT, faults={Fault.AGENT_DROPS: Rate(1.0)})
    agent, _ = await conversation(world)
    await until_ended(world)
    dropped = call_of(world, agent)
    assert (dropped["ended_by"], dropped["faults"]) == ("drop", ["agent-drops"])
    assert conferences(world)[0]["reason"] == "participant-with-end-conference-on-exit-left"


async def test_a_join_may_be_slow(world_with: Builder) -> None:
    world = await world_with(PEOPLE, faults={Fault.JOIN_SLOW: Rate(1.0, 0.2)})
    world.receiver.pages["/customer"] = room("A1")
    await connect(world)
    await world.receiver.until(lambda: bool(world.receiver.at("/customer")))
    assert not conferences(world)
    await world.receiver.until_over()
    (call,) = calls(world)
    assert (call["faults"], call["conference"]) == (["join-slow"], "room")
    assert call["duration"] >= 0.2 * world.config.speed


async def test_a_redirect_may_overtake_a_slow_join(world_with: Builder) -> None:
    world = await world_with(PEOPLE, faults={Fault.JOIN_SLOW: Rate(1.0, 3.0)})
    world.receiver.pages |= {"/customer": room("A1"), "/elsewhere": Page(GOODBYE)}
    customer = await connect(world)
    await world.receiver.until(lambda: bool(world.receiver.at("/customer")))
    await customer.update_async(url=f"{world.receiver.url}/elsewhere")
    await world.receiver.until_over()
    assert world.receiver.at("/elsewhere")
    assert not conferences(world)


async def test_many_customers_and_few_rooms_never_make_three(world_with: Builder) -> None:
    people = PEOPLE.replace("talk: 20", "talk: [3, 40]").replace("answer: agent", "answer: agent, drops_off: 400")
    world = await world_with(people, speed=400.0, faults={Fault.AGENT_DROPS: Rate(0.2)})
    world.receiver.pages["/dialed"] = Page(GOODBYE)

    def enter(to: str, hall: int, label: str, ends: str) -> Any:
        world.receiver.pages[f"/{label}"] = Page(
            f'<Response><Dial action="/dialed"><Conference participantLabel="{label}" maxParticipants="2"'
            f' endConferenceOnExit="{ends}" statusCallback="/room" statusCallbackEvent="start end join leave">'
            f"hall {hall}</Conference></Dial></Response>"
        )
        return world.call(to, url=f"{world.receiver.url}/{label}", status_callback_event=["completed"])

    for hall in range(5):
        await enter(f"sip:a{hall}@pbx", hall, f"agent{hall}", "true")
    for number in range(60):
        await enter(f"+141555501{number:02}", number % 5, f"customer{number}", "false")
    await world.receiver.until_over(65)
    assert all(call["status"] == "completed" for call in calls(world))
    rooms = conferences(world)
    assert {conference["most"] for conference in rooms} <= {1, 2}
    assert all(one["left"] for conference in rooms for one in conference["participants"])
    joined = sum(len(conference["participants"]) for conference in rooms)
    refused = [call for call in calls(world) if 16020 in call["errors"]]
    stats = world.carrier.stats()
    assert (stats["joins"], stats["refused_joins"]) == (joined, len(refused)) == (65 - len(refused), len(refused))
    assert refused
    await world.receiver.until(lambda: len(heard(world, "participant-leave")) == joined)
    assert len(heard(world, "participant-join")) == joined
    await world.receiver.until(lambda: len(heard(world, "conference-end")) == len(rooms))


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("<Dial>+14155550101</Dial>", "12100"),
        ("<Dial><Number>+14155550101</Number></Dial>", "12100"),
        ("<Dial><Conference>a</Conference><Conference>b</Conference></Dial>", "12100"),
        ("<Dial><Room>a</Room></Dial>", "12200"),
        ("<Dial record='true'><Conference>a</Conference></Dial>", "12100"),
        ("<Dial acton='/x'><Conference>a</Conference></Dial>", "12200"),
        ("<Dial><Conference coach='CA1'>a</Conference></Dial>", "12100"),
        ("<Dial><Conference startConferenceOnEntr='true'>a</Conference></Dial>", "12200"),
        ("<Dial><Conference maxParticipants='251'>a</Conference></Dial>", "12200"),
        ("<Dial><Conference beep='loud'>a</Conference></Dial>", "12200"),
        ("<Dial><Conference statusCallbackEvent='join speaker'>a</Conference></Dial>", "12100"),
        ("<Dial><Conference statusCallbackEvent='joined'>a</Conference></Dial>", "12200"),
        ("<Dial><Conference muted='yes'>a</Conference></Dial>", "12200"),
        ("<Dial><Conference/></Dial>", "12200"),
        ("<Dial timeLimit='0'><Conference>a</Conference></Dial>", "12200"),
    ],
)
async def test_other_dials_are_refused_clearly(world_with: Builder, document: str, code: str) -> None:
    world = await world_with(PEOPLE)
    world.receiver.pages |= {"/customer": Page(f"<Response>{document}</Response>"), "/fallback": Page(GOODBYE)}
    await connect(world, fallback_url=f"{world.receiver.url}/fallback")
    await world.receiver.until_over()
    assert world.receiver.at("/fallback")[0].fields["ErrorCode"] == code
    assert not conferences(world)
