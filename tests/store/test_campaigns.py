"""Campaigns in force: a version by its content, at once, for what waits as well; run state apart from the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from dialer.core.record import CallbackState, Reason
from dialer.errors import NotFoundError
from dialer.store.campaigns import _parsed
from tests.campaigns import NOW, campaign, customer, document, number, version
from tests.store.steps import DAY, HOUR, callback, check_books, claim, crowd, dial, enrol, people, rows, start

if TYPE_CHECKING:
    from dialer.store import Store

LATE = {"windows": {"daily": "16:00-20:00"}}


def test_a_campaign_is_in_force_as_its_file_says(store: Store) -> None:
    applied = start(store)
    standing = store.campaigns.get("survey")
    assert standing.campaign == campaign()
    assert (standing.version, standing.paused, standing.pause_reason) == (applied, False, "")
    assert standing.applied == NOW
    assert store.campaigns.all() == [standing]


def test_applying_the_same_content_again_is_nothing(store: Store) -> None:
    content = document()
    assert store.campaigns.apply("survey", version(content), content, NOW)
    assert not store.campaigns.apply("survey", version(content), content, NOW + DAY)
    assert store.campaigns.get("survey").applied == NOW


def test_every_version_there_was_can_be_read(store: Store) -> None:
    first = start(store)
    second = start(store, when=LATE, at=NOW + DAY)
    assert store.campaigns.get("survey").version == second
    assert store.campaigns.version("survey", first) == campaign()
    assert store.campaigns.version("survey", second) == campaign(when=LATE)
    start(store)  # and back again
    assert store.campaigns.get("survey").version == first
    assert rows(store, "SELECT count(*) FROM campaign_version") == [(2,)]


def test_what_was_never_applied_is_not_found(store: Store) -> None:
    start(store)
    for ask in (
        lambda: store.campaigns.get("other"),
        lambda: store.campaigns.pause("other", "why"),
        lambda: store.campaigns.resume("other"),
        lambda: store.campaigns.version("survey", "000000000000"),
    ):
        with pytest.raises(NotFoundError):
            ask()


def test_a_new_version_holds_at_the_next_dial(store: Store) -> None:
    first = start(store)
    people(store, *crowd(3))
    enrol(store)
    tokens = claim(store, limit=1)
    second = start(store, when=LATE)
    assert store.attempts.commit(tokens, NOW) == []
    assert claim(store) == []
    assert {record.next_at for record in store.records.callbacks() if record.next_at} == {
        NOW.replace(hour=16, minute=0)
    }
    check_books(store)
    later = NOW + 2 * HOUR
    assert len(dial(store, at=later)) == 3
    versions = [record.campaign_version for record in store.records.attempts()]
    assert versions == [first, second, second, second]


def test_an_attempt_that_was_committed_keeps_its_version(store: Store) -> None:
    start(store)
    people(store, customer())
    enrol(store)
    (briefing,) = dial(store)
    start(store, title="Another title")
    kept = store.attempts.briefing(briefing.token)
    assert kept is not None
    assert kept.campaign == campaign()


def test_a_version_that_comes_between_claim_and_commit_is_the_attempts(store: Store) -> None:
    start(store)
    people(store, customer())
    enrol(store)
    tokens = claim(store)
    second = start(store, title="Another title")
    (briefing,) = store.attempts.commit(tokens, NOW)
    assert briefing.campaign.title == "Another title"
    assert [record.campaign_version for record in store.records.attempts()] == [second]


def test_a_campaign_that_mends_its_hours_calls_those_it_held(store: Store) -> None:
    start(store, when={"windows": {"daily": "22:00-23:00"}})
    people(store, customer())
    enrol(store)
    assert (callback(store).state, callback(store).reason) == (CallbackState.HELD, Reason.NO_WINDOW)
    start(store)
    check_books(store)
    assert len(claim(store)) == 1


def test_a_paused_campaign_starts_no_call_and_loses_none(store: Store) -> None:
    start(store)
    people(store, *crowd(3))
    enrol(store)
    claimed = claim(store, limit=1)
    store.campaigns.pause("survey", "the manager said so")
    standing = store.campaigns.get("survey")
    assert (standing.paused, standing.pause_reason) == (True, "the manager said so")
    assert store.attempts.commit(claimed, NOW) == []
    assert claim(store) == []
    assert store.callbacks.ready_count(NOW) == 0
    assert {record.state for record in store.records.callbacks()} == {CallbackState.WAITING}
    check_books(store)
    store.campaigns.resume("survey")
    assert not store.campaigns.get("survey").paused
    assert len(claim(store, at=NOW + HOUR)) == 3


def test_applying_a_version_does_not_resume(store: Store) -> None:
    start(store)
    store.campaigns.pause("survey", "why")
    start(store, title="Another title")
    assert store.campaigns.get("survey").paused


def test_one_campaign_pauses_alone(store: Store) -> None:
    for name in ("renewal", "survey"):
        start(store, name)
    people(store, customer("C1"))
    enrol(store, "renewal")
    enrol(store, "survey")
    store.campaigns.pause("renewal", "why")
    (briefing,) = dial(store)
    assert briefing.campaign.id == "survey"


def test_a_paused_campaign_still_lets_a_finished_one_close(store: Store) -> None:
    start(store, attempts={"within": "1 day"})
    people(store, customer())
    enrol(store)
    store.campaigns.pause("survey", "why")
    store.callbacks.turn(NOW + 2 * DAY)
    assert callback(store).reason is Reason.EXPIRED


def test_waiting_counts_the_queue(store: Store) -> None:
    start(store)
    people(store, *crowd(3))
    enrol(store)
    assert store.campaigns.waiting() == {"survey": 3}
    claim(store, limit=2)
    assert store.campaigns.waiting() == {"survey": 1}


def test_a_new_deadline_holds_for_all_that_wait_or_are_held(store: Store) -> None:
    start(store)
    people(store, *crowd(2), customer("H", number(9), tier="vip"))
    enrol(store)
    with store.database.write() as connection:
        connection.execute(text("UPDATE callback SET state = 'done', reached_at = due_at WHERE customer_id = 1"))
        connection.execute(text("DELETE FROM queue WHERE callback_id = 1"))
    before = {one.callback: (one.deadline, one.slack) for one in store.records.callbacks()}
    start(store, title="Another title")
    assert {one.callback: (one.deadline, one.slack) for one in store.records.callbacks()} == before
    start(store, why_now={"deadline": "36 h"})
    over, *waiting = store.records.callbacks()
    assert over.deadline == NOW + 3 * DAY
    assert {(one.deadline, one.slack) for one in waiting} == {(NOW + 1.5 * DAY, None)}
    store.callbacks.turn(NOW)
    assert all(one.slack is not None and one.slack < 1.5 * DAY for one in list(store.records.callbacks())[1:])
    start(store)
    assert {one.deadline for one in store.records.callbacks()} == {NOW + 3 * DAY}


def test_a_new_deadline_holds_also_after_a_version_nobody_can_read(store: Store) -> None:
    old = start(store)
    people(store, customer())
    enrol(store)
    with store.database.write() as connection:
        connection.execute(text("UPDATE campaign_version SET document = '{}'"))
    _parsed.pop(("survey", old), None)
    start(store, why_now={"deadline": "1 day"})
    assert callback(store).deadline == NOW + DAY


def test_a_deadline_at_risk_is_no_task_any_more_when_the_campaign_grants_more_time(store: Store) -> None:
    start(store, when={"windows": {"sat": ["12:00-14:00"]}})
    people(store, customer("V", tier="vip"))
    enrol(store)
    assert [one.kind for one in store.tasks.find()] == ["deadline"]
    start(store, when={"windows": {"sat": ["12:00-14:00"]}}, why_now={"deadline": "84 h"})
    store.callbacks.turn(NOW)
    assert [(one.kind, one.due) for one in store.tasks.find()] == [("deadline", NOW + 3.5 * DAY)]
    start(store, when={"windows": {"sat": ["12:00-14:00"]}}, why_now={"deadline": "9 days"})
    store.callbacks.turn(NOW)
    assert store.tasks.find() == []
