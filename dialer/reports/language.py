"""The languages reports speak, and the one way to ask for a phrase."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from dialer.reports.phrases import PHRASES
from dialer.reports.words import WORDS

if TYPE_CHECKING:
    from datetime import datetime


class Language(StrEnum):
    """A language of headings and words."""

    EN = "en"
    ZH_CN = "zh-CN"


def say(key: str, language: Language) -> str:
    """The heading or sentence `key` in `language`. KeyError when nobody wrote it."""
    return PHRASES[key][0 if language is Language.EN else 1]


def word(member: StrEnum, language: Language) -> str:
    """A value of one of our enumerations, such as a state or an ending, as people call it."""
    return WORDS[f"{type(member).__name__}.{member.value}"][0 if language is Language.EN else 1]


def moment(instant: datetime) -> str:
    """An instant inside a sentence, always with its zone."""
    return f"{instant:%Y-%m-%d %H:%M} UTC"
