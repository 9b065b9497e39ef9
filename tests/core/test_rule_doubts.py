"""Doubts about the rules are named for the countries that are called, and for no others."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from dialer.core.calendars import Calendar
from dialer.core.rule_doubts import RuleDoubts, rule_doubts
from dialer.core.rules import STALE_AFTER, Preset

TODAY = date(2026, 11, 22)


def preset(name: str, country: str = "CN", **more: Any) -> Preset:
    told = {
        "id": name,
        "kind": "law",
        "country": country,
        "purposes": "sales",
        "hours": "09:00-20:00",
        "appointment_lifts": "no",
        "sources": ["the law"],
        "confidence": "high",
        "reviewed_on": TODAY.isoformat(),
    }
    return Preset.model_validate(told | more)


def calendars(year: int) -> dict[str, Calendar]:
    assert year == TODAY.year
    years = frozenset({2025, 2026, 2027})
    return {
        "CN": Calendar("CN", years, frozenset(), unconfirmed=frozenset({2027})),
        "US-LA": Calendar("US-LA", years, frozenset()),
    }


CLOSES: dict[str, Any] = {"holidays": {"rule": "closed", "calendar": "CN"}}


def test_sound_rules_raise_none() -> None:
    rules = [preset("cn"), preset("la", "US", holidays={"rule": "closed", "calendar": "US", "subdivision": "LA"})]
    found = rule_doubts(rules, calendars, frozenset({"CN", "US"}), TODAY)
    assert found == RuleDoubts()
    assert not found


def test_a_review_is_too_old_after_half_a_year() -> None:
    fresh = preset("fresh", reviewed_on=(TODAY - STALE_AFTER).isoformat())
    old = preset("old", reviewed_on=(TODAY - STALE_AFTER - timedelta(days=1)).isoformat())
    assert rule_doubts([fresh, old], calendars, frozenset({"CN"}), TODAY) == RuleDoubts(stale=(old,))


def test_a_year_without_its_notice_is_named_where_somebody_closes_on_it() -> None:
    found = rule_doubts([preset("cn", **CLOSES)], calendars, frozenset({"CN"}), TODAY)
    assert found == RuleDoubts(unconfirmed=(("CN", 2027),))


def test_countries_that_are_not_called_raise_no_doubts() -> None:
    old = preset("old", reviewed_on="2024-01-01", **CLOSES)
    assert rule_doubts([old], calendars, frozenset({"US"}), TODAY) == RuleDoubts(bare=("US",))


def test_a_rule_for_everywhere_leaves_no_country_bare() -> None:
    assert rule_doubts([preset("all", "")], calendars, frozenset({"US"}), TODAY) == RuleDoubts()


def test_a_rule_that_ended_concerns_nobody() -> None:
    ended = preset("ended", reviewed_on="2024-01-01", effective_until="2026-11-21", **CLOSES)
    assert rule_doubts([ended], calendars, frozenset({"CN"}), TODAY) == RuleDoubts(bare=("CN",))
