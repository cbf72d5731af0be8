"""`strongroom rebuild` as a person runs it, and from a bucket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from tests.archive.conftest import Site
from tests.rebuild.conftest import context, lose, make_again, said

ROOT = Path(__file__).parents[2]


def strongroom(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "STRONGROOM_HOME": str(context(site).home), "PYTHONPATH": f"{ROOT}/src:{ROOT}"}
    command = [sys.executable, "-m", "strongroom", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=site.root, check=False)


def test_the_command(kept: Site) -> None:
    lose(kept)
    run = strongroom(kept, "rebuild", "--store", "store", "--quiet", "--json")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["bags"] == 2
    assert "rebuild" in strongroom(kept, "report", "--last").stdout  # the run itself is remembered in the new catalogue
    run = strongroom(kept, "rebuild", "--store", "store", "--quiet")
    assert (run.returncode, "--replace" in run.stderr) == (2, True)
    run = strongroom(kept, "rebuild", "--store", "store", "--quiet", "--replace", "--deep")
    assert (run.returncode, "kept as" in run.stdout) == (0, True)
    run = strongroom(kept, "rebuild", "--store", "absent", "--quiet", "--replace")
    assert run.returncode == 3
    assert strongroom(kept, "rebuild").returncode == 2


@pytest.mark.s3
def test_from_a_bucket(site: Site, s3_bucket: Callable[[], str]) -> None:
    url = site.store_url = s3_bucket()
    init_store(url)
    with LocalRunner(2, quiet=True) as site.runner:  # its workers know the bucket's credentials
        assert site.run().bag == "site/v1"
        before = said(site)
        lose(site)
        report = make_again(site, url)
        assert (report.exit_status, report.bags) == (0, 1)
        assert said(site) == before
        again = site.run()
    assert (again.outcome, again.stored_bytes) == ("unchanged", 0)
