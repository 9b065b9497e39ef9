"""One's own account: password, language, and where one is signed in."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from dialer.core.access import Permission
from dialer.engine import passwords
from dialer.web.console import gate
from dialer.web.console.languages import LANGUAGES, N_
from dialer.web.console.site import ACCOUNT, form, tongue, who

if TYPE_CHECKING:
    from starlette.requests import Request

    from dialer.web.console.site import Console

REFERENCE = 12
"""Characters of a session's digest by which it is named on the page."""

TOO_MANY = N_("Too many tries. Please wait a quarter of an hour.")
NOT_YOURS = N_("This is not your password so far.")
NOT_TWICE = N_("The new password was not typed the same way twice.")
NOT_NEW = N_("The new password is the old one.")


def add(console: Console) -> None:
    """Register the pages."""
    _look(console)
    _choose(console)
    _end_sessions(console)


async def _show(console: Console, request: Request, trouble: str = "", status: int = HTTPStatus.OK) -> Response:
    person, works = who(request), console.works
    idle = works.settings.session_idle
    sessions = await works.desk.ask(works.store.sessions.of, person.id, console.now(), idle)
    rows = [(one.digest[:REFERENCE], one, one.digest == person.session.digest) for one in sessions]
    values: dict[str, Any] = {"sessions": rows, "languages": LANGUAGES, "shortest": passwords.SHORTEST}
    return console.render(request, "account.html", trouble=trouble, status=status, **values)


def _look(console: Console) -> None:
    @console.page("/account", Permission.ACCOUNT)
    async def account(request: Request) -> Response:
        return await _show(console, request)

    @console.page("/session", Permission.ACCOUNT, keeps_awake=False)
    async def session(request: Request) -> Response:
        """For screens that lost their stream: whether it is the session or the network."""
        del request
        return Response(status_code=HTTPStatus.NO_CONTENT)


def _choose(console: Console) -> None:
    ask, agents = console.works.desk.ask, console.works.store.agents

    @console.action("/account/password", Permission.ACCOUNT)
    async def password(request: Request) -> Response:
        person = who(request)
        number = person.agent.staff_number
        trouble = await _trouble(console, request)
        if trouble:
            return await _show(console, request, tongue(request).say(trouble), HTTPStatus.UNPROCESSABLE_ENTITY)
        kept = await asyncio.to_thread(console.passwords.hash, form(request).get("new", ""))
        deed = console.deed(request, "account.password", number)
        old, keep, now = person.member.password, person.session.digest, console.now()
        if not await ask(agents.set_password, number, kept, now, deed, must_change=False, keep=keep, before=old):
            return await _show(console, request, tongue(request).say(NOT_YOURS), HTTPStatus.UNPROCESSABLE_ENTITY)
        return console.go(request, "/console" if person.member.must_change else ACCOUNT)

    @console.action("/account/language", Permission.ACCOUNT)
    async def language(request: Request) -> Response:
        chosen, number = form(request).get("language", ""), who(request).agent.staff_number
        if chosen not in {*LANGUAGES, ""}:
            return console.say_no(request, HTTPStatus.UNPROCESSABLE_ENTITY, tongue(request).say("No such language."))
        deed = console.deed(request, "account.language", number, {"language": chosen})
        await ask(agents.set_language, number, chosen, console.now(), deed)
        return console.go(request, ACCOUNT)


def _end_sessions(console: Console) -> None:
    works = console.works
    ask, sessions = works.desk.ask, works.store.sessions

    @console.action("/account/sessions/{reference}/end", Permission.ACCOUNT)
    async def end(request: Request) -> Response:
        person, reference = who(request), request.path_params["reference"]
        deed = console.deed(request, "session.end", person.agent.staff_number)
        for one in await ask(sessions.of, person.id, console.now(), works.settings.session_idle):
            if one.digest[:REFERENCE] == reference:
                await ask(sessions.revoke, one.digest, person.id, console.now(), deed)
        return console.go(request, ACCOUNT)


async def _trouble(console: Console, request: Request) -> str:
    """What is wrong with the new password, as an entry of the catalogue; empty when nothing is.

    On a screen left alone, guessing the present one is as slow as it is when signing in.
    """
    fields, person, works = form(request), who(request), console.works
    old, new, tries = fields.get("old", ""), fields.get("new", ""), works.store.sign_ins
    place = gate.place_of(request)
    key = await works.desk.ask(tries.begin, person.agent.staff_number, place, console.now())
    if key is None:
        return TOO_MANY
    if not await asyncio.to_thread(console.passwords.verify, person.member.password, old):
        return NOT_YOURS
    await works.desk.ask(tries.worked, key, console.now())
    if new != fields.get("again", ""):
        return NOT_TWICE
    if new == old:
        return NOT_NEW
    flaw = passwords.flaw(new, person.agent)
    return flaw.value if flaw is not None else ""
