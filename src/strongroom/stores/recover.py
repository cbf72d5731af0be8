#!/usr/bin/env python3
"""Restores a bag from a Strongroom store. Needs Python 3.8 or later and nothing else, but for packs that end in .zst the program
zstd; README.txt beside it says what a store is.

    python3 -I recover.py STORE NAME/vN DEST             the complete BagIt bag, its files below DEST/data
    python3 -I recover.py --files STORE NAME/vN DEST     only the files, as they were: names, dates, modes, folders, links

STORE is the folder in which this file lies, or a copy of the bucket in a folder. It is only read. DEST must not exist; until all is
done, the work is in DEST.part, which you may delete. It needs room for the files, and for lists about as large as the tag files.

Everything hangs by SHA-256 checksums: seal.json -> tag manifests -> tag files -> manifest-sha256.txt -> every file, and every one of
them is compared before anything is used. What is damaged or missing is named, and the rest is restored.
Exit status: 0 all is well, 1 something is missing, withheld or damaged, 2 nothing could be done.
"""

from __future__ import annotations

import argparse
import base64
import errno
import hashlib
import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
from typing import IO, Any, Callable, Iterator, Tuple  # noqa: UP035 -- Python 3.8

HEX = re.compile(r"[0-9a-f]{64}\Z")
CHUNK = 1 << 20  # bytes read at once
IN_MEMORY = 64 << 20  # a content of more bytes goes through a file
BLOCK = 512  # of a tar
ZSTD = re.compile(r"\.tar\.zst(~[1-9][0-9]*)?\Z")
FRAME = b"\x28\xb5\x2f\xfd"  # with which each frame of a compressed pack begins (RFC 8878)
EXPANDED = 256 << 20  # bytes a compressed pack may expand to; ours have some 20 MiB
STARTS = 500  # places in a damaged pack at which a frame may begin that are tried
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
HASHES = {"sha3-256": "sha3_256", "sha3-512": "sha3_512", "blake2b-512": "blake2b"}  # where hashlib has another name
Place = Tuple[bytes, int, int]  # noqa: UP006 -- Python 3.8. A content: its SHA-256, offset and length in an object

# The lists are kept in a database: a million files do not fit into the memory of every machine. `target` is the path below DEST.
TABLES = """
CREATE TABLE files (target BLOB PRIMARY KEY, path BLOB, sha256 BLOB, mode INTEGER, mtime INTEGER);
CREATE TABLE contents (sha256 BLOB PRIMARY KEY, state INTEGER) WITHOUT ROWID;
CREATE TABLE names (path TEXT PRIMARY KEY, name BLOB) WITHOUT ROWID;
CREATE TABLE folders (target BLOB PRIMARY KEY, path TEXT, mode INTEGER, mtime INTEGER) WITHOUT ROWID;
CREATE TABLE links (target BLOB PRIMARY KEY, path TEXT, points BLOB, mtime INTEGER) WITHOUT ROWID;
"""
NEEDED, RESTORED, WITHHELD = 0, 1, 2  # states of a content


class StopError(Exception):
    """Nothing more can be done."""


def say(text: str) -> None:
    """One line to the person; control characters in names must not steer the terminal."""
    line = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
    encoding = sys.stderr.encoding or "ascii"
    print(line.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr)


def open_regular(path: str) -> IO[bytes]:
    """A file opened for reading; OSError for anything else that lies there. A FIFO is not waited for, a link not followed."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return os.fdopen(descriptor, "rb", buffering=CHUNK)


def generations(path: str) -> Iterator[str]:
    """The file, and its later generations path~1, path~2, ...: good copies that were put beside a damaged one."""
    if os.path.lexists(path):
        yield path
    folder, name = os.path.split(path)
    yield from (os.path.join(folder, other) for other in listing(folder) if re.match(re.escape(name) + r"~[1-9][0-9]*\Z", other))


def listing(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def read_hint(path: str) -> str:
    """A hint as text; nothing if it cannot be read."""
    try:
        with open_regular(path) as file:
            return file.read(256 << 20).decode("utf-8", "replace")
    except OSError:
        return ""


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of a JSON document, unless it names a key twice: two readers might understand it differently."""
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key occurs twice")
    return dict(pairs)


def canonical(value: Any) -> bytes:
    """JSON in the one form in which stores hold it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8") + b"\n"


def safe(path: bytes) -> bool:
    """Whether the path stays inside the folder: relative, no empty, "." or ".." segment, no NUL."""
    return b"\0" not in path and not any(part in (b"", b".", b"..") for part in path.split(b"/"))


def decode(path: bytes) -> bytes:
    """A path as manifests write it: exactly LF, CR and % are encoded (RFC 8493, 2.1.3)."""
    return re.sub(rb"%(0[Aa]|0[Dd]|25)", lambda found: bytes([int(found.group(1), 16)]), path)


def manifest_lines(file: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """The hexadecimal digest and the decoded path of each line of a manifest."""
    for line in file:
        digest, _, path = line.rstrip(b"\r\n").partition(b" ")
        if digest:
            yield digest.decode("ascii", "replace").lower(), decode(path.lstrip(b" \t"))


def unbase64(text: Any) -> bytes:
    """The bytes; none if it is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        return b""


def octal(text: Any, mask: int) -> int | None:
    try:
        return int(text, 8) & mask
    except (ValueError, TypeError):
        return None


def whole(value: Any) -> int | None:
    return value if type(value) is int and abs(value) < 1 << 63 else None


def object_itself(digest: str) -> Callable[[IO[bytes]], Iterator[Place]]:
    """A large content is an object of its own."""
    return lambda file: iter([(bytes.fromhex(digest), 0, os.fstat(file.fileno()).st_size)])


def by_headers(file: IO[bytes]) -> Iterator[Place]:
    """What lies in a pack, by the headers of the tar (POSIX.1-1988: numbers are octal). A damaged header costs its own member only:
    the next block that is a header goes on."""
    size, at = os.fstat(file.fileno()).st_size, 0
    while at + BLOCK <= size:
        file.seek(at)
        block = file.read(BLOCK)
        at += BLOCK
        try:
            checksum, length = int(block[148:156].strip(b" \0"), 8), int(block[124:136].strip(b" \0"), 8)
            name = block[:100].rstrip(b"\0").decode("ascii")
        except ValueError:
            continue
        good = checksum == sum(block[:148]) + 8 * 32 + sum(block[156:]) and 0 <= length <= size - at
        if good and (HEX.match(name) or name == "index.jsonl"):
            if HEX.match(name):
                yield bytes.fromhex(name), at, length
            at += length + -length % BLOCK


def by_index(index: str) -> Callable[[IO[bytes]], Iterator[Place]]:
    """What lies in a pack, by a copy of its index; for packs whose headers are damaged."""

    def members(_: IO[bytes]) -> Iterator[Place]:
        for text in read_hint(index).splitlines():
            found = re.match(r'\{"length":([0-9]{1,15}),"offset":([0-9]{1,15}),"sha256":"([0-9a-f]{64})"\}\Z', text)
            if found:
                yield bytes.fromhex(found.group(3)), int(found.group(2)), int(found.group(1))

    return members


class Recovery:
    """One restore, its steps in their order."""

    def __init__(self, store: str, bag: str, dest: str, only_files: bool, seal: str | None) -> None:
        self.store, self.bag, self.dest = os.path.abspath(store), bag, os.path.abspath(dest)
        self.only_files, self.wanted_seal = only_files, seal
        self.part = self.dest + ".part"
        self.work, self.tags = os.path.join(self.part, "work"), os.path.join(self.part, "bag")
        self.root = os.fsencode(os.path.join(self.part, "files") if only_files else self.tags)
        self.problems = self.files = 0
        self.left = 0  # contents that are still to be found
        self.made: set[bytes] = set()  # folders
        self.zstd = True  # whether it was not missed yet
        self.broken: list[str] = []  # compressed packs that do not expand to their end

    def problem(self, text: str) -> None:
        self.problems += 1
        say(text)

    def key(self, *parts: str) -> str:
        """The path of an object of the store."""
        return os.path.join(self.store, *parts)

    def run(self) -> int:
        if not re.match(r"[a-z0-9][a-z0-9._-]{0,63}/v[1-9][0-9]{0,8}\Z", self.bag):
            raise StopError(f"{self.bag!r} is no bag: say NAME/vN, as the folders below bags/ are called.")
        if not os.path.isdir(self.key("bags")):
            raise StopError(f"There is no store in {self.store}: it has no folder bags.")
        for path in (self.dest, self.part):
            if os.path.lexists(path):
                raise StopError(f"{path} exists already; choose a new folder for DEST.")
        attempt, tag_manifests, count = self.read_seal()
        for folder in (self.work, self.tags, os.fsdecode(self.root)):
            os.makedirs(folder, exist_ok=True)
        self.db = sqlite3.connect(os.path.join(self.work, "lists.sqlite"), isolation_level=None)
        self.db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + TABLES + "BEGIN;")
        self.tag_files(attempt, tag_manifests)
        self.read_names()
        self.read_payload(count)
        self.read_structure()
        self.find_withheld()
        self.find_contents()
        self.name_what_is_missing()
        self.make_structure()
        mode = self.db.execute("SELECT mode FROM folders WHERE target = x'' AND mode IS NOT NULL").fetchone()
        self.db.close()
        os.rename(self.root, os.fsencode(self.dest))
        if mode is not None:  # only now: a folder that may not be written cannot be moved
            os.chmod(self.dest, mode[0])
        shutil.rmtree(self.part)
        say(f"{self.files} files in {self.dest}; {self.problems} problems.")
        return 1 if self.problems else 0

    # 1. The seal: which attempt is the bag, and the SHA-256 of its tag manifests.

    def read_seal(self) -> tuple[str, dict[str, str], Any]:
        """The attempt, its tag manifests with their SHA-256, and how many files the seal counts."""
        found: dict[str, tuple[str, dict[str, str], Any, str]] = {}
        void = False
        for path in generations(self.key("bags", self.bag, "seal.json")):
            try:
                with open_regular(path) as file:
                    data = file.read(16 << 20)
                seal = self.parse_seal(data)
            except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                say(f"Not a seal of {self.bag}: {path} ({error})")
                continue
            identity = hashlib.sha256(data).hexdigest()
            if seal is None:
                void = True
            elif self.wanted_seal in (None, identity):
                found.setdefault(identity, (*seal, path))
        if len(found) > 1 or (found and void and not self.wanted_seal):  # none is passed over: what a seal names may be damaged
            also = ", or none, for one takes the number out of use" if void else ""
            raise StopError(f"Different seals lie there (a fork): choose one with --seal: {', '.join(sorted(found))}{also}")
        if not found:
            raise StopError("No such bag: its number was taken out of use." if void else f"No seal of {self.bag} can be read.")
        ((identity, (attempt, tag_manifests, count, path)),) = found.items()
        say(f"The seal is {path}, SHA-256 {identity}")
        return attempt, tag_manifests, count

    def parse_seal(self, data: bytes) -> tuple[str, dict[str, str], Any] | None:
        """As read_seal gives it; None for a seal that voids the number."""
        seal = json.loads(data.decode("utf-8"), object_pairs_hook=unique)
        rest = {name: value for name, value in seal.items() if name != "sum"}
        if hashlib.sha256(canonical(rest)).hexdigest() != seal["sum"] or canonical(seal) != data:
            raise ValueError("it is damaged: its sum is another than it says")
        if seal["format"] != "strongroom-seal/1" or seal["bag"] != self.bag:
            raise ValueError(f"it seals {seal['bag']!r}")
        if seal["attempt"] is None:
            return None
        manifests = seal["tag_manifests"]
        sane = all(re.match(r"tagmanifest-[0-9a-z-]+\.txt\Z", name) and HEX.match(digest) for name, digest in manifests.items())
        if not sane or not re.match(r"[0-9a-f]{32}\Z", seal["attempt"]) or "tagmanifest-sha256.txt" not in manifests:
            raise ValueError("its attempt or tag_manifests make no sense")
        return seal["attempt"], manifests, seal["payload"]["files"]

    # 2. The tag files.

    def sound(self, path: str, digests: dict[str, str]) -> str | None:
        """The first generation of a file with all of these digests, {algorithm: hexadecimal}; None if there is none."""
        for copy in generations(path):
            hashes = {name: hashlib.new(HASHES.get(name, name)) for name in digests}
            try:
                with open_regular(copy) as file:
                    while chunk := file.read(CHUNK):
                        for one in hashes.values():
                            one.update(chunk)
            except OSError as error:
                say(f"Cannot read {copy}: {error}")
                continue
            if all(hashes[name].hexdigest() == digest for name, digest in digests.items()):
                return copy
        return None

    def tag_files(self, attempt: str, tag_manifests: dict[str, str]) -> None:
        """Copy every tag file that is sound, the tag manifests first."""
        place = self.key("bags", self.bag, attempt, "bag")
        expected: dict[bytes, dict[str, str]] = {}
        listed = []
        for name in sorted(tag_manifests):
            algorithm = name[len("tagmanifest-"):-len(".txt")]
            known = HASHES.get(algorithm, algorithm) in hashlib.algorithms_available
            if self.take_tag_file(place, name, {"sha256": tag_manifests[name]}) and known:
                with open(os.path.join(self.tags, name), "rb") as file:
                    paths = {path: digest for digest, path in manifest_lines(file)}
                listed.append(set(paths))
                for path, digest in paths.items():
                    expected.setdefault(path, {})[algorithm] = digest
        if any(other != listed[0] for other in listed):
            self.problem("The tag manifests do not list the same tag files.")
        for path, digests in sorted(expected.items()):
            if not safe(path) or path.startswith(b"data/") or os.fsdecode(path) in tag_manifests:
                self.problem("REFUSED, no place for a tag file: " + os.fsdecode(path))
            else:
                self.take_tag_file(place, os.fsdecode(path), digests)

    def take_tag_file(self, place: str, name: str, digests: dict[str, str]) -> bool:
        source, target = self.sound(os.path.join(place, name), digests), os.path.join(self.tags, name)
        if source is None:
            self.problem("DAMAGED OR MISSING tag file: " + name)
            return False
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)
        return True

    def lines(self, path: str) -> Iterator[dict[str, Any]]:
        """The objects of a tag file of JSON lines; nothing where the bag has no such file."""
        if not os.path.exists(os.path.join(self.tags, path)):
            return
        with open_regular(os.path.join(self.tags, path)) as file:
            for line in file:
                try:
                    value = json.loads(line.decode("utf-8"))
                except (ValueError, RecursionError):
                    value = None
                if isinstance(value, dict):
                    yield value
                else:
                    self.problem(f"A line of {path} makes no sense.")

    # 3. What the bag holds: paths, and for each the SHA-256, mode and date.

    def read_names(self) -> None:
        """Names that BagIt cannot hold are kept as data/_names/SHA-256, with their bytes in this list."""
        for line in self.lines("metadata/names.jsonl"):
            name, path = unbase64(line.get("bytes")), line.get("path")
            if safe(name) and path == "data/_names/" + hashlib.sha256(name).hexdigest():
                self.db.execute("INSERT OR IGNORE INTO names VALUES (?, ?)", (path, name))
            else:
                self.problem(f"metadata/names.jsonl gives another name, or an impossible one, for {path!r}")

    def target(self, path: bytes) -> bytes | None:
        """Where a payload path goes below the root; None if it may go nowhere."""
        if not path.startswith(b"data/") or not safe(path):
            return None
        if not self.only_files:
            return path
        row = None
        if path.startswith(b"data/_names/"):
            row = self.db.execute("SELECT name FROM names WHERE path = ?", (path.decode("utf-8", "replace"),)).fetchone()
        return row[0] if row else path[len(b"data/"):]

    def payload(self) -> Iterator[tuple[str, bytes]]:
        """SHA-256 and path of every file: of manifest-sha256.txt, or of fetch.txt, which says the same (RFC 6920: base64url)."""
        manifest, fetch = (os.path.join(self.tags, name) for name in ("manifest-sha256.txt", "fetch.txt"))
        if os.path.exists(manifest):
            with open(manifest, "rb") as file:
                yield from manifest_lines(file)
        elif os.path.exists(fetch):
            say("Going on with fetch.txt in place of manifest-sha256.txt")
            with open(fetch, "rb") as file:
                for line in file:
                    found = re.match(rb"\S+/([A-Za-z0-9_-]{43}) +\S+ +(.+)", line.rstrip(b"\r\n"), re.DOTALL)
                    yield (base64.urlsafe_b64decode(found.group(1) + b"=").hex(), decode(found.group(2))) if found else ("", line)
        else:
            raise StopError("Neither manifest-sha256.txt nor fetch.txt can be read: nothing says which files are in the bag.")

    def read_payload(self, count: Any) -> None:
        details = self.lines("metadata/technical.jsonl")  # in the order of the manifest
        detail = next(details, None)
        lines = 0
        for digest, path in self.payload():
            lines += 1
            target, name = self.target(path), os.fsdecode(path)
            if not HEX.match(digest) or target is None:
                self.problem("REFUSED, not below data/: " + name)
                continue
            while detail is not None and str(detail.get("path", "")).encode("utf-8", "replace") < path:
                detail = next(details, None)
            known = detail if detail is not None and detail.get("path") == name else {}
            row = (target, path, bytes.fromhex(digest), octal(known.get("mode"), 0o777), whole(known.get("mtime")))
            try:
                self.db.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                self.problem("REFUSED, listed twice: " + name)
        if count != lines:
            self.problem(f"The seal counts {count!r} files, and {lines} are listed.")
        self.db.execute("INSERT INTO contents SELECT DISTINCT sha256, 0 FROM files")
        self.db.execute("CREATE INDEX files_by_content ON files (sha256)")
        self.left = self.db.execute("SELECT count(*) FROM contents").fetchone()[0]

    def read_structure(self) -> None:
        """Folders and links. A bag cannot hold links; it has the folders."""
        for line in self.lines("metadata/structure.jsonl"):
            path, kind = str(line.get("path")), line.get("kind")
            hidden = not self.only_files and (kind == "symlink" or path.startswith("data/_names/"))
            if kind not in ("directory", "symlink") or hidden:
                continue
            plain = path.rstrip("/").encode("utf-8", "replace")
            target = (b"" if self.only_files else b"data") if plain == b"data" else self.target(plain)
            points, mtime = unbase64(line.get("target")), whole(line.get("mtime"))
            if target is None or (kind == "symlink" and (not points or b"\0" in points or not target)):
                self.problem("REFUSED, leaves the folder or points nowhere: " + path)
            elif kind == "symlink":
                self.db.execute("INSERT OR IGNORE INTO links VALUES (?, ?, ?, ?)", (target, path, points, mtime))
            else:
                self.db.execute("INSERT OR IGNORE INTO folders VALUES (?, ?, ?, ?)", (target, path, octal(line.get("mode"), 0o7777), mtime))

    def find_withheld(self) -> None:
        """What was taken down on purpose: the contents with a tombstone that says so and that no other tombstone replaces."""
        for folder, _, names in os.walk(self.key("withheld")):
            content = os.path.basename(folder)
            if HEX.match(content):
                stones = [os.path.join(folder, name) for name in names if re.match(r"[0-9]+\.json(~[0-9]+)?\Z", name)]
                if self.is_withheld(content, stones):
                    self.settle(bytes.fromhex(content), WITHHELD)

    @staticmethod
    def is_withheld(content: str, stones: list[str]) -> bool:
        """What these tombstones of one content say together."""
        standing: set[str] = set()
        replaced: set[str] = set()
        for path in stones:
            try:
                with open_regular(path) as file:
                    data = file.read(1 << 20)
                says = json.loads(data.decode("utf-8"), object_pairs_hook=unique)
                if says["sha256"] == content:
                    replaced.update(map(str, says["previous"]))
                    if says["action"] == "withhold":
                        standing.add(hashlib.sha256(data).hexdigest())
            except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
                say(f"Not a tombstone: {path} ({error})")
        return bool(standing - replaced)

    # 4. The contents, found by their SHA-256 and put in their places.

    def find_contents(self) -> None:
        for path, members in self.sources():
            if not self.left:
                return
            try:
                with open_regular(path) if not ZSTD.search(path) else self.expand(path) as file:
                    self.take(file, members)
            except OSError as error:
                say(f"Cannot read {path}: {error}")
        self.find_in_broken()

    def take(self, file: IO[bytes], members: Callable[[IO[bytes]], Iterator[Place]]) -> None:
        """Put what is needed of an object in its places."""
        for digest, offset, length in members(file):
            row = self.db.execute("SELECT state FROM contents WHERE sha256 = ?", (digest,)).fetchone()
            if row is not None and row[0] == NEEDED:
                file.seek(offset)
                self.put(file, length, digest)

    def expand(self, path: str, start: int = 0) -> IO[bytes]:
        """What zstd makes of the pack from byte `start` on, as far as it is sound: a tar, or the rest of one."""
        target = os.path.join(self.work, "expanded")
        with open_regular(path) as source, open(target, "wb") as out:
            os.lseek(source.fileno(), start, os.SEEK_SET)
            try:
                zstd = subprocess.Popen(  # as the machine has it
                    ["zstd", "-d", "-c", "-q"], stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S607
            except FileNotFoundError:
                if self.zstd:
                    self.problem("Some packs are compressed, and the program zstd is not on this machine: install it, then start again.")
                self.zstd = False
                return open_regular(target)
            with zstd, zstd.stdout or source as expanded:
                left = EXPANDED
                while left > 0 and (chunk := expanded.read(min(CHUNK, left))):
                    out.write(chunk)
                    left -= len(chunk)
                if left <= 0:
                    zstd.kill()  # it claims more than any pack has
            if zstd.returncode != 0 and start == 0:
                self.broken.append(path)
        return open_regular(target)

    def frames(self, path: str) -> Iterator[int]:
        """Where frames may begin in a damaged pack, but for its first byte."""
        with open_regular(path) as file:
            data = file.read(EXPANDED)
        found = (match.start() for match in re.finditer(re.escape(FRAME), data))
        return iter([at for at in found if at][:STARTS])

    def find_in_broken(self) -> None:
        """What lies in compressed packs behind damage: zstd begins anew at every frame."""
        for path in self.broken:
            for start in self.frames(path):
                if not self.left:
                    return
                with self.expand(path, start) as file:
                    self.take(file, by_headers)

    def sources(self) -> Iterator[tuple[str, Callable[[IO[bytes]], Iterator[Place]]]]:
        """Every object that may hold contents, the likely ones first, and how to look into it."""
        for path, digest in self.objects("content", r"([0-9a-f]{64})(~[1-9][0-9]*)?\Z"):
            yield path, object_itself(digest)
        likely = {self.key("packs", pack[:2], pack + (".tar.zst" if kind == "zstd" else ".tar"))
                  for hint in generations(self.key("bags", self.bag, "placement.jsonl"))
                  for kind, pack in re.findall(r'"(pack|zstd)":"([0-9a-f]{64})"', read_hint(hint))}
        likely = {path for pack in likely for path in generations(pack)}  # a sweep may leave only a later one
        for path in sorted(likely):
            yield path, by_headers
        for path, _ in self.objects("packs", r"([0-9a-f]{64})\.tar(?:\.zst)?(~[1-9][0-9]*)?\Z"):
            if path not in likely:
                yield path, by_headers
        for path, digest in self.objects("packs", r"([0-9a-f]{64})\.jsonl(~[1-9][0-9]*)?\Z"):
            for pack in generations(self.key("packs", digest[:2], digest + ".tar")):
                yield pack, by_index(path)

    def objects(self, folder: str, pattern: str) -> Iterator[tuple[str, str]]:
        """Path and digest of what lies in content/ or packs/ and has such a name."""
        for part in listing(self.key(folder)):
            for name in listing(self.key(folder, part)):
                found = re.match(pattern, name)
                if found:
                    yield self.key(folder, part, name), found.group(1)

    def settle(self, digest: bytes, state: int) -> None:
        self.left -= self.db.execute("UPDATE contents SET state = ? WHERE sha256 = ? AND state = ?", (state, digest, NEEDED)).rowcount

    def put(self, file: IO[bytes], length: int, digest: bytes) -> None:
        """Write the next `length` bytes of `file` to every path that needs them, if their SHA-256 is right."""
        data, large = b"", os.path.join(self.work, "content")
        if length <= IN_MEMORY:
            data = file.read(length)
            found = hashlib.sha256(data).digest()
        else:
            found = self.copy(file, length, large)
        if found != digest:
            return
        for target, path, mode, mtime in self.db.execute("SELECT target, path, mode, mtime FROM files WHERE sha256 = ?", (digest,)):
            try:
                self.write(os.path.join(self.root, target), data if length <= IN_MEMORY else None, large, mode, mtime)
                self.files += 1
            except OSError as error:
                self.stop_if_full(error)
                self.problem(f"NOT RESTORED, {error.strerror}: {os.fsdecode(path)}")
            if self.files and self.files % 100000 == 0:
                say(f"{self.files} files")
        self.settle(digest, RESTORED)

    def copy(self, file: IO[bytes], length: int, target: str) -> bytes:
        """Copy so many bytes; their SHA-256."""
        running = hashlib.sha256()
        try:
            with open(target, "wb") as out:
                while length > 0 and (chunk := file.read(min(CHUNK, length))):
                    running.update(chunk)
                    out.write(chunk)
                    length -= len(chunk)
        except OSError as error:
            self.stop_if_full(error)
            raise
        return running.digest()

    def stop_if_full(self, error: OSError) -> None:
        if error.errno in FULL:
            raise StopError(f"No room: {error}") from error

    def write(self, path: bytes, data: bytes | None, large: str, mode: int | None, mtime: int | None) -> None:
        """A new file; never over something, and (since no link is made before the last file) never through a link."""
        self.make_folder(os.path.dirname(path))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            if data is not None:
                out.write(data)
            else:
                with open(large, "rb") as source:
                    shutil.copyfileobj(source, out, CHUNK)
            out.flush()
            if mtime is not None:
                os.utime(descriptor, ns=(mtime, mtime))
            if mode is not None:
                os.fchmod(descriptor, mode)

    def make_folder(self, path: bytes) -> None:
        if path not in self.made:
            os.makedirs(path, mode=0o700, exist_ok=True)
            if len(self.made) > 10000:
                self.made.clear()
            self.made.add(path)

    # 5. What could not be restored; folders and links, with their modes and dates.

    def name_what_is_missing(self) -> None:
        rows = self.db.execute("SELECT path, state FROM files JOIN contents USING (sha256) WHERE state != ? ORDER BY path", (RESTORED,))
        for path, state in rows:
            self.problem(("WITHHELD: " if state == WITHHELD else "DAMAGED OR MISSING: ") + os.fsdecode(path))

    def make_structure(self) -> None:
        if not self.only_files:
            self.make_folder(os.path.join(self.root, b"data"))  # a bag has one, even without files
        for target, path in self.db.execute("SELECT target, path FROM folders ORDER BY target"):
            self.attempt(path, lambda at: os.makedirs(at, 0o700, exist_ok=True), os.path.join(self.root, target))
        # From the last to the first: what lies below a path comes before it, so that nothing is made through a link made here.
        for target, path, points, mtime in self.db.execute("SELECT * FROM links ORDER BY target DESC"):
            at = os.path.join(self.root, target)
            if self.attempt(path, os.makedirs, os.path.dirname(at), 0o700, True) and self.attempt(path, os.symlink, points, at):
                self.attempt(path, self.touch, at, mtime)
        for target, path, mode, mtime in self.db.execute("SELECT * FROM folders ORDER BY target DESC"):
            at = os.path.join(self.root, target)
            if os.path.isdir(at) and not os.path.islink(at):
                self.attempt(path, self.touch, at, mtime)
                if mode is not None and target:
                    self.attempt(path, os.chmod, at, mode if self.only_files else mode | 0o700)

    @staticmethod
    def touch(path: bytes, mtime: int | None) -> None:
        if mtime is not None:
            os.utime(path, ns=(mtime, mtime), follow_symlinks=False)

    def attempt(self, path: str, function: Callable[..., object], *arguments: Any) -> bool:
        try:
            function(*arguments)
        except OSError as error:
            self.problem(f"NOT MADE, {error.strerror}: {path}")
            return False
        return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", action="store_true", help="the files as they were, without the bag around them")
    parser.add_argument("--seal", metavar="SHA256", help="which of several seals, if the bag is forked")
    parser.add_argument("store", metavar="STORE")
    parser.add_argument("bag", metavar="NAME/vN")
    parser.add_argument("dest", metavar="DEST")
    args = parser.parse_args()
    try:
        return Recovery(args.store, args.bag, args.dest, args.files, args.seal).run()
    except StopError as reason:
        say(str(reason))
    except KeyboardInterrupt:
        say("Interrupted.")
    except OSError as error:
        say(f"Could not go on: {error}")
    return 2


if __name__ == "__main__":
    sys.exit(main())
