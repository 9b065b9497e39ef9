"""The tests' own database server starts anywhere, keeps to itself, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest

from tests.postgres import WHEEL, NoPostgresError, PostgresServer, find_binaries, running

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
HOLDER = """
import sys, time
from tests.postgres import running
with running() as server:
    print(server.directory, flush=True)
    time.sleep(600)
"""


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def server_process(directory: Path) -> psutil.Process:
    return psutil.Process(int((directory / "data" / "postmaster.pid").read_text().splitlines()[0]))


def is_gone(directory: Path, server: psutil.Process, *, within: float = 15.0) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not server.is_running() and not directory.exists():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[str]]:
    """Another process that runs a server and names its directory."""
    command = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(  # noqa: S603 - this Python
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        yield process
        process.kill()


def test_each_database_is_new_and_dropped_although_somebody_is_connected(postgres_server: PostgresServer) -> None:
    with postgres_server.empty_database() as url:
        left_open = connect(url)
        left_open.execute("CREATE TABLE t (x int)")
    with postgres_server.empty_database() as url, connect(url) as connection:
        count = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        databases = connection.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'test%'").fetchone()
    left_open.close()
    assert (count, databases) == ((0,), (1,))


def test_it_opens_no_port_and_does_not_run_as_root(postgres_server: PostgresServer) -> None:
    server = server_process(postgres_server.directory)
    assert server.uids().effective != 0
    assert [c for c in server.net_connections("inet") if c.status == psutil.CONN_LISTEN] == []


def test_it_is_gone_after_use() -> None:
    with running() as postgres:
        server = server_process(postgres.directory)
        assert server.is_running()
    assert is_gone(postgres.directory, server, within=0.5)


@pytest.mark.parametrize("whole_group", [False, True])
def test_it_is_gone_after_its_user_was_killed(holder: subprocess.Popen[str], *, whole_group: bool) -> None:
    assert holder.stdout is not None
    directory = Path(holder.stdout.readline().strip())
    server = server_process(directory)
    assert server.is_running()
    if whole_group:
        os.killpg(holder.pid, signal.SIGKILL)
    else:
        holder.kill()
    assert is_gone(directory, server)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server with somebody else's rights")
def test_binaries_in_a_closed_folder_are_copied_to_where_the_server_may_read_them(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    binaries = find_binaries()
    (closed / WHEEL).symlink_to(binaries.parents[1])
    libraries = binaries.parents[1].with_name(f"{WHEEL}.libs")
    (closed / libraries.name).symlink_to(libraries)
    with running(closed / WHEEL / binaries.parent.name / binaries.name) as server:
        assert str(server.directory) in server_process(server.directory).exe()
    assert not server.directory.exists()


def test_what_cannot_start_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("initdb", "postgres"):
        (tmp_path / name).write_text("#!/bin/sh\necho broken on purpose; exit 3\n")
        (tmp_path / name).chmod(0o755)
    directories: list[Path] = []

    def remember(**where: str) -> str:
        directories.append(Path(make_directory(**where)))
        return str(directories[-1])

    make_directory = tempfile.mkdtemp
    monkeypatch.setattr(tempfile, "mkdtemp", remember)
    with pytest.raises(NoPostgresError, match="broken on purpose"), running(tmp_path):
        pass
    assert [directory.exists() for directory in directories] == [False]
