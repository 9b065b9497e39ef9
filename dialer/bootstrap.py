"""Where the program is wired: settings become a store, a carrier and a clock, and those become a dialer."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from dialer import settings as settings_file
from dialer.core.admission import House
from dialer.core.clocks import zone_data_version
from dialer.core.hours import Hours
from dialer.core.rule_book import RuleBook
from dialer.engine.board import Boards
from dialer.engine.bridge import Bridge
from dialer.engine.changes import Changes
from dialer.engine.conversation import Conversations
from dialer.engine.desk import Desk
from dialer.engine.dial import Dialer, Line
from dialer.engine.floor import Floor
from dialer.engine.ledger import Ledger
from dialer.engine.pace import Pace
from dialer.engine.pacing import Pacing
from dialer.engine.parking import Parking
from dialer.engine.recall import Recall
from dialer.engine.reconcile import Patience, Reconciler
from dialer.engine.shifts import Shifts
from dialer.errors import InputError, Problem
from dialer.rule_files import holiday_data_version, load_rules
from dialer.store import Store
from dialer.telephony import CARRIERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dialer.core.calendars import Calendar
    from dialer.core.rules import Preset
    from dialer.ports import Clock, Telephony
    from dialer.settings import Settings

REQUEST_TIMEOUT = timedelta(seconds=10)
"""How long the carrier may take to answer one request."""

CLERKS = 4
"""Transactions at once on PostgreSQL. SQLite writes one at a time."""

READERS = 2
"""Screens that are read at once."""


class SystemClock:
    """The machine's clock. Nothing else in the program reads it."""

    def now(self) -> datetime:
        """The current instant in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one place

    def monotonic(self) -> float:
        """Seconds that only move forward."""
        return time.monotonic()

    async def sleep(self, duration: timedelta) -> None:
        """Return after `duration`."""
        await asyncio.sleep(duration.total_seconds())


@cache
def settings() -> Settings:
    """The settings of this installation, read once. SettingsError names all that are wrong."""
    return settings_file.load()


def now() -> datetime:
    """The current instant, for commands."""
    return SystemClock().now()


def house(given: Settings) -> House:
    """The rules that hold for every campaign."""
    return House(
        hours=Hours.daily("house", given.house_window),
        allowed_countries=given.allowed_countries,
        spacing=given.minimum_spacing,
        zone=str(given.house_zone),
        rules=rule_book(given),
        floors=given.floors,
        person=given.duty_person,
        editions={"zones": zone_data_version(), "holidays": holiday_data_version()},
    )


def rule_book(given: Settings) -> RuleBook:
    """The presets in force. They are read when the gate first asks, for many commands never do."""
    folders = [given.rules] if given.rules is not None else []

    def presets() -> tuple[Preset, ...]:
        return load_rules(folders, given.holidays)[0]

    def calendars(year: int) -> Mapping[str, Calendar]:
        return load_rules(folders, given.holidays)[1](year)

    return RuleBook(presets, calendars)


def open_store(given: Settings | None = None) -> Store:
    """The store of this installation, its schema up to date."""
    given = given or settings()
    return Store.open(given.database_url, house(given))


def open_telephony(given: Settings) -> Telephony:
    """The carrier that the settings name."""
    given.require_carrier()
    if given.telephony not in CARRIERS:
        known = ", ".join(sorted(CARRIERS))
        raise InputError(
            [Problem("DIALER_TELEPHONY", f"{given.telephony!r} is no carrier", f"expected one of: {known}")]
        )
    return CARRIERS[given.telephony](
        account=given.account_sid,
        secret=given.auth_token.get_secret_value(),
        api_url=given.twilio_api_url,
        public_url=given.public_url,
        timeout=REQUEST_TIMEOUT,
        connections=min(given.max_concurrent_calls, 100),
    )


@dataclass(frozen=True, slots=True)
class Works:
    """A wired dialer, ready to be run."""

    settings: Settings
    clock: Clock
    store: Store
    desk: Desk
    reading: Desk  # for screens, so that nobody who waits on the telephone waits behind a report
    telephony: Telephony
    ledger: Ledger
    conversations: Conversations
    dialer: Dialer
    reconciler: Reconciler
    recall: Recall
    changes: Changes
    parking: Parking
    floor: Floor
    pacing: Pacing
    shifts: Shifts
    boards: Boards


def assemble(given: Settings, *, clock: Clock | None = None, telephony: Telephony | None = None) -> Works:
    """Wire everything that calls customers."""
    clock = clock or SystemClock()
    telephony = telephony or open_telephony(given)
    store = open_store(given)
    desk = Desk(1 if store.database.is_sqlite else CLERKS)
    reading = Desk(READERS)
    changes = Changes()
    ledger = Ledger(store, desk, telephony, clock)
    shared: dict[str, Any] = {"store": store, "desk": desk, "telephony": telephony, "clock": clock}
    bridge = Bridge(**shared, ledger=ledger, changes=changes, public_url=given.public_url)
    conversations = Conversations(**shared, ledger=ledger, public_url=given.public_url, bridge=bridge)
    dialer = Dialer(
        **shared,
        ledger=ledger,
        conversations=conversations,
        pace=Pace(given.calls_per_second, clock.monotonic()),
        line=Line(given.public_url, given.caller_id, given.max_concurrent_calls, given.lease, given.vip_share),
        owner=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
    )
    patience = Patience(given.lease, given.listing_lag, given.silence)
    floor = Floor(**shared, ledger=ledger, changes=changes, dialer=dialer, bridge=bridge)
    pacing = Pacing(**shared, changes=changes, dialer=dialer)
    ledger.listen(pacing.hear)
    ledger.listen(lambda told: changes.happened() if told.staffed else None)
    return Works(
        settings=given,
        **shared,
        reading=reading,
        ledger=ledger,
        conversations=conversations,
        dialer=dialer,
        reconciler=Reconciler(**shared, ledger=ledger, patience=patience),
        recall=Recall(**shared),
        changes=changes,
        parking=Parking(
            **shared,
            changes=changes,
            dialer=dialer,
            bridge=bridge,
            floor=floor,
            public_url=given.public_url,
            caller_id=given.caller_id,
        ),
        floor=floor,
        pacing=pacing,
        shifts=Shifts(**shared, reading=reading, ledger=ledger, changes=changes, dialer=dialer, floor=floor),
        boards=Boards(store=store, desk=reading, clock=clock, paces=lambda: pacing.paces),
    )
