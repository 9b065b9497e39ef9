"""The REST API: Twilio's paths, authentication, headers and bodies in front of the exchange."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
from base64 import b64encode
from collections import Counter
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import uuid4

from aiohttp import web

from dialer.carrier.clock import rfc2822
from dialer.carrier.conference_api import ConferenceApi
from dialer.carrier.fault import Fault
from dialer.carrier.form import Form
from dialer.carrier.listing import list_calls
from dialer.carrier.order import read_change, read_order
from dialer.carrier.refusal import Refusal, server_error, too_many_requests, unauthenticated, unknown_resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dialer.carrier.call import Call
    from dialer.carrier.exchange import Exchange

ROOT = "/2010-04-01/Accounts/"
LONGEST_WAIT_FOR_CALLBACK_SECONDS = 2.0
_EXAMPLE_NUMBER = "+15005550006"  # Twilio's own valid number for trials
_CALL_PATH = re.compile(r"Calls/(CA[0-9a-f]{32})")
_NUMBERS_QUERY = frozenset({"Beta", "FriendlyName", "Origin", "Page", "PageSize", "PageToken", "PhoneNumber"})


class Api:
    """Answers the requests of Twilio's namespace."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._config = exchange.config
        self._conferences = ConferenceApi(exchange.rooms)
        credentials = f"{self._config.account_sid}:{self._config.auth_token}".encode()
        self._authorization = b"Basic " + b64encode(credentials)
        self._open_requests = 0
        self._creates: Counter[str] = Counter()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The response to any request; refusals become Twilio's error bodies."""
        self._open_requests += 1
        try:
            limit = self._config.concurrent_requests
            if limit is not None and self._open_requests > limit:
                raise too_many_requests()
            return await self._route(request)
        except Refusal as refusal:
            return self._reply(refusal.body(), refusal.status)
        finally:
            self._open_requests -= 1

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, self._authorization):
            raise unauthenticated()
        path = request.path
        resource = path.removeprefix(f"{ROOT}{self._config.account_sid}").removesuffix(".json").removeprefix("/")
        if not path.startswith(f"{ROOT}{self._config.account_sid}") or not path.endswith(".json"):
            raise unknown_resource(path)
        match request.method, resource:
            case "POST", "Calls":
                return await self._create(request)
            case "GET", "Calls":
                return self._reply(list_calls(self._exchange, request.query_string, path))
            case "GET", "IncomingPhoneNumbers":
                return self._reply(self._numbers(request.query_string, path))
            case "GET", "":
                return self._reply(self._account())
        if resource.split("/")[0] == "Conferences":
            return await self._conference(request, resource)
        match = _CALL_PATH.fullmatch(resource)
        if match is None:
            raise unknown_resource(path)
        return await self._call(request, self._exchange.find(match[1]))

    async def _call(self, request: web.BaseRequest, call: Call) -> web.StreamResponse:
        if request.method == "POST":
            self._exchange.change(call, read_change(await _text(request)))
        elif request.method != "GET":
            raise Refusal(20004, "Method not allowed", HTTPStatus.METHOD_NOT_ALLOWED)
        return self._reply(call.resource())

    async def _conference(self, request: web.BaseRequest, resource: str) -> web.Response:
        given = request.query_string if request.method == "GET" else await _text(request)
        body = self._conferences.answer(request.method, resource, request.path, given)
        return self._reply(body, HTTPStatus.OK if body is not None else HTTPStatus.NO_CONTENT)

    async def _create(self, request: web.BaseRequest) -> web.StreamResponse:
        order = read_order(await _text(request), self._exchange.account)
        self._creates[order.to] += 1
        occasion = (order.to, self._creates[order.to])
        faults = self._exchange.faults
        if faults.strikes(Fault.CREATE_429, *occasion):
            raise too_many_requests()
        if faults.strikes(Fault.CREATE_500_NOT_MADE, *occasion):
            raise server_error()
        call = self._exchange.place(order)
        body = call.resource()
        if faults.strikes(Fault.CREATE_500_MADE, *occasion):
            call.faults.append(Fault.CREATE_500_MADE)
            raise server_error()
        if faults.strikes(Fault.CREATE_RESET, *occasion):
            return self._drop(request, call)
        if faults.strikes(Fault.CREATE_SLOW, *occasion):
            call.faults.append(Fault.CREATE_SLOW)
            await asyncio.sleep(faults.seconds(Fault.CREATE_SLOW))
        if faults.strikes(Fault.CALLBACK_BEFORE_REPLY, *occasion):
            call.faults.append(Fault.CALLBACK_BEFORE_REPLY)
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_WAIT_FOR_CALLBACK_SECONDS):
                    await self._exchange.post.first(call)
        return self._reply(body, HTTPStatus.CREATED)

    def _drop(self, request: web.BaseRequest, call: Call) -> web.StreamResponse:
        call.faults.append(Fault.CREATE_RESET)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)

    def _reply(self, body: Mapping[str, object] | None, status: int = HTTPStatus.OK) -> web.Response:
        headers = {
            "Twilio-Request-Id": f"RQ{uuid4().hex}",
            "Twilio-Concurrent-Requests": str(self._open_requests),
            "Content-Type": "application/json;charset=utf-8",
        }
        return web.Response(
            body=None if body is None else json.dumps(body).encode(), status=int(status), headers=headers
        )

    def _account(self) -> dict[str, object]:
        sid = self._config.account_sid
        born = rfc2822(self._exchange.started)
        return {
            "sid": sid, "owner_account_sid": sid, "friendly_name": "Stand-in carrier", "status": "active",
            "type": "Full", "auth_token": "withheld by the stand-in carrier", "date_created": born,
            "date_updated": born, "uri": f"{ROOT}{sid}.json",
            "subresource_uris": {
                "calls": f"{ROOT}{sid}/Calls.json", "conferences": f"{ROOT}{sid}/Conferences.json",
                "incoming_phone_numbers": f"{ROOT}{sid}/IncomingPhoneNumbers.json",
            },
        }  # fmt: skip

    def _numbers(self, query: str, path: str) -> dict[str, object]:
        form = Form(query, _NUMBERS_QUERY)
        wanted = form.text("PhoneNumber")
        owned = self._config.caller_ids or (wanted or _EXAMPLE_NUMBER,)
        found = [self._number(number) for number in owned if wanted in {"", number}]
        uri = f"{path}?PageSize=50&Page=0"
        return {
            "incoming_phone_numbers": found, "page": 0, "page_size": 50, "start": 0, "end": max(len(found) - 1, 0),
            "uri": uri, "first_page_uri": uri, "next_page_uri": None, "previous_page_uri": None,
        }  # fmt: skip

    def _number(self, number: str) -> dict[str, object]:
        account, sid = self._config.account_sid, f"PN{int(number[1:]):032x}"
        born = rfc2822(self._exchange.started)
        return {
            "sid": sid, "account_sid": account, "phone_number": number, "friendly_name": number, "beta": False,
            "capabilities": {"voice": True, "sms": False, "mms": False, "fax": False}, "origin": "twilio",
            "status": "in-use", "date_created": born, "date_updated": born, "api_version": "2010-04-01",
            "uri": f"{ROOT}{account}/IncomingPhoneNumbers/{sid}.json",
        }  # fmt: skip


async def _text(request: web.BaseRequest) -> str:
    """A request's body; bytes that are no UTF-8 become replacement characters, which no parameter accepts."""
    return (await request.read()).decode("utf-8", "replace")
