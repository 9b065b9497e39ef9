"""`dialer watch`: what the service is doing, as it does it."""

from __future__ import annotations

import time
from contextlib import closing, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from dialer import bootstrap
from dialer.cli import instants
from dialer.cli.screen import AsJson, emit, light_table, out
from dialer.core.record import CallbackState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from rich.console import RenderableType

    from dialer.core.record import AttemptRecord
    from dialer.store import Store

REFRESH = timedelta(milliseconds=250)
QUIET = timedelta(seconds=2)
"""How long nothing must happen for idleness: a service that has just started may not have enrolled anybody yet."""

AT_LEAST = timedelta(seconds=3)
LATEST = 8
COLOURS = {
    "reached": "green",
    "promised": "cyan",
    "opted_out": "magenta",
    "refused": "magenta",
    "bad_number": "red",
    "not_rung": "red",
}


def watch(
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="Return when nobody is in a call and nobody may be called now.")
    ] = False,
    at_most: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Return after so many seconds at the latest.", min=0)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show campaigns, lines and the latest calls, refreshed until Ctrl-C.

    With --json, or when the output is no terminal, there is one look: at once, or when --until-idle or --at-most end.
    """
    zone = str(bootstrap.settings().house_zone)
    with suppress(KeyboardInterrupt), closing(bootstrap.open_store()) as store:
        if out.is_terminal and not as_json:
            with Live(console=out, auto_refresh=False) as live:
                for _ in _looks(store, until_idle=until_idle, at_most=at_most):
                    live.update(_view(store, bootstrap.now(), zone), refresh=True)
            return
        if until_idle or at_most is not None:
            for _ in _looks(store, until_idle=until_idle, at_most=at_most):
                pass
        if as_json:
            emit(_snapshot(store, bootstrap.now()))
        else:
            out.print(_view(store, bootstrap.now(), zone))


def _looks(store: Store, *, until_idle: bool, at_most: float | None) -> Iterator[None]:
    """Yield whenever it is time to look, until it is time to return."""
    began = time.monotonic()
    idle_since: float | None = None
    while True:
        yield
        elapsed = time.monotonic()
        if at_most is not None and elapsed - began >= at_most:
            return
        if until_idle:
            idle = store.attempts.open_count() == 0 and store.callbacks.ready_count(bootstrap.now()) == 0
            idle_since = (idle_since or elapsed) if idle else None
            quiet = idle_since is not None and elapsed - idle_since >= QUIET.total_seconds()
            if quiet and elapsed - began >= AT_LEAST.total_seconds():
                return
        time.sleep(REFRESH.total_seconds())


def _snapshot(store: Store, now: datetime) -> dict[str, Any]:
    counts, ready = store.callbacks.counts(), store.callbacks.ready_by_campaign(now)
    return {
        "at": now,
        "in_call": store.attempts.open_count(),
        "callable_now": store.callbacks.ready_count(now),
        "next_opening": store.callbacks.next_opening(),
        "campaigns": {
            one.campaign.id: {
                "paused": one.paused,
                "callable_now": 0 if one.paused else ready.get(one.campaign.id, 0),
                **{state.value: counts.get((one.campaign.id, state), 0) for state in CallbackState},
            }
            for one in store.campaigns.all()
        },
    }


def _view(store: Store, now: datetime, zone: str) -> RenderableType:
    parts: list[RenderableType] = [_campaigns(_snapshot(store, now)), Text()]
    latest = store.records.latest(LATEST)
    if latest:
        parts += [_calls(latest, zone), Text()]
    opening = store.callbacks.next_opening()
    foot = f"In call: {store.attempts.open_count()}"
    if opening is not None:
        foot += f" · next of those who rest: {instants.show(opening, zone)} {zone}"
    return Group(*parts, Text(foot))


def _campaigns(seen: dict[str, Any]) -> RenderableType:
    if not seen["campaigns"]:
        return Text("No campaign is in force. `dialer campaigns apply FILE` puts one in force.")
    table = light_table("campaign", "", "finished", "in call", "callable", "waiting", "held", numbers_from=2)
    for name, row in seen["campaigns"].items():
        finished = row[CallbackState.DONE] + row[CallbackState.CLOSED]
        total = sum(row[state] for state in CallbackState)
        paused = "\n(paused)" if row["paused"] else ""
        table.add_row(
            Text(name + paused, style="yellow" if paused else ""),
            ProgressBar(total=total or 1, completed=finished, width=10),
            f"{finished} of {total}",
            str(row[CallbackState.CALLING]),
            str(row["callable_now"]),
            str(row[CallbackState.WAITING] - row["callable_now"]),
            str(row[CallbackState.HELD]),
        )
    return table


def _calls(latest: Sequence[AttemptRecord], zone: str) -> RenderableType:
    table = light_table("called", "customer", "number", "campaign", "ended")
    for one in latest:
        ending = one.ending.value if one.ending else one.state.value
        words = ending.replace("_", " ") + (f" ({one.code})" if one.code else "")
        at = instants.exactly(one.created, zone)[-8:]
        colour = COLOURS.get(ending, "")
        who = Text(f"{one.customer} {one.tier}".rstrip())
        table.add_row(at, who, str(one.number), one.campaign, Text(words, style=colour))
    return table
