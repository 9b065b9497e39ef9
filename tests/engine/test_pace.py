"""The pace: never faster than the account allows, never slower than it must be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.engine.pace import BURST_SECONDS, Pace


def send_all(pace: Pace, now: float) -> int:
    calls = pace.available(now)
    pace.spend(calls)
    return calls


def test_begins_with_one_call() -> None:
    pace = Pace(1.0, 100.0)
    assert send_all(pace, 100.0) == 1
    assert send_all(pace, 100.5) == 0
    assert send_all(pace, 101.0) == 1


def test_rate_below_one_call_a_second() -> None:
    pace = Pace(0.25, 0.0)
    assert [send_all(pace, float(second)) for second in range(9)] == [1, 0, 0, 0, 1, 0, 0, 0, 1]


def test_nothing_is_saved_up_over_a_quiet_hour() -> None:
    pace = Pace(50.0, 0.0)
    assert send_all(pace, 3600.0) == 50 * BURST_SECONDS


@given(
    st.floats(0.1, 500, allow_nan=False),
    st.lists(st.floats(0.001, 3, allow_nan=False), min_size=1, max_size=60),
)
def test_never_faster_than_allowed(rate: float, steps: list[float]) -> None:
    pace, now, sent = Pace(rate, 0.0), 0.0, 0
    for step in steps:
        sent += send_all(pace, now)
        burst = max(1.0, rate * BURST_SECONDS)
        assert sent <= now * rate + burst + 1.1e-4  # of a call, for whole microseconds
        now += step


def test_told_to_slow_down_sends_nothing_until_then() -> None:
    pace = Pace(10.0, 0.0)
    pace.hold(0.0, timedelta(seconds=5))
    assert pace.available(4.9) == 0
    assert pace.available(5.0) == 1


def test_shorter_pause_does_not_undo_a_longer_one() -> None:
    pace = Pace(10.0, 0.0)
    pace.hold(0.0, timedelta(seconds=5))
    pace.hold(0.0, timedelta(seconds=1))
    assert pace.available(2.0) == 0


@pytest.mark.parametrize("rate", [0.5, 1.0, 4.0, 15.0, 100.0])
def test_says_when_the_next_call_may_be_sent(rate: float) -> None:
    """Whoever waits exactly so long can send one; whoever polls by the second loses most of a small account's calls."""
    pace = Pace(rate, 0.0)
    now = sent = 0.0
    while now < 60.0:
        calls = send_all(pace, now)
        sent += calls
        wait = pace.wait(now).total_seconds()
        assert calls == 0 or wait > 0 or pace.available(now) > 0
        now += max(wait, 1e-6)
    assert sent == pytest.approx(60 * rate, abs=max(2.0, rate * BURST_SECONDS + 1))


def test_wait_ends_when_the_carriers_pause_does() -> None:
    pace = Pace(10.0, 0.0)
    pace.hold(0.0, timedelta(seconds=5))
    assert pace.wait(2.0) == timedelta(seconds=3)
    assert pace.wait(6.0) == timedelta()
