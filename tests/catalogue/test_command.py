"""The command line with a catalogue in PostgreSQL: the same answers, a server that is gone, a rebuild, and a password that nobody sees."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.postgres import PostgresServer, running_postgres

ROOT = Path(__file__).parents[2]


class Machine:
    """One of several that share a catalogue and a store."""

    def __init__(self, root: Path, name: str, env: dict[str, str]) -> None:
        self.root, self.home, self.env = root, root / name, env
        self.said = ""

    def run(self, *arguments: str, status: int = 0) -> str:
        env = {"PATH": os.environ["PATH"], "HOME": str(self.root), "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
               "STRONGROOM_HOME": str(self.home), **self.env}
        command = [sys.executable, "-P", "-m", "strongroom", *arguments]
        done = subprocess.run(command, env=env, cwd=self.root, capture_output=True, text=True, check=False)
        self.said += done.stdout + done.stderr
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """One of its own, which the test stops."""
    with running_postgres() as made:
        yield made


def test_two_machines_share_it_and_lose_it(tmp_path: Path, server: PostgresServer) -> None:
    env = server.env(server.place(tmp_path, "strongroom"))
    one, two = (Machine(tmp_path, name, env) for name in ("one", "two"))
    for name in ("a/b.txt", "c.bin", "größe.txt"):
        file = tmp_path / "source" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode() * 100)
    manifest = tmp_path / "site.yaml"
    manifest.write_text(f"collection: site\nsource: {tmp_path / 'source'}\nstores: [{tmp_path / 'store'}]\n")
    one.run("store", "init", str(tmp_path / "store"))
    one.run("archive", str(manifest), "--no-prefect")
    assert "site/v1" in two.run("show", "site/v1")
    (tmp_path / "source/c.bin").write_bytes(b"changed")
    two.run("archive", str(manifest), "--no-prefect")
    unchanged = one.run("archive", str(manifest), "--no-prefect")
    assert "site/v3" not in unchanged
    one.run("audit", "--store", str(tmp_path / "store"), "--no-prefect")
    known = json.loads(one.run("list", "--json"))
    assert json.loads(two.run("list", "--json")) == known

    one.run("rebuild", "--store", str(tmp_path / "store"), "--no-prefect", status=2)
    assert "strongroom_2" in two.run("rebuild", "--store", str(tmp_path / "store"), "--replace", "--no-prefect")
    server.ask("DROP SCHEMA strongroom CASCADE")
    one.run("rebuild", "--store", str(tmp_path / "store"), "--no-prefect")
    assert "site/v3" not in one.run("archive", str(manifest), "--no-prefect")
    assert json.loads(two.run("list", "--json"))["bags"] == known["bags"]
    assert not (tmp_path / "one/catalogue.sqlite").exists()

    server.stop()
    gone = one.run("archive", str(manifest), "--no-prefect", status=3)
    assert "cannot be reached" in gone
    assert "strongroom rebuild" in gone
    assert "Traceback" not in gone

    for said in (one.said, two.said):
        assert server.password not in said
    for folder in ("one", "two", "store"):
        for path in (tmp_path / folder).rglob("*"):
            assert not path.is_file() or server.password.encode() not in path.read_bytes(), path
