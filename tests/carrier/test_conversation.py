"""TwiML performed with people who press keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.carrier.receiver import Page

if TYPE_CHECKING:
    from tests.carrier.conftest import Builder
    from tests.carrier.receiver import World

pytestmark = pytest.mark.anyio

MENU = (
    '<Response><Gather numDigits="1" timeout="3" action="/key?step=1">'
    "<Say>Press 1 for yes or 2 for no. Press 9 never to be called again.</Say></Gather>"
    '<Redirect method="POST">silent</Redirect></Response>'
)
SILENT = "<Response><Say>Goodbye.</Say><Hangup/></Response>"


async def talk(world: World, answer: str = MENU) -> dict[str, object]:
    world.receiver.pages |= {"/answer": Page(answer), "/key": Page(SILENT), "/silent": Page(SILENT)}
    await world.call()
    await world.receiver.until_over()
    return world.carrier.calls()[-1]


async def test_a_key_goes_to_the_action(world: World) -> None:
    call = await talk(world)
    (key,) = world.receiver.at("/key")
    assert key.genuine
    assert key.url.endswith("/key?step=1")
    assert (key.fields["Digits"], key.fields["FinishedOnKey"], key.fields["msg"]) == ("1", "", "Gather End")
    assert key.fields["CallStatus"] == "in-progress"
    assert call["keys"] == ["1"]
    assert not world.receiver.at("/silent")


async def test_silence_goes_on_with_the_next_verb(world_with: Builder) -> None:
    world = await world_with('[{number: "*", answer: human, ring: 1, keys: [silence]}]')
    await talk(world)
    assert world.receiver.at("/silent")
    assert not world.receiver.at("/key")


async def test_silence_can_be_an_answer(world_with: Builder) -> None:
    world = await world_with('[{number: "*", answer: human, ring: 1, keys: [silence]}]')
    await talk(world, MENU.replace("<Gather", '<Gather actionOnEmptyResult="true"'))
    assert world.receiver.at("/key")[0].fields["Digits"] == ""


async def test_hanging_up_at_a_prompt(world_with: Builder) -> None:
    world = await world_with('[{number: "*", answer: human, ring: 1, keys: [hangup]}]')
    call = await talk(world)
    assert (call["ended_by"], call["status"]) == ("callee", "completed")


async def test_hanging_up_after_seconds(world_with: Builder) -> None:
    world = await world_with('[{number: "*", answer: human, ring: 1, hangs_up_after: 7}]')
    call = await talk(world, '<Response><Pause length="60"/></Response>')
    assert (call["ended_by"], call["duration"]) == ("callee", 7)


async def test_keys_are_pressed_one_prompt_after_the_other(world_with: Builder) -> None:
    world = await world_with('[{number: "*", answer: human, ring: 1, keys: [silence, "5", "2"]}]')
    world.receiver.pages["/silent"] = Page(MENU)
    world.receiver.pages["/answer"] = Page(MENU)
    world.receiver.pages["/key"] = Page("<Response><Gather action='/last' numDigits='1'/></Response>")
    world.receiver.pages["/last"] = Page(SILENT)
    await world.call()
    await world.receiver.until_over()
    assert world.receiver.at("/key")[0].fields["Digits"] == "5"
    assert world.receiver.at("/last")[0].fields["Digits"] == "2"


@pytest.mark.parametrize(
    ("keys", "attributes", "digits", "finished_on"),
    [
        ("0930#", "", "0930", "#"),
        ("0930", 'numDigits="4"', "0930", ""),
        ("09301", 'numDigits="4"', "0930", ""),
        ("0930", "", "0930", ""),
        ("09*30", 'finishOnKey="*"', "09", "*"),
        ("09#", 'finishOnKey=""', "09#", ""),
    ],
)
async def test_several_digits(world_with: Builder, keys: str, attributes: str, digits: str, finished_on: str) -> None:
    world = await world_with(f'[{{number: "*", answer: human, ring: 1, keys: ["{keys}"]}}]')
    await talk(world, f'<Response><Gather action="/key" {attributes}><Say>When?</Say></Gather></Response>')
    (key,) = world.receiver.at("/key")
    assert (key.fields["Digits"], key.fields["FinishedOnKey"]) == (digits, finished_on)


async def test_barging_in_shortens_the_prompt(world_with: Builder) -> None:
    long = MENU.replace("<Say>", "<Say>" + "A long greeting that goes on. " * 20)
    durations = []
    for barge_in in ("true", "false"):
        world = await world_with(f'[{{number: "*", answer: human, ring: 1, keys: ["1"], barge_in: {barge_in}}}]')
        durations.append((await talk(world, long))["duration"])
    assert durations[0] < durations[1]  # type: ignore[operator]


async def test_a_machine_presses_nothing(world_with: Builder) -> None:
    world = await world_with('[{number: "*", answer: machine, ring: 1}]')
    call = await talk(world)
    assert call["keys"] == []
    assert world.receiver.at("/silent")


async def test_a_document_in_the_order_is_performed(world: World) -> None:
    world.receiver.pages["/key"] = Page(SILENT)
    await world.call(url="", twiml=f'<Response><Gather numDigits="1" action="{world.receiver.url}/key"/></Response>')
    await world.receiver.until_over()
    assert world.receiver.at("/key")


async def test_the_time_limit_ends_a_call(world: World) -> None:
    world.receiver.pages["/answer"] = Page('<Response><Play loop="0">hold.mp3</Play></Response>')
    await world.call(time_limit=30)
    await world.receiver.until_over()
    call = world.carrier.calls()[0]
    assert (call["ended_by"], call["duration"]) == ("limit", 30)


async def test_speech_is_refused_clearly(world: World) -> None:
    world.receiver.pages |= {
        "/answer": Page('<Response><Gather input="dtmf speech"/></Response>'),
        "/fallback": Page(SILENT),
    }
    await world.call(fallback_url=f"{world.receiver.url}/fallback")
    await world.receiver.until_over()
    assert world.receiver.at("/fallback")[0].fields["ErrorCode"] == "12100"
