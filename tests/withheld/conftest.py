"""A site with the page that must go."""

from __future__ import annotations

import pytest

from tests.fixtures.runner import runner
from tests.withheld.site import PAGE, Site

__all__ = ["runner"]


@pytest.fixture
def site(tmp_path, runner):
    """Two versions of `news`, and `mirror`, that share the page with other files, in store one; nothing is replicated yet."""
    made = Site(tmp_path, runner)
    made.stores = {"news": [str(made.store("one")), str(made.store("two"))], "mirror": [str(made.store("one"))]}
    for name in ("news", "mirror"):
        for number in range(5):
            made.write(name, f"p{number}.html", f"<p>{name} {number}".encode())
    made.write("news", "people/ana.html", PAGE)
    made.write("mirror", "copy.html", PAGE)
    assert made.archive("news").outcome == "sealed"
    made.write("news", "p0.html", b"<p>changed")
    assert made.archive("news").outcome == "sealed"
    assert made.archive("mirror").outcome == "sealed"
    return made
