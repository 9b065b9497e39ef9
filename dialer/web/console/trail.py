"""The trail of what people changed and were shown, for managers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dialer.core.access import Permission
from dialer.web.console.languages import N_
from dialer.web.console.site import tongue

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from dialer.web.console.site import Console

PAGE: Final = 50
"""Entries on one page."""

_LONGEST_KEY: Final = 18  # digits of the greatest key a database gives

ACTIONS: Final = {
    "attempt.settle": N_("decided what became of a call"),
    "account.language": N_("chose a language"),
    "account.password": N_("changed the own password"),
    "agent.pause": N_("paused an agent"),
    "agent.sign-out": N_("signed an agent out of work"),
    "call.answer": N_("entered a customer's answer"),
    "call.ask": N_("had a customer called next"),
    "call.back": N_("turned back a page of the script"),
    "call.dial": N_("dialed"),
    "call.draft": N_("wrote down what came of a call"),
    "call.hang_up": N_("hung up"),
    "call.record": N_("finished the record of a call"),
    "call.skip": N_("skipped a customer"),
    "campaign.apply": N_("put a campaign in force"),
    "campaign.enrol": N_("enrolled customers"),
    "campaign.pause": N_("paused a campaign"),
    "campaign.resume": N_("resumed a campaign"),
    "customer.confirm-zone": N_("wrote down a customer's time zone"),
    "customer.import": N_("imported customers from a file"),
    "customer.sync": N_("imported customers from a database"),
    "do-not-call.add": N_("put somebody on the do-not-call list"),
    "do-not-call.import": N_("imported a do-not-call list"),
    "do-not-call.lift": N_("lifted a customer's do-not-call wish"),
    "number.show": N_("was shown a whole number"),
    "person.activate": N_("took somebody back"),
    "person.add": N_("added somebody"),
    "person.change": N_("changed what is known of somebody"),
    "person.deactivate": N_("wrote down that somebody left"),
    "person.password": N_("gave a new password"),
    "person.sign-out": N_("signed somebody out everywhere"),
    "promise.make": N_("promised a customer a call"),
    "promise.withdraw": N_("withdrew a promised call"),
    "report.take": N_("took a report along"),
    "session.end": N_("signed out another browser"),
    "session.open": N_("signed in"),
    "session.replace": N_("signed in where somebody was signed in"),
    "session.sign-out": N_("signed out"),
    "task.done": N_("finished a task"),
    "task.take": N_("took a task"),
    "work.leave": N_("ended work"),
    "work.pause": N_("paused"),
    "work.ready": N_("got ready"),
    "work.start": N_("began work"),
}
"""Deeds as people say them; one that is not here is shown by its name."""


def add(console: Console) -> None:
    """Register the page."""
    works = console.works

    @console.page("/trail", Permission.AUDIT, title=N_("Trail"), order=90)
    async def trail(request: Request) -> Response:
        by, subject = (request.query_params.get(name, "").strip() for name in ("by", "subject"))
        before = request.query_params.get("before", "")
        last = int(before) if before.isascii() and before.isdecimal() and len(before) <= _LONGEST_KEY else None
        latest = works.store.audit.latest
        entries = await works.reading.ask(latest, PAGE + 1, by=by, subject=subject, before=last)
        say = tongue(request).say
        words = {name: say(text) for name, text in ACTIONS.items()}
        older = entries[PAGE - 1].id if len(entries) > PAGE else None
        values: dict[str, Any] = {"by": by, "subject": subject, "words": words, "older": older}
        return console.render(request, "trail.html", entries=entries[:PAGE], **values)
