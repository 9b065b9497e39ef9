"""`dialer do-not-call`: the list that wins over everything."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from dialer import bootstrap
from dialer.cli.screen import AsJson, emit, out
from dialer.core.phone import DoubtfulNumberError, parse_number
from dialer.errors import InputError, NotFoundError, Problem

app = typer.Typer(no_args_is_help=True)


@app.command()
def add(
    numbers: Annotated[list[str] | None, typer.Argument(help="Numbers, best with + and country code.")] = None,
    customer: Annotated[list[str] | None, typer.Option(help="A customer's reference; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Never call these numbers or customers again. Works before the next dial, and cannot be taken back here."""
    given = bootstrap.settings()
    if not numbers and not customer:
        raise InputError([Problem("do-not-call add", "nobody is named", "give numbers, or --customer REFERENCE")])
    parsed = _numbers(numbers or [], given.home_region)
    now = bootstrap.now()
    with closing(bootstrap.open_store(given)) as store:
        unknown = [reference for reference in customer or [] if store.customers.get(reference) is None]
        if unknown:
            raise NotFoundError([Problem("--customer", f"no customer {one!r} in the customer file") for one in unknown])
        added = sum(store.suppressions.add_number(e164, "person", now) for e164 in parsed)
        added += store.suppressions.add_customers(customer or [], "person", now)
    named = len(parsed) + len(customer or [])
    if as_json:
        emit({"added": added, "already_listed": named - added})
    else:
        out.print(f"{added} added, {named - added} were on the list already")


def _numbers(texts: list[str], home_region: str) -> list[str]:
    """The numbers in E.164; all that cannot be read are named together, by their place and not by their digits."""
    parsed, problems = [], []
    for place, text in enumerate(texts, 1):
        try:
            parsed.append(parse_number(text, home_region).e164)
        except DoubtfulNumberError as error:
            problems.append(Problem(f"number {place}", str(error), "write it with + and its country code"))
    if problems:
        raise InputError(problems)
    return parsed
