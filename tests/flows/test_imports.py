"""Import, run as a flow on a real Prefect server, end to end: the same bags and the same document as without."""

from pathlib import Path

import pytest

from tests.fixtures.flow_command import FlowCommand
from tests.imports.hostile import good
from tests.imports.test_imports import packed


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.xdist_group("prefect")
def test_import_as_a_flow(tmp_path: Path, flow_command: FlowCommand) -> None:
    flow_command("store", "init", tmp_path / "one")
    wrong = good(tmp_path / "wrong", extra_lines=[f"{'0' * 64}  data/no"])
    bags = [good(tmp_path / "folder"), packed(good(tmp_path / "file"), "tar.gz"), wrong]
    document = flow_command("import", *bags, "--store", tmp_path / "one", "--json", "--quiet", status=1)
    assert [bag["outcome"] for bag in document["bags"]] == ["sealed", "sealed", "refused"]
    assert document["bags"][1]["form"] == "tar.gz"
    again = flow_command("import", *bags[:2], "--store", tmp_path / "one", "--json", "--quiet")
    assert [bag["outcome"] for bag in again["bags"]] == ["unchanged", "unchanged"]
    flow_command("audit", "--quiet", "--no-prefect")
    assert flow_command.runs() == [("imports", "FAILED"), ("imports", "COMPLETED")]
