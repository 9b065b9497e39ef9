"""What agents do at their screens: get ready, look, dial, talk, write down, finish; and what they see meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from dialer.core.agent import AgentState, Move
from dialer.core.lifecycle import RECORD, Event, EventKind, Mark
from dialer.core.outcome import AnsweredBy, Disposition
from dialer.core.promise import resolve
from dialer.core.wall_clock import local, midnight
from dialer.core.zones import is_zone
from dialer.engine import agent_view, script_pages
from dialer.engine.agent_view import AgentView, NextStep, Record
from dialer.engine.call_view import BUILT_IN, call_view
from dialer.errors import CarrierError, InputError, NotFoundError, Problem
from dialer.store import reservations
from dialer.store.presences import PARKED

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.core.campaign import Campaign
    from dialer.engine.changes import Changes
    from dialer.engine.desk import Desk
    from dialer.engine.dial import Dialer
    from dialer.engine.floor import Floor
    from dialer.engine.ledger import Ledger
    from dialer.ports import Clock, Telephony
    from dialer.store import Briefing, Seat, Store
    from dialer.store.agent_calls import InHand

AHEAD: Final = timedelta(hours=12)
FARTHEST: Final = timedelta(days=60)
"""Farther ahead than this is no appointment but a mistyped date."""

_SAY_FIRST: Final = "choose what came of it: the script has established nothing"


class Shifts:
    """The agents' side of the program."""

    def __init__(
        self,
        *,
        store: Store,
        desk: Desk,
        reading: Desk,
        ledger: Ledger,
        telephony: Telephony,
        clock: Clock,
        changes: Changes,
        dialer: Dialer,
        floor: Floor,
    ) -> None:
        self._store = store
        self._desk = desk
        self._reading = reading
        self._ledger = ledger
        self._telephony = telephony
        self._clock = clock
        self._changes = changes
        self._dialer = dialer
        self._floor = floor
        self._seen: dict[str, float] = {}  # staff number -> the last sign of life written down, monotonic

    async def view(self, staff_number: str) -> AgentView:
        """Everything on an agent's screen."""
        return await self._reading.ask(self._view, staff_number, self._clock.now())

    def _view(self, staff_number: str, now: datetime) -> AgentView:
        seat = self._seat(staff_number)
        campaigns = tuple(
            (one.campaign.id, one.campaign.title)
            for one in self._store.campaigns.all()
            if one.campaign.agents is not None and one.campaign.agents.takes(seat.agent, one.campaign.language)
        )
        ahead = tuple(
            agent_view.Ahead(one.at, one.what, one.reference, one.name, one.campaign, one.note)
            for one in self._store.agent_calls.ahead(seat.names, now + AHEAD)
        )
        zone = self._store.house.zone
        today = self._store.agent_calls.today(staff_number, midnight(local(now, zone).date(), zone))
        view = AgentView(seat.agent, seat.presence, seat.leg, seat.leg_tries, None, ahead, campaigns, today)
        if not seat.presence.in_hand:
            return view
        token = self._token(seat)
        briefing = self._store.attempts.briefing(token) if token else None
        held = self._store.agent_calls.in_hand(token) if token else None
        if briefing is None or held is None:
            return view
        past = self._store.agent_calls.past(held.customer_id, token)
        return replace(view, call=call_view(seat, briefing, held, past, now))

    def _seat(self, staff_number: str) -> Seat:
        seat = self._store.presences.get(staff_number)
        if seat is None:
            raise NotFoundError(f"nobody has the staff number {staff_number!r}; `dialer agents list` shows everybody")
        return seat

    def _token(self, seat: Seat) -> str:
        latest = self._store.engagements.latest(seat.key)
        return latest[0] if latest is not None else ""

    async def sign_in(self, staff_number: str) -> None:
        """The agent is there, and not ready yet."""
        await self._seen_now(staff_number)
        await self._move(staff_number, Move.SIGN_IN, "signed in")

    async def sign_out(self, staff_number: str, by: str = "") -> None:
        """The agent goes; with a customer in hand, when that is over. What they only looked at goes back."""
        seat = await self._desk.ask(self._seat, staff_number)
        latest = await self._desk.ask(self._store.engagements.latest, seat.key)
        if latest is not None and latest[1] == reservations.PREVIEW:
            await self._floor.let_go(seat, "signed out")
        await self._move(staff_number, Move.SIGN_OUT, "", by)

    async def get_ready(self, staff_number: str) -> None:
        """The agent takes customers; their telephone is called if it is not on the line."""
        seat = await self._desk.ask(self._seat, staff_number)
        if not seat.agent.address:
            mend = "a manager enters it under People, or `dialer agents change` does"
            raise InputError([Problem("telephone", "you have no telephone number or SIP address", mend)])
        await self._desk.ask(self._store.presences.tries_forgotten, seat.key)
        await self._seen_now(staff_number)
        await self._move(staff_number, Move.GET_READY)

    async def pause(self, staff_number: str, reason: str, by: str = "") -> None:
        """The agent takes no customer for now; with one in hand, when that is over."""
        await self._move(staff_number, Move.PAUSE, reason, by)

    async def _move(self, staff_number: str, what: Move, reason: str = "", by: str = "") -> None:
        moved = await self._desk.ask(
            self._store.presences.move, staff_number, what, self._clock.now(), reason=reason, by=by or staff_number
        )
        if moved is not None:
            self._changes.happened()

    def seen(self, staff_number: str) -> None:
        """The agent's screen is there. Written down at most every few seconds, together with others'."""
        self._seen[staff_number] = self._clock.monotonic()

    async def write_seen(self) -> None:
        """Write down whose screens gave a sign of life since the last time."""
        seen, self._seen = self._seen, {}
        if seen:
            await self._desk.ask(self._store.presences.seen, list(seen), self._clock.now())

    async def _seen_now(self, staff_number: str) -> None:
        await self._desk.ask(self._store.presences.seen, [staff_number], self._clock.now())

    # What follows is about one call, `attempt`: what was meant for it never reaches the next one.

    async def dial(self, staff_number: str, attempt: str) -> None:
        """Dial the customer whose file the agent looked at."""
        seat, _, held = await self._in_hand(staff_number, attempt)
        if held.reserved != reservations.PREVIEW:
            raise InputError([Problem("call", "it is dialed already", "wait until somebody answers")])
        if seat.leg != PARKED:
            raise InputError([Problem("telephone", "yours is not on the line", "pick it up; it is being called")])
        if not await self._dialer.previewed(attempt):
            facts = await self._desk.ask(self._store.attempts.facts, attempt)
            why = facts.failure or "no line is free at this moment"
            raise InputError([Problem("call", f"it cannot be made now: {why}", "`why` says more; the next one comes")])
        self._changes.happened()

    async def skip(self, staff_number: str, attempt: str, reason: str) -> None:
        """Give back what was looked at, with the reason."""
        _, _, held = await self._in_hand(staff_number, attempt)
        if held.reserved != reservations.PREVIEW:
            raise InputError([Problem("call", "it is dialed already", "hang up instead")])
        if not reason.strip():
            raise InputError([Problem("reason", "is missing", "say why this customer is not called now")])
        await self._floor.skip(attempt, reason.strip()[:200])

    async def answer(self, staff_number: str, attempt: str, node: str, tries: int, key: str) -> None:
        """Enter the customer's answer to the question on the page; of a page left already, nothing happens."""
        _, briefing, held = await self._in_hand(staff_number, attempt)
        _spoken_to(held)
        now = self._clock.now()
        page = script_pages.page(briefing, held.facts, now)
        if (page.node, page.tries) != (node, tries) or key not in {option.key for option in page.options}:
            return
        marks = script_pages.entered(briefing, held.facts, node, key, now)
        await self._ledger.record(*(self._heard(attempt, mark, staff_number) for mark in marks))
        self._changes.happened()

    async def back(self, staff_number: str, attempt: str) -> None:
        """Turn back to the question before."""
        _, _, held = await self._in_hand(staff_number, attempt)
        _spoken_to(held)
        mark = script_pages.back(held.facts)
        if mark is not None:
            await self._ledger.record(self._heard(attempt, mark, staff_number))
            self._changes.happened()

    async def hang_up(self, staff_number: str, attempt: str) -> None:
        """End the conversation; the agent's telephone stays on the line."""
        _, _, held = await self._in_hand(staff_number, attempt)
        if held.facts.is_open and held.facts.carrier_call_id:
            try:
                await self._telephony.hang_up(held.facts.carrier_call_id)
            except CarrierError as error:
                mend = "try again; the customer can hang up too"
                raise InputError([Problem("call", "the carrier did not end it", mend)]) from error
        await self._desk.ask(self._store.reservations.parted, attempt, self._clock.now())
        self._changes.happened()

    async def write(self, staff_number: str, attempt: str, record: Record) -> bool:
        """Write down what came of the conversation in place of what stood there; whether it says more than notes.

        What is chosen holds from now on: a wish not to be called again does not wait until the record is finished.
        """
        _, briefing, held = await self._in_hand(staff_number, attempt)
        chosen = await self._write(staff_number, briefing, held, record)
        self._changes.happened()
        return chosen

    async def finish(self, staff_number: str, attempt: str, record: Record) -> None:
        """Write it down and be done with it: the agent is ready again, or where they asked to be."""
        seat, briefing, held = await self._in_hand(staff_number, attempt)
        if seat.presence.state is not AgentState.WRAP_UP:
            raise InputError([Problem("call", "it is not over", "hang up first")])
        await self._write(staff_number, briefing, held, record)
        facts = await self._desk.ask(self._store.attempts.facts, attempt)
        if facts.disposition is Disposition.NONE:
            raise InputError([Problem("outcome", "is missing", _SAY_FIRST)])
        await self._ledger.record(Event(attempt, EventKind.WRAPPED, "wrapped", self._clock.now(), "person"))
        self._changes.happened()

    async def _write(self, staff_number: str, briefing: Briefing, held: InHand, record: Record) -> bool:
        mark = _mark(briefing, held, record, self._clock.now())
        if mark is not None:
            _spoken_to(held)
        await self._desk.ask(self._store.agent_calls.write_notes, briefing.token, record.notes[:5000])
        if mark is not None:
            event = self._heard(briefing.token, mark, staff_number)
            if mark.disposition is not Disposition.MESSAGE_LEFT:
                event = replace(event, answered_by=AnsweredBy.HUMAN)
            await self._ledger.record(event)
        return mark is not None

    def _heard(self, token: str, mark: Mark, staff_number: str) -> Event:
        key = f"agent:{mark.node}:{mark.tries}:{mark.digits}"
        detail = {"agent": staff_number}
        return Event(token, EventKind.HEARD, key, self._clock.now(), "person", mark=mark, detail=detail)

    async def _in_hand(self, staff_number: str, attempt: str) -> tuple[Seat, Briefing, InHand]:
        return await self._desk.ask(self._find, staff_number, attempt)

    def _find(self, staff_number: str, attempt: str) -> tuple[Seat, Briefing, InHand]:
        seat = self._seat(staff_number)
        token = self._token(seat) if seat.presence.in_hand else ""
        briefing = self._store.attempts.briefing(token) if token else None
        held = self._store.agent_calls.in_hand(token) if token else None
        if briefing is None or held is None:
            raise InputError([Problem("call", "you have no customer in hand", "wait for the next one")])
        if token != attempt:
            raise InputError([Problem("call", "it is over and its record is closed", "go on with the one in hand")])
        return seat, briefing, held


def _spoken_to(held: InHand) -> None:
    """Only who talked to a customer knows what came of it."""
    if held.facts.connected_at is None:
        what = "nobody has spoken to this customer yet"
        raise InputError(
            [Problem("conversation", what, "dial, skip or hang up; what came of it is entered in the call")]
        )


def _mark(briefing: Briefing, held: InHand, record: Record, now: datetime) -> Mark | None:
    """The agent's own words about the call; None when they say nothing beside the notes."""
    if record.next_step is NextStep.PROMISE and held.facts.disposition is Disposition.OPTED_OUT:
        what = "this customer asked never to be called again, which holds"
        raise InputError([Problem("next step", what, "finish the record without a promise")])
    disposition, code = _outcome(briefing.campaign, record)
    at, zone = None, ""
    if record.next_step is NextStep.PROMISE:
        at, zone = _promised(briefing, held, record, now)
    tries = 1 + max((mark.tries for mark in held.facts.marks), default=0)
    last = max((mark for mark in held.facts.marks if mark.node == RECORD), key=lambda mark: mark.tries, default=None)
    mark = Mark(
        RECORD,
        tries,
        disposition=disposition,
        code=code,
        promise_at=at,
        zone=zone,
        another_agent=record.another_agent,
        case=record.next_step is NextStep.CASE,
        person=record.person if record.next_step is NextStep.CASE else "",
    )
    if last is None:
        return mark if disposition is not Disposition.NONE or record.another_agent or mark.case else None
    return None if replace(mark, tries=last.tries) == last else mark


def _outcome(campaign: Campaign, record: Record) -> tuple[Disposition, str]:
    match record.next_step:
        case NextStep.OPT_OUT:
            return Disposition.OPTED_OUT, ""
        case NextStep.WRONG_NUMBER:
            return Disposition.WRONG_PERSON, ""
        case NextStep.PROMISE:
            return Disposition.PROMISED, ""
        case _:
            pass
    if not record.outcome:
        return Disposition.NONE, ""
    own = campaign.outcomes.get(record.outcome)
    if own is not None:
        return own.counts_as, record.outcome
    if record.outcome not in BUILT_IN:
        known = ", ".join([*campaign.outcomes, *BUILT_IN])
        raise InputError([Problem("outcome", f"there is no outcome {record.outcome!r}", f"expected one of {known}")])
    return Disposition(record.outcome), ""


def _promised(briefing: Briefing, held: InHand, record: Record, now: datetime) -> tuple[datetime, str]:
    """The instant the customer named, and the zone they confirmed with it."""
    if record.at is None:
        raise InputError([Problem("time", "is missing", "enter the day and the time the customer named")])
    zone = record.zone or held.facts.zone or briefing.customer.zone
    zones = (zone,) if zone else briefing.zones
    if any(not is_zone(one) for one in zones):
        raise InputError([Problem("zone", f"there is no time zone {zone!r}", "choose one of the list")])
    meant = {resolve(record.at, one)[0] for one in zones}
    if len(meant) != 1:
        what = f"this time means another instant in each of {', '.join(zones)}"
        raise InputError([Problem("zone", what, "ask where the customer is, and choose the zone")])
    at = meant.pop()
    if not now < at <= now + FARTHEST:
        raise InputError([Problem("time", "has passed, or is too far ahead", "agree a time within the next 60 days")])
    return at, record.zone
