"""`dialer campaigns plan|apply|list|enrol|pause|resume`: which campaigns are in force, and whether they run."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path  # noqa: TC003 - Typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from dialer import bootstrap
from dialer.campaign_files import files_in, load_files
from dialer.cli import trail
from dialer.cli.plan import plan
from dialer.cli.rules_in_force import sectors_in_force
from dialer.cli.screen import AsJson, emit, err, light_table, out
from dialer.core.record import CallbackState
from dialer.core.wall_clock import local
from dialer.engine.enrol import enrol as enrol_customers
from dialer.engine.enrol import fields_nobody_has
from dialer.rule_files import special_days

if TYPE_CHECKING:
    from dialer.campaign_files import LoadedCampaign
    from dialer.engine.enrol import Enrolled
    from dialer.store import Standing


def apply(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Campaign files or folders; default: the folder of the settings."),
    ] = None,
    *,
    no_enrol: Annotated[
        bool, typer.Option("--no-enrol", help="Leave enrolling customers to the running service.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put campaign files in force; a running service follows at its next dial.

    All files are checked before any is applied. What the file says takes the place of what it said before, also for
    customers who wait already; whether the campaign runs or is paused stays as it is.
    """
    given = bootstrap.settings()
    paths = [file for path in files or [given.campaigns] for file in (files_in(path) if path.is_dir() else [path])]
    loaded = load_files(paths, special_days(), sectors_in_force(given))
    now = bootstrap.now()
    with closing(bootstrap.open_store(given)) as store:
        for one in loaded:
            changed = store.campaigns.apply(one.campaign.id, one.version, one.document, now)
            if changed:
                trail.note(store, "campaign.apply", one.campaign.id, version=one.version)
            enrolled = None if no_enrol else enrol_customers(store, now, str(given.house_zone), only=one.campaign.id)
            missing = sorted(fields_nobody_has(store, one.campaign))
            _say(one, enrolled, changed=changed, missing=missing, as_json=as_json)


def _say(one: LoadedCampaign, enrolled: Enrolled | None, *, changed: bool, missing: list[str], as_json: bool) -> None:
    if as_json:
        emit(
            {
                "campaign": one.campaign.id,
                "version": one.version,
                "changed": changed,
                "enrolled": enrolled.new if enrolled else None,
                "infeasible": enrolled.infeasible if enrolled else None,
                "fields_nobody_has": missing,
            }
        )
        return
    name = escape(one.campaign.id)
    what = "in force" if changed else "was in force already"
    new = "" if enrolled is None else f", {enrolled.new} newly enrolled"
    out.print(f"[bold]{name}[/bold] version {one.version} {what}{new}")
    if missing:
        fields = escape(", ".join(missing))
        err.print(f"[yellow]note[/yellow] {name}: no customer has {fields}; is the import's mapping right?")
    if enrolled is not None:
        _warn(enrolled)


def _warn(enrolled: Enrolled) -> None:
    """Deadlines that cannot be met are said while somebody can still do something about them."""
    if enrolled.infeasible:
        what = f"{enrolled.infeasible} of them cannot be called before their deadline as the rules are"
        err.print(f"[yellow]note[/yellow] {what}; `dialer tasks list` has the VIPs among them", soft_wrap=True)


def enrol(
    campaign: Annotated[str | None, typer.Argument(help="Only this campaign; default: all that are in force.")] = None,
    as_json: AsJson = False,
) -> None:
    """Look now for customers who have become due, instead of when the running service next does."""
    given = bootstrap.settings()
    with closing(bootstrap.open_store(given)) as store:
        if campaign is not None:
            store.campaigns.get(campaign)
        done = enrol_customers(store, bootstrap.now(), str(given.house_zone), only=campaign)
        if done.new or done.withdrawn:
            trail.note(store, "campaign.enrol", campaign or "", enrolled=done.new, withdrawn=done.withdrawn)
    if as_json:
        emit({"enrolled": done.new, "withdrawn": done.withdrawn, "infeasible": done.infeasible})
        return
    out.print(f"{done.new} enrolled, {done.withdrawn} no longer selected")
    _warn(done)


def list_campaigns(as_json: AsJson = False) -> None:
    """Show the campaigns in force, whether they run, and where their callbacks stand."""
    given = bootstrap.settings()
    with closing(bootstrap.open_store(given)) as store:
        standings, counts = store.campaigns.all(), store.callbacks.counts()
    rows = [_row(one, {state: counts.get((one.campaign.id, state), 0) for state in CallbackState}) for one in standings]
    if as_json:
        emit(*rows)
    elif rows:
        _print(rows, str(given.house_zone))
    else:
        out.print("No campaign is in force. `dialer campaigns apply FILE` puts one in force.")


def _row(one: Standing, counts: dict[CallbackState, int]) -> dict[str, Any]:
    return {
        "campaign": one.campaign.id,
        "title": one.campaign.title,
        "version": one.version,
        "state": "paused" if one.paused else "running",
        "pause_reason": one.pause_reason,
        "applied": one.applied,
        **{state.value: count for state, count in counts.items()},
    }


def _print(rows: list[dict[str, Any]], zone: str) -> None:
    """As people read it, narrow enough for any terminal; --json has titles and versions as well."""
    table = light_table("campaign in force", "runs", "since", *CallbackState, numbers_from=3)
    for row in rows:
        runs = "[yellow]paused[/yellow]" if row["state"] == "paused" else "yes"
        counts = (str(row[state.value]) for state in CallbackState)
        table.add_row(escape(row["campaign"]), runs, f"{local(row['applied'], zone):%Y-%m-%d}", *counts)
    out.print(table)
    for row in rows:
        if row["state"] == "paused":
            out.print(f"[bold]{escape(row['campaign'])}[/bold] is paused: {escape(row['pause_reason'])}")


def pause(
    campaign: Annotated[str, typer.Argument(help="The campaign's id.")],
    reason: Annotated[str, typer.Option(help="Why, for whoever looks at it later.")] = "paused by hand",
    as_json: AsJson = False,
) -> None:
    """Start no more calls of a campaign. Calls going on are not touched; waiting customers keep their place."""
    with closing(bootstrap.open_store()) as store:
        store.campaigns.pause(campaign, reason)
        trail.note(store, "campaign.pause", campaign, reason=reason)
    _say_state(campaign, "paused", as_json=as_json)


def resume(
    campaign: Annotated[str, typer.Argument(help="The campaign's id.")],
    as_json: AsJson = False,
) -> None:
    """Let a paused campaign call again."""
    with closing(bootstrap.open_store()) as store:
        store.campaigns.resume(campaign)
        trail.note(store, "campaign.resume", campaign)
    _say_state(campaign, "running", as_json=as_json)


def _say_state(campaign: str, state: str, *, as_json: bool) -> None:
    if as_json:
        emit({"campaign": campaign, "state": state})
    else:
        out.print(f"[bold]{escape(campaign)}[/bold] is {state}")


def add_to(app: typer.Typer) -> None:
    """Add these commands to those about campaign files."""
    app.command("list")(list_campaigns)
    for command in (plan, apply, enrol, pause, resume):
        app.command()(command)
