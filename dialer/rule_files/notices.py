"""Reads files that say which days of a year are off or worked, for notices that no package knows yet."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from dialer.errors import InputError, Problem
from dialer.rule_files.calendars import CHINA, SATURDAY, is_estimated, is_known
from dialer.rule_files.folder import files_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST_FILE: Final = 256 * 1024
"""Bytes. A year has 366 days; what is larger is something else."""

_NAME: Final = re.compile(r"([A-Z]{2}(?:-[A-Z0-9]{1,3})?)-(20[0-9]{2})")
_KINDS: Final = {"off": True, "work": False}
_DECEMBER: Final = 12
_HEAD: Final = ("date", "name")


@dataclass(frozen=True, slots=True)
class Notice:
    """What is officially said about one year of a calendar (`CN`, `US-LA`): days off, and weekend days of work."""

    calendar: str
    year: int
    off: frozenset[date]
    work: frozenset[date]


@dataclass(frozen=True, slots=True)
class _Line:
    """One day as a file names it, and where."""

    where: str
    day: object
    off: object


def load_notices(folder: Path) -> tuple[Notice, ...]:
    """The notices of a folder, by file name: `CN-2027.json` or `CN-2027.csv`, `US-LA-2027.csv`.

    JSON has the shape of NateScarlet/holiday-cn: a `year`, and `days` with `date` and `isOffDay`. CSV has the columns
    date, name, and `off` or `work`. InputError names the problems of all files together.
    """
    found: dict[tuple[str, int], Notice] = {}
    problems: list[Problem] = []
    for path in files_of(folder, {".json", ".csv"}, "name the folder of your notices"):
        try:
            notice = _notice(path)
        except InputError as error:
            problems += error.problems
            continue
        if found.setdefault((notice.calendar, notice.year), notice) is not notice:
            what = f"a second notice for {notice.calendar} in {notice.year}"
            problems.append(Problem(str(path), what, "keep one file for each calendar and year"))
    if problems:
        raise InputError(problems)
    return tuple(found.values())


def _notice(path: Path) -> Notice:
    named = _NAME.fullmatch(path.stem)
    if named is None:
        what = "its name does not say which calendar and year it is about"
        raise InputError([Problem(str(path), what, "name it like CN-2027.json or US-LA-2027.csv")])
    calendar, year = named[1], int(named[2])
    lines = _json(path, year) if path.suffix == ".json" else _csv(path)
    days: dict[date, bool] = {}
    problems: list[Problem] = []
    for line in lines:
        try:
            day, off = _day(line, year)
        except InputError as error:
            problems += error.problems
            continue
        if not off and not _may_be_worked(calendar, day):
            what = f"{day} is a {day:%A}: only days of the weekend are made days of work"
            problems.append(Problem(line.where, what, "correct the date, or remove the line"))
        if day in days:
            problems.append(Problem(line.where, f"{day} is named twice", "keep one of them"))
        days[day] = off
    if not days and not problems:
        problems.append(Problem(str(path), "names no day at all", "expected the days that are off, and those worked"))
    if problems:
        raise InputError(problems)
    off_days = frozenset(day for day, off in days.items() if off)
    return Notice(calendar, year, off_days, frozenset(days) - off_days)


def _may_be_worked(calendar: str, day: date) -> bool:
    """Whether a notice can say that people work on a day. Outside China it may take back what was only an estimate."""
    if day.weekday() >= SATURDAY:
        return True
    return calendar != CHINA and is_known(calendar) and is_estimated(calendar, day)


def _day(line: _Line, year: int) -> tuple[date, bool]:
    """The date of a line, and whether it is off. A notice may reach into the last December before its year."""
    try:
        day = date.fromisoformat(line.day) if isinstance(line.day, str) and len(line.day) == len("2027-01-01") else None
    except ValueError:
        day = None
    if day is None:
        raise InputError([Problem(line.where, "names no date", "expected year-month-day, such as 2027-02-06")])
    if day.year != year and (day.year, day.month) != (year - 1, _DECEMBER):
        raise InputError([Problem(line.where, f"{day} is not in {year}", "expected a date of the file's own year")])
    if not isinstance(line.off, bool):
        raise InputError([Problem(line.where, "does not say whether the day is off", "expected off or work")])
    return day, line.off


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
        if len(raw) > LARGEST_FILE:
            raise InputError([Problem(str(path), f"is larger than {LARGEST_FILE // 1024} KB", "a year is a page")])
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise InputError([Problem(str(path), f"cannot be read: {error.strerror or 'unknown error'}")]) from None
    except UnicodeDecodeError:
        raise InputError([Problem(str(path), "is not UTF-8", "save the file as UTF-8")]) from None


def _csv(path: Path) -> Iterator[_Line]:
    try:
        for number, row in enumerate(csv.reader(_text(path).splitlines(), strict=True), start=1):
            cells = [cell.strip() for cell in row]
            if not any(cells) or (number == 1 and tuple(cells[:2]) == _HEAD):
                continue
            day, kind = cells[0], cells[2].lower() if len(cells) == len(("date", "name", "kind")) else ""
            yield _Line(f"{path}:{number}", day, _KINDS.get(kind))
    except csv.Error as error:
        raise InputError([Problem(str(path), f"cannot be read as CSV: {error}", "expected date,name,off")]) from None


def _json(path: Path, year: int) -> Iterator[_Line]:
    try:
        document: Any = json.loads(_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        place = f"{path}:{error.lineno}" if isinstance(error, json.JSONDecodeError) else str(path)
        raise InputError([Problem(place, "cannot be read as JSON", "expected the shape of holiday-cn")]) from None
    days = document.get("days") if isinstance(document, dict) else None
    if not isinstance(days, list):
        raise InputError([Problem(str(path), "holds no list of days", "expected the shape of holiday-cn: year, days")])
    if document.get("year") != year:
        what = "its 'year' is not that of its name"
        raise InputError([Problem(f"{path} year", what, f"expected {year}, or another file name")])
    for at, entry in enumerate(days, start=1):
        named = entry if isinstance(entry, dict) else {}
        yield _Line(f"{path} days[{at}]", named.get("date"), named.get("isOffDay"))
