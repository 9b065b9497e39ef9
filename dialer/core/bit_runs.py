"""Stretches of time on a fixed grid, kept as the bits of one number."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def runs(bits: int) -> Iterator[tuple[int, int]]:
    """The stretches of bits that follow each other, half open, the lowest first."""
    at = 0
    while bits:
        gap = (bits & -bits).bit_length() - 1
        bits >>= gap
        length = (~bits & (bits + 1)).bit_length() - 1
        yield at + gap, at + gap + length
        at += gap + length
        bits >>= length
