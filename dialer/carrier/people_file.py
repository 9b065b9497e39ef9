"""Reads a people file: YAML in, rules out, every complaint with the rule and the key."""

from __future__ import annotations

import re
from typing import Any, cast

import yaml

from dialer.carrier.people import Rule, Span
from dialer.carrier.person import HANGUP, SILENCE, Answer, Ending

_KNOWN = (
    "number", "call", "answer", "mix", "ring", "greeting", "ending", "sip", "hangs_up_after", "reaction", "barge_in",
    "keys", "talk", "hangs_up_first", "patience", "drops_off",
)  # fmt: skip
_NUMBER = re.compile(r"\*|\+[1-9]\d{0,14}\*?|sips?:[^\s*]*\*?")
_KEYS = re.compile(r"[0-9*#]+")


class PeopleFileError(ValueError):
    """The people file cannot be followed; the message names each rule and key that is wrong."""


def read_people(text: str) -> tuple[Rule, ...]:
    """The rules in a YAML text: a list, the first rule that covers a number decides.

    Keys of a rule, all but `number` optional; seconds are simulated, one number or `[lowest, highest]`:

        - number: "+14155550100"       # or "sip:ann@example.com", a prefix ("+1415*", "sip:*"), everybody ("*")
          call: 2                      # only the second call to each number
          answer: human                # human, agent, machine, fax, no-answer, busy, invalid, unreachable
          mix: {human: 3, busy: 1}     # instead of answer: weights
          ring: [2, 8]                 # seconds until it is answered
          greeting: 1                  # seconds of "hello", or of the machine's greeting
          ending: beep                 # how a machine's greeting ends: beep, silence, other
          sip: 503                     # 480 or 503 when unreachable
          hangs_up_after: 12           # seconds after the answer
          reaction: 0.8                # seconds between the end of a prompt and the key
          barge_in: true               # presses during the prompt
          keys: ["1", silence, hangup] # one entry a prompt, then silence; or weights: {"1": 0.7, silence: 0.3}
          talk: [20, 90]               # a human with company in a conference talks so long
          hangs_up_first: 0.7          # chance that they hang up then; else they leave it to the other side
          patience: [20, 40]           # a human alone in a conference hangs up after so long
          drops_off: 600               # an agent's leg is lost so many seconds after it was answered

    Raises `PeopleFileError` naming everything that is wrong.
    """
    try:
        items = yaml.safe_load(text)
    except yaml.YAMLError as broken:
        raise PeopleFileError(f"not YAML: {broken}") from broken
    if items is None:
        return ()
    if not isinstance(items, list):
        raise PeopleFileError("expected a list of rules, each beginning with '- number:'")
    problems: list[str] = []
    rules = [_RuleReader(position, item, problems).read() for position, item in enumerate(items, 1)]
    if problems:
        raise PeopleFileError("\n".join(problems))
    return tuple(cast("list[Rule]", rules))


class _RuleReader:
    """Reads one rule and collects what is wrong with it."""

    def __init__(self, position: int, item: object, problems: list[str]) -> None:
        self._position = position
        self._item: Any = item
        self._problems = problems

    def read(self) -> Rule | None:
        if not isinstance(self._item, dict):
            self._complain("", "expected a mapping with a number, such as {number: '*', answer: human}")
            return None
        for key in self._item:
            if key not in _KNOWN:
                self._complain(str(key), f"unknown; known are {', '.join(_KNOWN)}")
        keys, weights = self._keys()
        values: dict[str, Any] = {
            "number": self._number(), "call": self._call(), "mix": self._mix(), "ring": self._span("ring"),
            "greeting": self._span("greeting"), "ending": self._ending(), "sip": self._sip(),
            "hangs_up_after": self._span("hangs_up_after"), "reaction": self._span("reaction"),
            "barge_in": self._barge_in(), "keys": keys, "weights": weights, "talk": self._span("talk"),
            "hangs_up_first": self._hangs_up_first(), "patience": self._span("patience"),
            "drops_off": self._span("drops_off"),
        }  # fmt: skip
        return Rule(**{key: value for key, value in values.items() if value is not None})

    def _complain(self, key: str, what: str) -> None:
        self._problems.append(f"rule {self._position}{f', {key}' if key else ''}: {what}")

    def _number(self) -> str | None:
        number = self._item.get("number")
        if isinstance(number, str) and _NUMBER.fullmatch(number):
            return number
        self._complain("number", 'expected "+14155550100", "sip:ann@example.com", a prefix "+1415*" or "*", in quotes')
        return None

    def _call(self) -> int | None:
        call = self._item.get("call")
        if call is None or (isinstance(call, int) and not isinstance(call, bool) and call >= 1):
            return call
        self._complain("call", "expected which call to the number is meant: 1, 2, ...")
        return None

    def _mix(self) -> dict[Answer, float] | None:
        answer, mix = self._item.get("answer"), self._item.get("mix")
        if answer is not None and mix is not None:
            self._complain("mix", "give either answer or mix")
        if answer is not None:
            mix = {answer: 1}
        if mix is None:
            return None
        name = "mix" if answer is None else "answer"
        weights = self._weights(name, mix)
        unknown = [key for key in weights if key not in set(Answer)]
        if unknown:
            self._complain(name, f"unknown {', '.join(unknown)}; known are {', '.join(Answer)}")
            return None
        return {Answer(key): weight for key, weight in weights.items()} or None

    def _weights(self, name: str, value: object) -> dict[str, float]:
        if not isinstance(value, dict) or not value:
            self._complain(name, "expected weights, such as {human: 0.7, busy: 0.3}")
            return {}
        weights = {str(key): weight for key, weight in value.items()}
        if any(not _is_number(weight) or weight < 0 for weight in weights.values()) or not sum(weights.values()) > 0:
            self._complain(name, "every weight must be a number not below 0, and one at least above 0")
            return {}
        return weights

    def _keys(self) -> tuple[tuple[str, ...] | None, dict[str, float] | None]:
        keys = self._item.get("keys")
        if keys is None:
            return None, None
        named = self._weights("keys", keys) if isinstance(keys, dict) else keys
        if not isinstance(named, (list, dict)):
            self._complain("keys", 'expected a list such as ["1", silence, hangup], or weights {"1": 0.7, "2": 0.3}')
            return None, None
        texts = [str(key) for key in named]
        wrong = [text for text in texts if text not in {SILENCE, HANGUP} and not _KEYS.fullmatch(text)]
        if wrong:
            self._complain("keys", f"{', '.join(wrong)}: expected keys 0-9 * #, {SILENCE} or {HANGUP}")
        return (None, named) if isinstance(named, dict) else (tuple(texts), None)

    def _span(self, name: str) -> Span | None:
        value = self._item.get(name)
        if value is None:
            return None
        ends = value if isinstance(value, list) else [value, value]
        if len(ends) != 2 or not all(_is_number(end) and end >= 0 for end in ends) or ends[0] > ends[1]:  # noqa: PLR2004 - two ends
            self._complain(name, "expected seconds, such as 4 or [2, 8]")
            return None
        return float(ends[0]), float(ends[1])

    def _ending(self) -> Ending | None:
        ending = self._item.get("ending")
        if ending is None or ending in set(Ending):
            return None if ending is None else Ending(ending)
        self._complain("ending", f"expected {', '.join(Ending)}")
        return None

    def _sip(self) -> int | None:
        sip = self._item.get("sip")
        if sip in {None, 480, 503}:
            return cast("int | None", sip)
        self._complain("sip", "expected 480 or 503")
        return None

    def _barge_in(self) -> bool | None:
        barge_in = self._item.get("barge_in")
        if barge_in is None or isinstance(barge_in, bool):
            return barge_in
        self._complain("barge_in", "expected true or false")
        return None

    def _hangs_up_first(self) -> float | None:
        chance = self._item.get("hangs_up_first")
        if chance is None or (_is_number(chance) and 0 <= chance <= 1):
            return None if chance is None else float(chance)
        self._complain("hangs_up_first", "expected a chance from 0 to 1")
        return None


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value  # noqa: PLR0124 - not NaN
