"""Many random faults, in one store with a sound replica and in both at once: all that can be is brought back, the rest is named."""

from __future__ import annotations

import pytest

from tests.due.mixed import BOTH, run_rounds


@pytest.mark.parametrize(("stores", "rounds"), [(["one"], 2), (BOTH, 2)])
def test_audit_and_repair_bring_back_what_can_be(tmp_path, runner, stores, rounds):
    tally = run_rounds(tmp_path, runner, rounds, 25, stores)
    assert tally.wrong == []
    assert sum(tally.faults.values()) + tally.faults["swap"] == 25 * rounds * len(stores)  # a swap hurts two
