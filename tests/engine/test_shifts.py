"""What agents do at their screens, what they see, and what they are told when it cannot be done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from dialer.core.agent import AgentState
from dialer.core.lifecycle import Event, EventKind
from dialer.core.outcome import Disposition, Ending, Network
from dialer.core.record import CallbackState
from dialer.engine.agent_view import AgentView, CallView, NextStep, Record, Stage
from dialer.errors import InputError, NotFoundError
from dialer.store.tables import AttemptRow
from tests.campaigns import customer, number
from tests.engine.floor_world import PREDICTIVE, SECOND, Office
from tests.engine.test_conversation import SCRIPT
from tests.mortal import quiet

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tests.mortal import World

pytestmark = pytest.mark.anyio
S = AgentState
attempt: Any = AttemptRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
OWN = {
    "sold": {"label": "Bought it", "counts_as": "completed"},
    "later": {"label": "Later", "counts_as": "not_convenient"},
}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is decided here is the same on every database; the store's own tests run on each."""
    return sqlite_url


@pytest.fixture
async def office(world: World) -> Office:
    return Office(world)


async def talking(office: Office, **changes: Any) -> str:
    token = await office.call(**({"script": SCRIPT, "outcomes": OWN} | changes))
    await office.talk(token)
    return token


async def writing(office: Office, **changes: Any) -> str:
    token = await talking(office, **changes)
    await office.end(token)
    return token


async def call_of(office: Office) -> CallView:
    view = await office.shifts.view("101")
    assert view.call is not None
    return view.call


async def refused(what: Awaitable[object], word: str) -> None:
    """It cannot be done, and the agent is told what to do."""
    with pytest.raises(InputError) as error:
        await what
    assert word in str(error.value)
    assert all(one.mend for one in error.value.problems)


# What is seen at each stage


async def test_nobodys_screen(office: Office) -> None:
    with pytest.raises(NotFoundError):
        await office.shifts.view("999")
    office.hire("101")
    view = await office.shifts.view("101")
    assert isinstance(view, AgentView)
    assert (view.presence.state, view.call, view.ahead, view.leg) == (S.OFFLINE, None, (), "none")


async def test_the_stages_of_a_call(office: Office) -> None:
    office.open(agents={"mode": "preview", "countdown": "40 s"}, script=SCRIPT)
    await office.ready("101")
    await office.pump()
    first = await call_of(office)
    assert (first.stage, first.name, first.reference) == (Stage.PREVIEW, "Name of C0", "C0")
    assert first.ends_at == first.since + timedelta(seconds=40)
    assert first.dials_at_zero
    await office.shifts.dial("101", office.hand("101"))
    await quiet()
    dialing = await call_of(office)
    assert (dialing.stage, dialing.ends_at) == (Stage.DIALING, None)
    token = office.token()
    await office.talk(token)
    talk = await call_of(office)
    assert talk.stage is Stage.CONNECTED
    assert (talk.warn_at, talk.flag_at) == (
        talk.since + timedelta(minutes=3),
        talk.since + timedelta(minutes=5),
    )
    assert talk.page.question == "Were you satisfied?"
    await office.pass_time(30 * SECOND)
    await office.end(token)
    after = await call_of(office)
    assert (after.stage, after.since) == (Stage.WRAP_UP, office.clock.now())
    assert after.ends_at == office.clock.now() + timedelta(seconds=45)
    await office.shifts.finish("101", office.hand("101"), Record(outcome="completed"))
    done = await office.shifts.view("101")
    assert (done.call, done.presence.state) == (None, S.READY)
    assert dict(done.today) == {"calls": 1, "reached": 1, "promises": 0}
    assert done.campaigns == (("survey", "Survey"),)


async def test_numbers_are_masked_and_only_declared_fields_are_shown(office: Office) -> None:
    fields = {"plan": "text"}
    office.world.apply("survey", agents={}, fields=fields)
    office.world.enrol(customer("C1", number(7), attributes={"plan": "gold", "secret": "x"}))
    await office.ready("101")
    await office.pump()
    call = await call_of(office)
    assert dict(call.fields) == {"plan": "gold"}
    assert number(7).e164 not in str(call.number)


async def test_outcomes_are_the_campaigns_and_the_built_in_ones(office: Office) -> None:
    await talking(office)
    choices = {one.code: (one.label, one.counts_as) for one in (await call_of(office)).outcomes}
    assert choices["sold"] == ("Bought it", Disposition.COMPLETED)
    assert choices["completed"] == ("", Disposition.COMPLETED)
    assert "message_left" in choices
    assert not {"promised", "opted_out", "abandoned", "none"} & set(choices)


async def test_earlier_calls_are_shown(office: Office) -> None:
    await writing(office)
    await office.shifts.finish("101", office.hand("101"), Record(outcome="not_convenient", notes="call in the morning"))
    await office.pass_time(timedelta(hours=21))
    assert await office.pump() == 1
    (past,) = (await call_of(office)).history
    assert (past.ending, past.agent, past.notes) == (Ending.NOT_CONVENIENT, "101", "call in the morning")


# Moves


async def test_without_a_telephone_nobody_gets_ready(office: Office) -> None:
    office.hire("101", address="")
    await office.shifts.sign_in("101")
    await refused(office.shifts.get_ready("101"), "telephone")
    assert office.state() is S.PAUSED


async def test_a_pause_and_a_sign_out_wait_for_the_end_of_the_call(office: Office) -> None:
    token = await talking(office)
    await office.shifts.pause("101", "lunch", by="900")
    assert office.state() is S.ON_CALL
    await office.shifts.sign_out("101")
    await office.end(token)
    await office.shifts.finish("101", office.hand("101"), Record(outcome="completed"))
    assert office.state() is S.OFFLINE


async def test_who_has_no_customer_is_told_so(office: Office) -> None:
    await office.ready("101")
    shifts = office.shifts
    for what in (
        shifts.dial("101", office.hand("101")),
        shifts.skip("101", office.hand("101"), "busy"),
        shifts.answer("101", office.hand("101"), "ask", 1, "1"),
        shifts.back("101", office.hand("101")),
        shifts.hang_up("101", office.hand("101")),
        shifts.write("101", office.hand("101"), Record()),
        shifts.finish("101", office.hand("101"), Record()),
    ):
        await refused(what, "no customer")


# Preview


async def test_skipping_needs_a_reason_and_gives_back(office: Office) -> None:
    office.open(agents={"mode": "preview"})
    await office.ready("101")
    await office.pump()
    await refused(office.shifts.skip("101", office.hand("101"), "  "), "missing")
    await office.shifts.skip("101", office.hand("101"), "spoke this morning")
    assert office.state() is S.READY
    assert not office.carrier.calls
    back = office.world.callback("C0")
    assert (back.state, back.attempts) == (CallbackState.WAITING, 0)
    (attempt,) = office.world.attempts()
    assert attempt.ending is Ending.NOT_RUNG
    assert office.facts(attempt.attempt).failure == "spoke this morning"


async def test_what_may_not_be_dialed_now_says_why(office: Office) -> None:
    office.open(agents={"mode": "preview"})
    await office.ready("101")
    await office.pump()
    office.store.suppressions.add_customers(["C0"], "person", office.clock.now())
    await refused(office.shifts.dial("101", office.hand("101")), "cannot be made now")
    assert office.state() is S.READY


async def test_what_is_dialed_is_dialed(office: Office) -> None:
    await office.call()
    await refused(office.shifts.dial("101", office.hand("101")), "dialed already")
    await refused(office.shifts.skip("101", office.hand("101"), "no"), "dialed already")


# The script


async def test_answers_lead_through_the_script_and_are_the_customers(office: Office) -> None:
    token = await talking(office)
    shifts = office.shifts
    await shifts.answer("101", office.hand("101"), "rating", 1, "7")
    await shifts.answer("101", office.hand("101"), "why", 1, "1")
    assert (await call_of(office)).page.node == "rating", "neither a key of this page nor this page"
    await shifts.answer("101", office.hand("101"), "rating", 1, "2")
    page = (await call_of(office)).page
    assert (page.node, page.options[0].label) == ("why", "price")
    await shifts.answer("101", office.hand("101"), "rating", 1, "1")
    assert (await call_of(office)).page.node == "why", "clicked twice"
    await shifts.back("101", office.hand("101"))
    assert (await call_of(office)).page.node == "rating"
    await shifts.back("101", office.hand("101"))
    await shifts.answer("101", office.hand("101"), "rating", 1, "1")
    call = await call_of(office)
    assert (call.page.spoken, dict(call.answers)) == (("Thank you",), {"rating": "yes"})
    assert call.chosen == "completed"
    assert office.facts(token).answered_by.value == "human"


async def test_a_time_offered_in_the_script_becomes_a_promise(office: Office) -> None:
    token = await talking(office)
    await office.shifts.answer("101", office.hand("101"), "rating", 1, "5")
    await office.shifts.answer("101", office.hand("101"), "later", 1, "1")
    assert (await call_of(office)).promise_at == datetime(2026, 3, 4, 10, tzinfo=UTC)
    await office.end(token)
    await office.shifts.finish("101", office.hand("101"), Record())
    callback = office.world.callback("C0")
    assert (callback.state, callback.next_at) == (CallbackState.WAITING, datetime(2026, 3, 4, 10, tzinfo=UTC))


# Writing it down


async def test_nothing_follows_before_the_record_is_finished(office: Office) -> None:
    await writing(office)
    await office.shifts.write("101", office.hand("101"), Record(outcome="sold", notes="glad"))
    call = await call_of(office)
    assert (call.chosen, call.notes) == ("sold", "glad")
    assert office.world.callback("C0").state is CallbackState.CALLING
    await office.shifts.finish("101", office.hand("101"), Record(outcome="sold", notes="very glad"))
    done = office.world.callback("C0")
    assert (done.state, done.code, done.ending) == (CallbackState.DONE, "sold", Ending.REACHED)


async def test_what_is_written_last_counts(office: Office) -> None:
    token = await writing(office)
    for outcome in ("refused", "sold", "refused", "later"):
        await office.shifts.write("101", office.hand("101"), Record(outcome=outcome))
    assert office.facts(token).disposition is Disposition.NOT_CONVENIENT
    events = len(list(office.store.records.events(token)))
    await office.shifts.write("101", office.hand("101"), Record(outcome="later"))
    assert len(list(office.store.records.events(token))) == events, "the same again is not written"


async def test_another_agent_can_be_taken_back(office: Office) -> None:
    token = await writing(office)
    await office.shifts.write("101", office.hand("101"), Record(outcome="later", another_agent=True))
    await office.shifts.finish("101", office.hand("101"), Record(outcome="later"))
    assert not office.facts(token).another_agent


@pytest.mark.parametrize(
    ("record", "word"),
    [
        (Record(), "outcome"),
        (Record(outcome="unheard"), "there is no outcome"),
        (Record(outcome="promised"), "there is no outcome"),
        (Record(next_step=NextStep.PROMISE), "time"),
        (Record(next_step=NextStep.PROMISE, at=datetime(2026, 3, 3, 9)), "has passed"),  # noqa: DTZ001 - a wall clock
        (Record(next_step=NextStep.PROMISE, at=datetime(2027, 3, 3, 9)), "has passed"),  # noqa: DTZ001 - a clock on the wall
        (Record(next_step=NextStep.PROMISE, at=datetime(2026, 3, 4, 9), zone="Mars/North"), "time zone"),  # noqa: DTZ001 - a clock on the wall
    ],
)
async def test_what_cannot_be_written_down_says_how_it_can(office: Office, record: Record, word: str) -> None:
    await writing(office)
    await refused(office.shifts.finish("101", office.hand("101"), record), word)
    assert office.state() is S.WRAP_UP


async def test_finishing_waits_for_the_end_of_the_call(office: Office) -> None:
    await talking(office)
    await refused(office.shifts.finish("101", office.hand("101"), Record(outcome="completed")), "hang up first")


async def test_a_promise_in_the_customers_zone(office: Office) -> None:
    token = await writing(office)
    at = datetime(2026, 3, 5, 16, 15)  # noqa: DTZ001 - a wall clock
    await office.shifts.finish(
        "101", office.hand("101"), Record(next_step=NextStep.PROMISE, at=at, zone="Asia/Tokyo", notes="at noon")
    )
    facts = office.facts(token)
    assert (facts.promise_at, facts.zone) == (datetime(2026, 3, 5, 7, 15, tzinfo=UTC), "Asia/Tokyo")
    with office.store.database.read() as connection:
        columns = "channel, asked_by, agent, attempt, zone, wall, state"
        made = connection.exec_driver_sql(f"SELECT {columns} FROM promise").one()  # noqa: S608 - a constant
    assert tuple(made) == ("agent", "101", "101", token, "Asia/Tokyo", "2026-03-05T16:15", "open")


async def test_a_promise_waits_for_its_agent(office: Office) -> None:
    await writing(office)
    at = (office.clock.now() + timedelta(hours=2)).replace(tzinfo=None)
    await office.shifts.finish("101", office.hand("101"), Record(next_step=NextStep.PROMISE, at=at))
    (ahead,) = (await office.shifts.view("101")).ahead
    assert (ahead.what, ahead.reference) == ("promise", "C0")
    await office.ready("102")
    await office.pass_time(timedelta(hours=2))
    await office.pump()
    assert [one[0] for one in office.standing()] == ["101"]
    assert (await call_of(office)).promised_for is not None


async def test_an_ambiguous_zone_asks_where_the_customer_is(office: Office) -> None:
    """A number of the United States says nothing of the zone."""
    token = await talking(office)
    with office.store.database.write() as connection:
        kept = connection.execute(select(attempt.c.evidence)).scalar_one()
        unsure = {"zones": ["America/New_York", "America/Chicago"]}
        connection.execute(update(attempt).values(evidence=kept | unsure))
    await office.end(token)
    at = datetime(2026, 3, 5, 16, 15)  # noqa: DTZ001 - a wall clock
    await refused(
        office.shifts.finish("101", office.hand("101"), Record(next_step=NextStep.PROMISE, at=at)),
        "another instant in each",
    )
    await office.shifts.finish(
        "101", office.hand("101"), Record(next_step=NextStep.PROMISE, at=at, zone="America/Chicago")
    )
    assert office.facts(token).promise_at == datetime(2026, 3, 5, 22, 15, tzinfo=UTC)


async def test_an_opt_out_counts_at_once_and_for_ever(office: Office) -> None:
    await talking(office)
    await office.shifts.write("101", office.hand("101"), Record(next_step=NextStep.OPT_OUT))
    with office.store.database.read() as connection:
        said = connection.exec_driver_sql("SELECT subject, source, by FROM suppression ORDER BY subject").all()
    assert [tuple(one) for one in said] == [
        ("customer:C0", "person", "101"),
        (f"number:{number(0).e164}", "person", "101"),
    ]
    await office.shifts.hang_up("101", office.hand("101"))
    await office.shifts.finish("101", office.hand("101"), Record(outcome="completed"))
    await office.end(office.token())
    assert office.world.attempts()[0].ending is Ending.OPTED_OUT
    assert office.world.callback("C0").state is CallbackState.CLOSED


async def test_a_wrong_number_is_not_called_again(office: Office) -> None:
    await writing(office)
    await office.shifts.finish("101", office.hand("101"), Record(next_step=NextStep.WRONG_NUMBER))
    assert office.world.attempts()[0].ending is Ending.WRONG_PERSON


@pytest.mark.parametrize("stage", [Stage.PREVIEW, Stage.DIALING])
async def test_only_who_talked_to_a_customer_knows_what_came_of_it(office: Office, stage: Stage) -> None:
    await office.ready("101")
    office.open(agents={"mode": "preview"}, script=SCRIPT)
    await office.pump()
    token = office.hand("101")
    if stage is Stage.DIALING:
        await office.shifts.dial("101", token)
    page = (await call_of(office)).page
    for forged in (
        office.shifts.write("101", token, Record(outcome="completed")),
        office.shifts.write("101", token, Record(next_step=NextStep.OPT_OUT)),
        office.shifts.answer("101", token, page.node, page.tries, "1"),
        office.shifts.back("101", token),
        office.shifts.finish("101", token, Record(outcome="completed")),
    ):
        with pytest.raises(InputError):
            await forged
    assert not await office.shifts.write("101", token, Record(notes="moved house")), "notes are notes"
    if stage is Stage.PREVIEW:
        await office.shifts.skip("101", token, "later")
    else:
        await quiet()
        await office.end(token, Network.NO_ANSWER)
    assert office.facts(token).disposition is Disposition.NONE
    assert office.world.callback("C0").state is CallbackState.WAITING
    assert not office.store.suppressions.latest(1)


async def test_what_was_meant_for_one_call_never_reaches_the_next(office: Office) -> None:
    first = await writing(office)
    await office.shifts.finish("101", first, Record(outcome="completed"))
    office.world.enrol(customer("C7", number(7)))
    await office.pump()
    second = office.hand("101")
    assert second != first
    await office.talk(second)
    for late in (
        office.shifts.write("101", first, Record(next_step=NextStep.OPT_OUT, notes="about the first")),
        office.shifts.hang_up("101", first),
        office.shifts.back("101", first),
    ):
        await refused(late, "over")
    assert (await call_of(office)).notes == ""
    assert (await call_of(office)).stage is Stage.CONNECTED


async def test_a_case_is_a_task_beside_the_outcome(office: Office) -> None:
    await writing(office)
    await office.shifts.finish(
        "101",
        office.hand("101"),
        Record(outcome="completed", next_step=NextStep.CASE, notes="the bill is wrong", person="102"),
    )
    with office.store.database.read() as connection:
        made = connection.exec_driver_sql("SELECT kind, what, person, state FROM task").all()
    assert [tuple(one) for one in made] == [("case", "the bill is wrong", "102", "open")]
    assert office.world.callback("C0").state is CallbackState.DONE


async def test_hanging_up_ends_the_call_and_not_the_agents_telephone(office: Office) -> None:
    await talking(office)
    sid = office.carrier.calls[0].sid
    await office.shifts.hang_up("101", office.hand("101"))
    assert office.carrier.hung_up == [sid]
    assert (office.state(), office.seat().leg) == (S.WRAP_UP, "parked")


async def test_a_carrier_that_does_not_hang_up_is_said(office: Office) -> None:
    await talking(office)
    office.carrier.mute = True
    await refused(office.shifts.hang_up("101", office.hand("101")), "did not end it")
    assert office.state() is S.ON_CALL


async def test_a_message_left_is_no_person_reached(office: Office) -> None:
    await writing(office)
    await office.shifts.finish("101", office.hand("101"), Record(outcome="message_left"))
    assert office.world.attempts()[0].ending is Ending.MACHINE


# Signs of life


async def test_signs_of_life_are_written_together(office: Office) -> None:
    await office.ready("101")
    await office.pass_time(5 * SECOND)
    office.shifts.seen("101")
    assert office.seat().seen_at != office.clock.now()
    await office.shifts.write_seen()
    assert office.seat().seen_at == office.clock.now()
    at = office.clock.now()
    await office.pass_time(SECOND)
    await office.shifts.write_seen()
    assert office.seat().seen_at == at


async def test_a_late_word_about_an_earlier_customer_does_not_take_the_next_from_the_screen(office: Office) -> None:
    first = await writing(office)
    await office.shifts.finish("101", office.hand("101"), Record(outcome="completed"))
    second = await office.call(many=1, first=1)
    late = Event(first, EventKind.ENDED, "late", office.clock.now(), "poll", network=Network.ANSWERED)
    await office.ledger.record(late)
    assert (await call_of(office)).attempt == second
    assert office.standing() == [("101", second, "held")]


async def test_ahead_calls_have_no_agent_on_screen_until_they_meet(office: Office) -> None:
    token = await office.ahead(script=SCRIPT)
    await office.ready("101")
    assert (await office.shifts.view("101")).call is None
    await office.tell(token, "answer")
    assert (await call_of(office)).stage is Stage.DIALING
    await office.leg("101", "conference", "joined", token)
    assert (await call_of(office)).stage is Stage.CONNECTED
    assert PREDICTIVE["mode"] == (await call_of(office)).mode


async def test_after_an_opt_out_nothing_can_be_promised(office: Office) -> None:
    token = await office.call()
    await office.talk(token)
    await office.shifts.write("101", office.hand("101"), Record(next_step=NextStep.OPT_OUT))
    record = Record(next_step=NextStep.PROMISE, at=datetime(2026, 3, 4, 10))  # noqa: DTZ001 - a clock on the wall
    with pytest.raises(InputError, match="never to be called again"):
        await office.shifts.write("101", token, record)
    assert office.facts(token).disposition is Disposition.OPTED_OUT
