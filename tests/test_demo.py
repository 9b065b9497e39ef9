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


REACHED = re.compile(r" agents: .* (\d+) reached")


def demo_until_somebody_is_reached(folder: Path, log: Path) -> str:
    """Run the demo with agents, and end it as a terminal does; what it told."""
    command = [sys.executable, "-m", "scripts.demonstration", "--folder", str(folder)]
    options = ("--agents", "2", "--seconds", "0", "--speed", "20")
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(  # noqa: S603 - our own script
            [*command, *options], cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
        deadline = time.monotonic() + 150
        while not any(map(int, REACHED.findall(log.read_text(encoding="utf-8")))):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=120) == 0, log.read_text(encoding="utf-8")
    return log.read_text(encoding="utf-8")


@pytest.mark.slow
def test_with_agents_the_demo_shows_them_at_work_until_ctrl_c(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    told = demo_until_somebody_is_reached(folder, tmp_path / "told.txt")
    assert running_in(folder) == []
    reached = [int(many) for many in REACHED.findall(told)]
    assert reached == sorted(reached)
    assert re.search(r"abandoned \d+ of \d+ \(at most [\d.]+% with 95 % certainty\) \| dialing \d+: ", told)
    assert re.search(r"sign in as 1001 \(manager\) with \S+", told), "the board can be looked at"
    assert re.search(r"sign in as 2003 \(agent\) with \S+", told), "who watches can take calls"
    assert "The report of the house" in told
    assert "calls judged by the rules of today: all were right" in told
    assert "being called now" not in told, "the agents end their calls before they go"
    assert (folder / "sign-ins.txt").stat().st_mode & 0o077 == 0
    robots = (folder / "robots.log").read_text(encoding="utf-8")
    assert re.search(r"finished [1-9]", robots), robots
    for log in ("carrier.log", "run.log", "robots.log"):
        text = (folder / log).read_text(encoding="utf-8")
        assert "Traceback" not in text, text
        assert "[error" not in text, text


@pytest.mark.slow
def test_the_demo_does_not_empty_a_folder_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear", encoding="utf-8")
    told = demo(tmp_path)
    assert told.returncode == 1
    assert "holds something else than a demo" in told.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["letters.txt"]
