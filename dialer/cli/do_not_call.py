"""`dialer do-not-call`: the list that wins over everything, its history, and the one way off it."""

from __future__ import annotations

from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from dialer import bootstrap
from dialer.cli import instants, trail
from dialer.cli.screen import AsJson, emit, err, light_table, out
from dialer.core.phone import DoubtfulNumberError, NumberKind, PhoneNumber, parse_number
from dialer.core.suppression import EVERYTHING, Source, Wish, line, person, read_scope, subjects
from dialer.engine.stop_lists import StopListReport, import_list
from dialer.errors import InputError, NotFoundError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dialer.core.suppression import Word
    from dialer.store import Store

app = typer.Typer(no_args_is_help=True)

_SCREENFUL = 20

Numbers = Annotated[list[str] | None, typer.Argument(help="Numbers, best with + and country code.")]
Customers = Annotated[list[str] | None, typer.Option("--customer", help="A customer's reference; may be repeated.")]
Scope = Annotated[str, typer.Option(help="What it is about: everything, purpose:PURPOSE or campaign:ID.")]
By = Annotated[str, typer.Option(metavar="NAME", help="Who writes it down.")]
ByUser = Annotated[
    str, typer.Option(metavar="NAME", help="Who writes it down; default: whoever is logged in.", show_default=False)
]
Note = Annotated[str, typer.Option(help="Anything to remember.")]
ListFile = Annotated[
    Path, typer.Argument(help="Text with a number on each line, or CSV with a column named number, phone or 电话.")
]
RejectsOption = Annotated[
    Path | None, typer.Option("--rejects", metavar="CSV", help="Where unreadable lines go; default: beside the file.")
]
Reveal = Annotated[bool, typer.Option("--reveal", help="Show phone numbers whole.")]


@app.command()
def add(
    numbers: Numbers = None,
    customer: Customers = None,
    scope: Scope = EVERYTHING,
    source: Annotated[Source, typer.Option(help="How the wish came to us.")] = Source.PERSON,
    by: ByUser = "",
    note: Annotated[str, typer.Option(help="Anything to remember, such as the letter it came with.")] = "",
    as_json: AsJson = False,
) -> None:
    """Never call these numbers or customers again.

    It works before the next dial and takes back a call that still rings. A number stops everybody who has it, a
    customer every number they have or will have. Only `lift` ends it, by the customer's own wish.
    """
    given = bootstrap.settings()
    named = _named("add", numbers, customer, given.home_region)
    wish = Wish(source, read_scope(scope), by.strip() or trail.user(), note)
    now = bootstrap.now()
    with closing(bootstrap.open_store(given)) as store:
        _known(store, customer)
        _campaign_known(store, wish.scope)
        done = store.suppressions.stop(named, wish, now)
        counts = {"named": len(named), "added": done.added, "callbacks_stopped": done.callbacks}
        trail.note(store, "do-not-call.add", _one(customer), scope=wish.scope, by=wish.by, **counts)
    listed = len(named) - done.added
    if as_json:
        stopped = {"understood": [*map(_understood, named)], "callbacks_stopped": done.callbacks}
        emit({"added": done.added, "already_listed": listed} | stopped)
        return
    known_already = f", {listed} on the list already" if listed else ""
    stopped_now = f"{done.callbacks} waiting callback{'' if done.callbacks == 1 else 's'} stopped"
    understood = escape(", ".join(map(_understood, named)))
    out.print(f"{done.added} added{known_already} ({understood}), {stopped_now}", soft_wrap=True)


@app.command()
def lift(
    numbers: Numbers = None,
    customer: Customers = None,
    by: By = "",
    said: Annotated[str, typer.Option(help="How and when the customer said so: 'letter of 3 March 2026'.")] = "",
    scope: Scope = EVERYTHING,
    note: Note = "",
    as_json: AsJson = False,
) -> None:
    """Write down that a customer wishes to be called again. Nobody else can take their word back.

    --by and --said are needed. Nothing is deleted: the stop, its lifting and who wrote it down stay in the history.
    What was closed stays closed; the next reason to call counts again. A number and a person are lifted each by
    themselves.
    """
    given = bootstrap.settings()
    empty = [option for option, text in (("--by", by), ("--said", said)) if not text.strip()]
    if empty:
        mend = "without it nobody can show that it was the customer's wish"
        raise InputError([Problem(option, "is missing", mend) for option in empty])
    named = _named("lift", numbers, customer, given.home_region)
    wanted, now = read_scope(scope), bootstrap.now()
    with closing(bootstrap.open_store(given)) as store:
        known = [store.customers.get(one) for one in customer or []]
        proof = {"by": by.strip(), "said": said.strip(), "note": note}
        lifted = sum(store.suppressions.lift(name, wanted, now=now, **proof) for name in named)
        counts = {"named": len(named), "lifted": lifted}
        trail.note(store, "do-not-call.lift", _one(customer), scope=wanted, by=by.strip(), **counts)
        people = (name for one in known if one is not None for name in subjects(one))
        still = store.suppressions.stops(dict.fromkeys([*named, *people]))
    if as_json:
        left = [{"on": one.on, "scope": one.scope, "source": one.source, "said": one.said} for one in still]
        emit({"lifted": lifted, "not_stopped": len(named) - lifted, "still_in_force": left})
        return
    out.print(f"{lifted} lifted, {len(named) - lifted} were not stopped with the scope {wanted}")
    for one in still:
        out.print(f"Still in force: {one.scope}, by {one.on}, said by {one.source} on {one.said:%Y-%m-%d}")


@app.command()
def show(
    number: Annotated[str, typer.Argument(help="A number, best with + and country code.")] = "",
    customer: Annotated[str, typer.Option(help="A customer's reference; their numbers are shown as well.")] = "",
    reveal: Reveal = False,
    as_json: AsJson = False,
) -> None:
    """Show everything that was ever said about a number or a customer, and which of it is in force."""
    given = bootstrap.settings()
    named = _named("show", [number] if number else None, [customer] if customer else None, given.home_region)
    with closing(bootstrap.open_store(given)) as store:
        known = store.customers.get(customer) if customer else None
        names = dict.fromkeys([*named, *(subjects(known) if known is not None else ())])
        words = store.suppressions.history(names)
        _note_shown(store, words, customer, reveal=reveal)
    if as_json:
        emit(*(_plain(word, reveal=reveal) for word in words))
    elif words:
        _print_words(words, str(given.house_zone), reveal=reveal)
    else:
        out.print("Nothing was ever said about not being called.")


@app.command("list")
def list_(
    since: Annotated[str, typer.Option(help="Only what was said since: a date, or a date and time.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many of the latest words to show.")] = _SCREENFUL,
    reveal: Reveal = False,
    as_json: AsJson = False,
) -> None:
    """Count what is on the list and show the latest words. With --json: one object with both."""
    given = bootstrap.settings()
    zone = str(given.house_zone)
    start = instants.read(since, "--since", zone) if since else None
    with closing(bootstrap.open_store(given)) as store:
        tallies = store.suppressions.tallies(start)
        words = store.suppressions.latest(limit, start)
        _note_shown(store, words, reveal=reveal)
    if as_json:
        counts = [{"on": one.on, "scope": one.scope, "stops": one.stops, "lifted": one.lifted} for one in tallies]
        emit({"counts": counts, "latest": [_plain(word, reveal=reveal) for word in words]})
        return
    if not tallies:
        out.print("Nobody is on the list." if start is None else "Nothing was said since then.")
        return
    table = light_table("by", "scope", "stops", "lifted", numbers_from=2)
    for one in tallies:
        table.add_row(one.on, one.scope, f"{one.stops:,}", f"{one.lifted:,}")
    out.print(table)
    out.print()
    _print_words(words, zone, reveal=reveal)


@app.command("import")
def import_(
    file: ListFile,
    scope: Scope = EVERYTHING,
    source: Annotated[Source, typer.Option(help="Where the list comes from.")] = Source.IMPORT,
    by: ByUser = "",
    note: Annotated[str, typer.Option(help="Anything to remember, such as the name and date of the list.")] = "",
    rejects: RejectsOption = None,
    as_json: AsJson = False,
) -> None:
    """Import a list of numbers, of any length. The same list again changes nothing.

    Numbers in E.164 form (+ and 7 to 15 digits) are taken as they are, others are read in the home country. A line that
    cannot be read stops no other. A list repeats old wishes: what a customer lifted since stays lifted.
    """
    given = bootstrap.settings()
    wish = Wish(source, read_scope(scope), by.strip() or trail.user(), note)
    with closing(bootstrap.open_store(given)) as store, _progress(file.name) as progress:
        _campaign_known(store, wish.scope)
        report = import_list(
            file,
            wish,
            store,
            bootstrap.now(),
            home_region=given.home_region,
            rejects=rejects,
            on_progress=progress,
        )
        counts = {"read": report.read, "added": report.added, "rejected": report.rejected}
        trail.note(store, "do-not-call.import", "", scope=wish.scope, by=wish.by, file=file.name, **counts)
    if as_json:
        emit(_report_object(report))
    else:
        _tell(report)


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, float], None]]:
    """A bar on standard error, if somebody is watching."""
    text = TextColumn("{task.description} {task.fields[lines]:,} lines", markup=False)
    bar = Progress(text, BarColumn(), TaskProgressColumn(), console=err, transient=True)
    bar.disable = not err.is_terminal
    with bar:
        task = bar.add_task(name, total=1.0, lines=0)
        yield lambda lines, part: bar.update(task, completed=part, lines=lines)


def _tell(report: StopListReport) -> None:
    out.print(
        f"{report.read:,} numbers read, {report.added:,} added, {report.listed:,} were on the list already, "
        f"{report.rejected:,} could not be read.",
        soft_wrap=True,
    )
    if report.lifted:
        out.print(f"{report.lifted:,} of them the customer lifted since: they stay lifted.", soft_wrap=True)
    if report.rejects_path is not None:
        more = " and others" if report.rejected > len(report.unreadable) else ""
        out.print(f"Not read: lines {', '.join(map(str, report.unreadable))}{more}.", soft_wrap=True)
        for reason, times in report.reasons.items():
            out.print(f"  {times:,}: {escape(reason)}", soft_wrap=True)
        out.print(f"Every one of them, with its reason: {escape(str(report.rejects_path))}", soft_wrap=True)


def _report_object(report: StopListReport) -> dict[str, Any]:
    return {
        "read": report.read,
        "added": report.added,
        "already_listed": report.listed,
        "lifted_since": report.lifted,
        "rejected": report.rejected,
        "rejected_lines": list(report.unreadable),
        "reasons": dict(report.reasons),
        "rejects": str(report.rejects_path) if report.rejects_path is not None else None,
    }


def _print_words(words: Sequence[Word], zone: str, *, reveal: bool) -> None:
    table = light_table("who", "scope", "said", "how", "by", "now")
    for word in words:
        how = f"{word.source}: {word.note}" if word.note else word.source
        state = "in force" if word.holds else "lifted" if word.stops else "wishes calls again"
        cells = (_who(word, reveal=reveal), word.scope, instants.show(word.said, zone), how, word.by, state)
        table.add_row(*map(escape, cells))
    out.print(table)


def _plain(word: Word, *, reveal: bool) -> dict[str, Any]:
    return {
        "on": "number" if word.e164 else "person",
        "who": _who(word, reveal=reveal),
        "scope": word.scope,
        "turn": word.turn,
        "word": "stop" if word.stops else "lift",
        "in_force": word.holds,
        "source": word.source,
        "said": word.said,
        "by": word.by,
        "note": word.note,
        "attempt": word.attempt,
    }


def _who(word: Word, *, reveal: bool) -> str:
    return word.e164 if reveal and word.e164 else _understood(word.subject)


def _understood(subject: str) -> str:
    """Whom the list names: a reference, or a number masked."""
    e164 = subject.removeprefix(line(""))
    return subject.removeprefix(person("")) if e164 == subject else str(PhoneNumber(e164, "", NumberKind.UNKNOWN))


def _one(customer: list[str] | None) -> str:
    """Whom a change is about in the trail: a customer, when it is about one. Numbers are counted there, not named."""
    return customer[0] if customer and len(customer) == 1 else ""


def _note_shown(store: Store, words: Sequence[Word], customer: str = "", *, reveal: bool) -> None:
    shown = len({word.e164 for word in words if word.e164})
    if reveal and shown:
        trail.note(store, "number.show", customer, numbers=shown)


def _named(command: str, numbers: list[str] | None, customer: list[str] | None, home_region: str) -> list[str]:
    """Everybody who is named, each once, as the list names them."""
    if not numbers and not customer:
        raise InputError(
            [Problem(f"do-not-call {command}", "nobody is named", "give numbers, or --customer REFERENCE")]
        )
    lines = [line(e164) for e164 in _numbers(numbers or [], home_region)]
    return list(dict.fromkeys([*lines, *(person(one) for one in customer or [])]))


def _known(store: Store, customer: list[str] | None) -> None:
    unknown = [reference for reference in customer or [] if store.customers.get(reference) is None]
    if unknown:
        raise NotFoundError([Problem("--customer", f"no customer {one!r} in the customer file") for one in unknown])


def _campaign_known(store: Store, scope: str) -> None:
    """A misspelt campaign would stop nothing and look as if it did."""
    name = scope.removeprefix("campaign:")
    if name != scope:
        store.campaigns.get(name)


def _numbers(texts: list[str], home_region: str) -> list[str]:
    """The numbers in E.164; all that cannot be read are named together, by their place and not by their digits."""
    parsed, problems = [], []
    for place, text in enumerate(texts, 1):
        try:
            parsed.append(parse_number(text, home_region).e164)
        except DoubtfulNumberError as error:
            named = "; for a customer's reference use --customer" if any(map(str.isalpha, text)) else ""
            problems.append(Problem(f"number {place}", str(error), f"write it with + and its country code{named}"))
    if problems:
        raise InputError(problems)
    return parsed
