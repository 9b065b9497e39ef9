"""Enrolment: who has become due, once per reason, and nobody because of a row that makes no sense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dialer.core.record import CallbackState, Reason
from dialer.engine import enrol as enrolment
from dialer.engine.enrol import Enrolled, enrol, fields_nobody_has, reason_to_call
from dialer.store import Store
from tests import campaigns
from tests.campaigns import NOW, campaign, customer, document, number
from tests.mortal import open_database

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPIRY: dict[str, Any] = {
    "fields": {"policy_expiry": "date"},
    "why_now": {"due": {"field": "policy_expiry", "offset": "-40 days"}, "deadline": "3 days"},
}


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    database = open_database(database_url)
    yield Store(database, campaigns.house())
    database.close()


def apply(store: Store, name: str = "survey", *, at: datetime = NOW, **changes: Any) -> None:
    content = document(name, **changes)
    store.campaigns.apply(name, campaigns.version(content), content, at)


def people(store: Store, *customers: Any) -> None:
    store.customers.upsert(customers, NOW)


def with_expiry(reference: str, day: object, last: int = 0) -> Any:
    return customer(reference, number(last), attributes={"policy_expiry": day})


def standing(store: Store) -> dict[str, tuple[CallbackState, Reason | None]]:
    return {one.customer: (one.state, one.reason) for one in store.records.callbacks()}


def test_everybody_selected_is_enrolled_once(store: Store) -> None:
    apply(store, who={"field": "tier", "is": "vip"})
    people(
        store, customer("C1", number(1), tier="vip"), customer("C2", number(2)), customer("C3", number(3), tier="vip")
    )
    assert enrol(store, NOW, "UTC") == Enrolled(2, 0)
    assert enrol(store, NOW + timedelta(minutes=5), "UTC") == Enrolled(0, 0)
    assert set(standing(store)) == {"C1", "C3"}


def test_customers_who_come_later_are_enrolled_later(store: Store) -> None:
    apply(store)
    people(store, customer("C1", number(1)))
    enrol(store, NOW, "UTC")
    people(store, customer("C2", number(2)))
    assert enrol(store, NOW, "UTC") == Enrolled(1, 0)


def test_reason_that_begins_at_a_date(store: Store) -> None:
    apply(store, **EXPIRY)
    people(store, with_expiry("due", "2026-04-12", 1), with_expiry("not yet", "2026-04-13", 2))
    assert enrol(store, NOW, "UTC").new == 1
    (callback,) = store.records.callbacks()
    assert callback.customer == "due"
    assert callback.occasion == "policy_expiry=2026-04-12"
    assert callback.due == datetime(2026, 3, 3, tzinfo=UTC)
    assert callback.deadline == datetime(2026, 3, 6, tzinfo=UTC)
    assert enrol(store, NOW + timedelta(hours=10), "UTC").new == 1


def test_date_begins_where_the_house_is(store: Store) -> None:
    apply(store, **EXPIRY)
    people(store, with_expiry("C1", "2026-04-12"))
    enrol(store, NOW, "Asia/Shanghai")
    (callback,) = store.records.callbacks()
    assert callback.due == datetime(2026, 3, 2, 16, tzinfo=UTC)


def test_date_that_moves_is_a_new_reason(store: Store) -> None:
    apply(store, **EXPIRY)
    people(store, with_expiry("C1", "2026-04-10"))
    enrol(store, NOW, "UTC")
    people(store, with_expiry("C1", "2026-04-11"))
    assert enrol(store, NOW, "UTC").new == 1
    assert {one.occasion for one in store.records.callbacks()} == {
        "policy_expiry=2026-04-10",
        "policy_expiry=2026-04-11",
    }


@pytest.mark.parametrize("value", ["soon", "2026-02-30", "9999-12-31", "0001-01-01", "", "2026-04-12T99:00", 20260412])
def test_row_that_makes_no_sense_stops_nobody_else(store: Store, value: object) -> None:
    changes = EXPIRY | {"why_now": {"due": {"field": "policy_expiry", "offset": "1 day"}, "deadline": "3 days"}}
    apply(store, **changes)
    people(store, with_expiry("odd", value, 1), with_expiry("fine", "2026-03-01", 2))
    assert enrol(store, NOW, "Pacific/Auckland").new == 1
    assert set(standing(store)) == {"fine"}


def test_whoever_is_no_longer_selected_is_withdrawn(store: Store) -> None:
    apply(store, who={"field": "tier", "is": "vip"})
    people(store, customer("C1", tier="vip"))
    enrol(store, NOW, "UTC")
    people(store, customer("C1", tier="gold"))
    assert enrol(store, NOW, "UTC") == Enrolled(0, 1)
    assert standing(store) == {"C1": (CallbackState.CLOSED, Reason.NOT_TARGETED)}


def test_whose_reason_is_gone_is_withdrawn(store: Store) -> None:
    apply(store, **EXPIRY)
    people(store, with_expiry("C1", "2026-04-10"))
    enrol(store, NOW, "UTC")
    people(store, customer("C1"))
    assert enrol(store, NOW, "UTC") == Enrolled(0, 1)


def test_campaign_before_its_start_and_after_its_end_enrols_nobody(store: Store) -> None:
    windows = {"windows": {"daily": ["09:00-20:00"]}}
    apply(store, when=windows | {"starts": "2026-03-04", "ends": "2026-03-05"})
    people(store, customer("C1", number(1)))
    assert enrol(store, NOW, "UTC").new == 0
    assert enrol(store, datetime(2026, 3, 4, tzinfo=UTC), "UTC").new == 1
    people(store, customer("C2", number(2)))
    assert enrol(store, datetime(2026, 3, 5, 23, 59, tzinfo=UTC), "UTC").new == 1
    people(store, customer("C3", number(3)))
    assert enrol(store, datetime(2026, 3, 6, tzinfo=UTC), "UTC").new == 0


def test_campaign_with_a_start_is_due_since_then(store: Store) -> None:
    apply(store, when={"windows": {"daily": ["09:00-20:00"]}, "starts": "2026-03-02"})
    people(store, customer("C1"))
    enrol(store, NOW, "UTC")
    (callback,) = store.records.callbacks()
    assert (callback.occasion, callback.due) == ("2026-03-02", datetime(2026, 3, 2, tzinfo=UTC))


def test_campaign_without_a_start_is_due_since_it_was_applied(store: Store) -> None:
    apply(store, at=NOW - timedelta(hours=1))
    people(store, customer("C1"))
    enrol(store, NOW, "UTC")
    (callback,) = store.records.callbacks()
    assert (callback.occasion, callback.due) == ("once", NOW - timedelta(hours=1))


def test_changed_file_does_not_call_everybody_again(store: Store) -> None:
    apply(store)
    people(store, customer("C1"))
    enrol(store, NOW, "UTC")
    apply(store, at=NOW + timedelta(hours=1), title="Another title")
    assert enrol(store, NOW + timedelta(hours=2), "UTC") == Enrolled(0, 0)


def test_one_campaign_alone(store: Store) -> None:
    apply(store, "survey")
    apply(store, "renewal")
    people(store, customer("C1"))
    assert enrol(store, NOW, "UTC", only="renewal").new == 1
    assert [one.campaign for one in store.records.callbacks()] == ["renewal"]


def test_file_is_read_in_pages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrolment, "PAGE", 2)
    apply(store)
    people(store, *(customer(f"C{i}", number(i)) for i in range(7)))
    assert enrol(store, NOW, "UTC").new == 7


def test_without_a_campaign_nothing_is_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store.customers, "numbered_pages", lambda _size: pytest.fail("the file was read"))
    assert enrol(store, NOW, "UTC") == Enrolled(0, 0)


def test_instant_in_the_file_is_taken_as_it_stands() -> None:
    told = customer("C1", attributes={"policy_expiry": "2026-04-12T10:00:00+02:00"})
    found = reason_to_call(campaign(**EXPIRY), 1, told, NOW, "Asia/Shanghai", NOW)
    assert found is not None
    assert found.due == datetime(2026, 3, 3, 8, tzinfo=UTC)


def test_fields_that_no_customer_has_are_named(store: Store) -> None:
    fields = campaign(fields={"policy_expiry": "date", "product": "text"})
    assert fields_nobody_has(store, fields) == set(), "without customers nobody can say"
    people(store, with_expiry("C1", "2026-04-12"))
    assert fields_nobody_has(store, fields) == {"product"}


# Special days.


def festive(name: str = "telecom_day", offset: str = "0 days", **when: Any) -> dict[str, Any]:
    due = {"special_day": name, "offset": offset}
    windows = {"windows": {"daily": ["09:00-20:00"]}}
    return {"why_now": {"due": due, "deadline": "3 days"}, "when": windows | when}


def reason(at: datetime, name: str = "telecom_day", offset: str = "0 days", zone: str = "UTC") -> Any:
    return reason_to_call(campaign(**festive(name, offset)), 1, customer("C1"), NOW, zone, at)


def at(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def test_special_day_begins_at_its_midnight_where_the_house_is() -> None:
    found = reason(at(2026, 5, 16, 16), zone="Asia/Shanghai")
    assert (found.occasion, found.due, found.deadline) == (
        "telecom_day=2026-05-17",
        at(2026, 5, 16, 16),
        at(2026, 5, 19, 16),
    )
    assert reason(at(2026, 5, 16, 15), zone="Asia/Shanghai") == found, "it is to come, and not due yet"


def test_the_special_day_whose_time_it_is_decides_else_the_next_one() -> None:
    assert reason(at(2026, 5, 19, 23)).occasion == "telecom_day=2026-05-17"
    assert reason(at(2026, 5, 20)).occasion == "telecom_day=2027-05-17", "its deadline is over"
    assert reason(at(2027, 1, 2)).due == at(2027, 5, 17)
    assert reason(at(2026, 12, 27), "new_year", "-5 days").occasion == "new_year=2027-01-01"
    assert reason(at(2026, 12, 30), "new_year", "-5 days").occasion == "new_year=2028-01-01"
    assert reason(at(2026, 1, 3), "new_year", "5 days").due == at(2026, 1, 6)
    assert reason(at(2027, 2, 6), "spring_festival").occasion == "spring_festival=2027-02-06"


def test_special_day_that_no_table_knows_is_never_due() -> None:
    assert reason(at(2024, 2, 9), "spring_festival").occasion == "spring_festival=2024-02-10", "before the first"
    assert reason(at(2020, 2, 9), "spring_festival") is None, "years before the first"
    assert reason(at(2036, 3, 1), "spring_festival").occasion == "spring_festival=2035-02-08"
    assert reason(at(2037, 3, 1), "spring_festival") is None, "beyond the last"
    assert reason(NOW, "a_day_of_another_edition") is None


def test_special_day_enrols_once_a_year(store: Store) -> None:
    apply(store, at=at(2026, 5, 1), **festive())
    people(store, customer("C1"))
    assert enrol(store, at(2026, 5, 16, 23), "UTC") == Enrolled(0, 0), "last year's is over"
    assert enrol(store, at(2026, 5, 17), "UTC").new == 1
    assert enrol(store, at(2026, 5, 18), "UTC").new == 0
    assert enrol(store, at(2026, 11, 22), "UTC") == Enrolled(0, 0), "who waits stays enrolled"
    assert enrol(store, at(2027, 5, 17), "UTC").new == 1


def test_who_waits_for_a_special_day_that_is_over_is_not_withdrawn(store: Store) -> None:
    apply(store, at=at(2026, 5, 1), **festive())
    people(store, customer("C1"))
    enrol(store, at(2026, 5, 17), "UTC")
    assert enrol(store, at(2026, 5, 20), "UTC") == Enrolled(0, 0), "next year's is to come"
    assert standing(store) == {"C1": (CallbackState.WAITING, None)}


def test_special_day_long_ago_calls_nobody_new(store: Store) -> None:
    apply(store, at=at(2026, 11, 22), **festive())
    people(store, customer("C1"))
    assert enrol(store, at(2026, 11, 22), "UTC") == Enrolled(0, 0)


def test_special_day_on_a_closed_day_waits_for_the_next_open_one(store: Store) -> None:
    apply(store, at=at(2026, 5, 1), **festive(closed=["2026-05-17"]))
    people(store, customer("C1", zone="UTC"))
    assert enrol(store, at(2026, 5, 17, 10), "UTC").new == 1
    (callback,) = store.records.callbacks()
    assert (callback.state, callback.due) == (CallbackState.WAITING, at(2026, 5, 17))
    assert callback.next_at == at(2026, 5, 18, 9)
