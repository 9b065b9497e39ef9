"""The service's web side on a floor of agents who work, as a process of its own: what the board is measured on.

Run as `python -m scripts.benchmarks.board_server`; the settings are the environment's, the port is any that is free.
"""

from __future__ import annotations

import asyncio
import random
import socket
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import uvicorn
import uvloop
from sqlalchemy import insert, update
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

from dialer import bootstrap
from dialer.core.agent import AgentState
from dialer.store.agent_tables import PresenceRow, ReservationRow
from dialer.store.tables import AttemptRow
from dialer.web.console import pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from sqlalchemy import Connection
    from starlette.requests import Request
    from starlette.responses import Response

    from dialer.bootstrap import Works

presence = PresenceRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
reservation = ReservationRow.__table__  # type: ignore[attr-defined]
attempt = AttemptRow.__table__  # type: ignore[attr-defined]

A_SECOND = 4
"""Changes a second: 200 agents, four changes for each call, calls and wrap-up of nearly four minutes together."""

NEXT = {
    AgentState.READY: AgentState.RESERVED,
    AgentState.RESERVED: AgentState.ON_CALL,
    AgentState.ON_CALL: AgentState.WRAP_UP,
    AgentState.WRAP_UP: AgentState.READY,
}


def token_of(agent_id: int) -> str:
    """The one call of an agent, which is made again and again."""
    return f"live-{agent_id}"


class Stir:
    """Agents whose calls come and go."""

    def __init__(self, works: Works, agents: range) -> None:
        self._works = works
        self._states = dict.fromkeys(agents, AgentState.READY)

    async def work(self) -> None:
        """Let one agent after the other go on, for ever; in an order that mixes all states."""
        works, dice = self._works, random.Random(1)  # noqa: S311 - no secret
        while True:
            agent = dice.choice(list(self._states))
            self._states[agent] = NEXT[self._states[agent]]
            await works.desk.ask(self._move, agent, self._states[agent], works.clock.now())
            works.changes.happened()
            await works.clock.sleep(timedelta(seconds=1 / A_SECOND))

    def _move(self, agent: int, state: AgentState, now: datetime) -> None:
        with self._works.store.database.write() as connection:
            where = presence.c.agent_id == agent
            connection.execute(update(presence).where(where).values(state=state.value, since=now))
            _call(connection, agent, state, now)


def _call(connection: Connection, agent: int, state: AgentState, now: datetime) -> None:
    token = token_of(agent)
    mine = update(attempt).where(attempt.c.token == token)
    held = update(reservation).where(reservation.c.attempt == token, reservation.c.state != "over")
    match state:
        case AgentState.RESERVED:
            fresh = {"answered_at": None, "waited_at": None, "connected_at": None}
            connection.execute(mine.values(is_open=True, state="accepted", created_at=now, sent_at=now, **fresh))
            times = {"made_at": now, "lease_until": now + timedelta(minutes=10)}
            values = {"agent_id": agent, "attempt": token, "campaign": "survey", "state": "held", "why": ""}
            connection.execute(insert(reservation).values(values | times))
        case AgentState.ON_CALL:
            connection.execute(mine.values(state="live", answered_at=now, waited_at=now, connected_at=now))
            connection.execute(held.values(state="connected", connected_at=now))
        case AgentState.WRAP_UP:
            connection.execute(mine.values(is_open=False, state="final", ended_at=now))
        case _:
            connection.execute(held.values(state="over", over_at=now))


async def raw(request: Request) -> Response:
    """So many bytes, so often: what the same streams cost when nothing has to be found out or drawn."""
    size, every = int(request.query_params["size"]), float(request.query_params["every"])
    event = b"event: raw\ndata: " + b"x" * size + b"\n\n"

    async def bytes_for_ever() -> AsyncIterator[bytes]:
        while True:
            yield event
            await asyncio.sleep(every)

    return StreamingResponse(bytes_for_ever(), media_type="text/event-stream")


async def serve() -> None:
    """Serve until killed."""
    works = bootstrap.assemble(bootstrap.settings())
    agents = works.store.board.floor().agents
    stir = Stir(works, range(1, len(agents) + 1))
    app = Starlette(routes=[Route("/raw", raw), *pages.routes(works)])
    config = uvicorn.Config(app, access_log=False, lifespan="off", log_level="warning")
    server = uvicorn.Server(config)
    stirring = asyncio.create_task(stir.work())
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        sys.stdout.write(f"listening on http://127.0.0.1:{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve(sockets=[listening])
    stirring.cancel()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
