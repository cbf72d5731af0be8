"""What Strongroom made comes back as it was: exported, imported elsewhere, restored; what a forger writes into its tag files does not."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strongroom.core.errors import UsageError
from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.usecases.archive.run import archive
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.context import Context
from strongroom.usecases.imports.request import ImportRequest
from strongroom.usecases.imports.run import import_bags
from strongroom.usecases.imports.target import written_folder
from strongroom.usecases.restore import RestoreRequest
from strongroom.usecases.restore.run import restore
from tests.archive.conftest import Site, runner, site
from tests.export.conftest import do
from tests.imports.archives import rebagged
from tests.recovery.test_recover_py import described

__all__ = ["runner", "site"]


def archived(site: Site) -> None:
    """A collection with modes, times, empty folders, links and odd names, some of which Windows would refuse."""
    source = os.fsencode(site.source)
    for name in (b"caf\xe9/not utf-8", b"_names/taken", b"100%", "Käse.txt".encode(), b"tab\tand\nline", b"deep/er/file", b"pages/a.html",
                 b"CON", b"aux/nul.txt", b"with  blanks /full stop.", b"C:", b"back\\slash"):
        path = os.path.join(source, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(name)
    (site.source / "bare folder/within").mkdir(parents=True)
    os.mkdir(os.path.join(source, b"bare \xff"))
    (site.source / "link").symlink_to("pages/a.html")
    (site.source / "dangling").symlink_to("/no/such")
    os.symlink(b"caf\xe9", os.path.join(source, b"link\xff"))
    (site.source / "pages/a.html").chmod(0o640)
    (site.source / "deep").chmod(0o2750)
    os.utime(site.source / "bare folder", ns=(1, 1_234_567_890_123_456_789))
    os.utime(site.source / "deep/er/file", ns=(1, 987_654_321_000_000_001))
    assert site.run().bag == "site/v1"


def taken(site: Site, bag: Path, store: str) -> tuple[Any, Context]:
    """The bag imported by another installation into a store of its own."""
    context = Context(site.root / "elsewhere")
    return import_bags(ImportRequest((bag,), (store,)), context, site.runner), context


def restored(context: Context, runner: LocalRunner, name: str, dest: Path) -> dict[bytes, tuple[object, ...]]:
    report = restore(RestoreRequest(name, dest, payload_only=True), context, runner)
    assert report.exit_status == 0, report.findings
    return described(dest)


@pytest.mark.parametrize("form", ["tar", "dir"])
def test_export_import_restore_gives_back_modes_times_folders_and_links(site: Site, tmp_path: Path, form: str) -> None:
    archived(site)
    there = restored(Context(site.root / site.home), site.runner, "site", tmp_path / "before")
    bag = tmp_path / ("site.tar" if form == "tar" else "site")
    assert do(site, bag.name, form).exit_status == 0
    init_store(str(tmp_path / "other"))
    report, context = taken(site, bag, (tmp_path / "other").as_uri())
    assert [one.outcome for one in report.bags] == ["sealed"], report.bags[0].findings
    assert restored(context, site.runner, "site", tmp_path / "after") == there
    again, _ = taken(site, bag, (tmp_path / "other").as_uri())
    assert [one.outcome for one in again.bags] == ["unchanged"]


def test_what_makes_no_sense_in_its_tag_files_costs_itself_only(site: Site, tmp_path: Path) -> None:
    archived(site)
    assert do(site, "bag", "dir").exit_status == 0

    def link(path: str, target: bytes = b"x") -> dict[str, Any]:
        return {"kind": "symlink", "path": path, "target": base64.b64encode(target).decode(), "mtime": 1}

    forged = [
        link("data/../escape"), link("data/"), link("data/deep/er/file"), link("data/deep/er/file/below"),
        link("data/nul", b"\0"), link("data/pages"),
        link("data/empty target", b""), {"kind": "directory", "path": "data/no mode", "mtime": 1}, {"kind": "directory", "path": "/data"},
        {"kind": "directory", "path": "data/mode", "mode": "77777", "mtime": 1},
        {"kind": "directory", "path": "data/time", "mode": "0755", "mtime": 1 << 70},
        link("data/_names/" + "0" * 64), link("data/fine", b"pages/a.html"), link("data/fine/below"),
    ]
    lines = b"".join(json.dumps(line, sort_keys=True, separators=(",", ":")).encode() + b"\n" for line in forged)
    changed = {"metadata/structure.jsonl": lines + b"nonsense\n", "metadata/technical.jsonl": b'{"path":"data/deep/er/file"}\n'}
    bag = rebagged(tmp_path / "bag", changed)
    init_store(str(tmp_path / "other"))
    report, context = taken(site, bag, (tmp_path / "other").as_uri())
    assert [one.outcome for one in report.bags] == ["sealed"], report.bags[0].findings
    notes = [one for one in report.bags[0].findings if "is not taken over" in one.message]
    assert len(notes) >= len(forged) - 1
    after = restored(context, site.runner, "site", tmp_path / "after")
    assert {path for path, what in after.items() if what[0] == "link"} == {b"fine"}
    assert not (tmp_path / "escape").exists()
    assert not {b"no mode", b"mode", b"time"} & after.keys()


@pytest.mark.s3
def test_into_a_bucket(site: Site, tmp_path: Path, s3_bucket: Callable[[], str]) -> None:
    archived(site)
    assert do(site, "site.tar", "tar").exit_status == 0
    there = restored(Context(site.root / site.home), site.runner, "site", tmp_path / "before")
    url = s3_bucket()
    init_store(url)
    with LocalRunner(2, quiet=True) as local:  # its workers know the bucket's credentials
        context = Context(site.root / "elsewhere")
        request = ImportRequest((tmp_path / "site.tar",), (url,))
        assert [one.outcome for one in import_bags(request, context, local).bags] == ["sealed"]
        assert [one.outcome for one in import_bags(request, context, local).bags] == ["unchanged"]
        assert audit(AuditRequest(), context, local).exit_status == 0
        assert restored(context, local, "site", tmp_path / "after") == there


def test_archiving_a_collection_that_came_in_a_file_says_what_to_do(site: Site, tmp_path: Path) -> None:
    from strongroom.collections.load import load

    archived(site)
    assert do(site, "site.tar", "tar").exit_status == 0
    init_store(str(tmp_path / "other"))
    _, context = taken(site, tmp_path / "site.tar", (tmp_path / "other").as_uri())
    manifest = load(written_folder(context) / "site.yaml")
    with pytest.raises(UsageError, match=rf"strongroom import {os.fspath(tmp_path / 'site.tar')}"):
        archive(manifest, context, site.runner)
