"""Replicate, audit, repair and due, run as flows on a real Prefect server, end to end."""

import hashlib
from pathlib import Path

import pytest

from strongroom.catalogue import Catalogue
from strongroom.catalogue.runs import runs_since
from strongroom.usecases.context import Context
from tests.fixtures.flow_command import FlowCommand


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.xdist_group("prefect")
def test_upkeep_as_flows(tmp_path: Path, flow_command: FlowCommand) -> None:
    (tmp_path / "source").mkdir()
    for number in range(30):
        (tmp_path / f"source/{number}.txt").write_text(f"page {number} " * 50)
    manifest = tmp_path / "m.yaml"
    manifest.write_text("collection: upkept\nsource: source\nstores: [one, two]\naudit: {max_age_days: 30}\n")
    for store in ("one", "two"):
        flow_command("store", "init", tmp_path / store)
    flow_command("archive", manifest, "--quiet", "--no-replicate")
    (brought,) = (one["brought"] for one in flow_command("replicate", "--json", "--quiet")["replicas"] if one["store"].endswith("/two"))
    assert brought == ["upkept/v1"]
    first = flow_command("audit", "--json", "--quiet")
    assert [(store["max_age_days"], store["never_read"], store["left"]) for store in first["stores"]] == [(30, 0, 0)] * 2

    (pack,) = (tmp_path / "one").glob("packs/*/*.tar")
    _hurt(pack)
    assert flow_command("audit", "--json", "--quiet", "--full", status=1)["stores"][0]["unsound"][0]["key"].endswith(pack.name)
    repaired = flow_command("repair", "--json", "--quiet")
    assert [store["repaired"] for store in repaired["stores"]] == [[f"packs/{pack.parent.name}/{pack.name}~1"], []]
    assert hashlib.sha256((pack.parent / f"{pack.name}~1").read_bytes()).hexdigest() == pack.stem

    (tmp_path / "source/new.txt").write_text("what came later")
    flow_command("archive", manifest, "--quiet", "--no-replicate")
    (tag,) = (tmp_path / "two").glob("bags/upkept/v1/*/bag/bagit.txt")
    tag.unlink()
    done = flow_command("due", "--json", "--quiet")
    assert [one["brought"] for one in done["replicate"]["replicas"]] == [[], ["upkept/v2"]]
    assert [store["repaired"] for store in done["repair"]["stores"]] == [[], [str(tag.relative_to(tmp_path / "two"))]]
    last = flow_command("audit", "--json", "--quiet", "--full")
    codes = [finding["code"] for finding in last["findings"] if finding["code"] != "no-seal-signature"]
    assert codes == ["copy-damaged"]  # the pack that was healed beside

    ended = flow_command.runs()
    assert ended == [
        ("archive", "COMPLETED"), ("replicate", "COMPLETED"), ("audit", "COMPLETED"), ("audit", "FAILED"), ("repair", "COMPLETED"),
        ("archive", "COMPLETED"), ("due", "COMPLETED"), ("audit", "COMPLETED"),
    ]
    assert {"replicate", "audit", "repair", "run-due"} <= {artifact["key"] for artifact in flow_command.artifacts()}
    with Catalogue.open(Context(tmp_path / "state").catalogue) as catalogue:  # each remembered once
        assert [row.job for row in runs_since(catalogue, "")] == [job for job, _ in ended]


def _hurt(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
