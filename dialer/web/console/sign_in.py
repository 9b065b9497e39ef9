"""Signing in and out. The same answer whatever was wrong: nobody learns here which staff numbers exist."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog

from dialer.core.access import Permission
from dialer.store import Deed
from dialer.web.console import gate
from dialer.web.console.languages import LANGUAGES
from dialer.web.console.site import SIGN_IN, form, tongue, who

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from dialer.store import Member
    from dialer.web.console.site import Console

log = structlog.get_logger(__name__)

_LONGEST_NUMBER = 32
_AT_ONCE = 2
"""Tries in progress. Each hash takes 64 MB for as long as it lasts. A try begins when its turn has come, so that an
office in which all sign in at the same moment has no more than these counted before they are known to be right."""


def add(console: Console) -> None:
    """Register the pages."""
    desk = _SignInDesk(console)

    @console.public("/sign-in", "GET")
    async def ask(request: Request) -> Response:
        if request.state.person is not None:
            return console.go(request, console.home(who(request)))
        return desk.page(request, request.query_params.get("language", ""), request.query_params.get("next", ""))

    @console.public("/sign-in", "POST")
    async def sign_in(request: Request) -> Response:
        return await desk.sign_in(request)

    @console.action("/sign-out", Permission.ACCOUNT)
    async def sign_out(request: Request) -> Response:
        person = who(request)
        deed = console.deed(request, "session.sign-out", person.agent.staff_number)
        digest = person.session.digest
        await console.works.desk.ask(console.works.store.sessions.revoke, digest, person.id, console.now(), deed)
        # Elsewhere they may still be signed in; where they take calls from, their screen says so by its signs of life.
        await console.works.shifts.sign_out(person.agent.staff_number)
        response = console.go(request, SIGN_IN)
        console.cookie.take(response)
        return response


class _SignInDesk:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._turn = asyncio.Semaphore(_AT_ONCE)

    def page(
        self, request: Request, language: str, onward: str, *, trouble: str = "", status: int = HTTPStatus.OK
    ) -> Response:
        chosen = language if language in LANGUAGES else ""
        if chosen:
            request.state.tongue = self._console.languages.choose(chosen, "")
        onward = onward if gate.is_ours(onward) else ""
        values: dict[str, Any] = {
            "chosen": chosen,
            "onward": onward,
            "languages": LANGUAGES,
            "shown": tongue(request).language,
            "trouble": trouble,
        }
        return self._console.render(request, "sign_in.html", status=status, **values)

    async def sign_in(self, request: Request) -> Response:
        console, fields = self._console, form(request)
        language, onward = fields.get("language", ""), fields.get("next", "")
        if language in LANGUAGES:
            request.state.tongue = console.languages.choose(language, "")
        number = fields.get("staff_number", "").strip()[:_LONGEST_NUMBER]
        password = fields.get("password", "")
        async with self._turn:
            may, entered = await self._try(number, password, gate.place_of(request))
        if not may:
            log.warning("sign_in_waits")
            text = tongue(request).say("Too many tries. Please wait a quarter of an hour.")
            response = self.page(request, language, onward, trouble=text, status=HTTPStatus.TOO_MANY_REQUESTS)
            response.headers["retry-after"] = "900"
            return response
        if entered is None:
            text = tongue(request).say("This staff number and password do not fit together.")
            return self.page(request, language, onward, trouble=text, status=HTTPStatus.UNPROCESSABLE_ENTITY)
        member, token = entered
        await self._settle(request, member, password)
        log.info("signed_in", role=member.agent.role.value)
        response = console.go(request, onward if gate.is_ours(onward) else "/console")
        console.cookie.give(response, token)
        return response

    async def _try(self, number: str, password: str, place: str) -> tuple[bool, tuple[Member, str] | None]:
        """Whether they may try at all, and if the password is theirs who they are, with their new session's token."""
        console = self._console
        store, ask = console.works.store, console.works.desk.ask
        key = await ask(store.sign_ins.begin, number, place, console.now())
        if key is None:
            return False, None
        member = await ask(store.agents.get, number)
        kept = member.password if member is not None and member.agent.active else ""
        if not await asyncio.to_thread(console.passwords.verify, kept, password) or member is None:
            return True, None
        deed = Deed(number, "session.open", number, {}, place)
        token = await ask(store.sessions.open, member, console.now(), console.works.settings.session_longest, deed)
        if token is None:
            return True, None
        await ask(store.sign_ins.worked, key, console.now())
        return True, (member, token)

    async def _settle(self, request: Request, member: Member, password: str) -> None:
        """What else signing in brings: today's kind of hash, the language chosen there, the end of who was here."""
        console, language = self._console, form(request).get("language", "")
        store, ask, now = console.works.store, console.works.desk.ask, console.now()
        number = member.agent.staff_number
        if console.passwords.is_outdated(member.password):
            renewed = await asyncio.to_thread(console.passwords.hash, password)
            await ask(store.agents.renew_hash, member.id, member.password, renewed)
        if language in LANGUAGES and language != member.screen_language:
            deed = Deed(number, "account.language", number, {"language": language}, gate.place_of(request))
            await ask(store.agents.set_language, number, language, now, deed)
        before = console.cookie.read(request)
        if before and (old := await ask(console.look_up, before)) is not None:
            deed = Deed(number, "session.replace", old.agent.staff_number, {}, gate.place_of(request))
            await ask(store.sessions.revoke, old.session.digest, old.id, now, deed)
