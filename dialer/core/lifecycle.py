"""The life of an attempt: its states, the one table of transitions, and the fold of events into facts.

Carriers tell things late, twice, out of order or never. Everything an attempt knows is therefore a fold over events in
which the order of what the carrier tells does not matter: states only move forward through `TRANSITIONS`, a pair that
is not in the table changes nothing, instants keep their earliest value and verdicts their strongest. Order matters in
one place only: a word of the carrier after we have given the call up makes it an orphan, and before it does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from dialer.core.outcome import AnsweredBy, Disposition, Fault, Network, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta


class AttemptState(StrEnum):
    """Where one dial stands. OPEN states hold the phone number: no second attempt to it can begin."""

    INTENT = "intent"  # decided and written; nothing was sent
    DIALING = "dialing"  # committed to send; a request may be on its way
    UNKNOWN = "unknown"  # sent, and nobody can say yet whether a call exists; never redialed
    NEEDS_HUMAN = "needs_human"  # the carrier has several calls that could be this one; a person decides
    ACCEPTED = "accepted"  # the carrier has the call
    LIVE = "live"  # somebody or something picked up
    FINAL = "final"  # the outcome is known
    RELEASED = "released"  # certainly never sent
    REJECTED = "rejected"  # the carrier refused it
    NOT_PLACED = "not_placed"  # unknown, and the carrier's list shows twice that there was no call
    ORPHANED = "orphaned"  # given up as never placed, and then the carrier called anyway; hung up and reported


OPEN = frozenset(
    {
        AttemptState.INTENT,
        AttemptState.DIALING,
        AttemptState.UNKNOWN,
        AttemptState.NEEDS_HUMAN,
        AttemptState.ACCEPTED,
        AttemptState.LIVE,
    }
)


class EventKind(StrEnum):
    """What we were told, or did, about an attempt."""

    SENT = "sent"  # the commit to dial, written before the first byte
    DROPPED = "dropped"  # given up before anything was sent
    PLACED = "placed"  # the carrier's answer: it has the call
    REFUSED = "refused"  # the carrier's answer: no
    NOT_SENT = "not_sent"  # proof that no request reached the carrier
    LOST = "lost"  # no proof either way: timeout, reset, 5xx, our own death
    QUEUED = "queued"  # the call exists and has not begun to ring
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"
    VERDICT = "verdict"  # person or machine
    HEARD = "heard"  # a step of the conversation: key pressed, node reached
    WAITING = "waiting"  # the greeting is over: the customer waits for an agent
    CONNECTED = "connected"  # the customer and the agent are both in the conference
    WRAPPED = "wrapped"  # the agent finished the record, or had the time for it
    ABSENT = "absent"  # the carrier's list has no such call (said only when two listings agree, or by a person)
    AMBIGUOUS = "ambiguous"  # the carrier's list has several candidates


S, K = AttemptState, EventKind
T = TypeVar("T")

_CARRIER_TELLS: dict[EventKind, AttemptState] = {
    K.PLACED: S.ACCEPTED,
    K.QUEUED: S.ACCEPTED,
    K.RINGING: S.ACCEPTED,
    K.ANSWERED: S.LIVE,
    K.VERDICT: S.LIVE,
    K.HEARD: S.LIVE,
    K.WAITING: S.LIVE,
    K.CONNECTED: S.LIVE,
    K.ENDED: S.FINAL,
}
_TOO_LATE: dict[EventKind, AttemptState] = dict.fromkeys(_CARRIER_TELLS, S.ORPHANED)

TRANSITIONS: dict[AttemptState, dict[EventKind, AttemptState]] = {
    S.INTENT: {K.SENT: S.DIALING, K.DROPPED: S.RELEASED},
    # Webhooks may overtake the answer to our own request, so every word of the carrier is good here.
    S.DIALING: {**_CARRIER_TELLS, K.REFUSED: S.REJECTED, K.NOT_SENT: S.RELEASED, K.LOST: S.UNKNOWN},
    # A request that outlived our patience can still be answered.
    S.UNKNOWN: {
        **_CARRIER_TELLS,
        K.REFUSED: S.REJECTED,
        K.NOT_SENT: S.RELEASED,
        K.ABSENT: S.NOT_PLACED,
        K.AMBIGUOUS: S.NEEDS_HUMAN,
    },
    S.NEEDS_HUMAN: {**_CARRIER_TELLS, K.ABSENT: S.NOT_PLACED},
    S.ACCEPTED: {
        K.ANSWERED: S.LIVE,
        K.VERDICT: S.LIVE,
        K.HEARD: S.LIVE,
        K.WAITING: S.LIVE,
        K.CONNECTED: S.LIVE,
        K.ENDED: S.FINAL,
    },
    S.LIVE: {K.ENDED: S.FINAL},
    S.FINAL: {},
    # The number is free again and may be in another call: what comes now is a call nobody waits for.
    S.RELEASED: _TOO_LATE,
    S.REJECTED: _TOO_LATE,
    S.NOT_PLACED: _TOO_LATE,
    S.ORPHANED: {},
}


@dataclass(frozen=True, slots=True)
class Mark:
    """What one step of the conversation established."""

    node: str
    tries: int = 1  # 1 for the first asking of this node
    digits: str = ""
    answer: str = ""  # the meaning of the key, as the campaign names it
    disposition: Disposition = Disposition.NONE
    code: str = ""  # the campaign's own outcome code
    promise_at: datetime | None = None  # the time the customer chose
    zone: str = ""  # the time zone the customer confirmed
    another_agent: bool = False  # the next call about it is somebody else's
    case: bool = False  # somebody must look into something: a task
    person: str = ""  # who that is; empty: whom the campaign names


RECORD = "agent_record"
"""The place at which an agent's own words about the call are recorded."""
PREVIEW = "agent_preview"
"""The place at which is recorded why an agent did not dial."""
BACK = "agent_back"
"""The place at which is recorded that an agent turned back a page of the script."""
AGENTS_OWN = frozenset({RECORD, PREVIEW, BACK})
"""No step of a script may have these names."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing the carrier, an agent or this program told about one attempt.

    `key` tells repetitions apart: two events of one attempt with the same key are the same event. `at` is when it
    happened as the teller says, an aware instant. `detail` keeps the teller's own words for the record.
    """

    token: str
    kind: EventKind
    key: str
    at: datetime
    source: str  # dialer, webhook, poll, person
    carrier_call_id: str = ""
    network: Network | None = None
    answered_by: AnsweredBy | None = None
    talk: timedelta | None = None
    fault: Fault | None = None
    failure: str = ""  # the carrier's own code and a sentence without personal data
    mark: Mark | None = None
    detail: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything known about one attempt."""

    state: AttemptState = AttemptState.INTENT
    carrier_call_id: str = ""
    sent_at: datetime | None = None
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    waited_at: datetime | None = None  # when the customer began to wait for an agent
    connected_at: datetime | None = None  # when both were in the conference
    wrapped_at: datetime | None = None  # when the agent had finished the record
    ended_at: datetime | None = None
    network: Network | None = None
    answered_by: AnsweredBy = AnsweredBy.NOBODY
    talk: timedelta | None = None
    fault: Fault | None = None
    failure: str = ""
    marks: frozenset[Mark] = frozenset()

    @property
    def is_open(self) -> bool:
        """Whether the attempt still holds its number."""
        return self.state in OPEN

    @property
    def is_settled(self) -> bool:
        """Whether what follows can be said: the call is over, and so is the record of an agent who talked."""
        return not self.is_open and (self.connected_at is None or self.wrapped_at is not None)

    @property
    def counted(self) -> bool:
        """Whether the customer felt it: a ring, an engaged line or an answer counts, an error does not."""
        return (
            self.rang_at is not None
            or self.answered_at is not None
            or self.network in {Network.BUSY, Network.NO_ANSWER, Network.ANSWERED}
        )

    @property
    def outcome(self) -> Outcome:
        """The outcome as known now; an attempt that never reached the network is an ERROR."""
        network = self.network
        if network is None or (network is not Network.ANSWERED and self.answered_at is not None):
            # A network that says "failed" after a conversation has only failed to say goodbye.
            network = Network.ANSWERED if self.answered_at is not None else Network.ERROR
        if network is Network.ERROR and self.fault is Fault.NUMBER:
            network = Network.BAD_NUMBER
        if network in {Network.ERROR, Network.CANCELED} and self.rang_at is not None:
            # Whatever went wrong afterwards, the phone rang and nobody answered.
            network = Network.NO_ANSWER
        return Outcome(network, self.answered_by, self.disposition)

    @property
    def disposition(self) -> Disposition:
        """The strongest thing that was said in the conversation; ABANDONED when nobody came to talk."""
        said = self._telling.disposition
        return Disposition.ABANDONED if said is Disposition.NONE and self.abandoned else said

    @property
    def abandoned(self) -> bool:
        """Whether the customer waited for an agent and the call ended without one, whoever ended it."""
        return not self.is_open and self.waited_at is not None and self.connected_at is None

    @property
    def code(self) -> str:
        """The campaign's own outcome code that goes with the disposition."""
        return self._telling.code

    @property
    def promise_at(self) -> datetime | None:
        """The time the customer chose, the last one if they chose twice; what an agent wrote down goes first."""
        if self._record is not None and self._record.promise_at is not None:
            return self._record.promise_at
        chosen = [m for m in self._kept if m.promise_at is not None]
        return max(chosen, key=_order).promise_at if chosen else None

    @property
    def zone(self) -> str:
        """The time zone the customer confirmed, the last one if they did so twice; empty when they did not."""
        return max((m for m in self.marks if m.zone), key=_order, default=Mark(node="")).zone

    @property
    def answers(self) -> dict[str, str]:
        """What was answered at each node, in the last asking of it."""
        said = [m for m in sorted(self._kept, key=_order) if m.node not in AGENTS_OWN]
        return {m.node: m.answer or m.digits for m in said if m.answer or m.digits}

    @property
    def skipped(self) -> bool:
        """Whether an agent looked at the file and gave it back."""
        return self.state is AttemptState.RELEASED and any(mark.node == PREVIEW for mark in self.marks)

    @property
    def another_agent(self) -> bool:
        """Whether the next call about it is somebody else's."""
        return self._record is not None and self._record.another_agent

    @property
    def _kept(self) -> frozenset[Mark]:
        """The marks without what an agent took back: earlier records, and answers turned back, numbered each."""
        marks = frozenset(mark for mark in self.marks if mark.node != RECORD or mark == self._record)
        if not any(mark.node == BACK for mark in marks):
            return marks
        path: list[int] = []
        for mark in sorted(marks, key=lambda mark: (mark.tries, mark.node != BACK)):
            if mark.node == BACK:
                path = path[:-1]
            elif mark.node not in AGENTS_OWN and mark.tries not in path:
                path.append(mark.tries)
        return frozenset(mark for mark in marks if mark.node in AGENTS_OWN or mark.tries in path)

    @property
    def case(self) -> tuple[str] | None:
        """For whom something is to be looked into, as the agent says; None when nothing is."""
        return (self._record.person,) if self._record is not None and self._record.case else None

    @property
    def _record(self) -> Mark | None:
        """What the agent wrote down last."""
        return max((mark for mark in self.marks if mark.node == RECORD), key=_order, default=None)

    @property
    def _telling(self) -> Mark:
        """The mark that says what came of it: an agent's last word, and a wish not to be called whoever heard it."""
        strongest = max(self.marks, key=_telling, default=Mark(node=""))
        if strongest.disposition is not Disposition.OPTED_OUT:
            strongest = max(self._kept, key=_telling, default=Mark(node=""))
        said = self._record is not None and self._record.disposition is not Disposition.NONE
        if self._record is None or not said or strongest.disposition is Disposition.OPTED_OUT:
            return strongest
        return self._record


_FINALITY = {
    # Two contradicting last words: the one that means more contact wins, whichever came first.
    Network.ANSWERED: 6,
    Network.BUSY: 5,
    Network.NO_ANSWER: 4,
    Network.BAD_NUMBER: 3,
    Network.UNREACHABLE: 2,
    Network.CANCELED: 1,
    Network.ERROR: 0,
}
_CERTAINTY = {
    AnsweredBy.NOBODY: 0,
    AnsweredBy.UNKNOWN: 1,
    AnsweredBy.FAX: 2,
    AnsweredBy.MACHINE: 3,
    AnsweredBy.HUMAN: 4,
}
_BLAME = {fault: weight for weight, fault in enumerate(reversed(Fault))}
_WEIGHT = {disposition: weight for weight, disposition in enumerate(Disposition)}
"""`Disposition` is declared from the weakest to the strongest; an opt-out outranks whatever else was said."""


def apply(facts: Facts, event: Event) -> Facts:
    """The facts after `event`. Pure; applying one twice, or the carrier's events in another order, ends the same."""
    kind = event.kind
    answered = kind in {K.ANSWERED, K.VERDICT, K.HEARD, K.WAITING, K.CONNECTED}
    return Facts(
        state=TRANSITIONS[facts.state].get(kind, facts.state),
        carrier_call_id=facts.carrier_call_id or event.carrier_call_id,
        sent_at=_first(facts.sent_at, event.at if kind is K.SENT else None),
        rang_at=_first(facts.rang_at, event.at if kind is K.RINGING else None),
        answered_at=_first(facts.answered_at, event.at if answered else None),
        waited_at=_first(facts.waited_at, event.at if kind is K.WAITING else None),
        connected_at=_first(facts.connected_at, event.at if kind is K.CONNECTED else None),
        wrapped_at=_first(facts.wrapped_at, event.at if kind is K.WRAPPED else None),
        ended_at=_first(facts.ended_at, event.at if kind is K.ENDED else None),
        network=_most(facts.network, event.network, _FINALITY),
        answered_by=max(facts.answered_by, _who(event, answered=answered), key=_CERTAINTY.__getitem__),
        talk=max(filter(None, (facts.talk, event.talk)), default=None),
        fault=_most(facts.fault, event.fault, _BLAME),
        failure=max(facts.failure, event.failure),
        marks=facts.marks | {event.mark} if event.mark is not None else facts.marks,
    )


def _who(event: Event, *, answered: bool) -> AnsweredBy:
    if event.mark is not None and event.mark.digits:
        return AnsweredBy.HUMAN
    if event.answered_by is not None:
        return event.answered_by
    return AnsweredBy.UNKNOWN if answered else AnsweredBy.NOBODY


def _first(known: datetime | None, told: datetime | None) -> datetime | None:
    if known is None or told is None:
        return known or told
    return min(known, told)


def _most(known: T | None, told: T | None, weight: Mapping[T, int]) -> T | None:
    if known is None or told is None:
        return known or told
    return max(known, told, key=weight.__getitem__)


def _order(mark: Mark) -> tuple[Any, ...]:
    """The order of marks. It says nothing by chance: marks that differ at all have different places."""
    chosen = (mark.promise_at is not None, mark.promise_at)
    said = (mark.answer, _WEIGHT[mark.disposition], mark.code, mark.zone)
    asked = (mark.another_agent, mark.case, mark.person)
    return (mark.tries, mark.node, mark.digits, *chosen, *said, *asked)


def _telling(mark: Mark) -> tuple[Any, ...]:
    return (_WEIGHT[mark.disposition], bool(mark.code), *_order(mark))
