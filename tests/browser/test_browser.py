"""The fixtures themselves: what a page may not do, they see."""

from __future__ import annotations

import pytest
from playwright.sync_api import Error

from tests.browser.accessible import assert_accessible
from tests.browser.chromium import require_chromium

pytestmark = pytest.mark.xdist_group("browser")

_PAGE = '<!doctype html><html lang="en"><title>A page</title><main><h1>Words</h1>{}</main>'


def test_a_page_without_faults_passes(browser_page):
    browser_page.set_content(_PAGE.format("<p>Nothing is amiss.</p>"))
    assert_accessible(browser_page)


def test_axe_sees_what_is_inaccessible(browser_page):
    browser_page.set_content(_PAGE.format('<img src="data:,"><p style="color:#ddd;background:#fff">Too pale'))
    with pytest.raises(AssertionError, match="image-alt") as caught:
        assert_accessible(browser_page)
    assert "color-contrast" in str(caught.value)
    assert_accessible(browser_page, allowed=("image-alt", "color-contrast"))


@pytest.mark.parametrize("script", ["console.error('oh')", "throw new Error('oh')", "Promise.reject(new Error('oh'))"])
def test_errors_of_a_page_are_noticed(open_page, complaints, script):
    page = open_page()
    page.set_content(_PAGE.format(f"<script>{script}</script>"))
    _await_complaint(page, complaints)
    assert len(complaints.unexpected()) == 1
    complaints.expected.append("oh")
    assert complaints.unexpected() == []


def test_what_a_policy_blocks_is_noticed(open_page, complaints):
    page = open_page()
    policy = """<meta http-equiv="Content-Security-Policy" content="img-src 'none'">"""
    page.set_content(_PAGE.format(policy + '<img alt="" src="data:image/gif;base64,R0">'))
    _await_complaint(page, complaints)
    assert complaints.unexpected()
    complaints.expected.append("Content Security Policy")


def test_without_javascript_and_network(open_page, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(_PAGE.format("<noscript><p>Plain</p></noscript><script>document.body.append('Script')</script>"))
    page = open_page(java_script_enabled=False, offline=True, width=360)
    page.goto(file.as_uri())
    assert "Plain" in page.inner_text("body")
    assert "Script" not in page.inner_text("main")
    assert page.viewport_size["width"] == 360
    with pytest.raises(Error):
        page.goto("http://localhost:9/")


def _await_complaint(page, complaints):
    for _ in range(3600):
        if complaints.found:
            return
        page.wait_for_timeout(50)


def test_absence_is_a_failure_where_a_browser_must_be(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("STRONGROOM_TEST_CHROMIUM", raising=False)
    monkeypatch.setenv("STRONGROOM_TEST_BROWSER", "1")
    with pytest.raises(pytest.fail.Exception, match="no Chromium"):
        require_chromium()
    monkeypatch.delenv("STRONGROOM_TEST_BROWSER")
    with pytest.raises(pytest.skip.Exception, match="no Chromium"):
        require_chromium()
