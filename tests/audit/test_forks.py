"""Two bags under one label in one store: neither is damaged, and the fork is said."""

from __future__ import annotations

import json
import shutil

import pytest

from strongroom.catalogue import Catalogue
from strongroom.core.outcomes import CheckOutcome
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from tests.fixtures.findings import said
from tests.fixtures.seals import altered
from tests.replicate.conftest import Place

BOTH = ["one", "two"]


@pytest.fixture
def forked(tmp_path, runner):
    """A place where `site/v1` was sealed twice, and a collection that was not."""
    place = Place(tmp_path, runner)
    for store in BOTH:
        place.add_store(store)
    place.write("site", "page", b"one history")
    place.archive("site", ["one"])
    (place.root / "home").rename(place.root / "first home")
    place.write("site", "only here", b"another history")
    place.archive("site", ["two"])
    place.write("calm", "page", b"a page")
    place.archive("calm", ["one"])
    assert place.replicate("site", BOTH).exit_status == 1
    assert (place.folder("one") / "bags/site/v1/seal.json~1").exists()
    return place


def look(place, store="one", **options):
    url = place.folder(store).as_uri()
    return audit(AuditRequest(stores=(url,), **options), place.context, place.runner)


def codes(report):
    return [finding.code.label for finding in report.findings if finding.severity.value == "error"]


@pytest.mark.parametrize("home", ["home", "first home", "no home"])
def test_both_bags_are_sound_and_the_fork_is_an_error_whoever_looks(forked, home):
    """By the catalogue that knows both, one that knows one of them, and none."""
    if home != "home":
        (forked.root / "home").rename(forked.root / "other home")
    if home == "first home":
        (forked.root / home).rename(forked.root / "home")
    for store in BOTH:
        report = look(forked, store)
        assert codes(report) == ["forked"], report.findings
        assert report.exit_status == 1
        assert not report.stores[0].unsound
        assert "damaged, missing or forked" in report.summary()[0]
    with Catalogue.open(forked.context.catalogue) as catalogue:
        assert len({row.seal for row in catalogue.bags("site")}) == 2


def test_a_fork_is_said_of_its_own_collection_only(forked):
    assert codes(look(forked, name="site")) == ["forked"]
    assert codes(look(forked, name="calm")) == []


@pytest.mark.parametrize("home", ["home", "no home"])
def test_damage_of_the_true_bag_does_not_leave_a_planted_seal_alone(forked, home):
    """The tag manifest that lost a line agrees with all it lists, and not with the seal that names it: the seal is not to blame."""
    if home == "no home":
        (forked.root / "home").rename(forked.root / "other home")
    folder = forked.folder("one") / "bags/calm/v1"
    attempt = json.loads((folder / "seal.json").read_bytes())["attempt"]
    shutil.copytree(folder / attempt, folder / ("f" * 32))
    (folder / "seal.json~1").write_bytes(altered((folder / "seal.json").read_bytes(), attempt="f" * 32))
    manifest = folder / attempt / "bag/tagmanifest-sha256.txt"
    manifest.chmod(0o644)
    manifest.write_bytes(b"".join(manifest.read_bytes().splitlines(keepends=True)[:-1]))
    report = look(forked, name="calm")
    assert "forked" in codes(report)
    unsound = {one.key for one in report.stores[0].unsound}
    assert f"bags/calm/v1/{attempt}/bag/tagmanifest-sha256.txt" in unsound
    assert not {key for key in unsound if "seal.json" in key}


def test_a_seal_with_a_few_bytes_changed_is_damage_and_no_fork(forked):
    """Its tag files agree with it all the same: nothing but what is known of the attempt's seal tells."""
    folder = forked.folder("one") / "bags/calm/v1"
    (folder / "seal.json~1").write_bytes(altered((folder / "seal.json").read_bytes(), sealed="2020-01-01T00:00:00Z"))
    report = look(forked, name="calm")
    assert [finding.code.label for finding in said(report)] == ["seal-copy-damaged"]
    assert [(one.key, one.outcome) for one in report.stores[0].unsound] == [("bags/calm/v1/seal.json~1", CheckOutcome.DAMAGED)]
