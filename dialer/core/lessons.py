"""What a pacer learns from the calls of the day: each change of what is known about a call, as it wants to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.core.lifecycle import AttemptState
from dialer.core.outcome import MACHINES, Disposition, Network
from dialer.core.pacing import Seen

if TYPE_CHECKING:
    from dialer.core.lifecycle import Facts


def lessons(before: Facts, after: Facts) -> list[tuple[Seen, float]]:
    """What a change of what is known about a call teaches: what was seen, and its seconds where it has any."""
    return [*_picked_up(before, after), *_met(before, after), *_ended(before, after)]


def is_abandoned(facts: Facts) -> bool:
    """Whether a person waited and met nobody: the call is over, or the message that says so was begun.

    What they press or say after that does not undo it. The board's `abandonment` counts the same calls.
    """
    told = any(mark.disposition is Disposition.ABANDONED for mark in facts.marks)
    alone = facts.waited_at is not None and (facts.connected_at is None or told)
    return alone and facts.answered_by not in MACHINES and (told or not facts.is_open)


def _picked_up(before: Facts, after: Facts) -> list[tuple[Seen, float]]:
    found: list[tuple[Seen, float]] = []
    if after.answered_at is not None and before.answered_at is None:
        rang = after.answered_at - (after.rang_at or after.sent_at or after.answered_at)
        found.append((Seen.ANSWER, max(rang.total_seconds(), 0.0)))
    if after.answered_by in MACHINES and before.answered_by not in MACHINES:
        found.append((Seen.MACHINE, 0.0))
    return found


def _met(before: Facts, after: Facts) -> list[tuple[Seen, float]]:
    """They met an agent, or nobody."""
    found: list[tuple[Seen, float]] = []
    if after.connected_at is not None and before.connected_at is None:
        waited = after.connected_at - (after.waited_at or after.connected_at)
        found.append((Seen.CONNECT, max(waited.total_seconds(), 0.0)))
    if is_abandoned(after) and not is_abandoned(before):
        found.append((Seen.ABANDON, 0.0))
    return found


def _ended(before: Facts, after: Facts) -> list[tuple[Seen, float]]:
    found: list[tuple[Seen, float]] = []
    if before.is_open and not after.is_open:
        if after.answered_at is None and after.state in {AttemptState.FINAL, AttemptState.NOT_PLACED}:
            found.append((Seen.CANCEL if after.network is Network.CANCELED else Seen.NOANSWER, 0.0))
        if after.connected_at is not None and after.ended_at is not None:
            found.append((Seen.TALK_END, max((after.ended_at - after.connected_at).total_seconds(), 0.0)))
    if after.wrapped_at is not None and before.wrapped_at is None and after.ended_at is not None:
        found.append((Seen.WRAP_END, max((after.wrapped_at - after.ended_at).total_seconds(), 0.0)))
    return found
