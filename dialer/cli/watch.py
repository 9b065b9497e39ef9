"""`dialer watch`: what the service is doing, as it does it."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dialer import bootstrap
from dialer.cli import instants
from dialer.cli.screen import AsJson, emit, out
from dialer.core.record import CallbackState

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import RenderableType

    from dialer.core.record import AttemptRecord
    from dialer.store import Store

REFRESH = timedelta(milliseconds=250)
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
    at_most: Annotated[float, typer.Option(help="Return after this many seconds at the latest; 0: never.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Show campaigns, lines and the latest calls, refreshed until Ctrl-C. With --json: one look, as one object."""
    store = bootstrap.open_store()
    if as_json:
        emit(_snapshot(store))
        return
    zone = str(bootstrap.settings().house_zone)
    began = time.monotonic()
    idle_since: float | None = None
    try:
        with Live(console=out, refresh_per_second=8, transient=False) as live:
            while True:
                live.update(_view(store, bootstrap.now(), zone))
                elapsed = time.monotonic()
                idle = store.attempts.open_count() == 0 and store.callbacks.ready_count(bootstrap.now()) == 0
                idle_since = (idle_since or elapsed) if idle else None
                # Two seconds of quiet: a service that has just started may not have enrolled anybody yet.
                if until_idle and idle_since is not None and elapsed - idle_since > 2 and elapsed - began > 3:  # noqa: PLR2004
                    break
                if at_most and elapsed - began > at_most:
                    break
                time.sleep(REFRESH.total_seconds())
    except KeyboardInterrupt:
        pass
    finally:
        store.close()


def _snapshot(store: Store) -> dict[str, object]:
    campaigns: dict[str, dict[str, int]] = {}
    for (name, state), count in store.callbacks.counts().items():
        campaigns.setdefault(name, {})[state.value] = count
    return {
        "in_call": store.attempts.open_count(),
        "next_opening": store.callbacks.next_opening(),
        "campaigns": campaigns,
    }


def _view(store: Store, now: datetime, zone: str) -> RenderableType:
    counts = store.callbacks.counts()
    ready = store.callbacks.ready_by_campaign(now)
    table = Table(title="Campaigns", title_justify="left", header_style="bold")
    for heading in ("campaign", "", "finished", "in call", "callable now", "waiting", "held for a person"):
        table.add_column(heading, justify="left" if heading in {"campaign", ""} else "right")
    for standing in store.campaigns.all():
        name = standing.campaign.id
        by_state = Counter({state: counts.get((name, state), 0) for state in CallbackState})
        finished = by_state[CallbackState.DONE] + by_state[CallbackState.CLOSED]
        total = sum(by_state.values()) or 1
        table.add_row(
            Text(name + (" (paused)" if standing.paused else ""), style="yellow" if standing.paused else ""),
            ProgressBar(total=total, completed=finished, width=20),
            f"{finished} of {sum(by_state.values())}",
            str(by_state[CallbackState.CALLING]),
            str(ready.get(name, 0)),
            str(by_state[CallbackState.WAITING] - ready.get(name, 0)),
            str(by_state[CallbackState.HELD]),
        )
    calls = Table(title="Latest calls", title_justify="left", header_style="bold")
    for heading in ("at", "customer", "tier", "number", "campaign", "ended"):
        calls.add_column(heading)
    for one in store.records.latest(LATEST):
        calls.add_row(*_call(one, zone))
    opening = store.callbacks.next_opening()
    foot = f"in call: {store.attempts.open_count()}"
    if opening is not None:
        foot += f"   next of those who rest: {instants.show(opening, zone)} {zone}"
    return Group(table, calls, Text(foot))


def _call(one: AttemptRecord, zone: str) -> tuple[RenderableType, ...]:
    ending = one.ending.value if one.ending else one.state.value
    words = ending.replace("_", " ") + (f" ({one.code})" if one.code else "")
    shown = instants.show(one.created, zone)[-5:]
    return shown, one.customer, one.tier, str(one.number), one.campaign, Text(words, style=COLOURS.get(ending, ""))
