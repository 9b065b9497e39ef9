"""`dialer call`: have one customer called next, if the gate allows it."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer
from rich.markup import escape

from dialer import bootstrap
from dialer.cli import instants, trail
from dialer.cli.screen import AsJson, emit, out
from dialer.core.admission import Dial, Wait
from dialer.engine.asked_for import call_next


def call(
    customer: Annotated[str, typer.Argument(help="The customer's reference in the customer file.")],
    campaign: Annotated[str, typer.Argument(help="The campaign it is about.")],
    by: Annotated[str, typer.Option(metavar="NAME", help="Who asks for the call.")],
    *,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also when the campaign's filter does not select them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Have a customer called next. The running service dials; quiet hours, lists and limits hold as for any call."""
    given, now = bootstrap.settings(), bootstrap.now()
    with closing(bootstrap.open_store(given)) as store:
        decided = call_next(store, customer, campaign, now, by=by, anyway=anyway)
        word = "dial" if isinstance(decided, Dial) else "wait" if isinstance(decided, Wait) else "refuse"
        trail.note(store, "call.ask", customer, campaign=campaign, by=by, anyway=anyway, decision=word)
    until = decided.until if isinstance(decided, Wait) else None
    broken = [rule for rule in decided.rules if not rule.passed]
    if as_json:
        reasons = [{"rule": rule.name, "reason": rule.reason} for rule in broken]
        emit({"customer": customer, "campaign": campaign, "decision": word, "until": until, "reasons": reasons})
        return
    zone = str(given.house_zone)
    said = {"dial": "is called next", "wait": "waits", "refuse": "is not called"}[word]
    when = f" until {instants.show(until, zone)} {zone}" if until else ""
    out.print(f"[bold]{escape(customer)}[/bold] {said}{when}")
    for rule in broken:
        out.print(f"  {rule.name}: {escape(rule.reason)}")
