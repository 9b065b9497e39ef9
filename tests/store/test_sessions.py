"""Sessions: only their digest is kept, and they end when they should."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dialer.core.agent import Agent
from dialer.store import Deed
from dialer.store.sessions import KEPT, digest_of, session
from tests.campaigns import NOW
from tests.store.rival import meet

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from dialer.store import Member, Store

IDLE, LONGEST = timedelta(hours=12), timedelta(days=7)
DEED = Deed("1001", "session.test", "2001")
OPENS = Deed("2001", "session.open", "2001", place="192.0.2.7")


@pytest.fixture
def li(store: Store) -> Member:
    return store.agents.add(Agent("2001", "Li Na"), NOW, DEED, password="a hash")


def start(store: Store, member: Member, at: datetime = NOW, lasts: timedelta = LONGEST) -> str:
    token = store.sessions.open(member, at, lasts, OPENS)
    assert token is not None
    return token


def test_a_token_opens_its_own_session_and_is_not_kept(store: Store, li: Member) -> None:
    tokens = [start(store, li) for _ in range(2)]
    one, two = (store.sessions.find(token, NOW, IDLE) for token in tokens)
    assert one is not None
    assert two is not None
    assert (one.agent_id, one.made_at, one.ends_at) == (li.id, NOW, NOW + LONGEST)
    assert one.digest == digest_of(tokens[0]) != two.digest
    assert one.csrf != two.csrf
    assert min(len(tokens[0]), len(one.csrf)) >= 43  # 32 random bytes
    for wrong in ("", tokens[0][:-1], one.digest):
        assert store.sessions.find(wrong, NOW, IDLE) is None


def test_it_ends_when_unused_and_at_last_in_any_case(store: Store, li: Member) -> None:
    token, moment = start(store, li), timedelta(microseconds=1)
    assert store.sessions.find(token, NOW + IDLE, IDLE) is None
    assert store.sessions.find(token, NOW + IDLE - moment, IDLE, touch=False) is not None
    assert store.sessions.find(token, NOW + IDLE, IDLE) is None, "looking without touching is no use"
    assert store.sessions.find(token, NOW + IDLE - moment, IDLE) is not None
    assert store.sessions.find(token, NOW + IDLE, IDLE) is not None
    assert store.sessions.find(token, NOW + LONGEST - moment, LONGEST) is not None
    assert store.sessions.find(token, NOW + LONGEST, LONGEST) is None


def test_use_is_written_down_at_most_once_a_minute(store: Store, li: Member) -> None:
    token, second = start(store, li), timedelta(seconds=1)
    for after, seen in ((59 * second, NOW), (60 * second, NOW + 60 * second), (119 * second, NOW + 60 * second)):
        store.sessions.find(token, NOW + after, IDLE)
        (one,) = store.sessions.of(li.id, NOW + after, IDLE)
        assert one.seen_at == seen


def test_a_list_shows_what_can_still_be_used_the_latest_used_first(store: Store, li: Member) -> None:
    early, late = start(store, li), start(store, li)
    start(store, li, lasts=timedelta(minutes=1))
    store.sessions.find(late, NOW + timedelta(minutes=5), IDLE)
    found = store.sessions.of(li.id, NOW + timedelta(minutes=5), IDLE)
    assert [one.digest for one in found] == [digest_of(late), digest_of(early)]
    assert [one.digest for one in store.sessions.of(li.id, NOW + IDLE, IDLE)] == [digest_of(late)]


def test_what_ended_long_ago_goes_when_they_sign_in(store: Store, li: Member) -> None:
    other = store.agents.add(Agent("2002", "Wei"), NOW, DEED, password="other")
    for one in (li, li, other):
        start(store, one)
    start(store, li, NOW + LONGEST + KEPT)
    with store.database.read() as connection:
        assert len(connection.execute(session.select()).all()) == 4
    late = start(store, li, NOW + LONGEST + KEPT + timedelta(seconds=1))
    with store.database.read() as connection:
        left = connection.execute(session.select().order_by(session.c.ends_at)).all()
    assert [row.agent_id for row in left] == [other.id, li.id, li.id]
    assert left[-1].digest == digest_of(late)


def test_revoked_is_revoked_once_by_its_owner_or_all_together(store: Store, li: Member) -> None:
    tokens = [start(store, li) for _ in range(3)]
    digests = [digest_of(token) for token in tokens]
    assert not store.sessions.revoke(digests[0], li.id + 1, NOW, DEED)
    assert store.sessions.revoke(digests[0], li.id, NOW, DEED)
    assert not store.sessions.revoke(digests[0], li.id, NOW, DEED)
    assert store.sessions.find(tokens[0], NOW, IDLE) is None
    assert store.sessions.revoke_everywhere(li.id, NOW, DEED, keep=digests[1]) == 1
    assert store.sessions.find(tokens[1], NOW, IDLE) is not None
    assert store.sessions.revoke_everywhere(li.id, NOW, DEED) == 1
    assert len(store.audit.latest(action="session.test")) == 4, "one for adding, and what was not done is not there"


def test_signing_in_is_in_the_trail_with_the_session_or_not_at_all(store: Store, li: Member) -> None:
    start(store, li)
    (entry,) = store.audit.latest(action="session.open")
    assert (entry.deed, entry.at) == (OPENS, NOW)
    assert store.sessions.open(replace(li, password="another"), NOW, LONGEST, OPENS) is None
    assert len(store.audit.latest(action="session.open")) == len(store.sessions.of(li.id, NOW, IDLE)) == 1


def changed(store: Store) -> bool:
    return store.agents.set_password("2001", "another", NOW, DEED, must_change=False)


def left(store: Store) -> bool:
    store.agents.change(Agent("2001", "Li Na", active=False), NOW, DEED)
    return True


MEANWHILE = pytest.mark.parametrize("meanwhile", [changed, left])


@MEANWHILE
def test_a_password_that_was_found_right_opens_nothing_once_it_is_the_past(
    store: Store, li: Member, meanwhile: Callable[[Store], bool]
) -> None:
    meanwhile(store)
    assert store.sessions.open(li, NOW, LONGEST, OPENS) is None
    store.agents.change(li.agent, NOW, DEED)
    assert store.sessions.of(li.id, NOW, IDLE) == []


def test_who_cannot_sign_in_has_no_password_that_fits(store: Store) -> None:
    nobody = store.agents.add(Agent("2002", "Wei"), NOW, DEED)
    assert store.sessions.open(nobody, NOW, LONGEST, OPENS) is None


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True)
@MEANWHILE
def test_of_a_sign_in_and_a_change_at_the_same_moment_no_session_is_left(
    store: Store, li: Member, meanwhile: Callable[[Store], bool]
) -> None:
    def sign_in() -> str | None:
        return store.sessions.open(li, NOW, LONGEST, OPENS)

    _, token = meet(store, "UPDATE agent", lambda: meanwhile(store), sign_in)
    assert token is None, "the sign-in waits for the change and then looks"
    store.agents.change(li.agent, NOW, DEED)
    store.agents.set_password("2001", "a hash", NOW, DEED, must_change=False)
    token, _ = meet(store, "INSERT INTO web_session", sign_in, lambda: meanwhile(store))
    assert token is not None
    store.agents.change(li.agent, NOW, DEED)
    assert store.sessions.of(li.id, NOW, IDLE) == [], "the change waits for the sign-in and ends its session"
