"""Whose key confirms a zone: the customer's own, and nobody's who says that the customer is somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dialer.core.outcome import Disposition, Network
from tests.campaigns import customer
from tests.store.steps import K, dial_one, ended, enrol, heard, people, start, tell, told

if TYPE_CHECKING:
    from dialer.store import Store


@pytest.mark.parametrize(
    ("who", "zone"), [(Disposition.WRONG_PERSON, ""), (Disposition.COMPLETED, "Asia/Tokyo")], ids=["stranger", "self"]
)
def test_only_the_customer_says_where_they_live(store: Store, who: Disposition, zone: str) -> None:
    start(store)
    people(store, customer("C1"))
    enrol(store)
    token = dial_one(store)
    tell(
        store,
        *(told(token, kind) for kind in (K.PLACED, K.RINGING, K.ANSWERED)),
        heard(token, Disposition.NONE, node="where", zone="Asia/Tokyo", digits="2"),
        heard(token, who, node="who", digits="3"),
        ended(token, Network.ANSWERED),
    )
    known = store.customers.get("C1")
    assert known is not None
    assert known.zone == zone
