"""`dialer promises`: the times that customers chose, whether they were kept, and new ones said to a person."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from dialer import bootstrap
from dialer.cli import instants, trail
from dialer.cli.screen import AsJson, emit, err, light_table, out
from dialer.core.admission import Refuse
from dialer.core.promise import Missed, Reading
from dialer.core.wall_clock import local
from dialer.engine.appointments import Channel, Promised, Wish, promise
from dialer.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dialer.core.admission import Decision
    from dialer.store.promise_list import Recorded

app = typer.Typer(no_args_is_help=True)

READ: dict[Reading, str] = {
    Reading.FIRST_OF_TWO: "The clock shows this time twice that day: the first is meant. --second means the later.",
    Reading.SECOND_OF_TWO: "The clock shows this time twice that day: the second is meant.",
    Reading.AFTER_GAP: "The clock skips this time that day: it is taken as much later as the clock is put forward.",
}
"""What the customer must be told when their words do not mean one instant by themselves."""

INSTEAD: dict[Missed, str] = {
    Missed.NEXT_WINDOW: "the call is made in the next window",
    Missed.ESCALATE: "a person takes over; `dialer tasks list` has it",
    Missed.CLOSE: "the callback is closed; a VIP's becomes a task",
}

By = Annotated[str, typer.Option("--by", "--asked-by", metavar="NAME", help="Who heard the customer say it.")]


@app.command("list")
def list_(
    *,
    open_: Annotated[bool, typer.Option("--open", help="Only those still to be kept; the default.")] = False,
    missed: Annotated[bool, typer.Option("--missed", help="Only those whose time passed without a call.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Kept, replaced and withdrawn ones as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show promised times: as the customer said them, on the house's clock, and who heard them."""
    states = {name for name, wanted in (("open", open_), ("missed", missed)) if wanted} or {"open"}
    given = bootstrap.settings()
    with closing(bootstrap.open_store(given)) as store:
        found = store.promises.find(states=None if all_ else states)
    if as_json:
        emit(*map(_object, found))
    elif found:
        _print(found, str(given.house_zone))
    else:
        out.print("Nothing is promised." if not missed else "No promise was missed.")


@app.command()
def make(
    customer: Annotated[str, typer.Argument(help="The customer's reference.")],
    campaign: Annotated[str, typer.Argument(help="The campaign that calls.")],
    at: Annotated[str, typer.Option("--at", metavar="TIME", help="On the customer's clock: '2026-11-24 10:00'.")],
    by: By,
    *,
    zone: Annotated[str, typer.Option(help="The zone the customer named; default: theirs.")] = "",
    second: Annotated[bool, typer.Option("--second", help="The later one, where the clock shows it twice.")] = False,
    channel: Annotated[Channel, typer.Option(help="How the wish reached us.")] = Channel.AGENT,
    note: Annotated[str, typer.Option(help="Anything to remember.")] = "",
    as_json: AsJson = False,
) -> None:
    """Promise a customer a call at the time they chose, in place of an earlier promise.

    It is said at once whether the time can be kept, what happens if not, and which calling rules the customer's own
    wish lifts. It never lifts an opt-out, the house's hours or a rule that does not yield.
    """
    _named("--by", by)
    given = bootstrap.settings()
    wish = Wish(customer, campaign, _wall(at), by.strip(), zone, second, channel, note)
    with closing(bootstrap.open_store(given)) as store:
        done = promise(store, store.house, wish, bootstrap.now())
        trail.note(store, "promise.make", customer, campaign=campaign, promise=done.made.id, by=wish.asked_by)
    if as_json:
        emit(_made_object(done))
    else:
        _tell(done, str(given.house_zone))


@app.command()
def withdraw(
    promise_id: Annotated[int, typer.Argument(metavar="ID", help="The promise's number in `promises list`.")],
    by: By,
    as_json: AsJson = False,
) -> None:
    """The customer does not want the time any more: the ordinary rules decide when they are called."""
    _named("--by", by)
    given = bootstrap.settings()
    with closing(bootstrap.open_store(given)) as store:
        decision = store.promises.withdraw(promise_id, by.strip(), bootstrap.now())
        trail.note(store, "promise.withdraw", str(promise_id), by=by.strip())
    if as_json:
        emit({"promise": promise_id, "state": "void", **_follows(decision)})
    else:
        out.print(f"Promise {promise_id} is withdrawn. {verdict_in_words(decision, str(given.house_zone))}")


def verdict_in_words(decision: Decision | None, zone: str) -> str:
    """What the gate makes of a callback now, as a sentence."""
    if decision is None:
        return "Its callback is in a call or over."
    if isinstance(decision, Refuse):
        return f"The dialer does not call: {escape(decision.note or decision.reason)}."
    return f"The dialer calls from {instants.show(decision.opening.start, zone)} {zone} on."


def _named(option: str, name: str) -> None:
    if not name.strip():
        raise InputError([Problem(option, "is empty", "without a name nobody can show who heard the customer")])


def _wall(text: str) -> datetime:
    """The time as it was said: a date and a time of day, and no offset, which no customer says."""
    try:
        told = datetime.fromisoformat(text.strip())
    except ValueError:
        told = None
    if told is None or told.tzinfo is not None or len(text.strip()) <= len("2026-11-24"):
        what = f"{text!r} is no time on a customer's clock"
        raise InputError([Problem("--at", what, "expected a date and a time, such as '2026-11-24 10:00'")])
    return told


def _tell(done: Promised, house_zone: str) -> None:
    there = f"{local(done.at, done.zone):%a %Y-%m-%d %H:%M} {done.zone}"
    here = f"{instants.show(done.at, house_zone)} {house_zone}"
    until = f"{local(done.until, done.zone):%H:%M}"
    out.print(f"Promise {done.made.id}: {there}, which is {here}; it may be kept until {until} there.", soft_wrap=True)
    if words := READ.get(done.reading):
        err.print(f"[bold yellow]TELL THE CUSTOMER[/bold yellow] {words}", soft_wrap=True)
    if not done.made.keeps:
        why = escape("; ".join(done.made.in_the_way) or "its hours are closed")
        err.print(f"[bold red]This time cannot be kept[/bold red] ({why}): {INSTEAD[done.missed]}.", soft_wrap=True)
        out.print(verdict_in_words(done.made.decision, house_zone))
    elif done.made.opens is not None and done.made.opens > done.at:
        out.print(f"The call is made from {instants.show(done.made.opens, done.zone)} there on.")
    if done.made.lifted:
        out.print(f"The customer's wish lifts: {escape(', '.join(done.made.lifted))}.")


def _follows(decision: Decision | None) -> dict[str, Any]:
    if decision is None or isinstance(decision, Refuse):
        return {"next_call": None, "refused": None if decision is None else decision.reason}
    return {"next_call": decision.opening.start, "refused": None}


def _made_object(done: Promised) -> dict[str, Any]:
    return {
        "promise": done.made.id,
        "at": done.at,
        "until": done.until,
        "zone": done.zone,
        "reading": done.reading,
        "keeps": done.made.keeps,
        "when_missed": done.missed,
        "lifted": done.made.lifted,
        "in_the_way": done.made.in_the_way,
        **_follows(done.made.decision),
    }


def said(one: Recorded) -> str:
    """The time on the customer's own clock, which is no instant without their zone."""
    return one.wall.replace("T", " ")


def _object(one: Recorded) -> dict[str, Any]:
    return {
        "promise": one.id,
        "customer": one.customer,
        "name": one.name,
        "tier": one.tier,
        "campaign": one.campaign,
        "state": one.state,
        "at": one.at,
        "until": one.until,
        "said": said(one),
        "zone": one.zone,
        "reading": one.reading,
        "when_missed": one.missed,
        "channel": one.channel,
        "asked_by": one.asked_by,
        "asked": one.asked,
        "attempt": one.attempt,
        "settled": one.settled,
        "settled_by": one.settled_by,
        "note": one.note,
    }


def _print(found: Sequence[Recorded], zone: str) -> None:
    table = light_table("id", "customer", "campaign", "promised for", "as they said it", "heard", "state")
    for one in found:
        proof = one.asked_by or ("by keypad" if one.attempt else one.channel)
        at = instants.show(one.at, zone)
        cells = (
            str(one.id),
            f"{one.customer} {one.name}",
            one.campaign,
            at,
            f"{said(one)} {one.zone}",
            proof,
            one.state,
        )
        table.add_row(*map(escape, cells))
    out.print(table)
    out.print(f"Promised for: on the clock of {zone}.")
