"""`dialer do-not-call` from a user's side: it works at once, and a mistake adds nobody."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dialer import bootstrap, settings
from dialer.carrier import CarrierConfig, read_people, running
from dialer.core.lifecycle import AttemptState
from dialer.core.record import Reason
from dialer.daemon import Daemon, listen
from dialer.errors import InputError, NotFoundError
from dialer.web.app import create_app
from tests.campaigns import NOW, customer, document, house, version
from tests.cli.office import CARRIER

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.office import Office


def decision(office: Office, customer: str) -> str:
    (told,) = office.objects("why", customer, "--campaign", "survey")
    return str(told["decision"])


def listed(office: Office, customer: str) -> bool:
    (told,) = office.objects("customers", "show", customer)
    return bool(told["opted_out"])


@pytest.mark.parametrize(
    "who",
    [
        ("+442079460001",),
        ("+44 (0)20 7946 0001",),
        ("＋４４ ２０ ７９４６ ０００１",),
        ("--customer", "london"),
    ],
)
def test_whoever_is_added_is_never_called_again(working: Office, who: tuple[str, ...]) -> None:
    assert decision(working, "london") == "dial"
    (told,) = working.objects("do-not-call", "add", *who)
    assert (told["added"], told["already_listed"], told["callbacks_stopped"]) == (1, 0, 1)
    assert told["understood"] == (["london"] if "london" in who else ["+44••••••0001"])
    assert decision(working, "london") == "refuse"
    assert decision(working, "newyork") == "dial"
    (told,) = working.objects("do-not-call", "add", *who)
    assert (told["added"], told["already_listed"]) == (0, 1)


def test_several_at_once(working: Office) -> None:
    arguments = ("do-not-call", "add", "+442079460001", "+12125550123", "--customer", "tokyo", "--customer", "never")
    assert working.run(*arguments).stdout == (
        "3 added, 1 on the list already (+44••••••0001, +1••••••0123, tokyo, never), 3 waiting callbacks stopped\n"
    )
    assert [decision(working, one) for one in ("london", "newyork", "tokyo")] == ["refuse"] * 3


def test_numbers_without_a_country_are_read_at_home_or_not_at_all(working: Office) -> None:
    with pytest.raises(InputError, match="number 1: it has no country code"):
        working.run("do-not-call", "add", "020 7946 0001")
    working.set(DIALER_HOME_REGION="GB")
    assert working.objects("do-not-call", "add", "020 7946 0001")[0]["added"] == 1
    assert decision(working, "london") == "refuse"


def test_every_wrong_number_is_named_by_its_place_and_nobody_is_added(working: Office) -> None:
    with pytest.raises(InputError) as error:
        working.run("do-not-call", "add", "+442079460001", "+44 20 79AB 0002", "12")
    assert error.value.exit_code == 2
    assert [problem.where for problem in error.value.problems] == ["number 2", "number 3"]
    assert "79" not in str(error.value), "a telephone number does not belong into a message"
    assert not listed(working, "london")


def test_an_unknown_customer_adds_nobody(working: Office) -> None:
    with pytest.raises(NotFoundError, match="no customer 'nobody' in the customer file"):
        working.run("do-not-call", "add", "+442079460001", "--customer", "nobody")
    assert not listed(working, "london")


def test_nobody_named_is_a_mistake_and_makes_no_database(office: Office) -> None:
    with pytest.raises(InputError, match="nobody is named"):
        office.run("do-not-call", "add")
    assert list(office.folder.iterdir()) == []


def test_it_holds_for_numbers_of_customers_yet_to_come(office: Office) -> None:
    office.run("do-not-call", "add", "+442079460001")
    office.customers()
    office.campaign()
    office.run("campaigns", "apply")
    assert decision(office, "london") == "refuse"


LIFT = ("--by", "Eve", "--said", "letter of 2 March 2026")


def test_a_wish_may_be_about_one_purpose_or_one_campaign(working: Office) -> None:
    working.run("do-not-call", "add", "--customer", "london", "--scope", "purpose:sales")
    assert decision(working, "london") == "dial"
    working.run("do-not-call", "add", "--customer", "london", "--scope", "campaign:survey")
    assert decision(working, "london") == "refuse"
    working.run("do-not-call", "add", "--customer", "newyork", "--scope", "purpose:survey")
    assert decision(working, "newyork") == "refuse"


@pytest.mark.parametrize("command", [("add",), ("lift", *LIFT)])
def test_a_scope_that_is_none_is_refused(working: Office, command: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=r"'sales' is none.*purpose: with one of sales"):
        working.run("do-not-call", *command, "--customer", "london", "--scope", "sales")


def test_a_campaign_nobody_applied_is_refused(working: Office) -> None:
    with pytest.raises(NotFoundError, match="no campaign 'surveys' has been applied"):
        working.run("do-not-call", "add", "--customer", "london", "--scope", "campaign:surveys")


def test_only_the_customers_own_wish_lifts_and_nothing_is_deleted(working: Office) -> None:
    add = ("do-not-call", "add", "--customer", "london", "--by", "Tom", "--note", "said so at the counter")
    working.run(*add)
    lifted = working.objects("do-not-call", "lift", "--customer", "london", *LIFT)
    assert lifted == [{"lifted": 1, "not_stopped": 0, "still_in_force": []}]
    assert decision(working, "london") == "dial"
    assert working.objects("do-not-call", "lift", "--customer", "london", *LIFT)[0]["not_stopped"] == 1
    assert working.objects(*add)[0]["added"] == 1
    assert decision(working, "london") == "refuse"
    words = working.objects("do-not-call", "show", "--customer", "london")
    assert [(one["word"], one["source"], one["by"], one["note"], one["in_force"]) for one in words] == [
        ("stop", "person", "Tom", "said so at the counter", False),
        ("lift", "letter of 2 March 2026", "Eve", "", False),
        ("stop", "person", "Tom", "said so at the counter", True),
    ]


@pytest.mark.parametrize(
    ("proof", "missing"),
    [((), ["--by", "--said"]), (("--by", "Eve"), ["--said"]), (("--said", "letter"), ["--by"])],
)
def test_without_proof_nothing_is_lifted(working: Office, proof: tuple[str, ...], missing: list[str]) -> None:
    working.run("do-not-call", "add", "--customer", "london")
    with pytest.raises(InputError) as error:
        working.run("do-not-call", "lift", "--customer", "london", *proof)
    assert error.value.exit_code == 2
    assert [problem.where for problem in error.value.problems] == missing
    assert listed(working, "london")


def test_a_lifting_keeps_its_note(working: Office) -> None:
    working.run("do-not-call", "add", "--customer", "london")
    working.run("do-not-call", "lift", "--customer", "london", *LIFT, "--note", "in the blue folder")
    assert working.objects("do-not-call", "show", "--customer", "london")[1]["note"] == "in the blue folder"


def test_whoever_is_logged_in_writes_it_down(working: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "tom")
    working.run("do-not-call", "add", "--customer", "london")
    (working.folder / "stop.txt").write_text("+442079460003\n")
    working.run("do-not-call", "import", "stop.txt")
    working.run("do-not-call", "add", "+819012345678", "--by", "Eve")

    def nobody() -> str:
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nobody)
    working.run("do-not-call", "add", "+12125550123")
    (told,) = working.objects("do-not-call", "list")
    by = {one["who"]: one["by"] for one in told["latest"]}
    assert (by["london"], by["+44••••••0003"], by["+81••••••5678"], by["+1••••••0123"]) == ("tom", "tom", "Eve", "")


def test_a_number_stops_whoever_waits_for_later_and_their_promise_and_task(working: Office) -> None:
    working.run("promises", "make", "london", "survey", "--at", "2026-03-05 10:00", "--by", "Li Na")
    told = working.run("do-not-call", "add", "+44 20 7946 0001", "+81 90 1234 5678").stdout  # the latter asleep
    assert told == "2 added (+44••••••0001, +81••••••5678), 2 waiting callbacks stopped\n"
    with closing(bootstrap.open_store(bootstrap.settings())) as store:
        store.callbacks.turn(NOW)
    assert working.objects("promises", "list") == []
    rows = {one["customer"]: (one["state"], one["reason"]) for one in working.objects("report", "callbacks")}
    assert rows["london"] == rows["tokyo"] == ("closed", "opted_out")
    assert rows["newyork"][0] == "waiting"


def test_letters_are_taken_for_a_reference(working: Office) -> None:
    for command in ("show", "add"):
        with pytest.raises(InputError, match="for a customer's reference use --customer"):
            working.run("do-not-call", command, "C9")


def test_empty_words_are_no_proof(working: Office) -> None:
    working.run("do-not-call", "add", "--customer", "london")
    with pytest.raises(InputError) as error:
        working.run("do-not-call", "lift", "--customer", "london", "--by", " ", "--said", "")
    assert [problem.where for problem in error.value.problems] == ["--by", "--said"]
    assert listed(working, "london")


def test_lifting_says_what_still_holds(working: Office) -> None:
    working.run("do-not-call", "add", "+442079460001", "--customer", "london")
    told = working.run("do-not-call", "lift", "--customer", "london", *LIFT).stdout
    assert told == (
        "1 lifted, 0 were not stopped with the scope everything\n"
        "Still in force: everything, by number, said by person on 2026-03-03\n"
    )
    assert decision(working, "london") == "refuse"
    working.run("do-not-call", "lift", "+442079460001", *LIFT)
    assert decision(working, "london") == "dial"


def test_importing_the_customers_again_undoes_no_lifting(working: Office) -> None:
    working.run("do-not-call", "lift", "--customer", "never", *LIFT)
    assert not listed(working, "never")
    working.customers()
    assert not listed(working, "never")
    working.run("do-not-call", "add", "--customer", "never")
    working.customers()
    assert listed(working, "never")
    assert len(working.objects("do-not-call", "show", "--customer", "never")) == 3


def test_show_knows_a_customer_by_their_numbers_and_hides_digits(working: Office) -> None:
    working.run("do-not-call", "add", "+442079460001")
    (word,) = working.objects("do-not-call", "show", "--customer", "london")
    assert (word["on"], word["who"]) == ("number", "+44••••••0001")
    (word,) = working.objects("do-not-call", "show", "+442079460001", "--reveal")
    assert word["who"] == "+442079460001"
    assert "in force" in working.run("do-not-call", "show", "+442079460001").stdout
    nothing = working.run("do-not-call", "show", "--customer", "tokyo").stdout
    assert nothing == "Nothing was ever said about not being called.\n"


def test_list_counts_and_shows_the_latest(working: Office) -> None:
    working.run("do-not-call", "add", "+442079460001", "--customer", "tokyo")
    working.clock(NOW + timedelta(days=2))
    working.run("do-not-call", "lift", "--customer", "tokyo", *LIFT)
    (told,) = working.objects("do-not-call", "list")
    assert told["counts"] == [
        {"on": "number", "scope": "everything", "stops": 1, "lifted": 0},
        {"on": "person", "scope": "everything", "stops": 2, "lifted": 1},
    ]
    assert (told["latest"][0]["word"], told["latest"][0]["who"]) == ("lift", "tokyo")
    assert [(one["who"], one["in_force"]) for one in told["latest"] if one["word"] == "stop"] == [
        ("never", True),
        ("tokyo", False),
        ("+44••••••0001", True),
    ]
    (told,) = working.objects("do-not-call", "list", "--since", "2026-03-04")
    assert [one["word"] for one in told["latest"]] == ["lift"]
    assert "wishes calls again" in working.run("do-not-call", "list", "--limit", "1").stdout
    working.clock(NOW)
    assert "Nothing was said since" in working.run("do-not-call", "list", "--since", "2027-01-01").stdout


def test_an_empty_list_says_so(office: Office) -> None:
    assert office.run("do-not-call", "list").stdout == "Nobody is on the list.\n"


def test_a_list_is_imported_and_every_unreadable_line_named(working: Office) -> None:
    (working.folder / "stop.csv").write_text("phone,since\n+442079460001,2020\nrubbish,\n+81 90 1234 5678,2021\n")
    told = working.run("do-not-call", "import", "stop.csv", "--note", "national list").stdout
    assert told.splitlines()[:2] == [
        "3 numbers read, 2 added, 0 were on the list already, 1 could not be read.",
        "Not read: lines 3.",
    ]
    assert "rubbish" not in told
    assert [decision(working, one) for one in ("london", "tokyo", "newyork")] == ["refuse", "refuse", "dial"]
    assert (working.folder / "stop.rejects.csv").exists()
    working.run("do-not-call", "lift", "+442079460001", *LIFT)
    (report,) = working.objects("do-not-call", "import", "stop.csv")
    assert report == {
        "read": 3,
        "added": 0,
        "already_listed": 2,
        "lifted_since": 1,
        "rejected": 1,
        "rejected_lines": [3],
        "reasons": report["reasons"],
        "rejects": "stop.rejects.csv",
    }
    assert decision(working, "london") == "dial"
    assert "1 of them the customer lifted since" in working.run("do-not-call", "import", "stop.csv").stdout


def test_a_list_about_sales_stops_no_survey(working: Office) -> None:
    (working.folder / "stop.txt").write_text("+442079460001\n")
    (report,) = working.objects("do-not-call", "import", "stop.txt", "--scope", "purpose:sales", "--source", "carrier")
    assert report["added"] == 1
    assert decision(working, "london") == "dial"


async def until(condition: Callable[[], bool], within: float = 30.0) -> float:
    """Wait for something that other tasks and processes do; how many seconds that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + within, "it did not happen"
        await asyncio.sleep(0.05)
    return time.monotonic() - began


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_phone_that_rings_falls_silent_when_another_process_adds_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon and the stand-in carrier as in production; the wish is typed at the command line beside them."""
    carrier_is = CarrierConfig(people=read_people('[{number: "*", answer: human, ring: 60}]'), port=0)
    async with running(carrier_is) as carrier:
        listening = listen("127.0.0.1", 0)
        port = listening.getsockname()[1]
        environment = CARRIER | {
            "TWILIO_ACCOUNT_SID": carrier_is.account_sid,
            "TWILIO_AUTH_TOKEN": carrier_is.auth_token,
            "DIALER_TWILIO_API_URL": carrier.url,
            "DIALER_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "DIALER_DATABASE_URL": f"sqlite:///{tmp_path / 'dialer.db'}",
        }
        monkeypatch.setattr(bootstrap, "house", lambda _given: house("00:00-24:00"))  # at whatever hour the test runs
        works = bootstrap.assemble(settings.load(environment, None))
        content = document(when={"windows": {"daily": ["00:00-24:00"]}})
        works.store.campaigns.apply("survey", version(content), content, works.clock.now())
        works.store.customers.upsert([customer("C1")], works.clock.now())
        daemon = Daemon(works, create_app(works))
        serving = asyncio.create_task(daemon.run(listening, ready=lambda _address: None))
        await until(lambda: any(one.rang for one in works.store.records.attempts()))
        add = [str(Path(sys.executable).with_name("dialer")), "do-not-call", "add", "--customer", "C1"]
        told = await asyncio.to_thread(
            subprocess.run, add, env=os.environ | environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert told.stdout.startswith("1 added")
        await until(lambda: all(one.ended for one in works.store.records.attempts()), within=5)
        await until(lambda: next(iter(works.store.records.callbacks())).reason is Reason.OPTED_OUT)
        (attempt,) = works.store.records.attempts()
        daemon.stop()
        await serving
    assert (attempt.state, attempt.answered) == (AttemptState.FINAL, None)
