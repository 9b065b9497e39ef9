"""The folder in which the demo is played, and the processes that play in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dotenv import set_key
from rich.console import Console

from scripts.demonstration import customers

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DIALER = Path(sys.executable).with_name("dialer")
ACCOUNT, TOKEN = "AC" + "0" * 32, "a token for the demo"
LISTENS = "listening on "

out = Console(highlight=False)

PEOPLE = """\
- {number: "sip:*", answer: agent, ring: [1, 4]}
- number: "*"
  mix: {human: 58, no-answer: 16, machine: 13, busy: 7, unreachable: 3, invalid: 3}
  ring: [3, 18]
  keys: {"1": 0.72, "2": 0.14, "9": 0.04, silence: 0.06, hangup: 0.04}
  talk: [40, 240]
  hangs_up_first: 0.5
"""
"""Who picks up, for how long they talk with an agent, and what they press where a machine asks."""


def say(text: str) -> None:
    """What happens next."""
    out.print(f"\n[bold cyan]==[/bold cyan] [bold]{text}[/bold]")


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

    def quietly(self, *command: str, typed: str) -> None:
        """Run a command to which something secret is typed, and show what it shows only when it fails."""
        done = subprocess.run(  # noqa: S603 - our own program
            [DIALER, *command],
            env=self._environment,
            cwd=self.folder,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(done.stdout + done.stderr)

    @contextlib.contextmanager
    def running(self, *command: str) -> Iterator[str]:
        """Run a server until the block ends; gives the address it says it listens on."""
        with self.process(command[0], LISTENS, str(DIALER), *command) as address:
            yield address

    @contextlib.contextmanager
    def process(self, name: str, sign: str, *command: str, within: Path | None = None) -> Iterator[str]:
        """Run a process until the block ends; gives what stands behind `sign` in what it says. Its log is kept.

        It is in a session of its own: Ctrl-C is for the demo, which then stops one process after the other.
        """
        log = self.folder / f"{name}.log"
        with log.open("w", encoding="utf-8") as file:
            process = subprocess.Popen(  # noqa: S603 - our own program
                command,
                env=self._environment,
                cwd=within or self.folder,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                with log.open(encoding="utf-8") as lines:
                    yield _said(process, lines, log, sign)
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


def _said(process: subprocess.Popen[bytes], lines: IO[str], log: Path, sign: str) -> str:
    while process.poll() is None:
        line = lines.readline()
        if sign in line:
            return line.partition(sign)[2].strip()
        if not line:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.05)
    raise _failed(process, log, "did not start")


def _failed(process: subprocess.Popen[bytes], log: Path, what: str) -> SystemExit:
    out.print(log.read_text(encoding="utf-8"), markup=False)
    return SystemExit(f"{process.args!r} {what}; its log is above")
