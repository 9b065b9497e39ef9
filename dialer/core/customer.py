"""The customer as the rules see them, whatever file or database they came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dialer.core.hours import DailyRange
    from dialer.core.phone import PhoneNumber

VIP = "vip"
"""The tier that is called back without exception (handbook, rule 2)."""

Value = str | int | float
"""What an attribute may hold. Dates are ISO 8601 text (`2026-12-01`), as the import writes them."""


@dataclass(frozen=True, slots=True)
class Customer:
    """The file of one person.

    `reference` is the customer file's own key and never changes. `region` is the address as ISO 3166
    (`CN`, `US-NY`); `zone` is an IANA zone the customer confirmed and outranks every guess; `quiet` are the hours
    in which this person asked not to be called, in their own wall-clock time.
    """

    reference: str
    name: str
    salutation: str = ""
    language: str = ""
    tier: str = ""
    numbers: tuple[PhoneNumber, ...] = ()
    region: str = ""
    zone: str = ""
    quiet: tuple[DailyRange, ...] = ()
    agent: str = ""
    attributes: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_vip(self) -> bool:
        """Whether the 100 % duty holds for this customer."""
        return self.tier == VIP

    def value(self, name: str) -> Value | None:
        """The customer's field `name`, built-in or free; None when it is absent or empty."""
        found = getattr(self, name) if name in TEXT_FIELDS else self.attributes.get(name)
        return found if found != "" else None


TEXT_FIELDS = ("reference", "name", "salutation", "language", "tier", "region", "zone", "agent")
"""The fields every customer has; campaign files may filter by them and scripts may say them."""
