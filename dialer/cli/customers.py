"""`dialer customers`: brings customers in and shows who is there."""

from __future__ import annotations

from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dialer import bootstrap
from dialer.cli import trail
from dialer.cli.screen import AsJson, emit, err, out, show
from dialer.core.zones import is_zone, lies_in, nearest_zone
from dialer.customer_files.columns import as_yaml, doubts, meanings
from dialer.customer_files.mapping import FileMapping, load_mapping
from dialer.customer_files.opening import open_table
from dialer.engine.importing import import_file, sync
from dialer.errors import InputError, NotFoundError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dialer.core.customer import Customer
    from dialer.core.phone import PhoneNumber
    from dialer.customer_files.columns import Column
    from dialer.engine.importing import ImportReport
    from dialer.store import Store

app = typer.Typer(help="Bring customers in from files and databases; see who is there.", no_args_is_help=True)

_SCREENFUL = 100
_REASONS_SHOWN = 10

MappingOption = Annotated[
    Path | None, typer.Option("--mapping", "-m", metavar="YAML", help="What the columns mean, where guessing fails.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read, check and report everything, but keep nothing.")]
RejectsOption = Annotated[
    Path | None, typer.Option("--rejects", metavar="CSV", help="Where refused rows go; default: beside the file.")
]
Reveal = Annotated[bool, typer.Option("--reveal", help="Show phone numbers whole.")]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX, with headings in the first row.")],
    *,
    mapping: MappingOption = None,
    dry_run: DryRun = False,
    rejects: RejectsOption = None,
    json: AsJson = False,
) -> None:
    """Import a customer file. The same file twice changes nothing; a later one updates."""
    meaning = load_mapping(mapping) if mapping else FileMapping()
    with closing(bootstrap.open_store()) as store, _progress(file.name) as progress:
        report = import_file(
            file,
            meaning,
            store,
            bootstrap.now(),
            home_region=bootstrap.settings().home_region,
            rejects=rejects,
            dry_run=dry_run,
            on_progress=progress,
        )
        _note(store, "customer.import", file, report)
    _tell(report, json=json)


@app.command("sync")
def sync_(
    mapping: Annotated[Path, typer.Argument(help="Mapping file with `database` and `select`.")],
    *,
    dry_run: DryRun = False,
    rejects: RejectsOption = None,
    json: AsJson = False,
) -> None:
    """Import from another database, which is only read."""
    meaning = load_mapping(mapping)
    with closing(bootstrap.open_store()) as store, _progress(mapping.name) as progress:
        report = sync(
            meaning,
            store,
            bootstrap.now(),
            name=str(mapping),
            rejects=rejects or mapping.with_name(f"{mapping.stem}.rejects.csv"),
            home_region=bootstrap.settings().home_region,
            dry_run=dry_run,
            on_progress=progress,
        )
        _note(store, "customer.sync", mapping, report)
    _tell(report, json=json)


@app.command("list")
def list_(
    *,
    tier: Annotated[str | None, typer.Option(help="Only this tier, such as vip.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help=f"How many at most; default: {_SCREENFUL}, with --json all.")
    ] = None,
    json: AsJson = False,
    reveal: Reveal = False,
) -> None:
    """Show the customers, in the order in which they came."""
    with closing(bootstrap.open_store()) as store:
        if reveal:
            most = limit or (None if json else _SCREENFUL)
            trail.note(store, "number.show", **({"tier": tier} if tier else {}), customers=most or "all")
        found = (one for page in store.customers.pages(tier=tier) for one in page)
        if json:
            for one in islice(found, limit):
                emit(_plain(one, reveal=reveal))
            return
        limit = limit or _SCREENFUL
        some = list(islice(found, limit + 1))
    headings = ("reference", "name", "tier", "region", "zone", "numbers", "quiet hours", "agent")
    show("Customers", headings, (_cells(one, reveal=reveal) for one in some[:limit]))
    if len(some) > limit:
        out.print(f"The first {limit:,}. --limit shows more.")


@app.command("show")
def show_(reference: str, *, json: AsJson = False, reveal: Reveal = False) -> None:
    """Show everything about one customer."""
    with closing(bootstrap.open_store()) as store:
        customer = store.customers.get(reference)
        wish = customer is not None and store.suppressions.has(customer)
        if reveal and customer is not None and customer.numbers:
            trail.note(store, "number.show", reference, numbers=len(customer.numbers))
    if customer is None:
        mend = "the first column of `dialer customers list` holds the references"
        raise NotFoundError([Problem("customer", f"nobody has the reference {reference!r}", mend)])
    facts = _plain(customer, reveal=reveal) | {"opted_out": wish}
    if json:
        emit(facts)
        return
    attributes = facts.pop("attributes")
    facts["numbers"] = "\n".join(_line(number, reveal=reveal) for number in customer.numbers)
    facts["quiet"] = ", ".join(facts["quiet"])
    facts["opted_out"] = "yes: never call" if facts["opted_out"] else "no"
    show(
        customer.name or customer.reference,
        ("field", "value"),
        [(name, str(value)) for name, value in (facts | attributes).items() if value],
    )


@app.command("confirm-zone")
def confirm_zone(
    reference: Annotated[str, typer.Argument(help="The customer's reference.")],
    zone: Annotated[str, typer.Argument(help="An IANA name such as America/Chicago; '' takes a zone back.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who heard it from the customer.")],
    json: AsJson = False,
) -> None:
    """Keep the time zone that a customer confirmed. It outranks every guess and outlasts every import.

    What was held because nobody knew their time is looked at anew.
    """
    given = bootstrap.settings()
    if not by.strip():
        raise InputError([Problem("--by", "is empty", "without a name nobody can show who heard the customer")])
    if zone and not is_zone(zone):
        raise InputError([Problem("zone", f"there is no time zone {zone!r}", nearest_zone(zone))])
    with closing(bootstrap.open_store(given)) as store:
        customer = store.customers.get(reference)
        if not store.customers.confirm_zone(reference, zone, by=by.strip(), now=bootstrap.now()):
            mend = "the first column of `dialer customers list` holds the references"
            raise NotFoundError([Problem("customer", f"nobody has the reference {reference!r}", mend)])
        trail.note(store, "customer.confirm-zone", reference, zone=zone, by=by.strip())
    if json:
        emit({"customer": reference, "zone": zone or None})
    else:
        told = f"lives on the clock of {zone}" if zone else "has no confirmed zone any more"
        out.print(f"[bold]{escape(reference)}[/bold] {escape(told)}")
    if zone and customer is not None:
        countries = {customer.region[:2], *(number.region for number in customer.numbers)} - {""}
        if not lies_in(zone, countries):
            err.print(f"[yellow]note[/yellow] {escape(zone)} is neither where their address nor where a number is")


@app.command("mapping")
def mapping_(file: Annotated[Path, typer.Argument(help="CSV or XLSX, with headings in the first row.")]) -> None:
    """Print what is guessed of a file's columns as a mapping file, ready to be edited."""
    columns = meanings(open_table(file).headings, FileMapping(), str(file))
    typer.echo(as_yaml(columns), nl=False)
    for doubt in doubts(columns, str(file)):
        err.print(f"Still open: {escape(str(doubt))}", soft_wrap=True)


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on standard error, if somebody is watching."""
    text, count = TextColumn("{task.description}", markup=False), MofNCompleteColumn()
    bar = Progress(text, BarColumn(), count, TimeRemainingColumn(), console=err, transient=True)
    bar.disable = not err.is_terminal
    with bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _note(store: Store, action: str, source: Path, report: ImportReport) -> None:
    if not report.dry_run:
        counts = {"added": report.added, "changed": report.changed, "rejected": report.rejected}
        trail.note(store, action, "", file=source.name, **counts)


def _tell(report: ImportReport, *, json: bool) -> None:
    if json:
        emit(_report_object(report))
        return
    show(
        "Columns",
        ("heading", "understood as", "kind", "because of"),
        [(c.heading, c.target, c.kind if c.attribute else "", _origin(c)) for c in report.columns],
    )
    counts = (
        f"{report.read:,} rows read, {report.added:,} added, {report.changed:,} changed, {report.same:,} as they were"
    )
    wishes = f"{report.rejected:,} rejected. {report.opted_out:,} wish no calls."
    out.print(f"{'Dry run, nothing was changed: ' if report.dry_run else ''}{counts}, {wishes}", soft_wrap=True)
    if report.rejects_path:
        some = list(report.reasons.items())
        show("Rejected", ("rows", "why"), [(f"{times:,}", why) for why, times in some[:_REASONS_SHOWN]])
        if len(some) > _REASONS_SHOWN:
            out.print(f"and {len(some) - _REASONS_SHOWN} further reasons")
        out.print(f"Every rejected row, with its reason: {escape(str(report.rejects_path))}", soft_wrap=True)


def _origin(column: Column) -> str:
    if not column.guessed:
        return "mapping file"
    return "its heading" if column.heading else "no heading"


def _report_object(report: ImportReport) -> Mapping[str, Any]:
    return {
        "read": report.read,
        "added": report.added,
        "changed": report.changed,
        "same": report.same,
        "rejected": report.rejected,
        "opted_out": report.opted_out,
        "dry_run": report.dry_run,
        "rejects": str(report.rejects_path) if report.rejects_path else None,
        "reasons": dict(report.reasons),
        "columns": [
            {
                "heading": column.heading,
                "field": column.field,
                "attribute": column.attribute or None,
                "kind": column.kind if column.attribute else None,
                "guessed": column.guessed,
            }
            for column in report.columns
        ],
    }


def _plain(customer: Customer, *, reveal: bool) -> dict[str, Any]:
    """A customer as scripts get it."""
    return {
        "reference": customer.reference,
        "name": customer.name,
        "salutation": customer.salutation,
        "language": customer.language,
        "tier": customer.tier,
        "numbers": [
            {
                "number": number.e164 if reveal else str(number),
                "extension": number.extension,
                "region": number.region,
                "kind": number.kind,
            }
            for number in customer.numbers
        ],
        "region": customer.region,
        "zone": customer.zone,
        "quiet": [str(hours) for hours in customer.quiet],
        "agent": customer.agent,
        "attributes": dict(customer.attributes),
    }


def _cells(customer: Customer, *, reveal: bool) -> tuple[str, ...]:
    numbers = "\n".join(_line(number, reveal=reveal) for number in customer.numbers)
    quiet = ", ".join(str(hours) for hours in customer.quiet)
    texts = (customer.reference, customer.name, customer.tier, customer.region, customer.zone, numbers, quiet)
    return (*texts, customer.agent)


def _line(number: PhoneNumber, *, reveal: bool) -> str:
    extension = f" ext. {number.extension}" if number.extension else ""
    return f"{number.e164 if reveal else number}{extension} ({number.region}, {number.kind})"
