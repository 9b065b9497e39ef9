"""Lists the files of a folder of rules, and says so when it cannot: rules that are not read would silently not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.errors import InputError, Problem

if TYPE_CHECKING:
    from pathlib import Path


def files_of(folder: Path, suffixes: set[str], mend: str) -> list[Path]:
    """The files of `folder` with one of `suffixes`, by name. InputError when it is not there or cannot be read."""
    if not folder.is_dir():
        raise InputError([Problem(str(folder), "there is no such folder", mend)])
    try:
        return sorted(file for file in folder.iterdir() if file.suffix in suffixes)
    except OSError as error:
        what = f"cannot be read: {error.strerror or 'unknown error'}"
        raise InputError([Problem(str(folder), what, "let this program read it")]) from None
