"""`dialer campaigns`: checks campaign files, prints their schema, and plays their conversations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from dialer import bootstrap
from dialer.campaign_files import MORE, LoadedCampaign, check_files, files_in, json_schema, load
from dialer.cli import in_force, window_words
from dialer.cli.rules_in_force import sectors_in_force
from dialer.cli.screen import AsJson, emit, out, show
from dialer.cli.script_rehearsal import Call, customer_of, keys_of, moment_of, show_call, show_machine, zone_of
from dialer.core.unused_hours import shut_windows
from dialer.core.wall_clock import local
from dialer.errors import CampaignFileError, Problem
from dialer.rule_files import special_days

app = typer.Typer(help="Campaign files: check them, hear them, put them to work.", no_args_is_help=True)

FOLDER = Path("campaigns")

in_force.add_to(app)


@app.command()
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="Campaign files, or folders of them; default: campaigns/."),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Name everything that is wrong in campaign files, with line, key and what was expected.

    Warns of windows in which nobody can ever be called, by the house window of the settings and by the rules for the
    countries they allow; such a file is sound.
    """
    paths = [file for path in files or [FOLDER] for file in (files_in(path) if path.is_dir() else [path])]
    given = bootstrap.settings()
    found = check_files(paths, special_days(), sectors_in_force(given))
    house, today = bootstrap.house(given), local(bootstrap.now(), str(given.house_zone)).date()
    shut = {
        path: shut_windows(one.campaign, house, given.allowed_countries, today)
        for path, one in found.items()
        if isinstance(one, LoadedCampaign)
    }
    if as_json:
        never = {path: window_words.as_objects(windows, house) for path, windows in shut.items()}
        emit(*({**_told(path, one), "windows_never_open": never.get(path, [])} for path, one in found.items()))
    else:
        sound = [one for one in found.values() if isinstance(one, LoadedCampaign)]
        rows = [(str(one.path), one.campaign.id, one.campaign.title, one.version) for one in sound]
        if rows:
            show("Sound campaign files", ("File", "Campaign", "Title", "Version"), rows)
        for path, windows in shut.items():
            window_words.show(windows, house, str(path))
    errors = [one for one in found.values() if isinstance(one, CampaignFileError)]
    if errors:
        raise CampaignFileError(
            [*(problem for error in errors for problem in error.problems), *(() if as_json else _more(errors))]
        )


def _more(errors: list[CampaignFileError]) -> list[Problem]:
    """A last line for people, where a file could not be looked at as a whole yet."""
    unfinished = any(MORE in getattr(error, "__notes__", ()) for error in errors)
    return [Problem("input", MORE)] if unfinished else []


def _told(path: Path, found: LoadedCampaign | CampaignFileError) -> dict[str, Any]:
    """One file's result for scripts."""
    if isinstance(found, LoadedCampaign):
        return {"file": str(path), "ok": True, "campaign": found.campaign.id, "version": found.version, "problems": []}
    problems = [{"where": one.where, "what": one.what, "mend": one.mend} for one in found.problems]
    return {"file": str(path), "ok": False, "campaign": None, "version": None, "problems": problems}


@app.command()
def schema() -> None:
    """Print the JSON Schema of campaign files, by which editors complete and check them."""
    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command("rehearse-script")
def rehearse_script(
    file: Annotated[Path, typer.Argument(help="The campaign file.")],
    *,
    keys: Annotated[
        str | None,
        typer.Option(help="Keys to press, one for each question: 1,1,2; - is silence. Without it you are asked."),
    ] = None,
    customer_field: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A field of the customer on the line; repeatable."),
    ] = None,
    zone: Annotated[str, typer.Option(help="The customer's time zone.")] = "UTC",
    at: Annotated[
        str | None,
        typer.Option(
            metavar="'YYYY-MM-DD HH:MM'", help="When the call is answered, on that zone's clock; default: now."
        ),
    ] = None,
    machine: Annotated[bool, typer.Option("--machine", help="Hear what an answering machine records.")] = False,
    as_json: AsJson = False,
) -> None:
    """Play the conversation in the terminal: what the customer hears, and what is recorded. Nobody is called."""
    loaded = load(file, special_days(), sectors_in_force(bootstrap.settings()))
    zone = zone_of(zone)
    now = moment_of(at, zone) if at is not None else bootstrap.now()
    customer = customer_of(loaded.campaign, customer_field or [], now)
    if not as_json:
        title = f"{loaded.campaign.title} ({loaded.campaign.id}, version {loaded.version})"
        out.print(title, style="bold", markup=False)
    if machine:
        show_machine(loaded.campaign, customer, as_json=as_json)
    else:
        show_call(Call(loaded.campaign, customer, now, zone, keys_of(keys or "" if as_json else keys)), as_json=as_json)
