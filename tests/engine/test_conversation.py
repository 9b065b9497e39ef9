"""Conversations: every webhook is kept before it is answered, and the same request always hears the same words."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from dialer.core.lifecycle import AttemptState, EventKind
from dialer.core.outcome import AnsweredBy, Disposition, Ending, Network
from dialer.core.record import CallbackState, Reason
from dialer.engine import conversation
from dialer.errors import ForgedRequestError, StoreError
from tests.campaigns import customer, number
from tests.mortal import Life, World, quiet
from tests.scripted_carrier import SILENCE

if TYPE_CHECKING:
    from dialer.engine.bridge import Reply

pytestmark = pytest.mark.anyio

SCRIPT: dict[str, Any] = {
    "start": "hello",
    "nodes": {
        "hello": {"say": "Hello {name}, this is {company}", "next": "rating"},
        "rating": {
            "ask": "Were you satisfied?",
            "keys": {
                "1": {"go": "sort", "answer": "yes"},
                "2": {"go": "sort", "answer": "no"},
                "5": "later",
                "9": "never",
            },
            "repeat": 1,
            "no_answer": "bye",
        },
        "sort": {"branch": {"answer": "rating", "is": "no"}, "then": "why", "else": "thanks"},
        "why": {
            "ask": "Was it the price?",
            "keys": {"1": {"go": "sorry", "answer": "price", "outcome": "dissatisfied"}, "9": "never"},
            "no_answer": "sorry",
        },
        "later": {
            "offer_time": "Tomorrow at ten?",
            "choices": {"1": "tomorrow 10:00"},
            "next": "bye",
            "no_answer": "bye",
        },
        "thanks": {"end": "Thank you", "outcome": "completed"},
        "sorry": {"end": "We are sorry", "outcome": "dissatisfied"},
        "bye": {"end": "Goodbye"},
        "never": {"opt_out": "We shall not call again"},
    },
}


async def in_call(world: World, **campaign: Any) -> tuple[Life, str]:
    """A call that the carrier has; the process and the attempt's token."""
    world.apply(**({"script": SCRIPT} | campaign))
    world.enrol(customer("C1"))
    life = world.start()
    await life.dialer.pump()
    await quiet()
    return life, world.carrier.calls[0].token


def said(reply: Reply) -> list[str]:
    """Everything a reply makes the customer hear."""
    told = json.loads(reply.body)
    listen = told["listen"]
    return [*told["spoken"], *([listen["spoken"]] if listen else [])]


async def test_whole_conversation_ends_as_the_script_says(world: World) -> None:
    _, token = await in_call(world)
    tell = world.carrier.tell
    await tell(token, "status", EventKind.RINGING)
    assert said(await tell(token, "answer")) == ["Hello Name of C1, this is Acme", "Were you satisfied?"]
    assert said(await tell(token, "step/rating/1", digits="2")) == ["Was it the price?"]
    assert said(await tell(token, "step/why/1", digits="1")) == ["We are sorry"]
    await tell(token, "status", EventKind.ENDED, network=Network.ANSWERED)
    (attempt,) = world.attempts()
    assert attempt.ending is Ending.DISSATISFIED
    assert attempt.answered_by is AnsweredBy.HUMAN
    assert dict(attempt.answers) == {"rating": "no", "why": "price"}
    assert attempt.counted


async def test_status_is_only_acknowledged(world: World) -> None:
    _, token = await in_call(world)
    reply = await world.carrier.tell(token, "status", EventKind.RINGING)
    assert (reply.body, reply.media_type) == ("", "")


async def test_repeated_key_hears_the_same_words_and_counts_once(world: World) -> None:
    _, token = await in_call(world)
    await world.carrier.tell(token, "answer")
    replies = [await world.carrier.tell(token, "step/rating/1", digits="2") for _ in range(3)]
    assert replies[0] == replies[1] == replies[2]
    later = await world.carrier.tell(token, "step/why/1", digits="1")
    # A copy that was held up on the way and comes when the conversation is further on.
    assert await world.carrier.tell(token, "step/rating/1", digits="2") == replies[0]
    assert await world.carrier.tell(token, "step/why/1", digits="1") == later
    kinds = [kind for _, _, kind, _ in world.store.records.events(token)]
    assert kinds.count("heard") == 5  # the two keys and their marks, and the mark of the end


async def test_repeated_key_promises_the_same_time(world: World) -> None:
    _, token = await in_call(world)
    await world.carrier.tell(token, "step/rating/1", digits="5")
    await world.carrier.tell(token, "step/later/1", digits="1")
    first = world.facts(token).promise_at
    await world.clock.sleep(timedelta(hours=12))
    await world.carrier.tell(token, "step/later/1", digits="1")
    assert world.facts(token).promise_at == first == datetime(2026, 3, 4, 10, tzinfo=UTC)


async def test_silence_is_asked_again_and_then_taken_for_an_answer(world: World) -> None:
    _, token = await in_call(world)
    assert said(await world.carrier.tell(token, "step/rating/1")) == ["Were you satisfied?"]
    assert said(await world.carrier.tell(token, "step/rating/2")) == ["Goodbye"]


async def test_promise_is_kept_at_its_time(world: World) -> None:
    life, token = await in_call(world)
    await world.carrier.tell(token, "step/rating/1", digits="5")
    await world.carrier.tell(token, "step/later/1", digits="1")
    await world.carrier.tell(token, "status", EventKind.ENDED, network=Network.ANSWERED)
    assert world.callback().state is CallbackState.WAITING
    assert world.callback().next_at == datetime(2026, 3, 4, 10, tzinfo=UTC)
    await world.clock.sleep(timedelta(hours=19, minutes=29))
    world.turn()
    assert await life.dialer.pump() == 0
    await world.clock.sleep(timedelta(minutes=1))
    world.turn()
    assert await life.dialer.pump() == 1


async def test_opt_out_is_law_before_its_confirmation_is_spoken(world: World) -> None:
    """In every campaign, for the person and the number, even if the call never ends as far as we hear."""
    world.apply("renewal", script=SCRIPT)
    _, token = await in_call(world)
    world.enrol(customer("C2", number(7)))
    await world.carrier.tell(token, "answer")
    assert said(await world.carrier.tell(token, "step/rating/1", digits="9")) == ["We shall not call again"]
    assert world.store.suppressions.has(customer("C1", number(8)))
    assert world.store.suppressions.has(customer("somebody else"))
    world.turn()
    others = [one for one in world.callbacks() if one.state is not CallbackState.CALLING]
    assert {(one.customer, one.reason) for one in others} == {("C1", Reason.OPTED_OUT), ("C2", None)}


async def test_opt_out_closes_the_callback_for_good(world: World) -> None:
    _, token = await in_call(world)
    await world.carrier.tell(token, "step/rating/1", digits="9")
    await world.carrier.tell(token, "status", EventKind.ENDED, network=Network.ANSWERED)
    assert world.callback().state is CallbackState.CLOSED
    assert world.callback().reason is Reason.OPTED_OUT


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5], ids=str)
async def test_order_of_webhooks_makes_no_difference(world: World, order: tuple[int, ...]) -> None:
    _, token = await in_call(world)
    webhooks: list[tuple[str, EventKind | None, dict[str, Any]]] = [
        ("status", EventKind.RINGING, {"at": "2026-03-03T14:30:01+00:00"}),
        ("answer", None, {"at": "2026-03-03T14:30:09+00:00"}),
        ("step/rating/1", None, {"digits": "1", "at": "2026-03-03T14:30:20+00:00"}),
        ("status", EventKind.ENDED, {"network": Network.ANSWERED, "at": "2026-03-03T14:30:30+00:00"}),
    ]
    for index in (*order, *order):
        what, kind, told = webhooks[index]
        await world.carrier.tell(token, what, kind, **told)
    (attempt,) = world.attempts()
    assert attempt.state is AttemptState.FINAL
    assert attempt.ending is Ending.REACHED
    assert (attempt.rang, attempt.ended) == tuple(
        datetime(2026, 3, 3, 14, 30, second, tzinfo=UTC) for second in (1, 30)
    )
    assert world.callback().state is CallbackState.DONE
    assert world.callback().attempts == 1


async def test_conversation_goes_on_after_a_restart(world: World) -> None:
    life, token = await in_call(world)
    await world.carrier.tell(token, "answer")
    first = await world.carrier.tell(token, "step/rating/1", digits="2")
    life.die()
    world.start()
    assert await world.carrier.tell(token, "step/rating/1", digits="2") == first
    assert said(await world.carrier.tell(token, "step/why/1", digits="1")) == ["We are sorry"]


async def test_answers_from_before_a_restart_still_decide(world: World) -> None:
    script = SCRIPT | {
        "nodes": SCRIPT["nodes"]
        | {
            "why": {
                "ask": "Was it the price?",
                "keys": {"1": "again", "9": "never"},
                "no_answer": "sorry",
            },
            "again": {"branch": {"answer": "rating", "is": "no"}, "then": "sorry", "else": "thanks"},
        }
    }
    life, token = await in_call(world, script=script)
    await world.carrier.tell(token, "step/rating/1", digits="2")
    life.die()
    world.start()
    assert said(await world.carrier.tell(token, "step/why/1", digits="1")) == ["We are sorry"]


async def test_call_goes_on_with_the_words_it_began_with(world: World) -> None:
    life, token = await in_call(world)
    await world.carrier.tell(token, "answer")
    nodes = SCRIPT["nodes"] | {"thanks": {"end": "Changed", "outcome": "completed"}}
    world.apply(script=SCRIPT | {"nodes": nodes})
    assert said(await world.carrier.tell(token, "step/rating/1", digits="1")) == ["Thank you"]
    life.die()
    world.start()
    assert said(await world.carrier.tell(token, "step/rating/1", digits="1")) == ["Thank you"]


async def test_more_calls_than_are_remembered_are_read_from_the_record(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "REMEMBERED", 2)
    world.apply(script=SCRIPT)
    world.enrol(*(customer(f"C{i}", number(i)) for i in range(5)))
    life = world.start()
    await life.dialer.pump()
    await quiet()
    for call in world.carrier.calls:
        reply = await world.carrier.tell(call.token, "step/rating/1", digits="1")
        assert said(reply) == ["Thank you"]


async def test_machine_is_hung_up_on(world: World) -> None:
    _, token = await in_call(world)
    await world.carrier.tell(token, "answer")
    await world.carrier.tell(token, "verdict", answered_by=AnsweredBy.MACHINE)
    assert world.carrier.hung_up == [world.carrier.calls[0].sid]
    await world.carrier.tell(token, "status", EventKind.ENDED, network=Network.ANSWERED)
    assert world.attempts()[0].ending is Ending.MACHINE


@pytest.mark.parametrize("verdict", [AnsweredBy.HUMAN, AnsweredBy.UNKNOWN])
async def test_person_is_left_alone(world: World, verdict: AnsweredBy) -> None:
    _, token = await in_call(world)
    await world.carrier.tell(token, "verdict", answered_by=verdict)
    assert world.carrier.asked == []


async def test_key_proves_a_person_whatever_the_verdict_says(world: World) -> None:
    _, token = await in_call(world)
    await world.carrier.tell(token, "step/rating/1", digits="1")
    await world.carrier.tell(token, "verdict", answered_by=AnsweredBy.MACHINE)
    assert world.carrier.hung_up == []
    assert world.facts(token).answered_by is AnsweredBy.HUMAN


MESSAGE = {"answering_machine": {"reaction": "leave_message", "message": "Please call {hotline}"}}


async def test_machine_gets_its_message_once(world: World) -> None:
    _, token = await in_call(world, **MESSAGE)
    for _ in range(3):
        await world.carrier.tell(token, "verdict", answered_by=AnsweredBy.MACHINE)
    ((sid, turn),) = world.carrier.interrupted
    assert sid == world.carrier.calls[0].sid
    assert turn.spoken == ("Please call +44 20 7946 0000",)
    await world.carrier.tell(token, "status", EventKind.ENDED, network=Network.ANSWERED)
    assert world.attempts()[0].disposition is Disposition.MESSAGE_LEFT
    assert world.attempts()[0].ending is Ending.MACHINE


async def test_fax_gets_no_message(world: World) -> None:
    _, token = await in_call(world, **MESSAGE)
    await world.carrier.tell(token, "verdict", answered_by=AnsweredBy.FAX)
    assert world.carrier.interrupted == []
    assert len(world.carrier.hung_up) == 1


async def test_message_that_came_too_late_was_not_left(world: World) -> None:
    _, token = await in_call(world, **MESSAGE)
    world.carrier.end(world.carrier.calls[0], Network.ANSWERED)
    await world.carrier.tell(token, "verdict", answered_by=AnsweredBy.MACHINE)
    assert world.facts(token).disposition is Disposition.NONE


async def test_machine_stays_when_the_carrier_cannot_be_asked(world: World) -> None:
    _, token = await in_call(world, **MESSAGE)
    world.carrier.mute = True
    with capture_logs() as logs:
        await world.carrier.tell(token, "verdict", answered_by=AnsweredBy.MACHINE)
    assert "machine_not_reacted_to" in [line["event"] for line in logs]
    assert world.facts(token).answered_by is AnsweredBy.MACHINE


async def test_token_nobody_issued_is_hung_up_and_said(world: World) -> None:
    """As after a restored backup: the carrier calls in our name, and the record knows nothing of it."""
    await in_call(world)
    stranger = "CA" + "d" * 32
    with capture_logs() as logs:
        reply = await world.carrier.tell("0" * 32, "answer", sid=stranger)
        await quiet()
    assert reply.body == SILENCE
    assert world.carrier.hung_up == [stranger]
    assert [line["why"] for line in logs if line["event"] == "call_ended_by_us"] == ["no_such_attempt"]


async def test_fallback_says_nothing_and_is_kept_and_reported(world: World) -> None:
    _, token = await in_call(world)
    with capture_logs() as logs:
        reply = await world.carrier.tell(token, "fallback")
    assert reply.body == SILENCE
    assert "carrier_complains_about_our_answer" in [line["event"] for line in logs]
    assert world.facts(token).state is AttemptState.LIVE
    assert "answered" in [kind for _, _, kind, _ in world.store.records.events(token)]


async def test_forged_webhook_changes_nothing(world: World) -> None:
    life, token = await in_call(world)
    before = world.facts(token)
    request = world.carrier.request("CA" + "e" * 32, "status", EventKind.ENDED, network=Network.ANSWERED)
    forged = type(request)(request.method, request.target, {"signature": "guessed"}, request.body)
    with pytest.raises(ForgedRequestError):
        await life.conversations.hear(forged, token, "status")
    assert world.facts(token) == before


async def test_nothing_is_answered_that_could_not_be_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token = await in_call(world)

    def broken(*_: object) -> None:
        raise StoreError("the database is away")

    with capture_logs(), monkeypatch.context() as patch:
        patch.setattr(world.store.attempts, "record", broken)
        with pytest.raises(StoreError):
            await world.carrier.tell(token, "step/rating/1", digits="9")
    assert world.facts(token).disposition is Disposition.NONE
    assert said(await world.carrier.tell(token, "step/rating/1", digits="9")) == ["We shall not call again"]
