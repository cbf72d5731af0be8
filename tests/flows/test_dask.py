"""The life of a collection by commands: on processes of one machine, and on a Dask cluster with lists in a shared folder. The bags are
the same."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.dask import ROOT, Cluster
from tests.fixtures.flow_command import FlowCommand
from tests.fixtures.postgres import PostgresServer

pytest.importorskip("distributed", reason="Dask is an extra: pip install -e '.[dask]'")

#: Of a bag, what two runs over the same files must agree about: all but what names the time, the run and the store.
SAME = ("manifest-sha256.txt", "manifest-sha512.txt", "fetch.txt", "metadata/technical.jsonl", "metadata/formats.jsonl",
        "metadata/structure.jsonl", "metadata/duplicates.jsonl", "metadata/names.jsonl")


def make_source(folder: Path) -> None:
    """Files for several batches: texts, copies of some, pictures, one large content, a name that no bag can hold, an empty folder."""
    chance = random.Random(8)
    for number in range(700):
        text = f"letter {number % 550}\n" + " ".join(str(chance.random()) for _ in range(number % 9)) * (number % 2)
        (folder / f"letters/{number % 7}").mkdir(parents=True, exist_ok=True)
        (folder / f"letters/{number % 7}/{number}.txt").write_text(text)
    (folder / "large.bin").write_bytes(chance.randbytes(5 << 20))
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + chance.randbytes(900))
    Path(os.fsdecode(os.fsencode(folder) + b"/not-utf8-\xff")).write_bytes(b"named so\n")
    (folder / "empty").mkdir()


class Life:
    """Commands with a home and two stores below `root`."""

    def __init__(self, root: Path, source: Path, **settings: str) -> None:
        root.mkdir()
        self.root = root
        home = {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "STRONGROOM_HOME": str(root / "home"),
                "STRONGROOM_MANIFESTS": str(root)}
        self.environment = {**os.environ, **home, **settings}
        (root / "letters.yaml").write_text(f"collection: letters\nsource: {source}\nstores: [first, second]\n")

    def __call__(self, *arguments: str, status: int = 0) -> Any:
        command = [sys.executable, "-m", "strongroom", *arguments, "--json"]
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == status, done.stderr
        return json.loads(done.stdout) if done.stdout.startswith("{") else None

    def live(self) -> dict[str, list[str]]:
        """Archive, replicate, damage, audit, repair, restore. What was found on the way."""
        for store in ("first", "second"):
            self("store", "init", store)
        archived = self("archive", "letters.yaml", "--no-replicate")
        assert archived["bag"] == "letters/v1"
        copied = self("replicate", "letters")
        self.damage()
        found = self("audit", "--full", status=1)
        healed = self("repair")
        self("audit", "--full")
        self("restore", "letters", "restored", "--payload-only", "--from", str(self.root / "second"))
        return {name: sorted({finding["code"] for finding in report["findings"]}) for name, report in
                (("copied", copied), ("found", found), ("healed", healed))}

    def damage(self) -> None:
        pack = sorted((self.root / "first").glob("packs/*/*.tar"))[0]
        pack.chmod(0o644)
        with pack.open("r+b") as file:
            file.seek(512)  # the first content
            byte = file.read(1)[0]
            file.seek(512)
            file.write(bytes([byte ^ 1]))

    def bag(self) -> dict[str, bytes]:
        (folder,) = (self.root / "first").glob("bags/letters/v1/*/bag")
        return {name: (folder / name).read_bytes() for name in SAME if (folder / name).exists()}


@pytest.mark.slow
def test_a_life_on_a_cluster_is_the_life_on_one_machine(
    dask_cluster: Cluster, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    make_source(tmp_path / "source")
    plain = Life(tmp_path / "plain", tmp_path / "source", STRONGROOM_RUNNER="local")
    settings = {"STRONGROOM_RUNNER": dask_cluster.runner, "STRONGROOM_SCRATCH": str(tmp_path / "scratch")}
    try:
        server: PostgresServer = request.getfixturevalue("postgres_server")
    except pytest.skip.Exception:  # then the catalogue is a file, which two machines could not share
        pass
    else:
        settings["STRONGROOM_CATALOGUE"] = str(server.place(tmp_path))
    over_dask = Life(tmp_path / "dask", tmp_path / "source", **settings)
    found = plain.live()
    assert found["found"]
    assert over_dask.live() == found
    assert over_dask.bag() == plain.bag()
    assert {"manifest-sha256.txt", "fetch.txt", "metadata/technical.jsonl", "metadata/formats.jsonl"} <= plain.bag().keys()
    for life in (plain, over_dask):
        assert not subprocess.run(["diff", "-r", tmp_path / "source", life.root / "restored"], check=False).returncode
    assert not (over_dask.root / "home/scratch").exists()
    assert dask_cluster.said().count("KilledWorker") == 0


@pytest.mark.slow
def test_a_worker_is_killed_while_it_archives(dask_cluster: Cluster, tmp_path: Path) -> None:
    """On a cluster of three, so that the session's keeps its two."""
    make_source(tmp_path / "source")
    victim = dask_cluster.add_worker()
    dask_cluster.wait(3)
    life = Life(tmp_path / "life", tmp_path / "source", STRONGROOM_RUNNER=dask_cluster.runner)
    life("store", "init", "first")
    life("store", "init", "second")
    command = [sys.executable, "-m", "strongroom", "archive", "letters.yaml", "--no-replicate"]
    with subprocess.Popen(command, cwd=life.root, env=life.environment, stderr=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 300
        while not children(victim.pid) and process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        assert children(victim.pid), "it had no batch"
        victim.kill()
        victim.wait()
        _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    life("audit", "--full")
    life("restore", "letters", "restored", "--payload-only")
    assert not subprocess.run(["diff", "-r", tmp_path / "source", life.root / "restored"], check=False).returncode


def children(pid: int) -> str:
    return "".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")).strip()


def test_no_cluster_is_said_before_anything_is_begun(tmp_path: Path) -> None:
    make_source(tmp_path / "source")
    life = Life(tmp_path / "life", tmp_path / "source", STRONGROOM_RUNNER="dask://127.0.0.1:9")
    life("store", "init", "first")
    command = [sys.executable, "-m", "strongroom", "archive", "letters.yaml"]
    done = subprocess.run(command, cwd=life.root, env=life.environment, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 3
    assert "Dask at tcp://127.0.0.1:9 does not answer" in done.stderr
    assert "without it the same work is done by processes of this machine" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (life.root / "first/bags").exists()


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.xdist_group("prefect")
def test_a_flow_has_its_batches_carried_out_by_dask(
    dask_cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("STRONGROOM_RUNNER", dask_cluster.runner)
    flow: FlowCommand = request.getfixturevalue("flow_command")
    (tmp_path / "source").mkdir()
    (tmp_path / "source/a.txt").write_text("a")
    manifest = tmp_path / "m.yaml"
    manifest.write_text("collection: ondask\nsource: source\nstores: [store]\n")
    before = dask_cluster.said().count("dask_worker")
    flow("store", "init", tmp_path / "store")
    assert flow("archive", manifest, "--quiet", "--json")["bag"] == "ondask/v1"
    assert flow.runs() == [("archive", "COMPLETED")]
    assert dask_cluster.said().count("dask_worker") == before  # nobody died
