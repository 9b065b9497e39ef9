"""Passwords: which are good enough, how they are kept, and how one is told from another without giving hints."""

from __future__ import annotations

import secrets
from functools import cached_property
from typing import TYPE_CHECKING, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dialer.engine.roster import Flaw

if TYPE_CHECKING:
    from dialer.core.agent import Agent

SHORTEST: Final = 12
"""Characters of any kind: NIST SP 800-63B asks for length and advises against rules of composition."""

LONGEST: Final = 256
"""Characters. Hashing a book would keep the machine busy."""

_FEWEST_DIFFERENT: Final = 4
_TELLING: Final = 3  # a name of two letters is in half of all words
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is mistaken for another when read aloud


class Passwords:
    """Hashes passwords with argon2. Slow on purpose (tens of milliseconds): call it in a thread."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()

    def hash(self, password: str) -> str:
        """What is kept of a password."""
        return self._hasher.hash(password)

    def verify(self, kept: str, password: str) -> bool:
        """Whether it is this password. With nothing kept the answer is no, after just as much work."""
        try:
            self._hasher.verify(kept or self._nobodys, password[: LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return False
        return bool(kept)

    def is_outdated(self, kept: str) -> bool:
        """Whether the same password would be hashed with other parameters today."""
        return self._hasher.check_needs_rehash(kept)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe())


def flaw(password: str, agent: Agent) -> Flaw | None:
    """What is wrong with a password that `agent` chooses; None when it may be used."""
    if len(password) < SHORTEST:
        return Flaw.PASSWORD_SHORT
    if len(password) > LONGEST:
        return Flaw.PASSWORD_LONG
    low = password.casefold()
    telling = [part for part in (agent.staff_number, *agent.name.split()) if len(part) >= _TELLING]
    if len(set(low)) < _FEWEST_DIFFERENT or any(part.casefold() in low for part in telling):
        return Flaw.PASSWORD_OBVIOUS
    return None


def one_time() -> str:
    """A password to be told to somebody once and changed by them: 79 bits, four groups of four characters."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
