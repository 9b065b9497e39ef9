"""`dialer promises` and `dialer customers confirm-zone`: what customers said, written down by who heard it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from dialer.errors import InputError, NotFoundError
from tests.campaigns import NOW
from tests.cli.office import instant
from tests.presets import OWN

if TYPE_CHECKING:
    from tests.cli.office import Office

OPEN = {"windows": {"daily": ["00:00-24:00"]}}
HEARD = ("--asked-by", "Li Na")


@pytest.fixture
def asked(office: Office) -> Office:
    """An office whose campaign is open all day, so that only the day and the hour matter."""
    office.set(DIALER_HOUSE_ZONE="Europe/London", DIALER_HOUSE_WINDOW="00:00-24:00")
    office.customers()
    office.campaign(when=OPEN)
    office.run("campaigns", "apply")
    return office


def make(office: Office, who: str, at: str, *more: str) -> dict[str, Any]:
    (made,) = office.objects("promises", "make", who, "survey", "--at", at, *HEARD, *more)
    return made


def test_a_promise_is_on_the_customers_clock(asked: Office) -> None:
    made = make(asked, "tokyo", "2026-03-05 10:00")
    assert instant(made["at"]) == datetime(2026, 3, 5, 1, 0, tzinfo=UTC)
    assert (made["zone"], made["reading"], made["when_missed"]) == ("Asia/Tokyo", "exact", "next_window")
    (listed,) = asked.objects("promises", "list")
    assert (listed["said"], listed["asked_by"], listed["channel"]) == ("2026-03-05 10:00", "Li Na", "agent")
    told = asked.run("promises", "list").stdout
    assert "2026-03-05 10:00" in told
    assert "Thu 2026-03-05" in told
    assert "Li Na" in told


def test_it_is_said_in_both_clocks(asked: Office) -> None:
    told = asked.run("promises", "make", "tokyo", "survey", "--at", "2026-03-05 10:00", *HEARD).stdout
    assert "Thu 2026-03-05 10:00 Asia/Tokyo, which is Thu 2026-03-05 01:00 Europe/London" in told
    assert "it may be kept until 10:15 there" in told


@pytest.mark.parametrize(
    ("at", "more", "means", "reading", "says"),
    [
        ("2026-03-08 02:30", (), "2026-03-08T07:30Z", "after_gap", "skips this time"),
        ("2026-11-01 01:30", (), "2026-11-01T05:30Z", "first_of_two", "the first is meant. --second means the later"),
        ("2026-11-01 01:30", ("--second",), "2026-11-01T06:30Z", "second_of_two", "the second is meant"),
    ],
)
def test_times_the_clock_skips_or_shows_twice_are_said_loudly(
    asked: Office, at: str, more: tuple[str, ...], means: str, reading: str, says: str
) -> None:
    asked.clock(datetime.fromisoformat(at).replace(tzinfo=UTC).replace(hour=0))
    where = ("--zone", "America/New_York", *more)
    made = make(asked, "newyork", at, *where)
    assert (instant(made["at"]), made["reading"]) == (datetime.fromisoformat(means), reading)
    result = asked.run("promises", "make", "newyork", "survey", "--at", at, *HEARD, *where)
    assert "TELL THE CUSTOMER" in result.stderr
    assert says in result.stderr


@pytest.mark.parametrize(
    ("who", "at", "more", "says"),
    [
        ("london", "2026-03-03 14:30", (), "has passed already"),
        ("london", "2026-05-03 14:30", (), "more than 60 days ahead"),
        ("london", "2026-03-05", (), "is no time on a customer's clock"),
        ("london", "2026-03-05T10:00Z", (), "is no time on a customer's clock"),
        ("london", "tomorrow", (), "is no time on a customer's clock"),
        ("london", "2026-03-05 10:00", ("--second",), "only once that day"),
        ("london", "2026-03-05 10:00", ("--zone", "London"), "no time zone 'London'"),
        ("never", "2026-03-05 10:00", (), "over, and a promise does not open it again"),
        ("nowhere", "2026-03-05 10:00", (), "nobody knows their zone"),
    ],
)
def test_what_cannot_be_promised_is_refused(asked: Office, who: str, at: str, more: tuple[str, ...], says: str) -> None:
    with pytest.raises(InputError, match=says):
        make(asked, who, at, *more)
    assert asked.objects("promises", "list", "--all") == []


def test_nobody_enrolled_nobody_known_and_nobody_named(asked: Office) -> None:
    asked.campaign("renewal", when=OPEN)
    asked.run("campaigns", "apply", "campaigns/renewal.yaml", "--no-enrol")
    at = ("--at", "2026-03-05 10:00")
    with pytest.raises(NotFoundError, match="not enrolled in 'renewal'"):
        asked.run("promises", "make", "london", "renewal", *at, *HEARD)
    with pytest.raises(NotFoundError, match="nobody has the reference 'nix'"):
        asked.run("promises", "make", "nix", "survey", *at, *HEARD)
    with pytest.raises(NotFoundError, match="no campaign 'nix'"):
        asked.run("promises", "make", "london", "nix", *at, *HEARD)
    with pytest.raises(InputError, match="nobody can show who heard the customer"):
        asked.run("promises", "make", "london", "survey", *at, "--asked-by", " ")


def test_one_who_opted_out_since_is_refused(asked: Office) -> None:
    asked.run("do-not-call", "add", "--customer", "london")
    with pytest.raises(InputError, match="cannot be promised: the customer asked not to be called"):
        make(asked, "london", "2026-03-05 10:00")


def test_a_time_that_cannot_be_kept_is_said_at_once_with_what_happens_instead(asked: Office) -> None:
    asked.campaign(when={"windows": {"daily": ["09:00-20:00"]}}, promises={"missed": "escalate"})
    asked.run("campaigns", "apply")
    at = ("--at", "2026-03-05 22:00")
    result = asked.run("promises", "make", "london", "survey", *at, *HEARD)
    assert "This time cannot be kept" in result.stderr
    assert "campaign hours are shut in Europe/London (Thu 22:00 there)" in result.stderr
    assert "a person takes over" in result.stderr
    assert [one["kind"] for one in asked.objects("tasks", "list") if one["customer"] == "london"] == ["promise_missed"]


def test_which_rules_it_lifts_is_said(asked: Office) -> None:
    rules = asked.folder / "rules"
    rules.mkdir()
    own = OWN.replace("country: US\n    subdivisions: US-LA", "country: GB").replace("[sales, service]", "[survey]")
    own = own.replace("appointment_lifts: no", "appointment_lifts: yes").replace("subdivision: LA, ", "")
    (rules / "own.yaml").write_text(own, encoding="utf-8")
    asked.set(DIALER_RULES=str(rules))
    made = make(asked, "london", "2026-03-05 18:30")
    others = [name for name in made["lifted"] if name != "own"]
    if made["keeps"]:
        assert "own" in made["lifted"]
        told = asked.run("promises", "make", "london", "survey", "--at", "2026-03-05 18:30", *HEARD).stdout
        assert "The customer's wish lifts: " in told
    else:
        pytest.fail(f"{made} {others}")


def test_a_promise_is_withdrawn_by_somebody(asked: Office) -> None:
    made = make(asked, "london", "2026-03-05 10:00")
    told = asked.run("promises", "withdraw", str(made["promise"]), "--by", "Wang").stdout
    assert f"Promise {made['promise']} is withdrawn. The dialer calls from" in told
    assert asked.objects("promises", "list") == []
    (over,) = asked.objects("promises", "list", "--all")
    assert (over["state"], over["settled_by"], instant(over["settled"])) == ("void", "Wang", NOW)
    assert "Nothing is promised." in asked.run("promises", "list").stdout
    assert "No promise was missed." in asked.run("promises", "list", "--missed").stdout


def test_reports_tell_what_was_promised(asked: Office) -> None:
    make(asked, "london", "2026-03-05 10:00")
    (survey, total) = asked.objects("report", "house")
    assert (survey["promises"], survey["promises_open"], survey["promises_missed"]) == (1, 1, 0)
    assert survey["promises_kept"] == {"part": 0, "of": 0, "rate": None}
    assert total["promises"] == 1
    assert "Promises made: 1 · Promises open: 1" in asked.run("report", "house").stdout
    assert "预约回访数: 1" in asked.run("report", "house", "--language", "zh-CN").stdout
    (row,) = [one for one in asked.objects("report", "callbacks") if one["customer"] == "london"]
    assert "call at the promised time" in row["next_step"]


def test_a_confirmed_zone_outlasts_the_next_import(asked: Office) -> None:
    told = asked.run("customers", "confirm-zone", "newyork", "America/Chicago", "--by", "Li Na").stdout
    assert "newyork lives on the clock of America/Chicago" in told
    asked.customers()
    assert asked.objects("customers", "show", "newyork")[0]["zone"] == "America/Chicago"
    made = make(asked, "newyork", "2026-03-05 10:00")
    assert instant(made["at"]) == datetime(2026, 3, 5, 16, 0, tzinfo=UTC)
    assert asked.objects("customers", "confirm-zone", "newyork", "", "--by", "Li Na") == [
        {"customer": "newyork", "zone": None}
    ]
    assert asked.objects("customers", "show", "newyork")[0]["zone"] == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nix", "UTC", "--by", "Li Na"), "nobody has the reference 'nix'"),
        (("london", "London", "--by", "Li Na"), "no time zone 'London'"),
        (("london", "UTC", "--by", ""), "nobody can show"),
    ],
)
def test_a_zone_is_somebodys_word_and_exists(asked: Office, arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(InputError, match=says):
        asked.run("customers", "confirm-zone", *arguments)


def test_whoever_heard_it_is_named_with_by(asked: Office) -> None:
    (made,) = asked.objects("promises", "make", "tokyo", "survey", "--at", "2026-03-05 10:00", "--by", "Eve")
    assert asked.objects("promises", "list")[0]["asked_by"] == "Eve"
    asked.run("promises", "withdraw", str(made["promise"]), "--asked-by", "Tom")
    assert asked.objects("promises", "list", "--all")[0]["settled_by"] == "Tom"
