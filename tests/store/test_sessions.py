"""Sessions: only their digest is kept, and they end when they should."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dialer.core.agent import Agent
from dialer.store import Deed
from dialer.store.sessions import KEPT, digest_of, session
from tests.campaigns import NOW

if TYPE_CHECKING:
    from dialer.store import Member, Store

IDLE, LONGEST = timedelta(hours=12), timedelta(days=7)
DEED = Deed("1001", "session.test", "2001")


@pytest.fixture
def li(store: Store) -> Member:
    return store.agents.add(Agent("2001", "Li Na"), NOW, DEED)


def test_a_token_opens_its_own_session_and_is_not_kept(store: Store, li: Member) -> None:
    tokens = [store.sessions.open(li.id, NOW, LONGEST) for _ in range(2)]
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
    token, moment = store.sessions.open(li.id, NOW, LONGEST), timedelta(microseconds=1)
    assert store.sessions.find(token, NOW + IDLE, IDLE) is None
    assert store.sessions.find(token, NOW + IDLE - moment, IDLE, touch=False) is not None
    assert store.sessions.find(token, NOW + IDLE, IDLE) is None, "looking without touching is no use"
    assert store.sessions.find(token, NOW + IDLE - moment, IDLE) is not None
    assert store.sessions.find(token, NOW + IDLE, IDLE) is not None
    assert store.sessions.find(token, NOW + LONGEST - moment, LONGEST) is not None
    assert store.sessions.find(token, NOW + LONGEST, LONGEST) is None


def test_use_is_written_down_at_most_once_a_minute(store: Store, li: Member) -> None:
    token, second = store.sessions.open(li.id, NOW, LONGEST), timedelta(seconds=1)
    for after, seen in ((59 * second, NOW), (60 * second, NOW + 60 * second), (119 * second, NOW + 60 * second)):
        store.sessions.find(token, NOW + after, IDLE)
        (one,) = store.sessions.of(li.id, NOW + after, IDLE)
        assert one.seen_at == seen


def test_a_list_shows_what_can_still_be_used_the_latest_used_first(store: Store, li: Member) -> None:
    early, late = store.sessions.open(li.id, NOW, LONGEST), store.sessions.open(li.id, NOW, LONGEST)
    store.sessions.open(li.id, NOW, timedelta(minutes=1))
    store.sessions.find(late, NOW + timedelta(minutes=5), IDLE)
    found = store.sessions.of(li.id, NOW + timedelta(minutes=5), IDLE)
    assert [one.digest for one in found] == [digest_of(late), digest_of(early)]
    assert [one.digest for one in store.sessions.of(li.id, NOW + IDLE, IDLE)] == [digest_of(late)]


def test_what_ended_long_ago_goes_when_they_sign_in(store: Store, li: Member) -> None:
    other = store.agents.add(Agent("2002", "Wei"), NOW, DEED)
    for one in (li, li, other):
        store.sessions.open(one.id, NOW, LONGEST)
    store.sessions.open(li.id, NOW + LONGEST + KEPT, LONGEST)
    with store.database.read() as connection:
        assert len(connection.execute(session.select()).all()) == 4
    late = store.sessions.open(li.id, NOW + LONGEST + KEPT + timedelta(seconds=1), LONGEST)
    with store.database.read() as connection:
        left = connection.execute(session.select().order_by(session.c.ends_at)).all()
    assert [row.agent_id for row in left] == [other.id, li.id, li.id]
    assert left[-1].digest == digest_of(late)


def test_revoked_is_revoked_once_by_its_owner_or_all_together(store: Store, li: Member) -> None:
    tokens = [store.sessions.open(li.id, NOW, LONGEST) for _ in range(3)]
    digests = [digest_of(token) for token in tokens]
    assert not store.sessions.revoke(digests[0], li.id + 1, NOW, DEED)
    assert store.sessions.revoke(digests[0], li.id, NOW, DEED)
    assert not store.sessions.revoke(digests[0], li.id, NOW, DEED)
    assert store.sessions.find(tokens[0], NOW, IDLE) is None
    assert store.sessions.revoke_everywhere(li.id, NOW, DEED, keep=digests[1]) == 1
    assert store.sessions.find(tokens[1], NOW, IDLE) is not None
    assert store.sessions.revoke_everywhere(li.id, NOW, DEED) == 1
    assert len(store.audit.latest(action="session")) == 4, "one for adding, and what was not done is not there"
