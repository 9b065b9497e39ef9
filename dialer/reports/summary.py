"""The callback summary (回访总结): per campaign who was targeted, what became of them, and every VIP gap by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.core.record import CallbackState
from dialer.reports.language import Language, say, word
from dialer.reports.next_step import in_words
from dialer.reports.reasons import reasons
from dialer.reports.table import Cell, Column, Kind, Rate, Table
from dialer.reports.tally import Summary, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from enum import StrEnum

    from dialer.core.record import AttemptRecord, CallbackRecord

Row = tuple[Cell, ...]

COLUMNS = (
    ("campaign", Kind.TEXT),
    ("section", Kind.TEXT),
    ("item", Kind.TEXT),
    ("count", Kind.NUMBER),
    ("of", Kind.NUMBER),
    ("share", Kind.PERCENT),
    ("detail", Kind.TEXT),
)


def summaries(
    callbacks: Iterable[CallbackRecord], attempts: Iterable[AttemptRecord], now: datetime
) -> tuple[Summary, ...]:
    """One summary a campaign, by name. `now` decides which deadlines have passed. Both iterables are read once."""
    tallies: dict[str, Tally] = {}
    for callback in callbacks:
        tallies.setdefault(callback.campaign, Tally(callback.campaign, now)).add_callback(callback)
    for attempt in attempts:
        tallies.setdefault(attempt.campaign, Tally(attempt.campaign, now)).add_attempt(attempt)
    return tuple(tallies[name].summary() for name in sorted(tallies))


def rates(summary: Summary) -> dict[str, Rate]:
    """The rates of a summary by the name that headings and scripts use."""
    return {
        "coverage": summary.coverage,
        "vip_coverage": summary.vip_coverage,
        "on_time": summary.on_time,
        "reach": summary.reach,
        "machine": summary.machine,
        "promises_kept": summary.promises_kept,
    }


def gap_in_words(record: CallbackRecord, language: Language) -> str:
    """Why a VIP has not been spoken to, and what happens next."""
    ended = name(record.ending, "text.in_progress", language)
    key = "text.not_tried" if not record.attempts else "text.tried_once" if record.attempts == 1 else "text.tried"
    tried = say(key, language).format(count=record.attempts, ending=ended)
    why = word(record.reason, language) if record.reason is not None else reasons(record.note, language)
    # A closed callback's next step already tells the reason, and a number that does not exist needs telling once.
    told = "" if record.state is CallbackState.CLOSED or why == ended else why
    return say("text.and", language).join(filter(None, (tried, told, in_words(record, language))))


def name(member: StrEnum | None, unnamed: str, language: Language) -> str:
    """A reason or an ending as people call it; `unnamed` is the phrase for one that is not known (yet)."""
    return say(unnamed, language) if member is None else word(member, language)


def summary_table(found: Iterable[Summary], language: Language = Language.EN) -> Table:
    """The summaries as one long table, a figure a row, each with its denominator."""

    def rows() -> Iterator[Row]:
        for summary in found:
            for section in (_partition, _rates, _excluded, _endings, _vip_gaps, _attempts, _answers):
                yield from ((summary.campaign, *row) for row in section(summary, language))

    columns = tuple(Column(key, say(f"column.{key}", language), kind) for key, kind in COLUMNS)
    return Table(say("title.summary", language), columns, rows(), language)


def _figure(section: str, item: str, figure: Rate | int, language: Language, detail: str = "") -> Row:
    title = say(f"section.{section}", language)
    if isinstance(figure, int):
        return (title, item, figure, None, None, detail)
    return (title, item, figure.part, figure.whole, figure, detail)


def _partition(summary: Summary, language: Language) -> Iterator[Row]:
    parts = {
        "targeted": summary.targeted,
        "attempted": summary.attempted,
        "excluded": sum(summary.excluded.values()),
        "pending": summary.pending,
    }
    for key, count in parts.items():
        yield _figure("partition", say(f"figure.{key}", language), Rate(count, summary.targeted), language)
    late = Rate(summary.infeasible, summary.targeted)
    yield _figure("partition", say("figure.infeasible", language), late, language)


def _rates(summary: Summary, language: Language) -> Iterator[Row]:
    for key, rate in rates(summary).items():
        item, detail = say(f"figure.{key}", language), say(f"of.{key}", language)
        yield _figure("rates", item, rate, language, detail)


def _excluded(summary: Summary, language: Language) -> Iterator[Row]:
    for reason, count in summary.excluded.items():
        yield _figure("excluded", name(reason, "text.no_reason", language), Rate(count, summary.targeted), language)


def _endings(summary: Summary, language: Language) -> Iterator[Row]:
    for ending, count in summary.endings.items():
        yield _figure("endings", name(ending, "text.in_progress", language), Rate(count, summary.attempted), language)


def _vip_gaps(summary: Summary, language: Language) -> Iterator[Row]:
    for gap in summary.vip_gaps:
        item = f"{gap.customer} {gap.name}".strip()
        yield (say("section.vip_gaps", language), item, None, None, None, gap_in_words(gap, language))


def _attempts(summary: Summary, language: Language) -> Iterator[Row]:
    yield _figure("attempts", say("figure.attempts", language), summary.attempts, language)
    yield _figure("attempts", say("figure.counted", language), Rate(summary.counted, summary.attempts), language)
    for why, count in summary.not_counted.items():
        yield _figure("not_counted", word(why, language), Rate(count, summary.attempts), language)
    for key in ("promises", "promises_missed", "promises_open"):
        yield _figure("promises", say(f"figure.{key}", language), getattr(summary, key), language)
    yield _figure("attempts", say("figure.opt_outs", language), summary.opt_outs, language)


def _answers(summary: Summary, language: Language) -> Iterator[Row]:
    for node, counts in summary.answers.items():
        for answer, count in counts.items():
            yield _figure("answers", f"{node}: {answer}", Rate(count, sum(counts.values())), language)


def summary_object(summary: Summary) -> dict[str, object]:
    """One summary for scripts: keys and values do not depend on the language."""
    return {
        "campaign": summary.campaign,
        "targeted": summary.targeted,
        "attempted": summary.attempted,
        "excluded": sum(summary.excluded.values()),
        "excluded_by_reason": _keyed(summary.excluded.items()),
        "pending": summary.pending,
        **{key: {"part": r.part, "of": r.whole, "rate": r.value} for key, r in rates(summary).items()},
        "vip_gaps": [
            {"customer": gap.customer, "callback": gap.callback, "why": gap_in_words(gap, Language.EN)}
            for gap in summary.vip_gaps
        ],
        "endings": _keyed(summary.endings.items()),
        "answers": summary.answers,
        "attempts": summary.attempts,
        "counted": summary.counted,
        "not_counted": _keyed(summary.not_counted.items()),
        "promises": summary.promises,
        "promises_missed": summary.promises_missed,
        "promises_open": summary.promises_open,
        "infeasible": summary.infeasible,
        "opt_outs": summary.opt_outs,
    }


def _keyed(counts: Iterable[tuple[StrEnum | None, int]]) -> dict[str, int]:
    return {"unknown" if key is None else key.value: count for key, count in counts}
