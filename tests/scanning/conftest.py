"""The real clamd, with a signature database of one signature: EICAR's test file. Skipped where Debian's clamav-daemon is not installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.archive.conftest import runner, site
from tests.fixtures.seaweedfs import free_ports

__all__ = ["runner", "site"]

#: The test file of EICAR, in two halves, so that no scanner finds it in this one.
EICAR = (b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR", b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*")


@pytest.fixture
def eicar() -> bytes:
    return b"".join(EICAR)


@dataclass
class Daemon:
    """A clamd under way."""

    socket: Path
    port: int
    limit: int  # bytes of a stream that it takes


def write_database(folder: Path) -> Path:
    folder.mkdir()
    (folder / "test.ndb").write_text(f"Test.Eicar:0:0:{b''.join(EICAR).hex()}\n")
    return folder


@pytest.fixture(scope="session")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    program = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")
    if program is None:
        pytest.skip("no clamd here (Debian: clamav-daemon)")
    folder = Path(tmp_path_factory.mktemp("clamd"))
    (port,) = free_ports(1)
    daemon = Daemon(folder / "c", port, 8 << 20)
    (folder / "clamd.conf").write_text(
        f"LocalSocket {daemon.socket}\nTCPSocket {port}\nTCPAddr 127.0.0.1\nDatabaseDirectory {write_database(folder / 'db')}\n"
        f"Foreground yes\nStreamMaxLength {daemon.limit}\nLogFile {folder / 'log'}\nMaxThreads 4\n")
    process = subprocess.Popen([program, "-c", str(folder / "clamd.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(3000):
            with socket.socket(socket.AF_UNIX) as probe:
                if daemon.socket.exists() and probe.connect_ex(str(daemon.socket)) == 0:
                    break
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.1)
        yield daemon
    finally:
        process.terminate()
        process.wait(timeout=300)
