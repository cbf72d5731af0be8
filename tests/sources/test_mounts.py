"""One shared folder that machines see at different places."""

from __future__ import annotations

import os
import shutil

import pytest

from strongroom.core.errors import SourceError, UsageError
from strongroom.runner.local import LocalRunner
from strongroom.sources.folder import Folder
from strongroom.sources.mounts import VARIABLE, here
from strongroom.sources.reading import SourceReadError, signed
from tests.archive.conftest import Site, site

__all__ = ["site"]


@pytest.fixture
def runner():
    with LocalRunner(1, quiet=True) as local:
        yield local


def rows(folder, *names):
    for number, name in enumerate(names):
        info = (folder / name).stat()
        yield number, os.fsencode(name), f"data/{name}", info.st_size, info.st_mtime_ns, signed(info.st_ino), None


def test_the_longest_name_that_fits_counts(monkeypatch):
    assert here(b"/srv/share/a") == b"/srv/share/a"
    monkeypatch.setenv(VARIABLE, "/srv=/x:/srv/share/=/mnt/n\udcff/:/data=/")
    assert here(b"/srv/share/a") == b"/mnt/n\xff/a" and here(b"/srv/share") == b"/mnt/n\xff"
    assert here(b"/srv/shared/a") == b"/x/shared/a" and here(b"/data/b") == b"/b" and here(b"/data") == b"/"
    assert here(b"/elsewhere") == b"/elsewhere"
    for wrong in ("/srv", "srv=/x", "/srv=x"):
        monkeypatch.setenv(VARIABLE, wrong)
        with pytest.raises(UsageError, match=VARIABLE):
            here(b"/srv")


def test_a_collection_is_archived_from_where_the_folder_lies_here(site: Site, monkeypatch):
    site.run()
    place = site.root / "mounted"
    site.source.rename(place)
    with pytest.raises(SourceError):
        site.run()
    monkeypatch.setenv(VARIABLE, f"{site.source}={place}")
    with LocalRunner(1, quiet=True) as site.runner:  # its workers see the variable
        for path in place.rglob("*"):
            os.utime(path, ns=(1, 1))
        assert site.run(reread=True).outcome == "unchanged"
        (place / "new").write_text("new")
        assert site.run().bag == "site/v2" and site.payload(2)["data/new"] == b"new"
        site.store_url = f"{place}/store"
        with pytest.raises(UsageError, match="lie one in the other"):
            site.run()


def test_a_mount_that_is_not_there_is_named_with_what_it_is_here(site: Site, monkeypatch):
    monkeypatch.setenv(VARIABLE, f"{site.source}={site.root}/nowhere")
    with pytest.raises(SourceError, match=rf"{site.root}/nowhere: cannot be read.*{VARIABLE} it is {site.source}"):
        site.run()


def test_a_worker_reads_the_folder_that_was_listed_and_no_other(tmp_path, monkeypatch):
    shared, mounted, other = tmp_path / "shared", tmp_path / "mounted", tmp_path / "other"
    shared.mkdir()
    for name in "abc":
        (shared / name).write_bytes(name.encode() * 10)
    listed = list(rows(shared, *"abc"))
    shutil.copytree(shared, other)  # with equal bytes, sizes and times: another folder all the same
    shared.rename(mounted)
    folder = Folder(os.fsencode(shared))
    monkeypatch.setenv(VARIABLE, f"{shared}={mounted}")
    (mounted / "a").write_bytes(b"changed")
    (mounted / "b").unlink()
    read = [taken if isinstance(taken, SourceReadError) else taken[1] for _, taken in folder.files(tmp_path).read(listed)]
    assert (read[0], read[2]) == (b"changed", b"c" * 10) and read[1].kind == "vanished"
    monkeypatch.setenv(VARIABLE, f"{shared}={other}")
    with pytest.raises(SourceError, match="not the folder that was listed"):
        list(folder.files(tmp_path).read(listed))
    monkeypatch.setenv(VARIABLE, f"{shared}={tmp_path / 'nowhere'}")
    with pytest.raises(SourceError, match=VARIABLE):
        list(folder.files(tmp_path).read(listed))
    assert list(folder.files(tmp_path).read([])) == []
