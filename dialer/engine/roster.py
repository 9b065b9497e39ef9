"""Reads what somebody typed about a person who works here: the same checks for the command line and the console."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from dialer.core.agent import Agent, Role
from dialer.core.phone import DoubtfulNumberError, NumberKind, PhoneNumber, parse_number
from dialer.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence


class Flaw(StrEnum):
    """What is wrong with something typed about a person, in a sentence that is also its entry in the catalogue."""

    STAFF_NUMBER = "A staff number is up to 32 letters, digits, dots or dashes, without spaces."
    NAME = "A name is needed, of at most 80 characters."
    ROLE = "There is no such role."
    PHONE = "This is no telephone number that can be read without doubt; write it with + and the country code."
    SIP = "A SIP address looks like sip:name@host."
    LANGUAGE = "A language is named like en or zh-CN."
    TAG = "Skills and teams are short words: letters, digits, dots, dashes or underscores."
    CAPACITY = "The capacity is a whole number from 1 to 1000."
    PASSWORD_SHORT = "The password needs at least 12 characters."  # noqa: S105 - a sentence
    PASSWORD_LONG = "The password may have at most 256 characters."  # noqa: S105 - a sentence
    PASSWORD_OBVIOUS = "The password must not hold the staff number or the name, or repeat few characters."  # noqa: S105 - a sentence


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody typed about a person, as it is."""

    staff_number: str
    name: str
    role: str = Role.AGENT.value
    phone: str = ""
    languages: Sequence[str] = ()
    skills: Sequence[str] = ()
    teams: Sequence[str] = ()
    capacity: str = "1"
    active: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """The person that is meant, or what is wrong by the field's name."""

    agent: Agent | None
    flaws: dict[str, Flaw] = field(default_factory=dict)

    def certain(self) -> Agent:
        """The person.

        Raises:
            InputError: some of it is wrong; each is named.
        """
        if self.agent is None:
            raise InputError([Problem(name, flaw.value) for name, flaw in self.flaws.items()])
        return self.agent


def read(typed: Typed, home_region: str) -> Reading:
    """Read what was typed; a telephone number without a country code is one of `home_region`."""
    flaws: dict[str, Flaw] = {}
    staff_number, name = typed.staff_number.strip(), " ".join(typed.name.split())
    if not _STAFF_NUMBER.fullmatch(staff_number):
        flaws["staff_number"] = Flaw.STAFF_NUMBER
    if not 0 < len(name) <= _LONGEST_NAME:
        flaws["name"] = Flaw.NAME
    if typed.role not in _ROLES:
        flaws["role"] = Flaw.ROLE
    address = _address(typed.phone.strip(), home_region)
    if isinstance(address, Flaw):
        flaws["phone"] = address
    languages, skills, teams = _words(typed.languages), _words(typed.skills), _words(typed.teams)
    if not all(map(_LANGUAGE.fullmatch, languages)):
        flaws["languages"] = Flaw.LANGUAGE
    for words, where in ((skills, "skills"), (teams, "teams")):
        if not all(map(_TAG.fullmatch, words)):
            flaws[where] = Flaw.TAG
    if not _CAPACITY.fullmatch(typed.capacity.strip()):
        flaws["capacity"] = Flaw.CAPACITY
    if flaws:
        return Reading(None, flaws)
    agent = Agent(
        staff_number=staff_number,
        name=name,
        role=Role(typed.role),
        address="" if isinstance(address, Flaw) else address,
        languages=languages,
        skills=frozenset(skills),
        teams=frozenset(teams),
        capacity=int(typed.capacity),
        active=typed.active,
    )
    return Reading(agent)


def masked(address: str) -> str:
    """An agent's telephone without the middle of its number; of a SIP address, without that of a number in it."""
    sip = _SIP.fullmatch(address)
    if sip is None:
        return _masked_number(address)
    start, end = sip.span("user")
    return address[:start] + _masked_number(sip["user"]) + address[end:]


def holds_number(address: str) -> bool:
    """Whether showing an agent's telephone whole shows a telephone number."""
    return masked(address) != address


def changes(before: Agent, after: Agent) -> dict[str, object]:
    """What is different, for the audit trail: lists sorted, telephones masked."""
    told: dict[str, object] = {}
    for name in ("name", "role", "languages", "skills", "teams", "capacity", "active"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            plain = sorted(new) if isinstance(new, frozenset | tuple) else new
            told[name] = plain.value if isinstance(plain, Role) else plain
    if before.address != after.address:
        told["phone"] = masked(after.address)
    return told


def _masked_number(text: str) -> str:
    """Any text that holds as many digits as a telephone number, however it is written, with its last ones only."""
    if _E164.fullmatch(text):
        return str(PhoneNumber(text, "", NumberKind.UNKNOWN))
    digits = len(_DIGIT.findall(text))
    return text if digits < _FEWEST_DIGITS else _DIGIT.sub("•", text, count=digits - _SHOWN_DIGITS)


def _address(text: str, home_region: str) -> str | Flaw:
    if not text:
        return ""
    if text.lower().startswith(("sip:", "sips:")):
        return text if _SIP.fullmatch(text) else Flaw.SIP
    try:
        return parse_number(text, home_region).e164
    except DoubtfulNumberError:
        return Flaw.PHONE


def _words(given: Sequence[str]) -> tuple[str, ...]:
    """Each word once, in its order; one text may hold several with commas or spaces between them."""
    return tuple(dict.fromkeys(word for text in given for word in re.split(r"[\s,，、;；]+", text) if word))


_LONGEST_NAME: Final = 80
_STAFF_NUMBER: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.\-]{0,31}")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_TAG: Final = re.compile(r"[\w.\-]{1,40}")
_CAPACITY: Final = re.compile(r"[1-9][0-9]{0,2}|1000")
_SIP: Final = re.compile(
    r"sips?:(?P<user>[A-Za-z0-9._~!$&'()*+,;=%\-]{1,64})@[A-Za-z0-9.\-\[\]:]{1,120}(;[A-Za-z0-9=.\-]{1,60})?",
    re.IGNORECASE,
)
_E164: Final = re.compile(r"\+[0-9]+")
_DIGIT: Final = re.compile(r"[0-9]")
_FEWEST_DIGITS: Final = 7  # of a telephone number; fewer are an extension
_SHOWN_DIGITS: Final = 4
_ROLES: Final = frozenset(role.value for role in Role)
