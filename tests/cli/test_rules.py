"""`dialer rules` from a compliance officer's side."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from dialer.errors import InputError, NotFoundError
from tests.presets import OWN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.office import Office

REPLACES = OWN.replace("id: own", "id: us-strictest-all")


def own(office: Office, text: str = OWN, folder: str = "rules") -> Path:
    """A folder of own presets, put in force."""
    path = office.folder / folder
    path.mkdir()
    (path / "own.yaml").write_text(text, encoding="utf-8")
    office.set(DIALER_RULES=str(path))
    return path


def ids(office: Office, *more: str) -> list[str]:
    return [one["id"] for one in office.objects("rules", "list", *more)]


def test_the_list_names_all_and_narrows(office: Office) -> None:
    assert len(ids(office)) == 48
    assert ids(office, "--country", "gb") == ["gb-practice-hours", "gb-ofcom-misuse"]
    assert ids(office, "--country", "US", "--purpose", "collection") == ["us-reg-f"]
    text = office.run("rules", "list", "--country", "CN").stdout
    assert "cn-life-insurance-telesales" in text
    assert "2026-11-21 !" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_country_without_rules_says_what_holds(office: Office) -> None:
    assert "only the house window" in office.run("rules", "list", "--country", "JP").stdout


@pytest.mark.parametrize(
    ("told", "mend"), [("USA", "did you mean US?"), ("uk", "did you mean GB?"), ("XX", "expected two letters")]
)
def test_a_country_that_does_not_exist_is_not_one_without_rules(office: Office, told: str, mend: str) -> None:
    with pytest.raises(InputError, match=f'"{told}" is not the code of a country') as caught:
        office.run("rules", "list", "--country", told)
    assert caught.value.exit_code == 2
    assert mend in caught.value.problems[0].mend


def test_one_of_a_kind_is_said_as_one(office: Office) -> None:
    own(office, OWN.replace("{ max: 2, period: local_day,", "{ max: 1, period: 1 day,"))
    text = " ".join(office.run("rules", "show", "own").stdout.split())
    assert "at most 1 attempt in 1 day for each person" in text


def test_an_old_review_is_marked(office: Office) -> None:
    office.clock(datetime(2028, 1, 1, tzinfo=UTC))
    assert "2026-11-21 !" in office.run("rules", "list", "--country", "GB").stdout
    assert all(one["stale"] for one in office.objects("rules", "list"))
    assert "stale: the last review" in office.run("rules", "show", "us-fl").stdout


def test_one_rule_is_shown_whole(office: Office) -> None:
    text = " ".join(office.run("rules", "show", "cn-callback-house").stdout.split())
    for part in (
        "cn-callback-house · shipped with the program",
        "fri 09:00-12:00, 14:00-20:00 sat 10:00-12:00, 14:00-18:00",
        "closed on those of CN",
        "at most 2 attempts in one day of the called party's calendar for each person",
        "7 days without a call after: completed, for each person",
        "a time the customer asked for lifts hours, holidays and caps",
        "within 3 days after the reason arose",
        "reviewed on 2026-11-21",
        "A choice of the house, not law.",
    ):
        assert part in text
    text = " ".join(office.run("rules", "show", "us-tsr-tcpa").stdout.split())
    assert "at most 3 % of answered live for each campaign in 30 days; an agent speaks within 2 s" in text
    assert "16 CFR 310.4(b),(c)" in text
    text = " ".join(office.run("rules", "show", "us-fl").stdout.split())
    assert "a time the customer asked for lifts nothing, because its source does not say" in text


@pytest.mark.parametrize("name", ["us-pa", "us-la", "fr-2023-decree", "cn-motor-renewal-2013", "us-strictest-all"])
def test_every_key_of_a_rule_is_for_scripts_as_well(office: Office, name: str) -> None:
    (found,) = office.objects("rules", "show", name)
    assert set(found["hours"]) == {"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
    assert (found["id"], found["origin"], found["stale"]) == (name, "shipped", False)
    assert found["sources"]
    assert office.run("rules", "show", name).exit_code == 0


def test_durations_are_seconds_for_scripts(office: Office) -> None:
    (found,) = office.objects("rules", "show", "us-reg-f")
    assert found["cooloffs"] == [{"after": "conversation", "wait": 7 * 86400, "per": ["person", "subject"]}]
    assert found["caps"][0]["period"] == 7 * 86400


def test_an_unknown_rule_is_named_with_what_was_meant(office: Office) -> None:
    with pytest.raises(NotFoundError, match=r"there is no rule 'us-fll' \(did you mean 'us-fl'\?\)"):
        office.run("rules", "show", "us-fll")


def test_own_rules_are_in_force_and_said_to_be_own(office: Office) -> None:
    own(office)
    assert ids(office)[-1] == "own"
    text = " ".join(office.run("rules", "show", "own").stdout.split())
    assert "own · your own" in text
    assert "closed on those of US-LA and on 12-24; the day before one 09:00-12:00" in text
    assert office.objects("rules", "show", "own")[0]["holidays"]["eve"] == ["09:00-12:00"]


def test_an_own_rule_in_place_of_a_shipped_one_says_so(office: Office) -> None:
    own(office, REPLACES)
    assert len(ids(office)) == 48
    assert "your own, in place of the shipped one" in office.run("rules", "show", "us-strictest-all").stdout


def test_check_says_what_a_file_adds_and_puts_nothing_in_force(office: Office) -> None:
    (office.folder / "own.yaml").write_text(OWN + REPLACES.removeprefix("presets:\n"), encoding="utf-8")
    lines = office.run("rules", "check", "own.yaml").stdout.splitlines()
    rest = "(house; US-LA: sales, service; mon-fri 09:00-12:00, 13:00-17:00; sat 24 h; sun closed)"
    assert lines == [
        f"ok own.yaml: adds own {rest}",
        f"ok own.yaml: replaces the shipped rule us-strictest-all {rest}",
    ]
    assert office.objects("rules", "check", "own.yaml") == [
        {"file": "own.yaml", "ok": True, "adds": ["own"], "replaces": ["us-strictest-all"], "problems": []}
    ]
    assert len(ids(office)) == 48


def test_check_names_all_that_is_wrong_in_all_files(office: Office) -> None:
    (office.folder / "own").mkdir()
    broken = OWN.replace("kind: house", "kind: hause").replace("wait: 30 days", "wait: 30")
    (office.folder / "own" / "a.yaml").write_text(broken, encoding="utf-8")
    (office.folder / "own" / "b.yml").write_text(OWN.replace("id: own", "id: us-fl"), encoding="utf-8")
    (office.folder / "own" / "c.yaml").write_text(OWN, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        office.run("rules", "check", "own")
    where = [problem.where.partition(" ")[0] for problem in caught.value.problems]
    assert where == ["own/a.yaml:3", "own/a.yaml:15", "own/b.yml:2", "own/c.yaml:2"]
    assert "'us-fl' is a preset of" in caught.value.problems[-2].what


@pytest.mark.parametrize(("path", "says"), [("nowhere.yaml", "cannot be read"), (".", "no preset files here")])
def test_check_without_a_file_to_read(office: Office, path: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        office.run("rules", "check", path)


def test_the_schema_is_for_editors(office: Office) -> None:
    schema = json.loads(office.run("rules", "schema").stdout)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {"presets"} == set(schema["properties"])
