"""The gate: each rule alone, what beats what, and that the instant it names is the first at which it says yes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from dialer.core.admission import Dial, House, Proposal, Refuse, Rule, Wait, decide, holds
from dialer.core.call_times import GUARD
from dialer.core.clocks import clock
from dialer.core.customer import Customer
from dialer.core.hours import REACH, DailyRange, Hours
from dialer.core.limits import Contact
from dialer.core.outcome import Ending
from dialer.core.phone import NumberKind, PhoneNumber
from dialer.core.record import Reason
from dialer.core.suppression import Stop
from dialer.core.wall_clock import local, midnight
from tests.campaigns import NOW, campaign, customer, house, number

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HOUSE = house()
RING = campaign().attempts.ring
RULES = [
    "opt_out",
    "number",
    "zone",
    "campaign",
    "attempts",
    "in_call",
    "not_before",
    "spacing",
    "limits",
    "hours",
    "other_hour",
]


def proposal(**changes: Any) -> Proposal:
    """A call that may be placed at NOW, but for `changes`."""
    facts: dict[str, Any] = {"customer": customer(), "campaign": campaign(), "enrolled": NOW - HOUR}
    return Proposal(**facts | changes)


def contact(at: datetime, **changes: Any) -> Contact:
    """An earlier call to the same person, about something else."""
    facts: dict[str, Any] = {
        "customer": "C1",
        "number": number().e164,
        "callback": 7,
        "campaign": "renewal",
        "subject": "renewal",
        "purposes": frozenset({"renewal"}),
        "felt": True,
        "ending": Ending.NO_ANSWER,
    }
    return Contact(at, **facts | changes)


def failed(proposal: Proposal, at: datetime = NOW, by: House = HOUSE) -> list[Rule]:
    return [rule for rule in decide(proposal, by, at).rules if not rule.passed]


def windows(*ranges: str) -> dict[str, Any]:
    return {"windows": {"daily": list(ranges)}}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def waits(proposal: Proposal, at: datetime = NOW, by: House = HOUSE) -> datetime | None:
    decision = decide(proposal, by, at)
    assert isinstance(decision, Wait), decision
    return decision.until


def refused(proposal: Proposal, at: datetime = NOW, by: House = HOUSE) -> Reason:
    decision = decide(proposal, by, at)
    assert isinstance(decision, Refuse), decision
    return decision.reason


# Each rule


def test_a_call_that_breaks_no_rule_is_dialed_and_every_rule_says_so() -> None:
    decision = decide(proposal(), HOUSE, NOW)
    assert isinstance(decision, Dial)
    assert [rule.name for rule in decision.rules] == RULES
    assert all(rule.passed and rule.reason and rule.until is None for rule in decision.rules)
    assert (decision.number, decision.zones) == (number(), ("Europe/London",))
    assert decision.until == utc("2026-03-03T20:00") - RING - GUARD


@pytest.mark.parametrize(
    ("rule", "changes", "until"),
    [
        (
            "campaign",
            {"campaign": campaign(when=windows("09:00-20:00") | {"starts": "2026-03-05"})},
            "2026-03-05T00:00",
        ),
        ("campaign", {"paused": True}, None),
        ("in_call", {"in_call": True}, "2026-03-03T14:31"),
        ("not_before", {"not_before": utc("2026-03-03T18:00")}, "2026-03-03T18:00"),
        ("spacing", {"contacts": (contact(NOW - HOUR),)}, "2026-03-03T17:30"),
        ("hours", {"campaign": campaign(when=windows("16:00-17:00"))}, "2026-03-03T16:00"),
        ("other_hour", {"last_miss": utc("2026-03-02T14:05")}, "2026-03-03T15:00"),
    ],
)
def test_a_rule_that_time_mends_says_when(rule: str, changes: dict[str, Any], until: str | None) -> None:
    (only,) = failed(proposal(**changes))
    assert only.name == rule
    assert only.reason
    assert only.until == (utc(until) if until else None)


@pytest.mark.parametrize(
    ("rule", "changes", "reason"),
    [
        ("opt_out", {"stops": (Stop("customer:C1", "everything", "keypad", NOW),)}, Reason.OPTED_OUT),
        ("number", {"customer": Customer("C1", "Name", region="GB")}, Reason.NO_NUMBER),
        ("number", {"bad_numbers": frozenset({number().e164})}, Reason.BAD_NUMBER),
        (
            "number",
            {"customer": customer("C1", PhoneNumber("+33123456789", "FR", NumberKind.FIXED_LINE))},
            Reason.NUMBER_POLICY,
        ),
        ("zone", {"customer": customer(zone="Mars/Olympus")}, Reason.NO_ZONE),
        (
            "campaign",
            {"campaign": campaign(when=windows("09:00-20:00") | {"ends": "2026-03-02"})},
            Reason.CAMPAIGN_ENDED,
        ),
        ("attempts", {"attempts": 5}, Reason.UNREACHED),
        ("attempts", {"enrolled": NOW - timedelta(days=7)}, Reason.EXPIRED),
    ],
)
def test_a_rule_that_no_time_mends_refuses(rule: str, changes: dict[str, Any], reason: Reason) -> None:
    proposed = proposal(**changes)
    assert refused(proposed) is reason
    first, *_ = failed(proposed)
    assert (first.name, first.until) == (rule, None)
    decision = decide(proposed, HOUSE, NOW)
    assert isinstance(decision, Refuse)
    assert decision.note == first.reason


def test_hours_that_never_meet_are_refused() -> None:
    apart = proposal(customer=customer(quiet=(DailyRange.parse("08:00-20:30"),)))
    assert refused(apart) is Reason.NO_WINDOW
    assert [rule.name for rule in failed(apart)] == ["hours", "window"]


def test_hours_that_are_always_too_short_for_a_call_are_refused_and_not_searched_for_ever() -> None:
    short = campaign(when=windows("09:00-09:01"), attempts={"ring": "60 s"})
    assert refused(proposal(campaign=short)) is Reason.NO_WINDOW
    left_over = proposal(
        campaign=campaign(attempts={"ring": "60 s"}), customer=customer(quiet=(DailyRange.parse("09:01-24:00"),))
    )
    assert refused(left_over) is Reason.NO_WINDOW


def test_a_stretch_that_is_too_short_is_passed_over() -> None:
    some_short = campaign(when=windows("15:00-15:01", "16:00-17:00"), attempts={"ring": "60 s"})
    assert waits(proposal(campaign=some_short)) == utc("2026-03-03T16:00")


# What beats what


def test_a_prohibition_beats_a_duty_and_says_so_first() -> None:
    """Handbook: quiet hours and opt-out beat every duty, that of calling each VIP and that of keeping a promise too."""
    vip = proposal(customer=customer(tier="vip"), promised=True, not_before=NOW - MINUTE)
    assert isinstance(decide(vip, HOUSE, NOW), Dial)
    assert refused(replace(vip, stops=(Stop("customer:C1", "everything", "keypad", NOW),))) is Reason.OPTED_OUT
    assert refused(replace(vip, customer=customer(tier="vip", zone="Nowhere/Town"))) is Reason.NO_ZONE
    night = utc("2026-03-03T23:00")
    assert waits(vip, night) == utc("2026-03-04T09:00")


def test_the_first_refusal_is_the_reason_and_all_are_shown() -> None:
    worst = proposal(stops=(Stop("customer:C1", "everything", "keypad", NOW),), attempts=9, paused=True, in_call=True)
    assert refused(worst) is Reason.OPTED_OUT
    assert [rule.name for rule in failed(worst)] == ["opt_out", "campaign", "attempts", "in_call"]


def test_a_promise_stands_above_the_campaigns_patience() -> None:
    used_up = {"attempts": 5, "enrolled": NOW - timedelta(days=30), "last_miss": NOW}
    assert refused(proposal(**used_up)) is Reason.UNREACHED
    assert isinstance(decide(proposal(**used_up, promised=True), HOUSE, NOW), Dial)


def test_a_vip_is_held_for_a_person_where_others_are_closed() -> None:
    vip, other = customer(tier="vip"), customer()
    unreached = (Reason.UNREACHED, Reason.EXPIRED, Reason.WRONG_PERSON, Reason.CAMPAIGN_ENDED)
    assert all(holds(reason, vip) and not holds(reason, other) for reason in unreached)
    assert not any(holds(reason, vip) for reason in (Reason.OPTED_OUT, Reason.REFUSED, Reason.NOT_TARGETED))
    assert all(holds(reason, other) for reason in (Reason.NO_ZONE, Reason.NO_NUMBER, Reason.NEEDS_HUMAN))


# Hours: the guard before closing, zones, layers


@pytest.mark.parametrize(("window", "closes"), [("09:00-17:00", "17:00"), ("09:00-20:59", "20:59")])
def test_a_phone_never_rings_into_quiet_hours(window: str, closes: str) -> None:
    last = utc(f"2026-03-03T{closes}") - RING - GUARD
    late = proposal(campaign=campaign(when=windows(window)))
    before = decide(late, HOUSE, last - timedelta(seconds=1))
    assert isinstance(before, Dial)
    assert before.until == last
    assert waits(late, last) == utc("2026-03-04T09:00")
    assert failed(late, last)[0].reason == "the window closes before a call could ring out"


def test_the_longer_it_may_ring_the_earlier_the_last_call() -> None:
    patient = decide(proposal(campaign=campaign(attempts={"ring": "60 s"})), HOUSE, NOW)
    assert isinstance(patient, Dial)
    assert patient.until == utc("2026-03-03T20:00") - MINUTE - GUARD


@pytest.mark.parametrize("layer", ["campaign", "house", "customer"])
def test_every_layer_of_hours_counts(layer: str) -> None:
    shut = {
        "campaign": (proposal(campaign=campaign(when=windows("16:00-18:00"))), HOUSE),
        "house": (proposal(), house("16:00-18:00")),
        "customer": (proposal(customer=customer(quiet=(DailyRange.parse("13:00-16:00"),))), HOUSE),
    }
    proposed, by = shut[layer]
    assert waits(proposed, by=by) == utc("2026-03-03T16:00")
    assert f"{layer} hours are shut" in failed(proposed, by=by)[0].reason


def test_all_zones_a_customer_may_be_in_must_be_awake() -> None:
    mobile = PhoneNumber("+12125550123", "US", NumberKind.FIXED_OR_MOBILE)
    anywhere = replace(customer("C1", mobile), region="GB")
    decision = decide(proposal(customer=anywhere), HOUSE, utc("2026-03-03T20:30"))
    assert isinstance(decision, Wait)
    assert {"Europe/London", "America/New_York", "Pacific/Honolulu"} <= set(decision.zones)
    confirmed = replace(anywhere, zone="America/New_York")
    assert isinstance(decide(proposal(customer=confirmed), HOUSE, utc("2026-03-03T20:30")), Dial)


def test_closed_days_are_the_customers_own() -> None:
    closed = campaign(when=windows("09:00-20:00") | {"closed": ["2026-03-04"]})
    shanghai = customer(zone="Asia/Shanghai")
    assert waits(proposal(campaign=closed, customer=shanghai), utc("2026-03-03T16:00")) == utc("2026-03-05T01:00")
    assert isinstance(decide(proposal(campaign=closed), HOUSE, utc("2026-03-03T16:00")), Dial)


# Campaign start and end


def test_days_of_a_campaign_begin_where_the_house_is() -> None:
    shanghai = house(zone="Asia/Shanghai")
    lasts = windows("00:00-24:00") | {"starts": "2026-03-04", "ends": "2026-03-05"}
    proposed = proposal(campaign=campaign(when=lasts))
    assert waits(proposed, by=shanghai) == utc("2026-03-03T16:00")
    assert isinstance(decide(proposed, shanghai, utc("2026-03-03T16:00")), Dial)
    assert isinstance(decide(proposed, shanghai, utc("2026-03-05T15:59:59")), Dial)
    assert refused(proposed, utc("2026-03-05T16:00"), shanghai) is Reason.CAMPAIGN_ENDED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"campaign": campaign(when=windows("09:00-14:00") | {"ends": "2026-03-03"})}, Reason.CAMPAIGN_ENDED),
        ({"campaign": campaign(when=windows("09:00-14:00"), attempts={"within": "12 h"})}, Reason.EXPIRED),
        ({"not_before": NOW + timedelta(days=7)}, Reason.EXPIRED),
    ],
)
def test_what_opens_only_when_all_is_over_is_refused_at_once(changes: dict[str, Any], reason: Reason) -> None:
    """Handbook, rule 4: that no legal minute is left is said when it is known, not when it has come true."""
    assert refused(proposal(**changes)) is reason
    assert [rule.until for rule in failed(proposal(**changes)) if rule.name == "window"] == [None]


def test_a_decision_is_good_until_the_campaign_ends_at_the_latest() -> None:
    decision = decide(proposal(campaign=campaign(attempts={"within": "2 h"})), HOUSE, NOW)
    assert isinstance(decision, Dial)
    assert decision.until == NOW + HOUR


def test_a_promise_may_outlast_the_campaigns_patience_but_not_the_campaign() -> None:
    promised = proposal(not_before=NOW + timedelta(days=9), promised=True)
    assert waits(promised) == NOW + timedelta(days=9)
    ends = campaign(when=windows("09:00-20:00") | {"ends": "2026-03-08"})
    assert refused(replace(promised, campaign=ends)) is Reason.CAMPAIGN_ENDED


def test_a_paused_campaign_waits_for_nobody_knows_how_long() -> None:
    assert waits(proposal(paused=True)) is None
    assert waits(proposal(paused=True), utc("2026-03-03T23:00")) is None


# The choice of the number


@pytest.mark.parametrize(
    ("index", "bad", "expected"),
    [(0, (), 0), (1, (), 1), (3, (), 0), (0, (0,), 1), (1, (1,), 2), (2, (2,), 0), (2, (2, 0), 1)],
)
def test_the_number_whose_turn_it_is_or_the_next_that_may_be_dialed(
    index: int, bad: tuple[int, ...], expected: int
) -> None:
    several = customer("C1", number(0), number(1), number(2))
    gone = frozenset(number(one).e164 for one in bad)
    decision = decide(proposal(customer=several, number_index=index, bad_numbers=gone), HOUSE, NOW)
    assert decision.number == number(expected)


def test_numbers_that_must_not_be_dialed_are_skipped_and_named_when_none_is_left() -> None:
    premium = PhoneNumber("+449098790000", "GB", NumberKind.PREMIUM)
    french = PhoneNumber("+33123456789", "FR", NumberKind.FIXED_LINE)
    decision = decide(proposal(customer=customer("C1", premium, french, number(5))), HOUSE, NOW)
    assert decision.number == number(5)
    none = proposal(customer=customer("C1", premium, french))
    assert refused(none) is Reason.NUMBER_POLICY
    assert failed(none)[0].reason == "FR is not among the allowed countries; a premium-rate number"


# Not the hour of the last miss


def test_the_hour_of_the_last_miss_is_avoided_on_the_customers_clock() -> None:
    missed = proposal(customer=customer(zone="Asia/Kolkata"), last_miss=utc("2026-03-02T07:00"))  # 12:30 there
    assert waits(missed, utc("2026-03-03T06:45")) == utc("2026-03-03T07:30")
    early = decide(missed, HOUSE, utc("2026-03-03T06:00"))
    assert isinstance(early, Dial)
    assert early.until == utc("2026-03-03T06:30")  # before it is twelve there again


def test_the_hour_of_the_last_miss_is_used_when_there_is_no_other() -> None:
    narrow = campaign(when=windows("14:00-15:00"))
    assert isinstance(decide(proposal(campaign=narrow, last_miss=NOW - DAY), HOUSE, NOW), Dial)


def test_the_week_in_which_another_hour_is_sought_begins_with_the_opening() -> None:
    """Else waiting for the only hour there is would, once it has come, turn into waiting for another one."""
    week = {"windows": {"tue": "14:00-15:00", "wed": "15:00-16:00"}, "closed": ["2026-03-04", "2026-03-10"]}
    sparse = proposal(
        campaign=campaign(when=week, attempts={"within": "30 days"}), last_miss=NOW, enrolled=NOW - MINUTE
    )
    at = utc("2026-03-03T16:00")
    until = waits(sparse, at)
    assert until == utc("2026-03-11T15:00")
    assert isinstance(decide(sparse, HOUSE, until), Dial)


@pytest.mark.parametrize("change", [{"promised": True}, {"campaign": campaign(attempts={"other_hour": False})}])
def test_a_promise_or_the_campaign_may_ask_for_the_same_hour(change: dict[str, Any]) -> None:
    assert isinstance(decide(proposal(last_miss=NOW - DAY, **change), HOUSE, NOW), Dial)


def test_the_hour_of_the_last_miss_is_blamed_only_when_it_delays() -> None:
    tomorrow = proposal(not_before=utc("2026-03-04T10:00"), last_miss=NOW)
    assert [rule.name for rule in failed(tomorrow)] == ["not_before"]


# Properties


ZONES = {
    "Europe/London": "2026-03-29T01:00",
    "America/New_York": "2026-11-01T06:00",
    "America/Santiago": "2026-09-06T04:00",
    "Africa/Cairo": "2026-04-23T22:00",
    "Australia/Lord_Howe": "2026-04-04T15:00",
    "Asia/Kathmandu": "2026-03-03T18:15",
    "Asia/Shanghai": "2026-03-03T16:00",
    "Pacific/Chatham": "2026-09-26T14:00",
}
"""Zones and nights in which their clocks change, where they do."""

instants = st.builds(
    lambda night, minutes: utc(night) + minutes * MINUTE,
    st.sampled_from(sorted(ZONES.values())),
    st.integers(-2 * 24 * 60, 2 * 24 * 60),
)


@st.composite
def ranges(draw: st.DrawFn) -> str:
    start, end = draw(st.integers(0, 23)), draw(st.integers(0, 23))
    half = draw(st.sampled_from(["00", "30"]))
    assume(start != end)
    return f"{start:02}:{half}-{end:02}:{half}"


@st.composite
def proposals(draw: st.DrawFn, at: datetime) -> tuple[Proposal, House]:
    """Any call around `at`, in a house of any hours."""
    back = st.integers(0, 4000).map(lambda minutes: at - minutes * MINUTE)
    when = draw(st.sampled_from([{}, {"ends": str((at + DAY).date())}, {"starts": str(at.date())}]))
    closed = draw(st.lists(st.integers(-1, 2), max_size=1).map(lambda days: [str((at + n * DAY).date()) for n in days]))
    wide = st.sampled_from(["00:00-24:00", "07:00-22:30", "18:00-12:00"])
    hours = {"windows": {"daily": [draw(wide | ranges())]}, "closed": closed}
    person = replace(
        customer("C1", *draw(st.lists(st.integers(0, 3).map(number), min_size=1, max_size=3))),
        zone=draw(st.sampled_from([*ZONES, ""])),
        tier=draw(st.sampled_from(["", "vip"])),
        region=draw(st.sampled_from(["GB", "US-NY", "AU", ""])),
        quiet=tuple(DailyRange.parse(text) for text in draw(st.lists(ranges(), max_size=1))),
    )
    attempts = {
        "other_hour": draw(st.booleans()),
        "ring": draw(st.sampled_from(["20 s", "60 s"])),
        "within": draw(st.sampled_from(["1 day", "7 days"])),
    }
    proposed = Proposal(
        customer=person,
        campaign=campaign(when=hours | when, attempts=attempts),
        enrolled=draw(back),
        attempts=draw(st.sampled_from([0, 1, 4, 5])),
        number_index=draw(st.integers(0, 3)),
        bad_numbers=frozenset(number(n).e164 for n in draw(st.sets(st.integers(0, 3), max_size=1))),
        not_before=draw(st.none() | st.integers(-600, 1500).map(lambda minutes: at + minutes * MINUTE)),
        promised=draw(st.booleans()),
        last_miss=draw(st.none() | back),
        contacts=tuple(contact(earlier) for earlier in draw(st.lists(back, max_size=2))),
    )
    return proposed, house(draw(st.sampled_from(["08:00-21:00", "00:00-24:00", "20:00-12:00"])))


# The oracle reads the wall clock of every zone, and nothing else.


def is_open(layer: Hours, wall: datetime) -> bool:
    day, minute = wall.date(), wall.hour * 60 + wall.minute
    before = day - DAY
    today = any(r.start <= minute and (r.end < r.start or minute < r.end) for r in layer.week[day.weekday()])
    tail = before not in layer.closed and any(r.end < r.start and minute < r.end for r in layer.week[before.weekday()])
    return day not in layer.closed and (today or tail)


def may_ring(proposed: Proposal, by: House, zones: tuple[str, ...], at: datetime) -> bool:
    layers = [proposed.campaign.when.hours, by.hours]
    quiet = Hours.daily("quiet", proposed.customer.quiet)
    walls = [at.astimezone(clock(zone)) for zone in zones]
    return all(all(is_open(one, wall) for one in layers) and not is_open(quiet, wall) for wall in walls)


@given(st.data(), instants)
@settings(max_examples=300)
@pytest.mark.slow
def test_never_dials_while_any_layer_is_shut_in_any_zone(data: st.DataObject, at: datetime) -> None:
    proposed, by = data.draw(proposals(at))
    decision = decide(proposed, by, at)
    if isinstance(decision, Dial):
        assert decision.zones
        ring = proposed.campaign.attempts.ring + GUARD
        instants = [at + step * timedelta(seconds=10) for step in range(ring // timedelta(seconds=10) + 1)]
        assert all(may_ring(proposed, by, decision.zones, one) for one in instants if one < at + ring)
        assert at < decision.until


@pytest.mark.slow
@given(st.data(), instants)
@settings(max_examples=1000)
def test_never_dials_while_any_layer_is_shut_in_any_zone_at_length(data: st.DataObject, at: datetime) -> None:
    test_never_dials_while_any_layer_is_shut_in_any_zone.hypothesis.inner_test(data, at)  # type: ignore[attr-defined]


@given(st.data(), instants, st.booleans(), st.booleans())
def test_opting_out_always_refuses(data: st.DataObject, at: datetime, paused: bool, in_call: bool) -> None:  # noqa: FBT001 - drawn
    proposed, by = data.draw(proposals(at))
    assert (
        refused(
            replace(
                proposed, stops=(Stop("customer:C1", "everything", "keypad", NOW),), paused=paused, in_call=in_call
            ),
            at,
            by,
        )
        is Reason.OPTED_OUT
    )


def check_until(proposed: Proposal, by: House, at: datetime) -> None:
    """The instant a Wait names is one at which the gate says Dial, and no minute before it is."""
    decision = decide(proposed, by, at)
    if not isinstance(decision, Wait) or decision.until is None:
        return
    assert decision.until > at
    there = decide(proposed, by, decision.until)
    assert isinstance(there, Dial), failed(proposed, decision.until, by)
    assert there.until == decision.opening.end
    span = min(decision.until - at, 3 * DAY)
    minutes = (at + step * MINUTE for step in range(span // MINUTE + 1))
    early = [one for one in minutes if one < decision.until and isinstance(decide(proposed, by, one), Dial)]
    assert early == []


@given(st.data(), instants)
@settings(max_examples=40)
@pytest.mark.slow
def test_until_is_the_first_minute_at_which_the_gate_opens(data: st.DataObject, at: datetime) -> None:
    check_until(*data.draw(proposals(at)), at)


@pytest.mark.slow
@given(st.data(), instants)
@settings(max_examples=300)
def test_until_is_the_first_minute_at_which_the_gate_opens_at_length(data: st.DataObject, at: datetime) -> None:
    check_until(*data.draw(proposals(at)), at)


@given(st.data(), instants)
@settings(max_examples=200)
@pytest.mark.slow
def test_what_is_refused_stays_refused(data: st.DataObject, at: datetime) -> None:
    """As far as time is concerned: a refusal never turns into a call by waiting."""
    proposed, by = data.draw(proposals(at))
    if isinstance(decide(proposed, by, at), Refuse):
        later = (at + data.draw(st.integers(1, 4 * 24 * 60)) * MINUTE for _ in range(5))
        assert not any(isinstance(decide(proposed, by, one), Dial) for one in later)


@given(st.data(), instants)
def test_a_decision_to_dial_is_good_until_it_says(data: st.DataObject, at: datetime) -> None:
    proposed, by = data.draw(proposals(at))
    decision = decide(proposed, by, at)
    if isinstance(decision, Dial):
        span = (decision.until - at) // timedelta(seconds=1)
        within = at + timedelta(seconds=data.draw(st.integers(0, max(span - 1, 0))))
        assert isinstance(decide(proposed, by, within), Dial)
        if decision.until < at + REACH - DAY:  # an opening that never ends is followed so far and looked at again
            assert not isinstance(decide(proposed, by, decision.until), Dial)


# Days and walls


@given(
    st.dates(date(2025, 1, 1), date(2030, 1, 1)),
    st.sampled_from(["Africa/Cairo", "America/Santiago", "America/Havana", "Asia/Beirut", "Asia/Shanghai"]),
)
@example(date(2026, 4, 24), "Africa/Cairo")
@example(date(2026, 9, 6), "America/Santiago")
@example(date(2026, 11, 1), "America/Havana")
def test_midnight_is_the_first_instant_of_the_day(day: date, zone: str) -> None:
    """Also where the clock skips midnight or shows it twice."""
    first = midnight(day, zone)
    assert first.tzinfo is UTC
    assert local(first, zone).date() == day
    assert local(first - timedelta(seconds=1), zone).date() == day - DAY
