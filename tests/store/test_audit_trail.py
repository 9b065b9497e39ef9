"""The trail: newest first, by person, action, subject and time, page after page."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from dialer.store import Deed
from tests.campaigns import NOW

if TYPE_CHECKING:
    from dialer.store import Store


def test_the_trail_is_read_back_as_it_was_written_newest_first(store: Store) -> None:
    deeds = [
        Deed("1001", "campaign.pause", "survey", {"reason": "录音"}, "192.0.2.7"),
        Deed("1501", "campaign.resume", "survey"),
        Deed("1501", "campaigns.other", "survey"),
        Deed("cli:root", "number.show", "C1", {"count": 1}),
    ]
    for index, deed in enumerate(deeds):
        store.audit.add(deed, NOW + timedelta(minutes=index))
    found = store.audit.latest()
    assert [one.deed for one in found] == deeds[::-1]
    assert found[-1].at == NOW
    assert [one.deed for one in store.audit.latest(by="1501")] == [deeds[2], deeds[1]]
    assert [one.deed for one in store.audit.latest(action="campaign")] == [deeds[1], deeds[0]]
    assert [one.deed for one in store.audit.latest(action="number.show")] == [deeds[3]]
    assert [one.deed for one in store.audit.latest(subject="C1")] == [deeds[3]]
    assert [one.deed for one in store.audit.latest(since=NOW + timedelta(minutes=2))] == [deeds[3], deeds[2]]
    first = store.audit.latest(2)
    assert [one.deed for one in store.audit.latest(2, before=first[-1].id)] == [deeds[1], deeds[0]]
