"""Reads XLSX: values as they are stored, within limits that keep a strange workbook from filling the memory."""

from __future__ import annotations

import re
import zipfile
import zlib
from typing import TYPE_CHECKING

import python_calamine as calamine

from dialer.customer_files.cells import text_of
from dialer.customer_files.table import table_of, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dialer.customer_files.table import Table

MOST_CELLS = 10_000_000
"""Rows times columns. The reader keeps a whole sheet in memory, some 100 bytes a cell that is filled."""

_MOST_BYTES = 1 << 30
_CHUNK = 1 << 20
_FILLED_CELL = re.compile(rb'<(?:\w+:)?c [^<>]*?\br="([A-Z]{1,3})([0-9]{1,7})"[^<>]*(?<!/)>')
_CERTAIN = 10**15  # a spreadsheet keeps 15 digits of a number and makes the rest zeros


def read(path: Path, sheet: str = "") -> Table:
    """The table in a workbook: its sheet named `sheet`, by default the first one that is not hidden."""
    _refuse_giants(path)
    try:
        with calamine.load_workbook(path) as book:
            grid = book.get_sheet_by_name(_choose(path, book, sheet))
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise unreadable(path, f"is no workbook this program can read: {error}", "save it as .xlsx again") from error

    def records() -> Iterator[list[str]]:
        return ([_text(value) for value in row] for row in grid.iter_rows())

    return table_of(path, records)


def _choose(path: Path, book: calamine.CalamineWorkbook, sheet: str) -> str:
    names = [
        each.name
        for each in book.sheets_metadata
        if each.typ == calamine.SheetTypeEnum.WorkSheet and each.visible == calamine.SheetVisibleEnum.Visible
    ]
    if sheet and sheet not in book.sheet_names:
        raise unreadable(path, f"has no sheet {sheet!r}", f"expected one of {', '.join(book.sheet_names)}")
    if not sheet and not names:
        raise unreadable(path, "has no sheet that can be seen", "expected customers in the first sheet")
    return sheet or names[0]


def _text(value: object) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) >= _CERTAIN:
        return f"{value:.14e}"
    return text_of(value)


def _refuse_giants(path: Path) -> None:
    """Unpack everything once without keeping it: checksums, sizes, and how far the cells of each sheet reach."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MOST_BYTES:
                raise unreadable(path, "unpacks to more than 1 GiB", "save the customers alone, or as CSV UTF-8")
            for member in archive.namelist():
                rows, columns = _extent(archive, member)
                if rows * columns > MOST_CELLS:
                    what = f"has a sheet that reaches to row {rows:,} and column {columns:,}"
                    raise unreadable(path, what, "delete what lies outside the customers, or save it as CSV UTF-8")
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise unreadable(path, f"is a damaged workbook: {error}", "save it as .xlsx again") from error


def _extent(archive: zipfile.ZipFile, member: str) -> tuple[int, int]:
    """The last row and column of a sheet that hold anything; zeros for other parts of a workbook."""
    rows, letters, rest = 0, b"", b""
    is_sheet = member.startswith("xl/worksheets/")
    with archive.open(member) as part:
        while chunk := part.read(_CHUNK):
            if not is_sheet:
                continue
            text = rest + chunk
            for column, row in _FILLED_CELL.findall(text):
                rows = max(rows, int(row))
                letters = max(letters, column, key=lambda name: (len(name), name))
            rest = text[text.rfind(b"<") :]  # a cell may lie across two chunks
    return rows, _number_of(letters)


def _number_of(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number
