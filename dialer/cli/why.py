"""`dialer why`: every rule's answer for one customer, and the next instant at which the call is allowed."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from dialer import bootstrap
from dialer.cli import instants, rule_words
from dialer.cli.day_chart import show_days
from dialer.cli.screen import AsJson, emit, out
from dialer.core.caps import Cap
from dialer.core.suppression import EVERYTHING
from dialer.engine.explain import explain
from dialer.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from dialer.core.limit_use import LimitUse
    from dialer.engine.explain import Explanation, Listed, PresetToday

COLOURS = {"dial": "green", "wait": "yellow", "refuse": "red"}

NOT_SELECTED = "target"
"""The rule that fails for customers of no concern to a campaign; among others, one line says enough about it."""

MEND_ZONE = (
    "Without knowing what time it is there, nobody calls. Ask the customer and write down what they say: `dialer "
    "customers confirm-zone REFERENCE ZONE --by NAME`. An address in the customer file (region US-NY) helps as well."
)


def why(
    customer: Annotated[str, typer.Argument(help="The customer's reference in the customer file.")],
    campaign: Annotated[str | None, typer.Option(help="Only this campaign.")] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="INSTANT", help="At this instant instead of now, such as 2026-11-23T09:30+08:00."),
    ] = None,
    between: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Also list the windows from this instant ...")
    ] = None,
    until: Annotated[str | None, typer.Option("--and", metavar="INSTANT", help="... until this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say why a customer is called, not yet called, or never called: each rule with pass or fail.

    Beside the rules stand the presets that bind the call with what they allow today, their limits with how much of
    them is used, and the lists the customer is on. With --between and --and, the days between: a table of the
    windows, and a chart of who closes the rest.

    The answer comes from the very gate that decides before each dial, so nothing is guessed. Instants without an
    offset are on the clock of DIALER_HOUSE_ZONE.
    """
    given = bootstrap.settings()
    zone = str(given.house_zone)
    instant = instants.read(at, "--at", zone) if at else bootstrap.now()
    stretch = _stretch(between, until, zone)
    with closing(bootstrap.open_store(given)) as store:
        found = explain(store, bootstrap.house(given), customer, instant, campaign=campaign, between=stretch)
    for one in found:
        if as_json:
            emit(_as_object(one, with_windows=stretch is not None))
        elif campaign is None and len(found) > 1 and one.rules[0].name == NOT_SELECTED:
            out.print(f"[dim]{escape(one.customer)} in {escape(one.campaign)}: {escape(one.rules[0].reason)}[/dim]")
        else:
            _print(one, zone)
            if stretch is not None:
                show_days(one.days, one.zones, zone)


def _stretch(between: str | None, until: str | None, zone: str) -> tuple[datetime, datetime] | None:
    if between is None and until is None:
        return None
    if between is None or until is None:
        raise InputError([Problem("--between", "two instants are needed", "give both --between A and --and B")])
    start, end = instants.read(between, "--between", zone), instants.read(until, "--and", zone)
    if end <= start:
        raise InputError([Problem("--and", "is not after --between", "give the earlier instant to --between")])
    return start, end


def _as_object(one: Explanation, *, with_windows: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "customer": one.customer,
        "campaign": one.campaign,
        "occasion": one.occasion,
        "at": one.at,
        "decision": one.decision,
        "until": one.until,
        "zones": one.zones,
        "known_by": one.known_by,
        "due": one.due,
        "deadline": one.deadline,
        "slack": one.slack,
        "rules": [rule._asdict() for rule in one.rules],
        "presets": [_preset_object(preset) for preset in one.presets],
        "limits": [
            {"preset": use.preset, "says": _limit(use), "used": use.used, "until": use.until} for use in one.limits
        ],
        "lists": [
            {
                "on": listed.stop.on,
                "scope": listed.stop.scope,
                "source": listed.stop.source,
                "said": listed.stop.said,
                "stops": listed.holds,
            }
            for listed in one.lists
        ],
    }
    if with_windows:
        found["windows"] = [{"from": window.start, "until": window.end} for window in one.windows]
        found["days"] = [
            {
                "day": day.day,
                "windows": [{"from": window.start, "until": window.end} for window in day.windows],
                "layers": {layer.name: [str(told) for told in layer.ranges] for layer in day.layers},
                "closed_only_by": {
                    name: [{"from": piece.start, "until": piece.end} for piece in pieces] for name, pieces in day.alone
                },
            }
            for day in one.days
        ]
    return found


def _preset_object(preset: PresetToday) -> dict[str, Any]:
    return {
        "id": preset.id,
        "kind": preset.kind,
        "lifted": preset.lifted,
        "today": [
            {"zone": zone, "there": wall.isoformat(timespec="minutes"), "hours": [str(told) for told in ranges]}
            for zone, wall, ranges in preset.today
        ],
    }


def _print(one: Explanation, zone: str) -> None:
    out.print(f"[bold]{escape(one.customer)}[/bold] in [bold]{escape(one.campaign)}[/bold]: {_verdict(one, zone)}")
    out.print(f"  at {instants.show(one.at, zone)} {zone}")
    for name in one.zones:
        out.print(f"  there {instants.show(one.at, name)} {name}")
    if one.due is not None and one.deadline is not None:
        out.print(f"  due {instants.show(one.due, zone)} {zone}")
        out.print(f"  deadline {instants.show(one.deadline, zone)} {zone}{_slack(one)}")
    if not one.zones and any(rule.name == "zone" for rule in one.rules):
        out.print(f"  [yellow]no zone[/yellow] {MEND_ZONE}")
    table = Table(show_header=False, box=None, padding=(0, 1))
    for rule in one.rules:
        until = f"\nuntil {instants.show(rule.until, zone)} {zone}" if rule.until else ""
        mark = "[green]pass[/green]" if rule.passed else "[red]FAIL[/red]"
        table.add_row(mark, rule.name, escape(rule.reason) + until)
    out.print(table)
    _section("presets that bind this call, and their hours today", _presets(one))
    _section("limits", ((use.preset, _limit(use) + _used(use, zone)) for use in one.limits))
    _section("lists", ((listed.stop.on, _list(listed)) for listed in one.lists))


def _slack(one: Explanation) -> str:
    if one.slack is None:
        return ""
    if one.deadline is not None and one.deadline <= one.at:
        return ", [red]which has passed[/red]"
    hours, minutes = divmod(int(one.slack.total_seconds()) // 60, 60)
    return (
        f", {hours} h {minutes:02} min callable until then" if one.slack else ", [red]never callable until then[/red]"
    )


def _section(title: str, rows: Iterator[tuple[str, str]]) -> None:
    table = Table(show_header=False, box=None, padding=(0, 1))
    for name, told in rows:
        table.add_row(escape(name), escape(told))
    if table.rows:
        out.print(f"  {title}")
        out.print(table)


def _presets(one: Explanation) -> Iterator[tuple[str, str]]:
    """Zones whose clocks show the same are told once."""
    for preset in one.presets:
        told: dict[str, list[str]] = {}
        for zone, wall, ranges in preset.today:
            told.setdefault(f"{rule_words.ranges(ranges)}, {wall:%a %H:%M} in", []).append(zone)
        lifted = "lifted by the time the customer chose; " if preset.lifted else ""
        yield preset.id, lifted + "\n".join(f"{words} {', '.join(zones)}" for words, zones in told.items())


def _limit(use: LimitUse) -> str:
    return rule_words.cap(use.limit) if isinstance(use.limit, Cap) else rule_words.cool_off(use.limit)


def _used(use: LimitUse, zone: str) -> str:
    until = f", until {instants.show(use.until, zone)} {zone}" if use.until is not None else ""
    if use.used is None:
        return f": it lasts{until}" if until else ": none lasts"
    return f": {use.used} used{until}"


def _list(listed: Listed) -> str:
    scope = listed.stop.scope
    what = "no calls at all" if scope == EVERYTHING else f"no calls about {scope.replace(':', ' ')}"
    holds = "" if listed.holds else "; does not stop this campaign"
    return f"{what}, by {listed.stop.source}, {listed.stop.said:%Y-%m-%d}{holds}"


def _verdict(one: Explanation, zone: str) -> str:
    """The decision, with the one thing people ask next: until when, or what for."""
    word = f"[{COLOURS[one.decision]}]{one.decision}[/]"
    if one.until is not None:
        return f"{word} until {instants.show(one.until, zone)} {zone}"
    why = next((rule.reason for rule in one.rules if not rule.passed and rule.until is None), "")
    return f"{word}: {escape(why)}" if why else word
