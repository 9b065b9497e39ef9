"""Who works in the demo, and with what they sign in; passwords are made up anew each time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dialer.engine import passwords
from scripts.demonstration.browser import Browser

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scripts.demonstration.stage import Stage

NAMES = ("Ann Bell", "Bao Chen", "Carla Diaz", "Dev Mehta", "Eva Lind", "Finn Wolf", "Gwen Hart", "Hana Sato")


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in. `password` is their own, not the first one, which somebody else knew."""

    number: str
    name: str
    role: str
    password: str
    first: str
    phone: str = ""


def make(agents: int) -> tuple[list[Account], Account, Account]:
    """The simulated agents, an agent for whoever watches, and the manager."""
    robots = [_agent(2001 + one, NAMES[one % len(NAMES)]) for one in range(agents)]
    return robots, _agent(2001 + agents, "You"), _account("1001", "Kim Park", "manager")


def _agent(number: int, name: str) -> Account:
    return _account(str(number), name, "agent", f"sip:{number}@phones.example")


def _account(number: str, name: str, role: str, phone: str = "") -> Account:
    return Account(number, name, role, passwords.one_time(), passwords.one_time(), phone)


def add(stage: Stage, everybody: Sequence[Account]) -> None:
    """Add them, as whoever installs the program does."""
    for one in everybody:
        phone = ("--phone", one.phone) if one.phone else ()
        told = ("--name", one.name, "--role", one.role, "--password-stdin", *phone)
        stage.quietly("agents", "add", one.number, *told, typed=one.first)


def settle(url: str, everybody: Sequence[Account]) -> None:
    """Have everybody choose their own password, as the console asks each to who was given one."""

    async def one_by_one() -> None:
        for one in everybody:
            async with Browser(url) as browser:
                await browser.sign_in(one.number, one.first)
                await browser.choose_password(one.first, one.password)

    asyncio.run(one_by_one())


def write(path: Path, some: Sequence[Account]) -> None:
    """The file from which robots learn who they are; nobody else may read it."""
    path.touch(mode=0o600)
    path.write_text("".join(f"{one.number} {one.password}\n" for one in some), encoding="utf-8")
