"""The whole house in one document: who was called, who was not and why, what happens next, and every VIP gap."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dialer.core.record import CallbackState
from dialer.reports.next_step import Step, next_step
from dialer.reports.tally import Place, Tally, place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from dialer.core.record import AttemptRecord, CallbackRecord
    from dialer.reports.tally import Summary

MOST_ROWS = 500
"""How many rows a list of the document shows; the rest is counted, and the callback table has them all."""


@dataclass(slots=True)
class Listing:
    """The first rows of a list, and how many there are in all."""

    count: int = 0
    rows: list[CallbackRecord] = field(default_factory=list)

    def add(self, record: CallbackRecord) -> None:
        """Count the record, and keep it while there is room."""
        self.count += 1
        if len(self.rows) < MOST_ROWS:
            self.rows.append(record)

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.count - len(self.rows)


@dataclass(frozen=True, slots=True)
class House:
    """Everything the document tells. `total.campaign` is empty."""

    now: datetime
    total: Summary
    campaigns: tuple[Summary, ...]
    called: Listing
    not_called: Listing
    tasks: Listing  # what a person must do
    promised: Listing  # who chose a time
    infeasible: Listing  # who goes on and could not be called before the deadline
    steps: Mapping[Step, int]
    earliest: Mapping[Step, datetime]  # when the first of each kind of call may be made


def house(callbacks: Iterable[CallbackRecord], attempts: Iterable[AttemptRecord], now: datetime) -> House:
    """Read both iterables once."""
    tallies: dict[str, Tally] = {}
    total = Tally("", now)
    called, not_called, tasks, promised, infeasible = (Listing() for _ in range(5))
    steps: Counter[Step] = Counter()
    earliest: dict[Step, datetime] = {}
    for record in callbacks:
        for tally in (total, tallies.setdefault(record.campaign, Tally(record.campaign, now))):
            tally.add_callback(record)
        (called if place(record) is Place.ATTEMPTED else not_called).add(record)
        if record.state is CallbackState.HELD or record.tasks:
            tasks.add(record)
        if record.feasible is False and record.closed is None:
            infeasible.add(record)
        step = next_step(record)
        steps[step.step] += 1
        if step.at is not None:
            earliest[step.step] = min(step.at, earliest.get(step.step, step.at))
        if step.step is Step.PROMISED_CALL:
            promised.add(record)
    for attempt in attempts:
        for tally in (total, tallies.setdefault(attempt.campaign, Tally(attempt.campaign, now))):
            tally.add_attempt(attempt)
    campaigns = tuple(tallies[name].summary() for name in sorted(tallies))
    ordered = {step: steps[step] for step in Step if steps[step]}
    lists = (called, not_called, tasks, promised, infeasible)
    return House(now, total.summary(), campaigns, *lists, ordered, earliest)
