"""The gate's reasons as reports tell them: each once, and in the reader's language as far as the words are known."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from dialer.reports.language import Language, say
from dialer.reports.phrases import DAYS, REASON_PARTS, REASON_UNITS, REASONS

_APART: Final = "; "
"""Stands between the reasons of a note, and within some."""

_PLACE: Final = re.compile(rf"(\S+) \(({'|'.join(DAYS)}) ([\d:]+) there\)")
_MORE: Final = re.compile(r" and (\d+) more zones?$")
_KNOWN: Final = tuple((re.compile(pattern), chinese) for pattern, chinese in REASONS)


def reasons(note: str, language: Language) -> str:
    """The reasons of a note, each of them once. What nobody translated stays English."""
    parts = dict.fromkeys(note.split(_APART))
    if language is Language.EN:
        return _APART.join(parts)
    return say("text.and", language).join(map(_chinese, parts))


@lru_cache(maxsize=4096)
def _chinese(reason: str) -> str:
    """One reason in Chinese, if it is known. Notes of a day differ in little but the minute."""
    for pattern, chinese in _KNOWN:
        found = pattern.fullmatch(reason)
        if found is not None:
            asked = {name: text or "" for name, text in found.groupdict().items()}
            told = {name: _part(name, text) for name, text in asked.items()}
            # Of a note in a person's words only what stands before a colon would be known.
            return reason if asked.get("rest") and told["rest"] == asked["rest"] else chinese.format(**told)
    return reason


def _part(name: str, text: str) -> str:
    """A part of a reason that is a reason or places with their clocks; other parts are words, names or numbers."""
    if name == "rest":
        return _chinese(text)
    if name == "places":
        there = [f"{zone} 当地（{DAYS[day]} {time}）" for zone, day, time in _PLACE.findall(text)]
        more = _MORE.search(text)
        return "、".join(there) + (say("text.more_zones", Language.ZH_CN).format(count=more[1]) if more else "")
    for english, chinese in REASON_UNITS.get(name, ()):
        text = text.replace(english, chinese)
    return REASON_PARTS.get(name, {}).get(text, text)
