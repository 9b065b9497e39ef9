"""Takes back calls that nobody has answered yet, when a wish not to be called arrives while the phone rings.

The gate stops every call that was not sent. What the carrier has already can only be canceled there; its webhook then
tells the end as it does of any call. A conversation that goes on is never cut.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING, Final

import structlog

from dialer.errors import CarrierError

if TYPE_CHECKING:
    from dialer.engine.desk import Desk
    from dialer.ports import Clock, Telephony
    from dialer.store import Store
    from dialer.store.suppressions import Forbidden

log = structlog.get_logger(__name__)

AGAIN: Final = timedelta(seconds=3)
"""How long the carrier has to end a call, or to be back, before it is asked again."""


class Recall:
    """Looks for calls that are forbidden by now. What another process wrote counts as well: it asks the store."""

    def __init__(self, *, store: Store, desk: Desk, telephony: Telephony, clock: Clock) -> None:
        self._store = store
        self._desk = desk
        self._telephony = telephony
        self._clock = clock
        self._asked: dict[str, float] = {}  # attempt -> when the carrier was asked, on the monotonic clock

    async def round(self) -> int:
        """One look; how many calls the carrier was asked to cancel. A silent carrier is logged and asked again."""
        found = await self._desk.ask(self._store.suppressions.forbidden)
        now = self._clock.monotonic()
        known = {one.token for one in found}
        self._asked = {token: at for token, at in self._asked.items() if token in known}
        due = [one for one in found if now >= self._asked.get(one.token, -inf) + AGAIN.total_seconds()]
        self._asked |= {one.token: now for one in due}
        await asyncio.gather(*(self._cancel(one) for one in due))
        return len(due)

    async def _cancel(self, one: Forbidden) -> None:
        about = {"attempt": one.token, "on": one.stop.on, "scope": one.stop.scope, "source": one.stop.source}
        try:
            ended = await self._telephony.cancel(one.carrier_call_id)
        except CarrierError:
            log.warning("ringing_call_not_recalled", **about)
        else:
            log.info("ringing_call_recalled", ended=ended, **about)
