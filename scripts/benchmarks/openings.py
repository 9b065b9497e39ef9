"""How fast the next allowed instant is found, and whether it is the right one: an oracle steps minute by minute."""

from __future__ import annotations

import os
import random
from bisect import bisect_right
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from dialer import bootstrap
from dialer.core.clocks import clock
from dialer.core.hours import DailyRange, Hours, next_opening, open_time, opening_at, openings
from scripts.benchmarks.figure import Figure, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from dialer.core.hours import Opening

CASES = 120_000
ASKED = 100_000
ROUNDS = 5
WARM_FLOOR = 100_000
COLD_FLOOR = 10_000
COLD_WEEKS = 1_000
MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
DAY_MINUTES: Final = 1440
REACH_DAYS: Final = 3
"""How far to either side of its moment the oracle steps."""
WINDOW: Final = 2 * REACH_DAYS * DAY_MINUTES

SIXES = (
    "America/New_York America/Chicago America/Denver America/Los_Angeles America/Anchorage Pacific/Honolulu",
    "America/St_Johns America/Halifax America/Toronto America/Winnipeg America/Edmonton America/Vancouver",
    "Australia/Sydney Australia/Brisbane Australia/Adelaide Australia/Darwin Australia/Perth Australia/Lord_Howe",
)
"""Three files of customers whose address and number leave six zones open."""

CHANGING = (
    *("America/New_York", "America/Santiago", "America/Havana", "America/St_Johns", "America/Scoresbysund"),
    *("Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Asia/Gaza", "Europe/Dublin", "Europe/London"),
    *("Australia/Adelaide", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "Antarctica/Troll"),
)
"""Zones whose clocks are set: by half an hour, by two hours, at midnight, over a whole day, for a month of fasting."""
STEADY = (
    *("Asia/Kathmandu", "Asia/Shanghai", "Asia/Kolkata"),
    *("Australia/Eucla", "Pacific/Kiritimati", "Pacific/Pago_Pago"),
)
YEARS: Final = (2010, 2036)
CHANGES_OF_EACH = 6
NEAR = 0.7  # of the instants asked about, within hours of the change
CLOSED = 0.2  # of the weekdays, perhaps
APIA_SKIPS_A_DAY = datetime(2011, 12, 30, 10, tzinfo=UTC)
WEEK_BORDER = datetime(2026, 10, 29, tzinfo=UTC)  # the cache is cut on Thursdays


def measure(quick: bool) -> Iterator[Figure]:  # noqa: FBT001 - one of the table of benches
    """Next opening with and without a plan at hand, open time until a deadline, and the comparison with the oracle."""
    size = 10 if quick else 1
    asked = ASKED // size
    six = tuple(SIXES[0].split())
    yield _warm("next_opening_1_zone", six[:1], asked, WARM_FLOOR)
    yield _warm("next_opening_6_zones", six, asked, None)
    yield _cold(COLD_WEEKS // size)
    yield _slack("open_time_1_zone", six[:1], asked)
    yield _slack("open_time_6_zones", six, asked)
    yield _oracle(CASES // size, 1 if quick else CHANGES_OF_EACH)


def _rate(times: int, work: Callable[[], object]) -> float:
    """Per second of CPU, the best of several rounds: what else runs on this machine is not the hours' doing."""
    return times / min(timed(work)[1] for _ in range(ROUNDS))


def _monday() -> datetime:
    now = bootstrap.now()
    return datetime(now.year, now.month, now.day, tzinfo=UTC) - now.weekday() * DAY


# --------------------------------------------------------------------------------------------------- known weeks


def _warm(name: str, zones: tuple[str, ...], asked: int, floor: float | None) -> Figure:
    hours, monday = _new_hours(0), _monday()
    instants = [monday + timedelta(seconds=i * 7 * 86_400 / asked) for i in range(asked)]
    edges = [o.end.timestamp() for o in openings(hours, zones, monday - DAY, monday + 9 * DAY)]

    def ask() -> None:
        for at in instants:
            next_opening(hours, zones, at)

    def bisect_alone() -> None:
        for at in instants:
            bisect_right(edges, at.timestamp())

    ask()
    return Figure(
        "openings",
        f"{name}_cached_per_second",
        _rate(asked, ask),
        "1/s",
        {"asked": asked, "best_of": ROUNDS, "layers": len(hours), "state": "plans of the two weeks made beforehand"},
        baseline=("one bisect in the bare list of ends", _rate(asked, bisect_alone)),
        floor=floor,
    )


# ------------------------------------------------------------------------------------------------ weeks never seen


def _new_hours(i: int) -> tuple[Hours, ...]:
    """Campaign with a break at noon, house with days of rest, a customer's quiet night: three layers no `i` shares."""
    a, b, c = i % 60, i // 60 % 60, i // 3600 % 45  # 162,000 in all
    work = (DailyRange(8 * 60 + a, 12 * 60 + c), DailyRange(12 * 60 + c + 15, 20 * 60 + b))
    rest = frozenset({date(2026, 1, 1) + timedelta(days=37 * n + i % 37) for n in range(30)})
    house = Hours("house", (work,) * 5 + (work[:1], ()), rest)
    night = DailyRange((20 + c % 2) * 60 + b, 7 * 60 + a)
    return Hours.daily("campaign", work), house, Hours.outside("customer", [night])


def _cold(weeks: int) -> Figure:
    """Every question has hours and a week that nobody has asked about before."""
    monday = _monday()
    instants = [monday + timedelta(weeks=week, hours=week % 168) for week in range(weeks)]
    sixes = [tuple(six.split()) for six in SIXES]
    for zone in {zone for zones in sixes for zone in zones}:
        clock(zone)
    campaign, house, _ = _new_hours(0)
    fresh = count(1)

    def rate(ask: Callable[..., object], hours_for: Callable[[int], tuple[Hours, ...]]) -> float:
        best = 0.0
        for zones in sixes:
            asked = [(hours_for(next(fresh)), zones, at) for at in instants]
            _, cpu = timed(partial(_ask_all, ask, asked))
            best = max(best, weeks / cpu)
        return best

    def new_customer(i: int) -> tuple[Hours, ...]:
        return campaign, house, _new_hours(i)[2]

    by_hand = rate(_by_hand, new_customer)
    return Figure(
        "openings",
        "next_opening_6_zones_cold_per_second",
        rate(next_opening, new_customer),
        "1/s",
        {
            "asked": weeks,
            "best_of": len(sixes),
            "layers": 3,
            "state": "in every question a customer with quiet hours of their own and a week nobody has asked about, "
            "beside the hours of one campaign and one house; zone files read, the changes of their clocks not yet",
        },
        baseline=("the same week's opening and closing times by zoneinfo, not even sorted", by_hand),
        floor=COLD_FLOOR,
        beside={"hours_of_campaign_and_house_new_as_well_per_second": rate(next_opening, _new_hours)},
    )


def _ask_all(ask: Callable[..., object], asked: Sequence[tuple[tuple[Hours, ...], tuple[str, ...], datetime]]) -> None:
    for one in asked:
        ask(*one)


def _by_hand(hours: tuple[Hours, ...], zones: tuple[str, ...], at: datetime) -> list[float]:
    """When each range of a week begins and ends in each zone, as one would write it without any algebra."""
    found = []
    for zone in zones:
        rules, today = clock(zone), at.date()
        for day in (today + n * DAY for n in range(7)):
            midnight = datetime.combine(day, time(), rules)
            for layer in hours:
                for r in layer.week[day.weekday()]:
                    found += [(midnight + r.start * MINUTE).timestamp(), (midnight + r.end * MINUTE).timestamp()]
    return found


# ----------------------------------------------------------------------------------------------------------- slack


def _slack(name: str, zones: tuple[str, ...], asked: int) -> Figure:
    hours, monday = _new_hours(0), _monday()
    instants = [monday + timedelta(seconds=i * 7 * 86_400 / asked) for i in range(asked)]

    def ask() -> None:
        for at in instants:
            open_time(hours, zones, at, at + REACH_DAYS * DAY)

    few = instants[:: max(1, asked // 5_000)]

    def add() -> None:
        for at in few:
            sum((o.end - o.start for o in openings(hours, zones, at, at + REACH_DAYS * DAY)), timedelta())

    ask()
    return Figure(
        "openings",
        f"{name}_cached_per_second",
        _rate(asked, ask),
        "1/s",
        {"asked": asked, "best_of": ROUNDS, "layers": len(hours), "days_to_the_deadline": REACH_DAYS},
        baseline=("adding up the openings", _rate(len(few), add)),
    )


# ---------------------------------------------------------------------------------------------------------- oracle


@dataclass(frozen=True, slots=True)
class Told:
    """What one moment's cases came to."""

    cases: int
    open_at_once: int
    without_any: int
    differences: tuple[str, ...]


def _oracle(cases: int, changes: int) -> Figure:
    seed = int(os.environ.get("BENCH_SEED") or random.SystemRandom().getrandbits(32))
    moments = _moments(random.Random(seed), changes)  # noqa: S311 - to repeat the cases, not to hide them
    each = -(-cases // len(moments))
    jobs = [(f"{seed}/{i}", moment, each) for i, moment in enumerate(moments)]
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        told = list(pool.map(_compare, jobs))
    differences = [one for part in told for one in part.differences]
    return Figure(
        "openings",
        "differences_from_the_minute_oracle",
        len(differences),
        f"of {sum(part.cases for part in told)} cases",
        {
            "cases": sum(part.cases for part in told),
            "seed": seed,
            "repeat_with": f"BENCH_SEED={seed}",
            "moments": len(moments),
            "zones": [*CHANGING, *STEADY],
            "days_stepped_through_per_case": 2 * REACH_DAYS,
        },
        ceiling=0,
        beside={
            "open_at_once": sum(part.open_at_once for part in told),
            "no_opening_in_reach": sum(part.without_any for part in told),
            "first_differences": differences[:3],
        },
    )


def _moments(chance: random.Random, each: int) -> list[datetime]:
    """What the cases lie around: changes of clocks, a few of each zone, and some ordinary days."""
    found = [APIA_SKIPS_A_DAY, *(WEEK_BORDER + half_years * 182 * DAY for half_years in range(4))]
    for zone in CHANGING:
        changes = _changes(clock(zone))
        found += chance.sample(changes, min(each, len(changes)))
    first = datetime(YEARS[0], 1, 1, tzinfo=UTC)
    return found + [first + timedelta(minutes=chance.randrange(25 * 365 * DAY_MINUTES)) for _ in STEADY]


def _changes(rules: ZoneInfo) -> list[datetime]:
    """The instants at which a clock is set, found day by day and then minute by minute."""
    days = (datetime(YEARS[1], 1, 1) - datetime(YEARS[0], 1, 1)).days  # noqa: DTZ001 - a count of days only
    first = datetime(YEARS[0], 1, 1, tzinfo=UTC)
    found = []
    for day in (first + n * DAY for n in range(days)):
        before = day.astimezone(rules).utcoffset()
        if (day + DAY).astimezone(rules).utcoffset() != before:
            minutes = (day + n * MINUTE for n in range(1, DAY_MINUTES + 1))
            found.append(next(at for at in minutes if at.astimezone(rules).utcoffset() != before))
    return found


class Oracle:
    """Knows for each minute around a moment what every zone's clock shows, and nothing of offsets or intervals."""

    def __init__(self, moment: datetime) -> None:
        """Reach to both sides of `moment`, from a full minute on."""
        self.start = moment.replace(second=0, microsecond=0) - REACH_DAYS * DAY
        self.end = self.start + WINDOW * MINUTE
        self.first_date = (self.start - 2 * DAY).date()
        self.dates = [self.first_date + n * DAY for n in range(2 * REACH_DAYS + 5)]
        self._index = list(range(len(self.dates) * DAY_MINUTES))
        self.walls = cache(self._walls)

    def _walls(self, zone: str) -> Callable[[bytes], tuple[int, ...]]:
        """Takes, from a list of all minutes of all dates, those that the clock shows, minute by minute."""
        rules = clock(zone)
        shown = []
        for minute in range(WINDOW):
            wall = (self.start + minute * MINUTE).astimezone(rules)
            since = (wall.date() - self.first_date).days * DAY_MINUTES + wall.hour * 60 + wall.minute
            shown.append(self._index[since])
        return itemgetter(*shown)

    def minutes(self, hours: tuple[Hours, ...], zones: tuple[str, ...]) -> bytes:
        """One byte for each minute from `start` to `end`: 1 where every layer is open on every clock."""
        dates = b"".join(self._date(hours, day) for day in self.dates)
        every = (1 << 8 * WINDOW) - 1
        for zone in zones:
            every &= int.from_bytes(bytes(self.walls(zone)(dates)))
        return every.to_bytes(WINDOW)

    @staticmethod
    def _date(hours: tuple[Hours, ...], day: date) -> bytes:
        """One byte for each minute of a date."""
        open_in_all = int.from_bytes(b"\1" * DAY_MINUTES)
        for layer in hours:
            minutes = bytearray(DAY_MINUTES)
            if day not in layer.closed:
                for r in _begun_on(layer, day):
                    end = r.end if r.end > r.start else DAY_MINUTES
                    minutes[r.start : end] = b"\1" * (end - r.start)
                for r in _begun_on(layer, day - DAY):
                    if r.end < r.start:
                        minutes[: r.end] = b"\1" * r.end
            open_in_all &= int.from_bytes(minutes)
        return open_in_all.to_bytes(DAY_MINUTES)


def _begun_on(layer: Hours, day: date) -> Sequence[DailyRange]:
    if day in layer.closed:
        return ()
    return next((ranges for special, ranges in layer.special if special == day), layer.week[day.weekday()])


def _compare(job: tuple[str, datetime, int]) -> Told:
    """All cases around one moment."""
    seed, moment, cases = job
    chance, oracle = random.Random(seed), Oracle(moment)  # noqa: S311 - as above
    open_at_once = without_any = 0
    differences = []
    for _ in range(cases):
        hours = tuple(_layer(chance, oracle.start.date()) for _ in range(chance.choice((1, 1, 2, 3, 4))))
        zones = tuple(chance.choices((*CHANGING, *STEADY), k=chance.choice((1, 1, 1, 2, 2, 3, 6))))
        minutes = oracle.minutes(hours, zones)
        near = chance.random() < NEAR
        asked = WINDOW // 2 + chance.randrange(-900, 900) if near else chance.randrange(WINDOW)
        at = oracle.start + asked * MINUTE + timedelta(seconds=chance.choice((0, 0, 59, chance.randrange(60))))
        horizon = timedelta(minutes=chance.choice((WINDOW, WINDOW, chance.randrange(WINDOW))))
        open_at_once += minutes[asked]
        without_any += minutes.find(1, asked) < 0
        wrong = _wrong(oracle, minutes, hours, zones, (at, horizon))
        if wrong:
            differences.append(f"{wrong}: {at.isoformat()} {horizon} {zones} {hours}")
    return Told(cases, open_at_once, without_any, tuple(differences))


def _wrong(
    oracle: Oracle,
    minutes: bytes,
    hours: tuple[Hours, ...],
    zones: tuple[str, ...],
    asked: tuple[datetime, timedelta],
) -> str:
    """The function that disagrees with the oracle; empty when none does."""
    at, horizon = asked
    minute = (at - oracle.start) // MINUTE
    start = minutes.find(1, minute)
    found = opening_at(hours, zones, at)
    if (found is not None) != bool(minutes[minute]) or (found and not _fits(oracle, minutes, found, minute)):
        return "opening_at"
    following = next_opening(hours, zones, at, horizon)
    if start >= 0 and oracle.start + start * MINUTE <= at + horizon:
        if following is None or not _fits(oracle, minutes, following, start):
            return "next_opening"
    elif following is not None and following.start < oracle.end:
        return "next_opening"
    if open_time(hours, zones, oracle.start, oracle.end) != minutes.count(1) * MINUTE:
        return "open_time"
    return ""


def _fits(oracle: Oracle, minutes: bytes, opening: Opening, minute: int) -> bool:
    """Whether an opening is the one `minute` lies in; beyond the window it may begin or end wherever it likes."""
    start = minutes.rfind(0, 0, minute) + 1
    end = minutes.find(0, minute)
    starts = opening.start == oracle.start + start * MINUTE if start else opening.start <= oracle.start
    ends = opening.end == oracle.start + end * MINUTE if end >= 0 else opening.end >= oracle.end
    return starts and ends


def _layer(chance: random.Random, first: date) -> Hours:
    """Daily ranges, a week of its own with closed and special days, or what quiet hours leave."""
    kind = chance.randrange(4)
    if kind == 0:
        return Hours.daily("daily", _ranges(chance, 1))
    if kind == 1:
        return Hours.outside("quiet", _ranges(chance, 0)[:2])
    week = tuple(_ranges(chance, 0 if chance.random() < CLOSED else 1) for _ in range(7))
    days = [first + n * DAY for n in range(-1, 2 * REACH_DAYS + 2)]
    closed = frozenset(chance.sample(days, chance.randrange(3)))
    special = [(day, _ranges(chance, 0)) for day in chance.sample(days, chance.randrange(3))] if kind == 2 else []  # noqa: PLR2004 - one of four kinds
    return Hours("week", week, closed, tuple(special))


def _ranges(chance: random.Random, least: int) -> tuple[DailyRange, ...]:
    """Up to three ranges: on half hours or any minute, over midnight, beside each other with a gap, overlapping."""
    found = []
    for _ in range(chance.randrange(least, 4)):
        step = chance.choice((1, 15, 30))
        start = chance.randrange(0, DAY_MINUTES, step)
        length = chance.randrange(step, 2 * DAY_MINUTES // 3, step)
        end = (start + length) % DAY_MINUTES
        found.append(DailyRange(start, end or (chance.choice((0, DAY_MINUTES)) if start else DAY_MINUTES)))
    return tuple(found)
