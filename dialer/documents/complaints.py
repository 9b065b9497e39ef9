"""Says what is wrong with a file in the words of its author, not in those of the library that found it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dialer.core.document import Flaw, quoted
from dialer.core.script_check import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

    from dialer.documents.source import Place, Source


@dataclass(frozen=True)
class Grammar:
    """What a kind of file may hold. `tags` are words that pydantic puts into the place of an error and no file holds.

    `forms` says of a regular expression in the model what it expects, in words.
    """

    model: type[BaseModel]
    tags: frozenset[str] = frozenset()
    forms: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of such files, by which editors complete and check them."""
        schema = self.model.model_json_schema(by_alias=True)
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}

    def explain(self, detail: ErrorDetails, source: Source) -> Flaw:
        """A validation error in the words of the file's author."""
        loc, kind, context = detail["loc"], detail["type"], detail.get("ctx", {})
        place = self._place(loc, source)
        if kind == "missing":
            return Flaw(place, f"'{place[-1]}' is missing", f"add it: {self._described(loc)}")
        if detail["input"] is None:
            return Flaw(place, "nothing is said here", "fill it in, or remove the key")
        if kind == "extra_forbidden":
            return Flaw(place, f"unknown key '{place[-1]}'", nearest(str(place[-1]), self._keys_at(loc[:-1])))
        if kind == "string_pattern_mismatch":
            pattern = context["pattern"]
            what = f"{quoted(detail['input'])} is not of the right form"
            mend = self.forms.get(pattern) or _FORMS.get(pattern, pattern)
        else:
            what, mend = _PLAIN.get(kind, _otherwise)(detail, context)
        return Flaw(place, f"the name {what}" if loc[-1] == "[key]" else what, mend)

    def _place(self, loc: Place, source: Source) -> Place:
        """The keys in the file that lead to an error, without the words that pydantic adds."""
        place: Place = ()
        for part in loc:
            if part == "[key]" or (part in self.tags and (*place, part) not in source.lines):
                continue
            place = (*place, part)
        return place

    def _keys_at(self, loc: Place) -> list[str]:
        """The keys a file may hold at a place."""
        return list(self._schema_at(loc).get("properties", {}))

    def _described(self, loc: Place) -> str:
        """What the missing key means."""
        found: dict[str, Any] = self._schema_at(loc[:-1]).get("properties", {}).get(loc[-1], {})
        return str(found.get("description", ""))

    def _schema_at(self, loc: Place) -> dict[str, Any]:
        """The part of the JSON Schema that describes a place; empty where it says nothing."""
        schema = self.json_schema
        here = schema
        for part in loc:
            if part in self.tags:
                here = schema["$defs"][part]
            elif isinstance(part, int):
                here = here.get("items", {})
            else:
                here = here.get("properties", {}).get(part) or _entry(here)
            here = _resolved(here, schema)
        return here


Said = tuple[str, str]


def _own(_detail: ErrorDetails, context: Mapping[str, Any]) -> Said:
    return context["what"], context["mend"]


def _no_text(detail: ErrorDetails, _context: Mapping[str, Any]) -> Said:
    return f"{quoted(detail['input'])} is no text", "expected text: put it in quotes"


def _no_whole(detail: ErrorDetails, _context: Mapping[str, Any]) -> Said:
    return f"{quoted(detail['input'])} is no whole number", "expected a whole number, without quotes"


def _no_number(detail: ErrorDetails, _context: Mapping[str, Any]) -> Said:
    return f"{quoted(detail['input'])} is no number", "expected a number such as 0.03, without quotes"


def _no_truth(detail: ErrorDetails, _context: Mapping[str, Any]) -> Said:
    return f"{quoted(detail['input'])} is neither true nor false", "expected true or false"


def _no_choice(detail: ErrorDetails, context: Mapping[str, Any]) -> Said:
    allowed = re.findall(r"'([^']*)'", context["expected"])
    close = nearest(str(detail["input"]), allowed)
    return f"{quoted(detail['input'])} is not known here", close


def _no_block(detail: ErrorDetails, _context: Mapping[str, Any]) -> Said:
    return f"{quoted(detail['input'])} stands where keys are expected", "expected indented 'key: value' lines"


def _no_list(detail: ErrorDetails, _context: Mapping[str, Any]) -> Said:
    return f"{quoted(detail['input'])} is no list", "expected [one, two] or lines that begin with '-'"


def _too_small(detail: ErrorDetails, context: Mapping[str, Any]) -> Said:
    return f"{detail['input']} is too little", f"expected at least {context['ge']}"


def _too_large(detail: ErrorDetails, context: Mapping[str, Any]) -> Said:
    return f"{detail['input']} is too much", f"expected at most {context['le']}"


def _too_short(_detail: ErrorDetails, _context: Mapping[str, Any]) -> Said:
    return "nothing is said here", "expected at least one entry"


def _too_long(detail: ErrorDetails, context: Mapping[str, Any]) -> Said:
    return f"{len(detail['input'])} characters are too many", f"expected at most {context['max_length']}"


def _otherwise(detail: ErrorDetails, _context: Mapping[str, Any]) -> Said:
    return f"{quoted(detail['input'])} cannot be used here", detail["msg"]


_PLAIN: dict[str, Callable[[ErrorDetails, Mapping[str, Any]], Said]] = {
    "dialer": _own,
    "string_type": _no_text,
    "int_type": _no_whole,
    "float_type": _no_number,
    "float_parsing": _no_number,
    "bool_type": _no_truth,
    "enum": _no_choice,
    "literal_error": _no_choice,
    "model_type": _no_block,
    "dict_type": _no_block,
    "tuple_type": _no_list,
    "greater_than_equal": _too_small,
    "less_than_equal": _too_large,
    "too_short": _too_short,
    "string_too_short": _too_short,
    "string_too_long": _too_long,
}
_FORMS = {
    r"^[a-z][a-z0-9_-]{0,39}$": "expected small letters, digits, _ and -, beginning with a letter, at most 40",
}


def _entry(here: dict[str, Any]) -> dict[str, Any]:
    """The shape of what a block holds under names of the author's own."""
    free = here.get("additionalProperties")
    by_name = list(here.get("patternProperties", {}).values())
    found: dict[str, Any] = free if isinstance(free, dict) else by_name[0] if by_name else {}
    return found


def _resolved(here: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Follow references, and of several shapes take the one that has keys of its own."""
    while True:
        if "$ref" in here:
            here = schema["$defs"][here["$ref"].rpartition("/")[2]]
        elif "anyOf" in here:
            here = next(
                (shape for shape in here["anyOf"] if "$ref" in shape or shape.get("type") in {"object", "array"}), {}
            )
        else:
            return here
