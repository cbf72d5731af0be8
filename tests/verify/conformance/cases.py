"""The cases of the Library of Congress BagIt conformance suite, rebuilt by name (our own bags; nothing is copied).

`source` says how a case came to be known: "content" (some of its files could be read), "name" (its name and outcome are published,
the content is what the name says), "inferred" (its existence follows from the other versions).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.verify.conformance.builder import Builder, digest

Make = Callable[[Path], Path]
Outcome = Literal["valid", "invalid", "warning"]
Source = Literal["content", "name", "inferred"]


@dataclass(frozen=True)
class Case:
    version: str
    folder: str
    name: str
    source: Source
    make: Make

    @property
    def outcome(self) -> Outcome:
        return "invalid" if self.folder == "linux-only" else self.folder  # type: ignore[return-value]

    def __str__(self) -> str:
        return f"{self.version}/{self.folder}/{self.name}"


CASES: list[Case] = []


def case(where: str, source: Source) -> Callable[[Make], Make]:
    """Register a case under "VERSION/FOLDER/NAME" as in the suite."""
    version, folder, name = where.split("/", 2)

    def register(make: Make) -> Make:
        CASES.append(Case(version, folder, name, source, make))
        return make

    return register


def bag(where: str, source: Source, **changes: object) -> None:
    """Register a case that is a Builder with some changes."""
    version = where.split("/")[0].removeprefix("v")
    case(where, source)(lambda root: Builder(**{"version": version, **changes}).write(root))  # type: ignore[arg-type]


_TWICE = [
    ("Source-Organization", "One Library"), ("Source-Organization", "Another Library"),
    ("Bagging-Date", "2016-02-26"), ("Bagging-Date", "2016-03-10"),
    ("Contact-Name", "A. Keeper"), ("Contact-Name", "B. Keeper"),
]
for _version, _basic in (("v0.93", "inferred"), ("v0.94", "inferred"), ("v0.95", "content"), ("v0.96", "inferred")):
    bag(f"{_version}/valid/basic-bag", _basic)  # type: ignore[arg-type]
    bag(f"{_version}/valid/duplicate-metadata-entries", "content", info=_TWICE, oxum=False)

# -- 0.97, valid
bag("v0.97/valid/basic-bag", "name")
bag("v0.97/valid/basic-bag-sha1", "content", algorithms=("sha1",), payload={"data/test-file.txt": b"test\n"})
for _algorithm in ("sha224", "sha256", "sha512"):
    bag(f"v0.97/valid/basic-bag-{_algorithm}", "content", algorithms=(_algorithm,), payload={"data/text-file.txt": b"test\n"})
bag("v0.97/valid/duplicate-metadata-entries", "content", info=_TWICE, oxum=False)
bag("v0.97/valid/UTF-16-encoded-tag-files", "content", encoding="UTF-16BE", codec="utf-16-be")
bag(
    "v0.97/valid/ISO-8859-1-encoded-tag-files", "name", encoding="ISO-8859-1", codec="iso-8859-1",
    info=[("Contact-Name", "Édouard Ménétrier")],
)
bag("v0.97/valid/minimal-bag", "name", tag_algorithms=(), info=[], oxum=False)
bag("v0.97/valid/bag-with-space", "name", payload={"data/file with spaces.txt": b"1\n", "data/a folder/another one": b"2\n"})
bag("v0.97/valid/bag-with-leading-dot-slash-in-manifest", "name", listed={"data/text-file.txt": "./data/text-file.txt"})
bag(
    "v0.97/valid/bag-with-escapable-characters", "name",
    payload={"data/100% sure?.txt": b"1\n", "data/#hash&amp;+'quotes\".txt": b"2\n", "data/%20": b"3\n", "data/[a]{b}$c": b"4\n"},
)
bag(
    "v0.97/valid/bag-with-encoded-names", "content",
    payload={"data/dir1/~test3.txt": b"1\n", "data/%7Edir2/dir3/test5.txt": b"2\n", "data/%7Etest1.txt": b"3\n", "data/%test2.txt": b"4\n"},
    separator=" ",
)
bag(
    "v0.97/valid/uncommon-metadata-separators", "name", oxum=False,
    info_text="Source-Organization\t:\tA Library\nContact-Name :A. Keeper\nBagging-Date:2016-03-10\nBag-Size   :   1 kB\n",
)
bag(
    "v0.97/valid/holey-bag", "name",
    tags={"fetch.txt": b"http://localhost:8989/holey-bag/data/bare-filename - data/bare-filename\n"
                       b"http://localhost:8989/holey-bag/data/text-file.txt 12 data/text-file.txt\n"},
)
bag("v0.97/valid/local-fetch", "content", tags={"fetch.txt": b"file:///home/somebody/source/picture.png 42000 picture.png\n"})


@case("v0.97/valid/bag-in-a-bag", "name")
def _bag_in_a_bag(root: Path) -> Path:
    inner = Builder().write(root.with_name("inner"))
    files = {f"data/inner/{file.relative_to(inner)}": file.read_bytes() for file in sorted(inner.rglob("*")) if file.is_file()}
    return Builder(payload=files).write(root)


# -- 0.97, invalid
bag("v0.97/invalid/baginfo-missing-encoding", "name", declaration=b"BagIt-Version: 0.97\n")
bag(
    "v0.97/invalid/bom-in-bagit.txt", "name",
    declaration=b"\xef\xbb\xbfBagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n",
)
bag("v0.97/invalid/invalid-version-number", "content", declaration=b"BagIt-Version: .97\nTag-File-Character-Encoding: UTF-8\n")
bag(
    "v0.97/invalid/bagit-with-invalid-whitespace", "content", algorithms=("sha256", "sha512"), separator=" ",
    declaration=b"BagIt-Version : 0.97\nTag-File-Character-Encoding : UTF-8\n",
)
bag("v0.97/invalid/out-of-scope-file-paths-using-dot-notation", "content", extra_lines=[f"{'3e' * 16}  ../../../README.md"])
bag(
    "v0.97/invalid/out-of-scope-file-paths-using-dot-notation-for-fetch", "name",
    tags={"fetch.txt": b"http://localhost/foo - ../../../README.md\n"},
)
bag(
    "v0.97/invalid/same-filename-listed-twice-with-different-hashes", "name", algorithms=("sha256",),
    extra_lines=[f"{'ab' * 32}  data/text-file.txt"],
)


@case("v0.97/invalid/corrupt-data-file", "content")
def _corrupt_data_file(root: Path) -> Path:
    Builder(oxum=False).write(root)
    (root / "data/bare-filename").write_bytes(b"no extensioN\n")
    return root


@case("v0.97/invalid/corrupt-tag-file", "content")
def _corrupt_tag_file(root: Path) -> Path:
    Builder().write(root)
    with (root / "bag-info.txt").open("ab") as file:
        file.write(b"Added-Later: yes\n")
    return root


@case("v0.97/invalid/extra-file-in-bag", "content")
def _extra_file(root: Path) -> Path:
    Builder(oxum=False).write(root)
    (root / "data/bar").write_bytes(b"not listed\n")
    return root


@case("v0.97/invalid/missing-baginfo", "content")
def _missing_baginfo(root: Path) -> Path:
    Builder().write(root)
    (root / "bag-info.txt").unlink()
    return root


@case("v0.97/invalid/missing-bagit.txt", "name")
def _missing_bagit(root: Path) -> Path:
    Builder(tag_algorithms=()).write(root)
    (root / "bagit.txt").unlink()
    return root


# -- 0.97, linux-only: invalid because of what the path means on POSIX
for _name, _path in (("absolute-path", "/tmp/foo"), ("shortcut", "~/foo"), ("shortcut-username", "~root/foo")):
    bag(f"v0.97/linux-only/out-of-scope-file-paths-using-{_name}", "content", extra_lines=[f"{'3e' * 16}  {_path}"])
    bag(
        f"v0.97/linux-only/out-of-scope-file-paths-using-{_name}-for-fetch", "name",
        tags={"fetch.txt": f"http://localhost/foo - {_path}\n".encode()},
    )

# -- 0.97, warning
bag("v0.97/warning/duplicate-file-with-different-case", "name", payload={"data/hello.txt": b"1\n", "data/Hello.txt": b"1\n"})
bag(
    "v0.97/warning/relative-path", "name", payload={"data/hello.txt": b"1\n", "data/dir/other.txt": b"2\n"},
    listed={"data/hello.txt": "./data/hello.txt", "data/dir/other.txt": "data/dir/../dir/other.txt"},
)
bag("v0.97/warning/special-system-files", "name", payload={"data/.DS_Store": b"\0\0", "data/Thumbs.db": b"\0", "data/hello.txt": b"1\n"})
bag(
    "v0.97/warning/made-with-md5sum-tools", "content", payload={"data/hello.txt": b"1\n"}, separator=" *",
)
bag(
    "v0.97/warning/same-filename-listed-twice-with-the-same-hash", "name",
    extra_lines=[f"{digest(b'a text file' + bytes([10]), 'md5')}  data/text-file.txt"],
)
bag(
    "v0.97/warning/filename-normalization", "content", algorithms=("sha512",), separator=" ", payload={"data/Nu\u0301n\u0303ez": b""},
    listed={"data/Nu\u0301n\u0303ez": "data/Núñez"},
)
bag(
    "v0.97/warning/same-filename-listed-twice-with-different-normalization", "content", algorithms=("sha512",),
    payload={"data/Núñez": b""}, extra_lines=[f"{digest(b'', 'sha512')}  data/Nu\u0301n\u0303ez"],
)

# -- 1.0
bag("v1.0/valid/basicBag", "name", algorithms=("sha512",))
bag(
    "v1.0/invalid/bagit-with-invalid-whitespace", "content", algorithms=("sha256", "sha512"), separator=" ",
    declaration=b"BagIt-Version : 1.0\nTag-File-Character-Encoding : UTF-8\n",
)
bag(
    "v1.0/invalid/same-filename-listed-twice-with-different-hashes", "name", algorithms=("sha256",),
    extra_lines=[f"{'ab' * 32}  data/text-file.txt"],
)


@case("v1.0/invalid/missing-from-manifest", "content")
def _missing_from_manifest(root: Path) -> Path:
    Builder(version="1.0", algorithms=("sha256", "sha512")).write(root)
    manifest = root / "manifest-sha512.txt"
    manifest.write_bytes(manifest.read_bytes().splitlines(keepends=True)[0])
    data = manifest.read_bytes()
    for algorithm in ("sha256", "sha512"):  # all other rules hold
        tags = root / f"tagmanifest-{algorithm}.txt"
        lines = [line for line in tags.read_text().splitlines() if not line.endswith("manifest-sha512.txt")]
        tags.write_text("\n".join([*lines, f"{digest(data, algorithm)}  manifest-sha512.txt", ""]))
    return root
