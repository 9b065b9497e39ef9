"""What the client hears of a call: field sets, order, signatures, detection, fallback."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from tests.carrier.receiver import Page

if TYPE_CHECKING:
    from tests.carrier.conftest import Builder
    from tests.carrier.receiver import World

pytestmark = pytest.mark.anyio

IDENTITY = {
    "AccountSid", "ApiVersion", "CallSid", "CallStatus", "Called", "CalledCity", "CalledCountry", "CalledState",
    "CalledZip", "Caller", "CallerCity", "CallerCountry", "CallerState", "CallerZip", "Direction", "From", "FromCity",
    "FromCountry", "FromState", "FromZip", "To", "ToCity", "ToCountry", "ToState", "ToZip",
}  # fmt: skip
STATUS = IDENTITY | {"CallbackSource", "SequenceNumber", "Timestamp"}


def sip(world: World) -> tuple[str, str]:
    last = next(one for one in world.receiver.at("/status") if "CallDuration" in one.fields)
    return last.fields["CallStatus"], last.fields["SipResponseCode"]


async def test_a_human_call_tells_four_events(world: World) -> None:
    world.receiver.pages["/answer"].body = '<Response><Pause length="61"/></Response>'
    call = await world.call()
    await world.receiver.until_status(4)
    heard = sorted(world.receiver.at("/status"), key=lambda one: int(one.fields["SequenceNumber"]))
    assert [one.fields["CallStatus"] for one in heard] == ["initiated", "ringing", "in-progress", "completed"]
    assert [one.fields["SequenceNumber"] for one in heard] == ["0", "1", "2", "3"]
    assert all(set(one.fields) == STATUS for one in heard[:3])
    assert set(heard[3].fields) == STATUS | {"CallDuration", "Duration", "SipResponseCode"}
    assert (heard[3].fields["CallDuration"], heard[3].fields["Duration"]) == ("62", "2")
    assert {one.fields["CallSid"] for one in heard} == {call.sid}
    assert {one.fields["CallbackSource"] for one in heard} == {"call-progress-events"}
    assert parsedate_to_datetime(heard[0].fields["Timestamp"]).tzinfo is not None


async def test_every_request_is_signed_and_carries_a_token(world: World) -> None:
    await world.call(url=f"{world.receiver.url}/answer?attempt=a%20b+c#rc=2&rp=all", method="POST")
    await world.receiver.until_status(4)
    assert len(world.receiver.deliveries) == 5
    assert all(one.genuine for one in world.receiver.deliveries)
    assert all(one.headers["User-Agent"] == "TwilioProxy/1.1" for one in world.receiver.deliveries)
    assert len({one.headers["I-Twilio-Idempotency-Token"] for one in world.receiver.deliveries}) == 5
    answer = world.receiver.at("/answer")[0]
    assert answer.url.endswith("/answer?attempt=a%20b+c")
    assert set(answer.fields) == IDENTITY
    assert answer.fields["CallStatus"] == "in-progress"


async def test_get_webhooks_are_signed_over_the_whole_url(world: World) -> None:
    await world.call(url=f"{world.receiver.url}/answer?attempt=1", method="GET", status_callback_method="GET")
    await world.receiver.until_over()
    assert {one.method for one in world.receiver.deliveries} == {"GET"}
    assert all(one.genuine for one in world.receiver.deliveries)
    assert world.receiver.at("/answer")[0].fields["attempt"] == "1"


async def test_only_completed_is_sent_by_default(world: World) -> None:
    await world.call(status_callback_event=[])
    await world.receiver.until_over()
    assert [(one.fields["CallStatus"], one.fields["SequenceNumber"]) for one in world.receiver.at("/status")] == [
        ("completed", "0")
    ]


@pytest.mark.parametrize(
    ("person", "expected", "events"),
    [
        ("answer: busy", ("busy", "486"), 3),
        ("answer: no-answer", ("no-answer", "487"), 3),
        ("answer: human, ring: 100", ("no-answer", "487"), 3),
        ("answer: invalid", ("failed", "404"), 2),
        ("answer: unreachable, sip: 503", ("failed", "503"), 2),
        ("answer: unreachable, sip: 480", ("failed", "480"), 2),
    ],
)
async def test_calls_nobody_takes(world_with: Builder, person: str, expected: tuple[str, str], events: int) -> None:
    world = await world_with(f'[{{number: "*", {person}}}]')
    await world.call(timeout=20)
    await world.receiver.until_over()
    await world.receiver.until(lambda: len(world.receiver.at("/status")) == events)
    assert sip(world) == expected
    assert not world.receiver.at("/answer")
    assert (await world.client.calls.list_async())[0].duration == "0"


@pytest.mark.parametrize(
    ("person", "mode", "verdict", "milliseconds"),
    [
        ("answer: human, greeting: 0.5", "Enable", "human", "1700"),
        ("answer: machine, greeting: 8", "Enable", "machine_start", "2400"),
        ("answer: machine, greeting: 8, ending: beep", "DetectMessageEnd", "machine_end_beep", "8500"),
        ("answer: machine, greeting: 8, ending: silence", "DetectMessageEnd", "machine_end_silence", "9200"),
        ("answer: machine, greeting: 50", "DetectMessageEnd", "unknown", "30000"),
        ("answer: human, greeting: 0", "Enable", "unknown", "5000"),
        ("answer: fax", "Enable", "fax", "3000"),
    ],
)
async def test_detection_in_the_background(
    world_with: Builder, person: str, mode: str, verdict: str, milliseconds: str
) -> None:
    world = await world_with(f'[{{number: "*", ring: 1, {person}}}]')
    world.receiver.pages["/answer"].body = '<Response><Pause length="40"/></Response>'
    callback = f"{world.receiver.url}/amd"
    await world.call(machine_detection=mode, async_amd="true", async_amd_status_callback=callback)
    await world.receiver.until_over()
    (heard,) = world.receiver.at("/amd")
    assert set(heard.fields) == {"AccountSid", "CallSid", "AnsweredBy", "MachineDetectionDuration"}
    assert (heard.fields["AnsweredBy"], heard.fields["MachineDetectionDuration"]) == (verdict, milliseconds)
    assert heard.genuine
    assert "AnsweredBy" not in world.receiver.at("/answer")[0].fields
    last = next(one for one in world.receiver.at("/status") if "CallDuration" in one.fields)
    assert last.fields["AnsweredBy"] == verdict


async def test_synchronous_detection_holds_the_answer_back(world_with: Builder) -> None:
    world = await world_with('[{number: "*", answer: machine, ring: 1, greeting: 8}]')
    await world.call(machine_detection="Enable")
    await world.receiver.until_over()
    answer = world.receiver.at("/answer")[0]
    assert (answer.fields["AnsweredBy"], answer.fields["MachineDetectionDuration"]) == ("machine_start", "2400")
    assert world.carrier.calls()[0]["duration"] == 3


async def test_sending_digits_switches_detection_off(world: World) -> None:
    await world.call(machine_detection="Enable", send_digits="1")
    await world.receiver.until_over()
    assert "AnsweredBy" not in world.receiver.at("/answer")[0].fields


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (Page(status=500), "11200"),
        (Page(body="<Response><Dial>+1</Dial></Response>"), "12100"),
        (Page(body="<Response>"), "12100"),
        (Page(body='<!DOCTYPE a [<!ENTITY b "c">]><Response><Say>&b;</Say></Response>'), "12100"),
        (Page(body="<Response><Sing/></Response>"), "12200"),
        (Page(body='<Response><Say tone="high">a</Say></Response>'), "12200"),
        (Page(body="<Response/>", content_type="application/json"), "12300"),
        (Page(body="<Response>" + " " * 70_000 + "</Response>"), "11750"),
        (Page(delay=0.3), "11200"),
    ],
)
async def test_a_broken_document_leads_to_the_fallback(world: World, page: Page, code: str) -> None:
    world.receiver.pages |= {"/answer": page, "/fallback": Page()}
    await world.call(url=f"{world.receiver.url}/answer#rt=100", fallback_url=f"{world.receiver.url}/fallback")
    await world.receiver.until_over()
    (fallback,) = world.receiver.at("/fallback")
    assert fallback.genuine
    assert fallback.fields["ErrorCode"] == code
    assert fallback.fields["ErrorUrl"] == f"{world.receiver.url}/answer"
    assert world.carrier.calls()[0]["errors"] == [int(code)]


async def test_without_a_fallback_the_call_is_dropped(world: World) -> None:
    world.receiver.pages["/answer"] = Page(status=404)
    await world.call()
    await world.receiver.until_over()
    assert world.carrier.calls()[0]["ended_by"] == "error"


async def test_a_refused_connection_is_11205(world: World) -> None:
    await world.call(url="http://127.0.0.1:9/answer", fallback_url=f"{world.receiver.url}/fallback")
    world.receiver.pages["/fallback"] = Page()
    await world.receiver.until_over()
    assert world.receiver.at("/fallback")[0].fields["ErrorCode"] == "11205"


async def test_retries_follow_the_fragment_and_keep_the_token(world: World) -> None:
    world.receiver.pages["/status"] = Page(status=503)
    await world.call(status_callback=f"{world.receiver.url}/status#rc=2&rp=5xx", status_callback_event=["completed"])
    await world.receiver.until(lambda: len(world.receiver.at("/status")) == 3)
    assert len({one.headers["I-Twilio-Idempotency-Token"] for one in world.receiver.at("/status")}) == 1
    assert all("#" not in one.url for one in world.receiver.deliveries)


async def test_a_failed_callback_is_not_retried_unless_asked_for(world: World) -> None:
    world.receiver.pages["/status"] = Page(status=503)
    await world.call()
    await world.receiver.until_status(4)
    assert world.receiver.statuses() == ["initiated", "ringing", "in-progress", "completed"]
    assert {15003} == set(world.carrier.calls()[0]["errors"])  # type: ignore[call-overload]
