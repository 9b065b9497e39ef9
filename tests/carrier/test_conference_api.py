"""Conferences and participants over REST, through the real SDK."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException  # type: ignore[import-untyped]

from tests.carrier.receiver import Page
from tests.carrier.test_conferences import (
    AGENT,
    CUSTOMER,
    GOODBYE,
    PATIENT,
    call_of,
    conferences,
    connect,
    conversation,
    heard,
    park,
    parked,
    until_ended,
)

if TYPE_CHECKING:
    from tests.carrier.conftest import Builder
    from tests.carrier.receiver import World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def talking(world_with: Builder) -> World:
    """A world whose people talk until somebody else ends it."""
    return await world_with(PATIENT)


async def test_conferences_are_listed_and_fetched(talking: World) -> None:
    await conversation(talking)
    (listed,) = await talking.client.conferences.list_async(friendly_name="room", status="in-progress")
    assert re.fullmatch(r"CF[0-9a-f]{32}", listed.sid)
    fetched = await talking.client.conferences(listed.sid).fetch_async()
    assert (fetched.friendly_name, fetched.status, fetched.region) == ("room", "in-progress", "us1")
    assert fetched.reason_conference_ended is None
    assert fetched.date_created <= fetched.date_updated
    assert set(fetched.subresource_uris) == {"participants", "recordings"}
    assert await talking.client.conferences.list_async(date_created=fetched.date_created.date())
    for nothing in ({"friendly_name": "other"}, {"status": "init"}, {"date_created_before": "2020-01-01"}):
        assert not await talking.client.conferences.list_async(**nothing)


async def test_a_client_ends_a_conference(talking: World) -> None:
    agent, customer = await conversation(talking)
    talking.receiver.pages["/dialed"] = Page("<Response><Pause length='300'/></Response>")
    (listed,) = await talking.client.conferences.list_async()
    ended = await listed.update_async(status="completed")
    assert (ended.status, ended.reason_conference_ended) == ("completed", "conference-ended-via-api")
    assert ended.call_sid_ending_conference is None
    await until_ended(talking)
    await talking.receiver.until(lambda: len(talking.receiver.at("/dialed")) == 2)
    assert {one.fields["CallSid"] for one in talking.receiver.at("/dialed")} == {agent.sid, customer.sid}
    reasons = {one.fields["ReasonParticipantLeft"] for one in heard(talking, "participant-leave")}
    assert reasons == {"conference_ended_via_api"}
    assert (await listed.update_async(status="completed")).status == "completed"
    assert not await listed.participants.list_async()


async def test_participants_are_found_by_call_or_label(talking: World) -> None:
    agent, customer = await conversation(talking)
    by_name = talking.client.conferences("room").participants
    assert {one.call_sid for one in await by_name.list_async()} == {agent.sid, customer.sid}
    (listed,) = await talking.client.conferences.list_async()
    found = await talking.client.conferences(listed.sid).participants("A1").fetch_async()
    same = await talking.client.conferences("room").participants(customer.sid).fetch_async()
    assert (found.call_sid, found.label) == (same.call_sid, same.label) == (customer.sid, "A1")
    assert (found.status, found.muted, found.hold, found.coaching) == ("connected", False, False, False)
    assert (found.start_conference_on_enter, found.end_conference_on_exit) == (True, False)
    assert found.conference_sid == listed.sid


async def test_a_participant_is_muted_and_held(talking: World) -> None:
    await park(talking, parked(events="join mute hold modify"))
    ann = talking.client.conferences("room").participants("ann")
    for change in (
        {"muted": True},
        {"muted": True},
        {"hold": True},
        {"end_conference_on_exit": False},
        {"hold": False},
    ):
        changed = await ann.update_async(**change)
        ((name, value),) = change.items()
        assert getattr(changed, name) is value
    assert [one.call_sid for one in await talking.client.conferences("room").participants.list_async(muted=True)]
    assert not await talking.client.conferences("room").participants.list_async(hold=True)
    expected = {"participant-join", "participant-mute", "participant-hold", "participant-modify", "participant-unhold"}
    await talking.receiver.until(lambda: len(talking.receiver.at("/room")) == 5)
    assert {one.fields["StatusCallbackEvent"] for one in talking.receiver.at("/room")} == expected
    assert heard(talking, "participant-mute")[0].fields["Muted"] == "true"


async def test_a_removed_participant_goes_on_alone(talking: World) -> None:
    agent, customer = await conversation(talking)
    assert await talking.client.conferences("room").participants("A1").delete_async()
    await talking.receiver.until_over()
    (leave,) = heard(talking, "participant-leave")
    assert leave.fields["ReasonParticipantLeft"] == "participant_updated_via_api"
    (asked,) = talking.receiver.at("/dialed")
    assert (asked.fields["CallSid"], asked.fields["DialCallStatus"]) == (customer.sid, "answered")
    assert call_of(talking, agent)["status"] == "in-progress"
    assert await talking.client.conferences("room").participants("ann").delete_async()
    await until_ended(talking)
    assert conferences(talking)[0]["reason"] == "participant-with-end-conference-on-exit-kicked"


async def test_what_is_not_there_is_not_found(talking: World) -> None:
    await park(talking)
    client = talking.client
    for missing in (
        client.conferences(f"CF{'0' * 32}").fetch_async,
        client.conferences("room").fetch_async,
        client.conferences("room").participants("nobody").fetch_async,
        client.conferences("room").participants("nobody").delete_async,
    ):
        with pytest.raises(TwilioRestException) as unknown:
            await missing()
        assert (unknown.value.status, unknown.value.code) == (404, 20404)
    with pytest.raises(TwilioException, match="20404"):
        await client.conferences("hall").participants.list_async()


async def test_what_is_not_done_is_refused(talking: World) -> None:
    await park(talking)
    room = talking.client.conferences("room")
    (listed,) = await talking.client.conferences.list_async()
    for refused in (
        room.participants.create_async(from_="+15005550006", to=CUSTOMER),
        room.participants("ann").update_async(coaching=True),
        room.participants("ann").update_async(announce_url="http://example.com/"),
        listed.update_async(status="closed"),
    ):
        with pytest.raises(TwilioRestException) as problem:
            await refused
        assert (problem.value.status, problem.value.code) == (400, 20001)
    with pytest.raises(TwilioException, match="20001"):
        await talking.client.conferences.list_async(status="open")
    url = f"{talking.carrier.url}/2010-04-01/Accounts/{talking.config.account_sid}/Conferences"
    async with talking.session.get(f"{url}.json?Name=room", headers=talking.authorization) as response:
        assert response.status == 400
    for method, path in (("PUT", ".json"), ("DELETE", f"/{listed.sid}.json"), ("PUT", "/room/Participants.json")):
        async with talking.session.request(method, url + path, headers=talking.authorization) as response:
            assert (await response.json())["code"] == 20004


async def test_pages_of_conferences(talking: World) -> None:
    for number in range(3):
        talking.receiver.pages["/customer"] = Page(
            f"<Response><Dial><Conference>hall {number}</Conference></Dial></Response>"
        )
        await connect(talking, f"+1415555010{number}")
        await talking.receiver.until(lambda: len(conferences(talking)) == number + 1)  # noqa: B023 - awaited at once
    first = await talking.client.conferences.page_async(page_size=2)
    second = await first.next_page_async()
    assert second is not None
    names = [one.friendly_name for page in (first, second) for one in page]
    assert names == ["hall 2", "hall 1", "hall 0"]


async def test_control_tells_who_was_in(talking: World) -> None:
    agent, customer = await conversation(talking)
    async with talking.session.get(f"{talking.carrier.url}/control/conferences") as response:
        (line,) = (await response.text()).splitlines()
    conference = json.loads(line)
    assert conference["name"] == "room"
    assert conference["created"] <= conference["started"]
    assert conference["ended"] is None
    assert [(one["label"], one["call"], one["agent"]) for one in conference["participants"]] == [
        ("ann", agent.sid, True), ("A1", customer.sid, False),
    ]  # fmt: skip
    assert conference["most"] == 2


@pytest.mark.parametrize(
    "to", [AGENT, "sips:ann@10.0.0.7:5061;transport=tls", "sip:6001@pbx.example.com", "sip:a.b+c@pbx"]
)
async def test_agents_sit_behind_sip_addresses(world_with: Builder, to: str) -> None:
    world = await world_with("[]")
    world.receiver.pages["/agent"] = Page(GOODBYE)
    await world.call(to, url=f"{world.receiver.url}/agent")
    await world.receiver.until_over()
    (call,) = world.carrier.calls()
    assert (call["to"], call["answer"], call["keys"]) == (to, "agent", [])


@pytest.mark.parametrize(
    "to", ["sip:", "sip:ann", "sip:ann@", "sip:@pbx", "sip:a b@pbx", "tel:+14155550100", "sip:a@p;x=1"]
)
async def test_other_addresses_are_refused(talking: World, to: str) -> None:
    with pytest.raises(TwilioRestException) as problem:
        await talking.call(to)
    assert problem.value.code == 21211
