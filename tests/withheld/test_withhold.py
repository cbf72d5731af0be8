"""A page is taken down: what is said before, what is written, and that no archive run brings it back."""

from __future__ import annotations

import json

import pytest

from strongroom.cli.main import main
from strongroom.collections.jsonschemas import Draft202012Validator
from strongroom.collections.schemas import load_schema
from strongroom.core.digests import Digest
from strongroom.core.errors import UsageError
from strongroom.core.tombstone import Action
from tests.withheld.site import HEX, PAGE, codes, contents, everything, tombstones


def test_what_is_shared_is_said_first_and_no_means_no(site):
    plans = []
    report = site.withhold("news", version=2, paths=["people/ana.html"], agree=False, plans=plans)
    (plan,) = plans
    assert (plan.contents, plan.bytes, plan.already) == (1, len(PAGE), 0)
    assert [(one.bag, one.paths) for one in plan.asked] == [("news/v2", ("data/people/ana.html",))]
    assert [(one.bag, one.paths) for one in plan.shared] == [("mirror/v1", ("data/copy.html",)), ("news/v1", ("data/people/ana.html",))]
    assert "  SHARED WITH mirror/v1: copy.html" in plan.summary()
    assert (report.done, tombstones(site.store("one")), tombstones(site.root / "home/kept")) == (False, [], [])


def test_a_tombstone_lies_in_the_store_and_the_bags_are_as_they_were(site):
    before = {path: path.read_bytes() for path in site.store("one").rglob("bags/**/*") if path.is_file()}
    site.withhold("news", paths=["people/*"], agents=("archivist: Ben",))
    (stone,) = tombstones(site.store("one"))
    assert (stone["sha256"], stone["number"], stone["action"], stone["bytes"]) == (HEX, 1, "withhold", len(PAGE))
    assert stone["agents"][1:] == ["archivist: Ben"]
    files = json.loads((site.store("one") / f"withheld/{HEX[:2]}/{HEX}/1.bags.json").read_bytes())
    assert files["bags"] == [{"bag": f"news/v{n}", "path": "data/people/ana.html"} for n in (1, 2)]
    assert {path: path.read_bytes() for path in before} == before
    log = b"".join(path.read_bytes() for path in site.store("one").glob("log/*/*.json"))
    assert b"deaccession" in log
    assert f"sha256:{HEX}".encode() in log


def test_the_next_crawl_does_not_bring_it_back(site):
    site.withhold("news", paths=["people/ana.html"])
    kept = contents(site.store("one"))
    site.write("news", "again.html", PAGE)
    site.write("news", "new.html", b"new")
    report = site.archive("news", reread=True)
    assert (report.outcome, report.excluded) == ("sealed", {"withheld": 2})
    assert codes(report) == {"source-withheld"}
    assert contents(site.store("one")) - kept == {Digest.of(b"new").hex}
    (v3,) = site.store("one").glob("bags/news/v3/*/bag")
    assert HEX not in (v3 / "manifest-sha256.txt").read_text()
    excluded = [line for line in (v3 / "metadata/structure.jsonl").read_text().splitlines() if "excluded" in line]
    assert [json.loads(line) for line in excluded] == [
        {"kind": "excluded", "path": f"data/{name}", "reason": "withheld"} for name in ("again.html", "people/ana.html")]
    again = site.archive("news")
    assert (again.outcome, again.bag, codes(again)) == ("unchanged", "news/v3", {"source-withheld"})


def test_a_new_store_never_gets_its_bytes(site):
    """A collection with a fresh store, in which nothing of the page ever lay: not in a pack, not in what is left of one, not at home."""
    site.withhold(digests=[Digest(HEX)])
    site.stores["fresh"] = [str(site.store("three"))]
    site.write("fresh", "a.html", PAGE)
    site.write("fresh", "b.html", b"another")
    assert site.archive("fresh").outcome == "sealed"
    assert contents(site.store("three")) == {Digest.of(b"another").hex}
    assert PAGE not in everything(site.store("three"))
    assert PAGE not in everything(site.root / "home")


def test_a_large_one_does_not_pass_through_the_store_either(site):
    large = bytes(range(256)) * (5 << 12)
    site.stores["big"] = [str(site.store("three"))]
    site.write("big", "film.bin", large)
    site.write("big", "x", b"x")
    site.withhold(digests=[Digest.of(large)])
    assert site.archive("big").excluded == {"withheld": 1}
    assert contents(site.store("three")) == {Digest.of(b"x").hex}


def test_what_was_removed_from_the_source_after_it_was_withheld_is_no_loss(site):
    site.withhold("news", paths=["people/ana.html"])
    site.settings["news"] = "max_loss: 0\n"
    (site.root / "sources/news/people/ana.html").unlink()
    assert site.archive("news").outcome == "sealed"
    (site.root / "sources/news/p1.html").unlink()
    with pytest.raises(Exception, match="max_loss"):
        site.archive("news")


def test_accrual_does_not_carry_it_over(site):
    site.settings["mirror"] = "mode: accrue\n"
    site.withhold("news", paths=["people/ana.html"])
    for path in (site.root / "sources/mirror").iterdir():
        path.unlink()
    site.write("mirror", "more.html", b"more")
    report = site.archive("mirror")
    assert (report.outcome, report.files, report.excluded) == ("sealed", 6, {"withheld": 1})


def test_lifted_it_comes_back_with_the_next_crawl(site):
    site.withhold("news", paths=["people/ana.html"])
    assert site.archive("news").excluded == {"withheld": 1}
    report = site.withhold("news", version=1, paths=["people/ana.html"], action=Action.LIFT, reason="the person changed their mind")
    assert report.plan.contents == 1
    assert [one["action"] for one in tombstones(site.store("one"))] == ["withhold", "lift"]
    report = site.archive("news")
    assert (report.outcome, report.excluded, report.files) == ("sealed", {}, 6)


def test_a_whole_collection_and_again(site):
    report = site.withhold("news")
    assert report.plan.contents == 7
    assert site.withhold("news").plan == report.plan.__class__(
        Action.WITHHOLD, 0, 0, 7, report.plan.asked, report.plan.shared)
    assert len(tombstones(site.store("one"))) == 7


def test_what_matches_nothing_or_is_no_bag(site):
    with pytest.raises(UsageError, match=r"nowhere\.html: matches no file of news"):
        site.withhold("news", paths=["nowhere.html", "p1.html"])
    with pytest.raises(UsageError, match="news/v9: no such bag"):
        site.withhold("news", version=9)
    with pytest.raises(UsageError, match="say what is meant"):
        site.withhold()


def test_the_command(site, monkeypatch, capsys):
    monkeypatch.setenv("STRONGROOM_HOME", str(site.context.home))
    command = ["withhold", "news", "--path", "people/ana.html", "--reason", "asked for", "--quiet"]
    assert main(command) == 2
    err = capsys.readouterr().err
    assert "Give --yes" in err
    assert "SHARED WITH mirror/v1: copy.html" in err
    assert not tombstones(site.store("one"))
    assert main([*command, "--yes", "--json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    Draft202012Validator(load_schema("withhold-report")).validate(report)
    assert (report["done"], report["contents"], len(report["shared"])) == (True, 1, 1)
    assert "SHARED WITH mirror/v1: copy.html" in err
    assert main([*command[:-1], "--yes"]) == 0
    assert "1 content is withheld already; nothing was to be done" in capsys.readouterr().out
    assert main([*command[:-1], "--quiet", "--yes", "--lift"]) == 0
    capsys.readouterr()
    assert main([*command[:-1], "--quiet", "--yes", "--lift"]) == 0
    assert "1 content is not withheld; nothing was to be done" in capsys.readouterr().out
