"""`dialer tasks`: what the dialer must not or cannot do and a person must, taken and done by name."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.text import Text

from dialer import bootstrap
from dialer.cli import instants, trail
from dialer.cli.promises import verdict_in_words
from dialer.cli.screen import AsJson, emit, out
from dialer.core.admission import Refuse
from dialer.core.record import Reason
from dialer.errors import InputError, Problem
from dialer.reports.language import Language, word
from dialer.store import Result

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from dialer.store.task_list import Task

app = typer.Typer(no_args_is_help=True)

KINDS = {"deadline": "deadline at risk", "by_hand": "done by hand"}
"""Kinds of tasks that are no reason for holding a callback."""

DUE_WIDTH, CAMPAIGN_WIDTH = len("Fri 2026-03-06 14:30 overdue"), 20
"""Columns of the list."""

UNDONE, EVERY = ("open", "taken"), ("open", "taken", "done")

TaskId = Annotated[int, typer.Argument(metavar="ID", help="The task's number in `tasks list`.")]
By = Annotated[str, typer.Option("--by", "--as", metavar="NAME", help="Who you are.")]


@app.command("list")
def list_(
    *,
    mine: Annotated[str | None, typer.Option("--mine", metavar="NAME", help="Only what is for NAME.")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Only what nobody has taken.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="What is done as well.")] = False,
    campaign: Annotated[str | None, typer.Option(help="Only this campaign.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what people have to do, the most urgent first. Without an option: all that is not done."""
    given, now = bootstrap.settings(), bootstrap.now()
    states = EVERY if all_ else ("open",) if open_ else UNDONE
    with closing(bootstrap.open_store(given)) as store:
        found = store.tasks.find(states=states, person=mine, campaign=campaign)
    if as_json:
        emit(*(_object(one, now) for one in found))
    elif found:
        _print(found, str(given.house_zone), now)
    else:
        out.print("Nothing is to be done.")


@app.command()
def take(task: TaskId, name: By, as_json: AsJson = False) -> None:
    """Take a task, so that nobody else does it too. Refused when the customer asked not to be called."""
    by, now = _named(name), bootstrap.now()
    given = bootstrap.settings()
    with closing(bootstrap.open_store(given)) as store:
        taken = store.tasks.take(task, by, now)
        trail.note(store, "task.take", str(task), customer=taken.customer, campaign=taken.campaign, by=by)
    if as_json:
        emit(_object(taken, now))
        return
    who = escape(f"{taken.customer} {taken.name}".strip())
    about = f"[bold]{who}[/bold] in {escape(taken.campaign)}: {escape(taken.what)}"
    out.print(f"Task {taken.id} is {escape(by)}'s: {about}", soft_wrap=True)
    late = " [red]overdue[/red]" if taken.overdue(now) else ""
    out.print(
        f"Due {instants.show(taken.due, str(given.house_zone))}{late}. `dialer tasks done` reports what came of it."
    )


@app.command()
def done(
    task: TaskId,
    name: By,
    outcome: Annotated[
        Result, typer.Option(help="reached: you spoke to the customer; call_again: the dialer may go on; closed.")
    ],
    note: Annotated[str, typer.Option(help="Anything to remember.")] = "",
    as_json: AsJson = False,
) -> None:
    """Report what came of a task; the callback follows at once.

    After `reached` it is done, after `closed` it is closed. After `call_again` the gate decides: what still stands in
    the way is said, and becomes a new task.
    """
    by, now = _named(name), bootstrap.now()
    given = bootstrap.settings()
    with closing(bootstrap.open_store(given)) as store:
        finished, decision = store.tasks.finish(task, by, outcome, now, note=note)
        what = {"customer": finished.customer, "campaign": finished.campaign, "result": outcome.value}
        trail.note(store, "task.done", str(task), by=by, **what)
    if as_json:
        opens = None if decision is None or isinstance(decision, Refuse) else decision.opening.start
        refused = decision.reason if isinstance(decision, Refuse) else None
        emit(_object(finished, now) | {"next_call": opens, "refused": refused})
        return
    out.print(f"Task {finished.id} is done: {outcome.value.replace('_', ' ')}.")
    if outcome is Result.CALL_AGAIN:
        out.print(verdict_in_words(decision, str(given.house_zone)))


def _named(name: str) -> str:
    if not name.strip():
        raise InputError([Problem("--by", "is empty", "a task is somebody's: say your name")])
    return name.strip()


def kind_in_words(kind: str) -> str:
    """Why a person has to do something."""
    return KINDS.get(kind) or word(Reason(kind), Language.EN)


def _object(one: Task, now: datetime) -> dict[str, Any]:
    return {
        "task": one.id,
        "kind": one.kind,
        "customer": one.customer,
        "name": one.name,
        "tier": one.tier,
        "campaign": one.campaign,
        "what": one.what,
        "person": one.person,
        "state": one.state,
        "due": one.due,
        "overdue": one.overdue(now),
        "opened": one.opened,
        "taken_by": one.taken_by,
        "taken": one.taken,
        "done_by": one.done_by,
        "done": one.done,
        "result": one.result,
        "note": one.note,
    }


def _print(found: Sequence[Task], zone: str, now: datetime) -> None:
    """Two lines a task, which fit any terminal: by when, who and where; below them whose it is, why, and what to do."""
    wide = max(len("id"), *(len(str(one.id)) for one in found))
    campaigns = min(CAMPAIGN_WIDTH, max(len("campaign"), *(len(one.campaign) for one in found)))
    people = max(len("customer"), out.width - wide - DUE_WIDTH - campaigns - 3 * len("  "))
    _line(("id", wide), (f"due ({zone})", DUE_WIDTH), ("customer", people), ("campaign", campaigns), style="bold")
    cut = False
    for one in found:
        late = one.overdue(now)
        due = f"{instants.show(one.due, zone)}{' overdue' if late else ''}"
        who = " ".join(filter(None, (one.customer, one.name, f"({one.tier})" if one.tier else "")))
        cells = ((str(one.id), wide), (due, DUE_WIDTH), (who, people), (one.campaign, campaigns))
        _line(*cells, style="red" if late else "")
        cut |= _told(f"{' ' * (wide + 2)}{_whose(one)}: {kind_in_words(one.kind)}: {one.what or 'look at it'}")
    if cut:
        out.print("What is cut off is whole with --json and in `dialer tasks take ID`.", style="dim")


def _whose(one: Task) -> str:
    """Whom it is for, or who has it, or what they made of it."""
    if one.state == "done":
        return f"{one.result} by {one.done_by}"
    return f"taken by {one.taken_by}" if one.taken_by else f"for {one.person}" if one.person else one.state


def _line(*cells: tuple[str, int], style: str = "") -> None:
    line = Text(style=style)
    for text, width in cells:
        cell = Text(text)
        cell.truncate(width, overflow="ellipsis", pad=True)
        line.append_text(cell).append("  ")
    line.rstrip()
    out.print(line, soft_wrap=True)


def _told(text: str) -> bool:
    """Print the second line. A terminal cuts it, so that the list can be looked over; a file has all of it."""
    line = Text(text)
    cut = out.is_terminal and line.cell_len > out.width
    if cut:
        line.truncate(out.width, overflow="ellipsis")
    out.print(line, soft_wrap=True)
    return cut
