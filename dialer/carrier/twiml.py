"""Reads TwiML into verbs: what the stand-in performs, checked strictly, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from dialer.carrier.attribute import TwimlError, check_names, flag, method, whole
from dialer.carrier.dial import Dial, read_dial

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LARGEST_DOCUMENT = 64 * 1024
# Verbs and nouns of Twilio's that the stand-in does not perform yet.
_NOT_YET = frozenset({
    "Connect", "Enqueue", "Leave", "Pay", "Prompt", "Queue", "Record", "Refer", "Reject", "Siprec", "Sms",
    "Start", "Stop", "Stream", "VirtualAgent",
})  # fmt: skip
_ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "Say": frozenset({"voice", "language", "loop"}),
    "Play": frozenset({"loop"}),
    "Pause": frozenset({"length"}),
    "Gather": frozenset({
        "input", "action", "method", "timeout", "numDigits", "finishOnKey", "actionOnEmptyResult", "language",
    }),
    "Redirect": frozenset({"method"}),
    "Hangup": frozenset(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Say:
    """Speak a text, `loop` times (0: until the call ends)."""

    text: str
    loop: int


@dataclass(frozen=True, slots=True)
class Play:
    """Play a recording, `loop` times (0: until the call ends)."""

    url: str
    loop: int


@dataclass(frozen=True, slots=True)
class Pause:
    """Say nothing for some seconds."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Gather:
    """Collect keys while and after its prompts are heard. An action of None is the document's own URL."""

    action: str | None
    method: str
    timeout_seconds: float
    digits_wanted: int | None
    finish_on_key: str
    acts_on_empty: bool
    prompts: tuple[Say | Play | Pause, ...]


@dataclass(frozen=True, slots=True)
class Redirect:
    """Go on with another document."""

    url: str
    method: str


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


Verb = Say | Play | Pause | Gather | Redirect | Dial | Hangup


class _NoDoctype(ET.TreeBuilder):
    """Refuses a document type before any entity in it could be declared or expanded."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise TwimlError(12100, f"a document type ({name}, {pubid}, {system}) is not allowed in TwiML")


def read_twiml(document: bytes) -> tuple[Verb, ...]:
    """The verbs of a document.

    Raises `TwimlError`: 11750 above 64 kB, 12100 for broken XML or a verb the stand-in does not perform, 12200 for a
    verb or attribute that TwiML does not have.
    """
    if len(document) > LARGEST_DOCUMENT:
        raise TwimlError(11750, "the TwiML is larger than 64 kB")
    try:
        parser = ET.XMLParser(target=_NoDoctype())  # noqa: S314 - a document type is refused, so no entities
        parser.feed(document)
        root = parser.close()
    except ET.ParseError as broken:
        raise TwimlError(12100, f"document parse failure: {broken}") from broken
    if root.tag != "Response":
        raise TwimlError(12100, f"the root element is <{root.tag}>, expected <Response>")
    return tuple(_verb(element) for element in root)


def _verb(element: ET.Element) -> Verb:
    tag = element.tag
    if tag in _NOT_YET:
        raise TwimlError(12100, f"the stand-in carrier does not perform <{tag}> yet")
    if tag not in _READERS:
        raise TwimlError(12200, f"<{tag}> is no TwiML verb")
    if tag == "Dial":
        return read_dial(element)
    check_names(element, _ATTRIBUTES[tag])
    if tag != "Gather" and len(element):
        raise TwimlError(
            12200, f"<{tag}> holds <{element[0].tag}>; the stand-in carrier performs only plain text in it"
        )
    return _READERS[tag](element)


def _text(element: ET.Element) -> str:
    return (element.text or "").strip()


def _say(element: ET.Element) -> Say:
    return Say(_text(element), whole(element, "loop", 1, lowest=0, highest=1000))


def _play(element: ET.Element) -> Play:
    if not _text(element):
        raise TwimlError(12200, "<Play> names no recording")
    return Play(_text(element), whole(element, "loop", 1, lowest=0, highest=1000))


def _pause(element: ET.Element) -> Pause:
    return Pause(whole(element, "length", 1, lowest=0, highest=3600))


def _redirect(element: ET.Element) -> Redirect:
    return Redirect(_text(element), method(element))


def _hangup(_: ET.Element) -> Hangup:
    return Hangup()


def _gather(element: ET.Element) -> Gather:
    heard = element.get("input", "dtmf")
    if heard != "dtmf":
        raise TwimlError(12100, f'the stand-in carrier does not perform <Gather input="{heard}"> yet, only "dtmf"')
    prompts = tuple(_verb(child) for child in element)
    wrong = [
        child.tag for child, prompt in zip(element, prompts, strict=True) if not isinstance(prompt, Say | Play | Pause)
    ]
    if wrong:
        raise TwimlError(12200, f"<Gather> may not hold <{wrong[0]}>")
    digits = whole(element, "numDigits", 0, lowest=1, highest=1000)
    key = element.get("finishOnKey", "#")
    if len(key) > 1 or key not in "0123456789*#":
        raise TwimlError(12200, f'<Gather finishOnKey="{key}">: expected one of 0-9 * # or nothing')
    timeout = element.get("timeout", "5")
    return Gather(
        action=element.get("action"),
        method=method(element),
        timeout_seconds=5.0 if timeout == "auto" else float(whole(element, "timeout", 5, lowest=0, highest=600)),
        digits_wanted=digits or None,
        finish_on_key=key,
        acts_on_empty=flag(element, "actionOnEmptyResult"),
        prompts=tuple(prompt for prompt in prompts if isinstance(prompt, Say | Play | Pause)),
    )


_READERS: Mapping[str, Callable[[ET.Element], Verb]] = {
    "Say": _say,
    "Play": _play,
    "Pause": _pause,
    "Gather": _gather,
    "Redirect": _redirect,
    "Hangup": _hangup,
    "Dial": read_dial,
}
