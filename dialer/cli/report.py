"""`dialer report`: the callback table, the campaign summary and the attempts log, in the format that is asked for."""

from __future__ import annotations

import os
import re
import sys
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, assert_never

import typer
from rich.console import Console

from dialer import bootstrap
from dialer.cli import instants, trail
from dialer.cli.rules_in_force import doubts
from dialer.cli.screen import AsJson, out
from dialer.errors import InputError, Problem
from dialer.reports import csv, html, jsonl, text, xlsx
from dialer.reports.attempts import attempts_table
from dialer.reports.callbacks import callbacks_table
from dialer.reports.doubts import doubts_object
from dialer.reports.house import house as house_of
from dialer.reports.language import Language
from dialer.reports.summary import summaries, summary_object, summary_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from typing import BinaryIO

    from dialer.reports.table import Table
    from dialer.reports.tally import Summary
    from dialer.store import Store

app = typer.Typer(no_args_is_help=True)

UTC = "UTC"
"""Reports are in UTC, and so are the days that bound them."""

PAGE = 100
"""Columns of a text report that does not go to a terminal."""


class Format(StrEnum):
    """How a report is written."""

    TEXT = "text"
    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"
    HTML = "html"


class HouseFormat(StrEnum):
    """How the house report is written: it is no table."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


TEXT_FILES = frozenset({"", "txt"})
"""How the name of a text file ends."""

IN_FILES = frozenset({Format.XLSX, Format.HTML})
"""Formats that nobody reads on a terminal: without --output they get a file name."""

CampaignOption = Annotated[str | None, typer.Option("--campaign", help="Only this campaign.")]
FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="WHEN", help="From this day or instant on: 2026-03-01 or 2026-03-01T09:00Z."),
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="WHEN", help="Before this instant, or before this day begins in UTC.")
]
FormatOption = Annotated[
    Format | None, typer.Option("--format", help="Default: as the name of --output ends, else text.")
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here instead of to the terminal.")
]
LanguageOption = Annotated[Language, typer.Option("--language", help="Language of headings and words.")]
RevealOption = Annotated[bool, typer.Option("--reveal", help="Show phone numbers whole.")]


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line."""

    report: str
    campaign: str | None
    start: datetime | None
    end: datetime | None
    format: Format
    output: Path | None
    language: Language
    reveal: bool = False

    @property
    def target(self) -> Path | None:
        """The file to write; None for the terminal."""
        if self.output is not None or self.format not in IN_FILES:
            return self.output
        # A campaign's name may hold what file names may not.
        parts = [self.report, *([re.sub(r"[^\w-]+", "_", self.campaign)] if self.campaign else [])]
        return Path(f"{'-'.join(parts)}.{self.format.value}")


@app.command()
def callbacks(
    *,
    campaign: CampaignOption = None,
    since: FromOption = None,
    until: ToOption = None,
    form: FormatOption = None,
    as_json: AsJson = False,
    output: OutputOption = None,
    language: LanguageOption = Language.EN,
    reveal: RevealOption = False,
) -> None:
    """One row a callback: who, when, what was answered, what happens next."""
    start, end = _period(since, until)
    wish = Wish("callbacks", campaign, start, end, _format(form, output, as_json=as_json), output, language, reveal)
    with closing(bootstrap.open_store()) as store:
        _note_shown(store, wish)
        _write_table(callbacks_table(store.records.callbacks(campaign, start, end), language), wish)


@app.command()
def attempts(
    *,
    campaign: CampaignOption = None,
    since: FromOption = None,
    until: ToOption = None,
    form: FormatOption = None,
    as_json: AsJson = False,
    output: OutputOption = None,
    language: LanguageOption = Language.EN,
    reveal: RevealOption = False,
) -> None:
    """One row a dial: what came of it, and why it was allowed."""
    start, end = _period(since, until)
    wish = Wish("attempts", campaign, start, end, _format(form, output, as_json=as_json), output, language, reveal)
    with closing(bootstrap.open_store()) as store:
        _note_shown(store, wish)
        _write_table(attempts_table(store.records.attempts(campaign, start, end), language), wish)


@app.command()
def summary(
    *,
    campaign: CampaignOption = None,
    since: FromOption = None,
    until: ToOption = None,
    form: FormatOption = None,
    as_json: AsJson = False,
    output: OutputOption = None,
    language: LanguageOption = Language.EN,
) -> None:
    """Per campaign: coverage, VIP coverage with each gap named, on-time rate, outcomes and answers."""
    start, end = _period(since, until)
    wish = Wish("summary", campaign, start, end, _format(form, output, as_json=as_json), output, language)
    now = bootstrap.now()
    with closing(bootstrap.open_store()) as store:
        rows = store.records.callbacks(campaign, start, end)
        found = summaries(rows, store.records.attempts(campaign, start, end), now)
    _write_summary(found, now, wish)


@app.command()
def house(
    *,
    since: FromOption = None,
    until: ToOption = None,
    form: Annotated[
        HouseFormat | None, typer.Option("--format", help="Default: as the name of --output ends, else text.")
    ] = None,
    as_json: AsJson = False,
    output: OutputOption = None,
    language: LanguageOption = Language.EN,
) -> None:
    """All campaigns at a glance: who was called, who was not and why, what happens next, VIP coverage."""
    start, end = _period(since, until)
    known = tuple(HouseFormat)
    chosen = _format(None if form is None else Format(form.value), output, as_json=as_json, known=known)
    wish = Wish("house", None, start, end, chosen, output, language)
    now = bootstrap.now()
    doubtful = doubts(bootstrap.settings(), now)
    with closing(bootstrap.open_store()) as store, _opened(wish.target) as stream:
        records = store.records.callbacks(None, start, end), store.records.attempts(None, start, end)
        if wish.format is Format.HTML:
            stream.write(html.house_report(*records, now, language, doubtful).encode())
        elif wish.format is Format.JSON:
            found = house_of(*records, now)
            total = summary_object(found.total) | {"rules": doubts_object(doubtful)}
            jsonl.write_objects((*map(summary_object, found.campaigns), total), stream)
        else:
            with _console(stream, wish) as console:
                text.house_report(*records, now, language, console, doubtful)


def _note_shown(store: Store, wish: Wish) -> None:
    if wish.reveal:
        trail.note(store, "number.show", wish.campaign or "", report=wish.report, format=wish.format.value)


def _write_table(table: Table, wish: Wish) -> None:
    with _opened(wish.target) as stream:
        match wish.format:
            case Format.TEXT:
                with _console(stream, wish) as console:
                    text.show(table, console, reveal=wish.reveal)
            case Format.CSV:
                csv.write(table, stream, reveal=wish.reveal)
            case Format.XLSX:
                xlsx.write(table, stream, reveal=wish.reveal)
            case Format.JSON:
                jsonl.write(table, stream, reveal=wish.reveal)
            case Format.HTML:
                html.write(table, stream, reveal=wish.reveal)
            case _:
                assert_never(wish.format)


def _write_summary(found: tuple[Summary, ...], now: datetime, wish: Wish) -> None:
    if wish.format in {Format.CSV, Format.XLSX}:
        _write_table(summary_table(found, wish.language), wish)
        return
    with _opened(wish.target) as stream:
        if wish.format is Format.JSON:
            jsonl.write_objects(map(summary_object, found), stream)
        elif wish.format is Format.HTML:
            html.write_summary(found, stream, now, wish.language)
        else:
            with _console(stream, wish) as console:
                text.show_summaries(found, console, wish.language)


@contextmanager
def _console(stream: BinaryIO, wish: Wish) -> Iterator[Console]:
    if wish.target is None and out.is_terminal:
        yield out
        return
    page = TextIOWrapper(stream, encoding="utf-8", errors="replace")
    told = wish.target is None and "COLUMNS" in os.environ  # somebody said how wide what they look at is
    width = out.width if told else PAGE
    yield Console(file=page, width=width, highlight=False)
    page.flush()
    page.detach()


@contextmanager
def _opened(target: Path | None) -> Iterator[BinaryIO]:
    """The terminal's own stream, or a file that appears under its name only when it is complete."""
    if target is None:
        stream = sys.stdout.buffer
        yield stream
        stream.flush()
        return
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as stream:
            yield stream
        part.replace(target)
    except OSError as error:
        told = Problem(str(target), f"cannot be written: {error.strerror}", "name a file in a folder that exists")
        raise InputError([told]) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    out.print(f"Written: {target}", markup=False, soft_wrap=True)


def _format(
    form: Format | None, output: Path | None, *, as_json: bool, known: Sequence[StrEnum] = tuple(Format)
) -> Format:
    """The format that is asked for, or that the name of the file asks for.

    Raises:
        InputError: two formats are asked for, or the name ends as no format of this report does.
    """
    if as_json:
        if form not in {None, Format.JSON}:
            raise InputError([Problem("--json", f"contradicts --format {form}", "give one of them")])
        return Format.JSON
    if form is not None:
        return form
    ending = output.suffix.removeprefix(".").lower() if output is not None else ""
    if ending in TEXT_FILES:
        return Format.TEXT
    if ending not in known:
        mend = f"end it with .{', .'.join(one for one in known if one != Format.TEXT)} or .txt, or give --format"
        raise InputError([Problem("--output", f"this report is not written as {ending}", mend)])
    return Format(ending)


def _period(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    start = instants.read(since, "--from", UTC) if since is not None else None
    end = instants.read(until, "--to", UTC) if until is not None else None
    if start is not None and end is not None and start >= end:
        raise InputError([Problem("--to", "is not after --from", "give a later day or instant")])
    return start, end
