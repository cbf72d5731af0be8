"""Reading a store without any of the product's code: by docs/format.md alone. Whatever is wrong raises Broken."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any


class Broken(Exception):
    """A sealed bag that does not read whole."""


def sealed(store: Path) -> dict[str, dict[str, Any]]:
    """The bags of a store: for each seal its digest and what it says. A generation that does not parse is passed over, if another does."""
    found: dict[str, dict[str, Any]] = {}
    for place in sorted({path.parent for path in store.glob("bags/*/v*/seal.json*")}):
        seals = {}
        for path in place.glob("seal.json*"):
            data = path.read_bytes()
            with suppress(ValueError):
                seals[hashlib.sha256(data).hexdigest()] = json.loads(data)
        if not seals:
            raise Broken(f"{place}: no seal that can be read")
        found |= seals
    return {digest: seal for digest, seal in found.items() if seal["attempt"] is not None}


def bags(store: Path) -> dict[str, dict[str, bytes]]:
    """The payload of every bag by its seal's digest, all of it compared with all of its manifests."""
    contents = stored(store)
    return {digest: _bag(store, seal, contents) for digest, seal in sealed(store).items()}


def newest(store: Path, name: str) -> dict[str, bytes]:
    """The payload of a collection's highest version, paths without data/."""
    seals = {digest: int(seal["bag"].rpartition("v")[2]) for digest, seal in sealed(store).items() if seal["bag"].startswith(name + "/")}
    if not seals:
        raise Broken(f"{store}: no bag of {name}")
    highest = max(seals, key=lambda digest: seals[digest])
    return {path.removeprefix("data/"): data for path, data in bags(store)[highest].items()}


def stored(store: Path) -> dict[str, bytes]:
    """Every content by its SHA-256. What is damaged is left out."""
    found = {}
    for path in store.glob("content/*/*"):
        if not path.name.endswith(".pieces"):
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() == path.name[:64]:
                found[path.name[:64]] = data
    for path in store.glob("packs/*/*.tar*"):
        with suppress(tarfile.TarError), tarfile.open(path) as tar:
            for member in tar:
                file = tar.extractfile(member)
                data = file.read() if file else b""
                if hashlib.sha256(data).hexdigest() == member.name:
                    found[member.name] = data
    return found


def _bag(store: Path, seal: dict[str, Any], contents: dict[str, bytes]) -> dict[str, bytes]:
    folder = store / "bags" / seal["bag"] / seal["attempt"] / "bag"

    @cache
    def tag_file(path: str, sha256: str) -> bytes:
        for one in [folder / path, *(folder / path).parent.glob((folder / path).name + "~*")]:
            data = one.read_bytes() if one.exists() else b""
            if hashlib.sha256(data).hexdigest() == sha256:
                return data
        raise Broken(f"{seal['bag']}: {path} is missing or damaged")

    listed = dict(_lines(tag_file("tagmanifest-sha256.txt", seal["tag_manifests"]["tagmanifest-sha256.txt"])))
    tag_files = {path: tag_file(path, digest) for path, digest in listed.items()}
    found: dict[str, bytes] = {}
    for name, data in tag_files.items():
        if match := re.fullmatch(r"manifest-(sha\d+)\.txt", name):
            for path, digest in _lines(data):
                if match[1] == "sha256":
                    if digest not in contents:
                        raise Broken(f"{seal['bag']}: the content of {path} ({digest}) is missing or damaged")
                    found[path] = contents[digest]
                elif hashlib.new(match[1], contents[dict(_lines(tag_files["manifest-sha256.txt"]))[path]]).hexdigest() != digest:
                    raise Broken(f"{seal['bag']}: {path} differs from {name}")
    if seal["payload"] != {"bytes": sum(map(len, found.values())), "files": len(found)}:
        raise Broken(f"{seal['bag']}: not as many files and bytes as its seal says")
    return found


def _lines(manifest: bytes) -> list[tuple[str, str]]:
    """(path, digest) of each line."""
    found = []
    for line in manifest.decode().split("\n")[:-1]:
        digest, path = line.split("  ", 1)
        found.append((path.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%"), digest))
    return found
