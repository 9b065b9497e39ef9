"""The team lead's board: who does what, how fast and why, and what is about to go wrong. It refreshes by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from dialer.core.access import Permission
from dialer.core.agent import AgentState
from dialer.engine.board import KEEP
from dialer.errors import NotFoundError
from dialer.store.board import Flight
from dialer.web.console.languages import N_
from dialer.web.console.site import form, tongue, who
from dialer.web.console.terms import Terms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from dialer.core.agent import Presence
    from dialer.engine.board import AgentOnBoard, Board
    from dialer.web.console.site import Console

TEMPLATE: Final = "board.html"

ORDER: Final = (
    AgentState.ON_CALL,
    AgentState.WRAP_UP,
    AgentState.RESERVED,
    AgentState.READY,
    AgentState.PAUSED,
    AgentState.OFFLINE,
)
"""The busy ones first."""

PARTS: Final = ("figures", "campaigns", "promised", "charts")
"""The blocks of the template that are sent when they change; beside them each state of the agents is one."""

AT_MOST: Final = timedelta(seconds=5)
"""A screen is looked over at least so often: conversations become long without anybody doing anything."""

CARDS: Final = 5000
"""How many drawn agents are kept for drawing the next screen."""


class Scope(NamedTuple):
    """What screens that show the same have in common."""

    language: str
    named: bool  # whether customers are named
    helps: bool  # whether agents can be paused and signed out


class Drawn(NamedTuple):
    """A part of the screen; `version` grows when its HTML changes."""

    version: int
    html: str


class Wall:
    """The parts of the board as they are drawn, once for all screens that show the same."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._drawn: dict[Scope, tuple[int, dict[str, Drawn]]] = {}
        self._cards: dict[tuple[Scope, AgentOnBoard], str] = {}

    def parts(self, request: Request, board: Board) -> dict[str, Drawn]:
        """Every part of the screen of whoever asks, by the name of its event."""
        scope = scope_of(request)
        serial, before = self._drawn.get(scope, (0, {}))
        if serial == board.serial:
            return before
        html = dict(self._draw(request, scope, board))
        drawn = {name: _next(before.get(name), text) for name, text in html.items()}
        self._drawn[scope] = board.serial, drawn
        return drawn

    def _draw(self, request: Request, scope: Scope, board: Board) -> list[tuple[str, str]]:
        values = _values(request, scope, board)
        draw = self._console.html
        found = [(part, draw(request, TEMPLATE, block=part, **values)) for part in PARTS]
        for state in ORDER:
            cards = [self._card(request, scope, one) for one in board.agents if one.at.state is state]
            found.append((f"agents-{state.value}", "".join(cards)))
        return found

    def _card(self, request: Request, scope: Scope, one: AgentOnBoard) -> str:
        if (scope, one) not in self._cards:
            if len(self._cards) >= CARDS:
                self._cards.clear()
            html = self._console.html(request, TEMPLATE, block="card", one=one, named=scope.named)
            self._cards[scope, one] = html
        return self._cards[scope, one]


def scope_of(request: Request) -> Scope:
    """What whoever asks may see. Of customers an operator sees counts only."""
    person = who(request)
    return Scope(tongue(request).language, person.may(Permission.CUSTOMERS), person.may(Permission.HELP_AGENTS))


def add(console: Console) -> None:
    """Register the pages."""
    _look(console, Wall(console))
    _help(console)


def _look(console: Console, wall: Wall) -> None:
    works = console.works

    @console.page("/board", Permission.BOARD, title=N_("Board"), order=20)
    async def board(request: Request) -> Response:
        seen = await works.boards.snapshot()
        values = _values(request, scope_of(request), seen)
        drawn = {name: one.html for name, one in wall.parts(request, seen).items()}
        return console.render(request, TEMPLATE, drawn=drawn, order=ORDER, **values)

    @console.events("/events/board", Permission.BOARD)
    def changes(request: Request) -> AsyncIterator[tuple[str, str]]:
        return refresh(console, wall, request)

    @console.page("/board/vips/{campaign}", Permission.CUSTOMERS)
    async def vips(request: Request) -> Response:
        campaign = request.path_params["campaign"]
        standing = await works.reading.ask(works.store.campaigns.get, campaign)
        gaps = await works.reading.ask(works.store.board.vip_gaps, campaign)
        return console.render(request, "board_vips.html", standing=standing, gaps=gaps, t=Terms(tongue(request)))


async def refresh(console: Console, wall: Wall, request: Request) -> AsyncIterator[tuple[str, str]]:
    """The parts of one screen: all of them at first, then each when it has changed.

    Whoever comes back after a lost connection missed what came between, and is told everything again.
    """
    works, shown = console.works, dict[str, int]()
    version = works.changes.version
    while True:
        seen = await works.boards.snapshot()
        for name, part in wall.parts(request, seen).items():
            if shown.get(name) != part.version:
                shown[name] = part.version
                yield name, part.html
        version = await works.changes.wait(version, AT_MOST)
        # After so long no snapshot from before the change is given out, and many changes are one refresh.
        await works.clock.sleep(KEEP)


def _help(console: Console) -> None:
    works = console.works

    @console.page("/board/agents/{number}", Permission.HELP_AGENTS)
    async def agent(request: Request) -> Response:
        return await _panel(console, request)

    @console.action("/board/agents/{number}/pause", Permission.HELP_AGENTS)
    async def pause(request: Request) -> Response:
        number, by = request.path_params["number"], who(request).agent.staff_number
        reason = form(request).get("reason", "").strip()[:200]
        before = await _presence(console, request)
        await works.shifts.pause(number, reason, by=by)
        if await _presence(console, request) != before:
            await console.note(request, "agent.pause", number, {"reason": reason})
        return await _panel(console, request)

    @console.action("/board/agents/{number}/sign-out", Permission.HELP_AGENTS)
    async def sign_out(request: Request) -> Response:
        number, by = request.path_params["number"], who(request).agent.staff_number
        before = await _presence(console, request)
        await works.shifts.sign_out(number, by=by)
        if await _presence(console, request) != before:
            await console.note(request, "agent.sign-out", number)
        return await _panel(console, request)


async def _presence(console: Console, request: Request) -> Presence:
    """Where the agent stands whom the address of the page names."""
    works = console.works
    seat = await works.reading.ask(works.store.presences.get, request.path_params["number"])
    if seat is None:
        raise NotFoundError(tongue(request).say("Nobody on the board has this staff number."))
    return seat.presence


async def _panel(console: Console, request: Request) -> Response:
    number = request.path_params["number"]
    floor = await console.works.reading.ask(console.works.store.board.floor)
    one = next((one for one in floor.agents if one.staff_number == number), None)
    if one is None:
        raise NotFoundError(tongue(request).say("Nobody on the board has this staff number."))
    moves = await console.works.reading.ask(console.works.store.board.moves, number)
    return console.render(request, "board_agent.html", one=one, moves=moves, named=scope_of(request).named)


def _values(request: Request, scope: Scope, board: Board) -> dict[str, Any]:
    hours = [(at, one.calls, one.answered) for at, one in board.hours]
    return {
        "board": board,
        "named": scope.named,
        "t": Terms(tongue(request)),
        "flight": Flight,
        "state": AgentState,
        "hours": hours,
    }


def _next(before: Drawn | None, html: str) -> Drawn:
    if before is None:
        return Drawn(1, html)
    return before if before.html == html else Drawn(before.version + 1, html)
