"""A call that a person asks for: it takes the head of the queue, and the gate decides about it like about any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.core.wall_clock import local
from dialer.errors import InputError, NotFoundError, Problem
from dialer.store import ASKED_FOR, Enrolment

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.core.admission import Decision
    from dialer.store import Store


def call_next(store: Store, reference: str, campaign: str, now: datetime, *, by: str, anyway: bool = False) -> Decision:
    """Let `by` have a customer called next for a campaign; what the gate says about it now.

    Whoever has no callback in the campaign gets one, for the occasion of being asked for. Whom the campaign's filter
    does not select is called only `anyway`.

    Raises:
        NotFoundError: no such customer or campaign.
        InputError: the campaign does not select the customer, or the callback is over, or in a call.
    """
    customer = store.customers.get(reference)
    if customer is None:
        raise NotFoundError(f"no customer {reference!r} in the customer file; `dialer customers list` shows them")
    standing = store.campaigns.get(campaign)
    if not anyway and not standing.campaign.who.selects(customer, local(now, store.house.zone).date()):
        what = f"its filter does not select customer {reference!r}"
        raise InputError([Problem(campaign, what, "--anyway has them called all the same")])
    key = store.callbacks.latest(reference, campaign)
    if key is None:
        occasion, deadline = f"{ASKED_FOR}{by}", now + standing.campaign.why_now.deadline
        store.callbacks.enrol(
            campaign, [Enrolment(store.customers.keys([reference])[reference], occasion, now, deadline)], now
        )
        key = store.callbacks.latest(reference, campaign)
    decided = store.callbacks.hurry(key, now, by=by) if key is not None else None
    if decided is None:
        what = f"customer {reference!r} is in a call about it, or has been dealt with"
        raise InputError([Problem(campaign, what, "`dialer why` says more")])
    return decided
