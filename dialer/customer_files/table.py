"""One shape for every source of customers: headings, and numbered rows of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dialer.customer_files.cells import clean
from dialer.errors import CustomerFileError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    Numbered = tuple[int, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Table:
    """A source of rows that has been looked at from end to end, so that reading it no longer finds it broken.

    `name` is what complaints call it. `total` counts the rows, None when only reading them would tell. Row numbers
    are those a spreadsheet shows; empty rows are left out. Cells are clean text.
    """

    name: str
    headings: tuple[str, ...]
    total: int | None
    rows: Callable[[], Iterable[Numbered]]


def table_of(path: Path, records: Callable[[], Iterator[Sequence[str]]]) -> Table:
    """The table whose first row with anything in it holds the headings. Reads all `records` once, to count them."""
    everything = filled(records())
    first = next(everything, None)
    if first is None:
        raise unreadable(path, "is empty", "expected headings in the first row and a customer in each further row")
    start, headings = first
    total = sum(1 for _ in everything)
    return Table(
        name=path.name,
        headings=tuple(clean(heading) for heading in headings),
        total=total,
        rows=lambda: (
            (number, [clean(cell) for cell in cells]) for number, cells in filled(records()) if number > start
        ),
    )


def filled(records: Iterator[Sequence[str]]) -> Iterator[Numbered]:
    """The rows in which anything is written, with their numbers."""
    return (row for row in enumerate(records, 1) if any(map(str.strip, row[1])))


def unreadable(path: Path, what: str, mend: str) -> CustomerFileError:
    """The error for a file that cannot be used as a whole."""
    return CustomerFileError([Problem(str(path), what, mend)])
