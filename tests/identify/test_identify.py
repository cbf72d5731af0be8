"""Identifying what is stored: by newer signatures, without the source, once."""

from __future__ import annotations

import json
import shutil

import pytest

from strongroom.catalogue import Catalogue
from strongroom.catalogue.formats import bag_formats, format_of, formats_now
from strongroom.core.errors import UsageError
from strongroom.runner.local import LocalRunner
from strongroom.usecases.context import Context
from strongroom.usecases.identify.run import identify
from tests.archive.conftest import Site
from tests.fixtures.catalogues import tables


@pytest.fixture
def kept(site: Site) -> Site:
    site.write("style.css", "a { color: red }\n")
    site.write("big.bin", b"\x89PNG nothing" + bytes(9 << 20))
    site.run()
    site.write("notes.md", "# Notes\n")
    site.run()
    shutil.rmtree(site.source)
    return site


def context(site: Site) -> Context:
    return Context(site.root / site.home)


def pretend_older(site: Site) -> None:
    """Every verdict is of earlier signatures, which took style sheets for something else."""
    with tables(context(site).home) as db:
        db.execute("UPDATE verdicts SET signatures = 'libmagic 500, siegfried 1.0.0'")
        db.execute("UPDATE verdicts SET puid = 'x-fmt/111', name = 'Plain Text File' WHERE puid = 'x-fmt/224'")


def logged(site: Site) -> list[dict[str, str]]:
    events = [event for path in sorted(site.store.glob("log/*/*.json")) for event in json.loads(path.read_bytes())["events"]]
    return [event for event in events if event["eventType"] == "format identification"]


def test_what_is_known_is_not_read_and_newer_signatures_judge_again(kept: Site, runner: LocalRunner) -> None:
    again = identify(context(kept), runner)
    assert (again.exit_status, again.bags, again.contents, again.bytes) == (0, 2, 0, 0) and again.known == 6 + 7
    before = logged(kept)
    with Catalogue.open(context(kept).catalogue) as catalogue:
        totals = formats_now(catalogue, "site")
    pretend_older(kept)
    report = identify(context(kept), runner, name="site")
    assert report.exit_status == 0 and report.findings == () and report.contents == 6  # distinct ones, of both bags
    assert report.changes == (("Plain Text File (x-fmt/111, text/css)", "Cascading Style Sheet (x-fmt/224, text/css)", 1),)
    assert "siegfried 1.11" in report.signatures
    with Catalogue.open(context(kept).catalogue) as catalogue:
        assert formats_now(catalogue, "site") == totals
        assert sum(one.files for one in bag_formats(catalogue, catalogue.bags("site")[0].seal)) == 6
        assert format_of(catalogue, bytes.fromhex(kept.lines(1, "metadata/duplicates.jsonl")[0]["sha256"]), "html").puid == "fmt/471"
    events = logged(kept)[len(before):]
    assert [event["linkingObjectIdentifier"][0] for event in events] == ["site/v1", "site/v2"]
    assert "5 contents in this run" in events[0]["eventDetail"] and "DROID_SignatureFile" in events[0]["eventDetail"]
    assert identify(context(kept), runner, name="site").contents == 0


def test_only_the_bag_that_is_named(kept: Site, runner: LocalRunner) -> None:
    pretend_older(kept)
    assert identify(context(kept), runner, name="site", version=1).contents == 5
    assert identify(context(kept), runner, name="site", version=2).contents == 1


def test_a_damaged_content_is_said_and_the_others_are_identified(kept: Site, runner: LocalRunner) -> None:
    pretend_older(kept)
    large = next(path for path in kept.store.glob("content/*/*") if "." not in path.name)
    large.chmod(0o644)
    large.write_bytes(b"x" + large.read_bytes()[1:])
    report = identify(context(kept), runner, name="site")
    assert report.exit_status == 1 and report.contents == 5
    assert {finding.code.label for finding in report.findings} >= {"content-damaged"}


def test_one_that_was_not_to_be_identified_is_left_alone_unless_named(site: Site, runner: LocalRunner) -> None:
    site.settings = "identify: false\n"
    report = site.run()
    assert report.findings == () and not (site.bag(1) / "metadata/formats.jsonl").exists()
    assert all("type" not in line and "puid" not in line for line in site.lines(1, "metadata/technical.jsonl"))
    assert identify(context(site), runner).bags == 0
    assert identify(context(site), runner, name="site").contents == 3


def test_nothing_known_is_wrong_usage(site: Site, runner: LocalRunner) -> None:
    with pytest.raises(UsageError, match="no bag"):
        identify(context(site), runner)
