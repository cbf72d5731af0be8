"""Bags that try to break in, mislead or wear out whoever imports them. Each says what the refusal must name."""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.imports.archives import END, Entry, header, member, padded, pax, record, tar_of, zip_of, zipped
from tests.verify.conformance.builder import PAYLOAD, Builder, digest

Make = Callable[[Path], Path]


@dataclass(frozen=True)
class Case:
    """`make` writes it into an empty folder and gives its path; `says` stands in a finding of its refusal."""

    name: str
    make: Make
    says: str


def good(folder: Path, **changes: object) -> Path:
    return Builder(**{"version": "1.0", "algorithms": ("sha256", "sha512"), **changes}).write(folder)  # type: ignore[arg-type]


def cases() -> Iterator[Case]:
    for name, extra, says in _tar_members():
        yield Case(f"tar: {name}", _tar(extra, last=True), says)
        yield Case(f"tar.gz: {name}", _tar(extra, last=False, packed=True), says)
    yield from _whole_tars()
    for name, entry, says in _zip_members():
        yield Case(f"zip: {name}", _zip([entry]), says)
    yield from _whole_zips()
    for name, make, says in _bags():
        yield Case(f"folder: {name}", lambda root, make=make: make(root / "bag"), says)
        if says not in ("symbolic link", "FIFO", "cannot be read"):
            yield Case(f"as tar: {name}", _serialise(make, "tar"), says)
            yield Case(f"as zip: {name}", _serialise(make, "zip"), says)


# -- names no archive may have; the same for tar and zip

_NAMES = [
    ("absolute", b"/etc/strongroom-was-here", "absolute path"),
    ("parent", b"../outside", "'..'"),
    ("parent below", b"bag/data/../../../outside", "'..'"),
    ("parent at the end", b"bag/data/..", "'..'"),
    ("many parents", b"bag/" + b"../" * 20 + b"tmp/outside", "'..'"),
    ("drive", b"C:/outside", "drive letter"),
    ("drive, relative", b"c:outside", "drive letter"),
    ("empty segment", b"bag//data/x", "empty or '.' segment"),
    ("parent behind a reserved name", b"bag/aux/../../../outside", "'..'"),
    ("parent with blanks, which is none", b"bag/data/.. /x", "is not listed"),
    ("dot segment", b"bag/./x", "empty or '.' segment"),
    ("not UTF-8", b"bag/data/caf\xe9", "not UTF-8"),
    ("overlong UTF-8 of a dot", b"bag/\xc0\xae\xc0\xae/x", "not UTF-8"),
    ("half a surrogate pair", b"bag/data/\xed\xa0\x80", "not UTF-8"),
    ("bagit.txt twice", b"bag/bagit.txt", "occurs twice"),
    ("payload twice", b"bag/data/text-file.txt", "occurs twice"),
    ("a file that is a folder", b"bag/data/text-file.txt/x", "a file in this archive"),
    ("deep", b"bag/" + b"d/" * 40 + b"x", ""),
]


def _tar_members() -> Iterator[tuple[str, bytes, str]]:
    for name, raw, says in _NAMES:
        if says:
            yield name, member(raw, b"x"), says
            yield f"{name}, in a pax header", pax(path=raw) + member(b"bag/data/innocent", b"x"), says
            yield f"{name}, as a long name of GNU", member(b"././@LongLink", raw + b"\0", b"L") + member(b"bag/data/innocent", b"x"), says
    yield "UNC", member(b"\\\\server\\share\\x", b"x"), "network path"
    yield "prefix field leads out", header(b"outside", 0, prefix=b"../.."), "'..'"
    for kind, says in ((b"1", "hard link"), (b"2", "symbolic link"), (b"3", "device"), (b"4", "device"), (b"6", "FIFO"), (b"S", "sparse"),
                       (b"D", "folder listing"), (b"M", "another volume"), (b"N", "long names"), (b"V", "volume"), (b"Z", "not known")):
        yield f"type {kind.decode()}", header(b"bag/data/odd", 0, kind, link=b"/etc/passwd"), says
    yield "link to a file that comes", header(b"bag/data/dir", 0, b"2", link=b"/tmp") + member(b"bag/data/dir/x", b"x"), "symbolic link"
    yield "negative size", header(b"bag/data/x", size_field=b"\xff" * 12), "negative"
    yield "huge size", header(b"bag/data/x", size_field=b"\x80" + b"\x7f" * 11), "impossible"
    yield "petabyte", header(b"bag/data/x", size_field=b"\x80" + (1 << 50).to_bytes(11, "big")), "announces"
    yield "size that is no number", header(b"bag/data/x", size_field=b"12 34 56 78\0"), "not a number"
    yield "wrong checksum", header(b"bag/data/x", checksum=1), "checksum is wrong"
    yield "folder with data", member(b"bag/data/d/", b"x", b"5"), "announces data"
    yield "GNU sparse in pax", pax(GNU__sparse__major=b"1", GNU__sparse__name=b"x") + member(b"bag/data/s", b"x"), "sparse"
    yield "pax size differs", pax(size=b"1024") + member(b"bag/data/x", b"x" * 512), "in one header"
    yield "pax size negative", pax(size=b"-1") + member(b"bag/data/x", b"x"), "not a number"
    yield "pax size huge", pax(size=b"9" * 18) + header(b"bag/data/x"), "announces"
    yield "pax key twice", member(b"p", record(b"path", b"a") + record(b"path", b"b"), b"x") + member(b"x"), "twice"
    yield "pax malformed", member(b"p", b"99 path=x\n", b"x") + member(b"x"), "malformed"
    yield "pax length zero", member(b"p", b"0 path=x\n", b"x") + member(b"x"), "malformed"
    yield "pax without equals", member(b"p", b"7 path\n", b"x") + member(b"x"), "malformed"
    yield "pax of a megabyte", header(b"p", 2 << 20, b"x"), "at most"
    yield "path for every member", pax(b"g", path=b"bag/data/x") + member(b"y", b"x"), "every member that follows"
    yield "size for every member", pax(b"g", size=b"5") + member(b"y", b"x"), "every member that follows"
    yield "NUL in a pax path", pax(path=b"bag/x\0/../../y") + member(b"y", b"x"), "NUL"
    yield "two headers for one member", pax(path=b"bag/a") + pax(path=b"../b") + member(b"y", b"x"), "said twice"
    yield "pax and long name", pax(path=b"bag/a") + member(b"l", b"../b\0", b"L") + member(b"y", b"x"), "said twice"
    yield "too deep", member(b"bag/" + b"d/" * 45, kind=b"5") + pax(path=b"bag/" + b"d/" * 70 + b"x") + member(b"y"), "folders deep"
    yield "too long a path", pax(path=b"bag/" + b"/".join([b"n" * 200] * 6)) + member(b"y"), "at most 1,024"
    yield "too long a name", pax(path=b"bag/data/" + b"n" * 300) + member(b"y"), "at most 255"


def _tar(extra: bytes, *, last: bool, packed: bool = False) -> Make:
    def make(root: Path) -> Path:
        bag = tar_of(good(root / "made"))
        shutil.rmtree(root / "made")
        # Before the bag a name that occurs twice is met the second time in the bag itself: there it is refused as well.
        data = (bag + extra if last else extra + bag) + END
        path = root / ("bag.tar.gz" if packed else "bag.tar")
        path.write_bytes(gzip.compress(data) if packed else data)
        return path

    return make


def _bytes(name: str, make: Callable[[bytes], bytes]) -> Make:
    """A file of what `make` makes of the members of a good bag's tar."""

    def write(root: Path) -> Path:
        members = tar_of(good(root / "made"))
        shutil.rmtree(root / "made")
        (root / name).write_bytes(make(members))
        return root / name

    return write


def _whole_tars() -> Iterator[Case]:
    zeros = bytes(40 << 20)
    bomb = header(b"bag/data/zeros", len(zeros)) + zeros
    yield Case("tar.gz: bomb by ratio", _bytes("b.tgz", lambda bag: gzip.compress(bag + bomb + END)), "as bombs do")
    yield Case("tar: more files than are taken", _bytes("b.tar", lambda bag: bag + b"".join(
        member(b"bag/data/%d" % number) for number in range(3000)) + END), "at most")
    yield Case("tar: more bytes than are taken", _bytes("b.tar", lambda bag: bag + header(b"bag/data/x", 100 << 20)), "announces")
    yield Case("tar: headers without end", _bytes("b.tar", lambda bag: bag + pax(b"g", comment=b"x") * 3000 + END), "at most")
    for cut in (1, 511, 512, 700, 1024, 2048):
        yield Case(f"tar: cut short at {cut}", _bytes("b.tar", lambda bag, cut=cut: bag[:cut]), "cut short")
    yield Case("tar: without an end", _bytes("b.tar", lambda bag: bag), "cut short")
    yield Case("tar: cut within a file", _bytes("b.tar", lambda bag: bag + header(b"bag/data/x", 5000) + b"x" * 1000), "cut short")
    yield Case("tar: more after the end", _bytes("b.tar", lambda bag: bag + END + member(b"../x", b"x") + END), "after the end")
    yield Case("tar: ends with a long name", _bytes("b.tar", lambda bag: bag + pax(path=b"x") + END), "describes a next member")
    yield Case("tar: empty", _bytes("b.tar", lambda _: bytes(10240)), "empty")
    yield Case("tar: nothing at all", _bytes("b.tar", lambda _: b""), "cut short")
    yield Case("tar: text", _bytes("b.tar", lambda _: b"hello " * 200), "is no tar, tar.gz or zip")
    yield Case("tar: two bags", _bytes("b.tar", lambda bag: bag + member(b"other/x", b"x") + END), "2 things at its top")
    yield Case("tar: a file beside the bag", _bytes("b.tar", lambda bag: bag + member(b"x", b"x") + END), "2 things at its top")
    yield Case("tar: only a file", _bytes("b.tar", lambda _: member(b"x", b"x") + END), "1 thing at its top")
    yield Case("tar.gz: cut short", _bytes("b.tgz", lambda bag: gzip.compress(bag + END)[:-20]), "cut short")
    yield Case("tar.gz: a wrong bit", _bytes("b.tgz", lambda bag: _flip(gzip.compress(bag + END), 300)), "")
    yield Case("tar.gz: wrong CRC", _bytes("b.tgz", lambda bag: _flip(gzip.compress(bag + END), -7)), "damaged")
    yield Case("tar.gz: text after it", _bytes("b.tgz", lambda bag: gzip.compress(bag + END) + b"hello"), "damaged")
    yield Case("tar.gz: a second one after it", _bytes("b.tgz", lambda bag: gzip.compress(bag + END) + gzip.compress(bag)), "after the end")
    yield Case("tar.gz: in tar.gz", _bytes("b.tgz", lambda bag: gzip.compress(gzip.compress(bag + END))), "")
    yield Case("tar.xz", _bytes("b.tar.gz", lambda _: b"\xfd7zXZ\0" + bytes(500)), "not taken")
    yield Case("tar.zst", _bytes("b.tar", lambda _: b"\x28\xb5\x2f\xfd" + bytes(500)), "not taken")
    for seed in range(12):
        yield Case(f"tar: noise {seed}", _bytes("b.tar", lambda bag, seed=seed: _noise(bag + END, seed)), "")


def _flip(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 0x10
    return bytes(changed)


def _noise(data: bytes, seed: int) -> bytes:
    """A header somewhere overwritten with noise."""
    chance = random.Random(seed)
    at = 512 * chance.randrange(2, 8)
    return data[:at] + chance.randbytes(512) + data[at + 512 :]


def _zip_members() -> Iterator[tuple[str, Entry, str]]:
    for name, raw, says in _NAMES:
        if says and "UTF-8" not in says:
            yield name, Entry(raw, b"x"), says
    yield "not UTF-8 though it says so", Entry(b"bag/data/caf\xe9", b"x", flags=0x800), ""
    yield "NUL in the name", Entry(b"bag/data/x\0.txt", b"x"), "NUL"
    yield "backslash", Entry(b"bag\\data\\x", b"x"), "backslash"
    yield "UNC", Entry(b"\\\\server\\x", b"x"), "backslash"
    yield "symbolic link", Entry(b"bag/data/l", b"/etc/passwd", mode=0o120777), "symbolic link"
    yield "FIFO", Entry(b"bag/data/f", mode=0o010644), "FIFO"
    yield "device", Entry(b"bag/data/d", mode=0o020644), "device"
    yield "block device", Entry(b"bag/data/d", mode=0o060644), "device"
    yield "socket", Entry(b"bag/data/d", mode=0o140644), "socket"
    yield "folder by mode", Entry(b"bag/data/d", b"", mode=0o040755), "not by both"
    yield "file by mode", Entry(b"bag/data/d/", b"", mode=0o100644), "not by both"
    yield "folder with data", Entry(b"bag/data/d/", b"x", mode=0o040755), "announces data"
    yield "marked encrypted", Entry(b"bag/data/e", b"x", flags=1), "encrypted"
    yield "strongly encrypted", Entry(b"bag/data/e", b"x", flags=0x41), "encrypted"
    yield "masked headers", Entry(b"bag/data/e", b"x", flags=0x2000), "encrypted"
    yield "encrypted by its own header", Entry(b"bag/data/e", b"x", local_flags=1), "encrypted"
    yield "method 12", Entry(b"bag/data/e", b"x", method=12, packed=b"x"), "method 12"
    yield "method 99", Entry(b"bag/data/e", b"x", method=99, packed=b"x"), "method 99"
    yield "a patch", Entry(b"bag/data/e", b"x", flags=0x20), "method"
    yield "other name inside", Entry(b"bag/data/e", b"x", local_name=b"../../e"), "another name"
    yield "other method inside", Entry(b"bag/data/e", b"x", local_method=0), "another name or method"
    yield "other size inside", Entry(b"bag/data/e", b"x", local_size=9), "other sizes"
    yield "announces too little", Entry(b"bag/data/e", b"x" * 5000, size=10), "unpacks to more"
    yield "announces too much", Entry(b"bag/data/e", b"x" * 10, size=5000), "announces 5,000"
    yield "stored, announces another size", Entry(b"bag/data/e", b"x" * 10, method=0, size=11), "announces 11"
    yield "wrong CRC", Entry(b"bag/data/e", b"x", crc=7), "CRC-32"
    yield "damaged data", Entry(b"bag/data/e", b"x" * 100, packed=b"\xff" * 20), "damaged"
    yield "data cut short", Entry(b"bag/data/e", os.urandom(500), packed=b"\x01\x10\x00\xef\xffabc"), "cut short"
    yield "bytes after its data", Entry(b"bag/data/e", b"", packed=b"\x03\x00junk"), "after the end"
    yield "bomb", Entry(b"bag/data/e", bytes(40 << 20)), "as bombs do"
    yield "another volume", Entry(b"bag/data/e", b"x", disk=3), "another volume"
    yield "shares bytes with the first", Entry(b"bag/data/e", b"x", offset=0), "another name"
    yield "lies nowhere", Entry(b"bag/data/e", b"x", offset=1 << 30), "not where"
    yield "reaches into the directory", Entry(b"bag/data/e", b"x", method=0, size=1000, packed_size=1000), "reaches into"
    yield "zip64 without its field", Entry(b"bag/data/e", b"x", size=0xFFFFFFFF, local_size=0xFFFFFFFF), "zip64"


def _zip(extra: list[Entry], **how: object) -> Make:
    def make(root: Path) -> Path:
        entries = zip_of(good(root / "made"))
        shutil.rmtree(root / "made")
        (root / "bag.zip").write_bytes(zipped([*entries, *extra], **how))  # type: ignore[arg-type]
        return root / "bag.zip"

    return make


def _raw_zip(make: Callable[[bytes], bytes]) -> Make:
    def write(root: Path) -> Path:
        path = _zip([])(root)
        path.write_bytes(make(path.read_bytes()))
        return path

    return write


def _overlap(root: Path) -> Path:
    """Two names for the same bytes: how a small zip unpacks to petabytes."""
    entries = zip_of(good(root / "made"))
    shutil.rmtree(root / "made")
    first = Entry(b"bag/data/a", b"x" * 50)
    data = zipped([first])
    inner = data[: data.index(b"PK\1\2")]
    outer = Entry(b"bag/data/b", inner, method=0)
    start = len(zipped(entries)) - len(zipped([])) - sum(46 + len(entry.name) for entry in entries)
    nested = Entry(b"bag/data/a", b"x" * 50, offset=start + 30 + len(outer.name))
    (root / "bag.zip").write_bytes(zipped([*entries, outer, nested]))
    return root / "bag.zip"


def _whole_zips() -> Iterator[Case]:
    yield Case("zip: overlapping members", _overlap, "shares bytes")
    yield Case("zip: more members than it says", _zip([], count=3), "more than its last record")
    yield Case("zip: fewer members than it says", _zip([], count=30), "entries")
    yield Case("zip: more members than are taken", _zip([], count=60_000), "at most")
    yield Case("zip: many members", _zip([Entry(b"bag/data/%d" % number) for number in range(3000)]), "at most")
    yield Case("zip: empty", _raw_zip(lambda _: zipped([])), "empty")
    yield Case("zip: of two volumes", _zip([], disk=1), "several volumes")
    yield Case("zip: a program before it", _zip([], directory_shift=-7), "its directory does not lie")
    yield Case("zip: directory elsewhere", _zip([], directory_shift=9), "its directory does not lie")
    yield Case("zip: noise in its directory", _zip([], directory_extra=b"x" * 50), "damaged")
    yield Case("zip: two ends", _zip([], comment=b"PK\5\6" + bytes(18)), "two records")
    yield Case("zip: bytes after it", _zip([], after=b"x" * 40), "cut short")
    for cut in (10, 100, 300):
        yield Case(f"zip: {cut} bytes cut off", _raw_zip(lambda data, cut=cut: data[:-cut]), "cut short")
    yield Case("zip: a file beside the bag", _zip([Entry(b"x", b"x")]), "2 things at its top")


def _bags() -> Iterator[tuple[str, Make, str]]:
    def changed(**changes: object) -> Make:
        return lambda root: good(root, **changes)

    lines = {
        "absolute": "/etc/passwd", "parent": "../outside", "parent below": "data/../../outside", "home": "~/x", "drive": "C:\\x",
        "UNC": "\\\\server\\x", "tag file": "bag-info.txt", "folder": "data/", "NUL": "data/x\0y", "dots": "data/..", "top": ".",
    }
    for name, path in lines.items():
        yield f"manifest lists {name}", changed(extra_lines=[f"{digest(b'', 'sha256')}  {path}"], algorithms=("sha256",)), ""
    url = "http://example.org/x"
    listed = [f"{digest(b'x', 'sha256')}  data/fetched"]
    yield "fetch.txt", changed(
        algorithms=("sha256",), extra_lines=listed, tags={"fetch.txt": f"{url} 1 data/fetched\n".encode()}), "was not fetched"
    yield "fetch.txt of what is there", changed(tags={"fetch.txt": f"{url} 12 data/text-file.txt\n".encode()}), "nothing is ever fetched"
    yield "fetch.txt from file:", changed(tags={"fetch.txt": b"file:///etc/passwd 12 data/text-file.txt\n"}), "nothing is ever fetched"
    yield "fetch.txt that leads out", changed(tags={"fetch.txt": f"{url} 1 ../x\n".encode()}), "leaves the bag"
    yield "wrong Payload-Oxum", changed(info=[("Payload-Oxum", "1.1")], oxum=False), "Payload-Oxum says"
    yield "Payload-Oxum without end", changed(info=[("Payload-Oxum", "9" * 400 + ".1")], oxum=False), "Payload-Oxum"
    yield "wrong digest", changed(extra_lines=[f"{'0' * 64}  data/text-file.txt"], algorithms=("sha256",)), "different digests"
    yield "partial manifest", changed(unlisted={"data/text-file.txt"}), "is not listed"
    yield "no payload manifest", changed(algorithms=(), tag_algorithms=()), "no payload manifest"
    yield "algorithm nobody knows", changed(
        algorithms=(), tag_algorithms=(), tags={"manifest-rot13.txt": b"00  data/text-file.txt\n00  data/bare-filename\n"}), "not known"
    yield "missing file", changed(extra_lines=[f"{'0' * 64}  data/none"], algorithms=("sha256",)), "is not there"
    yield "manifest that is no manifest", changed(tags={"manifest-sha256.txt": b"\0\1\2\3" * 300}, tag_algorithms=()), ""
    yield "digest of the wrong length", changed(extra_lines=["abcd  data/text-file.txt"], algorithms=("sha256",)), "digits"
    yield "no bagit.txt", _without("bagit.txt"), "bagit.txt"
    yield "BagIt 7.0", changed(declaration=b"BagIt-Version: 7.0\nTag-File-Character-Encoding: UTF-8\n"), "not known"
    yield "encoding of another kind", changed(declaration=b"BagIt-Version: 1.0\nTag-File-Character-Encoding: zlib\n"), "encoding"
    yield "encoding idna", changed(declaration=b"BagIt-Version: 1.0\nTag-File-Character-Encoding: idna\n"), "encoding"
    yield "bagit.txt of a megabyte", changed(declaration=b"BagIt-Version: 1.0\n" * 60_000), ""
    yield "byte order mark", changed(declaration=b"\xef\xbb\xbfBagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"), "byte order"
    yield "not in its encoding", changed(info_text="Contact-Name: \xe9", codec="latin-1"), ""
    yield "bag-info of nonsense", changed(info_text="no colon here\n"), "LABEL: VALUE"
    yield "bag-info without end", changed(info=[(f"X-{number}", "x") for number in range(10_100)]), "elements"
    yield "tag manifest that is wrong", _after(lambda bag: (bag / "bag-info.txt").write_bytes(b"Contact-Name: Somebody Else\n")), "says"
    yield "payload that is wrong", _after(lambda bag: (bag / "data/text-file.txt").write_bytes(b"changed\n")), "says"
    yield "payload that nobody lists", _after(lambda bag: (bag / "data/more").write_bytes(b"")), "is not listed"
    yield "link out", _after(lambda bag: (bag / "data/l").symlink_to("/etc/passwd")), "symbolic link"
    yield "link inside", _linked, "symbolic link"
    yield "link to a folder", _after(lambda bag: (bag / "data/l").symlink_to("/etc")), "symbolic link"
    yield "FIFO", _after(lambda bag: os.mkfifo(bag / "data/f")), "FIFO"
    yield "seal of another bag", _ours(seal=b'{"format":"strongroom-seal/1"}\n'), "seal that is not its own"
    yield "names that lead out", _ours(names=b"../../outside"), "is no name of a payload file"
    yield "names that are absolute", _ours(names=b"/etc/x\xff"), "is no name of a payload file"
    yield "names without JSON", _ours(raw=b"[" * 5000 + b"\n"), "is no name of a payload file"


def _without(name: str) -> Make:
    return _after(lambda bag: (bag / name).unlink())


def _after(change: Callable[[Path], object]) -> Make:
    def make(root: Path) -> Path:
        change(good(root))
        return root

    return make


def _linked(root: Path) -> Path:
    bag = good(root, payload={**PAYLOAD, "data/same": PAYLOAD["data/text-file.txt"]})
    (bag / "data/same").unlink()
    (bag / "data/same").symlink_to("text-file.txt")
    return bag


def _ours(seal: bytes = b"", names: bytes = b"", raw: bytes = b"") -> Make:
    """A bag that says Strongroom made it."""
    import base64

    path = f"data/_names/{hashlib.sha256(names).hexdigest()}"
    line = b'{"bytes":"%b","path":"%b"}\n' % (base64.b64encode(names), path.encode())
    tags = {"metadata/collection.json": b'{"collection":"letters"}\n'}
    if seal:
        tags["metadata/strongroom/seal.json"] = seal
    if names or raw:
        tags["metadata/names.jsonl"] = raw or line
    uuid = "urn:uuid:123e4567-e89b-42d3-a456-426614174000"
    return lambda root: good(root, info=[("External-Identifier", "letters/v1"), ("External-Identifier", uuid)], tags=tags)


def _serialise(make: Make, form: str) -> Make:
    def write(root: Path) -> Path:
        bag = make(root / "made")
        path = root / f"bag.{form}"
        path.write_bytes(tar_of(bag) + END if form == "tar" else zipped(zip_of(bag)))
        shutil.rmtree(bag)
        return path

    return write


__all__ = ["Case", "cases", "good", "padded"]
