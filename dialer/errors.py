"""One tree of errors, so that every complaint says what is wrong, where, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with what the user gave us.

    `where` is a place the user can open (`renewal.yaml:12 attempts.max`), `what` says what is wrong there and `mend`
    what was expected. None of the three may hold personal data.
    """

    where: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" ({self.mend})" if self.mend else "")


class DialerError(Exception):
    """Anything that goes wrong in a way this program foresees."""

    exit_code: ClassVar[int] = 1
    may_retry: ClassVar[bool] = False


class InputError(DialerError):
    """What the user gave is wrong; nothing was changed."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem] | str) -> None:
        self.problems = (Problem("input", problems),) if isinstance(problems, str) else tuple(problems)
        super().__init__(problems if isinstance(problems, str) else "\n".join(str(p) for p in self.problems))


class SettingsError(InputError):
    """Settings are missing or wrong; all of them are named together."""


class CampaignFileError(InputError):
    """A campaign file says something the program cannot follow."""


class CustomerFileError(InputError):
    """A customer file or its mapping cannot be read as a whole (a single bad row is a reject, not an error)."""


class NotFoundError(InputError):
    """The customer, campaign or attempt that was named does not exist."""


class StoreError(DialerError):
    """The database cannot be used as it is."""


class CarrierError(DialerError):
    """The carrier could not be asked. Says nothing about whether a call exists."""

    may_retry = True


class ForgedRequestError(DialerError):
    """A webhook did not prove that the carrier sent it."""
