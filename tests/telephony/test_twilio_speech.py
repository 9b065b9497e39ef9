"""What Twilio is told to say: well-formed whatever the words are, and silence comes back to us."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.script import Listen, Turn
from dialer.ports import Links
from dialer.telephony.twilio import TwilioTelephony

LINKS = Links("https://dialer.example", "token1")
TELEPHONY = TwilioTelephony("AC" + "1" * 32, "x", public_url="https://dialer.example", connections=1)


def turn(*spoken: str, listen: Listen | None = None, language: str = "en-US", voice: str = "") -> Turn:
    return Turn(spoken=spoken, listen=listen, marks=(), language=language, voice=voice)


def xml(what: Turn) -> Any:
    body, media_type = TELEPHONY.speak(what, LINKS)
    assert media_type == "text/xml"
    return ET.fromstring(body)  # noqa: S314 - our own words


def test_last_words_end_with_a_hangup() -> None:
    response = xml(turn("Hello.", "Good bye."))
    assert [(verb.tag, verb.text) for verb in response] == [("Say", "Hello."), ("Say", "Good bye."), ("Hangup", None)]


def test_a_question_is_asked_inside_the_gather_and_silence_comes_back() -> None:
    listen = Listen("convenient", 2, "Is it convenient?", timedelta(seconds=4.2))
    say, gather, redirect = xml(turn("Hello.", listen=listen))
    assert say.text == "Hello."
    step = "https://dialer.example/carrier/token1/step/convenient/2"
    assert gather.attrib.pop("action").partition("#")[0] == step
    assert gather.attrib == {"input": "dtmf", "numDigits": "1", "timeout": "5", "method": "POST"}
    assert [(verb.tag, verb.text) for verb in gather] == [("Say", "Is it convenient?")]
    assert (redirect.tag, redirect.text.partition("#")[0], redirect.attrib) == ("Redirect", step, {"method": "POST"})


@pytest.mark.parametrize(
    ("language", "voice", "expected"),
    [
        ("zh-CN", "", {"language": "cmn-CN", "voice": "Polly.Zhiyu"}),
        ("zh", "", {"language": "cmn-CN", "voice": "Polly.Zhiyu"}),
        ("zh-HK", "", {"language": "yue-HK", "voice": "Polly.Hiujin-Neural"}),
        ("zh-CN", "Google.cmn-CN-Wavenet-A", {"language": "cmn-CN", "voice": "Google.cmn-CN-Wavenet-A"}),
        ("en-GB", "", {"language": "en-GB"}),
        ("en", "", {"language": "en-US"}),
        ("", "", {}),
    ],
)
def test_languages_and_voices(language: str, voice: str, expected: dict[str, str]) -> None:
    assert xml(turn("Hello.", language=language, voice=voice))[0].attrib == expected


@given(st.lists(st.text(st.characters()), max_size=4), st.text(st.characters()))
def test_any_text_makes_well_formed_speech(spoken: list[str], question: str) -> None:
    body, _ = TELEPHONY.speak(turn(*spoken, listen=Listen("n", 1, question, timedelta(seconds=3))), LINKS)
    body.encode()  # no half of a surrogate pair is left
    response = ET.fromstring(body)  # noqa: S314 - well-formedness is what is tested
    assert [verb.tag for verb in response] == ["Say"] * len(spoken) + ["Gather", "Redirect"]


def test_words_are_never_markup() -> None:
    say, _ = xml(turn('</Say><Dial>+12025550123</Dial>\x0b & "quotes"', listen=None))
    assert say.text == '</Say><Dial>+12025550123</Dial> & "quotes"'


def test_silence_hangs_up() -> None:
    body, media_type = TELEPHONY.silence()
    assert [verb.tag for verb in ET.fromstring(body)] == ["Hangup"]  # noqa: S314 - our own words
    assert media_type == "text/xml"
