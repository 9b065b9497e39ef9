"""`dialer campaigns apply|list|pause|resume|enrol` from a manager's side."""

from __future__ import annotations

import pytest

from dialer.errors import CampaignFileError, NotFoundError
from tests.campaigns import NOW
from tests.cli.office import Office, instant
from tests.presets import OWN


def test_files_are_put_in_force_and_customers_enrolled(office: Office) -> None:
    office.customers()
    office.campaign("one")
    office.campaign("two", who={"field": "region", "is": "JP"})
    told = office.objects("campaigns", "apply")
    assert [(one["campaign"], one["changed"], one["enrolled"]) for one in told] == [("one", True, 6), ("two", True, 1)]
    again = office.objects("campaigns", "apply")
    assert [(one["changed"], one["enrolled"]) for one in again] == [(False, 0), (False, 0)]
    assert [one["version"] for one in again] == [one["version"] for one in told]
    assert "one version" in office.run("campaigns", "apply").stdout
    assert "was in force already, 0 newly enrolled" in office.run("campaigns", "apply").stdout


def test_a_typing_error_in_one_of_several_files_applies_none(office: Office) -> None:
    good, bad = office.campaign("good"), office.campaign("bad", wihch="nobody")
    worse = office.campaign("worse", why_now={"deadline": "3 dys"})
    worse.write_text(worse.read_text().replace('"hotline"', '"hotlien"'), encoding="utf-8")
    with pytest.raises(CampaignFileError) as error:
        office.run("campaigns", "apply", str(good), str(bad), str(worse))
    assert error.value.exit_code == 2
    said = [str(problem) for problem in error.value.problems]
    assert any("bad.yaml:1 wihch: unknown key 'wihch'" in one for one in said)
    assert any("worse.yaml" in one and "'hotlien'" in one and "did you mean 'hotline'?" in one for one in said)
    assert any("worse.yaml" in one and "'3 dys' is no duration" in one for one in said)
    assert office.objects("campaigns", "list") == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("apply", "missing.yaml"), "missing.yaml: cannot be read"),
        (("apply",), "campaigns"),
        (("apply", "."), "no campaign files here"),
    ],
)
def test_what_is_not_there_is_said(office: Office, arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(CampaignFileError, match=says):
        office.run("campaigns", *arguments)
    assert office.objects("campaigns", "list") == []


def test_two_files_of_one_campaign_are_a_mistake(office: Office) -> None:
    first, second = office.campaign(), office.folder / "copy.yaml"
    second.write_text(first.read_text(), encoding="utf-8")
    with pytest.raises(CampaignFileError, match="give each file a campaign name of its own"):
        office.run("campaigns", "apply", str(first), str(second))


def test_a_changed_file_is_a_new_version_and_does_not_start_a_paused_campaign(working: Office) -> None:
    before = working.objects("campaigns", "list")[0]
    working.run("campaigns", "pause", "survey")
    working.run("campaigns", "apply", str(working.campaign(title="Changed")))
    after = working.objects("campaigns", "list")[0]
    assert after["title"] == "Changed"
    assert after["version"] != before["version"]
    assert after["state"] == "paused"


def test_fields_that_no_customer_has_are_noted_and_not_refused(working: Office) -> None:
    working.run("campaigns", "apply", str(working.campaign(fields={"policy_expiry": "date"})))
    result = working.run("campaigns", "apply")
    assert "note survey: no customer has policy_expiry" in result.stderr.replace("\n", " ")
    assert working.objects("campaigns", "apply")[0]["fields_nobody_has"] == ["policy_expiry"]


def test_enrolment_can_be_left_to_the_service_or_asked_for(office: Office) -> None:
    office.customers()
    office.campaign()
    assert office.objects("campaigns", "apply", "--no-enrol")[0]["enrolled"] is None
    assert office.objects("campaigns", "enrol", "survey") == [{"enrolled": 6, "withdrawn": 0, "infeasible": 1}]
    assert office.objects("campaigns", "enrol") == [{"enrolled": 0, "withdrawn": 0, "infeasible": 0}]
    assert office.run("campaigns", "enrol").stdout == "0 enrolled, 0 no longer selected\n"


def test_list_says_what_runs_and_where_callbacks_stand(working: Office) -> None:
    (told,) = working.objects("campaigns", "list")
    assert instant(told.pop("applied")) == NOW
    assert len(told.pop("version")) > 8
    assert told == {
        "campaign": "survey",
        "title": "Survey",
        "state": "running",
        "pause_reason": "",
        "waiting": 4,
        "calling": 0,
        "held": 1,
        "done": 0,
        "closed": 1,
    }


def test_list_fits_a_terminal_even_with_a_long_name_and_many_customers(working: Office) -> None:
    name = "a_name_that_goes_on_for_forty_characters"
    working.run("campaigns", "apply", str(working.campaign(name)))
    working.run("campaigns", "pause", "survey", "--reason", "[red]the offer is wrong[/nothing]")
    text = working.run("campaigns", "list").stdout
    assert max(map(len, text.splitlines())) <= 80
    assert "survey is paused: [red]the offer is wrong[/nothing]" in text


def test_an_empty_list_says_what_to_do(office: Office) -> None:
    assert "dialer campaigns apply FILE" in office.run("campaigns", "list").stdout
    assert office.objects("campaigns", "list") == []


def test_pause_and_resume(working: Office) -> None:
    assert working.run("campaigns", "pause", "survey").stdout == "survey is paused\n"
    (told,) = working.objects("campaigns", "list")
    assert (told["state"], told["pause_reason"]) == ("paused", "paused by hand")
    assert working.run("campaigns", "resume", "survey").stdout == "survey is running\n"
    assert working.objects("campaigns", "pause", "survey") == [{"campaign": "survey", "state": "paused"}]
    assert working.objects("campaigns", "resume", "survey") == [{"campaign": "survey", "state": "running"}]


@pytest.mark.parametrize("command", ["pause", "resume", "enrol"])
def test_an_unknown_campaign_is_named(working: Office, command: str) -> None:
    with pytest.raises(NotFoundError, match="no campaign 'nix' has been applied; `dialer campaigns list` shows"):
        working.run("campaigns", command, "nix")


# Checking files.


def test_a_misspelt_sector_is_refused_wherever_a_file_is_read(office: Office) -> None:
    file = str(office.campaign(sectors=["moter"]))
    for command in (("check", file), ("apply", file), ("plan", file), ("rehearse-script", file, "--keys", "1")):
        with pytest.raises(CampaignFileError, match=r"no rule speaks of the sector 'moter' \(did you mean 'motor'\?\)"):
            office.run("campaigns", *command)
    (office.folder / "rules").mkdir()
    own = OWN.replace("    hours:", "    sectors: [moter]\n    hours:", 1)
    (office.folder / "rules" / "own.yaml").write_text(own, encoding="utf-8")
    office.set(DIALER_RULES=str(office.folder / "rules"))
    assert office.run("campaigns", "check", file).exit_code == 0, "a rule of one's own speaks of it"


def test_a_window_that_nobody_can_ever_use_is_a_warning(office: Office) -> None:
    file = str(office.campaign(when={"windows": {"daily": ["03:00-05:00"]}}))
    result = office.run("campaigns", "check", file)
    assert result.exit_code == 0
    assert "03:00-05:00 never meets the house window 08:00-21:00\n" in result.stdout
    (told,) = office.objects("campaigns", "check", file)
    assert told["ok"]
    assert [(one["hours"], one["country"], one["closed_by"]) for one in told["windows_never_open"]] == [
        ("03:00-05:00", None, ["house"])
    ]
    (told,) = office.objects("campaigns", "check", str(office.campaign()))
    assert told["windows_never_open"] == []


def test_what_stands_in_the_way_of_finding_more_is_said_to_people(office: Office) -> None:
    more = "more may be found when these are mended"
    file = str(office.campaign(titel="x", sectors=["moter"]))
    with pytest.raises(CampaignFileError) as caught:
        office.run("campaigns", "check", file)
    assert [problem.what for problem in caught.value.problems] == ["unknown key 'titel'", more]
    with pytest.raises(CampaignFileError) as caught:
        office.run("campaigns", "check", file, "--json")
    assert more not in str(caught.value)
    with pytest.raises(CampaignFileError) as caught:
        office.run("campaigns", "check", str(office.campaign(sectors=["moter"])))
    assert more not in str(caught.value), "all was looked at"
