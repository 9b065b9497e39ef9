"""What is doubtful about the rules in force: reviews too long ago, unconfirmed holidays, countries without any rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dialer.core.rules import stale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from dialer.core.calendars import Calendar
    from dialer.core.rules import Preset


@dataclass(frozen=True, slots=True)
class RuleDoubts:
    """What a compliance officer has to look at. None of it opens or closes an hour: the rules hold as they stand."""

    stale: tuple[Preset, ...] = ()
    """Presets whose last review is too long ago."""
    unconfirmed: tuple[tuple[str, int], ...] = ()
    """Calendars and years whose days of rest are an estimate: their official notice is not known."""
    bare: tuple[str, ...] = ()
    """Countries without any preset, where nothing but the house window and the campaign's own hours holds."""

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.stale or self.unconfirmed or self.bare)


def rule_doubts(
    presets: Iterable[Preset],
    calendars: Callable[[int], Mapping[str, Calendar]],
    countries: frozenset[str],
    today: date,
) -> RuleDoubts:
    """The doubts that concern calls to `countries` (ISO 3166), with holidays looked at for this year and the next.

    `calendars` gives the calendars of a year and of the years beside it. Presets that are no longer in force concern
    nobody.
    """
    bearing = [
        preset
        for preset in presets
        if (not preset.country or preset.country in countries)
        and (preset.effective_until is None or today <= preset.effective_until)
    ]
    names = sorted({preset.holidays.name for preset in bearing} - {""})
    known = calendars(today.year) if names else {}
    years = (today.year, today.year + 1)
    ruled = {preset.country for preset in bearing}
    return RuleDoubts(
        stale=tuple(preset for preset in bearing if stale(preset, today)),
        unconfirmed=tuple((name, year) for name in names for year in years if not known[name].is_confirmed(year)),
        bare=() if "" in ruled else tuple(sorted(countries - ruled)),
    )
