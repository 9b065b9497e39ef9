"""Hours of a campaign that no customer of a country can ever use, because the house or a preset closes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dialer.core.bit_runs import runs
from dialer.core.rules import matching

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from dialer.core.admission import House
    from dialer.core.campaign import Campaign
    from dialer.core.hours import Week

_DAY = 24 * 60
_WEEK = 7 * _DAY


class Unused(NamedTuple):
    """A part of the day, in minutes since midnight, on these weekdays (Monday is 0), and what closes it."""

    country: str
    weekdays: tuple[int, ...]
    start: int
    end: int
    closed_by: tuple[str, ...]  # `house`, or the ids of presets


def unused_hours(campaign: Campaign, house: House, countries: Iterable[str], on: date) -> list[Unused]:
    """By country, the parts of the campaign's week that the house or a preset for the whole country closes.

    Presets for single states leave the others open, and holidays are single days: neither is looked at.
    """
    wanted = _minutes(campaign.when.hours.week)
    found: dict[tuple[str, int, int, tuple[str, ...]], list[int]] = {}
    for country in sorted(countries):
        layers = {"house": _minutes(house.hours.week)} | {
            preset.id: _minutes(preset.hours.week)
            for preset in matching(
                house.rules.presets,
                countries=frozenset({country}),
                regions=frozenset({f"{country}-"}),  # some state or other: what holds only where none is known is out
                purpose=campaign.purpose,
                sectors=frozenset(campaign.sectors),
                on=on,
                may_sell=campaign.may_sell,
            )
        }
        for weekday in range(7):
            day = ((1 << _DAY) - 1) << (weekday * _DAY)
            shut = {name: wanted & day & ~minutes for name, minutes in layers.items()}
            for start, end in runs(_together(shut.values()) >> (weekday * _DAY)):
                run = ((1 << end) - (1 << start)) << (weekday * _DAY)
                closed_by = tuple(name for name, closed in shut.items() if closed & run)
                found.setdefault((country, start, end, closed_by), []).append(weekday)
    return [Unused(country, tuple(days), start, end, by) for (country, start, end, by), days in found.items()]


def _together(masks: Iterable[int]) -> int:
    bits = 0
    for mask in masks:
        bits |= mask
    return bits


def _minutes(week: Week) -> int:
    """The minutes of a week that are open, as bits from Monday's midnight on; a Sunday's night goes on on Monday."""
    bits = 0
    for weekday, ranges in enumerate(week):
        for one in ranges:
            start = weekday * _DAY + one.start
            end = weekday * _DAY + one.end + (_DAY if one.crosses_midnight else 0)
            bits |= (1 << end) - (1 << start)
    return (bits & ((1 << _WEEK) - 1)) | (bits >> _WEEK)
