"""What only a folder can get wrong: crashes, full disks, links, vanished roots, foreign files."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.core.digests import Digest
from strongroom.core.errors import (
    KeyExistsError,
    NotFoundInStoreError,
    StoreFullError,
    StoreRefusedError,
    StoreUnreachableError,
    WrongStoreError,
)
from strongroom.core.keys import StoreKey
from strongroom.stores import posix
from strongroom.stores.file import FileStore
from strongroom.stores.filesystems import FileSystem, file_system_of
from strongroom.stores.generations import put_or_generation
from tests.stores.helpers import names, pattern, put, put_stream, read

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def store(root: Path) -> FileStore:
    return FileStore(str(root))


#: Puts key after key, each in a process of its own that kills itself before its nth call of a C function, until one needs no more.
CRASH = """
import os, signal, sys
from strongroom.core.digests import Digest
from strongroom.core.keys import StoreKey
from strongroom.stores.file import FileStore
store = FileStore(sys.argv[1])
for n in range(10_000):
    data = (b"%d " % n) * 60_000
    child = os.fork()
    if child == 0:
        left = n
        def watch(frame, event, function):
            global left
            if event == "c_call":
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        digest = Digest.of(data)
        sys.setprofile(watch)
        store.put(StoreKey(f"crash/{n % 5}/{n}"), data, sha256=digest)
        sys.setprofile(None)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(n, status, flush=True)
    if status >= 0:
        break
"""


def test_a_killed_writer_leaves_whole_keys_and_temporaries_only(root: Path, store: FileStore) -> None:
    run = subprocess.run([sys.executable, "-c", CRASH, str(root)], capture_output=True, text=True, check=True, timeout=600,
                         env={"PYTHONPATH": str(SOURCE)})
    ends = dict(tuple(map(int, line.split())) for line in run.stdout.splitlines())
    last = len(ends) - 1
    assert ends == dict.fromkeys(range(last), -signal.SIGKILL) | {last: 0} and last > 30
    keys = {int(name.split("/")[2]): name for name in names(store)}
    assert last in keys  # what put returned for is there
    assert 1 < len(keys) < last  # some were killed before and some after their key was there
    for number, name in keys.items():
        assert read(store, name) == (b"%d " % number) * 60_000
    assert os.listdir(root / ".tmp")
    store.tidy(0)
    assert os.listdir(root / ".tmp") == []


def test_tidy_leaves_what_is_young(root: Path, store: FileStore) -> None:
    put(store, "a")
    (root / ".tmp" / "young").write_bytes(b"x")
    (root / ".tmp" / "old").write_bytes(b"x")
    (root / ".tmp" / "future").write_bytes(b"x")
    os.utime(root / ".tmp" / "old", (1, 1))
    os.utime(root / ".tmp" / "future", (2**33, 2**33))
    assert store.tidy(3600) == 1
    assert sorted(os.listdir(root / ".tmp")) == ["future", "young"]


def test_root_is_never_made(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path / "unplugged"))
    for call in (lambda: put(store, "a"), lambda: read(store, "a"), lambda: names(store), lambda: store.head(StoreKey("a")),
                 lambda: store.delete(StoreKey("a")), lambda: list(store.list_folders("")), store.free_bytes, lambda: store.tidy(0)):
        with pytest.raises(WrongStoreError, match="plugged in"):
            call()
    assert not (tmp_path / "unplugged").exists()


def test_root_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WrongStoreError):
        put(FileStore(str(tmp_path / "file")), "a")


def test_root_swapped_for_an_empty_folder_is_noticed(root: Path, store: FileStore) -> None:
    put(store, "a/b", b"1")
    copy = pickle.loads(pickle.dumps(store))
    root.rename(root.with_name("elsewhere"))
    for one in (store, copy):
        with pytest.raises(WrongStoreError, match="plugged in"):
            read(one, "a/b")
    root.mkdir()
    for one in (store, copy):
        for call in (lambda one=one: put(one, "a/c"), lambda one=one: read(one, "a/b"), lambda one=one: names(one)):
            with pytest.raises(WrongStoreError, match="another folder"):
                call()
    assert os.listdir(root) == []


def test_listing_breaks_off_with_an_error_when_the_root_vanishes(root: Path, store: FileStore) -> None:
    for n in range(5):
        put(store, f"d{n}/x")
    listing = store.list()
    assert next(listing).key.text == "d0/x"
    root.rename(root.with_name("elsewhere"))
    with pytest.raises(WrongStoreError):
        list(listing)


def test_entries_that_vanish_while_listing_are_passed_over(root: Path, store: FileStore) -> None:
    for n in range(5):
        put(store, f"d{n}/x")
    listing = store.list()
    next(listing)
    (root / "d2" / "x").unlink()
    (root / "d3" / "x").unlink()
    (root / "d3").rmdir()
    assert [stat.key.text for stat in listing] == ["d1/x", "d4/x"]


def test_foreign_files_are_not_keys(root: Path, store: FileStore) -> None:
    put(store, "packs/aa/x")
    for name in ("My File.txt", ".DS_Store", "é", "con", "lost+found.", "~$x?"):
        (root / name).write_bytes(b"")
        (root / "packs" / name).write_bytes(b"")
    (root / "System Volume Information").mkdir()
    (root / "System Volume Information" / "x").write_bytes(b"")
    os.mkfifo(root / "packs" / "fifo")
    (root / "packs" / "empty").mkdir()
    with open(os.fsencode(root) + b"/\xff\xfe", "wb"):
        pass
    assert names(store) == ["packs/aa/x"]
    assert list(store.list_folders("packs/")) == ["aa"]
    with pytest.raises(NotFoundInStoreError):
        read(store, "packs/fifo")
    with pytest.raises(NotFoundInStoreError):
        store.delete(StoreKey("packs/empty"))


def test_links_to_files_are_not_keys(root: Path, tmp_path: Path, store: FileStore) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    put(store, "a/x")
    (root / "a" / "link").symlink_to(tmp_path / "secret")
    assert names(store) == ["a/x"]
    with pytest.raises(NotFoundInStoreError):
        read(store, "a/link")
    with pytest.raises(NotFoundInStoreError):
        store.head(StoreKey("a/link"))
    with pytest.raises(KeyExistsError):
        put(store, "a/link", b"mine")
    assert put_or_generation(store, StoreKey("a/link"), b"mine", Digest.of(b"mine")).text == "a/link~1"
    store.delete(StoreKey("a/link"))
    assert (tmp_path / "secret").read_bytes() == b"secret"


def test_linked_folders_are_refused_never_followed_never_passed_over(root: Path, tmp_path: Path, store: FileStore) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x").write_bytes(b"secret")
    (root / "packs").symlink_to(tmp_path / "outside")
    (root / "content").symlink_to(tmp_path / "unplugged")
    for call in (lambda: read(store, "packs/x"), lambda: put(store, "packs/y"), lambda: put_stream(store, "packs/z", b"abc"),
                 lambda: names(store), lambda: names(store, "packs/"), lambda: names(store, "content/"),
                 lambda: store.head(StoreKey("packs/x")), lambda: store.delete(StoreKey("packs/x")), lambda: read(store, "content/x")):
        with pytest.raises(StoreRefusedError, match="never followed"):
            call()
    assert os.listdir(tmp_path / "outside") == ["x"]
    assert not (tmp_path / "unplugged").exists()


def test_a_linked_folder_of_temporaries_is_refused(root: Path, tmp_path: Path, store: FileStore) -> None:
    (root / ".tmp").symlink_to(tmp_path)
    with pytest.raises(StoreRefusedError):
        put(store, "a")


def test_a_file_where_a_folder_should_be(root: Path, store: FileStore) -> None:
    (root / "packs").write_bytes(b"")
    with pytest.raises(StoreRefusedError, match="packs"):
        put(store, "packs/x")
    assert os.listdir(root / ".tmp") == []


def test_objects_cannot_be_saved_over_by_accident(root: Path, store: FileStore) -> None:
    put(store, "a/b")
    assert (root / "a" / "b").stat().st_mode & 0o222 == 0
    assert (root / "a" / "b").stat().st_nlink == 1


def test_everything_is_synced_before_put_returns(root: Path, store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        synced.append(os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), root).split("/")[0])

    monkeypatch.setattr(os, "fsync", fsync)
    put(store, "a/b/c")
    assert synced == [".tmp", ".", "a", "a"]  # the file; the names of a, of a/b, of a/b/c
    synced.clear()
    put(store, "a/b/d")
    assert synced == [".tmp", "a"]
    synced.clear()
    with pytest.raises(KeyExistsError):  # somebody else's, perhaps not durable yet: the caller will rely on it
        put(FileStore(str(root)), "a/b/d")
    assert synced == [".", "a", "a"]
    synced.clear()
    with pytest.raises(KeyExistsError):  # likewise where the key is met only when publishing
        store.receive(io.BytesIO(b"x"), lambda: (StoreKey("a/b/d"), Digest.of(b"x")))
    assert synced == [".tmp", "a"]


def test_without_hard_links_a_refusing_rename_publishes(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_args: object, **_kwargs: object) -> None:
        raise OSError(errno.EPERM, "as exFAT says")

    monkeypatch.setattr(os, "link", no_links)
    put(store, "a/b", b"one")
    with pytest.raises(KeyExistsError):
        store._create([b"two"], lambda: StoreKey("a/b"))
    assert read(store, "a/b") == b"one"
    assert any("rename" in note for note in store.check_key_space())
    monkeypatch.setattr(posix, "_rename_function", lambda: (None, 0))
    with pytest.raises(StoreUnreachableError):
        put(store, "a/c")
    with pytest.raises(StoreUnreachableError):
        store.check_key_space()
    assert names(store) == ["a/b"]


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    place = tmp_path / "tiny"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"mounting a small file system needs root: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk(tiny: Path) -> None:
    store = FileStore(str(tiny))
    put(store, "fits", pattern(1_000_000))
    data = pattern(5_000_000)
    with pytest.raises(StoreFullError, match="ENOSPC"):
        put(store, "big", data)
    with pytest.raises(StoreFullError, match="ENOSPC"):
        put_stream(store, "big", data)
    with pytest.raises(StoreFullError, match="ENOSPC"):
        store.receive(io.BytesIO(data), lambda: (StoreKey("big"), Digest.of(data)))
    assert names(store) == ["fits"]
    assert os.listdir(tiny / ".tmp") == []
    put(store, "fits-too", pattern(1_000_000))
    assert any("tmpfs" in note for note in store.check_key_space())


def test_an_unmounted_disk_is_not_an_empty_store(tiny: Path) -> None:
    store = FileStore(str(tiny))
    put(store, "a")
    subprocess.run(["umount", "-l", str(tiny)], check=True)
    try:
        with pytest.raises(WrongStoreError, match="unplugged"):
            put(store, "b")
        with pytest.raises(WrongStoreError, match="unplugged"):
            names(store)
        assert os.listdir(tiny) == []
    finally:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(tiny)], check=True)  # for the fixture to unmount


def test_a_read_only_disk(tiny: Path) -> None:
    store = FileStore(str(tiny))
    put(store, "a", b"kept")
    subprocess.run(["mount", "-o", "remount,ro", str(tiny)], check=True)
    with pytest.raises(StoreRefusedError, match="EROFS"):
        put(store, "b")
    with pytest.raises(StoreRefusedError, match="EROFS"):
        store.delete(StoreKey("a"))
    assert read(store, "a") == b"kept"


def test_a_file_larger_than_allowed(store: FileStore, root: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(StoreFullError, match="EFBIG"):
            put(store, "big", pattern(2_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(store) == []
    assert os.listdir(root / ".tmp") == []


def test_no_permission(tmp_path: Path) -> None:
    script = """
import os, sys
from strongroom.core.digests import Digest
from strongroom.core.errors import StoreRefusedError
from strongroom.core.keys import StoreKey
from strongroom.stores.file import FileStore
if os.geteuid() == 0:
    os.setuid(65534)
shut, locked = FileStore(sys.argv[1]), FileStore(sys.argv[2])
for call in (lambda: shut.put(StoreKey("a"), b"", sha256=Digest.of(b"")), lambda: locked.head(StoreKey("a"))):
    try:
        call()
    except StoreRefusedError as error:
        assert "EACCES" in str(error), error
    else:
        raise SystemExit("not refused")
"""
    shut, locked = tmp_path / "shut", tmp_path / "locked"
    shut.mkdir(mode=0o555)
    locked.mkdir(mode=0o000)
    if os.geteuid() == 0:  # pytest's own folders are 0700: let the other user through to what is under test
        for folder in (tmp_path, *tmp_path.parents):
            if folder.stat().st_uid == 0 and folder.name.startswith(("pytest", "test_")):
                folder.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", script, str(shut), str(locked)], env={"PYTHONPATH": str(SOURCE)}, capture_output=True,
                          text=True, check=False)
    locked.chmod(0o700)
    assert done.returncode == 0, done.stderr


def test_a_file_truncated_while_it_is_read(root: Path, store: FileStore) -> None:
    put(store, "a", pattern(100_000))
    with store.get(StoreKey("a")) as reader:
        reader.read(10)
        os.truncate(root / "a", 50_000)
        with pytest.raises(StoreUnreachableError, match="50000 bytes short"):
            reader.read()


@pytest.fixture
def medium() -> Iterator[Path]:
    """A folder beside these tests: temporary ones may lie in memory, where there is no cache to leave."""
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent, prefix=".medium-") as folder:
        if file_system_of(folder).kind == "tmpfs":
            pytest.skip("the checkout lies in memory")
        yield Path(folder)


def test_uncached_reads_leave_the_page_cache(medium: Path) -> None:
    """Damage done to the medium below the cache cannot be made here; that the pages are dropped can be seen with mincore."""
    root = medium
    store = FileStore(str(root))
    put(store, "a", pattern(8 << 20))
    import ctypes
    import mmap

    def resident() -> int:
        with open(root / "a", "rb") as file:
            size = os.fstat(file.fileno()).st_size
            with mmap.mmap(file.fileno(), size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE) as view:
                pages = (ctypes.c_ubyte * (size // mmap.PAGESIZE))()
                start = ctypes.c_ubyte.from_buffer(view)
                address = ctypes.addressof(start)
                failed = ctypes.CDLL(None, use_errno=True).mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), pages)
                del start
                assert failed == 0
                return sum(page & 1 for page in pages)

    read(store, "a")
    before = resident()
    store.get(StoreKey("a"), uncached=True).close()
    assert resident() < before / 2


@pytest.mark.parametrize(("kind", "limit", "note"), [
    ("vfat", 2**32 - 1, "4 GiB"), ("exfat", None, "journal"), ("ext4", None, None), ("nfs4", None, "network"), ("", None, None),
])
def test_file_systems(kind: str, limit: int | None, note: str | None) -> None:
    assert FileSystem(kind).max_file == limit
    assert (note is None) == (FileSystem(kind).notes == ())
    assert note is None or any(note in text for text in FileSystem(kind).notes)


def test_file_system_is_found() -> None:
    assert file_system_of("/proc/self").kind == "proc"
    assert file_system_of("/").kind not in ("", "proc")


def test_keys_lie_where_the_format_says(root: Path, store: FileStore) -> None:
    data = pattern(5000)
    put(store, "content/ab/x.pieces~2", data)
    assert hashlib.sha256((root / "content/ab/x.pieces~2").read_bytes()).digest() == hashlib.sha256(data).digest()
    assert store.url == "file://" + str(root)
