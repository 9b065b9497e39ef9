"""The demo: the real program, two processes that talk HTTP, and a customer file; nothing is played from a script."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import demo_customers
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".demo"
DIALER = Path(sys.executable).with_name("dialer")
out = Console(highlight=False)

PEOPLE = """\
- number: "*"
  mix: {human: 58, no-answer: 16, machine: 13, busy: 7, unreachable: 3, invalid: 3}
  ring: [3, 18]
  keys: {"1": 0.72, "2": 0.14, "9": 0.04, silence: 0.06, hangup: 0.04}
"""


def main() -> None:
    """Run the demo; exit code 0 when all of it worked."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--seconds", type=float, default=40, help="watch the calls for so long at the most")
    parser.add_argument("--speed", type=float, default=40, help="how many times faster than life people ring and talk")
    given = parser.parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    (FOLDER / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    environment = _environment()
    _say("Starting the stand-in carrier: a server that behaves like Twilio, with simulated people")
    with _running(environment, "carrier", *_carrier(given.speed)) as carrier:
        environment["DIALER_TWILIO_API_URL"] = carrier
        _say("Importing two customer files: one in UTF-8, one Chinese in GB18030, both with mistakes in them")
        for file in demo_customers.write(FOLDER, datetime.now(UTC)):  # noqa: TID251 - the demo happens now
            _dialer(environment, "customers", "import", str(file))
        _say("Putting the four campaigns of campaigns/ in force")
        _dialer(environment, "campaigns", "apply")
        _say("Starting the service; it enrols, dials, talks and records. Watching it:")
        with _running(environment, "run"):
            _dialer(environment, "watch", "--until-idle", "--at-most", str(given.seconds))
            _say("Stopping the service: no new calls, those going on may end")
    _report(environment)


def _report(environment: dict[str, str]) -> None:
    _say("The reports")
    _dialer(environment, "report", "house")
    html = FOLDER / "report.html"
    _dialer(environment, "report", "house", "--format", "html", "--output", str(html))
    _say("Why is a customer not called? Ask for any of them, at any instant:")
    _dialer(environment, "why", "X009", "--campaign", "holiday_followup")
    out.print(f"\nEverything is in [bold]{FOLDER}[/bold]: the database, logs, rejected rows and the HTML report.")
    out.print(f"To look around: [bold]DIALER_DATABASE_URL={environment['DIALER_DATABASE_URL']} .venv/bin/dialer ...[/]")
    out.print(f"HTML report: [bold]{html}[/bold]", soft_wrap=True)


def _environment() -> dict[str, str]:
    """Settings of the demo, whatever the settings of this machine are."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DIALER_", "TWILIO_"))}
    port = _free_port()
    return clean | {
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "a token for the demo",
        "DIALER_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DIALER_PORT": str(port),
        "DIALER_DATABASE_URL": f"sqlite:///{FOLDER / 'dialer.db'}",
        "DIALER_CALLER_ID": "+442079460000",
        "DIALER_HOME_REGION": "CN",
        "DIALER_ALLOWED_COUNTRIES": demo_customers.COUNTRIES,
        "DIALER_CALLS_PER_SECOND": "15",
        "DIALER_MAX_CONCURRENT_CALLS": "60",
        "DIALER_CAMPAIGNS": str(ROOT / "campaigns"),
    }


def _carrier(speed: float) -> list[str]:
    return ["--port", "0", "--speed", str(speed), "--people", str(FOLDER / "people.yaml")]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _running(environment: dict[str, str], *command: str) -> Iterator[str]:
    """Run a server until the block ends; gives the address it says it listens on. Its log is kept in a file."""
    log = FOLDER / f"{command[0]}.log"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [DIALER, *command], env=environment, cwd=FOLDER, stdout=file, stderr=subprocess.STDOUT
        )
        try:
            with log.open(encoding="utf-8") as lines:
                yield _address(process, lines, log)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                process.kill()


def _address(process: subprocess.Popen[bytes], lines: IO[str], log: Path) -> str:
    while process.poll() is None:
        line = lines.readline()
        if "listening on " in line:
            return line.partition("listening on ")[2].strip()
        if not line:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.05)
    out.print(log.read_text(encoding="utf-8"), markup=False)
    sys.exit(f"{process.args!r} did not start; its log is above")


def _dialer(environment: dict[str, str], *command: str) -> None:
    out.print(f"[dim]$ dialer {' '.join(command)}[/dim]", soft_wrap=True)
    done = subprocess.run([DIALER, *command], env=environment, cwd=FOLDER, check=False)  # noqa: S603 - our own program
    if done.returncode:
        sys.exit(done.returncode)


def _say(text: str) -> None:
    out.print(f"\n[bold cyan]==[/bold cyan] [bold]{text}[/bold]")


if __name__ == "__main__":
    main()
