"""Writes the demo's customer files: people all over the world, as messy as real files are, from a fixed seed."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import phonenumbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PEOPLE = 360
AWAKE_SHARE = 0.75
"""Most live where it is day now, so that there is something to see; the others are asleep, so that there is not."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where some of the customers live."""

    country: str
    region: str  # ISO 3166, as customer files have it
    zone: str
    mobile: bool  # else a land line, whose area code says where it is
    prefix: str = ""  # the national number begins with this


PLACES = (
    Place("CN", "CN", "Asia/Shanghai", mobile=True),
    Place("GB", "GB", "Europe/London", mobile=True),
    Place("US", "US-NY", "America/New_York", mobile=False, prefix="212"),
    Place("US", "US-CA", "America/Los_Angeles", mobile=False, prefix="415"),
    Place("AU", "AU-NSW", "Australia/Sydney", mobile=False, prefix="28"),
    Place("NZ", "NZ", "Pacific/Auckland", mobile=False, prefix="9"),
    Place("JP", "JP", "Asia/Tokyo", mobile=True),
    Place("IN", "IN", "Asia/Kolkata", mobile=True),
    Place("AE", "AE", "Asia/Dubai", mobile=True),
    Place("DE", "DE", "Europe/Berlin", mobile=True),
    Place("ZA", "ZA", "Africa/Johannesburg", mobile=True),
    Place("AR", "AR-B", "America/Argentina/Buenos_Aires", mobile=False, prefix="11"),
)
COUNTRIES = ",".join(sorted({place.country for place in PLACES}))

GIVEN = ("Ada", "Ben", "Chiara", "Deepak", "Elin", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Keiko", "Liam", "Mara")
FAMILY = ("Okafor", "Smith", "Rossi", "Patel", "Larsen", "Haddad", "Brown", "Weber", "Costa", "Novak", "Tanaka")
XING, MING = "王李张刘陈杨赵黄周吴", ("伟", "芳", "娜", "敏", "静", "强", "磊", "洋", "艳", "勇")

ENGLISH = (
    "customer id",
    "name",
    "salutation",
    "phone",
    "phone 2",
    "tier",
    "language",
    "region",
    "quiet hours",
    "do not call",
    "product",
    "policy expiry",
    "order date",
    "service date",
    "agent",
)
CHINESE = ("客户编号", "姓名", "称呼", "手机", "级别", "语言", "地区", "勿扰时段", "solution_date", "last_complaint")


STAFFED_PEOPLE = 900
HOMES, OWN = 0.85, 0.15
"""Of those who are called by agents: how many insured a home, and how many have an agent of their own."""


def write(folder: Path, now: datetime, staff: Sequence[str] = ()) -> tuple[Path, ...]:
    """Write the English file (UTF-8 with BOM) and the Chinese one (GB18030).

    With the staff numbers of agents there are more people, for agents to call, and only the English file.
    """
    if staff:
        return (_for_agents(folder, now, staff),)
    chance = random.Random(7)  # noqa: S311 - made-up people, not secrets
    world, china = folder / "customers.csv", folder / "客户.csv"
    people = list(_people(chance, now))
    with world.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow(ENGLISH)
        out.writerows(_english(chance, number, place, now) for number, place in people if place.country != "CN")
        out.writerows(_trouble())
    with china.open("w", encoding="gb18030", newline="") as file:
        out = csv.writer(file)
        out.writerow(CHINESE)
        out.writerows(_chinese(chance, number, now) for number, place in people if place.country == "CN")
    return world, china


def _for_agents(folder: Path, now: datetime, staff: Sequence[str]) -> Path:
    chance = random.Random(7)  # noqa: S311 - made-up people, not secrets
    path = folder / "customers.csv"
    abroad = tuple(place for place in PLACES if place.country != "CN")
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow(ENGLISH)
        for number, place in _people(chance, now, STAFFED_PEOPLE, abroad):
            row = dict(zip(ENGLISH, _english(chance, number, place, now), strict=True))
            home = chance.random() < HOMES
            row["product"] = "home" if home else "motor"
            row["policy expiry"] = (now.date() + timedelta(days=chance.randint(29, 39))).isoformat()
            row["agent"] = chance.choice(staff) if chance.random() < OWN else ""
            out.writerow(row.values())
    return path


def _people(
    chance: random.Random, now: datetime, many: int = PEOPLE, places: Sequence[Place] = PLACES
) -> Iterator[tuple[int, Place]]:
    awake = [place for place in places if 10 <= now.astimezone(ZoneInfo(place.zone)).hour < 19]  # noqa: PLR2004 - day
    asleep = [place for place in places if place not in awake]
    for number in range(many):
        pool = awake if awake and (chance.random() < AWAKE_SHARE or not asleep) else asleep
        yield number, chance.choice(pool)


def _english(chance: random.Random, number: int, place: Place, now: datetime) -> list[str]:
    phone = _phone(place, number)
    if number % 23 == 0:
        phone = phone.translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)})  # full-width digits
    elif number % 29 == 0:
        phone += " ext. 21"
    today = now.date()
    return [
        f"W{number:04d}",
        f"{chance.choice(GIVEN)} {chance.choice(FAMILY)}",
        chance.choice(("Ms", "Mr", "")),
        phone,
        _phone(place, number + 5000) if number % 4 == 0 else "",
        "vip" if number % 12 == 0 else "gold" if number % 5 == 0 else "",
        "en",
        place.region,
        "12:00-15:00" if number % 31 == 0 else "",
        "yes" if number % 37 == 0 else "",
        "motor" if number % 3 else "home",
        (today + timedelta(days=chance.randint(36, 55))).isoformat(),
        (today - timedelta(days=chance.randint(1, 200))).isoformat() if number % 2 else "",
        (today - timedelta(days=chance.randint(2, 9))).isoformat() if number % 3 == 0 else "",
        "",
    ]


def _chinese(chance: random.Random, number: int, now: datetime) -> list[str]:
    solved = now.date() - timedelta(days=chance.randint(0, 2))
    phone = _phone(PLACES[0], number).removeprefix("+86").strip()
    name = chance.choice(XING) + chance.choice(MING)
    quiet = "12:00-14:30" if number % 9 == 0 else ""
    title = chance.choice(("先生", "女士"))
    return [
        f"C{number:04d}",
        name,
        title,
        phone,
        "VIP" if number % 8 == 0 else "",
        "zh-CN",
        "CN",
        quiet,
        solved.isoformat(),
        chance.choice(("理赔进度太慢", "保单信息有误", "重复扣款")),
    ]


def _phone(place: Place, number: int) -> str:
    kind = phonenumbers.PhoneNumberType.MOBILE if place.mobile else phonenumbers.PhoneNumberType.FIXED_LINE
    known = phonenumbers.example_number_for_type(place.country, kind)
    example = str(phonenumbers.national_significant_number(known)) if known is not None else ""
    national = place.prefix + example[len(place.prefix) : -5] + f"{(number * 7919 + 20011) % 100000:05d}"
    return f"+{phonenumbers.country_code_for_region(place.country)} {national}"


def _trouble() -> Iterator[list[str]]:
    """What every customer file has: rows that must not be guessed at."""
    rows = (
        ("X001", "Letter O", "+44 79460 OO123"),
        ("X002", "Two numbers", "+44 7400 123456 / +44 7400 654321"),
        ("X003", "Foreign or local", "212-555-0123"),
        ("X004", "Short code", "95588"),
        ("X005", "Premium rate", "+44 909 8790123"),
        ("X006", "Not enabled", "+53 5 1234567"),
        ("X007", "No number", ""),
        ("X008", "Satellite", "+870 773 111 632"),
        ("X009", "Many zones", "+1 800 234 5678"),
        ("", "No reference", "+44 7400 123457"),
        ("X010", "Bad date", "+44 7400 123458"),
        ("X010", "Same reference", "+44 7400 123459"),
    )
    for reference, name, phone in rows:
        expiry = "31/02/2027" if name == "Bad date" else "2099-01-01"
        yield [reference, name, "", phone, "", "gold", "en", "", "", "", "motor", expiry, "", "", ""]
