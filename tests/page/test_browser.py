"""The page in a real browser: from a file, without network and JavaScript, on a narrow screen, in light and dark, by axe-core."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.accessible import assert_accessible

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def file(house):
    return house.page(curator=True)[1].file


def open_all(page):
    page.eval_on_selector_all("details", "found => found.forEach(one => one.open = true)")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_accessible(open_page, file, scheme, width):
    page = open_page(width=width, color_scheme=scheme, offline=True)
    page.goto(file.as_uri())
    open_all(page)  # what is folded away is not looked at
    assert_accessible(page)


def test_it_asks_for_nothing(open_page, file):
    page = open_page(offline=True)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri(), wait_until="networkidle")
    assert asked == [file.as_uri()]


def test_without_javascript_on_a_narrow_screen(open_page, file):
    page = open_page(width=360, java_script_enabled=False, offline=True)
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for heading in page.query_selector_all("h2"):
        assert heading.is_visible()
    charts = page.query_selector_all("svg[role=img]")
    assert len(charts) >= 6
    for chart in charts:
        box = chart.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 360
    table = page.locator("details table").first
    expect(table).not_to_be_visible()
    page.locator("details > summary").first.click()
    expect(table).to_be_visible()


def test_charts_are_told_in_words_and_show_what_the_tables_say(open_page, file):
    page = open_page()
    page.goto(file.as_uri())
    for chart in page.query_selector_all("svg[role=img]"):
        words = chart.evaluate("one => one.getAttribute('aria-labelledby').split(' ').map(id => document.getElementById(id).textContent)")
        assert len(words) == 2 and all(words)
        texts = chart.evaluate("one => [...one.querySelectorAll('text')].map(text => text.textContent)")
        assert len(texts) >= 6  # ticks and what the axis counts
    # widths of bars are as the figures behind them
    chart = "svg[aria-labelledby^=copies]"
    bars = page.eval_on_selector_all(f"{chart} rect", "found => found.map(one => one.getBoundingClientRect().width)")
    rows = page.eval_on_selector_all(f"figure:has({chart}) tbody tr", "found => found.map(row => +row.querySelector('data').value)")
    values = [value for value in rows[:-1] if value]
    assert len(bars) == len(values) >= 3
    for width, value in zip(bars, values, strict=True):
        assert width / bars[0] == pytest.approx(value / values[0], abs=0.01)


def test_the_dark_page_is_dark(open_page, file):
    for scheme, dark in (("light", False), ("dark", True)):
        page = open_page(color_scheme=scheme)
        page.goto(file.as_uri())
        colour = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        red = int(colour.removeprefix("rgb(").split(",")[0])
        assert (red < 60) == dark


def test_keyboard(open_page, file):
    page = open_page()
    page.goto(file.as_uri())
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("To the contents")
    page.keyboard.press("Enter")
    expect(page).to_have_url(file.as_uri() + "#main")
