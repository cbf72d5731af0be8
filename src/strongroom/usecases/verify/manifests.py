"""The manifests are there and well-formed, and list only what they may (RFC 8493, 2.1.3, 2.2.1, 2.4)."""

from __future__ import annotations

import os
from collections.abc import Iterator

from strongroom.core.bag.declaration import LATEST
from strongroom.core.bag.manifest import ManifestEntry, manifest_name, parse_manifest_lines
from strongroom.core.bag.paths import judge_path
from strongroom.core.bag.problems import Problem
from strongroom.core.digests import HEX_LENGTH
from strongroom.core.findings import Code, Finding
from strongroom.usecases.verify.bag import Bag, finding_of, unreadable
from strongroom.usecases.verify.index import BATCH

_WEAK = frozenset({"md5", "sha1"})


def check_manifests(bag: Bag) -> Iterator[Finding]:
    """Read every manifest into the index."""
    for (raw,) in list(bag.index.rows("SELECT path FROM files WHERE instr(path, x'2f')=0 ORDER BY path")):
        name = os.fsdecode(raw)
        kind = manifest_name(name)
        if kind is None:
            continue
        tag, algorithm = kind
        known = algorithm in HEX_LENGTH
        identifier = 1 + bag.index.one("SELECT count(*) FROM manifests")
        bag.index.add("manifests", [(identifier, name, algorithm, tag, known)])
        try:
            yield from _read(bag, identifier, name, algorithm, tag=tag)
        except OSError as error:
            yield unreadable(name, error)
    bag.index.execute("CREATE INDEX entries_path ON entries(path, manifest)")
    yield from _algorithms(bag)


def _read(bag: Bag, identifier: int, name: str, algorithm: str, *, tag: bool) -> Iterator[Finding]:
    rows: list[tuple[bytes, int, str, int, bytes]] = []
    chunks = bag.chunks(name)
    version, encoding = bag.declaration.version, bag.declaration.encoding
    for item in parse_manifest_lines(chunks, algorithm=algorithm, version=version, encoding=encoding):
        if isinstance(item, Problem):
            yield finding_of(item, name)
            continue
        path, *findings = _judge(item, name, tag=tag)
        if path is not None:
            rows.append((path, identifier, item.digest, item.line, path_bytes(item.spelled)))
            if len(rows) >= BATCH:
                bag.index.add("entries", rows)
                rows.clear()
        for finding in findings:
            assert isinstance(finding, Finding)
            yield finding
    bag.index.add("entries", rows)


def _judge(entry: ManifestEntry, name: str, *, tag: bool) -> tuple[bytes | None, *tuple[Finding, ...]]:
    judged = judge_path(entry.path, payload=not tag)
    place = f"{name}, line {entry.line}"
    if judged.path is None:
        return None, Finding(Code.BAG_PATH, place, f"{entry.path[:200]!r} {judged.error}; not looked at")
    return path_bytes(judged.path), *(Finding(Code.BAG_WARNING, place, f"the path {warning}") for warning in judged.warnings)


def path_bytes(path: str) -> bytes:
    """The name on disk that a listed path means; what no name can spell (half a surrogate pair) becomes one that is not there."""
    try:
        return os.fsencode(path)
    except UnicodeEncodeError:
        return path.encode("utf-8", "replace")


def _algorithms(bag: Bag) -> Iterator[Finding]:
    payload = [(name, algorithm) for name, algorithm in bag.index.rows("SELECT name, algorithm FROM manifests WHERE NOT tag")]
    if not payload:
        yield Finding(Code.BAG_FILE_MISSING, "manifest-sha256.txt", "there is no payload manifest of any algorithm")
    known = {algorithm for _, algorithm in payload if algorithm in HEX_LENGTH}
    for name, algorithm, tag in bag.index.rows("SELECT name, algorithm, tag FROM manifests WHERE NOT known"):
        alone = not tag and not known
        yield Finding(
            Code.BAG_INVALID if alone else Code.BAG_WARNING, name,
            f"the algorithm {algorithm!r} is not known, so its digests cannot be checked" + (" and no other manifest can" if alone else ""),
        )
    if known and known <= _WEAK:
        yield Finding(
            Code.BAG_WEAK_DIGESTS, payload[0][0],
            f"only {' and '.join(sorted(known))}: finds accidents but not tampering; add sha256 or sha512",
        )
    for algorithm, count in bag.index.rows("SELECT algorithm, count(*) FROM manifests GROUP BY algorithm, tag HAVING count(*) > 1"):
        severity = Code.BAG_INVALID if bag.declaration.version >= LATEST else Code.BAG_WARNING
        yield Finding(severity, f"manifest-{algorithm}.txt", f"there are {count} manifests of this algorithm under different spellings")
