"""The calls API, driven by the unchanged twilio package."""

from __future__ import annotations

import asyncio
import inspect
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]
from twilio.rest.api.v2010.account.call import CallContext, CallList  # type: ignore[import-untyped]

from dialer.carrier import form
from tests.carrier.receiver import FROM, PlainHttpClient

if TYPE_CHECKING:
    from tests.carrier.conftest import Builder
    from tests.carrier.receiver import World

pytestmark = pytest.mark.anyio


async def refusal(world: World, to: str = "+14155550100", **given: object) -> TwilioRestException:
    with pytest.raises(TwilioRestException) as caught:
        await world.call(to, **given)
    return caught.value


async def test_create_answers_as_twilio_does(world: World) -> None:
    call = await world.call()
    assert re.fullmatch("CA[0-9a-f]{32}", call.sid or "")
    assert call.status == "queued"
    assert call.direction == "outbound-api"
    assert call.queue_time == "0"
    assert call.start_time is None
    assert call.duration is None
    assert call.date_created is not None
    assert abs(call.date_created - datetime.now(UTC)) < timedelta(seconds=5)  # noqa: TID251 - the carrier's clock
    assert call.uri == f"/2010-04-01/Accounts/{world.config.account_sid}/Calls/{call.sid}.json"


async def test_a_finished_call_is_fetched_with_its_times(world: World) -> None:
    call = await world.call()
    await world.receiver.until_over()
    fetched = await call.fetch_async()
    assert fetched.status == "completed"
    assert fetched.duration == "1"
    assert fetched.start_time is not None
    assert fetched.end_time is not None


async def test_the_synchronous_client_works_too(world: World) -> None:
    client = world.sync_client()

    def use() -> tuple[str | None, str | None, int]:
        call = client.calls.create(to="+14155550100", from_=FROM, twiml="<Response/>")
        return call.sid, client.calls(call.sid or "").fetch().sid, len(client.calls.list(to="+14155550100"))

    created, fetched, listed = await asyncio.to_thread(use)
    assert created == fetched
    assert listed == 1
    client.http_client.session.close()


async def test_headers_name_the_request_and_the_concurrency(world: World) -> None:
    url = f"{world.carrier.url}/2010-04-01/Accounts/{world.config.account_sid}.json"
    async with world.session.get(url, headers=world.authorization) as response:
        assert response.headers["Twilio-Request-Id"].startswith("RQ")
        assert response.headers["Twilio-Concurrent-Requests"] == "1"


async def test_account_and_numbers(world_with: Builder) -> None:
    world = await world_with(caller_ids=("+15005550006", "+14155550199"))
    account = await world.client.api.accounts(world.config.account_sid).fetch_async()
    assert account.status == "active"
    numbers = await world.client.incoming_phone_numbers.list_async()
    assert [number.phone_number for number in numbers] == ["+15005550006", "+14155550199"]
    assert not await world.client.incoming_phone_numbers.list_async(phone_number="+14155550000")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"to": ""}, 21201),
        ({"to": "4155550100"}, 21211),
        ({"to": "+15005550001"}, 21211),
        ({"to": "+15005550002"}, 21214),
        ({"to": "+15005550003"}, 21215),
        ({"to": "+15005550004"}, 21216),
        ({"to": "+4915112345678"}, 21215),
        ({"from_": ""}, 21213),
        ({"from_": "+15005550001"}, 21212),
        ({"from_": "+14155550111"}, 21210),
        ({"url": "", "twiml": ""}, 21205),
        ({"url": "answer.xml"}, 21205),
        ({"url": "http://my_host/answer"}, 21205),
        ({"url": "http://127.0.0.1/answer#rc=9"}, 21205),
        ({"status_callback": "ftp://127.0.0.1/"}, 21609),
        ({"status_callback_event": ["finished"]}, 21626),
        ({"url": "", "twiml": "<Response>" + "x" * 4000}, 32018),
        ({"machine_detection": "Yes"}, 20001),
        ({"machine_detection": "Enable", "async_amd": "true"}, 21262),
        ({"timeout": 601}, 20001),
        ({"record": True}, 20001),
        ({"method": "PUT"}, 21209),
    ],
)
async def test_bad_orders_are_refused_with_twilios_codes(world_with: Builder, given: dict[str, Any], code: int) -> None:
    world = await world_with(allowed_prefixes=("+1",), caller_ids=(FROM,))
    problem = await refusal(world, **given)
    assert (problem.status, problem.code) == (400, code)
    assert not world.carrier.calls()


async def test_parameters_twilio_does_not_know_are_refused(world: World) -> None:
    url = f"{world.carrier.url}/2010-04-01/Accounts/{world.config.account_sid}/Calls.json"
    order = {"To": "+14155550100", "From": FROM, "Twiml": "<Response/>", "StatusCallbackEvents": "ringing"}
    async with world.session.post(url, headers=world.authorization, data=order) as response:
        body = await response.json()
    assert response.status == 400
    assert body["code"] == 20001
    assert "StatusCallbackEvents" in body["message"]
    assert set(body) == {"code", "message", "more_info", "status"}


def test_the_parameters_are_those_of_the_sdk() -> None:
    def sent(function: object) -> set[str]:
        return set(re.findall(r'"([A-Z][A-Za-z]+[<>]?)":', inspect.getsource(function)))  # type: ignore[arg-type]

    assert sent(CallList._create) == form.CREATE
    assert sent(CallContext._update) == form.UPDATE
    assert sent(CallList.page) == form.LIST


@pytest.mark.parametrize("credentials", [("AC" + "9" * 32, None), (None, "wrong")])
async def test_wrong_credentials_are_20003(world: World, credentials: tuple[str | None, str | None]) -> None:
    sid, token = credentials
    client = Client(
        sid or world.config.account_sid, token or world.config.auth_token, http_client=PlainHttpClient(world.session)
    )
    client.api.base_url = world.carrier.url
    with pytest.raises(TwilioRestException) as caught:
        await client.calls.create_async(to="+14155550100", from_=FROM, twiml="<Response/>")
    assert (caught.value.status, caught.value.code) == (401, 20003)


async def test_an_unknown_call_is_20404(world: World) -> None:
    with pytest.raises(TwilioRestException) as caught:
        await world.client.calls("CA" + "0" * 32).fetch_async()
    assert (caught.value.status, caught.value.code) == (404, 20404)


async def test_lists_filter_and_page_newest_first(world: World) -> None:
    for last in range(5):
        await world.call(f"+1415555010{last}")
    await world.receiver.until_over(5)
    calls = world.client.calls
    everyone = await calls.list_async(page_size=2)
    assert [call.to for call in everyone] == [f"+1415555010{last}" for last in (4, 3, 2, 1, 0)]
    assert len(await calls.list_async(to="+14155550103")) == 1
    assert len(await calls.list_async(from_=FROM, status="completed")) == 5
    assert not await calls.list_async(from_="+14155550199")
    assert not await calls.list_async(status="busy")
    today = everyone[0].start_time
    assert today is not None
    assert len(await calls.list_async(start_time_after=today, start_time_before=today)) == 5
    assert not await calls.list_async(start_time_after=today + timedelta(days=1))


async def test_a_queued_call_has_no_start_and_is_in_no_day(world_with: Builder) -> None:
    world = await world_with(calls_per_second=1, speed=1)
    await world.call()
    queued = await world.call("+14155550101")
    assert int(queued.queue_time or 0) == pytest.approx(1000, abs=200)
    today = datetime.now(UTC)  # noqa: TID251 - the carrier's clock
    assert not await world.client.calls.list_async(to="+14155550101", start_time_before=today)
    assert len(await world.client.calls.list_async(to="+14155550101", status="queued")) == 1


async def test_a_queued_call_can_be_cancelled_and_frees_its_place(world_with: Builder) -> None:
    world = await world_with(calls_per_second=1, speed=20)
    calls = [await world.call(f"+1415555010{last}") for last in range(4)]
    cancelled = await calls[1].update_async(status="canceled")
    assert cancelled.status == "canceled"
    await world.receiver.until_over(4)
    by_number = {str(call["to"])[-1]: call for call in world.carrier.calls()}
    assert by_number["1"]["dialed"] is None
    assert [by_number[last]["status"] for last in "0123"] == ["completed", "canceled", "completed", "completed"]
    gap = datetime.fromisoformat(str(by_number["2"]["dialed"])) - datetime.fromisoformat(str(by_number["0"]["dialed"]))
    assert gap < timedelta(seconds=1.9 / 20)


async def test_a_ringing_call_can_be_cancelled(world_with: Builder) -> None:
    world = await world_with('[{number: "*", answer: no-answer}]')
    call = await world.call()
    await world.receiver.until(lambda: "ringing" in world.receiver.statuses())
    assert (await call.update_async(status="canceled")).status == "canceled"
    await world.receiver.until_status(3)
    assert world.receiver.statuses() == ["initiated", "ringing", "canceled"]


async def test_a_live_call_is_redirected_and_ended(world_with: Builder) -> None:
    world = await world_with(speed=20)
    world.receiver.pages["/answer"].body = '<Response><Pause length="600"/></Response>'
    world.receiver.pages["/next"] = type(world.receiver.pages["/answer"])('<Response><Pause length="600"/></Response>')
    call = await world.call()
    await world.receiver.until(lambda: bool(world.receiver.at("/answer")))
    await call.update_async(url=f"{world.receiver.url}/next")
    await world.receiver.until(lambda: bool(world.receiver.at("/next")))
    assert (await call.update_async(status="completed")).status == "completed"
    await world.receiver.until_over()
    assert world.carrier.calls()[0]["ended_by"] == "client"
    with pytest.raises(TwilioRestException) as late:
        await call.update_async(twiml="<Response/>")
    assert late.value.code == 21220


async def test_limits_of_calls_and_requests(world_with: Builder) -> None:
    world = await world_with('[{number: "*", answer: no-answer}]', concurrent_calls=1, speed=1)
    await world.call()
    assert (await refusal(world)).code == 10004
    world = await world_with(concurrent_requests=1, calls_per_second=100, speed=1)
    results = await asyncio.gather(*(world.call() for _ in range(20)), return_exceptions=True)
    refused = [one for one in results if isinstance(one, TwilioRestException)]
    assert {(one.status, one.code) for one in refused} <= {(429, 20429)}
