"""`dialer why`: every rule's answer for one customer, and the next instant at which the call is allowed."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from dialer import bootstrap
from dialer.cli import instants
from dialer.cli.screen import AsJson, emit, out
from dialer.engine.explain import explain
from dialer.errors import InputError, Problem

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.engine.explain import Explanation

COLOURS = {"dial": "green", "wait": "yellow", "refuse": "red"}

NOT_SELECTED = "target"
"""The rule that fails for customers of no concern to a campaign; among others, one line says enough about it."""


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
                _print_windows(one, zone)


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
        "rules": [rule._asdict() for rule in one.rules],
    }
    if with_windows:
        found["windows"] = [{"from": window.start, "until": window.end} for window in one.windows]
    return found


def _print(one: Explanation, zone: str) -> None:
    out.print(f"[bold]{escape(one.customer)}[/bold] in [bold]{escape(one.campaign)}[/bold]: {_verdict(one, zone)}")
    out.print(f"  at {instants.show(one.at, zone)} {zone}")
    for name in one.zones:
        out.print(f"  there {instants.show(one.at, name)} {name}")
    table = Table(show_header=False, box=None, padding=(0, 1))
    for rule in one.rules:
        until = f"\nuntil {instants.show(rule.until, zone)} {zone}" if rule.until else ""
        mark = "[green]pass[/green]" if rule.passed else "[red]FAIL[/red]"
        table.add_row(mark, rule.name, escape(rule.reason) + until)
    out.print(table)


def _verdict(one: Explanation, zone: str) -> str:
    """The decision, with the one thing people ask next: until when, or what for."""
    word = f"[{COLOURS[one.decision]}]{one.decision}[/]"
    if one.until is not None:
        return f"{word} until {instants.show(one.until, zone)} {zone}"
    why = next((rule.reason for rule in one.rules if not rule.passed and rule.until is None), "")
    return f"{word}: {escape(why)}" if why else word


def _print_windows(one: Explanation, zone: str) -> None:
    if not one.windows:
        out.print("  no stretch of that time is open")
    for window in one.windows:
        out.print(f"  open {instants.show(window.start, zone)} to {instants.show(window.end, zone)} {zone}")
