"""What arrives from the carrier: proven, kept and answered, or refused in a way that says nothing and loses nothing."""

from __future__ import annotations

import logging
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from dialer import logs
from dialer.core.lifecycle import AttemptState
from dialer.core.outcome import Disposition
from dialer.errors import CarrierError
from dialer.web.webhooks import LARGEST_BODY
from tests.web.conftest import CALL, NUMBER, TOKEN, Site

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from dialer.bootstrap import Works
    from dialer.core.lifecycle import Facts

pytestmark = pytest.mark.anyio


def facts(site: Site) -> Facts:
    return site.works.store.attempts.facts(TOKEN)


def drop_table(works: Works, name: str) -> None:
    with works.store.database.write() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql(f"DROP TABLE {name}")


async def test_status_is_kept_and_acknowledged(site: Site) -> None:
    answer = await site.webhook("status", CallStatus="ringing", SequenceNumber="1")
    assert (answer.status, answer.body) == (204, b"")
    assert facts(site).state is AttemptState.ACCEPTED
    assert facts(site).carrier_call_id == CALL


async def test_whoever_picks_up_hears_the_script(site: Site) -> None:
    answer = await site.webhook("answer")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/xml")
    assert "Hello, this is Acme" in answer.text
    assert "<Gather" in answer.text
    assert f"/carrier/{TOKEN}/step/ask/1" in answer.text
    assert facts(site).state is AttemptState.LIVE


async def test_key_is_kept_and_answered_the_same_each_time(site: Site) -> None:
    first = await site.webhook("step/ask/1", Digits="9")
    assert "We shall not call again" in first.text
    assert facts(site).disposition is Disposition.OPTED_OUT
    second = await site.webhook("step/ask/1", Digits="9")
    assert (second.status, second.body) == (first.status, first.body)


@pytest.mark.parametrize("what", ["status", "answer", "verdict", "fallback", "step/ask/1"])
async def test_unsigned_request_is_refused(site: Site, what: str) -> None:
    before = facts(site)
    with capture_logs():
        answer = await site.webhook(what, signed=False)
    assert answer.status == 403
    assert facts(site) == before


async def test_signature_of_another_secret_is_refused(site: Site) -> None:
    with capture_logs() as said:
        headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": "x" * 28}
        answer = await site.ask("POST", f"/carrier/{TOKEN}/status", headers, b"CallStatus=completed")
    assert answer.status == 403
    assert [line["event"] for line in said] == ["webhook_refused"]


async def test_signature_of_another_address_is_refused(site: Site) -> None:
    """A request that was genuine for one attempt is none for another."""
    seen: dict[str, Any] = {}
    ask = site.ask

    async def overheard(method: str, target: str, headers: Any, body: bytes) -> Any:
        seen.update(method=method, headers=headers, body=body)
        return await ask(method, target, headers, body)

    site.ask = overheard  # type: ignore[method-assign, assignment] # listens in
    await site.webhook("status", CallStatus="ringing")
    with capture_logs():
        again = await ask(seen["method"], f"/carrier/{'f' * 32}/status", seen["headers"], seen["body"])
        longer = await ask(seen["method"], f"/carrier/{TOKEN}/status?x=1", seen["headers"], seen["body"])
        changed = await ask(seen["method"], f"/carrier/{TOKEN}/status", seen["headers"], seen["body"] + b"&x=1")
    assert [again.status, longer.status, changed.status] == [403, 403, 403]


async def test_another_account_is_refused(site: Site) -> None:
    with capture_logs():
        assert (await site.webhook("status", AccountSid="AC" + "9" * 32)).status == 403


@pytest.mark.parametrize("what", ["", "nothing", "statuses", "../healthz", "STATUS"])
async def test_place_nobody_was_told_of(site: Site, what: str) -> None:
    with capture_logs():
        assert (await site.webhook(what)).status == 404


@pytest.mark.parametrize("what", ["status/more", "answer/", "step/ask", "step/ask/1/2", "step/ask/x", "step//"])
async def test_odd_places_do_no_harm(site: Site, what: str) -> None:
    with capture_logs():
        answer = await site.webhook(what)
    assert answer.status in {403, 404}
    assert facts(site).state is AttemptState.DIALING


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused(site: Site, method: str) -> None:
    assert (await site.ask(method, f"/carrier/{TOKEN}/status")).status == 405


@pytest.mark.parametrize("size", [LARGEST_BODY + 1, 100 * LARGEST_BODY])
async def test_body_larger_than_any_webhook_is_not_read(site: Site, size: int) -> None:
    assert (await site.ask("POST", f"/carrier/{TOKEN}/status", {}, b"x" * size)).status == 413


async def test_client_that_goes_away_is_no_error(site: Site) -> None:
    with capture_logs() as said:
        await site.ask("POST", f"/carrier/{TOKEN}/status", {}, b"CallSid=", cut_off=True)
    assert said == []


async def test_token_nobody_issued_is_answered_with_silence_and_hung_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung_up: list[str] = []

    async def hang_up(carrier_call_id: str) -> bool:
        hung_up.append(carrier_call_id)
        return True

    monkeypatch.setattr(site.works.telephony, "hang_up", hang_up)
    with capture_logs() as said:
        answer = await site.webhook("answer", token="e" * 32)
        await site.works.ledger.finish()
    assert answer.status == 200
    assert "<Hangup" in answer.text
    assert "Say" not in answer.text
    assert hung_up == [CALL]
    assert [line["event"] for line in said] == ["call_ended_by_us"]


async def test_machine_that_cannot_be_hung_up_on_is_no_failed_webhook(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: str) -> bool:
        raise CarrierError("Twilio does not answer")

    monkeypatch.setattr(site.works.telephony, "hang_up", away)
    with capture_logs():
        assert (await site.webhook("verdict", AnsweredBy="machine_start")).status == 204


async def test_database_that_fails_is_said_and_the_carrier_may_try_again(site: Site) -> None:
    drop_table(site.works, "event")
    with capture_logs() as said:
        answer = await site.webhook("status", CallStatus="ringing")
    assert answer.status == 503
    assert {line["event"] for line in said} == {"event_not_recorded", "webhook_not_kept"}
    assert "sqlite" not in answer.text


async def test_health(site: Site) -> None:
    answer = await site.ask("GET", "/healthz")
    assert answer.status == 200
    assert answer.text == '{"status":"ok","in_call":1,"calls_sent":0}'


async def test_health_without_a_database(site: Site) -> None:
    drop_table(site.works, "attempt")
    answer = await site.ask("GET", "/healthz")
    assert answer.status == 503
    assert '"failing"' in answer.text


async def test_figures(site: Site) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("dialer_webhooks_total", {"kind": "status", "status": "204"}) or 0.0

    before = counted()
    await site.webhook("status", CallStatus="ringing")
    assert counted() == before + 1
    text = (await site.ask("GET", "/metrics")).text
    assert "dialer_open_attempts 1.0" in text
    assert 'dialer_callbacks{campaign="survey",state="calling"} 1.0' in text
    await site.webhook("status", CallStatus="busy", SequenceNumber="2")
    text = (await site.ask("GET", "/metrics")).text
    assert "dialer_open_attempts 0.0" in text
    assert 'state="calling"' not in text, "nobody is being called any more"
    assert 'dialer_callbacks{campaign="survey",state="waiting"} 1.0' in text


async def test_figures_do_not_grow_with_what_strangers_ask_for(site: Site) -> None:
    with capture_logs():
        for what in ("one", "two", "three"):
            await site.webhook(what, signed=False)
    text = (await site.ask("GET", "/metrics")).text
    assert 'kind="other"' in text
    assert 'kind="two"' not in text


async def test_figures_without_a_database(site: Site) -> None:
    drop_table(site.works, "attempt")
    answer = await site.ask("GET", "/metrics")
    assert answer.status == 503


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/redoc", "/carrier", f"/carrier/{TOKEN}"])
async def test_nothing_else_is_there(site: Site, path: str) -> None:
    assert (await site.ask("GET", path)).status == 404


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """The log as the daemon writes it, at its most talkative."""
    configure = structlog.configure

    def fresh(**options: Any) -> None:
        configure(**(options | {"cache_logger_on_first_use": False}))

    monkeypatch.setattr(structlog, "configure", fresh)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    logs.configure("json", "debug")
    stream = StringIO()
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    yield stream
    root.handlers[:], root.level = before[0], before[1]
    structlog.reset_defaults()


async def test_no_log_line_holds_a_whole_number(
    site: Site, written: StringIO, monkeypatch: pytest.MonkeyPatch, whole_number: re.Pattern[str]
) -> None:
    async def away(_: str) -> bool:
        raise CarrierError(f"no answer about {NUMBER.e164}")

    monkeypatch.setattr(site.works.telephony, "hang_up", away)
    await site.webhook("status", CallStatus="ringing")
    await site.webhook("status", CallStatus="strange", SequenceNumber="2")
    await site.webhook("status", CallStatus="failed", SipResponseCode="999", SequenceNumber="3")
    await site.webhook("answer", token="e" * 32)
    await site.webhook("verdict", AnsweredBy="machine_start")
    await site.webhook("fallback", ErrorCode="11200", ErrorUrl=f"https://x.example/?To={NUMBER.e164}")
    await site.webhook(f"status?To={NUMBER.e164}", signed=False)
    await site.webhook("status", signed=False, token=NUMBER.e164)
    await site.webhook(f"step/{NUMBER.e164}", signed=False)
    await site.works.ledger.finish()
    drop_table(site.works, "event")
    await site.webhook("status", CallStatus="completed", SequenceNumber="4")
    text = written.getvalue()
    for expected in ("call_ended_by_us", "webhook_refused", "webhook_not_kept", "carrier_complains_about_our_answer"):
        assert expected in text
    assert not whole_number.search(text)
