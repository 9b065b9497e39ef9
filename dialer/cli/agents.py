"""`dialer agents`: who works here, and how the first manager gets in."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from dialer import bootstrap
from dialer.cli import trail
from dialer.cli.screen import AsJson, emit, light_table, out
from dialer.core.agent import Role
from dialer.engine import passwords, roster
from dialer.errors import InputError, NotFoundError, Problem

if TYPE_CHECKING:
    from dialer.core.agent import Agent
    from dialer.store import Member, Store

app = typer.Typer(no_args_is_help=True)

PASSWORDS = passwords.Passwords()

Number = Annotated[str, typer.Argument(metavar="STAFF_NUMBER", help="Their staff number.", show_default=False)]
Languages = Annotated[
    list[str] | None, typer.Option("--language", help="A language they speak, like zh-CN; may be repeated.")
]
Skills = Annotated[list[str] | None, typer.Option("--skill", help="A skill campaigns may ask for; may be repeated.")]
Teams = Annotated[list[str] | None, typer.Option("--team", help="A team they belong to; may be repeated.")]
Phone = Annotated[str | None, typer.Option(help="Where they are called: a number, best with +, or sip:name@host.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of making one.")
]
Reveal = Annotated[bool, typer.Option("--reveal", help="Show phone numbers whole.")]


@app.command()
def add(
    staff_number: Number,
    name: Annotated[str, typer.Option(help="What they are called; default: the staff number.")] = "",
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.AGENT,
    phone: Phone = None,
    language: Languages = None,
    skill: Skills = None,
    team: Teams = None,
    capacity: Annotated[int, typer.Option(min=1, max=1000, help="How many customers they can carry.")] = 1,
    password_stdin: FromStdin = False,
    as_json: AsJson = False,
) -> None:
    """Add somebody and print a one-time password, which they change when they first sign in.

    The first manager is made like this: `dialer agents add 1001 --role manager`. They add everybody else in the
    console. A password given by --password-stdin must be changed as well, for somebody else knows it.
    """
    given = bootstrap.settings()
    typed = roster.Typed(
        staff_number=staff_number,
        name=name or staff_number,
        role=role.value,
        phone=phone or "",
        languages=language or (),
        skills=skill or (),
        teams=team or (),
        capacity=str(capacity),
    )
    agent = roster.read(typed, given.home_region).certain()
    secret = _password(agent, from_stdin=password_stdin)
    deed = trail.deed("person.add", agent.staff_number, role=agent.role.value)
    with closing(bootstrap.open_store(given)) as store:
        kept = PASSWORDS.hash(secret)
        member = store.agents.add(agent, bootstrap.now(), deed, password=kept, must_change=True)
    _tell_secret(member.agent, secret, shown=not password_stdin, as_json=as_json, done="added")


@app.command("list")
def list_(
    everybody: Annotated[bool, typer.Option("--all", help="Also who has left.")] = False,
    role: Annotated[Role | None, typer.Option(help="Only people of this role.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show who works here, by staff number."""
    with closing(bootstrap.open_store()) as store:
        members = store.agents.all(active=None if everybody else True, role=role)
    if as_json:
        emit(*(_plain(one) for one in members))
        return
    if not members:
        out.print("Nobody yet. The first manager: dialer agents add 1001 --role manager", soft_wrap=True)
        return
    table = light_table("number", "name", "role", "phone", "languages", "skills", "teams")
    for one in members:
        agent = one.agent
        name = agent.name if agent.active else f"{agent.name} (has left)"
        words = (", ".join(sorted(some)) for some in (agent.languages, agent.skills, agent.teams))
        cells = (agent.staff_number, name, agent.role.value, roster.masked(agent.address), *words)
        table.add_row(*map(escape, cells))
    out.print(table)


@app.command()
def show(staff_number: Number, reveal: Reveal = False, as_json: AsJson = False) -> None:
    """Show what is known about one person. A whole phone number is shown only with --reveal, which is written down."""
    with closing(bootstrap.open_store()) as store:
        member = _member(store, staff_number)
        if reveal and roster.holds_number(member.agent.address):
            trail.note(store, "number.show", staff_number)
    told = _plain(member, reveal=reveal)
    if as_json:
        emit(told)
        return
    table = light_table("", "")
    for name, value in told.items():
        text = ", ".join(value) if isinstance(value, list) else str(value)
        table.add_row(name.replace("_", " "), escape(text))
    out.print(table)


@app.command()
def change(
    staff_number: Number,
    name: Annotated[str | None, typer.Option(help="What they are called.")] = None,
    role: Annotated[Role | None, typer.Option(help="What they may do.")] = None,
    phone: Phone = None,
    language: Languages = None,
    skill: Skills = None,
    team: Teams = None,
    capacity: Annotated[int | None, typer.Option(min=1, max=1000, help="How many customers they can carry.")] = None,
    back: Annotated[bool, typer.Option("--back", help="They had left and are back.")] = False,
    as_json: AsJson = False,
) -> None:
    """Change what is known about somebody; what is not named stays.

    Languages, skills and teams are replaced as a whole: name all of them, or '' for none.
    """
    given = bootstrap.settings()
    with closing(bootstrap.open_store(given)) as store:
        before = _member(store, staff_number).agent
        typed = roster.Typed(
            staff_number=before.staff_number,
            name=before.name if name is None else name,
            role=(role or before.role).value,
            phone=before.address if phone is None else phone,
            languages=before.languages if language is None else language,
            skills=sorted(before.skills) if skill is None else skill,
            teams=sorted(before.teams) if team is None else team,
            capacity=str(before.capacity if capacity is None else capacity),
            active=before.active or back,
        )
        after = roster.read(typed, given.home_region).certain()
        what = roster.changes(before, after)
        if what:
            store.agents.change(
                after, bootstrap.now(), trail.deed("person.change", staff_number, **what), before=before
            )
    if as_json:
        emit({"staff_number": after.staff_number, "changed": sorted(what)})
        return
    told = f"changed: {', '.join(sorted(what))}" if what else "nothing was different"
    out.print(f"{escape(after.name)} ({after.staff_number}), {told}", soft_wrap=True)


@app.command()
def password(staff_number: Number, password_stdin: FromStdin = False, as_json: AsJson = False) -> None:
    """Give somebody a new one-time password and sign them out everywhere."""
    with closing(bootstrap.open_store()) as store:
        agent = _member(store, staff_number).agent
        secret = _password(agent, from_stdin=password_stdin)
        deed = trail.deed("person.password", staff_number)
        kept = PASSWORDS.hash(secret)
        store.agents.set_password(staff_number, kept, bootstrap.now(), deed, must_change=True)
    _tell_secret(agent, secret, shown=not password_stdin, as_json=as_json, done="has a new password")


@app.command()
def deactivate(staff_number: Number, as_json: AsJson = False) -> None:
    """Let nobody sign in with this number any more; what they did stays on record. `change --back` undoes it.

    The last active manager cannot be deactivated: make another one first.
    """
    with closing(bootstrap.open_store()) as store:
        agent = _member(store, staff_number).agent
        deed = trail.deed("person.deactivate", staff_number)
        store.agents.change(replace(agent, active=False), bootstrap.now(), deed, before=agent)
    if as_json:
        emit({"staff_number": staff_number, "active": False})
        return
    out.print(f"{escape(agent.name)} ({staff_number}) can no longer sign in.", soft_wrap=True)


@app.command("sign-out")
def sign_out(staff_number: Number, as_json: AsJson = False) -> None:
    """End all sessions of somebody, wherever they are signed in. Their password stays."""
    with closing(bootstrap.open_store()) as store:
        member = _member(store, staff_number)
        deed = trail.deed("person.sign-out", staff_number)
        ended = store.sessions.revoke_everywhere(member.id, bootstrap.now(), deed)
    if as_json:
        emit({"staff_number": staff_number, "sessions_ended": ended})
        return
    out.print(f"{ended} session{'' if ended == 1 else 's'} ended.")


def _member(store: Store, staff_number: str) -> Member:
    member = store.agents.get(staff_number)
    if member is None:
        raise NotFoundError(f"nobody has the staff number {staff_number!r}; `dialer agents list --all` names everybody")
    return member


def _password(agent: Agent, *, from_stdin: bool) -> str:
    if not from_stdin:
        return passwords.one_time()
    secret = sys.stdin.readline().rstrip("\r\n")
    flaw = passwords.flaw(secret, agent)
    if flaw is not None:
        raise InputError([Problem("--password-stdin", flaw.value)])
    return secret


def _tell_secret(agent: Agent, secret: str, *, shown: bool, as_json: bool, done: str) -> None:
    if as_json:
        emit({"staff_number": agent.staff_number, "role": agent.role} | ({"password": secret} if shown else {}))
        return
    out.print(f"{escape(agent.name)} ({agent.staff_number}, {agent.role.value}) {done}.", soft_wrap=True)
    if shown:
        out.print(f"One-time password, shown only now: [bold]{secret}[/bold]", soft_wrap=True)
    out.print("They choose their own when they sign in to the console.", soft_wrap=True)


def _plain(member: Member, *, reveal: bool = False) -> dict[str, Any]:
    agent = member.agent
    return {
        "staff_number": agent.staff_number,
        "name": agent.name,
        "role": agent.role.value,
        "active": agent.active,
        "phone": agent.address if reveal else roster.masked(agent.address),
        "languages": list(agent.languages),
        "skills": sorted(agent.skills),
        "teams": sorted(agent.teams),
        "capacity": agent.capacity,
        "has_password": bool(member.password),
        "must_change_password": member.must_change,
    }
