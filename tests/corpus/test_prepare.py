"""The sample collection is what the demo and the documents say it is, and is prepared the same at every run."""

from __future__ import annotations

import csv
import hashlib
import os
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from corpus.prepare import EMPTY_FOLDER, LINK, SAMPLE, main, prepare


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dest = tmp_path_factory.mktemp("sample") / "new" / "source"
    assert main([str(dest)]) == 0
    return dest


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def facts(folder: Path) -> dict[str, tuple[int, int, str]]:
    found = {}
    for path in [folder, *folder.rglob("*")]:
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else "" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
        mode = 0 if path.is_symlink() else stat.S_IMODE(status.st_mode)  # a link has no mode of its own on Linux
        found[str(path.relative_to(folder))] = (mode, status.st_mtime_ns, content)
    return found


def test_preparing_is_deterministic(sample: Path, tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        assert prepare(tmp_path) == len(files_of(SAMPLE))
    finally:
        os.umask(old)
    assert facts(tmp_path) == facts(sample)


def test_what_git_cannot_keep_is_added(sample: Path) -> None:
    assert list((sample / EMPTY_FOLDER).iterdir()) == []
    assert (sample / LINK[0]).is_symlink() and (sample / LINK[0]).resolve(strict=True).is_file()
    times = [time for _, time, _ in facts(sample).values()]
    assert len(set(times)) == len(times)
    assert sum(time % 1000 != 0 for time in times) > 0.9 * len(times)  # nanoseconds, where the file system keeps them
    assert {mode for mode, _, _ in facts(sample).values()} >= {0o755, 0o644, 0o640, 0o600, 0o444}


def test_a_folder_that_holds_something_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").write_text("mine")
    assert main([str(tmp_path)]) == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_size_names_and_duplicates() -> None:
    files = files_of(SAMPLE)
    assert 140 <= len(files) <= 160
    assert sum(path.stat().st_size for path in files) < 2_000_000
    letters = "".join(str(path.relative_to(SAMPLE)) for path in files)
    assert {"LATIN", "CYRILLIC", "GREEK", "HEBREW", "ARABIC", "CJK", "HIRAGANA"} <= {
        unicodedata.name(letter, "?").split()[0] for letter in letters}
    assert set(" %'\"&;~[]-") <= set(letters)
    counts = Counter(path.read_bytes() for path in files)
    assert sum(count - 1 for count in counts.values()) >= 10


def test_two_mirrors_keep_one_article_with_small_differences() -> None:
    hosts = ("heronpost.example", "attic.example")
    one, two = ((SAMPLE / f"mirrors/{host}/articles/lantern-walk.html").read_text().splitlines() for host in hosts)
    same = sum((Counter(one) & Counter(two)).values())
    assert 0.7 * len(one) < same < len(one)


def test_pages_share_header_and_footer() -> None:
    pages = [path.read_text() for path in (SAMPLE / "lanternmoor.example").rglob("*.html")]
    assert len(pages) > 100
    assert len({page[page.index("<footer") :] for page in pages}) == 1
    assert all(page.startswith("<!DOCTYPE html>") and '<nav>' in page for page in pages)


def test_pictures_and_documents_are_valid() -> None:
    seen = Counter(path.suffix for path in files_of(SAMPLE))
    assert {".png", ".gif", ".jpg", ".svg", ".pdf", ".zip", ".csv", ".css", ".js", ".txt"} <= set(seen)
    for path in files_of(SAMPLE):
        data = path.read_bytes()
        if path.suffix == ".png":
            check_png(data)
        elif path.suffix == ".gif":
            assert data[:6] == b"GIF89a" and data[-1:] == b";"
        elif path.suffix == ".jpg":
            assert data[:4] == b"\xff\xd8\xff\xe0" and data[-2:] == b"\xff\xd9"
        elif path.suffix == ".svg":
            assert ElementTree.fromstring(data).tag == "{http://www.w3.org/2000/svg}svg"
        elif path.suffix == ".pdf":
            check_pdf(data)
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                assert archive.testzip() is None and len(archive.namelist()) == 3


def check_png(data: bytes) -> None:
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, kinds = 8, []
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(data[at + 4 : at + 8 + length])
        kinds.append(kind)
        at += 12 + length
    assert (kinds[0], kinds[-1]) == (b"IHDR", b"IEND")


def check_pdf(data: bytes) -> None:
    """The cross-reference table points at every object."""
    table = int(data.rsplit(b"startxref\n", 1)[1].split()[0])
    entries = data[table:].split(b"trailer")[0].splitlines()[3:]
    assert len(entries) >= 5
    for number, entry in enumerate(entries, 1):
        assert data[int(entry[:10]) :].startswith(b"%d 0 obj" % number)


def records(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_metadata_is_about_files_that_exist() -> None:
    rows = records(SAMPLE / "metadata.csv")
    assert len(rows) >= 100 and len({row["filename"] for row in rows}) == len(rows)
    for row in rows:
        data = (SAMPLE / row["filename"]).read_bytes()
        assert row["dc.title"] and row["checksum.sha256"] in ("", hashlib.sha256(data).hexdigest())
    assert sum(bool(row["checksum.sha256"]) for row in rows) >= 10
    folder = SAMPLE / "lanternmoor.example/downloads"
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ", 1)
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_the_spoilt_metadata_differs_in_three_rows() -> None:
    spoilt = records(SAMPLE.parent / "sample-metadata-with-errors.csv")
    good = records(SAMPLE / "metadata.csv")[: len(spoilt)]
    differing = [(row["dc.date"], row["dc.language"]) for row, before in zip(spoilt, good, strict=True) if row != before]
    assert differing == [("next summer", "mul"), ("2009-07-17", "English (mostly)"), ("44927", "en")]
