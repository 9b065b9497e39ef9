"""Plays one conversation in the terminal through the very code that answers the carrier."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

from dialer.cli.screen import emit, out
from dialer.core.campaign import Campaign, FieldType, MachineReaction
from dialer.core.clocks import clock, is_zone
from dialer.core.customer import TEXT_FIELDS, Customer, Value
from dialer.core.lifecycle import Facts, Mark
from dialer.core.outcome import AnsweredBy, Disposition, Network
from dialer.core.script import Listen, Turn, answered, machine_message, opening
from dialer.core.script_check import nearest
from dialer.core.steps import AskStep, OfferStep
from dialer.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SILENCE = "-"


@dataclass(slots=True)
class Call:
    """One rehearsed call. `keys` is None when a person at the terminal plays the customer."""

    campaign: Campaign
    customer: Customer
    now: datetime
    zone: str
    keys: list[str] | None
    marks: list[Mark] = field(default_factory=list)

    @property
    def facts(self) -> Facts:
        """What the record would hold, after what was said so far."""
        return Facts(network=Network.ANSWERED, answered_by=AnsweredBy.HUMAN, marks=frozenset(self.marks))

    def turns(self) -> Iterator[tuple[Turn, str]]:
        """Each turn with the key that is pressed at its end."""
        turn = opening(self.campaign, self.customer, now=self.now, zone=self.zone)
        while True:
            self.marks.extend(turn.marks)
            listen = turn.listen
            if listen is None:
                yield turn, ""
                return
            digits = self._press(turn, listen)
            yield turn, digits
            turn = answered(
                self.campaign,
                self.customer,
                listen.node,
                listen.tries,
                digits,
                now=self.now,
                zone=self.zone,
                answers=self.facts.answers,
            )

    def _press(self, turn: Turn, listen: Listen) -> str:
        if self.keys is not None:
            return self.keys.pop(0) if self.keys else ""
        _show_turn(turn)
        _show_keys(self.campaign, listen)
        key: str = typer.prompt("  Key (Enter for silence)", default="", show_default=False)
        return key.strip()[:1].replace(SILENCE, "")


def show_call(call: Call, *, as_json: bool) -> None:
    """Play the call and print it: one JSON object a turn and one for the outcome, or a text to read."""
    at_terminal = call.keys is None
    for turn, digits in call.turns():
        if as_json:
            emit(_turn(turn, digits))
            continue
        if turn.listen is None or not at_terminal:
            _show_turn(turn)
        if turn.listen is not None and not at_terminal:
            out.print(f"  > {digits or '(silence)'}", style="cyan", markup=False, soft_wrap=True)
    if as_json:
        emit(_outcome(call.facts))
    else:
        _show_outcome(call)


def show_machine(campaign: Campaign, customer: Customer, *, as_json: bool) -> None:
    """What an answering machine hears."""
    reaction = campaign.answering_machine.reaction
    turn = machine_message(campaign, customer) if reaction is MachineReaction.LEAVE_MESSAGE else None
    if as_json:
        emit({"reaction": reaction, "spoken": turn.spoken if turn else ()})
    elif turn is None:
        out.print(
            "  A machine hears nothing." if reaction is MachineReaction.HANG_UP else "  A machine hears the script."
        )
    else:
        _show_turn(turn)


def _show_turn(turn: Turn) -> None:
    for mark in turn.marks:
        out.print(f"  recorded: {_words(mark)}", style="dim", markup=False, soft_wrap=True)
    for text in (*turn.spoken, *((turn.listen.spoken,) if turn.listen else ())):
        out.print(f'  "{text}"', markup=False, soft_wrap=True)


def _show_keys(campaign: Campaign, listen: Listen) -> None:
    step = campaign.script.nodes[listen.node]
    if isinstance(step, AskStep | OfferStep):
        meant = {key: choice.answer or choice.go for key, choice in step.keys.items()}
        if isinstance(step, OfferStep):
            meant |= {key: moment.text for key, moment in step.choices.items()}
        listed = ", ".join(f"{key} {meaning}" for key, meaning in sorted(meant.items()))
        out.print(
            f"  {listen.node}, asked for time {listen.tries}: {listed}", style="dim", markup=False, soft_wrap=True
        )


def _words(mark: Mark) -> str:
    """A mark as a line of the record."""
    parts = [mark.node]
    if mark.digits:
        parts.append(f"key {mark.digits}")
    if mark.answer:
        parts.append(mark.answer)
    if mark.disposition is not Disposition.NONE:
        parts.append(f"{mark.disposition}{f' ({mark.code})' if mark.code else ''}")
    if mark.promise_at is not None:
        parts.append(f"call back at {mark.promise_at:%Y-%m-%d %H:%M} UTC")
    return ", ".join(parts)


def _show_outcome(call: Call) -> None:
    facts = call.facts
    code = f", recorded as {facts.code}" if facts.code else ""
    out.print(f"Outcome: {facts.outcome.ending}{code}", style="bold green", markup=False, soft_wrap=True)
    if facts.promise_at is not None:
        local = facts.promise_at.astimezone(clock(call.zone))
        out.print(f"Promised: {local:%A %Y-%m-%d %H:%M} in {call.zone}", markup=False, soft_wrap=True)
    for node, answer in facts.answers.items():
        out.print(f"Answer to {node}: {answer}", markup=False, soft_wrap=True)


def _turn(turn: Turn, digits: str) -> dict[str, Any]:
    listen = turn.listen
    return {
        "recorded": [_record(mark) for mark in turn.marks],
        "spoken": turn.spoken,
        "question": listen.spoken if listen else None,
        "node": listen.node if listen else None,
        "tries": listen.tries if listen else None,
        "pressed": digits if listen else None,
    }


def _record(mark: Mark) -> dict[str, Any]:
    return {
        "node": mark.node,
        "digits": mark.digits,
        "answer": mark.answer,
        "disposition": mark.disposition,
        "code": mark.code,
        "promise_at": mark.promise_at,
    }


def _outcome(facts: Facts) -> dict[str, Any]:
    return {
        "ending": facts.outcome.ending,
        "disposition": facts.disposition,
        "code": facts.code,
        "promise_at": facts.promise_at,
        "answers": facts.answers,
    }


def keys_of(text: str | None) -> list[str] | None:
    """The keys of `1,1,-`, silence as empty text. InputError for anything else."""
    if text is None:
        return None
    keys = [key.strip() for key in text.split(",")] if text.strip() else []
    wrong = [key for key in keys if key not in {*"0123456789*", SILENCE, ""}]
    if wrong:
        raise InputError(
            [Problem("--keys", f"'{wrong[0]}' is no key", "expected keys such as 1,2,- (0 to 9, *, - for silence)")]
        )
    return [key.replace(SILENCE, "") for key in keys]


def moment_of(text: str, zone: str) -> datetime:
    """The instant of a wall-clock time in `zone`. InputError when it is none."""
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        mend = "expected such as '2026-01-05 10:00'"
        raise InputError([Problem("--at", f"'{text}' is no date and time", mend)]) from None
    return (wall if wall.tzinfo else wall.replace(tzinfo=clock(zone))).astimezone(UTC)


def zone_of(name: str) -> str:
    """`name`, when it is a time zone; InputError otherwise."""
    if not is_zone(name):
        raise InputError([Problem("--zone", f"'{name}' is no time zone", "expected a name such as Asia/Shanghai")])
    return name


def customer_of(campaign: Campaign, fields: Sequence[str], now: datetime) -> Customer:
    """A made-up customer, with the fields that were given. InputError for fields that customers do not have."""
    texts: dict[str, Any] = {"reference": "rehearsal", "name": "Alex Example"}
    attributes = {name: _sample(name, kind, now) for name, kind in campaign.fields.items()}
    problems = []
    for item in fields:
        name, _, value = item.partition("=")
        if name in TEXT_FIELDS:
            texts[name] = value
        elif name in campaign.fields:
            try:
                attributes[name] = _given(campaign.fields[name], value)
            except ValueError:
                expected = {FieldType.DATE: "a date such as 2026-02-01", FieldType.NUMBER: "a number"}
                mend = f"expected {expected.get(campaign.fields[name], 'text')}"
                problems.append(Problem("--customer-field", f"'{name}' cannot be '{value}'", mend))
        else:
            known = nearest(name, [*TEXT_FIELDS, *campaign.fields])
            problems.append(Problem("--customer-field", f"customers have no field '{name}'", known))
    if problems:
        raise InputError(problems)
    return Customer(**texts, attributes=attributes)


def _sample(name: str, kind: FieldType, now: datetime) -> Value:
    match kind:
        case FieldType.DATE:
            return (now + timedelta(days=30)).date().isoformat()
        case FieldType.NUMBER:
            return 100
        case FieldType.TEXT:
            return name.replace("_", " ")


def _given(kind: FieldType, value: str) -> Value:
    match kind:
        case FieldType.DATE:
            return datetime.fromisoformat(value).date().isoformat()
        case FieldType.NUMBER:
            return float(value)
        case FieldType.TEXT:
            return value
