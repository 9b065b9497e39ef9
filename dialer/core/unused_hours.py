"""Hours of a campaign that no customer of a country can ever use, because the house or a preset closes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dialer.core.bit_runs import runs
from dialer.core.rules import matching

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from dialer.core.admission import House
    from dialer.core.campaign import Campaign
    from dialer.core.hours import DailyRange, Week

_DAY = 24 * 60
_WEEK = 7 * _DAY


class Unused(NamedTuple):
    """A part of the day, in minutes since midnight, on these weekdays (Monday is 0), and what closes it."""

    country: str
    weekdays: tuple[int, ...]
    start: int
    end: int
    closed_by: tuple[str, ...]  # `house`, or the ids of presets


class Shut(NamedTuple):
    """A window of the file that is closed on each of its days, and the layers that close it."""

    window: DailyRange
    weekdays: tuple[int, ...]  # on which the file has it; Monday is 0
    country: str  # empty where the house closes it for everybody
    closed_by: tuple[str, ...]  # `house`, or the ids of presets; several where only together they leave nothing


def shut_windows(campaign: Campaign, house: House, countries: Iterable[str], on: date) -> list[Shut]:
    """The campaign's windows that never meet the house window, or the presets for the whole of a country."""
    week = campaign.when.hours.week
    places = {country: _layers(campaign, house, country, on) for country in sorted(countries)}
    found = []
    for window in sorted({one for day in week for one in day}):
        days = tuple(weekday for weekday, ranges in enumerate(week) if window in ranges)
        wanted = _minutes(tuple((window,) if weekday in days else () for weekday in range(7)))
        if not wanted & _minutes(house.hours.week):
            found.append(Shut(window, days, "", ("house",)))
            continue
        for country, layers in places.items():
            closed_by = _closers(wanted, layers)
            if closed_by:
                found.append(Shut(window, days, country, closed_by))
    return found


def _closers(wanted: int, layers: Mapping[str, int]) -> tuple[str, ...]:
    """The layers that leave nothing of some minutes: those that do so alone, else all that take a part of them."""
    left = wanted
    for minutes in layers.values():
        left &= minutes
    if left:
        return ()
    alone = tuple(name for name, minutes in layers.items() if not wanted & minutes)
    return alone or tuple(name for name, minutes in layers.items() if wanted & ~minutes)


def unused_hours(campaign: Campaign, house: House, countries: Iterable[str], on: date) -> list[Unused]:
    """By country, the parts of the campaign's week that the house or a preset for the whole country closes.

    Presets for single states leave the others open, and holidays are single days: neither is looked at.
    """
    wanted = _minutes(campaign.when.hours.week)
    found: dict[tuple[str, int, int, tuple[str, ...]], list[int]] = {}
    for country in sorted(countries):
        layers = _layers(campaign, house, country, on)
        for weekday in range(7):
            day = ((1 << _DAY) - 1) << (weekday * _DAY)
            shut = {name: wanted & day & ~minutes for name, minutes in layers.items()}
            for start, end in runs(_together(shut.values()) >> (weekday * _DAY)):
                run = ((1 << end) - (1 << start)) << (weekday * _DAY)
                closed_by = tuple(name for name, closed in shut.items() if closed & run)
                found.setdefault((country, start, end, closed_by), []).append(weekday)
    return [Unused(country, tuple(days), start, end, by) for (country, start, end, by), days in found.items()]


def _layers(campaign: Campaign, house: House, country: str, on: date) -> dict[str, int]:
    """The open minutes of the house, and of each preset that binds the campaign's calls all over a country."""
    return {"house": _minutes(house.hours.week)} | {
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
