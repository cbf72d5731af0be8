"""Writing the files of an exported bag into a sink: payload first, then tag files, and last the tag manifests that name them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from strongroom.core.bag.manifest import manifest_line
from strongroom.core.digests import Hash, new_hash
from strongroom.runner.interface import Progress
from strongroom.usecases.export.contents import Contents, File, WrongBytesError
from strongroom.usecases.export.sink import Sink
from strongroom.usecases.sealed.objects import CHUNK


class Manifests:
    """manifest-ALG.txt for some algorithms, made while the payload passes by; files in `folder`."""

    def __init__(self, algorithms: Iterable[str], folder: Path) -> None:
        self.algorithms = tuple(algorithms)
        self._folder = folder
        self._stack = ExitStack()
        self._out: dict[str, IO[str]] = {}

    def __enter__(self) -> Manifests:
        for one in self.algorithms:
            self._out[one] = self._stack.enter_context(self.file(one).open("w", encoding="utf-8", newline=""))
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def file(self, algorithm: str) -> Path:
        return self._folder / f"manifest-{algorithm}.txt"

    def note(self, path: str, hashes: dict[str, Hash]) -> None:
        for algorithm, out in self._out.items():
            out.write(manifest_line(hashes[algorithm].hexdigest(), path))


def write_payload(contents: Contents, sink: Sink, manifests: Manifests, progress: Progress) -> tuple[int, int]:
    """Every file that can be had; how many, and their bytes. What cannot be had is counted by `contents`."""
    files = size = 0
    for file in contents.stream():
        found: File | None = file
        try:
            hashes = _write(file, sink, manifests.algorithms)
        except WrongBytesError:
            found = contents.rescue(file)
            hashes = _write(found, sink, manifests.algorithms) if found is not None else {}
        if found is None:
            continue
        manifests.note(found.path, hashes)
        files += 1
        size += found.size
        progress.advance(1, found.size)
    return files, size


def _write(file: File, sink: Sink, algorithms: tuple[str, ...]) -> dict[str, Hash]:
    hashes = {algorithm: new_hash(algorithm) for algorithm in algorithms}
    sink.add(file.path, file.size, _hashed(file.chunks(), list(hashes.values())), mode=file.mode, mtime=file.mtime)
    return hashes


def _hashed(chunks: Iterable[bytes], hashes: list[Hash]) -> Iterator[bytes]:
    for chunk in chunks:
        for running in hashes:
            running.update(chunk)
        yield chunk


class TagWriter:
    """Writes tag files, and remembers the digests that the tag manifests of `algorithms` give them."""

    def __init__(self, sink: Sink, algorithms: Iterable[str], moment: int) -> None:
        self._sink, self._algorithms, self._moment = sink, tuple(algorithms), moment
        self._digests: dict[str, dict[str, str]] = {}  # by path: there are some tens of tag files

    def file(self, path: str, source: Path) -> None:
        self._add(path, source.stat().st_size, lambda: chunks_of(source))

    def data(self, path: str, data: bytes) -> None:
        self._add(path, len(data), lambda: iter((data,)))

    def _add(self, path: str, size: int, chunks: Callable[[], Iterator[bytes]]) -> None:
        hashes = {algorithm: new_hash(algorithm) for algorithm in self._algorithms}
        self._sink.add(path, size, _hashed(chunks(), list(hashes.values())), mode=0o644, mtime=self._moment)
        self._digests[path] = {algorithm: running.hexdigest() for algorithm, running in hashes.items()}

    def finish(self) -> None:
        """The tag manifests, over every tag file before them."""
        listed = sorted(self._digests, key=str.encode)
        for algorithm in self._algorithms:
            data = "".join(manifest_line(self._digests[path][algorithm], path) for path in listed).encode()
            self._sink.add(f"tagmanifest-{algorithm}.txt", len(data), (data,), mode=0o644, mtime=self._moment)


def chunks_of(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
