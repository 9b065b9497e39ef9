"""How much of each cap is used up and which cool-offs last, for one call at an instant: what `why` shows of limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dialer.core.limits import holds_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from dialer.core.caps import Cap, CoolOff
    from dialer.core.limits import Call, Contact
    from dialer.core.rules import Preset


class LimitUse(NamedTuple):
    """A cap or a cool-off of a preset. `used`: calls that count now; None for a cool-off."""

    preset: str
    limit: Cap | CoolOff
    used: int | None
    until: datetime | None  # when it allows the next call; None when it allows one now


def limit_uses(preset: Preset, call: Call, contacts: Sequence[Contact], now: datetime) -> Iterator[LimitUse]:
    """Every limit of the preset, caps first. Asks what the gate asks, so the two cannot tell different things."""
    for cap in preset.caps:
        used = 0
        while used < len(contacts) and _until(_alone(preset, cap, used + 1), call, contacts, now) is not None:
            used += 1
        yield LimitUse(preset.id, cap, used, _until(_alone(preset, cap, cap.max), call, contacts, now))
    for cool_off in preset.cooloffs:
        alone = preset.model_copy(update={"caps": (), "cooloffs": (cool_off,)})
        yield LimitUse(preset.id, cool_off, None, _until(alone, call, contacts, now))


def _alone(preset: Preset, cap: Cap, most: int) -> Preset:
    """The preset with nothing but this cap, at `most`: used up exactly when so many calls or more count."""
    return preset.model_copy(update={"caps": (cap.model_copy(update={"max": most}),), "cooloffs": ()})


def _until(preset: Preset, call: Call, contacts: Sequence[Contact], now: datetime) -> datetime | None:
    return max((hold.until for hold in holds_of(preset, call, contacts, now)), default=None)
