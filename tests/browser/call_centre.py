"""A call centre in a folder: the carrier, the service, those who work there and customers who pick up the telephone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import urlopen

from argon2 import PasswordHasher

from dialer.core.admission import House
from dialer.core.agent import Agent, Role
from dialer.core.customer import VIP, Customer
from dialer.core.hours import DailyRange, Hours
from dialer.engine.passwords import Passwords
from dialer.store import Deed, Store
from tests import campaigns
from tests.mortal import blank, open_database
from tests.rule_books import open_britain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

COMMAND: tuple[str, ...] = (str(Path(sys.executable).with_name("dialer")),)
STARTS_WITHIN = 40.0
"""Seconds; the machine may have other things to do."""

PASSWORD = "a sentence that everybody here knows"
LEAD, MANAGER = "1501", "1001"

PEOPLE = """\
- { number: "sip:*", answer: agent, ring: [2, 4] }
- { number: "*", answer: human, ring: [3, 6], talk: [3000, 4000], patience: [200, 300] }
"""
"""Customers who talk until the agent hangs up: how long that takes is the tests' business."""

SCRIPT: dict[str, Any] = {
    "start": "hello",
    "nodes": {
        "hello": {
            "say": "Good day {salutation} {name}, this is {company} about your {product|contract}.",
            "next": "convenient",
        },
        "convenient": {
            "ask": "Do you have half a minute?",
            "keys": {
                "1": {"go": "satisfied", "answer": "yes"},
                "2": {"go": "later", "answer": "not now"},
                "9": {"go": "never", "answer": "never again"},
            },
            "no_answer": "bye",
        },
        "satisfied": {
            "ask": "How satisfied are you with our service?",
            "keys": {
                "1": {"go": "bye", "answer": "satisfied", "outcome": "happy"},
                "2": {"go": "improve", "answer": "so-so"},
                "3": {"go": "improve", "answer": "not satisfied"},
            },
            "no_answer": "bye",
        },
        "improve": {
            "ask": "What should we improve?",
            "keys": {
                "1": {"go": "bye", "answer": "the waiting time", "outcome": "unhappy"},
                "2": {"go": "bye", "answer": "the price", "outcome": "unhappy"},
            },
            "no_answer": "bye",
        },
        "later": {"end": "I see. When may we call again?", "outcome": "not_convenient"},
        "bye": {"end": "Thank you very much. Our official number is {hotline}. Goodbye."},
        "never": {"opt_out": "We shall not call again."},
    },
}

STAFFING: dict[str, Any] = {"mode": "progressive", "wrap_up": "2 minutes", "countdown": "2 minutes"}


def survey(**staffing: Any) -> dict[str, Any]:
    """A campaign whose agents ask how it was, at any hour."""
    endings = ("busy", "no_answer", "unreachable", "machine", "hung_up", "not_convenient")
    return campaigns.document(
        title="Spring survey",
        company="Harbour Insurance",
        when={"windows": {"daily": ["00:00-24:00"]}},
        attempts={
            "longest_call": "30 minutes",
            "retry": [{"after": ending, "wait": "1 h"} for ending in endings],
            "other_hour": False,
        },
        fields={"product": "text", "renewal": "text"},
        outcomes={
            "happy": {"label": "Satisfied", "counts_as": "completed"},
            "unhappy": {"label": "Not satisfied", "counts_as": "completed"},
        },
        script=SCRIPT,
        agents=STAFFING | staffing,
    )


NAMES = ("Ada Bell", "Tom Reed", "Grace Hill", "Max Stone", "Ruth Ward", "Noah Park", "Eve Marsh", "Paul Lane")


def customers(count: int) -> list[Customer]:
    """People in London; the first is a VIP."""
    return [
        Customer(
            f"C-{i + 1:03d}",
            NAMES[i % len(NAMES)],
            salutation="Ms" if i % 2 == 0 else "Mr",
            tier=VIP if i == 0 else "",
            numbers=(campaigns.number(i + 1),),
            region="GB",
            attributes={"product": "home insurance", "renewal": "1 May"},
        )
        for i in range(count)
    ]


@dataclass
class CallCentre:
    """The processes, their settings and their logs."""

    folder: Path
    command: Sequence[str] = COMMAND
    people: str = PEOPLE
    environment: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    service: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the console is."""
        return self.environment["DIALER_PUBLIC_URL"]

    def _start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [*self.command, *command], env=self.environment, cwd=self.folder, stdout=log, stderr=log
            )
        self.running.append(process)
        return process

    def log(self, name: str) -> str:
        """What a process has said."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def start_carrier(self, speed: float = 10) -> None:
        """Start the stand-in carrier."""
        (self.folder / "people.yaml").write_text(self.people, encoding="utf-8")
        options = ("--port", "0", "--people", "people.yaml", "--speed", f"{speed:g}", "--calls-per-second", "100")
        process = self._start("carrier", "carrier", *options)
        self.until(lambda: "listening on " in self.log("carrier"), "the carrier listens", process)
        self.environment["DIALER_TWILIO_API_URL"] = self.log("carrier").partition("listening on ")[2].split()[0]

    def start_service(self) -> subprocess.Popen[bytes]:
        """Start `dialer run`, and wait until it answers."""
        self.service = self._start("service", "run")
        self.until(self._is_serving, "the service serves", self.service)
        return self.service

    def kill_service(self) -> None:
        """End it as a power failure does."""
        assert self.service is not None
        self.service.send_signal(signal.SIGKILL)
        assert self.service.wait(timeout=30) == -signal.SIGKILL

    def _is_serving(self) -> bool:
        try:
            return bool(self._ask(self.url + "/healthz")["status"] == "ok")
        except (URLError, OSError):
            return False

    def _ask(self, url: str) -> dict[str, Any]:
        with urlopen(url, timeout=5) as answer:  # noqa: S310 - ours, on loopback
            return dict(json.load(answer))

    def has_called(self, count: int) -> bool:
        """Whether so many calls were made and all are over."""
        made = self._ask(self.environment["DIALER_TWILIO_API_URL"] + "/control/stats")["calls"]
        return bool(made >= count and self._ask(self.url + "/healthz")["in_call"] == 0)

    def until(self, condition: Callable[[], bool], what: str, process: subprocess.Popen[bytes]) -> None:
        """Wait until `condition` holds; raise with the logs when it does not come to that."""
        deadline = time.monotonic() + STARTS_WITHIN
        while not condition():
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"it did not happen that {what}\n{self.logs()}")
            time.sleep(0.05)

    def logs(self) -> str:
        """The end of every log."""
        return "\n".join(f"== {one.name}\n{one.read_text()[-4000:]}" for one in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        """End what still runs."""
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait(timeout=30)

    def furnish(self, people: Sequence[Agent], called: Sequence[Customer], *offers: dict[str, Any]) -> None:
        """Take on people, import customers and put campaigns in force, before the service starts."""
        house = House(Hours.daily("house", [DailyRange(0, 1440)]), frozenset({"GB"}), timedelta(hours=4))
        database = open_database(self.environment["DIALER_DATABASE_URL"])
        store, now = Store(database, house), datetime.now(UTC)  # noqa: TID251 - the processes live in the present
        kept = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)).hash(PASSWORD)
        for agent in people:
            store.agents.add(agent, now, Deed("cli:test", "person.add"), password=kept, must_change=False)
        for content in offers:
            store.campaigns.apply(content["campaign"], campaigns.version(content), content, now)
        store.customers.upsert(list(called), now)
        database.close()


def staff(agents: int) -> list[Agent]:
    """So many agents, a team lead and a manager."""
    names = ("Anna Kent", "Ben Shaw", "Chloe Ford", "Dan Wood", "Ella Grant")
    team = frozenset({"north"})
    found = [
        Agent(f"{2001 + i}", names[i % len(names)], address=f"sip:{2001 + i}@phones.example.com", teams=team)
        for i in range(agents)
    ]
    lead = Agent(LEAD, "Laura Pike", Role.TEAM_LEAD, teams=team)
    return [*found, lead, Agent(MANAGER, "Mary Holt", Role.MANAGER)]


@contextmanager
def in_folder(folder: Path, command: Sequence[str] = COMMAND) -> Iterator[CallCentre]:
    """A call centre with settings of its own; nothing runs yet, and nothing runs afterwards."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DIALER_", "TWILIO_"))}
    (folder / "dialer.db").write_bytes(blank())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    centre = CallCentre(folder, command)
    centre.environment = clean | {
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "made up for browsers",
        "DIALER_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DIALER_PORT": str(port),
        "DIALER_DATABASE_URL": f"sqlite:///{folder / 'dialer.db'}",
        "DIALER_CALLER_ID": "+442079460000",
        "DIALER_ALLOWED_COUNTRIES": "GB",
        "DIALER_HOUSE_WINDOW": "00:00-24:00",
        "DIALER_HOUSE_ZONE": "Europe/London",
        "DIALER_RULES": open_britain(folder),
        "DIALER_CALLS_PER_SECOND": "20",
        "DIALER_MAX_CONCURRENT_CALLS": "40",
        "DIALER_LEASE": "5 s",
        "DIALER_LISTING_LAG": "2 s",
        "DIALER_SILENCE": "4 s",
    }
    try:
        yield centre
    finally:
        centre.stop()
