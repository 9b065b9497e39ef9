"""Decides, once per file, what each column means: what the mapping says, else what its heading says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from dialer.customer_files.headings import (
    PHONES,
    RESERVED,
    Field,
    Kind,
    attribute_kind,
    attribute_name,
    compared,
    field_of,
    phone_rank,
)
from dialer.customer_files.mapping import FreeColumn
from dialer.errors import CustomerFileError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dialer.customer_files.mapping import FileMapping

_MANY: Final = frozenset({Field.IGNORE, Field.ATTRIBUTE})


@dataclass(frozen=True, slots=True)
class Column:
    """What one column means. `attribute` and `kind` are set for free attributes only."""

    index: int
    heading: str
    field: Field
    attribute: str = ""
    kind: Kind = Kind.TEXT
    guessed: bool = True

    @property
    def target(self) -> str:
        """What the column becomes, as a mapping file names it."""
        return self.attribute or self.field.value


def understand(headings: Sequence[str], mapping: FileMapping, source: str) -> tuple[Column, ...]:
    """The meaning of each column, in the order of the file. `source` is what complaints call the file.

    Raises:
        CustomerFileError: the mapping names columns the file does not have, two columns claim the same field, or
            nothing holds the reference or a number.
    """
    columns = meanings(headings, mapping, source)
    problems = [*doubts(columns, source), *_idle_values(columns, mapping, source)]
    if problems:
        raise CustomerFileError(problems)
    return columns


def meanings(headings: Sequence[str], mapping: FileMapping, source: str) -> tuple[Column, ...]:
    """As `understand`, but what does not go together is left for a person to see (`doubts`)."""
    mapped = _mapped(headings, mapping, source)
    columns = [mapped.get(index) or _guessed(index, heading) for index, heading in enumerate(headings)]
    return tuple(_with_names(_with_phones(columns)))


def doubts(columns: Sequence[Column], source: str) -> list[Problem]:
    """Why customers cannot be read out of `columns`: fields that are claimed twice, fields that are missing."""
    return [*_clashes(columns, source), *_gaps(columns, source)]


def as_yaml(columns: Iterable[Column]) -> str:
    """A mapping file that says what `columns` say, ready to be edited."""
    entries: dict[str, Any] = {}
    for column in columns:
        if column.heading and column.field is Field.ATTRIBUTE:
            entries[column.heading] = {"attribute": column.attribute, "kind": column.kind.value}
        elif column.heading:
            entries[column.heading] = column.field.value
    text = yaml.safe_dump({"columns": entries}, allow_unicode=True, sort_keys=False, default_flow_style=None, width=120)
    return _HEAD + text + _TAIL


_HEAD = f"""\
# What the columns of this customer file mean: heading: field. The fields are
# {", ".join(list(Field)[:12])},
# {", ".join(list(Field)[12:])};
# anything else is {{attribute: NAME, kind: text | date | number}}.
"""
_TAIL = """\
# number_region: CN              # the country of numbers without country code
# area_code: "010"               # the area code of numbers without one
# drop_doubtful_numbers: false   # true: keep a customer who has another, certain number
# defaults: {language: zh-CN}    # for empty cells of salutation, language, tier, region, zone, agent
# values: {tier: {金卡: gold}}   # what cells mean
# date_formats: ["%d/%m/%Y"]     # dates that do not begin with the year
"""


def _mapped(headings: Sequence[str], mapping: FileMapping, source: str) -> dict[int, Column]:
    """What the mapping file says, by the index of the column."""
    columns: dict[int, Column] = {}
    problems = []
    for heading, target in mapping.columns.items():
        found = [i for i, name in enumerate(headings) if name == heading] or [
            i for i, name in enumerate(headings) if compared(name) == compared(heading)
        ]
        if not found:
            there = ", ".join(filter(None, headings))
            problems.append(Problem(f"{source} columns.{heading}", "the customers have no such column", f"has {there}"))
        for index in found:
            columns[index] = _column(index, headings[index], target)
    if problems:
        raise CustomerFileError(problems)
    return columns


def _column(index: int, heading: str, target: Field | FreeColumn) -> Column:
    if isinstance(target, FreeColumn):
        return Column(index, heading, Field.ATTRIBUTE, target.attribute, target.kind, guessed=False)
    if target is Field.ATTRIBUTE:
        return Column(index, heading, target, attribute_name(heading), guessed=False)
    return Column(index, heading, target, guessed=False)


def _guessed(index: int, heading: str) -> Column:
    if not heading:
        return Column(index, heading, Field.IGNORE)
    if phone_rank(heading) is not None:
        return Column(index, heading, Field.PHONE)
    return Column(index, heading, field_of(heading) or Field.ATTRIBUTE)


def _with_phones(columns: list[Column]) -> list[Column]:
    """Guessed columns of numbers, in the order in which they are to be dialed."""
    guessed = [column for column in columns if column.guessed and column.field is Field.PHONE]
    guessed.sort(key=lambda column: phone_rank(column.heading) or 0)
    taken = {column.field for column in columns if not column.guessed}
    free = (field for field in PHONES if field not in taken)
    order = {column.index: next(free, Field.IGNORE) for column in guessed}
    return [
        Column(column.index, column.heading, order[column.index]) if column.index in order else column
        for column in columns
    ]


def _with_names(columns: list[Column]) -> list[Column]:
    """Guessed attributes, each with a name of its own. A guess gives way to what the mapping says."""
    sure = {column.field for column in columns if not column.guessed} - _MANY
    taken = {column.attribute for column in columns if column.attribute} | RESERVED
    named = []
    for column in columns:
        if not column.guessed or (column.field is not Field.ATTRIBUTE and column.field not in sure):
            named.append(column)
            continue
        wish = attribute_name(column.heading)
        name = next(name for name in (wish, *(f"{wish}_{n}" for n in range(2, len(columns) + 9))) if name not in taken)
        taken.add(name)
        named.append(Column(column.index, column.heading, Field.ATTRIBUTE, name, attribute_kind(wish)))
    return named


def _clashes(columns: Sequence[Column], source: str) -> list[Problem]:
    count = Counter(column.target for column in columns if column.field is not Field.IGNORE)
    return [
        Problem(
            source,
            f"{' and '.join(repr(c.heading) for c in columns if c.target == target)} both look like {target!r}",
            "say in a mapping file which one it is, and `ignore` for the other",
        )
        for target, times in count.items()
        if times > 1
    ]


def _gaps(columns: Sequence[Column], source: str) -> list[Problem]:
    fields = {column.field for column in columns}
    there = ", ".join(column.heading for column in columns if column.heading)
    mend = "headings belong into the first row; otherwise say in a mapping file which column it is"
    problems = []
    if Field.REFERENCE not in fields:
        problems.append(Problem(source, f"no column holds the customers' reference; found: {there}", mend))
    if not fields & set(PHONES):
        problems.append(Problem(source, f"no column holds phone numbers; found: {there}", mend))
    return problems


def _idle_values(columns: Sequence[Column], mapping: FileMapping, source: str) -> list[Problem]:
    targets = {column.target for column in columns}
    mend = f"expected one of {', '.join(sorted(targets))}"
    idle = [name for name in mapping.values if name not in targets]
    return [Problem(f"{source} values.{name}", "no column has this field", mend) for name in idle]
