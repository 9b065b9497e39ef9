"""Simulated agents at their screens: they sign in, get ready, talk by the script, write down what came of it.

Run as `python -m scripts.demonstration.robots --url http://127.0.0.1:8080 --sign-ins FILE`, a file of lines with a
staff number and a password. They see nothing but what the console shows people, and do nothing that people cannot do.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import signal
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import aiohttp

from scripts.demonstration import screen
from scripts.demonstration.browser import Browser, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.demonstration.screen import Screen

SIGN_IN_AT_ONCE: Final = 4
GOES_HOME_WITHIN: Final = 30.0
LOOKS_UP: Final = 2.0
"""Seconds after which an agent looks at the screen although nothing moved on it."""

ANSWERS: Final = {"1": 0.74, "2": 0.16, "3": 0.07, "9": 0.03}
"""How often customers say what, by the answer's key; any other is as likely as 3."""

NOTES: Final = (
    "Friendly; has read the letter.",
    "Wants it in writing first.",
    "Has moved; the address was corrected.",
    "Asked about the price, which was explained.",
    "",
)
SKIPS: Final = 0.05
PROMISES: Final = 0.12
CASES: Final = 0.04
BREAKS: Final = 0.03


@dataclass(frozen=True, slots=True)
class Habits:
    """How long an agent takes for things: lowest and highest, in seconds of a life at speed 1."""

    speed: float = 10
    reads: tuple[float, float] = (3, 10)  # the file, before dialing
    hears: tuple[float, float] = (5, 20)  # an answer
    parts: tuple[float, float] = (3, 60)  # after the last question
    writes: tuple[float, float] = (5, 25)  # the record
    rests: tuple[float, float] = (40, 120)


@dataclass(slots=True)
class Robot:
    """One simulated agent. What they do follows from `chance` and what their screen shows."""

    browser: Browser
    number: str
    chance: random.Random
    habits: Habits
    done: Counter[str]
    home: asyncio.Event  # the shift is over: no more calls after the one in hand
    parts: dict[str, str] = field(default_factory=dict)
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def work(self) -> None:
        """Begin the shift, and go on until it is time to go home and the call in hand is over."""
        await self.browser.open("/console/calls")
        watching = asyncio.create_task(self._watch())
        try:
            while not (self.home.is_set() and screen.read(self.parts).standing == "offline"):
                self.moved.clear()
                try:
                    await self._act(screen.read(self.parts))
                except RefusedError as no:  # often: the customer was gone before the button was pressed
                    self.done["refused"] += 1
                    if "500" in str(no) or "503" in str(no):
                        self.done["failed"] += 1
                        print(f"{self.number}: {no}", file=sys.stderr, flush=True)
                    await asyncio.sleep(0.2)
                except (aiohttp.ClientError, TimeoutError):
                    self.done["lost"] += 1  # the service is down; screens wait for it
                    await asyncio.sleep(LOOKS_UP)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.moved.wait(), LOOKS_UP)
        finally:
            watching.cancel()

    async def _watch(self) -> None:
        async for name, html in self.browser.stream("/console/events/calls"):
            self.parts[name] = html
            self.moved.set()

    async def _act(self, now: Screen) -> None:
        """What is to be done with the screen as it is."""
        match now.stage:
            case "preview":
                await self._decide_to_dial(now)
            case "connected" if now.asks:
                await self._answer(now)
            case "connected":
                if await self._takes(now, self.habits.parts):
                    await self.browser.press("/console/calls/hang-up", attempt=now.attempt)
                    self.done["hung up"] += 1
            case "wrap_up":
                await self._finish(now)
            case "":
                await self._stand(now)

    async def _stand(self, now: Screen) -> None:
        if self.home.is_set():
            await self.browser.press("/console/calls/leave")
            return
        match now.standing:
            case "offline":
                await self.browser.press("/console/calls/start")
            case "paused":
                await self.browser.press("/console/calls/ready")

    async def _decide_to_dial(self, now: Screen) -> None:
        if not await self._takes(now, self.habits.reads):
            return
        if self.chance.random() < SKIPS:
            await self.browser.press("/console/calls/skip", attempt=now.attempt, reason="recent")
        else:
            await self.browser.press("/console/calls/dial", attempt=now.attempt)

    async def _answer(self, now: Screen) -> None:
        if not await self._takes(now, self.habits.hears):
            return
        keys = list(now.keys)
        key = self.chance.choices(keys, [ANSWERS.get(one, ANSWERS["3"]) for one in keys])[0] if keys else ""
        await self.browser.press("/console/calls/answer", attempt=now.attempt, node=now.node, tries=now.tries, key=key)
        self.done["answers"] += 1

    async def _finish(self, now: Screen) -> None:
        if not await self._takes(now, self.habits.writes):
            return
        fields = {"attempt": now.attempt, "notes": self.chance.choice(NOTES), "outcome": "", "next_step": "done"}
        now = screen.read(self.parts)
        dice = self.chance.random()
        if not now.outcome_known:
            fields["outcome"] = "not_convenient" if "not_convenient" in now.outcomes else now.outcomes[-1]
        if dice < PROMISES and now.zones:
            fields |= self._promise(now)
        elif dice < PROMISES + CASES:
            fields["next_step"] = "case"
        await self.browser.press("/console/calls/finish", **fields)
        self.done["finished"] += 1
        self.done[f"next: {fields['next_step']}"] += 1
        if self.chance.random() < BREAKS and not self.home.is_set():
            await self.browser.press("/console/calls/pause", reason="break")
            await self._sleep(self.habits.rests)

    def _promise(self, now: Screen) -> dict[str, str]:
        """Tomorrow or the day after, at an hour at which people take calls."""
        zone = now.zones[0]
        day = datetime.now(UTC).astimezone(ZoneInfo(zone)) + timedelta(days=self.chance.randint(1, 2))  # noqa: TID251 - on the customer's own calendar, as people look at one
        hour = f"{self.chance.randint(10, 17)}:{self.chance.choice(('00', '30'))}"
        return {"outcome": "", "next_step": "promise", "day": day.date().isoformat(), "hour": hour, "zone": zone}

    async def _takes(self, now: Screen, span: tuple[float, float]) -> bool:
        """Let the time for something pass; whether the screen is still at the same point."""
        await self._sleep(span)
        after = screen.read(self.parts)
        return (after.attempt, after.stage, after.node) == (now.attempt, now.stage, now.node)

    async def _sleep(self, span: tuple[float, float]) -> None:
        await asyncio.sleep(self.chance.uniform(*span) / self.habits.speed)


async def run(
    url: str, people: Sequence[tuple[str, str]], habits: Habits, seed: int, home: asyncio.Event
) -> Counter[str]:
    """Let them all work until it is time to go home; gives back what they did."""
    done, door, there = Counter[str](), asyncio.Semaphore(SIGN_IN_AT_ONCE), Counter[str]()

    async def one(number: str, password: str) -> None:
        chance = random.Random(f"{seed}|{number}")  # noqa: S311 - made-up people, not secrets
        async with Browser(url) as browser:
            async with door:
                await browser.sign_in(number, password)
            there["agents"] += 1
            if there["agents"] == len(people):
                print(f"at work: {len(people)}", flush=True)
            await Robot(browser, number, chance, habits, done, home).work()

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(None) as patience, asyncio.TaskGroup() as all_of_them:
            for number, password in people:
                all_of_them.create_task(one(number, password))
            await home.wait()
            patience.reschedule(asyncio.get_running_loop().time() + GOES_HOME_WITHIN)
    return done


async def _until_told(url: str, people: Sequence[tuple[str, str]], habits: Habits, seed: int) -> Counter[str]:
    home = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, home.set)
    return await run(url, people, habits, seed, home)


def main() -> None:
    """Work until SIGTERM or Ctrl-C, and then as long as the calls in hand take."""
    parser = argparse.ArgumentParser(prog="python -m scripts.demonstration.robots", description=__doc__)
    parser.add_argument("--url", required=True, help="where the console is")
    parser.add_argument("--sign-ins", type=Path, required=True, help="lines with a staff number and a password")
    parser.add_argument("--agents", type=int, help="how many of them work; all of them")
    parser.add_argument("--speed", type=float, default=10, help="how many times faster than life they are")
    parser.add_argument("--seed", type=int, default=7, help="decides what they do")
    given = parser.parse_args()
    lines = given.sign_ins.read_text(encoding="utf-8").splitlines()
    people = [(number, password) for number, _, password in (line.partition(" ") for line in lines if line)]
    done = asyncio.run(_until_told(given.url, people[: given.agents], Habits(speed=given.speed), given.seed))
    print(", ".join(f"{name} {count}" for name, count in sorted(done.items())) or "nothing was done", flush=True)


if __name__ == "__main__":
    main()
