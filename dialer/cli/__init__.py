"""The command line: every door into the program for the people who run it."""

from __future__ import annotations

import sys

import typer
from rich.markup import escape

from dialer.cli import attempts, campaigns, customers, do_not_call, in_force, report
from dialer.cli.carrier import carrier
from dialer.cli.doctor import doctor
from dialer.cli.run import run
from dialer.cli.screen import err
from dialer.cli.watch import watch
from dialer.cli.why import why
from dialer.errors import DialerError, InputError

app = typer.Typer(
    name="dialer",
    help=(
        "Outbound callback campaigns: who is due, never when they rest, VIPs without exception, and why.\n\n"
        "A first campaign: `customers import FILE`, `campaigns check FILE`, `campaigns apply FILE`, `run`. "
        "Settings come from the environment and .env; `doctor` says what is missing."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.add_typer(customers.app, name="customers", help="The customer file: import, sync, look up.")
campaigns.app.command("list")(in_force.list_campaigns)
for command in (in_force.apply, in_force.enrol, in_force.pause, in_force.resume):
    campaigns.app.command()(command)
app.add_typer(campaigns.app, name="campaigns", help="Campaign files: check, rehearse, put in force, pause.")
app.add_typer(report.app, name="report", help="What was done: callbacks, summary, attempts.")
app.add_typer(attempts.app, name="attempts", help="Single attempts: their events, and those a person must decide.")
app.add_typer(do_not_call.app, name="do-not-call", help="The list of those who are never called.")
app.command()(why)
app.command()(run)
app.command()(watch)
app.command()(doctor)
app.command()(carrier)


def main() -> None:
    """Run a command; what goes wrong is said in one place, without a stack trace."""
    try:
        app()
    except InputError as error:
        for problem in error.problems:
            where = f"[bold]{escape(problem.where)}[/bold]: " if problem.where != "input" else ""
            mend = f" ({escape(problem.mend)})" if problem.mend else ""
            err.print(f"[red]error[/red] {where}{escape(problem.what)}{mend}", soft_wrap=True)
        sys.exit(error.exit_code)
    except DialerError as error:
        err.print(f"[red]error[/red] {escape(str(error))}", soft_wrap=True)
        sys.exit(error.exit_code)
