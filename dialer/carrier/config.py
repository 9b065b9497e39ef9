"""What the stand-in carrier is started with, checked before anything listens."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dialer.carrier.fault import Fault, Rate
    from dialer.carrier.people import Rule

# For a trial without an account: made up, and good for nothing outside this machine.
DEMO_ACCOUNT_SID = "AC00000000000000000000000000000001"
DEMO_AUTH_TOKEN = "demo0000000000000000000000000001"  # noqa: S105 - made up, documented, loopback only
DEFAULT_PORT = 9101


class CarrierConfigError(ValueError):
    """The carrier cannot be started as asked; the message says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class CarrierConfig:
    """How the stand-in behaves. Raises `CarrierConfigError` for values that make no sense.

    `calls_per_second` is per simulated second, 1 as for a new Twilio account. `speed` divides all simulated time.
    `allowed_prefixes` (such as `+1`) are the geographic permissions and `caller_ids` the account's numbers; empty
    tuples allow all. The two limits are off when None.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    speed: float = 1.0
    seed: int = 1
    calls_per_second: float = 1.0
    account_sid: str = DEMO_ACCOUNT_SID
    auth_token: str = field(default=DEMO_AUTH_TOKEN, repr=False)
    people: tuple[Rule, ...] = ()
    faults: Mapping[Fault, Rate] = field(default_factory=dict)
    allowed_prefixes: tuple[str, ...] = ()
    caller_ids: tuple[str, ...] = ()
    concurrent_calls: int | None = None
    concurrent_requests: int | None = None

    def __post_init__(self) -> None:
        problems = [
            message
            for wrong, message in (
                (not is_loopback(self.host), f"host {self.host}: the stand-in has no real security; loopback only"),
                (not 0 <= self.port <= 65535, f"port {self.port}: expected 0 (any free one) to 65535"),  # noqa: PLR2004 - said there
                (not 0 < self.speed <= 10_000, f"speed {self.speed}: expected above 0, at most 10000"),  # noqa: PLR2004 - said there
                (not 0 < self.calls_per_second <= 100_000, "calls per second: expected above 0, at most 100000"),  # noqa: PLR2004 - said there
                (
                    not re.fullmatch(r"AC[0-9a-zA-Z]{32}", self.account_sid),
                    "account sid: expected AC and 32 characters",
                ),
                (not self.auth_token, "auth token: may not be empty"),
                (not _positive(self.concurrent_calls), "concurrent calls: expected at least 1"),
                (not _positive(self.concurrent_requests), "concurrent requests: expected at least 1"),
            )
            if wrong
        ]
        if problems:
            raise CarrierConfigError("\n".join(problems))


def is_loopback(host: str) -> bool:
    """Whether nobody outside this machine can reach the host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _positive(limit: int | None) -> bool:
    return limit is None or limit >= 1
