"""`dialer doctor` from an operator's side: what is wrong is named together, and each with how to mend it."""

from __future__ import annotations

import socket
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from dialer import bootstrap, settings
from dialer.cli import public_address
from dialer.ports import Telephony
from tests.cli.office import CARRIER, Office
from tests.presets import OWN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@contextmanager
def taken() -> Iterator[int]:
    """A port on which a program listens that is not ours."""
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def free_port() -> int:
    with taken() as port:
        return port


def bad(office: Office, *more: str) -> dict[str, str]:
    """What doctor finds wrong; its exit code says the same."""
    result = office.run("doctor", *more)
    found = office.objects("doctor", *more)
    assert all(set(one) == {"check", "ok", "warning", "says"} for one in found)
    assert result.exit_code == (0 if all(one["ok"] for one in found) else 1)
    assert len(result.stdout.splitlines()) == len(found)
    return {one["check"]: one["says"] for one in found if not one["ok"]}


@pytest.fixture
def ready(working: Office) -> Office:
    """An office in which nothing is wrong."""
    working.set(**CARRIER)
    return working


def test_a_sound_installation(ready: Office) -> None:
    assert bad(ready, "--offline") == {}
    text = ready.run("doctor", "--offline").stdout
    assert "ok  database" in text
    assert f"{ready.folder / 'dialer.db'}; 6 customers, 1 campaigns in force" in text
    assert "calls go to GB, JP, US and nowhere else" in text


def test_without_settings_all_that_are_missing_are_named_with_the_rest_of_what_is_wrong(office: Office) -> None:
    office.given.clear()
    office.set()
    found = office.objects("doctor")
    missing = [one["says"].partition(":")[0] for one in found if "but not set" in one["says"]]
    assert missing == [
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
        "DIALER_PUBLIC_URL",
        "DIALER_CALLER_ID",
        "DIALER_ALLOWED_COUNTRIES",
    ]
    wrong = bad(office)
    assert f"{office.folder / '.env'}, which is not there; .env.example" in wrong["settings"]
    assert "is not there yet; `dialer customers import FILE` makes it" in wrong["database"]
    assert "no campaign files here" in wrong["campaign files"]
    assert list(office.folder.iterdir()) == [], "looking left something behind"


def test_wrong_settings_are_named_together_with_their_lines(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    (office.folder / ".env").write_text("DIALER_PORT=many\n\nDIALER_HOUSE_ZNOE=UTC\n", encoding="utf-8")
    monkeypatch.setattr(bootstrap, "settings", lambda: settings.load({}))
    found = [one["says"] for one in office.objects("doctor")]
    assert found[0].startswith(".env:3 DIALER_HOUSE_ZNOE: there is no such setting (did you mean DIALER_HOUSE_ZONE?")
    assert found[1].startswith('.env:1 DIALER_PORT: "many" is not a right value (expected a port')
    assert ".env, which is there" in found[2]
    assert len(found) == 3


def test_nothing_to_call_and_nobody(office: Office) -> None:
    office.set(**CARRIER)
    bootstrap.open_store().close()
    wrong = bad(office, "--offline")
    assert "`dialer customers import FILE` fills it" in wrong["customers"]
    assert "`dialer campaigns apply FILE` puts one in force" in wrong["campaigns in force"]


def test_a_paused_campaign_is_no_fault_but_is_said(ready: Office) -> None:
    ready.run("campaigns", "pause", "survey", "--reason", "caller id refused")
    text = ready.run("doctor", "--offline").stdout
    assert "survey is paused: caller id refused; `dialer campaigns resume survey` ends that" in text
    assert bad(ready, "--offline") == {}


def test_a_wrong_campaign_file_is_named_with_its_line(ready: Office) -> None:
    ready.campaign("broken", titel="Broken")
    assert "broken.yaml:1 titel: unknown key 'titel'" in bad(ready, "--offline")["campaign files"]


def test_a_file_that_is_no_database(ready: Office) -> None:
    url = f"sqlite:///{ready.folder / 'customers.csv'}"
    ready.set(DIALER_DATABASE_URL=url)
    says = bad(ready, "--offline")["database"]
    assert "customers.csv: file is not a database; check DIALER_DATABASE_URL" in says
    assert "dialer doctor" not in says, "it sends people round in a circle"


def test_a_database_server_that_does_not_answer(ready: Office) -> None:
    ready.set(DIALER_DATABASE_URL=f"postgresql://ann:secret@127.0.0.1:{free_port()}/calls")
    says = bad(ready, "--offline")["database"]
    assert "refused" in says
    assert "that its server runs" in says
    assert "secret" not in says


def test_a_caller_id_that_nobody_can_call_back(ready: Office) -> None:
    ready.set(DIALER_CALLER_ID="+449098790123")
    assert "people who call it back reach nobody" in bad(ready, "--offline")["caller id"]


def test_a_carrier_of_an_unknown_name(ready: Office) -> None:
    ready.set(DIALER_TELEPHONY="pigeons", DIALER_PORT=str(free_port()))
    assert "'pigeons' is no carrier" in bad(ready)["carrier"]


class Carrier:
    """One that says what it is told to say."""

    def __init__(self, *wrong: str) -> None:
        self._wrong = wrong

    async def check(self) -> tuple[str, ...]:
        return self._wrong

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("wrong", [(), ("The token is wrong.",)])
def test_the_carrier_and_the_public_address_are_asked(
    ready: Office, monkeypatch: pytest.MonkeyPatch, wrong: tuple[str, ...]
) -> None:
    carrier = Carrier(*wrong)
    assert {name for name in vars(Carrier) if not name.startswith("_")} <= set(dir(Telephony))
    monkeypatch.setattr(bootstrap, "open_telephony", lambda _: carrier)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    ready.set(DIALER_PORT=str(port), DIALER_PUBLIC_URL=address, DIALER_TWILIO_API_URL="http://127.0.0.1:9")
    asked = "The token is wrong (asked at http://127.0.0.1:9, as DIALER_TWILIO_API_URL says)"
    assert bad(ready) == ({"carrier": asked} if wrong else {})
    assert f"{address} leads here" in ready.run("doctor").stdout


@pytest.mark.anyio
async def test_before_the_first_start_doctor_answers_in_place_of_the_service() -> None:
    port = free_port()
    service, public = await public_address.check(f"http://127.0.0.1:{port}", "127.0.0.1", port)
    assert (service.well, public.well) == (True, True)
    assert "not running" in service.says
    with closing(socket.socket()) as again:
        again.bind(("127.0.0.1", port))  # it is free again


@pytest.fixture
async def elsewhere() -> AsyncIterator[tuple[int, dict[str, object]]]:
    """A server and what it says at /healthz, which a test may change."""
    body: dict[str, object] = {}

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response(body, status=503 if body.get("status") == "failing" else 200)

    async def moved(_request: web.Request) -> web.Response:
        raise web.HTTPFound("/healthz")

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/elsewhere/healthz", healthz)
    app.router.add_get("/moved/healthz", moved)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1], body
    await runner.cleanup()


OURS = {"status": "ok", "in_call": 0, "calls_sent": 7}


@pytest.mark.anyio
async def test_a_running_service_is_recognised(elsewhere: tuple[int, dict[str, object]]) -> None:
    port, body = elsewhere
    body |= OURS
    service, public = await public_address.check(f"http://127.0.0.1:{port}/elsewhere", "0.0.0.0", port)  # noqa: S104 - only asked about
    assert (service.well, public.well) == (True, True)
    assert "running on" in service.says


@pytest.mark.anyio
async def test_a_service_that_cannot_work_says_why(elsewhere: tuple[int, dict[str, object]]) -> None:
    port, body = elsewhere
    body |= {"status": "failing", "reason": "the database is full"}
    (service,) = await public_address.check(f"http://127.0.0.1:{port}", "127.0.0.1", port)
    assert not service.well
    assert "the database is full" in service.says


@pytest.mark.anyio
async def test_a_port_that_another_program_has(elsewhere: tuple[int, dict[str, object]]) -> None:
    port, _ = elsewhere
    (service,) = await public_address.check(f"http://127.0.0.1:{port}", "127.0.0.1", port)
    assert not service.well
    assert "another program listens" in service.says


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("", "is answered by something else"),
        ("/moved", "answers with HTTP status 302"),
        ("/nowhere", "answers with HTTP status 404"),
    ],
)
async def test_a_public_address_that_leads_elsewhere(
    elsewhere: tuple[int, dict[str, object]], path: str, says: str
) -> None:
    other, body = elsewhere
    body |= OURS  # another installation of the same program is not this one
    port = free_port()
    service, public = await public_address.check(f"http://127.0.0.1:{other}{path}", "127.0.0.1", port)
    assert (service.well, public.well) == (True, False)
    assert says in public.says
    assert f"lead your proxy to 127.0.0.1 port {port}" in public.says


@pytest.mark.anyio
async def test_a_public_address_where_nothing_is() -> None:
    _, public = await public_address.check(f"http://127.0.0.1:{free_port()}", "127.0.0.1", free_port())
    assert "gives no answer" in public.says


@pytest.mark.anyio
@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 8080), ("127.0.0.1", 0)], ids=["not of this machine", "any"])
async def test_an_address_at_which_nobody_can_listen(host: str, port: int) -> None:
    (service,) = await public_address.check("http://127.0.0.1:1", host, port)
    assert not service.well
    assert "DIALER_PORT" in service.says


def test_doctor_looks_into_a_database_where_it_must_not_write(ready: Office, tmp_path: Path) -> None:
    ready.set(DIALER_DATABASE_URL=f"sqlite:///{tmp_path}/missing/folder/dialer.db")
    assert "is not there yet" in bad(ready, "--offline")["database"]
    assert not (tmp_path / "missing").exists()


def warnings(office: Office) -> list[str]:
    return [one["says"] for one in office.objects("doctor", "--offline") if one["warning"]]


def test_countries_without_a_rule_are_a_warning_and_no_fault(ready: Office) -> None:
    (says,) = warnings(ready)
    assert says.startswith("there is none for JP: only the house window and the campaign's own hours hold there.")
    assert "WARNING rules: there is none for JP" in ready.run("doctor", "--offline").stdout
    ready.set(DIALER_ALLOWED_COUNTRIES="GB,US")
    assert warnings(ready) == []
    assert "48 presets; `dialer rules list` shows them" in ready.run("doctor", "--offline").stdout


def test_own_rules_are_counted_and_a_wrong_one_is_named_with_its_line(ready: Office) -> None:
    folder = ready.folder / "rules"
    folder.mkdir()
    (folder / "own.yaml").write_text(OWN + OWN.removeprefix("presets:\n").replace("id: own", "id: de-practice"))
    ready.set(DIALER_RULES=str(folder))
    found = {one["check"]: one["says"] for one in ready.objects("doctor", "--offline") if not one["warning"]}
    assert f"49 presets, 1 of them added and 1 replaced by {folder};" in found["rules"]
    other = ready.folder / "broken"
    other.mkdir()
    (other / "own.yaml").write_text(OWN.replace("kind: house", "kind: hause"), encoding="utf-8")
    ready.set(DIALER_RULES=str(other))
    assert "own.yaml:3 presets[1].kind: 'hause' is not known here" in bad(ready, "--offline")["rules"]
    ready.set(DIALER_RULES=str(ready.folder / "nowhere"))
    assert "nowhere: there is no such folder" in bad(ready, "--offline")["rules"]


def test_a_year_without_its_notice_is_a_loud_warning_until_there_is_one(ready: Office) -> None:
    ready.clock(datetime(2026, 11, 22, tzinfo=UTC))
    ready.set(DIALER_ALLOWED_COUNTRIES="CN")
    (says,) = warnings(ready)
    assert says.startswith("THE HOLIDAYS OF CN IN 2027 ARE UNCONFIRMED")
    assert "the folder that DIALER_HOLIDAYS names as CN-2027.csv: lines of date,name,off" in says
    notices = ready.folder / "notices"
    notices.mkdir()
    days = "2027-02-05,New Year's Eve,off\n2027-02-20,make-up day,work\n"
    (notices / "CN-2027.csv").write_text(days, encoding="utf-8")
    ready.set(DIALER_HOLIDAYS=str(notices))
    (says,) = warnings(ready)
    assert says.startswith("THE HOLIDAYS OF CN IN 2027 ARE UNCONFIRMED: the file CN-2027 that is there names 1 day off")
    assert "a whole notice names at least 7" in says
    days += "".join(f"2027-02-{day:02},Spring Festival,off\n" for day in range(6, 12))
    (notices / "CN-2027.csv").write_text(days, encoding="utf-8")
    ready.set(DIALER_HOLIDAYS=str(notices.rename(ready.folder / "whole")))
    assert warnings(ready) == []


def test_a_notice_that_no_rule_closes_on_is_named(ready: Office) -> None:
    notices = ready.folder / "notices"
    notices.mkdir()
    (notices / "CH-2027.csv").write_text("2027-08-01,National Day,off\n", encoding="utf-8")
    ready.set(DIALER_ALLOWED_COUNTRIES="GB", DIALER_HOLIDAYS=str(notices))
    assert warnings(ready) == ["no preset closes on the holidays of CH, so its notice changes nothing"]
    (notices / "CH-2027.csv").write_text("2027-08-01,National Day,perhaps\n", encoding="utf-8")
    ready.set(DIALER_HOLIDAYS=str(notices.rename(ready.folder / "others")))
    assert "does not say whether the day is off" in bad(ready, "--offline")["rules"]


def test_rules_that_nobody_reviewed_for_long_are_named(ready: Office) -> None:
    ready.set(DIALER_ALLOWED_COUNTRIES="GB")
    ready.clock(datetime(2028, 1, 1, tzinfo=UTC))
    (says,) = warnings(ready)
    assert "presets were last reviewed more than 180 days ago: gb-" in says
    assert "us-fl" not in says


def test_a_campaign_on_a_special_day_without_a_date_is_named(ready: Office) -> None:
    ready.set(DIALER_ALLOWED_COUNTRIES="GB")
    ready.campaign(why_now={"due": {"special_day": "spring_festival"}, "deadline": "3 days"})
    ready.run("campaigns", "apply")
    assert warnings(ready) == []
    ready.clock(datetime(2035, 1, 1, tzinfo=UTC))
    (says,) = (one for one in warnings(ready) if "hangs" in one)
    assert says == "survey hangs on spring_festival, whose date in 2036 is not known: nobody is enrolled for it then"


def test_campaigns_that_nobody_can_work_for_and_agents_nobody_can_call(ready: Office) -> None:
    ready.run("agents", "add", "1001", "--name", "Ann", "--role", "agent", "--team", "other")
    says = ready.objects("doctor", "--offline")
    found = [(one["ok"], one["says"]) for one in says if one["check"] == "agents"]
    assert (False, "1001: no telephone; `dialer agents change STAFF_NUMBER --phone` enters it") in found
    assert any("nobody is a manager" in told for ok, told in found if not ok)
    ready.run("agents", "add", "1002", "--name", "Bo", "--role", "manager")
    ready.run("agents", "change", "1001", "--phone", "sip:ann@example.com")
    assert "agents" not in bad(ready, "--offline")
