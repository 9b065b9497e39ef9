"""Imports and syncs: twice is once, later updates, a wish not to be called is kept, and a source is only read."""

from __future__ import annotations

import csv
import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from dialer.customer_files.mapping import FileMapping
from dialer.engine import importing
from dialer.engine.importing import import_file, sync
from dialer.errors import CustomerFileError
from dialer.store import source
from dialer.store.customers import Customers
from dialer.store.database import Database
from dialer.store.suppressions import Suppressions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from dialer.core.customer import Customer
    from dialer.engine.importing import ImportReport

HEAD = "客户编号,姓名,手机,级别,勿扰\n"
FILE = HEAD + "1,张三,13800138000,VIP,\n2,李四,13800138001,普通,是\n3,王五,138OO138OOO,普通,否\n"


@dataclass(frozen=True, slots=True)
class Kept:
    customers: Customers
    suppressions: Suppressions


@pytest.fixture
def store(database_url: str) -> Iterator[Kept]:
    database = Database(database_url)
    database.migrate()
    yield Kept(Customers(database), Suppressions(database))
    database.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    path.write_text(FILE, encoding="utf-8")
    return path


def run(path: Path, store: Kept, now: datetime, **options: Any) -> ImportReport:
    return import_file(path, FileMapping(), store, now, home_region="CN", **options)


def counts(report: ImportReport) -> tuple[int, ...]:
    return report.read, report.added, report.changed, report.same, report.rejected, report.opted_out


def everybody(store: Kept) -> list[Customer]:
    return [one for page in store.customers.pages() for one in page]


def rejects(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_import_adds_customers_and_keeps_wishes_and_rejects(file: Path, store: Kept, now: datetime) -> None:
    report = run(file, store, now)
    assert counts(report) == (3, 2, 0, 0, 1, 1)
    first, second = everybody(store)
    assert (first.reference, first.name, first.tier) == ("1", "张三", "vip")
    assert not store.suppressions.has(first)
    assert store.suppressions.has(second)
    assert report.rejects_path == file.with_name("customers.rejects.csv")
    heading, row = rejects(report.rejects_path)
    assert heading[:3] == ["rejected_row", "rejected_column", "rejected_reason"]
    assert row[:2] == ["4", "手机"]
    assert row[3:] == ["3", "王五", "138OO138OOO", "普通", "否"]
    assert list(report.reasons) == [f"手机: {row[2]}"]
    assert [column.target for column in report.columns] == ["reference", "name", "phone", "tier", "opted_out"]


def test_same_file_twice_changes_nothing_and_a_later_one_updates(file: Path, store: Kept, now: datetime) -> None:
    run(file, store, now)
    before = everybody(store)
    assert counts(run(file, store, now + timedelta(days=1))) == (3, 0, 0, 2, 1, 1)
    assert everybody(store) == before
    file.write_text(HEAD + "1,张三丰,13800138000,VIP,\n9,赵六,13800138009,,\n", encoding="utf-8")
    assert counts(run(file, store, now + timedelta(days=2))) == (2, 1, 1, 0, 0, 0)
    assert [one.name for one in everybody(store)] == ["张三丰", "李四", "赵六"]


def test_later_file_does_not_take_back_a_wish(file: Path, store: Kept, now: datetime) -> None:
    run(file, store, now)
    file.write_text(HEAD + "2,李四,13800138001,普通,否\n", encoding="utf-8")
    assert counts(run(file, store, now)) == (1, 0, 0, 1, 0, 0)
    assert store.suppressions.has(everybody(store)[1])


def test_wish_on_a_rejected_row_holds_for_the_customer_we_have(file: Path, store: Kept, now: datetime) -> None:
    run(file, store, now)
    file.write_text(HEAD + "1,张三,no number any more,VIP,是\n", encoding="utf-8")
    assert counts(run(file, store, now)) == (1, 0, 0, 0, 1, 1)
    assert store.suppressions.has(everybody(store)[0])


def test_dry_run_reports_the_same_and_keeps_nothing(file: Path, store: Kept, now: datetime) -> None:
    dry = run(file, store, now, dry_run=True)
    assert counts(dry) == (3, 2, 0, 0, 1, 1)
    assert dry.rejects_path is not None
    assert everybody(store) == []
    run(file, store, now)
    file.write_text(FILE.replace("张三", "张三丰") + "4,新人,13800138004,,\n", encoding="utf-8")
    dry = run(file, store, now, dry_run=True)
    assert counts(dry) == counts(run(file, store, now)) == (4, 1, 1, 1, 1, 1)


def test_reference_twice_in_a_file_is_rejected_unless_the_rows_are_identical(
    file: Path, store: Kept, now: datetime
) -> None:
    file.write_text(
        HEAD + "1,张三,13800138000,,\n1,张三,13800138000,,\n1,张三,13800138002,,是\n2,bad,1,,\n2,good,13800138003,,\n",
        encoding="utf-8",
    )
    report = run(file, store, now)
    assert counts(report) == (5, 2, 0, 1, 2, 1)
    assert report.rejects_path is not None
    assert [row[0] for row in rejects(report.rejects_path)[1:]] == ["4", "5"]
    assert [str(one.numbers[0].e164) for one in everybody(store)] == ["+8613800138000", "+8613800138003"]
    assert store.suppressions.has(everybody(store)[0])


def test_reject_file_runs_no_formulas_and_can_be_imported_once_mended(file: Path, store: Kept, now: datetime) -> None:
    file.write_text('编号,姓名,手机\n1,"=HYPERLINK(""http://x"")",+86 138 0013 800\n', encoding="utf-8")
    report = run(file, store, now)
    assert report.rejects_path is not None
    row = rejects(report.rejects_path)[1]
    assert row[4:] == ['\'=HYPERLINK("http://x")', "+86 138 0013 800"]
    text = report.rejects_path.read_text(encoding="utf-8-sig")
    mended = file.with_name("mended.csv")
    mended.write_text(text.replace("0013 800", "0013 8000"), encoding="utf-8")
    assert counts(run(mended, store, now)) == (1, 1, 0, 0, 0, 0)
    assert everybody(store)[0].attributes == {}


def test_reject_file_of_an_earlier_run_goes_when_all_is_well(file: Path, store: Kept, now: datetime) -> None:
    path = run(file, store, now).rejects_path
    assert path is not None
    file.write_text(HEAD + "1,张三,13800138000,VIP,\n", encoding="utf-8")
    assert run(file, store, now).rejects_path is None
    assert sorted(each.name for each in file.parent.iterdir() if "customers" in each.name) == ["customers.csv"]


def test_rejects_never_overwrite_anything_else(file: Path, store: Kept, now: datetime, tmp_path: Path) -> None:
    with pytest.raises(CustomerFileError, match="overwritten by its own rejects"):
        run(file, store, now, rejects=file)
    other = tmp_path / "precious.csv"
    other.write_text("a,b\n", encoding="utf-8")
    with pytest.raises(CustomerFileError, match="no reject file"):
        run(file, store, now, rejects=other)
    with pytest.raises(CustomerFileError, match="cannot be written"):
        run(file, store, now, rejects=tmp_path / "nowhere" / "rejects.csv")
    assert other.read_text(encoding="utf-8") == "a,b\n"
    assert everybody(store) == []


@pytest.mark.parametrize(
    "text", ["客户编号,姓名\n1,张三\n", "手机\n13800138000\n", HEAD + '1,张三,13800138000,,\n2,"李,1,,\n']
)
def test_file_that_is_wrong_as_a_whole_changes_nothing(file: Path, store: Kept, now: datetime, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CustomerFileError, match=r"customers\.csv"):
        run(file, store, now)
    assert everybody(store) == []
    assert [each.name for each in file.parent.iterdir() if "rejects" in each.name] == []


def test_large_files_go_in_batches_and_tell_how_far_they_are(
    file: Path, store: Kept, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 10)
    file.write_text(
        HEAD + "".join(f"{n},x,13800138{n:03},,{'是' if n % 7 == 0 else ''}\n" for n in range(25)), encoding="utf-8"
    )
    told: list[tuple[int, int | None]] = []
    report = run(file, store, now, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(10, 25), (20, 25), (25, 25)]
    assert counts(report) == (25, 25, 0, 0, 0, 4)


def test_wishes_are_kept_before_the_customers_they_belong_to(file: Path, now: datetime) -> None:
    order: list[str] = []

    @dataclass(frozen=True, slots=True)
    class Spy:
        added: int = 0
        changed: int = 0
        same: int = 0

        @property
        def customers(self) -> Spy:
            return self

        @property
        def suppressions(self) -> Spy:
            return self

        def upsert(self, batch: Sequence[Customer], _now: datetime) -> Spy:
            order.append("customers")
            return Spy(len(batch))

        def get(self, _reference: str) -> None:
            return None

        def add_customers(self, _references: Sequence[str], source: str, _now: datetime) -> None:
            order.append(f"wishes from {source}")

    import_file(file, FileMapping(), Spy(), now, home_region="CN")
    assert order == ["wishes from import", "customers"]


# --- Other databases


@pytest.fixture
def crm(tmp_path: Path) -> Path:
    path = tmp_path / "crm 100%.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (id INTEGER, full_name TEXT, mobile INTEGER, score REAL, stop INTEGER)")
        connection.executemany(
            "INSERT INTO people VALUES (?, ?, ?, ?, ?)",
            [(n, f"Customer {n}", 13800138000 + n, n / 2, n == 3) for n in range(1, 6)],
        )
    connection.close()
    return path


SELECT = "SELECT id AS reference, full_name, mobile, score, stop AS dnc FROM people WHERE full_name LIKE 'C%'"


def from_crm(crm: Path, store: Kept, now: datetime, select: str = SELECT, **options: Any) -> ImportReport:
    mapping = FileMapping.model_validate({"database": f"sqlite:///{crm}", "select": select})
    where = crm.with_name("crm.rejects.csv")
    return sync(mapping, store, now, name="crm.yaml", rejects=where, home_region="CN", **options)


def test_sync_reads_another_database(crm: Path, store: Kept, now: datetime) -> None:
    assert counts(from_crm(crm, store, now, dry_run=True)) == (5, 5, 0, 0, 0, 1)
    assert counts(from_crm(crm, store, now)) == (5, 5, 0, 0, 0, 1)
    assert counts(from_crm(crm, store, now)) == (5, 0, 0, 5, 0, 1)
    third = store.customers.get("3")
    assert third is not None
    assert (third.name, third.numbers[0].e164, third.attributes["score"]) == ("Customer 3", "+8613800138003", "1.5")
    assert store.suppressions.has(third)


def test_sync_of_nothing_is_no_mistake(crm: Path, store: Kept, now: datetime) -> None:
    assert counts(from_crm(crm, store, now, SELECT + " AND 1 = 0")) == (0, 0, 0, 0, 0, 0)


def test_sync_rejects_rows_like_an_import(crm: Path, store: Kept, now: datetime) -> None:
    report = from_crm(crm, store, now, SELECT.replace("mobile", "CASE id WHEN 2 THEN NULL ELSE mobile END AS mobile"))
    assert counts(report) == (5, 4, 0, 0, 1, 1)
    assert report.rejects_path is not None
    assert rejects(report.rejects_path)[1][:2] == ["2", "mobile"]


def test_sync_needs_a_database_and_a_select(store: Kept, now: datetime, tmp_path: Path) -> None:
    with pytest.raises(CustomerFileError) as error:
        sync(FileMapping(), store, now, name="m.yaml", rejects=tmp_path / "r.csv")
    assert [problem.where for problem in error.value.problems] == ["m.yaml database", "m.yaml select"]


def read(url: str, select: str, batch: int = 2) -> list[list[Mapping[str, object]]]:
    return list(source.rows(url, select, batch))


def test_source_reads_in_batches(crm: Path) -> None:
    batches = read(f"sqlite:///{crm}", "/* all */ SELECT id FROM people -- of them\nORDER BY id;")
    assert [[row["id"] for row in batch] for batch in batches] == [[1, 2], [3, 4], [5]]


@pytest.mark.parametrize(
    ("select", "says"),
    [
        ("", "is no query"),
        ("DELETE FROM people", "is no query"),
        ("selection", "is no query"),
        ("/* SELECT */ UPDATE people SET id = 1", "is no query"),
        ("SELECT 1; DELETE FROM people", "holds a semicolon"),
        ("SELECT ';'", "holds a semicolon"),
        ("WITH x AS (SELECT 1) DELETE FROM people", "refuses"),
        ("SELECT missing FROM people", "refuses: no such column"),
        ("SELECT id, mobile AS id FROM people", "several columns named id"),
    ],
)
def test_source_refuses_what_is_not_one_query(crm: Path, select: str, says: str) -> None:
    with pytest.raises(CustomerFileError, match=says):
        read(f"sqlite:///{crm}", select)
    with sqlite3.connect(crm) as connection:
        assert connection.execute("SELECT count(*) FROM people").fetchone() == (5,)
    connection.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("people.xlsx", "is no URL of a database"),
        ("nosuch://host/crm", "is no URL of a database"),
        ("sqlite://", "cannot be promised to stay unchanged"),
        ("mssql+pyodbc://me:hush@host/crm", "cannot be promised|no URL|cannot be read"),
        ("sqlite:////nowhere/crm.db", "there is no file"),
        ("postgresql://me:hush@127.0.0.1:1/crm", "refuses: connection"),
    ],
)
def test_source_that_cannot_be_read_safely_is_refused_without_its_password(url: str, says: str) -> None:
    with pytest.raises(CustomerFileError, match=says) as error:
        read(url, "SELECT 1")
    assert "hush" not in str(error.value)


@pytest.mark.slow
def test_source_reads_postgresql_and_cannot_write_there(postgres_server: Any) -> None:
    with postgres_server.database() as url:
        plain = url.replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(plain) as connection:
            connection.execute("CREATE TABLE people AS SELECT n AS id FROM generate_series(1, 5) AS n")
        batches = read(plain, "SELECT id, id::text || '%' AS label FROM people ORDER BY id")
        assert [len(batch) for batch in batches] == [2, 2, 1]
        assert batches[0][0] == {"id": 1, "label": "1%"}
        for select in (
            "WITH gone AS (DELETE FROM people RETURNING id) SELECT id FROM gone",
            "SELECT nextval('x'), set_config('transaction_read_only', 'off', true)",
        ):
            with pytest.raises(CustomerFileError, match="refuses"):
                read(plain, select)
        assert len(read(plain, "SELECT id FROM people", 10)[0]) == 5
