"""Sentences with gaps: fills in the customer's fields so that nothing a customer file holds can change what is said."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from dialer.core.customer import Value

LONGEST_VALUE = 100
"""Characters of one field that are spoken at most."""

_NO_CHARACTER = 0xFFFE
"""The last two code points of each plane are no characters."""
_GAP = re.compile(r"\{([a-z][a-z0-9_-]*)(?:\|([^{}|]*))?\}")
_SPACES = re.compile(r"\s+")
_BEFORE_STOP = re.compile(r" +([,.;:!?])")


def fill(text: str, value: Callable[[str], Value | None]) -> str:
    """`text` with every `{field}` replaced by its value, or by the default of `{field|default}`, or by nothing.

    One pass: braces inside a value stay what they are.
    """

    def replace(gap: re.Match[str]) -> str:
        found = value(gap[1])
        said = clean(str(found)) if found is not None else ""
        return said or (gap[2] or "")

    filled = _SPACES.sub(" ", _GAP.sub(replace, text)).strip()
    return _BEFORE_STOP.sub(r"\1", filled)


def clean(value: str) -> str:
    """A value as it may be spoken: no control characters, nothing XML forbids, at most `LONGEST_VALUE` characters."""
    kept = "".join(" " if _is_forbidden(character) else character for character in value)
    return _SPACES.sub(" ", kept).strip()[:LONGEST_VALUE]


def _is_forbidden(character: str) -> bool:
    # Cc: controls; Cs: lone surrogates (XML 1.0, section 2.2).
    return unicodedata.category(character) in {"Cc", "Cs"} or ord(character) & _NO_CHARACTER == _NO_CHARACTER


def gaps(text: str) -> list[str]:
    """The fields that `text` mentions, in order."""
    return [match[1] for match in _GAP.finditer(text)]


def stray_brace(text: str) -> bool:
    """Whether `text` holds a brace that belongs to no `{field}`."""
    rest = _GAP.sub("", text)
    return "{" in rest or "}" in rest
