"""The languages of the console: catalogues read at the start, dates and numbers as people write them."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.support import NullTranslations, Translations

from dialer.web.console.words import WORDS

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from enum import StrEnum

LOCALE: Final = Path(__file__).parents[1] / "locale"

LANGUAGES: Final = {"en": "English", "zh-CN": "简体中文"}
"""Each by its own name, as its readers look for it."""

_PATTERNS: Final = {
    "en": {"time": "HH:mm", "day": "d MMM", "moment": "d MMM HH:mm"},
    "zh-CN": {"time": "HH:mm", "day": "M月d日", "moment": "M月d日 HH:mm"},
}


def N_(text: str) -> str:  # noqa: N802 - the name under which gettext's tools look for it
    """A text that is translated later, where it is shown."""
    return text


class Tongue:
    """One language, with the house's clock."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self.language = language
        self.zone = zone
        self.locale = Locale.parse(language, sep="-")
        self.texts = _catalogue(language)

    def say(self, text: str, **values: object) -> str:
        """`text` in this language, its %(names)s filled in; without values a % stands for itself only as %%."""
        return self.texts.gettext(text) % values

    def time(self, at: datetime, zone: str = "") -> str:
        """14:30, by the house's clock or that of `zone`."""
        return self._form(at, "time", zone)

    def day(self, at: datetime, zone: str = "") -> str:
        """3 Mar."""
        return self._form(at, "day", zone)

    def moment(self, at: datetime, zone: str = "") -> str:
        """3 Mar 14:30."""
        return self._form(at, "moment", zone)

    def _form(self, at: datetime, form: str, zone: str) -> str:
        local = at.astimezone(ZoneInfo(zone) if zone else self.zone)
        return format_datetime(local, _PATTERNS[self.language][form], locale=self.locale)

    def clock(self, span: timedelta) -> str:
        """A running time: 0:07, 3:05, 1:02:03."""
        seconds = max(0, int(span.total_seconds()))
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"

    def number(self, value: float) -> str:
        """1,234."""
        return format_decimal(value, locale=self.locale)

    def percent(self, part: float, digits: int = 1) -> str:
        """A share from 0 to 1 as 2.9%."""
        return format_percent(part, "0." + "#" * digits + "%", locale=self.locale)

    def word(self, member: StrEnum) -> str:
        """A value of one of our enumerations as people call it."""
        return self.say(WORDS[f"{type(member).__name__}.{member.value}"])


class Languages:
    """The languages there are, and which of them somebody gets."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._tongues = {language: Tongue(language, zone) for language in LANGUAGES}

    def all(self) -> dict[str, Tongue]:
        """Every language by its tag."""
        return self._tongues

    def choose(self, chosen: str, asked: str) -> Tongue:
        """The language somebody chose, else the first that their browser asks for (Accept-Language, RFC 9110 12.5.4).

        Any kind of Chinese is better served by ours than by English.
        """
        if chosen in self._tongues:
            return self._tongues[chosen]
        return next((t for tag in _wanted(asked) if (t := self._served(tag)) is not None), self._tongues["en"])

    def _served(self, tag: str) -> Tongue | None:
        kind = tag.partition("-")[0].lower()
        return self._tongues.get({"zh": "zh-CN", "en": "en"}.get(kind, ""))


def _wanted(asked: str) -> list[str]:
    """The tags of an Accept-Language header, the most wanted first."""
    tags: list[tuple[float, str]] = []
    for part in asked[:200].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            tags.append((-float(weight or 1), tag.strip()))
        except ValueError:
            continue
    return [tag for weight, tag in sorted(tags, key=lambda one: one[0]) if weight < 0]


@cache
def _catalogue(language: str) -> NullTranslations:
    """The texts of a language. They are written in English, which needs none."""
    path = LOCALE / language.replace("-", "_") / "LC_MESSAGES" / "console.po"
    if language == "en":
        return NullTranslations()
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language.replace("-", "_"), abort_invalid=True)
    compiled: Any = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled, domain="console")
