"""The command line as a whole: it teaches, it fails in one way, and scripts can read all of it."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import pytest
import typer
from typer.core import TyperGroup

from dialer import bootstrap, cli, settings
from dialer.core.lifecycle import EventKind
from dialer.errors import InputError, StoreError
from tests.cli.calls import place, tell
from tests.cli.office import CARRIER, Office
from tests.presets import OWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORK_WITHOUT_SETTINGS = {
    "carrier",
    "doctor",  # reports them
    "campaigns schema",
    "customers mapping",
    "rules check",
    "rules schema",
}

Outcome = tuple[int, str, str]
"""Exit code, standard output, standard error."""

PRINTS_NO_OBJECTS = {
    "run",  # logs
    "carrier",  # logs
    "campaigns schema",  # is one JSON document whatever one asks
    "rules schema",  # as above
    "customers mapping",  # is YAML to be edited
}


def commands(group: TyperGroup | None = None, path: str = "") -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Every command with the words by which it is called."""
    top = group if group is not None else typer.main.get_command(cli.build())
    assert isinstance(top, TyperGroup)
    for name, command in top.commands.items():
        here = f"{path} {name}".strip()
        if isinstance(command, TyperGroup):
            yield from commands(command, here)
        else:
            assert isinstance(command, typer.core.TyperCommand)
            yield here, command


ALL = dict(commands())


@pytest.fixture
def dialer(
    office: Office, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """The program from its entry point on, as the shell starts it."""
    _ = office
    monkeypatch.setenv("COLUMNS", "80")

    def start(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["dialer", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        code = end.value.code or 0
        assert isinstance(code, int)
        told = capsys.readouterr()
        return code, told.out, told.err

    return start


def test_every_command_is_known_by_name() -> None:
    assert {name.split()[0] for name in ALL} == {*cli.GROUPS, *cli.COMMANDS} == set(cli.WORKDAY)


@pytest.mark.parametrize("name", ALL)
def test_help_teaches(name: str) -> None:
    command = ALL[name]
    assert command.help is not None
    assert re.match(r"[A-Z].{15,}?[.:]", command.help), "its help begins with no sentence"
    for parameter in command.params:
        told = getattr(parameter, "help", None)
        assert told or parameter.param_type_name == "argument", f"nobody says what {parameter.name} is"


@pytest.mark.parametrize("name", ["", *cli.GROUPS, *ALL])
def test_help_can_be_read_in_a_terminal(dialer: Callable[..., Outcome], name: str) -> None:
    code, text, wrong = dialer(*name.split(), "--help")
    assert (code, wrong) == (0, "")
    assert f"Usage: dialer {name}".rstrip() in text
    assert max(map(len, text.splitlines())) <= 80
    assert "`" not in text
    assert dialer(*name.split(), "-h")[1] == text


def test_help_shows_commands_in_the_order_of_a_days_work(dialer: Callable[..., Outcome]) -> None:
    _, text, _ = dialer("--help")
    places = [text.index(f"│ {name} ") for name in cli.WORKDAY]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("whay",), "No such command 'whay'"),
        (("campains", "list"), "Did you mean 'campaigns'?"),
        (("campaigns", "aply"), "Did you mean 'apply'?"),
        (("why",), "Missing argument 'customer'"),
        (("why", "x", "--campain", "y"), "No such option"),
        (("watch", "--at-most", "soon"), "--at-most"),
        (("customers", "list", "--limit", "0"), "--limit"),
    ],
)
def test_wrong_words_are_named_on_standard_error(
    dialer: Callable[..., Outcome], arguments: tuple[str, ...], says: str
) -> None:
    code, text, wrong = dialer(*arguments)
    assert (code, text) == (2, "")
    assert says in wrong
    assert "--help" in wrong


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("why", "nobody"), "error no customer 'nobody' in the customer file"),
        (("customers", "show", "nobody"), "nobody"),
        (("campaigns", "pause", "nix"), "error no campaign 'nix' has been applied"),
        (("campaigns", "apply", "[b]nix[/b].yaml"), "error [b]nix[/b].yaml: cannot be read"),
        (("report", "summary", "--from", "[/red]"), "error --from: '[/red]' is no instant"),
        (("attempts", "events", "nix"), "error no attempt 'nix'"),
        (("do-not-call", "add", "12", "+44"), "error number 2: "),
        (("run",), "error DIALER_CALLER_ID: needed to place calls, but not set"),
    ],
)
def test_wrong_input_ends_with_2_and_a_sentence_on_standard_error(
    dialer: Callable[..., Outcome], arguments: tuple[str, ...], says: str
) -> None:
    code, text, wrong = dialer(*arguments)
    assert (code, text) == (2, "")
    assert says in wrong
    assert "Traceback" not in wrong


@pytest.mark.parametrize("name", sorted(set(ALL) - WORK_WITHOUT_SETTINGS))
def test_wrong_settings_are_named_together_before_anything_starts(
    dialer: Callable[..., Outcome], office: Office, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    given = {"DIALER_PORT": "many", "DIALER_HOUSE_ZNOE": "UTC", "DIALER_CALLS_PER_SECOND": "-1"}
    monkeypatch.setattr(bootstrap, "settings", lambda: settings.load(given, None))
    office.campaign()
    (office.folder / "customers.csv").write_text("reference,phone\n1,+442079460001\n", encoding="utf-8")
    (office.folder / "crm.yaml").write_text("database: sqlite:///crm.db\nselect: SELECT 1\n", encoding="utf-8")
    wanted = {
        "customers import": ["customers.csv"],
        "customers sync": ["crm.yaml"],
        "do-not-call add": ["+442079460001"],
        "promises withdraw": ["1"],
        "tasks done": ["1"],
        "tasks take": ["1"],
    }
    arguments = wanted.get(name) or [
        "x" for one in ALL[name].params if one.param_type_name == "argument" and one.required
    ]
    required = (one for one in ALL[name].params if one.param_type_name == "option" and one.required)
    more = [part for one in required for part in (one.opts[0], "closed" if one.name == "outcome" else "x")]
    more += ["--never-placed"] if name == "attempts settle" else []
    code, text, wrong = dialer(*name.split(), *arguments, *more)
    assert (code, text) == (2, "")
    for setting in given:
        assert f"environment {setting}: " in wrong
    assert not (office.folder / "dialer.db").exists()


@pytest.mark.parametrize("error", [StoreError("the database is full"), InputError("this is wrong")])
def test_a_foreseen_trouble_is_a_sentence_with_its_own_exit_code(
    dialer: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, error: InputError | StoreError
) -> None:
    def trouble() -> None:
        raise error

    monkeypatch.setattr(bootstrap, "open_store", trouble)
    assert dialer("campaigns", "pause", "x") == (error.exit_code, "", f"error {error}\n")


def test_a_folder_that_cannot_be_made_is_named_without_a_stack_trace(
    dialer: Callable[..., Outcome], office: Office
) -> None:
    (office.folder / "file").write_text("", encoding="utf-8")
    office.set(DIALER_DATABASE_URL=f"sqlite:///{office.folder}/file/dialer.db")
    code, text, wrong = dialer("watch", "--json")
    assert code in {1, 2}
    assert text == ""
    assert str(office.folder / "file") in wrong
    assert "Traceback" not in wrong


def test_what_shows_something_shows_it_to_scripts_as_well() -> None:
    deaf = {
        name for name, command in ALL.items() if "--json" not in {flag for one in command.params for flag in one.opts}
    }
    assert deaf == PRINTS_NO_OBJECTS


def instants_in(value: object) -> Iterator[str]:
    """All texts that tell a date and a time."""
    if isinstance(value, dict):
        for one in value.values():
            yield from instants_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from instants_in(one)
    elif isinstance(value, str) and re.match(r"\d{4}-\d{2}-\d{2}T", value):
        yield value


def test_scripts_get_an_object_a_line_with_instants_in_utc(dialer: Callable[..., Outcome], working: Office) -> None:
    working.set(**CARRIER, DIALER_HOUSE_ZONE="Asia/Shanghai")
    token = place("london")
    tell(token, EventKind.LOST, EventKind.AMBIGUOUS)
    survey = "campaigns/survey.yaml"
    (working.folder / "rules.yaml").write_text(OWN, encoding="utf-8")
    (working.folder / "list.txt").write_text("+442079460008\n", encoding="utf-8")
    lines = {
        "agents add": ["2001"],
        "agents list": [],
        "agents show": ["2001"],
        "agents change": ["2001", "--name", "Li Na"],
        "agents password": ["2001"],
        "agents sign-out": ["2001"],
        "agents deactivate": ["2001"],
        "attempts events": [token],
        "attempts undecided": [],
        "attempts settle": [token, "--never-placed"],
        "audit replay": [],
        "call": ["tokyo", "survey", "--by", "Li Na"],
        "campaigns apply": [],
        "campaigns check": [],
        "campaigns enrol": [],
        "campaigns list": [],
        "campaigns pause": ["survey"],
        "campaigns plan": [survey],
        "campaigns rehearse-script": [survey, "--keys", "1"],
        "campaigns resume": ["survey"],
        "customers confirm-zone": ["newyork", "America/New_York", "--by", "Li Na"],
        "customers import": ["customers.csv"],
        "customers list": [],
        "customers show": ["london"],
        "do-not-call add": ["+442079460009"],
        "do-not-call import": ["list.txt"],
        "do-not-call lift": ["+442079460009", "--by", "Li Na", "--said", "in a letter"],
        "do-not-call list": [],
        "do-not-call show": ["+442079460009"],
        "doctor": ["--offline"],
        "promises make": ["newyork", "survey", "--at", "2026-03-05 10:00", "--asked-by", "Li Na"],
        "promises list": [],
        "promises withdraw": ["1", "--by", "Li Na"],
        "report attempts": [],
        "report callbacks": [],
        "report house": [],
        "report summary": [],
        "rules check": ["rules.yaml"],
        "rules list": [],
        "rules show": ["us-fl"],
        "tasks list": [],
        "tasks take": ["1", "--as", "Li Na"],
        "tasks done": ["1", "--as", "Li Na", "--outcome", "closed"],
        "watch": [],
        "why": ["tokyo", "--between", "2026-03-04", "--and", "2026-03-05"],
    }
    assert set(lines) == set(ALL) - PRINTS_NO_OBJECTS - {"customers sync"}, "customers sync prints what import prints"
    found = {}
    for name, arguments in lines.items():
        code, text, wrong = dialer(*name.split(), *arguments, "--json")
        assert (code, wrong) == (0, ""), name
        told = [json.loads(line) for line in text.splitlines()]
        assert told, f"{name} shows nothing"
        assert all(isinstance(one, dict) for one in told), name
        found[name] = list(instants_in(told))
        assert all(one.endswith(("Z", "+00:00")) for one in found[name]), name
    for name in ("attempts events", "campaigns list", "report attempts", "report callbacks", "watch", "why"):
        assert found[name], f"{name} tells no instant"
