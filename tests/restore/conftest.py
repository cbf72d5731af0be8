"""A source with everything a folder can hold, a runner in this process, a store of files."""

from __future__ import annotations

import os
from contextlib import contextmanager

import pytest

from strongroom.core.errors import RefusedError, UsageError
from strongroom.usecases.context import Context
from tests.restore.bad_disk import BadDisk
from tests.restore.builder import make_store


class InlineRunner:
    """Does each batch here and now. `stop_after`: Ctrl-C comes when so many batches are done."""

    workers, afar = 1, False

    def __init__(self, stop_after: int | None = None) -> None:
        self.findings, self.said, self.maps = [], [], []
        self._stop_after = stop_after

    @contextmanager
    def stage(self, name, *, files=None, size=None):
        yield self

    def advance(self, files=0, size=0):
        pass

    def map(self, name, function, batches, *, retries=2, files=None, size=None, weigh=None, here=False):
        assert isinstance(batches, list) and batches
        self.maps.append((name, len(batches)))
        for batch in batches:
            if self._stop_after == 0 and name == "restore":
                raise KeyboardInterrupt
            for attempt in range(retries + 1):
                try:
                    yield function(batch)
                    break
                except (UsageError, RefusedError):
                    raise
                except Exception:
                    if attempt == retries:
                        raise
            if self._stop_after is not None and name == "restore":
                self._stop_after -= 1

    def finding(self, finding):
        self.findings.append(finding)

    def say(self, message):
        self.said.append(message)

    def artifact(self, key, markdown):
        pass


@pytest.fixture
def runner():
    return InlineRunner()


@pytest.fixture
def context(tmp_path):
    return Context(tmp_path / "home")


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def store(tmp_path):
    (tmp_path / "store").mkdir()
    return make_store(f"file://{tmp_path}/store")


NAMES = [
    b"plain.txt", b"with space.txt", b"trailing ", b"~tilde", b"-dash", b"100%25.txt", b"%0A", b"line\nbreak", b"carriage\rreturn",
    b"quote'\"", b"back\\slash", "caf\u00e9".encode(), "cafe\u0301".encode(), "\u6587\u66f8".encode(), b"caf\xe9-latin1", b"x" * 255,
    b"_names", b"sub/_names", b"sub/deep/er/file", b".hidden", b"\xe2\x80\xa8separator", b"tab\there",
]


@pytest.fixture
def source(tmp_path):
    """Hostile but legal names, duplicates, an empty file, a large one, links, empty folders, odd modes and times."""
    root = os.fsencode(tmp_path / "source")
    os.makedirs(root)
    for number, name in enumerate(NAMES):
        full = os.path.join(root, name)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(b"content %d\n" % (number % 15) * (number * 50))  # some equal to others, the first empty
        os.chmod(full, (0o644, 0o600, 0o755, 0o444, 0o640)[number % 5])
    with open(os.path.join(root, b"large.bin"), "wb") as file:
        file.write(os.urandom(5 << 20))
    with open(os.path.join(root, b"large copy.bin"), "wb") as copy, open(os.path.join(root, b"large.bin"), "rb") as file:
        copy.write(file.read())
    os.makedirs(os.path.join(root, b"empty/inner"))
    os.makedirs(os.path.join(root, b"empty-\xff"))
    os.chmod(os.path.join(root, b"empty/inner"), 0o2755)
    os.chmod(os.path.join(root, b"sub"), 0o555)
    os.symlink(b"plain.txt", os.path.join(root, b"link"))
    os.symlink(b"/nowhere/\xff", os.path.join(root, b"broken link"))
    os.symlink(b"sub", os.path.join(root, b"folder link"))
    at = 1_600_000_000_123_456_789
    for path, folders, files in os.walk(root, topdown=False):
        for name in [*files, *folders]:
            at += 1_000_000_007
            os.utime(os.path.join(path, name), ns=(at, at), follow_symlinks=False)
    os.utime(root, ns=(at, at))
    yield tmp_path / "source"
    os.chmod(os.path.join(root, b"sub"), 0o755)


@pytest.fixture
def bad_disk(monkeypatch):
    return BadDisk(monkeypatch)
