"""`dialer watch` from an operator's side: one look for scripts, a view for people, and an end when nothing happens."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from dialer.cli import watch
from tests.campaigns import NOW
from tests.cli.calls import place
from tests.cli.office import instant

if TYPE_CHECKING:
    from tests.cli.office import Office


class Watchmaker:
    """A clock that moves only when somebody sleeps, and counts how often."""

    def __init__(self) -> None:
        self.at = 100.0
        self.naps = 0

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds
        self.naps += 1
        if self.naps > 1000:
            raise KeyboardInterrupt


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Watchmaker:
    found = Watchmaker()
    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=found.monotonic, sleep=found.sleep))
    return found


def test_one_look_for_scripts(working: Office, time: Watchmaker) -> None:
    working.run("campaigns", "apply", str(working.campaign("other", who={"field": "region", "is": "JP"})))
    working.run("campaigns", "pause", "other")
    (told,) = working.objects("watch")
    assert time.naps == 0
    assert instant(told.pop("at")) == NOW
    assert instant(told.pop("next_opening")) == datetime(2026, 3, 4, tzinfo=UTC)
    nothing = {"calling": 0, "done": 0}
    assert told == {
        "in_call": 0,
        "callable_now": 3,
        "campaigns": {
            "other": {"paused": True, "callable_now": 0, "waiting": 1, "held": 0, "closed": 0} | nothing,
            "survey": {"paused": False, "callable_now": 3, "waiting": 4, "held": 1, "closed": 1} | nothing,
        },
    }


def test_until_idle_with_nothing_to_do_returns_soon(office: Office, time: Watchmaker) -> None:
    (told,) = office.objects("watch", "--until-idle")
    assert 100 + 3 <= time.at < 100 + 5, "a service that has just started gets time to enrol somebody"
    assert told["campaigns"] == {}
    assert (told["in_call"], told["callable_now"], told["next_opening"]) == (0, 0, None)


def test_until_idle_waits_while_somebody_may_be_called_but_no_longer_than_asked(
    working: Office, time: Watchmaker
) -> None:
    working.objects("watch", "--until-idle", "--at-most", "20")
    assert 120 <= time.at < 121
    working.objects("watch", "--until-idle")
    assert time.naps > 1000, "it returned while somebody could be called"


def test_until_idle_does_not_wait_for_a_paused_campaign(working: Office, time: Watchmaker) -> None:
    working.run("campaigns", "pause", "survey")
    working.objects("watch", "--until-idle")
    assert time.at < 105


def test_until_idle_waits_for_a_call_to_end(working: Office, time: Watchmaker) -> None:
    place("london")
    working.run("campaigns", "pause", "survey")
    working.objects("watch", "--until-idle", "--at-most", "20")
    assert time.at >= 120


@pytest.mark.usefixtures("time")
def test_people_see_campaigns_and_calls_in_any_terminal(working: Office) -> None:
    place("london")
    working.run("campaigns", "pause", "survey")
    text = working.run("watch").stdout
    assert max(map(len, text.splitlines())) <= 80
    assert "survey" in text
    assert "(paused)" in text
    assert "1 of 6" in text
    assert "+44••••••0001" in text
    assert "In call: 1 · next of those who rest: Tue 2026-03-03 14:31 UTC" in text
    assert text.endswith("\n")


@pytest.mark.usefixtures("time")
def test_people_are_told_what_to_do_first(office: Office) -> None:
    assert "dialer campaigns apply FILE" in office.run("watch").stdout


@pytest.mark.usefixtures("time")
def test_a_terminal_is_refreshed_and_left_in_order(working: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("dialer.cli.screen.out._force_terminal", True)
    monkeypatch.setattr("dialer.cli.screen.out.is_interactive", True)
    text = working.run("watch", "--at-most", "1").stdout
    assert text.count("In call: 0") > 3
    assert text.rstrip().endswith("\x1b[?25h"), "the cursor stays hidden"
