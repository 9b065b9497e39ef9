"""What a pacer is told of: each thing once, and nothing that says nothing of who answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dialer.core.lessons import is_abandoned, lessons
from dialer.core.lifecycle import AttemptState, Facts, Mark
from dialer.core.outcome import AnsweredBy, Disposition, Network
from dialer.core.pacing import Seen
from tests.campaigns import NOW

SECOND = timedelta(seconds=1)
RANG = Facts(state=AttemptState.ACCEPTED, sent_at=NOW, rang_at=NOW + SECOND)
ANSWERED = replace(RANG, state=AttemptState.LIVE, answered_at=NOW + 9 * SECOND, answered_by=AnsweredBy.UNKNOWN)
WAITING = replace(ANSWERED, waited_at=NOW + 10 * SECOND)
TALKING = replace(WAITING, connected_at=NOW + 11 * SECOND)
OVER = replace(TALKING, state=AttemptState.FINAL, ended_at=NOW + 71 * SECOND, network=Network.ANSWERED)
WRAPPED = replace(OVER, wrapped_at=NOW + 91 * SECOND)


@pytest.mark.parametrize(
    ("before", "after", "learnt"),
    [
        (RANG, RANG, []),
        (RANG, ANSWERED, [("answer", 8)]),
        (replace(RANG, rang_at=None), replace(ANSWERED, rang_at=None), [("answer", 9)]),
        (ANSWERED, WAITING, []),
        (WAITING, TALKING, [("connect", 1)]),
        (TALKING, OVER, [("talk_end", 60)]),
        (OVER, WRAPPED, [("wrap_end", 20)]),
        (RANG, TALKING, [("answer", 8), ("connect", 1)]),
        (RANG, replace(RANG, state=AttemptState.FINAL, network=Network.NO_ANSWER), [("noanswer", 0)]),
        (RANG, replace(RANG, state=AttemptState.FINAL, network=Network.BUSY), [("noanswer", 0)]),
        (ANSWERED, replace(ANSWERED, answered_by=AnsweredBy.MACHINE), [("machine", 0)]),
        (RANG, replace(ANSWERED, answered_by=AnsweredBy.FAX), [("answer", 8), ("machine", 0)]),
        (WAITING, replace(WAITING, state=AttemptState.FINAL), [("abandon", 0)]),
        (WAITING, replace(WAITING, answered_by=AnsweredBy.MACHINE, state=AttemptState.FINAL), [("machine", 0)]),
        (Facts(), Facts(state=AttemptState.RELEASED), []),
        (Facts(state=AttemptState.DIALING), Facts(state=AttemptState.REJECTED), []),
        (Facts(state=AttemptState.UNKNOWN), Facts(state=AttemptState.NOT_PLACED), [("noanswer", 0)]),
    ],
)
def test_what_a_pacer_learns(before: Facts, after: Facts, learnt: list[tuple[str, float]]) -> None:
    assert lessons(before, after) == learnt
    assert {kind for kind, _ in lessons(before, after)} <= set(Seen)


def test_the_message_and_the_end_after_it_are_one_abandoned_call() -> None:
    mark = Mark("safe_harbour", disposition=Disposition.ABANDONED)
    told = replace(WAITING, marks=frozenset({mark}))
    assert lessons(WAITING, told) == [("abandon", 0.0)]
    assert lessons(told, replace(told, state=AttemptState.FINAL)) == []


def test_an_abandoned_customer_who_ends_the_calls_by_a_key_is_abandoned_once() -> None:
    told = replace(WAITING, marks=frozenset({Mark("safe_harbour", disposition=Disposition.ABANDONED)}))
    pressed = Mark("safe_harbour", 2, "9", disposition=Disposition.OPTED_OUT)
    stopped = replace(told, marks=told.marks | {pressed}, answered_by=AnsweredBy.HUMAN)
    over = replace(stopped, state=AttemptState.FINAL, ended_at=NOW + 30 * SECOND)
    taught = [*lessons(WAITING, told), *lessons(told, stopped), *lessons(stopped, over)]
    assert taught == [("abandon", 0.0)]
    assert over.disposition is Disposition.OPTED_OUT
    assert is_abandoned(over)


def test_a_machine_that_hears_the_message_is_not_abandoned() -> None:
    mark = Mark("safe_harbour", disposition=Disposition.ABANDONED)
    machine = replace(WAITING, marks=frozenset({mark}), answered_by=AnsweredBy.MACHINE)
    assert not is_abandoned(machine)
    assert not is_abandoned(replace(machine, state=AttemptState.FINAL))


def test_a_call_taken_back_says_nothing_of_who_would_have_answered() -> None:
    canceled = replace(RANG, state=AttemptState.FINAL, network=Network.CANCELED)
    assert [kind for kind, _ in lessons(RANG, canceled)] in ([], ["cancel"])
