"""`dialer doctor`: what stands between this installation and its first call, and how to mend each."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import aiohttp
import typer
from rich.markup import escape

from dialer import bootstrap, campaign_files
from dialer.cli.screen import AsJson, emit, out
from dialer.core.phone import DoubtfulNumberError, never_dial, parse_number
from dialer.core.zones import zone_data_version
from dialer.errors import DialerError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dialer.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    well: bool
    says: str


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the carrier.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check settings, database, campaign files, carrier and public address. Exit code 1 when something is wrong."""
    findings = _settings()
    if all(one.well for one in findings):
        given = bootstrap.settings()
        checks: list[Callable[[Settings], list[Finding]]] = [_database, _campaigns, _rules]
        if not offline:
            checks += [_carrier]
        for check in checks:
            findings += check(given)
    for one in findings:
        if as_json:
            emit({"check": one.what, "ok": one.well, "says": one.says})
        else:
            mark = "[green]ok  [/green]" if one.well else "[red]BAD [/red]"
            out.print(f"{mark} [bold]{escape(one.what)}[/bold]: {escape(one.says)}", soft_wrap=True)
    if not all(one.well for one in findings):
        sys.exit(1)


def _bad(what: str, error: DialerError) -> list[Finding]:
    if isinstance(error, InputError):
        return [Finding(what, False, str(problem)) for problem in error.problems]
    return [Finding(what, False, str(error))]


def _settings() -> list[Finding]:
    try:
        bootstrap.settings().require_carrier()
    except InputError as error:
        return _bad("settings", error)
    return [Finding("settings", True, "all that is needed to place calls is set")]


def _database(given: Settings) -> list[Finding]:
    try:
        store = bootstrap.open_store(given)
        customers, campaigns = store.customers.count(), len(store.campaigns.all())
        undecided = len(store.attempts.needing_a_person())
        store.close()
    except DialerError as error:
        return _bad("database", error)
    found = [Finding("database", True, f"{customers} customers, {campaigns} campaigns in force")]
    if customers == 0:
        found.append(Finding("customers", False, "the customer file is empty; `dialer customers import FILE` fills it"))
    if campaigns == 0:
        found.append(Finding("campaigns in force", False, "none; `dialer campaigns apply FILE` puts one in force"))
    if undecided:
        says = f"{undecided} wait for a person; `dialer attempts undecided` shows them"
        found.append(Finding("attempts", False, says))
    return found


def _campaigns(given: Settings) -> list[Finding]:
    try:
        loaded = campaign_files.load_folder(given.campaigns)
    except DialerError as error:
        return _bad("campaign files", error)
    return [Finding("campaign files", True, f"{len(loaded)} in {given.campaigns} are sound")]


def _rules(given: Settings) -> list[Finding]:
    found = [Finding("time zones", True, f"data of {zone_data_version()}")]
    try:
        caller_id = parse_number(given.caller_id, given.home_region)
    except DoubtfulNumberError as error:
        return [*found, Finding("caller id", False, f"DIALER_CALLER_ID: {error}")]
    countries = ", ".join(sorted(given.allowed_countries))
    why = never_dial(caller_id, frozenset({caller_id.region}))
    says = "people who call it back reach nobody" if why else f"calls go to {countries} and nowhere else"
    return [*found, Finding("caller id", why is None, f"DIALER_CALLER_ID: {why}; {says}" if why else says)]


def _carrier(given: Settings) -> list[Finding]:
    async def ask() -> list[str]:
        telephony = bootstrap.open_telephony(given)
        try:
            return list(await telephony.check())
        finally:
            await telephony.close()

    wrong = asyncio.run(ask())
    found = [Finding("carrier", False, says) for says in wrong]
    found = found or [Finding("carrier", True, "credentials are accepted and the account is active")]
    return [*found, *asyncio.run(_public_url(given))]


async def _public_url(given: Settings) -> list[Finding]:
    """Whether the carrier could reach the running service at its public address."""
    url = f"{given.public_url}/healthz"
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session, session.get(url) as answer:
            if answer.status == 200:  # noqa: PLR2004 - HTTP
                return [Finding("public address", True, f"{given.public_url} reaches the running service")]
            says = f"{url} answers {answer.status}; does the proxy lead to {given.host}:{given.port}?"
    except (aiohttp.ClientError, TimeoutError) as error:
        kind = type(error).__name__
        says = f"{url} does not answer ({kind}); start `dialer run` and lead the proxy to {given.host}:{given.port}"
    return [Finding("public address", False, says)]
