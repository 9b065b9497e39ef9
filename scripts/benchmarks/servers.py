"""Runs the program's own servers, the service and the stand-in carrier, as processes of their own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tests.rule_books import open_britain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scripts.benchmarks.databases import Place

DIALER = Path(sys.executable).with_name("dialer")
STARTS_WITHIN = 120.0
STOPS_WITHIN = 40.0

PEOPLE = """\
- number: "*"
  answer: human
  ring: [2, 6]
  reaction: 1
  keys: ["1"]
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    url: str
    process: psutil.Process
    log: Path

    def cpu_seconds(self) -> float:
        """CPU of the process so far, in user and system mode."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def get(self, path: str) -> str:
        """What the server answers to a GET."""
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:  # noqa: S310 - our own, on loopback
            return str(answer.read().decode())


@contextlib.contextmanager
def carrier(place: Place, speed: float) -> Iterator[Server]:
    """The stand-in carrier, where everybody answers and presses 1, `speed` times faster than life."""
    people = place.folder / "people.yaml"
    people.write_text(PEOPLE, encoding="utf-8")
    options = ("--port", "0", "--speed", str(speed), "--calls-per-second", "10000", "--people", str(people))
    with _running(place, _environment(place), "carrier", *options) as server:
        yield server


@contextlib.contextmanager
def service(place: Place, carrier_url: str, at_once: int, per_second: float = 10_000) -> Iterator[Server]:
    """`dialer run`, with the most calls going on at the same time and, if that matters, started in a second."""
    port = _free_port()
    environment = _environment(place) | {
        "DIALER_TWILIO_API_URL": carrier_url,
        "DIALER_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DIALER_PORT": str(port),
        "DIALER_MAX_CONCURRENT_CALLS": str(at_once),
        "DIALER_CALLS_PER_SECOND": str(per_second),
    }
    with _running(place, environment, "run") as server:
        yield server


def stats(carrier: Server) -> dict[str, Any]:
    """The carrier's own counts."""
    return dict(json.loads(carrier.get("/control/stats")))


def _environment(place: Place) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DIALER_", "TWILIO_"))}
    return clean | {
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "a token for the bench",
        "DIALER_DATABASE_URL": place.url,
        "DIALER_CALLER_ID": "+442079460000",
        "DIALER_ALLOWED_COUNTRIES": "GB,US",
        "DIALER_HOUSE_WINDOW": "00:00-24:00",
        "DIALER_RULES": open_britain(place.folder),
        "DIALER_LOG_LEVEL": "warning",
    }


@contextlib.contextmanager
def _running(place: Place, environment: Mapping[str, str], *command: str) -> Iterator[Server]:
    log = place.folder / f"{command[0]}.log"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [DIALER, *command], env=environment, cwd=place.folder, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        yield Server(_address(process, log), psutil.Process(process.pid), log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + STARTS_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        said = log.read_text(encoding="utf-8")
        if "listening on " in said:
            return said.partition("listening on ")[2].splitlines()[0].strip()
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not start:\n{log.read_text(encoding='utf-8')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
