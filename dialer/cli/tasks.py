"""`dialer tasks`: what the dialer must not or cannot do and a person must, taken and done by name."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from dialer import bootstrap
from dialer.cli import instants
from dialer.cli.promises import verdict_in_words
from dialer.cli.screen import AsJson, emit, light_table, out
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

UNDONE, EVERY = ("open", "taken"), ("open", "taken", "done")

TaskId = Annotated[int, typer.Argument(metavar="ID", help="The task's number in `tasks list`.")]
As = Annotated[str, typer.Option("--as", metavar="NAME", help="Who you are.")]


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
def take(task: TaskId, name: As, as_json: AsJson = False) -> None:
    """Take a task, so that nobody else does it too. Refused when the customer asked not to be called."""
    by, now = _named(name), bootstrap.now()
    given = bootstrap.settings()
    with closing(bootstrap.open_store(given)) as store:
        taken = store.tasks.take(task, by, now)
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
    name: As,
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
        raise InputError([Problem("--as", "is empty", "a task is somebody's: say your name")])
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
    """Two lines a task, which fit any terminal: who, by when and whose; below it why, and what to do."""
    table = light_table("id", "customer", "tier", "campaign", "for", f"due ({zone})", "state")
    for one in found:
        ends = {"taken": f"taken by {one.taken_by}", "done": f"{one.result} by {one.done_by}"}
        state = ends.get(one.state, one.state)
        due = escape(instants.show(one.due, zone)) + ("\n[red]overdue[/red]" if one.overdue(now) else "")
        who = escape(f"{one.customer} {one.name}".strip())
        table.add_row(str(one.id), who, escape(one.tier), escape(one.campaign), escape(one.person), due, escape(state))
    out.print(table)
    for one in found:
        what = one.what or "look at it"
        out.print(f"[bold]{one.id}[/bold] {escape(kind_in_words(one.kind))}: {escape(what)}", soft_wrap=True)
