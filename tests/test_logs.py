"""Logs: lines that machines can read, and no telephone number in any of them, whoever wrote it and however."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from dialer import logs
from dialer.core.phone import NumberKind, PhoneNumber

if TYPE_CHECKING:
    from collections.abc import Iterator

WHOLE = "+442079460123"
MASKED = "••••••23"


@dataclass(frozen=True)
class Log:
    """The log as it was written so far."""

    stream: StringIO

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def text(self) -> str:
        return self.stream.getvalue()


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    yield from configured(monkeypatch, "json")


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    yield from configured(monkeypatch, "console")


def configured(monkeypatch: pytest.MonkeyPatch, log_format: str) -> Iterator[Log]:
    """Logging as the service sets it up; afterwards as it was."""
    configure = structlog.configure

    def forgetful(**options: Any) -> None:
        configure(**(options | {"cache_logger_on_first_use": False}))  # or other tests would find these loggers

    monkeypatch.setattr(structlog, "configure", forgetful)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    logs.configure(log_format, "info")
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream := StringIO())
    yield Log(stream)
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    structlog.reset_defaults()


def test_line_says_what_when_how_bad_and_who(log: Log) -> None:
    structlog.get_logger("dialer.somewhere").warning("call_unknown", attempt="abc")
    (line,) = log.lines
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "call_unknown", "attempt": "abc", "level": "warning", "logger": "dialer.somewhere"}


def test_quieter_than_the_level_is_not_written(log: Log) -> None:
    structlog.get_logger("dialer").debug("chatter")
    logging.getLogger("uvicorn").debug("chatter")
    logging.getLogger("twilio.http_client").info("POST %s", WHOLE)
    logging.getLogger("apscheduler.executors.default").info("a beat")
    assert log.text == ""


@pytest.mark.parametrize(
    "value",
    [
        WHOLE,
        WHOLE.lstrip("+"),
        f"to {WHOLE}.",
        f"https://api.example/Calls.json?To=%2B{WHOLE[1:]}&x=1",
        f"https://api.example/Calls.json?To=%2b{WHOLE[1:]}",
        [WHOLE, {"to": WHOLE}],
        {WHOLE: (WHOLE,)},
        ValueError(f"no answer from {WHOLE}"),
        PhoneNumber(WHOLE, "GB", NumberKind.FIXED_LINE),
        "02079460123",
    ],
    ids=lambda value: type(value).__name__,
)
def test_number_is_masked_wherever_it_stands(log: Log, value: object) -> None:
    structlog.get_logger("dialer").info("said", about=value)
    assert "2079460123" not in log.text
    assert log.lines[0]["event"] == "said"


def test_number_in_the_event_itself(log: Log) -> None:
    structlog.get_logger("dialer").info(f"calling {WHOLE}")
    assert log.lines[0]["event"] == f"calling {MASKED}"


def test_number_in_a_stack_trace(log: Log) -> None:
    def fail() -> None:
        raise ValueError(f"cannot call {WHOLE}")

    try:
        fail()
    except ValueError:
        structlog.get_logger("dialer").exception("failed")
    assert "ValueError" in log.lines[0]["exception"]
    assert "2079460123" not in log.text


def test_lines_of_libraries_go_the_same_way(log: Log) -> None:
    logging.getLogger("aiohttp.client").warning("cannot reach %s", WHOLE, extra={"to": WHOLE})
    (line,) = log.lines
    assert line["event"] == f"cannot reach {MASKED}"
    assert line["to"] == MASKED
    assert (line["level"], line["logger"]) == ("warning", "aiohttp.client")


def test_console_masks_as_well(console: Log) -> None:
    structlog.get_logger("dialer").info("said", about=[WHOLE])
    assert "said" in console.text
    assert "2079460123" not in console.text


def test_what_is_no_number_stays_whole(log: Log) -> None:
    kept = {
        "attempt": "0123456789abcdef0123456789abcdef",
        "carrier_call": "CA" + "1234567890" * 3 + "12",
        "seconds": 12345.678901234,
        "count": 1234567890,
        "short": "12345678",
        "day": "2026-03-03T14:30:00Z",
        "nothing": None,
        "yes": True,
    }
    structlog.get_logger("dialer").info("kept", **kept)
    (line,) = log.lines
    assert {name: line[name] for name in kept} == kept


@given(st.integers(10**8, 10**15 - 1).map(str), st.sampled_from(["", "+"]), st.sampled_from(["", " ", "=", "(", "'"]))
def test_no_long_number_survives(digits: str, plus: str, before: str) -> None:
    masked = logs.mask(f"{before}{plus}{digits}, and more")
    assert digits not in masked
    assert masked.endswith(f"{digits[-2:]}, and more")


@given(st.text())
def test_masking_twice_changes_nothing_more(text: str) -> None:
    assert logs.mask(logs.mask(text)) == logs.mask(text)
