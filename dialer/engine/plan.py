"""What a campaign file would do with the customers there are, counted by asking the gate; nothing is written."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final

from dialer.core.admission import Proposal
from dialer.core.campaign import Campaign
from dialer.core.forecast import Grid
from dialer.core.plan import Fate, Judge, Place, Tally, Verdict, likeness
from dialer.core.record import CallbackState
from dialer.core.wall_clock import local
from dialer.engine.enrol import reason_to_call
from dialer.store import Enrolment, Standing, Store

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.core.admission import House
    from dialer.core.customer import Customer
    from dialer.store import Counted, Kept

LARGE: Final = 20_000
"""Customers from which on several processes pay: each takes a second to start."""

PART: Final = 10_000
"""Customers that a process counts before it takes the next."""

DAYS: Final = 3
"""Calendar days of the house that the forecast covers, today included."""

Office = Callable[[], Store]
"""Opens the store. Each process calls it for itself, so it must be of a kind that can be pickled."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is planned: the content of a campaign file, its version, and the instant for which it is asked."""

    document: Mapping[str, Any]
    version: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer. `in_force`: the version it was compared with; empty when the campaign is not in force."""

    tally: Tally
    grid: Grid
    in_force: str
    paused: bool


def plan(office: Office, question: Question, *, processes: int, told: Callable[[int, int], None]) -> Plan:
    """Count what every customer's place would be. `told` hears how many of how many customers are counted."""
    with closing(office()) as store:
        survey = Survey(store, question)
        keys = store.census.keys()
        parts = [range(at, min(at + PART, keys.stop)) for at in range(keys.start, keys.stop, PART)]
        tally, total = Tally(), store.customers.count()
        many = processes > 1 and total > LARGE
        for one in _in_processes(office, question, parts, processes) if many else map(survey.part, parts):
            tally.merge(one)
            told(tally.customers, total)
    return Plan(tally, survey.grid, survey.in_force, survey.paused)


def _in_processes(office: Office, question: Question, parts: list[range], processes: int) -> Iterator[Tally]:
    # Started anew and not forked: a connection must not be shared, and threads may be running.
    many = min(processes, len(parts))
    pool = ProcessPoolExecutor(many, get_context("spawn"), initializer=_begin, initargs=(office, question))
    try:
        yield from pool.map(_part, parts)
    finally:
        pool.shutdown(cancel_futures=True)  # whoever interrupts a plan does not wait for its end


_here: list[Survey] = []
"""The survey of a process that counts parts."""


def _begin(office: Office, question: Question) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interruption is the first process's affair
    store = office()
    _ = store.house.rules.lookback  # reads the presets
    _here[:] = [Survey(store, question)]
    gc.freeze()  # what is here now stays: looking through it for garbage again and again costs a sixth of the time


def _part(keys: range) -> Tally:
    return _here[0].part(keys)


class Survey:
    """One process's way through the customer file."""

    def __init__(self, store: Store, question: Question) -> None:
        house = store.house
        campaign = Campaign.model_validate(question.document)
        in_force = next((one for one in store.campaigns.all() if one.campaign.id == campaign.id), None)
        self._store, self._now, self._today = store, question.now, local(question.now, house.zone).date()
        self.in_force = in_force.version if in_force is not None else ""
        self.paused = in_force is not None and in_force.paused
        self.grid = Grid.of(question.now, DAYS, house.zone)
        same = in_force is not None and in_force.version == question.version
        applied = in_force.applied if in_force is not None and same else question.now
        planned = Standing(campaign, question.version, self.paused, "", applied)
        self._planned = _Version(planned, house, question.now, self.grid)
        old = in_force if in_force is not None and not same else None
        self._old = _Version(old, house, question.now, self.grid) if old is not None else None

    def part(self, keys: range) -> Tally:
        """Count the customers with these keys."""
        tally = Tally()
        campaign = self._planned.standing.campaign.id
        for page in self._store.census.pages(keys, campaign, self._wanted, self._now):
            tally.skip(page.others)
            for one in page.counted:
                case = _Case(one, self._planned.standing, self._store.house, self._now)
                before = self._old.verdict(case)[0].fate if self._old is not None else None
                verdict, enrolled = self._planned.verdict(case)
                tally.add(verdict, enrolled=enrolled, before=before)
        return tally

    def _wanted(self, customer: Customer) -> bool:
        today = self._today
        return self._planned.selects(customer, today) or (self._old is not None and self._old.selects(customer, today))


class _Case:
    """One customer's calls as the gate sees them, made once for both versions of a campaign."""

    __slots__ = ("_house", "_made", "_now", "_standing", "of")

    def __init__(self, of: Counted, standing: Standing, house: House, now: datetime) -> None:
        self.of = of
        self._standing, self._house, self._now = standing, house, now
        self._made: tuple[object, Proposal, Hashable | None] | None = None

    def kept(self, kept: Kept) -> tuple[Proposal, Hashable | None]:
        """The call that an open callback stands for, and what it has in common with others."""
        if self._made is None or self._made[0] is not kept:
            proposal = self.of.proposal(kept, self._standing)
            self._made = kept, proposal, likeness(proposal, self._house)
        return self._made[1:]

    def fresh(self, due: datetime) -> tuple[Proposal, Hashable | None]:
        """The call there would be if the customer were enrolled now, and what it has in common with others."""
        if self._made is None or self._made[0] != due:
            proposal = Proposal(
                customer=self.of.customer,
                campaign=self._standing.campaign,
                enrolled=self._now,
                due=due,
                paused=self._standing.paused,
                **self.of.facts,
            )
            self._made = due, proposal, likeness(proposal, self._house)
        return self._made[1:]


_STILL: Final = frozenset({CallbackState.WAITING, CallbackState.CALLING, CallbackState.HELD})


def _open(one: Counted) -> Kept | None:
    """The callback about an earlier special day that is not over yet: it comes before the day to come."""
    still = (kept for kept in one.callbacks.values() if kept.state in _STILL)
    return max(still, key=lambda kept: kept.deadline, default=None)


class _Version:
    """One version of the campaign, and what it does with a customer."""

    def __init__(self, standing: Standing, house: House, now: datetime, grid: Grid) -> None:
        self.standing = standing
        self.selects = standing.campaign.who.selects
        self._now, self._zone, self._today = now, house.zone, local(now, house.zone).date()
        self._judge = Judge(standing.campaign, house, now, grid)
        due = standing.campaign.why_now.due
        self._special = due.special_day is not None
        self._same_for_all = due.field is None
        self._known: list[Enrolment | None] = []

    def verdict(self, case: _Case) -> tuple[Verdict, bool]:
        """Where this customer stands, and whether an open callback of theirs does."""
        one = case.of
        if not self.selects(one.customer, self._today):
            return Verdict(Fate(Place.NOT_SELECTED)), False
        reason = self._reason(one)
        if reason is None:
            return Verdict(Fate(Place.NO_REASON)), False
        kept = one.callbacks.get(reason.occasion)
        if kept is None and self._special and reason.due > self._now:
            kept = _open(one)
        if kept is not None and kept.state is CallbackState.WAITING:
            proposal, alike = case.kept(kept)
            return self._judge.verdict(proposal, kept.deadline, alike), True
        if kept is not None:
            return Verdict(Fate(Place(kept.state.value))), False
        if reason.due > self._now:
            return Verdict(Fate(Place.LATER), reason.due), False
        if self._special and reason.deadline <= self._now:
            return Verdict(Fate(Place.PAST)), False
        proposal, alike = case.fresh(reason.due)
        return self._judge.verdict(proposal, reason.deadline, alike), False

    def _reason(self, one: Counted) -> Enrolment | None:
        """As enrolment sees it. What hangs on no date of the customer's is the same for all of them."""
        if self._same_for_all and self._known:
            return self._known[0]
        campaign, applied = self.standing.campaign, self.standing.applied
        found = reason_to_call(campaign, one.key, one.customer, applied, self._zone, self._now)
        if self._same_for_all:
            self._known.append(found)
        return found
