"""Where a customer may be: the safe rule, the traps of prefix data, and the state table against the zone database."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import pairwise

import phonenumbers
import phonenumbers.timezone
import pytest
from phonenumbers.tzdata import TIMEZONE_DATA

from dialer.core import clocks as module
from dialer.core.clocks import clock, distinct, face, stretches, zone_names, zones_by_country
from dialer.core.customer import Customer
from dialer.core.phone import NumberKind, PhoneNumber, parse_number
from dialer.core.places import ZONES_OF_SUBDIVISION
from dialer.core.zones import (
    Candidates,
    candidates,
    is_zone,
    zone_data_version,
    zones_of_country,
    zones_of_number,
    zones_of_region,
)

US_CLOCKS = distinct(zones_of_country("US"))
STATES = {
    "US": "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND "
    "OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR UM VI",
    "CA": "AB BC MB NB NL NS NT NU ON PE QC SK YT",
    "AU": "ACT NSW NT QLD SA TAS VIC WA",
    "BR": "AC AL AM AP BA CE DF ES GO MA MG MS MT PA PB PE PI PR RJ RN RO RR RS SC SE SP TO",
}


def where(number: str, address: str = "", zone: str = "") -> Candidates:
    return candidates(Customer("r1", "Li", region=address, zone=zone), parse_number(number, ""))


def test_a_confirmed_zone_outranks_every_guess() -> None:
    assert where("+12125550123", "US-NY", "America/Denver") == Candidates(
        ("America/Denver",), "the zone in the customer's file, or confirmed by them"
    )


def test_a_confirmed_zone_that_does_not_exist_is_no_zone() -> None:
    assert where("+12125550123", "US-NY", "America/Gotham").zones == ()


def test_address_and_number_are_joined() -> None:
    assert where("+12125550123", "US-NY") == Candidates(("America/New_York",), "address US-NY and number +1 212")
    assert where("+14155550123", "US-NY").zones == ("America/Los_Angeles", "America/New_York")
    assert where(MOBILE, "US-NY") == Candidates(("America/New_York", "Asia/Shanghai"), "address US-NY and number in CN")


def test_the_sentence_holds_no_number() -> None:
    assert "5550123" not in where("+12125550123", "US-NY").because.replace(" ", "")


def test_without_address_an_american_number_may_be_anywhere_in_its_country() -> None:
    assert where("+12125550123") == Candidates(tuple(sorted(US_CLOCKS)), "number in US")
    assert set(US_CLOCKS) < set(where("+12125550123", "CN-GD").zones)
    assert where("+18002345678", "US-NY").zones == tuple(sorted(US_CLOCKS))


def test_an_unknown_state_is_no_narrower_than_its_country() -> None:
    assert zones_of_region("US-ZZ") == zones_of_country("US")
    assert zones_of_region("us-ny") == ("America/New_York",)
    assert zones_of_region("DE-BY") == zones_of_country("DE")


@pytest.mark.parametrize("region", ["", "XX", "XX-YY", "001"])
def test_an_unknown_country_has_no_zones(region: str) -> None:
    assert zones_of_region(region) == ()


def test_nothing_known_means_no_zone() -> None:
    satellite = PhoneNumber("+870773111632", "001", NumberKind.MOBILE)
    assert candidates(Customer("r1", "Li"), satellite) == Candidates((), "neither address nor number tells a zone")


MOBILE = "+8613800138000"


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        (MOBILE, ("Asia/Shanghai",)),
        ("+861084000000", ("Asia/Shanghai",)),
        ("+869918661234", ("Asia/Shanghai", "Asia/Urumqi")),  # area code 0991
        ("+869018661234", ("Asia/Shanghai", "Asia/Urumqi")),  # area code 0901
        ("+869148661234", ("Asia/Shanghai",)),  # area code 0914
    ],
)
def test_mainland_china_is_one_clock_but_for_xinjiang(number: str, zones: tuple[str, ...]) -> None:
    assert zones_of_number(parse_number(number, ""), address="") == zones


def test_an_address_in_xinjiang_has_two_clocks() -> None:
    assert zones_of_region("CN") == zones_of_region("CN-GD") == ("Asia/Shanghai",)
    assert set(zones_of_region("CN-XJ")) == {"Asia/Shanghai", "Asia/Urumqi"}


@pytest.mark.parametrize("kind", ["fixed_line", "mobile"])
@pytest.mark.parametrize(
    ("region", "wrong", "zone"),
    [
        ("DZ", "Europe/Paris", "Africa/Algiers"),
        ("EH", "Atlantic/Canary", "Africa/Casablanca"),  # shares Morocco's numbers and its clock
        ("LY", "Europe/Bucharest", "Africa/Tripoli"),
        ("MA", "Atlantic/Canary", "Africa/Casablanca"),
        ("NI", "America/Chicago", "America/Managua"),
        ("PS", "Europe/Bucharest", "Asia/Gaza"),
        ("SS", "Africa/Nairobi", "Africa/Juba"),
    ],
)
def test_a_country_with_one_clock_ignores_wrong_prefix_data(region: str, wrong: str, zone: str, kind: str) -> None:
    kinds = {"fixed_line": phonenumbers.PhoneNumberType.FIXED_LINE, "mobile": phonenumbers.PhoneNumberType.MOBILE}
    example = phonenumbers.example_number_for_type(region, kinds[kind])
    assert example is not None
    assert phonenumbers.timezone.time_zones_for_number(example) == (wrong,)  # else the prefix data has been mended
    number = parse_number(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164), "")
    assert zones_of_number(number, address="") == (zone,)
    assert face(zone) in {face(own) for own in zones_of_country(region)}
    assert face(zone) != face(wrong)


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_every_country_that_can_be_called_has_zones_of_its_own(region: str) -> None:
    own = {"XK": "RS", "AC": "SH", "TA": "SH"}.get(region, region)
    for kind in NumberKind:
        number = PhoneNumber(f"+{phonenumbers.country_code_for_region(region)}2125550123", region, kind)
        assert set(zones_of_number(number, address=region)) <= set(zones_by_country()[own])
        assert zones_of_number(number, address=region)


def test_a_fixed_line_is_where_its_prefix_lies() -> None:
    assert zones_of_number(parse_number("+74951234567", ""), address="") == ("Europe/Moscow",)
    assert zones_of_number(parse_number("+61298765432", ""), address="") == ("Australia/Sydney",)
    assert len(zones_of_number(parse_number("+61412345678", ""), address="AU-NSW")) == 12


def test_old_names_in_the_prefix_data_are_known_by_their_clocks() -> None:
    assert zones_of_number(parse_number("+541145678901", ""), address="") == ("America/Argentina/Buenos_Aires",)


@pytest.mark.parametrize("area", [208, 219, 270, 308, 423, 541, 574, 605, 606, 620, 701, 775, 785, 812, 850, 906, 928])
def test_an_area_code_that_is_split_stands_for_both_its_zones(area: int) -> None:
    number = PhoneNumber(f"+1{area}5550123", "US", NumberKind.FIXED_OR_MOBILE)
    assert len(zones_of_number(number, address="US")) > 1


def test_the_table_of_states_is_complete_and_right() -> None:
    for country, states in STATES.items():
        listed = {
            place.removeprefix(f"{country}-") for place in ZONES_OF_SUBDIVISION if place.startswith(f"{country}-")
        }
        assert listed == set(states.split())
    for place, zones in ZONES_OF_SUBDIVISION.items():
        country, _, state = place.partition("-")
        own = zones_by_country()[country] + zones_by_country().get(state, ())  # Puerto Rico is also a country's entry
        assert set(zones) <= set(own), place


@pytest.mark.parametrize("country", ["US", "CA", "AU", "BR", "MX", "RU", "ID", "CN"])
def test_every_zone_of_a_divided_country_belongs_to_a_state(country: str) -> None:
    placed = {
        zone for place, zones in ZONES_OF_SUBDIVISION.items() if place.startswith(f"{country}-") for zone in zones
    }
    assert set(zones_by_country()[country]) <= placed


def test_every_zone_in_the_data_can_be_read() -> None:
    named = {zone for zones in zones_by_country().values() for zone in zones}
    named |= {zone for zones in TIMEZONE_DATA.values() for zone in zones} - {"Etc/Unknown"}
    for zone in named:
        assert clock(zone).key == zone


def test_zone_names_are_exact() -> None:
    assert is_zone("America/New_York")
    assert not any(is_zone(name) for name in ("", "america/new_york", "../zone.tab", "Beijing", "EST+5"))
    assert zone_data_version()[:4].isdecimal()


def test_zones_with_one_clock_are_named_once_by_their_best_known_name() -> None:
    assert distinct(["America/Detroit", "America/New_York", "America/Chicago"]) == (
        "America/New_York",
        "America/Chicago",
    )


def test_no_clock_is_set_twice_between_two_looks() -> None:
    since = datetime(1995, 1, 1, tzinfo=UTC).timestamp()
    closest = min(
        after - before
        for zone in zone_names()
        for before, after in pairwise([at for at in changes_in_the_file(zone) if at > since])
    )
    assert closest > module._LOOK


def changes_in_the_file(zone: str) -> list[int]:
    """When the offset changes, as the compiled zone lists it (RFC 9636), up to 2037."""
    data = resources.files("tzdata").joinpath("zoneinfo", *zone.split("/")).read_bytes()

    def header(at: int) -> tuple[int, ...]:
        return struct.unpack(">6l", data[at + 20 : at + 44])

    universal, standard, leaps, times, types, letters = header(0)
    at = 44 + times * 5 + types * 6 + letters + leaps * 8 + standard + universal  # past the data in 32 bits
    _, _, _, times, types, _ = header(at)
    at += 44
    instants = struct.unpack(f">{times}q", data[at : at + 8 * times])
    kinds = data[at + 8 * times : at + 9 * times]
    offsets = [struct.unpack_from(">l", data, at + 9 * times + 6 * n)[0] for n in range(types)]
    shown = [offsets[kind] for kind in kinds]
    return [instant for instant, (a, b) in zip(instants[1:], pairwise(shown), strict=True) if a != b]


@pytest.mark.parametrize("zone", ["Europe/London", "Africa/Casablanca", "Asia/Gaza", "Pacific/Apia", "Asia/Kathmandu"])
def test_stretches_are_those_of_the_clock_wherever_they_are_cut(zone: str) -> None:
    start, end = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) + 1234 for year in (2010, 2042))
    whole = stretches(zone, start, end)
    assert (whole[0][0], whole[-1][1]) == (start, end)
    assert all(a[1] == b[0] and a[2] != b[2] for a, b in pairwise(whole))
    for begins, ends, offset in whole:
        for at in (begins, (begins + ends) // 2, ends - 1):
            assert datetime.fromtimestamp(at, clock(zone)).utcoffset() == timedelta(seconds=offset)
        middle = (begins + ends) // 2
        assert stretches(zone, begins, middle) == ((begins, middle, offset),)
