"""Says which windows of a campaign file nobody can ever be called in, and what closes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from dialer.cli import rule_words
from dialer.cli.screen import out

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dialer.core.admission import House
    from dialer.core.unused_hours import Shut


def show(shut: Iterable[Shut], house: House, file: str = "") -> None:
    """A warning for each; `file` where several files are spoken of."""
    of = f" {file}:" if file else ""
    for one in shut:
        out.print(f"[yellow]warning[/yellow]{escape(of)} {escape(_sentence(one, house))}", soft_wrap=bool(file))


def as_objects(shut: Iterable[Shut], house: House) -> list[dict[str, Any]]:
    """The same for scripts; `country` is null where the house closes a window for everybody."""
    return [
        {
            "hours": str(one.window),
            "weekdays": [rule_words.DAYS[day] for day in one.weekdays],
            "country": one.country or None,
            "closed_by": one.closed_by,
            "says": _sentence(one, house),
        }
        for one in shut
    ]


def _sentence(shut: Shut, house: House) -> str:
    weeks = {"house": house.hours.week} | {preset.id: preset.hours.week for preset in house.rules.presets}
    parts = [
        f"{'the house window' if name == 'house' else name} {rule_words.hours(weeks[name])}" for name in shut.closed_by
    ]
    where = f" in {shut.country}" if shut.country else ""
    on = f"{rule_words.weekdays(shut.weekdays)} " if len(shut.weekdays) < len(rule_words.DAYS) else ""
    return f"{on}{shut.window} never meets {' and '.join(parts)}{where}"
