"""Reads the cells of one field: dates, yes and no, tiers, languages, quiet hours. Refuses what could mean two things.

Every reader raises ValueError with the reason, which never quotes the cell: it may hold personal data.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from dialer.core.customer import VIP
from dialer.core.hours import DailyRange
from dialer.core.zones import is_zone
from dialer.customer_files.cells import folded, lost_digits

if TYPE_CHECKING:
    from dialer.core.customer import Value

NOTHING: Final = frozenset(
    {"", "-", "--", "---", "—", "——", "/", "\\", "n/a", "na", "#n/a", "none", "null", "nil", "无", "暂无", "没有", "空"}
)
"""Cells that people fill to say that there is nothing to say."""

_YES = frozenset({"1", "y", "yes", "true", "t", "x", "on", "√", "✓", "✔", "是", "有", "真", "对"})
_NO = NOTHING | {"0", "n", "no", "false", "f", "off", "×", "✗", "否", "假", "不", "不是"}
_STOP = frozenset(
    {"optedout", "optout", "unsubscribed", "unsubscribe", "dnc", "donotcall", "stop"}
    | {"退订", "已退订", "勿扰", "免打扰", "禁呼", "禁拨", "拒访", "拒绝回访", "黑名单"}
)
_VIP_WORDS = frozenset({"vip", "vip客户", "vip用户", "vip会员", "贵宾", "贵宾客户", "vip customer", "vip client"})
_NOT_VIP_WORDS = frozenset({"非vip", "非vip客户", "non-vip", "nonvip", "not vip", "no vip"})
_LANGUAGES = {
    "中文": "zh-CN",
    "汉语": "zh-CN",
    "普通话": "zh-CN",
    "简体中文": "zh-CN",
    "chinese": "zh-CN",
    "mandarin": "zh-CN",
    "英文": "en",
    "英语": "en",
    "english": "en",
    "french": "fr",
    "français": "fr",
    "german": "de",
    "deutsch": "de",
    "spanish": "es",
    "español": "es",
}
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_]([a-z]{4}))?(?:[-_]([a-z]{2}|[0-9]{3}))?")
_YEAR_FIRST = re.compile(r"([0-9]{4})(?:([-/.])([0-9]{1,2})\2([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})日?)(?:[t ].*)?")
_COMPACT_DATE = re.compile(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_CLOCK = re.compile(r"([0-9]{1,2})(?::([0-9]{2})(?::00)?|点([0-9]{2})分|[点时])(半)?")
_BETWEEN = re.compile(r"\s*(?:[-–—~〜～至到]|to)\s*")
_NEXT_RANGE = re.compile(r"\s*[,;、，；]\s*")


def is_nothing(text: str) -> bool:
    """Whether a cell says that there is nothing to say."""
    return not text or folded(text) in NOTHING


@lru_cache(maxsize=4096)
def yes_or_no(text: str) -> bool:
    """`yes`, `是`, `1`, `√` and their opposites; nothing is no."""
    word = folded(text)
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError("this is neither yes nor no; expected yes, no, 是, 否, 1, 0, true or false")


@lru_cache(maxsize=4096)
def opted_out(text: str) -> bool:
    """Whether a do-not-call cell says so: yes, a word such as `退订`, or the day on which it was said."""
    word = "".join(char for char in folded(text) if char.isalnum())
    if word in _STOP:
        return True
    try:
        return yes_or_no(text)
    except ValueError:
        return bool(calendar_date(text, ()))


@lru_cache(maxsize=4096)
def tier_of(text: str) -> str:
    """A tier in lower case, and `vip` however it is written.

    A word that only contains VIP is refused: reading it wrongly would break the promise to call back every VIP.
    """
    word = " ".join(folded(text).split())
    if word in _VIP_WORDS:
        return VIP
    if word in _NOT_VIP_WORDS or word in NOTHING:
        return ""
    if "vip" in word or "贵宾" in word:
        raise ValueError("this may or may not mean VIP; say which under values.tier in the mapping file")
    return word


@lru_cache(maxsize=4096)
def tier_of_flag(text: str) -> str:
    """The tier from a column headed VIP, which holds yes and no or the names of tiers."""
    word = folded(text)
    if word in _YES:
        return VIP
    return "" if word in _NO else tier_of(text)


@lru_cache(maxsize=4096)
def language_of(text: str) -> str:
    """A language tag such as `zh-CN`."""
    word = folded(text)
    if word in _LANGUAGES:
        return _LANGUAGES[word]
    tag = _LANGUAGE.fullmatch(word)
    if tag is None:
        raise ValueError("this is no language; expected a tag such as en, en-US or zh-CN")
    parts = [tag[1], (tag[2] or "").title(), (tag[3] or "").upper()]
    return "-".join(part for part in parts if part)


@lru_cache(maxsize=4096)
def zone_of(text: str) -> str:
    """An IANA time zone."""
    name = text.replace(" ", "_")
    if not is_zone(name):
        raise ValueError("this is no time zone; expected an IANA name such as Asia/Shanghai or America/New_York")
    return name


@lru_cache(maxsize=4096)
def quiet_hours(text: str) -> tuple[DailyRange, ...]:
    """`22:00-08:00`, `22点至8点`, several with commas between them."""
    parts = _NEXT_RANGE.split(folded(text).strip(",;"))
    return tuple(_daily_range(part) for part in parts)


def _daily_range(text: str) -> DailyRange:
    times = [_CLOCK.fullmatch(word) for word in _BETWEEN.split(text)]
    if len(times) == 2 and times[0] and times[1]:  # noqa: PLR2004 - from and until
        try:
            return DailyRange.parse("-".join(_clock_text(found) for found in times if found))
        except ValueError:
            pass
    raise ValueError("these are no quiet hours; expected times such as 22:00-08:00, with commas between several")


def _clock_text(found: re.Match[str]) -> str:
    return f"{int(found[1]):02}:{found[2] or found[3] or ('30' if found[4] else '00')}"


@lru_cache(maxsize=65_536)
def calendar_date(text: str, formats: tuple[str, ...]) -> str:
    """A day as ISO 8601 text. Year first is understood; any other order only as one of `formats` (strptime)."""
    word = folded(text)
    found = _YEAR_FIRST.fullmatch(word) or _COMPACT_DATE.fullmatch(word)
    try:
        if found:
            year, month, day = (int(part) for part in found.groups() if part and part.isdigit())
            return date(year, month, day).isoformat()
    except ValueError:
        raise ValueError("there is no such day in the calendar") from None
    for form in formats:
        try:
            return datetime.strptime(word, form).date().isoformat()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    raise ValueError("this is no date we can be sure of; expected year-month-day, or name date_formats in the mapping")


def number_of(text: str) -> Value:
    """A plain number. Thousands separators are refused: `1,234` is two numbers, depending on the country."""
    if lost_digits(text):
        raise ValueError("a spreadsheet has cut digits off this number; format the column as text and save it again")
    found = _NUMBER.fullmatch(folded(text))
    if found is None or len(text) > 30:  # noqa: PLR2004 - longer than any amount
        raise ValueError("this is no plain number; expected digits, and a point before decimals")
    return float(found[0]) if found[1] else int(found[0])
