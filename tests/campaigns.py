"""Campaigns, customers and a house for tests, each different only in what its test is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dialer.core.admission import House
from dialer.core.campaign import Campaign
from dialer.core.campaign import version as version_of
from dialer.core.customer import Customer
from dialer.core.hours import DailyRange, Hours
from dialer.core.phone import NumberKind, PhoneNumber

NOW = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
"""A Tuesday afternoon; the same in London and in UTC."""

SCRIPT: dict[str, Any] = {
    "start": "hello",
    "nodes": {
        "hello": {"say": "Hello, this is {company}", "next": "ask"},
        "ask": {"ask": "Is it convenient?", "keys": {"1": "bye", "9": "never"}, "no_answer": "bye"},
        "bye": {"end": "Goodbye", "outcome": "completed"},
        "never": {"opt_out": "We shall not call again"},
    },
}


def document(name: str = "survey", **changes: Any) -> dict[str, Any]:
    """A campaign file's content; `changes` replace its blocks."""
    return {
        "campaign": name,
        "title": name.title(),
        "purpose": "survey",
        "company": "Acme",
        "hotline": "+44 20 7946 0000",
        "when": {"windows": {"daily": ["09:00-20:00"]}},
        "script": SCRIPT,
    } | changes


def campaign(name: str = "survey", **changes: Any) -> Campaign:
    return Campaign.model_validate(document(name, **changes))


def version(content: dict[str, Any]) -> str:
    return version_of(content)


def house(window: str = "08:00-21:00", *, spacing: timedelta = timedelta(hours=4), zone: str = "UTC") -> House:
    return House(Hours.daily("house", [DailyRange.parse(window)]), frozenset({"GB", "US", "CN", "AU"}), spacing, zone)


def number(last: int = 0) -> PhoneNumber:
    """One of the thousand London numbers kept free for films."""
    return PhoneNumber(f"+442079460{last:03d}", "GB", NumberKind.FIXED_LINE)


def customer(reference: str = "C1", *numbers: PhoneNumber, **changes: Any) -> Customer:
    return Customer(reference, f"Name of {reference}", numbers=numbers or (number(),), region="GB", **changes)
