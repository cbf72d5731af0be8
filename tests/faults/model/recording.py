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
from strongroom.stores.interface import Reader, Stat, Store
from strongroom.stores.wrapper import StoreWrapper


@dataclass(frozen=True, slots=True)
class Call:
    """`name`: put (it created the key), exists (a put that met it), get, head, list, delete. `key`: or the prefix of a listing."""

    name: str
    key: str


class RecordingStore(StoreWrapper):
    """Writes to `file`."""

    def __init__(self, store: Store, file: Path) -> None:
        super().__init__(store)
        self.file = file

    def _note(self, name: str, key: object) -> None:
        line = json.dumps([name, str(key)]) + "\n"
        descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(descriptor, line.encode())  # one write, so that lines of several processes do not mix
        finally:
            os.close(descriptor)

    def calls(self) -> list[Call]:
        return [Call(*json.loads(line)) for line in self.file.read_text().splitlines()] if self.file.exists() else []

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
