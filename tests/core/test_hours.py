"""Hours against a brute-force oracle that asks the wall clock minute by minute, and the cases people trip over."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.core import hours as module
from dialer.core.clocks import clock
from dialer.core.hours import (
    REACH,
    DailyRange,
    Hours,
    Opening,
    local_hour,
    next_opening,
    open_time,
    opening_at,
    openings,
)
from dialer.core.places import ZONES_OF_SUBDIVISION
from dialer.core.rules import hours_of
from dialer.core.zones import zones_of_region
from dialer.rule_files import calendars_for, load_presets

MINUTE = timedelta(minutes=1)
WINDOW = timedelta(days=4)
MOMENTS = {
    "America/New_York": ("2026-03-08T07:00", "2026-11-01T06:00"),
    "Australia/Lord_Howe": ("2026-04-04T15:00", "2026-10-03T15:30"),
    "Africa/Cairo": ("2026-04-23T22:00", "2026-10-29T21:00"),
    "America/Santiago": ("2026-04-05T03:00", "2026-09-06T04:00"),
    "Pacific/Apia": ("2011-12-30T10:00", "2011-09-24T14:00"),
    "Pacific/Chatham": ("2026-04-04T14:00", "2026-09-26T14:00"),
    "Asia/Kathmandu": ("2026-03-08T07:00",),
    "Africa/Casablanca": ("2026-02-15T02:00", "2026-03-22T02:00"),
    "Europe/Dublin": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "Antarctica/Troll": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "Asia/Shanghai": ("2026-10-29T00:00",),  # a border between two weeks of the cache
}
NEW_YORK, SHANGHAI = ("America/New_York",), ("Asia/Shanghai",)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def daily(*ranges: str) -> tuple[Hours, ...]:
    return (Hours.daily("test", [DailyRange.parse(text) for text in ranges]),)


def shown(hours: tuple[Hours, ...], zones: tuple[str, ...], start: str, end: str) -> list[str]:
    found = openings(hours, zones, utc(start), utc(end))
    return [f"{opening.start:%d %H:%M}-{opening.end:%d %H:%M}" for opening in found]


# The oracle knows nothing of segments, offsets or intervals.


def in_range(r: DailyRange, minute: int, weekday_matches: bool, day_before_matches: bool) -> bool:  # noqa: FBT001 - two facts of one day
    if r.start < r.end:
        return weekday_matches and r.start <= minute < r.end
    return (weekday_matches and minute >= r.start) or (day_before_matches and minute < r.end)


def layer_is_open(layer: Hours, wall: datetime) -> bool:
    day, minute = wall.date(), wall.hour * 60 + wall.minute
    if day in layer.closed:
        return False
    before = day - timedelta(days=1)
    special = dict(layer.special)
    today = special.get(day, layer.week[day.weekday()])
    yesterday = () if before in layer.closed else special.get(before, layer.week[before.weekday()])
    return any(in_range(r, minute, weekday_matches=True, day_before_matches=False) for r in today) or any(
        in_range(r, minute, weekday_matches=False, day_before_matches=True) for r in yesterday
    )


def is_open(layers: tuple[Hours, ...], zones: tuple[str, ...], at: datetime) -> bool:
    walls = [at.astimezone(clock(zone)) for zone in zones]
    return bool(walls) and all(layer_is_open(layer, wall) for layer in layers for wall in walls)


half_hours = st.integers(0, 48).map(lambda half: half * 30)
any_minute = st.one_of(half_hours, st.integers(0, 1440))
ranges = (
    st.tuples(any_minute, any_minute)
    .filter(lambda pair: pair[0] != pair[1] and pair[0] < 1440)
    .map(lambda pair: DailyRange(*pair))
)
weekdays = st.lists(ranges, max_size=3).map(tuple)


@st.composite
def situations(draw: st.DrawFn) -> tuple[tuple[Hours, ...], tuple[str, ...], datetime]:
    zone = draw(st.sampled_from(sorted(MOMENTS)))
    others = draw(st.lists(st.sampled_from(sorted(MOMENTS)), max_size=2))
    moment = utc(draw(st.sampled_from(MOMENTS[zone])))
    start = moment + MINUTE * draw(st.integers(-3 * 1440, -600))
    days = st.integers(-1, 5).map(lambda offset: (start + timedelta(days=offset)).date())
    special = st.dictionaries(days, weekdays, max_size=3).map(lambda dates: tuple(dates.items()))
    layers = st.one_of(
        st.builds(Hours, st.just("weekly"), st.tuples(*[weekdays] * 7), st.frozensets(days, max_size=2)),
        st.builds(Hours, st.just("dated"), st.tuples(*[weekdays] * 7), st.frozensets(days, max_size=2), special),
        st.builds(Hours.daily, st.just("daily"), st.lists(ranges, min_size=1, max_size=3)),
        st.builds(Hours.outside, st.just("quiet"), st.lists(ranges, max_size=2)),
    )
    return tuple(draw(st.lists(layers, min_size=1, max_size=3))), (zone, *others), start


def agrees_with_the_wall_clock(situation: tuple[tuple[Hours, ...], tuple[str, ...], datetime], ask: int) -> None:
    layers, zones, start = situation
    end = start + WINDOW
    instants = [start + MINUTE * i for i in range(WINDOW // MINUTE)]
    expected = [is_open(layers, zones, at) for at in instants]
    found = openings(layers, zones, start, end)
    assert [any(at in opening for opening in found) for at in instants[::7]] == expected[::7]
    edges = [at for before, at, now in zip(expected, instants[1:], expected[1:], strict=False) if before != now]
    assert {e for o in found for e in (o.start, o.end)} - {start, end} == set(edges)
    assert all(a.end < b.start for a, b in pairwise(found))
    assert open_time(layers, zones, start, end) == sum(expected) * MINUTE
    after = instants[ask % len(instants)] + timedelta(seconds=ask % 60)
    asked = ask % len(instants)
    upcoming = next_opening(layers, zones, after)
    at_once = opening_at(layers, zones, after)
    assert (at_once is not None) == expected[asked]
    if expected[asked]:
        assert upcoming == at_once
        assert at_once is not None
        assert after in at_once
    elif True in expected[asked:]:
        assert upcoming is not None
        assert upcoming.start == instants[expected.index(True, asked)]
    else:
        assert upcoming is None or upcoming.start >= end
    if upcoming is not None and upcoming.end < end:
        assert is_open(layers, zones, upcoming.end - MINUTE)
        assert not is_open(layers, zones, upcoming.end)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(situation=situations(), ask=st.integers(0, 10**6))
@pytest.mark.slow
def test_openings_agree_with_the_wall_clock_minute_by_minute(
    situation: tuple[tuple[Hours, ...], tuple[str, ...], datetime], ask: int
) -> None:
    agrees_with_the_wall_clock(situation, ask)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(situation=situations(), ask=st.integers(0, 10**6))
def test_openings_agree_with_the_wall_clock_in_many_cases(
    situation: tuple[tuple[Hours, ...], tuple[str, ...], datetime], ask: int
) -> None:
    agrees_with_the_wall_clock(situation, ask)


PROPERTY = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
seconds = st.integers(0, 6 * 86_400).map(lambda second: timedelta(seconds=second))
Situation = tuple[tuple[Hours, ...], tuple[str, ...], datetime]


@PROPERTY
@given(situation=situations(), spans=st.tuples(seconds, seconds, seconds))
def test_slack_grows_with_the_deadline_and_never_as_time_goes_by(
    situation: Situation, spans: tuple[timedelta, timedelta, timedelta]
) -> None:
    hours, zones, start = situation
    now, later, due, extended = (start + sum(spans[:n], timedelta()) for n in range(4))
    slack = open_time(hours, zones, now, due)
    assert timedelta() <= slack <= open_time(hours, zones, now, extended)
    assert open_time(hours, zones, later, due) <= slack <= open_time(hours, zones, later, due) + (later - now)
    assert open_time(hours, zones, now, later) + open_time(hours, zones, later, due) == slack
    assert open_time(hours, zones, due, now) == timedelta()


@PROPERTY
@given(situation=situations(), passed=seconds)
@pytest.mark.slow
def test_what_all_allow_opens_no_earlier_than_any_part(situation: Situation, passed: timedelta) -> None:
    hours, zones, start = situation
    after = start + passed
    found = next_opening(hours, zones, after)
    if found is None:
        return
    for layer in hours:
        for zone in zones:
            part = next_opening((layer,), (zone,), after)
            assert part is not None
            assert max(part.start, after) <= max(found.start, after)


@PROPERTY
@given(situation=situations(), passed=seconds)
def test_an_opening_for_several_lies_within_the_hours_of_each(situation: Situation, passed: timedelta) -> None:
    hours, zones, start = situation
    after = start + passed
    found = next_opening(hours, zones, after)
    if found is None:
        return
    for layer in hours:
        for zone in zones:
            own = opening_at((layer,), (zone,), max(found.start, after))
            assert own is not None
            assert own.start <= found.start < found.end <= own.end


@settings(max_examples=200, deadline=None, derandomize=True)
@given(quiet=st.lists(ranges, max_size=4), minute=st.integers(0, 1439))
def test_quiet_hours_are_exactly_what_is_left_out(quiet: list[DailyRange], minute: int) -> None:
    at = utc("2026-06-03T00:00") + MINUTE * minute
    rests = any(in_range(r, minute, weekday_matches=True, day_before_matches=True) for r in quiet)
    assert (opening_at((Hours.outside("quiet", quiet),), ("UTC",), at) is None) == rests


@given(ranges)
def test_a_range_is_read_back_as_it_is_shown(r: DailyRange) -> None:
    assert DailyRange.parse(str(r)) == r


@pytest.mark.parametrize(
    ("text", "shown_as"),
    [
        ("9:00-12:00", "09:00-12:00"),
        ("21:30 – 08:00", "21:30-08:00"),
        ("22：00～24：00", "22:00-24:00"),
        ("22:00-00:00", "22:00-00:00"),
    ],
)
def test_ranges_are_read_as_people_write_them(text: str, shown_as: str) -> None:
    assert str(DailyRange.parse(text)) == shown_as


@pytest.mark.parametrize(
    "text", ["", "9-12", "09:00", "24:00-08:00", "09:00-24:01", "09:60-10:00", "25:00-26:00", "09:00-12:00-13:00"]
)
def test_other_ranges_are_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected HH:MM-HH:MM"):
        DailyRange.parse(text)


def test_a_range_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match="00:00-24:00"):
        DailyRange.parse("09:00-09:00")


def test_a_week_has_seven_days() -> None:
    with pytest.raises(ValueError, match="expected 7"):
        Hours("short", ((),) * 6)


def test_an_hour_that_the_clock_skips_never_opens() -> None:
    assert shown(daily("02:00-03:00"), NEW_YORK, "2026-03-07T00:00", "2026-03-10T00:00") == [
        "07 07:00-07 08:00",
        "09 06:00-09 07:00",
    ]


def test_an_hour_that_the_clock_repeats_is_open_twice() -> None:
    assert shown(daily("01:00-02:00"), NEW_YORK, "2026-11-01T00:00", "2026-11-02T00:00") == ["01 05:00-01 07:00"]


def test_a_day_that_does_not_exist_has_no_opening() -> None:
    hours = daily("09:00-10:00")
    found = openings(hours, ("Pacific/Apia",), utc("2011-12-29T12:00"), utc("2012-01-01T12:00"))
    assert [opening.start.astimezone(clock("Pacific/Apia")).day for opening in found] == [29, 31, 1]


def test_a_window_across_midnight_belongs_to_the_day_it_starts_on() -> None:
    week = tuple((DailyRange.parse("22:00-02:00"),) if weekday == 4 else () for weekday in range(7))
    assert shown((Hours("friday", week),), ("UTC",), "2026-06-01T00:00", "2026-06-08T00:00") == ["05 22:00-06 02:00"]


def test_a_closed_date_is_closed_from_midnight_to_midnight() -> None:
    layer = Hours.daily("late", [DailyRange.parse("22:00-02:00")])
    closed = Hours(layer.name, layer.week, frozenset({date(2026, 6, 3)}))
    assert shown((closed,), ("UTC",), "2026-06-02T12:00", "2026-06-05T12:00") == [
        "02 22:00-03 00:00",
        "04 22:00-05 02:00",
    ]


def test_a_special_date_has_its_own_ranges_and_a_closed_one_stays_closed() -> None:
    layer = Hours.daily("late", [DailyRange.parse("22:00-02:00")])
    third, fourth = date(2026, 6, 3), date(2026, 6, 4)
    short = (DailyRange.parse("10:00-12:00"),)
    special = Hours(layer.name, layer.week, frozenset({fourth}), ((fourth, short), (third, short)))
    assert shown((special,), ("UTC",), "2026-06-02T12:00", "2026-06-06T00:00") == [
        "02 22:00-03 02:00",
        "03 10:00-03 12:00",
        "05 22:00-06 00:00",
    ]


def test_a_special_date_without_ranges_only_ends_what_the_evening_before_began() -> None:
    layer = Hours.daily("late", [DailyRange.parse("22:00-02:00")])
    special = Hours(layer.name, layer.week, special=((date(2026, 6, 3), ()),))
    assert shown((special,), ("UTC",), "2026-06-02T12:00", "2026-06-05T00:00") == [
        "02 22:00-03 02:00",
        "04 22:00-05 00:00",
    ]


def test_a_special_date_is_named_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        Hours("twice", ((),) * 7, special=((date(2026, 6, 3), ()), (date(2026, 6, 3), ())))


def test_all_zones_must_be_open() -> None:
    zones = ("America/New_York", "America/Los_Angeles")
    assert shown(daily("09:00-20:00"), zones, "2026-06-01T00:00", "2026-06-02T00:00") == ["01 16:00-02 00:00"]


def test_without_a_zone_nothing_is_ever_open() -> None:
    always = (Hours.always("always"),)
    assert opening_at(always, (), utc("2026-06-01T00:00")) is None
    assert next_opening(always, (), utc("2026-06-01T00:00")) is None
    assert open_time(always, (), utc("2026-06-01T00:00"), utc("2026-06-02T00:00")) == timedelta()


def test_what_never_closes_is_followed_as_far_as_promised() -> None:
    at = utc("2026-06-01T12:34")
    assert next_opening((Hours.always("always"),), SHANGHAI, at) == Opening(at - REACH, at + REACH)


def test_openings_are_joined_across_the_weeks_of_the_cache() -> None:
    border = utc("2026-05-28T00:00")
    assert border.timestamp() % module._WEEK == 0
    hours = daily("22:00-02:00")
    whole = Opening(border - timedelta(hours=2), border + timedelta(hours=2))
    assert opening_at(hours, ("UTC",), border - MINUTE) == whole
    assert opening_at(hours, ("UTC",), border) == whole
    assert next_opening(hours, ("UTC",), border - timedelta(hours=5)) == whole
    assert openings(hours, ("UTC",), border - timedelta(hours=9), border + timedelta(hours=9)) == [whole]


def test_the_horizon_ends_the_search() -> None:
    week = tuple((DailyRange.parse("09:00-10:00"),) if weekday == 0 else () for weekday in range(7))
    monday = (Hours("monday", week),)
    assert next_opening(monday, ("UTC",), utc("2026-06-02T00:00"), timedelta(days=6)) is None
    found = next_opening(monday, ("UTC",), utc("2026-06-02T00:00"), timedelta(days=7))
    assert found is not None
    assert found.start == utc("2026-06-08T09:00")


def test_a_fraction_of_a_second_after_the_end_is_closed() -> None:
    hours, end = daily("09:00-10:00"), utc("2026-06-01T10:00")
    microsecond = timedelta(microseconds=1)
    assert opening_at(hours, ("UTC",), end) is None
    assert opening_at(hours, ("UTC",), end - microsecond) is not None
    assert open_time(hours, ("UTC",), end - microsecond, end + microsecond) == microsecond


def test_an_instant_without_a_zone_is_refused() -> None:
    naive = utc("2026-06-01T10:00").replace(tzinfo=None)
    with pytest.raises(ValueError, match="aware"):
        opening_at(daily("09:00-10:00"), ("UTC",), naive)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        opening_at(daily("09:00-10:00"), ("Mars/Base",), utc("2026-06-01T10:00"))


def test_the_local_hour_follows_the_clock() -> None:
    assert [local_hour("America/New_York", utc(f"2026-03-08T0{hour}:59")) for hour in (6, 7)] == [1, 3]
    assert local_hour("Asia/Kathmandu", utc("2026-06-01T18:14")) == 23


def test_an_address_outside_the_fifty_states_leaves_three_hours_of_federal_time() -> None:
    places = [place for place in ZONES_OF_SUBDIVISION if place.startswith("US-")]
    fifty = {
        zone
        for place in places
        if place[3:] not in {"AS", "GU", "MP", "PR", "UM", "VI"}
        for zone in zones_of_region(place)
    }
    zones = tuple(sorted(fifty | {zone for place in ("US-PR", "US-GU", "US-AS") for zone in zones_of_region(place)}))
    start = utc("2026-07-01T00:00")
    assert open_time(daily("08:00-21:00"), zones, start, start + timedelta(days=1)) == timedelta(minutes=180)


PRESETS = {preset.id: preset for preset in load_presets()}
CALENDARS = calendars_for(PRESETS.values(), 2026)


@pytest.mark.parametrize(
    ("preset", "zone", "worst", "hopeless"),
    [
        ("us-tsr-tcpa", "America/New_York", 38, 0),
        ("ca-crtc", "America/Toronto", 27.5, 0),
        ("it-code-2024", "Europe/Rome", 0, 15),  # one by the short day before a holiday
        ("au-standard-2017", "Australia/Sydney", 0, 14),
        ("es-lgdcu", "Europe/Madrid", 0, 56),
        ("fr-2023-decree", "Europe/Paris", 0, 80),
        ("cn-callback-house", "Asia/Shanghai", 0, 386),  # around seven blocks of days of rest
    ],
)
def test_how_much_a_duty_of_three_days_leaves_at_worst(preset: str, zone: str, worst: float, hopeless: int) -> None:
    """For every hour of 2026: the hours callable before the deadline, and how many hours of enrolment have none."""
    hours, hour = (hours_of(PRESETS[preset], CALENDARS),), timedelta(hours=1)
    enrolled = [utc("2026-01-01T00:00") + n * hour for n in range(365 * 24)]
    slack = [open_time(hours, (zone,), now, now + timedelta(days=3)) for now in enrolled]
    assert min(slack) == worst * hour
    assert slack.count(timedelta()) == hopeless


def test_the_whole_evening_is_one_key_however_midnight_is_written() -> None:
    assert daily("22:00-24:00") == daily("22:00-00:00")


def test_equal_hours_are_one_key_also_after_pickling() -> None:
    one, other = daily("09:00-20:00")[0], daily("09:00-20:00")[0]
    assert one == other
    assert hash(one) == hash(other) == hash(pickle.loads(pickle.dumps(one)))  # noqa: S301  our own bytes


def test_special_dates_are_part_of_the_key_in_any_order() -> None:
    short = (DailyRange.parse("10:00-12:00"),)
    dates = ((date(2026, 6, 3), short), (date(2026, 6, 4), ()))
    plain = daily("09:00-20:00")[0]
    one, other = (Hours("test", plain.week, special=special) for special in (dates, dates[::-1]))
    assert one == other != plain
    assert hash(one) == hash(other) == hash(pickle.loads(pickle.dumps(one)))  # noqa: S301  our own bytes
    assert hash(one) != hash(plain)
