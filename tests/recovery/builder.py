"""A file store written from docs/format.md alone. It shares no code with the product on purpose: it is a second implementation."""

from __future__ import annotations

import base64
import hashlib
import json
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fixtures.seals import altered, summed

LARGE = 4 * 1024 * 1024


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def encode(path: bytes) -> bytes:
    """A path as manifests write it (RFC 8493, 2.1.3)."""
    return path.replace(b"%", b"%25").replace(b"\n", b"%0A").replace(b"\r", b"%0D")


def member(name: str, data: bytes) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(data), 0o444, 0
    return info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512)


def pack_bytes(contents: dict[str, bytes]) -> tuple[bytes, bytes]:
    """A pack and its index (sections 3.2 and 3.3). Members are named by the keys, whatever their bytes: damage can be built too."""
    tar = index = b""
    for name, data in contents.items():
        index += canonical({"sha256": name, "offset": len(tar) + 512, "length": len(data)})
        tar += member(name, data)
    index += canonical({"count": len(contents), "sha256": sha256(index)})
    return tar + member("index.jsonl", index) + bytes(1024), index


@dataclass
class Store:
    """A store at `root` with one bag, `bag`; the fields are what tests damage."""

    root: Path
    bag: str = "pages/v1"
    attempt: str = "0123456789abcdef0123456789abcdef"
    packs: list[str] = field(default_factory=list)

    def path(self, key: str) -> Path:
        return self.root / key

    def write(self, key: str, data: bytes) -> Path:
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(data)
        return path

    @property
    def label(self) -> str:
        return f"bags/{self.bag}"

    @property
    def tags(self) -> str:
        return f"{self.label}/{self.attempt}/bag"

    def pack_key(self, number: int) -> str:
        return f"packs/{self.packs[number][:2]}/{self.packs[number]}.tar"

    def plant(self) -> None:
        """What somebody does who wants another seal believed than the true one: a second seal, of tag files that fit, beside it, and
        damage where the true one's own should be."""
        seal = self.path(f"{self.label}/seal.json")
        own = self.path(f"{self.tags}/tagmanifest-sha256.txt")
        planted = "f" * 32
        for path in [path for path in self.path(self.tags).rglob("*") if path.is_file()]:
            self.write(f"{self.label}/{planted}/bag/{path.relative_to(self.path(self.tags)).as_posix()}", path.read_bytes())
        self.write(f"{self.label}/seal.json~1", altered(seal.read_bytes(), attempt=planted))
        own.write_bytes(own.read_bytes().upper())

    def add_pack(self, contents: dict[str, bytes]) -> None:
        tar, index = pack_bytes(contents)
        self.packs.append(sha256(tar))
        self.write(self.pack_key(-1), tar)
        self.write(self.pack_key(-1).removesuffix("tar") + "jsonl", index)


def build(root: Path, files: dict[bytes, bytes], *, packs: int = 2, manifest_lines: tuple[bytes, ...] = ()) -> Store:
    """A store whose one bag holds `files` (path below the source to bytes); `manifest_lines` are added as they are, for forgeries."""
    store = Store(root)
    store.write("strongroom.json", canonical(
        {"format": "strongroom-store/1", "store": "f" * 32, "created": "2026-11-22T10:00:00Z", "features": [], "number": 0}))
    store.write(f"{store.label}/{store.attempt}/open", b"")
    small: dict[str, bytes] = {}
    for data in files.values():
        digest = sha256(data)
        if len(data) <= LARGE:
            small[digest] = data
        elif not store.path(f"content/{digest[:2]}/{digest}").exists():
            store.write(f"content/{digest[:2]}/{digest}", data)
    for number in range(packs):
        store.add_pack(dict(list(small.items())[number::packs]))
    objects = {sha256(data) for data in files.values() if len(data) > LARGE}
    places = sorted([canonical({"object": name}) for name in objects] + [canonical({"pack": name}) for name in store.packs])
    store.write(f"{store.label}/placement.jsonl", b"".join(places))
    tag_manifests = _write_tags(store, files, manifest_lines)
    store.write(f"{store.label}/seal.json", summed({
        "format": "strongroom-seal/1", "bag": store.bag, "collection": "a" * 32, "attempt": store.attempt, "store": "5" * 32,
        "previous": {"bag": "pages/v0", "seal": "0" * 64}, "tag_manifests": tag_manifests,
        "payload": {"bytes": sum(map(len, files.values())), "files": len(files)}, "state": "0" * 64, "log": {},
        "sealed": "2026-11-22T10:00:00Z", "software": "a second implementation",
    }))
    return store


def payload(files: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """The payload paths of `files` (section 4.1) and their bytes."""
    return {_payload_path(name): data for name, data in files.items()}


def _payload_path(name: bytes) -> bytes:
    try:
        name.decode()
        escaped = name.split(b"/")[0] == b"_names"
    except UnicodeDecodeError:
        escaped = True
    return b"data/" + (f"_names/{sha256(name)}".encode() if escaped else name)


def _write_tags(store: Store, files: dict[bytes, bytes], manifest_lines: tuple[bytes, ...]) -> dict[str, str]:
    bodies = sorted(payload(files).items())
    escaped = sorted((_payload_path(name).decode(), name) for name in files if _payload_path(name) != b"data/" + name)
    fetch = b"".join(
        b"https://strongroom.invalid/.well-known/ni/sha-256/%s %d %s\n"
        % (base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"="), len(data), encode(path)) for path, data in bodies)
    size = sum(len(data) for data in files.values())
    tags = {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": b"External-Identifier: %s\nPayload-Oxum: %d.%d\n" % (store.bag.encode(), size, len(files)),
        "fetch.txt": fetch,
        "metadata/collection.json": canonical({"collection": "pages"}),
    }
    if escaped:
        tags["metadata/names.jsonl"] = b"".join(
            canonical({"bytes": base64.b64encode(name).decode(), "path": path}) for path, name in escaped)
    for algorithm in ("sha256", "sha512"):
        lines = [b"%s  %s\n" % (hashlib.new(algorithm, data).hexdigest().encode(), encode(path)) for path, data in bodies]
        tags[f"manifest-{algorithm}.txt"] = b"".join(lines) + (b"".join(manifest_lines) if algorithm == "sha256" else b"")
    digests = {}
    for algorithm in ("sha256", "sha512"):
        name = f"tagmanifest-{algorithm}.txt"
        body = "".join(f"{hashlib.new(algorithm, data).hexdigest()}  {path}\n" for path, data in sorted(tags.items())).encode()
        digests[name] = sha256(body)
        store.write(f"{store.tags}/{name}", body)
    for path, data in tags.items():
        store.write(f"{store.tags}/{path}", data)
    return digests
