"""The README is true: what it tells people to type exists, and so does every setting and path it names."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from dialer import cli
from dialer.errors import InputError
from dialer.rule_files import REPLACEABLE, check_presets, load_notices, shipped
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
    assert len(README.splitlines()) < 260
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


def test_the_preset_it_shows_is_sound(tmp_path: Path) -> None:
    (example,) = [block for block in BLOCKS if block.startswith("presets:")]
    file = tmp_path / "own.yaml"
    file.write_text(example, encoding="utf-8")
    (found,) = check_presets([file]).values()
    assert not isinstance(found, InputError), str(found)
    assert [preset.id for preset in found] == ["our-louisiana-rest"]


def test_the_notice_it_shows_is_sound(tmp_path: Path) -> None:
    lines = [one for one in QUOTED if re.fullmatch(r"20\d\d-.*,(off|work)", one)]
    (tmp_path / "CN-2027.csv").write_text("\n".join(lines), encoding="utf-8")
    (notice,) = load_notices(tmp_path)
    assert (len(notice.off), len(notice.work)) == (1, 1)


def test_rules_it_names_exist_and_are_of_the_kind_it_says() -> None:
    presets = {preset.id: preset for preset, _ in shipped()}
    assert presets["de-practice"].kind in REPLACEABLE
    assert "us-fl" in presets
    assert f"{len(presets)} presets for {len({preset.country for preset in presets.values()})} countries" in README
