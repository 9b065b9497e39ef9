"""Made-up rows of the record, and strategies for every row that could ever be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from dialer.core.lifecycle import AttemptState
from dialer.core.outcome import AnsweredBy, Disposition, Ending, Network
from dialer.core.phone import NumberKind, PhoneNumber
from dialer.core.record import AttemptRecord, CallbackRecord, CallbackState, Reason

NOW = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
NUMBER = PhoneNumber("+8613800138000", "CN", NumberKind.MOBILE)

_CALLBACK = CallbackRecord(
    callback=1,
    customer="C001",
    name="王芳",
    tier="",
    vip=False,
    campaign="renewal",
    occasion="policy 2026-04-01",
    state=CallbackState.WAITING,
    reason=None,
    note="",
    due=NOW - timedelta(days=1),
    deadline=NOW + timedelta(days=2),
    enrolled=NOW - timedelta(days=1),
    closed=None,
    attempts=0,
    number=NUMBER,
    last_called=None,
    reached=None,
    ending=None,
    code="",
    agent="A17",
    next_at=NOW + timedelta(hours=3),
)

_ATTEMPT = AttemptRecord(
    attempt="tok1",
    callback=1,
    customer="C001",
    name="王芳",
    tier="",
    campaign="renewal",
    campaign_version="9f3c2ab1",
    number=NUMBER,
    carrier_call_id="CA0001",
    state=AttemptState.FINAL,
    created=NOW - timedelta(minutes=10),
    rang=NOW - timedelta(minutes=9),
    answered=NOW - timedelta(minutes=8),
    ended=NOW - timedelta(minutes=7),
    talk=timedelta(seconds=65),
    network=Network.ANSWERED,
    answered_by=AnsweredBy.HUMAN,
    disposition=Disposition.COMPLETED,
    ending=Ending.REACHED,
    code="renewed",
    counted=True,
    failure="",
    allowed_because=("window: 22:30 is in 09:00-23:00 (Asia/Shanghai)", "spacing: last call a day ago"),
    zones=("Asia/Shanghai",),
    agent="A17",
    answers={"satisfied": "yes"},
)


def callback(**changes: Any) -> CallbackRecord:
    """A callback that waits for its first call, but for `changes`."""
    return replace(_CALLBACK, **changes)


def reached(**changes: Any) -> CallbackRecord:
    """A callback whose customer was spoken to, in time and at the first attempt, but for `changes`."""
    spoken = NOW - timedelta(minutes=8)
    told: dict[str, Any] = {
        "state": CallbackState.DONE,
        "attempts": 1,
        "last_called": spoken,
        "reached": spoken,
        "ending": Ending.REACHED,
        "next_at": None,
    }
    return callback(**(told | changes))


def attempt(**changes: Any) -> AttemptRecord:
    """An answered attempt, but for `changes`."""
    return replace(_ATTEMPT, **changes)


def _maybe(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | of


_instants = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001  the strategy takes bounds without a zone
    max_value=datetime(2026, 12, 31),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.just(UTC),
)
_answers = st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3)

any_callback = st.builds(
    callback,
    customer=st.text(max_size=5),
    name=st.text(max_size=8),
    vip=st.booleans(),
    campaign=st.sampled_from(["renewal", "survey", "投诉"]),
    state=st.sampled_from(CallbackState),
    reason=_maybe(st.sampled_from(Reason)),
    note=st.text(max_size=8),
    due=_instants,
    deadline=_instants,
    attempts=st.integers(0, 5),
    number=_maybe(st.just(NUMBER)),
    last_called=_maybe(_instants),
    reached=_maybe(_instants),
    ending=_maybe(st.sampled_from(Ending)),
    next_at=_maybe(_instants),
    answers=_answers,
    feasible=st.none() | st.booleans(),
    promises=st.dictionaries(st.sampled_from(["open", "kept", "missed", "replaced", "void"]), st.integers(1, 3)),
    promised_at=_maybe(_instants),
    tasks=st.integers(0, 2),
    person=st.text(max_size=5),
)

any_attempt = st.builds(
    attempt,
    customer=st.text(max_size=5),
    campaign=st.sampled_from(["renewal", "survey", "unheard of"]),
    state=st.sampled_from(AttemptState),
    created=_instants,
    rang=_maybe(_instants),
    answered=_maybe(_instants),
    ended=_maybe(_instants),
    talk=_maybe(st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=2))),
    network=_maybe(st.sampled_from(Network)),
    answered_by=st.sampled_from(AnsweredBy),
    disposition=st.sampled_from(Disposition),
    ending=_maybe(st.sampled_from(Ending)),
    counted=st.booleans(),
    failure=st.text(max_size=8),
    answers=_answers,
)
