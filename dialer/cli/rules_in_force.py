"""The calling rules of this installation, as commands ask for them, and what is doubtful about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.core.rule_doubts import rule_doubts
from dialer.core.wall_clock import local
from dialer.rule_files import load_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from dialer.core.calendars import Calendar
    from dialer.core.rule_doubts import RuleDoubts
    from dialer.core.rules import Preset
    from dialer.settings import Settings


def rules_in_force(given: Settings) -> tuple[tuple[Preset, ...], Callable[[int], Mapping[str, Calendar]]]:
    """The presets, and the calendars they close on. InputError names what is wrong with the files."""
    return load_rules([given.rules] if given.rules is not None else [], given.holidays)


def sectors_in_force(given: Settings) -> frozenset[str]:
    """The lines of business that any rule speaks of. InputError as above."""
    return frozenset(sector for preset in rules_in_force(given)[0] for sector in preset.sectors)


def doubts(given: Settings, now: datetime) -> RuleDoubts:
    """What is doubtful about the rules for the countries that are called, on the house's date."""
    presets, calendars = rules_in_force(given)
    return rule_doubts(presets, calendars, given.allowed_countries, local(now, str(given.house_zone)).date())
