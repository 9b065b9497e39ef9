"""A plan over a live customer file: everybody counted once, by the gate's own answer, and nothing changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from dialer.core.hours import DailyRange
from dialer.core.outcome import Disposition
from dialer.core.plan import Fate, Place
from dialer.core.record import CallbackState
from dialer.core.suppression import Wish, line
from dialer.engine import plan as planning
from dialer.engine.enrol import enrol
from dialer.engine.explain import explain
from dialer.engine.plan import Plan, Question, plan
from dialer.store import Store
from tests.campaigns import NOW, customer, document, house, number, version
from tests.store.steps import conversation, crowd, dial, people, rows, start, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dialer.core.customer import Customer

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CALLABLE, LATER, DONE = Fate(Place.CALLABLE), Fate(Place.LATER), Fate(Place.DONE)
NOT_SELECTED = Fate(Place.NOT_SELECTED)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = Store.open(database_url, house())
    yield opened
    opened.close()


def reopened(url: str) -> Store:
    return Store.open(url, house())


def planned(store: Store, *, at: Any = NOW, processes: int = 1, **changes: Any) -> Plan:
    content = document(**changes)
    office = partial(reopened, store.database.url.render_as_string(hide_password=False))
    return plan(office, Question(content, version(content), at), processes=processes, told=lambda _done, _all: None)


def fates(found: Plan) -> dict[Fate, int]:
    return {fate: many for fate, many in found.tally.fates.items() if many}


def test_everybody_is_counted_once(store: Store) -> None:
    people(
        store,
        customer("free", number(1)),
        customer("rests", number(2), quiet=(DailyRange.parse("14:00-16:00"),)),
        customer("staff", number(3), tier="staff"),
        customer("wish", number(4)),
        customer("lost", number(5), zone="Atlantis/Capital"),
        customer("mute", number(6)).__class__("mute", "Mute", tier=""),
    )
    store.suppressions.stop([line(number(4).e164)], Wish("person"), NOW)
    found = planned(store, who={"field": "tier", "is_not": "staff"})
    assert fates(found) == {
        CALLABLE: 1,
        Fate(Place.WAITING, "hours: customer"): 1,
        NOT_SELECTED: 1,
        Fate(Place.REFUSED, "opted_out"): 1,
        Fate(Place.REFUSED, "no_zone"): 1,
        Fate(Place.REFUSED, "no_number"): 1,
    }
    assert (found.tally.customers, found.tally.targeted) == (6, 5)
    assert found.tally.spans == {Fate(Place.WAITING, "hours: customer"): (NOW + 1.5 * HOUR, NOW + 1.5 * HOUR)}
    assert (found.in_force, found.paused) == ("", False)
    assert not found.tally.changes


def test_who_becomes_due_later_and_who_has_no_date(store: Store) -> None:
    told = {"today": "2026-03-03", "soon": "2026-03-05", "late": "2026-04-05", "odd": "next week"}
    people(store, *(customer(name, number(at), attributes={"end": day}) for at, (name, day) in enumerate(told.items())))
    people(store, customer("none", number(9)))
    found = planned(store, fields={"end": "date"}, why_now={"due": {"field": "end"}})
    assert fates(found) == {CALLABLE: 1, LATER: 2, Fate(Place.NO_REASON): 2}
    first, last = found.tally.spans[LATER]
    assert (first.date().isoformat(), last.date().isoformat()) == ("2026-03-05", "2026-04-05")


def test_a_special_day_to_come_is_due_later_with_its_first_instant(store: Store) -> None:
    people(store, *crowd(2))
    found = planned(store, why_now={"due": {"special_day": "telecom_day"}})
    assert fates(found) == {LATER: 2}
    assert found.tally.spans[LATER][0] == datetime(2026, 5, 17, tzinfo=UTC)


def test_who_waits_for_the_special_day_before_is_counted_where_they_wait(store: Store) -> None:
    people(store, *crowd(2))
    told: dict[str, Any] = {
        "why_now": {"due": {"special_day": "consumer_rights_day", "offset": "-15 days"}, "deadline": "3 days"}
    }
    start(store, **told)
    enrol(store, datetime(2026, 3, 1, tzinfo=UTC), "UTC")
    found = planned(store, **told)
    assert fates(found) == {CALLABLE: 2}, "this year's deadline is over and next year's day to come; they wait"
    assert sum(found.tally.enrolled.values()) == 2


def test_a_special_day_after_the_last_one_known_targets_nobody(store: Store) -> None:
    people(store, *crowd(2))
    due: dict[str, Any] = {"why_now": {"due": {"special_day": "spring_festival"}}}
    assert fates(planned(store, at=datetime(2036, 3, 1, tzinfo=UTC), **due)) == {Fate(Place.PAST): 2}


def test_whoever_was_called_about_it_is_not_called_twice(store: Store) -> None:
    people(store, *crowd(4))
    start(store)
    enrol(store, NOW, "UTC")
    (briefing,) = dial(store, 1)
    tell(store, *conversation(briefing.token, Disposition.COMPLETED))
    dial(store, 1)
    found = planned(store)
    assert fates(found) == {DONE: 1, Fate(Place.CALLING): 1, CALLABLE: 2}
    assert found.tally.enrolled == {CALLABLE: 2}
    assert found.tally.targeted == 4
    assert found.in_force, "the same version is in force"
    assert not found.tally.changes


def test_what_changes_against_the_version_in_force(store: Store) -> None:
    people(store, *crowd(3), customer("vip", number(8), tier="vip"))
    start(store, who={"not": {"field": "tier", "is": "vip"}})
    enrol(store, NOW, "UTC")
    narrow = {"windows": {"daily": ["09:00-12:00"]}}
    found = planned(store, who={"field": "reference", "in": ["C1", "C2", "vip"]}, when=narrow)
    waits = Fate(Place.WAITING, "hours: campaign")
    assert found.tally.changes == {(CALLABLE, NOT_SELECTED): 1, (CALLABLE, waits): 2, (NOT_SELECTED, waits): 1}
    assert found.tally.enrolled == {waits: 2}


def test_a_campaign_that_is_paused_calls_nobody(store: Store) -> None:
    people(store, *crowd(2))
    start(store)
    store.campaigns.pause("survey", "by hand")
    found = planned(store)
    assert found.paused
    assert fates(found) == {Fate(Place.WAITING, "campaign"): 2}
    assert found.tally.demand == {0: 2}, "nobody can say when"


def test_nothing_is_written(store: Store) -> None:
    people(store, *crowd(5))
    start(store)
    enrol(store, NOW, "UTC")
    tables = ("customer", "campaign", "campaign_version", "callback", "queue", "attempt", "suppression", "task")
    before = {name: rows(store, f"SELECT * FROM {name} ORDER BY 1") for name in tables}  # noqa: S608 - names of ours
    planned(store, at=NOW + DAY, when={"windows": {"daily": ["10:00-11:00"]}})
    assert {name: rows(store, f"SELECT * FROM {name} ORDER BY 1") for name in tables} == before  # noqa: S608 - as above


def test_an_empty_customer_file(store: Store) -> None:
    assert planned(store).tally.customers == 0


def mixture(many: int) -> list[Customer]:
    quiet = [(), (), (DailyRange.parse("14:00-15:00"),), (DailyRange.parse("08:00-20:30"),)]
    return [
        customer(
            f"C{one}",
            number(one),
            quiet=quiet[one % 4],
            tier=["", "vip", "staff"][one // 4 % 3],
            zone=["", "Europe/London", "America/New_York", "Asia/Tokyo", "No/Where"][one // 3 % 5],
        )
        for one in range(many)
    ]


def test_the_plan_of_the_version_in_force_says_what_why_says(store: Store) -> None:
    """Customer by customer: the plan is the sum of the explanations."""
    people(store, *mixture(60))
    start(store, who={"field": "tier", "is_not": "staff"})
    enrol(store, NOW, "UTC")
    for briefing in dial(store, 6):
        tell(store, *conversation(briefing.token, Disposition.COMPLETED))
    dial(store, 2)
    later = NOW + 17 * HOUR
    for at in (NOW, later):
        said: dict[str, int] = {}
        for page in store.customers.pages():
            for one in page:
                (told,) = explain(store, house(), one.reference, at)
                over = next((r for r in told.rules if r.name in {"target", "callback"} and not r.passed), None)
                words = {"dial": Place.CALLABLE, "wait": Place.WAITING, "refuse": Place.REFUSED}
                place = words[told.decision].value if over is None else over.reason.partition(":")[0]
                said[place] = said.get(place, 0) + 1
        found = planned(store, at=at, who={"field": "tier", "is_not": "staff"}).tally
        calling = found.count(Place.CALLING)
        assert calling == store.callbacks.counts()["survey", CallbackState.CALLING]
        assert said.pop("the campaign's filter does not select this customer") == found.count(Place.NOT_SELECTED)
        assert said.pop("waiting", 0) == found.count(Place.WAITING) + calling, "who is in a call waits for its end"
        assert said == {
            place.value: many
            for place in (Place.CALLABLE, Place.REFUSED, Place.HELD, Place.DONE, Place.CLOSED)
            if (many := found.count(place))
        }


@pytest.mark.slow
def test_pages_and_parts_make_no_difference(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    people(store, *mixture(150))
    start(store)
    enrol(store, NOW, "UTC")
    whole = planned(store, when={"windows": {"daily": ["10:00-18:00"]}})
    monkeypatch.setattr("dialer.store.census.PAGE", 7)
    monkeypatch.setattr(planning, "PART", 40)
    assert planned(store, when={"windows": {"daily": ["10:00-18:00"]}}).tally == whole.tally


@pytest.mark.slow
def test_several_processes_count_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    people(store, *mixture(150))
    start(store)
    enrol(store, NOW, "UTC")
    alone = planned(store, who={"field": "tier", "is": "vip"})
    monkeypatch.setattr(planning, "PART", 40)
    monkeypatch.setattr(planning, "LARGE", 100)
    assert planned(store, processes=2, who={"field": "tier", "is": "vip"}).tally == alone.tally
