"""What an examination of this installation finds, one thing at a time."""

from __future__ import annotations

from dataclasses import dataclass

from dialer.errors import DialerError, InputError


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    well: bool
    says: str
    warning: bool = False  # nothing is broken, and yet somebody has to look at it


def bad(what: str, error: DialerError) -> list[Finding]:
    """What an error names, each problem for itself."""
    if isinstance(error, InputError):
        return [Finding(what, False, str(problem)) for problem in error.problems]
    return [Finding(what, False, str(error))]
