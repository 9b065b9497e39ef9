"""What people have to do because the dialer must not or cannot: taken and done by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dialer.core.access import Permission
from dialer.core.admission import Refuse
from dialer.errors import InputError, NotFoundError, Problem
from dialer.store import Result
from dialer.web.console.languages import N_
from dialer.web.console.rendering import wants_part
from dialer.web.console.site import form, tongue, who
from dialer.web.console.terms import Terms

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from dialer.core.admission import Decision
    from dialer.store.task_list import Task
    from dialer.web.console.site import Console

STATES: Final = {"open": ("open",), "undone": ("open", "taken"), "all": ("open", "taken", "done")}
TASKS: Final = "/console/tasks"
SHOWN: Final = 200
"""How many tasks the list shows; the most urgent come first."""


def add(console: Console) -> None:
    """Register the pages."""
    _look(console)
    _work(console)


def _look(console: Console) -> None:
    works = console.works

    @console.page("/tasks", Permission.CUSTOMERS, title=N_("Tasks"), order=50)
    async def tasks(request: Request) -> Response:
        asked, find = request.query_params, works.store.tasks.find
        mine, state = asked.get("mine") == "1", asked.get("state", "undone")
        states = STATES.get(state, STATES["undone"])
        person = who(request).agent.staff_number if mine else None
        campaign = asked.get("campaign") or None
        found = await works.reading.ask(find, states=states, person=person, campaign=campaign)
        names = [one.campaign.id for one in await works.reading.ask(works.store.campaigns.all)]
        values = _values(console, request) | {"mine": mine, "state": state, "campaign": campaign, "names": names}
        return console.render(request, "tasks.html", tasks=found[:SHOWN], more=len(found) - SHOWN, **values)


def _work(console: Console) -> None:
    works = console.works

    @console.action("/tasks/{key}/take", Permission.CUSTOMERS)
    async def take(request: Request) -> Response:
        key, by = _key(request), who(request).agent.staff_number
        taken = await works.desk.ask(works.store.tasks.take, key, by, console.now())
        await console.note(request, "task.take", str(key), {"customer": taken.customer, "campaign": taken.campaign})
        return _row(console, request, taken)

    @console.action("/tasks/{key}/done", Permission.CUSTOMERS)
    async def done(request: Request) -> Response:
        key, by, fields = _key(request), who(request).agent.staff_number, form(request)
        result, note = _result(request), fields.get("note", "").strip()[:2000]
        finished, decision = await works.desk.ask(works.store.tasks.finish, key, by, result, console.now(), note=note)
        what = {"customer": finished.customer, "campaign": finished.campaign, "result": result.value}
        await console.note(request, "task.done", str(key), what)
        works.changes.happened()
        said = _follows(request, decision) if result is Result.CALL_AGAIN else ""
        return _row(console, request, finished, said)


def _values(console: Console, request: Request) -> dict[str, Any]:
    return {
        "t": Terms(tongue(request)),
        "now": console.now(),
        "results": list(Result),
        "me": who(request).agent.staff_number,
        "said": "",
    }


def _row(console: Console, request: Request, task: Task, said: str = "") -> Response:
    """The task as it is now, in its place in the list."""
    if not wants_part(request):
        return console.go(request, f"{TASKS}#task-{task.id}")
    values = _values(console, request) | {"said": said}
    return console.render(request, "tasks.html", block="row", task=task, **values)


def _key(request: Request) -> int:
    given = request.path_params["key"]
    if not (given.isascii() and given.isdigit() and len(given) < 18):  # noqa: PLR2004 - what a database's key can be
        raise NotFoundError(tongue(request).say("There is no such task."))
    return int(given)


def _result(request: Request) -> Result:
    given = form(request).get("result", "")
    if given not in list(Result):
        say = tongue(request).say
        raise InputError([Problem(say("Result"), say("is missing"), say("say what came of it"))])
    return Result(given)


def _follows(request: Request, decision: Decision | None) -> str:
    """What the gate makes of "the dialer may go on"."""
    speech = tongue(request)
    if decision is None:
        return speech.say("Nothing follows: the callback is over.")
    if isinstance(decision, Refuse):
        return speech.say("It still cannot be called: %(why)s", why=Terms(speech).why(decision.note))
    return speech.say("The next call may be made from %(time)s on.", time=speech.moment(decision.opening.start))
