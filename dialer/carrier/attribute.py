"""Reads the attributes of a TwiML element, strictly, and names what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from xml.etree import ElementTree as ET


class TwimlError(Exception):
    """A document Twilio would not perform, or the stand-in does not; `code` is Twilio's error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_names(element: ET.Element, known: Collection[str], not_yet: Collection[str] = ()) -> None:
    """Raise `TwimlError` for an attribute that TwiML does not have (12200) or the stand-in ignores (12100)."""
    unknown = sorted(set(element.keys()) - set(known))
    for name in unknown:
        if name in not_yet:
            raise TwimlError(12100, f"the stand-in carrier does not perform <{element.tag} {name}> yet")
    if unknown:
        raise TwimlError(
            12200, f"<{element.tag}> has no attribute {', '.join(unknown)} (known here: {', '.join(sorted(known))})"
        )


def method(element: ET.Element, name: str = "method") -> str:
    """GET or POST (the default)."""
    value = element.get(name, "POST").upper()
    if value not in {"GET", "POST"}:
        raise TwimlError(12200, f'<{element.tag} {name}="{value}">: expected GET or POST')
    return value


def flag(element: ET.Element, name: str, *, default: bool = False) -> bool:
    """A boolean, written true or false."""
    value = element.get(name, str(default)).lower()
    if value not in {"true", "false"}:
        raise TwimlError(12200, f'<{element.tag} {name}="{value}">: expected true or false')
    return value == "true"


def whole(element: ET.Element, name: str, default: int, *, lowest: int, highest: int) -> int:
    """A whole number within limits."""
    value = element.get(name)
    if value is None:
        return default
    if not (value.isascii() and value.isdigit()) or not lowest <= int(value) <= highest:
        raise TwimlError(12200, f'<{element.tag} {name}="{value}">: expected a whole number, {lowest} to {highest}')
    return int(value)


def one_of(element: ET.Element, name: str, known: Collection[str]) -> None:
    """Check an attribute whose value changes only what is heard, and so nothing here."""
    value = element.get(name)
    if value is not None and value not in known:
        raise TwimlError(12200, f'<{element.tag} {name}="{value}">: expected one of {", ".join(known)}')
