"""The exchange: every call there is, how new ones are placed and how running ones are changed."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from dialer.carrier.bulletin import Bulletin
from dialer.carrier.call import Call, Status
from dialer.carrier.clock import Clock
from dialer.carrier.conference import LeaveReason
from dialer.carrier.fault import Fault, Faults
from dialer.carrier.journey import Journey
from dialer.carrier.line import Ended, Redirected
from dialer.carrier.order import Account
from dialer.carrier.pacer import Pacer
from dialer.carrier.people import People
from dialer.carrier.post import Post
from dialer.carrier.progress import Progress
from dialer.carrier.refusal import Refusal, unknown_resource
from dialer.carrier.rooms import Rooms
from dialer.carrier.stay import Floor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dialer.carrier.config import CarrierConfig
    from dialer.carrier.courier import Courier
    from dialer.carrier.fault import Rate
    from dialer.carrier.order import Change, Order
    from dialer.carrier.people import Rule


class Exchange:
    """Holds the calls of one account and lets them live."""

    def __init__(self, config: CarrierConfig, courier: Courier) -> None:
        self.config = config
        self.account = Account(config.caller_ids, config.allowed_prefixes)
        self.clock = Clock(config.speed)
        self.started = self.clock.now()
        self.faults = Faults(config.seed, config.faults)
        self.post = Post(courier, self.faults)
        self.rooms = Rooms(config.account_sid, self.clock, Bulletin(self.post, self.faults, self.clock))
        self._floor = Floor(self.rooms, self.clock, self.faults)
        self._progress = Progress(self.post, self.faults, self.clock)
        self.calls: dict[str, Call] = {}
        self.running = 0
        self.peak = 0
        self._by_number: dict[str, list[Call]] = {}
        self._courier = courier
        self._pacer = Pacer(config.calls_per_second, self.clock)
        self._people = People(config.seed, config.people)
        self._journeys: dict[str, Journey] = {}

    def place(self, order: Order) -> Call:
        """Accept a call into the queue.

        Raises `Refusal` (10004) at the account's limit of concurrent calls, queued ones included. Twilio documents the
        code but not its HTTP status; 429 is a guess.
        """
        limit = self.config.concurrent_calls
        if limit is not None and len(self._journeys) >= limit:
            raise Refusal(10004, "Call concurrency limit exceeded", HTTPStatus.TOO_MANY_REQUESTS)
        earlier = self._by_number.setdefault(order.to, [])
        nth_call = len(earlier) + 1
        call = Call(
            account_sid=self.config.account_sid,
            order=order,
            person=self._people.at(order.to, nth_call),
            nth_call=nth_call,
            created=self.clock.now(),
            visible_from=self._visible_from(order.to, nth_call),
        )
        earlier.append(call)
        self.calls[call.sid] = call
        self._begin(call)
        return call

    def find(self, sid: str) -> Call:
        """A call the API may show. Raises `Refusal` (20404)."""
        call = self.calls.get(sid)
        if call is None or not self.visible(call):
            raise unknown_resource(f"/2010-04-01/Accounts/{self.config.account_sid}/Calls/{sid}.json")
        return call

    def visible(self, call: Call) -> bool:
        """Whether the API knows the call yet: Twilio's reads are eventually consistent."""
        return call.visible_from <= self.clock.monotonic()

    def newest_first(self, to: str) -> Sequence[Call]:
        """The calls to a number, or all of them, as the API lists them."""
        calls = self._by_number.get(to, []) if to else self.calls.values()
        return [call for call in reversed(calls) if self.visible(call)]

    def change(self, call: Call, change: Change) -> None:
        """End or redirect a call. Raises `Refusal` (21220) when its state does not allow it."""
        if call.over:
            raise Refusal(21220, "Call is not in-progress. Cannot redirect.")
        in_progress = call.status is Status.IN_PROGRESS
        if change.status == "canceled" and in_progress:
            raise Refusal(21220, "Call is in-progress and cannot be canceled; set its status to completed.")
        if not change.status and change.source is not None and not in_progress:
            raise Refusal(21220, "Call is not in-progress. Cannot redirect.")
        journey = self._journeys[call.sid]
        journey.amend(change)
        if change.status:
            journey.end(Status.COMPLETED if in_progress else Status.CANCELED, "client")
            journey.line.interrupt(Ended("client"))
        elif change.source is not None:
            self.rooms.leave(call.sid, LeaveReason.BY_CLIENT, call.status.value)
            journey.line.interrupt(Redirected(change.source))

    def replace_faults(self, rates: Mapping[Fault, Rate]) -> None:
        """Switch to other faults, from the next occasion on."""
        self.faults.rates = dict(rates)

    def replace_people(self, rules: Sequence[Rule]) -> None:
        """Switch to other people, from the next call on."""
        self._people = People(self.config.seed, rules)

    def stats(self) -> dict[str, object]:
        """Counts since the start, for tests and benchmarks."""
        by_status = dict.fromkeys(Status, 0)
        for call in self.calls.values():
            by_status[call.status] += 1
        return {
            "calls": len(self.calls),
            "by_status": {status.value: count for status, count in by_status.items() if count},
            "queued": by_status[Status.QUEUED],
            "running": self.running,
            "peak_concurrent": self.peak,
            "conferences": len(self.rooms.all),
            "joins": self.rooms.joins,
            "refused_joins": self.rooms.refused,
            "webhooks_sent": self._courier.sent,
            "webhooks_failed": self._courier.failed,
            "faults": {fault.value: count for fault, count in self.faults.struck.items() if count},
            "cpu_seconds": round(time.process_time(), 3),
            "uptime_seconds": round((self.clock.now() - self.started).total_seconds(), 3),
        }

    async def stop(self) -> None:
        """Drop all calls and callbacks where they are."""
        await self.post.stop()

    def _begin(self, call: Call) -> None:
        journey = Journey(call, self._floor, self._pacer, self._courier, self._progress)
        self._journeys[call.sid] = journey
        self.post.background(self._live(journey))

    async def _live(self, journey: Journey) -> None:
        try:
            if not await journey.leave_queue():
                return
            self.running += 1
            self.peak = max(self.peak, self.running)
            try:
                await journey.run()
            finally:
                self.running -= 1
        finally:
            self._journeys.pop(journey.call.sid, None)
            journey.call.settle()

    def _visible_from(self, to: str, nth_call: int) -> float:
        now = self.clock.monotonic()
        if self.faults.strikes(Fault.LIST_LAG, to, nth_call):
            return now + self.faults.seconds(Fault.LIST_LAG)
        return now
