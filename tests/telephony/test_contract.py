"""What every carrier must do, tried against a stand-in of it: place, ring, answer, hear keys, end, find, fetch, cancel.

A new carrier is done when it is in `CARRIERS`, has a stand-in here, and this file is green.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from dialer.carrier import DEMO_ACCOUNT_SID, DEMO_AUTH_TOKEN, CarrierConfig, Fault, Rate, Rule, running
from dialer.carrier.person import Answer
from dialer.core.campaign import MachineReaction
from dialer.core.lifecycle import AttemptState, EventKind, Facts, apply
from dialer.core.outcome import AnsweredBy, Network
from dialer.core.outcome import Fault as Blame
from dialer.core.phone import NumberKind, PhoneNumber
from dialer.core.script import Listen, Turn
from dialer.errors import CarrierError, ForgedRequestError
from dialer.ports import Links, Lost, NotSent, Order, Placed, Refused, WebRequest
from dialer.telephony import CARRIERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from dialer.ports import CallReport, Notice, Placement, Telephony

pytestmark = pytest.mark.anyio

PERSON, BUSY, NOBODY, INVALID, MACHINE, SLOW = (f"+1202555010{n}" for n in range(6))
REFUSED = "+15005550001"
RULES = (
    Rule(PERSON, mix={Answer.HUMAN: 1}, ring=(2, 2), keys=("1",)),
    Rule(BUSY, mix={Answer.BUSY: 1}),
    Rule(NOBODY, mix={Answer.NO_ANSWER: 1}),
    Rule(INVALID, mix={Answer.INVALID: 1}),
    Rule(MACHINE, mix={Answer.MACHINE: 1}, ring=(2, 2), greeting=(2, 2)),
    Rule(SLOW, mix={Answer.HUMAN: 1}, ring=(500, 500)),
)
QUICK = 100.0
"""Simulated seconds in a real one."""


@dataclass(frozen=True)
class StandIn:
    """Where a stand-in listens, and how to make it misbehave."""

    url: str
    account: str
    secret: str
    misbehave: Callable[[Mapping[Fault, Rate]], None]


@asynccontextmanager
async def twilio_stand_in(calls_per_second: float) -> AsyncIterator[StandIn]:
    config = CarrierConfig(port=0, speed=QUICK, people=RULES, calls_per_second=calls_per_second)
    async with running(config) as carrier:
        yield StandIn(carrier.url, DEMO_ACCOUNT_SID, DEMO_AUTH_TOKEN, carrier.replace_faults)


STAND_INS: Mapping[str, Callable[[float], AbstractAsyncContextManager[StandIn]]] = {"twilio": twilio_stand_in}


def test_every_carrier_has_a_stand_in() -> None:
    assert set(STAND_INS) == set(CARRIERS)


@dataclass
class World:
    """A carrier, its stand-in, and a web server of ours that answers every webhook."""

    telephony: Telephony
    stand_in: StandIn
    public_url: str
    turns: dict[str, Turn] = field(default_factory=dict)
    notices: list[tuple[str, str, Notice]] = field(default_factory=list)  # token, what, notice
    forged: int = 0
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def order(self, number: str, machine: MachineReaction = MachineReaction.TALK, extension: str = "") -> Order:
        token = f"token{number[1:]}"
        to = PhoneNumber(number, "US", NumberKind.FIXED_OR_MOBILE, extension)
        links = Links(self.public_url, token)
        return Order(
            to, "+15005550006", links, ring=timedelta(seconds=20), longest=timedelta(minutes=5), machine=machine
        )

    async def placed(self, order: Order) -> Placed:
        placement = await self.telephony.place(order)
        assert isinstance(placement, Placed)
        return placement

    def facts(self, order: Order) -> Facts:
        events = (notice.event for token, _, notice in self.notices if token == order.links.token)
        return reduce(apply, (event for event in events if event is not None), Facts(AttemptState.DIALING))

    def heard(self, order: Order) -> list[str]:
        return [n.digits for token, what, n in self.notices if token == order.links.token and what.startswith("step")]

    async def until(self, order: Order, happened: Callable[[Facts], bool]) -> Facts:
        """The facts once `happened` is true of them."""
        async with asyncio.timeout(5), self.news:
            await self.news.wait_for(lambda: happened(self.facts(order)))
        return self.facts(order)

    async def ended(self, order: Order) -> Facts:
        return await self.until(order, lambda facts: facts.ended_at is not None)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        _, _, token, what = request.path.split("/", 3)
        headers = {name.lower(): value for name, value in request.headers.items()}
        arrived = WebRequest(request.method, request.raw_path, headers, await request.read())
        async with self.news:
            try:
                notice = self.telephony.read(arrived, token, what, datetime.now(UTC))  # noqa: TID251 - the stand-in's time
            except ForgedRequestError:
                self.forged += 1
                return web.Response(status=403)
            self.notices.append((token, what, notice))
            self.news.notify_all()
        body, media_type = self.reply(token, what)
        return web.Response(text=body, content_type=media_type)

    def reply(self, token: str, what: str) -> tuple[str, str]:
        if what == "answer":
            return self.telephony.speak(QUESTION, Links(self.public_url, token))
        if what.startswith("step"):
            return self.telephony.speak(GOOD_BYE, Links(self.public_url, token))
        return self.telephony.silence()


def turn(spoken: str, listen: Listen | None = None) -> Turn:
    return Turn((spoken,), listen, marks=(), language="zh-CN", voice="")


QUESTION = turn("您好，这里是……", Listen("convenient", 1, "Press 1 if it is convenient.", timedelta(seconds=5)))
GOOD_BYE = turn("Good bye.")


@asynccontextmanager
async def opened(name: str, calls_per_second: float = 1000, secret: str = "") -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        worlds: list[World] = []

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return await worlds[0].answer(request)

        runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        public_url = "http://{}:{}".format(*runner.addresses[0][:2])
        stand_in = await stack.enter_async_context(STAND_INS[name](calls_per_second))
        telephony = CARRIERS[name](
            account=stand_in.account,
            secret=secret or stand_in.secret,
            api_url=stand_in.url,
            public_url=public_url,
            timeout=timedelta(seconds=1),
            connections=8,
        )
        stack.push_async_callback(telephony.close)
        worlds.append(World(telephony, stand_in, public_url))
        yield worlds[0]


@pytest.fixture(params=sorted(CARRIERS))
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with opened(request.param) as world:
        yield world


@pytest.fixture(params=sorted(CARRIERS))
def carrier(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def found(world: World, order: Order) -> list[CallReport]:
    now = datetime.now(UTC)  # noqa: TID251 - the stand-in's time
    return list(await world.telephony.find(order.to, now - timedelta(seconds=10), now + timedelta(seconds=10)))


async def test_a_person_answers_presses_a_key_and_hears_the_end(world: World) -> None:
    order = world.order(PERSON)
    placed = await world.placed(order)
    facts = await world.ended(order)

    assert facts.carrier_call_id == placed.carrier_call_id
    assert facts.state is AttemptState.FINAL
    assert facts.network is Network.ANSWERED
    assert facts.rang_at is not None
    assert facts.answered_at is not None
    assert facts.talk
    assert world.heard(order) == ["1"]
    assert not world.forged

    report = await world.telephony.fetch(placed.carrier_call_id)
    assert report is not None
    assert (report.kind, report.network, report.talk) == (EventKind.ENDED, Network.ANSWERED, facts.talk)
    assert report.created is not None
    assert report.at is not None


@pytest.mark.parametrize(
    ("number", "network"), [(BUSY, Network.BUSY), (NOBODY, Network.NO_ANSWER), (INVALID, Network.BAD_NUMBER)]
)
async def test_calls_that_nobody_answers(world: World, number: str, network: Network) -> None:
    order = world.order(number)
    placed = await world.placed(order)
    facts = await world.ended(order)
    assert (facts.network, facts.answered_at, facts.talk) == (network, None, None)
    if network is Network.NO_ANSWER:
        assert facts.rang_at is not None
    report = await world.telephony.fetch(placed.carrier_call_id)
    assert report is not None
    assert report.kind is EventKind.ENDED


@pytest.mark.parametrize("reaction", [MachineReaction.HANG_UP, MachineReaction.LEAVE_MESSAGE])
async def test_a_machine_is_recognised_and_gets_the_message(world: World, reaction: MachineReaction) -> None:
    order = world.order(MACHINE, reaction)
    placed = await world.placed(order)
    await world.until(order, lambda facts: facts.answered_by is AnsweredBy.MACHINE)
    assert await world.telephony.interrupt(placed.carrier_call_id, turn("Please call us back."), order.links)
    facts = await world.ended(order)
    assert facts.network is Network.ANSWERED
    assert not await world.telephony.interrupt(placed.carrier_call_id, turn("Too late."), order.links)


async def test_a_ringing_call_is_canceled_once(world: World) -> None:
    order = world.order(SLOW)
    placed = await world.placed(order)
    await world.until(order, lambda facts: facts.rang_at is not None)
    report = await world.telephony.fetch(placed.carrier_call_id)
    assert report is not None
    assert report.kind is EventKind.RINGING
    assert await world.telephony.hang_up(placed.carrier_call_id)
    facts = await world.ended(order)
    assert (facts.network, facts.answered_at) == (Network.CANCELED, None)
    assert not await world.telephony.hang_up(placed.carrier_call_id)


async def test_a_live_call_is_hung_up(world: World) -> None:
    order = world.order(PERSON)
    placed = await world.placed(order)
    await world.until(order, lambda facts: facts.answered_at is not None)
    assert await world.telephony.hang_up(placed.carrier_call_id)
    facts = await world.ended(order)
    assert facts.network is Network.ANSWERED


async def test_only_a_call_that_nobody_has_answered_can_be_canceled(world: World) -> None:
    ringing = world.order(SLOW)
    placed = await world.placed(ringing)
    await world.until(ringing, lambda facts: facts.rang_at is not None)
    assert await world.telephony.cancel(placed.carrier_call_id)
    facts = await world.ended(ringing)
    assert (facts.network, facts.answered_at) == (Network.CANCELED, None)
    talking = world.order(PERSON)
    placed = await world.placed(talking)
    await world.until(talking, lambda facts: facts.answered_at is not None)
    assert not await world.telephony.cancel(placed.carrier_call_id)
    assert await world.telephony.hang_up(placed.carrier_call_id)


async def test_queued_calls_are_seen_and_can_be_taken_back(carrier: str) -> None:
    async with opened(carrier, calls_per_second=0.001) as world:
        first, second = world.order(PERSON), world.order(BUSY)
        await world.placed(first)
        placed = await world.placed(second)
        assert placed.queued_for > timedelta(seconds=1)
        waiting = await world.telephony.queued()
        assert placed.carrier_call_id in [report.carrier_call_id for report in waiting]
        assert {report.kind for report in waiting} == {EventKind.QUEUED}
        assert await world.telephony.hang_up(placed.carrier_call_id)
        report = await world.telephony.fetch(placed.carrier_call_id)
        assert report is not None
        assert report.network is Network.CANCELED


async def test_calls_are_found_by_number_and_time(world: World) -> None:
    order, other = world.order(PERSON), world.order(BUSY)
    placed = [await world.placed(order), await world.placed(order)]
    await world.placed(other)
    assert {report.carrier_call_id for report in await found(world, order)} == {p.carrier_call_id for p in placed}
    past = datetime(2020, 1, 1, tzinfo=UTC)
    assert not await world.telephony.find(order.to, past, past + timedelta(days=1))


async def test_a_call_that_does_not_exist_has_no_record(world: World) -> None:
    order = world.order(PERSON)
    existing = (await world.placed(order)).carrier_call_id
    assert await world.telephony.fetch(existing[:2] + "f" * (len(existing) - 2)) is None


async def test_a_number_the_carrier_refuses(world: World) -> None:
    refused = await world.telephony.place(world.order(REFUSED))
    assert isinstance(refused, Refused)
    assert refused.fault is Blame.NUMBER


async def test_an_extension_is_dialed(world: World) -> None:
    order = world.order(PERSON, extension="204")
    await world.placed(order)
    assert (await world.ended(order)).network is Network.ANSWERED


@pytest.mark.parametrize(
    ("fault", "seconds", "claim", "made"),
    [
        (Fault.CREATE_429, 0.0, NotSent, 0),
        (Fault.CREATE_500_NOT_MADE, 0.0, Lost, 0),
        (Fault.CREATE_500_MADE, 0.0, Lost, 1),
        (Fault.CREATE_RESET, 0.0, Lost, 1),
        (Fault.CREATE_SLOW, 3.0, Lost, 1),
    ],
)
@pytest.mark.slow
async def test_a_lost_answer_is_settled_by_listing(
    world: World, fault: Fault, seconds: float, claim: type[Placement], made: int
) -> None:
    world.stand_in.misbehave({fault: Rate(1, seconds)})
    order = world.order(PERSON)
    assert isinstance(await world.telephony.place(order), claim)
    assert len(await found(world, order)) == made
    if made:
        assert (await world.ended(order)).state is AttemptState.FINAL


async def test_repeated_and_forged_webhooks_change_nothing(world: World) -> None:
    world.stand_in.misbehave({Fault.DUPLICATE: Rate(1), Fault.FORGED: Rate(1)})
    order = world.order(SLOW)
    placed = await world.placed(order)
    await world.until(order, lambda _: world.forged > 0)
    facts = await world.until(order, lambda facts: facts.rang_at is not None)
    assert facts.state is AttemptState.ACCEPTED  # the forgery said that the call is over
    await world.telephony.hang_up(placed.carrier_call_id)
    await world.ended(order)
    keys = Counter(notice.event.key for _, _, notice in world.notices if notice.event is not None)
    assert max(keys.values()) <= 2  # a repetition has the key of what it repeats


async def test_the_check_is_content_with_a_working_account_only(carrier: str) -> None:
    async with opened(carrier) as world:
        assert await world.telephony.check() == ()
    async with opened(carrier, secret="wrong") as world:
        assert len(await world.telephony.check()) == 1
        refused = await world.telephony.place(world.order(PERSON))
        assert isinstance(refused, Refused)
        assert refused.fault is Blame.CONFIGURATION
        with pytest.raises(CarrierError):
            await world.telephony.queued()
