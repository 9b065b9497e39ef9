"""Every text of the console is in the Chinese catalogue, and the catalogue holds no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

import dialer.web
from dialer.engine.roster import Flaw
from dialer.web.console.languages import LANGUAGES, LOCALE, Languages
from dialer.web.console.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from babel.messages.catalog import Message

WEB = Path(dialer.web.__file__).parent
IN_CODE = {"N_": None, "_": None, "say": None}
"""The calls whose texts are translated, as `dialer.web.console` tells those who write pages."""

HOLES = re.compile(r"%\((\w+)\)s")


def texts() -> Iterator[tuple[str, str]]:
    """Every text in templates and code, with its file. What has several forms is known by its first."""
    for path in sorted(WEB.glob("console/*.py")):
        for _, said, _, _ in extract_from_file("python", path, keywords=IN_CODE):
            yield from ((text, path.name) for text in _first(said))
    for path in sorted(WEB.glob("templates/*.html")):
        with path.open("rb") as file:
            found = babel_extract(file, ("_", "gettext", "ngettext"), (), {"extensions": "jinja2.ext.do"})
            for _, _, message, _ in found:
                yield from ((text, path.name) for text in _first(message))
    yield from ((text, "words.py") for text in WORDS.values())
    yield from ((flaw.value, "roster.py") for flaw in Flaw)


def _first(message: object) -> list[str]:
    texts = [message] if isinstance(message, str) else [*message] if isinstance(message, tuple | list) else []
    return [text for text in texts if isinstance(text, str)][:1]


def catalogue(language: str) -> dict[str, Message]:
    path = LOCALE / language.replace("-", "_") / "LC_MESSAGES" / "console.po"
    with path.open("rb") as file:
        found = read_po(file, abort_invalid=True)
    return {(one.id if isinstance(one.id, str) else one.id[0]): one for one in found if one.id}


OTHERS = [language for language in LANGUAGES if language != "en"]


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language: str) -> None:
    known = catalogue(language)
    missing = {text: where for text, where in texts() if text not in known or not known[text].string}
    assert not missing


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_translated_that_nobody_says(language: str) -> None:
    assert not set(catalogue(language)) - {text for text, _ in texts()}


@pytest.mark.parametrize("language", OTHERS)
def test_translations_fill_in_the_same_and_are_whole(language: str) -> None:
    for text, message in catalogue(language).items():
        said = next(iter(_first(message.string)))
        assert set(HOLES.findall(said)) == set(HOLES.findall(text)), text
        assert not message.fuzzy
        assert (said.replace("%%", "") + "x").count("%") == len(HOLES.findall(said)), f"a bare % in {said}"


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("zh-TW", "zh-CN"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("de,zh;q=0.3,en;q=0.7", "en"),
        ("fr", "en"),
        ("", "en"),
        ("en;q=0,zh", "zh-CN"),
        (";;q=x,,", "en"),
    ],
)
def test_the_browser_is_asked_for_its_language(asked: str, given: str) -> None:
    assert Languages(ZoneInfo("UTC")).choose("", asked).language == given
    assert Languages(ZoneInfo("UTC")).choose("zh-CN", asked).language == "zh-CN"
