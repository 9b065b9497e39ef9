"""What a campaign file may say about agents, and whom it takes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from dialer.core.agent import Agent
from dialer.core.staffing import AtZero, Divide, Mode, Opening, Staffing
from tests.campaigns import campaign

HARBOUR = {"safe_harbour": "Acme called. {hotline}"}


def test_the_handbooks_times_are_the_defaults() -> None:
    staffing = Staffing()
    assert (staffing.mode, staffing.opening, staffing.divide) == (Mode.PROGRESSIVE, Opening.AGENT, Divide.NO)
    assert (staffing.abandonment, staffing.patience) == (0.03, timedelta(seconds=2))
    assert (staffing.warn_after, staffing.flag_after) == (timedelta(minutes=3), timedelta(minutes=5))
    assert staffing.at_zero is AtZero.DIAL
    assert staffing.belongs.agent == staffing.belongs.team == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"mode": "agentless"}, "agentless"),
        ({"greeting": "Hello"}, "nobody speaks"),
        ({"opening": "machine"}, "nothing to say"),
        ({"opening": "machine", "greeting": "  "}, "greeting|say"),
        ({"mode": "predictive"}, "hear nothing"),
        ({"mode": "predictive", "safe_harbour": " "}, "hear nothing"),
        ({"warn_after": "5 min", "flag_after": "4 min"}, "shorter"),
        ({"abandonment": 0}, "greater than 0"),
        ({"abandonment": 0.2}, "less than or equal"),
        ({"patience": "6 s"}, "patience"),
        ({"countdown": "1 s"}, "countdown"),
        ({"wrap_up": "1 h"}, "wrap_up"),
        ({"late_hang_up": "yes"}, "late_hang_up"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_makes_no_sense_is_refused(said: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        campaign(agents=said)


@pytest.mark.parametrize("mode", [Mode.PREVIEW, Mode.PROGRESSIVE, Mode.PREDICTIVE])
def test_a_campaign_has_the_mode_of_its_agents(mode: Mode) -> None:
    assert campaign(agents={"mode": mode.value, **HARBOUR}).mode is mode
    assert campaign().mode is Mode.AGENTLESS


def test_who_is_set_aside_before_the_call() -> None:
    assert {mode for mode in Mode if mode.reserves} == {Mode.PREVIEW, Mode.PROGRESSIVE}


def test_a_conversation_with_an_agent_may_take_longer_than_one_with_the_machine() -> None:
    assert campaign(agents={"longest": "2 h"}).longest == timedelta(hours=2)
    assert campaign(agents={}).longest == timedelta(hours=1)
    assert campaign(attempts={"longest_call": "4 min"}).longest == timedelta(minutes=4)


def test_all_skills_one_team_and_the_language() -> None:
    staffing = Staffing(teams=("north", "south"), skills=("claims", "cars"))
    able = Agent("101", "Ann", teams=frozenset({"south"}), skills=frozenset({"claims", "cars"}), languages=("en",))
    assert staffing.takes(able, "en-GB")
    assert not staffing.takes(able, "fr")
    for lack in ({"teams": frozenset({"west"})}, {"skills": frozenset({"claims"})}, {"active": False}):
        about: dict[str, Any] = {"teams": able.teams, "skills": able.skills, "languages": able.languages}
        assert not staffing.takes(Agent("101", "Ann", **about | lack), "en-GB")
    assert Staffing().takes(Agent("102", "New"), "anything")
