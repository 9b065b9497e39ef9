"""`dialer run` as its operator meets it: real processes, real signals, and the stand-in carrier."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.office import CARRIER

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

DIALER = Path(sys.executable).with_name("dialer")
PATIENCE = 120
"""Seconds; other tests keep the machine busy at the same time."""


def environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DIALER_", "TWILIO_"))}
    return clean | CARRIER | {"COLUMNS": "80", "DIALER_PORT": "0", "DIALER_LOG_FORMAT": "json"} | more


def ask(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [DIALER, *arguments],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@contextmanager
def running(folder: Path, *arguments: str, **more: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server and the address on which it says it listens; it is stopped at the end, whatever happened."""
    log = folder / f"{arguments[0]}-{time.monotonic_ns()}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [DIALER, *arguments], cwd=folder, env=environment(**more), stdout=file, stderr=subprocess.STDOUT
        )
    try:
        until = time.monotonic() + PATIENCE
        while "listening on " not in log.read_text(encoding="utf-8"):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < until
            time.sleep(0.05)
        yield process, log.read_text(encoding="utf-8").partition("listening on ")[2].split()[0]
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_a_signal_and_says_so_with_exit_code_0(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path, "run") as (process, _):
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
    (log,) = tmp_path.glob("run-*.log")
    assert '"stopped"' in log.read_text(encoding="utf-8")


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        told = ask(tmp_path, "run", DIALER_PORT=str(other.getsockname()[1]))
    assert told.returncode == 2
    assert told.stderr.startswith("error DIALER_HOST, DIALER_PORT: cannot listen on 127.0.0.1 port ")
    assert "is `dialer run` running already?" in told.stderr
    assert "Traceback" not in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_two_of_them_on_one_database_do_not_disturb_each_other(tmp_path: Path) -> None:
    with running(tmp_path, "run") as (first, one), running(tmp_path, "run") as (second, other):
        assert one != other
        time.sleep(2)
        assert (first.poll(), second.poll()) == (None, None)
        told = ask(tmp_path, "watch", "--json")
        assert told.returncode == 0, told.stderr
    assert len([log for log in tmp_path.glob("run-*.log") if '"stopped"' in log.read_text(encoding="utf-8")]) == 2


def test_doctor_asks_the_carrier_and_the_running_service(tmp_path: Path) -> None:
    with running(tmp_path, "carrier", "--port", "0") as (_, carrier):
        right = {"DIALER_TWILIO_API_URL": carrier}
        with running(tmp_path, "run", **right) as (_, service):
            here = {"DIALER_PORT": service.rpartition(":")[2], "DIALER_PUBLIC_URL": service}
            told = ask(tmp_path, "doctor", **right, **here).stdout
            assert "ok  carrier: credentials are accepted" in told
            assert "ok  service: running on 127.0.0.1" in told
            assert f"ok  public address: {service} leads here" in told
            told = ask(tmp_path, "doctor", **right, **here, TWILIO_AUTH_TOKEN="wrong").stdout
            assert "BAD carrier: " in told
            assert "TWILIO_AUTH_TOKEN" in told
    told = ask(tmp_path, "doctor", **right).stdout
    assert "BAD carrier: " in told
    assert "cannot be reached" in told
