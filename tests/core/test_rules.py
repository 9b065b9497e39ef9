"""Which presets bind a call: the strictest wins, by place, purpose, business, circumstance and day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers.tzdata import TIMEZONE_DATA
from pydantic import ValidationError

from dialer.core import area_codes
from dialer.core.area_codes import Jurisdictions, jurisdictions, presumed_state
from dialer.core.caps import After, CalendarPeriod, Cap, CoolOff, Counts, Per
from dialer.core.clocks import distinct, face
from dialer.core.hours import DailyRange, Hours, Opening, next_opening, open_time
from dialer.core.phone import parse_number
from dialer.core.purpose import Purpose
from dialer.core.rules import Circumstance, Preset, hours_of, matching, stale
from dialer.core.zones import zones_of_country, zones_of_region

BASE: dict[str, Any] = {
    "id": "test",
    "kind": "law",
    "country": "US",
    "purposes": ["sales", "renewal"],
    "hours": "08:00-21:00",
    "appointment_lifts": "unknown",
    "sources": ["a test"],
    "confidence": "high",
    "reviewed_on": "2026-11-21",
}
TODAY = date(2026, 11, 21)


def preset(name: str = "test", /, **keys: object) -> Preset:
    return Preset.model_validate({**BASE, "id": name, **keys})


def binding(  # the names of what binds a call
    *presets: Preset,
    countries: str = "US",
    regions: str = "",
    purpose: Purpose = Purpose.SALES,
    sectors: str = "",
    on: date = TODAY,
    may_sell: bool = False,
    automated: bool = True,
) -> list[str]:
    found = matching(
        presets,
        countries=frozenset(countries.split()),
        regions=frozenset(regions.split()),
        purpose=purpose,
        sectors=frozenset(sectors.split()),
        on=on,
        may_sell=may_sell,
        automated=automated,
    )
    return [one.id for one in found]


FEDERAL = preset("federal")
FLORIDA = preset("florida", subdivisions="US-FL", hours="08:00-20:00")
KENTUCKY = preset("kentucky", subdivisions=["US-KY"], hours="10:00-21:00")
ANYWHERE = preset("anywhere", country="", purposes=list(Purpose))


def test_everything_that_matches_binds() -> None:
    assert binding(FEDERAL, FLORIDA, KENTUCKY, ANYWHERE, regions="US-FL US-KY") == [
        "federal",
        "florida",
        "kentucky",
        "anywhere",
    ]
    assert binding(FEDERAL, FLORIDA, KENTUCKY, ANYWHERE, regions="US-NY") == ["federal", "anywhere"]
    assert binding(FEDERAL, FLORIDA, ANYWHERE, countries="CN", regions="CN-GD") == ["anywhere"]


def test_the_strictest_wins() -> None:
    bound = matching(
        (FEDERAL, FLORIDA, KENTUCKY),
        countries=frozenset({"US"}),
        regions=frozenset({"US-FL", "US-KY"}),
        purpose=Purpose.SALES,
        sectors=frozenset(),
        on=TODAY,
    )
    layers = tuple(hours_of(one, {}) for one in bound)
    at = datetime(2026, 6, 1, tzinfo=UTC)
    assert next_opening(layers, ("UTC",), at) == Opening(at + timedelta(hours=10), at + timedelta(hours=20))


@given(
    st.lists(st.sampled_from([FEDERAL, FLORIDA, KENTUCKY, ANYWHERE]), min_size=1, unique_by=lambda one: one.id),
    st.sampled_from([FEDERAL, FLORIDA, KENTUCKY, ANYWHERE]),
    st.integers(0, 7 * 24 * 60),
)
def test_a_further_preset_never_adds_a_minute(presets: list[Preset], further: Preset, minutes: int) -> None:
    start = datetime(2026, 6, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    few = tuple(hours_of(one, {}) for one in presets)
    more = (*few, hours_of(further, {}))
    for hour in range(24):
        a, b = start + timedelta(hours=hour), start + timedelta(hours=hour + 1)
        assert open_time(more, ("America/New_York",), a, b) <= open_time(few, ("America/New_York",), a, b)


def test_a_call_that_may_sell_is_bound_by_both_its_purposes() -> None:
    service = preset("service", purposes="service")
    assert binding(FEDERAL, service, purpose=Purpose.SERVICE) == ["service"]
    assert binding(FEDERAL, service, purpose=Purpose.SERVICE, may_sell=True) == ["federal", "service"]
    assert binding(FEDERAL, service, purpose=Purpose.APPOINTMENT, may_sell=True) == ["federal"]


def test_a_line_of_business_binds_only_those_in_it() -> None:
    motor = preset("motor", sectors=["motor", "property_insurance"])
    assert binding(motor) == []
    assert binding(motor, sectors="telecom") == []
    assert binding(motor, sectors="telecom motor") == ["motor"]


def test_a_preset_binds_from_its_first_to_its_last_day() -> None:
    limited = preset("limited", effective_from="2026-10-18", effective_until="2026-10-20")
    days = [date(2026, 10, day) for day in range(17, 22)]
    assert [binding(limited, on=day) for day in days] == [[], ["limited"], ["limited"], ["limited"], []]


def test_what_binds_machines_does_not_bind_people() -> None:
    machines = preset("machines", applies_when="automated")
    assert binding(machines) == ["machines"], "who does not say is taken for a machine"
    assert binding(machines, automated=False) == []


def test_a_rule_for_an_unknown_state_steps_back_once_a_state_is_known() -> None:
    unknown = preset("unknown", applies_when=["unknown_state"])
    assert binding(unknown) == ["unknown"]
    assert binding(unknown, regions="US") == ["unknown"], "a country is no state"
    assert binding(unknown, regions="CA-ON") == ["unknown"], "another country's province is none either"
    assert binding(unknown, regions="US-NY") == []


def test_a_preset_is_stale_when_nobody_reviewed_it_for_long() -> None:
    reviewed = date.fromisoformat(BASE["reviewed_on"])
    assert not stale(FEDERAL, reviewed + timedelta(days=180))
    assert stale(FEDERAL, reviewed + timedelta(days=181))
    assert stale(FEDERAL, reviewed + timedelta(days=8), after=timedelta(days=7))


def test_only_a_clear_yes_yields_to_an_appointment() -> None:
    found = {said: preset(appointment_lifts=said).yields_to_appointment for said in ("yes", "no", "unknown")}
    assert found == {"yes": True, "no": False, "unknown": False}


def test_hours_are_written_as_in_a_campaign_file_with_every_day_named() -> None:
    eight = (DailyRange.parse("08:00-21:00"),)
    assert preset().hours.week == (eight,) * 7
    assert preset(hours="24 h").hours.week == Hours.always("x").week
    written = {"mon-fri": ["08:00-12:00", "13:00-17:00"], "sat": "24 h", "sun": "closed"}
    week = preset(hours=written).hours.week
    assert [len(day) for day in week] == [2, 2, 2, 2, 2, 1, 0]


def test_caps_and_cooloffs_are_read_as_written() -> None:
    limited = preset(
        caps=[
            {"max": 3, "period": "24 h", "counts": "attempts", "per": ["person", "subject"]},
            {"max": 1, "period": "local_day", "counts": "unanswered", "per": "number"},
        ],
        cooloffs=[{"after": "refused", "wait": "60 days"}],
    )
    assert limited.caps == (
        Cap(max=3, period=timedelta(hours=24), counts=Counts.ATTEMPTS, per=(Per.PERSON, Per.SUBJECT)),
        Cap(max=1, period=CalendarPeriod.LOCAL_DAY, counts=Counts.UNANSWERED, per=(Per.NUMBER,)),
    )
    assert limited.cooloffs == (CoolOff(after=After.REFUSED, wait=timedelta(days=60)),)
    assert limited.applies_when == ()
    assert preset(applies_when="automated").applies_when == (Circumstance.AUTOMATED,)


@pytest.mark.parametrize(
    "keys",
    [
        {"sources": []},
        {"purposes": []},
        {"hours": {"mon-fri": "09:00-20:00"}},
        {"hours": {"daily": []}},
        {"subdivisions": ["CA-ON"]},
        {"subdivisions": ["FL"]},
        {"country": "us"},
        {"holidays": {"rule": "closed"}},
        {"holidays": {"eve": "10:00-12:00"}},
        {"holidays": {"rule": "closed", "calendar": "US", "extra": ["13-01"]}},
        {"effective_from": "2026-10-18", "effective_until": "2026-10-17"},
        {"caps": [{"max": 0, "period": "24 h", "counts": "attempts", "per": "person"}]},
        {"caps": [{"max": 1, "period": "0 h", "counts": "attempts", "per": "person"}]},
        {"caps": [{"max": 1, "period": "week", "counts": "attempts", "per": "person"}]},
        {"caps": [{"max": 1, "period": "24 h", "counts": "attempts", "per": []}]},
        {"abandonment": {"max_rate": 3, "of": "calls", "per": "house", "period": "24 h"}},
        {"surprise": True},
    ],
    ids=str,
)
def test_what_could_be_read_two_ways_is_refused(keys: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Preset.model_validate({**BASE, **keys})


# Who binds: countries and states.


def where(number: str, address: str = "") -> Jurisdictions:
    return jurisdictions(parse_number(number, ""), address)


def test_the_area_code_and_the_address_both_count() -> None:
    assert where("+13055550123", "US-NY") == Jurisdictions(frozenset({"US"}), frozenset({"US-FL", "US-NY"}))
    assert where("+14165550123", "us-ny") == Jurisdictions(frozenset({"CA", "US"}), frozenset({"CA-ON", "US-NY"}))
    assert where("+8613800138000", "CN-GD") == Jurisdictions(frozenset({"CN"}), frozenset({"CN-GD"}))
    assert where("+12125550123", "US") == Jurisdictions(frozenset({"US"}), frozenset({"US-NY"}))


def test_a_code_of_several_provinces_presumes_none() -> None:
    assert [presumed_state(parse_number(number, "")) for number in ("+19025550123", "+18675550123")] == ["", ""]
    assert where("+19025550123") == Jurisdictions(frozenset({"CA"}), frozenset())


def test_other_countries_of_the_numbering_plan_are_not_american() -> None:
    assert where("+18765550123") == Jurisdictions(frozenset({"JM"}), frozenset())


def test_the_law_of_a_country_reaches_its_territories() -> None:
    assert where("+17875550123") == Jurisdictions(frozenset({"US", "PR"}), frozenset({"US-PR"}))
    assert where("+590590201234").countries == {"FR", "GP"}


def test_each_area_code_is_named_once_and_keeps_its_states_time() -> None:
    listed = [code for states in area_codes._AREA_CODES.values() for codes in states.values() for code in codes.split()]
    assert len(listed) == len(set(listed)) == len(area_codes._STATES)
    for code, state in area_codes._STATES.items():
        zones = distinct(zones_of_region(state))
        faces = {face(zone) for zone in zones}
        keys = [f"1{code}"] if f"1{code}" in TIMEZONE_DATA else [k for k in TIMEZONE_DATA if k.startswith(f"1{code}")]
        known = {face(zone) for key in keys for zone in TIMEZONE_DATA[key]}
        assert known, code
        # 474 is an overlay of 306 and 639; the prefix data puts it into Manitoba, which keeps another time.
        assert known & faces or code == "474", f"{code} is not in {state}"


# The time all of a country has in common, as measured on 2026-07-01.


@pytest.mark.parametrize(
    ("country", "day", "office"),
    [
        ("RU", 120, 0),
        ("US", 360, 120),
        ("CA", 450, 210),
        ("BR", 540, 300),
        ("AU", 570, 330),
        ("MX", 600, 360),
        ("ID", 600, 360),
        ("ES", 660, 420),
        ("NZ", 675, 435),
    ],
)
def test_the_minutes_a_day_that_are_open_in_every_zone_of_a_country(country: str, day: int, office: int) -> None:
    assert (common("09:00-21:00", country), common("10:00-18:00", country)) == (day, office)


def test_the_united_states_have_29_zones() -> None:
    assert len(zones_of_country("US")) == 29


@pytest.mark.parametrize(("month", "minutes"), [(7, 420), (1, 480)])
def test_the_minutes_open_by_federal_law_in_all_fifty_states(month: int, minutes: int) -> None:
    territories = {"AS", "GU", "MP", "PR", "UM", "VI"}
    states = {state for state in area_codes._AREA_CODES["US"] if state not in territories}
    zones = tuple(sorted({zone for state in states for zone in zones_of_region(f"US-{state}")}))
    start = datetime(2026, month, 1, tzinfo=UTC)
    hours = (hours_of(preset(), {}),)
    assert open_time(hours, zones, start, start + timedelta(days=1)) == timedelta(minutes=minutes)


def common(hours: str, country: str) -> int:
    layer = (Hours.daily("test", [DailyRange.parse(hours)]),)
    start = datetime(2026, 7, 1, tzinfo=UTC)
    return int(open_time(layer, zones_of_country(country), start, start + timedelta(days=1)).total_seconds() / 60)
