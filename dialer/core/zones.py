"""Which zones a customer may be in, from what is known: a confirmed zone, the address, the number.

A call must be allowed in every zone the customer may be in, so a guess is always the larger set: a mobile number
travels with its owner, and what a prefix says counts only where prefixes stay put. Without a zone nobody is called.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

from dialer.core.clocks import distinct, face, is_zone, zone_data_version, zones_by_country
from dialer.core.phone import NumberKind
from dialer.core.places import ZONES_OF_SUBDIVISION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dialer.core.customer import Customer
    from dialer.core.phone import PhoneNumber

__all__ = [
    "Candidates",
    "candidates",
    "is_zone",
    "lies_in",
    "nearest_zone",
    "zone_data_version",
    "zones_of_country",
    "zones_of_number",
    "zones_of_region",
]

_BEIJING: Final = ("Asia/Shanghai",)
_XINJIANG_LINES: Final = ("8690", "8699")  # area codes 0901 to 0909 and 099x
_PLACED_KINDS: Final = frozenset({NumberKind.FIXED_LINE, NumberKind.FIXED_OR_MOBILE})
_LONGEST: Final = 1 + TIMEZONE_LONGEST_PREFIX
_AREA: Final = len("1212")
# Places with a calling region of their own and no row in zone.tab, which keep a neighbour's time.
_KEEPS_TIME_OF: Final = {"XK": "RS", "AC": "SH", "TA": "SH"}


@dataclass(frozen=True, slots=True)
class Candidates:
    """The zones a customer may be in (empty: nobody knows) and, in one sentence, how we know."""

    zones: tuple[str, ...]
    because: str


def zones_of_country(country: str) -> tuple[str, ...]:
    """Every zone of an ISO 3166 country, as the zone database lists them; empty when it has no such country."""
    return zones_by_country().get(_KEEPS_TIME_OF.get(country, country), ())


@lru_cache(maxsize=1024)
def zones_of_region(region: str) -> tuple[str, ...]:
    """Every zone of an address: of `US-NY` those of the state, of `US` or an unknown state those of the country.

    Mainland China is one clock, Beijing time, except in Xinjiang (`CN-XJ`), where many keep the local one.
    """
    found = ZONES_OF_SUBDIVISION.get(region.upper())
    if found is not None:
        return found
    country = region.upper().partition("-")[0]
    return _BEIJING if country == "CN" else zones_of_country(country)


def lies_in(zone: str, countries: Iterable[str]) -> bool:
    """Whether a clock of one of these countries shows the time of `zone`."""
    return any(face(zone) == face(one) for country in countries for one in zones_of_country(country))


def nearest_zone(text: str) -> str:
    """What somebody who wrote `text` for a zone may have meant, as a hint: `did you mean Australia/Sydney?`."""
    names = sorted({name for zones in zones_by_country().values() for name in zones})
    city = text.strip().rpartition("/")[2].replace(" ", "_").casefold()
    same = [name for name in names if name.rpartition("/")[2].casefold() == city]
    found = same or get_close_matches(text, names, n=1, cutoff=0.75)
    return f"did you mean {found[0]}?" if found else "expected a name like America/Chicago"


def zones_of_number(number: PhoneNumber, *, address: str) -> tuple[str, ...]:
    """The zones a number may ring in; `address` is the region of its owner's address, if known.

    - A country with one clock: that one, whatever the number's prefix.
    - A fixed line: where its prefix lies.
    - A number that may be fixed or mobile (North America): where its prefix lies, if an address in the same country
      is a second witness; the prefix alone only says where the number was born.
    - Any other: every zone of its country.
    """
    witness = address.upper().partition("-")[0] == number.region
    return _zones_of_number(_known_prefix(number), number.region, number.kind, witness)


def candidates(customer: Customer, number: PhoneNumber) -> Candidates:
    """Every zone in which `customer` may be when `number` rings.

    A zone the customer confirmed wins. Zones that show the same time as another are left out; the result is sorted.
    """
    return _candidates(customer.zone, customer.region, _known_prefix(number), number.region, number.kind)


@lru_cache(maxsize=16384)
def _candidates(zone: str, address: str, prefix: str, country: str, kind: NumberKind) -> Candidates:
    if zone and not is_zone(zone):
        return Candidates((), "the confirmed zone is not in the zone database")
    if zone:
        return Candidates((zone,), "the zone in the customer's file, or confirmed by them")
    by_address = zones_of_region(address)
    at_home = address.upper().partition("-")[0] == country
    by_number = _zones_of_number(prefix, country, kind, at_home)
    origin = f"+1 {prefix[1:_AREA]}" if at_home and prefix.startswith("1") and len(prefix) >= _AREA else f"in {country}"
    witnesses = [*([f"address {address}"] if by_address else []), *([f"number {origin}"] if by_number else [])]
    zones = tuple(sorted(distinct((*by_address, *by_number))))
    return Candidates(zones, " and ".join(witnesses) or "neither address nor number tells a zone")


def _known_prefix(number: PhoneNumber) -> str:
    """The longest prefix of a number that says where it lies, without the plus; empty where prefixes say nothing."""
    if number.kind not in _PLACED_KINDS:
        return ""
    digits = number.e164[1:_LONGEST]
    if digits.startswith(_XINJIANG_LINES):
        return digits[: len(_XINJIANG_LINES[0])]
    while digits and digits not in TIMEZONE_DATA:
        digits = digits[:-1]
    return digits


@lru_cache(maxsize=16384)
def _zones_of_number(prefix: str, country: str, kind: NumberKind, witness: bool) -> tuple[str, ...]:  # noqa: FBT001  part of a cache's key
    if country == "CN":
        return zones_of_country(country) if prefix in _XINJIANG_LINES else _BEIJING
    zones = zones_of_country(country)
    if len({face(zone) for zone in zones}) == 1:
        return zones[:1]
    if kind is NumberKind.FIXED_LINE or (kind is NumberKind.FIXED_OR_MOBILE and witness):
        return _placed(prefix, zones) or zones
    return zones


def _placed(prefix: str, zones: tuple[str, ...]) -> tuple[str, ...]:
    """Those of a country's `zones` that show the time of the places `prefix` stands for.

    The prefix data uses old names and, here and there, a neighbour's zone, so only what its clocks show is used. When
    none of the country's clocks shows such a time, the data is wrong for this country, and nothing is returned.
    A North American area code whose exchanges lie in several zones stands for all of them: its own entry is one side
    only, and new exchanges on the other are not listed.
    """
    keys = [key for key in TIMEZONE_DATA if key.startswith(prefix)] if prefix.startswith("1") else [prefix]
    faces = {face(zone) for key in keys for zone in TIMEZONE_DATA.get(key, ()) if is_zone(zone)}
    return tuple(zone for zone in distinct(zones) if face(zone) in faces)
