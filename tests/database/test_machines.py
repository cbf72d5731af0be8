"""Two machines, killed now and then; `python -m tests.database.machines` is the long form."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.database.machines import Machines
from tests.database.trial import Plan
from tests.fixtures.postgres import PostgresServer
from tests.fixtures.seaweedfs import S3Server


@pytest.mark.s3
@pytest.mark.slow
def test_two_machines_that_are_killed_seal_each_bag_once_and_lose_nothing(
    tmp_path: Path, s3_server: S3Server, postgres_server: PostgresServer
) -> None:
    plan = Plan(collections=3, files=60, shared=15, kills=2, seed=1)
    outcome = Machines(tmp_path, plan, s3_server, postgres_server).run()
    assert not outcome.wrong
    assert outcome.kills == plan.kills
    assert dict(outcome.sealed) == {"c0": 1, "c1": 1, "c2": 1}
    assert outcome.wanted == outcome.distinct == 3 * 45 + 15
    # What runs that began at once share, and what a killed run stored that nobody was told of.
    assert outcome.again <= plan.shared + plan.kills * plan.files
