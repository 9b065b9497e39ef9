"""The store under everything that can happen, in any order: whatever comes, the books are in order after it."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from dialer.core.lifecycle import EventKind
from dialer.core.outcome import CLOSING, AnsweredBy, Disposition, Fault, Network
from dialer.core.record import CallbackState
from dialer.core.wall_clock import local
from dialer.store.tables import metadata
from tests.campaigns import NOW, customer, number
from tests.store.steps import (
    DAY,
    HOUR,
    LEASE,
    MINUTE,
    check_books,
    conversation,
    ended,
    enrol,
    heard,
    people,
    rows,
    start,
    tell,
    told,
)

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.store import Store

K = EventKind

CAMPAIGNS = ("renewal", "survey")
WINDOWS = {"daily": (9, 20), "afternoon": (14, 18)}
FINDINGS = (K.DROPPED, K.PLACED, K.REFUSED, K.NOT_SENT, K.LOST, K.ABSENT, K.AMBIGUOUS)
WORDS = (K.QUEUED, K.RINGING, K.ANSWERED, K.VERDICT, K.HEARD, K.ENDED)

who = st.integers(0, 5)
which = st.sampled_from(CAMPAIGNS)


class Walk(RuleBasedStateMachine):
    """A few customers with numbers in common, two campaigns, and a clock that somebody turns."""

    store: Store  # given by the test

    def __init__(self) -> None:
        super().__init__()
        with self.store.database.write() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
        self.now: datetime = NOW
        self.serial = count()
        self.intents: list[str] = []
        self.sent: list[str] = []
        self.unwanted: set[str] = set()  # references and numbers that asked not to be called
        self.windows: dict[str, tuple[int, int]] = {}
        self.paused: set[str] = set()
        self.enrolled: set[tuple[str, str, str]] = set()
        self.people: set[str] = set()
        self.last_called: dict[str, tuple[datetime, str]] = {}
        for name in CAMPAIGNS:
            self.applies(name, "daily")

    @initialize()
    def begins(self) -> None:
        for one in range(6):
            self.imports(one, second=one % 2 == 0, zone="", numberless=False)
        for name in CAMPAIGNS:
            self.enrols(name, "spring")

    # What people do

    @rule(one=who, second=st.booleans(), zone=st.sampled_from(["", "", "", "Nowhere/Town"]), numberless=st.booleans())
    def imports(self, one: int, second: bool, zone: str, numberless: bool) -> None:  # noqa: FBT001 - drawn
        numbers = (number(one % 4), *([number(10 + one)] if second else []))
        person = customer(f"C{one}", *numbers, zone=zone, tier="vip" if one == 0 else "")
        people(self.store, replace(person, numbers=() if numberless and second else numbers), at=self.now)
        self.people.add(person.reference)

    @rule(name=which, occasion=st.sampled_from(["spring", "autumn"]))
    def enrols(self, name: str, occasion: str) -> None:
        new = {(name, person, occasion) for person in self.people} - self.enrolled
        assert enrol(self.store, name, occasion=occasion, at=self.now, due=self.now) == len(new)
        self.enrolled |= new

    @rule(name=which, one=who)
    def withdraws(self, name: str, one: int) -> None:
        chosen = [key for key, ref in rows(self.store, "SELECT id, reference FROM customer") if ref == f"C{one}"]
        self.store.callbacks.withdraw(name, chosen, self.now)

    @rule(one=who, by_number=st.booleans())
    def opts_out(self, one: int, by_number: bool) -> None:  # noqa: FBT001 - drawn
        if by_number:
            self.store.suppressions.add_number(number(one % 4).e164, "person", self.now)
            self.unwanted.add(number(one % 4).e164)
        else:
            self.store.suppressions.add_customers([f"C{one}"], "person", self.now)
            self.unwanted.add(f"C{one}")

    @rule(name=which, window=st.sampled_from(sorted(WINDOWS)))
    def applies(self, name: str, window: str) -> None:
        opens, closes = WINDOWS[window]
        start(
            self.store,
            name,
            self.now,
            when={"windows": {"daily": f"{opens:02}:00-{closes:02}:00"}},
            attempts={"most": 2, "within": "5 days", "retry": [{"after": "busy", "wait": "10 min"}]},
        )
        self.windows[name] = WINDOWS[window]

    @rule(name=which, on=st.booleans())
    def pauses_or_resumes(self, name: str, on: bool) -> None:  # noqa: FBT001 - drawn
        if on:
            self.store.campaigns.resume(name)
            self.paused.discard(name)
        else:
            self.store.campaigns.pause(name, "somebody said so")
            self.paused.add(name)

    @rule(time=st.sampled_from([MINUTE, MINUTE, 10 * MINUTE, HOUR, 5 * HOUR, DAY]))
    def passes(self, time: Any) -> None:
        self.now += time

    # What the daemon does

    @rule(limit=st.integers(1, 10))
    def turns(self, limit: int) -> None:
        while self.store.callbacks.turn(self.now, limit) == limit:
            pass

    @rule(limit=st.integers(1, 3))
    def dials(self, limit: int) -> None:
        self.turns(100)
        self.claims(limit)
        if self.intents:
            self.commits(all_of_them=True)

    @rule(limit=st.integers(1, 4))
    def claims(self, limit: int) -> None:
        new = self.store.callbacks.claim(
            limit, self.now, owner="here", lease=LEASE, token=lambda: f"t{next(self.serial):04}"
        )
        assert len(new) <= limit
        self.intents += new
        for record in self.store.records.attempts():
            if record.attempt in new:
                self.check_call(record.customer, record.number.e164, record.campaign)

    @precondition(lambda self: self.intents)
    @rule(all_of_them=st.booleans())
    def commits(self, all_of_them: bool) -> None:  # noqa: FBT001 - drawn
        chosen = self.intents if all_of_them else self.intents[:1]
        self.intents = self.intents[len(chosen) :]
        for briefing in self.store.attempts.commit(chosen, self.now):
            assert briefing.token not in self.sent
            assert briefing.until is not None
            assert briefing.until > self.now
            self.sent.append(briefing.token)
            self.check_call(briefing.customer.reference, briefing.number.e164, briefing.campaign.id)
            kept = {number.e164 for number in briefing.customer.numbers}
            assert not self.unwanted & kept

    def check_call(self, reference: str, e164: str, campaign: str) -> None:
        opens, closes = self.windows[campaign]
        assert not self.unwanted & {reference, e164}, "somebody is called who asked not to be"
        assert campaign not in self.paused
        assert opens <= local(self.now, "Europe/London").hour < closes
        assert reference in self.people

    @rule()
    def reconciles(self) -> None:
        for one in self.store.attempts.forsaken(self.now):
            tell(self.store, told(one.token, K.DROPPED if one.token in self.intents else K.LOST, self.now), at=self.now)
        self.intents = []

    # What the carrier tells

    @precondition(lambda self: self.sent)
    @rule(
        data=st.data(),
        kind=st.sampled_from(FINDINGS + WORDS),
        network=st.sampled_from(Network),
        disposition=st.sampled_from(Disposition),
        fault=st.none() | st.sampled_from(Fault),
    )
    def tells(
        self, data: st.DataObject, kind: EventKind, network: Network, disposition: Disposition, fault: Fault | None
    ) -> None:
        token = data.draw(st.sampled_from(self.sent))
        if kind is K.HEARD:
            self.hears(token, disposition)
            return
        what: dict[EventKind, dict[str, Any]] = {
            K.ENDED: {"network": network},
            K.REFUSED: {"fault": fault},
            K.VERDICT: {"answered_by": AnsweredBy.MACHINE},
        }
        event = told(token, kind, self.now, **what.get(kind, {}))
        repeated = data.draw(st.integers(1, 2))
        self.store.attempts.record([event] * repeated, self.now)
        self.notices_pauses()

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), disposition=st.sampled_from(Disposition), network=st.sampled_from(Network))
    def converses(self, data: st.DataObject, disposition: Disposition, network: Network) -> None:
        token = data.draw(st.sampled_from(self.sent[-4:]))
        promise = self.now + 3 * HOUR if disposition is Disposition.PROMISED else None
        talk = conversation(token, disposition, self.now, promise_at=promise)
        tell(self.store, *data.draw(st.permutations(talk)), ended(token, network, self.now), at=self.now)
        self.remembers(token, disposition)

    @rule(disposition=st.sampled_from(Disposition), data=st.data(), network=st.sampled_from(Network))
    def calls(self, disposition: Disposition, data: st.DataObject, network: Network) -> None:
        """A good day: whoever is due is called and heard."""
        before = len(self.sent)
        self.dials(3)
        if len(self.sent) > before:
            self.converses(data, disposition, network)

    def hears(self, token: str, disposition: Disposition) -> None:
        promise = self.now + HOUR if disposition is Disposition.PROMISED else None
        tell(self.store, heard(token, disposition, self.now, digits=f"{disposition}", promise_at=promise), at=self.now)
        self.remembers(token, disposition)

    def remembers(self, token: str, disposition: Disposition) -> None:
        if self.store.attempts.facts(token).disposition is Disposition.OPTED_OUT:
            assert disposition is Disposition.OPTED_OUT or self.unwanted
            record = next(one for one in list(self.store.records.attempts()) if one.attempt == token)
            self.unwanted |= {record.customer, record.number.e164}

    def notices_pauses(self) -> None:
        self.paused |= {one.campaign.id for one in self.store.campaigns.all() if one.paused}

    # What always holds

    @invariant()
    def books_are_in_order(self) -> None:
        check_books(self.store)

    @invariant()
    def everybody_enrolled_is_somewhere(self) -> None:
        found = {(one.campaign, one.customer, one.occasion) for one in self.store.records.callbacks()}
        assert found == self.enrolled

    @invariant()
    def nobody_waits_who_has_had_the_last_word(self) -> None:
        said = {one.callback for one in self.store.records.attempts() if one.ending in CLOSING}
        waiting = {CallbackState.WAITING, CallbackState.HELD}
        assert not said & {one.callback for one in self.store.records.callbacks() if one.state in waiting}

    @invariant()
    def nothing_is_forgotten(self) -> None:
        assert {token for (token,) in rows(self.store, "SELECT token FROM event WHERE kind = 'sent'")} == set(self.sent)
        listed = {subject.partition(":")[2] for (subject,) in rows(self.store, "SELECT subject FROM suppression")}
        assert listed == self.unwanted


def walk(store: Store, examples: int, steps: int) -> None:
    class Bound(Walk):
        pass

    Bound.store = store
    chosen = settings(max_examples=examples, stateful_step_count=steps, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Bound, settings=chosen)


@pytest.mark.slow
def test_a_walk_leaves_the_books_in_order(store: Store) -> None:
    walk(store, examples=8, steps=30)


@pytest.mark.slow
def test_long_walks_leave_the_books_in_order(store: Store) -> None:
    walk(store, examples=10, steps=50)
