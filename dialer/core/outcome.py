"""How calls end, on four axes that are never mixed: what blocked, what the network said, who answered, their words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never


class Network(StrEnum):
    """What the telephone network said about one attempt (axis b)."""

    ANSWERED = "answered"  # somebody or something picked up
    BUSY = "busy"  # the line was engaged, or the call was declined
    NO_ANSWER = "no_answer"  # it rang until the ring limit
    CANCELED = "canceled"  # we took the call back before an answer
    UNREACHABLE = "unreachable"  # the network could not get there this time
    BAD_NUMBER = "bad_number"  # the number does not exist or may not be called, ever
    ERROR = "error"  # our fault or the carrier's; the customer felt nothing


class AnsweredBy(StrEnum):
    """Who picked up (axis c). A missing or late verdict is UNKNOWN and is treated as a person."""

    NOBODY = "nobody"
    UNKNOWN = "unknown"
    HUMAN = "human"
    MACHINE = "machine"
    FAX = "fax"


MACHINES: Final = frozenset({AnsweredBy.MACHINE, AnsweredBy.FAX})


class Disposition(StrEnum):
    """What came of the conversation (axis d). A campaign's own codes map onto these."""

    NONE = "none"  # there was no conversation
    HUNG_UP = "hung_up"  # a person answered and left before the end
    ABANDONED = "abandoned"  # a person answered and no agent was there in time
    NOT_CONVENIENT = "not_convenient"  # asked for another time without naming one
    MESSAGE_LEFT = "message_left"  # a machine took our message
    COMPLETED = "completed"  # the conversation reached its end
    DISSATISFIED = "dissatisfied"  # reached its end, and the solution was not accepted
    REFUSED = "refused"  # does not want this; not asked again in this campaign
    PROMISED = "promised"  # the customer named a better time
    WRONG_PERSON = "wrong_person"  # this number is not that customer's
    OPTED_OUT = "opted_out"  # never again, on any campaign


class Ending(StrEnum):
    """The four axes folded into the one word that the retry table and the totals use."""

    REACHED = "reached"
    DISSATISFIED = "dissatisfied"
    PROMISED = "promised"
    REFUSED = "refused"
    OPTED_OUT = "opted_out"
    WRONG_PERSON = "wrong_person"
    NOT_CONVENIENT = "not_convenient"
    HUNG_UP = "hung_up"
    ABANDONED = "abandoned"
    MACHINE = "machine"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    BAD_NUMBER = "bad_number"
    NOT_RUNG = "not_rung"  # canceled by us, refused by the carrier, never sent: the customer felt nothing

    @property
    def closes(self) -> bool:
        """Whether nothing more is to be done for this callback."""
        return self in CLOSING

    @property
    def spoke_to_customer(self) -> bool:
        """Right party contact: a person answered and did not say they were somebody else."""
        return self in RIGHT_PARTY


CLOSING = frozenset({Ending.REACHED, Ending.REFUSED, Ending.OPTED_OUT})
RIGHT_PARTY = frozenset(
    {Ending.REACHED, Ending.DISSATISFIED, Ending.PROMISED, Ending.REFUSED, Ending.OPTED_OUT, Ending.NOT_CONVENIENT}
)

RETRYABLE = frozenset(Ending) - CLOSING - {Ending.PROMISED, Ending.BAD_NUMBER, Ending.NOT_RUNG}
"""The endings a retry table may name. A promise has its own time, a number that does not exist gets no second call, and
what never rang is ours to mend."""


class Fault(StrEnum):
    """Whose problem a carrier's refusal is, which decides what happens next."""

    NUMBER = "number"  # permanent for this number: never dial it again
    TEMPORARY = "temporary"  # try again later; the customer felt nothing
    CONFIGURATION = "configuration"  # settings or account: pause the campaign and say so
    CALLER_ID = "caller_id"  # the number we call from is not accepted: pause the campaign and say so
    UNKNOWN = "unknown"  # a code we have never seen: recorded, said loudly, not retried blindly


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended, as far as it is known."""

    network: Network
    answered_by: AnsweredBy
    disposition: Disposition

    @property
    def ending(self) -> Ending:
        """The one word for this outcome. Asks "was a person reached?" before "did they refuse?"."""
        if self.disposition is Disposition.OPTED_OUT:
            return Ending.OPTED_OUT  # a wish not to be called counts whoever pressed the key
        match self.network:
            case Network.ANSWERED:
                return self._answered()
            case Network.BUSY:
                return Ending.BUSY
            case Network.NO_ANSWER:
                return Ending.NO_ANSWER
            case Network.UNREACHABLE:
                return Ending.UNREACHABLE
            case Network.BAD_NUMBER:
                return Ending.BAD_NUMBER
            case Network.CANCELED | Network.ERROR:
                return Ending.NOT_RUNG
            case _:
                assert_never(self.network)

    def _answered(self) -> Ending:
        if self.answered_by in MACHINES:
            # Nobody pressed a key (a key proves a person), so the script went on by itself through the silence.
            return Ending.MACHINE
        return SPOKEN.get(self.disposition, Ending.HUNG_UP)


SPOKEN: dict[Disposition, Ending] = {
    Disposition.ABANDONED: Ending.ABANDONED,
    Disposition.COMPLETED: Ending.REACHED,
    Disposition.DISSATISFIED: Ending.DISSATISFIED,
    Disposition.REFUSED: Ending.REFUSED,
    Disposition.PROMISED: Ending.PROMISED,
    Disposition.WRONG_PERSON: Ending.WRONG_PERSON,
    Disposition.NOT_CONVENIENT: Ending.NOT_CONVENIENT,
    Disposition.MESSAGE_LEFT: Ending.MACHINE,
}
