"""Small charts of characters: readable in any terminal, without colour, and when they are copied into a mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVELS: Final = "▁▂▃▄▅▆▇█"
NOTHING: Final = "·"
HOURS: Final = 24


def bars(counts: Sequence[int | None], most: int) -> str:
    """One character for each count, as high as its share of `most`; a dot for nothing, a blank for None."""
    return "".join(" " if one is None else _bar(one, most) for one in counts)


def _bar(count: int, most: int) -> str:
    if not count:
        return NOTHING
    return LEVELS[max(0, -(-count * len(LEVELS) // most) - 1)]


def hour_axis(width: int, every: int = 3) -> str:
    """The hours of a day over a chart in which each hour is `width` characters wide."""
    return "".join(f"{hour:02}".ljust(width * every) for hour in range(0, HOURS, every))
