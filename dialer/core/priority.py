"""Who goes first, as one instant per callback: whoever has waited longest, with a head start for those who matter more.

Ordering by `waiting since - head start` is ageing that needs no clock: two callbacks grow older at the same speed, so
their order never changes and can be indexed. Head starts are given for a promise, then for the tier, then for little
slack. They are fixed lengths, which bounds everybody's wait: nobody is overtaken by anyone who became due later by
more than the largest head start, `PROMISE_HEAD_START` and `SLACK_HEAD_START` and the longest of the campaign's tiers.
Two things come on top: a call that a person asks for, and the share of the lines that is kept for VIPs.
"""

from __future__ import annotations

from datetime import datetime, timedelta

PROMISE_HEAD_START = timedelta(days=7)
"""On top of the tier's own: a time the customer chose is kept or it is broken, there is no later."""

SLACK_HEAD_START = timedelta(hours=12)
"""Who has less callable time than this before the deadline gets the difference: an hour of slack, eleven hours."""


def rank(
    waiting_since: datetime, head_start: timedelta, *, promised: bool = False, slack: timedelta | None = None
) -> datetime:
    """The place in the queue, earliest first. `waiting_since` is when the callback became due (again).

    `slack` is the callable time that was left before the deadline at enrolment; None when nobody reckoned it.
    """
    urgency = timedelta(0) if slack is None else max(SLACK_HEAD_START - slack, timedelta(0))
    return waiting_since - head_start - urgency - (PROMISE_HEAD_START if promised else timedelta(0))
