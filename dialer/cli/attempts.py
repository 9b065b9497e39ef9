"""`dialer attempts`: one attempt in detail, and those that wait for a person's decision."""

from __future__ import annotations

from typing import Annotated

import typer

from dialer import bootstrap
from dialer.cli import instants
from dialer.cli.screen import AsJson, emit, out, show
from dialer.core.lifecycle import AttemptState, Event, EventKind
from dialer.errors import InputError, NotFoundError, Problem

app = typer.Typer(no_args_is_help=True)


@app.command()
def undecided(
    as_json: AsJson = False,
) -> None:
    """List attempts of which a person must say whether the call was placed: the carrier has several that fit."""
    store = bootstrap.open_store()
    found = store.attempts.needing_a_person()
    store.close()
    if as_json:
        emit(*({"attempt": one.token, "number": one.number, "created": one.created} for one in found))
    elif found:
        zone = str(bootstrap.settings().house_zone)
        rows = [(one.token, one.number, instants.show(one.created, zone)) for one in found]
        show("Attempts to decide with `dialer attempts settle`", ["attempt", "number", "created"], rows)
    else:
        out.print("Nothing to decide.")


@app.command()
def events(
    attempt: Annotated[str, typer.Argument(help="The attempt's token, as `dialer report attempts` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Show everything that was told about one attempt, in the order in which it arrived."""
    store = bootstrap.open_store()
    found = store.records.events(attempt)
    store.close()
    if not found:
        raise NotFoundError(
            f"no attempt {attempt!r}, or nothing was told about it; `dialer report attempts` lists them"
        )
    if as_json:
        emit(*({"received": at, "source": source, "kind": kind} | body for at, source, kind, body in found))
        return
    zone = str(bootstrap.settings().house_zone)
    rows = [(instants.show(at, zone), source, kind, _gist(body)) for at, source, kind, body in found]
    show(f"Attempt {attempt}", ["received", "source", "kind", "what"], rows)


def _gist(body: dict[str, object]) -> str:
    shown = ("carrier_call_id", "network", "answered_by", "failure")
    return ", ".join(f"{name}: {body[name]}" for name in shown if body.get(name))


@app.command()
def settle(
    attempt: Annotated[str, typer.Argument(help="The attempt's token.")],
    call: Annotated[str, typer.Option(help="The carrier's id of the call that is this attempt.")] = "",
    never_placed: Annotated[bool, typer.Option("--never-placed", help="None of the calls is this attempt.")] = False,
) -> None:
    """Decide an attempt that the program could not: name its call, or say that there was none."""
    if bool(call) == never_placed:
        raise InputError([Problem("attempts settle", "one decision is needed", "give --call ID or --never-placed")])
    store, now = bootstrap.open_store(), bootstrap.now()
    if attempt not in {one.token for one in store.attempts.needing_a_person()}:
        raise NotFoundError(
            f"attempt {attempt!r} waits for no decision; `dialer attempts undecided` lists those that do"
        )
    kind = EventKind.PLACED if call else EventKind.ABSENT
    (recorded,) = store.attempts.record(
        [Event(attempt, kind, f"person:{kind}", now, "person", carrier_call_id=call)], now
    )
    store.close()
    state = recorded.facts.state if recorded.facts is not None else AttemptState.NEEDS_HUMAN
    out.print(f"{attempt} is now {state.value}")
