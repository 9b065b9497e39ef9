"""The demo, which is the product: it ends well, leaves its reports, and leaves nothing running."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[1]


def running_in(folder: Path) -> list[str]:
    """Processes whose work is in `folder`."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == folder:
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.demonstration", "--folder", str(folder), *arguments]
    environment = os.environ | {"COLUMNS": "80", "DIALER_HOUSE_ZNOE": "a setting of this machine that is none"}
    return subprocess.run(  # noqa: S603 - our own script
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.slow
def test_the_demo_works_and_can_be_run_again(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "people.yaml").write_text("what an earlier demo left", encoding="utf-8")
    told = demo(folder, "--seconds", "6")
    assert told.returncode == 0, told.stdout + told.stderr
    assert all(line.startswith(("note ", "`")) for line in told.stderr.splitlines() if line), told.stderr
    assert running_in(folder) == []
    assert (folder / "report.html").stat().st_size > 10_000
    assert f"HTML report: {folder / 'report.html'}" in told.stdout
    for part in (
        "Who was called, and how it ended",
        "Who was not called, and why",
        "What happens next",
        "VIP coverage",
    ):
        assert part in told.stdout
    assert "X009 in holiday_followup: refuse" in told.stdout
    assert "calls judged by the rules of today: all were right" in told.stdout
    assert "a toll-free number; ask the customer for another" in told.stdout
    assert "Traceback" not in told.stdout
    for log in ("carrier.log", "run.log"):
        text = (folder / log).read_text(encoding="utf-8")
        assert "Traceback" not in text, text
        assert "[error" not in text, text


@pytest.mark.slow
def test_with_agents_the_demo_shows_them_at_work(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    told = demo(folder, "--agents", "2", "--seconds", "20", "--speed", "20")
    assert told.returncode == 0, told.stdout + told.stderr
    assert running_in(folder) == []
    lines = [line for line in told.stdout.splitlines() if " agents: " in line]
    assert len(lines) >= 4
    reached = [int(re.search(r"(\d+) reached", line)[1]) for line in lines]  # type: ignore[index] # each says it
    assert reached == sorted(reached)
    assert reached[-1] > 0, told.stdout
    assert "ready" in lines[0] + lines[1]
    assert re.search(r"abandoned \d+ of \d+ \(at most [\d.]+% with 95 % certainty\) \| dialing \d+: ", told.stdout)
    assert re.search(r"sign in as 1001 \(manager\) with \S+", told.stdout), "the board can be looked at"
    assert re.search(r"sign in as 2003 \(agent\) with \S+", told.stdout), "who watches can take calls"
    assert "calls judged by the rules of today: all were right" in told.stdout
    assert "being called now" not in told.stdout, "the agents end their calls before they go"
    assert (folder / "sign-ins.txt").stat().st_mode & 0o077 == 0
    robots = (folder / "robots.log").read_text(encoding="utf-8")
    assert re.search(r"finished [1-9]", robots), robots
    for log in ("carrier.log", "run.log", "robots.log"):
        text = (folder / log).read_text(encoding="utf-8")
        assert "Traceback" not in text, text
        assert "[error" not in text, text


@pytest.mark.slow
def test_ctrl_c_ends_the_demo_with_agents_cleanly(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "scripts.demonstration", "--folder", str(folder)]
    options = ("--agents", "1", "--seconds", "0", "--speed", "40")
    log = tmp_path / "told.txt"
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(  # noqa: S603 - our own script
            [*command, *options], cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
        deadline = time.monotonic() + 120
        while " agents: " not in log.read_text(encoding="utf-8"):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.wait(timeout=120) == 0, log.read_text(encoding="utf-8")
    assert "The report of the house" in log.read_text(encoding="utf-8")
    assert running_in(folder) == []


@pytest.mark.slow
def test_the_demo_does_not_empty_a_folder_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear", encoding="utf-8")
    told = demo(tmp_path)
    assert told.returncode == 1
    assert "holds something else than a demo" in told.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["letters.txt"]
