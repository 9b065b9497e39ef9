"""Counts callbacks and attempts in one pass, each in its own grain, so that the totals of the summary add up.

A callback is in exactly one of three places (attempted, excluded, pending), which makes the partition of the targeted
hold by construction. Attempts are counted beside it and never mixed into it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from dialer.core.lifecycle import AttemptState
from dialer.core.outcome import MACHINES, Disposition, Network
from dialer.core.record import CallbackState
from dialer.errors import DialerError
from dialer.reports.table import Rate

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from dialer.core.outcome import Ending
    from dialer.core.record import AttemptRecord, CallbackRecord, Reason


class Place(StrEnum):
    """Where a targeted callback is counted: in exactly one of these."""

    ATTEMPTED = "attempted"  # the customer felt at least one attempt
    EXCLUDED = "excluded"  # held, closed or done without one
    PENDING = "pending"  # waiting or being called, without one so far


def place(record: CallbackRecord) -> Place:
    """The one place of a callback. Who was spoken to was attempted, whatever else the row says."""
    if record.attempts > 0 or record.reached is not None:
        return Place.ATTEMPTED
    match record.state:
        case CallbackState.HELD | CallbackState.CLOSED | CallbackState.DONE:
            return Place.EXCLUDED
        case CallbackState.WAITING | CallbackState.CALLING:
            return Place.PENDING
        case _:
            assert_never(record.state)


def cause(record: AttemptRecord) -> AttemptState | Network:
    """Why an attempt does not count: what the network said when it is over, else where it stands."""
    if record.state is not AttemptState.FINAL:
        return record.state
    return record.network or Network.ERROR


@dataclass(frozen=True, slots=True)
class Summary:
    """One campaign, or all of them, in figures. Raises DialerError when the totals do not add up."""

    campaign: str
    targeted: int
    attempted: int
    excluded: Mapping[Reason | None, int]
    pending: int
    coverage: Rate  # spoken to, of those targeted
    vip_coverage: Rate
    vip_gaps: tuple[CallbackRecord, ...]  # every VIP not yet spoken to
    on_time: Rate  # reached by the deadline, of those reached or past it
    reach: Rate  # spoken to, of those attempted
    endings: Mapping[Ending | None, int]  # of the last counted attempt; None while that one is not over
    answers: Mapping[str, Mapping[str, int]]  # node -> answer -> callbacks
    attempts: int
    counted: int
    not_counted: Mapping[AttemptState | Network, int]
    machine: Rate  # machines and faxes, of attempts answered
    promises: int  # times that customers chose, whatever became of them
    promises_missed: int
    promises_open: int
    promises_kept: Rate  # called in time, of those kept or missed
    infeasible: int  # callbacks whose deadline left no time for a call from the beginning
    opt_outs: int  # customers who asked on a call never to be called again

    def __post_init__(self) -> None:
        sums = {
            "targeted": (self.targeted, self.attempted + sum(self.excluded.values()) + self.pending),
            "attempted": (self.attempted, sum(self.endings.values())),
            "attempts": (self.attempts, self.counted + sum(self.not_counted.values())),
            "VIP": (self.vip_coverage.whole, self.vip_coverage.part + len(self.vip_gaps)),
        }
        wrong = [f"{name}: {total} is not {parts}" for name, (total, parts) in sums.items() if total != parts]
        if wrong:
            raise DialerError(f"The report on {self.campaign!r} does not add up ({'; '.join(wrong)}); report this bug.")


@dataclass(slots=True)
class Tally:
    """Counts as it goes; what it keeps grows with the VIPs not yet reached, not with the rows read."""

    campaign: str
    now: datetime
    places: Counter[Place] = field(default_factory=Counter)
    excluded: Counter[Reason | None] = field(default_factory=Counter)
    endings: Counter[Ending | None] = field(default_factory=Counter)
    targeted: int = 0
    spoken: int = 0
    judged: int = 0
    on_time: int = 0
    vips: int = 0
    vip_gaps: list[CallbackRecord] = field(default_factory=list)
    answers: dict[str, Counter[str]] = field(default_factory=dict)
    attempts: int = 0
    counted: int = 0
    not_counted: Counter[AttemptState | Network] = field(default_factory=Counter)
    answered: int = 0
    machines: int = 0
    promises: Counter[str] = field(default_factory=Counter)
    infeasible: int = 0
    opted_out: set[str] = field(default_factory=set)

    def add_callback(self, record: CallbackRecord) -> None:
        """Count one callback."""
        self.targeted += 1
        where = place(record)
        self.places[where] += 1
        if where is Place.EXCLUDED:
            self.excluded[record.reason] += 1
        elif where is Place.ATTEMPTED:
            self.endings[record.ending] += 1
        reached = record.reached
        self.spoken += reached is not None
        self.judged += reached is not None or record.deadline <= self.now
        self.on_time += reached is not None and reached <= record.deadline
        self.vips += record.vip
        if record.vip and reached is None:
            self.vip_gaps.append(record)
        self.promises.update(record.promises)
        self.infeasible += record.feasible is False
        for node, answer in record.answers.items():
            self.answers.setdefault(node, Counter())[answer] += 1

    def add_attempt(self, record: AttemptRecord) -> None:
        """Count one attempt."""
        self.attempts += 1
        if record.counted:
            self.counted += 1
        else:
            self.not_counted[cause(record)] += 1
        if record.answered is not None or record.network is Network.ANSWERED:
            self.answered += 1
            self.machines += record.answered_by in MACHINES
        if record.disposition is Disposition.OPTED_OUT:
            self.opted_out.add(record.customer)

    def summary(self) -> Summary:
        """The figures so far."""
        attempted = self.places[Place.ATTEMPTED]
        return Summary(
            campaign=self.campaign,
            targeted=self.targeted,
            attempted=attempted,
            excluded=dict(self.excluded.most_common()),
            pending=self.places[Place.PENDING],
            coverage=Rate(self.spoken, self.targeted),
            vip_coverage=Rate(self.vips - len(self.vip_gaps), self.vips),
            vip_gaps=tuple(self.vip_gaps),
            on_time=Rate(self.on_time, self.judged),
            reach=Rate(self.spoken, attempted),
            endings=dict(self.endings.most_common()),
            answers={node: dict(counts.most_common()) for node, counts in self.answers.items()},
            attempts=self.attempts,
            counted=self.counted,
            not_counted=dict(self.not_counted.most_common()),
            machine=Rate(self.machines, self.answered),
            promises=self.promises.total(),
            promises_missed=self.promises["missed"],
            promises_open=self.promises["open"],
            promises_kept=Rate(self.promises["kept"], self.promises["kept"] + self.promises["missed"]),
            infeasible=self.infeasible,
            opt_outs=len(self.opted_out),
        )
