"""A wall-clock time as customers say it means one instant, and how it was read is always known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.clocks import clock
from dialer.core.promise import Reading, resolve, spoken

NEW_YORK, LORD_HOWE, APIA = "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"

zones = st.sampled_from([NEW_YORK, LORD_HOWE, APIA, "Europe/London", "Asia/Shanghai", "Africa/Cairo", "Asia/Kathmandu"])
walls = st.integers(0, 6 * 365 * 24 * 60).map(lambda minutes: datetime(2024, 1, 1) + timedelta(minutes=minutes))  # noqa: DTZ001 - a wall clock has no zone
instants = st.integers(0, 6 * 365 * 24 * 60).map(lambda m: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=m))


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("said", "zone", "second", "means", "reading"),
    [
        ("2026-11-24T10:00", NEW_YORK, False, "2026-11-24T15:00Z", Reading.EXACT),
        ("2026-11-01T01:30", NEW_YORK, False, "2026-11-01T05:30Z", Reading.FIRST_OF_TWO),
        ("2026-11-01T01:30", NEW_YORK, True, "2026-11-01T06:30Z", Reading.SECOND_OF_TWO),
        ("2026-03-08T02:30", NEW_YORK, False, "2026-03-08T07:30Z", Reading.AFTER_GAP),
        ("2026-03-08T02:30", NEW_YORK, True, "2026-03-08T07:30Z", Reading.AFTER_GAP),
        ("2026-11-24T10:00", NEW_YORK, True, "2026-11-24T15:00Z", Reading.EXACT),
        ("2026-04-05T01:45", LORD_HOWE, False, "2026-04-04T14:45Z", Reading.FIRST_OF_TWO),  # half an hour twice
        ("2026-04-05T01:45", LORD_HOWE, True, "2026-04-04T15:15Z", Reading.SECOND_OF_TWO),
        ("2011-12-30T12:00", APIA, False, "2011-12-30T22:00Z", Reading.AFTER_GAP),  # a day that never was
    ],
)
def test_times_that_a_clock_shows_twice_or_never(
    said: str, zone: str, *, second: bool, means: str, reading: Reading
) -> None:
    assert resolve(wall(said), zone, second=second) == (datetime.fromisoformat(means), reading)


@given(walls, zones, st.booleans())
def test_a_time_is_shown_by_the_clock_unless_it_was_skipped(said: datetime, zone: str, second: bool) -> None:  # noqa: FBT001 - drawn
    at, reading = resolve(said, zone, second=second)
    shown = at.astimezone(clock(zone)).replace(tzinfo=None)
    assert (shown == said) == (reading is not Reading.AFTER_GAP)
    if reading is Reading.AFTER_GAP:
        assert shown > said


@given(walls, zones)
def test_the_second_of_two_is_never_earlier(said: datetime, zone: str) -> None:
    (first, read), (later, again) = resolve(said, zone), resolve(said, zone, second=True)
    assert first <= later
    assert (first < later) == (read is Reading.FIRST_OF_TWO) == (again is Reading.SECOND_OF_TWO)


@given(instants, zones)
def test_what_is_written_down_means_the_same_instant_again(at: datetime, zone: str) -> None:
    said, reading = spoken(at, zone)
    assert said.tzinfo is None
    assert resolve(said, zone, second=reading is Reading.SECOND_OF_TWO) == (at, reading)
    assert reading is not Reading.AFTER_GAP
