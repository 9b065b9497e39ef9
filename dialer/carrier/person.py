"""Who picks up: one simulated person (or machine) for one call, drawn from a rule and a seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

SILENCE = "silence"
HANGUP = "hangup"


class Answer(StrEnum):
    """What becomes of ringing the number."""

    HUMAN = "human"  # a person picks up
    AGENT = (
        "agent"  # one who works for the caller: picks up, says nothing, presses what is asked for, stays on the line
    )
    MACHINE = "machine"  # an answering machine picks up
    FAX = "fax"  # a fax picks up
    NO_ANSWER = "no-answer"  # it rings until the caller gives up
    BUSY = "busy"  # engaged (SIP 486)
    INVALID = "invalid"  # no such number (SIP 404)
    UNREACHABLE = "unreachable"  # switched off, or the network fails (SIP 480 or 503)


class Ending(StrEnum):
    """How a machine's greeting ends."""

    BEEP = "beep"  # a tone
    SILENCE = "silence"  # a pause, then it records
    OTHER = "other"  # it just ends


@dataclass(slots=True)
class Person:
    """One callee in one call. Seconds are simulated."""

    answer: Answer
    ring_seconds: float = 4.0
    greeting_seconds: float = 1.0
    ending: Ending = Ending.BEEP
    sip: int = 480
    hangs_up_after_seconds: float | None = None
    reaction_seconds: float = 0.8
    barges_in_at: float | None = None  # the share of a prompt after which a key is pressed; None: after the prompt
    keys: Sequence[str] | None = None  # pressed in order, one entry a prompt; None: drawn from the weights
    weights: Mapping[str, float] = field(default_factory=dict)
    talk_seconds: float = 60.0  # of company in a conference, until they hang up
    hangs_up_first: bool = True  # or leave that to the other side
    patience_seconds: float = 30.0  # alone in a conference, until they hang up
    drops_off_seconds: float | None = None  # an agent's leg is lost so long after it was answered
    chance: random.Random | None = None
    _prompts_heard: int = 0

    def press(self, offered: Sequence[str], digits_wanted: int | None) -> str:
        """The keys pressed at the next prompt, or `SILENCE` or `HANGUP`."""
        if self.answer is Answer.AGENT and self.keys is None:
            return offered[0] if offered else SILENCE
        if self.answer not in {Answer.HUMAN, Answer.AGENT}:
            return SILENCE
        heard, self._prompts_heard = self._prompts_heard, self._prompts_heard + 1
        if self.keys is not None:
            return self.keys[heard] if heard < len(self.keys) else SILENCE
        return self._drawn(offered, digits_wanted)

    def _drawn(self, offered: Sequence[str], digits_wanted: int | None) -> str:
        if self.chance is None:
            return SILENCE
        if digits_wanted is not None and digits_wanted > 1:
            return "".join(self.chance.choice("0123456789") for _ in range(digits_wanted))
        weights = plausible(self.weights, offered)
        if not weights:
            return SILENCE
        return self.chance.choices(list(weights), list(weights.values()))[0]


def plausible(weights: Mapping[str, float], offered: Sequence[str]) -> dict[str, float]:
    """Weights of what a person may do at a prompt: only keys it offers, when it offers any.

    Where none of the offered keys has a weight, they share the weight of all keys evenly.
    """
    if not offered:
        return {key: weight for key, weight in weights.items() if weight > 0}
    chosen = {key: weights.get(key, 0.0) for key in offered}
    if not any(chosen.values()):
        every = sum(weight for key, weight in weights.items() if key not in {SILENCE, HANGUP})
        chosen = {key: every / len(offered) for key in offered}
    chosen |= {key: weights[key] for key in (SILENCE, HANGUP) if key in weights}
    return {key: weight for key, weight in chosen.items() if weight > 0}
