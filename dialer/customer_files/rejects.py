"""Writes the refused rows with the reason beside the cells, so that they can be mended and imported again."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from dialer.customer_files.cells import harmless
from dialer.customer_files.table import unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dialer.customer_files.row import Reject

OWN_HEADINGS: Final = ("rejected_row", "rejected_column", "rejected_reason")
"""These columns are ignored when a mended reject file is imported."""


class RejectFile:
    """A CSV file that appears under its name when the run is over, and only if anything was rejected.

    A reject file of an earlier run under the same name is replaced or, if nothing is rejected now, removed; any other
    file there is refused. It is readable by its owner alone, since it holds personal data.

    Raises:
        CustomerFileError: on entering, when it cannot be written there.
    """

    def __init__(self, path: Path, headings: Sequence[str]) -> None:
        self._path = path
        self._headings = headings
        self._rejected = 0

    def __enter__(self) -> Self:
        """Open it before anything is imported: a run that cannot report its rejects must not begin."""
        if self._path.exists() and not _is_reject_file(self._path):
            raise unreadable(self._path, "is there already and is no reject file", "give another path with --rejects")
        try:
            self._file = tempfile.NamedTemporaryFile(
                "w",
                encoding="utf-8-sig",
                newline="",
                dir=self._path.parent,
                prefix=f".{self._path.name}.",
                delete=False,
            )
        except OSError as error:
            mend = "give the path of a file in a folder you may write to with --rejects"
            raise unreadable(self._path, f"cannot be written: {error.strerror}", mend) from error
        self._write = csv.writer(self._file).writerow
        self._write([*OWN_HEADINGS, *map(harmless, self._headings)])
        return self

    def add(self, reject: Reject, cells: Sequence[str]) -> None:
        """Note one refused row."""
        self._rejected += 1
        self._write([reject.number, harmless(reject.column), reject.reason, *map(harmless, cells)])

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._file.close()
        if self._rejected:  # also when the run broke off: these rows were refused even so
            Path(self._file.name).replace(self._path)
            return
        Path(self._file.name).unlink()
        if kind is None:
            self._path.unlink(missing_ok=True)

    @property
    def written(self) -> Path | None:
        """Where the refused rows are; None when there are none."""
        return self._path if self._rejected else None


def _is_reject_file(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return file.readline(200).startswith(",".join(OWN_HEADINGS))
    except (OSError, UnicodeDecodeError):
        return False
