"""What runs leave behind: in the catalogue, in the digest, and in the logs of the stores."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from strongroom.catalogue import Catalogue
from strongroom.catalogue.runs import begin_run, end_run, last_run
from strongroom.cli.main import main
from strongroom.collections.schemas import load_schema
from strongroom.usecases.context import Context
from strongroom.usecases.report.run import report
from tests.fixtures.catalogues import lose

ROOT = Path(__file__).parents[2]


def run(*argv):
    return main([argv[0], "--no-prefect", "--quiet", "--workers", "1", *map(str, argv[1:])])


def document(capfd, *argv, status=0):
    capfd.readouterr()
    assert main(["report", *argv, "--json"]) == status
    value = json.loads(capfd.readouterr().out)
    jsonschema.Draft202012Validator(load_schema("report")).validate(value)
    return value


def test_nothing_was_run_yet(home, capfd):
    assert document(capfd)["runs"] == []
    assert main(["report"]) == 0
    assert capfd.readouterr().out == "Nothing was run yet.\n"


def test_the_last_run_and_those_of_a_period(site, capfd):
    manifest = site.manifest()
    assert run("archive", manifest) == 0
    assert run("archive", manifest) == 0
    assert run("audit") == 0
    last = document(capfd)
    assert [(one["job"], one["outcome"], one["exit_status"]) for one in last["runs"]] == [("audit", "good", 0)]
    assert last["since"] is None and last["totals"]["audits"] == 1 and last["totals"]["bytes_read"] > 0
    value = document(capfd, "--since", "2020-01-01")
    assert [(one["job"], one["collection"]) for one in value["runs"]] == [("archive", "site"), ("archive", "site"), ("audit", None)]
    totals = value["totals"]
    assert totals["bags_made"] == ["site/v1"] and totals["outcomes"] == {"good": 3} and totals["checked"]["sound"] > 3
    assert value["runs"][0]["report"]["payload"]["files"] == 4 and "site/v1 sealed." in value["runs"][0]["lines"]
    assert document(capfd, "--since", "2999-01-01")["runs"] == []
    assert main(["report", "--since", "yesterday"]) == 2
    assert "not a date" in capfd.readouterr().err


def test_the_digest_for_people(site, capfd):
    run("archive", site.manifest())
    capfd.readouterr()
    assert main(["report", "--since", "2020-01-01"]) == 0
    out = capfd.readouterr().out
    assert "bags made  1: site/v1" in out and "archive site: all well" in out and "4 files" in out


def test_findings_are_counted_and_the_gravest_named_first(site, capfd):
    records = "".join(f"missing-{number}.html,title {number}\n" for number in range(80))
    site.write("metadata.csv", "filename,dc.title\n" + records)
    os.mkfifo(site.source / "pipe")
    (site.source / "secret").write_text("x")
    site.settings = "symlinks: refuse\n"
    (site.source / "link").symlink_to("index.html")
    assert run("archive", site.manifest()) == 1
    (one,) = document(capfd)["runs"]
    assert one["outcome"] == "errors" and one["counts"]["error"] >= 1 and one["counts"]["warning"] >= 81
    assert len(one["findings"]) == 50 and one["findings"][0]["severity"] == "error"
    assert "findings" not in one["report"]
    assert main(["report"]) == 0
    assert "of severity warning" in capfd.readouterr().out


def test_a_run_that_could_not_be_done_is_remembered_with_its_reason(site, capfd):
    site.store.rename(site.root / "drawer")
    assert run("archive", site.manifest()) == 3
    (one,) = document(capfd)["runs"]
    assert (one["outcome"], one["exit_status"], one["report"]) == ("failed", 3, None)
    assert "store" in one["lines"][0]
    assert main(["status"]) == 0


def test_a_dry_run_is_no_run(site, capfd):
    assert run("archive", "--dry-run", site.manifest()) == 0
    assert document(capfd)["runs"] == []


#: The command, which stops when it has opened an attempt, so that it is ended there and nowhere else.
STOPPING = """
import os, signal, sys
from strongroom.cli.main import main
from strongroom.stores.file import FileStore
from tests.fixtures.catalogues import lose
real = FileStore.put
def put(store, key, data, *, sha256):
    real(store, key, data, sha256=sha256)
    if key.text.endswith("/open"):
        os.kill(os.getpid(), signal.SIGSTOP)
FileStore.put = put
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(("sent", "outcome", "status"), [(signal.SIGTERM, "interrupted", 130), (signal.SIGKILL, "under way", None)])
def test_a_run_that_is_stopped(site, home, sent, outcome, status, capfd):
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-c", STOPPING, "archive", "--no-prefect", "--workers", "1", site.manifest()]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, how = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(how), "it ended before it was stopped"
        process.send_signal(sent)
        process.send_signal(signal.SIGCONT)
        process.wait(300)
    assert list(site.store.glob("bags/site/v1/*/open")) and not list(site.store.glob("bags/site/v1/seal.json"))
    (one,) = document(capfd)["runs"]
    assert (one["outcome"], one["exit_status"]) == (outcome, status)


@pytest.mark.sqlite_only("a folder in the place of a file; tests/catalogue/test_command.py has a server that is gone")
def test_a_catalogue_that_cannot_be_used_does_not_stop_a_restore(site, home, tmp_path, capfd):
    assert run("archive", site.manifest()) == 0
    lose(home)
    (home / "catalogue.sqlite").mkdir()
    capfd.readouterr()
    status = run("restore", "site", tmp_path / "out", "--from", site.store)
    said = capfd.readouterr().err
    assert "this run is not remembered" in said
    assert status in (0, 3)


def test_the_logs_tell_what_others_did(site, home, capfd):
    run("archive", site.manifest())
    site.home = "elsewhere"  # another installation
    site.write("new.html", "<title>new")
    site.run()
    value = document(capfd, "--since", "2020-01-01", "--log")
    assert len(value["runs"]) == 1
    events = {(one["type"], one["outcome"]): one["count"] for one in value["log"]["events"]}
    assert events["ingestion", "success"] == 2 and value["log"]["unreachable"] == []
    site.store.rename(site.root / "drawer")
    value = document(capfd, "--since", "2020-01-01", "--log", status=3)
    assert len(value["log"]["unreachable"]) == 1 and value["log"]["events"] == []


@pytest.mark.sqlite_only("counts the steps of SQLite's machine")
def test_many_runs_are_quick_to_look_through(home, monkeypatch):
    """Few steps of SQLite's machine, each of 100 instructions, where looking at every run would take thousands."""
    steps, connect = [], sqlite3.connect

    def counted(*args, **kwargs):
        db = connect(*args, **kwargs)
        db.set_progress_handler(lambda: steps.append(1), 100)  # gives None: go on
        return db

    monkeypatch.setattr(sqlite3, "connect", counted)
    home.mkdir()
    with Catalogue.open(Context(home).catalogue) as catalogue:
        with catalogue.transaction() as db:
            rows = ((f"c{number % 1000}", f"2026-01-01T00:{number % 60:02}:00Z") for number in range(50_000))
            sql = "INSERT INTO runs (job, collection, store, started, outcome, summary) VALUES ('archive', ?, '', ?, 'good', '{}')"
            db.executemany(sql, rows)
        number = begin_run(catalogue, "audit", "", "")
        end_run(catalogue, number, "good", 0, {"lines": ["all sound"]})
        steps.clear()
        assert (last := last_run(catalogue)) is not None and last.job == "audit"
        assert len(report(Context(home)).runs) == 1
        assert len(steps) < 500


def test_a_catalogue_locked_for_good_is_said_and_the_run_goes_on(site, home, capfd, monkeypatch):
    run("archive", site.manifest())
    monkeypatch.setattr("strongroom.usecases.recording.begin_run", lambda *_: (_ for _ in ()).throw(sqlite3.OperationalError("locked")))
    capfd.readouterr()
    assert run("archive", site.manifest()) == 0
    assert "this run is not remembered: locked" in capfd.readouterr().err
