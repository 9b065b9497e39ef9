"""Remembers: the only room that knows SQL. It speaks in transitions, each one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.store.attempts import Attempts, Briefing, Open, Recorded
from dialer.store.callbacks import Callbacks, Enrolment
from dialer.store.campaigns import Campaigns, Standing
from dialer.store.customers import Customers, Upserted
from dialer.store.database import Database
from dialer.store.records import Records
from dialer.store.suppressions import Suppressions

if TYPE_CHECKING:
    from dialer.core.admission import House

__all__ = ["Attempts", "Briefing", "Database", "Enrolment", "Open", "Recorded", "Standing", "Store", "Upserted"]


class Store:
    """Everything the program remembers, by noun."""

    def __init__(self, database: Database, house: House) -> None:
        self.database = database
        self.customers = Customers(database)
        self.suppressions = Suppressions(database)
        self.campaigns = Campaigns(database)
        self.callbacks = Callbacks(database, house)
        self.attempts = Attempts(database, house)
        self.records = Records(database)

    @classmethod
    def open(cls, url: str, house: House) -> Store:
        """Open the database at `url` and bring its schema up to date."""
        database = Database(url)
        database.migrate()
        return cls(database, house)

    def close(self) -> None:
        """Give back the connections."""
        self.database.close()
