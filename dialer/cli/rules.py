"""`dialer rules`: the calling rules in force, one rule whole, and a check of a manager's own before they are used."""

from __future__ import annotations

import json
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path  # noqa: TC003 - Typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from phonenumbers import SUPPORTED_REGIONS
from rich.markup import escape
from rich.text import Text

from dialer import bootstrap
from dialer.cli import rule_words
from dialer.cli.rules_in_force import rules_in_force
from dialer.cli.screen import AsJson, emit, light_table, out
from dialer.core.purpose import Purpose  # noqa: TC001 - as above
from dialer.core.rules import stale
from dialer.core.script_check import nearest
from dialer.core.wall_clock import local
from dialer.errors import InputError, NotFoundError, Problem
from dialer.rule_files import check_presets, json_schema, preset_files, shipped

if TYPE_CHECKING:
    from datetime import date

    from dialer.core.rules import Preset
    from dialer.settings import Settings

app = typer.Typer(no_args_is_help=True)


class Origin(StrEnum):
    """Whose a rule is."""

    SHIPPED = "shipped"  # it came with the program
    OWN = "own"
    REPLACES = "replaces"  # one's own, in place of a shipped one


_MEANT: Final = {"UK": "GB", "USA": "US", "CHN": "CN", "PRC": "CN", "GBR": "GB", "DEU": "DE", "AUS": "AU"}
"""Codes that people write for countries whose own they do not resemble, or resemble less than another's."""

_ORIGINS = {
    Origin.SHIPPED: "shipped with the program",
    Origin.OWN: "your own",
    Origin.REPLACES: "your own, in place of the shipped one",
}


@app.command("list")
def list_rules(
    country: Annotated[str | None, typer.Option(help="Only rules for this country (ISO 3166), such as US.")] = None,
    purpose: Annotated[Purpose | None, typer.Option(help="Only rules that bind calls for this purpose.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the rules in force, those of DIALER_RULES included. A call must satisfy every rule that binds it.

    Under each rule's id stand its kind and how well its sources support it. "lifts" says whether a time the customer
    asked for may lie outside. A ! after the day of the last review means that it is more than 180 days ago.
    """
    given = bootstrap.settings()
    today = _today(given)
    presets, _ = rules_in_force(given)
    code = _country(country) if country is not None else None
    chosen = [
        preset
        for preset in presets
        if (code is None or preset.country in {"", code}) and (purpose is None or purpose in preset.purposes)
    ]
    if as_json:
        emit(*(_told(preset, today) for preset in chosen))
    elif chosen:
        _print(chosen, today)
    else:
        out.print("No rule says anything about such calls: only the house window and the campaign's own hours hold.")


def _country(told: str) -> str:
    """The code of a country. InputError names what was meant: an unknown one would look like one without rules."""
    code = told.strip().upper()
    if code in SUPPORTED_REGIONS:
        return code
    meant = _MEANT.get(code) or next(iter(get_close_matches(code, sorted(SUPPORTED_REGIONS), n=1, cutoff=0.75)), "")
    mend = f"did you mean {meant}?" if meant else "expected two letters (ISO 3166), such as US or CN"
    raise InputError([Problem("--country", f'"{told.strip()}" is not the code of a country', mend)])


def _print(chosen: list[Preset], today: date) -> None:
    """Two lines a rule, so that it fits any terminal: whom it binds, then when."""
    table = light_table("rule", "binds", "lifts", "reviewed")
    table.columns[0].no_wrap = True  # an id that is cut in two cannot be copied
    for preset in chosen:
        binds = f"{rule_words.where(preset)}: {rule_words.purposes(preset)}\n{rule_words.hours(preset.hours.week)}"
        mark = " !" if stale(preset, today) else ""
        cells = (f"{preset.id}\n{preset.kind}, {preset.confidence}", binds, preset.appointment_lifts)
        reviewed = Text(f"{preset.reviewed_on}{mark}", style="yellow" if mark else "")
        table.add_row(*(Text(cell) for cell in cells), reviewed)
    out.print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="ID", help="The rule's id, as `dialer rules list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Show one rule whole: hours, holidays, limits, duties, what an appointment lifts, and where it stands written."""
    given = bootstrap.settings()
    today = _today(given)
    presets = {preset.id: preset for preset in rules_in_force(given)[0]}
    preset = presets.get(name)
    if preset is None:
        mend = nearest(name, presets, otherwise="`dialer rules list` shows all")
        raise NotFoundError([Problem("rules show", f"there is no rule '{name}'", mend)])
    if as_json:
        emit(_told(preset, today))
        return
    out.print(f"[bold]{escape(preset.id)}[/bold] · {_ORIGINS[_origin(preset)]}")
    table = light_table("", "")
    table.show_header = False
    for heading, line in rule_words.sentences(preset):
        if line:
            table.add_row(Text(heading, style="dim"), Text(line))
    out.print(table)
    if stale(preset, today):
        out.print("[yellow]stale[/yellow]: the last review is more than 180 days ago; compare it with its sources")


@app.command()
def check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Preset files of your own, or folders of them.")
    ],
    as_json: AsJson = False,
) -> None:
    """Name everything that is wrong in preset files, with line, key and what was expected; nothing is put in force.

    Says what the files add. A rule that bears the id of a shipped one takes its place, which only rules of kind
    practice and house allow: laws, regulators' words, codes and standards can be added to, never replaced.
    """
    found = check_presets([file for path in files for file in _files(path)])
    if as_json:
        emit(*(_result(path, one) for path, one in found.items()))
    else:
        for path, one in found.items():
            for preset in () if isinstance(one, InputError) else one:
                _say(path, preset)
    problems = [problem for one in found.values() if isinstance(one, InputError) for problem in one.problems]
    if problems:
        raise InputError(problems)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = preset_files(path)
    if not files:
        mend = "put a preset file (NAME.yaml) there, or name another folder"
        raise InputError([Problem(str(path), "no preset files here", mend)])
    return files


def _say(path: Path, preset: Preset) -> None:
    does = "replaces the shipped rule" if _origin(preset) is Origin.REPLACES else "adds"
    out.print(
        f"[green]ok[/green] {escape(str(path))}: {does} [bold]{escape(preset.id)}[/bold] "
        f"({preset.kind}; {escape(rule_words.where(preset))}: {rule_words.purposes(preset)}; "
        f"{rule_words.hours(preset.hours.week)})",
        soft_wrap=True,
    )


def _result(path: Path, found: tuple[Preset, ...] | InputError) -> dict[str, Any]:
    """One file's result for scripts."""
    if isinstance(found, InputError):
        problems = [{"where": one.where, "what": one.what, "mend": one.mend} for one in found.problems]
        return {"file": str(path), "ok": False, "adds": [], "replaces": [], "problems": problems}
    replaces = [preset.id for preset in found if _origin(preset) is Origin.REPLACES]
    adds = [preset.id for preset in found if preset.id not in replaces]
    return {"file": str(path), "ok": True, "adds": adds, "replaces": replaces, "problems": []}


@app.command()
def schema() -> None:
    """Print the JSON Schema of preset files, by which editors complete and check them."""
    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def _origin(preset: Preset) -> Origin:
    same = next((one for one, _ in shipped() if one.id == preset.id), None)
    if same is None:
        return Origin.OWN
    return Origin.SHIPPED if same is preset else Origin.REPLACES


def _told(preset: Preset, today: date) -> dict[str, Any]:
    return {**rule_words.as_object(preset, today), "origin": _origin(preset)}


def _today(given: Settings) -> date:
    return local(bootstrap.now(), str(given.house_zone)).date()
