"""Reports as one self-contained HTML file: no script, nothing from the network, readable on paper and in the dark."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from dialer.core.outcome import Ending
from dialer.core.rule_doubts import RuleDoubts
from dialer.reports.callbacks import callbacks_table
from dialer.reports.cell import written
from dialer.reports.doubts import sentences
from dialer.reports.house import house
from dialer.reports.language import Language, moment, say, word
from dialer.reports.summary import gap_in_words, name, rates
from dialer.reports.table import Rate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from typing import Any, BinaryIO

    from jinja2 import Template

    from dialer.core.record import AttemptRecord, CallbackRecord
    from dialer.reports.house import Listing
    from dialer.reports.table import Cell, Column, Table
    from dialer.reports.tally import Summary

NO_DOUBTS: Final = RuleDoubts()

_PIECES = 500
"""How many pieces of a streamed page are written at once."""

CALLED = ("customer", "name", "tier", "campaign", "number", "ending", "answers", "attempts", "last_called", "next_step")
NOT_CALLED = ("customer", "name", "tier", "campaign", "reason", "note", "due", "next_step")
TASKS = ("customer", "name", "tier", "campaign", "person", "attempts", "deadline", "next_step", "note")
INFEASIBLE = ("customer", "name", "tier", "campaign", "due", "deadline", "slack", "next_at", "note")
PROMISED = ("customer", "name", "campaign", "next_at", "agent")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("dialer.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def write(table: Table, stream: BinaryIO, *, reveal: bool = False) -> None:
    """Write a page with the table, row by row."""
    page = _page("table.html", table.language, reveal=reveal)
    parts = page.stream(table=table, heading=table.title, stamp="")
    parts.enable_buffering(_PIECES)
    parts.dump(stream, encoding="utf-8", errors="replace")


def write_summary(found: Iterable[Summary], stream: BinaryIO, now: datetime, language: Language) -> None:
    """Write a page with one section a campaign."""
    page = _page("summary.html", language)
    stamp = say("text.as_of", language).format(at=moment(now))
    parts = page.stream(summaries=tuple(found), heading=say("title.summary", language), stamp=stamp)
    parts.dump(stream, encoding="utf-8", errors="replace")


def house_report(
    callbacks: Iterable[CallbackRecord],
    attempts: Iterable[AttemptRecord],
    now: datetime,
    language: Language,
    doubts: RuleDoubts = NO_DOUBTS,
) -> str:
    """The whole house as one page. Both iterables are read once; long lists are cut and say by how much.

    `doubts` are what somebody has to look at in the calling rules.
    """
    found = house(callbacks, attempts, now)

    def table(listing: Listing, keys: tuple[str, ...]) -> Table:
        return callbacks_table(listing.rows, language, keys)

    return _page("house.html", language).render(
        house=found,
        doubts=tuple(sentences(doubts, language)),
        heading=say("title.house", language),
        stamp=say("text.as_of", language).format(at=moment(now)),
        lists={
            "called": (found.called, table(found.called, CALLED)),
            "not_called": (found.not_called, table(found.not_called, NOT_CALLED)),
            "tasks": (found.tasks, table(found.tasks, TASKS)),
            "promised": (found.promised, table(found.promised, PROMISED)),
            "infeasible": (found.infeasible, table(found.infeasible, INFEASIBLE)),
        },
    )


def _page(template: str, language: Language, *, reveal: bool = False) -> Template:
    words: dict[str, Any] = {
        "language": language.value,
        "say": partial(say, language=language),
        "word": partial(word, language=language),
        "named": partial(name, language=language),
        "written": partial(written, language=language, reveal=reveal),
        "gap": partial(gap_in_words, language=language),
        "moment": moment,
        "rates": rates,
        "tone": _tone,
        "width": _width,
        "percent": _percent,
        "cells": _cells,
    }
    return _environment().get_template(template, globals=words)


def _tone(ending: Ending | None) -> str:
    """A class of the style sheet: good, talked or missed."""
    if ending is Ending.REACHED:
        return "good"
    return "talked" if ending is not None and ending.spoke_to_customer else "missed"


def _percent(part: int, whole: int) -> str:
    return Rate(part, whole).percent


def _cells(table: Table, row: tuple[Cell, ...]) -> Iterator[tuple[Column, Cell]]:
    return zip(table.columns, row, strict=True)


def _width(part: int, whole: int) -> str:
    """A length of the style sheet; a hair's breadth for what is there but small."""
    return f"{max(0.4, 100 * part / whole):.2f}%" if part and whole else "0"
