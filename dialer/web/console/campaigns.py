"""Campaigns: whether they run, where their callbacks stand and why, and stopping one before it does harm."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from dialer.core.access import Permission
from dialer.core.record import CallbackState
from dialer.web.console.languages import N_
from dialer.web.console.site import form, tongue
from dialer.web.console.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from dialer.store import Standing
    from dialer.web.console.site import Console

TONES = {
    CallbackState.WAITING: "part",
    CallbackState.CALLING: "main",
    CallbackState.HELD: "warn",
    CallbackState.DONE: "good",
    CallbackState.CLOSED: "ground",
}
"""The colour of each state in the charts."""


def add(console: Console) -> None:
    """Register the pages."""
    _look(console)
    _run(console)


def _look(console: Console) -> None:
    works = console.works

    @console.page("/campaigns", Permission.CAMPAIGNS, title=N_("Campaigns"), order=30)
    async def campaigns(request: Request) -> Response:
        standings = await works.reading.ask(works.store.campaigns.all)
        counts = await works.reading.ask(works.store.callbacks.counts)
        ready = await works.reading.ask(works.store.callbacks.ready_by_campaign, console.now())
        rows = [(one, _counts(one, counts), ready.get(one.campaign.id, 0)) for one in standings]
        values: dict[str, Any] = {"rows": rows, "states": list(CallbackState)}
        return console.render(request, "campaigns.html", t=Terms(tongue(request)), **values)

    @console.page("/campaigns/{campaign}", Permission.CAMPAIGNS)
    async def campaign(request: Request) -> Response:
        return await _one(console, request)


def _run(console: Console) -> None:
    works = console.works

    @console.action("/campaigns/{campaign}/pause", Permission.RUN_CAMPAIGNS)
    async def pause(request: Request) -> Response:
        name = request.path_params["campaign"]
        reason = form(request).get("reason", "").strip()[:200]
        if not reason:
            flaw = tongue(request).say("Say why, for whoever looks at it later.")
            return await _one(console, request, flaw=flaw)
        await works.desk.ask(works.store.campaigns.pause, name, reason)
        await console.note(request, "campaign.pause", name, {"reason": reason})
        works.changes.happened()
        return await _one(console, request)

    @console.action("/campaigns/{campaign}/resume", Permission.RUN_CAMPAIGNS)
    async def resume(request: Request) -> Response:
        name = request.path_params["campaign"]
        await works.desk.ask(works.store.campaigns.resume, name)
        await console.note(request, "campaign.resume", name)
        works.changes.happened()
        return await _one(console, request)


async def _one(console: Console, request: Request, *, flaw: str = "") -> Response:
    name, works = request.path_params["campaign"], console.works
    standing = await works.reading.ask(works.store.campaigns.get, name)
    counts = _counts(standing, await works.reading.ask(works.store.callbacks.counts))
    blocked = await works.reading.ask(works.store.board.blocked, name)
    ready = (await works.reading.ask(works.store.callbacks.ready_by_campaign, console.now())).get(name, 0)
    t = Terms(tongue(request))
    values: dict[str, Any] = {
        "standing": standing,
        "campaign": standing.campaign,
        "counts": [(t.word(state), many, TONES[state]) for state, many in counts.items()],
        "reasons": _grouped(blocked, t),
        "ready": ready,
        "flaw": flaw,
    }
    return console.render(request, "campaign.html", status=422 if flaw else 200, t=t, **values)


def _counts(standing: Standing, counts: Mapping[tuple[str, CallbackState], int]) -> dict[CallbackState, int]:
    return {state: counts.get((standing.campaign.id, state), 0) for state in CallbackState}


def _grouped(
    rows: Sequence[tuple[CallbackState, str, str, int]], t: Terms
) -> list[tuple[CallbackState, list[tuple[str, int, str]]]]:
    """What stands in the way, by state: reasons that differ only in a clock, a place or a number are one."""
    found: dict[CallbackState, Counter[str]] = {}
    for state, reason, note, many in rows:
        words = t.kind(reason) if reason else t.sort_of(note) if note else t.nothing()
        found.setdefault(state, Counter())[words] += many
    return [
        (state, [(words, many, TONES[state]) for words, many in found[state].most_common(12)])
        for state in CallbackState
        if state in found
    ]
