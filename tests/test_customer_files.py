"""Customer files of every sort: what is read, what is understood, what is refused and why."""

from __future__ import annotations

import codecs
import datetime as dt
import zipfile
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.customer import VIP
from dialer.core.hours import DailyRange
from dialer.customer_files.cells import LONGEST_CELL, clean, harmless, text_of
from dialer.customer_files.columns import as_yaml, meanings, understand
from dialer.customer_files.headings import Field, Kind, attribute_kind, attribute_name, compared
from dialer.customer_files.mapping import FileMapping, load_mapping
from dialer.customer_files.opening import open_table
from dialer.customer_files.places import part_of, region_of
from dialer.customer_files.row import Reject, Row, RowReader
from dialer.customer_files.values import calendar_date, language_of, opted_out, quiet_hours, tier_of, tier_of_flag
from dialer.errors import CustomerFileError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dialer.core.customer import Customer

CHINESE = "客户编号,姓名,手机\n1,张三,13800138000\n2,李四,13900139000\n"


def mapping(**keys: Any) -> FileMapping:
    return FileMapping.model_validate(keys)


def rows_of(path: Path, **options: str) -> list[tuple[int, list[str]]]:
    return [(number, list(cells)) for number, cells in open_table(path, **options).rows()]


def read(headings: str, row: str, *, home: str = "CN", **keys: Any) -> Row | Reject:
    """One row, its cells divided by bars."""
    columns = understand(headings.split("|"), mapping(**keys), "test.csv")
    return RowReader(columns, mapping(**keys), home).read(2, [clean(cell) for cell in row.split("|")])


def accepted(headings: str, row: str, *, home: str = "CN", **keys: Any) -> Customer:
    result = read(headings, row, home=home, **keys)
    assert isinstance(result, Row), result
    return result.customer


def refused(headings: str, row: str, *, home: str = "CN", **keys: Any) -> Reject:
    result = read(headings, row, home=home, **keys)
    assert isinstance(result, Reject), result
    return result


# --- CSV


@pytest.mark.parametrize(
    "raw",
    [
        CHINESE.encode(),
        codecs.BOM_UTF8 + CHINESE.encode(),
        CHINESE.encode("gb18030"),
        CHINESE.encode("utf-16"),
        CHINESE.replace("\n", "\r\n").encode(),
        CHINESE.replace("\n", "\r").encode(),
        CHINESE.replace(",", ";").encode(),
        CHINESE.replace(",", "\t").encode("gb18030"),
        CHINESE.replace(",", "|").encode(),
        b"\n , ,\n" + CHINESE.encode(),
        CHINESE.removesuffix("\n").encode(),
    ],
)
def test_csv_is_read_as_the_world_writes_it(tmp_path: Path, raw: bytes) -> None:
    file = tmp_path / "customers.txt"
    file.write_bytes(raw)
    table = open_table(file)
    assert table.headings == ("客户编号", "姓名", "手机")
    assert table.total == 2
    assert [cells for _, cells in table.rows()] == [["1", "张三", "13800138000"], ["2", "李四", "13900139000"]]


def test_rows_are_numbered_as_a_spreadsheet_numbers_them(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text('id,phone\n\n1,"two\nlines"\n,\n2,x\n', encoding="utf-8")
    assert rows_of(file) == [(3, ["1", "two lines"]), (5, ["2", "x"])]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b" , ,\n", "is empty"),
        (b"id,phone\n1,\x00\x01", "is no text"),
        ("id,name\n1,Jürgen Müller\n2,Zoë Brontë\n".encode("latin-1"), "is neither UTF-8 nor GB18030 text"),
        ("編號,姓名\n1,陳大文\n2,張麗華\n".encode("big5"), "is neither UTF-8 nor GB18030 text"),
        (CHINESE.encode() + b"3,\xff,1\n", "is neither UTF-8 nor GB18030 text"),
        (b'id,phone\n1,"unending\n2,3\n', "cannot be taken apart near line"),
        (b'id,phone\n1,"a"b\n', "cannot be taken apart near line 2"),
        (b"id,phone\n1," + b"9" * 200_000, "cannot be taken apart near line"),
        (b"id,phone\n1," + b"9" * 2_000_000, "has a line of more than"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "old Excel file"),
        (b"PK\x03\x04 and nothing else", "damaged workbook"),
    ],
)
def test_file_that_cannot_be_read_is_refused_as_a_whole(tmp_path: Path, raw: bytes, says: str) -> None:
    file = tmp_path / "customers.csv"
    file.write_bytes(raw)
    with pytest.raises(CustomerFileError, match=says) as error:
        open_table(file)
    assert "customers.csv" in str(error.value)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(CustomerFileError, match="cannot be read"):
            open_table(path)


def test_encoding_of_the_mapping_wins_and_is_held_to(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_bytes("id,name\n1,Müller\n".encode("windows-1252"))
    assert rows_of(file, encoding="windows-1252") == [(2, ["1", "Müller"])]
    with pytest.raises(CustomerFileError, match="is not shift_jis text from byte"):
        open_table(file, encoding="shift_jis")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(raw)
    try:
        table = open_table(file)
        assert len(list(table.rows())) == table.total
    except CustomerFileError:
        pass


# --- XLSX


def workbook(path: Path, *rows: Sequence[object], title: str = "Customers") -> Path:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    book.save(path)
    return path


def test_xlsx_values_become_the_text_that_was_meant(tmp_path: Path) -> None:
    file = workbook(
        tmp_path / "customers.xlsx",
        ["编号", "手机", "到期日", "下单时间", "时刻", "金额", "是否VIP", "大数"],
        [
            1001,
            13800138000.0,
            dt.date(2026, 12, 1),
            dt.datetime(2026, 5, 1, 9, 30, tzinfo=None),  # noqa: DTZ001 - spreadsheets know no zones
            dt.time(22, 0),
            12.5,
            True,
            13800138000138000,
        ],
        [None, None, "=1/0"],
        ["C-7", "+44 20 7946 0123", "2026/1/2"],
    )
    table = open_table(file)
    assert table.headings[:2] == ("编号", "手机")
    rows = [(number, list(cells)) for number, cells in table.rows()]
    assert rows[0][0] == 2
    assert rows[0][1] == [
        "1001",
        "13800138000",
        "2026-12-01",
        "2026-05-01T09:30:00",
        "22:00",
        "12.5",
        "true",
        "1.38001380001380e+16",
    ]
    assert rows[1] == (4, ["C-7", "+44 20 7946 0123", "2026/1/2", "", "", "", "", ""])


def test_xlsx_first_visible_sheet_is_read_unless_another_is_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    hidden = book.worksheets[0]
    hidden.sheet_state = "hidden"
    for name in ("people", "others"):
        book.create_sheet(name).append([name])
    file = tmp_path / "customers.xlsx"
    book.save(file)
    assert open_table(file).headings == ("people",)
    assert open_table(file, sheet="others").headings == ("others",)
    with pytest.raises(CustomerFileError, match=r"no sheet 'missing' \(expected one of Sheet, people, others\)"):
        open_table(file, sheet="missing")


def test_xlsx_stray_cell_does_not_fill_the_memory(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet["A1"] = "id"
    sheet["XFD1048576"] = "stray"
    file = tmp_path / "customers.xlsx"
    book.save(file)
    with pytest.raises(CustomerFileError, match="reaches to row 1,048,576 and column 16,384"):
        open_table(file)


def test_xlsx_that_is_damaged_is_refused(tmp_path: Path) -> None:
    file = workbook(tmp_path / "customers.xlsx", ["id"], *([f"customer {n}"] for n in range(500)))
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CustomerFileError, match="damaged workbook"):
        open_table(file)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "no workbook")
    with pytest.raises(CustomerFileError, match="no workbook this program can read"):
        open_table(file)


# --- Cells


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (13800138000.0, "13800138000"),
        (0.1, "0.1"),
        (True, "true"),
        ("  张\u3000 三\x00\u202e ", "张 三"),
        ("e\u0301", "é"),
        (dt.datetime(2026, 5, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=8))), "2026-05-01T04:00:00+00:00"),
        (dt.timedelta(hours=30), "30:00"),
        (b"caf\xc3\xa9", "café"),
    ],
)
def test_values_become_clean_text(value: object, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "＝1+1", "-", "+1+2"])
def test_formulas_are_neutralised(text: str) -> None:
    assert harmless(text) == "'" + text


@pytest.mark.parametrize("text", ["", "+8613800138000", "+1 (212) 555-0123", "-12.5", "张三", "2026-12-01", "+1/2"])
def test_numbers_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


@given(st.text())
def test_clean_text_stays_clean(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    clean(text).encode()


# --- Headings


@pytest.mark.parametrize(
    ("headings", "targets"),
    [
        ("客户编号,姓名,称呼,手机,家庭电话,备用电话", "reference,name,salutation,phone,phone2,phone3"),
        ("编号,备用电话,固话,手机号码", "reference,phone3,phone2,phone"),
        ("Customer ID,First Name,Last Name,Phone,Phone 2", "reference,given_name,family_name,phone,phone2"),
        ("ID,Mobile No.,*姓名(必填),是否VIP,级别/VIP", "reference,phone,name,vip,vip"),
        ("id,tel,地区,省份,国家,时区,勿扰时段,勿扰", "reference,phone,region,state,country,zone,quiet,opted_out"),
        ("ref,phone,专属客服,保单到期日,产品", "reference,phone,agent,policy_expiry,product"),
        (
            "ref,phone,PolicyExpiryDate,Order Date,备注,Shoe size",
            "reference,phone,policy_expiry,order_date,notes,shoe_size",
        ),
        ("ref,phone,,Notes,notes", "reference,phone,ignore,notes,notes_2"),
        ("ref,phone,2nd choice,???", "reference,phone,column_2nd_choice,column"),
        ("rejected_row,rejected_column,rejected_reason,ref,phone", "ignore,ignore,ignore,reference,phone"),
    ],
)
def test_headings_are_understood(headings: str, targets: str) -> None:
    columns = meanings(headings.split(","), FileMapping(), "x.csv")
    assert ",".join(column.target for column in columns) == targets


def test_kinds_of_attributes_are_guessed_from_their_names() -> None:
    assert attribute_kind("policy_expiry") is Kind.DATE
    assert attribute_kind("签约日期") is Kind.DATE
    assert attribute_kind("balance") is Kind.NUMBER
    assert attribute_kind("candidate") is Kind.TEXT


@given(st.text())
def test_every_heading_gives_a_name(heading: str) -> None:
    assert attribute_name(heading).isidentifier()
    assert compared(heading) == compared(heading.upper().lower()) or not heading.isascii()


@pytest.mark.parametrize(
    ("headings", "says"),
    [
        ("姓名,手机", "no column holds the customers' reference; found: 姓名, 手机"),
        ("编号,姓名", "no column holds phone numbers"),
        ("编号,客户号,手机", "'编号' and '客户号' both look like 'reference'"),
    ],
)
def test_headings_that_leave_doubts_are_refused(headings: str, says: str) -> None:
    with pytest.raises(CustomerFileError, match=says):
        understand(headings.split(","), FileMapping(), "x.csv")


def test_mapping_overrules_headings() -> None:
    meant = mapping(
        columns={
            "编号": "ignore",
            "Kunde": "reference",
            "Funk": "phone2",
            "Ablauf": {"attribute": "policy_expiry", "kind": "date"},
            "姓名": {"attribute": "old_name"},
        }
    )
    columns = understand(["编号", "kunde", "手机", "Funk", "Ablauf", "姓名"], meant, "x.csv")
    assert [column.target for column in columns] == [
        "ignore",
        "reference",
        "phone",
        "phone2",
        "policy_expiry",
        "old_name",
    ]
    assert [column.guessed for column in columns] == [False, False, True, False, False, False]


def test_guess_gives_way_to_the_mapping() -> None:
    columns = understand(["编号", "姓名", "Rufname", "手机"], mapping(columns={"Rufname": "name"}), "x.csv")
    assert [column.target for column in columns] == ["reference", "姓名", "name", "phone"]


def test_mapping_that_does_not_fit_the_file_is_refused() -> None:
    with pytest.raises(
        CustomerFileError, match=r"columns\.电话号: the customers have no such column \(has 编号, 手机\)"
    ):
        understand(["编号", "手机"], mapping(columns={"电话号": "phone"}), "x.csv")
    with pytest.raises(CustomerFileError, match=r"values\.tier: no column has this field"):
        understand(["编号", "手机"], mapping(values={"tier": {"金卡": "gold"}}), "x.csv")


def test_printed_mapping_is_a_mapping(tmp_path: Path) -> None:
    headings = ["编号", "姓名", "手机", "到期日", "备注: #1", "yes"]
    columns = understand(headings, FileMapping(), "x.csv")
    file = tmp_path / "mapping.yaml"
    file.write_text(as_yaml(columns), encoding="utf-8")
    again = understand(headings, load_mapping(file), "x.csv")
    assert [(c.field, c.attribute, c.kind) for c in again] == [(c.field, c.attribute, c.kind) for c in columns]
    file.write_text("\n".join(line.removeprefix("# ") for line in as_yaml(columns).splitlines()[4:]), encoding="utf-8")
    assert load_mapping(file).area_code == "010", "the examples in its comments are right as well"


# --- Mapping files


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("colums: {}", r"m.yaml colums: there is no such key \(expected one of columns, number_region"),
        ("columns: {手机: phnoe}", r"m.yaml columns.手机: there is no such field \(expected one of reference, name"),
        ("columns: {a: {attribute: name}}", r"columns.a.attribute: 'name' is a field of every customer"),
        ("columns: {a: {attribute: b, kind: day}}", r"columns.a.kind: Input should be 'text', 'date' or 'number'"),
        (
            "columns: {a: {attribut: b}}",
            r"columns.a.attribut: there is no such key \(expected one of attribute, kind\)",
        ),
        ("columns: {1: phone}", r"columns: YAML reads a key here as a number.* \(put it in quotes\)"),
        ("values: {tier: {NO: none}}", r"values.tier: YAML reads a key here as a number"),
        ("area_code: 010", r"area_code: YAML does not read this as text \(put it in quotes\)"),
        ("number_region: China", "number_region: .*pattern"),
        ("date_formats: ['%d/%m']", "date_formats: '%d/%m' does not name a day"),
        ("defaults: {zone: Beijing}", "defaults.zone: this is no time zone"),
        ("defaults: {colour: red}", r"defaults.colour: there is no such key \(expected one of salutation"),
        ("encoding: latin1", "encoding: Input should be"),
        ("columns: &a {b: phone}\nvalues: *a", "holds an alias"),
        ("columns: {a: phone}\ncolumns: {b: phone}", "a key for the second time in line 2"),
        ("columns: {a: phone\n", "is no YAML this program accepts: .* in line 2"),
        ("columns: !!python/object:os.system {}", "is no YAML this program accepts"),
        ("defaults: 2026-02-31", "holds a value YAML cannot read"),
        ("[" * 800, "holds a value YAML cannot read"),
        ("- a", "m.yaml: Input should be"),
        ("#" * 300_000, "is larger than 256 KiB"),
    ],
)
def test_wrong_mapping_says_where_what_and_what_was_expected(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CustomerFileError, match=says):
        load_mapping(file)


def test_every_complaint_about_a_mapping_comes_at_once(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("a: 1\nb: 2\ncolumns: {x: y}\n", encoding="utf-8")
    with pytest.raises(CustomerFileError) as error:
        load_mapping(file)
    assert len(error.value.problems) == 3


def test_empty_mapping_leaves_everything_to_guessing(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("# nothing\n", encoding="utf-8")
    assert load_mapping(file) == FileMapping()


def test_password_of_the_database_is_never_shown() -> None:
    assert "hush" not in repr(mapping(database="postgresql://me:hush@host/crm"))


# --- Rows


def test_whole_customer() -> None:
    customer = accepted(
        "客户编号|姓名|称呼|语言|级别|手机|备用电话|地区|时区|勿扰时段|专属客服|到期日|产品|余额",
        "C1|张三|先生|中文|VIP客户|１３８ ００１３ ８０００|010-84000000转123|广东省|Asia/Shanghai|"
        "２２：００－０８：００、12点至13点半|王芳|2026年12月1日|车险|12.50",
    )
    assert customer.reference == "C1"
    assert (customer.name, customer.salutation, customer.language, customer.tier) == ("张三", "先生", "zh-CN", VIP)
    assert [(n.e164, n.extension) for n in customer.numbers] == [("+8613800138000", ""), ("+861084000000", "123")]
    assert (customer.region, customer.zone, customer.agent) == ("CN-GD", "Asia/Shanghai", "王芳")
    assert customer.quiet == (DailyRange(22 * 60, 8 * 60), DailyRange(12 * 60, 13 * 60 + 30))
    assert dict(customer.attributes) == {"policy_expiry": "2026-12-01", "product": "车险", "balance": 12.5}


@pytest.mark.parametrize(
    ("headings", "row", "column", "says"),
    [
        ("id|phone", "|13800138000", "id", "reference is missing"),
        ("id|phone", "1.1E+17|13800138000", "id", "a spreadsheet has cut digits off"),
        ("id|phone", f"{'x' * 101}|13800138000", "id", "longer than 100"),
        ("id|phone", "1|", "phone", "has no number"),
        ("id|phone", "1|无", "phone", "has no number"),
        ("id|phone", "1|1.38E+10", "phone", "a spreadsheet has cut digits off"),
        ("id|phone", "1|138OO138OOO", "phone", "letters"),
        ("id|phone", "1|212-555-0123", "phone", ""),
        ("id|phone", "1|13800138000/13900139000", "phone", ""),
        ("id|phone|phone2", "1|13800138000|12x", "phone2", ""),
        ("id|phone|zone", "1|13800138000|UTC+8", "zone", "IANA"),
        ("id|phone|quiet", "1|13800138000|nights", "quiet", "22:00-08:00"),
        ("id|phone|quiet", "1|13800138000|22:00-22:00", "quiet", "22:00-08:00"),
        ("id|phone|order date", "1|13800138000|01/02/2026", "order date", "date_formats"),
        ("id|phone|order date", "1|13800138000|2026-02-30", "order date", "no such day"),
        ("id|phone|balance", "1|13800138000|1,234", "balance", "no plain number"),
        ("id|phone|region", "1|13800138000|Atlantis", "region", "ISO 3166"),
        ("id|phone|language", "1|13800138000|Klingon!", "language", "language"),
        ("id|phone|tier", "1|13800138000|VIP3", "tier", "may or may not mean VIP"),
        ("id|phone|dnc", "1|13800138000|rather not", "dnc", "date_formats|neither"),
        ("id|phone|name", "1|13800138000|a|b", "", "more cells than there are headings"),
        ("id|phone|name", "1|13800138000|" + "x" * (LONGEST_CELL + 1), "", "longer than"),
    ],
)
def test_row_in_doubt_is_rejected_with_column_and_reason(headings: str, row: str, column: str, says: str) -> None:
    reject = refused(headings, row)
    assert reject.number == 2
    assert reject.column == column
    assert any(part in reject.reason for part in says.split("|"))
    assert reject.reason


def test_doubtful_number_beside_a_good_one_is_dropped_only_if_the_mapping_says_so() -> None:
    headings, row = "id|phone|phone2", "1|138OO138OOO|13800138000"
    assert refused(headings, row).column == "phone"
    numbers = accepted(headings, row, drop_doubtful_numbers=True).numbers
    assert [number.e164 for number in numbers] == ["+8613800138000"]
    assert refused(headings, "1|138OO138OOO|", drop_doubtful_numbers=True).column == "phone"


def test_same_number_twice_is_one_number() -> None:
    assert len(accepted("id|phone|phone2", "1|13800138000|+86 138-0013-8000").numbers) == 1


def test_local_number_is_read_as_of_the_customers_own_country() -> None:
    assert accepted("id|phone|country", "1|(212) 555-0123|US").numbers[0].e164 == "+12125550123"
    assert accepted("id|phone|country", "1|020 7946 0123|UK", home="US").numbers[0].e164 == "+442079460123"
    assert accepted("id|phone|country", "1|+8613800138000|US").numbers[0].region == "CN"


def test_local_number_that_fits_two_countries_is_in_doubt() -> None:
    assert "could be a number of" in refused("id|phone|country", "1|0412 345 678|NL", home="AU").reason


def test_local_number_without_any_country_is_in_doubt() -> None:
    assert refused("id|phone", "1|13800138000", home="").column == "phone"
    assert accepted("id|phone", "1|13800138000", home="", number_region="CN").numbers[0].region == "CN"


def test_area_code_of_the_mapping_completes_local_numbers() -> None:
    assert refused("id|phone", "1|84000000").column == "phone"
    assert accepted("id|phone", "1|84000000", area_code="010").numbers[0].e164 == "+861084000000"


@pytest.mark.parametrize("word", ["是", "yes", "Y", "1", "TRUE", "√", "退订", "Opted out", "2026-05-01"])
def test_opt_out_is_heard_even_on_a_rejected_row(word: str) -> None:
    assert read("id|phone|勿扰", f"1|13800138000|{word}").opted_out
    reject = refused("id|phone|勿扰", f"1|nonsense|{word}")
    assert (reject.reference, reject.opted_out) == ("1", True)


@pytest.mark.parametrize("word", ["否", "no", "0", "", "-", "无", "FALSE"])
def test_no_opt_out(word: str) -> None:
    assert not read("id|phone|勿扰", f"1|13800138000|{word}").opted_out


def test_values_and_defaults_of_the_mapping() -> None:
    keys: dict[str, Any] = {
        "values": {"tier": {"金卡": "gold", "VIP3": "vip"}, "region": {"华南区": "CN-GD"}},
        "defaults": {"language": "zh-CN", "region": "CN", "agent": "desk"},
        "date_formats": ["%d/%m/%Y"],
    }
    customer = accepted("id|phone|tier|region|order date", "1|13800138000|金卡|华南区|01/02/2026", **keys)
    assert (customer.tier, customer.region, customer.language, customer.agent) == ("gold", "CN-GD", "zh-CN", "desk")
    assert customer.attributes["order_date"] == "2026-02-01"
    assert accepted("id|phone|tier|region", "1|13800138000|vip3|", **keys).tier == VIP
    assert accepted("id|phone|tier|region", "1|13800138000||", **keys).region == "CN"


def test_vip_flag_outranks_the_tier() -> None:
    assert accepted("id|phone|tier|是否VIP", "1|13800138000|gold|是").tier == VIP
    assert accepted("id|phone|tier|是否VIP", "1|13800138000|gold|否").tier == "gold"


@pytest.mark.parametrize(
    ("given_name", "family", "name"),
    [("Ann", "Lee", "Ann Lee"), ("三", "张", "张三"), ("", "Lee", "Lee"), ("Ann", "", "Ann")],
)
def test_name_in_two_columns(given_name: str, family: str, name: str) -> None:
    assert accepted("id|phone|first name|last name", f"1|13800138000|{given_name}|{family}").name == name


def test_long_names_are_cut_and_missing_cells_are_empty() -> None:
    customer = accepted("id|phone|name|notes", f"1|13800138000|{'a' * 150}")
    assert len(customer.name) == 100
    assert customer.attributes == {}


@given(
    cells=st.lists(st.text(max_size=40) | st.sampled_from(["13800138000", "是", "22:00-08:00", "US-NY"]), max_size=16),
    home=st.sampled_from(["", "CN", "US", "IT"]),
)
def test_any_cells_are_accepted_or_rejected_with_a_reason(cells: list[str], home: str) -> None:
    text = "id|name|phone|phone2|tier|vip|region|state|zone|quiet|language|agent|dnc|order date|balance"
    headings = text.split("|")
    reader = RowReader(understand(headings, FileMapping(), "x.csv"), FileMapping(), home)
    result = reader.read(7, [clean(cell) for cell in cells])
    if isinstance(result, Row):
        assert result.customer.reference
        assert result.customer.numbers
    else:
        assert result.reason


# --- Single values


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-12-01", "2026-12-01"),
        ("2026/1/2", "2026-01-02"),
        ("2026.1.2", "2026-01-02"),
        ("２０２６年１月２日", "2026-01-02"),
        ("20260102", "2026-01-02"),
        ("2026-01-02 09:30:00", "2026-01-02"),
        ("2026-01-02T09:30:00+08:00", "2026-01-02"),
    ],
)
def test_dates_that_begin_with_the_year(text: str, day: str) -> None:
    assert calendar_date(text, ()) == day


@pytest.mark.parametrize(
    ("text", "formats", "day"),
    [("31/12/2026", ("%m/%d/%Y", "%d/%m/%Y"), "2026-12-31"), ("3 Dec 2026", ("%d %b %Y",), "2026-12-03")],
)
def test_dates_in_the_formats_of_the_mapping(text: str, formats: tuple[str, ...], day: str) -> None:
    assert calendar_date(text, formats) == day


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("CN", "CN"),
        ("us-ny", "US-NY"),
        ("China", "CN"),
        ("中国", "CN"),
        ("广东", "CN-GD"),
        ("广西壮族自治区", "CN-GX"),
        ("北京市海淀区", "CN-BJ"),
        ("香港特别行政区", "HK"),
        ("New York", "US-NY"),
        ("ontario", "CA-ON"),
        ("United States", "US"),
        ("CA", "CA"),
    ],
)
def test_places(text: str, region: str) -> None:
    assert region_of(text) == region


@pytest.mark.parametrize("text", ["Georgia", "US-ZZ", "XX", "深圳", "Springfield", "华南"])
def test_places_that_could_be_others_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"ISO 3166|contradict"):
        region_of(text)


def test_parts_of_countries() -> None:
    assert part_of("US", "CA") == "US-CA"
    assert part_of("US", "Georgia") == "US-GA"
    assert part_of("DE", "BY") == "DE-BY"
    assert part_of("CN", "广东省") == "CN-GD"
    with pytest.raises(ValueError, match="contradict"):
        part_of("CN", "New York")


def test_state_beside_country() -> None:
    assert accepted("id|phone|country|state", "1|+12125550123|USA|NY").region == "US-NY"
    assert refused("id|phone|country|state", "1|+12125550123|USA|Ontario").column == "state"
    assert accepted("id|phone|省份", "1|13800138000|四川").region == "CN-SC"


def test_tiers_languages_quiet_hours_and_wishes() -> None:
    assert [tier_of(text) for text in ("ＶＩＰ", "Gold", "非VIP", "贵宾")] == [VIP, "gold", "", VIP]
    assert [tier_of_flag(text) for text in ("Y", "否", "gold")] == [VIP, "", "gold"]
    assert [language_of(text) for text in ("zh_cn", "EN", "英语", "zh-hant-tw")] == ["zh-CN", "en", "en", "zh-Hant-TW"]
    assert quiet_hours("22:00~8:00; 12:00 - 13:00") == (DailyRange(22 * 60, 8 * 60), DailyRange(12 * 60, 13 * 60))
    assert opted_out("DNC")


def test_field_words_do_not_contradict_each_other() -> None:
    assert len({member.value for member in Field}) == len(list(Field))
