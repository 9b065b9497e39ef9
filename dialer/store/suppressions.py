"""The do-not-call list: append-only, and stronger than everything else in the house."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ARRAY, String, case, cast, func, insert, literal, or_, select, text
from sqlalchemy.dialects import postgresql, sqlite

from dialer.core.lifecycle import AttemptState
from dialer.core.record import CallbackState
from dialer.core.suppression import EVERYTHING, Stop, Wish, Word, line, person, scopes_of, subjects
from dialer.store import promises, queue, tasks
from dialer.store.campaigns import read_version, standings
from dialer.store.rows import customer_of
from dialer.store.tables import AttemptRow, CallbackRow, CustomerRow, PromiseRow, SuppressionRow, TaskRow

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, FromClause, Row

    from dialer.core.customer import Customer
    from dialer.store.database import Database

suppression = SuppressionRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
attempt = AttemptRow.__table__  # type: ignore[attr-defined]
callback = CallbackRow.__table__  # type: ignore[attr-defined]
customer = CustomerRow.__table__  # type: ignore[attr-defined]
promise = PromiseRow.__table__  # type: ignore[attr-defined]
task = TaskRow.__table__  # type: ignore[attr-defined]

HEAD: Final = 5_000
"""So many of those who stand in line are looked at after a list came in; whoever stands behind them meets the gate."""

TOGETHER: Final = 500
"""People whose wishes are asked for in one question."""

SOUGHT: Final = 20
"""For so few numbers the whole customer file is searched for who has them."""

UNSETTLED: Final = (CallbackState.WAITING, CallbackState.HELD)
"""Where a callback stands that a wish still closes."""

NOT_ANSWERED: Final = (AttemptState.DIALING, AttemptState.UNKNOWN, AttemptState.ACCEPTED)
"""Where a call that the carrier has can stand before somebody picks up."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a part of a list did: how many numbers are new, and how many were lifted since and are left so."""

    added: int
    lifted: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a wish did: for how many of those named it is new, and how many callbacks the next turn closes for it."""

    added: int
    callbacks: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How much was said about one scope, by person or by number."""

    on: str  # person or number
    scope: str
    stops: int
    lifted: int

    @property
    def in_force(self) -> int:
        """How many hold, when all words are counted: stops and liftings take turns."""
        return self.stops - self.lifted


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A call that nobody has answered yet and that a wish forbids."""

    token: str
    carrier_call_id: str
    stop: Stop


class Suppressions:
    """Who asked not to be called."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_customers(self, references: Sequence[str], source: str, now: datetime) -> int:
        """Never call these people again; how many of them were not on the list yet."""
        return self.stop([person(reference) for reference in references], Wish(source), now).added

    def add_number(self, e164: str, source: str, now: datetime) -> int:
        """Never call this number again."""
        return self.stop([line(e164)], Wish(source), now).added

    def stop(self, names: Sequence[str], wish: Wish, now: datetime) -> Stopped:
        """Keep a wish of the people and numbers in `names`, and let the next turn close what waits or is held.

        Of more than a few numbers not all who have them are found at once; the gate meets them when their turn comes.
        """
        said = {"scope": wish.scope, "source": wish.source, "said_at": now, "by": wish.by, "note": wish.note}
        with self._database.write() as connection:
            added = add(connection, [{"subject": name} | said for name in names])
            holding = [stop.subject for stop in in_force(connection, names) if stop.scope == wish.scope]
            waiting = _concerned(connection, holding, wish.scope)
            queue.look_again(connection, waiting, now, by_person=True)  # to be closed
        if len(_e164s(names)) > SOUGHT:
            return Stopped(added, len(waiting) + self.look_at_line(now))
        return Stopped(added, len(waiting))

    def load(self, numbers: Collection[str], wish: Wish, now: datetime) -> Loaded:
        """Add part of a list, in one transaction: E.164 numbers, each once or more often.

        A list repeats what was said once. A number that is on ours with the same scope stays as it is, also when the
        customer lifted it since.
        """
        names = sorted({line(e164) for e164 in numbers})  # in the order of the key, which is much faster to write
        with self._database.write() as connection:
            listed = _listed(connection, names)
            columns = ("subject", "scope", "turn", "source", "said_at", "attempt", "by", "note")
            values = (wish.scope, 0, wish.source, now, "", wish.by, wish.note)
            typed = [literal(v, suppression.c[name].type) for name, v in zip(columns[1:], values, strict=True)]
            # The empty condition is for SQLite, which would take ON CONFLICT for a part of a join.
            rows = select(listed.c.name, *typed).where(text("1 = 1"))
            statement = _dialect(connection).insert(suppression).from_select(columns, rows)
            statement = statement.on_conflict_do_nothing().execution_options(preserve_rowcount=True)
            added = connection.execute(statement).rowcount
            lifted = _lifted(connection, listed, wish.scope) if added < len(names) else 0
        return Loaded(added, lifted)

    def lift(self, name: str, scope: str, *, by: str, said: str, now: datetime, note: str = "") -> bool:
        """Write down that the customer wishes to be called again; False when `name` was not stopped with that scope.

        Only the customer can take a wish back. `said` is how and when they did, `by` who wrote it down. What was closed
        stays closed; the next reason to call counts again.
        """
        with self._database.write() as connection:
            _alone(connection)
            turn = _last_turns(connection, [name]).get((name, scope))
            if turn is None or turn % 2:
                return False
            row = _BLANK | {"subject": name, "scope": scope, "turn": turn + 1, "source": said, "said_at": now}
            connection.execute(insert(suppression).values(row | {"by": by, "note": note}))
        return True

    def has(self, customer: Customer) -> bool:
        """Whether the person, or any of their numbers, is on the list, whatever the scope."""
        return bool(self.stops(subjects(customer)))

    def stops(self, names: Iterable[str]) -> list[Stop]:
        """The wishes in force for any of `names`."""
        with self._database.read() as connection:
            return in_force(connection, names)

    def history(self, names: Iterable[str]) -> list[Word]:
        """Everything that was said about `names`, by subject and scope, the oldest word first."""
        query = select(suppression).where(suppression.c.subject.in_(list(names)))
        with self._database.read() as connection:
            rows = connection.execute(_in_turn(query)).all()
        last = {(row.subject, row.scope): row.turn for row in rows}
        return [_word(row, holds=row.turn == last[row.subject, row.scope] and row.turn % 2 == 0) for row in rows]

    def tallies(self, since: datetime | None = None) -> list[Tally]:
        """How many stops and liftings there are, of all times or since an instant. Reads the whole list."""
        on = case((suppression.c.subject.startswith(line("")), "number"), else_="person")
        stops, lifted = func.sum(1 - suppression.c.turn % 2), func.sum(suppression.c.turn % 2)
        query = select(on.label("on"), suppression.c.scope, stops.label("stops"), lifted.label("lifted"))
        query = query.group_by(text("1"), suppression.c.scope).order_by(text("1"), suppression.c.scope)
        if since is not None:
            query = query.where(suppression.c.said_at >= since)
        with self._database.read() as connection:
            return [Tally(row.on, row.scope, row.stops, row.lifted) for row in connection.execute(query)]

    def latest(self, limit: int, since: datetime | None = None) -> list[Word]:
        """The last words, the newest first."""
        newest = (suppression.c.said_at.desc(), suppression.c.subject, suppression.c.scope, suppression.c.turn.desc())
        query = select(suppression).order_by(*newest).limit(limit)
        if since is not None:
            query = query.where(suppression.c.said_at >= since)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
            last = _last_turns(connection, {row.subject for row in rows})
        return [_word(row, holds=row.turn == last[row.subject, row.scope] and row.turn % 2 == 0) for row in rows]

    def look_at_line(self, now: datetime) -> int:
        """Let the gate look at once at whoever stands at the head of the line and is stopped; how many.

        So it does at those to whom a time is promised or about whom a person has a task: people would act on it.
        Nothing else depends on it: the gate asks about everybody when they are claimed and again before the call is
        sent. It only lets what is said of them be right sooner. The others are found when their turn comes.
        """
        with self._database.read() as connection:
            scopes = {name: scopes_of(standing.campaign) for name, standing in standings(connection).items()}
            found: set[int] = set()
            for query in (_head(), _in_hand()):
                asked = ((row, subjects(customer_of(row)), scopes[row.campaign]) for row in connection.execute(query))
                found |= {row.callback_id for row, _ in _stopped(connection, list(asked))}
        if found:
            with self._database.write() as connection:
                queue.look_again(connection, sorted(found), now, by_person=True)  # to be closed
        return len(found)

    def forbidden(self) -> list[Forbidden]:
        """The calls that the carrier has, that nobody answered yet, and that a wish forbids."""
        columns = ("token", "carrier_call_id", "e164", "purpose", "campaign", "campaign_version")
        query = (
            select(*(attempt.c[name] for name in columns), *customer.c)
            .join(customer, customer.c.id == attempt.c.customer_id)
            .where(attempt.c.is_open, attempt.c.state.in_(NOT_ANSWERED), attempt.c.carrier_call_id != "")
        )
        with self._database.read() as connection:
            asked: list[tuple[Row[Any], Sequence[str], Collection[str]]] = []
            for row in connection.execute(query):
                # The number may have left the customer's file since, and the campaign may be called another purpose.
                names = [*subjects(customer_of(row)), line(row.e164)]
                scopes = scopes_of(read_version(connection, row.campaign, row.campaign_version))
                asked.append((row, names, scopes | {f"purpose:{one}" for one in row.purpose.split(",")}))
            return [Forbidden(row.token, row.carrier_call_id, stop) for row, stop in _stopped(connection, asked)]


def _head() -> Any:
    """Who stands at the head of the line."""
    return (
        select(queue.row.c.callback_id, queue.row.c.campaign, customer)
        .join(callback, callback.c.id == queue.row.c.callback_id)
        .join(customer, customer.c.id == callback.c.customer_id)
        .where(queue.row.c.ready)
        .order_by(queue.row.c.campaign, queue.row.c.rank_at, queue.row.c.callback_id)
        .limit(HEAD)
    )


def _in_hand() -> Any:
    """Who waits or is held and has an open promise or a task that is not done; they are few."""
    promised = select(promise.c.callback_id).where(promise.c.state == promises.OPEN)
    undone = select(task.c.callback_id).where(task.c.state.in_([tasks.OPEN, tasks.TAKEN]))
    return (
        select(callback.c.id.label("callback_id"), callback.c.campaign, customer)
        .join(customer, customer.c.id == callback.c.customer_id)
        .where(callback.c.id.in_(promised.union(undone)), callback.c.state.in_(UNSETTLED))
    )


def _e164s(names: Iterable[str]) -> list[str]:
    return [name.removeprefix(line("")) for name in names if name.startswith(line(""))]


def _concerned(connection: Connection, names: Sequence[str], scope: str) -> list[int]:
    """The callbacks that a wish of these people and numbers closes."""
    e164s = _e164s(names)
    references = [name.removeprefix(person("")) for name in names if name.startswith(person(""))]
    theirs = [customer.c.reference.in_(references)]
    if len(e164s) <= SOUGHT:  # each stands in the customer's row as a JSON text of its own
        theirs += [cast(customer.c.numbers, String).contains(f'"{e164}"', autoescape=True) for e164 in e164s]
    campaigns = [name for name, one in standings(connection).items() if scope in scopes_of(one.campaign)]
    query = select(callback.c.id).join(customer, customer.c.id == callback.c.customer_id).where(or_(*theirs))
    query = query.where(callback.c.campaign.in_(campaigns), callback.c.state.in_(UNSETTLED))
    return list(connection.scalars(query))


def in_force(connection: Connection, names: Iterable[str], at: datetime | None = None) -> list[Stop]:
    """The wishes that hold for any of `names`, as of `at` or now: of each subject and scope, the last turn decides."""
    query = select(suppression).where(suppression.c.subject.in_(list(names)))
    if at is not None:
        query = query.where(suppression.c.said_at <= at)
    last = {(row.subject, row.scope): row for row in connection.execute(_in_turn(query))}
    return [Stop(row.subject, row.scope, row.source, row.said_at) for row in last.values() if row.turn % 2 == 0]


def add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Append wishes not to be called; how many were not in force yet. What holds already stays as it was first said.

    After the customer lifted a stop, a wish said now opens the next turn. One out of a file does not: it is the old
    wish told again, and the customer's own later word stands.
    """
    if not rows:
        return 0
    _alone(connection)
    asked = [_BLANK | dict(row) for row in rows]
    last = _last_turns(connection, {row["subject"] for row in asked})
    opened = []
    for row in asked:
        key = (row["subject"], row["scope"])
        turn = last.get(key, -1)
        if turn % 2 and (turn < 0 or Wish(row["source"]).is_new):
            last[key] = turn + 1
            opened.append(row | {"turn": turn + 1})
    if not opened:
        return 0
    statement = _dialect(connection).insert(suppression).on_conflict_do_nothing().returning(suppression.c.subject)
    return len(connection.scalars(statement, opened).all())


def _alone(connection: Connection) -> None:
    """Whose turn it is must not change between looking and writing: a stop beside a lift would be lost."""
    if connection.dialect.name != "sqlite":  # where a writing transaction is alone as it is
        connection.execute(select(func.pg_advisory_xact_lock(LISTING)))


LISTING: Final = 0xD1A2
"""The lock under which the list is written by turns, where a database has several writers at once."""

_BLANK: Final[dict[str, Any]] = {"scope": EVERYTHING, "attempt": "", "by": "", "note": ""}


def _dialect(connection: Connection) -> Any:
    return sqlite if connection.dialect.name == "sqlite" else postgresql


def _in_turn(query: Any) -> Any:
    return query.order_by(suppression.c.subject, suppression.c.scope, suppression.c.turn)


def _last_turns(connection: Connection, names: Collection[str]) -> dict[tuple[str, str], int]:
    key = (suppression.c.subject, suppression.c.scope)
    query = select(*key, func.max(suppression.c.turn)).where(suppression.c.subject.in_(list(names))).group_by(*key)
    return {(subject, scope): turn for subject, scope, turn in connection.execute(query)}


def _listed(connection: Connection, names: Sequence[str]) -> FromClause:
    """The names as a table of one column, sent as one value: a statement has room for far fewer values than a list."""
    if connection.dialect.name == "sqlite":
        given = func.json_each(json.dumps(names)).table_valued("value")
        return select(given.c.value.label("name")).subquery()
    given = func.unnest(literal(names, ARRAY(String))).table_valued("value").render_derived()
    return select(given.c.value.label("name")).subquery()


def _lifted(connection: Connection, listed: FromClause, scope: str) -> int:
    turn = suppression.c.turn
    own = (suppression.c.subject == listed.c.name) & (suppression.c.scope == scope)
    last = select(func.max(turn)).where(own).correlate(listed).scalar_subquery()
    return connection.scalar(select(func.count()).select_from(listed).where(last % 2 == 1)) or 0


def _stopped(
    connection: Connection, asked: Sequence[tuple[Row[Any], Sequence[str], Collection[str]]]
) -> Iterator[tuple[Row[Any], Stop]]:
    """Of rows with their subjects and the scopes that matter: those that a wish in force concerns, with the wish."""
    for start in range(0, len(asked), TOGETHER):
        part = asked[start : start + TOGETHER]
        by_name: dict[str, list[Stop]] = {}
        for stop in in_force(connection, {name for _, names, _ in part for name in names}):
            by_name.setdefault(stop.subject, []).append(stop)
        for row, names, scopes in part:
            found = next((one for name in names for one in by_name.get(name, ()) if one.scope in scopes), None)
            if found is not None:
                yield row, found


def _word(row: Row[Any], *, holds: bool) -> Word:
    return Word(row.subject, row.scope, row.turn, row.source, row.said_at, row.attempt, row.by, row.note, holds)
