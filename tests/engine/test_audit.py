"""The replay finds exactly the calls that the rules of today forbid, and none that were right."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from dialer.core.outcome import Disposition
from dialer.engine.audit import replay
from dialer.store import Store
from tests.campaigns import NOW, customer, number
from tests.rule_books import preset, ruled
from tests.store.steps import DAY, HOUR, MINUTE, conversation, dial, enrol, no_answer, people, start, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dialer.core.admission import House
    from dialer.engine.audit import Audit

HOUSE = ruled(spacing=timedelta(0), editions={"zones": "2026f", "holidays": "0.109"})


@pytest.fixture
def kept(database_url: str) -> Iterator[Store]:
    """A database in which three people were called: one had no answer twice, one talked, one was rung a day later."""
    store = Store.open(database_url, HOUSE)
    start(store, attempts={"retry": [{"after": "no_answer", "wait": "1 h"}], "other_hour": False})
    people(store, *[customer(f"C{one}", number(one)) for one in (1, 2)])
    enrol(store)
    first = {one.customer.reference: one.token for one in dial(store)}
    tell(store, *no_answer(first["C1"]))
    tell(store, *conversation(first["C2"], Disposition.COMPLETED))
    (again,) = dial(store, at=NOW + HOUR)
    tell(store, *no_answer(again.token, NOW + HOUR), at=NOW + HOUR)
    people(store, customer("C3", number(3)), at=NOW + DAY)
    enrol(store, at=NOW + DAY, due=NOW + DAY)
    for briefing in dial(store, at=NOW + DAY):
        tell(store, *no_answer(briefing.token, NOW + DAY), at=NOW + DAY)
    yield store
    store.close()


def judged(store: Store, by: House, campaign: str | None = None) -> Audit:
    again = Store(store.database, by)
    return replay(again, by, NOW - DAY, NOW + 3 * DAY, campaign=campaign)


def broken(audit: Audit) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in audit.findings:
        found.setdefault(one.made.customer, set()).update(rule.name for rule in one.broken)
    return found


def test_what_was_right_is_right_by_the_same_rules(kept: Store) -> None:
    audit = judged(kept, HOUSE)
    assert (audit.judged, audit.findings, audit.without_evidence) == (5, [], 0)


def test_a_rule_made_later_finds_the_calls_it_forbids(kept: Store) -> None:
    audit = judged(kept, replace(HOUSE, rules=ruled(preset("noon", hours="09:00-15:00")).rules))
    assert [(one.made.customer, one.made.decided) for one in audit.findings] == [("C1", NOW + HOUR)]
    assert "noon hours are shut" in audit.findings[0].broken[0].reason
    assert audit.judged == 5


def test_a_cap_is_judged_by_what_had_happened_until_then(kept: Store) -> None:
    once = preset("once", caps=[{"max": 1, "period": "12 h", "counts": "attempts", "per": "person"}])
    audit = judged(kept, replace(HOUSE, rules=ruled(once).rules))
    assert [(one.made.customer, one.made.decided) for one in audit.findings] == [("C1", NOW + HOUR)]


def test_a_wish_counts_from_when_it_was_said(kept: Store) -> None:
    kept.suppressions.add_customers(["C1"], "person", NOW + 30 * MINUTE)
    kept.suppressions.add_customers(["C2"], "person", NOW + 2 * DAY)
    audit = judged(kept, HOUSE)
    assert broken(audit) == {"C1": {"opt_out"}}
    assert {one.made.decided for one in audit.findings} == {NOW + HOUR, NOW + DAY}


def test_the_customer_is_judged_as_the_evidence_knows_them(kept: Store) -> None:
    people(kept, customer("C1", number(1), zone="Pacific/Auckland"), at=NOW + 3 * DAY)
    assert judged(kept, HOUSE).findings == []


def test_other_data_is_said(kept: Store) -> None:
    by = replace(
        HOUSE, editions={"zones": "2027a", "holidays": "0.109"}, rules=ruled(preset(hours="02:00-03:00")).rules
    )
    assert {tuple(one.changed.items()) for one in judged(kept, by).findings} == {(("zones", ("2026f", "2027a")),)}


def test_what_kept_too_little_is_counted_and_not_judged(kept: Store) -> None:
    with kept.database.write() as connection:
        connection.execute(text('UPDATE attempt SET evidence = \'{"rules": [], "zones": []}\''))
    audit = judged(kept, HOUSE)
    assert (audit.judged, audit.without_evidence) == (0, 5)


def test_only_one_campaign_and_only_calls_that_were_sent(kept: Store) -> None:
    assert judged(kept, HOUSE, "survey").judged == 5
    assert judged(kept, HOUSE, "renewal").judged == 0
    people(kept, customer("C4", number(4)), at=NOW + DAY)
    enrol(kept, at=NOW + DAY, due=NOW + DAY)
    kept.callbacks.turn(NOW + DAY)
    assert kept.callbacks.claim(9, NOW + DAY, owner="x", lease=HOUR, token=lambda: "never sent")
    assert judged(kept, HOUSE).judged == 5


def test_a_carrier_whose_clock_is_behind_makes_no_call_its_own_obstacle(kept: Store) -> None:
    """Twilio cuts its instants off at the second, so a phone seems to ring before the call was intended."""
    with kept.database.write() as connection:
        connection.execute(text("UPDATE attempt SET rang_at = sent_at, ended_at = sent_at"))
        behind = (
            {"early": NOW - MINUTE}
            if not kept.database.is_sqlite
            else {"early": f"{NOW - MINUTE:%Y-%m-%d %H:%M:%S.%f}"}
        )
        connection.execute(text("UPDATE attempt SET rang_at = :early WHERE rang_at IS NOT NULL"), behind)
    once = preset("once", caps=[{"max": 1, "period": "30 min", "counts": "attempts", "per": "person"}])
    assert judged(kept, replace(HOUSE, rules=ruled(once).rules)).findings == []
