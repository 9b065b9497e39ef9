"""`dialer agents`: the first manager gets in, and everything that is done here is written into the trail."""

from __future__ import annotations

import getpass
import io
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher

from dialer import bootstrap
from dialer.cli import agents
from dialer.core.agent import Role
from dialer.engine.passwords import Passwords
from dialer.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from tests.cli.office import Office

CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "PASSWORDS", CHEAP)


def trail(office: Office) -> list[tuple[str, str, str]]:
    _ = office
    with closing(bootstrap.open_store()) as store:
        entries = [one.deed for one in store.audit.latest()]
    return [(deed.by, deed.action, deed.subject) for deed in reversed(entries)]


def test_the_first_manager_is_made_by_a_command_with_a_password_of_their_own(office: Office) -> None:
    (told,) = office.objects("agents", "add", "1001", "--role", "manager")
    with closing(bootstrap.open_store()) as store:
        member = store.agents.get("1001")
    assert member is not None
    assert member.agent.role is Role.MANAGER
    assert member.must_change
    assert CHEAP.verify(member.password, told["password"])
    assert trail(office) == [(f"cli:{getpass.getuser()}", "person.add", "1001")]
    text = office.run("agents", "add", "1002").stdout
    assert "One-time password, shown only now" in text


def test_a_password_from_standard_input_is_not_shown_and_has_to_be_good(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert office.folder.exists()
    for typed, wrong in (("short", "12 characters"), ("1001-1001-1001", "staff number"), ("a" * 13, "few")):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed + "\n"))
        with pytest.raises(InputError, match=wrong):
            agents.add("1001", password_stdin=True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse battery\n"))
    agents.add("1001", password_stdin=True, as_json=True)
    with closing(bootstrap.open_store()) as store:
        member = store.agents.get("1001")
    assert member is not None
    assert CHEAP.verify(member.password, "correct horse battery")


def test_people_are_added_changed_and_shown_with_their_numbers_masked(office: Office) -> None:
    office.set(DIALER_HOME_REGION="GB")
    more = ("--language", "zh-CN", "--language", "en", "--skill", "cards loans", "--team", "north", "--capacity", "3")
    office.run("agents", "add", "2001", "--name", "Li  Na", "--phone", "020 7946 0001", *more)
    (told,) = office.objects("agents", "show", "2001")
    assert (told["name"], told["phone"], told["skills"]) == ("Li Na", "+44••••••0001", ["cards", "loans"])
    assert (told["languages"], told["teams"], told["capacity"]) == (["zh-CN", "en"], ["north"], 3)
    assert office.objects("agents", "show", "2001", "--reveal")[0]["phone"] == "+442079460001"
    (changed,) = office.objects("agents", "change", "2001", "--skill", "", "--phone", "sip:lina@example.com")
    assert changed["changed"] == ["phone", "skills"]
    assert office.objects("agents", "change", "2001", "--name", "Li Na")[0]["changed"] == []
    assert "sip:lina@example.com" in office.run("agents", "show", "2001").stdout
    assert "Li Na" in office.run("agents", "list").stdout
    assert [action for _, action, _ in trail(office)] == ["person.add", "number.show", "person.change"]


def test_who_leaves_is_no_longer_listed_and_can_come_back(office: Office) -> None:
    office.run("agents", "add", "2001")
    office.run("agents", "deactivate", "2001")
    assert office.objects("agents", "list") == []
    assert [one["active"] for one in office.objects("agents", "list", "--all")] == [False]
    assert "(has left)" in office.run("agents", "list", "--all").stdout
    office.run("agents", "change", "2001", "--back")
    assert len(office.objects("agents", "list", "--role", "agent")) == 1
    office.run("agents", "password", "2001")
    office.run("agents", "sign-out", "2001")
    assert [action for _, action, _ in trail(office)] == [
        "person.add",
        "person.deactivate",
        "person.change",
        "person.password",
        "person.sign-out",
    ]


def test_the_last_manager_stays(office: Office) -> None:
    office.run("agents", "add", "1001", "--role", "manager")
    for command in (("deactivate", "1001"), ("change", "1001", "--role", "agent")):
        with pytest.raises(InputError, match="last active manager"):
            office.run("agents", *command)
    assert len(trail(office)) == 1, "what was not done is not in the trail"


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        (("--phone", "12"), "telephone number"),
        (("--phone", "sip:nobody"), "SIP address"),
        (("--phone", "sip:a b@c"), "SIP address"),
        (("--language", "klingonese!"), "language"),
        (("--skill", "a/b"), "Skills"),
        (("--name", "x" * 81), "name"),
    ],
)
def test_what_is_wrong_is_named_and_nobody_is_added(office: Office, options: tuple[str, ...], wrong: str) -> None:
    with pytest.raises(InputError, match=wrong):
        office.run("agents", "add", "2001", *options)
    assert office.objects("agents", "list", "--all") == []


def test_staff_numbers_are_never_given_twice_and_have_to_exist(office: Office) -> None:
    office.run("agents", "add", "2001")
    office.run("agents", "deactivate", "2001")
    with pytest.raises(InputError, match="2001 is taken"):
        office.run("agents", "add", "2001")
    with pytest.raises(InputError, match="staff number is"):
        office.run("agents", "add", "20 01")
    for command in ("show", "change", "password", "deactivate", "sign-out"):
        with pytest.raises(NotFoundError, match="2002"):
            office.run("agents", command, "2002")
