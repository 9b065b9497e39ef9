"""Enrolment: who has become due, in every campaign, once per occasion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from dialer.core.wall_clock import local, midnight
from dialer.rule_files import special_days
from dialer.store import Enrolment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dialer.core.campaign import Campaign, WhyNow
    from dialer.core.customer import Customer
    from dialer.store import Standing, Store

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What one pass over the customer file did."""

    new: int
    withdrawn: int
    infeasible: int = 0  # of the new ones, those whose deadline cannot be met


def enrol(store: Store, now: datetime, house_zone: str, *, only: str | None = None) -> Enrolled:
    """Go through the customer file once, page by page, and enrol for every campaign that has begun and not ended."""
    active = [
        one
        for one in store.campaigns.all()
        if only in {None, one.campaign.id} and _is_active(one.campaign, now, house_zone)
    ]
    new = withdrawn = infeasible = 0
    if active:
        for page in store.customers.numbered_pages(PAGE):
            for standing in active:
                page_done = _enrol_page(store, standing, page, now, house_zone)
                new, withdrawn = new + page_done.new, withdrawn + page_done.withdrawn
                infeasible += page_done.infeasible
    return Enrolled(new, withdrawn, infeasible)


def _is_active(campaign: Campaign, now: datetime, house_zone: str) -> bool:
    starts, ends = campaign.when.starts, campaign.when.ends
    begun = starts is None or now >= midnight(starts, house_zone)
    over = ends is not None and now >= midnight(ends + timedelta(days=1), house_zone)
    return begun and not over


def _enrol_page(
    store: Store, standing: Standing, page: Sequence[tuple[int, Customer]], now: datetime, house_zone: str
) -> Enrolled:
    campaign = standing.campaign
    today = local(now, house_zone).date()
    found, others = [], []
    for customer_id, customer in page:
        enrolment = None
        if campaign.who.selects(customer, today):
            enrolment = reason_to_call(campaign, customer_id, customer, standing.applied, house_zone, now)
        if enrolment is None:
            others.append(customer_id)
        elif enrolment.due <= now and not _is_past(campaign, enrolment, now):
            found.append(enrolment)
    done = store.callbacks.enrol(campaign.id, found, now)
    return Enrolled(done.new, store.callbacks.withdraw(campaign.id, others, now), done.infeasible)


def _is_past(campaign: Campaign, enrolment: Enrolment, now: datetime) -> bool:
    """Whether a special day is so long ago that nobody new is called about it; who is enrolled already stays so.

    Without this, a campaign for Telecom Day that is put in force in November would call everybody about last May.
    """
    return campaign.why_now.due.special_day is not None and enrolment.deadline <= now


def reason_to_call(
    campaign: Campaign, customer_id: int, customer: Customer, applied: datetime, house_zone: str, now: datetime
) -> Enrolment | None:
    """Why this customer is to be called: since when, by when, and the occasion that makes it one callback.

    None when the date that the reason hangs on is not in the customer's file, or is none that can be reckoned with, and
    when the table of special days ends before `now`. A reason may be one to come, which enrols and withdraws nobody.
    """
    due = campaign.why_now.due
    if due.special_day is not None:
        return _on_special_day(campaign.why_now, due.special_day, customer_id, house_zone, now)
    if due.field is None:
        starts = campaign.when.starts
        reason = midnight(starts, house_zone) if starts is not None else applied
        occasion = starts.isoformat() if starts is not None else "once"
    else:
        told = customer.value(due.field)
        found = _instant(told, house_zone) if isinstance(told, str) else None
        if found is None:
            return None
        reason, occasion = found, f"{due.field}={told}"
    try:
        since = reason + due.offset
        return Enrolment(customer_id, occasion, since, since + campaign.why_now.deadline)
    except OverflowError:
        return None  # a date at the end of time, by which customer files mean "never"


def _on_special_day(why_now: WhyNow, name: str, customer_id: int, house_zone: str, now: datetime) -> Enrolment | None:
    """The special day whose time it is at `now`, else the next one to come, else the last one that was.

    None for a day that is in no table, and in years that its table does not reach.
    """
    day = special_days().get(name)
    this_year = local(now, house_zone).year
    found = []
    for year in range(this_year - 1, this_year + 3):  # with an offset, the next year's may be over or due already
        date_of = day.in_year(year) if day is not None else None
        if date_of is not None:
            since = midnight(date_of, house_zone) + why_now.due.offset
            found.append(Enrolment(customer_id, f"{name}={date_of}", since, since + why_now.deadline))
    begun = [one for one in found if one.due <= now]
    ahead = [one for one in found if one.due > now]
    if begun and (now < begun[-1].deadline or not ahead):
        return begun[-1]
    return ahead[0] if ahead else None


def fields_nobody_has(store: Store, campaign: Campaign) -> set[str]:
    """Fields the campaign relies on that no customer has; empty while there are no customers."""
    missing = set(campaign.fields)
    seen = False
    for page in store.customers.pages(PAGE):
        seen = True
        for customer in page:
            missing.difference_update(customer.attributes)
        if not missing:
            break
    return missing if seen else set()


def _instant(text: str, house_zone: str) -> datetime | None:
    """A date of the customer file begins at midnight where the house is; an instant is taken as it stands.

    None for what is neither: the import reports it, and one such row must not stop the enrolment of all others.
    """
    try:
        if len(text) > len("2026-12-31"):
            told = datetime.fromisoformat(text)
            return told if told.tzinfo is not None else midnight(told.date(), house_zone)
        return midnight(date.fromisoformat(text), house_zone)
    except (ValueError, OverflowError):
        return None
