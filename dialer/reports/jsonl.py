"""Reports for scripts: one JSON object a line; keys and values are the same in every language, sentences are not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dialer.core.phone import PhoneNumber
from dialer.reports.cell import phone
from dialer.reports.table import Rate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

    from dialer.reports.table import Table


_LINE_ENDS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}
"""What Unicode counts as the end of a line and JSON leaves as it is; a reader by lines would cut the object there."""


def write(table: Table, stream: BinaryIO, *, reveal: bool = False) -> None:
    """Write an object a row. Instants are ISO 8601 in UTC with a Z, durations are seconds."""
    keys = [column.key for column in table.columns]
    write_objects((dict(zip(keys, row, strict=True)) for row in table.rows), stream, reveal=reveal)


def write_objects(objects: Iterable[Mapping[str, object]], stream: BinaryIO, *, reveal: bool = False) -> None:
    """Write an object a line."""

    def plain(value: object) -> object:
        return _plain(value, reveal=reveal)

    lines = (json.dumps(item, default=plain, ensure_ascii=False).translate(_LINE_ENDS) for item in objects)
    stream.writelines(line.encode("utf-8", "replace") + b"\n" for line in lines)


def _plain(value: object, *, reveal: bool) -> object:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case timedelta():
            return value.total_seconds()
        case PhoneNumber():
            return phone(value, reveal=reveal)
        case Rate():
            return value.value
        case Mapping():
            return dict(value)
        case _:
            raise TypeError(f"{type(value).__name__} cannot be written as JSON")
