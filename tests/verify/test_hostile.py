"""Bags that try to break the verifier, or lead it out of the bag."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from strongroom.core.bag.encoding import encode_path
from strongroom.core.errors import UsageError
from strongroom.core.findings import Code, Finding, Severity
from strongroom.usecases.verify import verify
from tests.verify.conformance.builder import PAYLOAD, Builder, digest
from tests.verify.snapshot import snapshot


def errors(bag: Path, *, workers: int = 1) -> list[Finding]:
    before = snapshot(bag)
    report = verify(bag, workers=workers)
    assert snapshot(bag) == before
    return [finding for finding in report.findings if finding.severity is Severity.ERROR]


def found(bag: Path) -> set[tuple[Code, str]]:
    return {(finding.code, finding.place) for finding in errors(bag)}


def good(root: Path, **changes: object) -> Path:
    return Builder(**{"version": "1.0", "algorithms": ("sha256", "sha512"), **changes}).write(root)  # type: ignore[arg-type]


def test_a_good_bag_has_no_finding_at_all(tmp_path: Path) -> None:
    report = verify(good(tmp_path / "bag"))
    assert (report.findings, report.valid) == ((), True)
    assert (report.payload_files, report.payload_bytes) == (2, sum(map(len, PAYLOAD.values())))
    assert report.payload_algorithms == report.tag_algorithms == ("sha256", "sha512")


def test_legal_names_of_every_kind_are_valid(tmp_path: Path) -> None:
    names = ["%0A", "a\nb", "c\rd", "trailing ", "~home", " leading", "100%", "x" * 255, "\u2028", "\x1b[31m", "a\\b", "C:", "*star", "-",
             "é", "日本語", "a\tb", "'\"", "%25"]
    payload = {f"data/{name}": name.encode() for name in names}
    bag = good(tmp_path / "bag", payload=payload, listed={path: encode_path(path) for path in payload})
    assert errors(bag) == []


def test_every_error_is_listed_with_its_file(tmp_path: Path) -> None:
    bag = good(tmp_path / "bag", payload={f"data/{n}": bytes([n]) for n in range(6)})
    (bag / "data/0").write_bytes(b"changed")
    (bag / "data/1").unlink()
    (bag / "data/extra").write_bytes(b"")
    (bag / "bag-info.txt").write_bytes(b"Payload-Oxum: 1.1\nnonsense\n")
    assert found(bag) == {
        (Code.BAG_FIXITY, "data/0"), (Code.BAG_FILE_MISSING, "data/1"), (Code.BAG_FILE_UNLISTED, "data/extra"),
        (Code.BAG_FIXITY, "bag-info.txt"), (Code.BAG_INVALID, "bag-info.txt, line 2"), (Code.BAG_OXUM, "bag-info.txt, line 1"),
    }
    assert sum(finding.code is Code.BAG_FIXITY and finding.place == "data/0" for finding in errors(bag)) == 2  # for each manifest


@pytest.mark.parametrize("bit", range(0, 8 * len(PAYLOAD["data/text-file.txt"]), 7))
def test_no_flipped_bit_escapes(bit: int, tmp_path: Path) -> None:
    bag = good(tmp_path / "bag")
    data = bytearray(PAYLOAD["data/text-file.txt"])
    data[bit // 8] ^= 1 << bit % 8
    (bag / "data/text-file.txt").write_bytes(data)
    assert found(bag) == {(Code.BAG_FIXITY, "data/text-file.txt")}


@pytest.mark.parametrize("path", ["data/fifo", "fifo", "manifest-md5.txt", "bagit.txt", "fetch.txt"])
@pytest.mark.parametrize("kind", ["fifo", "socket"])
def test_nothing_that_blocks_is_opened(path: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bag = good(tmp_path / "b")
    (bag / path).unlink(missing_ok=True)
    monkeypatch.chdir(bag)  # socket addresses are short
    if kind == "fifo":
        os.mkfifo(path)
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
    assert (Code.BAG_SPECIAL_FILE, path) in found(bag)


def test_links_out_of_the_bag_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "bag-secret"
    secret.mkdir()
    (secret / "k").write_bytes(b"a text file\n")
    bag = good(tmp_path / "bag")
    (bag / "data/text-file.txt").unlink()
    (bag / "data/text-file.txt").symlink_to("../../bag-secret/k")
    assert (Code.BAG_SPECIAL_FILE, "data/text-file.txt") in found(bag)


def test_a_listed_path_into_a_sibling_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bag-secret").mkdir()
    (tmp_path / "bag-secret/k").write_bytes(b"k")
    lines = [f"{digest(b'k', 'sha256')}  {path}" for path in ("../bag-secret/k", "data/../../bag-secret/k", str(tmp_path / "bag-secret/k"))]
    bag = Builder(version="1.0", algorithms=("sha256",), extra_lines=lines).write(tmp_path / "bag")
    assert found(bag) == {(Code.BAG_PATH, f"manifest-sha256.txt, line {n}") for n in (3, 4, 5)}


@pytest.mark.parametrize("target", ["elsewhere", "data/real", "."])
def test_a_linked_payload_folder_is_an_error(target: str, tmp_path: Path) -> None:
    bag = good(tmp_path / "bag", payload={"data/real/a": b"a"})
    (tmp_path / "elsewhere").mkdir()
    (bag / "data/linked").symlink_to(tmp_path / "elsewhere" if target == "elsewhere" else bag / target)
    assert found(bag) == {(Code.BAG_SPECIAL_FILE, "data/linked")}


def test_a_payload_that_is_a_link_is_an_error(tmp_path: Path) -> None:
    bag = good(tmp_path / "bag")
    (bag / "data").rename(tmp_path / "data")
    (bag / "data").symlink_to(tmp_path / "data")
    assert {(Code.BAG_INVALID, "data"), (Code.BAG_SPECIAL_FILE, "data"), (Code.BAG_FILE_MISSING, "data/text-file.txt")} <= found(bag)


def test_links_that_loop_or_dangle_are_errors(tmp_path: Path) -> None:
    bag = good(tmp_path / "bag")
    (bag / "data/loop").symlink_to("loop")
    (bag / "data/dangling").symlink_to("nowhere")
    assert found(bag) == {(Code.BAG_SPECIAL_FILE, "data/loop"), (Code.BAG_SPECIAL_FILE, "data/dangling")}


def test_a_link_to_a_file_inside_stands_for_it_with_a_warning(tmp_path: Path) -> None:
    bag = good(tmp_path / "bag", payload={"data/a": b"same", "data/b": b"same"})
    (bag / "data/b").unlink()
    (bag / "data/b").symlink_to("a")
    report = verify(bag)
    assert report.valid
    assert [(f.code, f.place) for f in report.findings] == [(Code.BAG_WARNING, "data/b")]
    (bag / "data/b").unlink()
    (bag / "data/b").symlink_to("../bagit.txt")  # no payload
    assert (Code.BAG_SPECIAL_FILE, "data/b") in found(bag)


def test_a_folder_listed_as_a_file_is_missing(tmp_path: Path) -> None:
    bag = good(tmp_path / "bag", payload={"data/a/b": b""}, extra_lines=[f"{'ab' * 32}  data/a"], algorithms=("sha256",))
    assert found(bag) == {(Code.BAG_FILE_MISSING, "data/a")}


def test_upper_case_digests_are_fine(tmp_path: Path) -> None:
    bag = good(tmp_path / "bag", tag_algorithms=())
    manifest = bag / "manifest-sha256.txt"
    lines = [line.split("  ") for line in manifest.read_text().splitlines()]
    manifest.write_text("".join(f"{line[0].upper()}  {line[1]}\r\n" for line in lines))
    assert errors(bag) == []


def test_an_unknown_algorithm_is_an_error_only_when_alone(tmp_path: Path) -> None:
    bag = good(tmp_path / "bag")
    (bag / "manifest-whirlpool.txt").write_text("".join(f"{'0' * 128}  {path}\n" for path in PAYLOAD))
    said = [finding for finding in verify(bag).findings if finding.place == "manifest-whirlpool.txt" and "'whirlpool'" in finding.message]
    assert [finding.severity for finding in said] == [Severity.WARNING]
    for name in ("manifest-sha256.txt", "manifest-sha512.txt", "tagmanifest-sha256.txt", "tagmanifest-sha512.txt"):
        (bag / name).unlink()
    assert found(bag) == {(Code.BAG_INVALID, "manifest-whirlpool.txt")}


def test_a_holey_bag_is_incomplete_and_nothing_is_fetched(tmp_path: Path) -> None:
    fetch = "".join(f"https://strongroom.invalid/x - {path}\n" for path in PAYLOAD).encode()
    bag = good(tmp_path / "bag", tags={"fetch.txt": fetch}, oxum=False)
    (bag / "data/text-file.txt").unlink()
    assert [(f.code, f.place) for f in errors(bag)] == [(Code.BAG_FILE_MISSING, "data/text-file.txt")]
    assert "fetch.txt" in errors(bag)[0].message


@pytest.mark.parametrize("line", [
    "http://a/b - data/unlisted", "http://a/b - bag-info.txt", "http://a/b ten data/text-file.txt", "relative - data/text-file.txt", "http://a/b",
    f"http://a/b {'9' * 19} data/text-file.txt", f"http://a/b {'9' * 5000} data/text-file.txt",
])
def test_bad_lines_of_fetch_txt(line: str, tmp_path: Path) -> None:
    bag = good(tmp_path / "bag", tags={"fetch.txt": f"{line}\n".encode()})
    assert {place for _, place in found(bag)} == {"fetch.txt, line 1"}


@pytest.mark.parametrize("oxum", ["1.2", "27.2", "26.3", "26", "26.2\nPayload-Oxum: 26.2"])
def test_a_wrong_or_repeated_oxum(oxum: str, tmp_path: Path) -> None:
    assert sum(map(len, PAYLOAD.values())) == 25
    bag = good(tmp_path / "bag", info_text=f"Payload-Oxum: {oxum}\n")
    assert any(place.startswith("bag-info.txt") for _, place in found(bag))


def test_an_oxum_that_is_repeated_though_right(tmp_path: Path) -> None:
    bag = good(tmp_path / "bag", info_text="Payload-Oxum: 25.2\npayload-oxum: 25.2\n")
    assert found(bag) == {(Code.BAG_INVALID, "bag-info.txt, line 2")}


def test_tag_manifests_list_payload_manifests_and_no_tag_manifest(tmp_path: Path) -> None:
    bag = good(tmp_path / "bag", algorithms=("sha256",))
    lines = [f"{digest((bag / 'bagit.txt').read_bytes(), 'sha256')}  bagit.txt", f"{'0' * 64}  tagmanifest-sha256.txt", ""]
    (bag / "tagmanifest-sha256.txt").write_text("\n".join(lines))
    messages = {finding.message for finding in errors(bag)}
    assert any("does not list manifest-sha256.txt" in message for message in messages)
    assert any("must not list tag manifests" in message for message in messages)


def test_a_changed_or_missing_tag_file_in_a_folder(tmp_path: Path) -> None:
    bag = good(tmp_path / "bag", tags={"metadata/a.json": b"{}", "metadata/b.json": b"[]"})
    assert errors(bag) == []
    (bag / "metadata/a.json").write_bytes(b"{1}")
    (bag / "metadata/b.json").unlink()
    assert found(bag) == {(Code.BAG_FIXITY, "metadata/a.json"), (Code.BAG_FILE_MISSING, "metadata/b.json")}


def test_no_manifest_no_payload_no_bag(tmp_path: Path) -> None:
    bag = tmp_path / "empty"
    bag.mkdir()
    assert {place for _, place in found(bag)} == {"data", "bagit.txt", "manifest-sha256.txt"}


def test_an_empty_payload_is_valid(tmp_path: Path) -> None:
    assert errors(good(tmp_path / "bag", payload={})) == []


def test_what_is_no_folder_is_wrong_usage(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path / "file"):
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(UsageError, match=path.name):
            verify(path)


def test_a_manifest_of_garbage_is_read_to_its_end(tmp_path: Path) -> None:
    bag = good(tmp_path / "bag", tag_algorithms=(), algorithms=("sha256",))
    with (bag / "manifest-sha256.txt").open("ab") as file:
        file.write(b"\0" * (3 << 20) + b"\n" + os.urandom(100_000).replace(b"\n", b"") + b"\nab  data/short\n")
    assert all(place.startswith("manifest-sha256.txt, line ") for _, place in found(bag))
    assert (Code.BAG_INVALID, "manifest-sha256.txt, line 3") in found(bag)


def test_workers_find_what_one_process_finds(tmp_path: Path) -> None:
    bag = good(tmp_path / "bag", payload={f"data/{n:04}": str(n).encode() for n in range(1200)}, algorithms=("sha256",))
    for n in (0, 255, 256, 700, 1199):
        (bag / f"data/{n:04}").write_bytes(b"X" * len(str(n)))
    assert errors(bag, workers=2) == errors(bag, workers=1)
    assert {place for _, place in found(bag)} == {f"data/{n:04}" for n in (0, 255, 256, 700, 1199)}


def test_progress_counts_files_and_bytes(tmp_path: Path) -> None:
    class Count:
        files = size = 0

        def advance(self, files: int = 0, size: int = 0) -> None:
            self.files += files
            self.size += size

    count = Count()
    report = verify(good(tmp_path / "bag", payload={"data/a": b"x" * 3_000_000}), progress=count)
    assert (count.files, count.size) == (1 + 4, report.hashed_bytes)  # and bagit.txt, bag-info.txt, two manifests
    assert report.hashed_bytes > 3_000_000


def test_a_name_that_is_not_utf_8_is_unlisted(tmp_path: Path) -> None:
    bag = good(tmp_path / "bag", oxum=False)
    Path(os.fsdecode(os.fsencode(bag) + b"/data/caf\xe9")).write_bytes(b"")
    assert found(bag) == {(Code.BAG_FILE_UNLISTED, "data/caf\udce9")}
    assert "\\udce9" in str(verify(bag).findings[0])
