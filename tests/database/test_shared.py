"""Lists in a folder that machines share: SQLite without memory in common, and locks that are tried before they are relied upon."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from strongroom.core.errors import UsageError
from strongroom.database import open_reader
from strongroom.database.shared import doubt, hold, shared_scratch
from strongroom.database.sqlite import Database
from strongroom.usecases.archive.claims import Claims, make_claims
from strongroom.usecases.context import Context
from strongroom.usecases.restore.plan import Plan


def mode(path: Path) -> str:
    """The journal mode that the file itself asks of whoever opens it."""
    with closing(sqlite3.connect(path)) as db:
        return str(db.execute("PRAGMA journal_mode").fetchone()[0])


@pytest.mark.parametrize("shared", [False, True])
def test_lists_of_a_run_need_no_shared_memory_in_a_shared_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: bool) -> None:
    if shared:
        monkeypatch.setenv("STRONGROOM_SCRATCH", str(tmp_path / "scratch"))
    context = Context(tmp_path / "home")
    with context.scratch("job") as folder:
        assert folder.is_relative_to(tmp_path / ("scratch" if shared else "home"))
        Plan(folder / "plan", create=True).close()
        make_claims(folder / "claims")
        monkeypatch.delenv("STRONGROOM_SCRATCH", raising=False)  # as on a worker's machine, which opens what was made
        Plan(folder / "plan").close()
        Claims(folder / "claims", 1).close()
        assert {mode(folder / "plan"), mode(folder / "claims")} == {"delete" if shared else "wal"}
    assert not folder.exists()


def test_who_reads_a_list_in_a_shared_folder_lets_others_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_SCRATCH", str(tmp_path))
    with Plan(tmp_path / "plan", create=True) as leader, Plan(tmp_path / "plan") as worker:
        leader.db.execute("PRAGMA busy_timeout = 0")
        leader.db.executemany("INSERT INTO content (id, sha, size, done) VALUES (?, ?, 1, 0)", [(n, n.to_bytes(32)) for n in range(500)])
        leader.db.executemany("INSERT INTO job (content, key, offset, length, frame, stored) VALUES (?, 'k', ?, 1, 0, 0)",
                              [(n, n) for n in range(500)])
        needs = worker.needs("k")
        next(needs)
        leader.finish_keys(["k"], [])  # raises if the worker's statement still holds the file
        assert len(list(needs)) == 499


def test_databases_elsewhere_keep_their_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_SCRATCH", str(tmp_path / "scratch"))
    Database(tmp_path / "other", "CREATE TABLE t (a);").close()
    assert mode(tmp_path / "other") == "wal"


def test_a_folder_without_its_root_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRONGROOM_SCRATCH", "scratch")
    with pytest.raises(UsageError, match="STRONGROOM_SCRATCH: expected a folder's path from / on"):
        shared_scratch()


def test_a_lock_is_seen_by_another_process_and_by_nobody_once_it_is_gone(tmp_path: Path) -> None:
    def ask() -> str:
        code = f"from pathlib import Path; from strongroom.database.shared import doubt; print(doubt(Path({str(tmp_path)!r})))"
        environment = {"PYTHONPATH": ":".join(sys.path)}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert "cannot be used there" in ask()
    first, second = hold(tmp_path), hold(tmp_path)
    assert ask() == "None"
    first.close()
    assert ask() == "None"
    second.close()
    assert "locks in" in ask()
    assert doubt(tmp_path) is not None


def test_a_folder_that_cannot_be_made_is_named_with_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STRONGROOM_SCRATCH", str(tmp_path / "file"))
    with pytest.raises(UsageError, match=f"STRONGROOM_SCRATCH.*{tmp_path}/file"), Context(tmp_path / "home").scratch("archive"):
        pass


def test_a_catalogue_that_a_worker_does_not_have_is_not_put_down_to_its_disk(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"catalogue.sqlite: is not there.*STRONGROOM_CATALOGUE"):
        open_reader(tmp_path / "catalogue.sqlite")
