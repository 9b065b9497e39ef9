"""CSV and XLSX open as they should: Chinese intact, numbers as numbers, and nothing that runs."""

from __future__ import annotations

import csv as reader
from datetime import datetime, timedelta
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from dialer.core.outcome import Ending
from dialer.reports import csv, xlsx
from dialer.reports.attempts import attempts_table
from dialer.reports.callbacks import callbacks_table
from dialer.reports.cell import RUN_BY_SPREADSHEETS, harmless
from dialer.reports.language import Language
from dialer.reports.summary import summaries, summary_table
from dialer.reports.table import Column, Kind, Rate, Table
from tests.reports.made_up import NOW, NUMBER, any_callback, attempt, callback, reached

if TYPE_CHECKING:
    from dialer.core.record import CallbackRecord

FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =cmd|' /C calc'!A0",
    "\u00a0=1",
    "\u3000=1",
    "＝1+1",
    "＠SUM(A1)",
    "\ufeff=1",
]


def as_csv(table: Table, *, reveal: bool = False) -> list[list[str]]:
    stream = BytesIO()
    csv.write(table, stream, reveal=reveal)
    return list(reader.reader(StringIO(stream.getvalue().decode("utf-8-sig"), newline="")))


def as_sheet(table: Table, *, reveal: bool = False) -> Any:
    stream = BytesIO()
    xlsx.write(table, stream, reveal=reveal)
    return load_workbook(stream).active


@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_become_text(formula: str) -> None:
    table = callbacks_table([callback(name=formula, answers={"=node": formula})], keys=("name", "answers"))
    (name, answers) = as_csv(table)[1]
    assert name.startswith("'")
    assert answers.startswith("'")
    sheet = as_sheet(callbacks_table([callback(name=formula)], keys=("name",)))
    assert sheet["A2"].data_type == "s"
    assert sheet["A2"].value.startswith("'")


@given(st.lists(any_callback, max_size=5), st.sampled_from(Language))
@pytest.mark.slow
def test_no_cell_of_a_csv_begins_a_formula(records: list[CallbackRecord], language: Language) -> None:
    for row in as_csv(callbacks_table(records, language), reveal=True):
        assert not any(cell.lstrip().startswith(RUN_BY_SPREADSHEETS) for cell in row)


@given(st.lists(any_callback, max_size=3))
@pytest.mark.slow
def test_any_record_can_be_a_workbook(records: list[CallbackRecord]) -> None:
    sheet = as_sheet(callbacks_table(records))
    assert sheet.max_row == 1 + len(records)
    assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)


def test_numbers_stay_numbers() -> None:
    columns = (Column("a", "A", Kind.NUMBER), Column("b", "B", Kind.NUMBER), Column("c", "C", Kind.PERCENT))
    rows = [(-5, -0.5, Rate(1, 3)), (0, 2, Rate(0, 0))]
    assert as_csv(Table("t", columns, rows))[1:] == [["-5", "-0.5", "33.3 %"], ["0", "2", "-"]]
    sheet = as_sheet(Table("t", columns, rows))
    assert [cell.value for cell in sheet[2]] == [-5, -0.5, pytest.approx(1 / 3)]
    assert sheet["C2"].number_format == "0.0%"
    assert sheet["C3"].value is None


def test_harmless_text_is_left_alone() -> None:
    for text in ("", "王芳", "a=b", "O'Brien", "3-1", "not + this"):
        assert harmless(text) == text


def test_phone_numbers_stay_text() -> None:
    table = callbacks_table([callback(number=NUMBER)], keys=("number",))
    sheet = as_sheet(table, reveal=True)
    assert (sheet["A2"].value, sheet["A2"].data_type, sheet["A2"].number_format) == ("+8613800138000", "s", "@")
    table = callbacks_table([callback(number=NUMBER)], keys=("number",))
    assert as_csv(table, reveal=True)[1] == ["'+8613800138000"]


def test_numbers_are_masked_unless_revealed() -> None:
    assert "138001380" not in str(as_csv(callbacks_table([callback()])))
    sheet = as_sheet(callbacks_table([callback()]))
    assert not any("138001380" in str(cell.value) for row in sheet.iter_rows() for cell in row)


def test_excel_sees_utf_8_and_rfc_4180_lines() -> None:
    stream = BytesIO()
    csv.write(callbacks_table([callback(name='王 "芳", 女士')], Language.ZH_CN, ("customer", "name")), stream)
    assert stream.getvalue() == '\ufeff客户编号,姓名\r\nC001,"王 ""芳"", 女士"\r\n'.encode()
    assert not stream.closed


def test_words_follow_the_language() -> None:
    record = reached(vip=True)
    assert as_csv(callbacks_table([record], Language.EN, ("state", "ending", "vip")))[1] == ["done", "reached", "yes"]
    assert as_csv(callbacks_table([record], Language.ZH_CN, ("state", "ending", "vip")))[1] == [
        "已完成",
        "回访成功",
        "是",
    ]


def test_a_workbook_has_real_dates_and_durations() -> None:
    sheet = as_sheet(attempts_table([attempt()]))
    cells = {heading.value: cell for heading, cell in zip(sheet[1], sheet[2], strict=True)}
    assert cells["Created (UTC)"].value == datetime(2026, 3, 3, 14, 20)  # noqa: DTZ001  workbooks know no zones
    assert cells["Talk"].value == timedelta(seconds=65)
    assert cells["Counted"].value == "yes"
    assert cells["Callback"].value == 1
    assert sheet.freeze_panes == "A2"
    assert sheet["A1"].font.b
    assert sheet.column_dimensions["A"].width > 10


def test_control_characters_do_not_break_a_workbook() -> None:
    sheet = as_sheet(callbacks_table([callback(name="a\x00b\x1bc")], keys=("name",)))
    assert sheet["A2"].value == "a\ufffdb\ufffdc"


def test_more_rows_than_a_sheet_holds_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "ROWS_A_SHEET", 2)
    stream = BytesIO()
    xlsx.write(callbacks_table([callback(callback=n) for n in range(5)], keys=("callback",)), stream)
    sheets = load_workbook(stream).worksheets
    assert [[cell.value for cell in sheet["A"]][1:] for sheet in sheets] == [[0, 1], [2, 3], [4]]


def test_the_summary_as_a_spreadsheet_shows_denominators() -> None:
    found = summaries([reached(), callback(attempts=1, ending=Ending.BUSY), callback()], [attempt()], NOW)
    rows = as_csv(summary_table(found))
    assert ["renewal", "Rates", "Coverage", "1", "3", "33.3 %", "spoken to, of those targeted"] in rows
    assert ["renewal", "Rates", "VIP coverage", "0", "0", "-", "VIPs spoken to, of VIPs targeted"] in rows
