"""Twilio's words in ours: nothing is left out, and an unknown word is read in the safest way and said loudly."""

from __future__ import annotations

import re

import pytest
from structlog.testing import capture_logs
from twilio.rest.api.v2010.account.call import CallInstance  # type: ignore[import-untyped]

from dialer.core.lifecycle import EventKind
from dialer.core.outcome import AnsweredBy, Fault, Network
from dialer.telephony.twilio_codes import ANSWERED_BY, ERRORS, STATUSES, answered_by, fault_of, network_of

SDK_STATUSES = {value for name, value in vars(CallInstance.Status).items() if name.isupper()}


def test_every_status_the_sdk_knows_is_in_the_table() -> None:
    assert set(STATUSES) >= SDK_STATUSES
    assert set(STATUSES) - SDK_STATUSES == {"initiated"}


def test_a_status_has_a_network_exactly_when_it_is_an_end() -> None:
    for kind, network in STATUSES.values():
        assert (network is not None) == (kind is EventKind.ENDED)
    assert {kind for kind, _ in STATUSES.values()} == {
        EventKind.QUEUED,
        EventKind.RINGING,
        EventKind.ANSWERED,
        EventKind.ENDED,
    }


def test_every_verdict_of_the_two_detections_is_in_the_table() -> None:
    end = {"machine_end_beep", "machine_end_silence", "machine_end_other"}
    assert {"human", "machine_start", "fax", "unknown"} | end <= set(ANSWERED_BY)
    assert {ANSWERED_BY[word] for word in end} == {AnsweredBy.MACHINE}


def test_every_fault_but_unknown_has_codes_and_every_code_has_words() -> None:
    assert {fault for fault, _ in ERRORS.values()} == set(Fault) - {Fault.UNKNOWN}
    for code, (_, words) in ERRORS.items():
        assert 10_000 <= code <= 99_999
        assert words
        assert not re.search(r"\+\d", words)


@pytest.mark.parametrize(
    ("status", "sip", "network"),
    [
        ("failed", "404", Network.BAD_NUMBER),
        ("failed", "410", Network.BAD_NUMBER),
        ("failed", "484", Network.BAD_NUMBER),
        ("failed", "604", Network.BAD_NUMBER),
        ("failed", "503", Network.UNREACHABLE),
        ("failed", "", Network.UNREACHABLE),
        ("failed", "799", Network.UNREACHABLE),
        ("failed", "486", Network.BUSY),
        ("busy", "404", Network.BUSY),  # only a failure is explained by its SIP code
        ("no-answer", "487", Network.NO_ANSWER),
        ("completed", "200", Network.ANSWERED),
        ("canceled", "487", Network.CANCELED),
        ("ringing", "", None),
    ],
)
def test_how_a_call_ended(status: str, sip: str, network: Network | None) -> None:
    assert network_of(status, sip) is network


def test_what_is_unknown_is_read_safely_and_said() -> None:
    with capture_logs() as logged:
        assert fault_of(29999)[0] is Fault.UNKNOWN
        assert network_of("failed", "799") is Network.UNREACHABLE
        assert answered_by("parrot") is AnsweredBy.UNKNOWN
    assert [entry["event"] for entry in logged] == [
        "twilio_error_unknown",
        "twilio_sip_code_unknown",
        "twilio_verdict_unknown",
    ]
    assert answered_by("") is None
