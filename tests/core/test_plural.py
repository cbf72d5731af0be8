"""Numbers and sentences as people write them."""

from __future__ import annotations

import pytest

from strongroom.core.plural import plural, sentence


@pytest.mark.parametrize(("told", "text"), [
    (plural(1, "bag"), "1 bag"), (plural(0, "bag"), "0 bags"), (plural(1200, "batch"), "1,200 batches"),
    (plural(1, "copy is", "copies are"), "1 copy is"), (plural(2, "copy is", "copies are"), "2 copies are"),
    (sentence("it is gone"), "it is gone."), (sentence(ValueError("is the disk plugged in?")), "is the disk plugged in?"),
])
def test_what_is_told(told: str, text: str) -> None:
    assert told == text
