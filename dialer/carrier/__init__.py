"""A stand-in for the telephone network: a Twilio-compatible server with simulated people.

It knows Twilio's public contract and nothing of the dialer, so that the dialer's own carrier code is what gets tried.
"""

from __future__ import annotations

from dialer.carrier.config import (
    DEFAULT_PORT,
    DEMO_ACCOUNT_SID,
    DEMO_AUTH_TOKEN,
    CarrierConfig,
    CarrierConfigError,
)
from dialer.carrier.fault import Fault, FaultError, Rate, read_faults
from dialer.carrier.people import Rule
from dialer.carrier.people_file import PeopleFileError, read_people
from dialer.carrier.server import Carrier, running, serve

__all__ = [
    "DEFAULT_PORT",
    "DEMO_ACCOUNT_SID",
    "DEMO_AUTH_TOKEN",
    "Carrier",
    "CarrierConfig",
    "CarrierConfigError",
    "Fault",
    "FaultError",
    "PeopleFileError",
    "Rate",
    "Rule",
    "read_faults",
    "read_people",
    "running",
    "serve",
]
