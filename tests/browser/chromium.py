"""The distribution's Chromium, driven by Playwright, which must not fetch a browser of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

# Lookups of the browser's own (updates, sign-in, safe browsing) have no place in a test, and pages must look alike everywhere.
_FLAGS = [
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run", "--no-default-browser-check",
    "--disable-gpu", "--force-color-profile=srgb", "--font-render-hinting=none",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost",
]


def find_chromium() -> str | None:
    """The path of a Chromium: STRONGROOM_TEST_CHROMIUM, or the first of the usual names on the PATH."""
    return os.environ.get("STRONGROOM_TEST_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


def require_chromium() -> str:
    """The path of a Chromium; skips the test where there is none, or fails it where STRONGROOM_TEST_BROWSER=1 says there must be one."""
    path = find_chromium()
    if path is None:
        reason = "no Chromium: install it (Debian and Ubuntu: apt install chromium), or name one in STRONGROOM_TEST_CHROMIUM"
        if os.environ.get("STRONGROOM_TEST_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """A running browser. While it runs, this thread has an event loop, so that nothing else here may start one (Prefect does)."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS, timeout=300_000)
        try:
            yield browser
        finally:
            browser.close()
