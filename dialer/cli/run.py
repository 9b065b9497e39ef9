"""`dialer run`: the service."""

from __future__ import annotations

import asyncio

import uvloop

from dialer import bootstrap, logs
from dialer.cli.screen import err
from dialer.daemon import Daemon, listen
from dialer.web.app import create_app


def run() -> None:
    """Call whoever is due until stopped, and answer the carrier's webhooks.

    Stops cleanly on SIGTERM or Ctrl-C: no new calls, up to half a minute for those going on. Killed at any moment and
    started again, it asks the carrier what became of the calls, loses no outcome and dials nobody twice.
    """
    given = bootstrap.settings()
    given.require_carrier()
    logs.configure(given.log_format, given.log_level)
    listening = listen(given.host, given.port)
    works = bootstrap.assemble(given)
    daemon = Daemon(works, create_app(works))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(daemon.run(listening, ready=lambda address: err.print(f"listening on {address}", markup=False)))
