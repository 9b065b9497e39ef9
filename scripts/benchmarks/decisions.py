"""The whole gate as a claim asks it: facts read from the database, presets, caps and lists, among a million calls."""

from __future__ import annotations

import random
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from dialer import bootstrap
from dialer.core.admission import decide
from dialer.core.campaign import version
from dialer.core.rule_book import RuleBook
from dialer.rule_files import load_rules
from dialer.store import Store, proposals
from scripts.benchmarks import crowd, databases
from scripts.benchmarks.figure import Figure, timed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from dialer.core.admission import House

CALLS = 1_000_000
FEW_CALLS = 10_000
CALLS_EACH = 4  # of every person who was called
LISTED = 100_000  # numbers on the do-not-call list
BATCH = 100  # as many as one claim decides
BATCHES = 60
FLOOR = 3_000
CEILING = 1.5
SEED = 11


def measure(quick: bool) -> Iterator[Figure]:  # noqa: FBT001 - one of the table of benches
    """Decisions a second on SQLite with ten thousand and with a million past attempts."""
    many = CALLS // 10 if quick else CALLS
    doors, now = _house(), bootstrap.now()
    rates = {}
    for calls in (FEW_CALLS, many):
        with databases.place("sqlite") as where, closing(Store.open(where.url, doors)) as store:
            _fill(store, calls, now)
            ids = _sample(calls // CALLS_EACH)
            rates[calls], outcomes = _rate(store, doors, ids, now)
            yield Figure(
                "decisions",
                f"decisions_per_second_{calls}_past_attempts",
                rates[calls],
                "1/s",
                where.conditions(store) | {"listed": LISTED, "batch": BATCH, "presets": len(doors.rules.presets)},
                baseline=("reading the same rows bare", _bare_rate(store, ids)),
                floor=FLOOR,
                beside=outcomes | {"microseconds_per_decision": 1e6 / rates[calls]},
            )
    yield Figure(
        "decisions",
        "slowdown_by_past_attempts",
        rates[FEW_CALLS] / rates[many],
        "times",
        {"from": FEW_CALLS, "to": many},
        ceiling=CEILING,
    )


def _house() -> House:
    presets, calendars = load_rules([], None)
    return replace(
        databases.house(),
        allowed_countries=frozenset({"GB", "US", "CN"}),
        rules=RuleBook(lambda: presets, calendars),
    )


def _sample(people: int) -> list[list[int]]:
    chance = random.Random(SEED)  # noqa: S311 - which rows are read is no secret
    return [chance.sample(range(1, people + 1), BATCH) for _ in range(BATCHES)]


def _rate(store: Store, doors: House, ids: Sequence[Sequence[int]], now: datetime) -> tuple[float, dict[str, Any]]:
    """Decisions a second on the clock, each batch as one claim reads and decides it; the better of two rounds."""
    said = {"dial": 0, "wait": 0, "refuse": 0}

    def once() -> None:
        for batch in ids:
            with store.database.read() as connection:
                for one in proposals.load(connection, batch, now, doors).values():
                    decision = decide(one.proposal, doors, now)
                    said[type(decision).__name__.lower()] += 1

    wall = min(timed(once)[0] for _ in range(2))
    return BATCH * len(ids) / wall, {f"said_{word}": count // 2 for word, count in said.items()}


def _bare_rate(store: Store, ids: Sequence[Sequence[int]]) -> float:
    """The same rows through the bare driver, with no value made of them."""
    pooled = store.database.engine.raw_connection()
    marks = ",".join("?" * BATCH)
    statements = (
        f"SELECT * FROM callback JOIN customer ON customer.id = customer_id WHERE callback.id IN ({marks})",  # noqa: S608 - question marks only
        f"SELECT * FROM attempt WHERE customer_id IN ({marks})",  # noqa: S608 - as above
    )

    def once() -> None:
        for batch in ids:
            for statement in statements:
                pooled.driver_connection.execute(statement, list(batch)).fetchall()  # type: ignore[union-attr] # it is open

    try:
        return BATCH * len(ids) / min(timed(once)[0] for _ in range(2))
    finally:
        pooled.close()


def _fill(store: Store, calls: int, now: datetime) -> None:
    """So many calls of the last month, to a quarter as many people in three countries, about a campaign that sells."""
    loaded = crowd.campaign()
    document = {**loaded.document, "purpose": "sales"}
    store.campaigns.apply(loaded.campaign.id, version(document), document, now)
    many = {"people": calls // CALLS_EACH, "people again": calls // CALLS_EACH, "calls": calls, "wishes": LISTED}
    values = {
        "each": CALLS_EACH,
        "campaign": loaded.campaign.id,
        "version": version(document),
        "now": f"{now:%Y-%m-%d %H:%M:%S.%f}",
        "since": f"{now - timedelta(days=2):%Y-%m-%d %H:%M:%S.%f}",
        "deadline": f"{now + timedelta(days=5):%Y-%m-%d %H:%M:%S.%f}",
    }
    with store.database.write() as connection:
        for of, statement in _STATEMENTS.items():
            worded = statement.replace("NUMBER", _NUMBER).replace("COUNTRY", _COUNTRY)
            connection.execute(text(f"{_SERIES} {worded}"), values | {"many": many[of]})
    crowd.settle_down(store)


_SERIES = "WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < :many)"
_NUMBER = """CASE i % 3 WHEN 0 THEN '+44740' || (1000000 + i) WHEN 1 THEN '+1305' || (2000000 + i)
    ELSE '+86138' || (10000000 + i) END"""
_COUNTRY = "CASE i % 3 WHEN 0 THEN 'GB' WHEN 1 THEN 'US' ELSE 'CN' END"
# The series that a statement runs over, and what it inserts.
_STATEMENTS = {
    "people": """INSERT INTO customer
        (id, reference, name, salutation, language, tier, region, zone, agent, numbers, quiet, attributes, fingerprint,
         created_at, changed_at)
        SELECT i, 'B' || i, 'Customer ' || i, '', 'en', '',
               CASE i % 3 WHEN 0 THEN 'GB' WHEN 1 THEN 'US-FL' ELSE 'CN' END, '', '',
               '[{"e164": "' || NUMBER || '", "region": "' || COUNTRY || '", "kind": "mobile", "extension": ""}]',
               '[]', '{"product": "motor"}', 'made up', :now, :now
        FROM series""",
    "people again": """INSERT INTO callback
        (id, campaign, customer_id, occasion, state, note, due_at, deadline_at, enrolled_at, promised, attempts, errors,
         number_index, bad_numbers, answers)
        SELECT i, :campaign, i, 'once', 'waiting', '', :since, :deadline, :since, false, 0, 0, 0, '[]', '{}'
        FROM series""",
    "calls": """INSERT INTO attempt
        (token, callback_id, customer_id, campaign, campaign_version, purpose, subject, e164, region, kind, extension,
         owner, state, is_open, created_at, lease_until, heard_at, carrier_call_id, answered_by, failure, disposition,
         code, marks, ending, counted, evidence)
        SELECT printf('%032d', nth), i, i, :campaign, :version, 'sales', :campaign, NUMBER, COUNTRY, 'mobile', '',
               'made up', 'final', false, datetime(:now, '-' || (1 + (nth * 7919) % 43200) || ' minutes') || '.000000',
               :now, :now, 'CA' || nth, 'nobody', '', 'none', '', '[]', 'no_answer', true, '{}'
        FROM (SELECT i AS nth, (i - 1) / :each + 1 AS i FROM series)""",
    "wishes": """INSERT INTO suppression (subject, scope, turn, source, said_at, attempt, "by", note)
        SELECT 'number:+1212' || (1000000 + i), 'everything', 0, 'import', :now, '', '', '' FROM series""",
}
