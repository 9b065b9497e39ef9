"""Days of rest as rules close on them: blocks, working weekends, eves, further days, and years nobody is sure of."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from dialer.core.calendars import Calendar
from dialer.core.clocks import clock
from dialer.core.hours import DailyRange, Hours, opening_at
from dialer.core.rules import Preset, hours_of

ZONE = "Asia/Shanghai"
BASE = {
    "id": "test",
    "kind": "house",
    "country": "CN",
    "purposes": "service",
    "hours": {"mon-fri": "09:00-20:00", "sat": "10:00-18:00", "sun": "closed"},
    "appointment_lifts": "no",
    "sources": ["a test"],
    "confidence": "high",
    "reviewed_on": "2026-11-21",
}
FRIDAY, SATURDAY, SUNDAY, MONDAY = (date(2026, 10, day) for day in (9, 10, 11, 12))


def preset(**keys: object) -> Preset:
    return Preset.model_validate({**BASE, **keys})


def calendar(closed: set[date] = frozenset(), working: set[date] = frozenset()) -> dict[str, Calendar]:  # type: ignore[assignment]  # an empty set is one
    return {"CN": Calendar("CN", frozenset({2026}), frozenset(closed), frozenset(working))}


def is_open(hours: Hours, day: date, hour: int) -> bool:
    at = datetime(day.year, day.month, day.day, hour, tzinfo=clock(ZONE)).astimezone(UTC)
    return opening_at((hours,), (ZONE,), at) is not None


def test_a_preset_gives_its_name_to_its_hours() -> None:
    hours = hours_of(preset(), {})
    assert hours == Hours("test", preset().hours.week)
    assert not hours.closed


def test_a_rule_that_is_open_on_holidays_asks_no_calendar() -> None:
    assert not hours_of(preset(holidays={"calendar": "CN"}), calendar({MONDAY})).closed


def test_without_its_calendar_a_preset_has_no_hours() -> None:
    with pytest.raises(ValueError, match="needs the calendar 'CN-GD'"):
        hours_of(preset(holidays={"rule": "closed", "calendar": "CN", "subdivision": "GD"}), calendar())


def test_a_holiday_is_closed() -> None:
    hours = hours_of(preset(holidays={"rule": "closed", "calendar": "CN"}), calendar({MONDAY}))
    assert not is_open(hours, MONDAY, 10)
    assert is_open(hours, MONDAY + timedelta(days=1), 10)


def test_a_working_weekend_has_the_hours_of_monday_but_a_holiday_goes_before_it() -> None:
    closed_on_holidays = preset(holidays={"rule": "closed", "calendar": "CN"})
    hours = hours_of(closed_on_holidays, calendar(working={SATURDAY, SUNDAY}))
    assert is_open(hours, SATURDAY, 9)
    assert is_open(hours, SUNDAY, 19)
    hours = hours_of(closed_on_holidays, calendar(closed={SUNDAY}, working={SATURDAY, SUNDAY}))
    assert is_open(hours, SATURDAY, 9)
    assert not is_open(hours, SUNDAY, 12)


def test_a_weekday_of_work_changes_nothing() -> None:
    hours = hours_of(preset(holidays={"rule": "closed", "calendar": "CN"}), calendar(working={FRIDAY}))
    assert hours.special == ()


def test_an_eve_has_hours_of_its_own_unless_its_weekday_is_closed() -> None:
    eves = preset(holidays={"rule": "closed", "calendar": "CN", "eve": "10:00-12:00"})
    hours = hours_of(eves, calendar({SATURDAY, MONDAY}))
    assert [is_open(hours, FRIDAY, hour) for hour in (9, 10, 12)] == [False, True, False]
    assert not is_open(hours, SUNDAY, 10), "the eve of Monday is a Sunday"
    hours = hours_of(eves, calendar({MONDAY}, {SUNDAY}))
    assert [is_open(hours, SUNDAY, hour) for hour in (9, 10, 12)] == [False, True, False]


def test_no_eve_lies_within_the_holidays() -> None:
    eves = preset(holidays={"rule": "closed", "calendar": "CN", "eve": "10:00-12:00"})
    hours = hours_of(eves, calendar({FRIDAY, SATURDAY}))
    assert dict(hours.special) == {FRIDAY - timedelta(days=1): (DailyRange.parse("10:00-12:00"),)}


def test_further_days_return_every_year_or_come_once() -> None:
    extra = preset(holidays={"rule": "closed", "calendar": "CN", "extra": ["12-24", "02-29", "2026-04-03"]})
    years = frozenset({2027, 2028})
    hours = hours_of(extra, {"CN": Calendar("CN", years, frozenset())})
    assert hours.closed == {date(2027, 12, 24), date(2028, 12, 24), date(2028, 2, 29), date(2026, 4, 3)}


def test_a_year_is_confirmed_when_its_days_are_known() -> None:
    known = Calendar("CN", frozenset({2026, 2027}), frozenset(), unconfirmed=frozenset({2027}))
    assert [known.is_confirmed(year) for year in (2025, 2026, 2027)] == [False, True, False]
