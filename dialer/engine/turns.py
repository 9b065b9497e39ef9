"""Whose turn it is when an agent is free: a call of their own, or those made ahead for whoever is free."""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from dialer.engine.pools import Pool
    from dialer.store import Seat

NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Turns:
    """Nobody is dialed for twice, and an agent of both kinds of campaigns gets them in turn.

    Of a pool's free agents as many are kept as its calls ahead will probably need. Who is kept from a call of their
    own is owed it: pacers do not count on them any more, and once the calls that were made before that are over they
    get it, unless one of these was theirs, and then after it. Whoever had their own call is the pacer's until its
    next decision. This is not kept over a restart, which costs somebody a turn.
    """

    def __init__(self) -> None:
        self._owed: dict[int, datetime] = {}  # agent -> since when pacers do not count on them
        self._had: set[int] = set()
        self._pool: dict[int, str] = {}  # free agent -> pool
        self._ahead: Mapping[str, Sequence[tuple[datetime, float]]] = {}

    @property
    def owed(self) -> frozenset[int]:
        """Whose next call is one of their own."""
        return frozenset(self._owed)

    def begin(
        self, pools: Sequence[Pool], free: Collection[Seat], ahead: Mapping[str, Sequence[tuple[datetime, float]]]
    ) -> None:
        """A new look: who is free, and of each pool the calls ahead: when made, and how likely each needs an agent."""
        keys = {seat.key for seat in free}
        self._pool = {seat.key: pool.name for pool in pools for seat in pool.seats if seat.key in keys}
        self._ahead = ahead

    def is_own(self, key: int) -> bool:
        """Whether a free agent may be set aside now."""
        return key not in self._pool or (key not in self._had and self._spare(key) > 0)

    def _spare(self, key: int) -> int:
        """How many free agents the calls that count on this one do not need; who was owed earlier is not for these."""
        pool, since = self._pool[key], self._owed.get(key, NEVER)
        free = sum(of == pool and self._owed.get(one, NEVER) >= since for one, of in self._pool.items())
        return free - ceil(sum(chance for made, chance in self._ahead[pool] if made < since))

    def is_kept(self, key: int) -> bool:
        """Whether calls ahead keep a free agent from what is not owed to them yet."""
        return key in self._pool and key not in self._owed and key not in self._had

    def owe(self, key: int) -> None:
        """A call of their own waits for an agent who is kept."""
        self._owed[key] = NEVER

    def nothing_for(self, key: int) -> None:
        """No call of their own waits for an agent any more."""
        self._owed.pop(key, None)

    def set_aside(self, key: int) -> None:
        """An agent got a call of their own."""
        self._owed.pop(key, None)
        if self._pool.pop(key, ""):
            self._had.add(key)

    def decided(self, free: Iterable[int], now: datetime) -> None:
        """The pacers have decided: while these agents were free, and without counting on those who are owed a call."""
        self._had.difference_update(free)
        self._owed = {key: min(since, now) for key, since in self._owed.items()}
