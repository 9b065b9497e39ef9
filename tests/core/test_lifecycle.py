"""What is known of an attempt does not depend on the order, the number or the lateness of what the carrier tells."""

from __future__ import annotations

from datetime import timedelta
from functools import reduce
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dialer.core.lifecycle import AGENTS_OWN, OPEN, RECORD, AttemptState, Event, EventKind, Facts, Mark, apply
from dialer.core.outcome import CLOSING, RETRYABLE, AnsweredBy, Disposition, Ending, Fault, Network, Outcome
from tests.campaigns import NOW

S, K = AttemptState, EventKind

CARRIER = (K.PLACED, K.QUEUED, K.RINGING, K.ANSWERED, K.VERDICT, K.HEARD, K.WAITING, K.CONNECTED, K.ENDED)
"""What proves that a call exists."""
UNSETTLED = (S.DIALING, S.UNKNOWN, S.NEEDS_HUMAN)
GIVEN_UP = (S.RELEASED, S.REJECTED, S.NOT_PLACED)

instants = st.integers(0, 600).map(lambda seconds: NOW + timedelta(seconds=seconds))
marks = st.builds(
    Mark,
    node=st.sampled_from(["ask", "when"]),
    tries=st.integers(1, 2),
    digits=st.sampled_from(["", "1", "9"]),
    answer=st.sampled_from(["", "yes"]),
    disposition=st.sampled_from(Disposition),
    code=st.sampled_from(["", "renewed", "later"]),
    promise_at=st.none() | instants,
    zone=st.sampled_from(["", "Asia/Tokyo"]),
)


def told(kind: EventKind, **what: Any) -> Event:
    return Event("t", kind, kind.value, what.pop("at", NOW), "webhook", **what)


@st.composite
def events(draw: st.DrawFn, kinds: tuple[EventKind, ...] = CARRIER) -> Event:
    """Anything a carrier could say about the one call of this attempt."""
    kind = draw(st.sampled_from(kinds))
    what: dict[str, Any] = {"at": draw(instants), "carrier_call_id": "CA1"}
    if kind is K.ENDED:
        what |= {
            "network": draw(st.none() | st.sampled_from(Network)),
            "talk": draw(st.none() | st.integers(0, 90).map(lambda seconds: timedelta(seconds=seconds))),
            "fault": draw(st.none() | st.sampled_from(Fault)),
            "failure": draw(st.sampled_from(["", "31005 gone", "32009 off"])),
        }
    if kind is K.VERDICT:
        what["answered_by"] = draw(st.sampled_from(AnsweredBy))
    if kind is K.HEARD:
        what["mark"] = draw(marks)
    return told(kind, **what)


def fold(told: list[Event], state: AttemptState = S.DIALING) -> Facts:
    return reduce(apply, told, Facts(state=state, sent_at=NOW))


def conclusions(facts: Facts) -> tuple[object, ...]:
    """Everything that is derived from the facts."""
    return (
        facts.outcome,
        facts.outcome.ending,
        facts.counted,
        facts.disposition,
        facts.code,
        facts.promise_at,
        facts.answers,
    )


# Order, repetition, lateness


@given(st.data(), st.lists(events(), max_size=8), st.sampled_from(UNSETTLED))
def test_order_and_repetition_make_no_difference(data: st.DataObject, heard: list[Event], state: AttemptState) -> None:
    again = data.draw(st.lists(st.sampled_from(heard), max_size=6)) if heard else []
    shuffled = data.draw(st.permutations(heard + again))
    assert fold(shuffled, state) == fold(heard, state)
    assert conclusions(fold(shuffled, state)) == conclusions(fold(heard, state))


@given(st.lists(events(), min_size=1, max_size=5), st.data())
def test_a_lost_answer_of_the_carrier_changes_nothing_once_it_has_spoken(
    heard: list[Event], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(heard)))
    with_lost = [*heard[:place], told(K.LOST), *heard[place:]]
    assert fold(with_lost) == fold(heard)


@given(
    st.lists(events(), min_size=1, max_size=5),
    st.lists(events((K.LOST, K.REFUSED, K.NOT_SENT, K.ABSENT, K.AMBIGUOUS, K.DROPPED, K.SENT)), max_size=4),
)
def test_a_late_answer_never_regresses_what_a_webhook_proved(heard: list[Event], late: list[Event]) -> None:
    known = fold(heard)
    assert reduce(apply, late, known).state is known.state


@given(st.lists(events(tuple(EventKind)), max_size=12))
def test_what_is_over_is_never_open_again(heard: list[Event]) -> None:
    facts, over = Facts(), False
    for one in heard:
        before, facts = facts.state, apply(facts, one)
        over = over or not facts.is_open
        assert facts.is_open != over
        if before in {S.FINAL, S.ORPHANED}:
            assert facts.state is before
        elif before in GIVEN_UP:
            assert facts.state in {before, S.ORPHANED}


@given(st.sampled_from(GIVEN_UP), st.lists(events(), min_size=1, max_size=6), st.data())
def test_a_call_that_was_given_up_and_comes_anyway_is_an_orphan(
    state: AttemptState, heard: list[Event], data: st.DataObject
) -> None:
    facts = fold(heard, state)
    assert facts.state is S.ORPHANED
    assert facts.carrier_call_id == "CA1"  # so that it can be hung up
    assert facts == fold(data.draw(st.permutations(heard)), state)


@pytest.mark.parametrize("kind", [K.LOST, K.REFUSED, K.NOT_SENT, K.ABSENT, K.AMBIGUOUS, K.SENT, K.DROPPED])
@pytest.mark.parametrize("state", GIVEN_UP)
def test_only_the_carrier_can_make_an_orphan(state: AttemptState, kind: EventKind) -> None:
    assert fold([told(kind)], state).state is state


def test_open_states_are_those_in_which_a_call_may_exist_or_begin() -> None:
    assert set(AttemptState) - OPEN == {S.FINAL, S.ORPHANED, *GIVEN_UP}


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_two_marks_of_one_step_are_told_apart_whatever_came_first(order: tuple[int, ...]) -> None:
    """Nothing may hang on the order in which a set happens to give its elements."""
    marks = {
        1: Mark("when", disposition=Disposition.PROMISED, code="soon", promise_at=NOW),
        2: Mark("when", disposition=Disposition.PROMISED, code="later", promise_at=NOW + timedelta(hours=1)),
    }
    facts = Facts(marks=frozenset(marks[one] for one in order))
    assert facts.promise_at == NOW + timedelta(hours=1)
    assert facts.code == "later"


# One attempt against a model of it


class Model:
    """An attempt as a person would tell it: was it sent, does the carrier have it, has it been given up?"""

    def __init__(self) -> None:
        self.sent = False
        self.doubt = S.DIALING
        self.progress = 0  # 1 the carrier has it, 2 somebody picked up, 3 it is over
        self.gone: AttemptState | None = None

    def hear(self, kind: EventKind) -> None:
        if not self.sent:
            if kind is K.SENT and self.gone is None:
                self.sent = True
            elif kind is K.DROPPED and self.gone is None:
                self.gone = S.RELEASED
            elif kind in CARRIER and self.gone:
                self.gone = S.ORPHANED
        elif kind in CARRIER:
            if self.gone:
                self.gone = S.ORPHANED
            else:
                self.progress = max(self.progress, 3 if kind is K.ENDED else 2 if kind in CARRIER[3:] else 1)
        elif not self.progress and not self.gone:
            self._without_a_call(kind)

    def _without_a_call(self, kind: EventKind) -> None:
        sure = self.doubt is not S.NEEDS_HUMAN
        if kind is K.LOST and self.doubt is S.DIALING:
            self.doubt = S.UNKNOWN
        elif kind is K.AMBIGUOUS and self.doubt is S.UNKNOWN:
            self.doubt = S.NEEDS_HUMAN
        elif kind is K.ABSENT and self.doubt is not S.DIALING:
            self.gone = S.NOT_PLACED
        elif kind is K.REFUSED and sure:
            self.gone = S.REJECTED
        elif kind is K.NOT_SENT and sure:
            self.gone = S.RELEASED

    @property
    def state(self) -> AttemptState:
        if self.gone:
            return self.gone
        if not self.sent:
            return S.INTENT
        return (self.doubt, S.ACCEPTED, S.LIVE, S.FINAL)[self.progress]


class OneAttempt(RuleBasedStateMachine):
    """One attempt that is told everything there is, in every order."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.facts = Facts()
        self.counted = False

    @rule(event=events(tuple(EventKind)))
    def is_told(self, event: Event) -> None:
        before = self.facts
        self.facts = apply(self.facts, event)
        self.model.hear(event.kind)
        assert apply(self.facts, event) == self.facts  # twice is once
        for name in ("sent_at", "rang_at", "answered_at", "ended_at"):
            known, new = getattr(before, name), getattr(self.facts, name)
            assert known is None or new <= known
        assert before.marks <= self.facts.marks

    @invariant()
    def stands_where_the_model_stands(self) -> None:
        assert self.facts.state is self.model.state
        assert self.facts.is_open == (self.facts.state in OPEN)

    @invariant()
    def stays_counted(self) -> None:
        assert self.facts.counted >= self.counted
        self.counted = self.facts.counted


TestOneAttempt = OneAttempt.TestCase
TestOneAttempt.settings = settings(max_examples=60, stateful_step_count=15)


class OneAttemptAtLength(OneAttempt):
    """The same walk, longer and more often."""


TestOneAttemptAtLength = pytest.mark.slow(OneAttemptAtLength.TestCase)
TestOneAttemptAtLength.settings = settings(max_examples=300, stateful_step_count=30)


# Counted or not


@pytest.mark.parametrize(
    "felt",
    [
        [told(K.RINGING)],
        [told(K.ANSWERED)],
        [told(K.VERDICT, answered_by=AnsweredBy.MACHINE)],
        [told(K.ENDED, network=Network.BUSY)],  # an engaged line may be a declined call
        [told(K.ENDED, network=Network.NO_ANSWER)],
        [told(K.ENDED, network=Network.ANSWERED)],
        [told(K.RINGING), told(K.ENDED, network=Network.CANCELED)],
        [told(K.ENDED, network=Network.ERROR), told(K.RINGING)],
    ],
)
def test_what_the_customer_felt_counts(felt: list[Event]) -> None:
    assert fold(felt).counted
    assert fold(felt).outcome.ending is not Ending.NOT_RUNG


@pytest.mark.parametrize(
    "unfelt",
    [
        [],
        [told(K.PLACED)],
        [told(K.QUEUED)],
        [told(K.LOST), told(K.ABSENT)],
        [told(K.NOT_SENT)],
        [told(K.REFUSED, fault=Fault.CONFIGURATION)],
        [told(K.REFUSED, fault=Fault.NUMBER)],
        [told(K.PLACED), told(K.ENDED, network=Network.ERROR)],
        [told(K.PLACED), told(K.ENDED, network=Network.CANCELED)],
        [told(K.PLACED), told(K.ENDED, network=Network.UNREACHABLE)],
        [told(K.PLACED), told(K.ENDED, network=Network.BAD_NUMBER)],
    ],
)
def test_what_the_customer_did_not_feel_does_not_count(unfelt: list[Event]) -> None:
    assert not fold(unfelt).counted


# The fold into one word


def test_a_ring_that_ended_in_an_error_is_a_call_nobody_answered() -> None:
    """Else the retry after an error, a minute later, would ring the same phone again and again."""
    for network in (Network.ERROR, Network.CANCELED, None):
        for order in permutations([told(K.RINGING), told(K.ENDED, network=network)]):
            assert fold(list(order)).outcome.ending is Ending.NO_ANSWER


def test_an_error_after_a_conversation_does_not_undo_it() -> None:
    mark = Mark("bye", disposition=Disposition.COMPLETED)
    heard = [told(K.ANSWERED), told(K.HEARD, mark=mark), told(K.ENDED, network=Network.ERROR, fault=Fault.TEMPORARY)]
    for order in permutations(heard):
        assert fold(list(order)).outcome.ending is Ending.REACHED


@pytest.mark.parametrize("weaker", [network for network in Network if network is not Network.ANSWERED])
def test_of_two_contradicting_last_words_the_one_that_means_more_contact_wins(weaker: Network) -> None:
    words = [told(K.ENDED, network=weaker), told(K.ENDED, network=Network.ANSWERED)]
    assert {fold(list(order)).outcome.network for order in permutations(words)} == {Network.ANSWERED}


@given(st.lists(events(), max_size=8))
def test_opting_out_wins_over_whatever_else_was_said(heard: list[Event]) -> None:
    never = told(K.HEARD, mark=Mark("never", digits="9", disposition=Disposition.OPTED_OUT))
    assert fold([*heard, never]).outcome.ending is Ending.OPTED_OUT
    assert fold([never, *heard]).outcome.ending is Ending.OPTED_OUT


@pytest.mark.parametrize("machine", [AnsweredBy.MACHINE, AnsweredBy.FAX])
@pytest.mark.parametrize("disposition", [one for one in Disposition if one is not Disposition.OPTED_OUT])
def test_a_machine_is_a_machine_whatever_the_script_made_of_its_silence(
    disposition: Disposition, machine: AnsweredBy
) -> None:
    """A voicemail that listens to the end has refused nothing, and nobody was reached."""
    assert Outcome(Network.ANSWERED, machine, disposition).ending is Ending.MACHINE
    silence = told(K.HEARD, mark=Mark("ask", disposition=disposition))
    heard = [told(K.ANSWERED), silence, told(K.VERDICT, answered_by=machine)]
    for order in permutations(heard):
        assert fold(list(order)).outcome.ending is Ending.MACHINE


def test_a_key_proves_a_person_against_the_verdict() -> None:
    key = told(K.HEARD, mark=Mark("ask", digits="2", disposition=Disposition.REFUSED))
    for order in permutations([key, told(K.VERDICT, answered_by=AnsweredBy.MACHINE)]):
        facts = fold(list(order))
        assert (facts.answered_by, facts.outcome.ending) == (AnsweredBy.HUMAN, Ending.REFUSED)


@pytest.mark.parametrize("who", [AnsweredBy.UNKNOWN, AnsweredBy.HUMAN])
def test_an_unknown_listener_is_treated_as_a_person(who: AnsweredBy) -> None:
    assert Outcome(Network.ANSWERED, who, Disposition.COMPLETED).ending is Ending.REACHED
    assert Outcome(Network.ANSWERED, who, Disposition.NONE).ending is Ending.HUNG_UP


def test_a_number_the_carrier_refuses_for_good_is_a_bad_number() -> None:
    assert fold([told(K.REFUSED, fault=Fault.NUMBER)]).outcome.ending is Ending.BAD_NUMBER
    for fault in set(Fault) - {Fault.NUMBER}:
        assert fold([told(K.REFUSED, fault=fault)]).outcome.ending is Ending.NOT_RUNG


@given(st.builds(Outcome, st.sampled_from(Network), st.sampled_from(AnsweredBy), st.sampled_from(Disposition)))
def test_every_outcome_has_one_word_and_every_word_one_way_on(outcome: Outcome) -> None:
    ending = outcome.ending
    ways = [ending.closes, ending in RETRYABLE, ending in {Ending.PROMISED, Ending.BAD_NUMBER, Ending.NOT_RUNG}]
    assert sum(ways) == 1
    assert ending.closes == (ending in CLOSING)
    if ending.spoke_to_customer and ending is not Ending.OPTED_OUT:
        assert outcome.network is Network.ANSWERED
        assert outcome.answered_by not in {AnsweredBy.MACHINE, AnsweredBy.FAX}


def test_answers_are_those_of_the_last_asking_and_the_last_promise_counts() -> None:
    later = NOW + timedelta(days=1)
    heard = [
        told(K.HEARD, mark=Mark("ask", tries=1, digits="7")),
        told(K.HEARD, mark=Mark("ask", tries=2, digits="1", answer="satisfied")),
        told(K.HEARD, mark=Mark("when", tries=1, digits="1", disposition=Disposition.PROMISED, promise_at=NOW)),
        told(K.HEARD, mark=Mark("when", tries=2, digits="2", disposition=Disposition.PROMISED, promise_at=later)),
    ]
    for order in permutations(heard):
        facts = fold(list(order))
        assert facts.answers == {"ask": "satisfied", "when": "2"}
        assert facts.promise_at == later


# Agents


def agent_wrote(disposition: Disposition, tries: int = 1, **mark: Any) -> Event:
    return told(K.HEARD, mark=Mark(RECORD, tries, disposition=disposition, **mark))


@given(st.lists(events(), max_size=6), st.sampled_from(Disposition), st.data())
def test_the_agents_last_word_stands_but_an_opt_out_before_all(
    heard: list[Event], disposition: Disposition, data: st.DataObject
) -> None:
    earlier = data.draw(st.lists(st.builds(agent_wrote, st.sampled_from(Disposition), st.just(1)), max_size=1))
    written = agent_wrote(disposition, 2, code="own")
    facts = fold(data.draw(st.permutations([*heard, *earlier, written])))
    said = {one.mark.disposition for one in [*heard, *earlier] if one.mark is not None}
    if Disposition.OPTED_OUT in said | {disposition}:
        assert facts.disposition is Disposition.OPTED_OUT
    elif disposition is not Disposition.NONE:
        assert (facts.disposition, facts.code) == (disposition, "own")


def test_the_time_an_agent_wrote_down_goes_before_the_scripts() -> None:
    later = NOW + timedelta(days=1)
    chosen = told(K.HEARD, mark=Mark("when", 9, "1", disposition=Disposition.PROMISED, promise_at=NOW))
    written = agent_wrote(Disposition.PROMISED, promise_at=later)
    for order in permutations([chosen, written]):
        assert fold(list(order)).promise_at == later


def test_notes_to_the_program_are_no_answers_of_the_customer() -> None:
    marks = [Mark(node, answer="x", digits="1") for node in sorted(AGENTS_OWN)]
    facts = fold([told(K.HEARD, mark=mark) for mark in [*marks, Mark("ask", digits="1", answer="yes")]])
    assert facts.answers == {"ask": "yes"}
    assert not facts.skipped, "what was dialed was not skipped, whatever somebody noted"


@given(st.lists(events(), max_size=8))
def test_nobody_is_abandoned_who_met_an_agent_or_never_waited(heard: list[Event]) -> None:
    facts = fold(heard)
    kinds = {one.kind for one in heard}
    waited, met = K.WAITING in kinds, K.CONNECTED in kinds
    assert facts.abandoned == (not facts.is_open and waited and not met)
    assert (facts.waited_at is not None, facts.connected_at is not None) == (waited, met)


@given(st.lists(events(), max_size=8), st.booleans())
def test_what_follows_waits_for_the_record_of_an_agent_who_talked(heard: list[Event], wrapped: bool) -> None:  # noqa: FBT001 - pytest gives it by name
    facts = fold([*heard, told(K.WRAPPED)] if wrapped else heard)
    met = any(one.kind is K.CONNECTED for one in heard)
    assert facts.is_settled == (not facts.is_open and (wrapped or not met))


@pytest.mark.parametrize("state", list(S))
def test_waiting_and_meeting_prove_a_call_and_finishing_a_record_proves_nothing(state: AttemptState) -> None:
    for kind in (K.WAITING, K.CONNECTED):
        after = apply(Facts(state=state), told(kind)).state
        if state in UNSETTLED or state is S.ACCEPTED:
            assert after is S.LIVE
        elif state in GIVEN_UP:
            assert after is S.ORPHANED
        else:
            assert after is state
    assert apply(Facts(state=state), told(K.WRAPPED)).state is state
