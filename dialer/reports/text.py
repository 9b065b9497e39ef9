"""Reports on a terminal: tables that fit it, campaigns at a glance, and the whole house on one screen or two."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from rich import box
from rich.cells import cell_len
from rich.table import Table as Grid
from rich.text import Text

from dialer.core.rule_doubts import RuleDoubts
from dialer.reports.cell import written
from dialer.reports.doubts import sentences
from dialer.reports.house import house
from dialer.reports.language import Language, moment, say, word
from dialer.reports.next_step import in_words
from dialer.reports.summary import gap_in_words, name, rates
from dialer.reports.table import Kind, Rate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from rich.console import Console, RenderableType

    from dialer.core.record import AttemptRecord, CallbackRecord
    from dialer.reports.house import House
    from dialer.reports.table import Column, Table
    from dialer.reports.tally import Summary

WIDE = 250
"""From this many columns of a terminal on, a table shows all of its columns."""

ROWS_AT_ONCE = 500
"""Rows are laid out in pages of this many, so that a long report begins to print at once and needs little memory."""

FEW = 5
"""How many names the compact report shows of each list."""

NO_DOUBTS: Final = RuleDoubts()

_BAR = 8
_SHARE, _WORD = len("100.0 %"), len("Attempted")
"""Columns that a figure and its heading have; longer headings go on in a second line."""
_RIGHT = {Kind.NUMBER, Kind.PERCENT, Kind.DURATION}
_FOLDED = {Kind.TEXT, Kind.INSTANT}


def show(table: Table, console: Console, *, reveal: bool = False) -> None:
    """Print the table; its less important columns only where there is room."""
    shown = [i for i, column in enumerate(table.columns) if column.brief or console.width >= WIDE]
    rows = iter(table.rows)
    page = list(islice(rows, ROWS_AT_ONCE))
    if not page:
        console.print(Text(say("text.empty", table.language)))
    title: str | None = table.title
    while page:
        grid = _framed(title, [table.columns[i] for i in shown])
        for row in page:
            grid.add_row(*(Text(written(row[i], table.language, reveal=reveal)) for i in shown))
        console.print(grid)
        title, page = None, list(islice(rows, ROWS_AT_ONCE))


def show_summaries(found: Iterable[Summary], console: Console, language: Language) -> None:
    """Print each campaign at a glance, with every VIP gap named."""
    shown = False
    for summary in found:
        shown = True
        console.rule(Text(written(summary.campaign), style="bold"), align="left")
        for part in _summary(summary, language):
            console.print(part)
    if not shown:
        console.print(Text(say("text.empty", language)))


def house_report(
    callbacks: Iterable[CallbackRecord],
    attempts: Iterable[AttemptRecord],
    now: datetime,
    language: Language,
    console: Console,
    doubts: RuleDoubts = NO_DOUBTS,
) -> None:
    """Print the whole house in fewer than 60 lines of 100 columns. Both iterables are read once.

    `doubts` are what somebody has to look at in the calling rules.
    """
    found = house(callbacks, attempts, now)
    title = f"{say('title.house', language)} · {say('text.as_of', language).format(at=moment(now))}"
    console.rule(Text(title, style="bold"), align="left")
    for sentence in sentences(doubts, language):
        console.print(Text(f"⚠ {sentence}", style="yellow"))
    if not found.total.targeted and not found.total.attempts:
        console.print(Text(say("text.empty", language)))
        return
    for part in _house(found, language):
        console.print(part)


def _house(found: House, language: Language) -> Iterator[RenderableType]:
    total = found.total
    yield _campaigns(found, language)
    yield _sums(total, language)
    yield _pair(_called(total, language), _not_called(total, language))
    yield _next(found, language)
    yield _vip_title(total, language)
    yield _people(total.vip_gaps[:FEW], [gap_in_words(gap, language) for gap in total.vip_gaps[:FEW]])
    yield from _more(len(total.vip_gaps), language)
    if found.tasks.count:
        yield _title(f"{say('section.tasks', language)}: {found.tasks.count}")
        yield _people(found.tasks.rows[:FEW], [_task(record, language) for record in found.tasks.rows[:FEW]])
        yield from _more(found.tasks.count, language)


def _task(record: CallbackRecord, language: Language) -> str:
    """What a person must do, and who it is."""
    return f"{in_words(record, language)} ({record.person})" if record.person else in_words(record, language)


def _summary(summary: Summary, language: Language) -> Iterator[RenderableType]:
    yield _sums(summary, language)
    yield _rates(summary, language)
    yield _pair(_called(summary, language), _not_called(summary, language))
    if summary.not_counted:
        counts = [(word(why, language), count) for why, count in summary.not_counted.items()]
        yield _bars(say("section.not_counted", language), counts, summary.attempts)
    for node, answers in summary.answers.items():
        yield _bars(f"{say('section.answers', language)}: {node}", list(answers.items()), sum(answers.values()))
    yield _vip_title(summary, language)
    yield _people(summary.vip_gaps, [gap_in_words(gap, language) for gap in summary.vip_gaps])


def _framed(title: str | None, columns: Iterable[Column]) -> Grid:
    grid = Grid(title=title, title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE_HEAD)
    grid.pad_edge, grid.padding = False, (0, 1, 0, 0)
    for column in columns:
        grid.add_column(
            Text(column.heading),
            justify="right" if column.kind in _RIGHT else "left",
            overflow="fold",
            no_wrap=column.kind not in _FOLDED,
            min_width=len("2026-12-31") if column.kind is Kind.INSTANT else 4,
        )
    return grid


def _plain(title: str | None = None) -> Grid:
    grid = Grid(box=None, show_header=False, pad_edge=False, title_justify="left", title_style="bold")
    grid.title = None if title is None else Text(title)
    return grid


def _title(text: str) -> Text:
    return Text(f"\n{written(text)}", style="bold")


def _sums(summary: Summary, language: Language) -> Text:
    sums = say("text.sum", language).format(
        targeted=summary.targeted,
        attempted=summary.attempted,
        excluded=sum(summary.excluded.values()),
        pending=summary.pending,
    )
    attempts = say("text.attempts_sum", language).format(
        total=summary.attempts, counted=summary.counted, not_counted=sum(summary.not_counted.values())
    )
    told = {"opt_outs": summary.opt_outs, "machine": summary.machine, "infeasible": summary.infeasible}
    promises = {
        "promises": summary.promises,
        "promises_open": summary.promises_open,
        "promises_missed": summary.promises_missed,
        "promises_kept": summary.promises_kept,
    }
    lines = (
        " · ".join(f"{say(f'figure.{key}', language)}: {n}" for key, n in some.items()) for some in (promises, told)
    )
    return Text("\n".join((sums, attempts, *lines)), style="dim")


def _rates(summary: Summary, language: Language) -> Grid:
    grid = _plain()
    for key, rate in rates(summary).items():
        cells = (say(f"figure.{key}", language), rate.percent, f"{rate.part}/{rate.whole}")
        grid.add_row(*cells, Text(say(f"of.{key}", language), style="dim"))
    return grid


def _campaigns(found: House, language: Language) -> Grid:
    grid = Grid(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    grid.add_column(say("column.campaign", language))  # the only one to give way on a narrow terminal
    for key in ("targeted", "attempted", "excluded", "pending", "coverage", "vip_coverage", "on_time"):
        heading = say(f"figure.{key}", language)
        wide = max(map(cell_len, heading.split()))
        grid.add_column(heading, justify="right", overflow="fold", width=min(_WORD, max(_SHARE, wide)))
    for summary in (*found.campaigns, found.total) if len(found.campaigns) > 1 else found.campaigns:
        counts = (summary.targeted, summary.attempted, sum(summary.excluded.values()), summary.pending)
        shares = (summary.coverage, summary.vip_coverage, summary.on_time)
        grid.add_row(
            Text(written(summary.campaign) or say("figure.total", language), no_wrap=True, overflow="ellipsis"),
            *(str(count) for count in counts),
            *(rate.percent for rate in shares),
            style="" if summary.campaign else "bold",
        )
    return grid


def _pair(left: RenderableType, right: RenderableType) -> Grid:
    grid = Grid.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(ratio=1)
    grid.add_column(ratio=1)
    grid.add_row(left, right)
    return grid


def _bars(title: str, counts: Sequence[tuple[str, int]], whole: int) -> Grid:
    """Bars against the longest of them; the shares are of the whole."""
    grid = _plain(f"\n{written(title)}")
    grid.add_column(overflow="fold")
    grid.add_column(no_wrap=True, style="cyan", width=_BAR)
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(justify="right", no_wrap=True, style="dim")
    longest = max((count for _, count in counts), default=1)
    for item, count in counts:
        grid.add_row(Text(written(item)), "█" * max(1, count * _BAR // longest), str(count), Rate(count, whole).percent)
    return grid


def _called(summary: Summary, language: Language) -> Grid:
    counts = [(name(ending, "text.in_progress", language), count) for ending, count in summary.endings.items()]
    return _bars(f"{say('section.called', language)}: {summary.attempted}", counts, summary.attempted)


def _not_called(summary: Summary, language: Language) -> Grid:
    counts = [(name(reason, "text.no_reason", language), count) for reason, count in summary.excluded.items()]
    if summary.pending:
        counts.append((say("text.pending_call", language), summary.pending))
    left = summary.targeted - summary.attempted
    return _bars(f"{say('section.not_called', language)}: {left}", counts, summary.targeted)


def _next(found: House, language: Language) -> Grid:
    grid = _plain(f"\n{say('section.next', language)}")
    grid.add_column(justify="right")
    for step, count in found.steps.items():
        at = found.earliest.get(step)
        since = say("text.earliest", language).format(at=moment(at)) if at is not None else ""
        grid.add_row(str(count), word(step, language), Text(since, style="dim"))
    return grid


def _vip_title(summary: Summary, language: Language) -> Text:
    title = _title(f"{say('figure.vip_coverage', language)}: {summary.vip_coverage}")
    if not summary.vip_gaps:
        told = say("text.no_gaps" if summary.vip_coverage.whole else "text.no_vips", language)
        title.append(f"  {told}", style="not bold")
    return title


def _people(records: Sequence[CallbackRecord], sentences: Sequence[str]) -> Grid:
    grid = _plain()
    grid.add_column(no_wrap=True, overflow="ellipsis", max_width=26)
    grid.add_column(no_wrap=True, overflow="ellipsis", max_width=20, style="dim")
    grid.add_column(overflow="fold")
    for record, sentence in zip(records, sentences, strict=True):
        cells = (f"{record.customer} {record.name}", record.campaign, sentence)
        grid.add_row(*(Text(written(cell)) for cell in cells))
    return grid


def _more(count: int, language: Language) -> Iterator[Text]:
    if count > FEW:
        yield Text(say("text.more", language).format(count=count - FEW), style="dim")
