"""The mapping file: what the columns of one customer file mean, where guessing is not enough."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Discriminator, SecretStr, Tag, ValidationError, field_validator
from pydantic import Field as Key

from dialer.customer_files import places, values
from dialer.customer_files.headings import RESERVED, Field, Kind
from dialer.errors import CustomerFileError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MOST_BYTES = 1 << 18
_FIELDS = ", ".join(Field)

Text = Annotated[str, Key(max_length=200)]
Heading = Annotated[str, Key(min_length=1, max_length=200)]
Country = Annotated[str, Key(pattern="^([A-Z]{2})?$")]


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class FreeColumn(_Block):
    """A column that becomes a free attribute, and what its cells hold."""

    attribute: Annotated[str, Key(pattern=r"^[^\W\d]\w{0,59}$")]
    kind: Kind = Kind.TEXT

    @field_validator("attribute")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if name in RESERVED:
            raise ValueError(f"{name!r} is a field of every customer: write its name alone after the heading")
        return name


def _form(value: object) -> str:
    return "attribute" if isinstance(value, (dict, FreeColumn)) else "field"


MappedColumn = Annotated[Annotated[Field, Tag("field")] | Annotated[FreeColumn, Tag("attribute")], Discriminator(_form)]


class Defaults(_Block):
    """What holds for customers whose own cell is empty or missing."""

    salutation: Text = ""
    language: Text = ""
    tier: Text = ""
    region: Text = ""
    zone: Text = ""
    agent: Text = ""

    @field_validator("language", "tier", "region", "zone")
    @classmethod
    def _is_understood(cls, text: str, info: Any) -> str:
        return _DEFAULT_READERS[info.field_name](text) if text else text


_DEFAULT_READERS: dict[str, Callable[[str], str]] = {
    "language": values.language_of,
    "tier": values.tier_of,
    "region": places.region_of,
    "zone": values.zone_of,
}


class FileMapping(_Block):
    """Everything a mapping file may say. Columns that it does not name are still guessed from their headings."""

    columns: dict[Heading, MappedColumn] = {}
    """Heading to field, or to `{attribute: NAME, kind: text | date | number}`, or to `ignore`."""
    number_region: Country = ""
    """The country of numbers written without country code (ISO 3166)."""
    area_code: Annotated[str, Key(pattern="^[0-9]{0,6}$")] = ""
    """The area code of numbers written without one."""
    drop_doubtful_numbers: bool = False
    """Whether a customer with another, certain number is kept without the doubtful one."""
    defaults: Defaults = Defaults()
    values: dict[Text, dict[Text, Text]] = {}
    """Field to translations of its cells: `tier: {金卡: gold}`."""
    date_formats: tuple[Text, ...] = ()
    """How dates are written if not year first, as strptime reads them: `%d/%m/%Y`."""
    encoding: Literal["", "utf-8", "gb18030", "big5", "windows-1252", "shift_jis", "utf-16"] = ""
    """The encoding of a CSV file, if looking at it does not tell."""
    sheet: Text = ""
    """The sheet of a workbook, if not its first."""
    database: SecretStr = SecretStr("")
    """For sync: the SQLAlchemy URL of the database that holds the customers."""
    select: Annotated[str, Key(max_length=20_000)] = ""
    """For sync: the SELECT that reads them."""

    @field_validator("date_formats")
    @classmethod
    def _names_a_day(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for form in formats:
            if not _names_every_day(form):
                raise ValueError(f"{form!r} does not name a day; expected something like %d/%m/%Y")
        return formats


def _names_every_day(form: str) -> bool:
    day = datetime(2026, 12, 31, tzinfo=UTC)
    try:
        return datetime.strptime(day.strftime(form).lower(), form).date() == day.date()  # noqa: DTZ007 - a day
    except ValueError:
        return False


def load_mapping(path: Path) -> FileMapping:
    """The mapping in a YAML file.

    Raises:
        CustomerFileError: it cannot be read, or says something else than a mapping may say; names every such key.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
        if len(raw) > _MOST_BYTES:
            raise _wrong(path, "is larger than 256 KiB", "expected a mapping file; the customers go into another one")
        text = raw.decode("utf-8-sig")
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=yaml.SafeLoader)):
            raise _wrong(path, "holds an alias (*name)", "write out what it stands for")
        content = _Loader(text).get_single_data()
    except OSError as error:
        raise _wrong(path, f"cannot be read: {error.strerror}", "give the path of a mapping file") from error
    except UnicodeDecodeError as error:
        raise _wrong(path, "is not UTF-8 text", "save it as UTF-8") from error
    except yaml.YAMLError as error:
        raise _wrong(path, f"is no YAML this program accepts: {_brief(error)}", "") from error
    except (ValueError, RecursionError) as error:  # dates such as 2026-02-31, and a thousand brackets
        raise _wrong(path, "holds a value YAML cannot read", "put dates and times in quotes") from error
    try:
        return FileMapping.model_validate({} if content is None else content)
    except ValidationError as error:
        raise CustomerFileError([_problem(path, detail) for detail in error.errors()]) from None


class _Loader(yaml.SafeLoader):
    """Plain YAML in which no key stands twice: the second would win without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - as inherited
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, "a key for the second time", key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return super().construct_mapping(node, deep)


def _wrong(path: Path, what: str, mend: str) -> CustomerFileError:
    return CustomerFileError([Problem(str(path), what, mend)])


def _brief(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or "a character YAML does not know"
    return f"{what} in line {mark.line + 1}" if mark else str(what)


def _problem(path: Path, detail: Any) -> Problem:
    """One complaint of pydantic, in the words of this program."""
    keys = [str(key) for key in detail["loc"]]
    if keys[-1:] == ["[key]"]:
        what = "YAML reads a key here as a number, a date or a truth value"
        return Problem(f"{path} {'.'.join(keys[:-2])}", what, "put it in quotes")
    if keys[:1] == ["columns"]:
        keys = [key for index, key in enumerate(keys) if index != 2]  # noqa: PLR2004 - the form, which is ours
    where = f"{path} {'.'.join(keys)}" if keys else str(path)
    match detail["type"]:
        case "extra_forbidden":
            blocks: dict[str, type[_Block]] = {"defaults": Defaults, "columns": FreeColumn}
            known = blocks.get(keys[0] if len(keys) > 1 else "", FileMapping)
            return Problem(where, "there is no such key", f"expected one of {', '.join(known.model_fields)}")
        case "enum" if keys[0] == "columns" and keys[-1] != "kind":
            return Problem(where, "there is no such field", f"expected one of {_FIELDS}, or {{attribute: NAME}}")
        case "string_type":
            return Problem(where, "YAML does not read this as text", "put it in quotes")
        case _:
            return Problem(where, str(detail["msg"]).removeprefix("Value error, "))
