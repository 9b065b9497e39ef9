"""Customers: found by reference or name, with their file, every call so far and what happens next."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from dialer.core.access import Permission
from dialer.core.wall_clock import local
from dialer.core.zones import candidates
from dialer.engine.explain import explain
from dialer.errors import NotFoundError
from dialer.reports.next_step import next_step
from dialer.web.console.languages import N_
from dialer.web.console.site import form, tongue
from dialer.web.console.terms import Terms

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from dialer.core.customer import Customer
    from dialer.store.customer_file import CustomerFile
    from dialer.web.console.site import Console

MOST = 50
"""How many customers a search shows."""


def add(console: Console) -> None:
    """Register the pages. References may hold a slash, so the longer paths come first."""
    _search(console)
    _show_number(console)
    _now(console)
    _file(console)


def _search(console: Console) -> None:
    works = console.works

    @console.page("/customers", Permission.CUSTOMERS, title=N_("Customers"), order=40)
    async def customers(request: Request) -> Response:
        wanted = request.query_params.get("q", "").strip()[:100]
        found = await works.reading.ask(works.store.files.search, wanted, MOST + 1)
        block = "found" if request.headers.get("hx-target") == "found" else ""
        more = len(found) > MOST
        return console.render(request, "customers.html", block=block, wanted=wanted, found=found[:MOST], more=more)


def _file(console: Console) -> None:
    works = console.works

    @console.page("/customers/{reference:path}", Permission.CUSTOMERS)
    async def one(request: Request) -> Response:
        found = await _read(console, request)
        titles = {s.campaign.id: s.campaign.title for s in await works.reading.ask(works.store.campaigns.all)}
        values = _values(found, console.now()) | {"titles": titles, "t": Terms(tongue(request))}
        return console.render(request, "customer.html", **values)


def _now(console: Console) -> None:
    works = console.works

    @console.page("/customers/{reference:path}/now", Permission.CUSTOMERS)
    async def now(request: Request) -> Response:
        """What each campaign says about them at this moment; asked for by the file's page when it is there."""
        reference, store = request.path_params["reference"], works.store
        try:
            told = await works.reading.ask(explain, store, store.house, reference, console.now())
        except NotFoundError:
            told = ()
        return console.render(request, "customer_now.html", reference=reference, told=told, t=Terms(tongue(request)))


def _show_number(console: Console) -> None:
    @console.action("/customers/{reference:path}/number", Permission.SHOW_NUMBER)
    async def number(request: Request) -> Response:
        """One whole number, written into the trail before it is shown."""
        found = await _read(console, request)
        given = form(request).get("index", "0")
        numbers = found.customer.numbers
        index = int(given) if given.isascii() and given.isdigit() and len(given) < 3 else len(numbers)  # noqa: PLR2004 - two digits
        if index >= len(numbers):
            text = tongue(request).say("The customer has no such number.")
            return console.say_no(request, HTTPStatus.NOT_FOUND, text)
        shown = numbers[index]
        await console.note(request, "number.show", found.customer.reference, {"number": str(shown)})
        return console.render(request, "customer_number.html", number=shown, reference=found.customer.reference)


async def _read(console: Console, request: Request) -> CustomerFile:
    reference = request.path_params["reference"]
    found = await console.works.reading.ask(console.works.store.files.read, reference)
    if found is None:
        raise NotFoundError(tongue(request).say("There is no customer %(reference)s.", reference=reference))
    return found


def _values(found: CustomerFile, now: datetime) -> dict[str, Any]:
    zones, because = zones_of(found.customer)
    return {
        "file": found,
        "customer": found.customer,
        "clocks": [(zone, local(now, zone)) for zone in zones],
        "because": because,
        "callbacks": [(one, next_step(one)) for one in found.callbacks],
    }


def zones_of(customer: Customer) -> tuple[tuple[str, ...], str]:
    """The zones a customer may be in by any of their numbers, and how we know."""
    told = [candidates(customer, number) for number in customer.numbers]
    if not told:
        return ((customer.zone,), "") if customer.zone else ((), "")
    return tuple(dict.fromkeys(zone for one in told for zone in one.zones)), told[0].because
