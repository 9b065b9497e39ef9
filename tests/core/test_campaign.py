"""What a campaign says: durations, filters, windows, head starts, the retry table, the version."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dialer.core.campaign import Attempts, Filter, Priority, RetryRule, When, parse_duration, version
from dialer.core.customer import Customer
from dialer.core.document import Duration, Offset, Part
from dialer.core.hours import DailyRange
from dialer.core.outcome import RETRYABLE, Ending

TODAY = date(2026, 3, 3)
ANN = Customer(
    reference="c-1",
    name="Ann",
    tier="vip",
    language="en",
    attributes={"expiry": "2026-04-12", "bought": "2026-02-01", "spent": 120, "note": "n/a", "empty": ""},
)


class Lengths(Part):
    """Both kinds of length, to read them as files are read."""

    size: Duration = timedelta(0)
    offset: Offset = timedelta(0)


def message(make: Any, *arguments: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        make(*arguments)
    return str(caught.value.errors()[0]["msg"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("40 days", timedelta(days=40)),
        ("1 day", timedelta(days=1)),
        ("1d", timedelta(days=1)),
        ("3 h", timedelta(hours=3)),
        ("25 s", timedelta(seconds=25)),
        ("20 minutes", timedelta(minutes=20)),
        ("90 min", timedelta(minutes=90)),
        ("1 Week", timedelta(weeks=1)),
        ("0 s", timedelta(0)),
    ],
)
def test_durations_are_read_with_their_unit(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected
    assert Lengths.model_validate({"size": text}).size == expected


@pytest.mark.parametrize(
    "text", ["40", "4.5 h", "-3 days", "3", "three days", "3 fortnights", "3 ss", "", "99999999 days"]
)
def test_what_is_no_duration_is_refused_with_the_units(text: str) -> None:
    with pytest.raises(ValueError, match="the units are s, seconds, min"):
        parse_duration(text)


@pytest.mark.parametrize("value", [40, 4.5])
def test_a_bare_number_has_no_unit(value: object) -> None:
    assert "has no unit" in message(Lengths.model_validate, {"size": value})


def test_a_duration_ends_somewhere() -> None:
    assert "at most 3660 days" in message(Lengths.model_validate, {"size": "999999 weeks"})


def test_a_truth_value_is_no_duration() -> None:
    assert "no duration" in message(Lengths.model_validate, {"size": True})


def test_offsets_lie_before_or_after() -> None:
    assert Lengths.model_validate({"offset": "-40 days"}).offset == timedelta(days=-40)
    assert Lengths.model_validate({"offset": "+ 3 days"}).offset == timedelta(days=3)
    assert Lengths.model_validate({"offset": "3 days"}).offset == timedelta(days=3)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, True),
        ({"field": "tier", "is": "vip"}, True),
        ({"field": "tier", "is": "VIP"}, False),
        ({"field": "tier", "is_not": "vip"}, False),
        ({"field": "agent", "is_not": "Bo"}, True),
        ({"field": "tier", "in": ["gold", "vip"]}, True),
        ({"field": "tier", "not_in": ["gold", "vip"]}, False),
        ({"field": "agent", "not_in": ["Bo"]}, True),
        ({"field": "agent", "known": False}, True),
        ({"field": "empty", "known": True}, False),
        ({"field": "name", "known": True}, True),
        ({"field": "expiry", "within": "40 days"}, True),  # the fortieth day is included
        ({"field": "expiry", "within": "39 days"}, False),
        ({"field": "bought", "within": "40 days"}, False),  # it is past
        ({"field": "bought", "within_past": "30 days"}, True),
        ({"field": "bought", "within_past": "29 days"}, False),
        ({"field": "expiry", "within_past": "100 days"}, False),
        ({"field": "expiry", "before": "2026-04-12"}, False),
        ({"field": "expiry", "before": "2026-04-13"}, True),
        ({"field": "expiry", "after": "2026-04-11", "before": "2026-04-13"}, True),
        ({"field": "note", "within": "40 days"}, False),  # no date: never guessed
        ({"field": "missing", "after": "2020-01-01"}, False),
        ({"field": "spent", "at_least": 120}, True),
        ({"field": "spent", "at_most": 119.5}, False),
        ({"field": "note", "at_least": 0}, False),
        ({"not": {"field": "tier", "is": "vip"}}, False),
        ({"all": [{"field": "tier", "is": "vip"}, {"field": "spent", "at_least": 500}]}, False),
        ({"any": [{"field": "tier", "is": "gold"}, {"field": "spent", "at_least": 100}]}, True),
    ],
)
def test_filters_select(condition: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert Filter.model_validate(condition).selects(ANN, TODAY) is expected


LEAVES = st.sampled_from(
    [
        {"field": "tier", "is": "vip"},
        {"field": "tier", "in": ["gold", "silver"]},
        {"field": "expiry", "within": "40 days"},
        {"field": "spent", "at_least": 100},
    ]
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: (
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"not": inner})
    ),
)


def naive(condition: dict[str, Any], customer: Customer) -> bool:
    """The condition as a reader would work it out."""
    if "all" in condition:
        return all(naive(part, customer) for part in condition["all"])
    if "any" in condition:
        return any(naive(part, customer) for part in condition["any"])
    if "not" in condition:
        return not naive(condition["not"], customer)
    return Filter.model_validate(condition).selects(customer, TODAY)


@given(CONDITIONS, st.sampled_from(["vip", "gold", ""]), st.integers(0, 200), st.integers(-10, 60))
def test_nested_filters_mean_what_they_say(condition: dict[str, Any], tier: str, spent: int, days: int) -> None:
    expiry = (TODAY + timedelta(days=days)).isoformat()
    customer = Customer("c-2", "Bo", tier=tier, attributes={"spent": spent, "expiry": expiry})
    assert Filter.model_validate(condition).selects(customer, TODAY) is naive(condition, customer)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"field": "tier"}, "a field without a test"),
        ({"is": "vip"}, "does not say which field"),
        ({"all": [{}], "any": [{}]}, "stand side by side"),
        ({"all": [{}], "field": "tier", "is": "vip"}, "stand side by side"),
        ({"field": "tier", "is": True}, "neither text nor a number"),
        ({"field": "spent", "at_least": "5"}, "is no number"),
        ({"field": "expiry", "before": "soon"}, "is no date"),
        ({"field": "expiry", "before": 20260101}, "is no date"),
        ({"field": "expiry", "within": 40}, "has no unit"),
    ],
)
def test_conditions_that_say_nothing_are_refused(condition: dict[str, Any], words: str) -> None:
    assert words in message(Filter.model_validate, condition)


def test_filters_are_fast_enough_for_large_customer_files() -> None:
    condition = Filter.model_validate(
        {
            "all": [
                {"field": "expiry", "within": "40 days"},
                {"field": "tier", "in": ["vip"]},
                {"field": "spent", "at_least": 1},
            ]
        }
    )

    def seconds() -> float:
        begun = perf_counter()
        for _ in range(5_000):
            condition.selects(ANN, TODAY)
        return perf_counter() - begun

    assert min(seconds() for _ in range(5)) < 0.05  # 100,000 a second, in the best of five on a busy machine


def when(**windows: Any) -> When:
    return When.model_validate({"windows": {key.replace("_", "-"): value for key, value in windows.items()}})


def test_windows_spread_over_the_week() -> None:
    morning, evening = DailyRange.parse("09:00-12:00"), DailyRange.parse("22:00-02:00")
    hours = when(mon_fri=["09:00-12:00", "22:00-02:00"], sun="09:00-12:00").hours
    assert hours.name == "campaign"
    assert hours.week == ((morning, evening),) * 5 + ((), (morning,))


def test_hours_are_built_once_and_know_the_closed_days() -> None:
    said = When.model_validate({"windows": {"daily": "09:00-20:00"}, "closed": ["2026-12-25"]})
    assert said.hours is said.hours
    assert said.hours.closed == {date(2026, 12, 25)}


def test_a_day_is_named_once() -> None:
    assert "'mon' and 'mon-fri' both say when mon is" in message(lambda: when(mon="09:00-10:00", mon_fri="09:00-10:00"))
    assert "no window at all" in message(when)


def test_a_campaign_ends_after_it_starts() -> None:
    said = {"windows": {"daily": "09:00-20:00"}, "starts": "2026-02-02", "ends": "2026-02-01"}
    assert "'ends' lies before 'starts'" in message(When.model_validate, said)


def test_vips_have_a_head_start_and_others_have_none() -> None:
    assert Priority().head_start("vip") == timedelta(days=1)
    assert Priority().head_start("") == timedelta(0)
    assert Priority.model_validate({"tiers": {"gold": "6 h"}}).head_start("vip") == timedelta(0)


def rows(*given: dict[str, Any]) -> dict[tuple[Ending, int | None], RetryRule]:
    attempts = Attempts.model_validate({"retry": list(given)})
    assert len({(row.after, row.attempt) for row in attempts.retry}) == len(attempts.retry)
    return {(row.after, row.attempt): row for row in attempts.retry}


def test_the_built_in_table_answers_every_ending_that_can_be_retried() -> None:
    assert {row.after for row in Attempts().retry} == RETRYABLE
    assert {row.after for row in Attempts.model_validate({}).retry} == RETRYABLE


def test_a_row_of_the_file_replaces_the_built_in_row() -> None:
    table = rows({"after": "busy", "wait": "3 h"}, {"after": "no_answer", "attempt": 1, "wait": "1 h"})
    assert table[Ending.BUSY, None].wait == timedelta(hours=3)
    assert table[Ending.NO_ANSWER, 1].wait == timedelta(hours=1)
    assert table[Ending.NO_ANSWER, None].next_number, "a numbered row leaves the general one in force"
    assert {ending for ending, _ in table} == RETRYABLE


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"after": "reached", "wait": "1 h"}, "nothing that a retry can follow"),
        ({"after": "promised", "wait": "1 h"}, "nothing that a retry can follow"),
        ({"after": "busy"}, "does not say what follows"),
        ({"after": "busy", "next_number": True}, "does not say what follows"),
        ({"after": "busy", "stop": True, "wait": "1 h"}, "stands beside"),
        ({"after": "busy", "stop": True, "next_number": True}, "stands beside"),
    ],
)
def test_rows_that_contradict_themselves_are_refused(row: dict[str, Any], words: str) -> None:
    assert words in message(Attempts.model_validate, {"retry": [row]})


def test_two_rows_for_the_same_case_are_refused() -> None:
    row = {"after": "busy", "attempt": 2, "wait": "1 h"}
    assert "two rows for 'busy' after attempt 2" in message(Attempts.model_validate, {"retry": [row, row]})


VALUES = st.recursive(
    st.text() | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=5), st.randoms(use_true_random=False))
def test_the_version_does_not_see_the_order_of_keys(document: dict[str, Any], random: Any) -> None:
    items = list(document.items())
    random.shuffle(items)
    assert version(dict(items)) == version(document)
    assert len(version(document)) == 12


def test_the_version_sees_every_value() -> None:
    documents: list[dict[str, Any]] = [
        {},
        {"a": 1},
        {"a": "1"},
        {"a": [1]},
        {"a": {"b": 1}},
        {"a": True},
        {"b": 1},
        {"a": None},
    ]
    assert all(version(one) != version(other) for one, other in itertools.combinations(documents, 2))
