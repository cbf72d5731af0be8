"""A few of the changes of changes.py; `python -m tests.signing.changes --count 1000` makes the others."""

from __future__ import annotations

import pytest

from tests.signing import changes


@pytest.mark.slow
def test_each_changed_byte_is_found_and_named(tmp_path):
    found, tried, missed = changes.run(tmp_path, 2 * len(changes.KINDS), 7)
    assert missed == []
    assert set(tried.values()) == {2}
    assert found == {(judge, kind): 2 for judge in changes.JUDGES for kind in changes.KINDS}
