"""The web side of the daemon: the carrier's webhooks, the console, a health check and figures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from dialer.errors import DialerError
from dialer.web import metrics, webhooks
from dialer.web.console import pages

if TYPE_CHECKING:
    from dialer.bootstrap import Works
    from dialer.engine.passwords import Passwords


def create_app(works: Works, passwords: Passwords | None = None) -> FastAPI:
    """The application.

    What the carrier calls proves itself by its signature, and the console asks people to sign in; /healthz and /metrics
    answer anybody. A proxy leads to the first two from outside, as the README says, and not to these.

    `passwords` hashes those of the console; None: as argon2 recommends.
    """
    app = FastAPI(title="dialer", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.router.routes.extend(webhooks.routes(works.conversations, works.parking))

    @app.get("/healthz")
    async def healthz() -> Response:
        """Whether the service can do its work: 200, or 503 with the reason."""
        try:
            in_call = await works.desk.ask(works.store.attempts.open_count)
        except DialerError as error:
            return JSONResponse({"status": "failing", "reason": str(error)}, status_code=503)
        return JSONResponse({"status": "ok", "in_call": in_call, "calls_sent": works.dialer.dialed})

    @app.get("/metrics")
    async def figures() -> Response:
        """Figures for Prometheus: 200, or 503 with the reason."""
        try:
            return await metrics.exposition(works)
        except DialerError as error:
            return PlainTextResponse(str(error), status_code=503)

    app.router.routes.extend(pages.routes(replace(works, desk=works.reading), passwords))
    return app
