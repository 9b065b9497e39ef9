"""`dialer attempts` from an operator's side: what happened in one call, and what only a person can decide."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dialer.core.lifecycle import AttemptState, EventKind
from dialer.errors import InputError, NotFoundError
from tests.campaigns import NOW
from tests.cli.calls import place, tell
from tests.cli.office import instant

if TYPE_CHECKING:
    from tests.cli.office import Office


@pytest.fixture
def unclear(working: Office) -> str:
    """An attempt for which the carrier has several calls."""
    token = place("london")
    assert tell(token, EventKind.LOST, EventKind.AMBIGUOUS) is AttemptState.NEEDS_HUMAN
    assert len(working.objects("attempts", "undecided")) == 1
    return token


def test_nothing_to_decide(working: Office) -> None:
    assert working.run("attempts", "undecided").stdout == "Nothing to decide.\n"
    assert working.objects("attempts", "undecided") == []


def test_undecided_attempts_are_listed(working: Office, unclear: str) -> None:
    (told,) = working.objects("attempts", "undecided")
    assert instant(told.pop("created")) == NOW
    assert told == {"attempt": unclear, "number": "+44••••••0001"}
    text = working.run("attempts", "undecided").stdout
    assert unclear in text
    assert "dialer attempts settle" in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_person_names_the_call(working: Office, unclear: str) -> None:
    assert working.run("attempts", "settle", unclear, "--call", "CA1").stdout == f"{unclear} is now accepted\n"
    assert working.objects("attempts", "undecided") == []
    assert tell(unclear, EventKind.ENDED, call="CA1") is AttemptState.FINAL


def test_a_person_says_that_there_was_no_call(working: Office, unclear: str) -> None:
    told = working.objects("attempts", "settle", unclear, "--never-placed")
    assert told == [{"attempt": unclear, "state": "not_placed"}]
    (why,) = working.objects("why", "london")
    assert next(rule["passed"] for rule in why["rules"] if rule["name"] == "in_call"), "the number is still held"


def test_a_decision_is_taken_once(working: Office, unclear: str) -> None:
    working.run("attempts", "settle", unclear, "--never-placed")
    with pytest.raises(NotFoundError, match="waits for no decision; `dialer attempts undecided` lists"):
        working.run("attempts", "settle", unclear, "--call", "CA1")


@pytest.mark.parametrize("decisions", [(), ("--call", "CA1", "--never-placed")], ids=["none", "both"])
def test_one_decision_is_needed(working: Office, unclear: str, decisions: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="give --call ID or --never-placed"):
        working.run("attempts", "settle", unclear, *decisions)
    assert len(working.objects("attempts", "undecided")) == 1


def test_events_are_told_in_order_and_without_whole_numbers(working: Office) -> None:
    token = place("london")
    tell(
        token, EventKind.PLACED, EventKind.RINGING, call="CA1", detail={"To": "+442079460001", "CallStatus": "ringing"}
    )
    told = working.objects("attempts", "events", token)
    assert [one["kind"] for one in told] == ["sent", "placed", "ringing"]
    assert all(instant(one["received"]) == NOW for one in told)
    assert told[1]["carrier_call_id"] == "CA1"
    assert told[2]["detail"]["CallStatus"] == "ringing"
    assert "2079460001" not in json.dumps(told)
    assert "2079460001" in json.dumps(working.objects("attempts", "events", token, "--reveal"))


def test_people_read_events_in_a_terminal(working: Office) -> None:
    token = place("london")
    tell(
        token,
        EventKind.PLACED,
        EventKind.ANSWERED,
        EventKind.ENDED,
        call="CA" + "0" * 32,
        detail={"To": "+442079460001"},
    )
    text = working.run("attempts", "events", token).stdout
    assert max(map(len, text.splitlines())) <= 80
    assert [line.split()[1:3] for line in text.splitlines() if "03-03 14:30:00" in line]
    assert text.count("CA" + "0" * 32) == 1
    assert "2079460001" not in text


@pytest.mark.parametrize("command", [("events",), ("settle", "--never-placed")])
def test_an_unknown_attempt_is_named(working: Office, command: tuple[str, ...]) -> None:
    with pytest.raises(NotFoundError, match="nix") as error:
        working.run("attempts", command[0], "nix", *command[1:])
    assert error.value.exit_code == 2
