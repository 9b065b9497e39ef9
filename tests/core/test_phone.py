"""What people write into phone columns: each trap is read rightly or refused, and nothing leaks a whole number."""

from __future__ import annotations

import re

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.core.phone import DoubtfulNumberError, NumberKind, PhoneNumber, never_dial, parse_number

MOBILE, LINE = "+8613800138000", "+861084000000"


@pytest.mark.parametrize(
    "text",
    [
        "13800138000",
        "138 0013 8000",
        "138-0013-8000",
        "+86 138 0013 8000",
        "(+86)13800138000",
        "0086 138 0013 8000",
        "8613800138000",
        "013800138000",
        "１３８－００１３－８０００",
        "＋８６１３８００１３８０００",
        "一三八零零一三八零零零",
        "幺三八 〇〇幺三 八〇〇〇",
        "138零零138000",
        "\u202d13800138000\u202c",
        "138\u200b0013\u200b8000",
        "١٣٨٠٠١٣٨٠٠٠",
        "13800138000.0",
        "'13800138000",
        " 13800138000， ",
        "手机：13800138000",
        "联系电话 13800138000",
        "【手机】13800138000",
        "Mobile: 13800138000",
        "tel:+86-138-0013-8000",
        "M. 13800138000",
        "13800138000张先生",
        "13800138000（王女士）",
        "张先生：13800138000",
        "13800138000 (mobile)",
        "12593 13800138000",
        "1795113800138000",
    ],
)
def test_one_chinese_mobile_number_however_it_is_written(text: str) -> None:
    assert parse_number(text, "CN") == PhoneNumber(MOBILE, "CN", NumberKind.MOBILE)


@pytest.mark.parametrize(
    ("text", "extension"),
    [
        ("010-84000000", ""),
        ("(010) 8400 0000", ""),
        ("+86 (0)10 8400 0000", ""),
        ("17951-010-84000000", ""),
        ("010-84000000转123", "123"),
        ("010-84000000 转 123", "123"),
        ("010-84000000分机8001", "8001"),
        ("010-84000000（分机：8001）", "8001"),
        ("010-84000000转八零零一", "8001"),
        ("010-84000000转8001张先生", "8001"),
        ("010-84000000 ext. 12", "12"),
        ("010-84000000 x12", "12"),
        ("010-84000000#12", "12"),
        ("010-84000000-123", "123"),
        ("+86-10-84000000-123", "123"),
        ("tel:+86-10-84000000;ext=12", "12"),
    ],
)
def test_lines_and_their_extensions(text: str, extension: str) -> None:
    assert parse_number(text, "CN") == PhoneNumber(LINE, "CN", NumberKind.FIXED_LINE, extension)


@pytest.mark.parametrize(
    ("text", "region", "e164"),
    [
        ("(212) 555-0123", "US", "+12125550123"),
        ("1-212-555-0123", "US", "+12125550123"),
        ("212.555.0123 ext 7", "US", "+12125550123"),
        ("011 86 138 0013 8000", "US", MOBILE),
        ("+1 212-555-0123", "CN", "+12125550123"),
        ("030/1234567", "DE", "+49301234567"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("612 34 56 78", "ES", "+34612345678"),
        ("347 123 4567", "IT", "+393471234567"),
        ("9876543210", "IN", "+919876543210"),
        ("9123 4567", "HK", "+85291234567"),
        ("11 91234-5678", "BR", "+5511912345678"),
    ],
)
def test_other_countries_keep_their_habits(text: str, region: str, e164: str) -> None:
    assert parse_number(text, region).e164 == e164


@pytest.mark.parametrize(
    ("text", "region", "reason"),
    [
        ("", "CN", "empty"),
        ("无", "CN", "no digits"),
        ("138OO138OOO", "CN", "letters"),
        ("I3800138000", "CN", "letters"),
        ("1.38E+10", "CN", "letters"),
        ("1-800-FLOWERS", "US", "letters"),
        ("212-555-0123", "CN", "North American"),
        ("(212) 555-0123", "CN", "North American"),
        ("(212)5550123", "CN", "North American"),
        ("212 555 0123", "CN", "another country's"),
        ("2125550123", "CN", "another country's"),
        ("1-900-555-1234", "CN", "North American"),
        ("1 900 555 1234", "CN", "North American"),
        ("41 79 123 45 67", "CN", "."),
        ("2079460958", "GB", "another country's"),
        ("755-88888888", "CN", "another country's"),
        ("13800138000/13900139000", "CN", "slash"),
        ("010-84000000/1", "CN", "slash"),
        ("8400/8401", "CN", "slash"),
        ("13800138000、13900139000", "CN", "more than one"),
        ("13800138000\n13900139000", "CN", "more than one"),
        ("13800138000 或 13900139000", "CN", "more than one"),
        ("13800138000 +8613900139000", "CN", "more than one"),
        ("030 123456 030 123457", "DE", "more than one"),
        ("13800138000 13900139000", "CN", "too many digits"),
        ("8400000 8400001", "CN", "too long"),
        ("010-84000000-1", "CN", "range"),
        ("010-84000000-12转3", "CN", "two extensions"),
        ("84000000", "CN", "area code"),
        ("8400000", "CN", "area code"),
        ("555-0123", "US", "area code"),
        ("13800138000 空号", "CN", "words"),
        ("13800138000转13900139000", "CN", "words"),
        ("张三13800138000", "CN", "numeral"),
        ("传真 010-84000000", "CN", "fax"),
        ("fax 010-84000000", "CN", "fax"),
        ("13800138000①", "CN", "footnote"),
        ("138*0138000", "CN", "characters"),
        ("138????8000", "CN", "characters"),
        ("1380013800", "CN", "."),
        ("138001380001", "CN", "."),
        ("12800138000", "CN", "no such number"),
        ("+447700900123", "GB", "no such number"),  # kept for films
        ("+999 123456789", "CN", "numbering plan"),
        ("13800138000", "", "no country"),
        ("7", "CN", "too short"),
        ("4321", "CN", "too short"),
    ],
)
def test_doubt_is_refused_with_its_reason(text: str, region: str, reason: str) -> None:
    with pytest.raises(DoubtfulNumberError, match=reason):
        parse_number(text, region)


def test_a_local_number_gets_the_area_code_of_the_file() -> None:
    assert parse_number("8400-0000", "CN", area_code="010").e164 == LINE
    assert parse_number("84000000-123", "CN", area_code="10") == PhoneNumber(LINE, "CN", NumberKind.FIXED_LINE, "123")
    assert parse_number("555-0123", "US", area_code="212").e164 == "+12125550123"
    assert parse_number("021-64000000", "CN", area_code="010").e164 == "+862164000000"


@pytest.mark.parametrize(
    ("text", "region", "kind"),
    [
        ("110", "CN", NumberKind.EMERGENCY),
        ("112", "CN", NumberKind.EMERGENCY),
        ("122", "CN", NumberKind.EMERGENCY),
        ("+86 122", "CN", NumberKind.EMERGENCY),
        ("112", "US", NumberKind.EMERGENCY),
        ("911", "US", NumberKind.EMERGENCY),
        ("10086", "CN", NumberKind.SHORT),
        ("95588", "CN", NumberKind.SHORT),
        ("12345", "CN", NumberKind.SHORT),
        ("+861095588", "CN", NumberKind.SHORT),
        ("010-95588", "CN", NumberKind.SHORT),
        ("400-810-8888", "CN", NumberKind.SHARED_COST),
        ("800-810-8888", "CN", NumberKind.TOLL_FREE),
        ("900-555-1234", "US", NumberKind.PREMIUM),
        ("+1 800 234 5678", "US", NumberKind.TOLL_FREE),
        ("+44 70 1234 5678", "GB", NumberKind.PERSONAL),
        ("+1 500 555 0006", "US", NumberKind.PERSONAL),
    ],
)
def test_numbers_that_are_certain_and_never_dialed(text: str, region: str, kind: NumberKind) -> None:
    number = parse_number(text, region)
    assert number.kind is kind
    assert never_dial(number, frozenset({"CN", "US", "GB"})) is not None


@pytest.mark.parametrize("code", [800, 808, 870, 878, 881, 882, 883, 888, 979])
def test_numbers_of_no_country_are_never_dialed(code: int) -> None:
    number = PhoneNumber(f"+{code}12345678", "001", NumberKind.MOBILE)
    assert never_dial(number, frozenset({"001"})) is not None
    assert never_dial(PhoneNumber(number.e164, "CN", NumberKind.MOBILE), frozenset({"CN"})) is not None


def test_countries_are_told_apart_by_region_not_by_calling_code() -> None:
    allowed = frozenset({"US", "CN"})
    assert never_dial(parse_number("+1 212 555 0123", ""), allowed) is None
    assert never_dial(parse_number(MOBILE, ""), allowed) is None
    assert never_dial(parse_number("+1 876 555 1234", ""), allowed) == "JM is not among the allowed countries"
    assert never_dial(parse_number("+1 473 403 1234", ""), allowed) == "GD is not among the allowed countries"


@pytest.mark.parametrize("kind", NumberKind)
def test_only_lines_and_mobiles_are_dialed(kind: NumberKind) -> None:
    dialed = {NumberKind.MOBILE, NumberKind.FIXED_LINE, NumberKind.FIXED_OR_MOBILE}
    assert (never_dial(PhoneNumber(MOBILE, "CN", kind), frozenset({"CN"})) is None) == (kind in dialed)


@pytest.mark.parametrize(
    ("e164", "masked"),
    [
        (MOBILE, "+86•••••••8000"),
        ("+12125550123", "+1••••••0123"),
        ("+8610086", "+86•••86"),
        ("+86110", "+86•••"),
        ("", ""),
    ],
)
def test_numbers_are_shown_masked(e164: str, masked: str) -> None:
    number = PhoneNumber(e164, "CN", NumberKind.MOBILE, extension="8001")
    assert str(number) == f"{number}" == masked
    assert repr(number) == f"PhoneNumber({masked})"
    assert "8001" not in f"{number!r}"


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_every_country_is_read_back_from_its_international_form(region: str) -> None:
    for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
        example = phonenumbers.example_number_for_type(region, kind)
        if example is None or (region == "CN" and kind == phonenumbers.PhoneNumberType.FIXED_LINE):
            continue  # the Chinese example begins like a service number, which no line does
        spaced = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
        assert parse_number(spaced, "CN").e164 == "+" + "".join(c for c in spaced if c.isdecimal())


written = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="0123456789 -+()./,、转分机#xOl张三一八〇\n", max_size=30),
    st.from_regex(r"[+]?[0-9]{6,16}([ -/][0-9]{2,12})?", fullmatch=True),
)


@settings(max_examples=400, deadline=None)
@given(text=written, region=st.sampled_from(["CN", "US", "DE", "GB", "IN", ""]))
@pytest.mark.slow
def test_any_text_is_read_or_refused_and_the_refusal_tells_no_number(text: str, region: str) -> None:
    try:
        number = parse_number(text, region)
    except DoubtfulNumberError as refusal:
        assert not re.search(r"[0-9]{3}", str(refusal))  # noqa: PT017  both ways out are right
    else:
        assert re.fullmatch(r"\+[0-9]{4,15}", number.e164)
        assert number.e164 not in f"{number} {number!r}"
