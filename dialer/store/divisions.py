"""Divides waiting callbacks among agents, so that everybody carries their share and customers keep one voice."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select, update

from dialer.core.record import CallbackState
from dialer.core.routing import divide
from dialer.store import queue
from dialer.store.tables import CallbackRow, CustomerRow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from dialer.store.database import Database

callback = CallbackRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
customer = CustomerRow.__table__  # type: ignore[attr-defined]

MOST = 2_000
"""Callbacks that are divided in one transaction; the rest follows at the next look."""


class Divisions:
    """Whose waiting callbacks are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def divide(self, campaign: str, capacities: Mapping[str, int], now: datetime) -> int:
        """Give callbacks of a campaign that are nobody's to the agents in `capacities`, by staff number; how many.

        Those of agents who are not among them any more are given anew. Customers with an agent of their own stay
        theirs.
        """
        waiting = (callback.c.campaign == campaign) & (callback.c.state == CallbackState.WAITING.value)
        with self._database.write() as connection:
            loads = Counter(
                {
                    name: many
                    for name, many in connection.execute(
                        select(callback.c.agent, func.count()).where(waiting).group_by(callback.c.agent)
                    )
                    if name in capacities
                }
            )
            nobodys = callback.c.agent.not_in(list(capacities)) & (customer.c.agent == "")
            query = select(callback.c.id).join(customer, customer.c.id == callback.c.customer_id)
            ids = list(connection.scalars(query.where(waiting, nobodys).order_by(callback.c.id).limit(MOST)))
            chosen = divide(loads, capacities, len(ids))
            if not chosen:
                return 0
            rows = [{"key": key, "whose": name} for key, name in zip(ids, chosen, strict=True)]
            mine = update(callback).where(callback.c.id == bindparam("key"))
            queue.look_again(connection, ids, now)
            connection.execute(mine.values(agent=bindparam("whose")), rows)
        return len(ids)
