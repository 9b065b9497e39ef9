"""What `dialer doctor` finds about the calling rules: broken files, old reviews, holidays that are not confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer import bootstrap
from dialer.cli.finding import Finding, bad
from dialer.cli.rules_in_force import doubts, rules_in_force
from dialer.core.rules import STALE_AFTER
from dialer.errors import DialerError
from dialer.rule_files import CHINA, WHOLE_NOTICE, load_notices, shipped, special_days

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from dialer.core.rule_doubts import RuleDoubts
    from dialer.core.rules import Preset
    from dialer.settings import Settings
    from dialer.store import Standing


def rules(given: Settings) -> list[Finding]:
    """Everything about the rules and holidays that hold for the countries that are called."""
    try:
        presets, _ = rules_in_force(given)
        found = doubts(given, bootstrap.now())
    except DialerError as error:
        return bad("rules", error)
    return [_count(presets, given), *_doubtful(found, given), *_unused_notices(presets, given)]


def special_days_of(standings: Sequence[Standing], now: datetime) -> list[Finding]:
    """Campaigns in force that hang on a special day whose date is not known for this year or the next."""
    found = []
    for one in standings:
        name = one.campaign.why_now.due.special_day
        if name is None:
            continue
        day = special_days().get(name)
        missing = [str(year) for year in (now.year, now.year + 1) if day is None or day.in_year(year) is None]
        if missing:
            says = f"{one.campaign.id} hangs on {name}, whose date in {' and '.join(missing)} is not known"
            found.append(_warning("special days", f"{says}: nobody is enrolled for it then"))
    return found


def _warning(what: str, says: str) -> Finding:
    return Finding(what, True, says, warning=True)


def _count(presets: Sequence[Preset], given: Settings) -> Finding:
    """How many rules there are. The shipped ones come first, each in its place also when it was replaced."""
    replaced = sum(preset is not one for preset, (one, _) in zip(presets, shipped(), strict=False))
    added = len(presets) - len(shipped())
    own = f", {added} of them added and {replaced} replaced by {given.rules}" if given.rules is not None else ""
    return Finding("rules", True, f"{len(presets)} presets{own}; `dialer rules list` shows them")


def _doubtful(found: RuleDoubts, given: Settings) -> Iterator[Finding]:
    if found.stale:
        names = ", ".join(f"{preset.id} ({preset.reviewed_on})" for preset in found.stale)
        many = f"{len(found.stale)} presets were" if len(found.stale) > 1 else "1 preset was"
        says = f"{many} last reviewed more than {STALE_AFTER.days} days ago: {names}"
        mend = "they hold as they stand; compare them with their sources (`dialer rules show ID`)"
        yield _warning("rules", f"{says}; {mend}")
    folder = given.holidays or "the folder that DIALER_HOLIDAYS names"
    notices = load_notices(given.holidays) if given.holidays is not None else ()
    there = {(notice.calendar, notice.year): len(notice.off) for notice in notices}
    for name, year in found.unconfirmed:
        start = f"THE HOLIDAYS OF {name} IN {year} ARE UNCONFIRMED"
        if (name, year) in there:
            yield _warning("holidays", f"{start}: {_missing(name, year, there[name, year])}")
            continue
        says = (
            f"{start}: their official notice is not known, and calls may "
            f"fall on days of rest. Put it into {folder} as {name}-{year}.csv: lines of date,name,off or date,name,work"
        )
        yield _warning("holidays", says)
    if found.bare:
        says = (
            f"there is none for {', '.join(found.bare)}: only the house window and the campaign's own hours hold "
            "there. Put presets of your own into the folder that DIALER_RULES names, after `dialer rules check FILE`"
        )
        yield _warning("rules", says)


def _missing(name: str, year: int, off: int) -> str:
    """What a notice that is there leaves out."""
    says = f"the file {name}-{year} that is there names {off} {'day' if off == 1 else 'days'} off"
    if name == CHINA:
        return (
            f"{says}, and a whole notice names at least {WHOLE_NOTICE}: calls may fall on days of rest. Put the whole "
            "notice into it, every day off and every weekend day of work"
        )
    return f"{says}, and other holidays of that year are still estimates: name each as off, or as work"


def _unused_notices(presets: Sequence[Preset], given: Settings) -> Iterator[Finding]:
    """Notices that change nothing, as one does whose file is named after the wrong country."""
    notices = load_notices(given.holidays) if given.holidays is not None else ()
    for name in sorted({notice.calendar for notice in notices} - {preset.holidays.name for preset in presets}):
        yield _warning("holidays", f"no preset closes on the holidays of {name}, so its notice changes nothing")
