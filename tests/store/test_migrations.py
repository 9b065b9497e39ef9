"""The schema that migrations build is the one the tables describe, on both databases, however often they are run."""

from __future__ import annotations

import subprocess
import sys
from subprocess import PIPE
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError

from dialer.errors import StoreError
from dialer.store import Database, Store
from dialer.store.database import MIGRATIONS, SCHEMA
from dialer.store.tables import metadata
from tests.campaigns import NOW, customer, house
from tests.store.steps import dial, enrol, people, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dialer.core.customer import Customer


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
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
        assert str(found[name][1]).strip("()") == str(where)


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
def test_several_processes_may_open_a_new_database_at_once(database_url: str) -> None:
    """A daemon and a command that are started together both find it empty."""
    command = [sys.executable, "-c", OPENER, database_url]
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
