"""The pictures in the documentation can be made, are small, and are all there."""

from __future__ import annotations

import pytest

from tests.browser.accessible import assert_accessible
from tests.browser.screenshots import IMAGES, LARGEST, PARTS, ROOM, ROOT, sample, take, take_room

pytestmark = pytest.mark.xdist_group("browser")


def test_pictures(tmp_path, monkeypatch, browser, open_page):
    file = sample(tmp_path, monkeypatch)
    page = open_page(offline=True)
    page.goto(file.as_uri())
    page.eval_on_selector_all("details", "found => found.forEach(one => one.open = true)")
    assert "Group 3" in page.inner_text("main")  # of near-copies
    assert_accessible(page)
    made = [*take(file, tmp_path, browser), *take_room(tmp_path, tmp_path, browser)]
    assert {path.stem for path in made} == {*PARTS, *ROOM}
    for path in made:
        assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and 10_000 < path.stat().st_size < LARGEST


def test_the_documentation_shows_them():
    documents = (ROOT / "README.md").read_text() + (ROOT / "docs/operations.md").read_text()
    for name in (*PARTS, *ROOM):
        picture = IMAGES / f"{name}.png"
        assert picture.stat().st_size < LARGEST and f"images/{picture.name}" in documents
