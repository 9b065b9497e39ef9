"""An agent leafs through the same script the machine speaks: forward by answers, and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dialer.core.lifecycle import AttemptState, Event, EventKind, Facts, Mark, apply
from dialer.core.outcome import Disposition
from dialer.engine.agent_view import Option
from dialer.engine.script_pages import back, entered, page
from dialer.store import Briefing
from tests.campaigns import NOW, campaign, customer, number
from tests.engine.test_conversation import SCRIPT

CAMPAIGN = campaign(script=SCRIPT, agents={})
BRIEFING = Briefing("t", number(), customer(), CAMPAIGN, ("Europe/London",))
TALKING = Facts(state=AttemptState.LIVE, answered_at=NOW)


def heard(facts: Facts, *marks: Mark) -> Facts:
    """The facts when these are written down."""
    events = [
        Event("t", EventKind.HEARD, f"{mark.node}:{mark.tries}:{mark.digits}", NOW, "person", mark=mark)
        for mark in marks
    ]
    return reduce(apply, events, facts)


def press(facts: Facts, key: str, briefing: Briefing = BRIEFING) -> Facts:
    node = page(briefing, facts, NOW).node
    return heard(facts, *entered(briefing, facts, node, key, NOW))


def turn_back(facts: Facts) -> Facts:
    mark = back(facts)
    assert mark is not None
    return heard(facts, mark)


def test_the_first_page_is_the_opening_with_the_customers_fields() -> None:
    first = page(BRIEFING, TALKING, NOW)
    assert first.spoken == ("Hello Name of C1, this is Acme",)
    assert (first.node, first.question) == ("rating", "Were you satisfied?")
    assert first.options[:2] == (Option("1", "yes"), Option("2", "no"))
    assert [one.key for one in first.options] == ["1", "2", "5", "9"]
    assert back(TALKING) is None


def test_each_answer_leads_to_the_next_page_and_back() -> None:
    one = press(TALKING, "2")
    assert (page(BRIEFING, one, NOW).node, one.answers) == ("why", {"rating": "no"})
    two = press(one, "1")
    assert page(BRIEFING, two, NOW).spoken == ("We are sorry",)
    assert (page(BRIEFING, two, NOW).node, page(BRIEFING, two, NOW).options) == ("", ())
    again = turn_back(two)
    assert page(BRIEFING, again, NOW) == page(BRIEFING, one, NOW)
    assert page(BRIEFING, turn_back(again), NOW) == page(BRIEFING, TALKING, NOW)
    assert back(turn_back(again)) is None


def test_branches_follow_the_answers_given() -> None:
    assert page(BRIEFING, press(TALKING, "1"), NOW).spoken == ("Thank you",)


def test_a_time_is_offered_and_becomes_a_promise() -> None:
    offered = press(TALKING, "5")
    shown = page(BRIEFING, offered, NOW)
    assert (shown.node, shown.options) == ("later", (Option("1", "tomorrow 10:00"),))
    chosen = press(offered, "1")
    assert chosen.disposition is Disposition.PROMISED
    assert chosen.promise_at == datetime(2026, 3, 4, 10, tzinfo=UTC)


def test_a_time_in_no_certain_zone_is_promised_without_an_instant() -> None:
    anywhere = replace(BRIEFING, zones=("Europe/London", "Asia/Tokyo"))
    chosen = press(press(TALKING, "5", anywhere), "1", anywhere)
    assert (chosen.disposition, chosen.promise_at) == (Disposition.PROMISED, None)


def test_the_outcome_of_the_script_stands_until_the_agent_says_otherwise() -> None:
    facts = press(press(TALKING, "2"), "1")
    assert facts.disposition is Disposition.DISSATISFIED


def test_what_was_turned_back_does_not_count() -> None:
    """The agent clicked on the wrong answer."""
    wrong = press(press(TALKING, "2"), "1")
    assert wrong.disposition is Disposition.DISSATISFIED
    right = press(turn_back(turn_back(wrong)), "1")
    assert page(BRIEFING, right, NOW).spoken == ("Thank you",)
    assert right.disposition is Disposition.COMPLETED
    assert right.answers == {"rating": "yes"}


def test_a_script_that_changed_during_the_call_ends_politely() -> None:
    facts = heard(TALKING, Mark("gone", 1, "1"))
    shown = page(BRIEFING, facts, NOW)
    assert (shown.node, shown.spoken) == ("", ())


@given(st.lists(st.sampled_from(["1", "2", "5", "9", "back"]), max_size=8))
def test_leafing_is_a_walk_along_the_answers(keys: list[str]) -> None:
    """The page is that of the answers not turned back, in whatever order the events are kept."""
    facts, path = TALKING, list[Facts]()
    for key in keys:
        here = page(BRIEFING, facts, NOW)
        if key == "back":
            expected = path.pop() if path else None
            mark = back(facts)
            assert (mark is None) == (expected is None)
            if mark is not None and expected is not None:
                facts = heard(facts, mark)
                assert page(BRIEFING, facts, NOW).node == page(BRIEFING, expected, NOW).node
        elif key in {option.key for option in here.options}:
            path.append(facts)
            new = entered(BRIEFING, facts, here.node, key, NOW)
            assert {mark.tries for mark in new} == {1 + max((one.tries for one in facts.marks), default=0)}
            facts = heard(facts, *new)


def test_the_next_page_is_the_same_a_minute_later() -> None:
    facts = press(TALKING, "2")
    assert page(BRIEFING, facts, NOW + timedelta(minutes=1)) == page(BRIEFING, facts, NOW)


def about(**changes: Any) -> Briefing:
    return replace(BRIEFING, **changes)


def test_the_customers_own_zone_is_the_clock() -> None:
    tokyo = about(customer=customer(zone="Asia/Tokyo"), zones=("Asia/Tokyo",))
    chosen = press(press(TALKING, "5", tokyo), "1", tokyo)
    assert chosen.promise_at == datetime(2026, 3, 4, 1, tzinfo=UTC)
