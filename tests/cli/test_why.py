"""`dialer why` from a user's side: the decision, its reasons, and the instant at which it changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from dialer import bootstrap
from dialer.core.customer import Customer
from dialer.errors import InputError, NotFoundError
from tests.campaigns import NOW, number
from tests.cli.office import instant

if TYPE_CHECKING:
    from tests.cli.office import Office

MINUTE = timedelta(minutes=1)
FIELDS = {"customer", "campaign", "occasion", "at", "decision", "until", "zones", "known_by"} | {
    "due",
    "deadline",
    "slack",
    "rules",
    "presets",
    "limits",
    "lists",
}


def ask(office: Office, customer: str, *more: str) -> dict[str, Any]:
    (told,) = office.objects("why", customer, "--campaign", "survey", *more)
    return told


def failing(told: dict[str, Any]) -> list[str]:
    return [rule["name"] for rule in told["rules"] if not rule["passed"]]


def test_a_customer_who_is_awake_is_dialed(working: Office) -> None:
    told = ask(working, "london")
    assert set(told) == FIELDS
    assert (told["customer"], told["campaign"]) == ("london", "survey")
    assert (told["decision"], told["until"], told["zones"]) == ("dial", None, ["Europe/London"])
    assert instant(told["at"]) == NOW
    assert failing(told) == []
    assert all(set(rule) == {"name", "passed", "reason", "until"} for rule in told["rules"])
    assert all(rule["reason"] and rule["until"] is None for rule in told["rules"])


def test_a_customer_who_sleeps_is_called_from_the_first_minute_that_is_open(working: Office) -> None:
    told = ask(working, "tokyo")
    assert (told["decision"], failing(told)) == ("wait", ["hours"])
    until = instant(told["until"])
    assert until.astimezone(ZoneInfo("Asia/Tokyo")).strftime("%d %H:%M") == "04 09:00"
    assert "Asia/Tokyo" in next(rule["reason"] for rule in told["rules"] if rule["name"] == "hours")
    assert ask(working, "tokyo", "--at", told["until"])["decision"] == "dial"
    assert ask(working, "tokyo", "--at", (until - MINUTE).isoformat())["decision"] == "wait"


@pytest.mark.slow
def test_until_is_the_first_minute_of_dial_whenever_one_asks(working: Office) -> None:
    for hours in range(0, 48, 5):
        at = datetime(2026, 3, 7, 11, 17, tzinfo=UTC) + timedelta(hours=hours)
        for customer in ("newyork", "tokyo"):
            told = ask(working, customer, "--at", at.isoformat())
            if told["decision"] == "dial":
                assert told["until"] is None
                continue
            until = instant(told["until"])
            assert until > at
            assert ask(working, customer, "--at", until.isoformat())["decision"] == "dial"
            assert ask(working, customer, "--at", (until - MINUTE).isoformat())["decision"] == "wait"


def test_whoever_opted_out_is_refused(working: Office) -> None:
    told = ask(working, "never")
    assert (told["decision"], told["until"]) == ("refuse", None)
    assert "opt_out" in failing(told)


def test_whose_zone_nobody_knows_is_refused(working: Office) -> None:
    store = bootstrap.open_store()
    store.customers.upsert([Customer("lost", "Eva", numbers=(number(9),), region="GB", zone="Atlantis/Capital")], NOW)
    store.close()
    told = ask(working, "lost")
    assert (told["decision"], told["until"], told["zones"]) == ("refuse", None, [])
    assert "zone" in failing(told)
    assert ask(working, "nowhere")["decision"] == "refuse", "a satellite telephone may be anywhere"


def test_a_paused_campaign_waits_and_nobody_can_say_until_when(working: Office) -> None:
    working.run("campaigns", "pause", "survey")
    told = ask(working, "london")
    assert (told["decision"], told["until"], failing(told)) == ("wait", None, ["campaign"])
    working.run("campaigns", "resume", "survey")
    assert ask(working, "london")["decision"] == "dial"


def test_each_campaign_is_told_when_none_is_named(working: Office) -> None:
    working.run("campaigns", "apply", str(working.campaign("vips", who={"field": "tier", "is": "vip"})))
    told = working.objects("why", "london")
    assert [(one["campaign"], one["decision"]) for one in told] == [("survey", "dial"), ("vips", "refuse")]
    assert failing(told[1]) == ["target"]
    text = working.run("why", "london").stdout
    assert "london in vips: the campaign's filter does not select this customer" in text
    assert text.count("opt_out") == 1, "one line is enough about a campaign that does not want the customer"
    assert working.run("why", "london", "--campaign", "vips").stdout.count("opt_out") == 1


def open_minutes(start: datetime, end: datetime, zone: str, shut: str, *layers: str) -> list[tuple[datetime, datetime]]:
    """What `layers` (ranges of the day that must hold one another) leave open but for `shut`, minute by minute."""

    def within(ranges: str, clock: str) -> bool:
        return any(first <= clock < last for first, last in (one.split("-") for one in ranges.split(",")))

    found: list[tuple[datetime, datetime]] = []
    at = start
    while at < end:
        clock = at.astimezone(ZoneInfo(zone)).strftime("%H:%M")
        if all(within(layer, clock) for layer in layers) and not within(shut, clock):
            if found and found[-1][1] == at:
                found[-1] = (found[-1][0], at + MINUTE)
            else:
                found.append((at, at + MINUTE))
        at += MINUTE
    return found


@pytest.mark.parametrize("day", ["2026-03-03", "2026-03-08", "2026-11-01"], ids=["plain", "spring", "autumn"])
def test_windows_are_what_campaign_house_and_customer_leave_open(office: Office, day: str) -> None:
    house, campaign = "00:30-20:00", ["00:00-01:45", "02:15-03:30", "09:00-12:00", "12:15-21:00"]
    office.set(DIALER_HOUSE_WINDOW=house)
    office.customers()
    office.run("campaigns", "apply", str(office.campaign(when={"windows": {"daily": campaign}})))
    start = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)
    end = start + timedelta(days=2)
    told = ask(office, "newyork", "--between", start.isoformat(), "--and", end.isoformat())
    assert set(told) == FIELDS | {"windows", "days"}
    assert all(set(one) == {"from", "until"} for one in told["windows"])
    windows = [(instant(one["from"]), instant(one["until"])) for one in told["windows"]]
    expected = open_minutes(start, end, "America/New_York", "12:30-13:30", house, ",".join(campaign))
    assert windows == expected


def test_nobody_has_windows_where_nobody_knows_the_time(working: Office) -> None:
    assert ask(working, "nowhere", "--between", "2026-03-03", "--and", "2026-03-04")["windows"] == []


def test_instants_without_an_offset_are_on_the_clock_of_the_house(working: Office) -> None:
    working.set(DIALER_HOUSE_ZONE="Asia/Shanghai")
    assert ask(working, "london", "--at", "2026-03-03 22:30")["at"] == "2026-03-03T14:30:00Z"
    assert ask(working, "london", "--at", "2026-03-03T14:30Z")["at"] == "2026-03-03T14:30:00Z"
    assert "at Tue 2026-03-03 22:30 Asia/Shanghai" in working.run("why", "london").stdout


@pytest.mark.parametrize(
    ("customer", "says"),
    [
        ("london", "london in survey: dial\n"),
        ("tokyo", "tokyo in survey: wait until Wed 2026-03-04 00:00 UTC\n"),
        (
            "never",
            "never in survey: refuse: closed: the customer asked not to be called (person, by\nimport, 2026-03-03)\n",
        ),
        ("[b]odd[/c]", "[b]odd[/c] in survey: dial\n"),
    ],
)
def test_people_read_the_answer_first_and_need_no_wide_terminal(working: Office, customer: str, says: str) -> None:
    text = working.run("why", customer, "--between", "2026-03-04", "--and", "2026-03-06").stdout
    assert text.startswith(says)
    assert max(map(len, text.splitlines())) <= 80
    for rule in ("opt_out", "number", "zone", "campaign", "attempts", "in_call", "not_before", "spacing", "hours"):
        assert f" {rule} " in text
    assert "\nWed 03-04  " in text
    assert "\n  Wed 03-04  " in text, "once in the table, once in the chart"


def test_people_are_told_that_nothing_is_open(working: Office) -> None:
    text = working.run("why", "london", "--between", "2026-03-04T22:00", "--and", "2026-03-04T23:00").stdout
    assert "no stretch of that time is open" in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nobody",), "no customer 'nobody' in the customer file"),
        (("london", "--campaign", "nix"), "no campaign 'nix' has been applied"),
        (("london", "--at", "noon"), "--at: 'noon' is no instant"),
        (("london", "--between", "2026-03-03"), "give both --between A and --and B"),
        (("london", "--and", "2026-03-03"), "give both --between A and --and B"),
        (("london", "--between", "2026-03-03", "--and", "2026-03-03"), "--and: is not after --between"),
    ],
)
def test_what_cannot_be_asked_is_said(working: Office, arguments: tuple[str, ...], says: str) -> None:
    with pytest.raises(InputError, match=says) as error:
        working.run("why", *arguments)
    assert error.value.exit_code == 2


def test_without_a_campaign_there_is_nothing_to_explain(office: Office) -> None:
    office.customers()
    with pytest.raises(NotFoundError, match="no campaign has been applied yet"):
        office.run("why", "london")


def test_each_preset_and_its_hours_today_are_named(working: Office) -> None:
    told = ask(working, "london")
    hours = next(one for one in told["presets"] if one["id"] == "gb-practice-hours")
    assert hours == {
        "id": "gb-practice-hours",
        "kind": "practice",
        "lifted": False,
        "today": [{"zone": "Europe/London", "there": "2026-03-03T14:30+00:00", "hours": ["09:00-20:00"]}],
    }
    assert "09:00-20:00, Tue 14:30 in Europe/London" in working.run("why", "london").stdout
    sunday = ask(working, "london", "--at", "2026-03-08")["presets"]
    assert next(one for one in sunday if one["id"] == "gb-practice-hours")["today"][0]["hours"] == []


def own_rules(office: Office) -> None:
    folder = office.folder / "rules"
    folder.mkdir()
    (folder / "ours.yaml").write_text(OWN, encoding="utf-8")
    office.set(DIALER_RULES=str(folder))


OWN = """\
presets:
  - id: our-limits
    kind: house
    purposes: [survey]
    hours: 24 h
    caps:
      - { max: 3, period: 24 h, counts: attempts, per: person }
    cooloffs:
      - { after: refused, wait: 30 days }
    appointment_lifts: no
    sources: [we say so]
    confidence: high
    reviewed_on: 2026-03-01
"""


def test_each_limit_is_told_with_its_use(working: Office) -> None:
    own_rules(working)
    limits = [one for one in ask(working, "tokyo")["limits"] if one["preset"] == "our-limits"]
    assert [(one["used"], one["until"]) for one in limits] == [(0, None), (None, None)]
    text = " ".join(working.run("why", "tokyo").stdout.split())
    assert "our-limits at most 3 attempts in 1 day for each person: 0 used" in text
    assert "30 days without a call after: refused, for each person: none lasts" in text


def test_each_list_is_told_even_one_that_does_not_stop_this_campaign(working: Office) -> None:
    assert ask(working, "london")["lists"] == []
    (told,) = ask(working, "never")["lists"]
    assert (told["on"], told["scope"], told["source"], told["stops"]) == ("person", "everything", "import", True)
    working.run("do-not-call", "add", "--customer", "london", "--scope", "purpose:sales", "--by", "Eva")
    (other,) = ask(working, "london")["lists"]
    assert (other["scope"], other["stops"]) == ("purpose:sales", False)
    assert "does not stop this campaign" in " ".join(working.run("why", "london").stdout.split())


def test_a_customer_without_a_zone_can_be_mended(working: Office) -> None:
    store = bootstrap.open_store()
    store.customers.upsert([Customer("lost", "Eva", numbers=(number(9),), region="GB", zone="Atlantis/Capital")], NOW)
    store.close()
    text = " ".join(working.run("why", "lost", "--between", "2026-03-04", "--and", "2026-03-05").stdout.split())
    assert "no zone Without knowing what time it is there, nobody calls." in text
    assert "`dialer customers confirm-zone REFERENCE ZONE --by NAME`" in text
    assert "no zone" not in working.run("why", "london").stdout


def test_days_as_a_table_and_a_chart(working: Office) -> None:
    text = working.run("why", "newyork", "--between", "2026-03-04T05:00", "--and", "2026-03-06T05:00").stdout
    assert "\nWed 03-04  09:00-12:30, 13:30-20:00  America/New_York  campaign 08:00-09:00" in text
    assert "\n           14:00-17:30, 18:30-01:00  UTC (house)" in text
    chart = [line for line in text.splitlines() if line.startswith(("  Wed 03-04", "  Thu 03-05"))]
    assert [line[13:61] for line in chart] == ["." * 16 + "aa" + "#######cc#############aa......"] * 2
    assert "a  campaign  09:00-20:00 Wed 03-04 to Thu 03-05" in text
    assert "b  house     08:00-21:00 Wed 03-04 to Thu 03-05" in text
    assert max(map(len, text.splitlines())) <= 80
    told = ask(working, "newyork", "--between", "2026-03-04T05:00", "--and", "2026-03-05T05:00")
    (day,) = told["days"]
    assert day["day"] == "2026-03-04"
    assert set(day["closed_only_by"]) == {"customer", "campaign"}
    assert day["layers"]["campaign"] == ["09:00-20:00"]


def test_it_says_by_when_and_how_much_callable_time_is_left(working: Office) -> None:
    told = ask(working, "london")
    assert (instant(told["due"]), instant(told["deadline"])) == (NOW, NOW + timedelta(days=3))
    assert told["slack"] == timedelta(hours=5.5 + 11 + 11 + 5.5).total_seconds()
    text = working.run("why", "london", "--campaign", "survey").stdout
    assert (
        "  due Tue 2026-03-03 14:30 UTC\n  deadline Fri 2026-03-06 14:30 UTC, 33 h 00 min callable until then\n" in text
    )
    late = working.run("why", "london", "--campaign", "survey", "--at", "2026-03-07").stdout
    assert "deadline Fri 2026-03-06 14:30 UTC, which has passed" in late
    working.campaign("later", who={"field": "tier", "is": "vip"})
    working.run("campaigns", "apply", "campaigns/later.yaml")
    (nobody,) = working.objects("why", "london", "--campaign", "later")
    assert (nobody["deadline"], nobody["slack"]) == (None, None)
