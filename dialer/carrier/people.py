"""The rules that say how each number behaves, read from YAML and drawn per number, per call, from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dialer.carrier.person import HANGUP, SILENCE, Answer, Ending, Person

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# (lowest, highest) simulated seconds, drawn evenly.
Span = tuple[float, float]

DEFAULT_MIX: Mapping[Answer, float] = {
    Answer.HUMAN: 0.62,
    Answer.MACHINE: 0.16,
    Answer.NO_ANSWER: 0.12,
    Answer.BUSY: 0.05,
    Answer.INVALID: 0.02,
    Answer.UNREACHABLE: 0.03,
}
DEFAULT_KEYS: Mapping[str, float] = {
    "1": 0.66, "2": 0.15, "3": 0.06, "9": 0.03, SILENCE: 0.07, HANGUP: 0.03,
}  # fmt: skip
_RING: Mapping[Answer, Span] = {
    Answer.MACHINE: (12, 18),
    Answer.FAX: (3, 6),
    Answer.BUSY: (0.5, 1),
    Answer.AGENT: (1, 3),
}
_DEFAULT_RING: Span = (2, 12)
_GREETING: Mapping[Answer, Span] = {Answer.HUMAN: (0.5, 1.5), Answer.MACHINE: (5, 14), Answer.AGENT: (0, 0)}
_DEFAULT_GREETING: Span = (1, 1)
_BARGE_IN_SHARE = 0.25
_SIP = ("sip:", "sips:")


@dataclass(frozen=True, slots=True)
class Rule:
    """How the numbers it covers behave. What it leaves open is drawn from the seed."""

    number: str = "*"
    call: int | None = None
    mix: Mapping[Answer, float] = field(default_factory=lambda: DEFAULT_MIX)
    ring: Span | None = None
    greeting: Span | None = None
    ending: Ending | None = None
    sip: int | None = None
    hangs_up_after: Span | None = None
    reaction: Span = (0.4, 1.5)
    barge_in: bool | None = None
    keys: tuple[str, ...] | None = None
    weights: Mapping[str, float] = field(default_factory=lambda: DEFAULT_KEYS)
    talk: Span = (20, 90)
    hangs_up_first: float = 0.7
    patience: Span = (20, 40)
    drops_off: Span | None = None

    def covers(self, number: str, nth_call: int) -> bool:
        """Whether the rule speaks about a number's nth call (the first is 1)."""
        if self.call is not None and self.call != nth_call:
            return False
        if self.number.endswith("*"):
            return number.startswith(self.number[:-1])
        return number == self.number

    def draw(self, chance: random.Random, aside: random.Random) -> Person:
        """One person under this rule.

        What they do in conferences is drawn `aside`, so that it does not change what they do elsewhere.
        """
        answer = chance.choices(list(self.mix), list(self.mix.values()))[0]
        return Person(
            answer=answer,
            ring_seconds=chance.uniform(*(self.ring or _RING.get(answer, _DEFAULT_RING))),
            greeting_seconds=chance.uniform(*(self.greeting or _GREETING.get(answer, _DEFAULT_GREETING))),
            ending=self.ending or chance.choice(list(Ending)),
            sip=self.sip or chance.choice((480, 503)),
            hangs_up_after_seconds=None if self.hangs_up_after is None else chance.uniform(*self.hangs_up_after),
            reaction_seconds=chance.uniform(*self.reaction),
            barges_in_at=self._barges_in_at(chance),
            keys=self.keys,
            weights=self.weights,
            talk_seconds=aside.uniform(*self.talk),
            hangs_up_first=aside.random() < self.hangs_up_first,
            patience_seconds=aside.uniform(*self.patience),
            drops_off_seconds=None if self.drops_off is None else aside.uniform(*self.drops_off),
            chance=chance,
        )

    def _barges_in_at(self, chance: random.Random) -> float | None:
        wants = chance.random() < _BARGE_IN_SHARE
        if self.barge_in is not None:
            wants = self.barge_in
        elif self.keys is not None:
            wants = False
        return chance.uniform(0.5, 0.95) if wants else None


class People:
    """Everybody in this world: the first rule that covers a number decides; the built-in mix covers the rest.

    Behind a SIP address that no rule covers sits an agent: customers are called on telephones.
    """

    def __init__(self, seed: int, rules: Sequence[Rule] = ()) -> None:
        self._seed = seed
        self.rules = tuple(rules)
        self._everybody = Rule()
        self._agents = Rule(mix={Answer.AGENT: 1})

    def at(self, number: str, nth_call: int) -> Person:
        """Who answers a number's nth call: always the same for the same seed and rules."""
        others = self._agents if number.startswith(_SIP) else self._everybody
        rule = next((rule for rule in self.rules if rule.covers(number, nth_call)), others)
        seed = f"{self._seed}|{number}|{nth_call}"
        return rule.draw(random.Random(seed), random.Random(f"{seed}|aside"))  # noqa: S311 - simulation, no secret
