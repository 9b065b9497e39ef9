"""Turns what a customer file calls a phone number into one that is certain, and says which are never dialed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import phonenumbers
from phonenumbers import CountryCodeSource, NumberParseException, PhoneNumberFormat, PhoneNumberType, ValidationResult

from dialer.core.phone_text import DoubtfulNumberError, Written, read

__all__ = ["DoubtfulNumberError", "NumberKind", "PhoneNumber", "never_dial", "parse_number"]


class NumberKind(StrEnum):
    """What a number is, as its country's numbering plan says."""

    MOBILE = "mobile"
    FIXED_LINE = "fixed_line"
    FIXED_OR_MOBILE = "fixed_or_mobile"  # the plan does not tell them apart, as in North America
    TOLL_FREE = "toll_free"  # the called party pays
    PREMIUM = "premium"  # the caller pays for a service
    SHARED_COST = "shared_cost"  # such as 400 in China
    VOIP = "voip"
    PERSONAL = "personal"  # forwarded at the caller's expense
    PAGER = "pager"
    UAN = "uan"  # one number for a whole company
    VOICEMAIL = "voicemail"
    SHORT = "short"  # such as 10086, alone or behind an area code
    EMERGENCY = "emergency"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """One phone number. `str()` and `repr()` mask it; only `e164` holds all of it.

    `region` is the country by ISO 3166 (`CN`), `001` for numbers of no country. `extension` is dialed after the answer.
    """

    e164: str
    region: str
    kind: NumberKind
    extension: str = ""

    def __str__(self) -> str:
        code = _country_code(self.e164)
        rest = self.e164[len(code) :]
        shown = 4 if len(rest) > 7 else 2 if len(rest) > 4 else 0  # noqa: PLR2004  fewer of a short number
        return code + "•" * (len(rest) - shown) + rest[len(rest) - shown :]

    def __repr__(self) -> str:
        return f"PhoneNumber({self})"


def parse_number(text: str, default_region: str, *, area_code: str = "") -> PhoneNumber:
    """Read one number as people write it.

    `default_region` (ISO 3166, may be empty) is the country of numbers without a country code, `area_code` the town of
    numbers without an area code. Raises DoubtfulNumberError on any doubt: better no call than a stranger's phone.
    """
    region = default_region.upper()
    written = read(text, region)
    if not written.international and region not in phonenumbers.SUPPORTED_REGIONS:
        raise DoubtfulNumberError("it has no country code, and the file names no country to read it in")
    if not written.international and len(written.digits) <= _LONGEST_SHORT_NUMBER:
        return _short_number(written.digits, region)
    digits = _with_area(written, region, area_code)
    parsed = _parsed(digits, region)
    kind = _KINDS.get(phonenumbers.number_type(parsed), NumberKind.UNKNOWN)
    if kind is NumberKind.UNKNOWN:
        return _chinese_service_number(parsed)
    home = phonenumbers.region_code_for_number(parsed) or _NO_COUNTRY
    if home == "CN" and kind is NumberKind.FIXED_LINE and not _CHINESE_LINE.fullmatch(str(parsed.national_number)):
        return _chinese_service_number(parsed)
    if digits == written.digits:  # neither a plus nor an area code of the file: the country is only supposed
        _refuse_foreign(written, parsed, kind, home)
    e164 = _e164(parsed)
    if len(e164) > _LONGEST_E164:
        raise DoubtfulNumberError("it is too long for any country")
    return PhoneNumber(e164, home, kind, written.extension)


def never_dial(number: PhoneNumber, allowed_countries: frozenset[str]) -> str | None:
    """Why the number policy forbids dialing `number`, in words without the number; None when it may be dialed.

    Countries are compared by region: Jamaica and the United States share the code 1.
    """
    if number.e164.startswith(_OF_NO_COUNTRY) or number.region in {"", _NO_COUNTRY}:
        return "a number of no country, such as a satellite phone"
    reason = _NEVER.get(number.kind)
    if reason is not None:
        return reason
    if number.region not in allowed_countries:
        return f"{number.region} is not among the allowed countries"
    return None


_NO_COUNTRY: Final = "001"
_OF_NO_COUNTRY: Final = tuple(f"+{code}" for code in (800, 808, 870, 878, 881, 882, 883, 888, 979))
_LONGEST_SHORT_NUMBER: Final = 6
_LONGEST_E164: Final = 16  # the plus and 15 digits, says ITU-T E.164
_NANP: Final = 1  # the North American Numbering Plan
_NEVER: Final = MappingProxyType(
    {
        NumberKind.TOLL_FREE: "a toll-free number; ask the customer for another",
        NumberKind.PREMIUM: "a premium-rate number",
        NumberKind.SHARED_COST: "a shared-cost number",
        NumberKind.VOIP: "an internet telephony number; ask the customer for another",
        NumberKind.PERSONAL: "a personal number, forwarded at our expense",
        NumberKind.PAGER: "a pager",
        NumberKind.UAN: "the number of a whole company",
        NumberKind.VOICEMAIL: "a voicemail box",
        NumberKind.SHORT: "a short number",
        NumberKind.EMERGENCY: "an emergency number",
        NumberKind.UNKNOWN: "a number its numbering plan does not know",
    }
)
_KINDS: Final = MappingProxyType(
    {
        PhoneNumberType.MOBILE: NumberKind.MOBILE,
        PhoneNumberType.FIXED_LINE: NumberKind.FIXED_LINE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE: NumberKind.FIXED_OR_MOBILE,
        PhoneNumberType.TOLL_FREE: NumberKind.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE: NumberKind.PREMIUM,
        PhoneNumberType.SHARED_COST: NumberKind.SHARED_COST,
        PhoneNumberType.VOIP: NumberKind.VOIP,
        PhoneNumberType.PERSONAL_NUMBER: NumberKind.PERSONAL,
        PhoneNumberType.PAGER: NumberKind.PAGER,
        PhoneNumberType.UAN: NumberKind.UAN,
        PhoneNumberType.VOICEMAIL: NumberKind.VOICEMAIL,
    }
)
# China's emergency numbers beyond those the metadata knows: traffic accidents, and the GSM emergency number.
_MORE_EMERGENCY: Final = MappingProxyType({"CN": frozenset({"110", "112", "119", "120", "122", "999"})})
_EVERYWHERE_EMERGENCY: Final = frozenset({"112", "911"})  # mobile networks anywhere connect these
_CHINESE_LINE: Final = re.compile(r"(?:10|2[0-9])[2-8][0-9]{7}|[3-9][0-9]{2}[2-8][0-9]{6,7}")
_CHINESE_LOCAL: Final = re.compile(r"[2-8][0-9]{6,7}")
_CHINESE_SERVICE: Final = re.compile(r"(?:10|2[0-9]|[3-9][0-9]{2})?(?:9[56][0-9]{3,4}|100[0-9]{2}|1[12][0-9]{1,3})")
_NANP_DIGITS: Final = re.compile(r"1?[2-9][0-9]{2}[2-9][0-9]{6}")
_NANP_GROUPS: Final = ([3, 3, 4], [3, 7], [6, 4])


def _country_code(e164: str) -> str:
    """The plus and the country code of a number."""
    for length in (2, 3, 4):
        if e164[1:length].isdecimal() and int(e164[1:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return e164[:length]
    return e164[:1]


def _e164(parsed: phonenumbers.PhoneNumber) -> str:
    return f"+{parsed.country_code}{phonenumbers.national_significant_number(parsed)}"


def _parsed(digits: str, region: str) -> phonenumbers.PhoneNumber:
    try:
        return phonenumbers.parse(digits, region or None, keep_raw_input=True)
    except NumberParseException:
        raise DoubtfulNumberError("no country's numbering plan can read it") from None


def _with_area(written: Written, region: str, area_code: str) -> str:
    """The digits to read: with a plus when they are international, with the area code when they lack one."""
    if written.international:
        return "+" + written.digits
    digits = written.digits
    if not _lacks_area(digits, region):
        return digits
    area = "".join(c for c in area_code if c.isdecimal())
    if not area:
        raise DoubtfulNumberError("it is a local number without area code; name the area code in the mapping file")
    return area + digits


def _lacks_area(digits: str, region: str) -> bool:
    if region == "CN":
        return _CHINESE_LOCAL.fullmatch(digits) is not None
    possible = phonenumbers.is_possible_number_with_reason(_parsed(digits, region))
    return possible == ValidationResult.IS_POSSIBLE_LOCAL_ONLY


def _short_number(digits: str, region: str) -> PhoneNumber:
    """A number that only works inside a country. Certain, and never dialed."""
    parsed = _parsed(digits, region) if len(digits) > 1 else None
    more = _MORE_EMERGENCY.get(region, frozenset()) | _EVERYWHERE_EMERGENCY
    if digits in more or phonenumbers.connects_to_emergency_number(digits, region):
        kind = NumberKind.EMERGENCY
    elif parsed is not None and phonenumbers.is_valid_short_number_for_region(parsed, region):
        kind = NumberKind.SHORT
    else:
        raise DoubtfulNumberError("it is too short")
    return PhoneNumber(f"+{phonenumbers.country_code_for_region(region)}{digits}", region, kind)


def _chinese_service_number(parsed: phonenumbers.PhoneNumber) -> PhoneNumber:
    """A bank's or carrier's short number behind +86 or an area code; any other number without a plan is refused."""
    national = phonenumbers.national_significant_number(parsed)
    if parsed.country_code == phonenumbers.country_code_for_region("CN") and _CHINESE_SERVICE.fullmatch(national):
        short = national in _MORE_EMERGENCY["CN"]
        return PhoneNumber(_e164(parsed), "CN", NumberKind.EMERGENCY if short else NumberKind.SHORT)
    match phonenumbers.is_possible_number_with_reason(parsed):
        case ValidationResult.TOO_SHORT | ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            raise DoubtfulNumberError("it is too short for its country")
        case ValidationResult.TOO_LONG:
            raise DoubtfulNumberError("it is too long for its country")
        case _:
            raise DoubtfulNumberError("its country's numbering plan has no such number")


def _refuse_foreign(written: Written, parsed: phonenumbers.PhoneNumber, kind: NumberKind, home: str) -> None:
    """Refuse a number without country code that may be another country's."""
    if parsed.country_code == _NANP or kind in _NEVER:
        return
    nanp = _NANP_DIGITS.fullmatch(written.digits) is not None
    groups = [len(group) for group in written.groups]
    if nanp and groups[0] == 1:
        raise DoubtfulNumberError(_LOOKS_AMERICAN)
    if nanp and groups in _NANP_GROUPS and not written.spaced:
        raise DoubtfulNumberError(_LOOKS_AMERICAN)
    if kind is NumberKind.MOBILE and (home == "CN" or not nanp):  # Chinese mobile numbers have no trunk prefix
        return
    if parsed.country_code_source == CountryCodeSource.FROM_DEFAULT_COUNTRY and _lacks_trunk(written, parsed, home):
        raise DoubtfulNumberError("it may be another country's: neither a country code nor the 0 of an area code")


_LOOKS_AMERICAN: Final = "it is written like a North American number; write it with its country code"


def _lacks_trunk(written: Written, parsed: phonenumbers.PhoneNumber, home: str) -> bool:
    """Whether the prefix is missing with which the country always writes such a number."""
    trunk = _customary_trunk(home)
    if not trunk or written.digits.startswith(trunk):
        return False
    usual = phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)
    return "".join(c for c in usual if c.isdecimal()) == trunk + phonenumbers.national_significant_number(parsed)


@lru_cache(maxsize=512)
def _customary_trunk(region: str) -> str:
    """The prefix of area codes in `region`, empty where people are free to leave it out."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if metadata is None or metadata.national_prefix is None:
        return ""
    free = any(style.national_prefix_optional_when_formatting for style in metadata.number_format)
    return "" if free and region != "CN" else metadata.national_prefix
