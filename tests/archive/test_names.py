"""Names that are hostile but legal, and things that are not files."""

import base64
import os
import socket

import pytest

HOSTILE = [
    b"new\nline", b"return\rhere", b"percent%0Aliteral", b"trailing space ", b" leading space", b"~tilde", b"-dash", b"'quote\"",
    b"back\\slash", b"n" * 255, "NFC é".encode(), b"NFD e\xcc\x81", "письмо 文書 كتاب".encode(), b"tab\there", b"bell\x07",
    "\u2028separator".encode(), b"...", b"con", b"a:b", b"*?<>|", b"_names",
]


def test_hostile_names_are_kept_byte_for_byte(site):
    root = os.fsencode(site.source)
    for number, name in enumerate(HOSTILE):
        with open(root + b"/" + name, "wb") as file:
            file.write(b"%d" % number)
    with open(root + b"/caf\xe9 \xff", "wb") as file:
        file.write(b"latin-1")
    os.mkdir(root + b"/dossier \xe9t\xe9")
    with open(root + b"/dossier \xe9t\xe9/f", "wb") as file:
        file.write(b"below")
    report = site.run()
    assert report.exit_status == 0
    payload = site.payload(1)
    names = {line["path"]: base64.b64decode(line["bytes"]) for line in site.lines(1, "metadata/names.jsonl")}
    there = {names.get(path, path.removeprefix("data/").encode()): data for path, data in payload.items()}
    for number, name in enumerate(HOSTILE):
        assert there[name] == b"%d" % number
    assert there[b"caf\xe9 \xff"] == b"latin-1"
    assert there[b"dossier \xe9t\xe9/f"] == b"below"
    assert b"dossier \xe9t\xe9" in names.values()
    assert all(path.startswith("data/_names/") for path in names)


def test_a_real_folder_called_names_cannot_be_mistaken_for_an_escape(site):
    forged = "_names/" + "0" * 64
    site.write(forged, b"forged")
    site.run()
    (line,) = [line for line in site.lines(1, "metadata/names.jsonl") if base64.b64decode(line["bytes"]) == forged.encode()]
    assert site.payload(1)[line["path"]] == b"forged"


def test_links_folders_and_special_files_are_listed_and_never_opened(site):
    (site.source / "link").symlink_to("index.html")
    (site.source / "dangling").symlink_to(b"nowhere \xff".decode(errors="surrogateescape"))
    (site.source / "loop").symlink_to("loop")
    (site.source / "empty folder").mkdir(mode=0o750)
    os.mkfifo(site.source / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(site.source)
        listener.bind("socket")
        os.chdir(here)
    site.write(".DS_Store", b"litter")
    report = site.run()
    assert site.codes(report) == ["source-special-file", "source-special-file"]
    structure = {line["path"]: line for line in site.lines(1, "metadata/structure.jsonl")}
    assert base64.b64decode(structure["data/link"]["target"]) == b"index.html"
    assert base64.b64decode(structure["data/dangling"]["target"]) == b"nowhere \xff"
    assert structure["data/loop"]["kind"] == "symlink"
    assert structure["data/empty folder"] == {
        "kind": "directory", "mode": "0750", "mtime": (site.source / "empty folder").stat().st_mtime_ns, "path": "data/empty folder"
    }
    assert structure["data/fifo"]["reason"] == structure["data/socket"]["reason"] == "special-file"
    assert structure["data/.DS_Store"]["reason"] == "system-file"
    assert len(site.payload(1)) == 4


def test_followed_links_give_their_files_but_never_leave_the_source_or_go_in_circles(site):
    site.settings = "symlinks: follow\n"
    outside = site.root / "outside"
    outside.write_text("secret")
    (site.source / "inside").symlink_to("index.html")
    (site.source / "folder").symlink_to("pages")
    (site.source / "escape").symlink_to(outside)
    (site.source / "pages/up").symlink_to("..")
    (site.source / "loop").symlink_to("loop")
    report = site.run()
    payload = site.payload(1)
    assert payload["data/inside"] == payload["data/index.html"]
    assert payload["data/folder/a.html"] == payload["data/pages/a.html"]
    assert b"secret" not in payload.values()
    assert "source-link-escapes" in site.codes(report)
    assert "source-link-loop" in site.codes(report)


def test_refused_links_make_no_bag(site):
    site.settings = "symlinks: refuse\n"
    (site.source / "link").symlink_to("index.html")
    report = site.run()
    assert (report.outcome, report.exit_status, site.versions()) == ("refused", 1, [])


def test_patterns_leave_out_and_are_listed(site):
    site.settings = "exclude: ['*.tmp', 'cache/']\n"
    site.write("a.tmp", b"t")
    site.write("cache/deep/file", b"c")
    report = site.run()
    assert report.excluded == {"pattern": 2}
    assert set(site.payload(1)) == {"data/index.html", "data/pages/a.html", "data/pages/copy of a.html", "data/empty"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_an_error_and_the_rest_is_sealed(site):
    (site.source / "index.html").chmod(0)
    report = site.run()
    assert (report.outcome, report.exit_status, site.codes(report)) == ("sealed", 1, ["source-unreadable"])
