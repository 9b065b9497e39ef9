"""Caps and cool-offs: what they count, over whom, and the exact instant at which they let the next call pass."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.caps import Cap, CoolOff
from dialer.core.limits import Call, Contact, cooling, holds_of, spaced, used_up
from dialer.core.outcome import Ending
from dialer.core.wall_clock import local
from tests.campaigns import NOW
from tests.rule_books import preset

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LONDON, MANILA, HONOLULU = "Europe/London", "Asia/Manila", "Pacific/Honolulu"
CALL = Call("C1", "+1", "survey", "survey", (LONDON,))


def contact(at: datetime = NOW - HOUR, ending: Ending | None = Ending.NO_ANSWER, **changes: Any) -> Contact:
    facts: dict[str, Any] = {
        "customer": "C1",
        "number": "+1",
        "callback": 1,
        "campaign": "survey",
        "subject": "survey",
        "purposes": frozenset({"survey"}),
        "felt": ending not in {Ending.NOT_RUNG, Ending.BAD_NUMBER, Ending.UNREACHABLE},
    }
    return Contact(at, ending=ending, **facts | changes)


def cap(most: int = 1, period: str = "24 h", counts: str = "attempts", per: Any = "person") -> Cap:
    return Cap.model_validate({"max": most, "period": period, "counts": counts, "per": per})


def cool_off(after: str, wait: str, **changes: Any) -> CoolOff:
    return CoolOff.model_validate({"after": after, "wait": wait} | changes)


def until(limit: Cap, *contacts: Contact, call: Call = CALL, now: datetime = NOW) -> datetime | None:
    found = used_up(limit, call, contacts, now)
    return found.until if found else None


def test_a_rolling_cap_opens_when_the_oldest_call_that_counts_is_old_enough() -> None:
    calls = [contact(NOW - 3 * HOUR), contact(NOW - 2 * HOUR), contact(NOW - HOUR)]
    assert until(cap(4), *calls) is None
    assert until(cap(3), *calls) == NOW + 21 * HOUR
    assert until(cap(2), *calls) == NOW + 22 * HOUR
    assert until(cap(1), *calls) == NOW + 23 * HOUR


def test_a_call_as_old_as_the_period_counts_no_more() -> None:
    assert until(cap(), contact(NOW - DAY)) is None
    assert until(cap(), contact(NOW - DAY + timedelta(microseconds=1))) == NOW + timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("zones", "expected"),
    [
        ((LONDON,), "2026-03-04T00:00"),
        ((MANILA,), "2026-03-03T16:00"),  # 22:30 there: their day ends soon
        ((LONDON, MANILA), "2026-03-04T00:00"),
        ((MANILA, HONOLULU), "2026-03-04T10:00"),
    ],
)
def test_a_day_is_the_called_partys_and_the_last_to_end_decides(zones: tuple[str, ...], expected: str) -> None:
    found = until(cap(period="local_day"), contact(NOW - MINUTE), call=CALL._replace(zones=zones))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_yesterdays_call_does_not_count_today() -> None:
    assert until(cap(period="local_day"), contact(NOW - 15 * HOUR)) is None  # 23:30 of the day before
    assert until(cap(period="local_day"), contact(NOW - 14 * HOUR)) is not None


def test_a_month_is_a_calendars() -> None:
    assert until(cap(period="calendar_month"), contact(NOW - 3 * DAY)) is None  # 28 February
    found = until(cap(period="calendar_month"), contact(NOW - DAY))
    assert found == datetime(2026, 3, 31, 23, tzinfo=UTC)  # April begins in summer time
    december = datetime(2026, 12, 31, 12, tzinfo=UTC)
    found = until(cap(period="calendar_month"), contact(december - DAY), now=december)
    assert found == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("counts", "counted"),
    [
        ("attempts", set(Ending) - {Ending.NOT_RUNG, Ending.BAD_NUMBER}),
        ("calls", set(Ending) - {Ending.NOT_RUNG, Ending.BAD_NUMBER, Ending.UNREACHABLE}),
        (
            "conversations",
            {
                Ending.REACHED,
                Ending.DISSATISFIED,
                Ending.PROMISED,
                Ending.REFUSED,
                Ending.OPTED_OUT,
                Ending.NOT_CONVENIENT,
                Ending.HUNG_UP,
            },
        ),
        ("unanswered", {Ending.NO_ANSWER, Ending.BUSY}),
    ],
)
def test_what_a_cap_counts(counts: str, counted: set[Ending]) -> None:
    assert {ending for ending in Ending if until(cap(counts=counts), contact(ending=ending))} == counted
    assert until(cap(counts=counts), contact(ending=None)), "a call that goes on may become anything"


@pytest.mark.parametrize(
    ("per", "changes", "counted"),
    [
        ("person", {"number": "+2"}, True),
        ("person", {"customer": "#9"}, False),
        ("number", {"customer": "#9"}, True),
        ("number", {"number": "+2"}, False),
        (["person", "number"], {"number": "+2"}, False),
        (["person", "subject"], {"subject": "renewal"}, False),
        (["person", "subject"], {"campaign": "other"}, True),
        (["person", "subject"], {"subject": ""}, True),  # an old record that does not say
        ("subject", {"customer": "#9"}, False),  # nobody is named: the person is meant
        ("campaign", {"campaign": "other"}, False),
        ("campaign", {"subject": "other"}, True),
    ],
)
def test_whose_calls_are_counted_together(per: Any, changes: dict[str, Any], counted: bool) -> None:  # noqa: FBT001 - a row of the table
    assert bool(until(cap(per=per), contact(**changes))) is counted


def test_a_cool_off_is_reckoned_from_the_end_of_the_call() -> None:
    rule = cool_off("no_answer", "30 min")
    rang = contact(NOW - 31 * MINUTE, ended=NOW - 30 * MINUTE + timedelta(seconds=1))
    found = cooling(rule, CALL, [rang], NOW)
    assert found is not None
    assert found.until == NOW + timedelta(seconds=1)
    assert cooling(rule, CALL, [rang], NOW + timedelta(seconds=1)) is None


def test_the_latest_of_several_calls_cools_longest() -> None:
    found = cooling(cool_off("busy", "1 h"), CALL, [contact(NOW - HOUR / n, Ending.BUSY) for n in (2, 3, 4)], NOW)
    assert found is not None
    assert found.until == NOW + HOUR * 3 / 4


@pytest.mark.parametrize(
    ("after", "endings"),
    [
        ("refused", {Ending.REFUSED, Ending.OPTED_OUT}),
        ("opted_out", {Ending.OPTED_OUT}),
        ("completed", {Ending.REACHED}),
        ("no_answer", {Ending.NO_ANSWER}),
        ("busy", {Ending.BUSY}),
        ("abandoned", {Ending.ABANDONED}),
    ],
)
def test_what_a_cool_off_follows(after: str, endings: set[Ending]) -> None:
    rule = cool_off(after, "30 days")
    assert {ending for ending in Ending if cooling(rule, CALL, [contact(ending=ending)], NOW)} == endings


def test_a_refused_survey_cools_no_renewal_but_caps_count_every_call() -> None:
    rule = preset(purposes=["renewal"], cooloffs=[{"after": "refused", "wait": "30 days"}])
    assert not list(holds_of(rule, CALL, [contact(ending=Ending.REFUSED)], NOW))
    assert list(holds_of(rule, CALL, [contact(ending=Ending.REFUSED, purposes=frozenset({"renewal"}))], NOW))
    assert list(holds_of(rule, CALL, [contact(ending=Ending.REFUSED, purposes=frozenset())], NOW)), "in doubt it counts"
    capped = preset(purposes=["renewal"], caps=[{"max": 1, "period": "24 h", "counts": "calls", "per": "person"}])
    assert list(holds_of(capped, CALL, [contact()], NOW))


def test_spacing_is_between_matters() -> None:
    assert spaced(HOUR, CALL, 1, [contact(NOW - MINUTE)], NOW) is None, (
        "its own earlier attempt: the retry table speaks"
    )
    assert spaced(HOUR, CALL, 2, [contact(NOW - MINUTE)], NOW) == NOW + 59 * MINUTE
    assert spaced(HOUR, CALL, 2, [contact(NOW - HOUR)], NOW) is None
    assert spaced(HOUR, CALL, 2, [contact(NOW - MINUTE, Ending.UNREACHABLE)], NOW) is None, "nobody noticed it"
    neighbour = contact(NOW - MINUTE, customer="#9")
    assert spaced(HOUR, CALL, 2, [neighbour], NOW) is None, "a switchboard serves many"
    assert spaced(HOUR, CALL._replace(campaign="renewal"), 2, [neighbour], NOW) == NOW + 59 * MINUTE


times = st.integers(0, 5 * 24 * 60).map(lambda minutes: NOW - minutes * MINUTE)
endings = st.none() | st.sampled_from([Ending.NO_ANSWER, Ending.REACHED, Ending.NOT_RUNG, Ending.BUSY])
calls = st.lists(st.tuples(times, endings), max_size=12).map(lambda some: [contact(at, end) for at, end in some])


@given(calls, st.integers(1, 4), st.sampled_from([timedelta(hours=24), timedelta(days=3), timedelta(minutes=30)]))
@pytest.mark.slow
def test_a_cap_is_never_exceeded_and_never_stricter_than_it_says(
    some: list[Contact], most: int, period: timedelta
) -> None:
    """A call at the instant that the cap names leaves every stretch of its length within it; a moment before, not."""
    limit = cap(most, f"{int(period.total_seconds() // 60)} min")
    named = until(limit, *some) or NOW
    assert until(limit, *some, now=named) is None
    counted = [one.at for one in some if one.ending is not Ending.NOT_RUNG]
    assert sum(at > named - period for at in counted) < most
    if named > NOW:
        assert sum(at > named - timedelta(microseconds=1) - period for at in counted) >= most


@given(calls, st.integers(1, 3), st.sampled_from(["local_day", "calendar_month"]), st.sampled_from([LONDON, MANILA]))
def test_a_calendar_cap_agrees_with_the_calendar(some: list[Contact], most: int, period: str, zone: str) -> None:
    def name(at: datetime) -> tuple[int, ...]:
        wall = local(at, zone)
        return (wall.year, wall.month, wall.day) if period == "local_day" else (wall.year, wall.month)

    found = until(cap(most, period), *some, call=CALL._replace(zones=(zone,)))
    inside = [one for one in some if one.ending is not Ending.NOT_RUNG and name(one.at) == name(NOW)]
    assert (found is not None) == (len(inside) >= most)
    if found is not None:
        assert name(found - timedelta(microseconds=1)) == name(NOW) != name(found)
