"""All pages of the console: a module that is not named here is not served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.web.console import account, board, campaigns, customers, people, reports, sign_in, tasks, trail, why, work
from dialer.web.console.site import Console

if TYPE_CHECKING:
    from starlette.routing import Route

    from dialer.bootstrap import Works
    from dialer.engine.passwords import Passwords

PAGES = (
    sign_in,
    account,
    work,
    board,
    campaigns,
    why,  # before the customers, whose references may hold any sign
    customers,
    tasks,
    reports,
    people,
    trail,
)


def create_console(works: Works, passwords: Passwords | None = None) -> Console:
    """The console with all its pages."""
    console = Console(works, passwords)
    for module in PAGES:
        module.add(console)
    return console


def routes(works: Works, passwords: Passwords | None = None) -> list[Route]:
    """The routes under / and /console. What guards them is in each of them: no other route becomes slower."""
    return create_console(works, passwords).routes()
