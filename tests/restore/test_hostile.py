"""A bag may be made to harm: nothing of it is ever written outside the folder restored to, and nothing it does not own is touched."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from strongroom.core.findings import Code
from strongroom.usecases.restore import RestoreRequest, restore
from tests.restore.builder import seal_bag, snapshot


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def line(path, data):
    return {"path": path, "size": len(data), "mode": "644", "mtime": 1, "type": "text/plain"}


def outside(tmp_path):
    """Everything there is but the store, the state and what is restored."""
    (tmp_path / "precious").mkdir(exist_ok=True)
    (tmp_path / "precious" / "file").write_text("precious")
    os.utime(tmp_path / "precious" / "file", ns=(5, 5))
    os.utime(tmp_path / "precious", ns=(5, 5))
    return snapshot(tmp_path / "precious")


PATHS = [
    "data/../precious/file", "../precious/file", "/etc/strongroom-was-here", "data/a/../../../precious/x", "data//x", "data/./x", "data",
    "bagit.txt",
]


@pytest.mark.parametrize("whole", [True, False])
def test_paths_that_leave_the_payload_are_refused_and_the_rest_restored(tmp_path, store, context, runner, whole):
    before = outside(tmp_path)
    contents = {**dict.fromkeys(PATHS, b"evil"), "data/good.txt": b"good"}
    seal_bag(store, "site/v1", [line(path, data) for path, data in sorted(contents.items())], [], [], contents)
    report = restore(RestoreRequest("site", tmp_path / "out", payload_only=not whole, source=store.url), context, runner)
    assert {f.place.removeprefix("site/v1: ") for f in report.findings if f.code is Code.RESTORE_REFUSED} == set(PATHS)
    assert report.exit_status == 1 and report.lost == len(PATHS) and report.written == 1
    assert snapshot(tmp_path / "precious") == before and not os.path.exists("/etc/strongroom-was-here")
    result = Path(report.result)
    assert (result / ("data/good.txt" if whole else "good.txt")).read_text() == "good"
    assert set(os.listdir(tmp_path)) == {"home", "store", "precious", result.name, result.name + ".txt"}


def test_no_file_is_written_through_a_link(tmp_path, store, context, runner):
    before = outside(tmp_path)
    contents = {"data/link/file": b"evil", "data/plain": b"good"}
    structure = [
        {"kind": "directory", "path": "data/", "mode": "755", "mtime": 1},
        {"kind": "symlink", "path": "data/link", "target": b64(str(tmp_path / "precious").encode()), "mtime": 1},
        {"kind": "directory", "path": "data/link/made", "mode": "777", "mtime": 1},
        {"kind": "symlink", "path": "data/plain", "target": b64(b"/etc/passwd"), "mtime": 1},
    ]
    seal_bag(store, "site/v1", [line(p, d) for p, d in contents.items()], structure, [], contents)
    for number in range(2):  # the second time over what the first one left
        dest = tmp_path / f"out{number}"
        restore(RestoreRequest("site", dest, payload_only=True, source=store.url), context, runner)
        assert snapshot(tmp_path / "precious") == before
    report = restore(RestoreRequest("site", tmp_path / "out0", into=True, source=store.url), context, runner)
    assert snapshot(tmp_path / "precious") == before
    assert {f.place for f in report.findings if f.code is Code.RESTORE_DIFFERS} >= {"data/link", "data/plain"}


def test_links_in_the_folder_put_back_into_are_not_followed(tmp_path, store, context, runner):
    before = outside(tmp_path)
    contents = {"data/sub/file": b"evil", "data/sub/new": b"evil"}
    structure = [{"kind": "directory", "path": "data/sub", "mode": "700", "mtime": 1}]
    seal_bag(store, "site/v1", [line(p, d) for p, d in contents.items()], structure, [], contents)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").symlink_to(tmp_path / "precious")
    report = restore(RestoreRequest("site", tmp_path / "out", into=True, source=store.url), context, runner)
    assert snapshot(tmp_path / "precious") == before and report.exit_status == 1


def test_names_that_claim_to_be_elsewhere_are_refused(tmp_path, store, context, runner):
    before = outside(tmp_path)
    hostile = [b"../precious/file", b"/etc/strongroom-was-here", b"a\xff/../../precious/file", b"other.txt", b"\xff/./x", b""]
    contents = {f"data/_names/{number:064x}": b"evil" for number in range(len(hostile))} | {"data/other.txt": b"good"}
    names = [{"bytes": b64(name), "path": f"data/_names/{number:064x}"} for number, name in enumerate(hostile)]
    seal_bag(store, "site/v1", [line(p, d) for p, d in sorted(contents.items())], [], names, contents)
    report = restore(RestoreRequest("site", tmp_path / "out", payload_only=True, source=store.url), context, runner)
    assert snapshot(tmp_path / "precious") == before
    assert Code.BAG_INVALID in {f.code for f in report.findings} and report.exit_status == 1
    assert (Path(report.result) / "other.txt").read_text() == "good"


def test_tag_files_with_hostile_paths_are_refused(tmp_path, store, context, runner):
    before = outside(tmp_path)

    def edit(tags):
        tags["../../../precious/file"] = b"evil"

    seal_bag(store, "site/v1", [], [], [], {}, edit=edit)
    report = restore(RestoreRequest("site", tmp_path / "out", source=store.url), context, runner)
    assert snapshot(tmp_path / "precious") == before
    assert Code.BAG_INVALID in {f.code for f in report.findings}


def test_lines_that_make_no_sense_are_findings(tmp_path, store, context, runner):
    def edit(tags):
        tags["metadata/structure.jsonl"] = (
            b'nonsense\n[]\n{"kind":"directory","path":"data/../../x","mode":"9z","mtime":"soon"}\n'
            b'{"kind":"symlink","path":"data/l","target":"!"}\n{"kind":"directory","path":7}\n'
        )
        tags["metadata/technical.jsonl"] = b'{"path":"data/a","size":"x","mode":"rw","mtime":1e99}\n\xff\xfe\n'
        tags["manifest-sha256.txt"] += b"not a line\n"

    contents = {"data/a": b"a"}
    seal_bag(store, "site/v1", [], [], [], contents, edit=edit)
    report = restore(RestoreRequest("site", tmp_path / "out", payload_only=True, source=store.url), context, runner)
    assert report.exit_status == 1 and os.listdir(report.result) == ["a"]
    places = {f.place for f in report.findings if f.code is Code.BAG_INVALID}
    assert {"site/v1: metadata/structure.jsonl line 1", "site/v1: manifest-sha256.txt line 2"} <= places


def test_a_file_and_a_folder_of_one_name_do_not_both_fit(tmp_path, store, context, runner):
    contents = {"data/a": b"file", "data/a/b": b"below", "data/c": b"good"}
    seal_bag(store, "site/v1", [line(p, d) for p, d in contents.items()], [], [], contents)
    report = restore(RestoreRequest("site", tmp_path / "out", payload_only=True, source=store.url), context, runner)
    assert report.lost == 1 and report.written == 2 and Code.RESTORE_REFUSED in {f.code for f in report.findings}
