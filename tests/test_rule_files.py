"""The shipped presets against their own sources, the calendars against official notices, and what files may not say."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import holidays as package
import pytest
from holidays.calendars import chinese

from dialer.core.caps import CalendarPeriod
from dialer.core.clocks import clock
from dialer.core.hours import opening_at
from dialer.core.purpose import Purpose
from dialer.core.rules import Confidence, Kind, hours_of, matching, stale
from dialer.errors import InputError, NotFoundError
from dialer.rule_files import (
    SHIPPED,
    Notice,
    calendar_of,
    calendars_for,
    check_presets,
    json_schema,
    load_notices,
    load_presets,
    load_rules,
    shipped,
    special_day,
    special_days,
)
from dialer.rule_files.special_days import _read as read_special_days
from tests.presets import OWN

if TYPE_CHECKING:
    from pathlib import Path

PRESETS = {preset.id: preset for preset in load_presets()}
CALENDARS = calendars_for(PRESETS.values(), 2026)
LAYERS = {name: hours_of(preset, CALENDARS) for name, preset in PRESETS.items()}
ZONES = {
    "AU": "Australia/Sydney",
    "CA": "America/Toronto",
    "CN": "Asia/Shanghai",
    "DE": "Europe/Berlin",
    "ES": "Europe/Madrid",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "HK": "Asia/Hong_Kong",
    "IN": "Asia/Kolkata",
    "IT": "Europe/Rome",
    "SG": "Asia/Singapore",
    "US": "America/New_York",
}

# A preset, a day and the hours its source gives for it. Days: 2026-06-01 is a Monday, -06 a Saturday, -07 a Sunday.
WEEKDAY, SATURDAY, SUNDAY = "2026-06-01", "2026-06-06", "2026-06-07"
ROWS = [
    ("us-tsr-tcpa", SUNDAY, "08:00-21:00"),  # 16 CFR 310.4(c): before 8 a.m. or after 9 p.m.
    ("us-tsr-tcpa", "2026-12-25", "08:00-21:00"),
    ("us-reg-f", SUNDAY, "08:00-21:00"),  # 12 CFR 1006.6(b)(1)
    ("us-fl", SUNDAY, "08:00-20:00"),  # SB 1120: before 8 a.m. or after 8 p.m.
    ("us-ok", WEEKDAY, "08:00-20:00"),
    ("us-md", WEEKDAY, "08:00-20:00"),
    ("us-wa", WEEKDAY, "08:00-20:00"),
    ("us-ct", WEEKDAY, "09:00-20:00"),
    ("us-tx", SATURDAY, "09:00-21:00"),
    ("us-tx", SUNDAY, "12:00-21:00"),  # noon on Sundays
    ("us-la", SATURDAY, "08:00-20:00"),
    ("us-la", SUNDAY, ""),
    ("us-la", "2026-01-08", ""),  # the commission's own list: 8 January
    ("us-la", "2026-02-17", ""),  # Mardi Gras
    ("us-al", SATURDAY, "08:00-20:00"),
    ("us-al", "2026-04-27", ""),  # Confederate Memorial Day
    ("us-ms", SUNDAY, ""),
    ("us-ms", WEEKDAY, "08:00-20:00"),
    ("us-ri", WEEKDAY, "09:00-18:00"),
    ("us-ri", SATURDAY, "10:00-17:00"),
    ("us-ri", "2026-08-10", ""),  # Victory Day
    ("us-ut", WEEKDAY, "09:00-20:00"),
    ("us-ut", "2026-07-24", ""),  # Pioneer Day
    ("us-pa-holidays", "2026-12-15", ""),  # Bill of Rights Day, which no calendar has
    ("us-pa-holidays", "2026-11-03", ""),  # election day
    ("us-pa-holidays", "2026-04-03", ""),  # Good Friday
    ("us-pa-holidays", WEEKDAY, "00:00-24:00"),
    ("us-pa", WEEKDAY, "09:00-19:00"),
    ("us-pa", SUNDAY, ""),
    ("us-sd", SATURDAY, "09:00-21:00"),
    ("us-sd", SUNDAY, ""),
    ("us-ky", WEEKDAY, "10:00-21:00"),
    ("us-ma", WEEKDAY, "08:00-20:00"),
    ("us-wy", WEEKDAY, "08:00-20:00"),
    ("us-nv", WEEKDAY, "09:00-20:00"),
    ("us-mi", WEEKDAY, "09:00-21:00"),
    ("us-mn", WEEKDAY, "09:00-21:00"),
    ("us-nm", WEEKDAY, "09:00-21:00"),
    ("us-in", WEEKDAY, "09:00-20:00"),
    ("us-me-automated", WEEKDAY, "09:00-17:00"),
    ("us-me-automated", SATURDAY, ""),
    ("us-strictest-all", WEEKDAY, "10:00-18:00"),
    ("us-strictest-all", SATURDAY, "10:00-17:00"),
    ("us-strictest-all", "2026-11-26", ""),
    ("ca-crtc", WEEKDAY, "09:00-21:30"),
    ("ca-crtc", SATURDAY, "10:00-18:00"),
    ("gb-practice-hours", SATURDAY, "09:00-17:00"),
    ("gb-practice-hours", "2026-05-25", ""),  # a bank holiday
    ("gb-ofcom-misuse", SUNDAY, "00:00-24:00"),
    ("fr-2023-decree", WEEKDAY, "10:00-13:00 14:00-20:00"),  # D. 223-9
    ("fr-2023-decree", SATURDAY, ""),
    ("fr-2023-decree", "2026-07-14", ""),
    ("es-lgdcu", WEEKDAY, "09:00-21:00"),
    ("es-lgdcu", "2026-10-12", ""),
    ("es-operators-code", WEEKDAY, "10:00-15:00 16:00-21:00"),
    ("it-code-2024", "2026-06-01", "10:00-19:00"),  # the eve of Republic Day
    ("it-code-2024", "2026-06-08", "09:00-20:00"),
    ("it-code-2024", SATURDAY, "10:00-19:00"),
    ("it-code-2024", "2026-12-07", "10:00-19:00"),  # a Monday, the eve of the Immaculate Conception
    ("it-code-2024", "2026-12-08", ""),
    ("de-practice", SATURDAY, "10:00-16:00"),
    ("de-practice", "2026-05-25", ""),
    ("au-standard-2017", WEEKDAY, "09:00-20:00"),
    ("au-standard-2017", SATURDAY, "09:00-17:00"),
    ("au-standard-2017", "2026-01-26", ""),
    ("au-research-2017", WEEKDAY, "09:00-20:30"),
    ("au-research-2017", SUNDAY, "09:00-17:00"),
    ("in-trai", WEEKDAY, "10:00-19:00"),
    ("in-rbi-recovery", SUNDAY, "08:00-19:00"),  # RBI 2022-08-12: before 8 a.m. and after 7 p.m.
    ("sg-practice", SATURDAY, "10:00-18:00"),
    ("sg-practice", "2026-08-10", ""),
    ("hk-code", SUNDAY, "09:00-22:00"),
    ("cn-life-insurance-telesales", SUNDAY, "09:00-21:00"),  # 21:00 to 09:00 is forbidden
    ("cn-motor-renewal-2013", WEEKDAY, "09:00-21:00"),
    ("cn-shenzhen-motor-2013", WEEKDAY, "08:00-20:00"),
    ("cn-new-policy-callback", WEEKDAY, "09:00-21:00"),
    ("cn-collection-gbt45251", WEEKDAY, "08:00-22:00"),  # 22:00 to 08:00 is forbidden
    ("cn-callcentre-miit-2020", WEEKDAY, "00:00-24:00"),
    ("cn-marketing-practice", WEEKDAY, "09:00-21:00"),
    ("cn-callback-house", WEEKDAY, "09:00-12:00 14:00-20:00"),
    ("cn-callback-house", SUNDAY, "10:00-12:00 14:00-18:00"),
    ("cn-callback-house", "2026-02-21", ""),  # a Saturday within Spring Festival
    ("cn-callback-house", "2026-10-10", "09:00-12:00 14:00-20:00"),  # a Saturday of work
]


def open_hours(name: str, day: str) -> str:
    """What a preset leaves open on one day, minute by minute, as ranges."""
    preset = PRESETS[name]
    zone = ZONES[preset.country]
    midnight = datetime.fromisoformat(day).replace(tzinfo=clock(zone)).astimezone(UTC)
    minutes = [
        opening_at((LAYERS[name],), (zone,), midnight + timedelta(minutes=minute)) is not None
        for minute in range(24 * 60)
    ]
    edges = [at for at, (a, b) in enumerate(pairwise([False, *minutes, False])) if a != b]
    shown = [f"{edge // 60:02}:{edge % 60:02}" for edge in edges]
    return " ".join(f"{a}-{b}" for a, b in zip(shown[::2], shown[1::2], strict=True))


@pytest.mark.parametrize(("name", "day", "hours"), ROWS)
def test_a_preset_is_open_when_its_source_says_so(name: str, day: str, hours: str) -> None:
    assert open_hours(name, day) == hours


def test_every_preset_is_tested_against_its_source() -> None:
    assert {name for name, _, _ in ROWS} == set(PRESETS)


def test_every_shipped_id_is_taken_once() -> None:
    assert len(shipped()) == len(PRESETS)


def test_a_preset_without_closed_hours_is_tested_for_what_it_limits() -> None:
    """A row that is open all day would also hold for a preset that says nothing at all."""
    shut = {name for name, _, hours in ROWS if hours != "00:00-24:00"}
    open_ = {name for name, _, hours in ROWS if hours}
    assert open_ == set(PRESETS) - {name for name in PRESETS if not any(PRESETS[name].hours.week)}
    assert set(PRESETS) - shut <= set(LIMITS)


LIMITS: dict[str, dict[str, Any]] = {
    "us-tsr-tcpa": {"rate": 0.03, "yields": True},
    "us-reg-f": {"caps": ["7 per 7 days of attempts by person+subject"], "wait": {"conversation": 7}, "yields": True},
    "us-fl": {"caps": ["3 per 1 day of attempts by person+subject"]},
    "us-ok": {"caps": ["3 per 1 day of attempts by person+subject"]},
    "us-md": {"caps": ["3 per 1 day of calls by person+subject"]},
    "us-tx": {"yields": True},
    "us-ut": {"yields": True},
    "us-strictest-all": {"caps": ["3 per 1 day of attempts by person"]},
    "ca-crtc": {"rate": 0.05},
    "gb-practice-hours": {"yields": True},
    "gb-ofcom-misuse": {"rate": 0, "wait": {"abandoned": 3}, "yields": True},
    "fr-2023-decree": {"caps": ["4 per 30 days of attempts by person"], "wait": {"refused": 60}, "yields": True},
    "es-operators-code": {"caps": ["3 per 30 days of unanswered by person"], "wait": {"refused": 90}},
    "de-practice": {"yields": True},
    "au-standard-2017": {"yields": True},
    "au-research-2017": {"yields": True},
    "sg-practice": {"yields": True},
    "cn-life-insurance-telesales": {"wait": {"refused": 183}, "yields": True},
    "cn-motor-renewal-2013": {"wait": {"refused": 183}},
    "cn-shenzhen-motor-2013": {"caps": ["3 per local_day of unanswered by person"], "wait": {"refused": 365}},
    "cn-new-policy-callback": {"yields": True},
    "cn-collection-gbt45251": {"caps": ["3 per local_day of calls by person"], "yields": True},
    "cn-callcentre-miit-2020": {"yields": True},
    "cn-marketing-practice": {
        "caps": ["3 per local_day of attempts by person", "1 per 30 min of attempts by person"],
        "yields": True,
    },
    "cn-callback-house": {
        "caps": ["2 per local_day of attempts by person", "6 per 7 days of attempts by person"],
        "wait": {"no_answer": 2 / 24, "busy": 20 / 24 / 60, "refused": 183, "completed": 7},
        "yields": True,
    },
}


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_limits_as_its_source_says(name: str) -> None:
    preset, expected = PRESETS[name], LIMITS.get(name, {})
    spans = {timedelta(minutes=30): "30 min"} | {
        timedelta(days=days): f"{days} day{'s' if days > 1 else ''}" for days in (1, 7, 30)
    }
    caps = [
        f"{cap.max} per {cap.period if isinstance(cap.period, CalendarPeriod) else spans[cap.period]}"
        f" of {cap.counts} by {'+'.join(cap.per)}"
        for cap in preset.caps
    ]
    assert caps == expected.get("caps", [])
    waits = {str(one.after): one.wait / timedelta(days=1) for one in preset.cooloffs}
    assert waits == pytest.approx(expected.get("wait", {}))
    assert (preset.abandonment.max_rate if preset.abandonment else None) == expected.get("rate")
    assert preset.yields_to_appointment == expected.get("yields", False)


def test_duties_that_are_no_hours_and_no_limits_are_kept() -> None:
    assert PRESETS["cn-motor-renewal-2013"].not_before_expiry == timedelta(days=40)
    assert PRESETS["cn-new-policy-callback"].deadline == timedelta(days=10)
    assert PRESETS["cn-callback-house"].deadline == timedelta(days=3)
    assert PRESETS["us-pa"].effective_from == date(2026, 10, 18)
    assert {name for name, preset in PRESETS.items() if preset.presumption} == {"us-fl", "us-ok", "us-ct"}
    assert {name for name, one in PRESETS.items() if one.kind is Kind.HOUSE} == {
        "us-strictest-all",
        "cn-callback-house",
    }
    low = {name for name, one in PRESETS.items() if one.confidence is Confidence.LOW}
    assert low == {
        *("us-al", "us-ut", "us-pa", "us-sd", "us-mi", "us-mn", "us-nm", "us-in", "us-me-automated"),
        *("gb-practice-hours", "de-practice", "in-trai", "sg-practice", "cn-marketing-practice"),
    }


def test_a_sales_call_to_florida_is_bound_by_both_and_a_stranger_by_the_strictest() -> None:
    def bound(regions: set[str], purpose: Purpose = Purpose.SALES) -> set[str]:
        found = matching(
            PRESETS.values(),
            countries=frozenset({"US"}),
            regions=frozenset(regions),
            purpose=purpose,
            sectors=frozenset(),
            on=date(2026, 11, 21),
        )
        return {preset.id for preset in found}

    assert bound({"US-FL"}) == {"us-tsr-tcpa", "us-fl"}
    assert bound({"US-FL", "US-PA"}) == {"us-tsr-tcpa", "us-fl", "us-pa", "us-pa-holidays"}
    assert bound(set()) == {"us-tsr-tcpa", "us-strictest-all"}
    assert bound({"US-FL"}, Purpose.COLLECTION) == {"us-reg-f"}


def test_the_hours_for_a_stranger_are_those_that_every_state_allows() -> None:
    states = [
        name
        for name, preset in PRESETS.items()
        if preset.country == "US" and preset.kind is not Kind.HOUSE and not preset.applies_when
    ]
    for day in ("2026-06-08", SATURDAY, SUNDAY):  # no state has a holiday
        midnight = datetime.fromisoformat(day).replace(tzinfo=clock(ZONES["US"])).astimezone(UTC)
        for minute in range(0, 24 * 60, 15):
            at = midnight + timedelta(minutes=minute)
            every = all(opening_at((LAYERS[name],), (ZONES["US"],), at) for name in states)
            found = opening_at((LAYERS["us-strictest-all"],), (ZONES["US"],), at)
            assert (found is not None) == every, (day, minute)


def test_the_shipped_presets_are_fresh_for_half_a_year() -> None:
    assert not any(stale(preset, date(2027, 5, 20)) for preset in PRESETS.values())
    assert all(stale(preset, date(2027, 5, 21)) for preset in PRESETS.values())


# Calendars.

# The State Council's notice for 2026: first and last day off, and the weekend days of work.
OFF_2026 = [
    ("01-01", "01-03"),
    ("02-15", "02-23"),
    ("04-04", "04-06"),
    ("05-01", "05-05"),
    ("06-19", "06-21"),
    ("09-25", "09-27"),
    ("10-01", "10-07"),
]
WORK_2026 = {"01-04", "02-14", "02-28", "05-09", "09-20", "10-10"}


def test_the_chinese_calendar_is_that_of_the_notice_on_all_days_of_2026() -> None:
    calendar = calendar_of("CN", 2026)
    for ordinal in range(date(2026, 1, 1).toordinal(), date(2027, 1, 1).toordinal()):
        day = date.fromordinal(ordinal)
        text = f"{day:%m-%d}"
        assert (day in calendar.closed) == any(first <= text <= last for first, last in OFF_2026), day
        assert (day in calendar.working) == (text in WORK_2026), day


def test_a_chinese_year_without_working_weekends_is_unconfirmed() -> None:
    assert calendar_of("CN", 2026).unconfirmed == {2027}
    assert calendar_of("CN", 2026).years == {2025, 2026, 2027}
    assert calendar_of("CN", 2025).unconfirmed == frozenset()
    assert calendar_of("US", 2027).unconfirmed == frozenset()


def test_a_year_whose_holidays_are_estimated_is_unconfirmed() -> None:
    known = package.country_holidays("SG", years=[2031], language="en_US")
    estimated = {day for day, label in known.items() if "estimated" in label}
    assert 2031 in calendar_of("SG", 2031).unconfirmed
    said = Notice("SG", 2031, frozenset(estimated), frozenset())
    assert 2031 not in calendar_of("SG", 2031, [said]).unconfirmed


def test_a_notice_goes_before_what_the_package_knows() -> None:
    off = {date(2027, 2, day) for day in range(5, 13)}
    work = {date(2027, 1, 30), date(2027, 2, 20), date(2027, 10, 5)}
    notice = Notice("CN", 2027, frozenset(off), frozenset(work))
    calendar = calendar_of("CN", 2027, [notice, Notice("US", 2027, frozenset({date(2027, 3, 3)}), frozenset())])
    assert off <= calendar.closed
    assert calendar.working & {day for day in work if day.weekday() > 4} == {date(2027, 1, 30), date(2027, 2, 20)}
    assert date(2027, 10, 5) not in calendar.closed
    assert date(2027, 3, 3) not in calendar.closed
    assert calendar.is_confirmed(2027)


def test_a_chinese_notice_confirms_its_year_only_when_it_looks_whole() -> None:
    work = frozenset({date(2027, 2, 20)})

    def confirmed(days_off: int) -> bool:
        notice = Notice("CN", 2027, frozenset(date(2027, 2, day) for day in range(5, 5 + days_off)), work)
        return calendar_of("CN", 2027, [notice]).is_confirmed(2027)

    assert (confirmed(0), confirmed(6), confirmed(7)) == (False, False, True)
    assert calendar_of("CN", 2026, [Notice("CN", 2026, frozenset(), work)]).is_confirmed(2026), "the package knows it"


def test_a_notice_may_take_back_an_estimate_on_a_weekday_but_not_in_china(tmp_path: Path) -> None:
    known = package.country_holidays("SG", years=[2031], language="en_US")
    day = next(day for day, label in known.items() if "estimated" in label and day.weekday() < 5)
    assert notice_file(tmp_path, "SG-2031.csv", f"{day},x,work\n") == []
    (said,) = notice_file(tmp_path, "SG-2031.csv", "2031-12-25,Christmas,work\n")
    assert said.startswith("SG-2031.csv:1: 2031-12-25 is a Thursday: only days of the weekend")


def test_weekends_beside_a_holiday_are_part_of_its_block_unless_they_are_worked() -> None:
    calendar = calendar_of("CN", 2026)
    assert {date(2026, 2, 15), date(2026, 2, 21), date(2026, 2, 22)} <= calendar.closed
    assert date(2026, 2, 14) not in calendar.closed
    assert date(2026, 1, 10) not in calendar.closed, "an ordinary Saturday is no holiday"


def test_every_calendar_a_preset_closes_on_is_built() -> None:
    assert set(CALENDARS) >= {"CN", "US", "US-LA", "US-PA", "FR", "IT", "AU"}
    assert all(calendar.closed for calendar in CALENDARS.values())
    with pytest.raises(InputError, match="nobody knows the holidays of 'US-ZZ'"):
        calendar_of("US-ZZ", 2026)


# Notices.


def notice_file(folder: Path, name: str, text: str) -> list[str]:
    (folder / name).write_text(text, encoding="utf-8")
    try:
        load_notices(folder)
    except InputError as error:
        return [str(problem).replace(f"{folder}/", "") for problem in error.problems]
    return []


def days(*entries: tuple[str, bool], year: int = 2027) -> str:
    return json.dumps({"year": year, "days": [{"name": "x", "date": day, "isOffDay": off} for day, off in entries]})


def test_both_shapes_of_a_notice_say_the_same(tmp_path: Path) -> None:
    table = "date,name,kind\n2026-12-31,元旦,off\n2027-01-30,春节,work\n\n2027-02-05,春节,off\n"
    (tmp_path / "CN-2027.csv").write_text(table, encoding="utf-8-sig")
    (from_csv,) = load_notices(tmp_path)
    (tmp_path / "CN-2027.csv").unlink()
    document = days(("2026-12-31", True), ("2027-01-30", False), ("2027-02-05", True))
    (tmp_path / "CN-2027.json").write_text(document)
    (tmp_path / "notes.txt").write_text("not a notice")
    assert load_notices(tmp_path) == (from_csv,)
    assert from_csv == Notice(
        "CN", 2027, frozenset({date(2026, 12, 31), date(2027, 2, 5)}), frozenset({date(2027, 1, 30)})
    )


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("2027.json", days(("2027-01-01", True)), "2027.json: its name does not say which calendar and year"),
        ("CN-2027.csv", "2027-02-30,x,off\n", "CN-2027.csv:1: names no date"),
        ("CN-2027.csv", "date,name,kind\n2027-02-05,x,free\n", "CN-2027.csv:2: does not say whether the day is off"),
        ("CN-2027.csv", "2027-02-05\n", "CN-2027.csv:1: does not say whether the day is off"),
        ("CN-2027.csv", "2028-02-05,x,off\n", "CN-2027.csv:1: 2028-02-05 is not in 2027"),
        ("CN-2027.csv", "2027-02-06,x,off\n2027-02-06,x,work\n", "CN-2027.csv:2: 2027-02-06 is named twice"),
        ("CN-2027.csv", "2027-02-20,x,work\n2027-10-08,x,work\n", "CN-2027.csv:2: 2027-10-08 is a Friday: only days"),
        ("CN-2027.json", days(("2027-02-08", False)), "CN-2027.json days[1]: 2027-02-08 is a Monday: only days of"),
        ("CN-2027.csv", "date,name,kind\n", "CN-2027.csv: names no day at all"),
        ("CN-2027.csv", '2027-02-05,"x,off\n', "CN-2027.csv: cannot be read as CSV"),
        ("CN-2027.json", "{\n{", "CN-2027.json:2: cannot be read as JSON"),
        ("CN-2027.json", "[]", "CN-2027.json: holds no list of days"),
        (
            "CN-2027.json",
            days(("2026-01-01", True), year=2026),
            "CN-2027.json year: its 'year' is not that",
        ),
        ("CN-2027.json", days(("2027-01-01", True), ("soon", True)), "CN-2027.json days[2]: names no date"),
    ],
)
def test_a_mistake_in_a_notice_is_named_with_its_place(tmp_path: Path, name: str, text: str, complaint: str) -> None:
    (said,) = notice_file(tmp_path, name, text)
    assert said.startswith(complaint)


def test_a_year_has_one_notice(tmp_path: Path) -> None:
    assert notice_file(tmp_path, "CN-2027.csv", "2027-02-05,x,off\n") == []
    (said,) = notice_file(tmp_path, "CN-2027.json", days(("2027-01-01", True)))
    assert "a second notice for CN in 2027" in said


def test_a_folder_of_notices_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        load_notices(tmp_path / "nowhere")


# Preset files.


def complaints(folder: Path, text: str) -> list[str]:
    (folder / "own.yaml").write_text(text, encoding="utf-8")
    (found,) = check_presets([folder / "own.yaml"]).values()
    problems = found.problems if isinstance(found, InputError) else ()
    return [str(problem).replace(f"{folder}/", "") for problem in problems]


def test_own_presets_add_to_the_shipped_ones(tmp_path: Path) -> None:
    assert complaints(tmp_path, OWN) == []
    loaded = load_presets([tmp_path])
    assert [preset.id for preset in loaded] == [*PRESETS, "own"]
    assert hours_of(loaded[-1], calendars_for(loaded, 2026)).closed >= {date(2026, 12, 24), date(2026, 2, 17)}


def test_an_id_is_taken_once(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN.replace("id: own", "id: us-fl"))
    with pytest.raises(InputError) as caught:
        load_presets([tmp_path])
    (problem,) = caught.value.problems
    assert problem.where == f"{tmp_path}/own.yaml:2 presets[1].id"
    assert problem.what.startswith(f"'us-fl' is a preset of {SHIPPED}/us.yaml:")
    twice = OWN + OWN.removeprefix("presets:\n")
    assert complaints(tmp_path, twice) == [
        "own.yaml:21 presets[2].id: 'own' is the id of two presets (give each an id of its own)"
    ]


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_only_what_the_house_and_practice_say_can_be_replaced(tmp_path: Path, name: str) -> None:
    said = complaints(tmp_path, OWN.replace("id: own", f"id: {name}"))
    if PRESETS[name].kind not in {Kind.PRACTICE, Kind.HOUSE}:
        assert f"'{name}' is a preset of" in said[0]
        assert "only the shipped presets of kind house and practice can be replaced" in said[0]
        return
    loaded = {preset.id: preset for preset in load_presets([tmp_path])}
    assert said == []
    assert list(loaded) == list(PRESETS), "it stands where the shipped one stood"
    assert loaded[name].sources == ("our own decision",)


def test_ids_that_are_taken_are_named_even_beside_presets_that_do_not_read_well(tmp_path: Path) -> None:
    text = OWN.replace("kind: house", "kind: hause") + OWN.removeprefix("presets:\n").replace("id: own", "id: us-fl")
    first, second = complaints(tmp_path, text)
    assert first.startswith("own.yaml:3 presets[1].kind: 'hause' is not known here")
    assert second.startswith("own.yaml:21 presets[2].id: 'us-fl' is a preset of")


def test_a_preset_is_replaced_once(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(OWN.replace("id: own", "id: de-practice"))
    with pytest.raises(InputError) as caught:
        load_presets([tmp_path])
    (problem,) = caught.value.problems
    assert problem.where.startswith(f"{tmp_path}/b.yaml:2")
    assert f"is a preset of {tmp_path}/a.yaml:2 already" in problem.what


def test_rules_are_read_once_with_the_notices_and_calendars_of_each_year(tmp_path: Path) -> None:
    own, notices = tmp_path / "own", tmp_path / "notices"
    own.mkdir()
    notices.mkdir()
    (own / "own.yaml").write_text(OWN, encoding="utf-8")
    rest = "".join(f"2027-02-{day:02},春节,off\n" for day in range(5, 12))
    (notices / "CN-2027.csv").write_text(f"{rest}2027-02-20,调休,work\n", encoding="utf-8")
    presets, calendars = load_rules([own], notices)
    assert load_rules([own], notices)[0] is presets
    assert presets[-1].id == "own"
    assert calendars(2026) is calendars(2026)
    assert calendars(2026)["CN"].is_confirmed(2027)
    assert not load_rules([], None)[1](2026)["CN"].is_confirmed(2027)


def test_a_folder_that_cannot_be_read_is_no_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_folder: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(tmp_path), "iterdir", refuse)
    for load in (lambda: load_presets([tmp_path]), lambda: load_notices(tmp_path)):
        with pytest.raises(InputError, match="cannot be read: Permission denied"):
            load()


def test_a_folder_of_presets_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such folder"):
        load_presets([tmp_path / "nowhere"])


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("kind: house", "kind: hause", ":3 presets[1].kind: 'hause' is not known here (did you mean 'house'?)"),
        ("country: US", "contry: US", ":4 presets[1].contry: unknown key 'contry' (did you mean 'country'?)"),
        ("country: US\n", "country: usa\n", ":4 presets[1].country: 'usa' is not of the right form (expected the two"),
        ("US-LA", "LA", ":5 presets[1].subdivisions[1]: 'LA' is not of the right form (expected a state or"),
        ("US-LA", "CA-ON", ":2 presets[1]: 'CA-ON' is not in 'US'"),
        ("sales, service", "sales, selling", ":6 presets[1].purposes[2]: 'selling' is not known here"),
        ("      sun: closed\n", "", ":7 presets[1].hours: nothing is said about sun (write 'sun: closed' if it is)"),
        ("sun: closed", "sun: off", ":10 presets[1].hours.sun"),
        ("sun: closed", "sun: []", ":10 presets[1].hours.sun: nothing is said here (write 'closed'"),
        ("sat: 24 h", "fri: 24 h", ":7 presets[1].hours: 'fri' and 'mon-fri' both say when fri is"),
        ("subdivision: LA", "subdivision: ZZ", ":11 presets[1].holidays: nobody knows the holidays of 'US-ZZ'"),
        ("rule: closed, ", "", ":11 presets[1].holidays: 'extra' or 'eve' stands beside open holidays"),
        ('"12-24"', '"24-12"', ":11 presets[1].holidays.extra[1]: '24-12' is no day (expected month-day"),
        ("max: 2", "max: 0", ":13 presets[1].caps[1].max: 0 is too little"),
        ("local_day", "local_week", ":13 presets[1].caps[1].period: 'local_week' is no period (expected a length"),
        ("per: person }", "per: persons }", ":13 presets[1].caps[1].per[1]: 'persons' is not known here"),
        ("wait: 30 days", "wait: 30", ":15 presets[1].cooloffs[1].wait: 30 has no unit"),
        ("max_rate: 0.01", "max_rate: 1%", ":16 presets[1].abandonment.max_rate: '1%' is no number (expected a"),
        ("max_rate: 0.01", "max_rate: 3", ":16 presets[1].abandonment.max_rate: 3 is too much"),
        ("appointment_lifts: no", "appointment_lifts: false", ":17 presets[1].appointment_lifts: 'False' is not known"),
        ("    sources: [our own decision]\n", "", ":2 presets[1].sources: 'sources' is missing (add it: Where it"),
        ("sources: [our own decision]", "sources: []", ":18 presets[1].sources: nothing is said here"),
        ("2026-11-21", "21 November", ":20 presets[1].reviewed_on: '21 November' is no date"),
        ("presets:", "rules:", "own.yaml:1 rules: unknown key 'rules'"),
    ],
)
def test_a_mistake_in_a_preset_is_named_with_its_line_and_cure(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    assert old in OWN
    said = complaints(tmp_path, OWN.replace(old, new, 1))
    assert len(said) in {1, 2}, "one complaint, and one more for the key that a wrong name leaves out"
    assert any(complaint in one for one in said), "\n".join(said)
    jargon = ("Input should", "type=", "pydantic", "Value error", "input_value")
    assert not any(word in one for one in said for word in jargon), said


def test_what_is_no_preset_file_is_named_as_such(tmp_path: Path) -> None:
    assert complaints(tmp_path, "- a") == ["own.yaml: this is no preset file (expected keys such as 'presets:')"]


def test_the_schema_describes_every_key_for_editors() -> None:
    schema = json_schema()
    for name, part in schema["$defs"].items():
        assert part.get("additionalProperties", False) is False, f"{name} lets unknown keys pass"
        for key, described in part.get("properties", {}).items():
            assert described.get("description") or "$ref" in described or name == "RuleWeek", f"{name}.{key}"


# Special days.


def test_special_days_are_found_by_name_and_year() -> None:
    assert special_day("telecom_day", 2026) == date(2026, 5, 17)
    assert special_day("spring_festival", 2026) == date(2026, 2, 17)
    assert special_day("mid_autumn", 2026) == date(2026, 9, 25)
    assert special_days()["telecom_day"].title == "电信日"


def test_lunar_days_agree_with_another_calendar() -> None:
    lunar = chinese._ChineseLunisolar()
    others = {
        "spring_festival": lunar.lunar_new_year_date,
        "dragon_boat": lunar.dragon_boat_date,
        "mid_autumn": lunar.mid_autumn_date,
        "double_ninth": lunar.double_ninth_date,
    }
    for year in range(2024, 2036):
        for name, found in others.items():
            assert special_day(name, year) == found(year)[0]
        assert special_day("lantern_festival", year) - special_day("spring_festival", year) == timedelta(days=14)


@pytest.mark.parametrize(
    ("name", "year", "complaint"),
    [
        ("mid_autum", 2026, "there is no special day 'mid_autum' .did you mean 'mid_autumn'"),
        ("mid_autumn", 2036, "the date of 'mid_autumn' in 2036 is not known"),
    ],
)
def test_a_special_day_nobody_knows_is_named(name: str, year: int, complaint: str) -> None:
    with pytest.raises(NotFoundError, match=complaint):
        special_day(name, year)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{ title: x, on: 02-29 }", "'02-29' is no day of every year"),
        ("{ title: x, on: 05-17, dates: [2026-05-17] }", "'on' and 'dates' stand together"),
        ("{ title: x }", "'on' and 'dates' stand together"),
        ("{ title: x, dates: [2026-05-17, 2026-05-18] }", "a year has two dates"),
        ("{ title: x, dates: [2026-05-37] }", "'2026-05-37' is no date"),
    ],
)
def test_a_special_day_is_one_day_a_year(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "days.yaml"
    path.write_text(f"special_days:\n  test: {text}\n")
    with pytest.raises(InputError, match=complaint) as caught:
        read_special_days(path)
    assert caught.value.problems[0].where.startswith(f"{path}:2 ")
