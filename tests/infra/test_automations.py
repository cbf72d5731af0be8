"""infra/automations.py as it is run, before a real Prefect server. That runs are done again, `python -m tests.database.workers` tries."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).parents[2] / "infra" / "automations.py"


def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("automations", FILE)
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
@pytest.mark.xdist_group("prefect")
def test_they_are_set_once_and_kept_until_they_change() -> None:
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    def ran(*arguments: str) -> dict[str, str]:
        environment = {**os.environ, "PREFECT_API_URL": PREFECT_API_URL.value()}
        subprocess.run([sys.executable, FILE, *arguments], env=environment, check=True)
        with get_client(sync_client=True) as client:
            there = [one for one in client.read_automations() if one.name in (LOST, AGAIN)]
        assert sorted(one.name for one in there) == sorted((LOST, AGAIN)) and all(one.enabled for one in there)
        return {one.name: str(one.id) for one in there}

    loaded = module()
    LOST, AGAIN = loaded.LOST, loaded.AGAIN
    first = ran()
    assert ran() == first  # with what they know of the runs that are under way
    other = ran("--times", "5")
    assert other[LOST] == first[LOST] and other[AGAIN] != first[AGAIN]
