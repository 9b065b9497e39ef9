"""Nobody is dialed twice and no outcome is lost, wherever the process dies: every point tried, then many by chance.

Everything happens on virtual time, with the carrier's own memory of its calls as the witness. The last tests break the
protocol on purpose: a harness that never fails would prove nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from dialer.core import admission
from dialer.core.lifecycle import Event, EventKind
from dialer.core.outcome import AnsweredBy, Ending, Fault, Network
from dialer.core.wall_clock import local
from dialer.engine.audit import replay
from dialer.engine.dial import Dialer, _Deadline
from dialer.engine.reconcile import Patience, Reconciler
from dialer.ports import Lost, NotSent, Refused
from tests import virtual_clock
from tests.campaigns import SCRIPT, customer, house, number
from tests.mortal import Trouble, World, empty, open_database
from tests.rule_books import book, preset
from tests.scripted_carrier import NONE, Call, Fate, Person

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from dialer.ports import Order, Placement
    from dialer.store.database import Database
    from tests.postgres import PostgresServer

GAP = timedelta(minutes=30)
"""The shortest wait of this campaign's retry table: whoever felt a call is left alone for so long."""

MESSAGE = {"reaction": "leave_message", "message": "Please call {hotline}"}
CAMPAIGN: dict[str, Any] = {
    "when": {"windows": {"daily": ["09:00-20:00"]}},
    "script": SCRIPT,
    "answering_machine": MESSAGE,
    "attempts": {
        "most": 2,
        "within": "3 days",
        "other_hour": False,
        "retry": [
            {"after": ending, "wait": "30 min"}
            for ending in ("busy", "no_answer", "machine", "hung_up", "not_convenient")
        ]
        + [{"after": "unreachable", "stop": True}],
    },
}


# What must hold


def violations(world: World) -> list[str]:
    """Everything that is wrong at the end, by the carrier's own memory."""
    return [*_twice(world), *_matched(world), *_outcomes(world), *_quiet(world), *_audited(world), *_capped(world)]


def _audited(world: World) -> Iterator[str]:
    """Every call, judged once more by the rules under which it was made."""
    last = world.clock.now() + timedelta(days=1)
    for one in replay(world.store, world.house, START - timedelta(days=9), last).findings:
        broken = ", ".join(rule.name for rule in one.broken)
        yield f"attempt {one.made.token} should not have been made: {broken}"


def _capped(world: World) -> Iterator[str]:
    """No person's phone rang twice within `ONCE_IN`, by the carrier's own memory."""
    if not world.house.rules.presets:
        return
    calls: defaultdict[str, list[datetime]] = defaultdict(list)
    for call in world.carrier.calls:
        if call.felt:
            calls[call.number].append(call.created)
    for number_called, times in calls.items():
        for first, second in pairwise(times):
            if second < first + ONCE_IN:
                yield f"{number_called} was called twice within {ONCE_IN}"


def _twice(world: World) -> Iterator[str]:
    calls: defaultdict[str, list[Call]] = defaultdict(list)
    for call in world.carrier.calls:
        calls[call.number].append(call)
    for of_one in calls.values():
        for first, second in pairwise(of_one):
            if first.ended is None or first.ended > second.created:
                yield f"dialed twice: {second.sid} began before {first.sid} had ended"
        for first, second in pairwise([call for call in of_one if call.felt]):
            if second.created < first.created + GAP:
                yield f"dialed twice: {second.sid} came {second.created - first.created} after {first.sid}"
        reached = [call for call in of_one if "Goodbye" in call.heard or "We shall not call again" in call.heard]
        if reached and reached[0] is not of_one[-1]:
            yield f"dialed again after the conversation took place in {reached[0].sid}"


def _matched(world: World) -> Iterator[str]:
    per_token = Counter(call.token for call in world.carrier.calls)
    attempts = {one.attempt: one for one in world.attempts()}
    yield from (f"{count} calls of attempt {token}" for token, count in per_token.items() if count > 1)
    yield from (f"attempt {token} is not in the record" for token in per_token if token not in attempts)
    yield from (f"attempt {one.attempt} is still {one.state}" for one in attempts.values() if one.ending is None)
    if not world.is_settled():
        yield f"unfinished: {dict(world.store.callbacks.counts())}"


def _outcomes(world: World) -> Iterator[str]:
    attempts = {one.attempt: one for one in world.attempts()}
    for call in world.carrier.calls:
        attempt = attempts.get(call.token)
        if attempt is None or call.ended_by_us:
            continue
        if attempt.carrier_call_id != call.sid:
            yield f"outcome lost: attempt {call.token} does not know its call"
        elif attempt.network is not call.network or attempt.counted is not call.felt:
            yield f"outcome lost: {call.network} became {attempt.network}, counted {attempt.counted}"
        elif "Goodbye" in call.heard and attempt.ending is not Ending.REACHED and call.person.keys:
            yield f"outcome lost: the conversation of {call.sid} became {attempt.ending}"


def _quiet(world: World) -> Iterator[str]:
    zones = {one.e164: who.zone for page in world.store.customers.pages() for who in page for one in who.numbers}
    for call in world.carrier.calls:
        for at in (call.dialed, call.rang):
            if at is not None and not 9 <= local(at, zones[call.number] or "Europe/London").hour < 20:
                yield f"quiet hours: {call.sid} at {local(at, zones[call.number])}"


# Every crash point


@dataclass(frozen=True, slots=True)
class Case:
    """What happens to one customer's first request, and who picks up."""

    person: Person = field(default_factory=Person)
    fate: Fate = field(default_factory=Fate)


CASES = {
    "answered": Case(),
    "opts out": Case(Person(keys=("9",))),
    "hangs up": Case(Person(keys=())),
    "no answer": Case(Person(Network.NO_ANSWER)),
    "busy": Case(Person(Network.BUSY)),
    "unreachable": Case(Person(Network.UNREACHABLE)),
    "machine": Case(Person(keys=(), verdict=AnsweredBy.MACHINE)),
    "answer of the carrier lost": Case(fate=Fate(Lost("timeout"), back=timedelta(seconds=9))),
    "request lost": Case(fate=Fate(Lost("timeout"), made=False, back=timedelta(seconds=9))),
    "slow on both ways": Case(fate=Fate(way=timedelta(seconds=6), back=timedelta(seconds=3))),
    "connection refused": Case(fate=Fate(NotSent("refused"), made=False)),
    "refused for now": Case(fate=Fate(Refused(Fault.TEMPORARY, "10004"), made=False)),
    "queued by the carrier": Case(fate=Fate(queued=timedelta(seconds=30))),
}
WRITES = frozenset(
    {
        *(f"carrier.{name}" for name in ("place", "fetch", "find", "hang_up", "interrupt")),
        *("callbacks.claim", "attempts.commit", "attempts.record", "attempts.listed_absent", "attempts.looked_at"),
    }
)
"""Steps that change something or ask the carrier; to die while only looking is to die in between."""


SOON, LATE = timedelta(seconds=3), timedelta(seconds=90)
"""How long it takes until another process is there: some webhooks find nobody, or all of them."""


async def play(world: World, case: Case) -> None:
    """Serve until nothing is left to do, starting again after each death."""
    world.carrier.fates.append(case.fate)
    world.carrier.person = lambda _order: case.person
    world.apply(**CAMPAIGN)
    world.enrol(customer("C1"))
    world.start().serve()
    await world.until(world.is_settled, within=timedelta(days=4), every=timedelta(seconds=30))


class Stage:
    """One database, emptied for each play."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def perform(
        self,
        case: Case,
        *die_at: int,
        down: timedelta = SOON,
        change: Callable[[World], None] | None = None,
    ) -> tuple[list[str], list[str]]:
        """Play a case with deaths; what was wrong, and the steps that were taken."""
        empty(self._database)
        world = World(self._database, lives=True)
        world.steps.die_at = frozenset(die_at)
        world.restart_after = down
        world.beat = timedelta(seconds=4)
        if change is not None:
            change(world)
        with capture_logs():
            virtual_clock.run(lambda: play(world, case))
        return violations(world), world.steps.trace


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    database = open_database(f"sqlite:///{tmp_path / 'dialer.db'}")
    yield Stage(database)
    database.close()


def points(trace: Sequence[str]) -> list[int]:
    """The steps of a play that are worth dying at."""
    seen: Counter[str] = Counter()
    found = []
    for index, step in enumerate(trace, start=1):
        name = step.partition(" ")[2]
        seen[step] += 1
        if name in WRITES and (name != "callbacks.claim" or seen[step] <= 2):
            found.append(index)
    return found


QUICK = {("answered", SOON), ("answer of the carrier lost", LATE)}
BOTH_WAYS = {"answered", "machine", "request lost", "queued by the carrier"}


@pytest.mark.parametrize("name", CASES)
def test_without_a_crash_nothing_is_wrong(stage: Stage, name: str) -> None:
    assert stage.perform(CASES[name])[0] == []


@pytest.mark.parametrize(
    ("name", "down"),
    [
        pytest.param(name, down, marks=[] if (name, down) in QUICK else pytest.mark.slow)
        for name in CASES
        for down in (SOON, LATE)
        if down is LATE or name in BOTH_WAYS
    ],
)
@pytest.mark.slow
def test_dies_before_and_after_every_step(stage: Stage, name: str, down: timedelta) -> None:
    assert wrong_after_deaths(stage, CASES[name], down) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["answered"])
def test_dies_before_and_after_every_step_on_postgresql(postgres_server: PostgresServer, name: str) -> None:
    with postgres_server.database() as url:
        database = open_database(url)
        assert wrong_after_deaths(Stage(database), CASES[name], LATE) == {}
        database.close()


def wrong_after_deaths(stage: Stage, case: Case, down: timedelta) -> dict[str, list[str]]:
    """Die once at each point; what was wrong afterwards."""
    _, trace = stage.perform(case)
    # Half of the points will do where another case has the other half: its steps are the same but for its end.
    tried = points(trace)[:: 1 if case is CASES["answered"] else 2]
    assert len(tried) > 6
    found = {f"{index}: {trace[index - 1]}": stage.perform(case, index, down=down)[0] for index in tried}
    return {point: wrong for point, wrong in found.items() if wrong}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["answered", "answer of the carrier lost", "request lost", "queued by the carrier"])
def test_dies_again_while_recovering(stage: Stage, name: str) -> None:
    _, trace = stage.perform(CASES[name])
    chance = Random(name)  # noqa: S311 - a choice of cases, not a secret
    wrong = {}
    first_ones = points(trace)
    for first in sorted(chance.sample(first_ones, len(first_ones) // 2)):
        _, second_trace = stage.perform(CASES[name], first)
        later = [index for index in points(second_trace) if index > first]
        for second in chance.sample(later, min(1, len(later))):
            found, _ = stage.perform(CASES[name], first, second, down=LATE)
            if found:
                wrong[first, second] = (trace[first - 1], second_trace[second - 1], found)
    assert wrong == {}


# By chance

ZONES = ("Europe/London", "Asia/Karachi", "Asia/Dubai", "America/New_York", "Australia/Sydney")
START = datetime(2026, 3, 3, 14, 56, 30, tzinfo=UTC)
"""Three and a half minutes before people in Karachi may no longer be called."""


ONCE_IN = timedelta(hours=2)
RULES = book(
    preset(caps=[{"max": 1, "period": "2 h", "counts": "attempts", "per": "person"}], hours="06:00-22:30"),
    preset("spared", cooloffs=[{"after": "busy", "wait": "10 min"}, {"after": "refused", "wait": "30 days"}]),
)


@dataclass(frozen=True, slots=True)
class Storm:
    """How bad a random run is."""

    people: int = 24
    zones: tuple[str, ...] = ZONES
    lasts: timedelta = timedelta(days=4)
    nodes: int = 2
    death: float = 0.004  # per step
    pause: float = 0.0008
    longest_pause: timedelta = timedelta(seconds=400)
    after: str = ""  # the transaction after which a node stands still; any when empty


MODERATE = Storm()
SHORT = replace(MODERATE, pause=0.003, lasts=timedelta(hours=6))
FROZEN = replace(SHORT, pause=0.1, longest_pause=timedelta(minutes=20), after="_claim_and_commit")
AT_NIGHTFALL = replace(SHORT, pause=0.1, after="_claim_and_commit", zones=("Asia/Karachi",))


def weather(world: World, chance: Random) -> None:
    """Carrier and network misbehave in every way they can."""

    def fate(_order: Order) -> Fate:
        way = timedelta(seconds=chance.uniform(0, 8) if chance.random() < 0.2 else 0.1)
        drawn = chance.random()
        if drawn < 0.06:
            return Fate(Lost("timeout"), made=True, way=way, back=timedelta(seconds=9))
        if drawn < 0.09:
            return Fate(Lost("HTTP 500"), made=chance.random() < 0.5, way=way)
        if drawn < 0.12:
            return Fate(NotSent("HTTP 429", slow_down=True), made=False)
        if drawn < 0.14:
            return Fate(Refused(Fault.TEMPORARY, "10004"), made=False)
        if drawn < 0.16:
            return Fate(RuntimeError("not JSON"), made=True, way=way)
        queued = timedelta(seconds=chance.uniform(0, 20) if chance.random() < 0.05 else 0)
        return Fate(way=way, back=timedelta(seconds=chance.uniform(0, 9)), queued=queued)

    def person(_order: Order) -> Person:
        networks = [Network.ANSWERED] * 6 + [Network.NO_ANSWER, Network.NO_ANSWER, Network.BUSY, Network.UNREACHABLE]
        machine = chance.random() < 0.15
        keys = chance.choice([("1",), ("1",), ("9",), ()]) if not machine else ()
        ring = timedelta(seconds=chance.uniform(2, 24))
        return Person(chance.choice(networks), ring, keys, AnsweredBy.MACHINE if machine else None)

    def post(_call: Call, _event: str) -> Sequence[timedelta]:
        if chance.random() < 0.06:
            return ()
        copies = 2 if chance.random() < 0.06 else 1
        return [timedelta(seconds=chance.uniform(0, 30)) if chance.random() < 0.3 else NONE for _ in range(copies)]

    world.carrier.fate, world.carrier.person, world.carrier.post = fate, person, post
    world.carrier.listed_after = timedelta(seconds=chance.uniform(0, 40))
    world.carrier.stutters = lambda: chance.random() < 0.05


class Storms:
    """Random runs; the same seed gives the same run."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def blow(
        self, seed: int, strength: Storm = MODERATE, change: Callable[[World], None] | None = None
    ) -> tuple[list[str], World]:
        """What was wrong, and the world as it is afterwards."""
        empty(self._database)
        chance = Random(seed)  # noqa: S311 - faults, not secrets
        world = World(self._database, house=replace(house("00:00-24:00"), rules=RULES), lives=True, start=START)
        world.calls_per_second, world.most_at_once = 1.0, 8
        world.restart_after = timedelta(seconds=20)
        weather(world, chance)
        if change is not None:
            change(world)

        async def whole() -> None:
            world.apply(**CAMPAIGN)
            world.enrol(
                *(customer(f"C{i}", number(i), zone=chance.choice(strength.zones)) for i in range(strength.people))
            )
            world.trouble = Trouble(chance, strength.death, strength.pause, strength.longest_pause, strength.after)
            for _ in range(strength.nodes):
                world.start().serve()
            await world.until(world.is_settled, within=strength.lasts, every=timedelta(minutes=1))

        with capture_logs():
            virtual_clock.run(whole)
        return violations(world), world


@pytest.fixture
def storms(tmp_path: Path) -> Iterator[Storms]:
    database = open_database(f"sqlite:///{tmp_path / 'dialer.db'}")
    yield Storms(database)
    database.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("strength", [FROZEN, AT_NIGHTFALL], ids=["frozen", "nightfall"])
def test_node_that_stands_still_between_commit_and_send_does_no_harm(
    storms: Storms, strength: Storm, seed: int
) -> None:
    wrong, _ = storms.blow(seed, replace(strength, lasts=MODERATE.lasts))
    assert wrong == [], f"seed {seed}"


@pytest.mark.parametrize(
    ("seed", "people"), [(0, 10), *(pytest.param(seed, 24, marks=pytest.mark.slow) for seed in range(1, 7))]
)
def test_nothing_is_wrong_after_a_storm(storms: Storms, seed: int, people: int) -> None:
    wrong, world = storms.blow(seed, replace(MODERATE, people=people))
    assert wrong == [], f"seed {seed}"
    assert len(world.lives) > 3, "the storm killed nobody"
    assert len(world.carrier.calls) >= people


@pytest.mark.slow
def test_same_seed_gives_the_same_run(storms: Storms) -> None:
    def story(world: World) -> list[tuple[str, datetime, Network | None]]:
        return [(call.number, call.created, call.network) for call in world.carrier.calls]

    few = replace(MODERATE, people=8)
    assert story(storms.blow(7, few)[1]) == story(storms.blow(7, few)[1])


# The harness can fail


class BelievesTimeouts(Dialer):
    """Takes "no answer" for "not sent"."""

    async def _send(self, *arguments: Any) -> None:
        place = self._telephony.place

        async def wrong(order: Order) -> Placement:
            placement = await place(order)
            return NotSent(placement.failure) if isinstance(placement, Lost) else placement

        self._telephony = _With(self._telephony, place=wrong)
        await super()._send(*arguments)


class _With:
    """Something with one of its methods replaced."""

    def __init__(self, inner: Any, **replaced: Any) -> None:
        self._inner, self._replaced = inner, replaced

    def __getattr__(self, name: str) -> Any:
        return self._replaced.get(name) or getattr(self._inner, name)


class SendsWhenever(Dialer):
    """Has no deadline between the commit and the send, and does not look at the window again."""

    def _deadline(self) -> _Deadline:
        return _Deadline(float("inf"), datetime.max.replace(tzinfo=UTC))

    async def _send(self, briefing: Any, deadline: _Deadline) -> None:
        await super()._send(replace(briefing, until=None), deadline)


class TakesTheDeadForSilent(Reconciler):
    """Thinks that what a dead dialer had committed was never sent."""

    async def _forsaken(self) -> int:
        now = self._clock.now()
        found = await self._desk.ask(self._store.attempts.forsaken, now)
        for one in found:
            for kind in (EventKind.DROPPED, EventKind.NOT_SENT):
                await self._ledger.record(Event(one.token, kind, kind.value, now, "dialer"))
        return len(found)


class NeverAsks(Reconciler):
    """Relies on webhooks alone."""

    async def _silent(self, since: datetime, unanswered: datetime | None = None) -> int:
        del since, unanswered
        return 0


def impatient(world: World) -> None:
    world.patience = Patience(lease=timedelta(seconds=2), listing_lag=timedelta(seconds=2))


def credulous(world: World) -> None:
    mutant(world, dialer=BelievesTimeouts)
    world.carrier.post = lambda _call, _event: ()  # no webhook says what became of the request


def mutant(world: World, *, dialer: type[Dialer] = Dialer, reconciler: type[Reconciler] = Reconciler) -> None:
    world.dialer, world.reconciler = dialer, reconciler


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "strength", "caught"),
    [
        (credulous, SHORT, "dialed twice"),
        (lambda world: mutant(world, dialer=SendsWhenever), FROZEN, "dialed twice"),
        (lambda world: mutant(world, dialer=SendsWhenever), AT_NIGHTFALL, "quiet hours"),
        (lambda world: mutant(world, reconciler=TakesTheDeadForSilent), SHORT, "dialed twice"),
        (lambda world: mutant(world, reconciler=NeverAsks), replace(SHORT, lasts=timedelta(hours=1)), "is still"),
        (impatient, SHORT, "dialed twice"),
    ],
    ids=["timeouts", "deadline", "window", "dead", "polling", "patience"],
)
def test_broken_protocol_is_caught_by_a_storm(
    storms: Storms, change: Callable[[World], None], strength: Storm, caught: str
) -> None:
    for seed in range(30):
        wrong, _ = storms.blow(seed, strength, change)
        if any(caught in line for line in wrong):
            return
    pytest.fail("the harness did not notice")


@pytest.mark.slow
def test_broken_protocol_is_caught_at_a_crash_point(stage: Stage) -> None:
    def change(world: World) -> None:
        mutant(world, reconciler=TakesTheDeadForSilent)

    _, trace = stage.perform(CASES["answered"])
    deadly = [index for index in points(trace) if trace[index - 1] in {"before carrier.place", "after carrier.place"}]
    found = [stage.perform(CASES["answered"], index, down=LATE, change=change)[0] for index in deadly]
    assert any("dialed twice" in line for wrong in found for line in wrong)


@pytest.mark.slow
def test_broken_protocol_is_caught_without_any_crash(stage: Stage) -> None:
    case = Case(Person(Network.NO_ANSWER), CASES["answer of the carrier lost"].fate)
    assert any("dialed twice" in line for line in stage.perform(case, change=credulous)[0])


@pytest.mark.slow
def test_gate_that_forgets_caps_is_caught(storms: Storms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "_limits", lambda hearing, _number, _zones: hearing.passed("limits"))
    wrong = (one for seed in range(5) for one in storms.blow(seed)[0])
    assert any(f"twice within {ONCE_IN}" in one for one in wrong)


@pytest.mark.slow
def test_audit_finds_what_a_gate_that_forgets_caps_let_through(storms: Storms, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as careless:
        careless.setattr(admission, "_limits", lambda hearing, _number, _zones: hearing.passed("limits"))
        worlds = [storms.blow(seed)[1] for seed in range(1)]
    assert any("should not have been made: limits" in one for world in worlds for one in violations(world))
