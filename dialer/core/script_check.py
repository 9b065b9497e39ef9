"""Finds what is wrong with a script as a whole: places that do not exist, circles, dead steps, forbidden questions."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

from dialer.core.customer import TEXT_FIELDS
from dialer.core.document import Flaw
from dialer.core.lifecycle import AGENTS_OWN
from dialer.core.outcome import Disposition
from dialer.core.secret_words import secret_in
from dialer.core.sentence import gaps, stray_brace
from dialer.core.steps import (
    MACHINE,
    SETTLED,
    AnswerIs,
    AskStep,
    BranchStep,
    EndStep,
    OfferStep,
    OptOutStep,
    SayStep,
    followers,
    question_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dialer.core.campaign import Campaign
    from dialer.core.steps import Script, Step

CAMPAIGN_WORDS = ("company", "hotline")
"""What texts may say beside the customer's fields."""
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class _Graph:
    """The script with its arrows; arrows to steps that do not exist are left out."""

    script: Script

    @cached_property
    def arrows(self) -> dict[str, list[tuple[Path, str]]]:
        return {
            name: [
                (keys, to)
                for keys, to in followers(step)
                if to in self.script.nodes and not _hears_again(name, keys, to)
            ]
            for name, step in self.script.nodes.items()
        }

    def reach(self, *names: str) -> set[str]:
        """Everything that can come from `names` on, themselves included."""
        seen: set[str] = set()
        waiting = [name for name in names if name in self.script.nodes]
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting.extend(to for _, to in self.arrows[name])
        return seen

    def first(self, *kinds: type) -> list[str]:
        """The first steps of these kinds that a call can meet."""
        seen: set[str] = set()
        found: list[str] = []
        waiting = [self.script.start] if self.script.start in self.script.nodes else []
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            if isinstance(self.script.nodes[name], kinds):
                found.append(name)
            else:
                waiting.extend(to for _, to in self.arrows[name])
        return sorted(found)


def _hears_again(name: str, keys: Path, to: str) -> bool:
    """Whether this is a key that repeats its own question, which `repeat` limits."""
    return to == name and keys[0] == "keys"


def script_flaws(campaign: Campaign) -> list[Flaw]:
    """Everything that is wrong with the campaign's script."""
    graph = _Graph(campaign.script)
    misled = [*_names(graph), *_circles(graph)]
    flaws = [*misled, *_outcome_names(campaign), *_texts(campaign), *_answers(graph), *_introduction(campaign, graph)]
    if not misled:  # an arrow to nowhere cuts off everything behind it: mend that first
        flaws += [*_unreachable(graph), *_two_outcomes(graph), *_way_out(graph)]
    return [Flaw(("script", *flaw.path), flaw.what, flaw.mend) for flaw in flaws]


def nearest(word: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """What the writer may have meant, as the end of a complaint."""
    names = list(known)
    close = get_close_matches(word, names, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else otherwise or f"expected one of {', '.join(names)}"


def _names(graph: _Graph) -> Iterator[Flaw]:
    """Steps that are named and do not exist."""
    nodes = graph.script.nodes
    if graph.script.start not in nodes:
        yield Flaw(("start",), f"there is no step '{graph.script.start}'", nearest(graph.script.start, nodes))
    if MACHINE in nodes:
        yield Flaw(("nodes", MACHINE), f"'{MACHINE}' is the name of the message to machines", "choose another name")
    for taken in sorted(AGENTS_OWN):
        if taken in nodes:
            yield Flaw(("nodes", taken), f"'{taken}' is where agents' own words are recorded", "choose another name")
    for name, step in nodes.items():
        for keys, to in followers(step):
            if to not in nodes:
                yield Flaw(("nodes", name, *keys), f"there is no step '{to}'", nearest(to, nodes))


def _outcomes(step: Step) -> list[tuple[Path, str]]:
    """The outcomes a step names, each with its keys."""
    if isinstance(step, EndStep):
        return [(("outcome",), step.outcome)] if step.outcome else []
    if isinstance(step, AskStep | OfferStep):
        return [(("keys", key, "outcome"), choice.outcome) for key, choice in step.keys.items() if choice.outcome]
    return []


def _outcome_names(campaign: Campaign) -> Iterator[Flaw]:
    known = [*map(str, SETTLED), *campaign.outcomes]
    for name, step in campaign.script.nodes.items():
        for keys, outcome in _outcomes(step):
            if outcome not in known:
                what = f"there is no outcome '{outcome}'"
                listed = f"declare it under 'outcomes', or use one of {', '.join(known)}"
                yield Flaw(("nodes", name, *keys), what, _why_not(outcome) or nearest(outcome, known, otherwise=listed))


def _why_not(outcome: str) -> str:
    if outcome == Disposition.PROMISED:
        return "a promise is made by an offer_time step"
    if outcome == Disposition.OPTED_OUT:
        return "an opt-out is made by an opt_out step"
    return ""


def _spoken(step: Step) -> tuple[str, str] | None:
    """The key and the text of what a step says."""
    match step:
        case SayStep():
            return "say", step.say
        case AskStep() | OfferStep():
            return step.kind, question_text(step)
        case OptOutStep():
            return "opt_out", step.opt_out
        case EndStep():
            return "end", step.end
        case BranchStep():
            return None


def _texts(campaign: Campaign) -> Iterator[Flaw]:
    for name, step in campaign.script.nodes.items():
        spoken = _spoken(step)
        if spoken is not None:
            key, text = spoken
            path = ("nodes", name, key)
            yield from text_flaws(campaign, path, text, asks=isinstance(step, AskStep | OfferStep))


def text_flaws(campaign: Campaign, path: Path, text: str, *, asks: bool) -> Iterator[Flaw]:
    """What is wrong with one text: gaps nobody can fill, and questions nobody may ask."""
    known = [*TEXT_FIELDS, *CAMPAIGN_WORDS, *campaign.fields]
    for field in dict.fromkeys(gaps(text)):
        if field not in known:
            mend = nearest(field, known, otherwise=f"declare it under 'fields', or use one of {', '.join(known)}")
            yield Flaw(path, f"customers have no field '{field}'", mend)
    if stray_brace(text):
        yield Flaw(path, "a brace that belongs to no field", "write {name} or {name|default}, in small letters")
    secret = secret_in(text, promise_allowed=not asks)
    if secret is not None:
        what = f"asks for a secret ('{secret}'): no call may ask for card numbers, codes or passwords"
        promise = "a promise never to ask for it may stand in a 'say' or 'end' text, in a sentence of its own"
        yield Flaw(path, what, promise if asks else "remove it; only a plain promise never to ask for it may stand")


def _answers(graph: _Graph) -> Iterator[Flaw]:
    """Branches on answers that no question gives."""
    nodes = graph.script.nodes
    questions = {name: step for name, step in nodes.items() if isinstance(step, AskStep | OfferStep)}
    for name, step in nodes.items():
        if not isinstance(step, BranchStep) or not isinstance(step.branch, AnswerIs):
            continue
        asked = questions.get(step.branch.answer)
        path: Path = ("nodes", name, "branch")
        if asked is None:
            mend = nearest(step.branch.answer, questions) if questions else "branch on a field of the customer"
            yield Flaw((*path, "answer"), f"there is no question '{step.branch.answer}'", mend)
            continue
        given = [choice.answer or key for key, choice in asked.keys.items()]
        if isinstance(asked, OfferStep):
            given.extend(moment.text for moment in asked.choices.values())
        key = "is" if step.branch.equals is not None else "in"
        for wanted in step.branch.wanted:
            if wanted not in given:
                yield Flaw(
                    (*path, key), f"'{step.branch.answer}' never has the answer '{wanted}'", nearest(wanted, given)
                )


def _circles(graph: _Graph) -> Iterator[Flaw]:
    """Arrows that lead back to where the conversation has been: it might never end."""
    done: set[str] = set()
    for root in graph.script.nodes:
        under_way: dict[str, Iterator[tuple[Path, str]]] = {}
        if root not in done:
            under_way[root] = iter(graph.arrows[root])
        while under_way:
            name = next(reversed(under_way))
            arrow = next(under_way[name], None)
            if arrow is None:
                done.add(name)
                del under_way[name]
                continue
            keys, to = arrow
            if to in under_way:
                mend = "a script only goes forward; a key that names its own question repeats it"
                yield Flaw(("nodes", name, *keys), f"leads back to '{to}': the conversation may never end", mend)
            elif to not in done:
                under_way[to] = iter(graph.arrows[to])


def _unreachable(graph: _Graph) -> Iterator[Flaw]:
    reached = graph.reach(graph.script.start)
    for name in graph.script.nodes:
        if name not in reached:
            yield Flaw(("nodes", name), f"no path leads to the step '{name}'", "lead a step to it, or remove it")


def _two_outcomes(graph: _Graph) -> Iterator[Flaw]:
    """Paths on which a second outcome would overrule the first, so that reports would lose one of them."""
    nodes = graph.script.nodes
    settling = {name for name, step in nodes.items() if _outcomes(step) or isinstance(step, OfferStep)}
    for name, step in nodes.items():
        for path, to in _settling_arrows(step):
            again = sorted(graph.reach(to) & settling)
            if again:
                what = f"says what came of the call, and '{again[0]}' after it says so again"
                yield Flaw(("nodes", name, *path), what, "let only one step on each path settle the outcome")


def _settling_arrows(step: Step) -> list[tuple[Path, str]]:
    arrows: list[tuple[Path, str]] = []
    if isinstance(step, AskStep | OfferStep):
        arrows.extend((("keys", key, "outcome"), choice.go) for key, choice in step.keys.items() if choice.outcome)
    if isinstance(step, OfferStep):
        arrows.append((("next",), step.next))
    return arrows


def _introduction(campaign: Campaign, graph: _Graph) -> Iterator[Flaw]:
    """Handbook: the greeting names the company before anything else is said."""
    for name in graph.first(SayStep, AskStep, OfferStep, OptOutStep, EndStep):
        spoken = _spoken(campaign.script.nodes[name])
        if spoken is None:
            continue
        key, text = spoken
        if "company" not in gaps(text) and campaign.company.casefold() not in text.casefold():
            what = "the first words of the call do not say who is calling"
            yield Flaw(("nodes", name, key), what, "begin with a greeting that holds {company}")


def _way_out(graph: _Graph) -> Iterator[Flaw]:
    """Whoever is asked anything must be able to say: never again."""
    outs = {name for name, step in graph.script.nodes.items() if isinstance(step, OptOutStep)}
    mend = "add a key, such as \"9\", that leads to a step with 'opt_out'"
    if not outs & graph.reach(graph.script.start):
        yield Flaw(("nodes",), "the customer has no way to opt out", mend)
        return
    for name in graph.first(AskStep, OfferStep):
        if not outs & graph.reach(name):
            yield Flaw(("nodes", name), f"whoever hears the question '{name}' has no way to opt out", mend)
