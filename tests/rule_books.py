"""Calling rules made up for a test, each different only in what its test is about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dialer.core.rule_book import RuleBook
from dialer.core.rules import Preset
from tests.campaigns import house

if TYPE_CHECKING:
    from pathlib import Path

    from dialer.core.admission import House

EVERY_PURPOSE = ["sales", "service", "survey", "renewal", "collection", "appointment"]


def preset(name: str = "rule", **changes: Any) -> Preset:
    """A preset for everywhere and every purpose that allows everything, but for `changes`."""
    return Preset.model_validate(
        {
            "id": name,
            "kind": "law",
            "purposes": EVERY_PURPOSE,
            "hours": "24 h",
            "appointment_lifts": "no",
            "sources": ["made up"],
            "confidence": "high",
            "reviewed_on": "2026-01-01",
        }
        | changes
    )


def book(*presets: Preset) -> RuleBook:
    return RuleBook(lambda: presets)


def ruled(*presets: Preset, **changes: Any) -> House:
    """A house in which these presets hold, and no spacing between calls."""
    return replace(house(), rules=book(*presets), **changes)


OPEN_BRITAIN = """\
presets:
  - id: gb-practice-hours
    kind: practice
    country: GB
    purposes: [sales, renewal, survey, service]
    hours: 24 h
    appointment_lifts: yes
    sources: [for programs that live in the present and must call at any hour and on any day of rest]
    confidence: high
    reviewed_on: 2026-11-22
"""


def open_britain(folder: Path) -> str:
    """For `DIALER_RULES`: a folder with rules by which people in Britain may be called at any instant."""
    rules = folder / "rules"
    rules.mkdir(exist_ok=True)
    (rules / "open_britain.yaml").write_text(OPEN_BRITAIN, encoding="utf-8")
    return str(rules)
