"""Who goes first: whoever has waited longest, with a head start that never grows, so that nobody starves."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dialer.core.priority import PROMISE_HEAD_START, SLACK_HEAD_START, rank
from tests.campaigns import NOW, campaign

DAY = timedelta(days=1)
instants = st.integers(-30 * 24 * 60, 30 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes))
head_starts = st.sampled_from([timedelta(0), timedelta(hours=6), DAY, timedelta(days=10)])


def test_a_vip_who_became_due_this_minute_goes_before_all_who_wait_for_less_than_a_day() -> None:
    head_start = campaign().priority.head_start("vip")
    assert head_start == DAY
    vip = rank(NOW, head_start)
    assert vip < rank(NOW - timedelta(hours=23), campaign().priority.head_start("gold"))
    assert vip > rank(NOW - timedelta(hours=25), timedelta(0))


def test_tiers_of_the_managers_own_count() -> None:
    own = campaign(priority={"tiers": {"gold": "2 h"}}).priority
    assert rank(NOW, own.head_start("gold")) < rank(NOW - timedelta(hours=1), own.head_start(""))
    assert own.head_start("vip") == timedelta(0)  # whoever writes the table writes all of it


@given(instants, instants, head_starts, head_starts)
def test_the_order_is_that_of_waiting_and_head_start_at_every_instant(
    a: datetime, b: datetime, x: timedelta, y: timedelta
) -> None:
    """Ageing without a clock: whoever is ahead now is ahead later too, so the order can be written down."""
    ahead = rank(a, x) < rank(b, y)
    for now in (max(a, b), max(a, b) + DAY, max(a, b) + 400 * DAY):
        assert ahead == ((now - a) + x > (now - b) + y)


@given(instants, head_starts, st.booleans())
def test_nobody_starves(waiting: datetime, head_start: timedelta, promised: bool) -> None:  # noqa: FBT001 - drawn
    """Whoever comes a head start and a promise later is behind, whoever they are."""
    later = waiting + head_start + PROMISE_HEAD_START + timedelta(seconds=1)
    assert rank(waiting, timedelta(0)) < rank(later, head_start, promised=promised)


@given(instants, head_starts)
def test_a_promise_never_puts_anybody_further_back(waiting: datetime, head_start: timedelta) -> None:
    assert rank(waiting, head_start, promised=True) < rank(waiting, head_start)


def test_a_time_the_customer_chose_goes_before_any_tier_that_is_due_as_long() -> None:
    assert rank(NOW, timedelta(0), promised=True) < rank(NOW - 5 * DAY, DAY)


slacks = st.none() | st.integers(0, 100 * 60).map(lambda minutes: timedelta(minutes=minutes))


@given(instants, instants, head_starts, head_starts, slacks, slacks, st.booleans(), st.booleans())
def test_nothing_that_speaks_for_somebody_puts_them_further_back(
    a: datetime,
    b: datetime,
    x: timedelta,
    y: timedelta,
    s: timedelta | None,
    t: timedelta | None,
    p: bool,  # noqa: FBT001 - drawn
    q: bool,  # noqa: FBT001 - drawn
) -> None:
    """Who waited longer, has the higher tier, less slack and a promise if the other has, is never behind."""
    least = min((one for one in (s, t) if one is not None), default=None)
    most = None if None in {s, t} else max(one for one in (s, t) if one is not None)
    ahead = rank(min(a, b), max(x, y), promised=p or q, slack=least)
    behind = rank(max(a, b), min(x, y), promised=p and q, slack=most)
    assert ahead <= behind


@given(instants, head_starts, slacks, st.booleans(), slacks)
def test_nobody_waits_longer_than_the_stated_bound(
    waiting: datetime,
    head_start: timedelta,
    slack: timedelta | None,
    promised: bool,  # noqa: FBT001 - drawn
    own: timedelta | None,
) -> None:
    """Whoever became due later by more than all head starts together is behind, whoever they are."""
    later = waiting + head_start + PROMISE_HEAD_START + SLACK_HEAD_START + timedelta(seconds=1)
    assert rank(waiting, timedelta(0), slack=own) < rank(later, head_start, promised=promised, slack=slack)


def test_little_slack_gives_the_difference_to_twelve_hours() -> None:
    assert rank(NOW, timedelta(0), slack=timedelta(hours=1)) == NOW - timedelta(hours=11)
    assert rank(NOW, timedelta(0), slack=timedelta(0)) == NOW - SLACK_HEAD_START
    assert rank(NOW, timedelta(0), slack=timedelta(days=3)) == rank(NOW, timedelta(0)) == NOW
