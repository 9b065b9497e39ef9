"""`dialer audit`: whether the calls that were made were right, by the rules as they are now."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from dialer import bootstrap
from dialer.cli import instants
from dialer.cli.screen import AsJson, emit, err, light_table, out
from dialer.engine.audit import replay as replay_calls
from dialer.errors import InputError, Problem

if TYPE_CHECKING:
    from dialer.engine.audit import Audit, Finding

app = typer.Typer(no_args_is_help=True)

FOUND = 1
"""The exit code when a call should not have been made."""


@app.callback()
def _group() -> None:
    """Whether the calls that were made were right."""


@app.command()
def replay(
    since: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="From this instant on; default: the last 30 days.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="INSTANT", help="Before this instant; default: now.")] = None,
    campaign: Annotated[str | None, typer.Option(help="Only this campaign.")] = None,
    as_json: AsJson = False,
) -> None:
    """Judge every call once more, from the evidence kept with it, and list those that should not have been made.

    The gate is asked again with the rules, lists and zone data of today and the customer as they were then. A finding
    means that a rule was added or changed since, that data was corrected, or that the gate was wrong. Exit code 1 when
    there is one.
    """
    given = bootstrap.settings()
    zone, now = str(given.house_zone), bootstrap.now()
    end = instants.read(until, "--until", zone) if until else now
    start = instants.read(since, "--since", zone) if since else end - timedelta(days=30)
    if end <= start:
        raise InputError([Problem("--until", "is not after --since", "give the earlier instant to --since")])
    columns = (SpinnerColumn(), TextColumn("judging calls"), MofNCompleteColumn())
    with (
        closing(bootstrap.open_store(given)) as store,
        Progress(*columns, console=err, transient=True, disable=as_json) as progress,
    ):
        bar = progress.add_task("calls", total=None)
        if campaign is not None:
            store.campaigns.get(campaign)
        audit = replay_calls(
            store,
            store.house,
            start,
            end,
            campaign=campaign,
            progress=lambda judged: progress.advance(bar, judged),
        )
    if as_json:
        emit(_summary(audit), *map(_object, audit.findings))
    else:
        _print(audit, zone)
    if audit.findings:
        raise typer.Exit(FOUND)


def _summary(audit: Audit) -> dict[str, Any]:
    return {"judged": audit.judged, "without_evidence": audit.without_evidence, "findings": len(audit.findings)}


def _object(one: Finding) -> dict[str, Any]:
    return {
        "attempt": one.made.token,
        "customer": one.made.customer,
        "campaign": one.made.campaign,
        "decided": one.made.decided,
        "broken": [{"rule": rule.name, "reason": rule.reason} for rule in one.broken],
        "presets_then": one.made.presets,
        "data_changed": {name: {"then": then, "now": now} for name, (then, now) in one.changed.items()},
    }


def _print(audit: Audit, zone: str) -> None:
    if audit.findings:
        table = light_table("call", "customer", "campaign", "decided", "broken", numbers_from=99)
        for one in audit.findings:
            why = "\n".join(f"{rule.name}: {rule.reason}" for rule in one.broken)
            data = "".join(f"\n{name} data {then or '?'}, now {now}" for name, (then, now) in one.changed.items())
            where = (escape(one.made.customer), escape(one.made.campaign), instants.show(one.made.decided, zone))
            table.add_row(one.made.token[:8], *where, escape(why + data))
        out.print(table)
    verdict = f"[red]{len(audit.findings)} should not have been made[/red]" if audit.findings else "all were right"
    out.print(f"{audit.judged} calls judged by the rules of today: {verdict}")
    if audit.without_evidence:
        out.print(f"{audit.without_evidence} could not be judged: an earlier version of the program kept too little")
