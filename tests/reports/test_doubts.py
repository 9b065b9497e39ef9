"""The house report warns of rules that somebody has to look at, in each of its formats and languages."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from dialer.core.rule_doubts import RuleDoubts
from dialer.core.rules import Preset
from dialer.reports import html, text
from dialer.reports.doubts import FEW, doubts_object, sentences
from dialer.reports.language import Language
from tests.reports.made_up import NOW


def preset(name: str) -> Preset:
    return Preset.model_validate(
        {
            "id": name,
            "kind": "law",
            "purposes": ["sales"],
            "hours": "24 h",
            "appointment_lifts": "no",
            "sources": ["the law"],
            "confidence": "high",
            "reviewed_on": "2025-01-01",
        }
    )


DOUBTS = RuleDoubts(stale=(preset("old-one"), preset("old-two")), unconfirmed=(("CN", 2027),))
SAID = {
    Language.EN: (
        "2 rules were last reviewed more than 180 days ago: old-one, old-two",
        "The holidays of CN in 2027 are unconfirmed: calls may fall on days of rest.",
    ),
    Language.ZH_CN: (
        "2 条规则超过 180 天未复核：old-one, old-two",
        "CN 2027 年节假日安排尚未确认，呼叫可能落在休息日。",
    ),
}


@pytest.mark.parametrize("language", Language)
def test_people_read_it_in_their_language(language: Language) -> None:
    assert tuple(sentences(DOUBTS, language)) == SAID[language]
    made = Console(file=StringIO(), width=100)
    text.house_report([], [], NOW, language, made, DOUBTS)
    page = html.house_report([], [], NOW, language, DOUBTS)
    assert isinstance(made.file, StringIO)
    for sentence in SAID[language]:
        assert f"⚠ {sentence}" in made.file.getvalue()
        assert f"<li>{sentence}</li>" in page


@pytest.mark.parametrize("language", Language)
def test_sound_rules_are_not_spoken_of(language: Language) -> None:
    assert list(sentences(RuleDoubts(), language)) == []
    assert "⚠" not in html.house_report([], [], NOW, language)


def test_many_old_rules_are_counted_and_a_few_named() -> None:
    many = RuleDoubts(stale=tuple(preset(f"old-{number}") for number in range(FEW + 1)))
    (said,) = sentences(many, Language.EN)
    assert said == "6 rules were last reviewed more than 180 days ago: old-0, old-1, old-2, old-3, old-4 …"


def test_scripts_read_keys() -> None:
    assert doubts_object(DOUBTS) == {
        "stale": [
            {"rule": "old-one", "reviewed_on": "2025-01-01"},
            {"rule": "old-two", "reviewed_on": "2025-01-01"},
        ],
        "unconfirmed_holidays": [{"calendar": "CN", "year": 2027}],
    }
