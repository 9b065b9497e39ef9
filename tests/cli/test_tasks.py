"""`dialer tasks` from the side of the people who do them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dialer.errors import InputError, NotFoundError
from tests.campaigns import NOW

if TYPE_CHECKING:
    from tests.cli.office import Office

CUSTOMERS = """\
reference,name,phone,region,tier,agent
ann,Ann [b]Bell[/b],+44 20 7946 0001,GB,vip,Li Na
sat,Sat,+870 773 111 632,,,
"""
CLOSED = {"windows": {"sat": ["12:00-14:00"]}}
"""A campaign that opens only after every deadline of these tests."""


@pytest.fixture
def busy(office: Office) -> Office:
    """An office with a VIP whose deadline cannot be met, and somebody without a number that may be dialed."""
    office.set(DIALER_ALLOWED_COUNTRIES="GB", DIALER_DUTY_PERSON="Wang", DIALER_HOUSE_ZONE="Europe/London")
    office.customers(CUSTOMERS)
    office.campaign(when=CLOSED)
    office.run("campaigns", "apply")
    return office


def test_the_list_says_who_why_for_whom_and_until_when(busy: Office) -> None:
    told = busy.run("tasks", "list").stdout
    for part in (
        "ann Ann [b]Bell[/b]",
        "Li Na",
        "Wang",
        "deadline at risk: no callable time",
        "numbers we never dial",
        "Fri 2026-03-06",
    ):
        assert part in told, part
    first, second = busy.objects("tasks", "list")
    assert {one["customer"]: (one["kind"], one["person"], one["state"]) for one in (first, second)} == {
        "ann": ("deadline", "Li Na", "open"),
        "sat": ("number_policy", "Wang", "open"),
    }


def test_a_task_has_two_lines_that_fit_a_terminal(busy: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = busy.run("tasks", "list").stdout.splitlines()
    assert len(whole) == 5
    assert whole[2].endswith("no callable time before the deadline: the dialer cannot reach this customer in time")
    monkeypatch.setattr("dialer.cli.screen.out._force_terminal", True)
    busy.clock(NOW + timedelta(days=4))
    told = busy.run("tasks", "list").stdout.splitlines()
    assert [line.split()[0] for line in told[:5]] == ["id", "1", "for", "2", "for"]
    assert "ann Ann [b]Bell[/b] (vip)" in told[1]
    assert "overdue" in told[1]
    assert max(map(len, told)) <= 80
    assert "--json" in told[5]


def test_whoever_acts_is_named_with_by_everywhere(busy: Office) -> None:
    ann, sat = (str(one["task"]) for one in busy.objects("tasks", "list"))
    assert busy.objects("tasks", "take", ann, "--by", "Li Na")[0]["taken_by"] == "Li Na"
    assert busy.objects("tasks", "done", ann, "--by", "Li Na", "--outcome", "closed")[0]["done_by"] == "Li Na"
    assert busy.objects("tasks", "take", sat, "--as", "Wang")[0]["taken_by"] == "Wang"


def test_lists_can_be_narrowed(busy: Office) -> None:
    assert [one["customer"] for one in busy.objects("tasks", "list", "--mine", "Li Na")] == ["ann"]
    assert busy.objects("tasks", "list", "--campaign", "renewal") == []
    assert "Nothing is to be done." in busy.run("tasks", "list", "--mine", "nobody").stdout
    (task,) = busy.objects("tasks", "list", "--mine", "Li Na")
    busy.run("tasks", "take", str(task["task"]), "--as", "Li Na")
    assert [one["customer"] for one in busy.objects("tasks", "list", "--open")] == ["sat"]
    assert len(busy.objects("tasks", "list")) == 2
    busy.run("tasks", "done", str(task["task"]), "--as", "Li Na", "--outcome", "reached")
    assert len(busy.objects("tasks", "list")) == 1
    assert [one["result"] for one in busy.objects("tasks", "list", "--all")] == ["reached", ""]


def test_overdue_is_said(busy: Office) -> None:
    busy.clock(NOW + timedelta(days=4))
    assert "overdue" in busy.run("tasks", "list").stdout
    assert all(one["overdue"] for one in busy.objects("tasks", "list"))


def test_a_task_from_taking_it_to_its_end(busy: Office) -> None:
    task = str(busy.objects("tasks", "list", "--mine", "Li Na")[0]["task"])
    told = busy.run("tasks", "take", task, "--as", " Li Na ").stdout
    assert "is Li Na's: ann Ann [b]Bell[/b] in survey" in told
    with pytest.raises(InputError, match="Li Na took it"):
        busy.run("tasks", "take", task, "--as", "Wang")
    told = busy.run("tasks", "done", task, "--as", "Li Na", "--outcome", "reached", "--note", "glad").stdout
    assert f"Task {task} is done: reached." in told
    (row,) = [one for one in busy.objects("report", "callbacks") if one["customer"] == "ann"]
    assert row["state"] == "done"
    with pytest.raises(InputError, match="it was done by Li Na"):
        busy.run("tasks", "take", task, "--as", "Wang")


def test_call_again_says_what_the_gate_makes_of_it(busy: Office) -> None:
    tasks = {one["customer"]: str(one["task"]) for one in busy.objects("tasks", "list")}
    told = busy.run("tasks", "done", tasks["ann"], "--as", "Li Na", "--outcome", "call_again").stdout
    assert "The dialer calls from Sat 2026-03-07 12:00 Europe/London on." in told
    told = busy.run("tasks", "done", tasks["sat"], "--as", "Wang", "--outcome", "call_again").stdout
    assert "The dialer does not call:" in told
    (again,) = busy.objects("tasks", "list")
    assert again["customer"] == "sat"
    assert (
        busy.objects("tasks", "done", str(again["task"]), "--as", "Wang", "--outcome", "closed")[0]["refused"] is None
    )


def test_one_who_does_not_want_to_be_called_is_nobodys_task(busy: Office) -> None:
    task = str(busy.objects("tasks", "list", "--mine", "Li Na")[0]["task"])
    busy.run("do-not-call", "add", "--customer", "ann")
    with pytest.raises(InputError, match="asked not to be called"):
        busy.run("tasks", "take", task, "--as", "Li Na")


def test_what_is_wrong_is_said(busy: Office) -> None:
    with pytest.raises(NotFoundError, match="no task 99"):
        busy.run("tasks", "take", "99", "--as", "Li Na")
    with pytest.raises(InputError, match="say your name"):
        busy.run("tasks", "take", "1", "--as", " ")


def test_deadlines_that_cannot_be_met_are_said_at_enrolment(office: Office) -> None:
    office.customers(CUSTOMERS)
    office.campaign(when=CLOSED)
    result = office.run("campaigns", "apply")
    assert "2 of them cannot be called before their deadline as the rules are" in result.stderr
    assert "dialer tasks list" in result.stderr
    office.campaign("second", when=CLOSED)
    office.run("campaigns", "apply", "campaigns/second.yaml", "--no-enrol")
    assert office.objects("campaigns", "enrol")[0]["infeasible"] == 2
    office.campaign("third", when=CLOSED)
    office.run("campaigns", "apply", "campaigns/third.yaml", "--no-enrol")
    assert "cannot be called before their deadline" in office.run("campaigns", "enrol").stderr
    figures = {one["campaign"]: one["infeasible"] for one in office.objects("report", "house")}
    assert figures == {"survey": 2, "second": 2, "third": 2, "": 6}
