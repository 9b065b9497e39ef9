"""Remembers: the only room that knows SQL. It speaks in transitions, each one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.store.agent_calls import AgentCalls
from dialer.store.agents import Agents, LastManagerError, Member
from dialer.store.attempts import Attempts, Briefing, Open, Recorded
from dialer.store.audit_trail import AuditTrail, Deed, Entry
from dialer.store.board import Board
from dialer.store.callbacks import ASKED_FOR, Callbacks, Enrolment
from dialer.store.campaigns import Campaigns, Standing
from dialer.store.census import Census, Counted, Kept
from dialer.store.customer_file import CustomerFiles
from dialer.store.customers import Customers, Upserted
from dialer.store.database import Database
from dialer.store.divisions import Divisions
from dialer.store.engagements import Engagements
from dialer.store.history import History
from dialer.store.leases import Leases
from dialer.store.pacers import Pacers
from dialer.store.presences import Presences, Seat
from dialer.store.promise_list import Promises, Wanted
from dialer.store.prospects import Prospects
from dialer.store.records import Records
from dialer.store.reservations import Reservations
from dialer.store.sessions import Session, Sessions
from dialer.store.sign_ins import SignIns
from dialer.store.suppressions import Suppressions
from dialer.store.task_list import Result, Tasks

if TYPE_CHECKING:
    from dialer.core.admission import House

__all__ = [
    "ASKED_FOR",
    "Agents",
    "Attempts",
    "AuditTrail",
    "Briefing",
    "Counted",
    "Database",
    "Deed",
    "Enrolment",
    "Entry",
    "Kept",
    "LastManagerError",
    "Member",
    "Open",
    "Recorded",
    "Result",
    "Seat",
    "Session",
    "Sessions",
    "SignIns",
    "Standing",
    "Store",
    "Upserted",
    "Wanted",
]


class Store:
    """Everything the program remembers, by noun."""

    def __init__(self, database: Database, house: House) -> None:
        self.database = database
        self.house = house
        self.customers = Customers(database)
        self.suppressions = Suppressions(database)
        self.campaigns = Campaigns(database)
        self.callbacks = Callbacks(database, house)
        self.attempts = Attempts(database, house)
        self.promises = Promises(database, house)
        self.tasks = Tasks(database, house)
        self.records = Records(database)
        self.census = Census(database, house)
        self.history = History(database, house)
        self.presences = Presences(database)
        self.reservations = Reservations(database, house)
        self.engagements = Engagements(database)
        self.leases = Leases(database)
        self.pacers = Pacers(database)
        self.prospects = Prospects(database)
        self.divisions = Divisions(database)
        self.agent_calls = AgentCalls(database, house)
        self.board = Board(database)
        self.files = CustomerFiles(database)
        self.agents = Agents(database)
        self.sessions = Sessions(database)
        self.sign_ins = SignIns(database)
        self.audit = AuditTrail(database)

    @classmethod
    def open(cls, url: str, house: House) -> Store:
        """Open the database at `url` and bring its schema up to date."""
        database = Database(url)
        database.migrate()
        return cls(database, house)

    def close(self) -> None:
        """Give back the connections."""
        self.database.close()
