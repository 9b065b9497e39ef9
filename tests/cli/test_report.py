"""`dialer report` from a user's side."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from dialer import bootstrap, settings
from dialer.cli import report
from dialer.errors import InputError
from tests.reports.made_up import NOW, attempt, callback, reached

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result


class Records:
    """The store's side of reports, with a few rows and a memory of what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.closed = False
        self.trail: list[tuple[object, ...]] = []

    def callbacks(self, *asked: object) -> Iterator[Any]:
        self.asked.append(asked)
        yield from (reached(), callback(callback=2, customer="C002", name="=cmd()"))

    def attempts(self, *asked: object) -> Iterator[Any]:
        self.asked.append(asked)
        yield attempt()


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Records:
    found = Records()

    def close() -> None:
        found.closed = True

    audit = SimpleNamespace(add=lambda deed, at: found.trail.append((deed.action, deed.subject, at)))
    monkeypatch.setattr(bootstrap, "open_store", lambda: SimpleNamespace(records=found, audit=audit, close=close))
    monkeypatch.setattr(bootstrap, "now", lambda: NOW)
    monkeypatch.setattr(bootstrap, "settings", lambda: settings.load({"DIALER_ALLOWED_COUNTRIES": "CN"}, None))
    monkeypatch.chdir(tmp_path)
    return found


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(report.app, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.usefixtures("records")
def test_text_is_what_people_get(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)  # of whoever runs the tests
    told = run("callbacks").stdout
    assert "Next step" in told
    assert "nothing: reached" in told
    assert max(map(len, told.splitlines())) <= 100


@pytest.mark.parametrize("way", [("--json",), ("--format", "json")])
def test_json_is_an_object_a_line(records: Records, way: tuple[str, ...]) -> None:
    (told,) = map(json.loads, run("attempts", *way).stdout.splitlines())
    assert told["attempt"] == "tok1"
    assert told["number"] != "+8613800138000"
    assert records.trail == []
    (told,) = map(json.loads, run("attempts", *way, "--reveal").stdout.splitlines())
    assert told["number"] == "+8613800138000"
    assert records.trail == [("number.show", "", NOW)]


@pytest.mark.usefixtures("records")
def test_the_summary_as_json_reconciles() -> None:
    (told,) = map(json.loads, run("summary", "--json").stdout.splitlines())
    assert told["targeted"] == told["attempted"] + told["excluded"] + told["pending"] == 2
    assert told["coverage"] == {"part": 1, "of": 2, "rate": 0.5}


@pytest.mark.usefixtures("records")
def test_the_summary_in_chinese() -> None:
    told = run("summary", "--language", "zh-CN").stdout
    assert "应回访 2 = 已呼叫 1 + 未呼叫（已排除） 0 + 待呼叫 1" in told


@pytest.mark.usefixtures("records")
def test_csv_on_the_terminal_has_its_mark_and_no_formulas() -> None:
    told = run("callbacks", "--format", "csv").stdout_bytes
    assert told.startswith(b"\xef\xbb\xbf")
    assert b"'=cmd()" in told


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize("name", ["callbacks", "summary", "attempts"])
@pytest.mark.parametrize("form", ["xlsx", "html"])
def test_formats_for_files_get_a_name(name: str, form: str, tmp_path: Path) -> None:
    told = run(name, "--format", form).stdout
    assert f"Written: {name}.{form}" in told
    assert (tmp_path / f"{name}.{form}").stat().st_size > 1000
    assert list(tmp_path.iterdir()) == [tmp_path / f"{name}.{form}"]


@pytest.mark.usefixtures("records")
def test_a_campaign_in_the_name_of_the_file(tmp_path: Path) -> None:
    run("callbacks", "--format", "html", "--campaign", "../renewal 2026")
    assert [path.name for path in tmp_path.iterdir()] == ["callbacks-_renewal_2026.html"]


@pytest.mark.usefixtures("records")
def test_the_ending_of_the_output_decides_the_format(tmp_path: Path) -> None:
    run("callbacks", "--output", "mine.xlsx")
    assert load_workbook(tmp_path / "mine.xlsx").active is not None
    run("callbacks", "--output", "mine.txt")
    assert "Next step" in (tmp_path / "mine.txt").read_text(encoding="utf-8")


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize("name", ["callbacks", "summary", "attempts"])
@pytest.mark.parametrize("form", list(report.Format))
def test_every_report_in_every_format(name: str, form: report.Format, tmp_path: Path) -> None:
    run(name, "--format", form.value, "--output", "file")
    assert (tmp_path / "file").stat().st_size > 100


def test_days_and_instants_become_utc(records: Records) -> None:
    run("attempts", "--campaign", "renewal", "--from", "2026-03-01", "--to", "2026-03-02T09:00+08:00")
    assert records.asked == [("renewal", datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, 1, tzinfo=UTC))]
    assert records.closed


@pytest.mark.usefixtures("records")
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--from", "yesterday"), r"--from: 'yesterday' is no instant \(expected a date"),
        (("--to", "2026-02-30"), "--to: '2026-02-30' is no instant"),
        (("--from", "09:00"), "is no instant"),
        (("--from", "2026-03-01/2026-03-02"), "is no instant"),
        (("--from", "2026-03-01T25:00"), "is no instant"),
        (("--from", "2026-03-02", "--to", "2026-03-02"), "--to: is not after --from"),
        (("--json", "--format", "csv"), "--json: contradicts --format csv"),
        (("-o", "mine.pdf"), r"--output: this report is not written as pdf \(end it with .csv, .xlsx, .json, .html"),
        (("--format", "html", "--output", "missing/file.html"), "missing/file.html: cannot be written"),
    ],
)
def test_what_cannot_be_is_said(arguments: tuple[str, ...], complaint: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=complaint):
        run("callbacks", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_breaks_leaves_no_file(records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaking(*_: object) -> Iterator[Any]:
        yield reached()
        raise RuntimeError

    monkeypatch.setattr(records, "callbacks", breaking)
    with pytest.raises(RuntimeError):
        run("callbacks", "--output", "out.csv")
    assert list(tmp_path.iterdir()) == []


def test_the_house_warns_of_rules_in_each_of_its_formats(records: Records) -> None:  # noqa: ARG001 - it is the store
    said = "The holidays of CN in 2027 are unconfirmed: calls may fall on days of rest."
    assert said in run("house").stdout
    lines = [json.loads(line) for line in run("house", "--json").stdout.splitlines()]
    assert lines[-1]["campaign"] == ""
    assert lines[-1]["rules"] == {"stale": [], "unconfirmed_holidays": [{"calendar": "CN", "year": 2027}]}
    assert all("rules" not in line for line in lines[:-1])
    run("house", "-o", "house.html")
    assert f"<li>{said}</li>" in Path("house.html").read_text(encoding="utf-8")
    assert "CN 2027 年节假日安排尚未确认" in run("house", "--language", "zh-CN").stdout


@pytest.mark.usefixtures("records")
def test_the_house_knows_its_own_formats_only(tmp_path: Path) -> None:
    help_text = run("house", "--help").stdout
    assert "html" in help_text
    assert "xlsx" not in help_text
    assert run("house", "--format", "xlsx").exit_code == 2
    with pytest.raises(InputError, match=r"not written as xlsx \(end it with .json, .html or .txt"):
        run("house", "-o", "house.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("records")
def test_a_page_is_as_wide_as_somebody_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("dialer.cli.screen.out._width", 80)
    assert max(map(len, run("house").stdout.splitlines())) <= 80
    monkeypatch.delenv("COLUMNS")
    assert max(map(len, run("house").stdout.splitlines())) == report.PAGE
