"""A call centre for one test and a browser for all of a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import call_centre, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.browser.call_centre import CallCentre


@pytest.fixture(scope="module")  # Playwright keeps a loop running, in which other tests could start none of their own
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    try:
        with chromium.opened() as browser:
            yield browser
    except chromium.NoBrowserError as missing:
        if chromium.is_required():
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture
def centre(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[CallCentre]:
    """A call centre in which nothing runs yet; its logs are shown when the test fails."""
    with call_centre.in_folder(tmp_path) as centre:
        yield centre
    if request.session.testsfailed:
        print(centre.logs())  # noqa: T201 - shown when the test fails
