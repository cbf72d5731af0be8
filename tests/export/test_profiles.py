"""BagIt profiles: what is missing is said first; what is made passes our rules and other people's validators."""

import json

import bagit
import bagit_profile
import pytest

from strongroom.cli.main import main
from strongroom.core.bag.conformity import Facts, check
from strongroom.core.bag.profile import parse_profile
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError, UsageError
from strongroom.core.seal import parse_seal
from strongroom.usecases.profiles import read_profile
from strongroom.usecases.verify import verify
from tests.export.conftest import STANDARDS, do, profile, tree, unpack


def judged(folder, name):
    """By bagit-python and bagit_profile, who know nothing of us."""
    rules = json.loads((STANDARDS / f"{name}.json").read_bytes())
    bag = bagit.Bag(str(folder))
    bag.validate()
    judge = bagit_profile.Profile(rules["BagIt-Profile-Info"]["BagIt-Profile-Identifier"], profile=rules)
    assert judge.validate(bag), judge.report
    return judge


@pytest.mark.parametrize(("name", "form"), [("btr", "tar"), ("btr", "dir"), ("aptrust", "tar")])
def test_public_profiles(lantern, tmp_path, name, form):
    file = tmp_path / ("out" if form == "dir" else f"out.{form}")
    report = do(lantern, file.name, form, profile=STANDARDS / f"{name}.json")
    assert report.exit_status == 0 and not report.unchanged, report.findings
    folder = file if form == "dir" else unpack(file, tmp_path / "unpacked")
    assert judged(folder, name).validate_serialization(str(file))
    verdict = verify(folder, profile=None if name == "aptrust" else read_profile(STANDARDS / "btr.json"))
    assert verdict.valid, verdict.findings
    assert ("md5" in verdict.payload_algorithms) == (name == "aptrust")
    assert {path: data for path, data in tree(folder).items() if path.startswith("data/")} == lantern.payload(2)
    info = (folder / "bag-info.txt").read_text()
    assert "Source-Organization: Example Archive\n" in info and "Contact-Email: keeper@example.org\n" in info


def test_the_sealed_bag_can_be_proved_from_the_exported_one(lantern, tmp_path):
    do(lantern, "out", "dir", profile=STANDARDS / "btr.json", ro_crate=True, premis=True)
    bag, proof = tmp_path / "out", tmp_path / "out/metadata/strongroom"
    seal = parse_seal((proof / "seal.json").read_bytes(), what="seal")
    assert (proof / "seal.json").read_bytes() == (lantern.store / "bags/site/v2/seal.json").read_bytes()

    def sealed(path):
        return (proof / "sealed" / path if (proof / "sealed" / path).exists() else bag / path).read_bytes()

    listed = set()
    for name, digest in seal.tag_manifests.items():
        data = sealed(name)
        assert Digest.of(data) == digest
        if name == "tagmanifest-sha256.txt":
            for line in data.decode().splitlines():
                expected, path = line.split("  ")
                assert Digest.of(sealed(path)).hex == expected
                listed.add(path)
    assert listed >= {"bag-info.txt", "fetch.txt", "manifest-sha256.txt", "metadata/events.jsonl"}
    said = json.loads((proof / "export.json").read_bytes())
    assert said["seal"] == Digest.of((proof / "seal.json").read_bytes()).hex and said["left_out"] == []


def test_what_is_missing_is_said_with_the_place_to_add_it(site, tmp_path):
    site.run()
    rules = profile("aptrust", tmp_path, **{"Bag-Info": {
        "Source-Organization": {"required": True}, "Contact-Email": {"required": True}, "Project": {"required": True, "values": ["X"]}}})
    report = do(site, "out.tar", "tar", profile=rules)
    assert report.exit_status == 1 and report.result is None and not (tmp_path / "out.tar").exists()
    said = "\n".join(str(one) for one in report.findings)
    for needed in (
        "`agents:`, an entry with `role: custodian`", "`email:`", "`export:`, `bag_info:`, `Project:`", "one of X",
        "`tag_files:`, `aptrust-info.txt:`", str(site.root / "site.yaml"),
    ):
        assert needed in said
    # Added to the manifest as it is now: no new bag is needed.
    site.settings = (
        "agents: [{name: A, role: custodian, email: a@example.org}]\n"
        "export: {bag_info: {Project: X}, tag_files: {aptrust-info.txt: {Title: T}}}\n"
    )
    site.manifest()
    done = do(site, "out.tar", "tar", profile=rules)
    assert done.exit_status == 0, done.findings
    assert site.versions() == ["v1"]
    top = unpack(tmp_path / "out.tar", tmp_path / "unpacked")
    assert (top / "aptrust-info.txt").read_text() == "Title: T\n" and verify(top).valid


@pytest.mark.parametrize(("form", "changes", "said"), [
    ("dir", {}, "(Serialization)"),
    ("zip", {}, "accepted are application/tar"),
    ("tar", {"Serialization": "forbidden"}, "must be a folder"),
    ("tar", {"Accept-BagIt-Version": ["0.97"]}, "accepted are 0.97"),
    ("tar", {"Data-Empty": True}, "(Data-Empty)"),
    ("tar", {"Manifests-Required": ["whirlpool"], "Manifests-Allowed": None}, "manifest-whirlpool.txt"),
    ("tar", {"Payload-Files-Required": ["data/index.html", "data/pages/", "data/LICENSE"]}, "data/LICENSE: is required"),
    ("tar", {"Payload-Files-Allowed": ["data/*.html"]}, "data/new.txt: is not among"),
])
def test_what_cannot_be_made_for_a_profile_is_not_made(lantern, tmp_path, form, changes, said):
    (lantern.source / "back\\slash").unlink()
    lantern.run()
    report = do(lantern, "out", form, profile=profile("aptrust", tmp_path, **changes))
    assert report.exit_status == 1 and report.result is None
    assert said in "\n".join(str(one) for one in report.findings)
    assert not [one for one in tmp_path.iterdir() if "out" in one.name]


def test_tag_files_that_are_not_allowed_are_left_out_and_said(lantern, tmp_path):
    rules = profile("btr", tmp_path, **{"Tag-Files-Allowed": ["metadata/collection.json"]})
    report = do(lantern, "out", "dir", profile=rules)
    assert report.exit_status == 0 and verify(tmp_path / "out", profile=read_profile(rules)).valid
    left = [one.place for one in report.findings if one.code.label == "export-left-out"]
    assert "site/v2: metadata/events.jsonl" in left and "site/v2: metadata/strongroom/seal.json" in left
    assert [path for path in tree(tmp_path / "out") if path.startswith("metadata/")] == ["metadata/collection.json"]


def test_fetch_txt_is_kept_where_it_is_required_and_a_lone_sha1_is_made(lantern, tmp_path):
    changes = {"Allow-Fetch.txt": True, "Fetch.txt-Required": True, "Manifests-Allowed": ["sha1"], "Tag-Manifests-Allowed": ["sha512"]}
    rules = profile("btr", tmp_path, **changes)
    assert do(lantern, "out", "dir", profile=rules).exit_status == 0
    verdict = verify(tmp_path / "out", profile=read_profile(rules))
    assert verdict.valid and verdict.payload_algorithms == ("sha1",) and verdict.tag_algorithms == ("sha512",)
    assert (tmp_path / "out/fetch.txt").read_bytes() == (lantern.bag(2) / "fetch.txt").read_bytes()


def test_verify_lists_every_rule_that_is_broken(lantern, tmp_path, capsys):
    do(lantern, "out", "dir")
    assert main(["verify", str(tmp_path / "out"), "--profile", str(STANDARDS / "aptrust.json")]) == 1
    said = capsys.readouterr().err
    for rule in ("Serialization", "BagIt-Profile-Identifier", "Manifests-Required", "Tag-Files-Required", "Allow-Fetch.txt"):
        assert f"({rule})" in said
    assert said.count("[bag-profile]") == 5


EMPTY = {"BagIt-Profile-Info": {"BagIt-Profile-Identifier": "urn:p"}}


@pytest.mark.parametrize("value", [
    [], {}, {"BagIt-Profile-Info": {}}, EMPTY | {"Serialization": "maybe"}, EMPTY | {"Manifests-Required": "md5"},
    EMPTY | {"Manifests-Required": ["md5"], "Manifests-Allowed": ["sha1"]}, EMPTY | {"Bag-Info": {"X": {"require": True}}},
    EMPTY | {"Bag-Info": {"X": {"required": "yes"}}}, EMPTY | {"Allow-Fetch.txt": False, "Fetch.txt-Required": True},
])
def test_what_is_no_profile(value, tmp_path):
    with pytest.raises(InvalidValueError, match="not a BagIt profile"):
        parse_profile(value, what="it")
    (tmp_path / "p.json").write_text(json.dumps(value))
    with pytest.raises(UsageError, match=r"p\.json"):
        read_profile(tmp_path / "p.json")


def test_the_rules_one_by_one():
    def broken(profile, **facts):
        base = {
            "version": "1.0", "info": [("BagIt-Profile-Identifier", "urn:p")], "manifests": frozenset({"sha256"}),
            "tag_manifests": frozenset(), "tag_files": ("bagit.txt",), "payload": tuple, "payload_files": 0, "payload_bytes": 0,
        }
        return [one.rule for one in check(parse_profile(EMPTY | profile, what="p"), Facts(**(base | facts)))]

    assert broken({}) == [] == broken({"Manifests-Required": ["SHA-256"]})
    assert broken({}, info=[]) == ["BagIt-Profile-Identifier"]
    identified = ("BagIt-Profile-Identifier", "urn:p")
    assert broken({"Bag-Info": {"A": {"repeatable": False}}}, info=[identified, ("a", "1"), ("A", "2")]) == ["Bag-Info"]
    assert broken({"Bag-Info": {"A": {"values": ["1"]}}}, info=[identified, ("A", "2")]) == ["Bag-Info"]
    assert broken({"Tag-Manifests-Required": ["md5"]}) == ["Tag-Manifests-Required"]
    assert broken({"Manifests-Allowed": ["md5"]}) == ["Manifests-Allowed"]
    assert broken({"Tag-Files-Allowed": ["a/*"]}, tag_files=("a/b/c", "b", "fetch.txt")) == ["Tag-Files-Allowed"]
    assert broken({"Data-Empty": True}, payload_files=1) == [] and broken({"Data-Empty": True}, payload_files=2) == ["Data-Empty"]
    assert broken({"Accept-BagIt-Version": ["0.97"]}) == ["Accept-BagIt-Version"]
    assert broken({"Payload-Files-Required": ["data/a/"]}, payload=lambda: ["data/ab"]) == ["Payload-Files-Required"]
