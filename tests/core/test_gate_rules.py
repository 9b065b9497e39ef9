"""The gate and the presets: no call outside any rule that matches, in any zone, and what a promise may lift."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.core.admission import Dial, House, Proposal, Refuse, Rule, Wait, decide
from dialer.core.area_codes import presumed_state
from dialer.core.caps import After, CoolOff, Per
from dialer.core.hours import DailyRange, Hours
from dialer.core.outcome import Ending
from dialer.core.phone import parse_number
from dialer.core.promise import Missed, Promise
from dialer.core.record import Reason
from dialer.core.rule_book import RuleBook
from dialer.core.suppression import Stop
from dialer.core.wall_clock import local
from dialer.core.zones import candidates
from dialer.rule_files import calendar_of, load_rules
from tests.campaigns import NOW, campaign, customer, number
from tests.core.test_limits import contact
from tests.rule_books import preset, ruled

if TYPE_CHECKING:
    from dialer.core.calendars import Calendar
    from dialer.core.rules import Preset

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ALWAYS = {"windows": {"daily": ["00:00-24:00"]}}
OPEN_HOUSE = Hours.always("house")
EVERYWHERE = frozenset({"US", "CA", "GB", "FR", "ES", "IT", "DE", "CN", "AU", "IN", "HK", "SG"})

PLACES = [
    ("+13055550123", "US-FL"),
    ("+13055550123", ""),
    ("+12125550123", "US-FL"),  # a New York number that lives in Florida
    ("+12065550123", "US-NY"),
    ("+18085550123", "US-HI"),
    ("+18505550123", "US-FL"),  # an area code of two zones
    ("+15045550123", "US-LA"),
    ("+12145550123", "US-TX"),
    ("+14165550123", "CA-ON"),
    ("+442079460000", "GB"),
    ("+33123456789", "FR"),
    ("+34912345678", "ES"),
    ("+390612345678", "IT"),
    ("+493012345678", "DE"),
    ("+861084000000", "CN-BJ"),
    ("+8613812345678", "CN"),
    ("+61212345678", "AU-NSW"),
    ("+61412345678", ""),
    ("+919812345678", "IN"),
    ("+85221234567", "HK"),
]


@cache
def real_rules() -> RuleBook:
    presets, calendars = load_rules([], None)
    return RuleBook(lambda: presets, calendars)


@cache
def year_of_rest(name: str, year: int) -> Calendar:
    return calendar_of(name, year)


def house(**changes: Any) -> House:
    return replace(House(OPEN_HOUSE, EVERYWHERE, timedelta(0), rules=real_rules()), **changes)


def binds(rule: Preset, places: set[str], purposes: set[str], day: Any) -> bool:
    """The oracle's own reading of which presets match."""
    countries = {place[:2] for place in places}
    known = {place[:2] for place in places if "-" in place}
    return (
        (not rule.country or rule.country in countries)
        and (not rule.subdivisions or bool(places & set(rule.subdivisions)))
        and bool(purposes & {str(one) for one in rule.purposes})
        and not rule.sectors
        and ("unknown_state" not in {str(one) for one in rule.applies_when} or rule.country not in known)
        and (rule.effective_from is None or rule.effective_from <= day)
        and (rule.effective_until is None or day <= rule.effective_until)
    )


def shut(rule: Preset, wall: datetime) -> bool:
    """Whether the preset forbids a phone to ring when a clock there shows `wall`. Shipped hours cross no midnight."""
    day, minute = wall.date(), wall.hour * 60 + wall.minute
    if rule.holidays.name:
        rest = year_of_rest(rule.holidays.name, day.year)
        extra = {f"{day:%m-%d}", day.isoformat()} & set(rule.holidays.extra)
        if day in rest.closed or extra:
            return True
        if rule.holidays.eve is not None or day in rest.working:
            return False  # hours of their own, tested by themselves
    return not any(r.start <= minute < r.end for r in rule.hours.week[day.weekday()])


instants = st.integers(0, 2 * 366 * 24 * 12).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + n * 5 * MINUTE)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(PLACES),
    st.sampled_from(["sales", "service", "survey", "renewal", "collection"]),
    st.booleans(),
    instants,
)
def test_no_call_rings_outside_any_matching_preset_in_any_zone(
    place: tuple[str, str],
    purpose: str,
    may_sell: bool,  # noqa: FBT001 - hypothesis names it
    at: datetime,
) -> None:
    to, address = parse_number(place[0], ""), place[1]
    person = replace(customer("C1", to), region=address)
    proposed = Proposal(person, campaign(purpose=purpose, may_sell=may_sell, when=ALWAYS), at - HOUR)
    decision = decide(proposed, house(), at)
    zones = candidates(person, to).zones
    places = {one for one in (to.region, presumed_state(to), address) if one}
    purposes = {purpose, "sales"} if may_sell else {purpose}
    if not isinstance(decision, Dial):
        if isinstance(decision, Wait) and decision.until is not None:
            later = decide(replace(proposed, enrolled=decision.until - HOUR), house(), decision.until)
            assert isinstance(later, Dial), "the instant it names is one at which it calls"
        return
    for moment in (at, decision.until):  # until the last instant at which the request may leave
        for zone in zones:
            wall = local(moment, zone)
            for rule in real_rules().presets:
                if binds(rule, places, purposes, wall.date()):
                    assert not shut(rule, wall), f"{rule.id} is shut at {wall}"
    named = {rule.id for rule in real_rules().presets if binds(rule, places, purposes, local(at, zones[0]).date())}
    assert named <= set(decision.presets)


# What a promise lifts

NINE_TO_FIVE = {"hours": "09:00-17:00"}
EVENING = NOW.replace(hour=19, minute=0)


def promised(**changes: Any) -> Proposal:
    """Called at seven in the evening because the customer asked for it."""
    promise = Promise(EVENING, EVENING + 15 * MINUTE, changes.pop("missed", Missed.NEXT_WINDOW), "keypad", "token")
    facts = {"customer": customer(), "campaign": campaign(when=ALWAYS), "enrolled": NOW - DAY}
    return Proposal(**facts | {"promised": True, "promise": promise, "not_before": EVENING} | changes)  # type: ignore[arg-type]


def failed(decision: Any) -> list[Rule]:
    return [rule for rule in decision.rules if not rule.passed]


@pytest.mark.parametrize(("lifts", "called"), [("yes", True), ("no", False), ("unknown", False)])
def test_hours_are_lifted_only_where_the_preset_says_so(lifts: str, called: bool) -> None:  # noqa: FBT001 - a row of the table
    by = ruled(preset("office", appointment_lifts=lifts, **NINE_TO_FIVE))
    decision = decide(promised(), by, EVENING)
    assert isinstance(decision, Dial) is called
    if isinstance(decision, Dial):
        assert decision.lifted == ("office",)
        assert decision.until <= EVENING + 15 * MINUTE


def test_one_preset_that_does_not_yield_is_enough() -> None:
    by = ruled(preset("office", appointment_lifts="yes", **NINE_TO_FIVE), preset("law", **NINE_TO_FIVE))
    decision = decide(promised(), by, EVENING)
    assert isinstance(decision, Wait)
    assert decision.until == (NOW + DAY).replace(hour=9, minute=0)


def test_nothing_is_lifted_before_the_promised_time_or_after_its_tolerance() -> None:
    by = ruled(preset("office", appointment_lifts="yes", hours="09:00-18:00"))
    early, late = decide(promised(), by, EVENING - MINUTE), decide(promised(), by, EVENING + 15 * MINUTE)
    assert isinstance(early, Wait)
    assert early.until == EVENING
    assert isinstance(late, Wait)
    assert late.until == (NOW + DAY).replace(hour=9, minute=0)


def test_caps_and_cool_offs_are_lifted_together_with_the_hours_and_only_there() -> None:
    full = {"caps": [{"max": 1, "period": "24 h", "counts": "attempts", "per": "person"}]}
    cooling = {"cooloffs": [{"after": "conversation", "wait": "7 days"}]}
    earlier = (contact(EVENING - 2 * HOUR, Ending.PROMISED),)
    for limit in (full, cooling):
        lifted = decide(promised(contacts=earlier), ruled(preset(appointment_lifts="yes", **limit)), EVENING)
        assert isinstance(lifted, Dial)
        kept = decide(promised(contacts=earlier), ruled(preset(**limit)), EVENING)
        assert [rule.name for rule in failed(kept)] == ["limits"]
        ordinary = promised(contacts=earlier, promised=False, promise=None, not_before=None)
        assert [
            rule.name for rule in failed(decide(ordinary, ruled(preset(appointment_lifts="yes", **limit)), EVENING))
        ]


def test_the_house_is_never_lifted_the_campaign_only_when_its_file_says_so() -> None:
    by = ruled(hours=Hours.daily("house", [DailyRange.parse("08:00-18:00")]))
    assert isinstance(decide(promised(), by, EVENING), Wait)
    windows = {"windows": {"daily": ["09:00-17:00"]}}
    assert isinstance(decide(promised(campaign=campaign(when=windows)), ruled(), EVENING), Wait)
    outside = campaign(when=windows, promises={"outside_windows": True})
    assert isinstance(decide(promised(campaign=outside), ruled(), EVENING), Dial)


def test_what_a_customer_says_about_this_call_goes_before_their_quiet_hours() -> None:
    quiet = replace(customer(), quiet=(DailyRange.parse("18:00-08:00"),))
    assert isinstance(decide(promised(customer=quiet), ruled(), EVENING), Dial)
    assert isinstance(decide(promised(customer=quiet), ruled(), EVENING + HOUR), Wait)


def test_no_promise_lifts_an_opt_out_or_the_number_policy() -> None:
    by = ruled(preset(appointment_lifts="yes"))
    stop = Stop("customer:C1", "everything", "keypad", EVENING - HOUR)
    refusal = decide(promised(stops=(stop,)), by, EVENING)
    assert isinstance(refusal, Refuse)
    assert refusal.reason is Reason.OPTED_OUT
    abroad = replace(customer(), numbers=(parse_number("+33123456789", ""),))
    assert isinstance(decide(promised(customer=abroad), by, EVENING), Refuse)


@pytest.mark.parametrize(
    ("missed", "kind", "reason"),
    [
        (Missed.NEXT_WINDOW, Dial, None),
        (Missed.ESCALATE, Refuse, Reason.PROMISE_MISSED),
        (Missed.CLOSE, Refuse, Reason.EXPIRED),
    ],
)
def test_what_becomes_of_a_missed_promise(missed: Missed, kind: type, reason: Reason | None) -> None:
    decision = decide(promised(missed=missed), ruled(), EVENING + 16 * MINUTE)
    assert isinstance(decision, kind)
    if isinstance(decision, Refuse):
        assert decision.reason is reason


def test_a_promise_that_cannot_be_kept_is_given_to_a_person_before_its_time() -> None:
    by = ruled(preset("office", **NINE_TO_FIVE))
    decision = decide(promised(missed=Missed.ESCALATE), by, NOW)
    assert isinstance(decision, Refuse)
    assert "cannot be kept" in decision.note


def test_a_renewal_is_not_spoken_of_too_early() -> None:
    by = ruled(preset("renewal", not_before_expiry="40 days"))
    early = campaign(
        purpose="renewal",
        fields={"ends": "date"},
        when=ALWAYS,
        why_now={"due": {"field": "ends", "offset": "-60 days"}},
        attempts={"within": "60 days"},
    )
    due = NOW - DAY  # 59 days before the contract ends
    decision = decide(Proposal(customer(), early, due, due=due), by, NOW)
    assert isinstance(decision, Wait)
    assert decision.until == due + 20 * DAY
    assert isinstance(decide(Proposal(customer(), early, due, due=due - 20 * DAY), by, NOW), Dial)


def test_a_service_call_that_may_sell_is_bound_by_the_rules_for_sales() -> None:
    by = ruled(preset("sales", purposes=["sales"], hours="09:00-10:00"))
    assert isinstance(decide(Proposal(customer(), campaign(purpose="service"), NOW), by, NOW), Dial)
    assert isinstance(decide(Proposal(customer(), campaign(purpose="service", may_sell=True), NOW), by, NOW), Wait)


def test_a_wish_for_no_sales_stops_a_service_call_that_may_sell() -> None:
    stops = (Stop(f"number:{number().e164}", "purpose:sales", "import", NOW),)
    service, selling = campaign(purpose="service"), campaign(purpose="service", may_sell=True)
    assert isinstance(decide(Proposal(customer(), service, NOW, stops=stops), ruled(), NOW), Dial)
    assert isinstance(decide(Proposal(customer(), selling, NOW, stops=stops), ruled(), NOW), Refuse)


def test_no_retry_table_goes_below_the_houses_floors() -> None:
    floor = CoolOff(after=After.BUSY, wait=10 * MINUTE, per=(Per.NUMBER,))
    busy = contact(NOW - 9 * MINUTE, Ending.BUSY, callback=1, number=number().e164)
    proposed = Proposal(customer(), campaign(), NOW - HOUR, callback=1, contacts=(busy,))
    decision = decide(proposed, ruled(floors=(floor,)), NOW)
    assert isinstance(decision, Wait)
    assert decision.until == NOW + MINUTE
    assert isinstance(decide(proposed, ruled(floors=(floor,)), NOW + MINUTE), Dial)


def test_a_promise_for_tomorrow_is_not_called_today() -> None:
    """Though the retry table would let it, and the hour chosen is one at which nobody may be called."""
    office = preset("office", hours="09:00-18:00")
    full = preset(
        "seldom",
        caps=[{"max": 1, "period": "7 days", "counts": "attempts", "per": "person"}],
        appointment_lifts="yes",
    )
    at = (NOW + DAY).replace(hour=20, minute=30)
    chosen = Promise(at, at + 15 * MINUTE, Missed.NEXT_WINDOW, "agent", "Li Na")
    early = promised(promise=chosen, not_before=NOW - MINUTE, contacts=(contact(NOW - HOUR),))
    for by in (ruled(office), ruled(office, full)):
        assert not isinstance(decide(early, by, NOW), Dial)


# Presets that begin and end: what is said of another day is said by what is in force then


def test_a_rule_that_leaves_no_time_is_waited_out_when_it_ends() -> None:
    by = ruled(preset("temporary", hours="00:00-00:05", effective_until="2026-03-05"))
    asked = Proposal(customer(), campaign(), NOW, due=NOW)
    over = datetime(2026, 3, 6, 9, tzinfo=UTC)
    for now in (NOW, over.replace(hour=0)):
        waiting = decide(asked, by, now)
        assert isinstance(waiting, Wait)
        assert waiting.until == over
    assert isinstance(decide(asked, by, over), Dial)


def test_no_request_leaves_after_the_midnight_at_which_a_rule_begins() -> None:
    by = ruled(preset("nights", hours="09:00-18:00", effective_from="2026-03-04"), hours=OPEN_HOUSE)
    midnight = datetime(2026, 3, 4, tzinfo=UTC)
    last = decide(Proposal(customer(), campaign(when=ALWAYS), NOW, due=NOW), by, midnight - MINUTE)
    assert isinstance(last, Dial)
    assert last.until <= midnight
    assert not isinstance(decide(Proposal(customer(), campaign(when=ALWAYS), NOW, due=NOW), by, midnight), Dial)


def test_a_promise_is_kept_where_the_rule_against_it_has_ended_by_then() -> None:
    by = ruled(preset("temporary", hours="09:00-12:00", effective_until="2026-03-10"))
    at = datetime(2026, 3, 20, 15, tzinfo=UTC)
    chosen = Promise(at, at + 15 * MINUTE, Missed.CLOSE, "agent", "Li Na")
    made = promised(promise=chosen, not_before=at, campaign=campaign(promises={"missed": "close"}))
    assert isinstance(decide(made, by, at), Dial)
    waiting = decide(made, by, NOW)
    assert isinstance(waiting, Wait)
    assert waiting.until == at
