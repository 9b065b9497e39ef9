"""Tables as workbooks with real dates and numbers, streamed so that a million rows need no more memory than one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from dialer.core.phone import PhoneNumber
from dialer.reports.cell import harmless, written
from dialer.reports.table import Kind, Rate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from openpyxl.cell import Cell as SheetCell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

    from dialer.reports.table import Cell, Table

ROWS_A_SHEET = 1_048_575
"""Excel's limit of rows in a sheet, without the header; more rows go on to further sheets."""

INSTANT = "yyyy-mm-dd hh:mm:ss"
DURATION = "[h]:mm:ss"
PERCENT = "0.0%"
TEXT = "@"

_WIDTHS = {
    Kind.TEXT: 22,
    Kind.NUMBER: 10,
    Kind.INSTANT: 20,
    Kind.DURATION: 11,
    Kind.PERCENT: 10,
    Kind.PHONE: 20,
}
_HEADER_FONT = Font(bold=True)
_HEADER_FILL = PatternFill("solid", fgColor="FFE3E8EF")


def write(table: Table, stream: BinaryIO, *, reveal: bool = False) -> None:
    """Write the table as a workbook with a frozen header. Instants are UTC, as the headings say."""
    book = Workbook(write_only=True)
    rows = iter(table.rows)
    _fill(book.create_sheet(table.title), table, rows, reveal=reveal)
    for more in rows:
        sheet = book.create_sheet(table.title)
        _fill(sheet, table, chain([more], rows), reveal=reveal)
    book.save(stream)


def _fill(sheet: WriteOnlyWorksheet, table: Table, rows: Iterator[tuple[Cell, ...]], *, reveal: bool) -> None:
    sheet.freeze_panes = "A2"
    widths = sheet.column_dimensions  # type: ignore[attr-defined]  # made at run time; the type stubs miss it
    for position, column in enumerate(table.columns, start=1):
        widths[get_column_letter(position)].width = max(_WIDTHS[column.kind], _span(column.heading))
    sheet.append([_heading(sheet, column.heading) for column in table.columns])
    for row in islice(rows, ROWS_A_SHEET):
        sheet.append([_cell(sheet, cell, table, reveal=reveal) for cell in row])


def _span(heading: str) -> int:
    """Chinese characters are twice as wide as Latin ones."""
    return 2 + sum(1 if ord(character) < 0x2E80 else 2 for character in heading)  # noqa: PLR2004  first CJK block


def _heading(sheet: WriteOnlyWorksheet, heading: str) -> SheetCell:
    cell = _text(sheet, heading)
    cell.font, cell.fill, cell.alignment = _HEADER_FONT, _HEADER_FILL, Alignment(vertical="center")
    return cell


def _text(sheet: WriteOnlyWorksheet, text: str) -> SheetCell:
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"  # the library takes a leading "=" for a formula
    return cell


def _cell(sheet: WriteOnlyWorksheet, value: Cell, table: Table, *, reveal: bool) -> SheetCell:
    cell = WriteOnlyCell(sheet)
    match value:
        case datetime():
            cell.value, cell.number_format = value.astimezone(UTC).replace(tzinfo=None), INSTANT
        case timedelta():
            cell.value, cell.number_format = value, DURATION
        case Rate():
            cell.value, cell.number_format = value.value, PERCENT
        case PhoneNumber():
            cell = _text(sheet, written(value, reveal=reveal))
            cell.number_format = TEXT
        case int() | float() if not isinstance(value, bool):
            cell.value = value
        case None:
            pass
        case _:
            cell = _text(sheet, harmless(written(value, table.language)))
    return cell
