"""A store on each kind of database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dialer.store import Store
from tests.campaigns import house

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = Store.open(database_url, house())
    yield opened
    opened.close()
