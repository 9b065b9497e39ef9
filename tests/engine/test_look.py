"""What a pacer is told of agents and calls: only calls that an agent may be needed for, ringing from the first ring."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dialer.core.lifecycle import AttemptState
from dialer.core.outcome import AnsweredBy, Disposition
from dialer.core.pacing import RINGING, UNDECIDED, WAITING
from dialer.engine.look import stage_of
from dialer.store.attempts import InFlight
from tests.campaigns import NOW

SECOND = timedelta(seconds=1)
SENT = InFlight(
    token="t",
    campaign="survey",
    agent="",
    carrier_call_id="CA1",
    state=AttemptState.ACCEPTED,
    created=NOW,
    sent=NOW,
    rang=None,
    answered=None,
    waited=None,
    connected=None,
    answered_by=AnsweredBy.NOBODY,
    disposition=Disposition.NONE,
)
RANG = replace(SENT, rang=NOW + 2 * SECOND)
ANSWERED = replace(RANG, state=AttemptState.LIVE, answered=NOW + 9 * SECOND, answered_by=AnsweredBy.UNKNOWN)
WAITS = replace(ANSWERED, waited=NOW + 12 * SECOND)


@pytest.mark.parametrize(
    ("call", "stage", "since"),
    [(SENT, RINGING, 20), (RANG, RINGING, 2), (ANSWERED, UNDECIDED, 9), (WAITS, WAITING, 12)],
)
def test_how_far_a_call_is(call: InFlight, stage: int, since: int) -> None:
    assert stage_of(call, NOW + 20 * SECOND) == (stage, (NOW + since * SECOND).timestamp())


@pytest.mark.parametrize(
    ("call", "needs"),
    [
        (SENT, True),
        (ANSWERED, True),
        (replace(WAITS, answered_by=AnsweredBy.HUMAN), True),
        (replace(SENT, state=AttemptState.DIALING), True),
        (replace(SENT, state=AttemptState.UNKNOWN), False),
        (replace(SENT, state=AttemptState.NEEDS_HUMAN), False),
        (replace(ANSWERED, answered_by=AnsweredBy.MACHINE), False),
        (replace(WAITS, answered_by=AnsweredBy.FAX), False),
        (replace(WAITS, disposition=Disposition.ABANDONED), False),
        (replace(WAITS, disposition=Disposition.OPTED_OUT), False),
    ],
)
def test_which_calls_an_agent_may_be_needed_for(call: InFlight, *, needs: bool) -> None:
    assert call.needs_agent is needs
