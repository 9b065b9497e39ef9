"""Answers "why?": asks the very gate that decides, for any customer at any instant, and shows each rule's answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dialer.core.admission import Dial, House, Proposal, Refuse, Rule, Wait, decide, dialable
from dialer.core.call_times import layers
from dialer.core.hours import openings
from dialer.core.record import CallbackState
from dialer.core.wall_clock import local
from dialer.core.zones import candidates
from dialer.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from dialer.core.admission import Decision
    from dialer.core.hours import Opening
    from dialer.store import Standing, Store


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a customer is called, not yet called, or not called, for one campaign at one instant."""

    customer: str
    campaign: str
    occasion: str  # empty when the customer is not enrolled
    at: datetime
    decision: str  # dial, wait or refuse
    until: datetime | None
    zones: tuple[str, ...]
    rules: tuple[Rule, ...]
    windows: tuple[Opening, ...] = ()


def explain(
    store: Store,
    house: House,
    reference: str,
    at: datetime,
    *,
    campaign: str | None = None,
    between: tuple[datetime, datetime] | None = None,
) -> Sequence[Explanation]:
    """One explanation per callback of the customer, and per campaign in which they have none.

    Raises:
        NotFoundError: no such customer or campaign.
    """
    customer = store.customers.get(reference)
    if customer is None:
        raise NotFoundError(f"no customer {reference!r} in the customer file; `dialer customers list` shows them")
    standings = [store.campaigns.get(campaign)] if campaign is not None else store.campaigns.all()
    if not standings:
        raise NotFoundError("no campaign has been applied yet; `dialer campaigns apply FILE` puts one in force")
    enrolled = store.callbacks.proposals_of(reference, at)
    found = []
    for standing in standings:
        mine = [one for one in enrolled if one.proposal.campaign.id == standing.campaign.id]
        found += [
            _explain(one.proposal, house, at, one.occasion, _standing_rules(one.state, one.note), between)
            for one in mine
        ]
        if not mine:
            proposal = store.callbacks.hypothetical(reference, standing, at)
            found.append(_explain(proposal, house, at, "", _not_enrolled(proposal, standing, at, house), between))
    return found


def _standing_rules(state: CallbackState, note: str) -> list[Rule]:
    """The callback's own state comes before any rule: what is over, or waits for a person, is not called."""
    if state in {CallbackState.DONE, CallbackState.CLOSED, CallbackState.HELD}:
        return [Rule("callback", False, f"{state.value}: {note}")]
    return [Rule("callback", True, f"enrolled, {state.value}")]


def _not_enrolled(proposal: Proposal, standing: Standing, at: datetime, house: House) -> list[Rule]:
    today = local(at, house.zone).date()
    if not standing.campaign.who.selects(proposal.customer, today):
        return [Rule("target", False, "the campaign's filter does not select this customer")]
    return [Rule("callback", False, "selected by the campaign and not enrolled yet; enrolment runs every few minutes")]


def _explain(
    proposal: Proposal,
    house: House,
    at: datetime,
    occasion: str,
    first: list[Rule],
    between: tuple[datetime, datetime] | None,
) -> Explanation:
    decision = decide(proposal, house, at)
    over = any(not rule.passed for rule in first)
    return Explanation(
        customer=proposal.customer.reference,
        campaign=proposal.campaign.id,
        occasion=occasion,
        at=at,
        decision="refuse" if over else _word(decision),
        until=decision.until if isinstance(decision, Wait) and not over else None,
        zones=decision.zones,
        rules=(*first, *decision.rules),
        windows=_windows(proposal, house, between) if between is not None else (),
    )


def _word(decision: Decision) -> str:
    match decision:
        case Dial():
            return "dial"
        case Wait():
            return "wait"
        case Refuse():
            return "refuse"


def _windows(proposal: Proposal, house: House, between: tuple[datetime, datetime]) -> tuple[Opening, ...]:
    """The stretches that campaign, house and customer leave open, in every zone the customer may be in."""
    number = dialable(proposal, house)
    zones = candidates(proposal.customer, number).zones if number is not None else ()
    return tuple(openings(layers(proposal, house), zones, *between)) if zones else ()
