"""The presets in force, looked up for one call: whose law, whose code, which house rules bind it, and their hours."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from dialer.core.area_codes import jurisdictions
from dialer.core.rules import hours_of, matching
from dialer.core.wall_clock import local

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

    from dialer.core.area_codes import Jurisdictions
    from dialer.core.calendars import Calendar
    from dialer.core.campaign import Campaign
    from dialer.core.caps import Cap
    from dialer.core.hours import Hours
    from dialer.core.phone import PhoneNumber
    from dialer.core.purpose import Purpose
    from dialer.core.rules import Preset

MOST_BINDINGS = 4096
"""Bindings kept at hand; jurisdictions, purposes and dates are few."""


_MONTH = timedelta(days=32)
"""Longer than any calendar month, seen from any zone."""


class _Key(NamedTuple):
    """What decides which presets bind a call."""

    places: Jurisdictions
    purpose: Purpose
    sectors: tuple[str, ...]
    may_sell: bool
    day: date


@dataclass(frozen=True, slots=True)
class Binding:
    """The presets that bind a call, and the hours of each, in the same order."""

    presets: tuple[Preset, ...] = ()
    hours: tuple[Hours, ...] = ()
    changes: date | None = None  # the first day on which other presets may bind

    @property
    def names(self) -> tuple[str, ...]:
        """Their ids, as they are kept with each attempt."""
        return tuple(preset.id for preset in self.presets)

    @property
    def unlifted(self) -> Binding:
        """Those that hold even at a time the customer asked for."""
        kept = [both for both in zip(self.presets, self.hours, strict=True) if not both[0].yields_to_appointment]
        return Binding(tuple(preset for preset, _ in kept), tuple(hours for _, hours in kept), self.changes)

    @property
    def lifted(self) -> tuple[str, ...]:
        """The ids of those that a time the customer asked for lifts."""
        return tuple(preset.id for preset in self.presets if preset.yields_to_appointment)

    @property
    def deadline(self) -> timedelta | None:
        """The shortest time in which the call must have happened, where a preset sets one."""
        return min((preset.deadline for preset in self.presets if preset.deadline is not None), default=None)

    @property
    def not_before_expiry(self) -> timedelta | None:
        """The shortest time before a contract's end from which on its renewal may be spoken of."""
        spans = (preset.not_before_expiry for preset in self.presets if preset.not_before_expiry is not None)
        return min(spans, default=None)


NOTHING = Binding()


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All presets, read when first asked for. `calendars` gives the days of rest they close on, around a year."""

    source: Callable[[], tuple[Preset, ...]] = tuple
    calendars: Callable[[int], Mapping[str, Calendar]] = lambda _year: {}
    _hours: dict[tuple[str, int], Hours] = field(default_factory=dict, compare=False, repr=False)
    _bindings: dict[_Key, Binding] = field(default_factory=dict, compare=False, repr=False)
    _joined: dict[tuple[_Key, ...], Binding] = field(default_factory=dict, compare=False, repr=False)
    _lookback: list[timedelta] = field(default_factory=list, compare=False, repr=False)

    @property
    def presets(self) -> tuple[Preset, ...]:
        """Every preset."""
        return self.source()

    @property
    def lookback(self) -> timedelta:
        """How far back the caps and cool-offs of any preset look."""
        if not self._lookback:
            spans = [_MONTH if not isinstance(cap.period, timedelta) else cap.period for cap in self._caps()]
            waits = [cool_off.wait for preset in self.presets for cool_off in preset.cooloffs]
            self._lookback.append(max([*spans, *waits], default=timedelta(0)))
        return self._lookback[0]

    def _caps(self) -> list[Cap]:
        return [cap for preset in self.presets for cap in preset.caps]

    def binding(
        self, campaign: Campaign, number: PhoneNumber, address: str, zones: tuple[str, ...], now: datetime
    ) -> Binding:
        """What binds a call at `now` to somebody in `zones`; strictest wins, so all of it must hold.

        Where it is not the same date in all zones, the presets of each date bind.
        """
        places = _jurisdictions(number, address)
        about = (places, campaign.purpose, campaign.sectors, campaign.may_sell)
        if len(zones) == 1:
            return self._on(_Key(*about, local(now, zones[0]).date()))
        keys = tuple(_Key(*about, day) for day in sorted({local(now, zone).date() for zone in zones}))
        if len(keys) == 1:
            return self._on(keys[0])
        if keys not in self._joined:
            _make_room(self._joined)
            self._joined[keys] = self._all(keys)
        return self._joined[keys]

    def _all(self, keys: tuple[_Key, ...]) -> Binding:
        found: dict[Hours, Preset] = {}
        changes = set()
        for one in map(self._on, keys):
            found |= dict(zip(one.hours, one.presets, strict=True))
            changes.add(one.changes)
        return Binding(tuple(found.values()), tuple(found), min(filter(None, changes), default=None))

    def _on(self, key: _Key) -> Binding:
        known = self._bindings.get(key)
        if known is None:
            presets = matching(
                self.presets,
                countries=key.places.countries,
                regions=key.places.regions,
                purpose=key.purpose,
                sectors=frozenset(key.sectors),
                on=key.day,
                may_sell=key.may_sell,
            )
            hours = tuple(self._hours_of(preset, key.day.year) for preset in presets)
            known = Binding(presets, hours, self._next_change(key))
            _make_room(self._bindings)
            self._bindings[key] = known
        return known

    def _next_change(self, key: _Key) -> date | None:
        """The first day after the key's on which a preset of its countries begins or has ended."""
        theirs = [preset for preset in self.presets if not preset.country or preset.country in key.places.countries]
        days = [preset.effective_from for preset in theirs if preset.effective_from is not None]
        days += [last + timedelta(days=1) for preset in theirs if (last := preset.effective_until) is not None]
        return min((day for day in days if day > key.day), default=None)

    def _hours_of(self, preset: Preset, year: int) -> Hours:
        key = (preset.id, year)
        if key not in self._hours:
            self._hours[key] = hours_of(preset, self.calendars(year))
        return self._hours[key]


def _make_room(kept: dict[_Key, Binding] | dict[tuple[_Key, ...], Binding]) -> None:
    if len(kept) >= MOST_BINDINGS:
        kept.clear()


@lru_cache(maxsize=16384)
def _jurisdictions(number: PhoneNumber, address: str) -> Jurisdictions:
    return jurisdictions(number, address)
