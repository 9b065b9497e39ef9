"""Plays a script: what is said next, given what was pressed. Pure, so a repeated request gets the same answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from dialer.core.clocks import clock
from dialer.core.lifecycle import Mark
from dialer.core.outcome import Disposition
from dialer.core.sentence import fill
from dialer.core.steps import (
    MACHINE,
    AnswerIs,
    AskStep,
    BranchStep,
    EndStep,
    OfferStep,
    OptOutStep,
    SayStep,
    Script,
    question_text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from dialer.core.campaign import Campaign
    from dialer.core.customer import Customer, Value

__all__ = ["Listen", "Script", "Turn", "answered", "machine_message", "opening"]


@dataclass(frozen=True, slots=True)
class Listen:
    """A question that waits for a key. `spoken` may be interrupted by it."""

    node: str
    tries: int  # 1 for the first asking
    spoken: str
    wait: timedelta  # silence after the question
    digits: int = 1


@dataclass(frozen=True, slots=True)
class Turn:
    """What the customer hears now. `listen` is None when the call ends after `spoken`."""

    spoken: tuple[str, ...]
    listen: Listen | None
    marks: tuple[Mark, ...]
    language: str
    voice: str


@dataclass(frozen=True, slots=True)
class _Talk:
    """One call to one customer."""

    campaign: Campaign
    customer: Customer
    now: datetime
    zone: str
    answers: Mapping[str, str]

    def fill(self, text: str) -> str:
        return fill(text, lambda field: _value(self.campaign, self.customer, field))

    def turn(self, spoken: list[str], listen: Listen | None, marks: list[Mark]) -> Turn:
        return Turn(tuple(spoken), listen, tuple(marks), self.campaign.language, self.campaign.voice)

    def settles(self, node: str, outcome: str | None) -> Mark:
        """The mark of a step that says what came of the call: a built-in outcome or the campaign's own code."""
        own = self.campaign.outcomes.get(outcome) if outcome else None
        if own is not None:
            return Mark(node, disposition=own.counts_as, code=outcome or "")
        return Mark(node, disposition=Disposition(outcome) if outcome else Disposition.NONE)

    def holds(self, step: BranchStep) -> bool:
        if isinstance(step.branch, AnswerIs):
            return self.answers.get(step.branch.answer) in step.branch.wanted
        return step.branch.selects(self.customer, self.now.astimezone(clock(self.zone)).date())


_NO_ANSWERS: Mapping[str, str] = MappingProxyType({})


def opening(campaign: Campaign, customer: Customer, *, now: datetime, zone: str) -> Turn:
    """The first turn of a call to a person whose wall clock is that of `zone`."""
    return _onwards(_Talk(campaign, customer, now, zone, _NO_ANSWERS), campaign.script.start, [])


def answered(
    campaign: Campaign,
    customer: Customer,
    node: str,
    tries: int,
    digits: str,
    *,
    now: datetime,
    zone: str,
    zones: tuple[str, ...] = (),
    answers: Mapping[str, str] = _NO_ANSWERS,
) -> Turn:
    """The turn after `digits` (empty for silence) at question `node`, asked for the `tries`-th time.

    `zones` are all in which the customer may be. A time of day that would be another instant in each is promised
    without one: nobody knows on which clock they chose it.

    `answers` are the earlier answers of this call by question. A node that the campaign no longer has, because its
    file changed during the call, ends the call politely: nothing is spoken and nothing but the key is recorded.
    """
    talk = _Talk(campaign, customer, now, zone, answers)
    step = campaign.script.nodes.get(node)
    if not isinstance(step, AskStep | OfferStep):
        return talk.turn([], None, [Mark(node, tries, digits)])
    if isinstance(step, OfferStep) and digits in step.choices:
        moment = step.choices[digits]
        meant = {moment.at(now, one) for one in (zone, *zones)}
        at = meant.pop() if len(meant) == 1 else None
        promise = Mark(node, tries, digits, moment.text, Disposition.PROMISED, promise_at=at)
        return _onwards(_with(talk, promise), step.next, [promise])
    choice = step.keys.get(digits)
    if choice is None:
        return _again(talk, node, step, tries, Mark(node, tries, digits, UNCLEAR if digits else ""))
    established = talk.settles(node, choice.outcome)
    mark = replace(established, tries=tries, digits=digits, answer=choice.answer, zone=choice.zone)
    if choice.go == node:
        return _again(talk, node, step, tries, mark)
    return _onwards(_with(talk, mark), choice.go, [mark])


UNCLEAR = "unclear"
"""The recorded answer of a customer who pressed a key that means nothing here."""


def machine_message(campaign: Campaign, customer: Customer) -> Turn:
    """The message for an answering machine, spoken after its beep."""
    message = fill(campaign.answering_machine.message, lambda field: _value(campaign, customer, field))
    mark = Mark(MACHINE, disposition=Disposition.MESSAGE_LEFT)
    return Turn((message,), None, (mark,), campaign.language, campaign.voice)


def said(campaign: Campaign, customer: Customer, text: str) -> Turn:
    """A text of the campaign's that asks nothing, with the customer's fields filled in."""
    words = fill(text, lambda field: _value(campaign, customer, field))
    return Turn((words,), None, (), campaign.language, campaign.voice)


def _again(talk: _Talk, node: str, step: AskStep | OfferStep, tries: int, mark: Mark) -> Turn:
    if 1 <= tries <= step.repeat:
        return talk.turn([], _listen(talk, node, step, tries + 1), [mark])
    return _onwards(_with(talk, mark), step.no_answer, [mark])


def _with(talk: _Talk, mark: Mark) -> _Talk:
    heard = mark.answer or mark.digits
    return replace(talk, answers={**talk.answers, mark.node: heard}) if heard else talk


def _listen(talk: _Talk, node: str, step: AskStep | OfferStep, tries: int) -> Listen:
    return Listen(node, tries, talk.fill(question_text(step)), step.wait)


def _onwards(talk: _Talk, node: str, marks: list[Mark]) -> Turn:
    """Walk from `node` to the next question or the end. The check guarantees that there is no circle."""
    spoken: list[str] = []
    while True:
        step = talk.campaign.script.nodes[node]
        match step:
            case SayStep():
                spoken.append(talk.fill(step.say))
                node = step.next
            case BranchStep():
                node = step.then if talk.holds(step) else step.otherwise
            case AskStep() | OfferStep():
                return talk.turn(spoken, _listen(talk, node, step, 1), marks)
            case OptOutStep():
                mark = Mark(node, disposition=Disposition.OPTED_OUT)
                return talk.turn([*spoken, talk.fill(step.opt_out)], None, [*marks, mark])
            case EndStep():
                return talk.turn([*spoken, talk.fill(step.end)], None, [*marks, talk.settles(node, step.outcome)])


def _value(campaign: Campaign, customer: Customer, field: str) -> Value | None:
    match field:
        case "company":
            return campaign.company
        case "hotline":
            return campaign.hotline
        case _:
            return customer.value(field)
