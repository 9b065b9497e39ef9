"""Lists calls as Twilio's 2010 API does: filters by day, and pages with the links between them."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dialer.carrier.call import Status
from dialer.carrier.form import LIST, Form
from dialer.carrier.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from dialer.carrier.call import Call
    from dialer.carrier.exchange import Exchange

LARGEST_PAGE = 1000


def list_calls(exchange: Exchange, query: str, path: str) -> dict[str, object]:
    """One page of calls, newest first. Raises `Refusal` for what Twilio does not know."""
    form = Form(query, LIST)
    keeps = _filters(form)
    calls = [call for call in exchange.newest_first(form.text("To")) if all(keep(call) for keep in keeps)]
    size = form.whole("PageSize", 50, lowest=1, highest=LARGEST_PAGE)
    number = form.whole("Page", 0, lowest=0, highest=1_000_000)
    first = _first(calls, form.text("PageToken"), number * size)
    shown = calls[first : first + size]
    next_token = f"PA{shown[-1].sid}" if first + size < len(calls) else ""
    uri = partial(_uri, form, path, size)
    return {
        "calls": [call.resource() for call in shown],
        "page": number,
        "page_size": size,
        "start": first,
        "end": first + max(len(shown) - 1, 0),
        "uri": uri(number, form.text("PageToken")),
        "first_page_uri": uri(0),
        "next_page_uri": uri(number + 1, next_token) if next_token else None,
        "previous_page_uri": uri(number - 1) if number else None,
    }


def _uri(form: Form, path: str, size: int, page: int, token: str = "") -> str:
    asked = [(name, form.text(name)) for name in sorted(LIST - {"Page", "PageSize", "PageToken"}) if name in form]
    links = [*asked, ("PageSize", str(size)), ("Page", str(page))]
    return f"{path}?{urlencode([*links, ('PageToken', token)] if token else links)}"


def _first(calls: Sequence[Call], token: str, default: int) -> int:
    """Where a page begins: after the call its token names, so that new calls do not shift the pages."""
    if not token:
        return default
    for position, call in enumerate(calls):
        if call.sid == token.removeprefix("PA"):
            return position + 1
    raise Refusal(20001, f"PageToken {token!r} is not valid: follow next_page_uri")


def _filters(form: Form) -> list[Callable[[Call], bool]]:
    keeps: list[Callable[[Call], bool]] = []
    if "From" in form:
        from_ = form.text("From")
        keeps.append(lambda call: call.order.from_ == from_)
    if "Status" in form:
        status = form.text("Status")
        if status not in set(Status):
            raise Refusal(20001, f"Status {status!r} is not valid: expected one of {', '.join(Status)}")
        keeps.append(lambda call: call.status == status)
    if "ParentCallSid" in form:
        keeps.append(lambda _: False)  # no call here has a parent
    keeps += _day_filters(form, "StartTime", lambda call: call.dialed)
    keeps += _day_filters(form, "EndTime", lambda call: call.ended)
    return keeps


def _day_filters(form: Form, name: str, instant: Callable[[Call], datetime | None]) -> list[Callable[[Call], bool]]:
    """Filters on a UTC day. Calls without the instant (a queued one has no start) are in no day."""

    def on(call: Call) -> date | None:
        moment = instant(call)
        return None if moment is None else moment.date()

    keeps: list[Callable[[Call], bool]] = []
    if name in form:
        day = _day(form, name)
        keeps.append(lambda call: on(call) == day)
    if f"{name}<" in form:
        latest = _day(form, f"{name}<")
        keeps.append(lambda call: (found := on(call)) is not None and found <= latest)
    if f"{name}>" in form:
        earliest = _day(form, f"{name}>")
        keeps.append(lambda call: (found := on(call)) is not None and found >= earliest)
    return keeps


def _day(form: Form, name: str) -> date:
    value = form.text(name)
    try:
        # The SDK sends instants; Twilio looks at the day only.
        return date.fromisoformat(value[:10])
    except ValueError:
        raise Refusal(20001, f"{name} {value!r} is not valid: expected YYYY-MM-DD") from None
