"""OCFL: an independent validator accepts it, and every version in it is the bag that was sealed."""

import hashlib
import json
import subprocess

import pytest

from strongroom.core.errors import RefusedError, UsageError
from strongroom.usecases.context import Context
from strongroom.usecases.export.ocfl.layout import place
from strongroom.usecases.export.request import ExportRequest
from strongroom.usecases.export.run import export
from tests.export.conftest import do, tree
from tests.restore.builder import make_store, seal_folder
from tests.restore.conftest import InlineRunner, source

__all__ = ["source"]


def accepted(judges, path):
    done = subprocess.run([judges / "python", judges / "ocfl-validate.py", path], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0 and "INVALID" not in done.stdout + done.stderr, done.stdout + done.stderr


def version(root, number):
    """A version's files, each verified, out of its own inventory and without any software of ours."""
    for folder in (root, root / f"v{number}"):
        stated = (folder / "inventory.json.sha512").read_text().split()[0]
        assert hashlib.sha512((folder / "inventory.json").read_bytes()).hexdigest() == stated
    inventory = json.loads((root / f"v{number}" / "inventory.json").read_bytes())
    assert inventory["head"] == f"v{number}"
    whole = json.loads((root / "inventory.json").read_bytes())
    files = {}
    for digest, paths in whole["versions"][f"v{number}"]["state"].items():
        data = (root / whole["manifest"][digest][0]).read_bytes()
        assert hashlib.sha512(data).hexdigest() == digest
        files |= dict.fromkeys(paths, data)
    for digest, paths in whole["fixity"]["sha256"].items():
        assert all(hashlib.sha256((root / path).read_bytes()).hexdigest() == digest for path in paths)
    return files


@pytest.mark.slow
def test_every_version_is_the_bag_and_each_content_is_there_once(lantern, tmp_path, judges):
    report = do(lantern, "object", "ocfl")
    assert report.exit_status == 0 and [bag for bag, _ in report.bags] == ["site/v1", "site/v2"]
    accepted(judges, tmp_path / "object")
    for number in (1, 2):
        sealed = {"metadata/strongroom/seal.json": (lantern.store / f"bags/site/v{number}/seal.json").read_bytes()}
        assert version(tmp_path / "object", number) == lantern.payload(number) | tree(lantern.bag(number)) | sealed
    contents = [data for path, data in tree(tmp_path / "object").items() if "/content/" in path]
    assert len(contents) == len(set(contents))
    assert [path for path in tree(tmp_path / "object") if path.startswith("v2/content/data/")] == ["v2/content/data/new.txt"]


@pytest.mark.slow
def test_into_storage_roots(lantern, tmp_path, judges):
    assert do(lantern, "root", "ocfl", ocfl_root=True).exit_status == 0
    done = subprocess.run(
        [judges / "python", judges / "ocfl-root.py", "validate", "--root", tmp_path / "root"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "is VALID" in done.stdout, done.stdout + done.stderr
    with pytest.raises(UsageError, match="nothing is ever overwritten"):
        do(lantern, "root", "ocfl")
    seal = json.loads((lantern.store / "bags/site/v1/seal.json").read_bytes())
    lantern.name = "other"
    lantern.run()
    report = do(lantern, "root", "ocfl")
    assert report.exit_status == 0 and report.result.startswith(str(tmp_path / "root")) and seal["collection"] not in report.result
    accepted(judges, report.result)


def test_where_layouts_put_an_object(tmp_path):
    # The examples of the extensions' own documents.
    default = {"digestAlgorithm": "sha256", "tupleSize": 3, "numberOfTuples": 3}
    by_id, by_hash = "0003-hash-and-id-n-tuple-storage-layout", "0004-hashed-n-tuple-storage-layout"
    assert place("..hor/rib:le-$id", by_id, default, tmp_path) == "487/326/d8c/%2e%2ehor%2frib%3ale-%24id"
    whole = "3c0ff4240c1e116dba14c7627f2319b58aa3d77606d0d90dfc6161608ac987d4"
    assert place("object-01", by_hash, default, tmp_path) == f"3c0/ff4/240/{whole}"
    short = {"digestAlgorithm": "md5", "tupleSize": 2, "numberOfTuples": 15, "shortObjectRoot": True}
    assert place("object-01", by_hash, short, tmp_path) == "ff/75/53/44/92/48/5e/ab/b3/9f/86/35/67/28/88/4e"
    assert place("urn:uuid:1", "0002-flat-direct-storage-layout", {}, tmp_path) == "urn:uuid:1"
    with pytest.raises(UsageError, match="not one that can be written to"):
        place("x", "0099-unheard-of", {}, tmp_path)


@pytest.mark.slow
def test_hostile_names_gaps_and_forks(tmp_path, source, judges):
    (tmp_path / "store").mkdir()
    store = make_store(f"file://{tmp_path}/store")
    first = seal_folder(store, source)
    (source / "added").write_text("later")
    second = seal_folder(store, source, "site/v3", previous=first, reuse=first)  # v2 was voided, or never was
    request = ExportRequest("site", tmp_path / "object", "ocfl", source=store.url)
    report = export(request, Context(tmp_path / "home"), InlineRunner())
    assert report.exit_status == 0 and "export-note" in [one.code.label for one in report.findings]
    accepted(judges, tmp_path / "object")
    assert version(tmp_path / "object", 2)["data/added"] == b"later" and version(tmp_path / "object", 1)["data/line\nbreak"]
    message = json.loads((tmp_path / "object/inventory.json").read_bytes())["versions"]["v2"]["message"]
    assert message == f"site/v3, sealed as {second.digest.hex}"


def test_a_fork_is_chosen_by_a_person(tmp_path, source):
    (tmp_path / "store").mkdir()
    store = make_store(f"file://{tmp_path}/store")
    first = seal_folder(store, source)
    (source / "added").write_text("later")
    seal = tmp_path / "store/bags/site/v1/seal.json"
    seal.rename(tmp_path / "store/bags/site/v1/seal.json~1")
    (tmp_path / "store/bags/site/v1/placement.jsonl").unlink()  # a hint
    second = seal_folder(store, source, reuse=first)
    for form in ("tar", "ocfl"):
        with pytest.raises(RefusedError, match=r"forked; choose one of its seals with --seal"):
            export(ExportRequest("site", tmp_path / "x", form, source=store.url), Context(tmp_path / "home"), InlineRunner())
    for number, chosen in enumerate((first, second)):
        for form in ("dir", "ocfl"):
            request = ExportRequest("site", tmp_path / f"{form}{number}", form, source=store.url, seals=(chosen.digest,))
            report = export(request, Context(tmp_path / "home"), InlineRunner())
            assert report.result and {one.code.label for one in report.findings if one.severity.value == "error"} <= {"forked"}
        assert (tmp_path / f"dir{number}/data/added").exists() == bool(number)


def test_what_makes_no_sense_with_ocfl(lantern):
    with pytest.raises(UsageError, match="every version"):
        do(lantern, "x", "ocfl", bag="site/v1")
    with pytest.raises(UsageError, match="every version"):
        do(lantern, "x", "ocfl", premis=True)
