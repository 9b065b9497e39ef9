"""What the agent's screen calls reasons, next steps and outcomes: one word for what is stored, one for what is read."""

from __future__ import annotations

from typing import Final

from dialer.core.outcome import Disposition
from dialer.engine.agent_view import NextStep
from dialer.web.console.languages import N_

REASONS: Final = {
    "break": N_("Break"),
    "lunch": N_("Lunch"),
    "training": N_("Training"),
    "meeting": N_("Meeting"),
}
"""Why agents pause. Anything else they say in their own words."""

NOT_ASKED: Final = {
    "signed in": N_("just signed in"),
    "screen lost": N_("this screen was gone for a while"),
    "telephone not reached": N_("your telephone was not reached"),
}
"""Why the dialer paused them."""

SKIPS: Final = {
    "file": N_("The file must be mended first"),
    "colleague": N_("A colleague knows this customer"),
    "recent": N_("Was spoken to recently"),
}
"""Why agents do not call a customer they were shown."""

STEPS: Final = {
    NextStep.DONE: N_("Nothing more than the outcome says"),
    NextStep.PROMISE: N_("Promised: call again at a time"),
    NextStep.CASE: N_("Case: somebody must look into it"),
    NextStep.WRONG_NUMBER: N_("Wrong number: somebody else's"),
    NextStep.OPT_OUT: N_("Never call again"),
}

TODAY: Final = {"calls": N_("calls"), "reached": N_("reached"), "promises": N_("promises")}

OUTCOMES: Final = {
    Disposition.NONE: N_("No conversation"),
    Disposition.HUNG_UP: N_("Hung up in the middle"),
    Disposition.ABANDONED: N_("No agent was there in time"),
    Disposition.NOT_CONVENIENT: N_("Not convenient now"),
    Disposition.MESSAGE_LEFT: N_("Message left"),
    Disposition.COMPLETED: N_("Completed"),
    Disposition.DISSATISFIED: N_("Does not accept the solution"),
    Disposition.REFUSED: N_("Does not want this"),
    Disposition.PROMISED: N_("Promised another time"),
    Disposition.WRONG_PERSON: N_("Wrong person"),
    Disposition.OPTED_OUT: N_("Never call again"),
}
"""The built-in outcomes as an agent chooses them."""

CLOSED: Final = N_("This call is over and its record is closed; nothing was changed.")

SAID: Final = {
    ("call", "it is dialed already"): N_("This customer is dialed already."),
    ("call", "you have no customer in hand"): N_("You have no customer in hand; wait for the next one."),
    ("call", "it is over and its record is closed"): CLOSED,
    ("conversation", ""): N_("Nobody has spoken to this customer yet: dial, skip or hang up."),
    ("call", "it is not over"): N_("The call is not over. Hang up first."),
    ("call", "the carrier did not end it"): N_("The call was not ended. Try again; the customer can hang up too."),
    ("outcome", "is missing"): N_("Choose what came of it: the script has established nothing."),
    ("time", "has passed, or is too far ahead"): N_("Agree a time that is ahead, within the next 60 days."),
    ("zone", ""): N_("This time is not the same in each zone. Ask where the customer is, and choose."),
    ("telephone", ""): N_("There is no telephone number of yours. Ask a manager to enter it."),
}
"""What the engine says when something is not possible, as an agent reads it: by place and words, or by place alone."""
