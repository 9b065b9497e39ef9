"""What an ended attempt means for its callback, written in the transaction that learnt of the end.

Events can come after the end, and a settled callback may change its mind: the settlement is computed anew from all
attempts each time, so that asking twice changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, select, update

from dialer.core.admission import decide
from dialer.core.outcome import Disposition, Ending, Fault
from dialer.core.promise import spoken
from dialer.core.record import CallbackState
from dialer.core.retry import NextStep, Standing, last_word, next_step, spoils_number
from dialer.core.zones import candidates
from dialer.store import promises, proposals, queue, suppressions, tasks
from dialer.store.agent_tables import AgentRow
from dialer.store.campaigns import pause_for_fault
from dialer.store.customers import confirm_zone
from dialer.store.queue import need
from dialer.store.rows import number_in
from dialer.store.tables import AttemptRow, CallbackRow, CustomerRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from dialer.core.admission import House
    from dialer.core.lifecycle import Facts
    from dialer.store.proposals import Candidate

attempt = AttemptRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
agent = AgentRow.__table__  # type: ignore[attr-defined]
callback = CallbackRow.__table__  # type: ignore[attr-defined]
customer = CustomerRow.__table__  # type: ignore[attr-defined]


class Told(NamedTuple):
    """An attempt about which something was learnt: its row, and the facts before and after."""

    row: Row[Any]
    before: Facts
    after: Facts


class _Past(NamedTuple):
    """One attempt of a callback, as the settlement reads it."""

    token: str
    e164: str
    is_open: bool
    counted: bool
    ending: str | None
    sent_at: datetime | None


def settle(connection: Connection, house: House, changes: Sequence[Told], now: datetime) -> None:
    """Write what follows from these changes: opt-outs at once, pauses, and the callback's next step."""
    _opt_outs(connection, changes, now)
    _zones(connection, changes, now)
    _pauses(connection, changes)
    over = [one for one in changes if one.after.is_settled and _matters(one)]
    if not over:
        return
    found = proposals.load(connection, [one.row.callback_id for one in over], now, house)
    past = _past(connection, list(found))
    names = _names(connection, {one.row.agent for one in over if one.row.agent})
    waiting: list[Candidate] = []
    rows, recounted, chosen, needs = [], [], [], []
    for one in over:
        candidate = found[one.row.callback_id]
        history = past[one.row.callback_id]
        if _says_no_more(one, candidate, history):
            recounted.append({"key": candidate.callback_id, "attempts": sum(past.counted for past in history)})
            continue
        standing = _standing(candidate, one.row.e164, history)
        step = _last_word(standing, history) or next_step(standing, one.after, one.after.ended_at or now)
        rows.append(_values(candidate, one, step, standing, now, agent_first=_agent_first(history), unwelcome=names))
        chosen += _new_promise(candidate, one, step)
        if step.state is CallbackState.WAITING:
            waiting.append(candidate)
        elif step.state is CallbackState.HELD and step.reason is not None:
            needs.append(need(candidate, step.reason, step.note))
    rows = _still_ours(connection, rows, found)
    ours = {row["key"] for row in rows}
    _write(connection, recounted)
    _write(connection, rows)
    promised = {key for key, candidate in found.items() if candidate.row.cb_promise_id is not None}
    chosen = [one for one in chosen if one["callback_id"] in ours]
    _promises(connection, [one for one in over if one.row.callback_id in promised], rows, chosen, now)
    ended = [row["key"] for row in rows if row["closed_at"] is not None]
    if ended:
        tasks.withdraw(connection, ended, now, "the callback has ended")
    tasks.ask(connection, house, [one for one in needs if one.callback_id in ours], now)
    tasks.ask(connection, house, _cases(over, found), now)
    again = proposals.load(connection, [one.callback_id for one in waiting if one.callback_id in ours], now, house)
    queue.put(connection, house, [(one, decide(one.proposal, house, now)) for one in again.values()], now)


def _still_ours(
    connection: Connection, rows: Sequence[dict[str, Any]], found: Mapping[int, Candidate]
) -> list[dict[str, Any]]:
    """Those that no claim took in the meantime. Queue rows are locked before callbacks here, as in a claim."""
    taken = set(queue.take_out(connection, [row["key"] for row in rows]))
    waited = {key for key, candidate in found.items() if candidate.row.cb_state == CallbackState.WAITING}
    return [row for row in rows if row["key"] in taken or row["key"] not in waited]


def _new_promise(candidate: Candidate, one: Told, step: NextStep) -> list[dict[str, Any]]:
    """The time the customer chose in this call, with the call as its proof; none when it was written down before."""
    at = one.after.promise_at
    if not step.promised or at is None or one.after.outcome.ending is not Ending.PROMISED:
        return []
    campaign, person = candidate.proposal.campaign, candidate.proposal.customer
    zones = candidates(person, number_in(one.row)).zones
    zone = zones[0] if zones else "UTC"
    wall, reading = spoken(at, zone)
    about = {"callback_id": candidate.callback_id, "customer_id": one.row.customer_id, "campaign": campaign.id}
    said = {"wall": wall.isoformat(timespec="minutes"), "zone": zone, "reading": reading.value, "channel": "keypad"}
    if who := _talked(one):
        said |= {"channel": "agent", "asked_by": who, "agent": who}
    term = {"at": at, "until_at": at + campaign.promises.tolerance, "missed": campaign.promises.missed.value}
    asked = one.after.answered_at or at
    return [about | said | term | {"attempt": one.row.token, "asked_at": asked}]


def _promises(
    connection: Connection,
    over: Sequence[Told],
    rows: Sequence[dict[str, Any]],
    chosen: Sequence[dict[str, Any]],
    now: datetime,
) -> None:
    """Promises that these calls kept, those that nothing is left of, and those that were made in them."""
    felt = [(one.row.callback_id, one.row.created_at) for one in over if one.after.counted]
    promises.called(connection, felt, now)
    promised = {one.row.callback_id for one in over}
    dropped = [row["key"] for row in rows if row["key"] in promised and not row["promised"]]
    promises.settle(connection, dropped, promises.VOID, now)
    for one in chosen:
        promises.make(connection, one, now)


def _talked(one: Told) -> str:
    """The agent who was there when things were said; empty when only a machine was, whoever was set aside for it."""
    return one.row.agent if one.after.connected_at is not None else ""


def _matters(one: Told) -> bool:
    """An end, or a late word about one that changes what follows from it."""
    return not one.before.is_settled or _consequences(one.before) != _consequences(one.after)


def _consequences(facts: Facts) -> tuple[Any, ...]:
    return (facts.outcome.ending, facts.counted, facts.promise_at, facts.fault, facts.another_agent)


def _says_no_more(one: Told, candidate: Candidate, history: Sequence[_Past]) -> bool:
    """Whether what was learnt changes no more than the count: another call, or somebody, has decided since.

    A late word never reopens what is over, and takes no promise back that was made or withdrawn after the call.
    """
    if history[-1].token != one.row.token:
        return not _overrules(one, candidate, history)
    if one.before.is_open or candidate.row.cb_state == CallbackState.CALLING or one.after.outcome.ending.closes:
        return False
    over = candidate.row.cb_state in {CallbackState.DONE, CallbackState.CLOSED}
    before, after = one.before, one.after
    old_choice = before.outcome.ending is Ending.PROMISED and before.promise_at == after.promise_at
    chosen_since = candidate.row.cb_promised and before.promise_at == after.promise_at
    return over or old_choice or chosen_since


def _overrules(one: Told, candidate: Candidate, history: Sequence[_Past]) -> bool:
    """A late word about an earlier attempt changes a callback that goes on only when it ends the matter."""
    calling = any(past.is_open for past in history)  # if so, it is heard when that call has ended
    goes_on = candidate.row.cb_state in {CallbackState.WAITING, CallbackState.HELD}
    return not calling and one.after.outcome.ending.closes and goes_on


def _last_word(standing: Standing, history: Sequence[_Past]) -> NextStep | None:
    """What the customer said for good in any attempt outlasts whatever became of the others."""
    words = (last_word(standing, Ending(past.ending)) for past in history if past.ending)
    return next((word for word in words if word is not None), None)


def _opt_outs(connection: Connection, changes: Sequence[Told], now: datetime) -> None:
    said = [one for one in changes if one.after.disposition is Disposition.OPTED_OUT]
    said = [one for one in said if one.before.disposition is not Disposition.OPTED_OUT]
    if not said:
        return
    ids = [one.row.customer_id for one in said]
    references: dict[int, str] = dict(
        connection.execute(select(customer.c.id, customer.c.reference).where(customer.c.id.in_(ids))).all()
    )
    rows = []
    for one in said:
        about = {
            "source": "person" if _talked(one) else "keypad",
            "by": _talked(one),
            "said_at": now,
            "attempt": one.row.token,
        }
        rows.append({"subject": f"customer:{references[one.row.customer_id]}"} | about)
        rows.append({"subject": f"number:{one.row.e164}"} | about)
    suppressions.add(connection, rows)
    open_states = [CallbackState.WAITING, CallbackState.HELD]
    query = select(callback.c.id).where(callback.c.customer_id.in_(ids), callback.c.state.in_(open_states))
    queue.look_again(connection, list(connection.scalars(query)), now, by_person=True)  # to be closed


def _zones(connection: Connection, changes: Sequence[Told], now: datetime) -> None:
    """A zone that the customer confirmed by a key; the call is the proof. A stranger's key confirms nothing."""
    for one in changes:
        spoken = one.after.outcome.ending.spoke_to_customer and one.after.is_settled
        if one.after.zone and spoken and (not one.before.is_settled or one.after.zone != one.before.zone):
            confirm_zone(connection, one.row.customer_id, one.after.zone, one.row.token, now)


def _pauses(connection: Connection, changes: Sequence[Told]) -> None:
    broken = {Fault.CONFIGURATION, Fault.CALLER_ID}
    found = [one for one in changes if one.after.fault in broken and one.before.fault not in broken]
    pause_for_fault(connection, {one.row.campaign: one.after.failure for one in found})


def _past(connection: Connection, ids: Sequence[int]) -> defaultdict[int, list[_Past]]:
    """All attempts of these callbacks, oldest first."""
    columns = (
        attempt.c.token,
        attempt.c.e164,
        attempt.c.is_open,
        attempt.c.counted,
        attempt.c.ending,
        attempt.c.sent_at,
    )
    query = select(attempt.c.callback_id, *columns).where(attempt.c.callback_id.in_(ids))
    found: defaultdict[int, list[_Past]] = defaultdict(list)
    for callback_id, *values in connection.execute(query.order_by(attempt.c.created_at, attempt.c.token)):
        found[callback_id].append(_Past(*values))
    return found


def _standing(candidate: Candidate, called: str, history: Sequence[_Past]) -> Standing:
    errors = 0
    for past in reversed(history):
        if past.counted:
            break
        errors += past.sent_at is not None  # what was never sent is no error, only a change of mind
    proposal = candidate.proposal
    bad = {past.e164 for past in history if past.ending and spoils_number(proposal.campaign, Ending(past.ending))}
    numbers = proposal.customer.numbers
    index = next((i for i, number in enumerate(numbers) if number.e164 == called), proposal.number_index)
    promise = proposal.promise if proposal.promised else None
    return Standing(
        customer=proposal.customer,
        campaign=proposal.campaign,
        attempts=sum(past.counted for past in history),
        errors=errors,
        number_index=index,
        bad_numbers=frozenset(bad),
        promised=proposal.promised,
        promised_until=promise.until if promise is not None else None,
    )


def _values(
    candidate: Candidate,
    one: Told,
    step: NextStep,
    standing: Standing,
    now: datetime,
    *,
    agent_first: bool,
    unwelcome: Mapping[str, str],
) -> dict[str, Any]:
    ending = one.after.outcome.ending
    spoken = one.after.answered_at if ending.spoke_to_customer else None
    missed = one.after.counted and not ending.spoke_to_customer
    closed = step.state in {CallbackState.DONE, CallbackState.CLOSED}
    return {
        "not_before": step.not_before,
        "promised": step.promised,
        "promise_id": candidate.row.cb_promise_id if step.promised else None,
        "key": candidate.callback_id,
        "state": step.state.value,
        "reason": step.reason.value if step.reason else None,
        "note": step.note,
        "closed_at": now if closed else None,
        "number_index": step.number_index,
        "attempts": standing.attempts,
        "errors": standing.errors,
        "bad_numbers": sorted(standing.bad_numbers),
        "last_attempt": one.row.token if one.after.counted else candidate.row.cb_last_attempt,
        "last_miss_at": (one.after.rang_at or one.after.ended_at or now) if missed else candidate.row.cb_last_miss_at,
        "answers": candidate.row.cb_answers | one.after.answers,
        "reached_at": candidate.row.cb_reached_at or spoken,
        "agent_first": agent_first,
        "not_agents": _not_agents(candidate, one, unwelcome),
    }


def _agent_first(history: Sequence[_Past]) -> bool:
    """Whether an agent is set aside before the next call: who met nobody is not to meet nobody again."""
    for past in reversed(history):
        if past.ending == Ending.ABANDONED:
            return True
        if past.ending is not None and Ending(past.ending).spoke_to_customer:
            return False
    return False


def _not_agents(candidate: Candidate, one: Told, names: Mapping[str, str]) -> list[str] | None:
    """Who is not to call again: whoever heard the solution refused. Handbook: another time and another agent.

    By staff number and by name, for customer files use either.
    """
    unwelcome = set(candidate.row.cb_not_agents or ())
    who = _talked(one)
    if who and (one.after.another_agent or one.after.outcome.ending is Ending.DISSATISFIED):
        unwelcome |= {who, names.get(who, who)}
    return sorted(unwelcome) or None


def _names(connection: Connection, staff_numbers: set[str]) -> dict[str, str]:
    if not staff_numbers:
        return {}
    query = select(agent.c.staff_number, agent.c.name).where(agent.c.staff_number.in_(staff_numbers))
    return dict(connection.execute(query).all())


def _cases(over: Sequence[Told], found: Mapping[int, Candidate]) -> list[tasks.Need]:
    """What agents ask somebody to look into, once for each record that is finished now."""
    return [
        tasks.Need(
            one.row.callback_id,
            tasks.CASE,
            one.row.notes or "see what was said in the call",
            one.after.case[0] or found[one.row.callback_id].proposal.campaign.why_now.person,
        )
        for one in over
        if one.after.case is not None and not one.before.is_settled
    ]


def _write(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    columns: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0] if name != "key"}
    values = [{"key": row["key"]} | {f"new_{name}": row[name] for name in columns} for row in rows]
    connection.execute(update(callback).where(callback.c.id == bindparam("key")).values(columns), values)
