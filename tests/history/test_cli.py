"""`strongroom log` as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from strongroom.collections.jsonschemas import Draft202012Validator
from tests.history.conftest import Past

ROOT = Path(__file__).parents[2]


def strongroom(past: Past, *words: str, home: str = "home") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "STRONGROOM_HOME": str(past.place.root / home), "PYTHONPATH": f"{ROOT}/src:{ROOT}"}
    command = [sys.executable, "-m", "strongroom", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=past.place.root, check=False)


def valid(text: str, schema: str) -> dict:
    document: dict = json.loads(text)
    Draft202012Validator(json.loads((ROOT / f"schemas/{schema}.schema.json").read_bytes())).validate(document)
    return document


def test_the_commands(past: Past) -> None:
    run = strongroom(past, "log", "verify", "--quiet", "--no-prefect")
    assert (run.returncode, "agrees" in run.stdout) == (0, True), run.stderr
    assert strongroom(past, "log", "verify", "--quiet", home="nothing known").returncode == 2
    run = strongroom(past, "log", "verify", "--store", "store-one", "--store", "store-two", "--quiet", "--json", home="nothing known")
    assert (run.returncode, len(valid(run.stdout, "log-report")["stores"])) == (0, 2)
    past.remove_bag("one", "site/v3")
    run = strongroom(past, "log", "verify", "--quiet", "--json")
    assert (run.returncode, {"bag-removed"} <= {one["code"] for one in valid(run.stdout, "log-report")["findings"]}) == (1, True)
    assert "logs: errors were found" in strongroom(past, "report", "--last").stdout
    assert strongroom(past, "log").returncode == 2


def test_the_events_of_a_bag(past: Past) -> None:
    events = valid(strongroom(past, "log", "show", "--json", "--last", "0").stdout, "log-events")["events"]
    assert len({event["eventIdentifier"] for event in events}) == len(events) == 9  # sealed, read back and brought, three times
    assert [event["eventDateTime"] for event in events] == sorted(event["eventDateTime"] for event in events)
    told = valid(strongroom(past, "log", "show", "site/v2", "--json").stdout, "log-events")
    assert sorted(event["eventType"] for event in told["events"]) == ["fixity check", "ingestion", "replication"]
    told = valid(strongroom(past, "log", "show", "--store", "store-two", "--last", "2", "--json").stdout, "log-events")
    assert (len(told["events"]), told["older"]) == (2, 7)
    run = strongroom(past, "log", "show", "site")
    assert (run.returncode, "site/v3" in run.stdout, "replication: success" in run.stdout) == (0, True, True)
    past.place.detach("two")
    assert strongroom(past, "log", "show").returncode == 3
