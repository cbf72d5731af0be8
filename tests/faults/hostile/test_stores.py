"""Stores made to harm whoever restores from them: nothing is written elsewhere, believed unverified, fetched, or read without bound."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import resource
import socket
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import StrongroomError, UsageError
from strongroom.core.findings import Code
from strongroom.core.ids import BagId
from strongroom.core.keys import StoreKey
from strongroom.usecases.restore import RestoreRequest, restore
from tests.restore.builder import put, seal_bag
from tests.restore.conftest import context, store
from tests.restore.conftest import runner as inline

__all__ = ["context", "inline", "store"]

CONTENTS = {"data/a.txt": b"the right bytes of a", "data/b.txt": b"the right bytes of b"}
DEEP = b"[" * 200_000


def line(path: str, data: bytes) -> dict[str, Any]:
    return {"path": path, "size": len(data), "mode": "644", "mtime": 1, "type": "text/plain"}


class Site:
    """A sealed bag in a file store, and the restore of it."""

    def __init__(self, root: Path, store: Any, context: Any, runner: Any) -> None:
        self.root, self.store, self.context, self.runner = root, store, context, runner

    def seal(self, bag: str = "site/v1", **options: Any) -> Any:
        return seal_bag(self.store, bag, [line(p, d) for p, d in CONTENTS.items()], [], [], CONTENTS, **options)

    def replace(self, key: StoreKey, data: bytes) -> None:
        file = self.root / "store" / str(key)
        file.chmod(0o644)
        file.write_bytes(data)

    def restore(self, name: str = "site") -> Any:
        return restore(RestoreRequest(name, self.root / "out", payload_only=True, source=self.store.url), self.context, self.runner)

    def restored(self, report: Any) -> dict[str, bytes]:
        result = Path(report.result)
        return {str(path.relative_to(result)): path.read_bytes() for path in result.rglob("*") if path.is_file()}

    def only_right_bytes(self, report: Any) -> bool:
        return all(CONTENTS[f"data/{path}"] == data for path, data in self.restored(report).items())


@pytest.fixture
def site(tmp_path: Path, store: Any, context: Any, inline: Any) -> Site:
    return Site(tmp_path, store, context, inline)


def forge(site: Site, sealed: Any, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    """Replace the bag's only pack by a tar of these members, without an index."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data) if info.isreg() else None)
    site.replace(keys.pack(sealed.packs[0]), buffer.getvalue())
    (site.root / "store" / str(keys.pack_index(sealed.packs[0]))).unlink()


def member(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(data), kind, link
    return info, data


A, B = (hashlib.sha256(data).hexdigest() for data in CONTENTS.values())
GOOD_B = member(B, CONTENTS["data/b.txt"])


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_links_and_devices_in_a_pack_are_no_contents(site: Site, kind: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir="/tmp") as secret:  # a header has room for 100 bytes of its path
        secret.write(CONTENTS["data/a.txt"])  # so that following the link would even give the right bytes
        secret.flush()
        forge(site, site.seal(), [member(A, kind=kind, link=secret.name), GOOD_B])
        report = site.restore()
    assert report.exit_status == 1 and "a.txt" not in site.restored(report) and site.only_right_bytes(report)


@pytest.mark.parametrize("name", [f"../{A}", f"/tmp/{A}", f"~/{A}", f"C:\\{A}", f"\\\\host\\share\\{A}", f"./{A}", f"{A}/", f"{A} "])
def test_members_with_names_that_lead_elsewhere_are_no_contents(site: Site, name: str) -> None:
    forge(site, site.seal(), [member(name, CONTENTS["data/a.txt"]), GOOD_B])
    before = set(os.listdir(site.root))
    report = site.restore()
    assert site.only_right_bytes(report)
    made = set(os.listdir(site.root)) - before
    assert made <= {"home", os.path.basename(report.result), os.path.basename(report.result) + ".txt"}
    assert not Path(f"/tmp/{A}").exists()


@pytest.mark.parametrize("order", [(b"wrong", b"right"), (b"right", b"wrong"), (b"wrong", b"wrong")])
def test_of_members_of_one_name_only_right_bytes_are_given_out(site: Site, order: tuple[bytes, bytes]) -> None:
    twice = [member(A, CONTENTS["data/a.txt"] if which == b"right" else b"the wrong bytes of a") for which in order]
    forge(site, site.seal(), [*twice, GOOD_B])
    report = site.restore()
    assert site.only_right_bytes(report) and "b.txt" in site.restored(report)
    assert report.exit_status == (0 if "a.txt" in site.restored(report) else 1)
    if b"right" not in order:
        assert "a.txt" not in site.restored(report)


@pytest.mark.parametrize("name", [
    b"\xff/../../precious", b"_names/../../precious", b"../\xff", b"/\xff", b"\xff/./x", b"\xff//x", b"\xff\0x", b"_names", b"_names/",
])
def test_a_name_with_the_right_digest_that_leads_elsewhere_is_refused(site: Site, name: bytes) -> None:
    """names.jsonl gives the bytes whose SHA-256 is in the path, so only what they say can be wrong with them."""
    path = f"data/_names/{hashlib.sha256(name).hexdigest()}"
    contents = {path: b"evil", "data/good.txt": b"good"}
    names = [{"bytes": base64.b64encode(name).decode(), "path": path}]
    (site.root / "precious").write_bytes(b"precious")
    seal_bag(site.store, "site/v1", [line(p, d) for p, d in sorted(contents.items())], [], names, contents)
    report = site.restore()
    assert (site.root / "precious").read_bytes() == b"precious"
    restored = site.restored(report)
    if name == b"_names":  # a legal name that had to be escaped
        assert restored == {"_names": b"evil", "good.txt": b"good"} and report.exit_status == 0
    else:
        assert restored == {"good.txt": b"good"} and report.exit_status == 1
        assert [f.code for f in report.findings if f.code is Code.RESTORE_REFUSED] == [Code.RESTORE_REFUSED]


@pytest.fixture
def memory() -> Iterator[Callable[[], int]]:
    """Bytes by which this process has grown at most since the test began."""
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield lambda: (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) * 1024


HUGE = [
    '{{"length":{length},"offset":512,"sha256":"{a}"}}', '{{"length":20,"offset":{length},"sha256":"{a}"}}',
    '{{"length":-1,"offset":512,"sha256":"{a}"}}', '{{"length":20,"offset":-512,"sha256":"{a}"}}',
]


@pytest.mark.parametrize("length", [1 << 40, 1 << 62, 1 << 70, 10**300])
@pytest.mark.parametrize("template", HUGE)
def test_an_index_that_announces_absurd_lengths_is_a_hint_that_is_passed_over(
    site: Site, memory: Callable[[], int], length: int, template: str
) -> None:
    sealed = site.seal()
    lines = (template.format(length=length, a=A) + "\n").encode()
    end = f'{{"count":1,"sha256":"{hashlib.sha256(lines).hexdigest()}"}}\n'.encode()
    site.replace(keys.pack_index(sealed.packs[0]), lines + end)
    report = site.restore()
    assert report.exit_status == 0 and len(site.restored(report)) == 2
    assert memory() < 200 << 20


def test_a_header_that_announces_more_than_there_is(site: Site, memory: Callable[[], int]) -> None:
    sealed = site.seal()
    info, _ = member(A, CONTENTS["data/a.txt"])
    info.size = 8**11 - 1  # 8 GiB
    site.replace(keys.pack(sealed.packs[0]), info.tobuf(tarfile.USTAR_FORMAT) + CONTENTS["data/a.txt"])
    (site.root / "store" / str(keys.pack_index(sealed.packs[0]))).unlink()
    report = site.restore()
    assert report.exit_status == 1 and site.only_right_bytes(report) and memory() < 200 << 20


@pytest.mark.parametrize("what", ["placement", "index"])
@pytest.mark.parametrize("bytes_", [DEEP, b'{"pack":' + DEEP, b"\xff\xfe{}", b"\0" * 1000, b'{"pack":7}\n', b'"x"\n', b"NaN\n", b"1e999\n"])
def test_hints_of_any_bytes_cost_nothing(site: Site, what: str, bytes_: bytes) -> None:
    sealed = site.seal()
    site.replace(keys.placement(sealed.bag) if what == "placement" else keys.pack_index(sealed.packs[0]), bytes_)
    report = site.restore()
    assert report.exit_status == 0 and len(site.restored(report)) == 2


@pytest.mark.parametrize("name", ["structure", "technical", "names"])
def test_nested_and_ill_encoded_lines_in_tag_files_are_findings(site: Site, name: str) -> None:
    def edit(tags: dict[str, bytes]) -> None:
        twice = b'{"path":"data/a.txt","path":"data/b.txt"}'
        tags[f"metadata/{name}.jsonl"] = b"\n".join([DEEP, b'{"path":' + DEEP, b"\xff\xfe", twice, b""])

    site.seal(edit=edit)
    report = site.restore()
    assert report.exit_status == 1 and site.only_right_bytes(report) and len(site.restored(report)) == 2
    assert sum(f.code is Code.BAG_INVALID for f in report.findings) >= 3


@pytest.mark.parametrize("data", [DEEP, b"{}", b"null", b'{"format":"strongroom-seal/1"}', b"\xff" * 100, b""])
def test_a_seal_of_any_bytes_is_a_finding_or_no_bag(site: Site, data: bytes) -> None:
    sealed = site.seal()
    site.replace(keys.seal(sealed.bag), data)
    with pytest.raises(StrongroomError) as raised:
        site.restore()
    assert raised.value.exit_status in (1, 2)
    assert not (site.root / "out").exists()


def test_a_seal_under_another_label_is_no_bag(site: Site) -> None:
    sealed = site.seal()
    put(site.store, keys.seal(BagId("site", 2)), sealed.seal.to_bytes())
    put(site.store, keys.seal(BagId("other", 1)), sealed.seal.to_bytes())
    with pytest.raises(StrongroomError):
        site.restore("other/v1")
    with pytest.raises(StrongroomError):
        site.restore("site/v2")
    assert site.restore().seal == sealed.digest.hex


@pytest.mark.parametrize("name", ["..", ".", "/etc", "~root", "C:", "\\\\host\\share", "a/../../b", "a\nb", "a\x1b[2J", "", "x" * 300,
                                  "con", "site/v0", "site/v01", "site/v1/..", "site/v99999999999999999999"])
def test_names_of_bags_that_lead_elsewhere_are_wrong_usage(site: Site, name: str) -> None:
    site.seal()
    with pytest.raises(UsageError):
        site.restore(name)


def test_folders_of_strangers_below_bags_are_passed_over(site: Site) -> None:
    site.seal()
    for name in ("..hidden", "UPPER", "a b", "con", "x" * 200, "site-secret", "caf\u00e9"):
        (site.root / "store/bags" / name / "v1").mkdir(parents=True)
        (site.root / "store/bags" / name / "v1" / "seal.json").write_bytes(b"{}")
    assert site.restore().exit_status == 0


@pytest.fixture
def listening() -> Iterator[tuple[int, list[Any]]]:
    """A port, and the addresses of everyone who called there."""
    called: list[Any] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        done = threading.Event()

        def listen() -> None:
            while not done.is_set():
                try:
                    connection, address = server.accept()
                except TimeoutError:
                    continue
                called.append(address)
                connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()  # somebody who calls is heard
        for _ in range(2400):
            if called:
                break
            done.wait(0.05)
        assert len(called) == 1
        called.clear()
        yield port, called
        done.wait(0.2)
        done.set()
        thread.join()


@pytest.mark.parametrize("scheme", ["http", "https", "ftp", "file", "s3", "gopher", "data", "javascript"])
def test_addresses_in_fetch_txt_are_never_followed(site: Site, listening: tuple[int, list[Any]], scheme: str) -> None:
    port, called = listening
    secret = site.root / "secret"
    secret.write_bytes(CONTENTS["data/a.txt"])
    place = str(secret) if scheme == "file" else f"127.0.0.1:{port}/.well-known/ni/sha-256/{Digest(A).ni}"

    def edit(tags: dict[str, bytes]) -> None:
        tags["fetch.txt"] = "".join(f"{scheme}://{place} {len(data)} {path}\n" for path, data in CONTENTS.items()).encode()

    sealed = site.seal(edit=edit)
    (site.root / "store" / str(keys.pack(sealed.packs[0]))).unlink()  # there is no other place than the address
    report = site.restore()
    assert report.exit_status == 1 and report.written == 0 and called == []
    with socket.create_connection(("127.0.0.1", port)):
        pass


@pytest.mark.parametrize("scheme", ["http", "https", "ftp", "file", "s3"])
def test_verify_fetches_nothing_either(tmp_path: Path, listening: tuple[int, list[Any]], scheme: str) -> None:
    from strongroom.usecases.verify import verify
    from tests.verify.conformance.builder import PAYLOAD, Builder

    port, called = listening
    fetch = "".join(f"{scheme}://127.0.0.1:{port}/x - {path}\n" for path in PAYLOAD).encode()
    bag = Builder(version="1.0", algorithms=("sha256",), tags={"fetch.txt": fetch}).write(tmp_path / "bag")
    for path in PAYLOAD:
        (bag / path).unlink()
    report = verify(bag)
    assert {f.place for f in report.findings if f.code is Code.BAG_FILE_MISSING} >= set(PAYLOAD) and not report.valid
    assert called == []
