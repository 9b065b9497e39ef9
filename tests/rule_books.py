"""Calling rules made up for a test, each different only in what its test is about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dialer.core.rule_book import RuleBook
from dialer.core.rules import Preset
from tests.campaigns import house

if TYPE_CHECKING:
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
