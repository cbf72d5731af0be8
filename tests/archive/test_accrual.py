"""`mode: accrue`: deliveries are added, nothing that was held is lost."""

import os
import shutil

import pytest

from strongroom.usecases.archive.attempt import Attempt
from strongroom.usecases.context import Context
from strongroom.usecases.restore import RestoreRequest, restore
from tests.fixtures.attempts import before_the_first_seal


@pytest.fixture
def deliveries(site):
    site.settings = "mode: accrue\n"
    return site


def replace_source(site, **files):
    shutil.rmtree(site.source)
    site.source.mkdir()
    for name, data in files.items():
        site.write(name.replace("__", "/"), data)


def test_a_delivered_file_that_cannot_be_read_leaves_what_was_held(deliveries, monkeypatch):
    deliveries.run()
    deliveries.write("index.html", b"newer, but going away")
    os.utime(deliveries.source / "index.html", ns=(1, 1))
    gone = deliveries.source / "index.html"
    real = Attempt.open.__func__

    def open_and_lose(cls, store, bag):
        gone.unlink()
        return real(cls, store, bag)

    monkeypatch.setattr(Attempt, "open", classmethod(open_and_lose))
    report = deliveries.run()
    assert "source-vanished" in deliveries.codes(report)
    assert report.exit_status == 1
    last = deliveries.versions()[-1]
    assert deliveries.payload(int(last[1:]))["data/index.html"].endswith(b"Welcome")


def test_records_of_carried_files_are_kept_and_do_not_have_to_be_delivered_again(deliveries):
    deliveries.settings = "mode: accrue\nmetadata: {on_invalid: hold, every_file: true}\n"
    replace_source(deliveries, **{"a.html": b"a", "b.html": b"b"})
    deliveries.write("metadata.csv", "filename,dc.title\na.html,A\nb.html,B\nmetadata.csv,table\n")
    assert deliveries.run().bag == "site/v1"
    assert set(deliveries.payload(1)) >= {"data/a.html", "data/b.html"}
    replace_source(deliveries, **{"c.html": b"c"})
    deliveries.write("metadata.csv", "filename,dc.title\nc.html,C\nmetadata.csv,table\n")
    assert deliveries.run().bag == "site/v2"
    assert {"data/a.html", "data/b.html", "data/c.html"} <= set(deliveries.payload(2))
    records = {line["filename"]: line for line in deliveries.lines(2, "metadata/records/records.jsonl")}
    assert {"data/a.html", "data/b.html", "data/c.html"} <= set(records)
    replace_source(deliveries, **{"d.html": b"d"})
    deliveries.settings = "mode: accrue\n"
    deliveries.run()
    assert "data/a.html" in {line["filename"] for line in deliveries.lines(3, "metadata/records/records.jsonl")}


@pytest.mark.parametrize("change", ["file to folder", "folder to file", "file to link", "folder to link"])
def test_where_kinds_differ_the_delivery_wins_and_the_bag_can_be_restored(deliveries, runner, change):
    if change.startswith("file"):
        replace_source(deliveries, x=b"file", other=b"o")
    else:
        replace_source(deliveries, x__y=b"in folder", other=b"o")
    deliveries.run()
    replace_source(deliveries, third=b"t")
    if change.endswith("folder"):
        deliveries.write("x/y", b"now a folder")
    elif change.endswith("file"):
        deliveries.write("x", b"now a file")
    else:
        (deliveries.source / "x").symlink_to("third")
    report = deliveries.run()
    assert report.bag == "site/v2"
    assert "source-replaced" in deliveries.codes(report)
    assert {"data/other", "data/third"} <= set(deliveries.payload(2))
    done = restore(RestoreRequest("site", deliveries.root / "out", payload_only=True), Context(deliveries.root / "home"), runner)
    assert done.exit_status == 0
    assert (deliveries.root / "out/other").read_bytes() == b"o"
    assert (deliveries.root / "out/x").is_symlink() is change.endswith("link")


def test_the_loser_of_a_race_carries_over_what_the_winner_added(deliveries, monkeypatch):
    deliveries.run()
    other = type(deliveries)(deliveries.root / "elsewhere", deliveries.runner, "mode: accrue\n", store_url=str(deliveries.store))
    other.write("theirs", b"theirs")
    won = []
    before_the_first_seal(monkeypatch, lambda: won.append(other.run().bag))
    deliveries.write("ours", b"ours")
    assert (deliveries.run().bag, won) == ("site/v3", ["site/v2"])
    payload = deliveries.payload(3)
    assert (payload["data/ours"], payload["data/theirs"]) == (b"ours", b"theirs")


