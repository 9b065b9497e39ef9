"""Opens the carrier that the settings name. A new carrier is one file in this room and one line in `CARRIERS`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from dialer.ports import Telephony


class Factory(Protocol):
    """Builds a carrier without touching the network, so that it may run before there is an event loop.

    `account` and `secret` are the carrier's credentials. `api_url` is where its API is, empty for the carrier's own.
    `public_url` is where the carrier reaches us. `timeout` bounds each request, `connections` how many run at once.
    """

    def __call__(
        self, *, account: str, secret: str, api_url: str, public_url: str, timeout: timedelta, connections: int
    ) -> Telephony: ...


def _twilio(
    *, account: str, secret: str, api_url: str, public_url: str, timeout: timedelta, connections: int
) -> Telephony:
    from dialer.telephony.twilio import TwilioTelephony  # noqa: PLC0415 - the SDK takes 0.25 s to import

    return TwilioTelephony(
        account, secret, api_url=api_url, public_url=public_url, timeout=timeout, connections=connections
    )


CARRIERS: Final[Mapping[str, Factory]] = MappingProxyType({"twilio": _twilio})
