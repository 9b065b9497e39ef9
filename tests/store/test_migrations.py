"""The schema that migrations build is the one the tables describe, on both databases, however often they are run."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from subprocess import PIPE
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, column, insert, inspect, table
from sqlalchemy.exc import IntegrityError

from dialer.core.record import CallbackState, Reason
from dialer.errors import StoreError
from dialer.store import Database, Store
from dialer.store.database import MIGRATIONS, SCHEMA, _config
from dialer.store.tables import Instant, metadata
from tests.campaigns import NOW, customer, document, house, number, version
from tests.store.steps import DAY, HOUR, callback, dial, enrol, people, rows, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from dialer.core.customer import Customer


@pytest.fixture
def database(empty_database_url: str) -> Iterator[Database]:
    opened = Database(empty_database_url)
    yield opened
    opened.close()


def test_migrations_build_what_the_tables_describe(database: Database) -> None:
    database.migrate()
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_partial_indexes_are_built_as_described(database: Database) -> None:
    """Alembic does not compare the conditions of indexes, and the fence against a second call is one."""
    database.migrate()
    dialect = "sqlite" if database.is_sqlite else "postgresql"
    with database.read() as connection:
        found = {
            index["name"]: (bool(index["unique"]), index.get("dialect_options", {}).get(f"{dialect}_where"))
            for table in ("attempt", "queue")
            for index in inspect(connection).get_indexes(table)
        }
    described = {
        index.name: (index.unique, index.dialect_options[dialect]["where"])
        for table in ("attempt", "queue")
        for index in metadata.tables[table].indexes
    }
    assert found.keys() == described.keys()
    for name, (unique, where) in described.items():
        assert found[name][0] == unique
        assert str(found[name][1]).translate({40: "", 41: ""}) == str(where)


def test_an_empty_database_has_no_version_and_a_migrated_one_has_ours(database: Database) -> None:
    assert database.schema() is None
    database.migrate()
    assert database.schema() == SCHEMA == ScriptDirectory(str(MIGRATIONS)).get_current_head()


def test_migrating_again_changes_and_loses_nothing(database_url: str) -> None:
    first = Store.open(database_url, house())
    people(first, customer())
    first.close()
    again = Store.open(database_url, house())
    assert again.customers.get("C1") == customer()
    again.close()


OPENER = """
import sys
import alembic.command
from dialer.store import Database
database = Database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
database.migrate()
print(database.schema())
"""


@pytest.mark.slow
def test_several_processes_may_open_a_new_database_at_once(empty_database_url: str) -> None:
    """A daemon and a command that are started together both find it empty."""
    command = [sys.executable, "-c", OPENER, empty_database_url]
    processes = [
        subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True)  # noqa: S603 - this Python
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60) for process in processes]
    assert said == [(f"{SCHEMA}\n", "")] * 4


@pytest.mark.parametrize("same", ["number", "person"])
def test_the_database_itself_refuses_a_second_open_attempt(store: Store, same: str) -> None:
    one: Customer = customer("C1")
    start(store)
    people(store, one)
    enrol(store)
    assert len(dial(store)) == 1
    other = "'+442079460999', customer_id" if same == "person" else "e164, customer_id + 0"
    columns = "campaign, campaign_version, region, kind, extension, owner, state, is_open, created_at, lease_until"
    columns += ", heard_at, carrier_call_id, answered_by, failure, disposition, code, marks, counted, evidence"
    insert = f"INSERT INTO attempt (token, callback_id, e164, customer_id, {columns})"
    copy = f"{insert} SELECT 'second', callback_id, {other}, {columns} FROM attempt"  # noqa: S608 - all of it is above
    with pytest.raises(StoreError) as refused, store.database.write() as connection:
        connection.exec_driver_sql(copy)
    assert isinstance(refused.value.__cause__, IntegrityError)


@pytest.mark.parametrize("url", ["mysql://somebody@somewhere/something", "oracle://x"])
def test_a_database_nobody_knows_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="use sqlite or postgresql"):
        Database(url)


def test_a_failure_names_neither_password_nor_data(tmp_path_factory: pytest.TempPathFactory) -> None:
    nowhere = tmp_path_factory.mktemp("nowhere")
    database = Database(f"postgresql://dialer:secret@/x?host={nowhere}")
    with pytest.raises(StoreError) as failed:
        database.migrate()
    assert "secret" not in str(failed.value)
    assert "dialer doctor" in str(failed.value)
    database.close()


def test_an_instant_without_its_offset_is_refused(store: Store) -> None:
    with pytest.raises(StoreError):
        store.customers.upsert([customer()], NOW.replace(tzinfo=None))
    assert store.customers.count() == 0


def put(connection: Connection, into: str, **values: Any) -> None:
    """A row of a table as it was then, of which this program knows no more."""
    kinds: dict[type, Any] = {type(NOW): Instant(), list: JSON(), dict: JSON()}
    columns = [column(key, kinds.get(type(value))) for key, value in values.items()]
    connection.execute(insert(table(into, *columns)).values(values))


def put_customer(connection: Connection, key: int, state: CallbackState, reason: Reason | None) -> None:
    """A customer with one callback; in a new database its number is `key`."""
    home = {"e164": number(key).e164, "region": "GB", "kind": "fixed_line", "extension": ""}
    told = {"name": f"Name of C{key}", "salutation": "", "language": "", "region": "GB", "zone": "", "agent": "Li Na"}
    blank = {"numbers": [home], "quiet": [], "attributes": {}, "fingerprint": "", "created_at": NOW, "changed_at": NOW}
    put(connection, "customer", reference=f"C{key}", tier="vip", **told, **blank)
    when = {"due_at": NOW - DAY, "deadline_at": NOW + 2 * DAY, "enrolled_at": NOW - DAY}
    tried = {"attempts": 0, "errors": 0, "number_index": 0, "bad_numbers": [], "answers": {}, "promised": False}
    where = {"campaign": "survey", "customer_id": key, "occasion": "once", "state": state.value, "note": "so it was"}
    put(connection, "callback", reason=reason, **where, **when, **tried)


def put_attempt(connection: Connection, key: int) -> None:
    about = {"callback_id": key, "customer_id": key, "campaign": "survey", "campaign_version": version(document())}
    line = {"e164": number(key).e164, "region": "GB", "kind": "fixed_line", "extension": ""}
    when = dict.fromkeys(("created_at", "sent_at", "rang_at", "ended_at", "lease_until", "heard_at"), NOW - DAY)
    became = {"state": "final", "is_open": False, "network": "no_answer", "ending": "no_answer", "counted": True}
    said = {"answered_by": "nobody", "failure": "", "disposition": "none", "code": "", "marks": [], "evidence": {}}
    put(
        connection,
        "attempt",
        token="old",
        owner="then",
        carrier_call_id="CA1",
        **about,
        **line,
        **when,
        **became,
        **said,
    )


def put_what_there_was(connection: Connection) -> None:
    """One held after a call, one waiting, and one waiting who asked not to be called, in the first schema."""
    content = document()
    put(connection, "campaign", id="survey", version=version(content), paused=False, pause_reason="", applied_at=NOW)
    put(
        connection,
        "campaign_version",
        campaign="survey",
        version=version(content),
        document=content,
        applied_at=NOW,
    )
    put_customer(connection, 1, CallbackState.HELD, Reason.UNREACHED)
    put_attempt(connection, 1)
    for key in (2, 3):
        put_customer(connection, key, CallbackState.WAITING, None)
        place = {"ready": True, "opens_at": NOW - HOUR, "closes_at": NOW + HOUR, "rank_at": NOW - DAY}
        put(connection, "queue", callback_id=key, campaign="survey", **place)
    put(connection, "suppression", subject="customer:C3", source="keypad", said_at=NOW - HOUR, attempt="")


def test_what_the_first_schema_held_goes_on_under_the_second(empty_database_url: str) -> None:
    """Who was held has a task, who waits is looked at anew at the next turn, and who asked not to be called is not."""
    before = Database(empty_database_url)
    with before.write() as connection:
        command.upgrade(_config(connection), "0001")
        put_what_there_was(connection)
    before.close()
    with closing(Store.open(empty_database_url, house())) as store:
        _goes_on(store)


def _goes_on(store: Store) -> None:
    (task,) = store.tasks.find()
    assert (task.customer, task.kind, task.person, task.state) == ("C1", Reason.UNREACHED, "Li Na", "open")
    assert [stop.source for stop in store.suppressions.stops(["customer:C3"])] == ["keypad"]
    assert [one.attempt for one in store.records.attempts()] == ["old"]
    store.callbacks.turn(NOW)
    ((vip, alarm),) = rows(store, "SELECT vip, alarm_at FROM queue WHERE callback_id = 2")
    assert vip
    assert alarm is not None
    assert [one.customer.reference for one in dial(store)] == ["C2"]
    assert callback(store, "C1").state is CallbackState.HELD
    assert callback(store, "C3").reason is Reason.OPTED_OUT
    assert len(store.tasks.find()) == 1
