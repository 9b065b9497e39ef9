"""`dialer doctor`: what stands between this installation and its first call, and how to mend each."""

from __future__ import annotations

import asyncio
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer
from rich.markup import escape

from dialer import bootstrap, campaign_files
from dialer.cli import agent_checks, public_address, rule_checks
from dialer.cli.finding import Finding, bad
from dialer.cli.rules_in_force import sectors_in_force
from dialer.cli.screen import AsJson, emit, out
from dialer.core.phone import DoubtfulNumberError, never_dial, parse_number
from dialer.core.zones import zone_data_version
from dialer.errors import DialerError, InputError
from dialer.rule_files import special_days

if TYPE_CHECKING:
    from collections.abc import Callable

    from dialer.settings import Settings

SQLITE = "sqlite:///"


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Ask neither the carrier nor the public address.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check settings, database, campaign files, calling rules, carrier and public address.

    Exit code 1 when something is wrong; a warning is for somebody to look at and leaves it 0.

    Where the service is not running, doctor answers in its place for a moment, so that the public address can be
    checked before the first start. Nobody is called and nothing is changed.
    """
    findings = _examine(offline=offline)
    for one in findings:
        if as_json:
            emit({"check": one.what, "ok": one.well, "warning": one.warning, "says": one.says})
        else:
            out.print(f"{_mark(one)} [bold]{escape(one.what)}[/bold]: {escape(one.says)}", soft_wrap=True)
    if not all(one.well for one in findings):
        sys.exit(1)


def _mark(one: Finding) -> str:
    if not one.well:
        return "[red]BAD[/red]"
    return "[yellow]WARNING[/yellow]" if one.warning else "[green]ok [/green]"


def _examine(*, offline: bool) -> list[Finding]:
    try:
        given = bootstrap.settings()
    except InputError as error:
        return [*bad("settings", error), _where_from()]
    settings = _settings(given)
    checks: list[Callable[[Settings], list[Finding]]] = [_database, _campaigns, rule_checks.rules, _time_zones]
    if all(one.well for one in settings):
        checks += [_numbers] if offline else [_numbers, _carrier, _public_address]
    else:
        settings.append(_where_from())
    return settings + [finding for check in checks for finding in check(given)]


def _settings(given: Settings) -> list[Finding]:
    try:
        given.require_carrier()
    except InputError as error:
        return bad("settings", error)
    return [Finding("settings", True, "all that is needed to place calls is set")]


def _where_from() -> Finding:
    file = Path(".env").resolve()
    found = "which is there" if file.exists() else "which is not there; .env.example is its pattern"
    return Finding("settings", False, f"they are read from the environment and from {file}, {found}")


def _database(given: Settings) -> list[Finding]:
    url = given.database_url
    path = Path(url.removeprefix(SQLITE).partition("?")[0]).resolve() if url.startswith(SQLITE) else None
    parts = urlsplit(url)
    place = str(path) if path else f"PostgreSQL at {parts.hostname}:{parts.port or 5432}{parts.path}"
    if path and not path.exists():
        says = f"{place} is not there yet; `dialer customers import FILE` makes it. Is DIALER_DATABASE_URL right?"
        return [Finding("database", False, says)]
    try:
        with closing(bootstrap.open_store(given)) as store:
            customers, in_force = store.customers.count(), store.campaigns.all()
            undecided = len(store.attempts.needing_a_person())
            agents = agent_checks.agents(store)
    except DialerError as error:
        mend = "that it is a database of this program, and that you may write there" if path else "that its server runs"
        return [Finding("database", False, f"{place}: {_in_detail(error)}; check DIALER_DATABASE_URL, and {mend}")]
    found = [Finding("database", True, f"{place}; {customers} customers, {len(in_force)} campaigns in force")]
    if customers == 0:
        found.append(Finding("customers", False, "the customer file is empty; `dialer customers import FILE` fills it"))
    if not in_force:
        found.append(Finding("campaigns in force", False, "none; `dialer campaigns apply FILE` puts one in force"))
    for one in (standing for standing in in_force if standing.paused):
        says = f"{one.campaign.id} is paused: {one.pause_reason}; `dialer campaigns resume {one.campaign.id}` ends that"
        found.append(Finding("campaigns in force", True, says))
    found += rule_checks.special_days_of(in_force, bootstrap.now())
    found += agents
    if undecided:
        says = f"{undecided} wait for a person; `dialer attempts undecided` shows them"
        found.append(Finding("attempts", False, says))
    return found


def _in_detail(error: DialerError) -> str:
    """The driver's own first line: none of doctor's questions holds personal data that it could quote."""
    driver = getattr(error.__cause__, "orig", None)
    return str(driver or error).strip().splitlines()[0]


def _campaigns(given: Settings) -> list[Finding]:
    try:
        sectors = sectors_in_force(given)
    except DialerError:
        sectors = None  # what is wrong with the rules is said under their own heading
    try:
        loaded = campaign_files.load_folder(given.campaigns, special_days(), sectors)
    except DialerError as error:
        return bad("campaign files", error)
    return [Finding("campaign files", True, f"{len(loaded)} in {given.campaigns} are sound")]


def _time_zones(_given: Settings) -> list[Finding]:
    return [Finding("time zones", True, f"data of {zone_data_version()}")]


def _numbers(given: Settings) -> list[Finding]:
    countries = Finding("countries", True, f"calls go to {', '.join(sorted(given.allowed_countries))} and nowhere else")
    try:
        caller_id = parse_number(given.caller_id, given.home_region)
    except DoubtfulNumberError as error:
        return [countries, Finding("caller id", False, f"DIALER_CALLER_ID: {error}")]
    why = never_dial(caller_id, frozenset({caller_id.region}))
    if why:
        says = f"DIALER_CALLER_ID is {why}: people who call it back reach nobody"
        return [countries, Finding("caller id", False, says)]
    return [countries, Finding("caller id", True, f"{given.caller_id}, a number in {caller_id.region}")]


def _carrier(given: Settings) -> list[Finding]:
    async def ask() -> list[str]:
        telephony = bootstrap.open_telephony(given)
        try:
            return list(await telephony.check())
        finally:
            await telephony.close()

    try:
        wrong = asyncio.run(ask())
    except DialerError as error:
        return bad("carrier", error)
    asked = f" (asked at {given.twilio_api_url}, as DIALER_TWILIO_API_URL says)" if given.twilio_api_url else ""
    return [Finding("carrier", False, says.rstrip(".") + asked) for says in wrong] or [
        Finding("carrier", True, f"credentials are accepted and the account is active{asked}")
    ]


def _public_address(given: Settings) -> list[Finding]:
    answers = asyncio.run(public_address.check(given.public_url, given.host, given.port))
    return [Finding(one.what, one.well, one.says) for one in answers]
