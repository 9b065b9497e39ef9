"""What keeps strangers' pages and scripts away from the console: headers, the token of forms, the session's cookie."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from datetime import timedelta

    from starlette.datastructures import Headers
    from starlette.requests import Request
    from starlette.responses import Response

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing but what this program itself serves, and nothing inline."""

HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",  # for browsers that do not know frame-ancestors
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "x-csrf-token"


def protect(response: Response, *, keep: bool = False) -> Response:
    """Add the headers that every answer carries; what is not a file of the program is not to be kept by anybody."""
    for name, value in HEADERS.items():
        response.headers[name] = value
    if not keep:
        response.headers["cache-control"] = "no-store"
    return response


def from_elsewhere(headers: Headers, public_url: str, *, must_say: bool = False) -> bool:
    """Whether a request was made by another site's page.

    Browsers say so themselves (Sec-Fetch-Site, else Origin). With `must_say`, one that says nothing is not trusted.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site != "same-origin"
    origin = headers.get("origin")
    if origin is None:
        return must_say
    parts = urlsplit(origin)
    own = urlsplit(public_url)
    return parts.netloc != headers.get("host") and (parts.scheme, parts.netloc) != (own.scheme, own.netloc)


def has_token(expected: str, given: str) -> bool:
    """Whether a request carries the token of its session; takes as long whatever is wrong with it."""
    return hmac.compare_digest(expected.encode(), given.encode())


class Cookie:
    """What the browser holds: a session's token that no script can read and no other site can send."""

    def __init__(self, *, secure: bool, lasts: timedelta) -> None:
        self._secure = secure
        self._lasts = lasts
        # A name with this beginning is only accepted over https and from this very host.
        self.name = "__Host-dialer" if secure else "dialer"

    def read(self, request: Request) -> str:
        """The token, or nothing."""
        return request.cookies.get(self.name, "")

    def give(self, response: Response, token: str) -> None:
        """Hand a token to the browser."""
        seconds = int(self._lasts.total_seconds())
        response.set_cookie(
            self.name, token, max_age=seconds, path="/", secure=self._secure, httponly=True, samesite="strict"
        )

    def take(self, response: Response) -> None:
        """Have the browser forget it."""
        response.delete_cookie(self.name, path="/", secure=self._secure, httponly=True, samesite="strict")
