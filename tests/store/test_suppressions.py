"""The do-not-call list: what is on it stays, and it wins at the next claim, at the commit, and over a person's task."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from dialer.core.admission import Refuse, decide
from dialer.core.outcome import Disposition, Network
from dialer.core.promise import Reading
from dialer.core.record import CallbackState, Reason
from dialer.core.suppression import EVERYTHING, Wish, line, person, scopes_of, subjects
from dialer.store import Store, tasks
from dialer.store.database import Database
from dialer.store.promise_list import Wanted
from dialer.store.suppressions import Loaded, Stopped, Suppressions, in_force
from tests.campaigns import NOW, customer, house, number
from tests.mortal import open_database
from tests.store.rival import meet
from tests.store.steps import (
    DAY,
    HOUR,
    LEASE,
    K,
    callback,
    callbacks,
    check_books,
    claim,
    conversation,
    counts,
    crowd,
    dial,
    dial_one,
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
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from tests.postgres import PostgresServer

SPOKEN = ("promised", "completed", "opted_out", "none")


def test_the_list_is_append_only_and_keeps_what_was_said_first(store: Store) -> None:
    assert store.suppressions.add_customers(["C1", "C2", "C1"], "person", NOW) == 2
    assert store.suppressions.add_customers(["C2", "C3"], "import", NOW + DAY) == 1
    assert store.suppressions.add_number(number().e164, "carrier", NOW) == 1
    assert store.suppressions.add_number(number().e164, "person", NOW) == 0
    assert store.suppressions.add_customers([], "person", NOW) == 0
    kept = rows(store, "SELECT subject, source FROM suppression ORDER BY subject")
    assert kept == [
        ("customer:C1", "person"),
        ("customer:C2", "person"),
        ("customer:C3", "import"),
        (f"number:{number().e164}", "carrier"),
    ]


def test_a_person_is_on_the_list_by_reference_or_by_any_number(store: Store) -> None:
    store.suppressions.add_customers(["C1"], "person", NOW)
    store.suppressions.add_number(number(5).e164, "person", NOW)
    assert store.suppressions.has(customer("C1", number(1)))
    assert store.suppressions.has(customer("C2", number(1), number(5)))
    assert not store.suppressions.has(customer("C2", number(1)))


def test_the_list_may_know_a_customer_before_the_file_does(store: Store) -> None:
    start(store)
    store.suppressions.add_customers(["C1"], "import", NOW)
    people(store, customer("C1"))
    enrol(store)
    assert (callback(store).state, callback(store).reason) == (CallbackState.CLOSED, Reason.OPTED_OUT)
    check_books(store)


@pytest.mark.parametrize("by", ["person", "number"])
@pytest.mark.parametrize("when", ["before the claim", "before the commit"])
def test_a_wish_wins_at_the_last_moment(store: Store, by: str, when: str) -> None:
    start(store)
    people(store, customer("C1", number(1), number(2)), customer("C2", number(3)))
    enrol(store)
    tokens = claim(store) if when == "before the commit" else []
    if by == "person":
        store.suppressions.add_customers(["C1"], "person", NOW)
    else:  # not the one that is dialed
        store.suppressions.add_number(number(2).e164, "person", NOW)
    briefings = store.attempts.commit(tokens or claim(store), NOW)
    assert [briefing.customer.reference for briefing in briefings] == ["C2"]
    store.callbacks.turn(NOW + HOUR)
    assert claim(store, at=NOW + HOUR) == []
    assert (callback(store).state, callback(store).reason) == (CallbackState.CLOSED, Reason.OPTED_OUT)
    check_books(store)


def test_a_wish_closes_all_that_waits_at_the_next_turn_also_at_night(store: Store) -> None:
    for name in ("renewal", "survey"):
        start(store, name)
    people(store, *crowd(2))
    for name in ("renewal", "survey"):
        enrol(store, name, at=NOW.replace(hour=23), due=NOW)
    store.suppressions.add_customers(["C1"], "person", NOW.replace(hour=23))
    store.callbacks.turn(NOW.replace(hour=23))
    for name in ("renewal", "survey"):
        states = {reference: record.state for reference, record in callbacks(store, name).items()}
        assert states == {"C0": CallbackState.WAITING, "C1": CallbackState.CLOSED}


def test_a_wish_takes_the_task_from_the_person_who_was_to_mend_something(store: Store) -> None:
    """A prohibition beats a duty: nobody shall call this VIP by hand either."""
    start(store)
    people(store, replace(customer("C1", tier="vip"), numbers=()))
    enrol(store)
    assert counts(store) == {CallbackState.HELD: 1}
    store.suppressions.add_customers(["C1"], "person", NOW)
    store.callbacks.turn(NOW)
    assert (callback(store).state, callback(store).reason) == (CallbackState.CLOSED, Reason.OPTED_OUT)
    check_books(store)


def test_two_people_with_one_number_are_both_left_in_peace(store: Store) -> None:
    start(store)
    people(store, customer("C1", number(1)), customer("C2", number(1)))
    store.suppressions.add_number(number(1).e164, "person", NOW)
    enrol(store)
    assert dial(store) == []
    assert counts(store) == {CallbackState.CLOSED: 2}


def lift(store: Store, name: str, scope: str = EVERYTHING, at: datetime = NOW) -> bool:
    return store.suppressions.lift(name, scope, by="Eve", said="letter", now=at)


def test_a_wish_after_a_lifting_opens_the_next_turn(store: Store) -> None:
    for turn, source in enumerate(("keypad", "person", "api", "carrier")):
        assert store.suppressions.add_customers(["C1"], source, NOW) == 1
        assert store.suppressions.has(customer("C1"))
        assert lift(store, person("C1"))
        assert not lift(store, person("C1")), "what is lifted is not lifted again"
        assert not store.suppressions.has(customer("C1"))
        assert len(store.suppressions.history([person("C1")])) == 2 * turn + 2


def test_a_file_does_not_undo_a_lifting(store: Store) -> None:
    store.suppressions.add_customers(["C1"], "import", NOW)
    lift(store, person("C1"))
    assert store.suppressions.add_customers(["C1"], "import", NOW + DAY) == 0
    assert not store.suppressions.has(customer("C1"))


def test_what_was_never_stopped_cannot_be_lifted(store: Store) -> None:
    assert not lift(store, person("C1"))
    store.suppressions.stop([person("C1")], Wish("person", "purpose:sales"), NOW)
    assert not lift(store, person("C1"))
    assert store.suppressions.history([person("C1")])[0].holds


def test_each_scope_has_its_own_turns(store: Store) -> None:
    for scope in (EVERYTHING, "purpose:survey", "campaign:survey"):
        store.suppressions.stop([person("C1")], Wish("person", scope, "Tom", "by letter"), NOW)
    lift(store, person("C1"), "purpose:survey")
    assert {stop.scope for stop in store.suppressions.stops([person("C1")])} == {EVERYTHING, "campaign:survey"}
    words = store.suppressions.history([person("C1")])
    assert [(word.scope, word.turn, word.holds) for word in words] == [
        ("campaign:survey", 0, True),
        (EVERYTHING, 0, True),
        ("purpose:survey", 0, False),
        ("purpose:survey", 1, False),
    ]
    assert (words[0].by, words[0].note, words[3].by, words[3].source) == ("Tom", "by letter", "Eve", "letter")


def test_the_past_is_as_it_was(store: Store) -> None:
    store.suppressions.add_customers(["C1"], "person", NOW)
    lift(store, person("C1"), at=NOW + DAY)
    store.suppressions.add_customers(["C1"], "keypad", NOW + 2 * DAY)
    with store.database.read() as connection:
        held = [bool(in_force(connection, [person("C1")], NOW + days * DAY)) for days in (-1, 0, 1, 2)]
    assert held == [False, True, False, True]


def test_numbers_added_later_are_stopped_with_the_person_and_persons_with_the_number(store: Store) -> None:
    start(store)
    store.suppressions.add_customers(["C1"], "person", NOW)
    store.suppressions.add_number(number(9).e164, "person", NOW)
    people(store, customer("C1", number(1)), customer("C2", number(2)))
    people(store, customer("C1", number(3)), customer("C2", number(2), number(9)))
    enrol(store)
    assert dial(store) == []
    assert counts(store) == {CallbackState.CLOSED: 2}


@pytest.mark.parametrize("disposition", [Disposition.PROMISED, Disposition.COMPLETED, Disposition.REFUSED])
def test_no_later_disposition_lifts_a_stop(store: Store, disposition: Disposition) -> None:
    start(store)
    people(store, customer("C1"))
    enrol(store)
    token = dial_one(store)
    tell(store, *conversation(token, Disposition.OPTED_OUT)[:-1])
    extra = {"promise_at": NOW + HOUR} if disposition is Disposition.PROMISED else {}
    tell(store, heard(token, disposition, digits="2", tries=2, **extra), ended(token, Network.ANSWERED))
    assert store.suppressions.has(customer("C1"))
    assert [word.source for word in store.suppressions.history(subjects(customer("C1")))] == ["keypad", "keypad"]
    store.callbacks.turn(NOW + DAY)
    assert callback(store).state in {CallbackState.CLOSED, CallbackState.DONE}


def test_the_list_is_asked_by_its_key_and_never_read_through(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'dialer.db'}")
    asked: list[tuple[str, Any]] = []

    def remember(_connection: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        asked.append((statement, values))

    event.listen(database.engine, "before_cursor_execute", remember)
    with database.read() as connection:
        in_force(connection, [person("C1"), line("+44")])
        in_force(connection, [person("C1"), line("+44")], NOW)
    Suppressions(database).stop([person("C1")], Wish("keypad"), NOW)
    statements = [one for one in asked if "FROM suppression" in one[0]]
    assert len(statements) == 4
    with database.read() as connection:
        for statement, values in statements:
            plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
            by_key = re.compile(r"SEARCH suppression USING (COVERING )?INDEX sqlite_autoindex\w* \(subject=\?")
            assert any(by_key.match(step) for step in plan), plan
            assert not any("SCAN suppression" in step or "TEMP B-TREE" in step for step in plan), plan
    database.close()


def test_a_part_of_a_list_counts_what_is_new_and_what_was_lifted_since(store: Store) -> None:
    e164s = [number(one).e164 for one in range(5)]
    assert store.suppressions.load([*e164s, e164s[0]], Wish("import"), NOW) == Loaded(5, 0)
    lift(store, line(e164s[1]))
    lift(store, line(e164s[2]))
    store.suppressions.add_number(e164s[2], "person", NOW)
    more = [*e164s, number(9).e164]
    assert store.suppressions.load(more, Wish("import"), NOW + DAY) == Loaded(1, 1)
    assert store.suppressions.load(more, Wish("import", "purpose:sales"), NOW) == Loaded(6, 0)
    assert [t.in_force for t in store.suppressions.tallies()] == [5, 6]


def test_looking_at_the_line_finds_only_those_the_wish_is_about(store: Store) -> None:
    start(store)
    people(store, *crowd(4))
    enrol(store)
    store.suppressions.load([number(1).e164], Wish("import", "purpose:sales"), NOW)
    store.suppressions.load([number(2).e164], Wish("import", "purpose:survey"), NOW)
    assert store.suppressions.look_at_line(NOW) == 1
    store.callbacks.turn(NOW)
    assert {reference: record.state for reference, record in callbacks(store).items()} == {
        "C0": CallbackState.WAITING,
        "C1": CallbackState.WAITING,
        "C2": CallbackState.CLOSED,
        "C3": CallbackState.WAITING,
    }
    check_books(store)


# Whatever happens, in whatever order: the last word of each subject and scope decides, and nothing else.

CAMPAIGNS: dict[str, dict[str, Any]] = {
    "survey": {},
    "offer": {"purpose": "sales"},
    "advice": {"purpose": "service", "may_sell": True},
}
SCOPES = (EVERYTHING, "purpose:sales", "purpose:survey", "purpose:service", "campaign:survey", "campaign:offer")
WHO = st.sampled_from([person("C1"), line(number(1).e164), line(number(2).e164), line(number(3).e164)])
STEPS = st.one_of(
    st.tuples(st.just("stop"), WHO, st.sampled_from(SCOPES), st.sampled_from(["keypad", "person", "api", "import"])),
    st.tuples(st.just("list"), WHO, st.sampled_from(SCOPES), st.just("import")),
    st.tuples(st.just("lift"), WHO, st.sampled_from(SCOPES), st.just("")),
    st.tuples(st.just("file"), st.just(person("C1")), st.just(EVERYTHING), st.sampled_from(["", "import"])),
    st.tuples(st.just("call"), st.just(""), st.sampled_from(sorted(CAMPAIGNS)), st.sampled_from(SPOKEN)),
)


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, max_size=14))
def test_the_last_word_decides(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str, str]]
) -> None:
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('words') / 'dialer.db'}")
    store = Store(database, house(spacing=timedelta()))
    story = _Story(store)
    for step in steps:
        story.tell(*step)
        story.check()
    database.close()


class _Story:
    """What was said, kept beside the store in the simplest way."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.at = NOW
        self.person = customer("C1", number(1), number(2))
        self.stopped: dict[tuple[str, str], bool] = {}
        self.words = 0
        for name, changes in CAMPAIGNS.items():
            start(store, name, **changes)
        people(store, self.person)

    def tell(self, what: str, who: str, scope: str, how: str) -> None:
        self.at += timedelta(seconds=1)
        if what == "stop":
            self.store.suppressions.stop([who], Wish(how, scope), self.at)
            self.say(who, scope, new=how != "import")
        elif what == "list":
            self.store.suppressions.load([number(3).e164], Wish(how, scope), self.at)
            self.say(line(number(3).e164), scope, new=False)
        elif what == "lift":
            assert lift(self.store, who, scope, self.at) == self.stopped.get((who, scope), False)
            if (who, scope) in self.stopped:
                self.stopped[who, scope] = False
        elif what == "file":  # the same customer again, with other numbers, and with or without the old wish
            turned = (*self.person.numbers[1:], number(3) if len(self.person.numbers) < 3 else number(1))
            self.person = customer("C1", *dict.fromkeys(turned))
            people(self.store, self.person, at=self.at)
            if how:
                self.store.suppressions.add_customers(["C1"], how, self.at)
                self.say(who, scope, new=False)
        else:
            self.call(scope, Disposition(how))

    def say(self, who: str, scope: str, *, new: bool) -> None:
        """A wish not to be called: a new one always holds, an old one only when nobody spoke of it before."""
        if new or (who, scope) not in self.stopped:
            self.stopped[who, scope] = True

    def call(self, name: str, disposition: Disposition) -> None:
        """A conversation, if the gate lets it be."""
        enrol(self.store, name, occasion=str(self.at), at=self.at, due=self.at)
        self.store.callbacks.turn(self.at)
        for briefing in dial(self.store, at=self.at):
            assert self.callable(briefing.campaign.id)
            extra = {"promise_at": self.at + DAY} if disposition is Disposition.PROMISED else {}
            tell(self.store, *conversation(briefing.token, disposition, self.at, **extra), at=self.at)
            if disposition is Disposition.OPTED_OUT:
                self.say(person("C1"), EVERYTHING, new=True)
                self.say(line(briefing.number.e164), EVERYTHING, new=True)

    def callable(self, name: str) -> bool:
        scopes = scopes_of(self.store.campaigns.get(name).campaign)
        return not any(self.stopped.get((who, scope), False) for who in subjects(self.person) for scope in scopes)

    def check(self) -> None:
        for name in CAMPAIGNS:
            standing = self.store.campaigns.get(name)
            proposal = self.store.callbacks.hypothetical("C1", standing, self.at)
            decision = decide(proposal, house(), self.at)
            (rule,) = [rule for rule in decision.rules if rule.name == "opt_out"]
            assert rule.passed == self.callable(name), (name, self.stopped)
            if not rule.passed:
                assert isinstance(decision, Refuse)
                assert decision.reason is Reason.OPTED_OUT
        kept = len(rows(self.store, "SELECT 1 FROM suppression"))
        assert kept >= self.words, "something was deleted"
        self.words = kept


def test_a_claim_made_before_the_wish_never_becomes_a_call(store: Store) -> None:
    """Whoever is claimed, and whichever of their names the wish is about: the commit after it lets nobody go."""
    start(store)
    people(store, *(customer(f"C{one}", number(one), number(one + 100)) for one in range(60)))
    enrol(store)
    tokens = claim(store)
    assert len(tokens) == 60
    for one in range(60):
        if one % 4 == 0:
            store.suppressions.add_customers([f"C{one}"], "keypad", NOW)
        elif one % 4 == 1:
            store.suppressions.add_number(number(one).e164, "api", NOW)
        elif one % 4 == 2:
            store.suppressions.load([number(one + 100).e164], Wish("import", "purpose:survey"), NOW)
    going = store.attempts.commit(tokens, NOW)
    assert sorted(briefing.customer.reference for briefing in going) == sorted(f"C{one}" for one in range(3, 60, 4))
    check_books(store)


class _Rush:
    """Those who write wishes and those who dial, each in a thread with a store of their own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.said: set[str] = set()  # whose wish is certainly kept
        self.called: list[str] = []
        self.broken: list[str] = []  # called although their wish was kept before the commit began

    def wish(self, people: Sequence[int]) -> None:
        own = Store(Database(self.url), house())
        for one in people:
            if one % 4:
                own.suppressions.add_customers([f"C{one}"], "api", NOW)
            else:
                own.suppressions.add_number(number(one).e164, "keypad", NOW)
            self.said.add(f"C{one}")
        own.close()

    def dial(self, name: str) -> None:
        own, serial = Store(Database(self.url), house()), count()
        while tokens := own.callbacks.claim(3, NOW, owner=name, lease=LEASE, token=lambda: f"{name}-{next(serial)}"):
            before = set(self.said)
            going = [briefing.customer.reference for briefing in own.attempts.commit(tokens, NOW)]
            self.called += going
            self.broken += before.intersection(going)
        own.close()


@pytest.mark.slow
def test_wishes_and_commits_at_the_same_time(postgres_server: PostgresServer) -> None:
    """Several dialers and several who write wishes. What was kept when a commit began is never called by it."""
    many = 120
    with postgres_server.database() as url:
        first = Store.open(url, house())
        start(first)
        people(first, *(customer(f"C{one}", number(one)) for one in range(many)))
        enrol(first)
        first.callbacks.turn(NOW)
        rush, wishing = _Rush(url), range(0, many, 2)
        with ThreadPoolExecutor(4) as threads:
            jobs = [threads.submit(rush.wish, wishing[::-2]), threads.submit(rush.wish, wishing[-2::-2])]
            jobs += [threads.submit(rush.dial, name) for name in ("one", "two")]
            for job in jobs:
                job.result(timeout=120)
        assert rush.broken == []
        assert len(rush.called) == len(set(rush.called))
        assert rush.said.difference(rush.called), "no wish came before its call"
        assert {f"C{one}" for one in range(1, many, 2)} <= set(rush.called), "somebody without a wish was not called"
        # Whom the gate let go just before their wish was kept is in an open call, which the recall takes back.
        tell(first, *(told(briefing, K.PLACED) for briefing in _open_calls(first)))
        forbidden = {one.token for one in first.suppressions.forbidden()}
        assert len(forbidden) == len(rush.said.intersection(rush.called))
        check_books(first)
        first.close()


def _open_calls(store: Store) -> list[str]:
    return [token for (token,) in rows(store, "SELECT token FROM attempt WHERE is_open ORDER BY token")]


@pytest.mark.slow
def test_a_stop_beside_a_lifting_is_not_lost(postgres_server: PostgresServer) -> None:
    """Stops and liftings take turns. A stop that came to the list before the lifting was written is a turn later."""
    name = line(number().e164)
    with postgres_server.database() as url, closing(Store.open(url, house())) as store:
        store.suppressions.stop([name], Wish("person"), NOW)
        lifted, stopped = meet(
            store,
            "INSERT INTO suppression",
            lambda: store.suppressions.lift(name, EVERYTHING, by="Li Na", said="letter", now=NOW + HOUR),
            lambda: store.suppressions.stop([name], Wish("keypad"), NOW + HOUR),
        )
        assert (lifted, stopped.added) == (True, 1)
        assert [stop.source for stop in store.suppressions.stops([name])] == ["keypad"]


def test_a_number_finds_who_has_it_and_closes_what_waits_for_later_or_is_held(store: Store) -> None:
    for name in ("survey", "renewal"):
        start(store, name, purpose=name if name == "survey" else "renewal")
    people(store, customer("C1", number(1), number(2)), customer("C2", number(2)), customer("C3", number(20)))
    for name in ("survey", "renewal"):
        enrol(store, name, at=NOW.replace(hour=23), due=NOW)
    with store.database.write() as connection:
        connection.execute(text("UPDATE callback SET state = 'held', reason = 'needs_human' WHERE customer_id = 2"))
        connection.execute(
            text("DELETE FROM queue WHERE callback_id IN (SELECT id FROM callback WHERE state = 'held')")
        )
    stopped = store.suppressions.stop([line(number(2).e164)], Wish("person", "purpose:survey"), NOW.replace(hour=23))
    assert stopped == Stopped(1, 2)
    store.callbacks.turn(NOW.replace(hour=23))
    states = {reference: (record.state, record.reason) for reference, record in callbacks(store, "survey").items()}
    closed = (CallbackState.CLOSED, Reason.OPTED_OUT)
    assert states == {"C1": closed, "C2": closed, "C3": (CallbackState.WAITING, None)}
    assert {record.state for record in callbacks(store, "renewal").values()} == {
        CallbackState.WAITING,
        CallbackState.HELD,
    }
    again = store.suppressions.stop([line(number(2).e164)], Wish("person", "purpose:survey"), NOW)
    assert again == Stopped(0, 0)
    check_books(store)


def test_a_file_that_repeats_a_lifted_wish_closes_nothing(store: Store) -> None:
    start(store)
    people(store, customer("C1"))
    store.suppressions.add_customers(["C1"], "person", NOW)
    lift(store, person("C1"))
    enrol(store)
    assert store.suppressions.stop([person("C1")], Wish("import"), NOW) == Stopped(0, 0)


def test_a_list_closes_what_has_a_promise_or_a_task_though_it_stands_in_no_line(store: Store) -> None:
    start(store)
    people(store, customer("P", number(1)), customer("T", number(2)), customer("N", number(3)))
    night = NOW.replace(hour=23)
    enrol(store, at=night, due=NOW)
    ids = {reference: record.callback for reference, record in callbacks(store).items()}
    at = NOW + DAY
    wall = at.replace(tzinfo=None)
    wanted = Wanted(ids["P"], at, wall, "Europe/London", Reading.EXACT, "agent", "Li Na")
    store.promises.make(wanted, night)
    with store.database.write() as connection:
        tasks.ask(connection, house(), [tasks.Need(ids["T"], tasks.DEADLINE, "call")], night)
    store.suppressions.load([number(one).e164 for one in (1, 2, 3)], Wish("import"), night)
    assert store.suppressions.look_at_line(night) == 2
    store.callbacks.turn(night)
    states = {reference: record.state for reference, record in callbacks(store).items()}
    assert states == {"P": CallbackState.CLOSED, "T": CallbackState.CLOSED, "N": CallbackState.WAITING}
    assert [one.state for one in store.promises.find()] == ["void"]
    assert store.tasks.find() == []
    check_books(store)


def test_of_many_numbers_those_at_the_head_of_the_line_are_closed_at_once(store: Store) -> None:
    start(store)
    people(store, *crowd(25))
    enrol(store)
    stopped = store.suppressions.stop([line(number(one).e164) for one in range(24)], Wish("person"), NOW)
    assert stopped == Stopped(24, 24)
    store.callbacks.turn(NOW)
    assert counts(store) == {CallbackState.CLOSED: 24, CallbackState.WAITING: 1}
