"""The people who work here, for team leads to see and for managers to change."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from dialer.core.access import Permission
from dialer.core.agent import Role
from dialer.engine import passwords, roster
from dialer.errors import InputError, NotFoundError
from dialer.store import LastManagerError
from dialer.web.console.languages import N_
from dialer.web.console.site import form, tongue

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from dialer.engine.roster import Typed
    from dialer.store import Member
    from dialer.web.console.site import Console

PEOPLE = "/console/people"
TAKEN = N_("This staff number is taken; numbers are never given twice.")
LAST = N_("This is the last active manager: make somebody else a manager first.")


def add(console: Console) -> None:
    """Register the pages."""
    _look(console)
    _edit(console)
    _let_in_and_out(console)


def _look(console: Console) -> None:
    works = console.works

    @console.page("/people", Permission.PEOPLE, title=N_("People"), order=80)
    async def people(request: Request) -> Response:
        left = request.query_params.get("left") == "1"
        members = await works.reading.ask(works.store.agents.all, active=None if left else True)
        return console.render(request, "people.html", members=members, left=left, masked=roster.masked)

    @console.page("/people/new", Permission.EDIT_PEOPLE)
    async def new(request: Request) -> Response:
        return _form(console, request, None, roster.Typed("", ""), {})

    @console.page("/people/{number}", Permission.EDIT_PEOPLE)
    async def one(request: Request) -> Response:
        member = await _member(console, request)
        if roster.holds_number(member.agent.address):
            await console.note(request, "number.show", member.agent.staff_number)
        return _form(console, request, member, _typed_of(member), {})


def _edit(console: Console) -> None:
    works = console.works
    ask, agents = works.desk.ask, works.store.agents

    @console.action("/people", Permission.EDIT_PEOPLE)
    async def create(request: Request) -> Response:
        typed = _typed(request, form(request).get("staff_number", ""))
        reading = roster.read(typed, works.settings.home_region)
        say = tongue(request).say
        if reading.agent is None:
            told = {where: say(flaw.value) for where, flaw in reading.flaws.items()}
            return _form(console, request, None, typed, told)
        agent, secret = reading.agent, passwords.one_time()
        kept = await asyncio.to_thread(console.passwords.hash, secret)
        deed = console.deed(request, "person.add", agent.staff_number, {"role": agent.role.value})
        try:
            member = await ask(agents.add, agent, console.now(), deed, password=kept, must_change=True)
        except InputError:
            return _form(console, request, None, typed, {"staff_number": say(TAKEN)})
        return console.render(request, "one_time.html", member=member, secret=secret)

    @console.action("/people/{number}", Permission.EDIT_PEOPLE)
    async def change(request: Request) -> Response:
        member = await _member(console, request)
        typed = replace(_typed(request, member.agent.staff_number), active=member.agent.active)
        reading = roster.read(typed, works.settings.home_region)
        say = tongue(request).say
        if reading.agent is None:
            told = {where: say(flaw.value) for where, flaw in reading.flaws.items()}
            return _form(console, request, member, typed, told)
        what = roster.changes(member.agent, reading.agent)
        deed = console.deed(request, "person.change", member.agent.staff_number, what)
        try:
            await ask(agents.change, reading.agent, console.now(), deed, before=member.agent)
        except LastManagerError:
            return _form(console, request, member, typed, {"role": say(LAST)})
        return console.go(request, PEOPLE)


def _let_in_and_out(console: Console) -> None:
    works = console.works
    ask, agents = works.desk.ask, works.store.agents

    async def set_active(request: Request, *, active: bool) -> Response:
        member = await _member(console, request)
        verb = "person.activate" if active else "person.deactivate"
        deed = console.deed(request, verb, member.agent.staff_number)
        try:
            after = replace(member.agent, active=active)
            await ask(agents.change, after, console.now(), deed, before=member.agent)
        except LastManagerError:
            return console.say_no(request, HTTPStatus.CONFLICT, tongue(request).say(LAST))
        return console.go(request, PEOPLE)

    @console.action("/people/{number}/deactivate", Permission.EDIT_PEOPLE)
    async def deactivate(request: Request) -> Response:
        return await set_active(request, active=False)

    @console.action("/people/{number}/activate", Permission.EDIT_PEOPLE)
    async def activate(request: Request) -> Response:
        return await set_active(request, active=True)

    @console.action("/people/{number}/password", Permission.EDIT_PEOPLE)
    async def password(request: Request) -> Response:
        member, secret = await _member(console, request), passwords.one_time()
        number = member.agent.staff_number
        kept = await asyncio.to_thread(console.passwords.hash, secret)
        deed = console.deed(request, "person.password", number)
        await ask(agents.set_password, number, kept, console.now(), deed, must_change=True)
        return console.render(request, "one_time.html", member=member, secret=secret)

    @console.action("/people/{number}/sign-out", Permission.EDIT_PEOPLE)
    async def sign_out(request: Request) -> Response:
        member = await _member(console, request)
        deed = console.deed(request, "person.sign-out", member.agent.staff_number)
        await ask(works.store.sessions.revoke_everywhere, member.id, console.now(), deed)
        return console.go(request, PEOPLE)


def _form(console: Console, request: Request, member: Member | None, typed: Typed, flaws: dict[str, str]) -> Response:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if flaws else HTTPStatus.OK
    values: dict[str, Any] = {"member": member, "typed": typed, "flaws": flaws, "roles": list(Role)}
    return console.render(request, "person.html", status=status, **values)


async def _member(console: Console, request: Request) -> Member:
    number = request.path_params["number"]
    member = await console.works.reading.ask(console.works.store.agents.get, number)
    if member is None:
        raise NotFoundError(tongue(request).say("Nobody here has this staff number."))
    return member


def _typed(request: Request, staff_number: str) -> Typed:
    fields = form(request)
    return roster.Typed(
        staff_number=staff_number,
        name=fields.get("name", ""),
        role=fields.get("role", ""),
        phone=fields.get("phone", ""),
        languages=fields.getlist("languages"),
        skills=fields.getlist("skills"),
        teams=fields.getlist("teams"),
        capacity=fields.get("capacity", "1"),
    )


def _typed_of(member: Member) -> Typed:
    agent = member.agent
    return roster.Typed(
        staff_number=agent.staff_number,
        name=agent.name,
        role=agent.role.value,
        phone=agent.address,
        languages=agent.languages,
        skills=sorted(agent.skills),
        teams=sorted(agent.teams),
        capacity=str(agent.capacity),
    )
