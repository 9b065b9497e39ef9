"""A URL the client gave us, with Twilio's connection overrides read from its fragment."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

POLICIES = frozenset({"4xx", "5xx", "ct", "rt", "all"})
# name -> (lowest, highest) in milliseconds or tries. Source: Twilio, "Webhooks (HTTP callbacks): connection overrides".
_LIMITS = {"ct": (100, 10_000), "rt": (100, 15_000), "tt": (100, 15_000), "rc": (0, 5)}
_DEFAULT = {"ct": 5_000, "rt": 15_000, "tt": 15_000, "rc": 1}


class HookError(ValueError):
    """The URL is none that Twilio would request."""


@dataclass(frozen=True, slots=True)
class Hook:
    """Where to send a request and how long and how often to try.

    Milliseconds are real time: the client's server does not know about compressed time.
    """

    url: str
    method: str = "POST"
    connect_ms: int = 5_000
    read_ms: int = 15_000
    total_ms: int = 15_000
    retries: int = 1
    policy: frozenset[str] = frozenset({"ct"})

    def retries_on(self, failure: str) -> bool:
        """Whether a failure (`ct`, `rt`, `4xx`, `5xx`) is worth another try under this URL's policy."""
        return failure in self.policy or "all" in self.policy


def read_hook(url: str, method: str = "POST") -> Hook:
    """A URL as given in a parameter or TwiML attribute.

    The fragment (`#rc=2&rp=ct,5xx&ct=1000&rt=3000&tt=10000`) is taken off: it is neither sent nor signed. Raises
    `HookError` for anything that is not an absolute http(s) URL in ASCII with a host name without underscores.
    """
    bare, _, fragment = url.partition("#")
    parts = urlsplit(bare)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise HookError("not an absolute http or https URL")
    if "_" in parts.hostname:
        raise HookError("host names in URLs may not contain underscores")
    if not bare.isascii() or len(bare.split()) != 1:
        raise HookError("a URL must be percent-encoded ASCII")
    if not fragment:
        return Hook(bare, method)
    return _with_overrides(bare, method, fragment)


def _with_overrides(url: str, method: str, fragment: str) -> Hook:
    numbers = dict(_DEFAULT)
    policy = frozenset({"ct"})
    for name, value in parse_qsl(fragment, keep_blank_values=True):
        if name == "rp":
            policy = frozenset(value.split(","))
            if not policy <= POLICIES:
                raise HookError(f"retry policy rp={value}: known are {', '.join(sorted(POLICIES))}")
        elif name in _LIMITS:
            numbers[name] = _limited(name, value)
        else:
            raise HookError(f"unknown connection override {name!r}: known are ct, rt, tt, rc, rp")
    return Hook(url, method, numbers["ct"], numbers["rt"], numbers["tt"], numbers["rc"], policy)


def _limited(name: str, value: str) -> int:
    lowest, highest = _LIMITS[name]
    if not value.isdecimal() or not lowest <= int(value) <= highest:
        raise HookError(f"connection override {name}={value}: expected {lowest} to {highest}")
    return int(value)
