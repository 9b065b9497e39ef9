"""Lists calls as Twilio's 2010 API does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.carrier.call import Status
from dialer.carrier.form import LIST, Form
from dialer.carrier.page import day_filters, page
from dialer.carrier.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from dialer.carrier.call import Call
    from dialer.carrier.exchange import Exchange


def list_calls(exchange: Exchange, query: str, path: str) -> dict[str, object]:
    """One page of calls, newest first. Raises `Refusal` for what Twilio does not know."""
    form = Form(query, LIST)
    keeps = _filters(form)
    calls = [call for call in exchange.newest_first(form.text("To")) if all(keep(call) for keep in keeps)]
    return page("calls", calls, lambda call: call.sid, form, path)


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
    keeps += day_filters(form, "StartTime", lambda call: call.dialed)
    keeps += day_filters(form, "EndTime", lambda call: call.ended)
    return keeps
