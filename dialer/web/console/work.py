"""The agent's screen: where they stand, the customer in hand, what to say, and what is written down about it."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup
from starlette.responses import Response

from dialer.core.access import Permission
from dialer.core.agent import AgentState, Role
from dialer.core.outcome import Disposition, Ending
from dialer.core.wall_clock import local
from dialer.engine.agent_view import Stage
from dialer.errors import InputError, NotFoundError
from dialer.web.console import work_record
from dialer.web.console.languages import N_
from dialer.web.console.site import form, tongue, who
from dialer.web.console.terms import Terms
from dialer.web.console.work_glance import Glances
from dialer.web.console.work_words import CLOSED, NOT_ASKED, OUTCOMES, REASONS, SAID, SKIPS, STEPS, TODAY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request

    from dialer.engine.agent_view import AgentView, CallView
    from dialer.web.console.languages import Tongue
    from dialer.web.console.site import Console
    from dialer.web.console.work_glance import Glance

HOME: Final = "/console/calls"

PARTS: Final = ("state", "call", "script", "record", "file", "ahead")
"""Each has a template of its own and is sent by itself when it changes."""

HEARTBEAT: Final = timedelta(seconds=4)
"""A screen that is open says so, and is looked over, at least this often."""

SETTLE: Final = timedelta(milliseconds=250)
"""The least time between two refreshes of one screen."""

LONGEST_REASON: Final = 80
LONGEST_COUNT: Final = 6
"""Digits; nobody is asked more often."""

_ENDINGS: Final = frozenset(Ending) - {Ending.ABANDONED}  # which the reports' words do not have


def add(console: Console) -> None:
    """Register the pages."""
    screen = _Screen(console)
    _watching(console, screen)
    _standing(console, screen)
    _calling(console, screen)
    _recording(console, screen)


def _watching(console: Console, screen: _Screen) -> None:
    shifts, changes = console.works.shifts, console.works.changes
    glances = Glances(console.works)

    @console.page("/calls", Permission.WORK, title=N_("My work"), order=10)
    async def work(request: Request) -> Response:
        number = who(request).agent.staff_number
        view = await shifts.view(number)
        # Leads and managers look in now and then; only an agent's day begins by opening this page.
        begins = who(request).agent.role is Role.AGENT and "away" not in request.query_params
        if begins and view.presence.state is AgentState.OFFLINE:
            await shifts.sign_in(number)
            await console.note(request, "work.start", number)
            changes.happened()
            view = await shifts.view(number)
        shifts.seen(number)
        return console.render(request, "work.html", parts=screen.parts(request, view))

    @console.action("/calls/here", Permission.WORK, keeps_awake=False)
    async def here(request: Request) -> Response:
        shifts.seen(who(request).agent.staff_number)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @console.events("/events/calls", Permission.WORK)
    def events(request: Request) -> AsyncIterator[tuple[str, str]]:
        return _follow(console, screen, glances, request)


async def _follow(
    console: Console, screen: _Screen, glances: Glances, request: Request
) -> AsyncIterator[tuple[str, str]]:
    """What one screen shows, first all of it and then what changes."""
    shifts, changes, clock = console.works.shifts, console.works.changes, console.works.clock
    number = who(request).agent.staff_number
    told: dict[str, Markup] = {}
    seen: tuple[Glance | None, int] | None = None
    look_at = beat_at = clock.monotonic()
    while True:
        version, at = changes.version, clock.monotonic()
        sight = await glances.of(number, version), screen.touched[number]
        if sight != seen or at >= look_at:
            seen, view = sight, await shifts.view(number)
            look_at = at + _until_next(view, console.now()).total_seconds()
            for name, html in screen.parts(request, view).items():
                if told.get(name) != html:
                    told[name] = html
                    yield name, html
        if at >= beat_at:
            # The browser answers: a line that is dead without saying so would otherwise pass for an agent.
            beat_at = at + HEARTBEAT.total_seconds()
            yield "beat", ""
        until = min(look_at, beat_at) - clock.monotonic()
        await changes.wait(version, timedelta(seconds=max(0.0, until)))
        early = SETTLE - timedelta(seconds=clock.monotonic() - at)
        if early > timedelta(0):
            await clock.sleep(early)


def _standing(console: Console, screen: _Screen) -> None:
    """Where the agent stands: signed in, ready, paused."""
    shifts = console.works.shifts

    @console.action("/calls/start", Permission.WORK)
    async def start(request: Request) -> Response:
        return await screen.do(request, "work.start", shifts.sign_in(who(request).agent.staff_number))

    @console.action("/calls/ready", Permission.WORK)
    async def ready(request: Request) -> Response:
        return await screen.do(request, "work.ready", shifts.get_ready(who(request).agent.staff_number))

    @console.action("/calls/pause", Permission.WORK)
    async def pause(request: Request) -> Response:
        reason = _reason(request, REASONS)
        if not reason:
            return screen.wrong(request, N_("Say in a word why you pause."))
        doing = shifts.pause(who(request).agent.staff_number, reason)
        return await screen.do(request, "work.pause", doing, {"reason": reason})

    @console.action("/calls/leave", Permission.WORK)
    async def leave(request: Request) -> Response:
        return await screen.do(request, "work.leave", shifts.sign_out(who(request).agent.staff_number), leads="?away=1")


def _calling(console: Console, screen: _Screen) -> None:
    """The call in hand: dial or not, the steps of the script, the end."""
    shifts = console.works.shifts

    @console.action("/calls/dial", Permission.WORK)
    async def dial(request: Request) -> Response:
        return await screen.in_call(request, lambda number, call: shifts.dial(number, call.attempt), "call.dial")

    @console.action("/calls/skip", Permission.WORK)
    async def skip(request: Request) -> Response:
        reason = _reason(request, SKIPS)
        if not reason:
            return screen.wrong(request, N_("Say in a word why this customer is not called now."))
        return await screen.in_call(
            request, lambda number, call: shifts.skip(number, call.attempt, reason), "call.skip", {"reason": reason}
        )

    @console.action("/calls/answer", Permission.WORK)
    async def answer(request: Request) -> Response:
        fields = form(request)
        node, key, tries = fields.get("node", ""), fields.get("key", ""), fields.get("tries", "")
        if not tries.isdecimal() or len(tries) > LONGEST_COUNT:
            return screen.wrong(request, CLOSED)
        return await screen.in_call(
            request,
            lambda number, call: shifts.answer(number, call.attempt, node, int(tries), key),
            "call.answer",
            {"question": node, "key": key},
        )

    @console.action("/calls/back", Permission.WORK)
    async def back(request: Request) -> Response:
        return await screen.in_call(request, lambda number, call: shifts.back(number, call.attempt), "call.back")

    @console.action("/calls/hang-up", Permission.WORK)
    async def hang_up(request: Request) -> Response:
        return await screen.in_call(request, lambda number, call: shifts.hang_up(number, call.attempt), "call.hang_up")


def _recording(console: Console, screen: _Screen) -> None:
    """What is written down. The browser saves it while it is typed, the agent finishes it."""
    shifts = console.works.shifts

    @console.action("/calls/write", Permission.WORK)
    async def write(request: Request) -> Response:
        fields = form(request)

        async def keep(number: str, call: CallView) -> None:
            record = work_record.draft(fields, call)
            if await shifts.write(number, call.attempt, record):
                written = {"outcome": record.outcome or call.chosen, "next_step": record.next_step.value}
                await console.note(request, "call.draft", call.attempt, written)

        return await screen.in_call(request, keep)

    @console.action("/calls/finish", Permission.WORK)
    async def finish(request: Request) -> Response:
        number = who(request).agent.staff_number
        call = await screen.meant(request)
        if call is None:
            return screen.closed(request)
        try:
            record = work_record.finished(form(request), call)
        except InputError as error:
            return screen.wrong(request, str(error))
        written = {"outcome": record.outcome or call.chosen, "next_step": record.next_step.value}
        return await screen.do(
            request, "call.record", shifts.finish(number, call.attempt, record), written, subject=call.attempt
        )


class _Screen:
    """Draws the parts of the screen, and does what its buttons ask for."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shifts = console.works.shifts
        self.touched: Counter[str] = Counter()  # how often each agent did something at their screen

    def parts(self, request: Request, view: AgentView) -> dict[str, Markup]:
        """Every part by the name of its event, marked so that a browser knows one it already shows."""
        say = tongue(request)
        shared = self._values(view, say)
        drawn = {}
        for name in PARTS:
            html = Markup(self._console.html(request, f"work_{name}.html", **shared).strip())  # noqa: S704 - templates escape
            mark = _record_key(view.call) if name == "record" else html
            drawn[name] = _marked(html, mark) if html else html
        return drawn

    def _values(self, view: AgentView, say: Tongue) -> dict[str, Any]:
        terms = Terms(say)
        call, now, words = view.call, self._console.now(), REASONS | NOT_ASKED

        def outcome(code: str) -> str:
            """What an outcome is called: the campaign's words, or ours for a built-in one."""
            found = next((one for one in call.outcomes if one.code == code), None) if call is not None else None
            if found is not None and found.label:
                return found.label
            return say.say(OUTCOMES[Disposition(code)]) if code in set(Disposition) else code

        return {
            "view": view,
            "call": call,
            "now": now,
            "Stage": Stage,
            "reasons": REASONS,
            "skips": SKIPS,
            "steps": STEPS,
            "today": [(label, view.today.get(key, 0)) for key, label in TODAY.items()],
            "spoken_reason": lambda reason: say.say(words[reason]) if reason in words else reason,
            "ending": lambda code: terms.word(Ending(code)) if code in _ENDINGS else outcome(code),
            "kind": terms.kind,
            "outcome": outcome,
            "local": local,
            "pace": _pace(call, now),
            "bar": _bar(call),
        }

    async def do(
        self,
        request: Request,
        deed: str,
        doing: Awaitable[None],
        detail: dict[str, Any] | None = None,
        *,
        subject: str = "",
        leads: str = "",
    ) -> Response:
        """Do it, write it into the trail and show what has become of it; or say why it is not possible now."""
        console = self._console
        number = who(request).agent.staff_number
        self._shifts.seen(number)
        try:
            await doing
        except NotFoundError:
            raise
        except InputError as error:
            return console.say_no(request, HTTPStatus.CONFLICT, _sentence(error, tongue(request)))
        if deed:
            await console.note(request, deed, subject or number, detail)
        self.touched[number] += 1
        console.works.changes.happened()
        return self._shown(request, leads)

    async def in_call(
        self,
        request: Request,
        act: Callable[[str, CallView], Awaitable[None]],
        deed: str = "",
        detail: dict[str, Any] | None = None,
    ) -> Response:
        """The same for the call that the form was made for."""
        call = await self.meant(request)
        if call is None:
            return self.closed(request)
        doing = act(who(request).agent.staff_number, call)
        return await self.do(request, deed, doing, detail, subject=call.attempt)

    async def meant(self, request: Request) -> CallView | None:
        """The call that a form was made for, if it is still in hand. What was meant for one never reaches the next."""
        view = await self._shifts.view(who(request).agent.staff_number)
        meant = form(request).get("attempt", "")
        return view.call if view.call is not None and view.call.attempt == meant else None

    def closed(self, request: Request) -> Response:
        """Say that the call a form was made for is over."""
        return self._console.say_no(request, HTTPStatus.CONFLICT, tongue(request).say(CLOSED))

    def wrong(self, request: Request, text: str) -> Response:
        """Say what is missing in what was sent."""
        return self._console.say_no(request, HTTPStatus.UNPROCESSABLE_ENTITY, tongue(request).say(text))

    def _shown(self, request: Request, leads: str) -> Response:
        """With htmx the stream shows it; without, the page does."""
        response = self._console.go(request, HOME + leads)
        if "hx-redirect" in response.headers and not leads:
            del response.headers["hx-redirect"]
        return response


def _reason(request: Request, known: dict[str, str]) -> str:
    """Why, by one of the known words or in the agent's own."""
    fields = form(request)
    reason = fields.get("reason", "")
    return reason if reason in known else fields.get("other", "").strip()[:LONGEST_REASON]


def _marked(html: Markup, mark: str) -> Markup:
    """A part with a sign by which a browser knows whether it already shows it."""
    digest = hashlib.sha256(mark.encode()).hexdigest()[:12]
    return Markup('<div class="part" data-print="{}">{}</div>').format(digest, html)


def _record_key(call: CallView | None) -> str:
    """What the record's form depends on: while this stays the same, it stays as the agent filled it in."""
    if call is None:
        return ""
    return "|".join((call.attempt, *call.zones, *(choice.code for choice in call.outcomes)))


def _pace(call: CallView | None, now: datetime) -> str:
    """Whether a conversation is long: a word that is also its colour."""
    if call is None or call.stage is not Stage.CONNECTED:
        return ""
    if call.flag_at is not None and now >= call.flag_at:
        return "bad"
    return "warn" if call.warn_at is not None and now >= call.warn_at else ""


def _bar(call: CallView | None) -> int:
    """Whole seconds of the countdown that runs, for its bar; none: 0."""
    if call is None or call.ends_at is None:
        return 0
    return max(1, round((call.ends_at - call.since).total_seconds()))


def _until_next(view: AgentView, now: datetime) -> timedelta:
    """How long the screen stays as it is if nothing happens."""
    call = view.call
    marks: list[datetime | None] = []
    if call is not None:
        marks = [call.warn_at, call.flag_at] if call.stage is Stage.CONNECTED else [call.ends_at]
    ahead = [at - now for at in marks if at is not None and at > now]
    return min([HEARTBEAT, *ahead])


def _sentence(error: InputError, say: Tongue) -> str:
    """An error of ours as an agent reads it; one that nobody foresaw as it is."""
    known = (SAID.get((one.where, one.what)) or SAID.get((one.where, "")) for one in error.problems)
    return " ".join(say.say(text) if text else str(one) for text, one in zip(known, error.problems, strict=True))
