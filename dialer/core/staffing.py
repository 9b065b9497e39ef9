"""What a campaign file says about its agents: how calls reach them, who they are, and what belongs to whom."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, StrictBool, model_validator

from dialer.core.document import Duration, Name, Part, Text, between, wrong

if TYPE_CHECKING:
    from dialer.core.agent import Agent


class Mode(StrEnum):
    """How a call and an agent come together."""

    AGENTLESS = "agentless"  # the script talks by itself
    PREVIEW = "preview"  # the agent sees the file first, then it is dialed
    PROGRESSIVE = "progressive"  # an agent is set aside, then one call is made for them
    PREDICTIVE = "predictive"  # more calls than free agents, as many as the abandonment target allows

    @property
    def reserves(self) -> bool:
        """Whether an agent is set aside before the call is made."""
        return self in {Mode.PREVIEW, Mode.PROGRESSIVE}


class AtZero(StrEnum):
    """What follows when a preview's countdown ends."""

    DIAL = "dial"
    SKIP = "skip"  # back to the queue, for another agent


class Opening(StrEnum):
    """Who speaks the first words."""

    AGENT = "agent"
    MACHINE = "machine"  # `greeting` is spoken, then the agent is there


class Divide(StrEnum):
    """Whether waiting callbacks are given to agents in advance."""

    NO = "no"
    EVENLY = "evenly"  # by capacity; each agent calls their own, one by one, also in a predictive campaign


class Belongs(Part):
    """For how long a callback belongs to somebody before others may take it.

    A promised call is the team's after a third of its tolerance and anybody's after another third at the latest, so
    that somebody can still keep it. It is the team's at once when a try came to nothing that the customer never felt,
    for instance when its agent skipped it.
    """

    agent: Annotated[Duration, between(timedelta(0), timedelta(days=1))] = timedelta(minutes=5)
    """So long only the customer's own agent, or whoever promised the call, may take it. Where calls are dialed ahead
    (predictive) nobody waits for the customer's own agent, who only comes first among those free at the answer."""
    team: Annotated[Duration, between(timedelta(0), timedelta(days=1))] = timedelta(minutes=5)
    """After that, so long only that agent's team; then anybody."""
    alarm: Annotated[Duration, between(timedelta(0), timedelta(days=1))] = timedelta(minutes=5)
    """A promised call that is not made becomes a task so long before it is missed."""


class Staffing(Part):
    """The agents of a campaign. Without this block the script talks by itself."""

    mode: Mode = Mode.PROGRESSIVE
    """preview, progressive or predictive."""
    teams: tuple[Name, ...] = ()
    """Whose agents take these calls; everybody's when it is left out."""
    skills: tuple[Name, ...] = ()
    """What an agent must know, all of it. The campaign's language is always among it."""
    opening: Opening = Opening.AGENT
    """Who speaks first: agent, or machine."""
    greeting: Text = Field("", max_length=400)
    """The machine's first words, with {fields} as in the script: who calls, and why."""
    safe_harbour: Text = Field("", max_length=600)
    """What a customer hears when no agent is free in time: who called, the hotline, and no more."""
    stop_key: Annotated[Text, Field(pattern=r"^[0-9*]$")] | None = None
    """The key by which whoever hears that message asks never to be called again; the message has to name it."""
    abandonment: Annotated[float, Field(gt=0, le=0.1)] = 0.03
    """The share of answered calls that may find no agent in time: 0.03 is three in a hundred."""
    patience: Annotated[Duration, between(timedelta(0), timedelta(seconds=5))] = timedelta(seconds=2)
    """How long a customer waits for an agent after the greeting. Law in several countries: two seconds."""
    late_hang_up: StrictBool = False
    """Whether calls that rang for the lawful 15 s are taken back when no agent will be free."""
    countdown: Annotated[Duration, between(timedelta(seconds=5), timedelta(minutes=10))] = timedelta(seconds=30)
    """How long an agent may look at the file before the countdown decides (preview)."""
    at_zero: AtZero = AtZero.DIAL
    """What the countdown decides: dial or skip."""
    wrap_up: Annotated[Duration, between(timedelta(seconds=5), timedelta(minutes=30))] = timedelta(seconds=45)
    """How long an agent has to finish the record after the call."""
    default_outcome: Name | None = None
    """What is recorded when that time is over and nothing was chosen; not_convenient when it is left out."""
    warn_after: Annotated[Duration, between(timedelta(seconds=10), timedelta(hours=1))] = timedelta(minutes=3)
    """The agent is warned when a conversation is this long. Handbook: three minutes."""
    flag_after: Annotated[Duration, between(timedelta(seconds=10), timedelta(hours=1))] = timedelta(minutes=5)
    """A conversation this long is marked on the board. Handbook: five at the most."""
    longest: Annotated[Duration, between(timedelta(minutes=1), timedelta(hours=4))] = timedelta(hours=1)
    """The carrier ends a conversation with an agent after this, whatever `attempts.longest_call` says."""
    legal_limit: Annotated[float, Field(gt=0, le=1)] | None = None
    """Where law limits abandoned calls: no call is made ahead while the upper 95 % bound of the last 30 days is above
    this share. A new campaign then calls one by one until about a hundred and thirty customers were answered."""
    belongs: Belongs = Belongs()
    """For how long a callback is its own agent's."""
    divide: Divide = Divide.NO
    """Whether waiting callbacks are divided among the agents in advance: no, evenly. What is divided is called one by
    one by its own agent (by others while that one is away), so a predictive campaign dials only the rest ahead."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.mode is Mode.AGENTLESS:
            raise wrong("an agentless campaign has no agents", "remove the block 'agents'")
        if (self.opening is Opening.MACHINE) != bool(self.greeting.strip()):
            if self.greeting:
                raise wrong("a greeting that nobody speaks", "set 'opening: machine' or remove it")
            raise wrong("the machine has nothing to say first", "add 'greeting' with who calls")
        if self.mode is Mode.PREDICTIVE and not self.safe_harbour.strip():
            what = "a customer who finds no agent would hear nothing"
            raise wrong(what, "add 'safe_harbour' with who called and the hotline")
        if self.stop_key is not None and self.stop_key not in self.safe_harbour:
            raise wrong("'safe_harbour' does not name the 'stop_key'", "say in it which key ends the calls for ever")
        if self.flag_after < self.warn_after:
            raise wrong("'flag_after' is shorter than 'warn_after'", "the warning comes first")
        return self

    def takes(self, agent: Agent, language: str) -> bool:
        """Whether an agent may take these calls, in the campaign's `language`."""
        mine = not self.teams or not agent.teams.isdisjoint(self.teams)
        return agent.active and mine and agent.skills.issuperset(self.skills) and agent.speaks(language)
