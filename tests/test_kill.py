"""The real thing, killed: two processes that talk HTTP, one of them shot in the middle of its work again and again.

Afterwards the carrier's own list of calls is compared with the dialer's report. Nobody may have been called twice,
nothing that happened may be unknown.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import pytest

from dialer.core.admission import House
from dialer.core.hours import DailyRange, Hours
from dialer.store import Store
from tests import campaigns
from tests.mortal import open_database
from tests.rule_books import open_britain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.slow

DIALER = Path(sys.executable).with_name("dialer")
PEOPLE = 120
STARTS_WITHIN = 40.0  # seconds; the machine may have other things to do
KILLS = 4

FAULTS = (
    *("duplicate=0.15", "reorder=0.1", "late=0.1@2", "missing=0.1"),
    *("create-500-made=0.05", "create-500-not-made=0.02", "create-reset=0.05", "create-slow=0.02@11"),
    *("create-429=0.03", "callback-before-reply=0.2", "list-lag=0.1@1"),
)
BEHAVIOUR = """\
- number: "*"
  mix: {human: 60, no-answer: 14, machine: 10, busy: 10, unreachable: 4, invalid: 2}
  ring: [2, 12]
  keys: {"1": 0.7, "9": 0.1, silence: 0.1, hangup: 0.1}
"""
NETWORKS = {
    "completed": {"answered"},
    "busy": {"busy"},
    "no-answer": {"no_answer"},
    "failed": {"unreachable", "bad_number"},
    "canceled": {"canceled"},
}
"""What the carrier calls the end of a call, and what the report may call it."""


@dataclass
class Stage:
    """The processes of one test, their settings and their logs."""

    folder: Path
    database_url: str
    environment: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    carrier_url: str = ""

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [DIALER, *command], env=self.environment, cwd=self.folder, stdout=log, stderr=log
            )
        self.running.append(process)
        return process

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def start_carrier(self, *options: str) -> None:
        (self.folder / "people.yaml").write_text(BEHAVIOUR, encoding="utf-8")
        process = self.start("carrier", "carrier", "--port", "0", "--people", "people.yaml", *options)
        self.until(lambda: "listening on " in self.log("carrier"), "the carrier listens", of=process)
        self.carrier_url = self.log("carrier").partition("listening on ")[2].split()[0]
        self.environment["DIALER_TWILIO_API_URL"] = self.carrier_url

    def start_dialer(self) -> subprocess.Popen[bytes]:
        return self.start("dialer", "run")

    def is_serving(self) -> bool:
        try:
            with urlopen(self.environment["DIALER_PUBLIC_URL"] + "/healthz", timeout=5) as answer:  # noqa: S310 - ours
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def calls(self) -> list[dict[str, Any]]:
        """Every call there was, as the carrier remembers it."""
        with urlopen(f"{self.carrier_url}/control/calls", timeout=30) as answer:  # noqa: S310 - ours
            return [json.loads(line) for line in answer.read().splitlines()]

    def made(self) -> int:
        """How many calls there were."""
        with urlopen(f"{self.carrier_url}/control/stats", timeout=30) as answer:  # noqa: S310 - ours
            return int(json.load(answer)["calls"])

    def report(self) -> list[dict[str, Any]]:
        """Every attempt, as the dialer reports it."""
        command = [str(DIALER), "report", "attempts", "--format", "json", "--reveal"]
        done = subprocess.run(  # noqa: S603 - our own program
            command, env=self.environment, cwd=self.folder, capture_output=True, check=True, timeout=60
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    def until(
        self,
        condition: Callable[[], bool],
        what: str,
        *,
        within: float = STARTS_WITHIN,
        of: subprocess.Popen[bytes] | None = None,
    ) -> None:
        """Wait until `condition` holds; fail with the logs when it does not come to that."""
        deadline = time.monotonic() + within
        while not condition():
            ended = of is not None and of.poll() is not None
            if ended or time.monotonic() > deadline:
                logs = "\n".join(f"== {one.name}\n{one.read_text()[-4000:]}" for one in self.folder.glob("*.log"))
                pytest.fail(f"it did not happen that {what}\n{logs}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End what still runs, with everything it has started."""
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait(timeout=30)


def _free_port() -> int:
    """A port below those that the machine gives to whoever asks for any: the carrier must not be given it meanwhile."""
    for port in range(20_000 + os.getpid() % 8_000, 32_000):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


@contextmanager
def on_stage(folder: Path, database_url: str) -> Iterator[Stage]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DIALER_", "TWILIO_"))}
    port = _free_port()
    stage = Stage(folder, database_url)
    stage.environment = clean | {
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "made up for the kill test",
        "DIALER_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DIALER_PORT": str(port),
        "DIALER_DATABASE_URL": database_url,
        "DIALER_CALLER_ID": "+442079460000",
        "DIALER_ALLOWED_COUNTRIES": "GB",
        "DIALER_HOUSE_WINDOW": "00:00-24:00",
        "DIALER_RULES": open_britain(folder),
        "DIALER_CALLS_PER_SECOND": "20",
        "DIALER_MAX_CONCURRENT_CALLS": "40",
        "DIALER_LEASE": "5 s",
        "DIALER_LISTING_LAG": "2 s",
        "DIALER_SILENCE": "4 s",
        "DIALER_LOG_FORMAT": "json",
    }
    try:
        yield stage
    finally:
        stage.stop()
    assert [one.pid for one in stage.running if psutil.pid_exists(one.pid)] == []


@pytest.fixture
def stage(tmp_path: Path, database_url: str) -> Iterator[Stage]:
    with on_stage(tmp_path, database_url) as stage:
        yield stage


@pytest.fixture
def store(stage: Stage) -> Iterator[Store]:
    """The dialer's database, with people to call at any hour and nobody to be called again within the hour."""
    house = House(Hours.daily("house", [DailyRange(0, 1440)]), frozenset({"GB"}), timedelta(hours=4))
    database = open_database(stage.database_url)
    store = Store(database, house)
    endings = ("busy", "no_answer", "unreachable", "machine", "hung_up", "not_convenient")
    content = campaigns.document(
        when={"windows": {"daily": ["00:00-24:00"]}},
        attempts={"retry": [{"after": ending, "wait": "1 h"} for ending in endings], "other_hour": False},
    )
    now = datetime.now(UTC)  # noqa: TID251 - the processes live in the present
    store.campaigns.apply("survey", campaigns.version(content), content, now)
    people = [campaigns.customer(f"C{i:03d}", campaigns.number(i)) for i in range(1, PEOPLE + 1)]
    store.customers.upsert(people, now)
    yield store
    database.close()


def settle(stage: Stage, store: Store, process: subprocess.Popen[bytes]) -> None:
    """Wait until everybody had their turn; then let no call begin, and wait until no attempt is open."""

    def tried() -> bool:
        return len({one.customer for one in store.records.attempts()}) == PEOPLE

    def over() -> bool:
        return store.attempts.open_count() == 0 and all(call["ended"] for call in stage.calls())

    stage.until(tried, "everybody was tried", within=60, of=process)
    store.campaigns.pause("survey", "the test is over")
    stage.until(over, "everything ended", within=60, of=process)


def check(calls: list[dict[str, Any]], attempts: list[dict[str, Any]]) -> list[str]:
    """Everything in which the carrier's record and ours differ, or which should not have happened."""
    by_token = {one["attempt"]: one for one in attempts}
    known = {call["sid"] for call in calls}
    rung = Counter(call["to"] for call in calls if call["rang"])
    tokens = Counter(_token(call) for call in calls)
    wrong = [f"{number} was rung {times} times" for number, times in rung.items() if times > 1]
    wrong += [f"{count} calls of attempt {token}" for token, count in tokens.items() if count > 1]
    wrong += [what for call in calls if (what := _about_call(call, by_token.get(_token(call))))]
    wrong += [what for attempt in attempts if (what := _about_attempt(attempt, known))]
    return wrong


def _about_call(call: dict[str, Any], attempt: dict[str, Any] | None) -> str:
    """What is wrong with the record of a call that took place."""
    if attempt is None:
        return f"call {call['sid']} belongs to no attempt"
    if attempt["carrier_call_id"] != call["sid"]:
        return f"call {call['sid']} is not known to its attempt, which is {attempt['state']}"
    if attempt["network"] not in NETWORKS[call["status"]]:
        return f"call {call['sid']} was {call['status']} and is reported as {attempt['network']}"
    if attempt["counted"] is not bool(call["rang"]) and call["ended_by"] != "client":
        return f"call {call['sid']}: rang {call['rang']}, counted {attempt['counted']}"
    return ""


def _about_attempt(attempt: dict[str, Any], known: set[str]) -> str:
    """What is wrong with an attempt, seen by itself."""
    if attempt["state"] not in {"final", "released", "rejected", "not_placed"}:
        return f"attempt {attempt['attempt']} is {attempt['state']}"
    if attempt["counted"] and not (attempt["network"] and attempt["ended"]):
        return f"attempt {attempt['attempt']} counts and has no outcome"
    if attempt["state"] == "final" and attempt["carrier_call_id"] not in known:
        return f"attempt {attempt['attempt']} is final and the carrier knows no call of it"
    return ""


def _token(call: dict[str, Any]) -> str:
    found = re.search(r"/carrier/([0-9a-f]{32})/status", call["status_callback"])
    return found[1] if found else ""


def test_killed_at_any_moment_nobody_is_called_twice_and_nothing_is_lost(
    stage: Stage, store: Store, request: pytest.FixtureRequest
) -> None:
    seed = f"kill {request.node.callspec.id}"
    print(f"seed: {seed}")  # noqa: T201 - shown when the test fails
    chance = Random(seed)  # noqa: S311 - moments, not secrets
    faults = [word for fault in FAULTS for word in ("--fault", fault)]
    stage.start_carrier("--speed", "20", "--calls-per-second", "100", "--seed", "11", *faults)
    process = stage.start_dialer()
    for nth in range(1, KILLS + 1):
        made = PEOPLE * nth // (KILLS + 2)
        stage.until(lambda made=made: stage.made() >= made, f"{made} calls were made", of=process)  # type: ignore[misc]
        time.sleep(chance.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        assert process.wait(timeout=30) == -signal.SIGKILL
        process = stage.start_dialer()
    settle(stage, store, process)
    calls, attempts = stage.calls(), stage.report()
    assert check(calls, attempts) == [], f"seed: {seed}"
    assert len({call["to"] for call in calls}) > PEOPLE * 0.8
    assert not re.search(r"2079460\d{3}", stage.log("dialer")), "a whole number is in the log"


def test_told_to_stop_it_lets_calls_end_and_leaves_nothing_unknown(stage: Stage, store: Store) -> None:
    stage.start_carrier("--speed", "20", "--calls-per-second", "100")
    process = stage.start_dialer()
    stage.until(lambda: stage.made() >= 40, "forty calls were made", of=process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=80) == 0
    calls, attempts = stage.calls(), stage.report()
    assert store.attempts.open_count() == 0
    assert 40 <= len(calls) < PEOPLE, "it went on calling"
    assert all(call["ended"] for call in calls)
    assert check(calls, attempts) == []
    assert len(attempts) == len(calls)
    assert '"event": "stopped"' in stage.log("dialer")
    assert "Traceback" not in stage.log("dialer")


def test_told_twice_to_stop_it_stops_at_once(stage: Stage, store: Store) -> None:
    del store
    stage.start_carrier("--speed", "1", "--calls-per-second", "100")
    process = stage.start_dialer()
    stage.until(lambda: stage.made() >= 5, "five calls were made", of=process)
    process.send_signal(signal.SIGTERM)
    stage.until(lambda: '"event": "stopping"' in stage.log("dialer"), "it is stopping", of=process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 1


def test_comparison_can_fail() -> None:
    """Or the tests above would prove nothing."""
    token = "a" * 32
    call = {
        "sid": "CA1",
        "to": "+442079460001",
        "rang": "2026-03-03T14:30:00Z",
        "status": "completed",
        "ended_by": "caller",
        "status_callback": f"http://127.0.0.1/carrier/{token}/status",
    }
    attempt = {
        "attempt": token,
        "carrier_call_id": "CA1",
        "state": "final",
        "network": "answered",
        "counted": True,
        "ended": "2026-03-03T14:31:00Z",
    }
    assert check([call], [attempt]) == []
    assert check([call, call | {"sid": "CA2"}], [attempt]) != []
    assert check([call], []) != []
    assert check([call], [attempt | {"state": "accepted"}]) != []
    assert check([call], [attempt | {"network": "busy"}]) != []
    assert check([call], [attempt | {"counted": False}]) != []
    assert check([call], [attempt | {"ended": None}]) != []
    assert check([], [attempt]) != []
