"""The script as an agent reads it: the same graph the machine speaks, one page from one question to the next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dialer.core import script
from dialer.core.lifecycle import AGENTS_OWN, BACK, Mark
from dialer.core.steps import AskStep, OfferStep
from dialer.engine.agent_view import Option, ScriptPage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from dialer.core.lifecycle import Facts
    from dialer.core.script import Turn
    from dialer.store import Briefing


def page(briefing: Briefing, facts: Facts, now: datetime) -> ScriptPage:
    """The page the agent is on: what follows the last answer that was entered and not turned back."""
    path = _path(facts)
    return _page(briefing, _turn(briefing, facts, path[-1], now) if path else _opening(briefing, now))


def entered(briefing: Briefing, facts: Facts, node: str, key: str, now: datetime) -> tuple[Mark, ...]:
    """The marks of an answer that the agent enters at question `node`. They are numbered in the order of entry."""
    turn = _turn(briefing, facts, Mark(node, 1, key), now)
    return tuple(replace(mark, tries=_next(facts)) for mark in turn.marks)


def back(facts: Facts) -> Mark | None:
    """The mark of turning back a page; None on the first."""
    return Mark(BACK, _next(facts)) if _path(facts) else None


def answers(facts: Facts) -> Mapping[str, str]:
    """What was answered on the way to this page, by question; what was turned back is left out."""
    return {mark.node: mark.answer or mark.digits for mark in _path(facts)}


def _next(facts: Facts) -> int:
    return 1 + max((mark.tries for mark in facts.marks), default=0)


def _path(facts: Facts) -> list[Mark]:
    """The answers that led to this page."""
    path: list[Mark] = []
    for mark in sorted(facts.marks, key=lambda mark: mark.tries):
        if mark.node == BACK:
            path = path[:-1]
        elif mark.digits and mark.node not in AGENTS_OWN:
            path.append(mark)
    return path


def _turn(briefing: Briefing, facts: Facts, last: Mark, now: datetime) -> Turn:
    """What comes after an answer."""
    zone = facts.zone or briefing.customer.zone or briefing.zones[0]
    return script.answered(
        briefing.campaign,
        briefing.customer,
        last.node,
        1,
        last.digits,
        now=now,
        zone=zone,
        zones=() if facts.zone else briefing.zones,
        answers=facts.answers,
    )


def _opening(briefing: Briefing, now: datetime) -> Turn:
    zone = briefing.customer.zone or briefing.zones[0]
    return script.opening(briefing.campaign, briefing.customer, now=now, zone=zone)


def _page(briefing: Briefing, turn: Turn) -> ScriptPage:
    if turn.listen is None:
        return ScriptPage(turn.spoken)
    node = turn.listen.node
    step = briefing.campaign.script.nodes[node]
    options: list[Option] = []
    if isinstance(step, OfferStep):
        options += [Option(key, moment.text) for key, moment in step.choices.items()]
    if isinstance(step, AskStep | OfferStep):
        options += [Option(key, choice.answer or choice.outcome or choice.go) for key, choice in step.keys.items()]
    return ScriptPage(turn.spoken, node, turn.listen.tries, turn.listen.spoken, tuple(options))
