"""What an ended attempt means for its callback: retry, done, held or closed, and what a late word still changes."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from dialer.core.lifecycle import PREVIEW, RECORD, Event, EventKind, Mark
from dialer.core.outcome import AnsweredBy, Disposition, Ending, Fault, Network
from dialer.core.promise import Reading
from dialer.core.record import CallbackState, Reason
from dialer.store import Enrolment, Store, Wanted
from dialer.store.belonging import Taker
from tests.campaigns import NOW, customer, number
from tests.rule_books import preset, ruled
from tests.store.floor import agent
from tests.store.steps import (
    DAY,
    HOUR,
    MINUTE,
    callback,
    callbacks,
    check_books,
    claim,
    conversation,
    dial,
    dial_one,
    ended,
    enrol,
    heard,
    no_answer,
    people,
    rows,
    start,
    tell,
    told,
)

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from dialer.core.customer import Customer

K = EventKind
ANY_HOUR: dict[str, Any] = {"when": {"windows": {"daily": "00:00-24:00"}}}
PERSON = customer("C1", number(1), number(2))
TWO_NUMBERS = {"retry": [{"after": "no_answer", "wait": "1 h", "next_number": True}], "other_hour": False}


def begin(store: Store, person: Customer = PERSON, **changes: Any) -> str:
    """The token of the first call to `person`."""
    start(store, **changes)
    people(store, person)
    enrol(store)
    return dial_one(store)


def number_of_call(store: Store, at: timedelta) -> str:
    (briefing,) = dial(store, at=NOW + at)
    return briefing.number.e164


# The ends


def test_a_conversation_is_done(store: Store) -> None:
    token = begin(store)
    tell(store, *conversation(token, Disposition.COMPLETED, code="renewed", answer="yes"))
    done = callback(store)
    assert (done.state, done.reason, done.closed, done.next_at) == (CallbackState.DONE, None, NOW, None)
    assert (done.attempts, done.reached, done.ending, done.code) == (1, NOW, Ending.REACHED, "renewed")
    assert done.answers == {"ask": "yes"}
    assert done.last_called == NOW
    check_books(store)


def test_a_miss_waits_as_the_table_says_and_keeps_away_from_its_hour(store: Store) -> None:
    token = begin(store, attempts={"retry": [{"after": "no_answer", "wait": "30 min"}]})
    tell(store, *no_answer(token))
    assert callback(store).next_at == NOW.replace(hour=15, minute=0)
    assert callback(store).ending is Ending.NO_ANSWER
    check_books(store)
    assert claim(store, at=NOW.replace(minute=59)) == []
    assert len(dial(store, at=NOW.replace(hour=15, minute=0))) == 1


def test_a_machine_is_tried_again_and_never_a_refusal(store: Store) -> None:
    token = begin(store)
    silence = heard(token, Disposition.REFUSED, digits="")
    tell(store, *no_answer(token)[:2], silence, told(token, K.VERDICT, answered_by=AnsweredBy.MACHINE))
    tell(store, ended(token, Network.ANSWERED))
    assert (callback(store).state, callback(store).ending) == (CallbackState.WAITING, Ending.MACHINE)


def test_a_refusal_closes(store: Store) -> None:
    tell(store, *conversation(begin(store), Disposition.REFUSED))
    assert (callback(store).state, callback(store).reason) == (CallbackState.CLOSED, Reason.REFUSED)
    assert not store.suppressions.has(PERSON)  # not now is not never
    check_books(store)


def test_a_promise_is_called_at_its_time_out_of_turn_and_beyond_the_most(store: Store) -> None:
    token = begin(store, attempts={"most": 1})
    chosen = NOW + 20 * HOUR
    tell(store, *conversation(token, Disposition.PROMISED, promise_at=chosen))
    assert callback(store).next_at == chosen
    assert claim(store, at=chosen - MINUTE) == []
    second = dial_one(store, at=chosen)
    tell(store, *no_answer(second, chosen), at=chosen)
    assert (callback(store).state, callback(store).reason) == (CallbackState.CLOSED, Reason.UNREACHED)
    check_books(store)


def test_attempts_that_are_used_up_close_and_a_vip_becomes_a_task(store: Store) -> None:
    plenty = {"most": 2, "other_hour": False, "retry": [{"after": "busy", "wait": "1 h"}]}
    start(store, attempts=plenty)
    people(store, customer("C1"), customer("C2", number(2), tier="vip"))
    enrol(store)
    for hour in range(2):
        at = NOW + hour * HOUR
        tell(store, *[ended(briefing.token, Network.BUSY, at) for briefing in dial(store, at=at)], at=at)
    found = callbacks(store)
    assert (found["C1"].state, found["C1"].reason) == (CallbackState.CLOSED, Reason.UNREACHED)
    assert (found["C2"].state, found["C2"].reason) == (CallbackState.HELD, Reason.UNREACHED)
    assert found["C2"].closed is None
    check_books(store)


def test_a_code_nobody_knows_is_held_for_a_person(store: Store) -> None:
    tell(store, told(begin(store), K.REFUSED, fault=Fault.UNKNOWN, failure="99999"))
    assert (callback(store).state, callback(store).reason) == (CallbackState.HELD, Reason.NEEDS_HUMAN)
    assert claim(store, at=NOW + DAY) == []
    check_books(store)


# Numbers


def test_the_next_number_is_tried_as_the_table_says(store: Store) -> None:
    tell(store, *no_answer(begin(store, attempts=TWO_NUMBERS)))
    assert number_of_call(store, HOUR) == number(2).e164


def test_a_bad_number_is_left_for_good(store: Store) -> None:
    token = begin(store, attempts=TWO_NUMBERS)
    tell(store, ended(token, Network.BAD_NUMBER))
    assert callback(store).attempts == 0
    (second,) = dial(store, at=NOW + MINUTE)
    assert second.number == number(2)
    tell(store, *no_answer(second.token, NOW + MINUTE), at=NOW + MINUTE)
    assert number_of_call(store, 2 * HOUR) == number(2).e164


def test_when_every_number_is_bad_a_new_one_in_the_file_is_called(store: Store) -> None:
    token = begin(store, customer("C1", number(1)))
    tell(store, told(token, K.REFUSED, fault=Fault.NUMBER, failure="21211"))
    assert (callback(store).state, callback(store).reason) == (CallbackState.HELD, Reason.BAD_NUMBER)
    people(store, replace(PERSON, numbers=(number(1), number(7))))
    assert number_of_call(store, HOUR) == number(7).e164
    check_books(store)


def test_a_strangers_number_is_never_called_again(store: Store) -> None:
    """Neither when the numbers have gone round, nor when something else in the customer's file has changed."""
    token = begin(store, attempts=TWO_NUMBERS)
    tell(store, *conversation(token, Disposition.WRONG_PERSON))
    (second,) = dial(store, at=NOW + 2 * HOUR)
    assert second.number == number(2)
    tell(store, *no_answer(second.token, NOW + 2 * HOUR), at=NOW + 2 * HOUR)
    assert number_of_call(store, 4 * HOUR) == number(2).e164


def test_a_vip_whose_number_is_a_strangers_waits_for_another_number(store: Store) -> None:
    vip = customer("C1", number(1), tier="vip")
    tell(store, *conversation(begin(store, vip), Disposition.WRONG_PERSON))
    assert (callback(store).state, callback(store).reason) == (CallbackState.HELD, Reason.WRONG_PERSON)
    people(store, replace(vip, salutation="Dr"))
    assert claim(store, at=NOW + DAY) == []
    assert callback(store).state is CallbackState.HELD
    people(store, replace(vip, numbers=(number(3),)))
    assert number_of_call(store, DAY + HOUR) == number(3).e164
    check_books(store)


# What the customer never felt


def test_errors_wait_longer_and_longer_and_count_for_nothing(store: Store) -> None:
    token = begin(store, **ANY_HOUR)
    at, pauses = NOW, []
    for _ in range(5):
        tell(store, told(token, K.REFUSED, at, fault=Fault.TEMPORARY, failure="20503"), at=at)
        after = callback(store).next_at
        assert after is not None
        pauses.append((after - at) // MINUTE)
        at = after
        token = dial_one(store, at=at)
    assert pauses == [1, 2, 4, 8, 16]
    assert callback(store).attempts == 0
    tell(store, *no_answer(token, at), at=at)
    assert callback(store).attempts == 1


def test_what_was_never_sent_is_no_error(store: Store) -> None:
    start(store)
    people(store, PERSON)
    enrol(store)
    for minute in range(3):
        at = NOW + minute * MINUTE
        (token,) = claim(store, at=at)
        tell(store, told(token, K.DROPPED, at), at=at)
        assert callback(store).next_at == at + MINUTE


# Opting out on the phone


def test_opting_out_is_never_again_for_person_and_number_in_every_campaign(store: Store) -> None:
    start(store, "renewal")
    people(store, customer("C1", number(1), tier="vip"), customer("C2", number(1)), customer("C3", number(3)))
    enrol(store, "renewal", due=NOW + HOUR)
    start(store, attempts={"most": 3})
    key = next(key for page in store.customers.numbered_pages() for key, one in page if one.reference == "C1")
    store.callbacks.enrol("survey", [Enrolment(key, "once", NOW, NOW + DAY)], NOW)
    token = next(briefing.token for briefing in dial(store) if briefing.customer.reference == "C1")
    tell(store, *conversation(token, Disposition.OPTED_OUT, digits="9"))
    written = rows(store, "SELECT subject, source, attempt FROM suppression ORDER BY subject")
    assert written == [("customer:C1", "keypad", token), (f"number:{number(1).e164}", "keypad", token)]
    store.callbacks.turn(NOW)
    for record in store.records.callbacks():
        if record.customer == "C1":
            assert (record.state, record.reason) == (CallbackState.CLOSED, Reason.OPTED_OUT)
    assert claim(store, at=NOW + 4 * HOUR) == []
    assert callback(store, "C2", "renewal").reason is Reason.OPTED_OUT
    check_books(store)


def test_opting_out_counts_before_the_call_has_ended(store: Store) -> None:
    token = begin(store)
    tell(store, told(token, K.ANSWERED), heard(token, Disposition.OPTED_OUT, digits="9"))
    assert store.suppressions.has(PERSON)
    assert callback(store).state is CallbackState.CALLING
    tell(store, told(token, K.LOST), ended(token, Network.ERROR))
    assert (callback(store).state, callback(store).reason) == (CallbackState.CLOSED, Reason.OPTED_OUT)


# Late words


def test_a_late_wish_closes_what_waits(store: Store) -> None:
    token = begin(store)
    tell(store, told(token, K.ANSWERED), ended(token, Network.ANSWERED))
    assert (callback(store).state, callback(store).ending) == (CallbackState.WAITING, Ending.HUNG_UP)
    tell(store, heard(token, Disposition.REFUSED), at=NOW + MINUTE)
    assert (callback(store).state, callback(store).reason) == (CallbackState.CLOSED, Reason.REFUSED)
    check_books(store)


@pytest.mark.parametrize("first", [Network.ERROR, Network.NO_ANSWER, Network.UNREACHABLE])
def test_a_late_conversation_is_done_after_all(store: Store, first: Network) -> None:
    token = begin(store)
    tell(store, ended(token, first))
    assert callback(store).state is CallbackState.WAITING
    tell(store, told(token, K.ANSWERED), heard(token, Disposition.COMPLETED))
    assert callback(store).state is CallbackState.DONE
    check_books(store)


def test_a_late_ring_makes_the_attempt_count(store: Store) -> None:
    token = begin(store, attempts={"most": 1})
    tell(store, ended(token, Network.UNREACHABLE))
    assert (callback(store).state, callback(store).attempts) == (CallbackState.WAITING, 0)
    tell(store, told(token, K.RINGING))
    assert (callback(store).state, callback(store).attempts) == (CallbackState.CLOSED, 1)
    check_books(store)


def test_a_late_promise_moves_the_next_call(store: Store) -> None:
    token = begin(store)
    first, second = NOW + DAY, NOW + 2 * DAY
    tell(store, *conversation(token, Disposition.PROMISED, promise_at=first))
    tell(store, heard(token, Disposition.PROMISED, digits="2", tries=2, promise_at=second))
    assert callback(store).next_at == second


def test_a_late_word_about_an_earlier_call_waits_for_the_one_that_is_on(store: Store) -> None:
    """What the customer said for good is not forgotten because they were already being called again."""
    first = begin(store, attempts={"retry": [{"after": "hung_up", "wait": "1 h"}]})
    tell(store, told(first, K.ANSWERED), ended(first, Network.ANSWERED))
    second = dial_one(store, at=NOW + HOUR)
    tell(store, heard(first, Disposition.REFUSED), at=NOW + HOUR)
    assert callback(store).state is CallbackState.CALLING
    check_books(store)
    tell(store, *no_answer(second, NOW + HOUR), at=NOW + HOUR)
    assert (callback(store).state, callback(store).reason) == (CallbackState.CLOSED, Reason.REFUSED)
    check_books(store)


def test_a_late_word_about_an_earlier_call_that_ends_nothing_changes_nothing(store: Store) -> None:
    first = begin(store, **ANY_HOUR)
    tell(store, ended(first, Network.ERROR))
    second = dial_one(store, at=NOW + MINUTE)
    tell(store, *no_answer(second, NOW + MINUTE), at=NOW + MINUTE)
    before = callback(store)
    tell(store, ended(first, Network.BUSY), told(first, K.QUEUED), at=NOW + HOUR)
    assert callback(store) == before or callback(store).next_at == before.next_at
    assert callback(store).state is CallbackState.WAITING


def test_a_late_conversation_takes_a_vips_task_away(store: Store) -> None:
    vip = customer("C1", number(1), tier="vip")
    token = begin(store, vip, attempts={"most": 1})
    tell(store, told(token, K.RINGING), ended(token, Network.NO_ANSWER))
    assert callback(store).state is CallbackState.HELD
    tell(store, told(token, K.ANSWERED), heard(token, Disposition.COMPLETED))
    assert callback(store).state is CallbackState.DONE
    check_books(store)


def test_what_is_done_is_not_undone_by_weaker_words(store: Store) -> None:
    token = begin(store)
    tell(store, *conversation(token, Disposition.COMPLETED))
    done = callback(store)
    for late in (
        ended(token, Network.BUSY),
        told(token, K.VERDICT, key="late", answered_by=AnsweredBy.MACHINE),
        told(token, K.LOST),
        told(token, K.ABSENT),
    ):
        tell(store, replace(late, key=f"again {late.key}"), at=NOW + HOUR)
    assert callback(store) == done
    check_books(store)


def test_the_first_time_a_customer_was_spoken_to_is_kept(store: Store) -> None:
    token = begin(store)
    tell(store, *conversation(token, Disposition.NOT_CONVENIENT))
    assert callback(store).reached == NOW
    again = dial_one(store, at=NOW + DAY)
    tell(store, *conversation(again, Disposition.COMPLETED, NOW + DAY), at=NOW + DAY)
    assert callback(store).reached == NOW
    assert callback(store).attempts == 2


def test_answers_of_all_attempts_are_kept_and_later_ones_win(store: Store) -> None:
    token = begin(store)
    first = heard(token, Disposition.NONE, node="who", answer="yes")
    tell(store, first, *conversation(token, Disposition.NOT_CONVENIENT, node="ask", answer="later"))
    again = dial_one(store, at=NOW + DAY)
    tell(store, *conversation(again, Disposition.COMPLETED, NOW + DAY, node="ask", answer="now"), at=NOW + DAY)
    assert callback(store).answers == {"who": "yes", "ask": "now"}


def test_the_end_of_a_call_goes_to_the_campaign_as_it_is_then(store: Store) -> None:
    token = begin(store, attempts={"most": 5})
    start(store, attempts={"most": 1})
    tell(store, *no_answer(token))
    assert callback(store).reason is Reason.UNREACHED
    check_books(store)


# With agents


AGENTS: dict[str, Any] = {"mode": "predictive", "safe_harbour": "Acme called."}
TALK: tuple[EventKind, ...] = (K.PLACED, K.ANSWERED, K.WAITING, K.CONNECTED)


def with_agent(store: Store, **changes: Any) -> str:
    """The token of the first call, made for agent 101."""
    start(store, agents=AGENTS, **changes)
    people(store, PERSON)
    enrol(store)
    return call_for(store, agent(store, "101", leg="parked", leg_token="leg-101"))


def call_for(store: Store, key: int, at: datetime = NOW) -> str:
    store.callbacks.turn(at)
    made = store.reservations.claim(
        key, Taker(me=("101",)), ["survey"], at, owner="here", lease=MINUTE, token=lambda: f"agent-{at.timestamp():.0f}"
    )
    assert made is not None
    store.attempts.commit([made.token], at)
    return made.token


def wrote(token: str, disposition: Disposition, at: datetime = NOW, tries: int = 1, **mark: Any) -> Event:
    """What the agent wrote down."""
    what = Mark(RECORD, tries, disposition=disposition, **mark)
    return told(token, K.HEARD, at, key=f"agent:{tries}", mark=what)


def talked(token: str, at: datetime = NOW) -> list[Event]:
    return [told(token, kind, at) for kind in TALK]


def test_nothing_follows_before_the_record_is_finished(store: Store) -> None:
    token = with_agent(store)
    tell(store, *talked(token), ended(token, Network.ANSWERED))
    assert callback(store).state is CallbackState.CALLING
    tell(store, wrote(token, Disposition.COMPLETED))
    assert callback(store).state is CallbackState.CALLING
    assert not claim(store, at=NOW + HOUR)
    tell(store, told(token, K.WRAPPED))
    assert callback(store).state is CallbackState.DONE
    check_books(store)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_end_record_and_finish_come_in_any_order(store: Store, order: tuple[int, ...]) -> None:
    token = with_agent(store)
    tell(store, *talked(token))
    last = [ended(token, Network.ANSWERED), wrote(token, Disposition.COMPLETED), told(token, K.WRAPPED)]
    for one in order:
        tell(store, last[one])
    assert callback(store).ending is Ending.REACHED
    assert callback(store).state is CallbackState.DONE
    check_books(store)


def test_who_never_met_an_agent_is_settled_at_the_end_of_the_call(store: Store) -> None:
    token = with_agent(store)
    tell(store, *no_answer(token))
    assert callback(store).state is CallbackState.WAITING
    check_books(store)


@pytest.mark.parametrize(
    ("said", "written", "ending"),
    [
        (Disposition.REFUSED, Disposition.COMPLETED, Ending.REACHED),
        (Disposition.COMPLETED, Disposition.NOT_CONVENIENT, Ending.NOT_CONVENIENT),
        (Disposition.OPTED_OUT, Disposition.COMPLETED, Ending.OPTED_OUT),
        (Disposition.COMPLETED, Disposition.OPTED_OUT, Ending.OPTED_OUT),
        (Disposition.REFUSED, Disposition.NONE, Ending.REFUSED),
        (Disposition.PROMISED, Disposition.DISSATISFIED, Ending.DISSATISFIED),
    ],
)
def test_the_agents_word_goes_before_the_scripts_but_an_opt_out_before_all(
    store: Store, said: Disposition, written: Disposition, ending: Ending
) -> None:
    token = with_agent(store)
    tell(store, *talked(token), heard(token, said), wrote(token, written), ended(token, Network.ANSWERED))
    tell(store, told(token, K.WRAPPED))
    assert callback(store).ending is ending
    suppressed = bool(rows(store, "SELECT 1 FROM suppression"))
    assert suppressed == (ending is Ending.OPTED_OUT)


def test_an_opt_out_does_not_wait_for_the_record(store: Store) -> None:
    token = with_agent(store)
    tell(store, *talked(token), wrote(token, Disposition.OPTED_OUT))
    assert rows(store, "SELECT DISTINCT source, by, attempt FROM suppression") == [("person", "101", token)]


@pytest.mark.parametrize("node", ["safe_harbour", "ask"])
def test_whoever_pressed_a_key_before_the_agent_was_there_said_it_themselves(store: Store, node: str) -> None:
    token = with_agent(store)
    heard_it = heard(token, Disposition.OPTED_OUT, digits="9", node=node)
    tell(store, told(token, K.PLACED), told(token, K.ANSWERED), told(token, K.WAITING), heard_it)
    tell(store, ended(token, Network.ANSWERED))
    assert rows(store, "SELECT DISTINCT source, by, attempt FROM suppression") == [("keypad", "", token)]


def test_a_time_chosen_before_the_agent_was_there_is_not_their_promise(store: Store) -> None:
    token = with_agent(store)
    chosen = heard(token, Disposition.PROMISED, promise_at=NOW + 2 * HOUR)
    tell(store, told(token, K.PLACED), told(token, K.ANSWERED), chosen, ended(token, Network.ANSWERED))
    assert rows(store, "SELECT channel, asked_by, agent FROM promise") == [("keypad", "", "")]


def test_a_solution_refused_before_the_agent_was_there_excludes_nobody(store: Store) -> None:
    token = with_agent(store)
    refused = heard(token, Disposition.DISSATISFIED)
    tell(store, told(token, K.PLACED), told(token, K.ANSWERED), refused, ended(token, Network.ANSWERED))
    assert not any(names for (names,) in rows(store, "SELECT not_for FROM queue"))


def test_a_time_agreed_with_an_agent_is_their_promise_with_the_call_as_proof(store: Store) -> None:
    token = with_agent(store)
    at = NOW + 2 * HOUR
    said = wrote(token, Disposition.PROMISED, promise_at=at, zone="Europe/London")
    tell(store, *talked(token), said, ended(token, Network.ANSWERED), told(token, K.WRAPPED))
    columns = "channel, asked_by, agent, attempt, zone, state"
    assert rows(store, f"SELECT {columns} FROM promise") == [  # noqa: S608 - a constant
        ("agent", "101", "101", token, "Europe/London", "open")
    ]
    assert callback(store).next_at == at
    store.callbacks.turn(at)
    ((owner, first),) = rows(store, "SELECT owner, agent_first FROM queue")
    assert (owner, bool(first)) == ("101", True)
    check_books(store)


def abandoned(token: str, at: datetime = NOW) -> list[Event]:
    waits = [told(token, kind, at) for kind in (K.PLACED, K.ANSWERED, K.WAITING)]
    return [*waits, ended(token, Network.ANSWERED, at)]


def test_the_abandoned_wait_for_an_agent_and_as_the_campaign_says(store: Store) -> None:
    token = with_agent(store, attempts={"retry": [{"after": "abandoned", "wait": "3 h"}], "other_hour": False})
    tell(store, *abandoned(token))
    waits = callback(store)
    assert (waits.ending, waits.attempts, waits.next_at) == (Ending.ABANDONED, 1, NOW + 3 * HOUR)
    assert rows(store, "SELECT count(*) FROM callback WHERE agent_first") == [(1,)]
    (key,) = [one for (one,) in rows(store, "SELECT id FROM agent")]
    again = call_for(store, key, NOW + 3 * HOUR)
    tell(store, *no_answer(again, NOW + 3 * HOUR), at=NOW + 3 * HOUR)
    assert rows(store, "SELECT count(*) FROM callback WHERE agent_first") == [(1,)], "nobody has talked to them yet"


def test_who_was_talked_to_may_be_called_ahead_again(store: Store) -> None:
    token = with_agent(store, attempts={"retry": [{"after": "abandoned", "wait": "1 h"}], "other_hour": False})
    tell(store, *abandoned(token))
    (key,) = [one for (one,) in rows(store, "SELECT id FROM agent")]
    later = NOW + HOUR
    again = call_for(store, key, later)
    tell(store, *talked(again, later), wrote(again, Disposition.NOT_CONVENIENT, later), at=later)
    tell(store, ended(again, Network.ANSWERED, later), told(again, K.WRAPPED, later), at=later)
    assert rows(store, "SELECT count(*) FROM callback WHERE agent_first") == [(0,)]


def test_a_machine_that_waited_was_not_abandoned(store: Store) -> None:
    token = with_agent(store)
    verdict = told(token, K.VERDICT, answered_by=AnsweredBy.MACHINE)
    tell(store, *abandoned(token)[:-1], verdict, ended(token, Network.ANSWERED))
    assert callback(store).ending is Ending.MACHINE
    assert rows(store, "SELECT count(*) FROM callback WHERE agent_first") == [(0,)]


def test_a_late_verdict_of_a_machine_takes_the_abandonment_back(store: Store) -> None:
    token = with_agent(store)
    tell(store, *abandoned(token))
    tell(store, told(token, K.VERDICT, answered_by=AnsweredBy.MACHINE), at=NOW + MINUTE)
    assert callback(store).ending is Ending.MACHINE
    assert rows(store, "SELECT count(*) FROM callback WHERE agent_first") == [(0,)]


def test_a_presets_cool_off_holds_the_abandoned_longer_than_the_campaign(database_url: str) -> None:
    three_days = preset("cool", cooloffs=[{"after": "abandoned", "wait": "72 h"}])
    with closing(Store.open(database_url, ruled(three_days))) as store:
        when = {"windows": {"daily": "00:00-24:00"}}
        retry = {"retry": [{"after": "abandoned", "wait": "1 h"}], "other_hour": False}
        token = with_agent(store, attempts=retry, when=when)
        tell(store, *abandoned(token))
        (key,) = [one for (one,) in rows(store, "SELECT id FROM agent")]
        for waited in (HOUR, 2 * DAY, 3 * DAY - MINUTE):
            store.callbacks.turn(NOW + waited)
            about: Any = {"owner": "here", "lease": MINUTE, "token": lambda: "never"}
            taker = Taker(me=("101",))
            assert store.reservations.claim(key, taker, ["survey"], NOW + waited, **about) is None
        (opens,) = rows(store, "SELECT opens_at FROM queue")[0]
        assert str(opens)[:10] == str(NOW + 3 * DAY)[:10]


def test_a_late_word_of_the_meeting_is_settled_by_its_record(store: Store) -> None:
    """Thought abandoned, and then it turns out that they had met."""
    token = with_agent(store)
    tell(store, *abandoned(token))
    assert callback(store).ending is Ending.ABANDONED
    tell(store, told(token, K.CONNECTED), at=NOW + MINUTE)
    tell(store, wrote(token, Disposition.COMPLETED), told(token, K.WRAPPED), at=NOW + 2 * MINUTE)
    assert (callback(store).state, callback(store).ending) == (CallbackState.DONE, Ending.REACHED)
    check_books(store)


def test_a_late_record_does_not_disturb_a_call_that_was_made_since(store: Store) -> None:
    token = with_agent(store, attempts={"retry": [{"after": "abandoned", "wait": "1 h"}], "other_hour": False})
    tell(store, *abandoned(token))
    tell(store, told(token, K.CONNECTED), at=NOW + MINUTE)
    (key,) = [one for (one,) in rows(store, "SELECT id FROM agent")]
    later = NOW + HOUR
    again = call_for(store, key, later)
    tell(store, wrote(token, Disposition.NOT_CONVENIENT), told(token, K.WRAPPED), at=later)
    assert callback(store).state is CallbackState.CALLING
    tell(store, *talked(again, later), wrote(again, Disposition.COMPLETED, later), at=later)
    tell(store, ended(again, Network.ANSWERED, later), told(again, K.WRAPPED, later), at=later)
    assert callback(store).state is CallbackState.DONE
    check_books(store)


def test_a_late_record_takes_no_promise_back_that_was_made_since(store: Store) -> None:
    """Thought abandoned, promised another time by the duty desk, and then the record of a meeting is finished."""
    token = with_agent(store)
    tell(store, *abandoned(token))
    at = NOW + DAY
    key = callback(store).callback
    store.promises.make(
        Wanted(key, at, at.replace(tzinfo=None), "Europe/London", Reading.EXACT, "agent", "Li Na", ""), NOW + MINUTE
    )
    tell(store, told(token, K.CONNECTED), at=NOW + 2 * MINUTE)
    tell(store, wrote(token, Disposition.NOT_CONVENIENT, tries=0), told(token, K.WRAPPED), at=NOW + 3 * MINUTE)
    assert [one.state for one in store.promises.find()] == ["open"]
    assert callback(store).next_at == at


def test_what_an_agent_skips_is_not_offered_again_at_once_and_counts_nothing(store: Store) -> None:
    start(store, agents={"mode": "preview"})
    people(store, PERSON)
    enrol(store)
    store.callbacks.turn(NOW)
    key = agent(store, "101", leg="parked", leg_token="leg-101")
    about: Any = {"owner": "here", "lease": MINUTE, "token": lambda: "looked-at"}
    assert store.reservations.claim(key, Taker(me=("101",)), ["survey"], NOW, **about) is not None
    mark = Mark(PREVIEW, answer="spoke this morning")
    tell(store, told("looked-at", K.DROPPED, failure="spoke this morning", carrier_call_id="", mark=mark))
    waits = callback(store)
    assert (waits.state, waits.attempts, waits.next_at) == (CallbackState.WAITING, 0, NOW + 15 * MINUTE)
    check_books(store)


CASE: dict[str, Any] = {"disposition": Disposition.COMPLETED, "case": True, "person": "102"}


def cases(store: Store) -> list[tuple[object, ...]]:
    return rows(store, "SELECT what, person, state FROM task WHERE kind = 'case'")


def test_a_case_outlasts_the_callback_and_a_second_one_is_added_to_it(store: Store) -> None:
    token = with_agent(store)
    tell(store, *talked(token), ended(token, Network.ANSWERED))
    store.agent_calls.write_notes(token, "the bill is wrong")
    tell(store, heard(token, digits="", node=RECORD, **CASE), told(token, K.WRAPPED))
    assert callback(store).state is CallbackState.DONE
    assert cases(store) == [("the bill is wrong", "102", "open")]
    tell(store, told(token, K.VERDICT, answered_by=AnsweredBy.HUMAN))
    assert len(cases(store)) == 1, "a later word opens no second"


def test_a_record_taken_back_promises_nothing(store: Store) -> None:
    token = with_agent(store)
    promised = heard(token, Disposition.PROMISED, digits="", node=RECORD, tries=1, promise_at=NOW + DAY)
    tell(store, *talked(token), promised, ended(token, Network.ANSWERED))
    tell(store, heard(token, Disposition.COMPLETED, node=RECORD, digits="", tries=2), told(token, K.WRAPPED))
    assert callback(store).state is CallbackState.DONE
    assert rows(store, "SELECT count(*) FROM promise") == [(0,)]
