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

from dotenv import set_key
from rich.console import Console

from scripts.demonstration import customers

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DIALER = Path(sys.executable).with_name("dialer")
out = Console(highlight=False)

ACCOUNT, TOKEN = "AC" + "0" * 32, "a token for the demo"

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
    parser.add_argument("--folder", type=Path, default=ROOT / ".demo", help="where everything is kept; emptied first")
    given = parser.parse_args()
    stage = Stage(given.folder.resolve())
    stage.clear()
    _say("Starting the stand-in carrier: a server that behaves like Twilio, with simulated people")
    account = ("--account-sid", ACCOUNT, "--auth-token", TOKEN)
    speed = ("--speed", f"{given.speed:g}", "--people", "people.yaml")
    with stage.running("carrier", "--port", "0", *account, *speed) as carrier:
        stage.set(DIALER_TWILIO_API_URL=carrier)
        _say("Importing two customer files: one in UTF-8, one Chinese in GB18030, both with mistakes in them")
        for file in customers.write(stage.folder, datetime.now(UTC)):  # noqa: TID251 - the demo happens now
            stage.dialer("customers", "import", file.name)
        _say("What a campaign would do, before anything is in force: whom it may call when, and which rules say no")
        stage.dialer("campaigns", "plan", str(ROOT / "campaigns" / "insurance_renewal.yaml"))
        _say("Putting the four campaigns of campaigns/ in force")
        stage.dialer("campaigns", "apply")
        _say("Starting the service; it enrols, dials, talks and records. Watching it:")
        with stage.running("run"):
            stage.dialer("watch", "--until-idle", "--at-most", f"{given.seconds:g}")
            _say("Stopping the service: no new calls, those going on may end")
    _report(stage)


def _report(stage: Stage) -> None:
    _say("The reports")
    stage.dialer("report", "house")
    stage.dialer("report", "house", "--format", "html", "--output", "report.html")
    _say("Why is a customer not called? Ask for any of them, at any instant:")
    stage.dialer("why", "X009", "--campaign", "holiday_followup")
    _say("What the dialer must not or cannot do is a task for a person:")
    stage.dialer("tasks", "list")
    _say("Every call that was made, judged once more by the rules of today:")
    stage.dialer("audit", "replay")
    out.print(f"\nEverything is in [bold]{stage.folder}[/bold]: settings, database, logs, reports.", soft_wrap=True)
    out.print(f"To look around: [bold]cd {stage.folder} && {DIALER} --help[/bold]", soft_wrap=True)
    out.print(f"HTML report: [bold]{stage.folder / 'report.html'}[/bold]", soft_wrap=True)


class Stage:
    """A folder in which the program is played with settings of its own, whatever those of this machine are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = {name: v for name, v in os.environ.items() if not name.startswith(("DIALER_", "TWILIO_"))}

    def set(self, **settings: str) -> None:
        """Write settings where every command in this folder finds them, now and after the demo."""
        for name, value in settings.items():
            set_key(self.folder / ".env", name, value)

    def clear(self) -> None:
        """Begin with nothing but the people that the stand-in carrier plays."""
        if self.folder.exists() and any(self.folder.iterdir()) and not (self.folder / "people.yaml").exists():
            sys.exit(f"{self.folder} holds something else than a demo; name another folder")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (self.folder / "people.yaml").write_text(PEOPLE, encoding="utf-8")
        port = _free_port()
        self.set(
            TWILIO_ACCOUNT_SID=ACCOUNT,
            TWILIO_AUTH_TOKEN=TOKEN,
            DIALER_PUBLIC_URL=f"http://127.0.0.1:{port}",
            DIALER_PORT=str(port),
            DIALER_CALLER_ID="+442079460000",
            DIALER_HOME_REGION="CN",
            DIALER_ALLOWED_COUNTRIES=customers.COUNTRIES,
            DIALER_CALLS_PER_SECOND="15",
            DIALER_MAX_CONCURRENT_CALLS="60",
            DIALER_CAMPAIGNS=str(ROOT / "campaigns"),
        )

    def dialer(self, *command: str) -> None:
        """Run a command and show what it shows; the demo ends when it fails."""
        out.print(f"[dim]$ dialer {' '.join(command)}[/dim]", soft_wrap=True)
        done = subprocess.run([DIALER, *command], env=self._environment, cwd=self.folder, check=False)  # noqa: S603 - our own program
        if done.returncode:
            sys.exit(done.returncode)

    @contextlib.contextmanager
    def running(self, *command: str) -> Iterator[str]:
        """Run a server until the block ends; gives the address it says it listens on. Its log is kept in a file."""
        log = self.folder / f"{command[0]}.log"
        with log.open("w", encoding="utf-8") as file:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [DIALER, *command], env=self._environment, cwd=self.folder, stdout=file, stderr=subprocess.STDOUT
            )
            try:
                with log.open(encoding="utf-8") as lines:
                    yield _address(process, lines, log)
                if process.poll() is not None:
                    raise _failed(process, log, "ended by itself")
            finally:
                _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _address(process: subprocess.Popen[bytes], lines: IO[str], log: Path) -> str:
    while process.poll() is None:
        line = lines.readline()
        if "listening on " in line:
            return line.partition("listening on ")[2].strip()
        if not line:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.05)
    raise _failed(process, log, "did not start")


def _failed(process: subprocess.Popen[bytes], log: Path, what: str) -> SystemExit:
    out.print(log.read_text(encoding="utf-8"), markup=False)
    return SystemExit(f"{process.args!r} {what}; its log is above")


def _say(text: str) -> None:
    out.print(f"\n[bold cyan]==[/bold cyan] [bold]{text}[/bold]")


if __name__ == "__main__":
    main()
