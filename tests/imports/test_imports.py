"""Bags of others become bags of ours, with all they say of themselves."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import bagit
import pytest

from strongroom.core.digests import Digest
from strongroom.usecases.rebuild.run import RebuildRequest, rebuild
from strongroom.usecases.restore import RestoreRequest
from strongroom.usecases.restore.run import restore
from strongroom.usecases.verify import verify
from tests.imports.archives import END, tar_of, zip_of, zipped
from tests.imports.conftest import Intake
from tests.imports.hostile import good
from tests.verify.conformance.builder import PAYLOAD
from tests.verify.conformance.cases import CASES, Case
from tests.verify.snapshot import snapshot

FORMS = ["folder", "tar", "gnu.tar", "pax.tar", "tar.gz", "tgz", "zip"]


def packed(bag: Path, form: str) -> Path:
    """The bag in this form beside itself, made by the usual programs."""
    path = bag.with_name(f"{bag.name}.{form}")
    match form:
        case "folder":
            return bag
        case "zip":
            shutil.make_archive(str(bag), "zip", bag.parent, bag.name)
        case "tar.gz" | "tgz":
            subprocess.run(["tar", "-C", bag.parent, "-czf", path, bag.name], check=True)
        case _:
            how = {"tar": "ustar", "gnu.tar": "gnu", "pax.tar": "pax"}[form]
            subprocess.run(["tar", "-C", bag.parent, f"--format={how}", "-cf", path, bag.name], check=True)
    return path


def test_a_valid_bag_of_any_version_is_imported_and_nothing_in_it_touched(intake: Intake, tmp_path: Path) -> None:
    valid = [case for case in CASES if case.outcome != "invalid"]
    bags = [case.make(tmp_path / "bags" / f"bag{number}") for number, case in enumerate(valid)]
    before = snapshot(tmp_path / "bags")
    report = intake.take(*bags, fetched=True)
    links = {str(bag) for bag in bags if any(path.is_symlink() for path in bag.rglob("*"))}
    assert [bag.path for bag in report.bags if bag.outcome != "sealed"] == sorted(links)
    assert snapshot(tmp_path / "bags") == before
    for bag, done in zip(bags, report.bags, strict=True):
        if done.outcome == "sealed":
            site = intake.site(done.archived.collection)
            there = {str(path.relative_to(bag)): path.read_bytes() for path in (bag / "data").rglob("*") if path.is_file()}
            assert site.payload(1) == there
            kept = {line["path"]: (site.bag(1) / line["file"]).read_bytes() for line in site.lines(1, "metadata/imported/tags.jsonl")}
            assert kept == {str(path.relative_to(bag)): path.read_bytes() for path in bag.rglob("*")
                            if path.is_file() and not path.is_relative_to(bag / "data")}


@pytest.mark.parametrize("case", [case for case in CASES if case.outcome == "invalid"], ids=str)
def test_an_invalid_bag_is_refused(case: Case, intake: Intake, tmp_path: Path) -> None:
    report = intake.take(case.make(tmp_path / "bag"))
    assert [bag.outcome for bag in report.bags] == ["refused"]
    assert report.exit_status == 1
    assert intake.bags() == []


@pytest.mark.parametrize("form", FORMS)
def test_a_bag_of_bagit_python_in_each_form(form: str, intake: Intake, tmp_path: Path) -> None:
    bag = tmp_path / "letters"
    deep = bag / ("d" * 90) / ("e" * 40)
    deep.mkdir(parents=True)
    for name, data in {"a.txt": b"alpha", "blåbær.txt": b"beta", "50%.txt": b"", ".DS_Store": b"litter"}.items():
        (bag / name).write_bytes(data)
    (deep / "large").write_bytes(os.urandom(5 << 20))
    info = {"Source-Organization": "The Library", "External-Identifier": "ark:/12345/x6np1wh8k", "Contact-Name": "A. Keeper",
            "External-Description": "Letters of 1893"}
    bagit.make_bag(str(bag), info, checksums=["md5", "sha1", "sha512"])
    path = packed(bag, form)
    report = intake.take(path)
    (done,) = report.bags
    assert (done.outcome, done.form) == ("sealed", {"tgz": "tar.gz", "gnu.tar": "tar", "pax.tar": "tar"}.get(form, form))
    assert done.algorithms == ("md5", "sha1", "sha512")
    assert done.sha256 == (None if form == "folder" else hashlib.sha256(path.read_bytes()).hexdigest())
    site = intake.site("ark-12345-x6np1wh8k")
    names = {os.fsdecode(os.path.relpath(one, bag)): one.read_bytes() for one in (bag / "data").rglob("*") if one.is_file()}
    assert site.payload(1) == names and "data/.DS_Store" in names
    for name in ("bagit.txt", "bag-info.txt", "manifest-md5.txt", "tagmanifest-sha512.txt"):
        assert (site.bag(1) / "metadata/imported/bag" / name).read_bytes() == (bag / name).read_bytes()
    told = json.loads((site.bag(1) / "metadata/imported/import.json").read_bytes())
    assert (told["form"], told["sha256"], told["version"]) == (done.form, done.sha256, "0.97")
    described = json.loads((site.bag(1) / "metadata/collection.json").read_bytes())
    assert described["description"] == "Letters of 1893" and {"name": "The Library", "role": "source"} in described["agents"]
    assert {"type": "ARK", "value": "ark:/12345/x6np1wh8k"} in described["identifiers"]
    events = [(event["eventType"], event["eventDetail"]) for event in site.lines(1, "metadata/events.jsonl")]
    assert events[0] == ("validation", "BagIt 0.97 bag: complete and valid by its manifests (md5, sha1, sha512)")
    assert events[1][0] == "ingestion" and (form == "folder" or done.sha256 in events[1][1])


def test_the_same_again_in_another_form_is_unchanged_and_a_changed_one_the_next_version(intake: Intake, tmp_path: Path) -> None:
    info = [("External-Identifier", "Letters/1893")]
    bag = good(tmp_path / "bag", info=info)
    assert [intake.take(packed(bag, form)).bags[0].outcome for form in FORMS] == ["sealed"] + ["unchanged"] * (len(FORMS) - 1)
    changed = good(tmp_path / "other name", info=info, payload={**PAYLOAD, "data/more": b"more"})
    assert intake.take(changed).bags[0].archived.bag == "letters-1893/v2"
    corrected = good(tmp_path / "corrected", info=[*info, ("Contact-Name", "B. Keeper")], payload={**PAYLOAD, "data/more": b"more"})
    assert intake.take(corrected).bags[0].archived.bag == "letters-1893/v3"  # only its tag files differ


def test_two_bags_of_one_name_are_not_taken_for_versions_of_one_another(intake: Intake, tmp_path: Path) -> None:
    one = good(tmp_path / "one/bag")
    other = good(tmp_path / "two/bag", payload={"data/x": b"x"})
    first = good(tmp_path / "three", info=[("External-Identifier", "A b")])
    like = good(tmp_path / "four", info=[("External-Identifier", "a-B")])
    report = intake.take(one, other, first, like)
    names = [bag.archived.collection for bag in report.bags]
    assert len(set(names)) == 4
    assert names[0] == "bag" and names[1].startswith("bag-") and names[2] == "a-b" and names[3].startswith("a-b-")
    assert [bag.archived.bag for bag in intake.take(other, like, one, first).bags] == [f"{names[n]}/v1" for n in (1, 3, 0, 2)]


def test_a_bag_becomes_the_next_version_of_the_collection_that_is_named(intake: Intake, tmp_path: Path) -> None:
    assert intake.take(good(tmp_path / "one"), collection="letters").bags[0].archived.bag == "letters/v1"
    other = good(tmp_path / "two", payload={"data/x": b"x"})
    assert intake.take(other, collection="letters").bags[0].archived.bag == "letters/v2"


def test_our_own_bag_comes_back_as_it_was(intake: Intake, tmp_path: Path, runner) -> None:
    site = intake.site("letters")
    site.settings = "title: Letters\naccess: {level: restricted, reason: private}\ndescription: of 1893\n"
    for name in ("a.txt", "b/50%.txt", "b/line\nbreak", "_names/odd"):
        site.write(name, f"content of {name}")
    for raw in (b"caf\xe9.txt", b"folder-\xff/x"):
        path = os.fsencode(site.source) + b"/" + raw
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(os.fsdecode(path)).write_bytes(raw)
    assert site.run().outcome == "sealed"
    restore(RestoreRequest(name="letters", dest=tmp_path / "restored"), intake.context, runner)
    elsewhere = Intake(tmp_path / "elsewhere", runner)
    elsewhere.root.mkdir()
    from strongroom.stores.describe import init_store

    init_store(str(elsewhere.store))
    for form in ("folder", "pax.tar"):
        report = elsewhere.take(packed(tmp_path / "restored", form))
        (done,) = report.bags
        assert done.outcome in ("sealed", "unchanged"), done.findings
        assert (done.origin, done.archived.bag) == ("letters/v1", "letters/v1")
    came = elsewhere.site("letters")
    names = {line["path"]: line for line in site.lines(1, "metadata/names.jsonl")}
    assert all(names[line["path"]] == line for line in came.lines(1, "metadata/names.jsonl"))
    for name in ("manifest-sha256.txt", "manifest-sha512.txt"):
        assert (came.bag(1) / name).read_bytes() == (site.bag(1) / name).read_bytes()
    assert came.seal(1)["collection"] == site.seal(1)["collection"]
    described = json.loads((came.bag(1) / "metadata/collection.json").read_bytes())
    assert described["access"] == {"level": "restricted", "reason": "private"} and described["title"] == "Letters"
    theirs = came.bag(1) / "metadata/imported/bag/metadata/events.jsonl"
    assert theirs.read_bytes() == (site.bag(1) / "metadata/events.jsonl").read_bytes()
    # and back where it came from: not without being told to
    refused = intake.take(tmp_path / "restored").bags[0]
    assert refused.outcome == "refused" and "--collection letters" in refused.findings[-1].message
    (elsewhere.root / "files").mkdir()
    restore(RestoreRequest(name="letters", dest=elsewhere.root / "files/out", payload_only=True), elsewhere.context, runner)
    assert Path(os.fsdecode(os.fsencode(elsewhere.root / "files/out") + b"/caf\xe9.txt")).read_bytes() == b"caf\xe9.txt"
    assert (elsewhere.root / "files/out/_names/odd").read_text() == "content of _names/odd"


@pytest.mark.parametrize("change", ["nothing", "another seal", "payload"])
def test_the_seal_of_our_own_bag_is_held_against_it(change: str, intake: Intake, tmp_path: Path, runner) -> None:
    site = intake.site("letters")
    site.write("a.txt", "alpha")
    site.run()
    restore(RestoreRequest(name="letters", dest=tmp_path / "restored"), intake.context, runner)
    if change == "another seal":
        site.write("b.txt", "beta")
        site.run()
    seal = (site.store / f"bags/letters/v{2 if change == 'another seal' else 1}/seal.json").read_bytes()
    (tmp_path / "restored.seal.json").write_bytes(seal)
    if change == "payload":  # a valid bag, but not the one that was sealed
        (tmp_path / "restored/data/a.txt").write_bytes(b"forged")
        for algorithm in ("sha256", "sha512"):
            new = hashlib.new(algorithm, b"forged").hexdigest()
            (tmp_path / f"restored/manifest-{algorithm}.txt").write_text(f"{new}  data/a.txt\n")
        for path in (tmp_path / "restored").glob("tagmanifest-*.txt"):
            path.unlink()
        (tmp_path / "restored/fetch.txt").unlink()
        info = tmp_path / "restored/bag-info.txt"
        info.write_bytes(info.read_bytes().replace(b"Payload-Oxum: 5.1", b"Payload-Oxum: 6.1"))
    elsewhere = Intake(tmp_path / "elsewhere", runner)
    elsewhere.root.mkdir()
    from strongroom.stores.describe import init_store

    init_store(str(elsewhere.store))
    (done,) = elsewhere.take(tmp_path / "restored").bags
    if change == "nothing":
        assert done.outcome == "sealed"
        told = json.loads((elsewhere.site("letters").bag(1) / "metadata/imported/import.json").read_bytes())
        assert told["origin"]["seal"] == Digest.of(seal).hex
    else:
        assert done.outcome == "refused"
        assert "a seal that is not its own" in done.findings[-1].message


@pytest.mark.slow
def test_two_hundred_at_once_and_a_bad_one_among_them(intake: Intake, tmp_path: Path, runner) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(200):  # each is a collection of its own
        bag = good(tmp_path / "made", payload={"data/same": b"same", f"data/{number}": str(number).encode()},
                   info=[("External-Identifier", f"series/{number:03}")])
        if number == 77:
            (bag / "data/77").write_bytes(b"78")
        if number % 3 == 0:
            bag.rename(many / f"b{number:03}")
            continue
        data = tar_of(bag) + END if number % 3 == 1 else zipped(zip_of(bag))
        (many / f"b{number:03}.{'tar' if number % 3 == 1 else 'zip'}").write_bytes(data)
        shutil.rmtree(bag)
    (many / "notes.txt").write_text("no bag")
    report = intake.take(many)
    assert {outcome: report.count(outcome) for outcome in ("sealed", "refused")} == {"sealed": 199, "refused": 1}
    assert [Path(bag.path).name for bag in report.bags if bag.outcome == "refused"] == ["b077.zip"]
    assert report.exit_status == 1 and len(report.summary()) == 2
    assert len(intake.bags()) == 199
    before = {bag: (intake.store / "bags" / bag / "seal.json").read_bytes() for bag in intake.bags()}
    shutil.rmtree(intake.context.home)  # the catalogue is lost: the next import goes on all the same
    rebuild(RebuildRequest((intake.store.as_uri(),), False, False), intake.context, runner)
    again = intake.take(*sorted(many.glob("b00*")))
    assert {bag.outcome for bag in again.bags} == {"unchanged"}
    assert {bag: (intake.store / "bags" / bag / "seal.json").read_bytes() for bag in intake.bags()} == before


def test_modes_are_those_of_plain_files(intake: Intake, tmp_path: Path) -> None:
    bag = good(tmp_path / "bag")

    def loose(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.mode = 0o6777 if info.isfile() else 0o1777
        return info

    with tarfile.open(tmp_path / "bag.tar", "w") as tar:
        tar.add(bag, "bag", filter=loose)
    intake.take(tmp_path / "bag.tar")
    assert {line["mode"] for line in intake.site("bag").lines(1, "metadata/technical.jsonl")} == {"0755"}


def test_fetch_txt_of_what_was_fetched_is_taken_when_told(intake: Intake, tmp_path: Path) -> None:
    bag = good(tmp_path / "bag", tags={"fetch.txt": b"http://example.org/x 12 data/text-file.txt\n"})
    assert intake.take(bag).bags[0].outcome == "refused"
    assert intake.take(bag, fetched=True).bags[0].outcome == "sealed"


def test_bag_info_that_no_yaml_could_hold(intake: Intake, tmp_path: Path) -> None:
    info = [("External-Description", "esc \x1b[31m, zwj \u0646\u200c\u0627, \U0001f5dd, quote \" and \\ and : # {"),
            ("Source-Organization", "a" * 100_000), ("Bagging-Date", "last week"),
            *(("External-Identifier", f"{number}") for number in range(300))]
    (done,) = intake.take(good(tmp_path / "bag", info=info)).bags
    assert done.outcome == "sealed"
    described = json.loads((intake.site("0").bag(1) / "metadata/collection.json").read_bytes())
    assert described["description"] == "esc \ufffd[31m, zwj \u0646\u200c\u0627, \U0001f5dd, quote \" and \\ and : # {"


def test_a_tag_file_of_any_name_is_kept(intake: Intake, tmp_path: Path) -> None:
    names = ["Metadata/ünïcode.xml", "metadata/UPPER.txt", "metadata/upper.txt", "con", "x~1", ".hidden", "a b", "n" * 200, "premis.xml",
             "_/x"]
    tags = {name: name.encode() for name in names}
    (done,) = intake.take(good(tmp_path / "bag", tags=tags)).bags
    assert done.outcome == "sealed", done.findings
    site = intake.site("bag")
    kept = {line["path"]: (site.bag(1) / line["file"]).read_bytes() for line in site.lines(1, "metadata/imported/tags.jsonl")}
    assert {name: kept[name] for name in names} == tags
    assert json.loads((site.bag(1) / "metadata/imported/import.json").read_bytes())["events"] == ["premis.xml"]


def test_a_restored_import_is_valid_for_others(intake: Intake, tmp_path: Path, runner) -> None:
    intake.take(good(tmp_path / "bag"))
    restore(RestoreRequest(name="bag", dest=tmp_path / "out"), intake.context, runner)
    assert verify(tmp_path / "out").valid
    bagit.Bag(str(tmp_path / "out")).validate()


def test_staging_elsewhere_is_used_and_left_empty(intake: Intake, tmp_path: Path) -> None:
    elsewhere = tmp_path / "disk"
    (elsewhere / "mine").mkdir(parents=True)
    assert intake.take(packed(good(tmp_path / "bag"), "tar"), staging=elsewhere).bags[0].outcome == "sealed"
    assert sorted(str(path.relative_to(elsewhere)) for path in elsewhere.rglob("*")) == ["mine", "strongroom-scratch"]


@pytest.mark.skipif(os.geteuid() != 0 and sys.platform != "linux", reason="needs Linux")
def test_a_store_that_is_gone_ends_the_run(intake: Intake, tmp_path: Path) -> None:
    bags = [good(tmp_path / f"bag{number}") for number in range(3)]
    assert intake.take(bags[0]).exit_status == 0
    intake.store.rename(tmp_path / "away")
    report = intake.take(*bags)
    assert [bag.outcome for bag in report.bags] == ["failed"] * 3 and report.exit_status == 3
    assert "was not tried" in report.bags[2].findings[0].message
