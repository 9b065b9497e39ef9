"""Everything that is written into the trail has its words there, in every language."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

import dialer.cli
import dialer.web.console
from dialer.web.console.languages import LANGUAGES, Languages
from dialer.web.console.trail import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

DEED = re.compile(r"[a-z]+(-[a-z]+)*\.[a-z]+([-_][a-z]+)*")
FILES = {"html", "js", "po", "css", "db", "env"}
"""What comes after the dot in texts that look like deeds and are names of files."""


def written() -> Iterator[tuple[str, str]]:
    """Every text in the sources of console and command line that has the form of a deed, and where it is."""
    for package in (dialer.web.console, dialer.cli):
        for path in sorted(Path(str(package.__file__)).parent.glob("*.py")):
            if path.name == "trail.py":
                continue
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            texts = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
            for text in filter(DEED.fullmatch, texts):
                if text.rpartition(".")[2] not in FILES:
                    yield text, path.name


def test_every_deed_has_words_and_no_words_are_left_over() -> None:
    found = dict(written())
    assert {name: where for name, where in found.items() if name not in ACTIONS} == {}
    assert set(ACTIONS) - set(found) == set()


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_they_are_said_in_every_language(language: str) -> None:
    say = Languages(ZoneInfo("UTC")).choose(language, "").say
    assert [name for name, text in ACTIONS.items() if say(text) == text] == []
