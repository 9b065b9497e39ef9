"""Finds out what became of calls nobody told us about: dead dialers, lost answers, lost webhooks.

The carrier's own record is the truth and webhooks only bring it sooner. An attempt that may have reached the carrier
is given up only when two listings, some time apart, agree that there is no such call; with two candidates a person
decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from dialer.core.lifecycle import AttemptState, Event, EventKind
from dialer.errors import CarrierError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from dialer.engine.desk import Desk
    from dialer.engine.ledger import Ledger
    from dialer.ports import CallReport, Clock, Telephony
    from dialer.store import Open, Store

log = structlog.get_logger(__name__)

CLOCK_ERROR = timedelta(seconds=5)
"""How far the carrier's clock may be from ours when calls are matched by their creation."""

MOST_FAILURES = 3
"""Questions in a row without an answer after which the carrier itself is away and the round is over."""

PUT_OFF = timedelta(minutes=1)
"""How long a question without an answer waits, so that the next round begins with others."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait before concluding anything."""

    lease: timedelta = timedelta(seconds=60)  # a dialer that has not come back by then is dead
    listing_lag: timedelta = timedelta(seconds=60)  # the carrier's list may be this much behind
    silence: timedelta = timedelta(minutes=7)  # a call nobody spoke of for so long is asked about

    unanswered: timedelta = timedelta(seconds=90)  # no phone rings longer: one that was not answered by then has ended

    @property
    def before_answer(self) -> timedelta:
        """How long a call that nobody has answered may be silent: never longer than any other."""
        return min(self.unanswered, self.silence)

    @property
    def before_listing(self) -> timedelta:
        """From the intent to the first listing: whatever was on its way has arrived and can be seen."""
        return self.lease + self.listing_lag


class Reconciler:
    """Asks the carrier about everything that is overdue."""

    def __init__(
        self, *, store: Store, desk: Desk, ledger: Ledger, telephony: Telephony, clock: Clock, patience: Patience
    ) -> None:
        self._store = store
        self._desk = desk
        self._ledger = ledger
        self._telephony = telephony
        self._clock = clock
        self._patience = patience
        self._put_off: dict[str, datetime] = {}

    async def round(self) -> int:
        """One look at all that is overdue; how many attempts were looked at. A silent carrier is logged."""
        looked = 0
        try:
            looked += await self._forsaken()
            looked += await self._unknown()
            now = self._clock.now()
            looked += await self._silent(now - self._patience.silence, now - self._patience.before_answer)
        except CarrierError as error:
            log.warning("carrier_cannot_be_asked", error=str(error))
        return looked

    async def after_restart(self) -> int:
        """What went on while nobody listened: ask about every call the carrier had."""
        try:
            return await self._silent(self._clock.now())
        except CarrierError as error:
            log.warning("carrier_cannot_be_asked", error=str(error))
            return 0

    async def _forsaken(self) -> int:
        """Attempts of a dialer that died: what was not sent is dropped, what may have been sent is unknown."""
        now = self._clock.now()
        found = await self._desk.ask(self._store.attempts.forsaken, now)
        for one in found:
            lost = one.state is AttemptState.DIALING
            kind = EventKind.LOST if lost else EventKind.DROPPED
            log.warning("attempt_forsaken", attempt=one.token, state=one.state.value)
            await self._ledger.record(Event(one.token, kind, kind.value, now, "dialer", failure="its dialer died"))
        return len(found)

    async def _unknown(self) -> int:
        now = self._clock.now()
        due = [one for one in await self._desk.ask(self._store.attempts.unknown) if self._may_be_listed(one, now)]
        await self._each(due, lambda one: self._look_up(one, now), now)
        return len(due)

    def _may_be_listed(self, one: Open, now: datetime) -> bool:
        if one.listed_absent is not None:
            return now >= one.listed_absent + self._patience.listing_lag
        return now >= one.created + self._patience.before_listing

    async def _each(self, found: Sequence[Open], ask: Callable[[Open], Awaitable[None]], now: datetime) -> None:
        """Ask about one after the other. One about which the carrier cannot be asked must not hide those behind it."""
        self._put_off = {token: until for token, until in self._put_off.items() if until > now}
        failures = 0
        for one in found:
            if one.token in self._put_off:
                continue
            try:
                await ask(one)
            except CarrierError:
                self._put_off[one.token] = now + PUT_OFF
                failures += 1
                if failures == MOST_FAILURES:
                    raise
                log.warning("carrier_cannot_be_asked_about", attempt=one.token)
            else:
                failures = 0

    async def _look_up(self, one: Open, now: datetime) -> None:
        """Find the call in the carrier's list: the number had no other open attempt, so a call to it is this one."""
        found = await self._telephony.find(one.number, one.created - CLOCK_ERROR, now)
        taken = await self._desk.ask(self._store.attempts.bound, [call.carrier_call_id for call in found])
        mine = [call for call in found if call.carrier_call_id not in taken]
        if len(mine) == 1:
            log.info("unknown_call_found", attempt=one.token, carrier_call=mine[0].carrier_call_id)
            await self._ledger.record(*as_events(one.token, mine[0], now))
        elif mine:
            log.error("several_calls_could_be_this_one", attempt=one.token, calls=len(mine))
            await self._ledger.record(Event(one.token, EventKind.AMBIGUOUS, "ambiguous", now, "poll"))
        elif one.listed_absent is None:
            await self._desk.ask(self._store.attempts.listed_absent, one.token, now)
        else:
            log.info("unknown_call_never_placed", attempt=one.token)
            await self._ledger.record(Event(one.token, EventKind.ABSENT, "absent", now, "poll"))

    async def _silent(self, since: datetime, unanswered: datetime | None = None) -> int:
        """Calls whose webhooks were lost."""
        now = self._clock.now()
        found = await self._desk.ask(self._store.attempts.silent, since, unanswered=unanswered)
        asked: list[str] = []

        async def ask(one: Open) -> None:
            call = await self._telephony.fetch(one.carrier_call_id)
            asked.append(one.token)
            if call is None:
                log.error("carrier_forgot_a_call", attempt=one.token, carrier_call=one.carrier_call_id)
            else:
                await self._ledger.record(*as_events(one.token, call, now))

        try:
            await self._each(found, ask, now)
        finally:
            if asked:
                await self._desk.ask(self._store.attempts.looked_at, asked, now)
        return len(found)


def as_events(token: str, call: CallReport, now: datetime) -> list[Event]:
    """The carrier's record as events: that it has the call, and how far the call has come."""
    placed = Event(token, EventKind.PLACED, "found", now, "poll", carrier_call_id=call.carrier_call_id)
    reached = Event(
        token,
        call.kind,
        f"poll:{call.kind.value}",
        call.at or now,
        "poll",
        carrier_call_id=call.carrier_call_id,
        network=call.network,
        answered_by=call.answered_by,
        talk=call.talk,
        failure=call.failure,
    )
    return [placed, reached]
