"""`dialer campaigns plan`: what a campaign file would do with the customers there are, before anybody is called."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import partial
from pathlib import Path  # noqa: TC003 - Typer reads the annotations at run time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dialer import bootstrap
from dialer.campaign_files import load
from dialer.cli import chart, instants, rule_words, window_words
from dialer.cli.rule_words import DAYS as WEEKDAYS
from dialer.cli.rules_in_force import sectors_in_force
from dialer.cli.screen import AsJson, emit, err, light_table, out
from dialer.cli.why import MEND_ZONE
from dialer.core.document import spoken
from dialer.core.forecast import CALL_LENGTH, Capacity, forecast
from dialer.core.hours import DailyRange
from dialer.core.plan import AHEAD, Fate, Place
from dialer.core.unused_hours import shut_windows, unused_hours
from dialer.core.wall_clock import local
from dialer.engine.plan import Plan, Question
from dialer.engine.plan import plan as count
from dialer.rule_files import special_days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from dialer.campaign_files import LoadedCampaign
    from dialer.core.forecast import Forecast
    from dialer.core.unused_hours import Unused

WORDS: Final = {
    Place.NOT_SELECTED: "not selected",
    Place.NO_REASON: "no date to go by",
    Place.PAST: "special day is over",
    Place.LATER: "due later",
    Place.CALLABLE: "callable now",
    Place.WAITING: "waiting",
    Place.REFUSED: "refused",
    Place.CALLING: "in a call now",
    Place.HELD: "held for a person",
    Place.DONE: "done already",
    Place.CLOSED: "closed, not reached",
}


def plan(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The campaign file.")],
    at: Annotated[
        str | None,
        typer.Option(metavar="INSTANT", help="As if it were this instant, such as 2026-11-23T09:30+08:00."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a campaign file would do with the customers there are. Nothing is written and nobody is called.

    Every customer is put to the gate that decides before each dial: who is targeted, callable now, blocked by which
    rule until when; whose deadline cannot be met; when the first calls would be made; and what changes against the
    version in force. Instants without an offset are on the clock of DIALER_HOUSE_ZONE.
    """
    given = bootstrap.settings()
    loaded = load(file, special_days(), sectors_in_force(given))
    zone = str(given.house_zone)
    now = instants.read(at, "--at", zone) if at else bootstrap.now()
    question = Question(loaded.document, loaded.version, now)
    with _progress(silent=as_json) as told:
        found = count(partial(bootstrap.open_store, given), question, processes=os.cpu_count() or 1, told=told)
    calls = forecast(found.tally.demand, found.grid, Capacity(given.calls_per_second, given.max_concurrent_calls), zone)
    house = bootstrap.house(given)
    today = local(now, zone).date()
    unused = unused_hours(loaded.campaign, house, found.tally.countries, today)
    shut = shut_windows(loaded.campaign, house, given.allowed_countries.union(found.tally.countries), today)
    if as_json:
        told_shut = window_words.as_objects(shut, house)
        emit({**_as_object(loaded, found, calls, unused, now), "windows_never_open": told_shut})
        return
    _print_counts(loaded, found, now, zone)
    _print_late(found)
    capacity = f"{given.calls_per_second:g} a second and {given.max_concurrent_calls} at once"
    _print_calls(calls, capacity, zone)
    _print_changes(found, loaded.version)
    window_words.show(shut, house)
    _print_unused(unused)


@contextmanager
def _progress(*, silent: bool) -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn("customers"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=silent or not err.is_terminal) as bar:
        task = bar.add_task("customers", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _name(fate: Fate) -> str:
    rule, _, layer = fate.by.partition(": ")
    by = f"{rule.replace('_', ' ')} of {layer}" if layer else rule.replace("_", " ")
    return f"{WORDS[fate.place]}: {by}" if by else WORDS[fate.place]


def _print_counts(loaded: LoadedCampaign, found: Plan, now: datetime, zone: str) -> None:
    tally = found.tally
    out.print(f"[bold]{escape(loaded.campaign.id)}[/bold] version {loaded.version}: a plan, nobody is called")
    out.print(f"as of {instants.show(now, zone)} {zone}")
    out.print(f"\n{tally.customers:,} customers, {tally.targeted:,} targeted now")
    table = light_table("", "customers", "first until", "last until")
    table.columns[1].justify = "right"
    for place in Place:
        fates = sorted((one for one in tally.fates if one.place is place and tally.fates[one]), key=_most(found))
        for fate in fates:
            table.add_row(escape(_name(fate)), f"{tally.fates[fate]:,}", *_span(found, fate, zone))
    out.print(table)
    again = sum(tally.enrolled.values())
    if again:
        out.print(f"{again:,} of those ahead wait as callbacks already; nobody is called twice")
    if found.paused:
        out.print("[yellow]The campaign is paused[/yellow]: nobody is called until it is resumed.")
    without = tally.fates[Fate(Place.REFUSED, "no_zone")]
    if without:
        out.print(f"[yellow]no zone[/yellow] for {without:,} customers. {MEND_ZONE}")


def _most(found: Plan) -> Callable[[Fate], tuple[int, str]]:
    return lambda fate: (-found.tally.fates[fate], fate.by)


def _span(found: Plan, fate: Fate, zone: str) -> tuple[str, str]:
    span = found.tally.spans.get(fate)
    if span is None:
        return "", ""
    first, last = (f"{local(one, zone):%Y-%m-%d %H:%M}" for one in span)
    return first, last


def _print_late(found: Plan) -> None:
    late = found.tally.late
    if late:
        out.print(f"\n[yellow]{sum(late.values()):,} deadlines cannot be met[/yellow]")
        for why, many in late.most_common():
            out.print(f"  {many:,}: {escape(why)}")


def _print_calls(calls: Forecast, capacity: str, zone: str) -> None:
    """One line for each day, two characters for each hour of the house's clock."""
    days: dict[str, list[int | None]] = {}
    for hour, many in calls.hours:
        wall = local(hour, zone)
        counts = days.setdefault(f"{wall:%a %m-%d}", [None] * chart.HOURS)
        counts[wall.hour] = (counts[wall.hour] or 0) + many  # an hour that the clock repeats is shown once
    most = max((many for counts in days.values() for many in counts if many), default=0)
    out.print(f"\nFirst calls by hour, {zone}")
    if not most:
        out.print("  none in these days")
        return
    out.print(f"  {'':9} {chart.hour_axis(2)}")
    for day, counts in days.items():
        wide = "".join(bar * 2 for bar in chart.bars(counts, most))
        out.print(f"  {day:9} {wide} {sum(many or 0 for many in counts):>9,}")
    out.print(f"  the highest bar is {most:,} calls in an hour; {calls.left:,} come after these days")
    length = spoken(CALL_LENGTH)
    out.print(f"  at most {capacity}; a call is taken to last {length} with its ringing")
    out.print("  whose time closes first is called first; later attempts are not counted")


def _print_changes(found: Plan, version: str) -> None:
    tally = found.tally
    if not found.in_force:
        out.print("\nNo version of this campaign is in force.")
        return
    if found.in_force == version:
        out.print("\nThis version is in force already.")
        return
    changed = sum(tally.changes.values())
    out.print(f"\nAgainst version {found.in_force} in force: {tally.customers - changed:,} customers unchanged")
    new = sum(many for (old, now), many in tally.changes.items() if now.targeted and not old.targeted)
    gone = sum(many for (old, now), many in tally.changes.items() if old.targeted and not now.targeted)
    if changed:
        out.print(f"  newly targeted +{new:,}, no longer targeted -{gone:,}")
    for (old, now), many in sorted(tally.changes.items(), key=lambda one: -one[1]):
        out.print(f"  {many:,}: {escape(_name(old))} → {escape(_name(now))}")


def _print_unused(unused: list[Unused]) -> None:
    for one in unused:
        part = DailyRange(one.start, one.end)
        days, by = rule_words.weekdays(one.weekdays), ", ".join(one.closed_by)
        out.print(
            f"[yellow]never used[/yellow] in {one.country}: {days} {part} of the file's windows is "
            f"closed by {escape(by)}"
        )


def _as_object(
    loaded: LoadedCampaign, found: Plan, calls: Forecast, unused: list[Unused], now: datetime
) -> dict[str, Any]:
    tally = found.tally
    later = tally.spans.get(Fate(Place.LATER))
    return {
        "campaign": loaded.campaign.id,
        "version": loaded.version,
        "at": now,
        "in_force": found.in_force or None,
        "paused": found.paused,
        "customers": tally.customers,
        "targeted": tally.targeted,
        "due_later": tally.count(Place.LATER),
        "first_due_later": later[0] if later else None,
        "places": [
            {"place": fate.place, "by": fate.by or None, "customers": many, **_until(found, fate)}
            for fate, many in sorted(tally.fates.items())
            if many
        ],
        "already_enrolled": sum(tally.enrolled.values()),
        "not_called_again": sum(
            many for fate, many in tally.fates.items() if fate.targeted and fate.place not in AHEAD
        ),
        "infeasible": [{"why": why, "customers": many} for why, many in tally.late.most_common()],
        "calls_by_hour": [{"from": hour, "calls": many} for hour, many in calls.hours],
        "calls_later": calls.left,
        "call_length": CALL_LENGTH,
        "changes": [
            {"before": _place(old), "after": _place(new), "customers": many}
            for (old, new), many in sorted(tally.changes.items())
        ],
        "unchanged": tally.customers - sum(tally.changes.values()) if found.in_force else None,
        "unused_hours": [
            {
                "country": one.country,
                "weekdays": [WEEKDAYS[day] for day in one.weekdays],
                "hours": str(DailyRange(one.start, one.end)),
                "closed_by": one.closed_by,
            }
            for one in unused
        ],
    }


def _place(fate: Fate) -> str:
    return f"{fate.place.value}: {fate.by}" if fate.by else fate.place.value


def _until(found: Plan, fate: Fate) -> dict[str, datetime | None]:
    first, last = found.tally.spans.get(fate, (None, None))
    return {"first_until": first, "last_until": last}
