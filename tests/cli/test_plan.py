"""`dialer campaigns plan` from a user's side: counts, reasons, hours, and what a change would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dialer import bootstrap
from dialer.core.customer import Customer
from dialer.errors import CampaignFileError, InputError
from tests.campaigns import NOW, number
from tests.cli.office import instant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.office import Office

WIDE = {"windows": {"daily": ["08:00-21:00"]}}


def plan(office: Office, file: Path, *more: str) -> dict[str, Any]:
    (told,) = office.objects("campaigns", "plan", str(file), *more)
    return told


def places(told: dict[str, Any]) -> dict[tuple[str, str | None], int]:
    return {(one["place"], one["by"]): one["customers"] for one in told["places"]}


def test_everybody_is_counted_before_anything_is_applied(office: Office) -> None:
    office.customers()
    told = plan(office, office.campaign())
    assert places(told) == {
        ("callable_now", None): 3,
        ("waiting", "hours: campaign"): 1,
        ("refused", "number_policy"): 1,
        ("refused", "opted_out"): 1,
    }
    assert (told["customers"], told["targeted"], told["in_force"], told["unchanged"]) == (6, 6, None, None)
    (waits,) = [one for one in told["places"] if one["place"] == "waiting"]
    assert instant(waits["first_until"]).isoformat() == "2026-03-04T00:00:00+00:00", "nine o'clock in Tokyo"
    assert instant(told["at"]) == NOW
    assert bootstrap.open_store().campaigns.all() == [], "a plan applies nothing"


def test_first_calls_by_hour(office: Office) -> None:
    office.customers()
    hours = plan(office, office.campaign())["calls_by_hour"]
    assert [(one["from"], one["calls"]) for one in hours if one["calls"]] == [
        ("2026-03-03T14:00:00Z", 3),
        ("2026-03-04T00:00:00Z", 1),
    ]
    assert len(hours) == 58, "the rest of today and two days more"


def test_as_if_it_were_another_instant(office: Office) -> None:
    office.customers()
    told = plan(office, office.campaign(), "--at", "2026-03-03T03:00Z")
    assert places(told)["callable_now", None] == 1, "only Tokyo is awake"
    assert instant(told["at"]).hour == 3


def test_what_changes_against_the_version_in_force(working: Office) -> None:
    told = plan(working, working.campaign(when={"windows": {"daily": ["15:00-20:00"]}}))
    changes = {(one["before"], one["after"]): one["customers"] for one in told["changes"]}
    assert changes == {("callable_now", "waiting: hours: campaign"): 3}
    assert (told["unchanged"], told["already_enrolled"], told["not_called_again"]) == (3, 4, 2)
    assert plan(working, working.campaign())["changes"] == []
    assert "This version is in force already." in working.run("campaigns", "plan", str(working.campaign())).stdout


def test_windows_that_nobody_can_use_are_warned_of(office: Office) -> None:
    office.customers()
    file = office.campaign(when={"windows": {"daily": ["08:00-20:00"]}})
    assert {"country": "GB", "weekdays": ["mon", "tue", "wed", "thu", "fri", "sat"], "hours": "08:00-09:00"} | {
        "closed_by": ["gb-practice-hours"]
    } in plan(office, file)["unused_hours"]
    text = " ".join(office.run("campaigns", "plan", str(file)).stdout.split())
    assert "never used in GB: mon-sat 08:00-09:00 of the file's windows is closed by gb-practice-hours" in text


def test_windows_that_no_house_and_no_rule_allow_are_warned_of_even_when_nobody_could_be_called(office: Office) -> None:
    file = office.campaign(when={"windows": {"mon-fri": ["03:00-05:00"], "sun": ["12:00-14:00"]}})
    told = [(one["hours"], one["country"], one["closed_by"]) for one in plan(office, file)["windows_never_open"]]
    assert told == [("03:00-05:00", None, ["house"]), ("12:00-14:00", "GB", ["gb-practice-hours"])]
    text = " ".join(office.run("campaigns", "plan", str(file)).stdout.split())
    assert "warning mon-fri 03:00-05:00 never meets the house window 08:00-21:00" in text
    assert (
        "warning sun 12:00-14:00 never meets gb-practice-hours mon-fri 09:00-20:00; sat 09:00-17:00; sun closed in GB"
        in text
    )


def test_a_special_day_to_come_is_due_later(office: Office) -> None:
    office.customers()
    told = plan(office, office.campaign(why_now={"due": {"special_day": "telecom_day"}, "deadline": "3 days"}))
    assert (told["due_later"], instant(told["first_due_later"]).date().isoformat()) == (6, "2026-05-17")


def test_people_read_it_on_a_narrow_terminal(working: Office) -> None:
    working.run("campaigns", "pause", "survey")
    working.run("campaigns", "resume", "survey")
    text = working.run("campaigns", "plan", str(working.campaign(when=WIDE))).stdout
    assert max(map(len, text.splitlines())) <= 80
    assert "6 customers, 6 targeted now" in text
    assert "callable now" in text
    assert "waiting: hours of campaign" in text
    assert "First calls by hour, UTC" in text
    assert "\n  Tue 03-03 " in text
    assert "at most 1 a second and 10 at once; a call is taken to last 1 min" in text
    assert "in force: " in text


def test_what_makes_a_plan_empty_is_said(working: Office) -> None:
    working.run("campaigns", "pause", "survey")
    store = bootstrap.open_store()
    store.customers.upsert([Customer("lost", "Eva", numbers=(number(9),), region="GB", zone="Atlantis/Capital")], NOW)
    store.close()
    text = " ".join(working.run("campaigns", "plan", str(working.campaign())).stdout.split())
    assert "The campaign is paused: nobody is called until it is resumed." in text
    assert "no zone for 1 customers." in text
    assert "customers confirm-zone REFERENCE" in text
    assert "none in these days" in text


def test_deadlines_that_cannot_be_met_are_counted(office: Office) -> None:
    office.customers()
    file = office.campaign(why_now={"deadline": "1 h"}, when={"windows": {"daily": ["16:00-18:00"]}})
    told = plan(office, file, "--at", "2026-03-03T12:00Z")
    assert told["infeasible"] == [{"why": "hours: campaign", "customers": 4}]
    text = office.run("campaigns", "plan", str(file), "--at", "2026-03-03T12:00Z").stdout
    assert "4 deadlines cannot be met" in text


def test_a_file_that_is_wrong_is_not_planned(office: Office) -> None:
    file = office.campaign(purpose="fun")
    with pytest.raises(CampaignFileError, match="purpose"):
        office.run("campaigns", "plan", str(file))
    with pytest.raises(InputError, match="--at: 'noon' is no instant"):
        office.run("campaigns", "plan", str(office.campaign()), "--at", "noon")
