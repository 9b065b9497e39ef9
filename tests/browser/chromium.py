"""Finds a browser: Playwright's own where it was downloaded, else the machine's Chromium."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Playwright

INSTALL = (
    "no Chromium is here: run scripts/test once as root, `apt-get install chromium`, or `playwright install chromium`"
)

FLAGS = (
    "--no-sandbox",  # tests run as root in containers, and open nothing but our own pages
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # nothing but this machine can be reached
)


class NoBrowserError(Exception):
    """There is no Chromium on this machine."""


def find(playwright: Playwright) -> str:
    """The path of a Chromium. NoBrowserError says how to get one."""
    own = playwright.chromium.executable_path
    if Path(own).exists():
        return own
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise NoBrowserError(INSTALL)


@contextmanager
def opened() -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as playwright:
        path = find(playwright)
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def is_required() -> bool:
    """Whether tests without a browser fail: in CI nobody reads what was skipped."""
    return bool(os.environ.get("CI"))


if __name__ == "__main__":
    # For scripts/test: the path, or exit code 1 and how to get one.
    try:
        with sync_playwright() as playwright:
            print(find(playwright))  # noqa: T201 - a program's answer
    except NoBrowserError as missing:
        raise SystemExit(str(missing)) from missing
