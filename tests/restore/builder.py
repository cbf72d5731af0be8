"""Stores made by hand after docs/format.md, with the grammar of the core and nothing of the archive use case."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from strongroom.core import canonical, keys
from strongroom.core.bag.baginfo import format_bag_info
from strongroom.core.bag.declaration import bagit_txt
from strongroom.core.bag.manifest import manifest_line
from strongroom.core.digests import Digest
from strongroom.core.ids import BagId, new_id
from strongroom.core.pack import LARGE_CONTENT, PackBuilder
from strongroom.core.paths import to_payload_text
from strongroom.core.seal import Previous, Seal
from strongroom.stores.describe import init_store, open_known_store
from strongroom.stores.interface import Store
from tests.fixtures.fetch import fetch_line

COLLECTION = "c" * 32


def make_store(url: str) -> Store:
    init_store(url)
    return open_known_store(url, None)


def put(store: Store, key, data: bytes) -> None:
    store.put(key, data, sha256=Digest.of(data))


@dataclass
class Sealed:
    """What was sealed, for tests to damage or compare."""

    bag: BagId
    seal: Seal
    digest: Digest
    packs: list[Digest]
    objects: list[Digest]
    tag_files: dict[str, bytes] = field(default_factory=dict)


def scan(source: Path) -> tuple[list[dict], list[dict], list[dict], dict[str, bytes]]:
    """Lines of technical, structure and names, and the contents by payload path, of a folder."""
    technical, structure, names, contents = [], [], [], {}
    root = os.fsencode(source)

    def described(name: bytes) -> str:
        text, escaped = to_payload_text(name)
        if escaped:
            names.append({"bytes": base64.b64encode(name).decode(), "path": text})
        return text

    for folder, folders, files in os.walk(root):
        below = os.path.relpath(folder, root)
        prefix = b"" if below == b"." else below + b"/"
        found = os.lstat(folder)
        structure.append({
            "kind": "directory", "path": described(below) if prefix else "data/", "mode": f"{stat.S_IMODE(found.st_mode):o}",
            "mtime": found.st_mtime_ns,
        })
        for name in [*folders, *files]:
            full = os.path.join(folder, name)
            found = os.lstat(full)
            if stat.S_ISLNK(found.st_mode):
                target = base64.b64encode(os.readlink(full)).decode()
                structure.append({"kind": "symlink", "path": described(prefix + name), "target": target, "mtime": found.st_mtime_ns})
            elif stat.S_ISREG(found.st_mode):
                path = described(prefix + name)
                with open(full, "rb") as file:
                    contents[path] = file.read()
                technical.append({
                    "path": path, "size": found.st_size, "mode": f"{stat.S_IMODE(found.st_mode):o}", "mtime": found.st_mtime_ns,
                    "type": "text/plain",
                })
    by_path = lambda line: line["path"].encode()  # noqa: E731
    return sorted(technical, key=by_path), sorted(structure, key=by_path), sorted(names, key=by_path), contents


def seal_folder(store: Store, source: Path, bag: str = "site/v1", **options) -> Sealed:
    technical, structure, names, contents = scan(source)
    return seal_bag(store, bag, technical, structure, names, contents, **options)


def store_contents(store: Store, contents: dict[str, bytes], pack_size: int) -> tuple[list[Digest], list[Digest]]:
    packs, objects = [], []
    builder, held, seen = PackBuilder(), 0, set()

    def close() -> None:
        nonlocal builder, held
        if len(builder):
            tar, index, digest, _ = builder.finish()
            put(store, keys.pack(digest), bytes(tar))
            put(store, keys.pack_index(digest), index)
            packs.append(digest)
        held = 0

    for data in contents.values():
        digest = Digest.of(data)
        if digest in seen:
            continue
        seen.add(digest)
        if len(data) > LARGE_CONTENT:
            put(store, keys.content(digest), data)
            objects.append(digest)
            continue
        if held and held + len(data) > pack_size:
            close()
        builder.add(digest, data)
        held += len(data)
    close()
    return packs, objects


def seal_bag(
    store: Store, bag: str, technical, structure, names, contents, *, previous: Sealed | None = None, pack_size: int = 1 << 20,
    attempt: str | None = None, reuse: Sealed | None = None, sealed: str = "2026-01-01T00:00:00Z", edit=None,
) -> Sealed:
    """`reuse`: a bag whose packs hold some contents already. `edit(tag_files)` may alter them before the tag manifests are made."""
    identity, attempt = BagId.parse(bag), attempt or new_id()
    put(store, keys.attempt_open(identity, attempt), b"{}\n")
    fresh = dict(contents)
    if reuse is not None:
        held = {line.split("  ")[0] for line in reuse.tag_files["manifest-sha256.txt"].decode().splitlines()}
        fresh = {path: data for path, data in contents.items() if Digest.of(data).hex not in held}
    packs, objects = store_contents(store, fresh, pack_size)
    if reuse is not None:
        packs, objects = sorted({*packs, *reuse.packs}), sorted({*objects, *reuse.objects})
    paths = sorted(contents, key=str.encode)
    size = sum(map(len, contents.values()))
    jsonl = lambda lines: b"".join(map(canonical.dumps, lines))  # noqa: E731
    tags = {
        "bagit.txt": bagit_txt(),
        "bag-info.txt": format_bag_info([("Payload-Oxum", f"{size}.{len(paths)}"), ("External-Identifier", bag)]),
        "manifest-sha256.txt": "".join(manifest_line(Digest.of(contents[p]).hex, p) for p in paths).encode(),
        "manifest-sha512.txt": "".join(manifest_line(hashlib.sha512(contents[p]).hexdigest(), p) for p in paths).encode(),
        "fetch.txt": "".join(fetch_line(Digest.of(contents[p]), len(contents[p]), p, "strongroom.invalid") for p in paths).encode(),
        "metadata/technical.jsonl": jsonl(technical),
        "metadata/structure.jsonl": jsonl(structure),
        "metadata/collection.json": canonical.dumps({"collection": identity.name}),
        "metadata/validation.json": canonical.dumps({"records": 0, "invalid": 0}),
    }
    if names:
        tags["metadata/names.jsonl"] = jsonl(names)
    if edit is not None:
        edit(tags)
    for algorithm in ("sha256", "sha512"):
        plain = sorted(path for path in tags if not path.startswith("tagmanifest-"))
        tags[f"tagmanifest-{algorithm}.txt"] = "".join(
            manifest_line(hashlib.new(algorithm, tags[path]).hexdigest(), path) for path in plain).encode()
    for path, data in tags.items():
        if ".." not in path:
            put(store, keys.tag_file(identity, attempt, path), data)
    placement = sorted([f'{{"object":"{d}"}}\n' for d in objects] + [f'{{"pack":"{d}"}}\n' for d in packs])
    put(store, keys.placement(identity), "".join(placement).encode())
    seal = Seal(
        identity, COLLECTION, attempt, "5" * 32, Previous(previous.bag, previous.digest) if previous else None,
        {name: Digest.of(data) for name, data in tags.items() if name.startswith("tagmanifest-")}, size, len(paths), Digest.of(b"state"),
        {}, sealed,
    )
    put(store, keys.seal(identity), seal.to_bytes())
    return Sealed(identity, seal, Digest.of(seal.to_bytes()), packs, objects, tags)


def replicate(source: Store, target: Store) -> None:
    """Everything but the store's own description."""
    for found in source.list():
        if found.key not in (keys.DESCRIPTION, keys.README, keys.RECOVER):
            with source.get(found.key) as reader:
                put(target, found.key, reader.read())


def snapshot(folder: Path) -> dict[bytes, tuple]:
    """Names, kinds, modes, times to the nanosecond, link targets and bytes of everything below a folder, itself included."""
    result = {}
    root = os.fsencode(folder)
    for path, folders, files in os.walk(root):
        for full in [path, *(os.path.join(path, name) for name in files), *(os.path.join(path, n) for n in folders)]:
            found = os.lstat(full)
            mode, mtime = stat.S_IMODE(found.st_mode), found.st_mtime_ns
            if stat.S_ISLNK(found.st_mode):
                value = ("link", os.readlink(full), mtime)
            elif stat.S_ISDIR(found.st_mode):
                value = ("folder", mode, mtime)
            else:
                with open(full, "rb") as file:
                    value = ("file", mode, mtime, hashlib.sha256(file.read()).hexdigest())
            result[os.path.relpath(full, root)] = value
    return result


def damage(store_path: Path, key, at: int = 0) -> None:
    """Flip one bit of a stored object."""
    file = store_path / str(key)
    file.chmod(0o644)
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)


def pack_members(store_path: Path, pack: Digest) -> list[dict]:
    lines = (store_path / str(keys.pack_index(pack))).read_text().splitlines()
    return [json.loads(line) for line in lines[:-1]]
