"""The people who talk to customers: who they are, where each stands, and the one table of how that changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Role(StrEnum):
    """What somebody may do here. Every role may do what the ones before it may, but for the operator."""

    AGENT = "agent"  # takes calls, sees only what the work needs
    TEAM_LEAD = "team_lead"  # sees the board and the files, helps agents
    MANAGER = "manager"  # campaigns, people, reports
    OPERATOR = "operator"  # runs the service: campaigns and figures, no customer data


class AgentState(StrEnum):
    """Where an agent stands."""

    OFFLINE = "offline"  # not signed in
    PAUSED = "paused"  # signed in and not to be given customers
    READY = "ready"  # may be given a customer
    RESERVED = "reserved"  # a customer is being called for them, or looked at before the call
    ON_CALL = "on_call"  # in a conference with a customer
    WRAP_UP = "wrap_up"  # the customer is gone, the record is being finished


class Move(StrEnum):
    """What happens to an agent."""

    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    GET_READY = "get_ready"
    PAUSE = "pause"
    RESERVE = "reserve"  # the dialer sets them aside for one customer
    RELEASE = "release"  # the customer will not come after all
    CONNECT = "connect"  # both are in the conference
    HANG_UP = "hang_up"  # the conversation is over
    WRAP = "wrap"  # the record is finished, by the agent or by the timer
    LOSE = "lose"  # their screen or their telephone is gone; a customer in hand is taken from them first


S, M = AgentState, Move

TRANSITIONS: dict[AgentState, dict[Move, AgentState]] = {
    S.OFFLINE: {M.SIGN_IN: S.PAUSED},
    S.PAUSED: {
        M.GET_READY: S.READY,
        M.SIGN_OUT: S.OFFLINE,
        M.PAUSE: S.PAUSED,  # for another reason
        # Freed because their screen or a webhook was lost, and then the customer came into their conference after all.
        M.CONNECT: S.ON_CALL,
    },
    S.READY: {
        M.RESERVE: S.RESERVED,
        M.PAUSE: S.PAUSED,
        M.SIGN_OUT: S.OFFLINE,
        M.LOSE: S.PAUSED,
        # A lost webhook or a restart may have freed them while the customer came through after all.
        M.CONNECT: S.ON_CALL,
    },
    S.RESERVED: {M.CONNECT: S.ON_CALL, M.RELEASE: S.READY},
    S.ON_CALL: {M.HANG_UP: S.WRAP_UP},
    S.WRAP_UP: {M.WRAP: S.READY, M.CONNECT: S.ON_CALL},
}
"""A move that is not in the table changes nothing, but that a pause or a sign-out asked for in the middle of a call is
kept for when it is over."""

_IN_HAND = frozenset({S.RESERVED, S.ON_CALL, S.WRAP_UP})
WITH_TELEPHONE = frozenset({S.READY, S.RESERVED, S.ON_CALL, S.WRAP_UP})
"""States in which the agent's telephone is kept on the line."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Where one agent stands and since when. `afterwards` is where they go when the call in hand is over."""

    state: AgentState
    since: datetime
    reason: str = ""
    afterwards: AgentState | None = None
    wanted: str = ""  # the reason given for `afterwards`

    @property
    def in_hand(self) -> bool:
        """Whether a customer is theirs: reserved, talked to, or being wrapped up."""
        return self.state in _IN_HAND


def move(presence: Presence, what: Move, at: datetime, reason: str = "") -> Presence | None:
    """Where the agent stands after `what`; None when that changes nothing."""
    if presence.in_hand and what in {M.PAUSE, M.SIGN_OUT, M.GET_READY}:
        return _afterwards(presence, what, reason)
    to = TRANSITIONS[presence.state].get(what)
    if to is None:
        return None
    if to is S.READY and presence.afterwards is not None:
        return Presence(presence.afterwards, at, presence.wanted)
    if to is presence.state and reason == presence.reason:
        return None
    after = presence.afterwards if to in _IN_HAND else None
    wanted = presence.wanted if to in _IN_HAND else ""
    if presence.state is S.PAUSED and to in _IN_HAND:
        after, wanted = S.PAUSED, presence.reason
    return Presence(to, at, reason, after, wanted)


def _afterwards(presence: Presence, what: Move, reason: str) -> Presence | None:
    after = {M.PAUSE: S.PAUSED, M.SIGN_OUT: S.OFFLINE, M.GET_READY: None}[what]
    wanted = reason if after is not None else ""
    if (after, wanted) == (presence.afterwards, presence.wanted):
        return None
    return replace(presence, afterwards=after, wanted=wanted)


@dataclass(frozen=True, slots=True)
class Agent:
    """Somebody who works here. `staff_number` (工号) is how customers and colleagues name them; it never changes."""

    staff_number: str
    name: str
    role: Role = Role.AGENT
    address: str = ""  # the telephone at which they are called: +countrynumber or sip:user@host
    languages: tuple[str, ...] = ()  # BCP 47, as campaigns name theirs
    skills: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    capacity: int = 1  # how many customers they can carry, against the others
    active: bool = True

    def speaks(self, language: str) -> bool:
        """Whether they speak `language`. `zh` is enough for `zh-CN`; an agent without any speaks all."""
        wanted = language.lower()
        return not self.languages or any(
            wanted == one.lower() or wanted.startswith(one.lower() + "-") or one.lower().startswith(wanted + "-")
            for one in self.languages
        )
