"""The scanners themselves, against the real clamd and clamscan."""

from __future__ import annotations

import shutil
import socket
import threading
from pathlib import Path

import pytest

from strongroom.core.scans import Scan, check_scanner
from strongroom.scanning import clamd as module
from strongroom.scanning.clamd import verdict
from strongroom.scanning.interface import ScannerError
from strongroom.scanning.open import open_scanner
from tests.scanning.conftest import Daemon, write_database


@pytest.mark.parametrize("by", ["socket", "port"])
def test_clamd(clamd: Daemon, eicar: bytes, tmp_path: Path, by: str) -> None:
    scanner = open_scanner(str(clamd.socket) if by == "socket" else f"127.0.0.1:{clamd.port}", tmp_path)
    assert scanner.signatures().startswith("ClamAV ")
    found = scanner.scan({b"a": b"harmless", b"b": eicar, b"c": b"", b"d": bytes(clamd.limit + 1)})
    assert found[b"a"] == found[b"c"] == Scan("clean")
    assert found[b"b"].outcome == "infected" and found[b"b"].detail.startswith("Test.Eicar")
    assert found[b"d"].outcome == "too large" and "size limit exceeded" in found[b"d"].detail
    assert scanner.scan_stream([b"x" * 1000, eicar[:10], eicar[10:]]).outcome == "clean"  # not where it must stand
    assert scanner.scan_stream([eicar[:10], eicar[10:]]).outcome == "infected"
    assert scanner.scan_stream(bytes(300_000) for _ in range(100)).outcome == "too large"  # and clamd hung up long before the end


def test_commands(clamd: Daemon, eicar: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.which("clamscan")
    if real is None:
        pytest.skip("no clamscan here (Debian: clamav)")
    tools, scratch = tmp_path / "bin", tmp_path / "scratch"
    tools.mkdir()
    scratch.mkdir()
    database = write_database(tmp_path / "db")
    (tools / "clamscan").write_text(f'#!/bin/sh\nexec {real} --database={database} "$@"\n')
    (tools / "clamscan").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    scanner = open_scanner("clamscan", scratch)
    assert scanner.signatures().startswith("ClamAV ")
    found = scanner.scan({b"a": b"harmless", b"b": eicar, b"c": b""})
    assert found[b"a"] == found[b"c"] == Scan("clean") and found[b"b"].outcome == "infected"
    assert scanner.scan_stream([eicar]).outcome == "infected"
    assert list(scratch.iterdir()) == []
    (tools / "clamscan").write_text("#!/bin/sh\necho 'no database' >&2\nexit 2\n")
    with pytest.raises(ScannerError, match="status 2: no database"):
        scanner.scan({b"a": b"harmless"})
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(ScannerError, match="no command clamscan"):
        scanner.signatures()


def test_nobody_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSES", (0.0, 0.0))
    with pytest.raises(ScannerError, match="no clamd answers there"):
        open_scanner(str(tmp_path / "absent"), tmp_path).signatures()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\0", b""])
def test_somebody_else_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ScannerError, match=r"no clamd|without an answer"):
            open_scanner(f"127.0.0.1:{server.getsockname()[1]}", tmp_path).signatures()
        thread.join()


def test_what_answers_mean() -> None:
    assert verdict("stream: OK") == Scan("clean")
    assert verdict("stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND") == Scan("too large", "Heuristics.Limits.Exceeded.MaxFileSize")
    assert verdict("stream: Can't allocate memory ERROR") == Scan("refused", "Can't allocate memory")
    with pytest.raises(ScannerError):
        verdict("stream: fine, I think")


@pytest.mark.parametrize("good", ["clamscan", "clamdscan", "/run/clamav/clamd.ctl", "127.0.0.1:3310", "localhost:3310", "[::1]:3310"])
def test_names_of_scanners(good: str) -> None:
    assert check_scanner(good) == good


@pytest.mark.parametrize("bad", ["rm -rf /", "clamscan --remove", "192.0.2.1:3310", "av.example.org:3310", "127.0.0.1", "127.0.0.1:0", ""])
def test_names_of_none(bad: str) -> None:
    with pytest.raises(ValueError, match="clamd"):
        check_scanner(bad)
