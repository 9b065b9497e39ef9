"""Reads YAML with the line of every key, and only the part of YAML that files written by people need."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from dialer.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dialer.errors import InputError

LARGEST_FILE = 256 * 1024
"""Bytes. What people write by hand is a page or two; what is larger is something else."""
DEEPEST = 40
"""Levels of keys inside keys; every format needs fewer than ten."""

Place = tuple[str | int, ...]
"""The keys that lead to a value."""


class _Loader(yaml.SafeLoader):
    """YAML as its version 1.2 means it: `no` is text, `9:30` is text, and a date is text until a key asks for one.

    Anchors, aliases and tags are refused: a few of them can unfold into gigabytes, and no file here needs them.
    """

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML reads it from the class
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) or isinstance(event, yaml.AliasEvent):
            raise yaml.composer.ComposerError(
                problem="anchors and aliases are not read here", problem_mark=event.start_mark
            )
        if getattr(event, "tag", None):
            raise yaml.composer.ComposerError(problem="tags are not read here", problem_mark=event.start_mark)
        if self.depth >= DEEPEST:
            raise yaml.composer.ComposerError(problem="keys are nested too deeply", problem_mark=event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]{0,14})$", list("-+0123456789")),
    ("float", r"^[-+]?(?:0|[1-9][0-9]{0,14})\.[0-9]{1,15}$", list("-+0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)

_SCALARS: dict[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:null": lambda _: None,
    "tag:yaml.org,2002:bool": lambda text: text.lower() == "true",
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": float,
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file, as complaints speak of it: its name, a line it could begin with, and the error to raise."""

    noun: str
    example: str
    error: type[InputError]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document came from, what kind of file it is, and the line of each of its keys."""

    name: str
    kind: Kind
    lines: dict[Place, int] = field(default_factory=dict)

    def where(self, place: Place) -> str:
        """A place the user can open: `renewal.yaml:12 attempts.most`."""
        line = self.line(place)
        return f"{self.name}{f':{line}' if line else ''} {_dotted(place)}".rstrip()

    def line(self, place: Place) -> int:
        """The line of a place, or of the nearest thing around it; 0 when nobody knows."""
        return self.lines.get(self.written(place), 0)

    def written(self, place: Place) -> Place:
        """The part of a place that is in the file: where a short form stands, the keys of the long one do not."""
        known = (place[:end] for end in range(len(place), -1, -1) if place[:end] in self.lines)
        return next(known, place)

    def read(self, path: Path) -> dict[str, Any]:
        """The document in a file, with `lines` filled in. Raises the error of its kind."""
        problems: list[Problem] = []
        try:
            node = _Loader(self._text(path)).get_single_node()
        except yaml.MarkedYAMLError as error:
            raise self.kind.error([self._unreadable(error)]) from None
        except yaml.YAMLError:
            what = "holds characters that no text may hold"
            raise self.kind.error([Problem(self.name, what, "save it again as UTF-8 text")]) from None
        if not isinstance(node, yaml.MappingNode):
            what = f"this is no {self.kind.noun}" if node is not None else "the file is empty"
            raise self.kind.error([Problem(self.name, what, f"expected keys such as '{self.kind.example}'")])
        document: dict[str, Any] = self._build(node, (), problems)
        if problems:
            raise self.kind.error(problems)
        return document

    def _text(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                raw = file.read(LARGEST_FILE + 1)
        except OSError as error:
            what = f"cannot be read: {error.strerror or 'unknown error'}"
            raise self.kind.error([Problem(self.name, what, f"name a {self.kind.noun} that exists")]) from None
        if len(raw) > LARGEST_FILE:
            what = f"is larger than {LARGEST_FILE // 1024} KB"
            raise self.kind.error([Problem(self.name, what, f"a {self.kind.noun} is a page or two of text")])
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise self.kind.error([Problem(f"{self.name}:{line}", "is not UTF-8", "save the file as UTF-8")]) from None

    def _unreadable(self, error: yaml.MarkedYAMLError) -> Problem:
        mark = error.problem_mark or error.context_mark
        place = f"{self.name}:{mark.line + 1}" if mark else self.name
        mend = "check the indentation (spaces, never tabs), and put text that holds ': ' or ' #' in quotes"
        if isinstance(error, yaml.composer.ComposerError):
            mend = "write the value out in full, in one document"
        return Problem(place, f"cannot be read as YAML: {error.problem or 'broken off'}", mend)

    def _build(self, node: yaml.Node, place: Place, problems: list[Problem]) -> Any:
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self._build(item, (*place, index), problems) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._block(node, place, problems)
        return _SCALARS.get(node.tag, str)(node.value)

    def _block(self, node: yaml.MappingNode, place: Place, problems: list[Problem]) -> dict[str, Any]:
        """A block of keys. Keys are text exactly as written, so that `1:` and `"1":` are the same key."""
        block: dict[str, Any] = {}
        for key_node, value in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                problems.append(Problem(f"{self.name}:{line}", "a key that is no text", "put {placeholders} in quotes"))
                continue
            key = key_node.value
            if key in block:
                first = self.lines[(*place, key)]
                what = f"'{key}' is said twice, first in line {first}"
                problems.append(Problem(f"{self.name}:{line} {_dotted((*place, key))}", what, "keep one of them"))
                continue
            self.lines[(*place, key)] = line
            block[key] = self._build(value, (*place, key), problems)
        return block


def _dotted(place: Place) -> str:
    """Keys as people write them: `attempts.retry[2].wait`."""
    text = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")
