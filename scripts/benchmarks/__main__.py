"""Chooses which figures are measured, and prints each as it is known."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from rich.console import Console

from scripts.benchmarks import board, bridge, calls, claim, decisions, gate, importing, memory, openings, pacing, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scripts.benchmarks.figure import Figure

BENCHES: dict[str, Callable[[bool], Iterator[Figure]]] = {
    "gate": gate.measure,
    "openings": openings.measure,
    "decisions": decisions.measure,
    "claim": claim.measure,
    "calls": calls.measure,
    "import": importing.measure,
    "memory": memory.measure,
    "plan": plan.measure,
    "pacing": pacing.measure,
    "board": board.measure,
    "bridge": bridge.measure,
}
LISTED = """\
gate      decisions a second of the admission gate, in one process
openings  the next allowed instant a second, with plans at hand and cold; open time until a deadline; at least 100,000
          cases against an oracle that steps minute by minute
decisions the gate as a claim asks it, facts read from SQLite, with 10,000 and with a million past attempts
claim     taking the next 100 of a million callbacks, with and without 400,000 resting VIPs before them
calls     calls started and settled a second, from the service through the stand-in carrier, beside the raw store;
          CPU per call and by whom; how soon webhooks are answered
import    rows of a customer file a second, and whether memory stays flat
memory    memory of the service with 1,000 and with 300,000 callbacks waiting
plan      `campaigns plan` over a million customers: seconds for a new campaign and for a change to one in force; memory
pacing    how busy agents are and how many people answer to silence, in simulated shifts of 1 to 100 agents, beside
          progressive; what learning who answers gains; CPU of a decision. Some minutes
board     CPU of the service while 20 screens show the board of 200 agents whose calls come and go
bridge    from a customer's answer to both being in the conference, with 50 agents at their screens, in two modes; that
          no conference ever held more than two. Ten minutes
"""


def main() -> None:
    """Measure; exit code 1 when a figure does not reach what was promised."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures the program. Prints one JSON object a line, each figure with its conditions and with a "
        "raw baseline of the same run.",
        epilog=LISTED,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which to run; all when none is named")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size: for trying, not for judging")
    parser.add_argument("--json", action="store_true", help="only the JSON, no sentences beside it on standard error")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(BENCHES))
    if unknown:
        parser.error(f"no such figure: {', '.join(unknown)}; known are {', '.join(BENCHES)}")
    words = Console(stderr=True, highlight=False, quiet=given.json)
    missed = False
    for name in given.names or BENCHES:
        words.print(f"[bold cyan]==[/bold cyan] [bold]{name}[/bold]")
        for figure in BENCHES[name](given.quick):
            words.print(figure.sentence, markup=False)
            print(figure.as_json(), flush=True)
            missed = missed or figure.reached is False
    sys.exit(1 if missed and not given.quick else 0)


if __name__ == "__main__":
    main()
