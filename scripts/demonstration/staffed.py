"""The demo with agents: simulated people at real screens take calls, and whoever watches can be one of them."""

from __future__ import annotations

import contextlib
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from scripts.demonstration import accounts, customers
from scripts.demonstration.floor import Floor
from scripts.demonstration.stage import ACCOUNT, ROOT, TOKEN, out, say

if TYPE_CHECKING:
    from scripts.demonstration.accounts import Account
    from scripts.demonstration.stage import Stage

CAMPAIGN: Final = "renewal_with_agents"
SECONDS: Final = 120.0
SPEED: Final = 10.0
LOOK_EVERY: Final = 4.0
RINGS_OUT: Final = 40.0
"""Seconds, at the people's own speed, after which no phone rings any more."""
SIGN_INS: Final = "sign-ins.txt"


def show(stage: Stage, agents: int, seconds: float, speed: float) -> None:
    """Let `agents` robots work for so many seconds; 0: until Ctrl-C, which is a good end as well."""
    robots, you, manager = accounts.make(agents)
    say("Starting the stand-in carrier: customers who pick up and talk, and the agents' telephones")
    account = ("--account-sid", ACCOUNT, "--auth-token", TOKEN, "--calls-per-second", "60")
    with stage.running("carrier", "--port", "0", *account, "--speed", f"{speed:g}", "--people", "people.yaml") as url:
        stage.set(DIALER_TWILIO_API_URL=url, DIALER_CALLS_PER_SECOND="60")
        say("Importing customers whose home insurance ends soon")
        staff = [one.number for one in robots]
        for file in customers.write(stage.folder, datetime.now(UTC), staff):  # noqa: TID251 - the demo happens now
            stage.dialer("customers", "import", file.name)
        say(f"Adding a manager and {agents + 1} agents, with `dialer agents add`")
        accounts.add(stage, [manager, you, *robots])
        say(f"Putting the campaign {CAMPAIGN} in force: predictive, at most 3 % of who answers may find no agent")
        stage.dialer("campaigns", "apply", str(ROOT / "campaigns" / f"{CAMPAIGN}.yaml"))
        say("Starting the service")
        with stage.running("run") as service:
            accounts.settle(service, [manager, you, *robots])
            accounts.write(stage.folder / SIGN_INS, robots)
            command = ("-m", "scripts.demonstration.robots", "--url", service, "--speed", f"{speed:g}")
            there = ("--sign-ins", str(stage.folder / SIGN_INS))
            with stage.process("robots", "at work: ", sys.executable, *command, *there, within=ROOT):
                _invite(service, manager, you, robots, speed)
                _watch(stage, service, manager, seconds)
                say("No new calls; then the agents go home")
                stage.dialer("campaigns", "pause", CAMPAIGN, "--reason", "the demo is over")
                time.sleep(RINGS_OUT / speed)
                say("The agents go home")
            say("Stopping the service: no new calls, those going on may end")
    _report(stage)


def _invite(url: str, manager: Account, you: Account, robots: list[Account], speed: float) -> None:
    say(f"{len(robots)} agents are at their screens. Look at them in a browser:")
    rows = (("the board", "/console/board", manager), ("take calls yourself", "/console/calls", you))
    for what, page, one in rows:
        out.print(f"  {what}: [bold]{url}{page}[/bold]", soft_wrap=True)
        out.print(f"    sign in as [bold]{one.number}[/bold] ({one.role}) with [bold]{one.password}[/bold]")
    if robots:
        out.print(f"  the simulated agents {robots[0].number} to {robots[-1].number}: passwords in {SIGN_INS}")
    out.print(
        f"People talk {speed:g} times faster than in life; --speed 1 is theirs, --seconds 0 goes on until Ctrl-C."
    )
    out.print()


def _watch(stage: Stage, url: str, manager: Account, seconds: float) -> None:
    end = time.monotonic() + (seconds or float("inf"))
    with contextlib.suppress(KeyboardInterrupt), closing(Floor(stage.folder, url, CAMPAIGN)) as floor:
        floor.sign_in(manager.number, manager.password)
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(LOOK_EVERY, left))
            out.print(floor.line(), soft_wrap=True, markup=False)


def _report(stage: Stage) -> None:
    say("The report of the house")
    stage.dialer("report", "house")
    stage.dialer("report", "house", "--format", "html", "--output", "report.html")
    say("Every call that was made, judged once more by the rules of today:")
    stage.dialer("audit", "replay")
    out.print(f"\nEverything is in [bold]{stage.folder}[/bold]: settings, database, logs, reports.", soft_wrap=True)
