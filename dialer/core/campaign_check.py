"""Finds what is wrong with a campaign as a whole, where every key for itself reads well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.core.clocks import is_zone, zone_names
from dialer.core.customer import TEXT_FIELDS
from dialer.core.document import Flaw
from dialer.core.filter import DATE_TESTS, NUMBER_TESTS, TESTS, FieldType, Filter
from dialer.core.outcome import Disposition
from dialer.core.script_check import CAMPAIGN_WORDS, Path, nearest, script_flaws, text_flaws
from dialer.core.steps import SETTLED, AskStep, BranchStep, OfferStep

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from dialer.core.campaign import Campaign


def campaign_flaws(
    campaign: Campaign, special_days: Collection[str] = (), sectors: Collection[str] | None = None
) -> list[Flaw]:
    """Everything that is wrong; empty for a campaign that can run.

    `special_days` are the names it may hang on, `sectors` those that any rule binds; None where no rules are at hand.
    """
    return [
        *_declarations(campaign),
        *_due(campaign),
        *_special_day(campaign, special_days),
        *_sectors(campaign, sectors),
        *_condition(campaign, ("who",), campaign.who),
        *_branches(campaign),
        *_zones(campaign),
        *_staffing(campaign),
        *text_flaws(campaign, ("answering_machine", "message"), campaign.answering_machine.message, asks=False),
        *script_flaws(campaign),
    ]


def _declarations(campaign: Campaign) -> Iterator[Flaw]:
    """Names that would hide something that exists already."""
    for field in campaign.fields:
        if field in TEXT_FIELDS or field in CAMPAIGN_WORDS:
            yield Flaw(("fields", field), f"'{field}' exists already", "remove it; it needs no declaration")
    for code in campaign.outcomes:
        if code in set(Disposition):
            yield Flaw(("outcomes", code), f"'{code}' is a built-in outcome", "choose another name")


def _due(campaign: Campaign) -> Iterator[Flaw]:
    field = campaign.why_now.due.field
    if field is None or campaign.fields.get(field) is FieldType.DATE:
        return
    path: Path = ("why_now", "due", "field")
    if field in campaign.fields or field in TEXT_FIELDS:
        yield Flaw(path, f"'{field}' is no date", "name a field that is declared as a date under 'fields'")
    else:
        yield _unknown(campaign, path, field)


def _special_day(campaign: Campaign, known: Collection[str]) -> Iterator[Flaw]:
    name = campaign.why_now.due.special_day
    if name is not None and name not in known:
        yield Flaw(("why_now", "due", "special_day"), f"there is no special day '{name}'", nearest(name, known))


def _staffing(campaign: Campaign) -> Iterator[Flaw]:
    """What the agents' block says to customers, and what it takes for granted."""
    staffing = campaign.agents
    if staffing is None:
        return
    yield from text_flaws(campaign, ("agents", "greeting"), staffing.greeting, asks=False)
    yield from text_flaws(campaign, ("agents", "safe_harbour"), staffing.safe_harbour, asks=False)
    outcome = staffing.default_outcome
    known = [*campaign.outcomes, *SETTLED]
    if outcome is not None and outcome not in known:
        yield Flaw(("agents", "default_outcome"), f"there is no outcome '{outcome}'", nearest(outcome, known))


def _sectors(campaign: Campaign, known: Collection[str] | None) -> Iterator[Flaw]:
    """Lines of business that no rule speaks of: misspelt, the rules that are meant would silently not bind."""
    for at, name in enumerate(campaign.sectors):
        if known is not None and name not in known:
            mend = nearest(name, sorted(known), otherwise=f"{_known_sectors(known)}; leave out what no rule speaks of")
            yield Flaw(("sectors", at), f"no rule speaks of the sector '{name}'", mend)


def _known_sectors(known: Collection[str]) -> str:
    return f"expected one of {', '.join(sorted(known))}" if known else "no rule speaks of any"


def _unknown(campaign: Campaign, path: Path, field: str) -> Flaw:
    known = [*TEXT_FIELDS, *campaign.fields]
    listed = f"declare it under 'fields', or use one of {', '.join(known)}"
    return Flaw(path, f"customers have no field '{field}'", nearest(field, known, otherwise=listed))


def _branches(campaign: Campaign) -> Iterator[Flaw]:
    for name, step in campaign.script.nodes.items():
        if isinstance(step, BranchStep) and isinstance(step.branch, Filter):
            yield from _condition(campaign, ("script", "nodes", name, "branch"), step.branch)


def _zones(campaign: Campaign) -> Iterator[Flaw]:
    for name, step in campaign.script.nodes.items():
        for key, choice in step.keys.items() if isinstance(step, AskStep | OfferStep) else ():
            if choice.zone and not is_zone(choice.zone):
                path: Path = ("script", "nodes", name, "keys", key, "zone")
                mend = nearest(choice.zone, zone_names(), otherwise="expected an IANA name such as America/Chicago")
                yield Flaw(path, f"there is no time zone '{choice.zone}'", mend)


def _condition(campaign: Campaign, path: Path, condition: Filter) -> Iterator[Flaw]:
    """Fields that do not exist, and tests that can never hold for what the field is."""
    for key, parts in (("all", condition.all_of), ("any", condition.any_of)):
        for index, part in enumerate(parts or ()):
            yield from _condition(campaign, (*path, key, index), part)
    if condition.negated is not None:
        yield from _condition(campaign, (*path, "not"), condition.negated)
    field = condition.field
    if field is None:
        return
    if field not in TEXT_FIELDS and field not in campaign.fields:
        yield _unknown(campaign, (*path, "field"), field)
        return
    kind = campaign.fields.get(field, FieldType.TEXT)
    for test in condition.tests:
        mend = _misfit(kind, test, getattr(condition, TESTS[test]))
        if mend:
            yield Flaw((*path, test), f"'{test}' does not fit '{field}', which holds a {kind}", mend)


def _misfit(kind: FieldType, test: str, limit: object) -> str:
    """What to do about a test that can never hold; empty when it fits."""
    if test in DATE_TESTS and kind is not FieldType.DATE:
        return "declare the field as a date under 'fields'"
    if test in NUMBER_TESTS and kind is not FieldType.NUMBER:
        return "declare the field as a number under 'fields'"
    if test in {"is", "is_not", "in", "not_in"}:
        values = limit if isinstance(limit, tuple) else (limit,)
        if kind is FieldType.NUMBER and any(isinstance(value, str) for value in values):
            return "expected a number without quotes"
        if kind is not FieldType.NUMBER and any(not isinstance(value, str) for value in values):
            return "expected text: put it in quotes"
    return ""
