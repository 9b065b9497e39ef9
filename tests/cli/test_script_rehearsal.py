"""Campaign files from the command line: checked, described, and their conversations heard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dialer.cli.campaigns import app
from dialer.errors import CampaignFileError, InputError

EXAMPLES = Path(__file__).parents[2] / "campaigns"
RENEWAL = str(EXAMPLES / "insurance_renewal.yaml")
COMPLAINT = str(EXAMPLES / "complaint_followup.yaml")
SURVEY = str(EXAMPLES / "satisfaction_survey.yaml")
AT = ("--at", "2026-03-03 10:00")


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=typed)


def told(*arguments: str) -> list[dict[str, Any]]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_examples_pass_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLES.parent)
    result = run("check")
    assert result.exit_code == 0
    assert "insurance_renewal" in result.stdout
    assert [one["ok"] for one in told("check")] == [True] * 5
    assert len(told("check", RENEWAL, COMPLAINT)) == 2


def test_every_wrong_file_is_named_and_the_sound_ones_are_shown(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("campaign: x\ntitel: y\n")
    result = run("check", RENEWAL, str(wrong), str(tmp_path / "missing.yaml"))
    assert isinstance(result.exception, CampaignFileError)
    assert result.exception.exit_code == 2
    assert "insurance_renewal" in result.stdout
    said = str(result.exception)
    assert f"{wrong}:2 titel: unknown key 'titel' (did you mean 'title'?)" in said
    assert "missing.yaml: cannot be read" in said


def test_scripts_get_the_problems_as_json(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("campaign: x\ntitel: y\n")
    result = run("check", RENEWAL, str(wrong), "--json")
    assert isinstance(result.exception, CampaignFileError)
    sound, unsound = (json.loads(line) for line in result.stdout.splitlines())
    assert (sound["ok"], sound["campaign"], sound["problems"]) == (True, "insurance_renewal", [])
    assert unsound["ok"] is False
    assert {"where", "what", "mend"} == set(unsound["problems"][0])


def test_the_schema_is_json() -> None:
    result = run("schema")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["properties"]["campaign"]


def test_a_conversation_is_heard_to_its_end() -> None:
    result = run("rehearse-script", RENEWAL, *AT, "--keys", "1,1,0,1", "--customer-field", "name=Ann")
    assert result.exit_code == 0, result.output
    for words in (
        "Am I speaking with Ann?",
        "  > 1",
        "Your policy ends on 2026-04-02.",
        "recorded: question, key 1, send the offer, completed (wants_offer)",
        "Outcome: reached, recorded as wants_offer",
    ):
        assert words in result.stdout


def test_keys_that_run_out_are_silence() -> None:
    turns = told("rehearse-script", SURVEY, *AT, "--keys", "1,2,-,8")
    assert [turn.get("pressed") for turn in turns[:-1]] == ["1", "2", "", "8", "", None]
    assert turns[-1] == {
        "ending": "reached",
        "disposition": "completed",
        "code": "unhappy",
        "promise_at": None,
        "answers": {"convenient": "1", "satisfied": "so-so", "what_was_wrong": "unclear"},
    }


def test_a_promise_is_told_on_the_customers_clock_and_in_utc() -> None:
    arguments = ("rehearse-script", COMPLAINT, *AT, "--keys", "1,2,2", "--zone", "Asia/Shanghai")
    result = run(*arguments, "--customer-field", "name=张伟", "--customer-field", "agent=8012")
    assert "请问您是张伟先生或女士吗" in result.stdout
    assert "工号8012" in result.stdout
    assert "Promised: Wednesday 2026-03-04 10:00 in Asia/Shanghai" in result.stdout
    assert told(*arguments)[-1]["promise_at"] == "2026-03-04T02:00:00Z"


def test_a_person_may_play_the_customer() -> None:
    result = run("rehearse-script", RENEWAL, *AT, typed="\n1\n9\n")
    assert result.exit_code == 0, result.output
    assert "identity, asked for time 2: 1 convenient, 2 wrong_person, 9 stop" in result.stdout
    assert "Outcome: opted_out" in result.stdout


def test_a_machine_is_heard_as_well() -> None:
    assert "about your product, which ends soon" in run("rehearse-script", RENEWAL, "--machine").stdout
    assert "A machine hears nothing." in run("rehearse-script", SURVEY, "--machine").stdout
    (message,) = told("rehearse-script", RENEWAL, "--machine")
    assert message["reaction"] == "leave_message"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--keys", "1,x"), "--keys: 'x' is no key"),
        (("--keys", "1,#"), "--keys: '#' is no key"),
        (("--zone", "Shanghai"), "--zone: 'Shanghai' is no time zone"),
        (("--at", "soon"), "--at: 'soon' is no date and time"),
        (("--customer-field", "nmae=Ann"), "customers have no field 'nmae' (did you mean 'name'?)"),
        (("--customer-field", "policy_expiry=soon"), "'policy_expiry' cannot be 'soon' (expected a date such as"),
    ],
)
def test_what_cannot_be_rehearsed_is_named(arguments: tuple[str, ...], words: str) -> None:
    result = run("rehearse-script", RENEWAL, *arguments)
    assert isinstance(result.exception, InputError)
    assert words in str(result.exception)
