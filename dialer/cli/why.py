"""`dialer why`: every rule's answer for one customer, and the next instant at which the call is allowed."""

from __future__ import annotations

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


def why(
    customer: Annotated[str, typer.Argument(help="The customer's reference in the customer file.")],
    campaign: Annotated[str | None, typer.Option(help="Only this campaign.")] = None,
    at: Annotated[str | None, typer.Option(help="At this instant instead of now; 2026-11-23T09:30+08:00.")] = None,
    between: Annotated[str | None, typer.Option(help="Also list the windows from this instant ...")] = None,
    until: Annotated[str | None, typer.Option("--and", help="... until this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say why a customer is called, not yet called, or never called: each rule with pass or fail.

    The answer comes from the very gate that decides before each dial, so nothing is guessed.
    """
    given = bootstrap.settings()
    zone = str(given.house_zone)
    instant = instants.read(at, "--at", zone) if at else bootstrap.now()
    stretch = _stretch(between, until, zone)
    store = bootstrap.open_store(given)
    found = explain(store, bootstrap.house(given), customer, instant, campaign=campaign, between=stretch)
    store.close()
    for one in found:
        if as_json:
            emit(_as_object(one, with_windows=stretch is not None))
        else:
            _print(one, zone)


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
    colour = COLOURS[one.decision]
    table = Table(title_justify="left", show_header=False, box=None, padding=(0, 1))
    for rule in one.rules:
        mark = "[green]pass[/green]" if rule.passed else "[red]FAIL[/red]"
        until = f"until {instants.show(rule.until, zone)} {zone}" if rule.until else ""
        table.add_row(mark, rule.name, escape(rule.reason), until)
    next_time = f", next on {instants.show(one.until, zone)} {zone}" if one.until else ""
    out.print(f"[bold]{escape(one.customer)}[/bold] in [bold]{escape(one.campaign)}[/bold] ", end="")
    out.print(f"at {instants.show(one.at, zone)} {zone}: [{colour}]{one.decision}[/{colour}]{next_time}")
    out.print(table)
    if one.zones:
        out.print("  there: " + ", ".join(f"{instants.show(one.at, name)} {name}" for name in one.zones))
    for window in one.windows:
        out.print(f"  open {instants.show(window.start, zone)} to {instants.show(window.end, zone)} {zone}")
