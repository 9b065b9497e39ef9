"""One page of a list as Twilio's 2010 API shows it, with the links to the others, and its filters by day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import urlencode

from dialer.carrier.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from dialer.carrier.form import Form

LARGEST_PAGE = 1000
_PAGING = frozenset({"Page", "PageSize", "PageToken"})


class Resource(Protocol):
    """Something the API lists."""

    def resource(self) -> dict[str, object]:
        """Its JSON."""


Listed = TypeVar("Listed", bound=Resource)


def page(key: str, items: Sequence[Listed], sid: Callable[[Listed], str], form: Form, path: str) -> dict[str, object]:
    """The page a request asks for, its items under `key`. Raises `Refusal` for a page Twilio does not know."""
    size = form.whole("PageSize", 50, lowest=1, highest=LARGEST_PAGE)
    number = form.whole("Page", 0, lowest=0, highest=1_000_000)
    token = form.text("PageToken")
    first = _after(token, [sid(item) for item in items]) if token else number * size
    shown = items[first : first + size]
    next_token = f"PA{sid(shown[-1])}" if first + size < len(items) else ""

    def uri(page: int, token: str = "") -> str:
        asked = [(name, form.text(name)) for name in sorted(form.known - _PAGING) if name in form]
        links = [*asked, ("PageSize", str(size)), ("Page", str(page))]
        return f"{path}?{urlencode([*links, ('PageToken', token)] if token else links)}"

    return {
        key: [item.resource() for item in shown],
        "page": number,
        "page_size": size,
        "start": first,
        "end": first + max(len(shown) - 1, 0),
        "uri": uri(number, token),
        "first_page_uri": uri(0),
        "next_page_uri": uri(number + 1, next_token) if next_token else None,
        "previous_page_uri": uri(number - 1) if number else None,
    }


def _after(token: str, sids: Sequence[str]) -> int:
    """Where a page begins: after the item its token names, so that new ones do not shift the pages."""
    try:
        return sids.index(token.removeprefix("PA")) + 1
    except ValueError:
        raise Refusal(20001, f"PageToken {token!r} is not valid: follow next_page_uri") from None


def day_filters(form: Form, name: str, instant: Callable[[Listed], datetime | None]) -> list[Callable[[Listed], bool]]:
    """Filters on a UTC day. Items without the instant (a queued call has no start) are in no day."""

    def on(item: Listed) -> date | None:
        moment = instant(item)
        return None if moment is None else moment.date()

    keeps: list[Callable[[Listed], bool]] = []
    if name in form:
        day = _day(form, name)
        keeps.append(lambda item: on(item) == day)
    if f"{name}<" in form:
        latest = _day(form, f"{name}<")
        keeps.append(lambda item: (found := on(item)) is not None and found <= latest)
    if f"{name}>" in form:
        earliest = _day(form, f"{name}>")
        keeps.append(lambda item: (found := on(item)) is not None and found >= earliest)
    return keeps


def _day(form: Form, name: str) -> date:
    value = form.text(name)
    try:
        # The SDK sends instants; Twilio looks at the day only.
        return date.fromisoformat(value[:10])
    except ValueError:
        raise Refusal(20001, f"{name} {value!r} is not valid: expected YYYY-MM-DD") from None
