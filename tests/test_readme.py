"""The README is true: what it tells people to type exists, and so does every setting and path it names."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from dialer import cli
from dialer.settings import NAMES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```\w*\n(.*?)```", README, re.DOTALL)
QUOTED = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", README, flags=re.DOTALL))
LINES = [line.partition(" #")[0].strip() for block in BLOCKS for line in block.splitlines()]
COMMANDS = sorted({line for line in (*LINES, *QUOTED) if line.startswith("dialer ")})
SCRIPTS = sorted(set(re.findall(r"(?<![\w/.])(?:scripts|\.ci)/[\w.]+", README)))
PATHS = sorted({one for one in QUOTED if re.fullmatch(r"(dialer|campaigns|tests)/[\w./]*", one)} | {".env.example"})


def test_it_is_there_and_short() -> None:
    assert len(README.splitlines()) < 200
    assert len(README) > 1000
    assert {"scripts/demo", "scripts/test"} <= set(SCRIPTS)
    assert len(COMMANDS) > 10


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_exist(script: str) -> None:
    assert (ROOT / script).stat().st_mode & 0o100, f"{script} cannot be run"


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_exist_with_these_options(command: str) -> None:
    here = typer.main.get_command(cli.build())
    words = shlex.split(command)[1:]
    while isinstance(here, TyperGroup) and words:
        assert words[0] in here.commands, f"there is no {words[0]} in {command}"
        here = here.commands[words.pop(0)]
    known = {flag for parameter in here.params for flag in parameter.opts} | {"--help"}
    assert {word for word in words if word.startswith("--")} <= known
    arguments = [one for one in here.params if one.param_type_name == "argument"]
    assert len(words) == 0 or arguments or any(word.startswith("--") for word in words)


def test_settings_exist() -> None:
    named = set(re.findall(r"\b(?:DIALER|TWILIO)_[A-Z_]+\b", README))
    assert named
    assert named <= set(NAMES)


@pytest.mark.parametrize("path", PATHS)
def test_paths_exist(path: str) -> None:
    assert (ROOT / path).exists()


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target
