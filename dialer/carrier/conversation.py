"""Performs TwiML on one answered call: fetches documents, speaks, listens, and falls back when a document fails."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from dialer.carrier.attribute import TwimlError
from dialer.carrier.courier import Undelivered
from dialer.carrier.dial import Dial
from dialer.carrier.hook import HookError, read_hook
from dialer.carrier.line import Ended, Redirected
from dialer.carrier.order import Source
from dialer.carrier.person import HANGUP, SILENCE
from dialer.carrier.prompt import offered_keys, speaking_seconds
from dialer.carrier.stay import Stay
from dialer.carrier.twiml import Gather, Hangup, Pause, Play, Redirect, Say, read_twiml

if TYPE_CHECKING:
    from dialer.carrier.call import Call
    from dialer.carrier.courier import Courier, Reply
    from dialer.carrier.hook import Hook
    from dialer.carrier.line import Line
    from dialer.carrier.stay import Floor
    from dialer.carrier.twiml import Verb

log = logging.getLogger(__name__)

PLAY_SECONDS = 5.0  # every recording is this long: the stand-in does not fetch audio
KEY_SECONDS = 0.3  # between two keys
APOLOGY_SECONDS = 5.0  # "an application error has occurred", said before the call is dropped
FOREVER_SECONDS = 86_400.0  # loop="0"; the call's time limit comes first
MOST_DOCUMENTS = 1000  # a guard against documents that redirect to each other without end
_XML_TYPES = frozenset({"text/xml", "application/xml", "text/html"})  # what Twilio reads as TwiML


class _DocumentError(Exception):
    """A document could not be had or performed; `code` is Twilio's error, `url` where it came from."""

    def __init__(self, code: int, url: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.url = url


@dataclass(frozen=True, slots=True)
class _Next:
    """The document to perform next and the fields to ask for it with."""

    source: Source
    fields: dict[str, str]


class Conversation:
    """One call's TwiML, from the answer to the last verb."""

    def __init__(self, call: Call, line: Line, courier: Courier, floor: Floor) -> None:
        self._call = call
        self._floor = floor
        self._line = line
        self._courier = courier

    async def hold(self, fields: dict[str, str]) -> None:
        """Perform the call's document and all it leads to; `fields` go with the first request.

        Returns when the documents are done; raises `Ended` when the person, a limit or the client ends the call.
        """
        following: _Next | None = _Next(self._call.order.source, fields)
        for _ in range(MOST_DOCUMENTS):
            if following is None:
                return
            try:
                following = await self._document_or_fallback(following)
            except Redirected as wish:
                following = _Next(wish.source, {})
        self._log(11215, "too many documents in one call")

    async def _document_or_fallback(self, wanted: _Next) -> _Next | None:
        try:
            return await self._document(wanted)
        except _DocumentError as problem:
            return await self._recover(problem)

    async def _document(self, wanted: _Next) -> _Next | None:
        source = wanted.source
        url = "" if source.hook is None else source.hook.url
        try:
            body = source.inline.encode() if source.hook is None else await self._fetch(source.hook, wanted.fields)
            for verb in read_twiml(body):
                following = await self._perform(verb, url)
                if following is not None:
                    return following
        except TwimlError as wrong:
            raise _DocumentError(wrong.code, url, str(wrong)) from wrong
        return None

    async def _fetch(self, hook: Hook, fields: dict[str, str]) -> bytes:
        asked = self._call.identity().plus({"CallStatus": self._call.status.value, **fields})
        try:
            reply: Reply = await self._line.ask(self._courier.send(hook, asked))
        except Undelivered as lost:
            await self._line.wait(0)
            raise _DocumentError(lost.code, hook.url, str(lost)) from lost
        if not 200 <= reply.status < 300:  # noqa: PLR2004 - success
            raise _DocumentError(11200, hook.url, f"answered {reply.status}")
        if reply.content_type not in _XML_TYPES:
            raise _DocumentError(12300, hook.url, f"content type {reply.content_type}, expected text/xml")
        return reply.body

    async def _recover(self, problem: _DocumentError) -> _Next | None:
        """Go on with the fallback URL; without one, or when it fails itself, an apology and the end."""
        self._log(problem.code, str(problem))
        fallback = self._call.order.fallback
        if fallback is None or problem.url == fallback.url:
            await self._line.wait(APOLOGY_SECONDS)
            raise Ended("error")
        return _Next(Source(fallback), {"ErrorCode": str(problem.code), "ErrorUrl": problem.url})

    def _log(self, code: int, message: str) -> None:
        self._call.errors.append(code)
        log.warning("call %s: error %s: %s", self._call.sid, code, message)

    async def _perform(self, verb: Verb, base: str) -> _Next | None:
        match verb:
            case Hangup():
                raise Ended("caller")
            case Redirect():
                return _Next(Source(_absolute(base, verb.url, verb.method)), {})
            case Gather():
                return await self._gather(verb, base)
            case Dial():
                return await self._dial(verb, base)
            case _:
                await self._line.wait(_audio_seconds(verb))
                return None

    async def _dial(self, dial: Dial, base: str) -> _Next | None:
        seat = dial.seat
        callback = _absolute(base, seat.callback, seat.callback_method) if seat.callback else None
        action = None if dial.action is None else _absolute(base, dial.action, dial.method)
        came_to = await Stay(self._call, self._line, self._floor).through(dial, callback)
        return None if action is None else _Next(Source(action), came_to)

    async def _gather(self, gather: Gather, base: str) -> _Next | None:
        person = self._call.person
        spoken = " ".join(prompt.text for prompt in gather.prompts if isinstance(prompt, Say))
        audio = sum(_audio_seconds(prompt) for prompt in gather.prompts)
        pressed = person.press(offered_keys(spoken), gather.digits_wanted)
        if pressed == HANGUP:
            await self._line.wait(audio + person.reaction_seconds)
            raise Ended("callee")
        if pressed == SILENCE:
            await self._line.wait(audio + gather.timeout_seconds)
            return self._gathered(gather, base, "", "") if gather.acts_on_empty else None
        await self._line.wait(self._presses_at(gather, audio))
        digits, finished_on = await self._listen(gather, pressed)
        if not digits and not gather.acts_on_empty:
            return None
        return self._gathered(gather, base, digits, finished_on)

    def _presses_at(self, gather: Gather, audio: float) -> float:
        """When the first key comes. People press within the pause they are given; `silence` is how to miss it."""
        person = self._call.person
        if person.barges_in_at is not None:
            return audio * person.barges_in_at
        return audio + min(person.reaction_seconds, 0.8 * gather.timeout_seconds)

    async def _listen(self, gather: Gather, pressed: str) -> tuple[str, str]:
        """The digits collected and the key that finished them, if one did."""
        digits = ""
        for key in pressed:
            if digits:
                await self._line.wait(KEY_SECONDS)
            self._call.keys.append(key)
            if key == gather.finish_on_key:
                return digits, key
            digits += key
            if len(digits) == gather.digits_wanted:
                return digits, ""
        await self._line.wait(gather.timeout_seconds)
        return digits, ""

    def _gathered(self, gather: Gather, base: str, digits: str, finished_on: str) -> _Next:
        hook = _absolute(base, gather.action or base, gather.method)
        return _Next(Source(hook), {"msg": "Gather End", "Digits": digits, "FinishedOnKey": finished_on})


def _absolute(base: str, url: str, method: str) -> Hook:
    try:
        return read_hook(urljoin(base, url), method)
    except HookError as wrong:
        raise TwimlError(11100, f"the URL in the document cannot be requested: {wrong}") from wrong


def _audio_seconds(verb: Say | Play | Pause) -> float:
    if isinstance(verb, Pause):
        return float(verb.seconds)
    if verb.loop == 0:
        return FOREVER_SECONDS
    return verb.loop * (speaking_seconds(verb.text) if isinstance(verb, Say) else PLAY_SECONDS)
