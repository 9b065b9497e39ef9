"""A console with the team lead's pages, on a floor that stands still."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from dialer.core.agent import Move
from dialer.engine.board import Boards
from dialer.web.console import board, campaigns, customers, reports, tasks, why
from dialer.web.console.site import Console
from tests import campaigns as made
from tests.store import floor
from tests.store.steps import crowd, enrol, people, start
from tests.web.console.conftest import CHEAP, Browser

if TYPE_CHECKING:
    from dialer.bootstrap import Works
    from dialer.store import Store

EVIL = "<script>alert(1)</script>"
WHOLE = made.number(1).e164


@dataclass
class Shifts:
    """What was asked of the agents' shifts, and where the agents stand then."""

    store: Store
    asked: list[tuple[str, ...]] = field(default_factory=list)

    async def pause(self, staff_number: str, reason: str, by: str = "") -> None:
        self.asked.append(("pause", staff_number, reason, by))
        self.store.presences.move(staff_number, Move.PAUSE, made.NOW, reason=reason, by=by)

    async def sign_out(self, staff_number: str, by: str = "") -> None:
        self.asked.append(("sign_out", staff_number, by))
        self.store.presences.move(staff_number, Move.SIGN_OUT, made.NOW, by=by)


def wired(works: Works, paces: dict[str, Any] | None = None) -> Any:
    """The works with what a floor of agents has beside them."""
    boards = Boards(store=works.store, desk=works.reading, clock=works.clock, paces=lambda: paces or {})
    shifts: Any = Shifts(works.store)
    return replace(works, boards=boards, shifts=shifts)


def site(works: Any) -> Browser:
    """A browser on a console with these pages and the ones for signing in."""
    from dialer.web.console import account, sign_in  # noqa: PLC0415 - their order is that of pages.py

    console = Console(works, CHEAP)
    # Longer paths stand before the shorter ones that would swallow them.
    for module in (sign_in, account, board, campaigns, why, customers, reports, tasks):
        module.add(console)
    return Browser(console, Starlette(routes=console.routes()))


def fill(store: Store, many: int = 3, **changes: Any) -> None:
    """A campaign with agents, and so many customers: C0, C1, ..."""
    start(store, agents=floor.AGENTS, at=made.NOW - timedelta(days=1))
    people(store, *crowd(many, **changes))
    enrol(store)
