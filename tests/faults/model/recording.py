"""A store that writes down every call, from whichever process, in the order in which the calls ended."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from strongroom.core.digests import Digest
from strongroom.core.errors import KeyExistsError
from strongroom.core.keys import StoreKey
from strongroom.core.retention import Lock
from strongroom.core.warmth import Tier, Warmth
from strongroom.stores.interface import Capabilities, Reader, Stat, Store


@dataclass(frozen=True, slots=True)
class Call:
    """`name`: put (it created the key), exists (a put that met it), get, head, list, delete. `key`: or the prefix of a listing."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class RecordingStore:
    """Passes everything on to `store`."""

    store: Store
    file: Path

    def _note(self, name: str, key: object) -> None:
        line = json.dumps([name, str(key)]) + "\n"
        descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(descriptor, line.encode())  # one write, so that lines of several processes do not mix
        finally:
            os.close(descriptor)

    def calls(self) -> list[Call]:
        return [Call(*json.loads(line)) for line in self.file.read_text().splitlines()] if self.file.exists() else []

    @property
    def url(self) -> str:
        return self.store.url

    @property
    def capabilities(self) -> Capabilities:
        return self.store.capabilities

    def _create(self, key: StoreKey, put: Callable[[], object]) -> None:
        try:
            put()
        except KeyExistsError:
            self._note("exists", key)
            raise
        self._note("put", key)

    def put(self, key: StoreKey, data: bytes | bytearray | memoryview, *, sha256: Digest) -> None:
        self._create(key, lambda: self.store.put(key, data, sha256=sha256))

    def put_stream(self, key: StoreKey, source: IO[bytes], length: int, *, sha256: Digest) -> None:
        self._create(key, lambda: self.store.put_stream(key, source, length, sha256=sha256))

    def receive(self, source: IO[bytes], name: Callable[[], tuple[StoreKey, Digest]]) -> StoreKey:
        key = self.store.receive(source, name)
        self._note("put", key)
        return key

    def get(self, key: StoreKey, start: int = 0, length: int | None = None, *, uncached: bool = False) -> Reader:
        reader = self.store.get(key, start, length, uncached=uncached)
        self._note("get", key)
        return reader

    def head(self, key: StoreKey) -> Stat:
        stat = self.store.head(key)
        self._note("head", key)
        return stat

    def list(self, prefix: str = "") -> Iterator[Stat]:
        self._note("list", prefix)
        return self.store.list(prefix)

    def list_folders(self, prefix: str) -> Iterator[str]:
        self._note("list", prefix)
        return self.store.list_folders(prefix)

    def delete(self, key: StoreKey) -> None:
        self._note("delete", key)
        self.store.delete(key)

    def erase(self, key: StoreKey) -> bool:
        self._note("delete", key)
        return self.store.erase(key)

    def lock(self, key: StoreKey, *, every_version: bool = False) -> Lock | None:
        return self.store.lock(key, every_version=every_version)

    def retain(self, key: StoreKey, lock: Lock) -> None:
        self.store.retain(key, lock)

    def warmth(self, key: StoreKey) -> Warmth:
        return self.store.warmth(key)

    def thaw(self, key: StoreKey, warmth: Warmth, tier: Tier, days: int) -> None:
        self.store.thaw(key, warmth, tier, days)

    def tidy(self, older_than_seconds: float) -> int:
        return self.store.tidy(older_than_seconds)

    def free_bytes(self) -> int | None:
        return self.store.free_bytes()

    def check_key_space(self) -> tuple[str, ...]:
        return self.store.check_key_space()
