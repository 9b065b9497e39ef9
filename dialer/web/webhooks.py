"""Where the carrier's requests arrive: read once, verified whole, answered only when what they told is kept."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dialer.errors import DialerError, ForgedRequestError
from dialer.ports import WebRequest
from dialer.web import metrics

if TYPE_CHECKING:
    from starlette.requests import Request

    from dialer.engine.conversation import Conversations
    from dialer.engine.parking import Parking

log = structlog.get_logger(__name__)

LARGEST_BODY = 16 * 1024
"""Bytes. The carrier's largest webhook is a tenth of this."""


def routes(conversations: Conversations, parking: Parking) -> list[Route]:
    """The routes under /carrier and /agents. Plain ones: at this rate, request models cost more than the work."""

    async def hear(request: Request) -> Response:
        return await _timed(request, conversations, PLACES)

    async def hear_leg(request: Request) -> Response:
        return await _timed(request, parking, LEG_PLACES)

    return [
        Route("/carrier/{token}/{what:path}", hear, methods=["GET", "POST"]),
        Route("/agents/{token}/{what:path}", hear_leg, methods=["GET", "POST"]),
    ]


KINDS = frozenset({"answer", "fallback", "status", "verdict", "step", "connect", "parted", "conference"})
STEP = r"step/[a-z][a-z0-9_-]{0,39}/[0-9]{1,3}"
PLACES = re.compile(rf"answer|fallback|status|verdict|connect|parted|{STEP}")
"""What `ports.Links` leads to; nothing else was ever told to a carrier."""
LEG_PLACES = re.compile(rf"answer|fallback|status|conference|{STEP}")
"""What `ports.LegLinks` leads to."""


async def _timed(request: Request, listener: Conversations | Parking, places: re.Pattern[str]) -> Response:
    began = time.perf_counter()
    what = request.path_params["what"]
    response = await _answer(listener, request, what, places)
    kind = what.partition("/")[0]
    kind = kind if kind in KINDS else "other"
    metrics.WEBHOOKS.labels(kind, response.status_code).inc()
    metrics.WEBHOOK_SECONDS.labels(kind).observe(time.perf_counter() - began)
    return response


async def _answer(
    conversations: Conversations | Parking, request: Request, what: str, places: re.Pattern[str]
) -> Response:
    token = request.path_params["token"]
    try:
        body = await _body(request)
    except ClientDisconnect:
        return PlainTextResponse("gone", 400)  # nobody reads it
    if body is None:
        return PlainTextResponse("too large", 413)
    if not places.fullmatch(what):
        return PlainTextResponse("no such place", 404)
    try:
        reply = await conversations.hear(_raw(request, body), token, what)
    except ForgedRequestError as error:
        log.warning("webhook_refused", what=what, why=str(error))
        return PlainTextResponse("forbidden", 403)
    except DialerError as error:
        # The carrier may try again, and reconciliation will ask; pretending to have kept it would lose it.
        log.error("webhook_not_kept", what=what, attempt=token, error=str(error))
        return PlainTextResponse("try again", 503)
    if not reply.body:
        return Response(status_code=204)
    return Response(reply.body, media_type=reply.media_type)


async def _body(request: Request) -> bytes | None:
    """The body, or None when it is larger than any webhook."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


def _raw(request: Request, body: bytes) -> WebRequest:
    """The request as it was sent; what frameworks reconstruct is not what was signed."""
    scope = request.scope
    target = scope["raw_path"].decode("latin-1")
    if scope["query_string"]:
        target += "?" + scope["query_string"].decode("latin-1")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return WebRequest(request.method, target, headers, body)
