"""What a report says about calling rules that somebody has to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dialer.core.rules import STALE_AFTER
from dialer.reports.language import Language, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dialer.core.rule_doubts import RuleDoubts

FEW = 5
"""How many old rules a report names; `doctor` names all."""


def sentences(doubts: RuleDoubts, language: Language) -> Iterator[str]:
    """A line for the rules nobody reviewed lately, and one for each year whose holidays are unconfirmed."""
    if doubts.stale:
        names = ", ".join(preset.id for preset in doubts.stale[:FEW]) + (" …" if len(doubts.stale) > FEW else "")
        told = {"count": len(doubts.stale), "days": STALE_AFTER.days, "names": names}
        yield say("text.stale_rules", language).format(**told)
    for calendar, year in doubts.unconfirmed:
        yield say("text.unconfirmed", language).format(calendar=calendar, year=year)


def doubts_object(doubts: RuleDoubts) -> dict[str, Any]:
    """The same for scripts: keys and values do not depend on the language."""
    return {
        "stale": [{"rule": preset.id, "reviewed_on": preset.reviewed_on.isoformat()} for preset in doubts.stale],
        "unconfirmed_holidays": [{"calendar": calendar, "year": year} for calendar, year in doubts.unconfirmed],
    }
