"""The command: what it writes, what it refuses, and what it says when something cannot be read."""

from __future__ import annotations

import os
import shutil

import pytest

from strongroom.cli.main import main
from tests.fixtures.catalogues import MARK
from tests.page.house import SECRET, Page


def run(*argv):
    return main(["report", "--quiet", *map(str, argv)])


def test_an_empty_installation(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STRONGROOM_MANIFESTS", str(tmp_path / "manifests"))
    assert run("--html", tmp_path / "page.html") == 0
    page = Page(tmp_path / "page.html")
    assert page.tile("Bags") == 0 and "Nothing was archived yet." in page.section("growth")
    assert "No store is known." in page.section("fixity")
    assert not [path for path in (tmp_path / "home").rglob("*") if path.name != MARK]
    assert "open it in a browser" in capfd.readouterr().out


def test_what_is_refused(house, tmp_path, capfd):
    page = tmp_path / "page.html"
    for arguments, said in (
        (("letters",), "go with --html"), (("--curator",), "go with --html"), (("--html", page, "--json"), "--json"),
        (("--html", page, "--last"), "--last"), (("--html", page, "nobody"), "no bag of a collection 'nobody'"),
        (("--html", page, "--attestations", tmp_path / "none.yaml"), "could not be read"),
    ):
        assert run(*arguments) == 2
        assert said in capfd.readouterr().err
    assert run("--html", page, SECRET) == 1
    assert "--curator" in capfd.readouterr().err
    assert not page.exists()


def test_the_page_is_replaced_at_once(house, tmp_path, capfd, monkeypatch):
    page = tmp_path / "page.html"
    page.write_text("old")
    assert run("--html", page) == 0
    assert page.read_text().startswith("<!DOCTYPE html>") and os.listdir(tmp_path) == ["page.html"]
    page.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("strongroom.usecases.page.write.os.fsync", full)
        assert run("--html", page) == 3
    assert "No space left" in capfd.readouterr().err
    assert page.read_text() == "old" and os.listdir(tmp_path) == ["page.html"]
    assert run("--html", tmp_path / "nowhere/page.html") == 3


def test_a_bag_that_cannot_be_read_is_named_and_counted_later(own_house, tmp_path, capfd):
    for number in (1, 2):
        (own_house.root / f"store{number}").rename(own_house.root / f"drawer{number}")
    shutil.rmtree(own_house.root / "home/kept", ignore_errors=True)
    assert run("--html", tmp_path / "page.html", "--curator") == 3
    page = Page(tmp_path / "page.html")
    assert page.tile("Bags") == 4 and "No figure about copies knows 4 bags" in page.section("totals")
    assert "not counted" in page.section("growth")
    assert "letters/v1" in capfd.readouterr().err
    for number in (1, 2):
        (own_house.root / f"drawer{number}").rename(own_house.root / f"store{number}")
    assert run("--html", tmp_path / "page.html", "--curator") == 0
    page = Page(tmp_path / "page.html")
    given, = (row[2] for row in page.table("Bytes given, by what they consist of") if row[0] == "Given")
    assert "No figure" not in page.section("totals") and page.tile("Size of all bags") == given


def test_bags_that_are_none_any_more_are_not_counted(own_house):
    report, _ = own_house.page(curator=True)
    shutil.rmtree(own_house.root / "home")
    before = report.figures.sharing
    own_house.archive("maps", stores=1)
    report, _ = own_house.page(curator=True)
    assert 0 < report.figures.sharing.given < before.given


def test_runs_and_logs(house, tmp_path, capfd):
    assert run("--html", tmp_path / "page.html", "--log") == 0
    page = Page(tmp_path / "page.html")
    runs = page.table("Runs of this installation, by job and how they ended")
    assert ["archive", "good", 3] in runs and ["audit", "good", 1] in runs  # the fourth archiving was of what may not be shown
    events = {(row[0], row[1]): row[2] for row in page.table("PREMIS events in the logs of 2 stores, whoever did them")}
    assert events["ingestion", "success"] == 4
    assert run("--html", tmp_path / "page.html", "--since", "2999-01-01") == 0
    assert "No run is remembered." in Page(tmp_path / "page.html").section("events")


def test_attestations_reach_the_page(house, tmp_path):
    file = tmp_path / "said.yaml"
    file.write_text("attested: {control-decided: {statement: only the keeper writes, by: K. Eeper}}\n")
    assert run("--html", tmp_path / "page.html", "--attestations", file) == 0
    page = Page(tmp_path / "page.html")
    levels = {row[0]: row[1] for row in page.table("Level reached in each area, and what the next one lacks")}
    assert levels["Control"] == "■□□□1: Know your content" and "only the keeper writes; K. Eeper" in page.section("levels")
    assert "here by said.yaml" in page.section("levels") and str(file) not in page.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(house, tmp_path, capfd):
    tmp_path.chmod(0o500)
    try:
        assert run("--html", tmp_path / "page.html") == 3
    finally:
        tmp_path.chmod(0o700)
    assert "could not be written" in capfd.readouterr().err
