"""Deadlines, slack and the alarm: known at enrolment, never later than they should be, and never a licence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.core import duty
from dialer.core.admission import House, Proposal
from dialer.core.customer import Customer
from tests.campaigns import NOW, campaign, customer, house
from tests.rule_books import preset, ruled

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UNTIL = NOW + 3 * DAY  # Friday 14:30, on the third working day

moments = st.integers(0, 4 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes))


def proposal(*, who: Customer | None = None, **changes: Any) -> Proposal:
    return Proposal(who or customer(), campaign(**changes), NOW, due=NOW)


def test_slack_is_the_callable_time_and_nothing_else() -> None:
    # Tuesday from 14:30, two whole days and Friday until 14:30, each from nine to eight.
    assert duty.slack(proposal(), house(), NOW, UNTIL) == timedelta(hours=5.5 + 11 + 11 + 5.5)
    assert duty.slack(proposal(), house("10:00-12:00"), NOW, UNTIL) == 6 * HOUR
    shut = {"windows": {"sat": ["09:00-20:00"]}}
    assert duty.slack(proposal(when=shut), house(), NOW, UNTIL) == timedelta(0)


def test_presets_take_from_the_slack() -> None:
    ruled_house = ruled(preset(hours="13:00-14:00"))
    assert duty.slack(proposal(), ruled_house, NOW, UNTIL) == 3 * HOUR


def test_nobody_has_slack_whose_number_or_zone_is_unknown() -> None:
    nobody = Customer("C9", "Name")
    assert duty.slack(proposal(who=nobody), house(), NOW, UNTIL) == timedelta(0)
    assert duty.alarm(proposal(who=nobody), house(), NOW, UNTIL) == NOW
    assert duty.deadline(proposal(who=nobody), house(), UNTIL, NOW) == UNTIL


def test_a_deadline_is_feasible_when_one_call_can_ring_out() -> None:
    ring = proposal(attempts={"ring": "30 s"})
    assert not duty.feasible(ring, timedelta(seconds=40))
    assert duty.feasible(ring, timedelta(seconds=41))


def test_the_sooner_of_campaign_and_rules_is_the_deadline() -> None:
    assert duty.deadline(proposal(), ruled(preset(deadline="1 day")), UNTIL, NOW) == NOW + DAY
    assert duty.deadline(proposal(), ruled(preset(deadline="9 days")), UNTIL, NOW) == UNTIL
    assert duty.deadline(proposal(), ruled(preset()), UNTIL, NOW) == UNTIL


def test_the_alarm_comes_with_exactly_so_much_callable_time_left() -> None:
    assert duty.alarm(proposal(), house(), NOW, UNTIL) == UNTIL - 2 * HOUR
    # Six hours: those of Friday from nine on, and the last half hour of Thursday.
    late = duty.alarm(proposal(why_now={"alarm": "6 hours"}), house(), NOW, UNTIL)
    assert late == datetime(2026, 3, 5, 19, 30, tzinfo=UTC)
    assert duty.alarm(proposal(why_now={"alarm": "5 days"}), house(), NOW, UNTIL) == NOW


@settings(max_examples=200)
@given(moments, moments, st.integers(1, 40))
def test_time_only_runs_out(a: datetime, b: datetime, hours: int) -> None:
    """Slack never grows while time passes, and a later deadline never has less."""
    first, later = min(a, b), max(a, b)
    until = later + hours * HOUR
    one, where = proposal(), house()
    assert duty.slack(one, where, first, until) >= duty.slack(one, where, later, until)
    assert duty.slack(one, where, first, until) <= duty.slack(one, where, first, until + HOUR)


@settings(max_examples=200)
@given(moments, st.integers(1, 120), st.integers(1, 20))
def test_the_alarm_never_leaves_less_than_was_asked_for(now: datetime, span: int, alarm: int) -> None:
    one, where = proposal(why_now={"alarm": f"{alarm} hours"}), _house()
    until = now + span * HOUR
    at = duty.alarm(one, where, now, until)
    left = duty.slack(one, where, now, until)
    assert now <= at <= until
    assert duty.slack(one, where, at, until) == min(left, alarm * HOUR)


def _house() -> House:
    return house("08:00-12:30")
