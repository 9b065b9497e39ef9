"""`dialer attempts`: one attempt in detail, and those that wait for a person's decision."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated, Any

import typer
from rich.text import Text

from dialer import bootstrap
from dialer.cli import instants, trail
from dialer.cli.screen import AsJson, emit, out, show
from dialer.core.lifecycle import AttemptState, Event, EventKind
from dialer.errors import InputError, NotFoundError, Problem
from dialer.logs import mask

app = typer.Typer(no_args_is_help=True)

Token = Annotated[str, typer.Argument(metavar="ATTEMPT", help="Its token; `dialer report attempts --json` shows them.")]


@app.command()
def undecided(
    as_json: AsJson = False,
) -> None:
    """List attempts of which a person must say whether the call was placed: the carrier has several that fit."""
    with closing(bootstrap.open_store()) as store:
        found = store.attempts.needing_a_person()
    if as_json:
        emit(*({"attempt": one.token, "number": one.number, "created": one.created} for one in found))
    elif found:
        zone = str(bootstrap.settings().house_zone)
        rows = [(one.token, one.number, instants.show(one.created, zone)) for one in found]
        show("Attempts to decide with `dialer attempts settle`", ["attempt", "number", f"created ({zone})"], rows)
    else:
        out.print("Nothing to decide.")


@app.command()
def events(
    attempt: Token,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show phone numbers whole.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show everything that was told about one attempt, in the order in which it arrived.

    With --json each event has the teller's own words as well, such as all fields of the carrier's request.
    """
    with closing(bootstrap.open_store()) as store:
        found = store.records.events(attempt)
        if found and reveal and as_json:  # the table for people has no numbers
            trail.note(store, "number.show", attempt)
    if not found:
        raise NotFoundError(
            f"no attempt {attempt!r}, or nothing was told about it; `dialer report attempts --json` lists them"
        )
    if as_json:
        told = ({"received": at, "source": source, "kind": kind} | body for at, source, kind, body in found)
        emit(*(one if reveal else _masked(one) for one in told))
        return
    zone = str(bootstrap.settings().house_zone)
    call = next((str(body["carrier_call_id"]) for *_, body in found if body.get("carrier_call_id")), "none known")
    rows = [(instants.exactly(at, zone), source, kind, _gist(body)) for at, source, kind, body in found]
    show(f"Attempt {attempt}", [f"received ({zone})", "from", "kind", "what"], rows)
    out.print(Text(f"The carrier's id of the call: {call}"))


def _masked(told: Any) -> Any:
    """The same without whole phone numbers, which the carrier repeats in field after field."""
    if isinstance(told, dict):
        return {key: _masked(value) for key, value in told.items()}
    if isinstance(told, list):
        return [_masked(value) for value in told]
    return mask(told) if isinstance(told, str) else told


def _gist(body: dict[str, Any]) -> str:
    """What an event says, in a few words."""
    said = [str(body[name]).replace("_", " ") for name in ("network", "failure") if body.get(name)]
    if body.get("answered_by"):
        said.append(f"by {body['answered_by']}")
    mark = body.get("mark") or {}
    if mark:
        said.append(f"at {mark['node']}" + (f", key {mark['digits']}" if mark.get("digits") else ""))
        said += [str(mark[name]) for name in ("answer", "code") if mark.get(name)]
        if mark.get("disposition") not in {None, "", "none"}:
            said.append(str(mark["disposition"]).replace("_", " "))
    return ", ".join(said)


@app.command()
def settle(
    attempt: Token,
    call: Annotated[str, typer.Option(help="The carrier's id of the call that is this attempt.")] = "",
    never_placed: Annotated[bool, typer.Option("--never-placed", help="None of the calls is this attempt.")] = False,
    as_json: AsJson = False,
) -> None:
    """Decide an attempt that the program could not: name its call, or say that there was none."""
    if bool(call) == never_placed:
        raise InputError([Problem("attempts settle", "one decision is needed", "give --call ID or --never-placed")])
    now = bootstrap.now()
    with closing(bootstrap.open_store()) as store:
        if attempt not in {one.token for one in store.attempts.needing_a_person()}:
            raise NotFoundError(
                f"attempt {attempt!r} waits for no decision; `dialer attempts undecided` lists those that do"
            )
        kind = EventKind.PLACED if call else EventKind.ABSENT
        decided = Event(attempt, kind, f"person:{kind}", now, "person", carrier_call_id=call)
        (recorded,) = store.attempts.record([decided], now)
        state = recorded.facts.state if recorded.facts is not None else AttemptState.NEEDS_HUMAN
        trail.note(store, "attempt.settle", attempt, decided=kind.value, state=state.value)
    if as_json:
        emit({"attempt": attempt, "state": state})
    else:
        out.print(Text(f"{attempt} is now {state.value}"))
