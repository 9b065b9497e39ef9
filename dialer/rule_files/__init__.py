"""Reads calling rules: the presets that come with the program, a manager's own, days of rest and special days."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import ValidationError

from dialer.core import rules
from dialer.core.document import Flaw, Part
from dialer.core.rules import Preset  # noqa: TC001 - pydantic reads the annotation
from dialer.core.short_form import NOT_EMPTY
from dialer.documents.complaints import Grammar
from dialer.documents.source import Kind, Source
from dialer.errors import InputError, Problem
from dialer.rule_files.calendars import CHINA, WHOLE_NOTICE, calendar_of, calendars_for, holiday_data_version, is_known
from dialer.rule_files.folder import files_of
from dialer.rule_files.notices import Notice, load_notices
from dialer.rule_files.special_days import SpecialDay, special_day, special_days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from dialer.core.calendars import Calendar

__all__ = [
    "CHINA",
    "REPLACEABLE",
    "SHIPPED",
    "WHOLE_NOTICE",
    "Notice",
    "SpecialDay",
    "calendar_of",
    "calendars_for",
    "check_presets",
    "holiday_data_version",
    "is_known",
    "json_schema",
    "load_notices",
    "load_presets",
    "load_rules",
    "preset_files",
    "shipped",
    "special_day",
    "special_days",
]

SHIPPED: Final = Path(__file__).with_name("presets")
"""The folder of the presets that come with the program."""

REPLACEABLE: Final = frozenset({rules.Kind.PRACTICE, rules.Kind.HOUSE})
"""Kinds of shipped presets that a manager's own may replace. What others have laid down can only be added to."""

PRESET_FILE: Final = Kind("preset file", "presets:", InputError)


class PresetFile(Part):
    """A file of calling rules."""

    presets: Annotated[tuple[Preset, ...], NOT_EMPTY]
    """The presets, each one rule with its sources."""


_GRAMMAR: Final = Grammar(
    PresetFile,
    forms={
        r"^([A-Z]{2})?$": "expected the two capital letters of a country, such as US",
        r"^[A-Z]{2}-[A-Z0-9]{1,3}$": "expected a state or province with its country, such as US-FL",
        r"^[A-Z0-9]{0,3}$": "expected a state or province without its country, such as FL",
    },
)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of preset files, by which editors complete and check them."""
    return _GRAMMAR.json_schema


def load_presets(folders: Sequence[Path] = ()) -> tuple[Preset, ...]:
    """The presets that come with the program, then those of `folders`, file by file.

    A preset of one's own adds to the others. Bearing the id of a shipped practice or house rule it replaces that one,
    in its place; a law, a regulator's word, a code or a standard cannot be replaced. InputError names the problems of
    all files together; a folder that is not there is one, for its rules would silently not hold.
    """
    problems: list[Problem] = []
    paths: list[Path] = []
    for folder in folders:
        try:
            paths += preset_files(folder)
        except InputError as error:
            problems += error.problems
    own: dict[str, Preset] = {}
    for found in check_presets(paths).values():
        if isinstance(found, InputError):
            problems += found.problems
        else:
            own |= {preset.id: preset for preset in found}
    if problems:
        raise InputError(problems)
    kept = [own.pop(preset.id, preset) for preset, _ in shipped()]
    return (*kept, *own.values())


def load_rules(
    folders: Sequence[Path], notices_folder: Path | None
) -> tuple[tuple[Preset, ...], Callable[[int], Mapping[str, Calendar]]]:
    """The presets in force, and for a year the calendars they close on, for it and the years before and after it.

    Read once for each combination of folders, and calendars built once a year: what is changed on disk afterwards is
    seen by the next process. InputError names all that is wrong with the presets, then with the notices.
    """
    notices = notices_folder.absolute() if notices_folder is not None else None
    return _load_rules(tuple(folder.absolute() for folder in folders), notices)


@lru_cache(maxsize=8)
def _load_rules(
    folders: tuple[Path, ...], notices_folder: Path | None
) -> tuple[tuple[Preset, ...], Callable[[int], Mapping[str, Calendar]]]:
    presets = load_presets(folders)
    notices = load_notices(notices_folder) if notices_folder is not None else ()

    @lru_cache(maxsize=8)
    def calendars(year: int) -> Mapping[str, Calendar]:
        return MappingProxyType(calendars_for(presets, year, notices))

    return presets, calendars


def check_presets(paths: Sequence[Path]) -> dict[Path, tuple[Preset, ...] | InputError]:
    """The presets of each file of one's own, or what is wrong with it, by line.

    An id that bears another preset is wrong in the file that is read later, unless it is one that may be replaced.
    """
    taken = {preset.id: (where, preset.kind in REPLACEABLE) for preset, where in shipped()}
    found: dict[Path, tuple[Preset, ...] | InputError] = {}
    for path in paths:
        try:
            read = _read(path)
        except InputError as error:
            found[path] = error
            continue
        flaws = [*read.flaws]
        for at, name in read.ids.items():
            first, yields = taken.get(name, ("", True))
            if not yields:
                flaws.append(_taken(at, name, first))
            else:
                taken[name] = (read.where(at), False)
        found[path] = read.problems(flaws) if flaws else read.presets
    return found


def preset_files(folder: Path) -> list[Path]:
    """The preset files of a folder, by name. InputError when it is not there or cannot be read."""
    return files_of(folder, {".yaml", ".yml"}, "name the folder of your own presets")


@lru_cache(maxsize=1)
def shipped() -> tuple[tuple[Preset, str], ...]:
    """The presets that come with the program, each with the place of its id."""
    found: list[tuple[Preset, str]] = []
    for path in preset_files(SHIPPED):
        read = _read(path)
        if read.flaws:
            raise read.problems(read.flaws)
        found += [(preset, read.where(at)) for at, preset in enumerate(read.presets)]
    return tuple(found)


def _taken(at: int, name: str, first: str) -> Flaw:
    place = first.rpartition(" ")[0]
    replaceable = " and ".join(sorted(REPLACEABLE))
    mend = f"choose another id; only the shipped presets of kind {replaceable} can be replaced, and once"
    return Flaw(("presets", at, "id"), f"'{name}' is a preset of {place} already", mend)


@dataclass(frozen=True, slots=True)
class _Read:
    """A file as it was read: its presets, when all of them read well, and what is wrong with it alone."""

    source: Source
    ids: Mapping[int, str]  # by place in the file, each once, also of presets that do not read well
    presets: tuple[Preset, ...]
    flaws: tuple[Flaw, ...]

    def where(self, at: int) -> str:
        """The place of a preset's id."""
        return self.source.where(("presets", at, "id"))

    def problems(self, flaws: Iterable[Flaw]) -> InputError:
        """Flaws in the order of the file."""
        ordered = sorted(flaws, key=lambda flaw: self.source.line(flaw.path))
        return InputError([Problem(self.source.where(flaw.path), flaw.what, flaw.mend) for flaw in ordered])


def _read(path: Path) -> _Read:
    """The presets of a file. InputError when it cannot be read at all."""
    source = Source(str(path), PRESET_FILE)
    document = source.read(path)
    presets: tuple[Preset, ...] = ()
    flaws: list[Flaw] = []
    try:
        presets = PresetFile.model_validate(document).presets
    except ValidationError as error:
        flaws += [_GRAMMAR.explain(detail, source) for detail in error.errors()]
    ids: dict[int, str] = {}
    for at, name in _ids(document):
        if name in ids.values():
            flaws.append(
                Flaw(("presets", at, "id"), f"'{name}' is the id of two presets", "give each an id of its own")
            )
        else:
            ids[at] = name
    return _Read(source, ids, presets, (*flaws, *_flaws(presets)))


def _ids(document: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """The ids in a file, whatever else may be wrong with it, so that all that is wrong is named at once."""
    entries = document.get("presets")
    for at, entry in enumerate(entries if isinstance(entries, list) else ()):
        name = entry.get("id") if isinstance(entry, dict) else None
        if isinstance(name, str):
            yield at, name


def _flaws(presets: Sequence[Preset]) -> Iterator[Flaw]:
    """What is wrong with presets that read well key by key."""
    for at, preset in enumerate(presets):
        calendar = preset.holidays.name
        if calendar and not is_known(calendar):
            what = f"nobody knows the holidays of '{calendar}'"
            yield Flaw(("presets", at, "holidays"), what, "expected a country that has a calendar, and its state")
