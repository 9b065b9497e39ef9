"""Brings in lists of numbers that must not be called: a million lines, none of which stops the others.

A prohibition needs no proof that its number is in use. Whatever is written in E.164 form is taken as it stands; only
what is written otherwise has to be understood first.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from dialer.core.phone import DoubtfulNumberError, parse_number
from dialer.customer_files.headings import compared, phone_rank
from dialer.customer_files.rejects import RejectFile
from dialer.customer_files.row import Reject
from dialer.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from dialer.core.suppression import Wish
    from dialer.store import Store

    Progress = Callable[[int, float], None]  # lines read so far, and about which part of the file that is

CHUNK: Final = 50_000
"""Numbers in one transaction: few enough that others who write need not wait long."""

LINES_NAMED: Final = 20
"""So many unreadable lines are named in the report; all of them are in the rejects file."""

LONGEST_LINE: Final = 10_000
"""Characters. What follows in a line is not looked at."""

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_BETWEEN_DIGITS: Final = str.maketrans("", "", " \t\u00a0-.")
_TRUNK_PREFIX: Final = re.compile(
    # A zero right behind the country code. Most countries dial it only at home: +44 020... is nobody's number, and on
    # the list it would protect nobody. Country codes of one and two digits as ITU-T E.164 assigns them.
    r"\+(?>[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{3})0"
)
_NORTH_AMERICAN: Final = ("+1", re.compile(r"[2-9][0-9]{2}[2-9][0-9]{6}"))
_WRITTEN_AT_HOME: Final = MappingProxyType(
    # How the longest lists are written: the only reading these digits have in their own country, without a search for
    # proof that would take a minute for a million of them.
    {"US": _NORTH_AMERICAN, "CA": _NORTH_AMERICAN, "CN": ("+86", re.compile(r"1[3-9][0-9]{9}"))}
)
_DELIMITERS: Final = ",;\t|"
_HEADINGS: Final = frozenset({"number", "numbers", "e164", "号码"})


@dataclass(frozen=True, slots=True)
class StopListReport:
    """What became of the lines: `read` is `added + listed + rejected`.

    `listed` were on our list already or stand in this one twice; `lifted` of them the customer took back since, and so
    they stay. `unreadable` names the first lines that could not be read, `reasons` counts all of those by their reason.
    """

    read: int
    added: int
    listed: int
    lifted: int
    rejected: int
    unreadable: tuple[int, ...]
    reasons: Mapping[str, int]
    rejects_path: Path | None
    looked_at: int  # people at the head of the line whom the list stops


def _in_silence(_lines: int, _part: float) -> None: ...


def import_list(
    path: Path,
    wish: Wish,
    store: Store,
    now: datetime,
    *,
    home_region: str = "",
    rejects: Path | None = None,
    on_progress: Progress = _in_silence,
) -> StopListReport:
    """Import a text or CSV file: one number a line, or a column named number, phone or 电话.

    `home_region` is the country of numbers without country code (ISO 3166). Lines that cannot be read go to `rejects`,
    by default beside the file. The same list again changes nothing, and undoes no lifting by the customer.

    Raises:
        InputError: the file as a whole is no such list; nothing was changed.
        OSError: it cannot be opened.
    """
    rejects = rejects or path.with_name(f"{path.stem}.rejects.csv")
    if rejects.resolve() == path.resolve():
        raise InputError([Problem(str(path), "would be overwritten by its own rejects", "give another --rejects")])
    lines = _Lines(path)
    run = _Run(store, wish, now, home_region)
    with RejectFile(rejects, ("number",)) as refused:
        for place, text in lines.numbers():
            run.take(place, text, refused)
            if len(run.batch) >= CHUNK:
                run.flush()
                on_progress(run.read, lines.part)
        run.flush()
        on_progress(run.read, lines.part)
    return run.report(refused.written, store.suppressions.look_at_line(now))


class _Run:
    """One pass over one list; in memory is no more than a chunk of it."""

    def __init__(self, store: Store, wish: Wish, now: datetime, home_region: str) -> None:
        self._store, self._wish, self._now, self._home_region = store, wish, now, home_region
        self.batch: list[str] = []
        self.read = self._added = self._lifted = 0
        self._unreadable: list[int] = []
        self._reasons: Counter[str] = Counter()

    def take(self, place: int, text: str, refused: RejectFile) -> None:
        self.read += 1
        try:
            self.batch.append(_number(text, self._home_region))
        except DoubtfulNumberError as error:
            self._reasons[str(error)] += 1
            if len(self._unreadable) < LINES_NAMED:
                self._unreadable.append(place)
            refused.add(Reject(place, "", "number", str(error), opted_out=True), [text])

    def flush(self) -> None:
        if self.batch:
            loaded = self._store.suppressions.load(self.batch, self._wish, self._now)
            self._added += loaded.added
            self._lifted += loaded.lifted
            self.batch = []

    def report(self, rejects_path: Path | None, looked_at: int) -> StopListReport:
        rejected = self._reasons.total()
        return StopListReport(
            read=self.read,
            added=self._added,
            listed=self.read - rejected - self._added,
            lifted=self._lifted,
            rejected=rejected,
            unreadable=tuple(self._unreadable),
            reasons=dict(self._reasons.most_common()),
            rejects_path=rejects_path,
            looked_at=looked_at,
        )


def _number(text: str, home_region: str) -> str:
    """The number in E.164."""
    bare = text if _E164.fullmatch(text) else text.translate(_BETWEEN_DIGITS)
    if not _E164.fullmatch(bare):
        code, usual = _WRITTEN_AT_HOME.get(home_region.upper(), ("", None))
        return code + bare if usual is not None and usual.fullmatch(bare) else parse_number(text, home_region).e164
    if not _TRUNK_PREFIX.match(bare):
        return bare
    try:
        return parse_number(text, home_region).e164
    except DoubtfulNumberError:
        return bare


class _Lines:
    """The lines of a list, one after the other, with how far they have been read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._codec = _codec(path)
        self._characters = path.stat().st_size / (2 if self._codec == "utf-16" else 1)
        self._done = 0

    @property
    def part(self) -> float:
        """About which part has been read, from 0 to 1."""
        return min(1.0, self._done / self._characters)

    def numbers(self) -> Iterator[tuple[int, str]]:
        """What stands where the number should, with the line's own number in the file, for every line that has text."""
        lines = self._texts()
        place, first = next(lines, (0, ""))
        if not first:
            raise InputError([Problem(str(self._path), "is empty", "expected a number on each line")])
        delimiter = max(_DELIMITERS, key=lambda one: len(_cells(first, one)))
        headings = _cells(first, delimiter)
        column = _column(headings)
        if column is None:
            if len(headings) > 1 and not any(char.isdecimal() for char in headings[0]):
                mend = "name the column of the numbers number, phone or 电话 in the first line"
                raise InputError([Problem(str(self._path), "no column is known to hold numbers", mend)])
            column = 0
            yield place, headings[0]
        alone = len(headings) == 1
        for place, line in lines:
            cells = [line] if alone and '"' not in line else _cells(line, delimiter)
            yield place, cells[column] if column < len(cells) else ""

    def _texts(self) -> Iterator[tuple[int, str]]:
        with self._path.open(encoding=self._codec, errors="replace", newline="") as file:
            place, begins = 0, True
            while line := file.readline(LONGEST_LINE):
                self._done += len(line)
                place += begins
                if begins and (text := line.strip()):
                    yield place, text
                begins = line.endswith(("\n", "\r"))


def _cells(line: str, delimiter: str) -> list[str]:
    """One line taken apart by itself: a quote that nobody closed spoils its own line and no other."""
    cells = next(csv.reader([line], delimiter=delimiter)) if '"' in line else line.split(delimiter)
    return [cell.strip() for cell in cells]


def _column(headings: list[str]) -> int | None:
    """Which column holds the numbers, by its heading; the likeliest to reach a person when there are several."""
    ranks = [-1 if compared(one) in _HEADINGS else phone_rank(one) for one in headings]
    return min((at for at, rank in enumerate(ranks) if rank is not None), key=lambda at: ranks[at] or 0, default=None)


def _codec(path: Path) -> str:
    """UTF-8 if all of the file is, UTF-16 if it says so, else GB18030, in which digits are digits as well."""
    with path.open("rb") as file:
        start = file.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if start == b"PK\x03\x04":
            raise InputError([Problem(str(path), "is a workbook or an archive", "save the list as CSV or plain text")])
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8-sig")("strict")
        try:
            while chunk := file.read(1 << 20):
                if b"\0" in chunk:
                    raise InputError([Problem(str(path), "is no text", "expected CSV or one number a line")])
                decoder.decode(chunk)
        except UnicodeDecodeError:
            return "gb18030"
    return "utf-8-sig"
