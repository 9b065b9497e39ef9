"""Who gets whom: the customer's own agent, then skill and language, then whoever has been idle longest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dialer.core.agent import Agent
    from dialer.core.staffing import Staffing

EARLIEST = datetime(1, 1, 1, tzinfo=UTC)


class Free(Protocol):
    """An agent to whom a customer can be put this moment."""

    @property
    def agent(self) -> Agent: ...
    @property
    def idle_since(self) -> datetime | None: ...


F = TypeVar("F", bound=Free)


@dataclass(frozen=True, slots=True)
class Wants:
    """A customer who waits for an agent, as far as it matters who that is."""

    campaign: str
    owner: str  # their own agent, by staff number or name; empty when they have none
    unwelcome: frozenset[str]  # staff numbers of those who are not to talk to them again
    language: str  # the customer's own; the campaign's is spoken in any case


def choose(staffing: Staffing, language: str, wants: Wants, free: Iterable[F]) -> F | None:
    """The agent for this customer among those that are free; None when none of them may take the call.

    `language` is the campaign's: who does not speak it takes none of its calls. An agent who speaks the customer's own
    language as well is preferred to one who does not. Handbook: one agent stays with one customer.
    """
    able = [
        one for one in free if staffing.takes(one.agent, language) and one.agent.staff_number not in wants.unwelcome
    ]

    def order(one: F) -> tuple[bool, bool, datetime, str]:
        person = one.agent
        own = bool(wants.owner) and wants.owner in {person.staff_number, person.name}
        speaks = not wants.language or person.speaks(wants.language)
        return (not own, not speaks, one.idle_since or EARLIEST, person.staff_number)

    return min(able, key=order, default=None)


def divide(loads: Mapping[str, int], capacities: Mapping[str, int], many: int) -> list[str]:
    """To whom the next `many` callbacks go, so that all carry the same share of what they can carry.

    `loads` are the callbacks each agent has, `capacities` what each can carry against the others. Handbook: evenly,
    weighted by ability. Deterministic: of two with the same share the smaller staff number is first.
    """
    carried = {name: loads.get(name, 0) for name, capacity in capacities.items() if capacity > 0}
    given: list[str] = []
    for _ in range(many if carried else 0):
        chosen = min(carried, key=lambda name: ((carried[name] + 1) / capacities[name], name))
        carried[chosen] += 1
        given.append(chosen)
    return given
