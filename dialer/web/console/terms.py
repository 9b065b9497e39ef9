"""What customers' pages call things: the words of the reports, so that a screen and a spreadsheet say the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from babel.units import format_unit

from dialer.core.caps import CalendarPeriod, Cap
from dialer.core.record import Reason
from dialer.reports.language import Language, word
from dialer.reports.reasons import reasons
from dialer.web.console.languages import N_
from dialer.web.console.words import WORDS

if TYPE_CHECKING:
    from datetime import timedelta
    from enum import StrEnum

    from dialer.core.caps import CoolOff, Per
    from dialer.core.limit_use import LimitUse
    from dialer.web.console.languages import Tongue

TERMS: Final = {
    "Mode.agentless": N_("agentless"),
    "Mode.preview": N_("preview"),
    "Mode.progressive": N_("progressive"),
    "Mode.predictive": N_("predictive"),
    "Flight.ringing": N_("ringing"),
    "Flight.greeting": N_("greeting"),
    "Flight.waiting": N_("waiting for an agent"),
    "Flight.connected": N_("talking"),
    "Step.calling": N_("is being called"),
    "Step.promised_call": N_("the promised call"),
    "Step.call_again": N_("called again"),
    "Step.first_call": N_("the first call"),
    "Step.person": N_("a person takes over"),
    "Step.nothing": N_("nothing more"),
    "Result.reached": N_("I spoke to the customer"),
    "Result.call_again": N_("Mended: the dialer may go on"),
    "Result.closed": N_("Nothing more is to be done"),
}
"""Words that neither the console nor the reports have."""

KINDS: Final = {
    "deadline": N_("deadline at risk"),
    "by_hand": N_("done by hand"),
    "case": N_("case"),
    "promise": N_("promised call at risk"),
    "open": N_("open"),
    "taken": N_("taken"),
    "done": N_("done"),
    "kept": N_("kept"),
    "missed": N_("missed"),
    "replaced": N_("replaced"),
    "void": N_("withdrawn"),
    "dial": N_("may be called now"),
    "wait": N_("is called later"),
    "refuse": N_("is not called"),
    "person": N_("the person"),
    "number": N_("number"),
    "everything": N_("no calls at all"),
    "attempts": N_("attempts"),
    "calls": N_("calls"),
    "conversations": N_("conversations"),
    "unanswered": N_("unanswered calls"),
    "local_day": N_("a day of the customer's calendar"),
    "calendar_month": N_("a calendar month"),
    "subject": N_("the matter"),
    "campaign": N_("campaign"),
    "callback": N_("callback"),
    "target": N_("selection"),
    "opt_out": N_("do not call"),
    "zone": N_("time zone"),
    "in_call": N_("in a call"),
    "not_before": N_("retry or promise"),
    "spacing": N_("spacing of calls"),
    "expiry": N_("end of contract"),
    "limits": N_("limits"),
    "hours": N_("hours"),
    "other_hour": N_("another hour"),
    "window": N_("window"),
}
"""Words that are plain text in the record: states of tasks and promises, rules, what limits count."""

UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))

_CHANGING: Final = re.compile(r" \(.*?\)|\d[\d:-]*| in [A-Z]\w+/.*")


class Terms:
    """One language's words, as templates use them: `t.word(member)`, `t.kind(text)`, `t.why(note)`."""

    def __init__(self, tongue: Tongue) -> None:
        self._tongue = tongue
        self._language = Language(tongue.language)

    def nothing(self) -> str:
        """What stands in the way of somebody who may be called."""
        return self._tongue.say("Nothing: may be called now")

    def word(self, member: StrEnum | None) -> str:
        """A value of one of our enumerations; nothing for None."""
        if member is None:
            return ""
        key = f"{type(member).__name__}.{member.value}"
        if key in WORDS:
            return self._tongue.word(member)
        return self._tongue.say(TERMS[key]) if key in TERMS else word(member, self._language)

    def kind(self, text: str) -> str:
        """A word of the record that is no enumeration, or a reason; itself when nobody knows it."""
        if text in KINDS:
            return self._tongue.say(KINDS[text])
        try:
            return word(Reason(text), self._language)
        except ValueError:
            return text

    def why(self, note: str) -> str:
        """The gate's reasons."""
        return reasons(note, self._language)

    def sort_of(self, note: str) -> str:
        """A note without what differs from one customer to the next: clocks, places, numbers."""
        return self.why(_CHANGING.sub("", note).strip())

    def scope(self, scope: str) -> str:
        """What a wish not to be called is about."""
        return self.kind(scope) if scope == "everything" else scope.replace(":", " ")

    def limit(self, use: LimitUse) -> str:
        """A cap or a cool-off as a sentence."""
        say, told = self._tongue.say, use.limit
        whom = self._whom(told.per)
        if isinstance(told, Cap):
            span: Any = told.period
            period = self.kind(span.value) if isinstance(span, CalendarPeriod) else self._span(span)
            values = {"most": told.max, "what": self.kind(told.counts.value), "period": period, "whom": whom}
            return say("at most %(most)s %(what)s in %(period)s, by %(whom)s", **values)
        return self._cool_off(told, whom)

    def _cool_off(self, told: CoolOff, whom: str) -> str:
        values = {"period": self._span(told.wait), "after": told.after.replace("_", " "), "whom": whom}
        return self._tongue.say("no call for %(period)s after: %(after)s, by %(whom)s", **values)

    def _span(self, span: timedelta) -> str:
        """A length of time in the largest unit that fits evenly: `24 h` is one day, `36 h` stays."""
        seconds = int(span.total_seconds())
        unit, size = next((one for one in UNITS if seconds % one[1] == 0), UNITS[-1])
        return str(format_unit(seconds // size, f"duration-{unit}", locale=self._tongue.locale))

    def _whom(self, per: tuple[Per, ...]) -> str:
        return " + ".join(self.kind(one.value) for one in per)
