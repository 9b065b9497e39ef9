"""Reads customers out of somebody else's database, and can do nothing else there."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from dialer.errors import CustomerFileError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

_SELECT = re.compile(r"(?:select|with)\b", re.IGNORECASE)
_COMMENT = re.compile(r"\s+|--[^\n]*(?:\n|$)|/\*.*?\*/", re.DOTALL)


def rows(url: str, select: str, batch: int) -> Iterator[list[Mapping[str, object]]]:
    """The rows that `select` finds in the database at `url`, up to `batch` at a time, by the names of the columns.

    Only SQLite and PostgreSQL, where the database itself can be told to refuse every change. Rows stream: neither
    side holds them all.

    Raises:
        CustomerFileError: the URL or the statement is not of that kind, or the database refuses it. No password
            is in the message.
    """
    statement = _single_select(select)
    address = _read_only(_parsed(url))
    with _complaints(), _connected(address) as connection:
        result = connection.execution_options(stream_results=True, no_parameters=True).exec_driver_sql(statement)
        names = list(result.keys())
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise _wrong("select", f"finds several columns named {', '.join(twice)}", "name each differently with AS")
        for part in result.partitions(batch):
            yield [dict(zip(names, row, strict=True)) for row in part]


@contextmanager
def _connected(address: URL) -> Iterator[Connection]:
    engine = create_engine(address, poolclass=NullPool, hide_parameters=True)
    try:
        with engine.connect() as connection:
            if address.get_backend_name() == "postgresql":
                connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            else:
                connection.exec_driver_sql("PRAGMA query_only = ON")
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _complaints() -> Iterator[None]:
    """The database's own words, without the statement's data and without the URL."""
    try:
        yield
    except DBAPIError as error:
        words = str(error.orig).strip().splitlines() or ["no reason given"]
        raise _wrong(
            "database", f"refuses: {words[0]}", "check the URL, the SELECT and the rights of its user"
        ) from None
    except SQLAlchemyError as error:
        raise _wrong("database", f"cannot be read ({type(error).__name__})", "check the URL and the SELECT") from None


def _single_select(select: str) -> str:
    statement = select.strip().removesuffix(";").rstrip()
    start = 0
    while found := _COMMENT.match(statement, start):
        start = found.end()
    if not _SELECT.match(statement, start):
        raise _wrong("select", "is no query", "expected one statement that begins with SELECT or WITH")
    if ";" in statement:
        raise _wrong("select", "holds a semicolon", "expected one statement, without semicolons even in text")
    return statement


def _parsed(url: str) -> URL:
    try:
        address = make_url(url)
        address.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise _wrong("database", "is no URL of a database", _EXPECTED) from None
    return address


_EXPECTED = "expected sqlite:///FILE or postgresql://USER@HOST/DATABASE"


def _read_only(address: URL) -> URL:
    """The address with what makes the database refuse changes, and the driver this program has."""
    match address.get_backend_name():
        case "postgresql":
            return address.set(drivername="postgresql+psycopg")
        case "sqlite" if address.database and address.database != ":memory:":
            path = Path(address.database)
            if not path.is_file():
                raise _wrong("database", f"there is no file {path}", _EXPECTED)
            return URL.create(
                "sqlite", database=f"file:{quote(str(path.resolve()))}", query={"mode": "ro", "uri": "true"}
            )
        case _:
            raise _wrong("database", "is of a kind that cannot be promised to stay unchanged", _EXPECTED)


def _wrong(key: str, what: str, mend: str) -> CustomerFileError:
    return CustomerFileError([Problem(key, what, mend)])
