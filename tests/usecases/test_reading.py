"""diff, list, show and status, by the command line and by their documents."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import jsonschema
import pytest

from strongroom.catalogue import Catalogue
from strongroom.cli.main import main
from strongroom.collections.schemas import load_schema
from strongroom.stores.describe import read_description
from strongroom.usecases.context import Context
from strongroom.usecases.diff import diff
from tests.fixtures.catalogues import lose
from tests.restore.builder import make_store, seal_bag, seal_folder


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STRONGROOM_MANIFESTS", str(tmp_path / "manifests"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return tmp_path / "home"


def remember(home, store, *sealed):
    home.mkdir(exist_ok=True)
    with Catalogue.open(Context(home).catalogue) as catalogue:
        number = catalogue.see_store(read_description(store).id, store.url)
        for one in sealed:
            catalogue.record_bag(one.seal, one.digest, number)
        catalogue.record_run("site", "/manifests/site.yaml", "sealed")


@pytest.fixture
def two_versions(tmp_path, home):
    """v1 and v2 of a collection in one store, with a change of every kind between them."""
    source = tmp_path / "source"
    (source / "sub").mkdir(parents=True)
    at = 1_700_000_000_000_000_001
    texts = {
        "same.txt": "same", "altered.txt": "before", "gone.txt": "gone", "old name.txt": "moved", "touched.txt": "touched",
        "mode.txt": "mode", "twin-a.txt": "twin", "sub/x": "x", "empty-old": "", "\u4e2d\n\x1b[2J": "hostile",
    }
    for name, text in texts.items():
        (source / name).write_text(text)
        (source / name).chmod(0o644)
        os.utime(source / name, ns=(at, at))
    (source / "link").symlink_to("same.txt")
    (tmp_path / "store").mkdir()
    store = make_store(f"file://{tmp_path}/store")
    first = seal_folder(store, source, "site/v1")
    (source / "altered.txt").write_text("after")
    (source / "gone.txt").unlink()
    (source / "old name.txt").rename(source / "new name.txt")
    (source / "twin-a.txt").rename(source / "twin-b.txt")
    (source / "twin-c.txt").write_text("twin")
    (source / "empty-old").rename(source / "empty-new")
    os.utime(source / "touched.txt", ns=(at, at + 1))
    (source / "mode.txt").chmod(0o600)
    (source / "link").unlink()
    (source / "link").symlink_to("altered.txt")
    (source / "new folder").mkdir()
    second = seal_folder(store, source, "site/v2", previous=first, reuse=first)
    remember(home, store, first, second)
    return store, first, second


def document(capfd, *argv, status=0):
    capfd.readouterr()
    assert main([*argv, "--json"]) == status
    value = json.loads(capfd.readouterr().out)
    jsonschema.Draft202012Validator(load_schema(f"{argv[0]}-report")).validate(value)
    return value


def test_diff_tells_every_kind_of_change_apart(two_versions, capfd):
    value = document(capfd, "diff", "site/v1", "v2")
    found = {(one["change"], one["path"]): one for one in value["changes"]}
    assert {key for key in found if found[key]["kind"] != "directory"} == {
        ("altered", "data/altered.txt"), ("altered", "data/link"), ("removed", "data/gone.txt"), ("renamed", "data/new name.txt"),
        ("renamed", "data/twin-b.txt"), ("added", "data/twin-c.txt"), ("metadata", "data/touched.txt"), ("metadata", "data/mode.txt"),
        ("removed", "data/empty-old"), ("added", "data/empty-new"),
    }
    assert ("added", "data/new folder") in found
    assert found["renamed", "data/new name.txt"]["before"] == "data/old name.txt"
    assert found["metadata", "data/mode.txt"]["mode"] == {"before": "644", "after": "600"}
    assert found["metadata", "data/touched.txt"]["mtime"]["after"] - found["metadata", "data/touched.txt"]["mtime"]["before"] == 1
    assert value["counts"]["renamed"] == 2 and sum(value["counts"].values()) == len(value["changes"])
    assert document(capfd, "diff", "site/v1", "site/v1")["changes"] == []
    back = document(capfd, "diff", "site/v2", "site/v1")
    assert back["counts"]["added"] == value["counts"]["removed"] and back["counts"]["renamed"] == 2


def test_diff_for_people_cannot_steer_a_terminal(two_versions, capfd):
    assert main(["diff", "site/v2", "v1"]) == 0
    out = capfd.readouterr().out
    assert "> data/old name.txt  (was data/new name.txt)" in out and "mode 600 to 644" in out and "\x1b" not in out


def test_list_by_catalogue_and_by_store(two_versions, home, capfd):
    store, _, second = two_versions
    known = document(capfd, "list")
    assert [one["bag"] for one in known["bags"]] == ["site/v1", "site/v2"]
    assert known["bags"][1]["seal"] == second.digest.hex and known["bags"][1]["stores"] == [store.url]
    seen = document(capfd, "list", "--from", store.url)
    assert [one.pop("withheld") for one in known["bags"]] == [0, 0] and [one.pop("withheld") for one in seen["bags"]] == [None, None]
    assert seen == known  # but for what is withheld, which a list of one store's seals does not say
    assert main(["list", "other"]) == 2
    assert "no collection 'other' is known here" in capfd.readouterr().err
    lose(home)
    assert document(capfd, "list")["bags"] == []
    assert main(["list", "--from", store.url]) == 0
    out = capfd.readouterr().out.splitlines()
    assert out[0].split() == ["BAG", "SEALED", "FILES", "SIZE", "STORES"] and len(out) == 3
    assert out[1].index("file://") == out[0].index("STORES")


def test_show(two_versions, capfd):
    store, _, second = two_versions
    value = document(capfd, "show", "site")
    assert (value["bag"], value["previous"], value["files"]) == ("site/v2", "site/v1", second.seal.payload_files)
    assert value["links"] == 1 and value["folders"] == 3
    assert value["types"] == [{"type": "text/plain", "files": value["files"], "bytes": value["bytes"]}]
    assert value["largest"][0]["bytes"] == 7 and {"label": "External-Identifier", "value": "site/v2"} in value["info"]
    assert value["stores"] == [{"url": store.url, "id": read_description(store).id}]
    assert document(capfd, "show", "site/v1")["bag"] == "site/v1"
    assert main(["show", "site/v9"]) == 2
    assert main(["show", "site"]) == 0
    out = capfd.readouterr().out
    assert "\x1b" not in out and re.search(r"^signed +no$", out, re.MULTILINE)
    assert re.search(r"^payload +\d+ files, \d+ bytes, 3 folders, 1 link$", out, re.MULTILINE)


def test_status_says_what_answers_and_what_is_behind(tmp_path, two_versions, home, capfd):
    store, first, _ = two_versions
    (tmp_path / "usb").mkdir()
    usb = make_store(f"file://{tmp_path}/usb")
    remember(home, usb, first)
    value = document(capfd, "status", "--ask")
    site = value["collections"][0]
    assert (site["latest"], site["versions"], site["last_outcome"]) == ("site/v2", [1, 2], "sealed")
    assert site["stores"] == [read_description(store).id] and site["behind"] == [read_description(usb).id]
    assert all(one["reachable"] for one in value["stores"])
    (tmp_path / "usb").rename(tmp_path / "drawer")
    value = document(capfd, "status", "--ask", status=3)  # nothing says that this disk may lie in a drawer
    assert [one["reachable"] for one in value["stores"]] == [True, False]
    assert main(["status"]) == 0
    assert "1 behind" in capfd.readouterr().out


def test_a_fork_is_an_error_in_status_and_in_a_store(tmp_path, two_versions, home, capfd):
    (tmp_path / "other").mkdir()
    (tmp_path / "fork-source").mkdir()
    other = make_store(f"file://{tmp_path}/other")
    fork = seal_folder(other, tmp_path / "fork-source", "site/v2")
    remember(home, other, fork)
    value = document(capfd, "status", status=1)
    assert [one["code"] for one in value["findings"]] == ["manifest-unusable", "forked"]
    assert main(["show", "site/v2"]) == 1
    assert fork.digest.hex in capfd.readouterr().err
    assert document(capfd, "show", "site/v2", "--seal", fork.digest.hex)["files"] == 0


def test_nothing_known_is_no_error(home, capfd):
    assert document(capfd, "list")["bags"] == []
    assert document(capfd, "status")["collections"] == []
    assert main(["status"]) == 0 and main(["list"]) == 0


def test_a_diff_of_many_files_streams(tmp_path, two_versions):
    store, *_ = two_versions
    with diff(("site", 1), ("site", 2), Context(tmp_path / "home2"), source=store.url) as report:
        assert sum(1 for _ in report.changes()) == sum(report.counts.values()) > 10


@pytest.mark.parametrize("argv", [["list"], ["list", "--help"], ["show", "--help"], ["restore", "--help"], ["diff", "--help"]])
def test_nothing_heavy_is_imported_to_list_or_to_help(argv, home):
    program = (
        "import sys; from strongroom.cli.main import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit: pass\n"
        "heavy = {'prefect', 'boto3', 'botocore', 'rich', 'jsonschema', 'yaml'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run([sys.executable, "-c", program, *argv], check=True, env=environment, stdout=subprocess.DEVNULL)


def test_a_diff_says_what_of_a_file_is_other_and_what_was_left_out(tmp_path, home, capfd):
    """Left out because it could not be read is not the same as removed."""
    (tmp_path / "store").mkdir()
    store = make_store(f"file://{tmp_path}/store")

    def line(path, data, mtime):
        return {"path": path, "size": len(data), "mode": "644", "mtime": mtime, "type": "text/plain"}

    old = {"data/longer": b"1", "data/other": b"one", "data/gone": b"gone", "data/unread": b"there", "data/x": b"same"}
    new = {"data/longer": b"1" * 2000, "data/other": b"two", "data/copy": b"there", "data/x": b"same"}
    first = seal_bag(store, "site/v1", [line(path, data, 1) for path, data in sorted(old.items())], [], [], old)
    reasons = {"never": "pattern", "unread": "unreadable"}
    left_out = [{"kind": "excluded", "path": f"data/{name}", "reason": why} for name, why in reasons.items()]
    seal_bag(store, "site/v2", [line(path, data, 1) for path, data in sorted(new.items())], left_out, [], new, previous=first)
    assert main(["diff", "site/v1", "v2", "--from", store.url]) == 0
    assert capfd.readouterr().out.splitlines() == [
        "+ data/copy", "- data/gone", "- data/unread  (left out: unreadable)", "! data/longer  (content, 1 to 2,000 bytes)",
        "! data/other  (content, of the same size)",
        "site/v1 to site/v2: 1 added, 2 removed, 0 renamed, 2 altered, 0 with other metadata",
    ]
    assert main(["diff", "site/v1", "v2", "--from", store.url, "--json"]) == 0
    value = json.loads(capfd.readouterr().out)
    jsonschema.Draft202012Validator(load_schema("diff-report")).validate(value)
    found = {one["path"]: one for one in value["changes"]}
    assert found["data/longer"]["size"] == {"before": 1, "after": 2000} and "size" not in found["data/other"]
    assert found["data/unread"]["left_out"] == "unreadable" and "left_out" not in found["data/gone"]
