"""The attempts log for scripts: its keys, its instants, and numbers that stay masked."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from typing import Any

from dialer.core.lifecycle import AttemptState
from dialer.reports import jsonl
from dialer.reports.attempts import attempts_table
from dialer.reports.language import Language
from tests.reports.made_up import NUMBER, attempt

PROMISED_KEYS = {
    *("attempt", "callback", "customer", "campaign", "number", "carrier_call_id", "state", "created", "rang"),
    *("answered", "ended", "network", "answered_by", "disposition", "counted", "campaign_version"),
    *("ending", "code", "talk", "failure", "zones", "allowed_because", "answers"),
}


def lines(*, reveal: bool = False, language: Language = Language.EN, **changes: Any) -> list[dict[str, Any]]:
    stream = BytesIO()
    jsonl.write(attempts_table([attempt(**changes)], language), stream, reveal=reveal)
    return [json.loads(line) for line in stream.getvalue().decode().splitlines()]


def test_the_keys_that_scripts_rely_on() -> None:
    (told,) = lines()
    assert set(told) >= PROMISED_KEYS
    assert told["created"] == "2026-03-03T14:20:00Z"
    assert told["talk"] == 65.0
    assert told["counted"] is True
    assert told["network"] == "answered"
    assert told["zones"] == ["Asia/Shanghai"]
    assert told["answers"] == {"satisfied": "yes"}


def test_values_for_scripts_do_not_depend_on_the_language() -> None:
    assert lines() == lines(language=Language.ZH_CN)


def test_an_open_attempt_has_nulls() -> None:
    (told,) = lines(state=AttemptState.DIALING, network=None, rang=None, ended=None, ending=None, talk=None)
    assert told["state"] == "dialing"
    assert told["network"] is told["rang"] is told["ended"] is told["ending"] is told["talk"] is None


def test_numbers_are_whole_only_when_revealed() -> None:
    assert "13800138000" not in json.dumps(lines())
    assert lines(reveal=True)[0]["number"] == "+8613800138000"
    extended = replace(NUMBER, extension="12")
    assert lines(reveal=True, number=extended)[0]["number"] == "+8613800138000;ext=12"


def test_an_empty_log_is_empty() -> None:
    stream = BytesIO()
    jsonl.write(attempts_table([]), stream)
    assert stream.getvalue() == b""
