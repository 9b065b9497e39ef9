"""The steps a script is made of, as a campaign file writes them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Discriminator, Field, PlainValidator, Tag, WithJsonSchema, model_validator

from dialer.core.document import Duration, Name, Part, Text, Whole, between, quoted, wrong
from dialer.core.filter import Filter
from dialer.core.outcome import Disposition
from dialer.core.promise import Moment

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

LONGEST_TEXT = 1500
"""Characters of one text; about two minutes of speech, already more than anybody listens to."""

Spoken = Annotated[Text, Field(min_length=1, max_length=LONGEST_TEXT)]


def _choice(value: object) -> object:
    return {"go": value} if isinstance(value, str) else value


def _moment(value: object) -> Moment:
    if isinstance(value, Moment):
        return value
    if not isinstance(value, str):
        raise wrong(f"{quoted(value)} is no time that can be promised", "expected text such as 'tomorrow 10:00'")
    return Moment.parse(value)


class Choice(Part):
    """What a key means. `"1": thanks` is short for `"1": {go: thanks}`."""

    go: Name
    """The step that follows. The question's own name means: hear it again."""
    answer: Text = ""
    """What this key means, for the record: `satisfied`."""
    outcome: Name | None = None
    """What came of the call, recorded at once, even if the customer hangs up in the next moment."""
    zone: Text = ""
    """The time zone that the customer confirms with this key, such as America/Chicago. It outlasts every import."""

    @classmethod
    def __get_pydantic_json_schema__(cls, shape: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(shape)]}


Key = Annotated[str, Field(pattern=r"^[0-9*]$")]
"""One key of a telephone. The # key is left out: carriers take it as the end of an input."""
Keys = dict[Key, Annotated[Choice, BeforeValidator(_choice)]]
Times = dict[
    Key,
    Annotated[Moment, PlainValidator(_moment), WithJsonSchema({"type": "string", "examples": ["tomorrow 10:00"]})],
]


class Question(Part):
    """What all steps have in common that wait for a key."""

    repeat: Annotated[Whole, Field(ge=0, le=5)] = 2
    """How often the question is asked again after silence or a key that means nothing."""
    wait: Annotated[Duration, between(timedelta(seconds=1), timedelta(seconds=30))] = timedelta(seconds=6)
    """How long to wait for a key once the question was spoken."""
    no_answer: Name
    """The step that follows when it was repeated in vain."""


class SayStep(Part):
    """Speak, then go on."""

    kind: ClassVar[str] = "say"
    say: Spoken
    """The text, with {fields} of the customer; {name|there} gives a default."""
    next: Name
    """The step that follows."""


class AskStep(Question):
    """Speak a question and wait for one key."""

    kind: ClassVar[str] = "ask"
    ask: Spoken
    """The question. A key may interrupt it."""
    keys: Annotated[Keys, Field(min_length=1)]
    """What each key means."""


class AnswerIs(Part):
    """A condition on an earlier answer of the same call."""

    answer: Name
    """The question's name."""
    equals: Text | None = Field(None, alias="is")
    """The answer, as `answer` names it there, else the key."""
    one_of: tuple[Text, ...] | None = Field(None, alias="in", min_length=1)
    """Several answers, each of which will do."""

    @model_validator(mode="after")
    def _has_one_test(self) -> Self:
        if (self.equals is None) == (self.one_of is None):
            raise wrong("an answer needs one test", "add 'is: ANSWER' or 'in: [ANSWER, ...]'")
        return self

    @property
    def wanted(self) -> tuple[str, ...]:
        """The answers that fulfil the condition."""
        return self.one_of if self.one_of is not None else (self.equals or "",)


def _condition_kind(value: object) -> str:
    answer = value.get("answer") if isinstance(value, dict) else isinstance(value, AnswerIs)
    return "AnswerIs" if answer else "Filter"


Condition = Annotated[
    Annotated[AnswerIs, Tag("AnswerIs")] | Annotated[Filter, Tag("Filter")],
    Discriminator(_condition_kind),
]


class BranchStep(Part):
    """Go one way or the other, without a word."""

    kind: ClassVar[str] = "branch"
    branch: Condition
    """A condition on the customer's fields (as under `who`), or on an earlier answer."""
    then: Name
    """The step that follows when it holds."""
    otherwise: Name = Field(alias="else")
    """The step that follows when it does not."""


class OfferStep(Question):
    """Offer better times; the chosen one becomes a promise."""

    kind: ClassVar[str] = "offer_time"
    offer_time: Spoken
    """The offer. A key may interrupt it."""
    choices: Annotated[Times, Field(min_length=1)]
    """The time each key stands for, on the customer's clock: `in 2 hours`, `tomorrow 10:00`, `monday 18:00`."""
    keys: Keys = Field(default_factory=dict)
    """What other keys mean."""
    next: Name
    """The step that follows once a time is chosen."""

    @model_validator(mode="after")
    def _gives_each_key_one_meaning(self) -> Self:
        if both := sorted(set(self.choices) & set(self.keys)):
            raise wrong(f"key {both[0]} stands in 'choices' and in 'keys'", "give each key one meaning")
        return self


class OptOutStep(Part):
    """Confirm that this customer is never called again, on any campaign, and hang up."""

    kind: ClassVar[str] = "opt_out"
    opt_out: Spoken
    """The confirmation."""


class EndStep(Part):
    """Say goodbye and hang up."""

    kind: ClassVar[str] = "end"
    end: Spoken
    """The closing words, which by the handbook give the hotline."""
    outcome: Name | None = None
    """What came of the call. Without it, what the keys established; if that is nothing, it counts as broken off."""


_STEPS: dict[str, str] = {
    step.kind: step.__name__ for step in (SayStep, AskStep, BranchStep, OfferStep, OptOutStep, EndStep)
}
KINDS = tuple(_STEPS)
TAGS = frozenset({*_STEPS.values(), "AnswerIs", "Filter"})
"""Words that pydantic puts into the place of an error and that stand in no file."""


def _step_kind(value: object) -> str | None:
    if not isinstance(value, dict):
        return type(value).__name__ if type(value).__name__ in TAGS else None
    found = [name for kind, name in _STEPS.items() if kind in value]
    return found[0] if len(found) == 1 else None


Step = Annotated[
    Annotated[SayStep, Tag("SayStep")]
    | Annotated[AskStep, Tag("AskStep")]
    | Annotated[BranchStep, Tag("BranchStep")]
    | Annotated[OfferStep, Tag("OfferStep")]
    | Annotated[OptOutStep, Tag("OptOutStep")]
    | Annotated[EndStep, Tag("EndStep")],
    Discriminator(
        _step_kind,
        custom_error_type="dialer",
        custom_error_message="a step holds exactly one of the keys {kinds}",
        custom_error_context={
            "what": "this is none of the steps a script knows",
            "mend": f"a step holds exactly one of the keys {', '.join(KINDS)}",
            "kinds": ", ".join(KINDS),
        },
    ),
]
SETTLED = (
    Disposition.COMPLETED,
    Disposition.DISSATISFIED,
    Disposition.REFUSED,
    Disposition.WRONG_PERSON,
    Disposition.NOT_CONVENIENT,
)
"""What a script may say came of a call. A promise is made by offer_time, an opt-out by opt_out."""
MACHINE = "answering_machine"
"""The place at which a message to a machine is recorded; no step may have this name."""


class Script(Part):
    """The conversation: named steps, each of which says which one follows. It never goes round in a circle."""

    start: Name
    """The step the call begins with."""
    nodes: dict[Name, Step] = Field(min_length=1)
    """The steps by name."""


def question_text(step: AskStep | OfferStep) -> str:
    """What a question says."""
    return step.ask if isinstance(step, AskStep) else step.offer_time


def followers(step: Step) -> list[tuple[tuple[str, ...], str]]:
    """Every step that can follow, each with the keys in the file that say so."""
    edges: list[tuple[tuple[str, ...], str]] = []
    if isinstance(step, SayStep | OfferStep):
        edges.append((("next",), step.next))
    if isinstance(step, AskStep | OfferStep):
        edges.extend((("keys", key, "go"), choice.go) for key, choice in step.keys.items())
        edges.append((("no_answer",), step.no_answer))
    if isinstance(step, BranchStep):
        edges.extend(((("then",), step.then), (("else",), step.otherwise)))
    return edges
