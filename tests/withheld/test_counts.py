"""What is withheld is counted where bags are listed, described and summed up."""

from __future__ import annotations

import json
import shutil

import pytest

from strongroom.cli.main import main
from strongroom.collections.jsonschemas import Draft202012Validator
from strongroom.collections.schemas import load_schema
from strongroom.core.tombstone import Action
from strongroom.usecases.listing import list_bags
from strongroom.usecases.rebuild.run import RebuildRequest, rebuild
from strongroom.usecases.show import show
from strongroom.usecases.status import status

REASON = "asked for by the person"


def listed(context):
    return {one.bag: one.withheld for one in list_bags(context).bags}


def counted(context):
    return {one.name: one.withheld for one in status(context).collections if one.versions}


def test_every_bag_that_has_the_page_counts_it_until_it_is_lifted(site):
    none, some = {"mirror/v1": 0, "news/v1": 0, "news/v2": 0}, {"mirror/v1": 1, "news/v1": 1, "news/v2": 1}
    assert (listed(site.context), counted(site.context)) == (none, {"mirror": 0, "news": 0})
    site.withhold("news", version=2, paths=["people/ana.html"])
    assert (listed(site.context), counted(site.context)) == (some, {"mirror": 1, "news": 1})
    site.withhold("news", paths=["p*.html"])
    assert (listed(site.context), counted(site.context)) == ({"mirror/v1": 1, "news/v1": 6, "news/v2": 6}, {"mirror": 1, "news": 7})
    site.withhold("news", action=Action.LIFT)
    assert (listed(site.context), counted(site.context)) == (none, {"mirror": 0, "news": 0})


def test_refused_they_count_nothing(site):
    site.withhold("news", paths=["people/ana.html"], agree=False)
    assert set(listed(site.context).values()) == {0}


def test_show_counts_by_the_tombstones_themselves(site):
    site.withhold("news", paths=["people/ana.html"])
    report = show("mirror", None, site.context)
    assert (report.withheld, report.withheld_paths) == (1, (("data/copy.html", REASON),))
    site.home = "elsewhere"
    report = show("news", 1, site.context, source=str(site.store("one")))
    assert (report.exit_status, report.withheld, report.withheld_paths) == (0, 1, (("data/people/ana.html", REASON),))


def test_a_rebuilt_catalogue_and_one_that_learns_by_replication_count_the_same(site):
    site.replicate("news", "mirror")
    site.withhold("news", paths=["people/ana.html"])
    counts = listed(site.context), counted(site.context)
    rebuild(RebuildRequest((str(site.store("one")),), replace=True), site.context, site.runner)
    assert (listed(site.context), counted(site.context)) == counts
    site.home = "elsewhere"
    rebuild(RebuildRequest((str(site.store("one")),)), site.context, site.runner)
    assert (listed(site.context), counted(site.context)) == counts
    site.withhold("news", paths=["people/ana.html"], action=Action.LIFT)
    assert set(listed(site.context).values()) == {0}
    site.home = "home"
    assert site.replicate("news").exit_status == 0
    assert set(listed(site.context).values()) == {0}


@pytest.mark.parametrize(("verb", "schema", "text"), [
    (["list"], "list-report", "(at least 1 withheld)"),
    (["show", "mirror"], "show-report", f"data/copy.html ({REASON})"),
    (["status"], "status-report", "Contents that are withheld: at least 1 of mirror, at least 1 of news."),
    (["report", "--since", "2020-01-01"], "report", "withheld   1 content; 1 is not withheld any more"),
])
def test_the_commands(site, monkeypatch, capsys, verb, schema, text):
    monkeypatch.setenv("STRONGROOM_HOME", str(site.context.home))
    command = ["withhold", "news", "--path", "people/ana.html", "--reason", REASON, "--quiet", "--yes"]
    assert main(command) == 0
    if verb[0] == "report":
        assert main([*command, "--lift"]) == 0
    capsys.readouterr()
    main(verb)
    assert text in capsys.readouterr().out
    main([*verb, "--json"])
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(load_schema(schema)).validate(document)
    assert '"withheld"' in json.dumps(document)


def test_a_store_that_is_listed_does_not_say(site):
    site.withhold("news", paths=["people/ana.html"])
    assert {one.withheld for one in list_bags(site.context, source=str(site.store("one"))).bags} == {None}
    shutil.rmtree(site.context.home)
    assert list_bags(site.context).bags == ()


def test_a_bag_that_could_not_be_read_is_why_it_is_at_least(site):
    site.withhold("mirror", paths=["copy.html"])
    for manifest in site.store("one").glob("bags/news/v1/*/bag/*.txt"):
        manifest.chmod(0o644)
        manifest.write_bytes(b"rot")
    for files in site.store("one").glob("withheld/*/*/*.bags.json"):  # which names the bags that had it then
        files.unlink()
    site.home = "elsewhere"
    rebuild(RebuildRequest((str(site.store("one")),)), site.context, site.runner)
    known = listed(site.context)
    assert known.get("news/v1", 0) == 0 and known["news/v2"] == known["mirror/v1"] == 1
    assert show("news", 2, site.context).withheld == 1
