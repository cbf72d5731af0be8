"""Seeded faults: every one is named, with the right outcome and all that depends on it, and nothing else is."""

import pytest

from strongroom.runner.local import LocalRunner
from tests.audit.faults import run_rounds
from tests.audit.site import make_vault


def check(score, count):
    assert score.total == count
    assert score.wrong == []
    assert score.false_alarms == []
    assert score.good()


def test_sixty_faults_in_a_file_store(vault):
    check(run_rounds(vault, 60, seed=3), 60)


@pytest.mark.s3
def test_fifteen_faults_in_a_bucket(tmp_path, s3_bucket, s3_server):
    url = s3_bucket()
    with LocalRunner(2, quiet=True) as runner:  # processes that know this server
        vault = make_vault(tmp_path, runner, url, s3_server.client())
        check(run_rounds(vault, 15, seed=4), 15)
