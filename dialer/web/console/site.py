"""The console as a whole: registers its pages, and lets nobody in whom a page does not want."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from dialer.core.access import GRANTS, Permission
from dialer.core.agent import Role
from dialer.engine.passwords import Passwords
from dialer.store import Deed
from dialer.web.console import gate, rendering, shield, stream
from dialer.web.console.languages import Languages
from dialer.web.console.person import Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from datetime import datetime

    from starlette.datastructures import ImmutableMultiDict
    from starlette.requests import Request

    from dialer.bootstrap import Works
    from dialer.web.console.languages import Tongue

    Handler = Callable[[Request], Awaitable[Response]]
    Events = Callable[[Request], AsyncIterator[tuple[str, str]]]

HOMES: Final = {
    Role.AGENT: "/console/calls",
    Role.TEAM_LEAD: "/console/board",
    Role.MANAGER: "/console/board",
    Role.OPERATOR: "/console/campaigns",
}
ACCOUNT: Final = "/console/account"
SIGN_IN: Final = "/console/sign-in"

_IN_ADDRESSES: Final = ":/%#?=@[]!$&'()*+,;"
"""What stays as it is in an address; the rest is quoted, for headers hold no other letters."""


@dataclass(frozen=True, slots=True)
class Door:
    """A registered page and who may open it; `permission` is None for what needs nobody signed in."""

    path: str
    method: str
    permission: Permission | None
    handler: Handler
    title: str = ""
    order: int = 100
    is_stream: bool = False
    keeps_awake: bool = True  # whether asking for it is a sign that somebody is there, for the session's idle time


def who(request: Request) -> Person:
    """Whoever is signed in."""
    return cast("Person", request.state.person)


def tongue(request: Request) -> Tongue:
    """The language of whoever asks."""
    return cast("Tongue", request.state.tongue)


def form(request: Request) -> ImmutableMultiDict[str, str]:
    """The fields that were sent."""
    return cast("ImmutableMultiDict[str, str]", request.state.form)


class Console:
    """The pages and what they share. See the package's own words on how to write one."""

    def __init__(self, works: Works, passwords: Passwords | None = None) -> None:
        self.works = works
        self.passwords = passwords or Passwords()
        given = works.settings
        self.cookie = shield.Cookie(secure=given.public_url.startswith("https:"), lasts=given.session_longest)
        self.languages = Languages(given.house_zone)
        self.doors: list[Door] = []
        self._assets = rendering.Assets()
        self._renderer = rendering.Renderer(self.languages, self._assets)
        self.check_streams = stream.CHECK_EVERY

    # --- Registering

    def page(
        self, path: str, permission: Permission, *, title: str = "", order: int = 100, keeps_awake: bool = True
    ) -> Callable[[Handler], Handler]:
        """Register a page to be looked at; with a title it is in the navigation, the lowest order first.

        What screens ask for by themselves must not keep a session awake that nobody uses: `keeps_awake` False.
        """
        return self._door(path, "GET", permission, title, order, keeps_awake=keeps_awake)

    def action(self, path: str, permission: Permission, *, keeps_awake: bool = True) -> Callable[[Handler], Handler]:
        """Register something to be done, by POST. `keeps_awake` is as for pages."""
        return self._door(path, "POST", permission, keeps_awake=keeps_awake)

    def public(self, path: str, method: str) -> Callable[[Handler], Handler]:
        """Register what needs nobody to be signed in: signing in."""
        return self._door(path, method, None)

    def events(self, path: str, permission: Permission) -> Callable[[Events], Events]:
        """Register a stream of (event's name, rendered HTML).

        It ends with the session of whoever listens, and when their role changes. It keeps no session awake.
        """

        def register(source: Events) -> Events:
            async def answer(request: Request) -> Response:
                closing = self.works.changes.closing
                events, check = source(request), self.check_streams
                return stream.respond(events, lambda: self._still(request), check, closing)

            self.doors.append(Door("/console" + path, "GET", permission, answer, is_stream=True, keeps_awake=False))
            return source

        return register

    def _door(
        self,
        path: str,
        method: str,
        permission: Permission | None,
        title: str = "",
        order: int = 100,
        *,
        keeps_awake: bool = True,
    ) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            door = Door("/console" + path, method, permission, handler, title, order, keeps_awake=keeps_awake)
            self.doors.append(door)
            return handler

        return register

    def routes(self) -> list[Route]:
        """Everything that is registered, each route behind its gate, and what leads there."""

        async def home(request: Request) -> Response:
            return self.go(request, self.home(who(request)))

        async def nowhere(request: Request) -> Response:
            return self.say_no(request, HTTPStatus.NOT_FOUND, tongue(request).say("There is no such page."))

        doors = [
            *self.doors,
            Door("/console", "GET", Permission.ACCOUNT, home),
            Door("/console/{path:path}", "GET", Permission.ACCOUNT, nowhere),
        ]
        return [
            Route("/", _to_console, methods=["GET"]),
            Route("/console/static/{name}", self._static, methods=["GET"]),
            *(Route(door.path, gate.Gate(self, door).answer, methods=[door.method]) for door in doors),
        ]

    async def _static(self, request: Request) -> Response:
        return self._assets.answer(request) or shield.protect(PlainTextResponse("no such file", HTTPStatus.NOT_FOUND))

    # --- For pages

    def now(self) -> datetime:
        """The current instant in UTC."""
        return self.works.clock.now()

    def html(self, request: Request, template: str, *, block: str = "", **values: Any) -> str:
        """A template, or one of its blocks, as text: for streams."""
        return self._renderer.html(tongue(request).language, template, block, self._shared(request) | values)

    def render(
        self, request: Request, template: str, *, block: str = "", status: int = HTTPStatus.OK, **values: Any
    ) -> Response:
        """A page: whole, or its content alone when htmx asks for it, or one block of it."""
        return HTMLResponse(self.html(request, template, block=block, **values), status)

    def go(self, request: Request, path: str) -> Response:
        """Have the browser open another page of ours."""
        if rendering.wants_part(request):
            return Response(status_code=HTTPStatus.NO_CONTENT, headers={"hx-redirect": quote(path, safe=_IN_ADDRESSES)})
        return RedirectResponse(path, HTTPStatus.SEE_OTHER)

    def say_no(self, request: Request, status: int, text: str) -> Response:
        """Say why something was not done, in a sentence: as a page, or in the line for notices."""
        if rendering.wants_part(request):
            response = self.render(request, "refused.html", block="notice", status=status, text=text)
            response.headers["hx-retarget"] = "#notice"
            response.headers["hx-reswap"] = "innerHTML"
            return response
        return self.render(request, "refused.html", status=status, text=text)

    def deed(self, request: Request, action: str, subject: str = "", detail: Mapping[str, Any] | None = None) -> Deed:
        """What whoever asks is doing, for a store method that writes it into the trail with the change."""
        place = gate.place_of(request)
        return Deed(who(request).agent.staff_number, action, subject, detail or {}, place)

    async def note(
        self, request: Request, action: str, subject: str = "", detail: Mapping[str, Any] | None = None
    ) -> None:
        """Write what whoever asks did into the trail."""
        deed = self.deed(request, action, subject, detail)
        await self.works.desk.ask(self.works.store.audit.add, deed, self.now())

    def home(self, person: Person) -> str:
        """The page that somebody's day begins with."""
        first = HOMES[person.agent.role]
        if person.member.must_change or not any(door.path == first for door in self.doors):
            return ACCOUNT
        return first

    # --- For the gate and streams

    def look_up(self, token: str, *, touch: bool = True) -> Person | None:
        """Whoever holds a session's token. Blocks: ask the desk."""
        store, given = self.works.store, self.works.settings
        session = store.sessions.find(token, self.now(), given.session_idle, touch=touch)
        member = store.agents.by_id(session.agent_id) if session is not None else None
        return Person(member, session) if member is not None and session is not None else None

    async def _still(self, request: Request) -> bool:
        """Whether somebody who listens is still whom the stream was opened for: what it shows is for their role."""
        person = await self.works.desk.ask(self.look_up, self.cookie.read(request), touch=False)
        return person is not None and person.agent.role is who(request).agent.role

    def _shared(self, request: Request) -> dict[str, Any]:
        person = cast("Person | None", getattr(request.state, "person", None))
        role = person.agent.role if person is not None else None
        granted = GRANTS[role] if role is not None else frozenset()
        return {
            "layout": "part.html" if rendering.wants_part(request) else "layout.html",
            "person": person,
            "csrf": person.csrf if person is not None else "",
            "csrf_field": lambda: rendering.csrf_field(person.csrf if person is not None else ""),
            "path": request.url.path,
            "may": lambda name: Permission(name) in granted,
            "navigation": self._navigation(person),
        }

    def _navigation(self, person: Person | None) -> list[tuple[str, str]]:
        if person is None or person.member.must_change:
            return []
        known = [door for door in self.doors if door.title and door.permission and person.may(door.permission)]
        return [(door.path, door.title) for door in sorted(known, key=lambda one: one.order)]


async def _to_console(request: Request) -> Response:
    del request
    return shield.protect(RedirectResponse("/console", HTTPStatus.SEE_OTHER))
