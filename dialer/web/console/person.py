"""Whoever is signed in to the console, as pages know them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dialer.core import access

if TYPE_CHECKING:
    from dialer.core.access import Permission
    from dialer.core.agent import Agent
    from dialer.store import Member, Session


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an open session."""

    member: Member
    session: Session

    @property
    def agent(self) -> Agent:
        """Who they are."""
        return self.member.agent

    @property
    def id(self) -> int:
        """The store's key."""
        return self.member.id

    @property
    def csrf(self) -> str:
        """The token that their forms carry."""
        return self.session.csrf

    def may(self, permission: Permission) -> bool:
        """Whether their role has `permission`."""
        return access.may(self.agent.role, permission)
