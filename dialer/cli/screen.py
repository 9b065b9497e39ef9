"""What commands print: people get tables, scripts get JSON lines, and errors go where errors belong."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dialer.core.phone import PhoneNumber

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line, for scripts.")]


def emit(*objects: Mapping[str, Any]) -> None:
    """Print objects as JSON, one a line: UTC instants in ISO 8601, durations in seconds, numbers masked."""
    for item in objects:
        sys.stdout.write(json.dumps(item, default=plain, ensure_ascii=False) + "\n")


def plain(value: object) -> object:
    """A value as JSON can hold it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, PhoneNumber):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be printed as JSON")


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table for people. Cells are text: a name in brackets is a name, not markup."""
    table = Table(title=Text(title), title_justify="left", header_style="bold", expand=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    out.print(table)


def light_table(*headings: str, numbers_from: int | None = None) -> Table:
    """A table without lines, for what would not fit 80 columns with them; those from `numbers_from` on are numbers."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for place, heading in enumerate(headings):
        right = numbers_from is not None and place >= numbers_from
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    return table
