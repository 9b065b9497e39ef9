"""Shifts of agents, event by event: what a pacer is judged by. Seconds throughout."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from time import thread_time
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scripts.benchmarks.people import RING_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.benchmarks.people import People, Person

SHIFT = 8 * 3600
DAY = 24 * 3600
PATIENCE = 2.0
READY, TALKING, WRAPPING = range(3)
RINGING, WAITING = 0, 2

Agents = tuple[NDArray[Any], NDArray[Any]]
"""The agents' states, and when each began."""


class Pace(Protocol):
    """What is judged."""

    def decide(self, now: float, agents: Agents, stages: list[int], began: list[float], floor: Floor) -> int: ...

    def observe(self, now: float, kind: str, value: float) -> None: ...

    def learn(self, person: Person, hour: float, *, answered: bool) -> None: ...


class Floor(Protocol):
    """What a pace may know of people: who rings, who waits, who is next, and the hour."""

    people: People
    hour: float

    def called(self) -> list[Person]: ...


@dataclass(slots=True)
class Tally:
    """What came of a shift."""

    logged_in: float = 0.0  # seconds of all agents
    busy: float = 0.0  # seconds of talk and wrap-up, of all agents
    answered: int = 0
    abandoned: int = 0
    costs: list[float] = field(default_factory=list)  # CPU seconds of each decision

    @property
    def utilisation(self) -> float:
        return self.busy / self.logged_in


class Shift:
    """One shift: agents log in together, calls are started each second, at the end everything is dropped."""

    def __init__(self, pace: Pace, people: People, agents: int, start: float) -> None:
        self.people = people
        self.hour = 0.0
        self.tally = Tally()
        self._pace = pace
        self._start = start
        self._states = np.zeros(agents, dtype=np.int64)
        self._since = np.full(agents, start)
        self._busy_from = [start] * agents
        self._free = deque(range(agents))
        self._events: list[tuple[float, int, Callable[[float, int, Person], None], int, Person]] = []
        self._ringing: dict[int, tuple[float, Person]] = {}
        self._waiting: dict[int, tuple[float, Person]] = {}
        self._calls = 0
        self._planned = 0

    def run(self, seconds: int = SHIFT) -> Tally:
        """From the first second to the last of so many."""
        for second in range(seconds):
            now = self._start + second
            self.hour = second / 3600
            while self._events and self._events[0][0] <= now:
                when, _, happens, key, person = heappop(self._events)
                happens(when, key, person)
            self._decide(now)
        end = self._start + seconds
        self.tally.logged_in = len(self._states) * seconds
        self.tally.busy += sum(end - self._busy_from[agent] for agent in np.flatnonzero(self._states != READY))
        return self.tally

    def called(self) -> list[Person]:
        """Those who ring and those who wait, in the order that the pacer is told of them."""
        return [*(person for _, person in self._ringing.values()), *(person for _, person in self._waiting.values())]

    def _decide(self, now: float) -> None:
        stages = [RINGING] * len(self._ringing) + [WAITING] * len(self._waiting)
        began = [*(at for at, _ in self._ringing.values()), *(at for at, _ in self._waiting.values())]
        before = thread_time()
        count = self._pace.decide(now, (self._states, self._since), stages, began, self)
        self.tally.costs.append(thread_time() - before)
        for _ in range(count):
            self._dial(now)
        for key in list(self._ringing)[: max(0, -count)]:
            del self._ringing[key]
            self._pace.observe(now, "cancel", 0.0)

    def _dial(self, now: float) -> None:
        person = self.people.next()
        answers = person.luck < self.people.chance(person, self.hour)
        rings = person.rings if answers or person.ends_early else RING_LIMIT
        self._calls += 1
        self._ringing[self._calls] = (now, person)
        self._at(now + rings, self._answered if answers else self._unanswered, self._calls, person)

    def _at(self, when: float, happens: Callable[[float, int, Person], None], key: int, person: Person) -> None:
        self._planned += 1
        heappush(self._events, (when, self._planned, happens, key, person))

    def _unanswered(self, now: float, call: int, person: Person) -> None:
        if self._ringing.pop(call, None) is not None:
            self._pace.observe(now, "noanswer", RING_LIMIT)
            self._pace.learn(person, self.hour, answered=False)

    def _answered(self, now: float, call: int, person: Person) -> None:
        if self._ringing.pop(call, None) is None:
            return
        self.tally.answered += 1
        self._pace.observe(now, "answer", person.rings)
        self._pace.learn(person, self.hour, answered=True)
        if self._free:
            self._connect(now, self._free.popleft(), person, 0.0)
        else:
            self._waiting[call] = (now, person)
            self._at(now + PATIENCE, self._gone, call, person)

    def _gone(self, now: float, call: int, person: Person) -> None:
        del person
        if self._waiting.pop(call, None) is not None:
            self.tally.abandoned += 1
            self._pace.observe(now, "abandon", PATIENCE)

    def _connect(self, now: float, agent: int, person: Person, waited: float) -> None:
        self._pace.observe(now, "connect", waited)
        self._states[agent], self._since[agent], self._busy_from[agent] = TALKING, now, now
        self._at(now + person.talks, self._talked, agent, person)

    def _talked(self, now: float, agent: int, person: Person) -> None:
        self._pace.observe(now, "talk_end", person.talks)
        self._states[agent], self._since[agent] = WRAPPING, now
        self._at(now + person.wraps, self._wrapped, agent, person)

    def _wrapped(self, now: float, agent: int, person: Person) -> None:
        self._pace.observe(now, "wrap_end", person.wraps)
        self._states[agent], self._since[agent] = READY, now
        self.tally.busy += now - self._busy_from[agent]
        if self._waiting:
            at, waiting = self._waiting.pop(next(iter(self._waiting)))
            self._connect(now, agent, waiting, now - at)
        else:
            self._free.append(agent)
