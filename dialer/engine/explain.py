"""Answers "why?": asks the very gate that decides, for any customer at any instant, and shows each rule's answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dialer.core import duty
from dialer.core.admission import Dial, House, Proposal, Refuse, Rule, Wait, decide, dialable
from dialer.core.call_times import layers
from dialer.core.day_windows import day_windows, joined, ranges_on
from dialer.core.limit_use import limit_uses
from dialer.core.limits import Call
from dialer.core.record import CallbackState
from dialer.core.rule_book import NOTHING
from dialer.core.staffing import Mode
from dialer.core.suppression import scopes_of
from dialer.core.wall_clock import local
from dialer.core.zones import candidates
from dialer.engine.enrol import reason_to_call
from dialer.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, timedelta

    from dialer.core.admission import Decision
    from dialer.core.day_windows import DayWindows
    from dialer.core.hours import DailyRange, Hours, Opening
    from dialer.core.limit_use import LimitUse
    from dialer.core.phone import PhoneNumber
    from dialer.core.rule_book import Binding
    from dialer.core.suppression import Stop
    from dialer.store import Enrolment, Seat, Standing, Store
    from dialer.store.callbacks import Enrolled


@dataclass(frozen=True, slots=True)
class PresetToday:
    """A preset that took part, and what it allows on the customer's date, in each zone they may be in."""

    id: str
    kind: str
    lifted: bool  # by the time the customer chose
    today: tuple[tuple[str, datetime, tuple[DailyRange, ...]], ...]  # zone, the wall clock there, the hours


@dataclass(frozen=True, slots=True)
class Listed:
    """A wish not to be called, and whether it stops this campaign."""

    stop: Stop
    holds: bool


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
    known_by: str = ""  # how the zones are known
    presets: tuple[PresetToday, ...] = ()
    limits: tuple[LimitUse, ...] = ()
    lists: tuple[Listed, ...] = ()
    days: tuple[DayWindows, ...] = ()
    due: datetime | None = None  # since when there is a reason to call; None when nobody is enrolled and none is known
    deadline: datetime | None = None  # None when the customer is not enrolled
    slack: timedelta | None = None  # callable time between `at` and the deadline

    @property
    def windows(self) -> tuple[Opening, ...]:
        """The stretches of the days in which every layer is open."""
        return joined(self.days)


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
    seats = store.presences.all()
    for standing in standings:
        agents = list(_agents(standing, seats))
        mine = [one for one in enrolled if one.proposal.campaign.id == standing.campaign.id]
        found += [
            _timed(
                _explain(one.proposal, house, at, one.occasion, _standing_rules(one.state, one.note), between, agents),
                one,
                house,
            )
            for one in mine
        ]
        if not mine:
            proposal = store.callbacks.hypothetical(reference, standing, at)
            reason = _reason(proposal, standing, at, house)
            if reason is not None:
                proposal = replace(proposal, due=reason.due)
            first = _not_enrolled(proposal, standing, at, house, reason)
            found.append(_explain(proposal, house, at, "", first, between, agents))
    return found


def _agents(standing: Standing, seats: Sequence[Seat]) -> Iterator[Rule]:
    """Whether somebody is there to talk, in a campaign whose calls agents take; at this moment, whatever was asked."""
    campaign = standing.campaign
    if campaign.agents is None:
        return
    able = [seat for seat in seats if seat.agent.address and campaign.agents.takes(seat.agent, campaign.language)]
    free = [seat for seat in able if seat.is_free]
    busy = [seat for seat in able if seat.presence.in_hand]
    if free:
        yield Rule("agent", True, f"{len(free)} agents are ready at this moment")
    elif busy:
        ahead = campaign.agents.mode is Mode.PREDICTIVE  # which dials for those who will be free
        yield Rule("agent", ahead, f"all {len(busy)} agents who are ready have a customer at this moment")
    elif able:
        yield Rule("agent", False, f"none of the {len(able)} agents of this campaign is ready at this moment")
    else:
        yield Rule("agent", False, "nobody who works here may take calls of this campaign: see its teams and skills")


def _timed(told: Explanation, one: Enrolled, house: House) -> Explanation:
    """With when the callback is due, by when, and the callable time left; none is left of what is over."""
    over = one.state in {CallbackState.DONE, CallbackState.CLOSED}
    slack = None if over else duty.slack(one.proposal, house, told.at, one.deadline)
    return replace(told, due=one.due, deadline=one.deadline, slack=slack)


def _standing_rules(state: CallbackState, note: str) -> list[Rule]:
    """The callback's own state comes before any rule: what is over, or waits for a person, is not called."""
    if state in {CallbackState.DONE, CallbackState.CLOSED, CallbackState.HELD}:
        return [Rule("callback", False, f"{state.value}: {note}")]
    return [Rule("callback", True, f"enrolled, {state.value}")]


def _reason(proposal: Proposal, standing: Standing, at: datetime, house: House) -> Enrolment | None:
    """The reason to call somebody who is not enrolled; its number of the customer means nothing."""
    return reason_to_call(standing.campaign, 0, proposal.customer, standing.applied, house.zone, at)


def _not_enrolled(
    proposal: Proposal, standing: Standing, at: datetime, house: House, reason: Enrolment | None
) -> list[Rule]:
    today = local(at, house.zone).date()
    if not standing.campaign.who.selects(proposal.customer, today):
        return [Rule("target", False, "the campaign's filter does not select this customer")]
    if reason is None:
        return [Rule("callback", False, "the customer file does not say the date that the call hangs on")]
    if reason.due > at:
        words = f"not due before {local(reason.due, house.zone):%a %Y-%m-%d %H:%M} {house.zone}"
        return [Rule("callback", False, words, reason.due)]
    return [Rule("callback", False, "selected by the campaign and not enrolled yet; enrolment runs every few minutes")]


def _explain(
    proposal: Proposal,
    house: House,
    at: datetime,
    occasion: str,
    first: list[Rule],
    between: tuple[datetime, datetime] | None,
    agents: Sequence[Rule] = (),
) -> Explanation:
    decision = decide(proposal, house, at)
    over = any(not rule.passed for rule in first)
    word = _word(decision)
    if word == "dial" and any(not rule.passed for rule in agents):
        word = "wait"  # for somebody to talk to
    number = dialable(proposal, house)
    found = candidates(proposal.customer, number) if number is not None else None
    binding = _binding(proposal, house, number, decision.zones, at)
    return Explanation(
        customer=proposal.customer.reference,
        campaign=proposal.campaign.id,
        occasion=occasion,
        at=at,
        decision="refuse" if over else word,
        until=decision.until if isinstance(decision, Wait) and not over else None,
        zones=decision.zones,
        rules=(*first, *agents, *decision.rules),
        known_by=found.because if found is not None else "",
        presets=tuple(_presets(proposal, binding, decision.zones, at)),
        limits=tuple(_limits(proposal, binding, number, decision.zones, at)) if number is not None else (),
        lists=tuple(Listed(stop, stop.scope in scopes_of(proposal.campaign)) for stop in proposal.stops),
        days=_days(proposal, house, number, decision.zones, between) if between is not None else (),
    )


def _word(decision: Decision) -> str:
    match decision:
        case Dial():
            return "dial"
        case Wait():
            return "wait"
        case Refuse():
            return "refuse"


def _binding(
    proposal: Proposal, house: House, number: PhoneNumber | None, zones: tuple[str, ...], at: datetime
) -> Binding:
    if number is None or not zones:
        return NOTHING
    return house.rules.binding(proposal.campaign, number, proposal.customer.region, zones, at)


def _presets(proposal: Proposal, binding: Binding, zones: tuple[str, ...], at: datetime) -> Iterator[PresetToday]:
    promise = proposal.promise
    chosen = promise is not None and at < promise.until
    clocks = [(zone, local(at, zone)) for zone in zones]
    for preset, hours in zip(binding.presets, binding.hours, strict=True):
        today = tuple((zone, wall, ranges_on(hours, wall.date())) for zone, wall in clocks)
        yield PresetToday(preset.id, preset.kind.value, chosen and preset.yields_to_appointment, today)


def _limits(
    proposal: Proposal, binding: Binding, number: PhoneNumber, zones: tuple[str, ...], at: datetime
) -> Iterator[LimitUse]:
    campaign = proposal.campaign
    call = Call(proposal.customer.reference, number.e164, campaign.id, campaign.matter, zones)
    for preset in binding.presets:
        yield from limit_uses(preset, call, proposal.contacts, at)


def _days(
    proposal: Proposal,
    house: House,
    number: PhoneNumber | None,
    zones: tuple[str, ...],
    between: tuple[datetime, datetime],
) -> tuple[DayWindows, ...]:
    """What campaign, house, presets and customer leave open each day, in every zone the customer may be in."""

    def hours(at: datetime) -> tuple[Hours, ...]:
        return layers(proposal, house, _binding(proposal, house, number, zones, at))

    return tuple(day_windows(hours, zones, *between)) if zones else ()
