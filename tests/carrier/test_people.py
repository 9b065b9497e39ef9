"""Simulated people: the same for the same seed, and rules that are checked word by word."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest

from dialer.carrier import PeopleFileError, read_people
from dialer.carrier.people import People, Rule
from dialer.carrier.person import HANGUP, SILENCE, Answer, plausible
from dialer.carrier.prompt import offered_keys, speaking_seconds

if TYPE_CHECKING:
    from dialer.carrier.person import Person

NUMBERS = [f"+1415555{last:04}" for last in range(400)]


def lives(seed: int, nth_call: int = 1) -> list[tuple[Answer, float, str]]:
    def life(person: Person) -> tuple[Answer, float, str]:
        return person.answer, person.ring_seconds, person.press(("1", "2"), 1)

    people = People(seed)
    return [life(people.at(number, nth_call)) for number in NUMBERS]


def test_the_seed_the_number_and_the_call_decide() -> None:
    assert lives(1) == lives(1)
    assert lives(1) != lives(2)
    assert lives(1, nth_call=1) != lives(1, nth_call=2)


def test_the_built_in_mix_holds_everybody() -> None:
    counted = Counter(answer for answer, _, _ in lives(1))
    assert 0.5 < counted[Answer.HUMAN] / len(NUMBERS) < 0.75
    assert set(counted) == {
        Answer.HUMAN, Answer.MACHINE, Answer.NO_ANSWER, Answer.BUSY, Answer.INVALID, Answer.UNREACHABLE,
    }  # fmt: skip


def test_the_first_rule_that_covers_a_number_decides() -> None:
    people = People(
        1,
        read_people(
            """
            - {number: "+14155550100", call: 1, answer: busy}
            - {number: "+14155550100", answer: human, ring: [2, 3], keys: [1, silence]}
            - {number: "+1415*", answer: machine}
            - {number: "*", answer: invalid}
            """
        ),
    )
    assert people.at("+14155550100", 1).answer is Answer.BUSY
    second = people.at("+14155550100", 2)
    assert second.answer is Answer.HUMAN
    assert 2 <= second.ring_seconds <= 3
    assert [second.press((), 1) for _ in range(3)] == ["1", SILENCE, SILENCE]
    assert people.at("+14155550101", 1).answer is Answer.MACHINE
    assert people.at("+4930123456", 1).answer is Answer.INVALID


def test_agents_and_customers_behave_in_conferences_as_told() -> None:
    people = People(
        1,
        read_people(
            """
            - {number: "sip:*", answer: agent, drops_off: [60, 70]}
            - {number: "+1415*", answer: human, talk: [5, 6], hangs_up_first: 0, patience: 9}
            """
        ),
    )
    agent = people.at("sip:ann@pbx", 1)
    assert agent.answer is Answer.AGENT
    assert agent.drops_off_seconds is not None
    assert 60 <= agent.drops_off_seconds <= 70
    customer = people.at("+14155550100", 1)
    assert (5 <= customer.talk_seconds <= 6, customer.hangs_up_first, customer.patience_seconds) == (True, False, 9)
    others = [people.at(number.replace("+1415", "+1416"), 1) for number in NUMBERS]
    assert all(20 <= one.talk_seconds <= 90 and 20 <= one.patience_seconds <= 40 for one in others)
    assert 0.6 < sum(one.hangs_up_first for one in others) / len(others) < 0.8
    assert People(1).at("sip:ann@pbx", 1).answer is Answer.AGENT


def test_agents_press_the_key_they_are_asked_for() -> None:
    willing, away = Rule(mix={Answer.AGENT: 1}), Rule(mix={Answer.AGENT: 1}, keys=(SILENCE,))
    chance = Random(1)  # noqa: S311 - a simulation
    assert willing.draw(chance, chance).press(("1",), 1) == "1"
    assert willing.draw(chance, chance).press((), 1) == SILENCE
    assert away.draw(chance, chance).press(("1",), 1) == SILENCE


def test_mixes_and_key_weights_are_followed() -> None:
    people = People(1, read_people('[{number: "*", mix: {human: 3, busy: 1}, keys: {"1": 8, "2": 1, silence: 1}}]'))
    drawn = [people.at(number, 1) for number in NUMBERS]
    assert {person.answer for person in drawn} == {Answer.HUMAN, Answer.BUSY}
    pressed = Counter(person.press(("1", "2", "9"), 1) for person in drawn if person.answer is Answer.HUMAN)
    assert set(pressed) == {"1", "2", SILENCE}
    assert pressed["1"] > pressed["2"]


def test_only_offered_keys_are_plausible() -> None:
    weights = {"1": 0.6, "2": 0.2, SILENCE: 0.1, HANGUP: 0.1}
    assert plausible(weights, ("1", "9")) == {"1": 0.6, SILENCE: 0.1, HANGUP: 0.1}
    assert plausible(weights, ("4", "5")) == pytest.approx({"4": 0.4, "5": 0.4, SILENCE: 0.1, HANGUP: 0.1})
    assert plausible(weights, ()) == weights


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Press 1 for yes, press 2 for no, or press 9 to opt out.", ("1", "2", "9")),
        ("For yes press one or two. We call at 10.", ("1", "2")),
        ("方便请按1，改期请按 2 键，不再来电请按９。", ("1", "2", "9")),
        ("确认请按一，按星号键结束", ("1", "*")),
        ("Press the star key", ("*",)),
        ("Your policy 12345 expires on 1 May.", ()),
    ],
)
def test_prompts_offer_keys(text: str, keys: tuple[str, ...]) -> None:
    assert offered_keys(text) == keys


def test_chinese_takes_longer_by_the_character() -> None:
    assert speaking_seconds("a" * 150) == pytest.approx(10)
    assert speaking_seconds("您" * 45) == pytest.approx(10)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("number: x", "expected a list"),
        ("- [", "not YAML"),
        ("- human", "rule 1: expected a mapping"),
        ("- {answer: human}", "rule 1, number"),
        ("- {number: +14155550100}", "in quotes"),
        ('- {number: "*", answr: human}', "answr: unknown; known are number"),
        ('- {number: "*", answer: humna}', "unknown humna; known are human"),
        ('- {number: "*", answer: human, mix: {busy: 1}}', "either answer or mix"),
        ('- {number: "*", mix: {human: -1}}', "every weight"),
        ('- {number: "*", ring: [8, 2]}', "ring: expected seconds"),
        ('- {number: "*", keys: [yes]}', "True: expected keys"),
        ('- {number: "*", keys: "1"}', "expected a list"),
        ('- {number: "*", call: 0}', "call: expected which"),
        ('- {number: "*", sip: 200}', "expected 480 or 503"),
        ('- {number: "*", ending: bang}', "expected beep"),
        ('- {number: "*", barge_in: 1}', "true or false"),
        ('- {number: "*", hangs_up_first: 2}', "a chance from 0 to 1"),
        ('- {number: "*", talk: [3, 1]}', "talk: expected seconds"),
        ('- {number: "*", patience: x}', "patience: expected seconds"),
        ('- {number: "*", drops_off: -1}', "drops_off: expected seconds"),
        ('- {number: "sip:a b", answer: agent}', "rule 1, number"),
    ],
)
def test_wrong_rules_are_named(text: str, complaint: str) -> None:
    with pytest.raises(PeopleFileError, match=complaint):
        read_people(text)


def test_all_wrong_rules_are_named_together() -> None:
    with pytest.raises(PeopleFileError) as caught:
        read_people('[{number: "*", ring: -1}, {number: "12", answer: ghost}]')
    assert len(str(caught.value).splitlines()) == 3
