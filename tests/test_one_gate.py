"""There is one gate: every way in which a call can come about passes it, and a new way that does not fails here."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "dialer"
MODULES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}


@cache
def functions() -> dict[str, str]:
    """Every function of the program, `module:function`, with its source without spaces, comments and line breaks."""
    return {
        f"{module}:{node.name}": "".join(ast.unparse(node).split())
        for module, tree in MODULES.items()
        if not module.startswith("carrier/")  # the telephone network, which makes calls and knows nothing of ours
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }


def functions_that(uses: str) -> set[str]:
    """The functions whose source, without spaces, holds `uses`."""
    return {name for name, source in functions().items() if uses in source}


COMMITS = ("_claim_and_commit", "_claim_for", "_commit_previewed")


@pytest.mark.parametrize(
    ("what", "uses", "where"),
    [
        ("asks a carrier for a call", ".place(", {"engine/dial.py:_send"}),
        ("asks a carrier to call an agent's telephone", ".park(", {"engine/parking.py:_place"}),
        ("creates a call at Twilio", ".create_async(", {"telephony/twilio.py:_create"}),
        (
            "creates a customer's or an agent's call",
            "self._create(",
            {"telephony/twilio.py:place", "telephony/twilio.py:park"},
        ),
        ("writes an intent", "insert(attempt)", {"store/intents.py:write"}),
        ("has intents written", "intents.write(", {"store/callbacks.py:claim", "store/reservations.py:_first"}),
        ("commits to dial", "EventKind.SENT,", {"store/attempts.py:commit"}),
        (
            "takes callbacks out of the queue to dial them",
            "queue.claim(",
            {"store/callbacks.py:claim", "store/reservations.py:_first"},
        ),
        ("claims", "callbacks.claim", {"engine/dial.py:_claim_and_commit"}),
        ("claims for an agent", "reservations.claim", {"engine/dial.py:_claim_for"}),
        ("commits", "attempts.commit", {f"engine/dial.py:{name}" for name in COMMITS}),
        ("sends what was committed", "._send(", {"engine/dial.py:_go"}),
    ],
)
def test_there_is_one_place_that(what: str, uses: str, where: set[str]) -> None:
    assert functions_that(uses) == where, f"another place {what}; it must go through the gate like this one"


@pytest.mark.parametrize("gate", ["store/intents.py:write", "store/attempts.py:commit"])
def test_the_gate_is_asked_where_intents_are_written_and_committed(gate: str) -> None:
    assert gate in functions_that("decide(")


def test_the_carrier_is_known_only_to_who_wires_it() -> None:
    """Nobody else can reach a carrier around the dialer."""
    importers = {
        module
        for module, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dialer.telephony")
    }
    outside = {module for module in importers if not module.startswith("telephony/")}
    assert outside <= {"bootstrap.py", "cli/doctor.py"}
