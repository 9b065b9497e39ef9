"""The demo: the real program, two processes that talk HTTP, and a customer file; nothing is played from a script."""

from __future__ import annotations

import argparse
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from scripts.demonstration import customers, staffed
from scripts.demonstration.stage import ACCOUNT, DIALER, ROOT, TOKEN, Stage, out, say

AGENTLESS = ("complaint_followup", "holiday_followup", "insurance_renewal", "satisfaction_survey")
SECONDS, SPEED = 40.0, 40.0
MOST_AGENTS = 50


def main() -> None:
    """Run the demo; exit code 0 when all of it worked."""
    given = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a demo that is told to end stops what it started, too
    stage = Stage(given.folder.resolve())
    try:
        stage.clear()
        if given.agents:
            seconds = staffed.SECONDS if given.seconds is None else given.seconds
            staffed.show(stage, given.agents, seconds, given.speed or staffed.SPEED)
        else:
            _talk_by_itself(stage, SECONDS if given.seconds is None else given.seconds, given.speed or SPEED)
    except KeyboardInterrupt:
        out.print("Interrupted; everything that was started has been stopped.")
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument(
        "--agents",
        type=int,
        choices=range(MOST_AGENTS + 1),
        metavar="N",
        default=0,
        help="let so many simulated agents take calls, and sign in to the console yourself",
    )
    seconds = f"watch so long at the most: {SECONDS:g}; with --agents {staffed.SECONDS:g}, and 0 until Ctrl-C"
    parser.add_argument("--seconds", type=float, help=seconds)
    speed = f"how many times faster than life people ring and talk: {SPEED:g}; with --agents {staffed.SPEED:g}"
    parser.add_argument("--speed", type=float, help=speed)
    parser.add_argument("--folder", type=Path, default=ROOT / ".demo", help="where everything is kept; emptied first")
    return parser


def _talk_by_itself(stage: Stage, seconds: float, speed: float) -> None:
    say("Starting the stand-in carrier: a server that behaves like Twilio, with simulated people")
    account = ("--account-sid", ACCOUNT, "--auth-token", TOKEN)
    with stage.running("carrier", "--port", "0", *account, "--speed", f"{speed:g}", "--people", "people.yaml") as url:
        stage.set(DIALER_TWILIO_API_URL=url)
        say("Importing two customer files: one in UTF-8, one Chinese in GB18030, both with mistakes in them")
        for file in customers.write(stage.folder, datetime.now(UTC)):  # noqa: TID251 - the demo happens now
            stage.dialer("customers", "import", file.name)
        say("What a campaign would do, before anything is in force: whom it may call when, and which rules say no")
        stage.dialer("campaigns", "plan", str(ROOT / "campaigns" / "insurance_renewal.yaml"))
        say("Putting the campaigns in force that need no agents; with agents: scripts/demo --agents 5")
        stage.dialer("campaigns", "apply", *(str(ROOT / "campaigns" / f"{name}.yaml") for name in AGENTLESS))
        say("Starting the service; it enrols, dials, talks and records. Watching it:")
        with stage.running("run"):
            stage.dialer("watch", "--until-idle", "--at-most", f"{seconds:g}")
            say("Stopping the service: no new calls, those going on may end")
    _report(stage)


def _report(stage: Stage) -> None:
    say("The reports")
    stage.dialer("report", "house")
    stage.dialer("report", "house", "--format", "html", "--output", "report.html")
    say("Why is a customer not called? Ask for any of them, at any instant:")
    stage.dialer("why", "X009", "--campaign", "holiday_followup")
    say("What the dialer must not or cannot do is a task for a person:")
    stage.dialer("tasks", "list")
    say("Every call that was made, judged once more by the rules of today:")
    stage.dialer("audit", "replay")
    out.print(f"\nEverything is in [bold]{stage.folder}[/bold]: settings, database, logs, reports.", soft_wrap=True)
    out.print(f"To look around: [bold]cd {stage.folder} && {DIALER} --help[/bold]", soft_wrap=True)
    out.print(f"HTML report: [bold]{stage.folder / 'report.html'}[/bold]", soft_wrap=True)


if __name__ == "__main__":
    main()
