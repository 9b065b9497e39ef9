"""The console: pages for agents, team leads, managers and operators.

How to write a page
-------------------
A module of this package with `def add(console: Console) -> None`, listed in `pages.py`. Within it::

    def add(console: Console) -> None:
        works = console.works

        @console.page("/campaigns", Permission.CAMPAIGNS, title=N_("Campaigns"), order=30)
        async def campaigns(request: Request) -> Response:
            rows = await works.reading.ask(works.store.campaigns.all)
            return console.render(request, "campaigns.html", rows=rows)

        @console.action("/campaigns/{campaign}/pause", Permission.RUN_CAMPAIGNS)
        async def pause(request: Request) -> Response:
            reason = form(request).get("reason", "")
            ...
            await console.note(request, "campaign.pause", campaign, {"reason": reason})
            return console.go(request, "/console/campaigns")

        @console.events("/events/campaigns", Permission.CAMPAIGNS)
        async def changes(request: Request) -> AsyncIterator[tuple[str, str]]:
            while True:
                rows = await works.reading.ask(...)
                yield "rows", console.html(request, "campaigns.html", block="rows", rows=rows)
                await works.clock.sleep(timedelta(seconds=1))

- Paths are under /console. `page` is GET, `action` is POST. Each has exactly one `Permission` (core/access.py), which
  is enforced before the function is called; a page with a `title` is in the navigation of those who have it. What a
  screen asks by itself is registered with `keeps_awake=False`: it does not make a forgotten session last longer.
- `who(request)` is the `Person` signed in: `.agent`, `.id`, `.csrf`, `.may(Permission.CUSTOMERS)`. `form(request)` are
  the fields that were sent (up to 64 kB, urlencoded; `.getlist(name)` for repeated ones). `tongue(request)` is their
  language: `.say("text %(n)s", n=1)`, `.moment`, `.word`.
- Templates begin with `{% extends layout %}` and fill `{% block title %}` and `{% block content %}`. Asked for by htmx,
  `layout` is the content alone; `block="rows"` renders one block. Known to all: `person`, `language`, `csrf`, `path`,
  `may("board")`, `asset("file.js")`. Filters: `time`, `day`, `moment` (house zone, or `moment("Asia/Tokyo")`),
  `clock` (a timedelta as 3:05), `number`, `percent`, `word` (a member of an enumeration). Full-page forms hold
  `{{ csrf_field() }}`; htmx sends the token by itself.
- Texts are `_("...")` in templates and `tongue(request).say("...")` or `N_("...")` in code; a literal % is written %%.
  Each stands in locale/zh_CN/LC_MESSAGES/console.po, which a test compares.
- Every change is noted: `await console.note(request, "noun.verb", subject, detail)`, or by handing
  `console.deed(request, ...)` to a store method that writes it in its own transaction. No whole numbers in it.
- Wrong input: render the form again with `status=422`. An error of dialer.errors that escapes becomes a page, or with
  htmx a line in #notice. `console.say_no(request, 409, text)` does so on purpose.
- The policy forbids inline scripts and style attributes. static/console.js offers instead: `data-key="r"` (a key that
  presses the element), `data-since="ISO instant"` and `data-until="ISO instant"` (a running clock). Lengths of bars are
  <progress> or attributes of SVG.
- A stream is `<div sse-connect="/console/events/..."><div sse-swap="rows">...</div></div>`. Send everything on
  connecting: a reconnected browser missed what came between. The stream ends when the session does.
"""

from __future__ import annotations

from dialer.web.console.languages import N_
from dialer.web.console.site import Console, form, tongue, who

__all__ = ["N_", "Console", "form", "tongue", "who"]
