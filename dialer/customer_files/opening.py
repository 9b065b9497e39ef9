"""Opens a customer file by what is in it, whatever its name ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.customer_files import csv_text, workbook
from dialer.customer_files.table import unreadable

if TYPE_CHECKING:
    from pathlib import Path

    from dialer.customer_files.table import Table

_ZIP = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"


def open_table(path: Path, *, encoding: str = "", sheet: str = "") -> Table:
    """The table in a CSV or XLSX file. `encoding` and `sheet` overrule what is found out by looking.

    Raises:
        CustomerFileError: the file as a whole cannot be read; says what it is and how to mend it.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
        if start.startswith(_ZIP):
            return workbook.read(path, sheet)
        if start.startswith(_OLD_OFFICE):
            what = "is an old Excel file (.xls) or protected by a password"
            raise unreadable(path, what, "save it as .xlsx without a password, or as CSV UTF-8")
        return csv_text.read(path, encoding)
    except OSError as error:
        raise unreadable(path, f"cannot be read: {error.strerror}", "give the path of a CSV or XLSX file") from error
