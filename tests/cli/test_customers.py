"""`dialer customers` from a user's side."""

from __future__ import annotations

import json
import sqlite3
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.testing import CliRunner

from dialer import bootstrap, cli, settings
from dialer.cli import customers
from dialer.errors import CustomerFileError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

FILE = """\
客户编号,姓名,手机,级别,地区,到期日,勿扰,备注
1,张三,１３８００１３８０００,VIP,广东省,2026/12/1,,[b]first[/c]
2,Ann [/red] Lee,+1 212 555 0123,gold,US-NY,,是,
3,王五,138OO138OOO,普通,北京,,,
"""


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An installation of its own, in which people work."""
    given = settings.load({"DIALER_HOME_REGION": "CN"}, None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bootstrap, "settings", lambda: given)
    (tmp_path / "customers.csv").write_text(FILE, encoding="utf-8")
    return tmp_path


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(customers.app, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def objects(*arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(*arguments, "--json").stdout.splitlines()]


def test_import_tells_what_it_understood_and_what_it_did() -> None:
    told = " ".join(run("import", "customers.csv").stdout.split())
    assert "客户编号 │ reference" in told
    assert "policy_expiry │ date" in told
    assert "3 rows read, 2 added, 0 changed, 0 as they were, 1 rejected. 1 wish no calls." in told
    assert "letters" in told
    assert told.endswith("customers.rejects.csv")


def test_import_for_scripts() -> None:
    (told,) = objects("import", "customers.csv")
    assert {key: told[key] for key in ("read", "added", "changed", "same", "rejected", "opted_out", "dry_run")} == {
        "read": 3,
        "added": 2,
        "changed": 0,
        "same": 0,
        "rejected": 1,
        "opted_out": 1,
        "dry_run": False,
    }
    assert told["rejects"] == "customers.rejects.csv"
    assert told["columns"][5] == {
        "heading": "到期日",
        "field": "attribute",
        "attribute": "policy_expiry",
        "kind": "date",
        "guessed": True,
    }
    (again,) = objects("import", "customers.csv")
    assert (again["added"], again["changed"], again["same"]) == (0, 0, 2)


def test_dry_run_keeps_nothing() -> None:
    assert "Dry run, nothing was changed: 3 rows read, 2 added" in run("import", "customers.csv", "--dry-run").stdout
    assert objects("list") == []


def test_import_with_a_mapping_and_its_own_place_for_rejects(folder: Path) -> None:
    (folder / "m.yaml").write_text("columns: {备注: ignore}\nvalues: {tier: {普通: basic}}\n", encoding="utf-8")
    (told,) = objects("import", "customers.csv", "--mapping", "m.yaml", "--rejects", "bad.csv")
    assert told["rejects"] == "bad.csv"
    assert (folder / "bad.csv").exists()
    assert objects("show", "1")[0]["attributes"] == {"policy_expiry": "2026-12-01"}


def test_list_and_show_mask_numbers_unless_asked() -> None:
    run("import", "customers.csv")
    table = run("list").stdout
    assert "[/red]" in table
    assert "138000" not in table
    first, second = objects("list")
    assert first["numbers"] == [{"number": "+86•••••••8000", "extension": "", "region": "CN", "kind": "mobile"}]
    assert [one["reference"] for one in objects("list", "--tier", "gold")] == ["2"]
    assert [one["reference"] for one in objects("list", "--limit", "1")] == ["1"]
    assert "--limit shows more" in run("list", "--limit", "1").stdout
    assert "--limit shows more" not in run("list", "--limit", "2").stdout
    assert objects("list", "--reveal")[0]["numbers"][0]["number"] == "+8613800138000"
    assert second["name"] == "Ann [/red] Lee"


def test_show_tells_everything_about_one_customer() -> None:
    run("import", "customers.csv")
    (told,) = objects("show", "2", "--reveal")
    assert told["numbers"][0]["number"] == "+12125550123"
    assert (told["region"], told["tier"], told["opted_out"]) == ("US-NY", "gold", True)
    text = run("show", "1").stdout
    assert "[b]first[/c]" in text
    assert "+86•••••••8000 (CN, mobile)" in text
    assert "yes: never call" in run("show", "2").stdout
    with pytest.raises(NotFoundError, match="nobody has the reference '99'"):
        run("show", "99")


def test_printed_mapping_can_be_used_at_once(folder: Path) -> None:
    told = run("mapping", "customers.csv").stdout
    assert yaml.safe_load(told)["columns"]["到期日"] == {"attribute": "policy_expiry", "kind": "date"}
    (folder / "m.yaml").write_text(told, encoding="utf-8")
    assert objects("import", "customers.csv", "--mapping", "m.yaml")[0]["added"] == 2


def test_mapping_of_a_file_that_leaves_doubts_says_which(folder: Path) -> None:
    (folder / "odd.csv").write_text("Kunde,Funk\n1,13800138000\n", encoding="utf-8")
    result = run("mapping", "odd.csv")
    assert yaml.safe_load(result.stdout)["columns"]["Kunde"] == {"attribute": "kunde", "kind": "text"}
    assert "no column holds the customers' reference" in result.stderr
    assert "no column holds phone numbers" in result.stderr


def test_sync_reads_another_database(folder: Path) -> None:
    connection = sqlite3.connect(folder / "crm.db")
    connection.execute("CREATE TABLE people (ref TEXT, phone TEXT)")
    connection.execute("INSERT INTO people VALUES ('1', '13800138000'), ('2', 'none known')")
    connection.commit()
    connection.close()
    (folder / "crm.yaml").write_text("database: sqlite:///crm.db\nselect: SELECT * FROM people\n", encoding="utf-8")
    (told,) = objects("sync", "crm.yaml", "--dry-run")
    assert (told["added"], told["dry_run"]) == (1, True)
    (told,) = objects("sync", "crm.yaml")
    assert (told["added"], told["rejected"], told["rejects"]) == (1, 1, "crm.rejects.csv")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("import", "missing.csv"), "cannot be read"),
        (("import", "customers.csv", "--mapping", "missing.yaml"), "cannot be read"),
        (("import", "customers.csv", "--rejects", "customers.csv"), "overwritten"),
        (("sync", "crm.yaml"), "cannot be read"),
        (("mapping", "missing.csv"), "cannot be read"),
    ],
)
def test_bad_input_changes_nothing(arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(CustomerFileError, match=says) as error:
        run(*arguments)
    assert error.value.exit_code == 2
    assert objects("list") == []


def test_program_ends_with_2_and_a_sentence_on_bad_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["dialer", "customers", "import", "missing.csv"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    said = capsys.readouterr()
    assert "missing.csv: cannot be read" in said.err.replace("\n", "")
    assert said.out == ""
