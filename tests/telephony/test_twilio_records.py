"""Asking Twilio about calls, and ending them: its record in our words, its refusals told apart from its absence."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from dialer.core.lifecycle import EventKind
from dialer.core.outcome import AnsweredBy, Network
from dialer.core.script import Turn
from dialer.errors import CarrierError
from tests.telephony.wire import RECEIVED, line, order, twilio

if TYPE_CHECKING:
    import asyncio

    from tests.telephony.wire import Behaviour, Heard

pytestmark = pytest.mark.anyio
SID = "CA" + "0" * 32
ACCOUNT = "/2010-04-01/Accounts/AC" + "1" * 32
CREATED = "Tue, 10 Mar 2026 12:00:00 +0000"
STARTED = "Tue, 10 Mar 2026 12:00:10 +0000"
ENDED = "Tue, 10 Mar 2026 12:00:59 +0000"


def record(status: object = "completed", **more: object) -> dict[str, object]:
    known = {"sid": SID, "status": status, "date_created": CREATED, "start_time": STARTED, "end_time": ENDED}
    return {**known, "duration": "49", "answered_by": None, **more}


def at(text: str) -> datetime:
    return datetime.strptime(text, "%a, %d %b %Y %H:%M:%S %z")


def says(*answers: tuple[int, object]) -> Behaviour:
    """Gives one answer after the other, the last one again and again."""
    left = list(answers)

    async def behave(_: Heard, writer: asyncio.StreamWriter) -> None:
        status, body = left.pop(0) if len(left) > 1 else left[0]
        content = json.dumps(body).encode()
        writer.write(f"HTTP/1.1 {status} Word\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)

    return behave


def error(status: int, code: int) -> tuple[int, object]:
    return status, {"code": code, "message": "", "status": status}


@pytest.mark.parametrize(
    ("status", "kind", "network", "time", "talk"),
    [
        ("queued", EventKind.QUEUED, None, CREATED, None),
        ("ringing", EventKind.RINGING, None, None, None),
        ("in-progress", EventKind.ANSWERED, None, STARTED, None),
        ("completed", EventKind.ENDED, Network.ANSWERED, ENDED, timedelta(seconds=49)),
        ("busy", EventKind.ENDED, Network.BUSY, ENDED, None),
        ("no-answer", EventKind.ENDED, Network.NO_ANSWER, ENDED, None),
        ("failed", EventKind.ENDED, Network.UNREACHABLE, ENDED, None),
        ("canceled", EventKind.ENDED, Network.CANCELED, ENDED, None),
    ],
)
async def test_a_record_becomes_a_report(
    status: str,
    kind: EventKind,
    network: Network | None,
    time: str | None,
    talk: timedelta | None,
) -> None:
    async with line(says((200, record(status)))) as carrier, twilio(carrier.port) as telephony:
        report = await telephony.fetch(SID)
        assert carrier.heard[0].target == f"{ACCOUNT}/Calls/{SID}.json"
    assert report is not None
    assert (report.carrier_call_id, report.kind, report.network, report.talk) == (SID, kind, network, talk)
    assert (report.created, report.at) == (at(CREATED), at(time) if time else None)


async def test_a_record_with_gaps_and_news_is_still_a_report() -> None:
    bare = {"sid": SID, "status": "levitating", "answered_by": "machine", "date_created": "yesterday", "duration": None}
    async with line(says((200, bare))) as carrier, twilio(carrier.port) as telephony:
        with capture_logs() as logged:
            report = await telephony.fetch(SID)
    assert report is not None
    assert (report.kind, report.created, report.at, report.talk) == (EventKind.QUEUED, None, None, None)
    assert report.answered_by is AnsweredBy.MACHINE
    assert [entry["event"] for entry in logged] == ["twilio_status_unknown"]


async def test_no_record_is_none_and_no_answer_is_an_error() -> None:
    answers = says(
        error(404, 20404),
        error(500, 20500),
        error(429, 20429),
        (200, []),
        (200, record(["odd"])),
        (404, {"detail": ""}),
    )
    async with line(answers) as carrier, twilio(carrier.port) as telephony:
        assert await telephony.fetch(SID) is None
        for _ in range(5):
            with pytest.raises(CarrierError):
                await telephony.fetch(SID)


async def test_finding_reads_every_page_and_keeps_what_was_created_in_time() -> None:
    def page(n: int, created: list[str | None], following: str | None) -> tuple[int, object]:
        calls = [record(sid=f"CA{n}{i}" + "0" * 30, date_created=text) for i, text in enumerate(created)]
        return 200, {"calls": calls, "next_page_uri": following, "page": n}

    early, late = "Tue, 10 Mar 2026 11:59:59 +0000", "Tue, 10 Mar 2026 12:02:01 +0000"
    following = f"{ACCOUNT}/Calls.json?To=%2B12025550123&PageSize=100&Page=1&PageToken=PA1"
    pages = [page(0, [late, CREATED], following), page(1, [early, None, CREATED], None)]
    async with line(says(*pages)) as carrier, twilio(carrier.port) as telephony:
        since = at(CREATED)
        # The second page's call was created within the second that `since` is in the middle of.
        found = await telephony.find(order().to, since + timedelta(milliseconds=500), since + timedelta(minutes=2))
        asked = [request.target for request in carrier.heard]
    assert [report.carrier_call_id[:4] for report in found] == ["CA01", "CA11", "CA12"]
    assert asked == [f"{ACCOUNT}/Calls.json?To=%2B12025550123&PageSize=100", following]


async def test_a_broken_page_is_an_error_not_an_empty_list() -> None:
    first = (200, {"calls": [], "next_page_uri": f"{ACCOUNT}/Calls.json?Page=1", "page": 0})
    for second in (error(500, 20500), (200, {}), (200, "no page")):
        async with line(says(first, second)) as carrier, twilio(carrier.port) as telephony:
            with pytest.raises(CarrierError):
                await telephony.find(order().to, RECEIVED, RECEIVED)


async def test_queued_calls() -> None:
    listed = {"calls": [record("queued"), record("ringing")], "next_page_uri": None}
    async with line(says((200, listed))) as carrier, twilio(carrier.port) as telephony:
        assert [report.kind for report in await telephony.queued()] == [EventKind.QUEUED]
        assert carrier.heard[0].target == f"{ACCOUNT}/Calls.json?Status=queued&PageSize=100"


@pytest.mark.parametrize(
    ("answers", "ended", "asked"),
    [
        ([(200, record("canceled"))], True, ["canceled"]),
        ([(200, record("queued"))], True, ["canceled"]),  # taken on, not yet done
        ([(200, record("completed"))], False, ["canceled"]),
        ([(200, record("no-answer"))], False, ["canceled"]),
        ([(200, record("in-progress")), (200, record("completed"))], True, ["canceled", "completed"]),
        ([error(400, 21220), (200, record("completed"))], True, ["canceled", "completed"]),
        ([error(400, 21220)], False, ["canceled", "completed"]),
    ],
)
async def test_hanging_up_cancels_first_so_that_a_ring_is_not_recorded_as_an_answer(
    answers: list[tuple[int, object]],
    ended: bool,  # noqa: FBT001 - the expected answer
    asked: list[str],
) -> None:
    async with line(says(*answers)) as carrier, twilio(carrier.port) as telephony:
        assert await telephony.hang_up(SID) is ended
        assert [request.form["Status"][0] for request in carrier.heard] == asked


async def test_hanging_up_what_twilio_cannot_find_or_answer_is_an_error() -> None:
    async with line(says(error(404, 20404), error(500, 20500))) as carrier, twilio(carrier.port) as telephony:
        for _ in range(2):
            with pytest.raises(CarrierError):
                await telephony.hang_up(SID)


async def test_interrupting_sends_the_words_themselves() -> None:
    message = Turn(spoken=("Please call us.",), listen=None, marks=(), language="en-US", voice="")
    async with (
        line(says((200, record("in-progress")), error(400, 21220))) as carrier,
        twilio(carrier.port) as telephony,
    ):
        assert await telephony.interrupt(SID, message, order().links)
        assert not await telephony.interrupt(SID, message, order().links)
        assert carrier.heard[0].target == f"{ACCOUNT}/Calls/{SID}.json"
        assert "Please call us." in carrier.heard[0].form["Twiml"][0]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, {"status": "active"}), ""),
        ((200, {"status": "suspended"}), "suspended"),
        (error(401, 20003), "TWILIO_AUTH_TOKEN"),
        (error(404, 20404), "TWILIO_ACCOUNT_SID"),
        (error(500, 20500), "HTTP 500"),
        ((200, "nonsense"), "DIALER_TWILIO_API_URL"),
    ],
)
async def test_the_check_says_what_to_mend(answer: tuple[int, object], words: str) -> None:
    async with line(says(answer)) as carrier, twilio(carrier.port) as telephony:
        complaints = await telephony.check()
        assert carrier.heard[0].target == f"{ACCOUNT}.json"
    assert len(complaints) == (1 if words else 0)
    assert all(words in complaint for complaint in complaints)


async def test_the_check_says_when_nobody_answers() -> None:
    async with line(says((200, {}))) as carrier:
        port = carrier.port
    async with twilio(port) as telephony:
        (complaint,) = await telephony.check()
    assert "cannot be reached" in complaint


async def test_requests_carry_the_credentials() -> None:
    async with line(says((200, record()))) as carrier, twilio(carrier.port) as telephony:
        await telephony.fetch(SID)
        assert carrier.heard[0].headers["authorization"].startswith("basic ")
