"""Fixtures: a browser for the tests of one module, and pages in it that fail the test on any error that they log.

The browser lives as long as one module, not as the session: Playwright's event loop would be in the way of what other modules start.
Modules that use it say `pytestmark = pytest.mark.xdist_group("browser")`, so that two workers do not run a browser each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.chromium import chromium, require_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WAIT = 180_000  # ms: generous, for a loaded machine


@dataclass
class Complaints:
    """What pages logged as errors; those that a test expects are named by a part of their text."""

    found: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", lambda message: self._note(f"console: {message.text} ({message.location.get('url')})", message.type == "error"))
        page.on("pageerror", lambda error: self._note(f"page error: {error}", True))
        page.on("crash", lambda _: self._note("the page crashed", True))

    def unexpected(self) -> list[str]:
        return [text for text in self.found if not any(part in text for part in self.expected)]

    def _note(self, text: str, bad: bool) -> None:
        if bad:
            self.found.append(text)


OpenPage = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium; see chromium.py for when a test is skipped or fails for want of one."""
    from playwright.sync_api import expect

    expect.set_options(timeout=WAIT)
    with chromium(require_chromium()) as running:
        yield running


@pytest.fixture
def complaints() -> Complaints:
    """To look at, or to say what is expected: `complaints.expected.append("Refused to load")`."""
    return Complaints()


@pytest.fixture
def open_page(browser: Browser, complaints: Complaints) -> Iterator[OpenPage]:
    """`open_page(width=360, color_scheme="dark", java_script_enabled=False, offline=True)`: a page in a browser context of its own.

    Other options are those of Playwright's `Browser.new_context`. At the end the test fails if a page or one that it opened logged an
    error (a Content-Security-Policy that blocks something logs one, too).
    """
    contexts = []

    def make(*, width: int = 1280, height: int = 900, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(WAIT)
        context.on("page", complaints.watch)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()
    assert complaints.unexpected() == [], "the page logged errors"


@pytest.fixture
def browser_page(open_page: OpenPage) -> Page:
    """One page of 1280 x 900, light."""
    return open_page()
