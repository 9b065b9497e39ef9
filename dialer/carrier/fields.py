"""Form fields of a request to the client, encoded once where many requests share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Fields:
    """Names and values, with their form encoding. All requests of a call share most of theirs."""

    values: Mapping[str, str]
    encoded: str

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Self:
        """Fields with their encoding."""
        return cls(values, urlencode(values))

    def plus(self, more: Mapping[str, str]) -> Fields:
        """These fields and more; a name may not be in both."""
        if not more:
            return self
        return Fields({**self.values, **more}, f"{self.encoded}&{urlencode(more)}")
