"""Why: the same gate that decides, asked about anybody at any instant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dialer.core.day_windows import Share
from dialer.core.hours import DailyRange
from dialer.core.lifecycle import Event, EventKind
from dialer.core.outcome import Fault, Network
from dialer.core.record import CallbackState
from dialer.core.rule_book import RuleBook
from dialer.core.rules import Preset
from dialer.core.suppression import Wish, line
from dialer.engine.explain import explain
from dialer.errors import NotFoundError
from tests.campaigns import NOW, customer, number
from tests.mortal import World, open_database
from tests.store import floor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dialer.engine.explain import Explanation

NIGHT = datetime(2026, 3, 3, 22, 0, tzinfo=UTC)
MORNING = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


@pytest.fixture
def kept(database_url: str) -> Iterator[Kept]:
    database = open_database(database_url)
    yield Kept(World(database))
    database.close()


class Kept:
    """A record to ask about; its clock stands still."""

    def __init__(self, world: World) -> None:
        self.world, self.store = world, world.store
        world.clock.now = lambda: NOW  # type: ignore[method-assign] # nothing here takes time

    def why(self, at: datetime = NOW, reference: str = "C1", **options: Any) -> Explanation:
        (one,) = explain(self.store, self.world.house, reference, at, **options)
        return one

    def attempt(self, *events: tuple[EventKind, dict[str, Any]]) -> None:
        """One attempt of whoever is first in the queue, with what was told about it."""
        tokens = self.store.callbacks.claim(1, NOW, owner="test", lease=timedelta(minutes=1), token=lambda: "a" * 32)
        self.store.attempts.commit(tokens, NOW)
        told = [Event("a" * 32, kind, kind.value, NOW, "webhook", **more) for kind, more in events]
        self.store.attempts.record(told, NOW)


def rule(one: Explanation, name: str) -> Any:
    (found,) = [rule for rule in one.rules if rule.name == name]
    return found


def test_may_be_called_now(kept: Kept) -> None:
    kept.world.apply()
    kept.world.enrol(customer("C1"))
    one = kept.why()
    assert (one.decision, one.until) == ("dial", None)
    assert all(rule.passed for rule in one.rules)
    assert all(rule.reason for rule in one.rules)
    assert one.zones == ("Europe/London",)
    assert (one.customer, one.campaign, one.occasion, one.at) == ("C1", "survey", "once", NOW)


def test_must_wait_and_says_until_when(kept: Kept) -> None:
    kept.world.apply()
    kept.world.enrol(customer("C1"))
    one = kept.why(NIGHT)
    assert (one.decision, one.until) == ("wait", MORNING)
    assert not rule(one, "hours").passed
    assert kept.why(MORNING).decision == "dial"


def test_own_quiet_hours_count(kept: Kept) -> None:
    kept.world.apply()
    kept.world.enrol(customer("C1", quiet=(DailyRange.parse("14:00-16:00"),)))
    one = kept.why()
    assert (one.decision, one.until) == ("wait", datetime(2026, 3, 3, 16, tzinfo=UTC))


def test_opt_out_refuses(kept: Kept) -> None:
    kept.world.apply()
    kept.world.enrol(customer("C1"))
    kept.store.suppressions.add_number(number().e164, "person", NOW)
    assert kept.why().decision == "refuse"
    assert not rule(kept.why(), "opt_out").passed


def test_paused_campaign_waits_for_nobody_knows_how_long(kept: Kept) -> None:
    kept.world.apply()
    kept.world.enrol(customer("C1"))
    kept.store.campaigns.pause("survey", "by hand")
    one = kept.why()
    assert (one.decision, one.until) == ("wait", None)


def test_in_a_call_waits(kept: Kept) -> None:
    kept.world.apply()
    kept.world.enrol(customer("C1"))
    kept.attempt((EventKind.PLACED, {"carrier_call_id": "CA1"}))
    one = kept.why()
    assert one.decision == "wait"
    assert not rule(one, "in_call").passed


def test_after_a_miss_the_retry_table_speaks(kept: Kept) -> None:
    kept.world.apply(attempts={"retry": [{"after": "busy", "wait": "2 h"}], "other_hour": False})
    kept.world.enrol(customer("C1"))
    kept.attempt((EventKind.ENDED, {"network": Network.BUSY}))
    one = kept.why()
    assert (one.decision, one.until) == ("wait", NOW + timedelta(hours=2))
    assert not rule(one, "not_before").passed


def test_what_is_over_is_not_called_again(kept: Kept) -> None:
    kept.world.apply(attempts={"most": 1})
    kept.world.enrol(customer("C1"))
    kept.attempt((EventKind.ENDED, {"network": Network.BUSY}))
    assert kept.world.callback().state is CallbackState.CLOSED
    one = kept.why()
    assert (one.decision, one.until) == ("refuse", None)
    assert "closed" in rule(one, "callback").reason


def test_what_waits_for_a_person_is_not_called(kept: Kept) -> None:
    """The gate alone would say yes; the queue does not hold it."""
    kept.world.apply()
    kept.world.enrol(customer("C1"))
    kept.attempt((EventKind.REFUSED, {"fault": Fault.UNKNOWN, "failure": "99999"}))
    assert kept.world.callback().state is CallbackState.HELD
    one = kept.why(NOW + timedelta(hours=1))
    assert (one.decision, one.until) == ("refuse", None)
    assert "held" in rule(one, "callback").reason


def test_somebody_whom_no_campaign_selects(kept: Kept) -> None:
    kept.world.apply(who={"field": "tier", "is": "vip"})
    kept.world.enrol(customer("C1"))
    one = kept.why()
    assert (one.decision, one.occasion) == ("refuse", "")
    assert not rule(one, "target").passed


def test_somebody_who_is_selected_and_not_enrolled_yet(kept: Kept) -> None:
    kept.world.apply()
    kept.store.customers.upsert([customer("C1")], NOW)
    assert "not enrolled yet" in rule(kept.why(), "callback").reason


def test_one_answer_for_each_campaign(kept: Kept) -> None:
    kept.world.apply("survey")
    kept.world.apply("renewal")
    kept.world.enrol(customer("C1"))
    found = explain(kept.store, kept.world.house, "C1", NOW)
    assert [one.campaign for one in found] == ["renewal", "survey"]
    assert kept.why(campaign="survey").campaign == "survey"


def test_windows_between_two_instants(kept: Kept) -> None:
    kept.world.apply(when={"windows": {"daily": ["09:00-12:00", "14:00-20:00"]}})
    kept.world.enrol(customer("C1", quiet=(DailyRange.parse("15:00-16:00"),)))
    day = datetime(2026, 3, 4, tzinfo=UTC)
    windows = kept.why(between=(day, day + timedelta(days=1))).windows
    spans = [(one.start.hour, one.end.hour) for one in windows]
    assert spans == [(9, 12), (14, 15), (16, 20)]


def test_without_a_zone_there_are_no_windows(kept: Kept) -> None:
    kept.world.apply()
    kept.world.enrol(customer("C1").__class__("C1", "Nobody", numbers=()))
    one = kept.why(between=(NOW, NOW + timedelta(days=1)))
    assert (one.decision, one.windows, one.zones) == ("refuse", (), ())


def test_nobody_of_that_name(kept: Kept) -> None:
    kept.world.apply()
    with pytest.raises(NotFoundError, match="no customer 'C9'"):
        kept.why(reference="C9")


def test_no_such_campaign(kept: Kept) -> None:
    kept.world.apply()
    kept.world.enrol(customer("C1"))
    with pytest.raises(NotFoundError, match="no campaign 'x'"):
        kept.why(campaign="x")


def test_no_campaign_at_all(kept: Kept) -> None:
    kept.store.customers.upsert([customer("C1")], NOW)
    with pytest.raises(NotFoundError, match="no campaign has been applied"):
        kept.why()


def test_somebody_who_is_not_due_yet_and_somebody_without_the_date(kept: Kept) -> None:
    kept.world.apply(fields={"end": "date"}, why_now={"due": {"field": "end", "offset": "-1 day"}})
    kept.store.customers.upsert([customer("C1", attributes={"end": "2026-03-10"}), customer("C2", number(2))], NOW)
    waits = rule(kept.why(), "callback")
    assert (waits.passed, waits.reason) == (False, "not due before Mon 2026-03-09 00:00 UTC")
    assert waits.until == datetime(2026, 3, 9, tzinfo=UTC)
    assert "does not say the date" in rule(kept.why(reference="C2"), "callback").reason


def test_presets_limits_and_lists_that_took_part(kept: Kept) -> None:
    kept.world.apply()
    kept.world.enrol(customer("C1"))
    kept.attempt((EventKind.PLACED, {"carrier_call_id": "CA1"}), (EventKind.ENDED, {"network": Network.BUSY}))
    kept.store.suppressions.stop([line(number().e164)], Wish("person", "purpose:sales"), NOW)
    house = replace(kept.world.house, rules=RuleBook(lambda: (OURS,)))
    (one,) = explain(kept.store, house, "C1", NOW + timedelta(minutes=1))
    (preset,) = one.presets
    assert (preset.id, preset.kind, preset.lifted) == ("ours", "house", False)
    ((zone, wall, ranges),) = preset.today
    assert (zone, f"{wall:%H:%M}", ranges) == ("Europe/London", "14:31", (DailyRange.parse("10:00-15:00"),))
    three, one_only, rest = one.limits
    assert (three.used, three.until) == (1, None)
    assert (one_only.used, one_only.until) == (1, datetime(2026, 3, 4, tzinfo=UTC))
    assert (rest.used, rest.until) == (None, NOW + timedelta(hours=2)), "two hours after the engaged line"
    (listed,) = one.lists
    assert (listed.stop.scope, listed.holds) == ("purpose:sales", False)
    assert one.known_by == "address GB and number in GB"


OURS = Preset.model_validate(
    {
        "id": "ours",
        "kind": "house",
        "purposes": ["survey"],
        "hours": {
            "tue": "10:00-15:00",
            "wed": "11:00-15:00",
            "mon": "closed",
            "thu": "closed",
            "fri": "closed",
            "sat-sun": "closed",
        },
        "caps": [
            {"max": 3, "period": "24 h", "counts": "attempts", "per": "person"},
            {"max": 1, "period": "local_day", "counts": "calls", "per": "number"},
        ],
        "cooloffs": [{"after": "busy", "wait": "2 h"}],
        "appointment_lifts": "no",
        "sources": ["we say so"],
        "confidence": "high",
        "reviewed_on": "2026-03-01",
    }
)


def test_presets_close_days_of_a_stretch(kept: Kept) -> None:
    """Each day is that of its own rules: Tuesday's hours, Wednesday's, and none on Thursday."""
    kept.world.apply(when={"windows": {"daily": ["12:00-20:00"]}})
    kept.world.enrol(customer("C1"))
    house = replace(kept.world.house, rules=RuleBook(lambda: (OURS,)))
    midnight = datetime(2026, 3, 3, tzinfo=UTC)
    (one,) = explain(kept.store, house, "C1", NOW, between=(midnight, midnight + timedelta(days=3)))
    assert [[(w.start.hour, w.end.hour) for w in day.windows] for day in one.days] == [[(12, 15)], [(12, 15)], []]
    assert [dict(day.alone).keys() for day in one.days] == [{"campaign", "ours"}] * 2 + [{"ours"}]
    tuesday = one.days[0]
    assert {layer.name: [str(told) for told in layer.ranges] for layer in tuesday.layers}["ours"] == ["10:00-15:00"]
    assert [slot.share.value for slot in tuesday.slots] == ["none"] * 24 + ["all"] * 6 + ["none"] * 18
    assert tuesday.slots[20].shut_by == ("campaign",)
    assert tuesday.slots[0].shut_by == ("campaign", "house", "ours")


@pytest.mark.parametrize(("day", "shown"), [(datetime(2026, 3, 8, 5, tzinfo=UTC), 46), (NOW.replace(hour=5), 48)])
def test_a_day_is_drawn_by_the_clock_on_the_wall(kept: Kept, day: datetime, shown: int) -> None:
    """The hour that the clock skips in New York is blank; nothing after it is moved."""
    day = day.replace(minute=0)
    kept.world.apply(when={"windows": {"daily": ["08:00-21:00"]}})
    kept.world.enrol(customer("C1", zone="America/New_York"))
    (found,) = kept.why(between=(day, day + timedelta(hours=shown / 2))).days
    assert sum(slot.share is not Share.UNASKED for slot in found.slots) == shown
    assert [index for index, slot in enumerate(found.slots) if slot.share is Share.ALL] == list(range(16, 42))


def agent_rules(kept: Kept) -> list[tuple[bool, str]]:
    return [(rule.passed, rule.reason) for rule in kept.why().rules if rule.name == "agent"]


def test_whether_somebody_is_there_to_talk(kept: Kept) -> None:
    kept.world.apply(agents=floor.AGENTS)
    kept.world.enrol(customer("C1"))
    nobody = "nobody who works here may take calls of this campaign: see its teams and skills"
    assert agent_rules(kept) == [(False, nobody)]
    floor.agent(kept.store, "1000", state="ready", leg="parked", address="")  # a manager without a telephone
    floor.agent(kept.store, "1001", state="paused", address="sip:a@example.com")
    assert agent_rules(kept) == [(False, "none of the 1 agents of this campaign is ready at this moment")]
    assert kept.why().decision == "wait", "for somebody to talk to"
    floor.agent(kept.store, "1002", state="on_call", address="sip:b@example.com")
    assert agent_rules(kept) == [(True, "all 1 agents who are ready have a customer at this moment")]
    assert kept.why().decision == "dial"
    floor.agent(kept.store, "1003", state="ready", leg="parked", address="sip:c@example.com")
    assert agent_rules(kept) == [(True, "1 agents are ready at this moment")]


def test_where_the_machine_talks_nobody_asks_for_agents(kept: Kept) -> None:
    kept.world.apply()
    kept.world.enrol(customer("C1"))
    assert agent_rules(kept) == []
