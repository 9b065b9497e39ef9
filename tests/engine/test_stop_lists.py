"""Lists of numbers that must not be called: every line is taken or named, and the same list again changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.core.phone import parse_number
from dialer.core.suppression import EVERYTHING, Wish, line
from dialer.engine import stop_lists
from dialer.engine.stop_lists import StopListReport, import_list
from dialer.errors import InputError
from dialer.store import Store
from tests.campaigns import NOW, customer, document, house, number, version
from tests.mortal import open_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LISTED = number(1).e164


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    database = open_database(database_url)
    yield Store(database, house())
    database.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.txt"


def bring(store: Store, file: Path, text: str | bytes, **options: str) -> StopListReport:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    home = options.pop("home_region", "")
    return import_list(file, Wish("import", **options), store, NOW, home_region=home)


def listed(store: Store, *e164s: str) -> list[bool]:
    return [bool(store.suppressions.stops([line(one)])) for one in e164s]


def test_each_line_is_a_number(store: Store, file: Path) -> None:
    report = bring(store, file, f"{LISTED}\n\n  +12125550123\r\n+86 138 0013 8000\n{LISTED}\n")
    assert (report.read, report.added, report.listed, report.lifted, report.rejected) == (4, 3, 1, 0, 0)
    assert listed(store, LISTED, "+12125550123", "+8613800138000") == [True] * 3
    assert report.rejects_path is None
    assert list(file.parent.glob("*.rejects.csv")) == []


@pytest.mark.parametrize(
    "text",
    [
        f"name,phone\nAnn,{LISTED}\n",
        f"姓名;电话\nAnn;{LISTED}\n",
        f'Number\n"{LISTED}"\n',
        f"home phone\tmobile\n+442079460009\t{LISTED}\n",
        f"{LISTED},2026-01-01,asked in writing\n",
        f"\ufeffnumber|since\n{LISTED}|2026\n",
        f"姓名,手机号码\n安,{LISTED}\n".encode("gb18030"),
        f"phone\n{LISTED}\n".encode("utf-16"),
    ],
    ids=["csv", "chinese", "quoted", "likeliest column", "no headings", "byte order mark", "gb18030", "utf-16"],
)
def test_files_are_understood_as_the_world_writes_them(store: Store, file: Path, text: str | bytes) -> None:
    report = bring(store, file, text)
    assert (report.read, report.added) == (1, 1)
    assert listed(store, LISTED) == [True]


@pytest.mark.parametrize(
    ("written", "home", "e164"),
    [
        ("+999123456789", "", "+999123456789"),  # no country has that code: a prohibition needs no proof
        ("+1234567", "", "+1234567"),
        ("+44 20-7946.0001", "", LISTED),
        ("+44 (0)20 7946 0001", "", LISTED),
        ("+4402079460001", "", LISTED),  # the zero is dialed only at home
        ("+390612345678", "", "+390612345678"),  # the zero belongs to the number
        ("+4401", "", None),
        ("020 7946 0001", "GB", LISTED),
        ("020 7946 0001", "", None),
        ("＋４４ ２０ ７９４６ ０００１", "", LISTED),
        ("0044 20 7946 0001", "GB", LISTED),
        ("+123456", "", None),
        ("+1234567890123456", "", None),
        ("unknown", "GB", None),
    ],
)
def test_what_is_in_e164_form_is_taken_and_the_rest_is_read(
    store: Store, file: Path, written: str, home: str, e164: str | None
) -> None:
    report = bring(store, file, f"number\n{written}\n", home_region=home)
    assert (report.added, report.rejected) == ((1, 0) if e164 else (0, 1))
    assert e164 is None or listed(store, e164) == [True]


@pytest.mark.parametrize(
    ("home", "written"),
    [
        ("US", "2125550123"),
        ("US", "212-555-0123"),
        ("CA", "416 555 0123"),
        ("CN", "13800138000"),
        ("cn", "138 0013 8000"),
    ],
)
def test_the_short_way_for_long_lists_reads_what_the_long_way_does(
    store: Store, file: Path, home: str, written: str
) -> None:
    assert bring(store, file, f"number\n{written}\n", home_region=home).added == 1
    assert listed(store, parse_number(written, home).e164) == [True]


def test_lines_that_cannot_be_read_are_named_and_stop_no_other(store: Store, file: Path) -> None:
    report = bring(store, file, f'number,note\n+44 20 79AB 0001,x\n"+44 broken\n\n,\n{LISTED},y\n')
    assert (report.read, report.added, report.rejected) == (4, 1, 3)
    assert report.unreadable == (2, 3, 5)
    assert sum(report.reasons.values()) == 3
    assert not any("79AB" in reason for reason in report.reasons)
    assert report.rejects_path == file.with_name("list.rejects.csv")
    lines = report.rejects_path.read_text("utf-8-sig").splitlines()
    assert lines[0] == "rejected_row,rejected_column,rejected_reason,number"
    assert [one.split(",")[0] for one in lines[1:]] == ["2", "3", "5"]
    assert report.rejects_path.stat().st_mode & 0o077 == 0, "others may read personal data"


def test_mended_rejects_are_a_list(store: Store, file: Path) -> None:
    bring(store, file, "oops\n")
    mended = file.with_name("list.rejects.csv")
    mended.write_text(mended.read_text("utf-8-sig").replace("oops", LISTED), encoding="utf-8")
    assert bring(store, mended, mended.read_bytes()).added == 1


def test_only_the_first_unreadable_lines_are_named(store: Store, file: Path) -> None:
    report = bring(store, file, "x\n" * 50)
    assert (report.rejected, report.unreadable) == (50, tuple(range(1, 21)))


def test_a_line_without_end_is_one_line(store: Store, file: Path) -> None:
    report = bring(store, file, f"{'9' * 100_000}\n{LISTED}\n")
    assert (report.read, report.added, report.unreadable) == (2, 1, (1,))


@pytest.mark.parametrize("text", [b"", b"\n \n", b"PK\x03\x04", b"a\0b", b"name,town\nAnn,York\n"])
def test_what_is_no_list_is_refused_whole(store: Store, file: Path, text: bytes) -> None:
    with pytest.raises(InputError):
        bring(store, file, text)
    assert store.suppressions.tallies() == []


def test_a_list_does_not_overwrite_itself(store: Store, file: Path) -> None:
    file.write_text(LISTED)
    with pytest.raises(InputError, match="its own rejects"):
        import_list(file, Wish("import"), store, NOW, rejects=file)


def test_the_same_list_again_changes_nothing_and_undoes_no_lifting(store: Store, file: Path) -> None:
    other = number(2).e164
    bring(store, file, f"{LISTED}\n{other}\n")
    assert store.suppressions.lift(line(other), EVERYTHING, by="Eve", said="letter of 2 March", now=NOW)
    report = bring(store, file, f"{LISTED}\n{other}\n+12125550123\n")
    assert (report.added, report.listed, report.lifted) == (1, 2, 1)
    assert listed(store, LISTED, other) == [True, False]
    store.suppressions.add_number(other, "person", NOW)
    assert listed(store, other) == [True]
    assert bring(store, file, f"{other}\n").lifted == 0
    assert [word.turn for word in store.suppressions.history([line(other)])] == [0, 1, 2]


def test_a_list_may_be_about_one_purpose(store: Store, file: Path) -> None:
    report = bring(store, file, f"{LISTED}\n", scope="purpose:sales")
    assert report.added == 1
    assert [stop.scope for stop in store.suppressions.stops([line(LISTED)])] == ["purpose:sales"]
    assert bring(store, file, f"{LISTED}\n").added == 1, "another scope is another wish"


def test_numbers_come_in_chunks_and_are_counted_once(store: Store, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stop_lists, "CHUNK", 7)
    seen: list[tuple[int, float]] = []
    file.write_text("".join(f"{number(one % 30).e164}\n" for one in range(40)))
    report = import_list(file, Wish("import"), store, NOW, on_progress=lambda lines, part: seen.append((lines, part)))
    assert (report.read, report.added, report.listed) == (40, 30, 10)
    assert [lines for lines, _ in seen] == [7, 14, 21, 28, 35, 40]
    assert seen[-1][1] == 1.0
    assert all(0 < part <= 1 for _, part in seen)


@pytest.mark.slow
def test_whoever_stands_in_line_is_looked_at_at_once(store: Store, file: Path) -> None:
    from tests.store.steps import callbacks, enrol, people  # noqa: PLC0415 - told in the words of the store's stories

    content = document()
    store.campaigns.apply("survey", version(content), content, NOW)
    people(store, customer("C1", number(1)), customer("C2", number(2)), customer("C3", number(5), number(1)))
    enrol(store)
    report = bring(store, file, f"{LISTED}\n")
    assert report.looked_at == 2
    store.callbacks.turn(NOW)
    states = {reference: str(record.state) for reference, record in callbacks(store).items()}
    assert states == {"C1": "closed", "C2": "waiting", "C3": "closed"}


@settings(max_examples=30)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20), max_size=8))
def test_no_text_stops_the_numbers_around_it(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    """Whatever stands on the other lines, the numbers on the first and last line are kept."""
    folder = tmp_path_factory.mktemp("any")
    database = open_database(f"sqlite:///{folder / 'dialer.db'}")
    clean = [" ".join(text.split()) for text in texts]
    report = bring(Store(database, house()), folder / "list.txt", "\n".join(["number", LISTED, *clean, number(2).e164]))
    assert report.read == report.added + report.listed + report.rejected
    assert listed(Store(database, house()), LISTED, number(2).e164) == [True, True]
    database.close()
