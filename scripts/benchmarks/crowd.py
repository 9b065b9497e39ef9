"""Fills a database with made-up customers and callbacks: inside the database, because a million take minutes else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from dialer import campaign_files

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.campaign_files import LoadedCampaign
    from dialer.store import Store

CAMPAIGN = Path(__file__).with_name("campaign.yaml")


@dataclass(frozen=True, slots=True)
class Crowd:
    """Callbacks that wait: `resting` VIPs who stand first and may not be called now, and all others, who may."""

    total: int
    resting: int = 0


@cache
def campaign() -> LoadedCampaign:
    """The campaign all of them are in."""
    return campaign_files.load(CAMPAIGN)


def campaign_name() -> str:
    """Its name."""
    return campaign().campaign.id


def fill(store: Store, crowd: Crowd, now: datetime) -> None:
    """Put a campaign in force and let a crowd wait in it, numbered from 1, the VIPs first."""
    loaded = campaign()
    store.campaigns.apply(loaded.campaign.id, loaded.version, loaded.document, now)
    with store.database.write() as connection:
        for table, statement in _STATEMENTS.items():
            series = _SQLITE_SERIES if store.database.is_sqlite else _POSTGRESQL_SERIES
            typed = statement.replace("AS_JSON", "" if store.database.is_sqlite else "::json")
            connection.execute(text(f"{series} INSERT INTO {table} {typed}"), _values(store, crowd, now))
    settle_down(store)


def settle_down(store: Store) -> None:
    """What a database that has run for a while has behind it: statistics, and no pages that wait to be written."""
    pooled = store.database.engine.raw_connection()
    driver: Any = pooled.driver_connection
    if store.database.is_sqlite:
        statements = ("ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)")
    else:
        statements = ("VACUUM ANALYZE", "CHECKPOINT")
        driver.autocommit = True
    for statement in statements:
        driver.execute(statement)
    pooled.invalidate()


def _values(store: Store, crowd: Crowd, now: datetime) -> dict[str, object]:
    instants = {
        "now": now,
        "vip_since": now - timedelta(days=9),
        "since": now - timedelta(days=2),
        "deadline": now + timedelta(days=5),
        "opens": now + timedelta(hours=9),
        "closes_late": now + timedelta(hours=20),
        "closes": now + timedelta(hours=6),
    }
    if store.database.is_sqlite:
        told: dict[str, object] = {n: one.strftime("%Y-%m-%d %H:%M:%S.%f") for n, one in instants.items()}
    else:
        told = dict(instants)
    return told | {"total": crowd.total, "resting": crowd.resting, "campaign": campaign_name()}


_SQLITE_SERIES = (
    "WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < CAST(:total AS integer))"
)
_POSTGRESQL_SERIES = "WITH series AS (SELECT generate_series(1, CAST(:total AS bigint)) AS i)"

# The order of the crowd in the queue is scattered over the tables, as it is when people become due at their own times.
_STATEMENTS = {
    "customer": """
        (id, reference, name, salutation, language, tier, region, zone, agent, numbers, quiet, attributes, fingerprint,
         created_at, changed_at)
        SELECT i, 'B' || i, 'Customer ' || i, '', 'en', CASE WHEN i <= :resting THEN 'vip' ELSE '' END, 'GB',
               'Europe/London', '',
               ('[{"e164": "+44740' || (1000000 + i) || '", "region": "GB", "kind": "mobile", "extension": ""}]')
               AS_JSON,
               '[]' AS_JSON, '{"product": "motor"}' AS_JSON, 'made up', :now, :now
        FROM series""",
    "callback": """
        (id, campaign, customer_id, occasion, state, note, due_at, deadline_at, enrolled_at, promised, attempts, errors,
         number_index, bad_numbers, answers)
        SELECT i, :campaign, i, 'once', 'waiting', '', :since, :deadline, :since, false, 0, 0, 0,
               '[]' AS_JSON, '{}' AS_JSON
        FROM series""",
    "queue": """
        (callback_id, campaign, ready, opens_at, closes_at, rank_at)
        SELECT i, :campaign, i > :resting, CASE WHEN i <= :resting THEN :opens ELSE :since END,
               CASE WHEN i <= :resting THEN :closes_late ELSE :closes END,
               CASE WHEN i <= :resting THEN :vip_since ELSE :since END
        FROM (SELECT (i * 7919) % CAST(:total AS bigint) + 1 AS i FROM series) AS scattered""",
}
