"""The command line: every door into the program for the people who run it."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

import typer
from rich.markup import escape
from typer.core import TyperGroup

from dialer.cli.screen import err
from dialer.errors import DialerError, InputError

if TYPE_CHECKING:
    from typer import Context

GROUPS: Final = {
    "customers": "The customer file: import, sync, look up.",
    "campaigns": "Campaign files: check, rehearse, put in force, pause.",
    "report": "What was done: the house at a glance, callbacks, summary, attempts.",
    "agents": "Who works here: add, change, new passwords.",
    "tasks": "What the dialer must not or cannot do, and a person must.",
    "promises": "Times that customers chose: make them, see which were kept.",
    "attempts": "Single attempts: their events, and those a person must decide.",
    "do-not-call": "The list of those who are never called.",
    "audit": "Whether the calls that were made were right.",
    "rules": "Calling rules by country and purpose: read them, check your own.",
}
COMMANDS: Final = ("why", "call", "run", "watch", "doctor", "carrier")
WORKDAY: Final = (
    "doctor",
    "customers",
    "campaigns",
    "agents",
    "run",
    "watch",
    "report",
    "why",
    "call",
    "tasks",
    "promises",
    "attempts",
    "do-not-call",
    "rules",
    "audit",
    "carrier",
)
"""The order in which people need the commands, and in which the help shows them."""


class _InOrder(TyperGroup):
    def list_commands(self, ctx: Context) -> list[str]:  # type: ignore[override] # Typer's own context is private
        return sorted(super().list_commands(ctx), key=WORKDAY.index)


def build(first: str = "") -> typer.Typer:
    """The command line. When `first` is a command, only that one is loaded: the others would cost a second."""
    app = typer.Typer(
        name="dialer",
        cls=_InOrder,
        context_settings={"help_option_names": ["--help", "-h"]},
        help=(
            "Outbound callback campaigns: who is due, never when they rest, VIPs without exception, and why.\n\n"
            "A first campaign: `customers import FILE`, `campaigns check FILE`, `campaigns apply FILE`, `run`. "
            "Settings come from the environment and .env; `doctor` says what is missing."
        ),
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        callback=_stay_a_group,
    )
    wanted = [first] if first in {*GROUPS, *COMMANDS} else [*GROUPS, *COMMANDS]
    for name in wanted:
        module = import_module(f"dialer.cli.{name.replace('-', '_')}")
        if name in GROUPS:
            app.add_typer(module.app, name=name, help=GROUPS[name])
        else:
            app.command(name)(getattr(module, name))
    return app


def _stay_a_group() -> None:
    """With a callback, a command line of one command still wants the command's name."""


def main() -> None:
    """Run a command; what goes wrong is said in one place, without a stack trace."""
    try:
        build(sys.argv[1] if len(sys.argv) > 1 else "")()
    except InputError as error:
        for problem in error.problems:
            where = f"[bold]{escape(problem.where)}[/bold]: " if problem.where != "input" else ""
            mend = f" ({escape(problem.mend)})" if problem.mend else ""
            err.print(f"[red]error[/red] {where}{escape(problem.what)}{mend}", soft_wrap=True)
        sys.exit(error.exit_code)
    except DialerError as error:
        err.print(f"[red]error[/red] {escape(str(error))}", soft_wrap=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.filename is None:
            raise
        # A file or folder that somebody named: the path says which, and there is nothing to learn from a stack trace.
        err.print(f"[red]error[/red] {escape(str(error.filename))}: {error.strerror}", soft_wrap=True)
        sys.exit(InputError.exit_code)
