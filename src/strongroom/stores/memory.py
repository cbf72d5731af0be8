"""A store in memory, for tests and for trying things out. It lives as long as its process."""

from __future__ import annotations

import io
import threading
import weakref
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import IO, Final

from strongroom.core.digests import Digest
from strongroom.core.errors import KeyExistsError, NotFoundInStoreError, StoreRefusedError, StoreUnreachableError
from strongroom.core.ids import new_id
from strongroom.core.keys import StoreKey
from strongroom.core.retention import Lock
from strongroom.core.warmth import State, Tier, Warmth
from strongroom.stores.checked import CHUNK, check_bytes, checked_chunks
from strongroom.stores.interface import Capabilities, Reader, Stat
from strongroom.stores.reader import BoundedReader

_ALIVE: Final[weakref.WeakValueDictionary[str, MemoryStore]] = weakref.WeakValueDictionary()


class MemoryStore:
    """Pickles to itself within the process (and to the state at the fork in a forked child); elsewhere unpickling raises."""

    capabilities: Final = Capabilities(
        create_only=True, checks_sha256=True, ranges=True, max_object=None, late_naming=True, notes=("everything is lost with the process",)
    )

    def __init__(self) -> None:
        self._name = new_id()
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()
        _ALIVE[self._name] = self

    @property
    def url(self) -> str:
        return f"memory://{self._name}"

    def put(self, key: StoreKey, data: bytes | bytearray | memoryview, *, sha256: Digest) -> None:
        check_bytes(key, data, sha256)
        with self._lock:
            if key.text in self._objects:
                raise KeyExistsError(f"{self.url}: {key} exists already")
            self._objects[key.text] = bytes(data)

    def put_stream(self, key: StoreKey, source: IO[bytes], length: int, *, sha256: Digest) -> None:
        self.put(key, b"".join(checked_chunks(key, source, length, sha256)), sha256=sha256)

    def receive(self, source: IO[bytes], name: Callable[[], tuple[StoreKey, Digest]]) -> StoreKey:
        data = b"".join(iter(lambda: source.read(CHUNK), b""))
        key, sha256 = name()
        self.put(key, data, sha256=sha256)
        return key

    def get(self, key: StoreKey, start: int = 0, length: int | None = None, *, uncached: bool = False) -> Reader:
        data = self._find(key)
        part = data[start:] if length is None else data[start : start + length]
        return BoundedReader(io.BytesIO(part), len(part), f"{self.url}/{key}")

    def head(self, key: StoreKey) -> Stat:
        return Stat(key, len(self._find(key)))

    def list(self, prefix: str = "") -> Iterator[Stat]:
        with self._lock:
            names = sorted(self._objects)
        for name in names[bisect_left(names, prefix) :]:
            if not name.startswith(prefix):
                return
            data = self._objects.get(name)
            if data is not None:  # deleted meanwhile
                yield Stat(StoreKey(name), len(data))

    def list_folders(self, prefix: str) -> Iterator[str]:
        rests = (stat.key.text[len(prefix) :] for stat in self.list(prefix))
        yield from sorted({rest.partition("/")[0] for rest in rests if "/" in rest})

    def delete(self, key: StoreKey) -> None:
        with self._lock:
            if self._objects.pop(key.text, None) is None:
                raise NotFoundInStoreError(f"{self.url}: no {key}")

    def erase(self, key: StoreKey) -> bool:
        self.delete(key)
        return True

    def lock(self, key: StoreKey, *, every_version: bool = False) -> Lock | None:
        self.head(key)
        return None

    def retain(self, key: StoreKey, lock: Lock) -> None:
        self.head(key)
        raise StoreRefusedError(f"{self.url}: nothing here is kept from being removed")

    def warmth(self, key: StoreKey) -> Warmth:
        return Warmth("STANDARD", State.WARM, self.head(key).size)

    def thaw(self, key: StoreKey, warmth: Warmth, tier: Tier, days: int) -> None:
        self.head(key)

    def tidy(self, older_than_seconds: float) -> int:
        return 0

    def free_bytes(self) -> int | None:
        return None

    def check_key_space(self) -> tuple[str, ...]:
        return ()

    def _find(self, key: StoreKey) -> bytes:
        data = self._objects.get(key.text)
        if data is None:
            raise NotFoundInStoreError(f"{self.url}: no {key}")
        return data

    def __reduce__(self) -> tuple[Callable[[str], MemoryStore], tuple[str]]:
        return _alive, (self._name,)


def _alive(name: str) -> MemoryStore:
    store = _ALIVE.get(name)
    if store is None:
        raise StoreUnreachableError(f"memory://{name}: a store in memory cannot be reached from another process; use a file:// store")
    return store
