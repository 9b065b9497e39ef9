"""An agent's screen as somebody reads it who looks at it: where they stand, the call, the buttons and the form."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

STANDINGS = frozenset({"offline", "paused", "ready", "reserved", "on_call", "wrap_up"})


@dataclass(slots=True)
class Screen:
    """What the parts of the screen say. `keys` are the answers on offer, by key, with their words."""

    standing: str = ""
    attempt: str = ""
    stage: str = ""  # preview, dialing, connected, wrap_up; empty without a customer
    node: str = ""
    tries: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    outcome_known: bool = False  # the script has found one
    outcomes: list[str] = field(default_factory=list)
    zones: list[str] = field(default_factory=list)

    @property
    def asks(self) -> bool:
        """Whether a step of the script waits for what the customer says."""
        return self.stage == "connected" and bool(self.node)


def read(parts: dict[str, str]) -> Screen:
    """The screen whose parts these are, by the names of their events."""
    reader = _Reader()
    for name in ("state", "call", "script", "record"):
        reader.part = name
        reader.feed(parts.get(name, ""))
    reader.close()
    return reader.screen


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.screen = Screen()
        self.part = ""
        self._key: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = {name: value or "" for name, value in attrs}
        classes = have.get("class", "").split()
        screen = self.screen
        if self.part == "state" and "standing" in classes:
            screen.standing = next((one for one in classes if one in STANDINGS), "")
        elif self.part == "call" and "data-attempt" in have:
            screen.attempt, screen.stage = have["data-attempt"], have["data-stage"]
        elif self.part == "script":
            self._script(tag, have)
        elif self.part == "record":
            self._record(tag, have)

    def _script(self, tag: str, have: dict[str, str]) -> None:
        match tag, have.get("name"):
            case "input", "node":
                self.screen.node = have["value"]
            case "input", "tries":
                self.screen.tries = have["value"]
            case "button", "key":
                self._key = have["value"]
                self.screen.keys[self._key] = ""

    def _record(self, tag: str, have: dict[str, str]) -> None:
        match tag, have.get("name"):
            case "input", "outcome":
                if have["value"]:
                    self.screen.outcomes.append(have["value"])
            case "option", _:
                if have.get("value"):
                    self.screen.zones.append(have["value"])

    def handle_data(self, data: str) -> None:
        self.screen.outcome_known |= self.part == "script" and "Outcome so far" in data
        if self._key is not None and data.strip() and not self.screen.keys[self._key]:
            self.screen.keys[self._key] = data.strip()

    def handle_endtag(self, tag: str) -> None:
        if tag == "button":
            self._key = None
