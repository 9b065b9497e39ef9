"""What a listener makes of spoken text: how long it takes to say, and which keys it offers."""

from __future__ import annotations

import re
import unicodedata

LETTERS_PER_SECOND = 15.0
IDEOGRAPHS_PER_SECOND = 4.5
_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_SPOKEN = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "star": "*", "pound": "#", "hash": "#",
    "零": "0", "一": "1", "二": "2", "三": "3", "四": "4", "五": "5", "六": "6", "七": "7", "八": "8", "九": "9",
    "星号": "*", "井号": "#",
}  # fmt: skip
_KEY = r"([0-9*#]|" + "|".join(_SPOKEN) + r")(?![0-9])"
_OFFER = re.compile(
    rf"(?:\b(?:press|dial|enter|push)(?:\s+(?:the|key|number|digit))*\s*|按下?\s*(?:数字)?\s*){_KEY}"
    rf"(?:\s*(?:\bor\b|或者?|、)\s*{_KEY})?",
    re.IGNORECASE,
)


def speaking_seconds(text: str) -> float:
    """Simulated seconds a voice takes to say a text."""
    ideographs = len(_IDEOGRAPH.findall(text))
    letters = len(" ".join(text.split())) - ideographs
    return ideographs / IDEOGRAPHS_PER_SECOND + letters / LETTERS_PER_SECOND


def offered_keys(text: str) -> tuple[str, ...]:
    """The keys a prompt offers ("press 1 ...", "按2 ..."), in the order they are said."""
    found: dict[str, None] = {}
    for groups in _OFFER.findall(unicodedata.normalize("NFKC", text)):
        found.update((_SPOKEN.get(key.lower(), key), None) for key in groups if key)
    return tuple(found)
