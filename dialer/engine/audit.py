"""Judges calls that were made once more, by the rules of today: which of them should not have been made, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dialer.core.admission import Dial, decide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from dialer.core.admission import House, Rule
    from dialer.store import Store
    from dialer.store.history import Made


@dataclass(frozen=True, slots=True)
class Finding:
    """A call that the rules of today do not allow at the instant at which it was made."""

    made: Made
    broken: tuple[Rule, ...]
    changed: Mapping[str, tuple[str, str]]  # data that has changed since: name -> edition then and now


@dataclass(slots=True)
class Audit:
    """What a replay found."""

    judged: int = 0
    without_evidence: int = 0  # made by a version of the program that kept too little
    findings: list[Finding] = field(default_factory=list)


def replay(
    store: Store,
    house: House,
    since: datetime,
    until: datetime,
    *,
    campaign: str | None = None,
    progress: Callable[[int], None] = lambda _judged: None,
) -> Audit:
    """Ask the gate about every call sent for the attempts created in [since, until), as things were then."""
    audit = Audit()
    for page in store.history.made(since, until, campaign):
        for made in page:
            if made.proposal is None:
                audit.without_evidence += 1
                continue
            audit.judged += 1
            broken = verdict(made, house)
            if broken:
                audit.findings.append(Finding(made, broken, _changed(made.editions, house.editions)))
        progress(len(page))
    return audit


def verdict(made: Made, house: House) -> tuple[Rule, ...]:
    """The rules that the call broke; none when it was right."""
    if made.proposal is None:
        return ()
    decision = decide(made.proposal, house, made.decided)
    if isinstance(decision, Dial):
        return ()
    return tuple(rule for rule in decision.rules if not rule.passed)


def _changed(then: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {name: (then.get(name, ""), edition) for name, edition in now.items() if then.get(name, "") != edition}
