"""The search as a flow, on a real Prefect server, which is told no name of what was found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fixtures.flow_command import FlowCommand
from tests.likeness.words import sentences


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.xdist_group("prefect")
def test_similar_as_a_flow(tmp_path: Path, flow_command: FlowCommand) -> None:
    (tmp_path / "source").mkdir()
    for number in range(3):
        (tmp_path / f"source/secret {number}.txt").write_text("\n".join(sentences("one", 20 + number)))
    manifest = tmp_path / "m.yaml"
    manifest.write_text("collection: compared\nsource: source\nstores: [store]\naccess: {level: closed}\n")
    flow_command("store", "init", tmp_path / "store")
    flow_command("archive", manifest, "--quiet", "--no-prefect")
    document = flow_command("similar", "compared", "--json", "--quiet")
    assert [len(cluster["contents"]) for cluster in document["clusters"]] == [3]
    runs, artifacts = flow_command.runs(), flow_command.artifacts()
    assert runs == [("similar", "COMPLETED")]
    assert [artifact["key"] for artifact in artifacts] == ["run-similar"]
    assert "secret" not in json.dumps([runs, artifacts])
