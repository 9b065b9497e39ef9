"""Tables as CSV that Excel opens with Chinese intact and without running anything (RFC 4180, UTF-8 with BOM)."""

from __future__ import annotations

import csv
from io import TextIOWrapper
from typing import TYPE_CHECKING

from dialer.reports.cell import harmless, written
from dialer.reports.table import Rate

if TYPE_CHECKING:
    from typing import BinaryIO

    from dialer.reports.table import Cell, Table


def write(table: Table, stream: BinaryIO, *, reveal: bool = False) -> None:
    """Write the table row by row. Phone numbers get the apostrophe as well, so that they stay text."""
    text = TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    try:
        lines = csv.writer(text, lineterminator="\r\n")
        lines.writerow(harmless(column.heading) for column in table.columns)
        for row in table.rows:
            lines.writerow(_field(cell, table, reveal=reveal) for cell in row)
    finally:
        text.flush()
        text.detach()


def _field(cell: Cell, table: Table, *, reveal: bool) -> str:
    is_number = isinstance(cell, (int, float, Rate)) and not isinstance(cell, bool)
    text = written(cell, table.language, reveal=reveal)
    return text if is_number else harmless(text)
