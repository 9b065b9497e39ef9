"""Reads CSV as the world writes it: several encodings and delimiters, one row at a time."""

from __future__ import annotations

import codecs
import csv
from typing import TYPE_CHECKING

from dialer.customer_files.table import Table, table_of, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

DELIMITERS = ",;\t|"
_CHUNK = 1 << 20
_LONGEST_LINE = 1 << 20
_COMMON_SHARE = 0.8
_SAVE_AS = "save it as CSV UTF-8, or name its `encoding` in the mapping file"


class _LineTooLongError(Exception):
    """A line that would not fit the memory set aside for it."""


def read(path: Path, encoding: str = "") -> Table:
    """The table in a CSV file. The file is read once from end to end first, so nothing is found broken half-way."""
    codec = encoding or _encoding(path)
    try:
        delimiter = _delimiter(path, codec)
        return table_of(path, lambda: _records(path, codec, delimiter))
    except UnicodeDecodeError as error:
        raise unreadable(path, f"is not {codec} text from byte {error.start} on", _SAVE_AS) from error
    except _LineTooLongError as error:
        raise unreadable(path, f"has a line of more than {_LONGEST_LINE:,} characters", "expected CSV") from error


def _records(path: Path, codec: str, delimiter: str) -> Iterator[list[str]]:
    with path.open(encoding=codec, newline="") as file:
        reader = csv.reader(_lines(file), delimiter=delimiter, strict=True)
        try:
            yield from reader
        except csv.Error as error:
            mend = 'expected quotes only around whole cells, and a quote inside one written twice ("")'
            raise unreadable(path, f"cannot be taken apart near line {reader.line_num}: {error}", mend) from error


def _lines(file: TextIO) -> Iterator[str]:
    """The lines of `file`, none of which can fill the memory."""
    while line := file.readline(_LONGEST_LINE + 1):
        if len(line) > _LONGEST_LINE:
            raise _LineTooLongError
        yield line


def _delimiter(path: Path, codec: str) -> str:
    """The delimiter that takes the headings apart into the most cells."""
    with path.open(encoding=codec, newline="") as file:
        line = next((line for line in _lines(file) if line.strip()), "")
    return max(DELIMITERS, key=lambda delimiter: len(next(csv.reader([line], delimiter=delimiter), [])))


def _encoding(path: Path) -> str:
    """UTF-8 if all of the file is; else GB18030 if all of it is and it reads as Chinese; else the file is refused."""
    with path.open("rb") as file:
        start = file.read(_CHUNK)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in start:
        raise unreadable(path, "is no text", "expected a CSV or XLSX file")
    if _decodes(path, "utf-8-sig"):
        return "utf-8-sig"
    if _decodes(path, "gb18030") and _reads_as_chinese(start):
        return "gb18030"
    raise unreadable(path, "is neither UTF-8 nor GB18030 text", _SAVE_AS)


def _decodes(path: Path, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)("strict")
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _reads_as_chinese(start: bytes) -> bool:
    """Whether what GB18030 makes of `start` are mostly characters of everyday Chinese (GB 2312).

    Western and Traditional Chinese encodings often decode as GB18030 too, into rare characters nobody wrote.
    """
    text = codecs.getincrementaldecoder("gb18030")("strict").decode(start)
    foreign = [char for char in text if not char.isascii()]
    common = sum(1 for char in foreign if char.encode("gb2312", errors="ignore"))
    return common >= _COMMON_SHARE * len(foreign)
