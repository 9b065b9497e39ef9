"""Puts together what an agent sees of the customer in hand."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from dialer.core.agent import AgentState
from dialer.core.lifecycle import AttemptState
from dialer.core.outcome import Disposition
from dialer.core.staffing import AtZero, Mode
from dialer.core.steps import SETTLED
from dialer.engine.agent_view import CallView, Choice, PastCall, Stage
from dialer.engine.script_pages import answers, page
from dialer.store import reservations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from dialer.core.campaign import Campaign
    from dialer.core.customer import Customer
    from dialer.store import Briefing, Seat
    from dialer.store.agent_calls import InHand, Past

BUILT_IN: Final = (*(disposition.value for disposition in SETTLED), Disposition.MESSAGE_LEFT.value)
"""Outcomes that every campaign has; promises and opt-outs are next steps."""


def call_view(seat: Seat, briefing: Briefing, held: InHand, past: Sequence[Past], now: datetime) -> CallView:
    """The customer in hand, as the agent's screen shows them."""
    campaign, customer, facts = briefing.campaign, briefing.customer, held.facts
    stage = _stage(seat, held)
    since = held.reserved_at if stage is Stage.PREVIEW else seat.presence.since
    talk = facts.connected_at or seat.presence.since
    staffing = campaign.agents
    return CallView(
        attempt=briefing.token,
        campaign=campaign.id,
        title=campaign.title,
        mode=campaign.mode,
        stage=stage,
        since=since,
        reference=customer.reference,
        name=customer.name,
        salutation=customer.salutation,
        tier=customer.tier,
        language=campaign.language,
        number=briefing.number,
        zones=(facts.zone,) if facts.zone else briefing.zones,
        region=customer.region,
        fields=_fields(campaign, customer),
        page=page(briefing, facts, now),
        answers=answers(facts),
        history=tuple(_past(one) for one in past),
        outcomes=_outcomes(campaign),
        chosen=facts.code or ("" if facts.disposition is Disposition.NONE else facts.disposition.value),
        notes=held.notes,
        promise_at=facts.promise_at,
        ends_at=_ends(campaign, stage, since),
        dials_at_zero=staffing is None or staffing.at_zero is AtZero.DIAL,
        warn_at=talk + staffing.warn_after if staffing is not None else None,
        flag_at=talk + staffing.flag_after if staffing is not None else None,
        promised_for=held.promised_for,
    )


def _stage(seat: Seat, held: InHand) -> Stage:
    if held.reserved == reservations.PREVIEW and held.facts.state is AttemptState.INTENT:
        return Stage.PREVIEW
    if seat.presence.state is AgentState.WRAP_UP:
        return Stage.WRAP_UP
    return Stage.CONNECTED if seat.presence.state is AgentState.ON_CALL else Stage.DIALING


def _ends(campaign: Campaign, stage: Stage, since: datetime) -> datetime | None:
    staffing = campaign.agents
    if staffing is None:
        return None
    lengths: dict[Stage, timedelta] = {Stage.WRAP_UP: staffing.wrap_up}
    if staffing.mode is Mode.PREVIEW:
        lengths[Stage.PREVIEW] = staffing.countdown
    return since + lengths[stage] if stage in lengths else None


def _fields(campaign: Campaign, customer: Customer) -> Mapping[str, str]:
    """The customer's own fields that the campaign declares, as people read them."""
    return {name: str(value) for name in campaign.fields if (value := customer.value(name)) is not None}


def _outcomes(campaign: Campaign) -> tuple[Choice, ...]:
    own = [Choice(code, one.label, one.counts_as) for code, one in campaign.outcomes.items()]
    return (*own, *(Choice(code, "", Disposition(code)) for code in BUILT_IN))


def _past(one: Past) -> PastCall:
    talk = None if one.talk_seconds is None else timedelta(seconds=one.talk_seconds)
    return PastCall(one.at, one.campaign, one.ending, one.agent, talk, one.notes, one.answers)
