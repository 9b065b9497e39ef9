"""Takes away what people write around a phone number, and refuses the text when what is left is not certainly one.

Files come from people and spreadsheets: full-width and Chinese digits, labels, names, extensions, dial prefixes. What
is understood is removed; anything else makes the text doubtful, because a guess may ring a stranger.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from unicodedata import category, decimal, normalize


class DoubtfulNumberError(ValueError):
    """The text is not certainly one phone number. The message says why and never holds the number."""


@dataclass(frozen=True, slots=True)
class Written:
    """A number as it was written, stripped of everything but digits, a leading plus and their grouping."""

    text: str
    extension: str = ""

    @property
    def international(self) -> bool:
        """Whether the country code is certainly there."""
        return self.text.startswith("+")

    @property
    def digits(self) -> str:
        """The digits alone."""
        return "".join(self.groups)

    @property
    def groups(self) -> list[str]:
        """The digits as they were grouped."""
        return _DIGITS.findall(self.text)

    @property
    def spaced(self) -> bool:
        """Whether nothing but spaces divides the groups."""
        return not _PUNCTUATION.search(self.text)


_DIGITS: Final = re.compile(r"[0-9]+")
_PUNCTUATION: Final = re.compile(r"[-./()]")
_PLAIN: Final = re.compile(r"\+?[0-9]{7,15}")
_ALLOWED: Final = re.compile(r"\+?[0-9 ().\-/]+")
_MOST_DIGITS: Final = 20  # E.164 allows 15; a trunk prefix and a dial prefix may stand before them

_ODD_CHARACTERS: Final = str.maketrans(
    dict.fromkeys("‐‑‒–—―−﹣ー─", "-") | dict.fromkeys("【[{「", "(") | dict.fromkeys("】]}」", ")")
)
_CHINESE_DIGITS: Final = str.maketrans("〇零一二三四五六七八九幺", "001234567891")
_CHINESE: Final = "[〇零一二三四五六七八九幺]"
_CHINESE_RUN: Final = re.compile(rf"{_CHINESE}(?:[ -]*{_CHINESE}){{2,}}")
_CHINESE_INSIDE: Final = re.compile(rf"(?<=[0-9]){_CHINESE}{{1,2}}(?=[0-9])")
_CHINESE_BESIDE: Final = re.compile(rf"[0-9]{_CHINESE}|{_CHINESE}[0-9]")

_FAX: Final = re.compile(r"传真|(?<![a-z])fax(?![a-z])|^f *[.:]")
_KIND_OF_LINE: Final = (
    r"(?:联系|家庭|家里|住宅|办公室?|单位|公司|本人|客户|固定|移动)?(?:电话|手机|座机|固话|移动|号码|热线)(?:号码?)?"
    r"|(?:tel(?:ephone)?|phone|mobile|mob|cell(?:phone)?|home|work|office|number|no|nr)(?![a-z])"
)
_LABEL: Final = re.compile(rf"\(? *(?:{_KIND_OF_LINE}|[mtpho](?= *[.:])) *\)? *[.:=]* *")
_TITLE: Final = "先生|女士|小姐|太太|夫人|老师|经理|主任|师傅|医生|律师|阿姨|总"
_PERSON: Final = rf"[\u4e00-\u9fff]{{1,3}}?(?:{_TITLE})|本人|家|家里|家庭|住宅|单位|公司|办公室?"
_WHO: Final = re.compile(rf"(?:{_PERSON}) *[.:,]* *(?=[0-9+(])")
_NOTE: Final = re.compile(rf"[ ,;]*\(? *(?:{_PERSON}|{_KIND_OF_LINE}) *\)?$")
_EXTENSION: Final = re.compile(
    r"(?<=[0-9)])[ ,;(]*(?:转接?|分机号?|内线|ext(?:ension|n)?|доб|x|#) *[.:=]? *#?([0-9]{1,7}) *\)?$"
)
_TWO: Final = re.compile(r"[0-9)] *(?:[;,、|&\n\r\t或和]|(?:or|and)(?![a-z])) *(?:\(?[+0-9])")
_TWO_BY_SPACE: Final = re.compile(r"[0-9]{6,} +\(?0(?:[ -]?[0-9]){5,}|[0-9] *\(?\+")
_SLASH: Final = re.compile(r"((?:\+|0)[0-9 ()]{1,8})/ *([0-9 -]{6,})")
_SPREADSHEET_FLOAT: Final = re.compile(r"([0-9]{7,15})\.0")
_COUNTRY_IN_PARENTHESES: Final = re.compile(r"\( *\+ *([0-9]{1,3}) *\)")

_CHINA: Final = r"(?:(?:\+|00)?86)?[ -]*"
_CHINA_LINE: Final = rf"{_CHINA}(?:\(?0?(?:10|2[0-9]|[3-9][0-9]{{2}})\)?[ -]*)?[2-8][0-9]{{6,7}}"
_CHINA_DASH_EXTENSION: Final = re.compile(rf"({_CHINA_LINE}|{_CHINA}1[3-9][0-9]{{9}})-([0-9]{{1,6}})")
_CHINA_DIAL_PREFIX: Final = re.compile(r"(?:12593|179[0-9]{2}|10193|11808)[ -]*(?=(?:0[0-9]|1[3-9])[0-9 -]{9,})")


def read(text: str, region: str) -> Written:
    """What `text` says, for a file whose numbers belong to `region`. DoubtfulNumberError when that is not certain."""
    if _PLAIN.fullmatch(text):
        return _divided(text, "", region)
    clean = _unlabelled(_characters(text))
    clean = _NOTE.sub("", clean)
    extension = ""
    if found := _EXTENSION.search(clean):
        clean, extension = clean[: found.start()], found[1]
        clean = _NOTE.sub("", clean)
    clean = _COUNTRY_IN_PARENTHESES.sub(r"+\1 ", clean, count=1).strip()
    _refuse_two(clean)
    _refuse_strange(clean)
    return _divided(clean.replace("/", " "), extension, region)


def _characters(text: str) -> str:
    """`text` in plain characters: half width, lower case, ASCII digits, nothing invisible."""
    if any(category(c) == "No" for c in text):
        raise DoubtfulNumberError("it holds a raised or circled digit, which may be a footnote")
    visible = "".join(c for c in normalize("NFKC", text) if category(c) != "Cf")
    plain = "".join(str(decimal(c, c)) for c in visible).translate(_ODD_CHARACTERS).lower()
    plain = re.sub(r"[^\S\n\r\t]+", " ", plain).strip(" \n\r\t',;.、:")
    plain = _CHINESE_RUN.sub(lambda run: run[0].translate(_CHINESE_DIGITS), plain)
    plain = _CHINESE_INSIDE.sub(lambda run: run[0].translate(_CHINESE_DIGITS), plain)
    if _CHINESE_BESIDE.search(plain):
        raise DoubtfulNumberError("a Chinese numeral beside the digits may belong to the number or to a name")
    found = _SPREADSHEET_FLOAT.fullmatch(plain)
    return found[1] if found else plain


def _unlabelled(text: str) -> str:
    """`text` without the words before the number that say what line or whose it is."""
    if not any(c.isdigit() for c in text):
        raise DoubtfulNumberError("it holds no digits" if text else "it is empty")
    if _FAX.search(text):
        raise DoubtfulNumberError("it is marked as a fax number")
    text = re.sub(r"^tel:(?=[+0-9])", "", text)
    for pattern in (_LABEL, _LABEL, _WHO):
        found = pattern.match(text)
        text = text[found.end() :] if found else text
    return text


def _refuse_two(text: str) -> None:
    if _TWO.search(text) or _TWO_BY_SPACE.search(text):
        raise DoubtfulNumberError("it holds more than one number; give each its own cell")
    if "/" in text and not _SLASH.fullmatch(text):
        raise DoubtfulNumberError("a slash may divide two numbers; give each its own cell")


def _refuse_strange(text: str) -> None:
    if any("\u4e00" <= c <= "\u9fff" for c in text):
        raise DoubtfulNumberError("words beside the number may change its meaning")
    if any(c.isalpha() for c in text):
        raise DoubtfulNumberError("it holds letters, which may be mistyped digits")
    if not _ALLOWED.fullmatch(text):
        raise DoubtfulNumberError("it holds characters that do not belong into a phone number")


def _divided(text: str, extension: str, region: str) -> Written:
    """Number and extension, where only the Chinese habit of writing tells them apart."""
    if region == "CN" or text.startswith(("+86", "0086")):
        text = _CHINA_DIAL_PREFIX.sub("", text, count=1) if not text.startswith("+") else text
        found = _CHINA_DASH_EXTENSION.fullmatch(text)
        if found and extension:
            raise DoubtfulNumberError("it holds two extensions")
        if found and len(found[2]) == 1:
            raise DoubtfulNumberError("one digit after a dash may be an extension or a range of numbers")
        if found:
            text, extension = found.groups()
    written = Written(text, extension)
    if len(written.digits) > _MOST_DIGITS:
        raise DoubtfulNumberError("it holds too many digits for one number")
    return written
