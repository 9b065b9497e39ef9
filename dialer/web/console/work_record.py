"""What an agent typed about a conversation, read from the form; half of it is not yet a record."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from dialer.engine.agent_view import NextStep, Record
from dialer.errors import InputError
from dialer.web.console.languages import N_

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dialer.engine.agent_view import CallView

LONGEST_NOTES = 4000
"""Characters; more is a letter, not a note."""

LONGEST_NAME = 80


def finished(fields: Mapping[str, str], call: CallView) -> Record:
    """The record as it will stand. InputError in a sentence when something is missing; it is not yet translated."""
    step = _step(fields)
    if step is NextStep.PROMISE and _time(fields) is None:
        raise InputError(N_("Which day and which time were promised? Fill in both."))
    if step is NextStep.OPT_OUT and not fields.get("sure"):
        raise InputError(N_("Please confirm that the customer is never to be called again."))
    return _record(fields, call, step)


def draft(fields: Mapping[str, str], call: CallView) -> Record:
    """What can be kept of a record that is still being written; a next step that is only half said is left out."""
    step = _step(fields)
    half_promise = step is NextStep.PROMISE and (
        _time(fields) is None or (len(call.zones) > 1 and not fields.get("zone"))
    )
    half_opt_out = step is NextStep.OPT_OUT and not fields.get("sure")
    return _record(fields, call, NextStep.DONE if half_promise or half_opt_out else step)


def _record(fields: Mapping[str, str], call: CallView, step: NextStep) -> Record:
    outcome = fields.get("outcome", "")
    zone = fields.get("zone", "")
    return Record(
        outcome=outcome if outcome in {choice.code for choice in call.outcomes} else "",
        notes=fields.get("notes", "").strip()[:LONGEST_NOTES],
        next_step=step,
        at=_time(fields) if step is NextStep.PROMISE else None,
        zone=zone if step is NextStep.PROMISE and zone in call.zones else "",
        person=fields.get("person", "").strip()[:LONGEST_NAME] if step is NextStep.CASE else "",
        another_agent=bool(fields.get("another_agent")),
    )


def _step(fields: Mapping[str, str]) -> NextStep:
    try:
        return NextStep(fields.get("next_step", NextStep.DONE))
    except ValueError:
        return NextStep.DONE


def _time(fields: Mapping[str, str]) -> datetime | None:
    """The wall clock time that was named, as browsers send dates and times; None when it is not complete."""
    try:
        return datetime.strptime(f"{fields.get('day', '')} {fields.get('hour', '')[:5]}", "%Y-%m-%d %H:%M")  # noqa: DTZ007 - on the customer's wall, its zone stands beside it
    except ValueError:
        return None
