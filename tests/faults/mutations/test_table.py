"""The breakages still fit the code; `python -m tests.faults.mutations` tries them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.mutations.table import MUTATIONS, Mutation

_ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_text_to_break_stands_there_exactly_once(mutation: Mutation) -> None:
    text = (_ROOT / "src/strongroom" / mutation.file).read_text()
    for old, new in mutation.edits:
        assert text.count(old) == 1
        assert old != new
    assert all((_ROOT / test.partition("::")[0]).exists() for test in mutation.tests)


def test_there_are_enough_and_each_has_its_name() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 25
