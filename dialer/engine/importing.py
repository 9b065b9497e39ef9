"""Brings customers in, from a file or another database: the same rows twice change nothing, later ones update."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, Protocol

from dialer.customer_files.cells import text_of
from dialer.customer_files.columns import understand
from dialer.customer_files.opening import open_table
from dialer.customer_files.rejects import RejectFile
from dialer.customer_files.row import Reject, Row, RowReader
from dialer.customer_files.table import Table
from dialer.errors import CustomerFileError, Problem
from dialer.store import source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from dialer.core.customer import Customer
    from dialer.customer_files.columns import Column
    from dialer.customer_files.mapping import FileMapping

    Progress = Callable[[int, int | None], None]  # rows read so far, rows there are if that is known

BATCH: Final = 1_000
"""Rows in one transaction."""

_OPT_OUT_SOURCE: Final = "import"
_MOST_REASONS: Final = 100


class Upserted(Protocol):
    """How many customers of a batch were new, different, and as they were."""

    @property
    def added(self) -> int: ...
    @property
    def changed(self) -> int: ...
    @property
    def same(self) -> int: ...


class Customers(Protocol):
    """What an import needs of the kept customers."""

    def upsert(self, batch: Sequence[Customer], now: datetime) -> Upserted:
        """Keep a batch, by reference, in one transaction."""

    def get(self, reference: str) -> Customer | None:
        """The customer with this reference."""


class Suppressions(Protocol):
    """What an import needs of the kept wishes not to be called."""

    def add_customers(self, references: Sequence[str], source: str, now: datetime) -> object:
        """Never call these customers again, whether they are known yet or not."""


class CustomerStore(Protocol):
    """The part of the store an import works on."""

    @property
    def customers(self) -> Customers: ...
    @property
    def suppressions(self) -> Suppressions: ...


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of the rows: `read` is `added + changed + same + rejected`.

    `opted_out` counts the rows whose customer wishes no calls; `reasons` counts the rejects by column and reason.
    """

    read: int
    added: int
    changed: int
    same: int
    rejected: int
    opted_out: int
    reasons: Mapping[str, int]
    rejects_path: Path | None
    columns: tuple[Column, ...]
    dry_run: bool


def _in_silence(_done: int, _total: int | None) -> None: ...


def import_file(
    path: Path,
    mapping: FileMapping,
    store: CustomerStore,
    now: datetime,
    *,
    home_region: str = "",
    rejects: Path | None = None,
    dry_run: bool = False,
    on_progress: Progress = _in_silence,
) -> ImportReport:
    """Import a CSV or XLSX file. `dry_run` changes no customer but reports, and writes the rejects, just the same.

    `home_region` is the country of numbers without country code (ISO 3166). The rejects go to `rejects`, by default
    beside the file.

    Raises:
        CustomerFileError: the file as a whole cannot be used; nothing was changed.
    """
    table = open_table(path, encoding=mapping.encoding, sheet=mapping.sheet)
    rejects = rejects or path.with_name(f"{path.stem}.rejects.csv")
    if rejects.resolve() == path.resolve():
        raise CustomerFileError(
            [Problem(str(path), "would be overwritten by its own rejects", "give another --rejects")]
        )
    return _Run(store, now, dry_run=dry_run).over(table, mapping, home_region, rejects, on_progress)


def sync(
    mapping: FileMapping,
    store: CustomerStore,
    now: datetime,
    *,
    name: str,
    rejects: Path,
    home_region: str = "",
    dry_run: bool = False,
    on_progress: Progress = _in_silence,
) -> ImportReport:
    """Import what the SELECT of `mapping` finds in its database, which is only read.

    `name` is what complaints call the source, such as the path of the mapping file. The rest is as for `import_file`.

    Raises:
        CustomerFileError: the mapping names no database or no SELECT, or the database cannot be read. What was
            imported before it broke off stays; running it again is safe.
    """
    url = mapping.database.get_secret_value()
    missing = [key for key, given in (("database", url), ("select", mapping.select)) if not given]
    if missing:
        raise CustomerFileError([Problem(f"{name} {key}", "is missing", "sync needs it") for key in missing])
    batches = source.rows(url, mapping.select, BATCH)
    first = next(batches, [])
    if not first:
        return ImportReport(0, 0, 0, 0, 0, 0, {}, None, (), dry_run)
    headings = tuple(first[0])
    found = chain(first, chain.from_iterable(batches))
    rows = ((number, [text_of(row[key]) for key in headings]) for number, row in enumerate(found, 1))
    table = Table(name, headings, None, lambda: rows)
    return _Run(store, now, dry_run=dry_run).over(table, mapping, home_region, rejects, on_progress)


class _Run:
    """One pass over one source. In memory it keeps a batch, and for each reference what tells its row from another."""

    def __init__(self, store: CustomerStore, now: datetime, *, dry_run: bool) -> None:
        self._store = store
        self._now = now
        self._dry_run = dry_run
        self._seen: dict[str, int] = {}
        self._batch: list[Customer] = []
        self._silent: list[str] = []
        self._read = self._added = self._changed = self._same = self._rejected = self._opted_out = 0
        self._reasons: Counter[str] = Counter()

    def over(
        self, table: Table, mapping: FileMapping, home_region: str, rejects: Path, on_progress: Progress
    ) -> ImportReport:
        columns = understand(table.headings, mapping, table.name)
        reader = RowReader(columns, mapping, home_region)
        with RejectFile(rejects, table.headings) as refused:
            for number, cells in table.rows():
                self._take(reader.read(number, cells), cells, refused)
                if self._read % BATCH == 0:
                    self._flush()
                    on_progress(self._read, table.total)
            self._flush()
            on_progress(self._read, table.total)
        return self._report(columns, refused.written)

    def _take(self, row: Row | Reject, cells: Sequence[str], refused: RejectFile) -> None:
        self._read += 1
        self._opted_out += row.opted_out
        if isinstance(row, Row) and not self._is_first(row.customer.reference, cells):
            if self._seen[row.customer.reference] == hash(tuple(cells)):
                self._same += 1
                return
            reason = "an earlier row has the same reference and says something else"
            row = Reject(row.number, row.customer.reference, "", reason, row.opted_out)
        if row.opted_out:
            self._silent.append(row.customer.reference if isinstance(row, Row) else row.reference)
        if isinstance(row, Row):
            self._batch.append(row.customer)
            return
        self._rejected += 1
        refused.add(row, cells)
        reason = f"{row.column}: {row.reason}" if row.column else row.reason
        self._reasons[reason if reason in self._reasons or len(self._reasons) < _MOST_REASONS else "other reasons"] += 1

    def _is_first(self, reference: str, cells: Sequence[str]) -> bool:
        if reference in self._seen:
            return False
        self._seen[reference] = hash(tuple(cells))
        return True

    def _flush(self) -> None:
        """Wishes not to be called first: if the program is killed in between, nobody is called who should not be."""
        if self._dry_run:
            for customer in self._batch:
                self._compare(customer)
        else:
            if self._silent:
                self._store.suppressions.add_customers(self._silent, _OPT_OUT_SOURCE, self._now)
            if self._batch:
                upserted = self._store.customers.upsert(self._batch, self._now)
                self._added += upserted.added
                self._changed += upserted.changed
                self._same += upserted.same
        self._batch, self._silent = [], []

    def _compare(self, customer: Customer) -> None:
        known = self._store.customers.get(customer.reference)
        self._added += known is None
        self._same += known == customer
        self._changed += known is not None and known != customer

    def _report(self, columns: tuple[Column, ...], rejects_path: Path | None) -> ImportReport:
        return ImportReport(
            read=self._read,
            added=self._added,
            changed=self._changed,
            same=self._same,
            rejected=self._rejected,
            opted_out=self._opted_out,
            reasons=dict(self._reasons.most_common()),
            rejects_path=rejects_path,
            columns=columns,
            dry_run=self._dry_run,
        )
