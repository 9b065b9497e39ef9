"""The stand-in's own endpoints, outside Twilio's namespace: what really happened, and other faults or people."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from dialer.carrier.fault import FaultError, read_rate
from dialer.carrier.people_file import PeopleFileError, read_people

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dialer.carrier.exchange import Exchange

ROOT = "/control/"


class Control:
    """What is known: `GET calls`, `GET conferences` (JSON lines), `GET stats`, and what can be changed.

    That is `POST faults` (JSON, name to rate) and `POST people` (YAML rules).
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """The response to a request under `/control/`."""
        try:
            match request.method, request.path.removeprefix(ROOT):
                case "GET", "calls":
                    return _lines(call.account() for call in self._exchange.calls.values())
                case "GET", "conferences":
                    return _lines(conference.account() for conference in self._exchange.rooms.all.values())
                case "GET", "stats":
                    return web.json_response(self._exchange.stats())
                case "POST", "faults":
                    return self._faults(await request.read())
                case "POST", "people":
                    self._exchange.replace_people(
                        rules := read_people((await request.read()).decode("utf-8", "replace"))
                    )
                    return web.json_response({"rules": len(rules)})
        except (FaultError, PeopleFileError) as wrong:
            return web.json_response({"error": str(wrong)}, status=HTTPStatus.BAD_REQUEST)
        known = "GET calls, GET conferences, GET stats, POST faults, POST people"
        return web.json_response({"error": f"no such control; known are {known}"}, status=HTTPStatus.NOT_FOUND)

    def _faults(self, text: bytes) -> web.Response:
        """Replace all faults by those given: `{"duplicate": 0.1, "late": "0.2@30"}`."""
        try:
            given = json.loads(text)
        except ValueError:
            given = None
        if not isinstance(given, dict):
            raise FaultError('expected a JSON object of faults and rates, such as {"duplicate": 0.1, "late": "0.2@30"}')
        rates = dict(read_rate(name, value) for name, value in given.items())
        self._exchange.replace_faults(rates)
        return web.json_response({fault.value: [rate.share, rate.seconds] for fault, rate in rates.items()})


def _lines(accounts: Iterable[dict[str, object]]) -> web.Response:
    return web.Response(
        text="".join(json.dumps(account) + "\n" for account in accounts), content_type="application/x-ndjson"
    )
