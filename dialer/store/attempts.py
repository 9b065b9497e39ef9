"""Attempts: committed to be dialed, told about by events, settled into the next step of their callback."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, case, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dialer.core.admission import Dial, decide
from dialer.core.lifecycle import AttemptState, Event, EventKind, Facts, apply
from dialer.core.outcome import CLOSING, MACHINES, AnsweredBy, Disposition
from dialer.core.staffing import Mode
from dialer.store import proposals, reservations, settlement
from dialer.store.campaigns import read_version
from dialer.store.evidence import evidence
from dialer.store.rows import customer_of, event_values, facts_of, facts_values, number_in
from dialer.store.settlement import Told
from dialer.store.tables import AttemptRow, CustomerRow, EventRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from dialer.core.admission import House
    from dialer.core.campaign import Campaign
    from dialer.core.customer import Customer
    from dialer.core.phone import PhoneNumber
    from dialer.store.database import Database

attempt = AttemptRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
customer = CustomerRow.__table__  # type: ignore[attr-defined]
event = EventRow.__table__  # type: ignore[attr-defined]

WITHOUT_EVIDENCE = tuple(column for column in attempt.c if column.name != "evidence")
"""What events are recorded over; the evidence is the largest part of a row and no event changes it."""

IN_FLIGHT = (
    *(attempt.c.token, attempt.c.campaign, attempt.c.agent, attempt.c.carrier_call_id, attempt.c.state),
    *(attempt.c.created_at, attempt.c.sent_at, attempt.c.rang_at, attempt.c.answered_at),
    *(attempt.c.waited_at, attempt.c.connected_at, attempt.c.answered_by, attempt.c.disposition),
)
"""What `InFlight` is made of: it is read several times a second."""


@dataclass(frozen=True, slots=True)
class Briefing:
    """What a conversation needs to know of its attempt."""

    token: str
    number: PhoneNumber
    customer: Customer
    campaign: Campaign  # as it stood when the intent was written
    zones: tuple[str, ...]
    until: datetime | None = None  # a dial must have been sent before this
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # given so far


@dataclass(frozen=True, slots=True)
class Recorded:
    """What an event did. `facts` is None when no attempt has that token."""

    token: str
    facts: Facts | None
    new: bool  # False for a repetition
    orphaned: bool  # this event showed that a call exists which had been given up
    stray: str = ""  # a second call under this attempt's token, which told us nothing about the first
    before: Facts | None = None  # what was known until now
    campaign: str = ""
    staffed: bool = False  # whether it concerns agents


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines in use."""

    taken: int
    by_vips: int


@dataclass(frozen=True, slots=True)
class InFlight:
    """A call of a campaign with agents, as the pacer sees it."""

    token: str
    campaign: str
    agent: str  # who is set aside for it or talks; empty: nobody yet
    carrier_call_id: str
    state: AttemptState
    created: datetime
    sent: datetime | None
    rang: datetime | None
    answered: datetime | None
    waited: datetime | None
    connected: datetime | None
    answered_by: AnsweredBy
    disposition: Disposition

    @property
    def needs_agent(self) -> bool:
        """Whether an agent may be needed for it.

        Nobody is for a call of which nobody can say whether it exists, for a machine, nor for somebody who hears that
        nobody was there in time.
        """
        doubtful = self.state in {AttemptState.UNKNOWN, AttemptState.NEEDS_HUMAN}
        return not doubtful and self.answered_by not in MACHINES and self.disposition is Disposition.NONE


@dataclass(frozen=True, slots=True)
class Open:
    """An open attempt that reconciliation looks at."""

    token: str
    number: PhoneNumber
    state: AttemptState
    carrier_call_id: str
    created: datetime
    listed_absent: datetime | None


class Attempts:
    """Every dial there was."""

    def __init__(self, database: Database, house: House) -> None:
        self._database = database
        self._house = house

    def commit(self, tokens: Sequence[str], now: datetime) -> Sequence[Briefing]:
        """Ask the gate a last time and commit to dial, durably, before the first byte is sent.

        Returns those that may go; the others are released and wait again.
        """
        with self._database.write() as connection:
            rows = self._locked(connection, tokens, attempt.c)
            ids = [row.callback_id for row in rows.values() if row.state == AttemptState.INTENT]
            found = proposals.load(connection, ids, now, self._house, own=frozenset(tokens))
            over = self._over(connection, ids)
            events, going = [], []
            ringing: set[int | str] = set()  # people and numbers of this batch, which only its first calls may ring
            for token in tokens:
                row = rows[token]
                if row.state != AttemptState.INTENT:
                    continue
                candidate = found[row.callback_id]
                decision = decide(candidate.proposal, self._house, now)
                names = {row.customer_id, *(number.e164 for number in candidate.proposal.customer.numbers)}
                wanted = row.callback_id not in over and now < row.lease_until and ringing.isdisjoint(names)
                wanted = wanted and _has_whom_it_needs(row, candidate.proposal.campaign.mode)
                if wanted and isinstance(decision, Dial) and decision.number.e164 == row.e164:
                    events.append(_own(token, EventKind.SENT, now))
                    going.append((row, candidate, decision))
                    ringing |= {row.customer_id, row.e164}
                else:
                    why = next((rule.reason for rule in decision.rules if not rule.passed), "overtaken since its claim")
                    events.append(_own(token, EventKind.DROPPED, now, why))
            self._record(connection, events, rows, now)
            self._renew(connection, going, now)
        return [_briefing(row, candidate, decision) for row, candidate, decision in going]

    def _over(self, connection: Connection, ids: Sequence[int]) -> set[int]:
        """Callbacks whose matter a late word about an earlier attempt has ended since this one was claimed."""
        ended = attempt.c.ending.in_([ending.value for ending in CLOSING])
        return set(connection.scalars(select(attempt.c.callback_id).where(attempt.c.callback_id.in_(ids), ended)))

    def _renew(self, connection: Connection, going: Sequence[Any], now: datetime) -> None:
        """The evidence, the version and how it is dialed are those of the last decision, not of the claim."""
        rows = [
            {
                "key": row.token,
                "new_evidence": new,
                "new_version": candidate.version,
                "new_mode": candidate.proposal.campaign.mode.value,
            }
            for row, candidate, decision in going
            if _differs(row, candidate, new := evidence(candidate, self._house, decision, now))
        ]
        if rows:
            change: dict[str, Any] = {
                "evidence": bindparam("new_evidence"),
                "campaign_version": bindparam("new_version"),
                "mode": bindparam("new_mode"),
            }
            connection.execute(update(attempt).where(attempt.c.token == bindparam("key")).values(change), rows)

    def record(self, events: Sequence[Event], now: datetime) -> Sequence[Recorded]:
        """Keep events and let them move their attempts, in one transaction; an answer per event, in order."""
        with self._database.write() as connection:
            rows = self._locked(connection, sorted({one.token for one in events}), WITHOUT_EVIDENCE)
            return self._record(connection, events, rows, now)

    def _record(
        self, connection: Connection, events: Sequence[Event], rows: Mapping[str, Row[Any]], now: datetime
    ) -> Sequence[Recorded]:
        if not events:
            return []
        events = _filed(events, rows)
        known = [one for one in events if one.token in rows]
        fresh = self._keep(connection, known, now)
        before = {one.token: facts_of(rows[one.token]) for one in known}
        facts = dict(before)
        results = []
        for one in events:
            new = (one.token, one.key) in fresh
            fresh.discard((one.token, one.key))
            if one.token not in rows:
                results.append(Recorded(one.token, None, new=False, orphaned=False))
                continue
            row = rows[one.token]
            was, about = facts[one.token], {"campaign": row.campaign, "staffed": row.mode != Mode.AGENTLESS}
            if was.carrier_call_id and one.carrier_call_id not in {"", was.carrier_call_id}:
                stray = one.carrier_call_id
                results.append(Recorded(one.token, was, new=new, orphaned=False, stray=stray, before=was, **about))
                continue
            if new:
                facts[one.token] = apply(was, one)
            orphaned = facts[one.token].state is AttemptState.ORPHANED and was.state is not AttemptState.ORPHANED
            results.append(Recorded(one.token, facts[one.token], new=new, orphaned=orphaned, before=was, **about))
        changed = {token: after for token, after in facts.items() if after != before[token]}
        self._save(connection, changed, {one.token for one in known}, now)
        told = [Told(rows[token], before[token], after) for token, after in changed.items()]
        reservations.follow(connection, told, now)
        settlement.settle(connection, self._house, told, now)
        return results

    def _locked(self, connection: Connection, tokens: Sequence[str], columns: Iterable[Any]) -> dict[str, Row[Any]]:
        query = select(*columns).where(attempt.c.token.in_(tokens)).order_by(attempt.c.token).with_for_update()
        return {row.token: row for row in connection.execute(query)}

    def _keep(self, connection: Connection, events: Sequence[Event], now: datetime) -> set[tuple[str, str]]:
        """Append events to the record; the keys of those that were not there yet."""
        if not events:
            return set()
        insert = (sqlite if self._database.is_sqlite else postgresql).insert
        unique = {(one.token, one.key): event_values(one, now) for one in reversed(events)}
        statement = insert(event).on_conflict_do_nothing().returning(event.c.token, event.c.key)
        kept = connection.execute(statement, list(unique.values()))
        return {(row.token, row.key) for row in kept}

    def _save(self, connection: Connection, changed: dict[str, Facts], heard: set[str], now: datetime) -> None:
        if changed:
            rows = [
                {f"new_{name}": value for name, value in (facts_values(facts) | {"heard_at": now}).items()}
                | {"key": token}
                for token, facts in changed.items()
            ]
            columns: dict[str, Any] = {name[4:]: bindparam(name) for name in rows[0] if name != "key"}
            connection.execute(update(attempt).where(attempt.c.token == bindparam("key")).values(columns), rows)
        unchanged = heard.difference(changed)
        if unchanged:
            connection.execute(update(attempt).where(attempt.c.token.in_(unchanged)).values(heard_at=now))

    def briefing(self, token: str) -> Briefing | None:
        """What a conversation needs, out of the record; None for a token nobody issued."""
        with self._database.read() as connection:
            row = connection.execute(select(attempt).where(attempt.c.token == token)).one_or_none()
            if row is None:
                return None
            person = connection.execute(select(customer).where(customer.c.id == row.customer_id)).one()
            campaign = read_version(connection, row.campaign, row.campaign_version)
        zones = tuple(row.evidence["zones"])
        answers = facts_of(row).answers
        return Briefing(token, number_in(row), customer_of(person), campaign, zones, answers=answers)

    def facts(self, token: str) -> Facts:
        """Everything known about an attempt."""
        with self._database.read() as connection:
            return facts_of(connection.execute(select(attempt).where(attempt.c.token == token)).one())

    def lines(self) -> Lines:
        """How many attempts hold a line, and how many of them are calls to VIPs."""
        vips = func.sum(case((attempt.c.vip, 1), else_=0))
        with self._database.read() as connection:
            row = connection.execute(select(func.count(), vips).select_from(attempt).where(attempt.c.is_open)).one()
        return Lines(row[0], row[1] or 0)

    def in_flight(self) -> Sequence[InFlight]:
        """Calls of campaigns with agents that are not over, oldest first."""
        staffed = attempt.c.is_open & (attempt.c.mode != Mode.AGENTLESS.value)
        with self._database.read() as connection:
            return [
                InFlight(
                    row.token,
                    row.campaign,
                    row.agent,
                    row.carrier_call_id,
                    AttemptState(row.state),
                    row.created_at,
                    row.sent_at,
                    row.rang_at,
                    row.answered_at,
                    row.waited_at,
                    row.connected_at,
                    AnsweredBy(row.answered_by),
                    Disposition(row.disposition),
                )
                for row in connection.execute(select(*IN_FLIGHT).where(staffed).order_by(attempt.c.created_at))
            ]

    def open_count(self) -> int:
        """How many attempts hold a number."""
        return self.lines().taken

    def forsaken(self, now: datetime, limit: int = 200) -> Sequence[Open]:
        """Attempts whose dialer did not come back within its lease: nothing sent, or nobody knows."""
        stuck = attempt.c.state.in_([AttemptState.INTENT, AttemptState.DIALING]) & (attempt.c.lease_until <= now)
        return self._open(stuck, limit)

    def unknown(self, limit: int = 200) -> Sequence[Open]:
        """Attempts of which nobody can say whether a call exists."""
        return self._open(attempt.c.state == AttemptState.UNKNOWN, limit)

    def silent(self, since: datetime, limit: int = 200, *, unanswered: datetime | None = None) -> Sequence[Open]:
        """Calls the carrier has, of which nothing was heard since `since`.

        Since `unanswered` is enough where nobody has answered yet, or where the agent has finished the record.
        """
        soon = attempt.c.wrapped_at.is_not(None) & (attempt.c.heard_at <= (unanswered or since))
        live = (attempt.c.state == AttemptState.LIVE.value) & ((attempt.c.heard_at <= since) | soon)
        rings = (attempt.c.state == AttemptState.ACCEPTED.value) & (attempt.c.heard_at <= (unanswered or since))
        return self._open(live | rings, limit)

    def needing_a_person(self) -> Sequence[Open]:
        """Attempts that several of the carrier's calls could be."""
        return self._open(attempt.c.state == AttemptState.NEEDS_HUMAN, 1000)

    def _open(self, condition: Any, limit: int) -> Sequence[Open]:
        query = select(attempt).where(attempt.c.is_open, condition).order_by(attempt.c.heard_at).limit(limit)
        with self._database.read() as connection:
            return [
                Open(
                    row.token,
                    number_in(row),
                    AttemptState(row.state),
                    row.carrier_call_id,
                    row.created_at,
                    row.listed_absent_at,
                )
                for row in connection.execute(query)
            ]

    def listed_absent(self, token: str, now: datetime) -> None:
        """The carrier's list did not show this attempt; a second listing, some time later, will decide."""
        first = update(attempt).where(attempt.c.token == token, attempt.c.listed_absent_at.is_(None))
        with self._database.write() as connection:
            connection.execute(first.values(listed_absent_at=now))

    def looked_at(self, tokens: Sequence[str], now: datetime) -> None:
        """The carrier was asked about these; the next look is due one patience later.

        Those of which something is being recorded this moment are left out: that is a sign of life as well.
        """
        mine = select(attempt.c.token).where(attempt.c.token.in_(tokens)).order_by(attempt.c.token)
        free = mine.with_for_update(skip_locked=True)
        with self._database.write() as connection:
            connection.execute(update(attempt).where(attempt.c.token.in_(free)).values(heard_at=now))

    def bound(self, carrier_call_ids: Sequence[str]) -> set[str]:
        """Those of the carrier's calls that belong to an attempt already."""
        query = select(attempt.c.carrier_call_id).where(attempt.c.carrier_call_id.in_(carrier_call_ids))
        with self._database.read() as connection:
            return set(connection.scalars(query))


def _filed(events: Sequence[Event], rows: Mapping[str, Row[Any]]) -> list[Event]:
    """The words of a second call under one token by its own name: they must not pass for those of the first."""
    bound: dict[str, str] = {token: row.carrier_call_id for token, row in rows.items()}
    filed = []
    for one in events:
        bound[one.token] = bound.get(one.token) or one.carrier_call_id
        stray = one.carrier_call_id not in {"", bound[one.token]}
        filed.append(replace(one, key=f"{one.carrier_call_id}:{one.key}") if stray else one)
    return filed


def _own(token: str, kind: EventKind, now: datetime, failure: str = "") -> Event:
    return Event(token, kind, kind.value, now, "dialer", failure=failure)


def _briefing(row: Row[Any], candidate: Any, decision: Dial) -> Briefing:
    proposal = candidate.proposal
    return Briefing(row.token, decision.number, proposal.customer, proposal.campaign, decision.zones, decision.until)


def _has_whom_it_needs(row: Row[Any], mode: Mode) -> bool:
    """Whether a call that was claimed when the campaign dialed in another way can go out in `mode`.

    It can when an agent is set aside for it and agents talk still. Else nobody, or somebody in vain, would wait for it.
    """
    return mode == row.mode or (bool(row.agent) and mode is not Mode.AGENTLESS)


def _differs(row: Row[Any], candidate: Any, new: dict[str, Any]) -> bool:
    """Whether anything but the clock has changed between claim and commit, which are moments apart."""
    moving = {"decided": "", "local": []}
    return bool((row.evidence | moving, row.campaign_version) != (new | moving, candidate.version))
