"""Turns what an address column says (`China`, `广东省`, `NY`) into an ISO 3166 region, or refuses."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from itertools import takewhile
from typing import Final

from dialer.customer_files.cells import folded

_CODE = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,3}))?")
_PART_CODE = re.compile(r"[A-Z0-9]{1,3}")

COUNTRY_NAMES: Final = {
    "AE": "阿联酋",
    "AU": "澳大利亚 澳洲",
    "BR": "巴西",
    "CA": "加拿大",
    "CH": "瑞士 schweiz suisse",
    "CN": "中国 中国大陆 中华人民共和国 大陆 prc mainlandchina peoplesrepublicofchina",
    "DE": "德国 deutschland",
    "ES": "西班牙 españa",
    "FR": "法国",
    "GB": "英国 uk unitedkingdom greatbritain england scotland wales northernireland",
    "HK": "香港 中国香港 hongkongsar",
    "ID": "印度尼西亚 印尼",
    "IN": "印度",
    "IT": "意大利 italia",
    "JP": "日本",
    "KR": "韩国 southkorea korea",
    "MO": "澳门 中国澳门 macao macau",
    "MX": "墨西哥 méxico",
    "MY": "马来西亚",
    "NL": "荷兰 holland thenetherlands",
    "NZ": "新西兰",
    "PH": "菲律宾",
    "RU": "俄罗斯 russianfederation",
    "SG": "新加坡",
    "TH": "泰国",
    "TW": "台湾 中国台湾 taiwan",
    "US": "美国 usa unitedstatesofamerica america",
    "VN": "越南",
}
"""Names of countries beside the English ones in the IANA list of countries."""

PART_NAMES: Final = {
    "CN": "AH安徽 BJ北京 CQ重庆 FJ福建 GD广东 GS甘肃 GX广西 GZ贵州 HA河南 HB湖北 HE河北 HI海南 HL黑龙江 HN湖南 "
    "JL吉林 JS江苏 JX江西 LN辽宁 NM内蒙古 NX宁夏 QH青海 SC四川 SD山东 SH上海 SN陕西 SX山西 TJ天津 XJ新疆 "
    "XZ西藏 YN云南 ZJ浙江",
    "US": "ALalabama AKalaska AZarizona ARarkansas CAcalifornia COcolorado CTconnecticut DEdelaware "
    "DCdistrictofcolumbia DCwashingtondc FLflorida GAgeorgia HIhawaii IDidaho ILillinois INindiana IAiowa KSkansas "
    "KYkentucky LAlouisiana MEmaine MDmaryland MAmassachusetts MImichigan MNminnesota MSmississippi MOmissouri "
    "MTmontana NEnebraska NVnevada NHnewhampshire NJnewjersey NMnewmexico NYnewyork NCnorthcarolina NDnorthdakota "
    "OHohio OKoklahoma ORoregon PApennsylvania RIrhodeisland SCsouthcarolina SDsouthdakota TNtennessee TXtexas "
    "UTutah VTvermont VAvirginia WAwashington WVwestvirginia WIwisconsin WYwyoming",
    "CA": "ABalberta BCbritishcolumbia MBmanitoba NBnewbrunswick NLnewfoundlandandlabrador NTnorthwestterritories "
    "NSnovascotia NUnunavut ONontario PEprinceedwardisland QCquebec QCquébec SKsaskatchewan YTyukon",
    "AU": "NSWnewsouthwales NTnorthernterritory QLDqueensland SAsouthaustralia TAStasmania VICvictoria "
    "WAwesternaustralia ACTaustraliancapitalterritory",
}
"""Codes (ISO 3166-2) and names of the parts of countries in which the hour or the law depends on the part."""

_CHINESE_ADDRESS = re.compile(r"(.{2,3}?)(?:特别行政区|(?:壮族|回族|维吾尔)?自治区|省|市)")
_EXPECTED = (
    "expected an ISO 3166 code such as CN, US-NY or CA-ON; or give its meaning under values.region in the mapping"
)


@lru_cache(maxsize=4096)
def region_of(text: str) -> str:
    """`CN`, `US-NY`, `China`, `广东省` as an ISO 3166 region. ValueError when it could be anything else.

    A lone `CA` is the country: codes of parts need their country (`part_of`).
    """
    code = _CODE.fullmatch(folded(text).upper())
    if code and code[1] in _countries():
        return part_of(code[1], code[2]) if code[2] else code[1]
    name = _name(text)
    chinese = _CHINESE_ADDRESS.match(name)
    for each in (name, chinese[1] if chinese else ""):
        found = _country_names().get(each) or _all_part_names().get(each)
        if found:
            return found
    raise ValueError(f"this is no place we know for certain; {_EXPECTED}")


@lru_cache(maxsize=4096)
def part_of(country: str, text: str) -> str:
    """The part `text` of `country` (`NY` of `US`), itself a region. ValueError when the two do not fit."""
    code = folded(text).upper()
    if _PART_CODE.fullmatch(code) and (country not in PART_NAMES or code in _part_codes(country)):
        return f"{country}-{code}"
    region = _part_names(country).get(_name(text)) or region_of(text)
    if region[:2] != country:
        raise ValueError("the country and its part contradict each other")
    return region


def _name(text: str) -> str:
    return "".join(char for char in folded(text) if char.isalnum())


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    """ISO 3166 country codes and English names, from the list packaged in `tzdata`."""
    lines = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8").splitlines()
    return {line[:2]: line[3:] for line in lines if line and not line.startswith("#")}


@lru_cache(maxsize=1)
def _country_names() -> dict[str, str]:
    names = {_name(name): code for code, name in _countries().items()}
    names.update({_name(name): code for code, more in COUNTRY_NAMES.items() for name in more.split()})
    del names["georgia"]  # the country or the state
    return names


@lru_cache(maxsize=64)
def _part_names(country: str) -> dict[str, str]:
    pairs = [_split(entry) for entry in PART_NAMES.get(country, "").split()]
    return {_name(name): f"{country}-{code}" for code, name in pairs}


@lru_cache(maxsize=1)
def _all_part_names() -> dict[str, str]:
    names = {name: region for country in PART_NAMES for name, region in _part_names(country).items()}
    del names["georgia"]
    return names


@lru_cache(maxsize=8)
def _part_codes(country: str) -> frozenset[str]:
    return frozenset(region[3:] for region in _part_names(country).values())


def _split(entry: str) -> tuple[str, str]:
    code = "".join(takewhile(str.isupper, entry))
    return code, entry.removeprefix(code)
