"""Who goes first, as one instant per callback: whoever has waited longest, with a head start for those who matter more.

Ordering by `waiting since - head start` is ageing that needs no clock: two callbacks grow older at the same speed, so
their order never changes and can be indexed. A VIP with a day's head start goes before everybody who has waited less
than a day longer; nobody starves, because nobody's head start grows.
"""

from __future__ import annotations

from datetime import datetime, timedelta

PROMISE_HEAD_START = timedelta(days=7)
"""On top of the tier's own: a time the customer chose is kept or it is broken, there is no later."""


def rank(waiting_since: datetime, head_start: timedelta, *, promised: bool = False) -> datetime:
    """The place in the queue, earliest first. `waiting_since` is when the callback became due (again)."""
    return waiting_since - head_start - (PROMISE_HEAD_START if promised else timedelta(0))
