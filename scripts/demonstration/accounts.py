"""Who works in the demo, and with what they sign in; passwords are made up anew each time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dialer.engine import passwords
from scripts.demonstration.browser import Browser

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scripts.demonstration.stage import Stage

AT_ONCE = 3
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

    def add_one(one: Account) -> None:
        phone = ("--phone", one.phone) if one.phone else ()
        told = ("--name", one.name, "--role", one.role, "--password-stdin", *phone)
        stage.quietly("agents", "add", one.number, *told, typed=one.first)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(add_one, everybody))


def settle(url: str, everybody: Sequence[Account]) -> None:
    """Have everybody choose their own password, as the console asks each to who was given one."""

    async def choose(one: Account, door: asyncio.Semaphore) -> None:
        async with door, Browser(url) as browser:
            await browser.sign_in(one.number, one.first)
            await browser.choose_password(one.first, one.password)

    async def choose_all() -> None:
        door = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(choose(one, door) for one in everybody))

    asyncio.run(choose_all())


def write(path: Path, some: Sequence[Account]) -> None:
    """The file from which robots learn who they are; nobody else may read it."""
    path.touch(mode=0o600)
    path.write_text("".join(f"{one.number} {one.password}\n" for one in some), encoding="utf-8")
