"""Webhooks: only what Twilio certainly signed is believed, and what it says becomes the right event."""

from __future__ import annotations

import hmac
import itertools
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from dialer.core.lifecycle import AttemptState, EventKind, Facts, apply
from dialer.core.outcome import AnsweredBy, Network
from dialer.errors import ForgedRequestError
from dialer.ports import Notice, WebRequest
from dialer.telephony.twilio import TwilioTelephony

ACCOUNT = "AC" + "1" * 32
CALL = "CA" + "0" * 32
SECRET = "a-made-up-auth-token"
PUBLIC = "https://dialer.example"
NOW = datetime(2026, 3, 10, 12, 0, 5, tzinfo=UTC)
IDENTITY = {
    "CallSid": CALL,
    "AccountSid": ACCOUNT,
    "From": "+15005550006",
    "To": "+12025550123",
    "CallerCity": "",
    "ApiVersion": "2010-04-01",
    "Direction": "outbound-api",
}


def telephony(public_url: str = PUBLIC, **more: Any) -> TwilioTelephony:
    return TwilioTelephony(ACCOUNT, SECRET, public_url=public_url, connections=1, **more)


def signed(
    what: str, fields: dict[str, str], *, public: str = PUBLIC, secret: str = SECRET, algorithm: str = "HMAC_SHA1"
) -> WebRequest:
    target = f"/carrier/token1/{what}"
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
        "x-twilio-signature": RequestValidator(secret).compute_signature(public + target, fields, algorithm),
    }
    if algorithm != "HMAC_SHA1":
        headers["x-twilio-webhooks-signature-settings"] = f"key=webhooks_sharedkey_1,algorithm={algorithm}"
    return WebRequest("POST", target, headers, urlencode(fields).encode())


def changed(request: WebRequest, **parts: Any) -> WebRequest:
    values = {"method": request.method, "target": request.target, "headers": request.headers, "body": request.body}
    return WebRequest(**{**values, **parts})


def read(what: str, **fields: str) -> Notice:
    return telephony().read(signed(what, {**IDENTITY, **fields}), "token1", what, NOW)


# Signatures


names = st.text(min_size=1, max_size=12)
forms = st.dictionaries(names, st.text(max_size=30), max_size=12).map(lambda form: {**form, **IDENTITY})
targets = st.from_regex(r"/[a-z0-9/._-]{0,20}(\?[a-z]{1,5}=[a-zA-Z0-9%+.]{0,10})?", fullmatch=True)
publics = st.sampled_from(
    [
        "https://d.example",
        "https://d.example:8443",
        "http://d.example:9000",
        "https://d.example/base",
        "http://d.example",
    ]
)


def accepts(request: WebRequest, public: str) -> bool:
    try:
        telephony(public).read(request, "token1", "answer", NOW)
    except ForgedRequestError:
        return False
    return True


@given(publics, publics, targets, forms, st.sampled_from([SECRET, "another"]))
def test_agrees_with_the_validator_of_the_sdk(
    public: str, known_as: str, target: str, form: dict[str, str], secret: str
) -> None:
    validator = RequestValidator(SECRET)
    signature = RequestValidator(secret).compute_signature(known_as + target, form)
    headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
    request = WebRequest("POST", target, headers, urlencode(form).encode())
    assert accepts(request, public) == validator.validate(public + target, form, signature)


@given(forms, st.sampled_from(["https://d.example", "https://d.example:443"]))
def test_twilio_may_sign_with_or_without_the_usual_port(form: dict[str, str], known_as: str) -> None:
    signature = RequestValidator(SECRET).compute_signature(known_as + "/x", form)
    headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
    for public in ("https://d.example", "https://d.example:443"):
        assert accepts(WebRequest("POST", "/x", headers, urlencode(form).encode()), public)


def test_repeated_fields_are_signed_as_the_sdk_does() -> None:
    pairs = [("B", "2"), ("A", "z"), ("A", "a"), ("A", "z"), *IDENTITY.items()]

    class Repeated(dict[str, str]):
        def getall(self, name: str) -> list[str]:
            return [value for key, value in pairs if key == name]

    signature = RequestValidator(SECRET).compute_signature(f"{PUBLIC}/x", Repeated(pairs))
    headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
    request = WebRequest("POST", "/x", headers, urlencode(pairs).encode())
    assert telephony().read(request, "token1", "answer", NOW).carrier_call_id == CALL


def test_a_get_is_signed_by_its_address_alone() -> None:
    target = f"/carrier/token1/answer?{urlencode(IDENTITY)}"
    signature = RequestValidator(SECRET).compute_signature(PUBLIC + target, {})
    request = WebRequest("GET", target, {"x-twilio-signature": signature}, b"")
    assert telephony().read(request, "token1", "answer", NOW).carrier_call_id == CALL
    with pytest.raises(ForgedRequestError):
        telephony().read(changed(request, target=target + "&Digits=1"), "token1", "answer", NOW)


def test_a_fragment_is_not_part_of_what_is_signed() -> None:
    request = signed("answer", IDENTITY)
    request = changed(request, target=request.target + "#rc=1")
    assert telephony().read(request, "token1", "answer", NOW).carrier_call_id == CALL


@pytest.mark.parametrize("algorithm", ["HMAC_SHA1", "HMAC_SHA256"])
def test_another_token_and_shared_keys_may_sign(algorithm: str) -> None:
    request = signed("answer", IDENTITY, secret="the-new-one", algorithm=algorithm)
    with pytest.raises(ForgedRequestError):
        telephony().read(request, "token1", "answer", NOW)
    notice = telephony(also_signed_with=("the-new-one",)).read(request, "token1", "answer", NOW)
    assert notice.carrier_call_id == CALL


GOOD = signed("status", {**IDENTITY, "CallStatus": "ringing", "SequenceNumber": "1"})
JSON = b'{"CallSid": "' + CALL.encode() + b'"}'
FORGED = {
    "no signature": changed(GOOD, headers={"content-type": GOOD.headers["content-type"]}),
    "an empty signature": changed(GOOD, headers={**GOOD.headers, "x-twilio-signature": ""}),
    "a signature that is no ASCII": changed(GOOD, headers={**GOOD.headers, "x-twilio-signature": "ä" * 28}),
    "another secret": signed("status", IDENTITY, secret="guess"),
    "no secret": signed("status", IDENTITY, secret=""),
    "another body": changed(GOOD, body=GOOD.body.replace(b"ringing", b"completed")),
    "one more field": changed(GOOD, body=GOOD.body + b"&AnsweredBy=human"),
    "another path": changed(GOOD, target=GOOD.target.replace("token1", "token2")),
    "a query": changed(GOOD, target=GOOD.target + "?x=1"),
    "another host": signed("status", IDENTITY, public="https://evil.example"),
    "plain http": signed("status", IDENTITY, public="http://dialer.example"),
    "another account": signed("status", {**IDENTITY, "AccountSid": "AC" + "2" * 32}),
    "no account": signed("status", {k: v for k, v in IDENTITY.items() if k != "AccountSid"}),
    "no call": signed("status", {k: v for k, v in IDENTITY.items() if k != "CallSid"}),
    "a call that is none": signed("status", {**IDENTITY, "CallSid": "../../Accounts"}),
    "no content type": changed(GOOD, headers={"x-twilio-signature": GOOD.headers["x-twilio-signature"]}),
    "JSON": changed(GOOD, headers={**GOOD.headers, "content-type": "application/json"}, body=JSON),
    "a body that is no text": changed(GOOD, body=b"\xff\xfe=\x00"),
    "an empty body": changed(GOOD, body=b""),
    "too long": signed("status", {**IDENTITY, "x": "y" * 16_384}),
    "too many fields": signed("status", {**IDENTITY, **{f"f{n}": "" for n in range(100)}}),
    "PUT": changed(GOOD, method="PUT"),
    "GET with a body": changed(GOOD, method="GET"),
    "an unknown algorithm": changed(
        GOOD, headers={**GOOD.headers, "x-twilio-webhooks-signature-settings": "key=a,algorithm=NONE"}
    ),
    "the wrong algorithm": changed(
        GOOD, headers={**GOOD.headers, "x-twilio-webhooks-signature-settings": "key=a,algorithm=HMAC_SHA256"}
    ),
}


@pytest.mark.parametrize("request_", FORGED.values(), ids=FORGED)
def test_any_doubt_is_a_forgery(request_: WebRequest) -> None:
    with pytest.raises(ForgedRequestError) as raised:
        telephony().read(request_, "token1", "status", NOW)
    assert "555" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_without_the_doubt_it_is_believed() -> None:
    assert telephony().read(GOOD, "token1", "status", NOW).carrier_call_id == CALL


def test_an_address_that_was_never_given_out_is_a_forgery() -> None:
    with pytest.raises(ForgedRequestError):
        read("elsewhere")


@given(st.binary(max_size=200), st.text(max_size=50), st.dictionaries(st.text(max_size=20), st.text(max_size=20)))
def test_nonsense_never_escapes_as_another_error(body: bytes, target: str, headers: dict[str, str]) -> None:
    request = WebRequest("POST", target, {**GOOD.headers, **headers}, body)
    with pytest.raises(ForgedRequestError):
        telephony().read(request, "token1", "status", NOW)


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    compare = hmac.compare_digest

    def spy(ours: bytes, theirs: bytes) -> bool:
        asked.append(theirs)
        return compare(ours, theirs)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    assert telephony().read(GOOD, "token1", "status", NOW).event is not None
    assert len(asked) == 1  # the address as configured is tried first


# Events


@pytest.mark.parametrize(
    ("fields", "kind", "network"),
    [
        ({"CallStatus": "queued"}, EventKind.QUEUED, None),
        ({"CallStatus": "initiated", "SequenceNumber": "0"}, EventKind.QUEUED, None),
        ({"CallStatus": "ringing", "SequenceNumber": "1"}, EventKind.RINGING, None),
        ({"CallStatus": "in-progress", "SequenceNumber": "2"}, EventKind.ANSWERED, None),
        ({"CallStatus": "completed", "SequenceNumber": "3"}, EventKind.ENDED, Network.ANSWERED),
        ({"CallStatus": "busy", "SequenceNumber": "2", "SipResponseCode": "486"}, EventKind.ENDED, Network.BUSY),
        ({"CallStatus": "no-answer", "SipResponseCode": "487"}, EventKind.ENDED, Network.NO_ANSWER),
        ({"CallStatus": "failed", "SipResponseCode": "404"}, EventKind.ENDED, Network.BAD_NUMBER),
        ({"CallStatus": "failed", "SipResponseCode": "503"}, EventKind.ENDED, Network.UNREACHABLE),
        ({"CallStatus": "canceled"}, EventKind.ENDED, Network.CANCELED),
    ],
)
def test_a_status_becomes_an_event(fields: dict[str, str], kind: EventKind, network: Network | None) -> None:
    event = read("status", **fields).event
    assert event is not None
    assert (event.kind, event.network) == (kind, network)
    assert event.key == f"status:{fields.get('SequenceNumber', '')}:{fields['CallStatus']}"
    assert (event.token, event.source, event.carrier_call_id) == ("token1", "webhook", CALL)
    assert event.detail == {**IDENTITY, **fields}
    assert ("SIP" in event.failure) == (fields["CallStatus"] == "failed")


def test_talk_is_counted_in_seconds_not_in_billed_minutes() -> None:
    event = read("status", CallStatus="completed", Duration="1", CallDuration="49", AnsweredBy="human").event
    assert event is not None
    assert event.talk == timedelta(seconds=49)
    assert event.answered_by is AnsweredBy.HUMAN
    unanswered = read("status", CallStatus="busy", Duration="0", CallDuration="0").event
    assert unanswered is not None
    assert unanswered.talk is None


@pytest.mark.parametrize("duration", ["", "-1", "x", "1.5", "9" * 30, "٣"])
def test_a_duration_that_is_none_is_left_out(duration: str) -> None:
    event = read("status", CallStatus="completed", CallDuration=duration).event
    assert event is not None
    assert event.talk is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("Tue, 10 Mar 2026 12:00:01 +0000", NOW - timedelta(seconds=4)),
        ("Tue, 10 Mar 2026 13:00:01 +0100", NOW - timedelta(seconds=4)),
        ("Tue, 10 Mar 2026 12:00:01 -0000", NOW - timedelta(seconds=4)),
        ("Tue, 10 Mar 2026 12:00:06 +0000", NOW),  # from the future
        ("Sun, 08 Mar 2026 12:00:01 +0000", NOW),  # too old to be true
        ("", NOW),
        ("yesterday", NOW),
        ("Tue, 99 Mar 2026 12:00:01 +0000", NOW),
        ("Fri, 31 Dec 9999 23:59:59 -2300", NOW),
    ],
)
def test_the_instant_is_twilios_when_it_can_be_true(text: str, at: datetime) -> None:
    event = read("status", CallStatus="ringing", Timestamp=text).event
    assert event is not None
    assert event.at == at
    assert event.at.utcoffset() == timedelta()


def test_an_unknown_status_is_kept_and_said_and_changes_nothing_but_that_the_call_exists() -> None:
    with capture_logs() as logged:
        event = read("status", CallStatus="levitating").event
    assert event is not None
    assert (event.kind, event.network, event.detail["CallStatus"]) == (EventKind.QUEUED, None, "levitating")
    assert [entry["event"] for entry in logged] == ["twilio_status_unknown"]


def test_an_answer_a_verdict_and_steps() -> None:
    answer = read("answer", CallStatus="in-progress").event
    assert answer is not None
    assert (answer.kind, answer.key, answer.at, answer.answered_by) == (EventKind.ANSWERED, "answer", NOW, None)

    verdict = read("verdict", AnsweredBy="machine_end_beep", MachineDetectionDuration="3100").event
    assert verdict is not None
    assert (verdict.kind, verdict.answered_by) == (EventKind.VERDICT, AnsweredBy.MACHINE)

    pressed = read("step/convenient/1", Digits="2", CallStatus="in-progress")
    assert pressed.event is not None
    assert (pressed.event.kind, pressed.event.mark, pressed.digits) == (EventKind.HEARD, None, "2")

    silence = read("step/convenient/1", CallStatus="in-progress")
    assert silence.event is not None
    assert silence.digits == ""
    assert silence.event.key != pressed.event.key


def test_the_fallback_complains() -> None:
    with capture_logs() as logged:
        notice = read("fallback", ErrorCode="11200", ErrorUrl="https://dialer.example/carrier/token1/answer")
    assert "11200" in notice.complaint
    assert [entry["event"] for entry in logged] == ["twilio_answer_failed"]
    assert notice.event is not None
    assert notice.event.kind is EventKind.ANSWERED


def test_every_order_and_repetition_of_a_calls_webhooks_ends_the_same() -> None:
    told = [
        ("status", {"CallStatus": "initiated", "SequenceNumber": "0"}),
        ("status", {"CallStatus": "ringing", "SequenceNumber": "1"}),
        ("status", {"CallStatus": "in-progress", "SequenceNumber": "2"}),
        ("verdict", {"AnsweredBy": "human"}),
        ("answer", {"CallStatus": "in-progress"}),
        ("status", {"CallStatus": "completed", "SequenceNumber": "3", "CallDuration": "9"}),
    ]
    events = [event for what, fields in told if (event := read(what, **fields).event) is not None]
    assert len({event.key for event in events}) == len(told)
    dialing = Facts(AttemptState.DIALING)
    ends = {reduce(apply, (*order, *order[:2]), dialing) for order in itertools.permutations(events)}
    assert len(ends) == 1
    assert ends.pop().state is AttemptState.FINAL
