"""The list of promises: made and taken back by people who speak for the customer, counted as kept and missed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from dialer.core.admission import Dial, Refuse, decide, holds
from dialer.core.promise import Missed, Promise, Reading
from dialer.core.record import CallbackState, Reason
from dialer.errors import InputError, NotFoundError, Problem
from dialer.store import promises, proposals
from dialer.store.tables import CallbackRow, CustomerRow, PromiseRow
from dialer.store.verdict import locked, verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from dialer.core.admission import Decision, House, Proposal
    from dialer.store.database import Database
    from dialer.store.proposals import Candidate

promise = PromiseRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
callback = CallbackRow.__table__  # type: ignore[attr-defined]
customer = CustomerRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A time that a customer chose, as a person heard it."""

    callback_id: int
    at: datetime
    wall: datetime  # as they said it, without an offset
    zone: str
    reading: Reading
    channel: str
    asked_by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """A promise that was written down, and what the gate makes of it.

    `opens` is when the call may be made: within the promised time when the promise can be kept, the next window when
    the campaign says so, and None when a person takes over or the callback was closed.
    """

    id: int
    keeps: bool
    opens: datetime | None
    decision: Decision
    lifted: tuple[str, ...]  # presets that yield to the customer's own time
    in_the_way: tuple[str, ...] = ()  # what forbids the call at the promised time, in the rules' own words


@dataclass(frozen=True, slots=True)
class Recorded:
    """A promise as the record has it. Instants are UTC."""

    id: int
    callback: int
    customer: str
    name: str
    tier: str
    campaign: str
    channel: str
    attempt: str  # the call in which it was asked for
    asked_by: str
    asked: datetime
    wall: str
    zone: str
    reading: Reading
    at: datetime
    until: datetime
    missed: Missed  # what follows when it is missed
    state: str
    settled: datetime | None
    settled_by: str
    note: str


class Promises:
    """Times that customers chose."""

    def __init__(self, database: Database, house: House) -> None:
        self._database = database
        self._house = house

    def find(self, *, states: Collection[str] | None = None) -> Sequence[Recorded]:
        """Promises in these states (None: all), by their time."""
        names = ("reference", "name", "tier")
        columns = (customer.c[name].label(f"customer_{name}") for name in names)
        query = select(promise, *columns).join(customer, customer.c.id == promise.c.customer_id)
        if states is not None:
            query = query.where(promise.c.state.in_(states))
        with self._database.read() as connection:
            return [_recorded(row) for row in connection.execute(query.order_by(promise.c.at, promise.c.id))]

    def counts(self) -> Mapping[tuple[str, str], int]:
        """How many promises there are, by campaign and state."""
        query = select(promise.c.campaign, promise.c.state, func.count()).group_by(promise.c.campaign, promise.c.state)
        with self._database.read() as connection:
            return {(name, state): count for name, state, count in connection.execute(query)}

    def proposal(self, callback_id: int, now: datetime) -> Proposal:
        """A callback as the gate sees it, for finding out which zones its customer may be in."""
        with self._database.read() as connection:
            return proposals.load(connection, [callback_id], now, self._house)[callback_id].proposal

    def make(self, wanted: Wanted, now: datetime) -> Made:
        """Write a promise down in place of an earlier one. The gate says at once whether it can be kept.

        Raises:
            InputError: the callback is over or in a call, or nobody may call this customer at that time or any other.
        """
        with self._database.write() as connection:
            _refuse_state(CallbackState(locked(connection, wanted.callback_id).state))
            candidate = proposals.load(connection, [wanted.callback_id], now, self._house)[wanted.callback_id]
            kept = _promise(candidate, wanted)
            self._refuse_hopeless(_with(candidate.proposal, kept), now)
            key = promises.make(connection, _values(candidate, wanted, kept, now), now)
            decision = verdict(connection, self._house, wanted.callback_id, now)
            again = proposals.load(connection, [wanted.callback_id], now, self._house)[wanted.callback_id]
        return self._made(key, again.proposal, kept, decision)

    def _refuse_hopeless(self, proposal: Proposal, now: datetime) -> None:
        """A promise nobody could keep at any time is not made: the customer must be told so now."""
        decision = decide(proposal, self._house, now)
        if not isinstance(decision, Refuse) or decision.reason in {Reason.PROMISE_MISSED, Reason.EXPIRED}:
            return
        if decision.reason is Reason.OPTED_OUT or not holds(decision.reason, proposal.customer):
            mend = "`dialer why` shows every rule"
            raise InputError([Problem(proposal.campaign.id, f"this cannot be promised: {decision.note}", mend)])

    def _made(self, key: int, proposal: Proposal, kept: Promise, decision: Decision) -> Made:
        opens = None if isinstance(decision, Refuse) else decision.opening.start
        keeps = opens is not None and opens < kept.until
        at = max(opens, kept.at) if keeps and opens is not None else kept.at
        # The gate at the promised time, as far as anybody can tell now.
        then = decide(replace(proposal, in_call=False, paused=False), self._house, at)
        if keeps:
            return Made(key, keeps, opens, decision, then.lifted if isinstance(then, Dial) else ())
        failed = (rule.reason for rule in then.rules if not rule.passed and rule.name != "promise")
        return Made(key, keeps, opens, decision, (), tuple(dict.fromkeys(failed)))

    def withdraw(self, key: int, by: str, now: datetime) -> Decision | None:
        """The customer told `by` that they do not want the time any more. What the gate says about the callback now.

        None when the callback is in a call or over: then nothing follows.

        Raises:
            NotFoundError: no such promise.
            InputError: it is over already.
        """
        with self._database.write() as connection:
            mine = connection.scalar(select(promise.c.callback_id).where(promise.c.id == key))
            if mine is None:
                mend = "`dialer promises list --all` shows them"
                raise NotFoundError([Problem("promise", f"there is no promise {key}", mend)])
            of = locked(connection, mine)
            row = connection.execute(select(promise).where(promise.c.id == key).with_for_update()).one()
            if row.state != promises.OPEN:
                what = f"it is over already: {row.state} at {row.settled_at:%F %H:%M} UTC"
                raise InputError([Problem(f"promise {key}", what)])
            over = {"state": promises.VOID, "settled_at": now, "settled_by": by}
            connection.execute(update(promise).where(promise.c.id == key).values(over))
            if of.promise_id != key or of.state not in {CallbackState.WAITING, CallbackState.HELD}:
                return None
            freed = {"promised": False, "promise_id": None, "not_before": None}
            connection.execute(update(callback).where(callback.c.id == of.id).values(freed))
            return verdict(connection, self._house, of.id, now)


def _refuse_state(state: CallbackState) -> None:
    if state is CallbackState.CALLING:
        what, mend = "the dialer is calling this customer at this moment", "say it again when that call has ended"
    elif state in {CallbackState.DONE, CallbackState.CLOSED}:
        what = "this callback is over, and a promise does not open it again"
        mend = "a new reason to call makes a new one: `dialer campaigns enrol`"
    else:
        return
    raise InputError([Problem("promise", what, mend)])


def _promise(candidate: Candidate, wanted: Wanted) -> Promise:
    terms = candidate.proposal.campaign.promises
    return Promise(wanted.at, wanted.at + terms.tolerance, terms.missed, wanted.channel, wanted.asked_by)


def _with(proposal: Proposal, kept: Promise) -> Proposal:
    return replace(proposal, promise=kept, promised=True, not_before=kept.at)


def _values(candidate: Candidate, wanted: Wanted, kept: Promise, now: datetime) -> dict[str, Any]:
    return {
        "callback_id": wanted.callback_id,
        "customer_id": candidate.row.cb_customer_id,
        "campaign": candidate.proposal.campaign.id,
        "channel": wanted.channel,
        "asked_by": wanted.asked_by,
        "asked_at": now,
        "wall": wanted.wall.isoformat(timespec="minutes"),
        "zone": wanted.zone,
        "reading": wanted.reading.value,
        "at": kept.at,
        "until_at": kept.until,
        "missed": kept.missed.value,
        "note": wanted.note,
    }


def _recorded(row: Row[Any]) -> Recorded:
    return Recorded(
        id=row.id,
        callback=row.callback_id,
        customer=row.customer_reference,
        name=row.customer_name,
        tier=row.customer_tier,
        campaign=row.campaign,
        channel=row.channel,
        attempt=row.attempt,
        asked_by=row.asked_by,
        asked=row.asked_at,
        wall=row.wall,
        zone=row.zone,
        reading=Reading(row.reading),
        at=row.at,
        until=row.until_at,
        missed=Missed(row.missed),
        state=row.state,
        settled=row.settled_at,
        settled_by=row.settled_by,
        note=row.note,
    )
