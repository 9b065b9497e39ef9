"""A small world for each test of the engine: a new database, a scripted carrier, and virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.mortal import World, open_database
from tests.virtual_clock import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": VirtualLoop}


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    database = open_database(database_url)
    yield World(database)
    database.close()
