"""What was taken down does not leave the house, and what does leave is whole without it."""

import json
import subprocess

import pytest

from strongroom.core.digests import Digest
from strongroom.core.tombstone import Action
from strongroom.stores.describe import open_known_store
from strongroom.usecases.verify import verify
from tests.export.conftest import STANDARDS, do, tree, unpack
from tests.fixtures.tombstones import write_tombstone

PAGE = b"<!doctype html><title>A</title><p>Article"  # twice in v1, once in v2


@pytest.fixture
def withheld(lantern):
    write_tombstone(open_known_store(f"file://{lantern.store}", None), Digest.of(PAGE), Action.WITHHOLD, "a living person", ["archivist"])
    return lantern


@pytest.mark.parametrize("options", [{}, {"profile": STANDARDS / "btr.json", "ro_crate": True, "premis": True}])
def test_a_bag_with_withheld_files_is_valid_without_them(withheld, tmp_path, options):
    report = do(withheld, "out.tar", "tar", bag="site/v1", **options)
    assert report.exit_status == 0 and not report.unchanged
    assert sorted(one.place for one in report.findings if one.code.label == "withheld") == [
        "site/v1: data/pages/a.html", "site/v1: data/pages/copy of a.html"]
    top = unpack(tmp_path / "out.tar", tmp_path / "unpacked")
    assert verify(top).valid
    files = tree(top)
    assert PAGE not in b"".join(files.values())
    payload = {path: data for path, data in withheld.payload(1).items() if data != PAGE}
    assert {path: data for path, data in files.items() if path.startswith("data/")} == payload
    size = sum(map(len, payload.values()))
    assert f"Payload-Oxum: {size}.{len(payload)}\n" in files["bag-info.txt"].decode()
    listed = [json.loads(line)["path"] for line in files["metadata/strongroom/withheld.jsonl"].splitlines()]
    assert listed == ["data/pages/a.html", "data/pages/copy of a.html"]
    sealed = (withheld.bag(1) / "manifest-sha256.txt").read_bytes()
    assert files["metadata/strongroom/sealed/manifest-sha256.txt"] == sealed != files["manifest-sha256.txt"]
    for document in ("ro-crate-metadata.json", "metadata/premis.xml"):
        assert b"a.html" not in files.get(document, b"")


@pytest.mark.slow
def test_an_object_lacks_them_in_every_version(withheld, tmp_path, judges):
    assert do(withheld, "object", "ocfl").exit_status == 0
    command = [judges / "python", judges / "ocfl-validate.py", tmp_path / "object"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert PAGE not in b"".join(tree(tmp_path / "object").values())
    versions = json.loads((tmp_path / "object/inventory.json").read_bytes())["versions"]
    for number in ("v1", "v2"):
        paths = {path for paths in versions[number]["state"].values() for path in paths}
        assert "metadata/strongroom/withheld.jsonl" in paths and not any("a.html" in path for path in paths)


def test_what_was_lifted_goes_along_again(withheld, tmp_path):
    write_tombstone(open_known_store(f"file://{withheld.store}", None), Digest.of(PAGE), Action.LIFT, "agreed", ["archivist"])
    report = do(withheld, "out", "dir", bag="site/v1")
    assert report.unchanged and not report.findings
