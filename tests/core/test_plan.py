"""A plan's counts: the same with and without memory, merged or not; a forecast that serves exactly what fits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.admission import House, Proposal
from dialer.core.bit_runs import runs
from dialer.core.customer import Customer
from dialer.core.forecast import SLOT, Capacity, Grid, forecast
from dialer.core.hours import DailyRange, Hours, Opening
from dialer.core.limits import Contact
from dialer.core.phone import NumberKind, PhoneNumber
from dialer.core.plan import PASSED, Fate, Judge, Place, Tally, Verdict, judge, likeness
from dialer.core.promise import Missed, Promise
from dialer.core.rule_book import RuleBook
from dialer.core.suppression import Stop, person
from dialer.core.unused_hours import Shut, Unused, shut_windows, unused_hours
from dialer.rule_files import load_rules
from tests.campaigns import NOW, campaign, customer, house, number

if TYPE_CHECKING:
    from collections.abc import Iterable

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
GRID = Grid.of(NOW, 3, "UTC")


def ruled(window: str = "08:00-21:00") -> House:
    """A house with the presets that come with the program."""
    presets, calendars = load_rules([], None)
    return replace(house(window), rules=RuleBook(lambda: presets, calendars))


RULED = ruled()


def proposal(one: Customer | None = None, **facts: Any) -> Proposal:
    changes = facts.pop("campaign", {})
    told: dict[str, Any] = {"customer": one or customer(), "campaign": campaign(**changes), "enrolled": NOW, "due": NOW}
    return Proposal(**(told | facts))


def verdict(
    one: Proposal, at: datetime = NOW, deadline: datetime = NOW + 3 * DAY, doors: House | None = None
) -> Verdict:
    return judge(one, doors or house(), at, deadline, Grid.of(at, 3, "UTC"))


def contact(minutes: int, **changes: Any) -> Contact:
    told: dict[str, Any] = {
        "at": NOW - minutes * MINUTE,
        "customer": "C1",
        "number": number().e164,
        "callback": 9,
        "campaign": "other",
        "subject": "other",
        "purposes": frozenset({"sales"}),
        "felt": True,
        "ending": None,
    }
    return Contact(**(told | changes))


# --- one customer ---------------------------------------------------------------------------------------------------


def test_callable_now() -> None:
    found = verdict(proposal())
    assert found.fate == Fate(Place.CALLABLE)
    assert (found.until, found.late, found.country) == (None, "", "GB")


@pytest.mark.parametrize(
    ("one", "by"),
    [
        (proposal(campaign={"when": {"windows": {"daily": ["16:00-18:00"]}}}), "hours: campaign"),
        (proposal(customer(quiet=(DailyRange.parse("14:00-17:00"),))), "hours: customer"),
        (proposal(not_before=NOW + HOUR), "not_before"),
        (proposal(contacts=(contact(30),)), "spacing"),
        (proposal(in_call=True), "in_call"),
        (proposal(paused=True), "campaign"),
    ],
)
def test_whoever_waits_is_counted_under_the_rule_that_blocks_longest(one: Proposal, by: str) -> None:
    found = verdict(one)
    assert found.fate == Fate(Place.WAITING, by)
    assert (found.until is None) == one.paused


def test_a_preset_is_named_only_for_what_the_campaign_leaves_open() -> None:
    wide = {"when": {"windows": {"daily": ["07:00-22:00"]}}}
    evening = datetime(2026, 3, 3, 20, 30, tzinfo=UTC)
    assert verdict(proposal(campaign=wide), evening, doors=RULED).fate.by == "hours: gb-practice-hours"
    narrow = {"when": {"windows": {"daily": ["09:00-20:00"]}}}
    assert verdict(proposal(campaign=narrow), evening, doors=RULED).fate.by == "hours: campaign"


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (proposal(stops=(Stop(person("C1"), "everything", "keypad", NOW),)), "opted_out"),
        (proposal(Customer("C1", "N", numbers=())), "no_number"),
        (
            proposal(Customer("C1", "N", numbers=(PhoneNumber("+448001111", "GB", NumberKind.TOLL_FREE),))),
            "number_policy",
        ),
        (proposal(customer(zone="Atlantis/Capital")), "no_zone"),
        (proposal(attempts=5), "unreached"),
    ],
)
def test_whoever_is_refused_is_counted_by_reason(one: Proposal, reason: str) -> None:
    assert verdict(one) == Verdict(Fate(Place.REFUSED, reason))


@pytest.mark.parametrize(
    ("one", "deadline", "late"),
    [
        (proposal(), NOW + HOUR, ""),
        (proposal(), NOW, PASSED),
        (proposal(campaign={"when": {"windows": {"daily": ["16:00-18:00"]}}}), NOW + HOUR, "hours: campaign"),
        (
            proposal(
                customer(quiet=(DailyRange.parse("15:00-17:00"),)),
                campaign={"when": {"windows": {"daily": ["09:00-12:00", "16:00-20:00"]}}},
            ),
            NOW + 2 * HOUR,
            "hours: all layers together",
        ),
        (proposal(not_before=NOW + 2 * HOUR), NOW + HOUR, "not_before"),
    ],
)
def test_a_deadline_that_cannot_be_met_is_said_with_its_reason(one: Proposal, deadline: datetime, late: str) -> None:
    assert verdict(one, deadline=deadline).late == late


# --- memory ---------------------------------------------------------------------------------------------------------

NUMBERS = st.one_of(
    st.builds(
        lambda area, rest: PhoneNumber(f"+1{area}{rest}", "US", NumberKind.FIXED_OR_MOBILE),
        st.sampled_from(["212", "305", "415", "317", "907", "850"]),
        st.integers(2000000, 2000009),
    ),
    st.builds(lambda rest: PhoneNumber(f"+4420794{rest}", "GB", NumberKind.FIXED_LINE), st.integers(60000, 60009)),
    st.builds(lambda rest: PhoneNumber(f"+44740{rest}", "GB", NumberKind.MOBILE), st.integers(1000000, 1000009)),
    st.builds(
        lambda area, rest: PhoneNumber(f"+61{area}{rest}", "AU", NumberKind.FIXED_LINE),
        st.sampled_from(["2", "7", "8"]),
        st.integers(70000000, 70000009),
    ),
    st.just(PhoneNumber("+18005550100", "US", NumberKind.TOLL_FREE)),
    st.just(PhoneNumber("+33123456789", "FR", NumberKind.FIXED_LINE)),
    st.just(PhoneNumber("+870773111632", "001", NumberKind.UNKNOWN)),
)
CUSTOMERS = st.builds(
    lambda reference, numbers, region, zone, quiet: Customer(
        f"C{reference}", "Somebody", numbers=tuple(numbers), region=region, zone=zone, quiet=quiet
    ),
    st.integers(1, 9),
    st.lists(NUMBERS, max_size=3),
    st.sampled_from(["", "GB", "US", "US-FL", "US-IN", "us-ny", "AU", "AU-NT", "XX"]),
    st.sampled_from(["", "", "", "America/New_York", "Nowhere/At_All"]),
    st.sampled_from([(), (), (DailyRange.parse("12:30-13:30"),), (DailyRange.parse("22:00-10:00"),)]),
)
FACTS = st.fixed_dictionaries(
    {},
    optional={
        "enrolled": st.sampled_from([NOW - 8 * DAY, NOW - DAY]),
        "due": st.sampled_from([NOW - DAY, NOW - 2 * DAY]),
        "attempts": st.integers(0, 5),
        "number_index": st.integers(0, 3),
        "bad_numbers": st.sets(st.sampled_from(["+442079460000", "+12122000000"])).map(frozenset),
        "not_before": st.sampled_from([NOW - HOUR, NOW + HOUR, NOW + 2 * DAY]),
        "last_miss": st.just(NOW - DAY),
        "promised": st.booleans(),
        "promise": st.builds(
            lambda at, missed: Promise(at, at + HOUR, missed, "keypad", "a1"),
            st.sampled_from([NOW - 2 * HOUR, NOW - MINUTE, NOW + HOUR, NOW + DAY]),
            st.sampled_from(Missed),
        ),
        "in_call": st.booleans(),
        "contacts": st.lists(st.builds(contact, st.integers(1, 3000)), max_size=2).map(tuple),
        "stops": st.sampled_from([(), (Stop(person("C1"), "purpose:sales", "person", NOW),)]),
    },
)


def twin(one: Customer) -> Customer:
    """Somebody else of the same place, whose numbers end differently."""
    numbers = tuple(replace(it, e164=f"{it.e164[:-1]}9") for it in one.numbers)
    return replace(one, reference="T1", name="Twin", tier="vip", numbers=numbers)


PURPOSES = ("survey", "sales", "renewal")


@given(
    purpose=st.sampled_from(PURPOSES),
    at=st.integers(0, 47),
    people=st.lists(st.tuples(CUSTOMERS, FACTS, st.sampled_from([0, 1, 72])), min_size=2, max_size=12),
)
@pytest.mark.slow
def test_answers_that_are_remembered_are_those_that_would_be_given(
    purpose: str, at: int, people: list[tuple[Customer, dict[str, Any], int]]
) -> None:
    now = NOW + at * HOUR
    grid = Grid.of(now, 3, "UTC")
    about = campaign(purpose=purpose, fields={"end": "date"}, why_now={"due": {"field": "end", "offset": "-40 days"}})
    remembering = Judge(about, RULED, now, grid)
    for one, facts, hours in people:
        told: dict[str, Any] = {"customer": one, "campaign": about, "enrolled": NOW, "due": NOW}
        asked, deadline = Proposal(**(told | facts)), now + hours * HOUR
        other = replace(asked, customer=twin(one), campaign=campaign("another"))
        remembering.verdict(other, deadline, likeness(other, RULED))
        assert remembering.verdict(asked, deadline, likeness(asked, RULED)) == judge(asked, RULED, now, deadline, grid)


def test_people_who_are_alike_are_judged_once() -> None:
    one, other = (proposal(customer(f"C{last}", number(last))) for last in (1, 2))
    assert likeness(one, house()) == likeness(other, house()) is not None
    for own in ({"in_call": True}, {"contacts": (contact(5),)}, {"stops": (Stop("x", "everything", "api", NOW),)}):
        assert likeness(replace(one, **own), house()) is None, "what is their own is not shared"
    moved = replace(one, customer=replace(one.customer, region="US-FL"))
    assert likeness(moved, house()) != likeness(one, house())


def test_a_plan_is_the_same_in_parts() -> None:
    fates = [Fate(Place.CALLABLE), Fate(Place.WAITING, "hours: house"), Fate(Place.LATER), Fate(Place.REFUSED, "x")]
    verdicts = [
        Verdict(fates[one % 4], NOW + one * HOUR if one % 4 in {1, 2} else None, "late" if one % 3 else "", one, "GB")
        for one in range(20)
    ]
    whole, parts = Tally(), [Tally(), Tally()]
    for at, one in enumerate(verdicts):
        for tally in (whole, parts[at % 2]):
            tally.add(one, enrolled=at % 5 == 0, before=fates[at % 3])
    for tally in (whole, parts[1]):
        tally.skip(3)
    merged = Tally()
    for part in parts:
        merged.merge(part)
    assert merged == whole
    assert whole.customers == 23
    assert whole.targeted == 15
    assert whole.count(Place.LATER, Place.NOT_SELECTED) == 8
    assert whole.spans[fates[1]] == (NOW + HOUR, NOW + 17 * HOUR)


# --- the forecast ---------------------------------------------------------------------------------------------------


def slots(grid: Grid, *hours: tuple[float, float]) -> int:
    return grid.open_slots(Opening(grid.start + a * HOUR, grid.start + b * HOUR) for a, b in hours)


def by_hour(demand: dict[int, int], capacity: Capacity, grid: Grid) -> tuple[list[int], int]:
    found = forecast(demand, grid, capacity, "UTC")
    return [many for _, many in found.hours], found.left


def test_a_slot_counts_when_all_of_it_is_open() -> None:
    grid = Grid.of(NOW + 2 * MINUTE, 1, "UTC")
    assert (grid.start, grid.end) == (NOW, datetime(2026, 3, 4, tzinfo=UTC))
    assert grid.open_slots([Opening(NOW + MINUTE, NOW + 15 * MINUTE)]) == 0b111, "the past of the first is no matter"
    assert grid.open_slots([Opening(NOW + 3 * MINUTE, NOW + 14 * MINUTE)]) == 0b10
    assert grid.open_slots([Opening(NOW + 6 * MINUTE, NOW + 9 * MINUTE)]) == 0
    assert grid.open_slots([Opening(NOW + 9 * HOUR, NOW + 20 * HOUR)]).bit_length() == (grid.end - grid.start) // SLOT


def test_the_account_and_the_lines_both_limit() -> None:
    grid = Grid.of(NOW.replace(minute=0), 1, "UTC")
    all_day = {slots(grid, (0, 24)): 10_000}
    assert by_hour(all_day, Capacity(0.5, 1000), grid) == ([1800] * 5 + [1000] + [0] * 4, 0)
    assert by_hour(all_day, Capacity(1000, 10), grid) == ([600] * 10, 4000)


def test_whose_time_closes_first_is_served_first() -> None:
    grid = Grid.of(NOW.replace(minute=0), 1, "UTC")
    long, short = slots(grid, (0, 10)), slots(grid, (0, 1))
    late = slots(grid, (2, 3))
    demand = {long: 100, short: 60, late: 70}
    hours, left = by_hour(demand, Capacity(1, 1), grid)  # 60 an hour
    assert hours == [60, 60, 60, 40, *[0] * 6]
    assert left == 10, "of the 70, the lines of one hour carry 60"


def test_who_is_not_reached_in_one_stretch_waits_for_the_next() -> None:
    grid = Grid.of(NOW.replace(minute=0), 1, "UTC")
    hours, left = by_hour({slots(grid, (0, 1), (4, 5)): 100, 0: 7}, Capacity(1, 1), grid)
    assert hours == [60, 0, 0, 0, 40, *[0] * 5]
    assert left == 7, "who cannot be called in these days comes later"


def test_nobody_is_counted_before_now() -> None:
    grid = Grid.of(NOW + 28 * MINUTE, 1, "UTC")
    hours, _ = by_hour({slots(grid, (0, 24)): 10_000}, Capacity(1, 1), grid)
    assert hours[0] == 2, "two minutes of the first hour are left"


def naive(demand: dict[int, int], room: int, many: int) -> list[int]:
    """Calls in each slot, the people looked through one by one in every slot."""
    left = dict(demand)
    found = []
    for slot in range(many):
        line = sorted((end, mask) for mask in left for start, end in runs(mask) if start <= slot < end)
        called = 0
        for _, mask in line:
            taken = min(left[mask], room - called)
            left[mask] -= taken
            called += taken
        found.append(called)
    return found


@given(st.dictionaries(st.integers(0, 2**24 - 1), st.integers(0, 40), max_size=8), st.integers(1, 3))
def test_the_forecast_is_that_of_a_naive_simulation(demand: dict[int, int], a_minute: int) -> None:
    grid = Grid.of(datetime(2026, 3, 3, 22, tzinfo=UTC), 1, "UTC")
    found, left = by_hour(demand, Capacity(1000, a_minute), grid)
    expected = naive(demand, 5 * a_minute, 24)
    assert found == [sum(expected[:12]), sum(expected[12:])]
    assert left == sum(demand.values()) - sum(expected)


@given(st.integers(0, 2**80))
def test_runs_are_the_stretches_of_bits(bits: int) -> None:
    found = list(runs(bits))
    assert sum((1 << end) - (1 << start) for start, end in found) == bits
    assert all(a < b < c for (_, a), (b, c) in pairwise(found))


def test_hours_are_those_of_the_wall_clock_even_when_it_repeats_one() -> None:
    grid = Grid.of(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), 1, "Europe/London")
    found = forecast({slots(grid, (0, 24)): 10**6}, grid, Capacity(1000, 1), "Europe/London")
    assert [many for _, many in found.hours][:3] == [30, 60, 60]
    assert len(found.hours) == 24, "from 01:30 summer time, that hour twice, to midnight"


# --- hours that nobody can use --------------------------------------------------------------------------------------


def unused(week: dict[str, list[str]], countries: Iterable[str], doors: House = RULED, **changes: Any) -> list[Unused]:
    return unused_hours(campaign(when={"windows": week}, **changes), doors, countries, NOW.date())


def test_parts_of_the_windows_that_a_preset_closes_in_a_country() -> None:
    found = unused({"mon-fri": ["08:30-20:00"], "sun": ["10:00-12:00"]}, ["GB"], ruled("00:00-24:00"))
    assert found == [
        Unused("GB", (0, 1, 2, 3, 4), 510, 540, ("gb-practice-hours",)),
        Unused("GB", (6,), 600, 720, ("gb-practice-hours",)),
    ]


def test_the_house_closes_hours_too_and_who_leaves_all_open_is_not_named() -> None:
    found = unused({"mon": ["21:00-23:00"]}, ["GB"], house("08:00-22:00"))
    assert found == [Unused("GB", (0,), 1320, 1380, ("house",))]
    assert unused({"mon-fri": ["09:00-20:00"]}, ["GB"]) == []


def test_presets_of_single_states_leave_the_other_states_open() -> None:
    found = unused({"mon-fri": ["08:00-21:00"]}, ["US"], purpose="sales")
    assert found == [], "Florida's 20:00 is not everybody's"


def test_hours_over_midnight_go_on_on_the_next_day() -> None:
    doors = replace(house(), hours=Hours.daily("house", [DailyRange.parse("20:00-02:00")]))
    found = unused({"sun": ["22:00-03:00"]}, ["GB"], doors)
    assert found == [Unused("GB", (0,), 120, 180, ("house",))]


def test_windows_that_are_closed_on_each_of_their_days_are_named() -> None:
    doors = ruled("10:00-21:00")
    week = {"mon-fri": ["03:00-05:00", "09:00-12:00"], "sat": ["09:00-10:30"], "sun": ["12:00-14:00"]}
    found = shut_windows(campaign(when={"windows": week}), doors, ["GB", "JP"], NOW.date())
    assert found == [
        Shut(DailyRange.parse("03:00-05:00"), (0, 1, 2, 3, 4), "", ("house",)),
        Shut(DailyRange.parse("12:00-14:00"), (6,), "GB", ("gb-practice-hours",)),
    ]


def test_layers_that_leave_nothing_only_together_are_all_named() -> None:
    doors = ruled("08:00-09:00")
    (found,) = shut_windows(campaign(when={"windows": {"mon": ["08:30-10:00"]}}), doors, ["GB"], NOW.date())
    assert found == Shut(DailyRange.parse("08:30-10:00"), (0,), "GB", ("house", "gb-practice-hours"))
