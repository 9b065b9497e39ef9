"""Reports: looked at here as tables and charts, taken along as CSV or XLSX. Numbers are masked in both."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Final

from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse

from dialer.core.access import Permission
from dialer.core.wall_clock import local, midnight
from dialer.errors import InputError, Problem
from dialer.reports import csv, xlsx
from dialer.reports.attempts import attempts_table
from dialer.reports.callbacks import callbacks_table
from dialer.reports.cell import written
from dialer.reports.language import Language
from dialer.reports.summary import summaries, summary_table
from dialer.web.console.languages import N_
from dialer.web.console.site import tongue
from dialer.web.console.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from dialer.core.record import AttemptRecord
    from dialer.reports.table import Table
    from dialer.reports.tally import Summary
    from dialer.store import Store
    from dialer.web.console.site import Console

SHOWN: Final = 100
"""Rows that the page shows; the file has them all."""

YEARS: Final = range(2000, 2100)
"""Of the days that can be asked for: there is nothing before, and calendars end somewhere."""

USUALLY: Final = timedelta(days=6)
"""How many days before today a report begins when nobody says."""

IN_MEMORY: Final = 4_000_000
"""Bytes of a file that are kept in memory; a larger one waits on the disk until it is sent."""

CHUNK: Final = 64 * 1024


class Report(StrEnum):
    """The reports there are."""

    SUMMARY = "summary"  # per campaign: coverage, outcomes, answers
    CALLBACKS = "callbacks"  # one row a callback
    ATTEMPTS = "attempts"  # one row a call


TITLES: Final = {
    Report.SUMMARY: N_("Summary"),
    Report.CALLBACKS: N_("Callbacks"),
    Report.ATTEMPTS: N_("Calls"),
}

KINDS: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for."""

    report: Report
    campaign: str | None
    first: date  # days of the house, the last one included
    last: date
    zone: str

    @property
    def start(self) -> datetime:
        """The first instant."""
        return midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The instant after the last."""
        return midnight(self.last + timedelta(days=1), self.zone)

    @property
    def query(self) -> dict[str, str]:
        """The wish as the address of the page has it."""
        return {
            "report": self.report.value,
            "campaign": self.campaign or "",
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """What the page shows: the first rows, and the figures of the charts."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: bool
    endings: tuple[tuple[Any, int], ...]
    hours: tuple[tuple[int, int, int], ...]  # hour of the house's day, calls, answered
    answers: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]


def add(console: Console) -> None:
    """Register the pages."""
    works = console.works
    one_at_a_time = asyncio.Semaphore(1)  # long reports leave the other readers to the screens

    @console.page("/reports", Permission.REPORTS, title=N_("Reports"), order=60)
    async def reports(request: Request) -> Response:
        wish, language = _wish(console, request), Language(tongue(request).language)
        names = [one.campaign.id for one in await works.reading.ask(works.store.campaigns.all)]
        async with one_at_a_time:
            seen = await works.reading.ask(_look, works.store, wish, console.now(), language)
        t = Terms(tongue(request))
        values: dict[str, Any] = {
            "wish": wish,
            "titles": TITLES,
            "names": names,
            "seen": seen,
            "endings": [(t.word(one) if one else "–", many, _tone(one)) for one, many in seen.endings],
            "hours": [(_hour(wish, hour), calls, answered) for hour, calls, answered in seen.hours],
            "downloads": sorted(KINDS),
        }
        return console.render(request, "reports.html", **values)

    @console.page("/reports/file.{kind}", Permission.REPORTS)
    async def file(request: Request) -> Response:
        kind, wish = request.path_params["kind"], _wish(console, request)
        if kind not in KINDS:
            say = tongue(request).say
            raise InputError([Problem(say("Format"), say("is not known"), "CSV, XLSX")])
        await console.note(request, "report.take", wish.campaign or "", wish.query | {"format": kind})
        language = Language(tongue(request).language)
        async with one_at_a_time:
            body = await works.reading.ask(_write, works.store, wish, console.now(), language, kind)
        name = f"{wish.report.value}-{_safe(wish.campaign)}{wish.first:%Y%m%d}-{wish.last:%Y%m%d}.{kind}"
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        chunks = iter(lambda: body.read(CHUNK), b"")
        return StreamingResponse(chunks, media_type=KINDS[kind], headers=headers, background=BackgroundTask(body.close))


def _safe(campaign: str | None) -> str:
    return re.sub(r"[^\w-]+", "_", campaign, flags=re.ASCII) + "-" if campaign else ""


def _wish(console: Console, request: Request) -> Wish:
    asked, zone = request.query_params, console.works.store.house.zone
    today = local(console.now(), zone).date()
    last = _date(request, "to", today)
    first = _date(request, "from", last - USUALLY)
    say = tongue(request).say
    if first > last:
        raise InputError([Problem(say("Last day"), say("is before the first day"), say("choose a later day"))])
    report = asked.get("report", Report.SUMMARY.value)
    if report not in list(Report):
        raise InputError([Problem(say("Report"), say("is not known"), ", ".join(Report))])
    return Wish(Report(report), asked.get("campaign") or None, first, last, zone)


def _date(request: Request, name: str, usually: date) -> date:
    given, say = request.query_params.get(name, ""), tongue(request).say
    try:
        found = date.fromisoformat(given) if given else usually
    except ValueError as error:
        raise InputError([Problem(say("Day"), say("is no day"), "2026-11-23")]) from error
    if given and found.year not in YEARS:
        raise InputError([Problem(say("Day"), say("is too far away"), f"{YEARS[0]}–{YEARS[-1]}")])
    return found


def _table(store: Store, wish: Wish, now: datetime, language: Language) -> Table:
    """The report as a table. Its rows are read while they are written."""
    callbacks = store.records.callbacks(wish.campaign, wish.start, wish.end)
    if wish.report is Report.CALLBACKS:
        return callbacks_table(callbacks, language)
    attempts = store.records.attempts(wish.campaign, wish.start, wish.end)
    if wish.report is Report.ATTEMPTS:
        return attempts_table(attempts, language)
    return summary_table(summaries(callbacks, attempts, now), language)


def _write(store: Store, wish: Wish, now: datetime, language: Language, kind: str) -> IO[bytes]:
    """The file, ready to be read."""
    body = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed when it was sent
    (xlsx if kind == "xlsx" else csv).write(_table(store, wish, now, language), body)
    body.seek(0)
    return body


def _look(store: Store, wish: Wish, now: datetime, language: Language) -> Seen:
    hours: Counter[tuple[int, bool]] = Counter()
    attempts = _by_hour(store.records.attempts(wish.campaign, wish.start, wish.end), wish.zone, hours)
    found = summaries(store.records.callbacks(wish.campaign, wish.start, wish.end), attempts, now)
    table = summary_table(found, language) if wish.report is Report.SUMMARY else _table(store, wish, now, language)
    brief = [index for index, one in enumerate(table.columns) if one.brief]
    some = list(islice(iter(table.rows), SHOWN + 1))
    return Seen(
        columns=tuple(table.columns[index].heading for index in brief),
        rows=tuple(tuple(written(row[index], language) for index in brief) for row in some[:SHOWN]),
        more=len(some) > SHOWN,
        endings=_endings(found),
        hours=tuple((hour, hours[hour, True] + hours[hour, False], hours[hour, True]) for hour in range(24)),
        answers=_answers(found),
    )


def _by_hour(attempts: Iterable[AttemptRecord], zone: str, hours: Counter[tuple[int, bool]]) -> Iterator[AttemptRecord]:
    """The same attempts, counted by the hour of the house's day as they go by."""
    for one in attempts:
        if one.counted or one.answered is not None:
            hours[local(one.created, zone).hour, one.answered is not None] += 1
        yield one


def _endings(found: Iterable[Summary]) -> tuple[tuple[Any, int], ...]:
    counts: Counter[Any] = Counter()
    for one in found:
        counts.update(one.endings)
    return tuple(counts.most_common())


def _answers(found: Iterable[Summary]) -> tuple[tuple[str, tuple[tuple[str, int], ...]], ...]:
    """What customers answered, by question; questions of several campaigns with the same name are one."""
    nodes: dict[str, Counter[str]] = {}
    for one in found:
        for node, counts in one.answers.items():
            nodes.setdefault(node, Counter()).update(counts)
    return tuple((node, tuple(counts.most_common(8))) for node, counts in nodes.items())


def _hour(wish: Wish, hour: int) -> datetime:
    return midnight(wish.first, wish.zone) + timedelta(hours=hour)


def _tone(ending: Any) -> str:
    if ending is None:
        return "ground"
    return "good" if ending.spoke_to_customer else "part"
