"""The conversation: what is said, what is recorded, when a promise is due, and that every call comes to an end."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from dialer.campaign_files import load_folder
from dialer.core.campaign import Campaign
from dialer.core.campaign_check import campaign_flaws
from dialer.core.customer import Customer
from dialer.core.lifecycle import Facts, Mark
from dialer.core.outcome import AnsweredBy, Disposition, Ending, Network
from dialer.core.promise import Moment
from dialer.core.script import Turn, answered, machine_message, opening
from dialer.core.sentence import LONGEST_VALUE, clean, fill

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NOW = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)  # a Tuesday, 22:30 in Shanghai
ZONE = "Asia/Shanghai"
EXAMPLES = [loaded.campaign for loaded in load_folder(Path(__file__).parents[2] / "campaigns")]

NODES: dict[str, Any] = {
    "hello": {"say": "Hello {name|there}, this is {company}.", "next": "who"},
    "who": {
        "ask": "Is this {name}?",
        "keys": {"1": "tier", "2": {"go": "wrong", "answer": "no"}, "3": "later", "0": "who", "9": "stop"},
        "repeat": 1,
        "no_answer": "silent",
        "wait": "4 s",
    },
    "tier": {"branch": {"field": "tier", "is": "vip"}, "then": "vip", "else": "question"},
    "vip": {"say": "Thank you for your loyalty.", "next": "question"},
    "question": {
        "ask": "Satisfied?",
        "keys": {"1": {"go": "sort", "answer": "yes"}, "2": {"go": "sort", "answer": "no"}},
        "no_answer": "silent",
    },
    "sort": {"branch": {"answer": "question", "is": "yes"}, "then": "glad", "else": "sorry"},
    "later": {
        "offer_time": "When?",
        "choices": {"1": "in 2 hours", "2": "tomorrow 10:00"},
        "next": "until_then",
        "no_answer": "silent",
    },
    "glad": {"end": "Good. Call {hotline}.", "outcome": "happy"},
    "sorry": {"end": "We will do better.", "outcome": "dissatisfied"},
    "wrong": {"end": "Excuse us.", "outcome": "wrong_person"},
    "until_then": {"end": "Until then."},
    "silent": {"end": "We heard nothing."},
    "stop": {"opt_out": "Never again."},
}


def campaign(nodes: Mapping[str, Any] = NODES, start: str = "hello", **changed: Any) -> Campaign:
    document: dict[str, Any] = {
        "campaign": "test",
        "title": "Test",
        "purpose": "survey",
        "company": "Acme",
        "hotline": "12345",
        "voice": "alto",
        "when": {"windows": {"daily": "09:00-20:00"}},
        "script": {"start": start, "nodes": nodes},
        "outcomes": {"happy": {"label": "Happy", "counts_as": "completed"}},
        **changed,
    }
    return Campaign.model_validate(document)


TALK = campaign()
ANN = Customer("c-1", "Ann")


def say(
    node: str, digits: str, *, tries: int = 1, customer: Customer = ANN, answers: Mapping[str, str] | None = None
) -> Turn:
    return answered(TALK, customer, node, tries, digits, now=NOW, zone=ZONE, answers=answers or {})


def test_the_script_of_these_tests_is_sound() -> None:
    assert campaign_flaws(TALK) == []


def test_the_call_opens_with_the_greeting_and_the_question_inside_the_listening() -> None:
    turn = opening(TALK, ANN, now=NOW, zone=ZONE)
    assert turn.spoken == ("Hello Ann, this is Acme.",)
    assert turn.listen is not None
    assert (turn.listen.node, turn.listen.tries, turn.listen.spoken, turn.listen.digits) == (
        "who",
        1,
        "Is this Ann?",
        1,
    )
    assert turn.listen.wait == timedelta(seconds=4)
    assert (turn.language, turn.voice, turn.marks) == ("en", "alto", ())


def test_a_key_is_recorded_and_leads_on() -> None:
    turn = say("question", "1")
    assert turn.listen is None
    assert turn.spoken == ("Good. Call 12345.",)
    assert turn.marks == (
        Mark("question", 1, "1", "yes"),
        Mark("glad", disposition=Disposition.COMPLETED, code="happy"),
    )


def test_a_branch_may_ask_for_an_answer_given_before() -> None:
    assert say("question", "2").spoken == ("We will do better.",)
    nodes = {**NODES, "question": {**NODES["question"], "keys": {"1": {"go": "more", "answer": "yes"}}}}
    nodes["more"] = {"ask": "More?", "keys": {"1": "sort"}, "no_answer": "sort"}
    talk = campaign(nodes)
    for digits in ("1", ""):
        turn = answered(talk, ANN, "more", 3, digits, now=NOW, zone=ZONE, answers={"question": "yes"})
        assert turn.spoken == ("Good. Call 12345.",)


def test_a_branch_may_ask_for_a_field_of_the_customer() -> None:
    assert say("who", "1").spoken == ()
    assert say("who", "1", customer=Customer("c", "Bo", tier="vip")).spoken == ("Thank you for your loyalty.",)


@pytest.mark.parametrize("digits", ["", "7", "*"])
def test_silence_and_wrong_keys_repeat_the_question_and_then_give_up(digits: str) -> None:
    again = say("who", digits, tries=1)
    assert again.listen is not None
    assert (again.listen.node, again.listen.tries) == ("who", 2)
    end = say("who", digits, tries=2)
    assert end.listen is None
    assert end.spoken == ("We heard nothing.",)
    assert [mark.disposition for mark in end.marks] == [Disposition.NONE] * 2
    assert end.marks[0].answer == ("unclear" if digits else "")


def test_a_key_may_ask_to_hear_the_question_again_within_the_limit() -> None:
    again = say("who", "0")
    assert again.listen is not None
    assert again.listen.tries == 2
    assert say("who", "0", tries=2).listen is None


@pytest.mark.parametrize("tries", [0, -1, 99])
def test_a_number_of_tries_that_nobody_counted_ends_the_call(tries: int) -> None:
    assert say("who", "", tries=tries).listen is None


def test_a_step_that_the_file_no_longer_has_ends_the_call() -> None:
    for node in ("gone", "hello"):
        turn = say(node, "1")
        assert (turn.spoken, turn.listen, turn.marks) == ((), None, (Mark(node, 1, "1"),))


def test_opting_out_is_recorded_at_once() -> None:
    turn = say("who", "9")
    assert turn.spoken == ("Never again.",)
    assert turn.marks[-1] == Mark("stop", disposition=Disposition.OPTED_OUT)


def test_a_chosen_time_is_a_promise_on_the_customers_clock() -> None:
    turn = say("later", "2")
    promise = turn.marks[0]
    assert promise.disposition is Disposition.PROMISED
    assert promise.answer == "tomorrow 10:00"
    assert promise.promise_at == datetime(2026, 3, 4, 2, 0, tzinfo=UTC)  # ten in Shanghai
    assert turn.spoken == ("Until then.",)


def test_the_same_request_gets_the_same_answer() -> None:
    assert say("later", "1") == say("later", "1")
    assert opening(TALK, ANN, now=NOW, zone=ZONE) == opening(TALK, ANN, now=NOW, zone=ZONE)


def test_a_machine_hears_its_message() -> None:
    machine = {"reaction": "leave_message", "message": "Hello {name|you}, call {hotline}."}
    turn = machine_message(campaign(answering_machine=machine), Customer("c", ""))
    assert turn.spoken == ("Hello you, call 12345.",)
    assert turn.listen is None
    assert turn.marks == (Mark("answering_machine", disposition=Disposition.MESSAGE_LEFT),)


# --- sentences -------------------------------------------------------------------------------------------------------


def filled(text: str, **fields: str) -> str:
    return fill(text, fields.get)


def test_gaps_are_filled_with_value_default_or_nothing() -> None:
    assert filled("Hello {name}!", name="Ann") == "Hello Ann!"
    assert filled("Hello {name|there}!") == "Hello there!"
    assert filled("Hello {salutation} {name}!", name="Ann") == "Hello Ann!"
    assert filled("Hello {name}, good day.") == "Hello, good day."
    assert filled("{name|there}", name="\x00\n") == "there"


def test_a_value_is_never_read_as_a_gap() -> None:
    assert filled("Hello {name}.", name="{hotline}", hotline="1") == "Hello {hotline}."


def test_a_value_is_cut_and_cleaned() -> None:
    assert clean("Ann\r\n\x00\ufffe\ud800 Lee") == "Ann Lee"
    assert len(clean("x" * 1000)) == LONGEST_VALUE


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_a_file_holds_can_be_spoken(value: str) -> None:
    said = filled("<{name}>", name=value)
    ET.fromstring(f"<Say>{escape(said)}</Say>")  # noqa: S314 - our own text; raises when XML forbids a character
    assert len(said) <= LONGEST_VALUE + 2


# --- promises --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "zone", "now", "expected"),
    [
        ("in 2 hours", "Asia/Shanghai", "2026-03-03 14:30:59.5", "2026-03-03 16:30:59"),
        ("in 1 day", "America/New_York", "2026-03-08 06:30", "2026-03-09 06:30"),  # 24 hours, not the same wall time
        ("today 23:00", "Asia/Shanghai", "2026-03-03 14:30", "2026-03-03 15:00"),
        ("today 22:30", "Asia/Shanghai", "2026-03-03 14:30", "2026-03-04 14:30"),  # that moment is now: tomorrow
        ("tomorrow 10:00", "Asia/Shanghai", "2026-03-03 15:59", "2026-03-04 02:00"),
        ("tomorrow 10:00", "Asia/Shanghai", "2026-03-03 16:00", "2026-03-05 02:00"),  # past midnight there
        ("in 3 days 9:15", "UTC", "2026-03-03 14:30", "2026-03-06 09:15"),
        ("Tuesday 18:00", "UTC", "2026-03-03 14:30", "2026-03-10 18:00"),  # a weekday is never today
        ("wednesday 18:00", "UTC", "2026-03-03 14:30", "2026-03-04 18:00"),
        ("monday 18:00", "UTC", "2026-03-03 14:30", "2026-03-09 18:00"),
        # New York skips 02:00 to 03:00 on 8 March and repeats 01:00 to 02:00 on 1 November.
        ("tomorrow 02:30", "America/New_York", "2026-03-07 17:00", "2026-03-08 07:30"),  # 03:30 on the new clock
        ("tomorrow 01:30", "America/New_York", "2026-10-31 16:00", "2026-11-01 05:30"),  # the first of the two
    ],
)
def test_moments(text: str, zone: str, now: str, expected: str) -> None:
    instant = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert Moment.parse(text).at(instant, zone) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["soon", "tomorrow", "tomorrow 25:00", "in 2", "in 0 min", "in 9 weeks", "10:00", "mon 10:00"]
)
def test_moments_that_nobody_understands_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        Moment.parse(text)


@given(
    st.sampled_from(["in 2 hours", "today 00:30", "tomorrow 02:30", "in 3 days 23:59", "sunday 02:15"]),
    st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - made aware below
    st.sampled_from(["America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Santiago", "Asia/Shanghai"]),
)
def test_a_promise_lies_ahead(text: str, wall: datetime, zone: str) -> None:
    now = wall.replace(tzinfo=UTC)
    assert now < Moment.parse(text).at(now, zone).replace(microsecond=999_999) < now + timedelta(days=9)


# --- every call ends -------------------------------------------------------------------------------------------------


def play(talk: Campaign, customer: Customer, keys: Sequence[str]) -> Iterator[Turn]:
    """The turns of a call in which `keys` are pressed, and silence follows."""
    turn = opening(talk, customer, now=NOW, zone=ZONE)
    marks = set(turn.marks)
    yield turn
    pressed = iter(keys)
    while turn.listen is not None:
        answers = Facts(marks=frozenset(marks)).answers
        node, tries = turn.listen.node, turn.listen.tries
        turn = answered(talk, customer, node, tries, next(pressed, ""), now=NOW, zone=ZONE, answers=answers)
        marks |= set(turn.marks)
        yield turn


def assert_ends_well(talk: Campaign, customer: Customer, keys: Sequence[str]) -> None:
    marks: list[Mark] = []
    asked: list[tuple[str, int]] = []
    for turn in play(talk, customer, keys):
        marks.extend(turn.marks)
        if turn.listen is not None:
            asked.append((turn.listen.node, turn.listen.tries))
    assert len(asked) == len(set(asked)), "no step of a call has the same address twice"
    said = [mark for mark in marks if mark.disposition not in {Disposition.NONE, Disposition.OPTED_OUT}]
    assert len(said) <= 1, "only one step says what came of the call"
    outcome = Facts(network=Network.ANSWERED, answered_by=AnsweredBy.HUMAN, marks=frozenset(marks)).outcome
    if any(mark.disposition is Disposition.OPTED_OUT for mark in marks):
        assert outcome.ending is Ending.OPTED_OUT


CUSTOMERS = st.builds(
    Customer,
    reference=st.just("c"),
    name=st.text(max_size=5),
    salutation=st.sampled_from(["", "Ms"]),
    tier=st.sampled_from(["", "vip", "gold"]),
    agent=st.sampled_from(["", "Bo"]),
    attributes=st.fixed_dictionaries(
        {}, optional={"policy_expiry": st.just("2026-04-01"), "product": st.text(max_size=5)}
    ),
)
KEYS = st.lists(st.sampled_from(["", *"0123456789*", "12"]), max_size=40)


@given(st.sampled_from(EXAMPLES), CUSTOMERS, KEYS)
def test_every_call_of_the_examples_ends_with_one_outcome_at_most(
    talk: Campaign, customer: Customer, keys: list[str]
) -> None:
    assert_ends_well(talk, customer, keys)


NAMES = [f"s{number}" for number in range(6)]
WAYS = st.tuples(*[st.integers(0, 30)] * 3)


def step(kind: int, ways: tuple[str, str, str], *, settles: bool) -> dict[str, Any]:
    """A step of some kind with somewhere to go."""
    one, two, three = ways
    outcome = {"outcome": "happy"} if settles else {}
    keys = {"1": {"go": one, **outcome}, "2": {"go": two}, "9": {"go": "stop"}}
    kinds: list[dict[str, Any]] = [
        {"say": "{company}", "next": one},
        {"branch": {"field": "tier", "is": "vip"}, "then": one, "else": two},
        {"ask": "{company}?", "keys": keys, "no_answer": three, "repeat": 1},
        {"ask": "{company}?", "keys": keys, "no_answer": "bye", "repeat": 0},
        {
            "offer_time": "{company}?",
            "choices": {"3": "in 1 hour"},
            "keys": {"9": "stop"},
            "next": "bye",
            "no_answer": two,
        },
        {"end": "{company}", **outcome},
    ]
    return kinds[kind]


@st.composite
def scripts(draw: st.DrawFn) -> dict[str, Any]:
    """Scripts whose arrows mostly lead forward and sometimes anywhere, so that some are sound and some are not."""
    nodes: dict[str, Any] = {"stop": {"opt_out": "{company}"}, "bye": {"end": "{company}"}}
    for number, name in enumerate(NAMES):
        forward = [*NAMES[number + 1 :], "bye"]
        places = [forward[way % len(forward)] if way < 30 else NAMES[way % len(NAMES)] for way in draw(WAYS)]
        kind = draw(st.integers(0, 5)) if number else 2
        nodes[name] = step(kind, (places[0], places[1], places[2]), settles=draw(st.integers(0, 4)) == 0)
    return _reachable(nodes, NAMES[0])


def _reachable(nodes: dict[str, Any], start: str) -> dict[str, Any]:
    """The steps that can be reached, so that chance does not fail the check for that reason every time."""
    seen: dict[str, Any] = {}
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            found = seen[name] = nodes[name]
            choices = found.get("keys", {}).values()
            waiting += [found[key] for key in ("next", "then", "else", "no_answer") if key in found]
            waiting += [choice["go"] if isinstance(choice, dict) else choice for choice in choices]
    return seen


@settings(max_examples=500)
@given(scripts(), st.sampled_from(["", "vip"]), KEYS)
@pytest.mark.slow
def test_every_call_of_a_script_that_passes_the_check_ends(nodes: dict[str, Any], tier: str, keys: list[str]) -> None:
    talk = campaign(nodes, start=NAMES[0])
    sound = not campaign_flaws(talk)
    event(f"sound: {sound}")
    if sound:
        assert_ends_well(talk, Customer("c", "Ann", tier=tier), keys)
