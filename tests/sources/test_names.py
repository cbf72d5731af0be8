"""Keys of a bucket that no folder could hold: each is said by name, none is lost silently. (The server of the tests refuses most.)"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from strongroom.collections.load import load
from strongroom.core.findings import Code
from strongroom.core.litter import is_litter
from strongroom.core.objects import Object
from strongroom.core.paths import escaped, from_payload_text
from strongroom.runner.local import LocalRunner
from strongroom.sources.bucket import Bucket
from strongroom.sources.interface import Kind, Rules
from strongroom.usecases.archive import gather
from strongroom.usecases.archive.spool import Spool


@dataclass(frozen=True)
class Listed:
    """Objects that are what a server might list."""

    objects: tuple[Object, ...]
    url: str = "s3://bucket/p"

    def list(self):
        return iter(self.objects)

    def head(self, name):
        raise NotImplementedError

    def get(self, one, start, length):
        raise NotImplementedError


def bucket(*names: bytes, sizes: dict[bytes, int] | None = None) -> Bucket:
    return Bucket(Listed(tuple(Object(name, (sizes or {}).get(name, 0 if name[-1:] in (b"", b"/") else 3), 7, '"e"') for name in names)), 0)


def entries(source, excluded=lambda _: False, whole=False):
    found = []
    rules = Rules(lambda _: True, excluded, "record", Path("/"), whole)
    return list(source.entries(rules, found.append)), found


def scan(tmp_path, *names: bytes, **more):
    (tmp_path / "c.yaml").write_text("collection: c\nsource: s3://bucket/p\nstores: [store]\n")
    spool, found = Spool(tmp_path / "spool.sqlite"), []
    with LocalRunner(1, quiet=True) as runner, runner.stage("scan") as progress:
        gather.scan(load(tmp_path / "c.yaml"), bucket(*names, **more), tmp_path, spool, progress, found.append)
    return spool, found


def test_keys_that_are_no_paths_are_named_and_listed():
    wrong = [b"a//b", b"/a", b"../a", b"a/../b", b"a/./b", b"a/..", b"nul\0", b"caf\xe9", b"a//", b"../"]
    listed, found = entries(bucket(b"good", *wrong))
    assert [(entry.kind, entry.reason) for entry in listed if entry.name in wrong] == [(Kind.EXCLUDED, "name")] * len(wrong)
    assert [finding.code for finding in found] == [Code.SOURCE_NAME] * len(wrong)
    assert {finding.place for finding in found} == {f"s3://bucket/p/{name.decode('utf-8', 'surrogateescape')}" for name in wrong}


def test_a_key_with_a_slash_at_its_end_is_a_folder_if_nothing_is_in_it():
    listed, found = entries(bucket(b"", b"a/", b"b/", sizes={b"b/": 4}))
    assert [(entry.kind, entry.name) for entry in listed] == [(Kind.DIRECTORY, b"a"), (Kind.EXCLUDED, b"b/")]
    assert [finding.place for finding in found] == ["s3://bucket/p/b/"] and "4 bytes" in found[0].message
    _, found = entries(bucket(b"", b"a", sizes={b"": 9}))
    assert [finding.code for finding in found] == [Code.SOURCE_NAME]


def test_an_object_beside_others_that_lie_in_its_name(tmp_path):
    spool, found = scan(tmp_path, b"a", b"a/b", b"a/b/c", b"a-b", b"a.b/c", b"d", b"d/", b"e/", b"_names/x", b"_names/x/y", b"f", b"f")
    paths = {path for (path,) in spool.db.execute("SELECT path FROM files")}
    assert paths == {"data/a/b/c", "data/a-b", "data/a.b/c", "data/d", escaped(b"_names/x/y"), "data/f"}
    assert sorted(finding.place.removeprefix("s3://bucket/p/") for finding in found) == ["_names/x", "a", "a/b", "d/"]
    structure = {path: (kind, reason, name) for path, kind, reason, name in
                 spool.db.execute("SELECT path, kind, reason, name FROM structure")}
    assert structure == {"data/e": ("directory", None, None), **{
        escaped(name): ("excluded", "name", name) for name in (b"a", b"a/b", b"_names/x")}}
    assert dict(spool.db.execute("SELECT path, name FROM names")) == {escaped(b"_names/x/y"): b"_names/x/y"}
    spool.close()


def test_what_was_replaced_while_it_was_listed_counts_once(tmp_path):
    spool, found = scan(tmp_path, b"a", b"b", b"a")
    assert found == [] and spool.totals() == (2, 6)
    spool.close()


def test_folders_that_patterns_or_systems_leave_out_are_said_once():
    names = [b"cache/", b"cache/1", b"cache/2/3", b"x/.DS_Store", b"x/__MACOSX/1", b"x/__MACOSX/2", b"x/y"]
    listed, found = entries(bucket(*names), excluded=lambda name: name == b"cache/")
    assert [(entry.name, entry.reason) for entry in listed if entry.kind is Kind.EXCLUDED] == [
        (b"cache", "pattern"), (b"x/.DS_Store", "system-file"), (b"x/__MACOSX", "system-file")]
    assert [entry.name for entry in listed if entry.kind is Kind.FILE] == [b"x/y"] and found == []
    listed, _ = entries(bucket(*names), whole=True)
    assert len([entry for entry in listed if entry.kind is Kind.FILE]) == 6


def test_the_longest_key_there_can_be():
    (entry,), found = entries(bucket(b"a/" * 511 + b"bc"))
    assert entry.kind is Kind.FILE and found == []


@given(st.lists(st.text(st.sampled_from("ab/._é\0"), min_size=1, max_size=8), unique=True, min_size=1))
def test_every_key_is_a_file_that_can_be_restored_or_is_named(keys):
    names = [key.encode() for key in keys]
    listed, found = entries(bucket(*names))
    taken = {entry.name for entry in listed if entry.kind is Kind.FILE}
    for name in taken:
        assert from_payload_text(escaped(name), {escaped(name): name}) == name
    said = {finding.place.removeprefix("s3://bucket/p/").encode() for finding in found}
    folders = {entry.name + b"/" for entry in listed if entry.kind is Kind.DIRECTORY}
    litter = {name for name in names if any(map(is_litter, name.split(b"/")))}
    assert taken | said | folders | litter >= set(names) and not taken & said
