"""Stands before each page: session, then role, then proof that the page is ours, and only then the page itself."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING
from urllib.parse import quote

import structlog
from starlette.datastructures import ImmutableMultiDict
from starlette.formparsers import FormParser
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from dialer.core.access import Permission
from dialer.errors import DialerError, InputError, NotFoundError
from dialer.web.console import rendering, shield

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from dialer.web.console.person import Person
    from dialer.web.console.site import Console, Door

log = structlog.get_logger(__name__)

LARGEST_FORM = 64 * 1024
"""Bytes of a form; the longest, an agent's notes, is a tenth of it."""

MOST_FIELDS = 500

_FORM = "application/x-www-form-urlencoded"


def place_of(request: Request) -> str:
    """The network address a request came from; behind a proxy on this machine, the one that it names."""
    return request.client.host if request.client is not None else ""


def is_ours(path: str) -> bool:
    """Whether a path leads into the console and nowhere else, however browsers read it."""
    return path.startswith("/console") and "\\" not in path and path.isprintable()


class Gate:
    """The gate of one page."""

    def __init__(self, console: Console, door: Door) -> None:
        self._console = console
        self._door = door

    async def answer(self, request: Request) -> Response:
        """What the page says, or why it is not opened."""
        console = self._console
        request.state.person = None
        request.state.tongue = console.languages.choose("", request.headers.get("accept-language", ""))
        try:
            response = await self._enter(request)
        except ClientDisconnect:
            response = PlainTextResponse("gone", HTTPStatus.BAD_REQUEST)  # nobody reads it
        except NotFoundError as error:
            response = console.say_no(request, HTTPStatus.NOT_FOUND, str(error))
        except InputError as error:
            response = console.say_no(request, HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        except (ValueError, OverflowError) as error:  # a number that no machine holds, an address that is none
            # Its own text may quote what was sent, which is not for the log.
            where = _place_in_code(error)
            log.error("page_cannot_read", page=self._door.path, error=type(error).__name__, at=where)
            text = request.state.tongue.say("This cannot be read. Please check what you typed.")
            response = console.say_no(request, HTTPStatus.BAD_REQUEST, text)
        except DialerError as error:
            log.error("page_failed", page=self._door.path, error=str(error))
            text = request.state.tongue.say("This cannot be done at the moment. Please try again.")
            response = console.say_no(request, HTTPStatus.SERVICE_UNAVAILABLE, text)
        return shield.protect(response)

    async def _enter(self, request: Request) -> Response:
        door, console = self._door, self._console
        token = console.cookie.read(request)
        ask = console.works.desk.ask
        person = await ask(console.look_up, token, touch=door.keeps_awake) if token else None
        if person is not None:
            request.state.person = person
            asked = request.headers.get("accept-language", "")
            request.state.tongue = console.languages.choose(person.member.screen_language, asked)
        if door.permission is not None:
            if person is None:
                return self._stranger(request)
            refused = self._refused(request, person, door.permission)
            if refused is not None:
                return refused
        if door.method == "POST":
            wrong = await self._read_form(request, person if door.permission is not None else None)
            if wrong is not None:
                return wrong
        return await door.handler(request)

    def _stranger(self, request: Request) -> Response:
        """Nobody is signed in: lead there, and afterwards back to what was asked for."""
        sign_in = "/console/sign-in"
        if self._door.is_stream:
            return PlainTextResponse("nobody is signed in", HTTPStatus.UNAUTHORIZED)
        if rendering.wants_part(request):
            return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"hx-redirect": sign_in})
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if request.method == "GET" and asked not in {"/console", "/console/"} and is_ours(asked):
            sign_in += f"?next={quote(asked, safe='')}"
        return RedirectResponse(sign_in, HTTPStatus.SEE_OTHER)

    def _refused(self, request: Request, person: Person, permission: Permission) -> Response | None:
        if not person.may(permission):
            log.warning("page_refused", page=self._door.path, role=person.agent.role.value)
            text = request.state.tongue.say("Your role does not open this page.")
            return self._console.say_no(request, HTTPStatus.FORBIDDEN, text)
        if person.member.must_change and permission is not Permission.ACCOUNT:
            if self._door.is_stream:
                return PlainTextResponse("the password must be changed", HTTPStatus.FORBIDDEN)
            return self._console.go(request, "/console/account")
        return None

    async def _read_form(self, request: Request, person: Person | None) -> Response | None:
        """Read what was sent, and refuse it when it was not one of our pages that sent it."""
        say = request.state.tongue.say
        strict = person is None  # there is no token that could tell
        if shield.from_elsewhere(request.headers, self._console.works.settings.public_url, must_say=strict):
            return self._forged(request)
        body = await _body(request)
        if body is None:
            text = say("That is too much text for one form.")
            return self._console.say_no(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
        kind = request.headers.get("content-type", _FORM).partition(";")[0].strip().lower()
        if body and kind != _FORM:
            return PlainTextResponse(f"expected {_FORM}", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        request.state.form = fields = await _fields(request, body)
        token = request.headers.get(shield.CSRF_HEADER) or fields.get(shield.CSRF_FIELD, "")
        if person is not None and not shield.has_token(person.csrf, token):
            return self._forged(request)
        return None

    def _forged(self, request: Request) -> Response:
        log.warning("form_refused", page=self._door.path)
        text = request.state.tongue.say("This form is from another page or an earlier sign-in. Open the page anew.")
        return self._console.say_no(request, HTTPStatus.FORBIDDEN, text)


def _place_in_code(error: Exception) -> str:
    last = extract_tb(error.__traceback__)[-1]
    return f"{last.name}, line {last.lineno} of {Path(last.filename).name}"


async def _body(request: Request) -> bytes | None:
    """The body, or None when it is larger than any form."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            return None
    return bytes(body)


async def _fields(request: Request, body: bytes) -> ImmutableMultiDict[str, str]:
    async def once() -> AsyncIterator[bytes]:
        yield body
        yield b""

    parsed = await FormParser(request.headers, once()).parse()  # type: ignore[arg-type] # it only iterates
    texts = [(name, value) for name, value in parsed.multi_items() if isinstance(value, str)]
    return ImmutableMultiDict(texts[:MOST_FIELDS])
