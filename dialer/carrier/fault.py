"""The ways in which carriers and networks misbehave, switched on by rate and drawn from the seed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Fault(StrEnum):
    """One kind of misbehaviour; the rate is the share of callbacks, create requests or conference stays it strikes."""

    DUPLICATE = "duplicate"  # a callback is delivered twice, half of the time with a new idempotency token
    REORDER = "reorder"  # a callback is held back until a later one of the same call has been delivered
    LATE = "late"  # a callback is sent SECONDS later than it should be
    MISSING = "missing"  # a callback is never sent, the terminal one included (Twilio's 15002)
    FORGED = "forged"  # an extra "completed" or "conference-end" with a wrong signature comes with the first event
    CREATE_429 = "create-429"  # a create is refused with 429/20429; no call is made
    CREATE_500_NOT_MADE = "create-500-not-made"  # a create answers 500; no call is made
    CREATE_500_MADE = "create-500-made"  # a create answers 500 although the call is made
    CREATE_SLOW = "create-slow"  # a create is answered SECONDS later although the call proceeds
    CREATE_RESET = "create-reset"  # the connection is dropped after the call was made, without an answer
    CALLBACK_BEFORE_REPLY = (
        "callback-before-reply"  # a create is answered after the call's first callback (2 s at most)
    )
    LIST_LAG = "list-lag"  # a new call is unknown to fetch, list and update for SECONDS
    AGENT_DROPS = "agent-drops"  # an agent's leg drops within 20 simulated seconds of somebody's company
    JOIN_SLOW = "join-slow"  # a caller is let into a conference SECONDS after the instructions say so


# Real seconds, not compressed: they are measured against the client's own deadlines.
DEFAULT_SECONDS = {Fault.LATE: 5.0, Fault.CREATE_SLOW: 15.0, Fault.LIST_LAG: 5.0, Fault.JOIN_SLOW: 2.0}


class FaultError(ValueError):
    """A fault was named or rated in a way that cannot be followed."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a fault strikes (0 to 1) and, for faults that take time, for how many real seconds."""

    share: float
    seconds: float = 0.0


def read_fault(text: str) -> tuple[Fault, Rate]:
    """`name=rate` or `name=rate@seconds`, as on the command line."""
    name, equals, value = text.partition("=")
    if not equals:
        raise FaultError(f"fault {text!r}: expected name=rate, for example duplicate=0.1 or late=0.2@30")
    return read_rate(name, value)


def read_rate(name: str, value: object) -> tuple[Fault, Rate]:
    """A fault's name and its rate (`0.1`, `"0.1"` or `"0.1@30"`)."""
    try:
        fault = Fault(name.strip())
    except ValueError:
        raise FaultError(f"unknown fault {name!r}: known are {', '.join(Fault)}") from None
    share_text, at, seconds_text = str(value).partition("@")
    if at and fault not in DEFAULT_SECONDS:
        raise FaultError(f"fault {fault} takes no seconds; only {', '.join(DEFAULT_SECONDS)} do")
    try:
        share = float(share_text)
        seconds = float(seconds_text) if at else DEFAULT_SECONDS.get(fault, 0.0)
    except ValueError:
        raise FaultError(f"fault {fault}={value}: expected a rate from 0 to 1, with @seconds if wanted") from None
    if not 0 <= share <= 1 or not 0 <= seconds < float("inf"):
        raise FaultError(f"fault {fault}={value}: expected a rate from 0 to 1 and seconds not below 0")
    return fault, Rate(share, seconds)


def read_faults(texts: Iterable[str]) -> dict[Fault, Rate]:
    """Several `name=rate`, each fault at most once."""
    rates: dict[Fault, Rate] = {}
    for text in texts:
        fault, rate = read_fault(text)
        if fault in rates:
            raise FaultError(f"fault {fault} is given twice")
        rates[fault] = rate
    return rates


class Faults:
    """Decides, the same way for the same seed, which callback or create request is struck."""

    def __init__(self, seed: int, rates: Mapping[Fault, Rate]) -> None:
        self._seed = seed
        self.rates = dict(rates)
        self.struck = dict.fromkeys(Fault, 0)

    def strikes(self, fault: Fault, *what: object) -> bool:
        """Whether a fault strikes; `what` names the occasion (number, its nth call, event)."""
        rate = self.rates.get(fault)
        if rate is None or not rate.share:
            return False
        if rate.share < 1 and self.draw(fault, *what) >= rate.share:
            return False
        self.struck[fault] += 1
        return True

    def seconds(self, fault: Fault) -> float:
        """How many real seconds a fault lasts."""
        rate = self.rates.get(fault)
        return 0.0 if rate is None else rate.seconds

    def draw(self, *what: object) -> float:
        """A number in [0, 1) that depends on the seed and the occasion only."""
        text = "|".join(map(str, (self._seed, *what)))
        return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64
