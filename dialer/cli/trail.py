"""Writes into the trail what people change, and which whole numbers they are shown, on the command line."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from dialer import bootstrap
from dialer.logs import mask
from dialer.store import Deed

if TYPE_CHECKING:
    from dialer.store import Store


def user() -> str:
    """Whoever is logged in on this machine; nobody where the system does not know, as in some containers."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # what Python 3.11 raises where the user has no name
        return ""


def deed(action: str, subject: str = "", **detail: object) -> Deed:
    """What they do, for a store method that writes it with the change. Numbers in what they typed are masked."""
    told = {name: mask(value) if isinstance(value, str) else value for name, value in detail.items()}
    return Deed(f"cli:{user()}", action, subject, told)


def note(store: Store, action: str, subject: str = "", **detail: object) -> None:
    """Write down what they did, right after it; what they are shown, before it is shown."""
    store.audit.add(deed(action, subject, **detail), bootstrap.now())
