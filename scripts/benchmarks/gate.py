"""How many decisions a second the gate gives in one process."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from dialer import bootstrap
from dialer.core.admission import Dial, Proposal, decide
from dialer.core.call_times import layers
from dialer.core.customer import Customer
from dialer.core.hours import DailyRange, opening_at
from dialer.core.phone import NumberKind, PhoneNumber
from dialer.core.zones import candidates
from scripts.benchmarks.crowd import campaign
from scripts.benchmarks.databases import house
from scripts.benchmarks.figure import Figure, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dialer.core.campaign import Campaign

PEOPLE = 20_000
ROUNDS = 5
FLOOR = 20_000


def measure(quick: bool) -> Iterator[Figure]:  # noqa: FBT001 - one of the table of benches
    """Decisions a second: everybody with one confirmed zone, and a mix as customer files have it."""
    people = PEOPLE // 10 if quick else PEOPLE
    yield _figure("one_known_zone", [_one_zone(i) for i in range(people)], floor=FLOOR)
    yield _figure("mixed", [_mixed(i) for i in range(people)], floor=None)


def _figure(name: str, customers: Sequence[Customer], floor: float | None) -> Figure:
    now, doors, about = bootstrap.now(), house(), campaign().campaign
    proposals = [Proposal(customer=one, campaign=about, enrolled=now - timedelta(hours=1)) for one in customers]

    def nothing(proposal: Proposal) -> None:
        del proposal

    def hours_alone(proposal: Proposal) -> None:
        number = proposal.customer.numbers[0]
        opening_at(layers(proposal, doors), candidates(proposal.customer, number).zones, now)

    dials = sum(isinstance(decide(one, doors, now), Dial) for one in proposals)  # warms the caches of hours and zones
    rate = _rate(lambda one: decide(one, doors, now), proposals)
    return Figure(
        "gate",
        f"decisions_per_second_{name}",
        rate,
        "1/s",
        {"customers": len(customers), "rounds": ROUNDS, "best_of": ROUNDS, "campaign": about.id, "dials": dials},
        baseline=("zones and hours alone", _rate(hours_alone, proposals)),
        floor=floor,
        beside={
            "first_time_per_second": _first_time(about, customers),
            "empty_call_per_second": _rate(nothing, proposals),
            "microseconds_per_decision": 1e6 / rate,
        },
    )


def _first_time(about: Campaign, customers: Sequence[Customer]) -> float:
    """The rate for people the gate has never seen, in a week it has never thought about."""
    now, doors = bootstrap.now() + timedelta(weeks=1), house()
    proposals = [Proposal(customer=one, campaign=about, enrolled=now - timedelta(hours=1)) for one in customers]
    _, cpu = timed(lambda: [decide(one, doors, now) for one in proposals])
    return len(proposals) / cpu


def _rate(work: Callable[[Proposal], object], proposals: Sequence[Proposal]) -> float:
    """Per second of CPU, the best of several rounds: what else runs on this machine is not the gate's doing."""

    def once() -> None:
        for one in proposals:
            work(one)

    return len(proposals) / min(timed(once)[1] for _ in range(ROUNDS))


def _one_zone(i: int) -> Customer:
    number = PhoneNumber(f"+44740{1000000 + i}", "GB", NumberKind.MOBILE, "")
    return Customer(f"G{i}", f"Customer {i}", numbers=(number,), region="GB", zone="Europe/London")


def _mixed(i: int) -> Customer:
    """A confirmed zone, a country of one, an area code, a country of many zones, personal quiet hours; in turn."""
    mobile = PhoneNumber(f"+44740{1000000 + i}", "GB", NumberKind.MOBILE, "")
    line = PhoneNumber(f"+1{('212', '415', '312')[i % 3]}555{i % 10000:04}", "US", NumberKind.FIXED_OR_MOBILE, "")
    match i % 5:
        case 0:
            return _one_zone(i)
        case 1:
            return Customer(f"G{i}", "Country", numbers=(mobile,), region="GB")
        case 2:
            return Customer(f"G{i}", "Area", numbers=(line,), region="US-NY")
        case 3:
            return Customer(f"G{i}", "Anywhere", numbers=(line,), region="US")
        case _:
            quiet = (DailyRange.parse(f"{i % 12:02}:00-{i % 12 + 2:02}:30"),)
            return Customer(f"G{i}", "Quiet", numbers=(mobile, line), region="GB", quiet=quiet)
