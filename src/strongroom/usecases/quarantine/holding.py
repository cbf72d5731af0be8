"""The folder `quarantine` below STRONGROOM_HOME: HEX is a content, HEX.json says why it is held and whether it was released."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from strongroom.core import canonical
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError, UsageError
from strongroom.core.events import utc_now
from strongroom.durable import write_new

_FORMAT: Final = "strongroom-quarantine/1"
_FILES: Final = 100  # are listed; all are left out
_REASON: Final = 4000  # characters


@dataclass(frozen=True, slots=True)
class Held:
    """A content that is held, or was and is released."""

    digest: Digest
    bytes: int
    found: str  # what the scanner called it
    signatures: str  # by which it did
    held: str  # UTC
    files: tuple[tuple[str, str], ...]  # collection and payload path, the first of them
    reason: str | None  # why it was released; None: it is held
    agents: tuple[str, ...]  # who released it
    released: str | None  # UTC

    def to_json(self) -> dict[str, Any]:
        return {
            "sha256": self.digest.hex, "bytes": self.bytes, "found": self.found, "signatures": self.signatures, "held": self.held,
            "files": [{"collection": name, "path": path} for name, path in self.files],
            "released": None if self.reason is None else {"reason": self.reason, "agents": list(self.agents), "time": self.released},
        }


class Holding:
    """What is held below one home. May be pickled to a worker."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "quarantine"

    def put(self, sha256: bytes, chunks: Iterable[bytes]) -> None:
        """Hold a content, durably; again does no harm. Raises InvalidValueError if it is not the one that was named."""
        self._make()
        final = self._folder / sha256.hex()
        if final.exists():
            return
        write_new(final, _named(chunks, sha256), mode=0o400)

    def describe(self, sha256: bytes, found: str, signatures: str, files: Iterable[tuple[str, str]]) -> bool:
        """Say why a content is held, and in which (collection, path) it occurs; whether it was not held before."""
        known = self._read(sha256.hex())
        before = () if known is None else known.files
        every = tuple(dict.fromkeys((*before, *files)))[:_FILES]
        if known is not None and every == before:
            return False
        with suppress(FileNotFoundError):
            size = (self._folder / sha256.hex()).stat().st_size
            held = utc_now() if known is None else known.held
            self._write(Held(Digest.from_bytes(sha256), size, found, signatures, held, every,
                             known.reason if known else None, known.agents if known else (), known.released if known else None))
        return known is None

    def release(self, digest: Digest, reason: str, agents: tuple[str, ...]) -> Held:
        """From now on the content may come into stores. Raises UsageError if it is not held, or no reason is given."""
        if not reason.strip() or len(reason) > _REASON:
            raise UsageError(f"why is it released? Give a reason of 1 to {_REASON} characters; it is kept for good")
        known = self._read(digest.hex)
        if known is None:
            raise UsageError(f"{digest}: no such content is held; `strongroom quarantine` lists those that are")
        if known.reason is not None:
            raise UsageError(f"{digest}: was released before, on {known.released}: {known.reason}")
        released = Held(known.digest, known.bytes, known.found, known.signatures, known.held, known.files, reason, agents, utc_now())
        self._write(released)
        return released

    def every(self) -> Iterator[Held]:
        """Everything that is held or was released, by digest."""
        if self._folder.exists():
            for path in sorted(self._folder.glob("*.json")):
                found = self._read(path.stem)
                if found is not None:
                    yield found

    def released(self) -> dict[bytes, Held]:
        return {one.digest.raw: one for one in self.every() if one.reason is not None}

    def _make(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def _read(self, name: str) -> Held | None:
        """What is said of a content; None if nothing that makes sense is: it is held then, and not released."""
        try:
            said = canonical.loads((self._folder / f"{name}.json").read_bytes(), what=f"{name}.json")
            digest = Digest(name)
        except (FileNotFoundError, InvalidValueError):
            return None
        return _held(digest, said) if isinstance(said, dict) and said.get("format") == _FORMAT and said.get("sha256") == name else None

    def _write(self, held: Held) -> None:
        self._make()
        write_new(self._folder / f"{held.digest}.json", [canonical.dumps({"format": _FORMAT, **held.to_json()})])


def _named(chunks: Iterable[bytes], sha256: bytes) -> Iterator[bytes]:
    """The chunks. Raises InvalidValueError at their end if they are not the content of that name."""
    hashing = hashlib.sha256()
    for chunk in chunks:
        hashing.update(chunk)
        yield chunk
    if hashing.digest() != sha256:
        raise InvalidValueError(f"{sha256.hex()}: other bytes came when it was read to be held")


def _held(digest: Digest, said: Mapping[str, Any]) -> Held | None:
    try:
        released = said["released"]
        files = tuple((str(one["collection"]), str(one["path"])) for one in said["files"])
        return Held(
            digest, int(said["bytes"]), str(said["found"]), str(said["signatures"]), str(said["held"]), files,
            None if released is None else str(released["reason"]), () if released is None else tuple(map(str, released["agents"])),
            None if released is None else str(released["time"]))
    except (KeyError, TypeError, ValueError):
        return None
