"""Why a customer is called, not yet called, or never called: every rule's answer, from the gate that decides."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from babel.dates import format_date

from dialer.core.access import Permission
from dialer.core.day_windows import Share
from dialer.core.wall_clock import local, midnight
from dialer.engine.explain import explain
from dialer.web.console.site import tongue
from dialer.web.console.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from dialer.core.day_windows import DayWindows, Slot
    from dialer.core.hours import DailyRange, Opening
    from dialer.engine.explain import Explanation
    from dialer.web.console.languages import Tongue
    from dialer.web.console.site import Console

DAYS: Final = timedelta(days=7)
"""How far ahead the windows are shown."""

WHOLE_DAY: Final = "00:00-24:00"

TONES: Final = {Share.ALL: "open", Share.PART: "partly", Share.NONE: "shut", Share.UNASKED: "unasked"}


def add(console: Console) -> None:
    """Register the page."""
    works = console.works

    @console.page("/customers/{reference:path}/why", Permission.WHY)
    async def why(request: Request) -> Response:
        reference, store, now = request.path_params["reference"], works.store, console.now()
        campaign = request.query_params.get("campaign") or None
        start = midnight(local(now, store.house.zone).date(), store.house.zone)
        between = (start, start + DAYS) if campaign else None
        told = await works.reading.ask(explain, store, store.house, reference, now, campaign=campaign, between=between)
        titles = {s.campaign.id: s.campaign.title for s in await works.reading.ask(store.campaigns.all)}
        speech = tongue(request)
        shown = [_shown(one, speech) for one in told]
        values: dict[str, Any] = {"reference": reference, "campaign": campaign, "shown": shown, "titles": titles}
        return console.render(request, "why.html", t=Terms(speech), **values)


def _shown(one: Explanation, speech: Tongue) -> dict[str, Any]:
    """An explanation with what a template cannot work out."""
    failed = [rule for rule in one.rules if not rule.passed]
    zone = one.zones[0] if one.zones else ""
    return {
        "of": one,
        "failed": failed,
        "clocks": [(name, local(one.at, name)) for name in one.zones],
        "days": [(_day(day.day, speech), list(_slots(day, speech))) for day in one.days],
        "windows": [
            (_day(day.day, speech), _spans(day.windows, zone, speech), _alone(day, zone, speech)) for day in one.days
        ],
        "presets": [
            (preset, [(name, wall, _ranges(ranges)) for name, wall, ranges in preset.today]) for preset in one.presets
        ],
        "left": _left(one, speech),
    }


def _day(day: date, speech: Tongue) -> str:
    return str(format_date(day, "EEE d MMM" if speech.language == "en" else "M月d日 EEE", locale=speech.locale))


def _slots(day: DayWindows, speech: Tongue) -> Iterator[tuple[str, str]]:
    """The half hours of a day: how much of each is open, and what shuts it."""
    for index, slot in enumerate(day.slots):
        yield TONES[slot.share], _words(index, slot, speech)


def _words(index: int, slot: Slot, speech: Tongue) -> str:
    clock = f"{index // 2:02}:{30 * (index % 2):02}"
    if slot.share is Share.ALL or not slot.shut_by:
        return clock
    return speech.say("%(clock)s shut by %(layers)s", clock=clock, layers=", ".join(slot.shut_by))


def _spans(windows: Iterable[Opening], zone: str, speech: Tongue) -> str:
    def clock(at: datetime, *, end: bool = False) -> str:
        told = speech.time(at, zone)
        return "24:00" if end and told == "00:00" else told

    return ", ".join(f"{clock(one.start)}–{clock(one.end, end=True)}" for one in windows)


def _alone(day: DayWindows, zone: str, speech: Tongue) -> list[tuple[str, str]]:
    """What one layer shuts that no other does: who to ask for more time."""
    return [(name, _spans(pieces, zone, speech)) for name, pieces in day.alone]


def _ranges(told: Iterable[DailyRange]) -> str:
    words = ", ".join(str(one) for one in told)
    return "24 h" if words == WHOLE_DAY else words


def _left(one: Explanation, speech: Tongue) -> str:
    """The callable time until the deadline, in words; empty when there is none to speak of."""
    if one.slack is None or one.deadline is None:
        return ""
    if one.deadline <= one.at:
        return speech.say("it has passed")
    if not one.slack:
        return speech.say("never callable until then")
    return speech.say("%(time)s callable until then", time=_hours(one.slack))


def _hours(span: timedelta) -> str:
    hours, minutes = divmod(int(span.total_seconds()) // 60, 60)
    return f"{hours} h {minutes:02} min"
