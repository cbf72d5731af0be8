"""Files that change while they are read are never sealed as something they were not."""

import hashlib
import os
import threading

import pytest

from strongroom.core.pack import LARGE_CONTENT
from strongroom.sources.reading import FileState, SourceReadError, check_unchanged, open_source, read_small
from strongroom.usecases.archive import ingest
from strongroom.usecases.archive.reading import HashingReader


def test_a_file_that_grows_during_the_read_is_said_to_change(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"x" * 100)
    descriptor = open_source(os.fsencode(path), follow=False)
    state = FileState.of(descriptor)
    path.write_bytes(b"x" * 101)
    with pytest.raises(SourceReadError) as caught:
        read_small(descriptor, state)
    assert caught.value.kind == "changing"
    os.close(descriptor)


def test_a_file_rewritten_with_the_same_size_is_said_to_change(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"a" * 100)
    descriptor = open_source(os.fsencode(path), follow=False)
    state = FileState.of(descriptor)
    before = path.stat().st_mtime_ns
    while path.stat().st_mtime_ns == before:  # until the file system's clock has ticked
        path.write_bytes(b"b" * 100)
    with pytest.raises(SourceReadError):
        check_unchanged(descriptor, state)
    os.close(descriptor)


def test_a_fifo_that_took_a_files_place_is_not_waited_for(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    descriptor = open_source(os.fsencode(path), follow=False)
    with pytest.raises(SourceReadError):
        FileState.of(descriptor)
    os.close(descriptor)


def test_a_link_that_took_a_files_place_is_not_followed(tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to("secret")
    with pytest.raises(SourceReadError):
        open_source(os.fsencode(tmp_path / "link"), follow=False)


def test_a_file_that_never_stops_changing_is_left_out_and_the_rest_is_sealed(site):
    log = site.write("live.log", b"start")
    big = site.write("large.bin", os.urandom(LARGE_CONTENT + 1))
    stop = threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            number += 1
            log.write_bytes(b"x" * (number % 5000))
            os.utime(big)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        report = site.run()
    finally:
        stop.set()
        writer.join()
    assert report.bag == "site/v1"
    payload = site.payload(1)  # compares every digest
    assert "data/index.html" in payload
    for path in ("data/live.log", "data/large.bin"):
        left_out = path not in payload
        assert left_out is any(f.code.label == "source-changed" and f.place == path for f in report.findings)
    assert report.exit_status == (0 if len(payload) == 6 else 1)


def test_large_contents_are_objects_of_their_own_and_are_stored_once(site):
    data = os.urandom(LARGE_CONTENT + 1)
    site.write("large.bin", data)
    site.write("copy.bin", data)
    site.write("just small.bin", data[:LARGE_CONTENT])
    site.run()
    (content,) = site.store.glob("content/*/*")
    assert content.read_bytes() == data
    assert site.payload(1)["data/copy.bin"] == data
    site.write("third.bin", data)
    assert site.run().new_contents == 0
    assert len(list(site.store.glob("content/*/*"))) == 1


def test_contents_over_the_limit_carry_digests_of_their_pieces(site):
    assert (ingest.PIECES_OVER, ingest.PIECE) == (1024**3, 64 * 1024**2)
    with site.write("big", os.urandom(1_000_001)).open("rb") as file, HashingReader(file.read, ["sha256"], 250_000) as reader:
        while reader.read(70_001):
            pass
    data = (site.source / "big").read_bytes()
    assert reader.pieces == [hashlib.sha256(data[at : at + 250_000]).hexdigest() for at in range(0, 1_000_001, 250_000)]
