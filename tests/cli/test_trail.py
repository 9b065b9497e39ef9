"""What people change or are shown whole on the command line is in the trail: by whom, and without whole numbers."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from dialer import bootstrap
from dialer.cli.trail import deed
from dialer.core.lifecycle import EventKind
from dialer.errors import DialerError
from dialer.web.console.trail import ACTIONS
from tests.cli.calls import place, tell

if TYPE_CHECKING:
    from dialer.store import Deed
    from tests.cli.office import Office

AT = ("--at", "2026-03-05 10:00")
LIFT = ("--by", "Li Na", "--said", "letter of +44 20 7946 0001")
WHOLE = ("2079460001", "9012345678", "2125550123", "870773111632")


@pytest.fixture(autouse=True)
def tom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "tom")


@pytest.fixture
def filled(working: Office) -> Office:
    """An office with something of everything, and a trail that begins now."""
    working.run("do-not-call", "add", "+442079460009")
    working.run("promises", "make", "tokyo", "survey", *AT, "--by", "Li Na")
    (working.folder / "stop.txt").write_text("+442079460003\n")
    with closing(sqlite3.connect(working.folder / "crm.db")) as crm:
        crm.execute("CREATE TABLE people (ref TEXT, phone TEXT)")
        crm.execute("INSERT INTO people VALUES ('1', '+442079460008')")
        crm.commit()
    (working.folder / "crm.yaml").write_text("database: sqlite:///crm.db\nselect: SELECT * FROM people\n")
    working.campaign("other")
    return working


def latest() -> list[Deed]:
    with closing(bootstrap.open_store()) as store:
        return [one.deed for one in reversed(store.audit.latest(1000))]


def done(office: Office, *arguments: str) -> list[Deed]:
    """What a command adds to the trail."""
    before = len(latest())
    office.run(*arguments)
    return latest()[before:]


@pytest.mark.parametrize(
    ("arguments", "action", "subject", "told"),
    [
        (("campaigns", "apply", "campaigns/other.yaml"), "campaign.apply", "other", {}),
        (("campaigns", "pause", "survey", "--reason", "no line"), "campaign.pause", "survey", {"reason": "no line"}),
        (("campaigns", "resume", "survey"), "campaign.resume", "survey", {}),
        (("do-not-call", "add", "+442079460001"), "do-not-call.add", "", {"added": 1, "by": "tom"}),
        (("do-not-call", "add", "--customer", "tokyo"), "do-not-call.add", "tokyo", {"callbacks_stopped": 1}),
        (("do-not-call", "lift", "+442079460009", *LIFT), "do-not-call.lift", "", {"lifted": 1, "by": "Li Na"}),
        (("do-not-call", "import", "stop.txt"), "do-not-call.import", "", {"read": 1, "added": 1, "file": "stop.txt"}),
        (("do-not-call", "show", "+442079460009", "--reveal"), "number.show", "", {"numbers": 1}),
        (("do-not-call", "list", "--reveal"), "number.show", "", {"numbers": 1}),
        (("promises", "make", "london", "survey", *AT, "--by", "Li"), "promise.make", "london", {"by": "Li"}),
        (("promises", "withdraw", "1", "--by", "Li"), "promise.withdraw", "1", {"by": "Li"}),
        (("tasks", "take", "1", "--by", "Li"), "task.take", "1", {"by": "Li", "customer": "nowhere"}),
        (("tasks", "done", "1", "--by", "Li", "--outcome", "closed"), "task.done", "1", {"result": "closed"}),
        (("call", "london", "survey", "--by", "Li"), "call.ask", "london", {"campaign": "survey", "by": "Li"}),
        (("customers", "import", "customers.csv"), "customer.import", "", {"added": 0, "file": "customers.csv"}),
        (("customers", "sync", "crm.yaml"), "customer.sync", "", {"added": 1, "file": "crm.yaml"}),
        (
            ("customers", "confirm-zone", "london", "Europe/London", "--by", "Li"),
            "customer.confirm-zone",
            "london",
            {"zone": "Europe/London", "by": "Li"},
        ),
        (("customers", "list", "--reveal", "--limit", "2"), "number.show", "", {"customers": 2}),
        (("customers", "list", "--reveal", "--json"), "number.show", "", {"customers": "all"}),
        (("customers", "show", "london", "--reveal"), "number.show", "london", {"numbers": 1}),
        (("report", "callbacks", "--reveal"), "number.show", "", {"report": "callbacks", "format": "text"}),
        (("report", "attempts", "--reveal", "--campaign", "survey"), "number.show", "survey", {"report": "attempts"}),
    ],
)
def test_it_is_in_the_trail(
    filled: Office, arguments: tuple[str, ...], action: str, subject: str, told: dict[str, object]
) -> None:
    (one,) = done(filled, *arguments)
    assert (one.by, one.action, one.subject) == ("cli:tom", action, subject)
    assert dict(one.detail).items() >= told.items()
    assert action in ACTIONS
    digits = "".join(filter(str.isdigit, json.dumps(dict(one.detail))))
    assert not [number for number in WHOLE if number in digits]


def test_customers_who_are_enrolled_by_hand(working: Office) -> None:
    working.campaign("later")
    working.run("campaigns", "apply", "--no-enrol")
    (one,) = done(working, "campaigns", "enrol", "later")
    assert (one.action, one.subject, one.detail["enrolled"]) == ("campaign.enrol", "later", 6)


def test_a_decided_attempt_and_its_whole_events(working: Office) -> None:
    token = place("london")
    tell(token, EventKind.LOST, EventKind.AMBIGUOUS)
    assert [one.action for one in done(working, "attempts", "events", token, "--reveal", "--json")] == ["number.show"]
    (one,) = done(working, "attempts", "settle", token, "--never-placed")
    assert (one.action, one.subject) == ("attempt.settle", token)
    assert one.detail == {"decided": "absent", "state": "not_placed"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("campaigns", "apply", "campaigns/survey.yaml"),
        ("campaigns", "enrol"),
        ("customers", "import", "customers.csv", "--dry-run"),
        ("customers", "list"),
        ("customers", "show", "london"),
        ("do-not-call", "list"),
        ("do-not-call", "show", "--customer", "london", "--reveal"),
        ("report", "callbacks"),
        ("report", "summary"),
        ("promises", "list"),
        ("tasks", "list"),
    ],
)
def test_what_changes_and_shows_nothing_is_not(filled: Office, arguments: tuple[str, ...]) -> None:
    assert done(filled, *arguments) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("campaigns", "pause", "nothing"),
        ("promises", "withdraw", "77", "--by", "Li"),
        ("tasks", "take", "77", "--by", "Li"),
        ("call", "nobody", "survey", "--by", "Li"),
        ("customers", "confirm-zone", "nobody", "Europe/London", "--by", "Li"),
        ("customers", "show", "nobody", "--reveal"),
    ],
)
def test_what_was_refused_is_not(filled: Office, arguments: tuple[str, ...]) -> None:
    before = len(latest())
    with pytest.raises(DialerError):
        filled.run(*arguments)
    assert len(latest()) == before


def test_a_number_that_somebody_typed_as_a_reason_is_masked() -> None:
    assert deed("campaign.pause", "survey", reason="ask +442079460001 first").detail == {
        "reason": "ask ••••••01 first",
    }
