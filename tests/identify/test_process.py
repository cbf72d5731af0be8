"""The process in which contents are identified: its limits, and what it makes of single contents."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.core.formats import Format, extension_of
from strongroom.identify import link, process
from strongroom.identify.link import CannotIdentifyError
from strongroom.identify.process import IdentificationFailedError, Identifier

#: In the scratch space.
OURS = {"identify.lock", "identify.socket"}
HTML = b"<!doctype html><title>A page</title><p>Words"


@pytest.fixture
def identifier() -> Iterator[Identifier]:
    made = Identifier()
    yield made
    made.close()


def test_what_single_contents_are(identifier: Identifier, tmp_path: Path) -> None:
    def found(content: bytes, extension: str) -> Format:
        return identifier.identify(content, extension, tmp_path)

    page = found(HTML, "html")
    assert (page.mime, page.puid, page.title, page.flags) == ("text/html", "fmt/471", "Hypertext Markup Language 5", "")
    assert page.basis == "extension match html; byte match"  # not where: that is different in every file
    assert found(HTML, "htm").flags == "" and found(HTML, "").flags == "" and found(HTML, "jpg").flags == "extension-mismatch"
    sheet = found(b"a { color: red }\n", "css")
    assert (sheet.mime, sheet.puid) == ("text/css", "x-fmt/224") and found(b"a { color: red }\n", "txt").mime == "text/plain"
    assert found(b"", "txt").flags == "empty"
    assert found(b"-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----\n", "asc").flags == "encrypted"
    assert found(b"age-encryption.org/v1\n-> X25519 abc\n", "age").has("encrypted")


def test_a_page_about_programs_is_a_page(identifier: Identifier, tmp_path: Path) -> None:
    code = b"#include <ffi.h>\n\nint\nmain (void)\n{\n  return 0;\n}\n"
    page = b'<!DOCTYPE html>\n<html lang="en"><head><title>An example</title></head><body><pre>\n' + code + b"</pre></body></html>\n"
    for start in (b"", b"\xef\xbb\xbf", b"\r\n  "):
        assert identifier.identify(start + page, "html", tmp_path).mime == "text/html"  # libmagic says text/x-c
    assert identifier.identify(code + page, "html", tmp_path).mime != "text/html"
    script = b"<?php\nfunction page() { return 1; }\n?>\n"
    assert identifier.identify(script + page, "html", tmp_path).mime == "text/x-php"


def test_an_encrypted_pdf_with_a_cross_reference_stream(identifier: Identifier, tmp_path: Path) -> None:
    start = b"%PDF-1.5\n" + b"%" + b"x" * 5000 + b"\n"
    stream = b"9 0 obj\n<< /Type /XRef /Size 10 /Encrypt 8 0 R /Length 4000 >>\nstream\n" + bytes(4000) + b"\nendstream\nendobj\n"
    whole = start + stream + b"startxref\n%d\n%%%%EOF\n" % len(start)
    assert identifier.identify(whole, "pdf", tmp_path).flags == "encrypted"
    assert identifier.identify(whole.replace(b"/Encrypt", b"/Encrypx"), "pdf", tmp_path).flags == ""


def test_a_file_is_judged_where_it_lies(identifier: Identifier, tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(HTML + bytes(6 << 20))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    descriptor = os.open(path, os.O_RDONLY)
    os.lseek(descriptor, 1000, os.SEEK_SET)
    try:
        for _ in range(3):
            assert identifier.identify(descriptor, "html", scratch) == identifier.identify(HTML + bytes(6 << 20), "html", scratch)
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 1000
    finally:
        os.close(descriptor)
    assert all(name.is_symlink() for name in scratch.iterdir() if name.name not in OURS)


def test_thousands_of_extensions_leave_few_names(identifier: Identifier, tmp_path: Path) -> None:
    for number in range(1100):
        identifier.identify(b"", f"e{number}", tmp_path)
    assert len({path.name for path in tmp_path.iterdir()} - OURS) <= 500


@pytest.mark.parametrize("contents", [  # the limit lies between two, and within one
    [b"%d" % number * 20_000 for number in range(5)], [b"a\n" * 50_000]])
def test_contents_that_cannot_be_handed_over_are_nobodys_fault(identifier: Identifier, tmp_path: Path, contents: list[bytes]) -> None:
    identifier.signatures(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
    try:
        with pytest.raises(CannotIdentifyError, match=r"File too large.*ulimit -f"):  # and not: asks one process after the other
            identifier.identify_all([(content, "txt") for content in contents], tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [one.mime for one in identifier.identify_all([(HTML, "html"), (b"a\n" * 40_000, "txt")], tmp_path) if isinstance(one, Format)] \
        == ["text/html", "text/plain"]


def test_siegfried_itself_may_not_take_for_ever(identifier: Identifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SECONDS", 0.1)
    monkeypatch.setattr(process, "_BYTES_A_SECOND", 1 << 50)
    with tempfile.TemporaryFile(dir=tmp_path) as film:  # nothing in it ever matches what an mp4 has, and siegfried looks to the end
        film.write(b"\0\0\0\x18ftypmp42\0\0\0\0mp42mp41")
        film.truncate(1 << 30)
        film.flush()
        with pytest.raises(IdentificationFailedError, match="longer than it may") as raised:
            identifier.identify(film.fileno(), "mp4", tmp_path)
    assert raised.value.verdict is not None and raised.value.verdict.has("unidentified")
    monkeypatch.undo()
    assert identifier.identify(HTML, "html", tmp_path).puid == "fmt/471"


def test_one_that_cannot_start_says_so(identifier: Identifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starved = link._BOOTSTRAP.replace("import main\n", "import main\nfrom strongroom.identify import child\nchild.MEMORY = 20 << 20\n")
    monkeypatch.setattr(link, "_BOOTSTRAP", starved)
    with pytest.raises(CannotIdentifyError, match="identify: false"):
        identifier.identify(HTML, "html", tmp_path)


def test_no_process_outlives_its_parent(tmp_path: Path) -> None:
    script = ("import os, signal, sys\nfrom pathlib import Path\nfrom strongroom.identify.process import Identifier\n"
              "identifier = Identifier()\nidentifier.signatures(Path(sys.argv[1]))\n"
              "print(identifier._usual.process.pid, flush=True)\nos.kill(os.getpid(), signal.SIGKILL)\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(Path(__file__).parents[2] / part) for part in ("src", "."))}
    result = subprocess.run([sys.executable, "-c", script, str(tmp_path)], env=environment, capture_output=True, text=True, check=False)
    child = Path("/proc", result.stdout.strip())
    for _ in range(3000):
        if not child.exists() or ") Z" in (child / "stat").read_text():
            return
        time.sleep(0.1)
    raise AssertionError(f"{child} still runs")


@pytest.mark.parametrize(("path", "extension"), [
    ("data/a.HTML", "html"), ("data/.profile", ""), ("data/a.tar.gz", "gz"), ("data/dir.d/file", ""), ("data/a.", ""), ("data/a.b c", ""),
    ("data/a." + "x" * 17, ""), ("data/Ünïcode.PDF", "pdf"), ("data/a.ü", ""),
])
def test_extensions(path: str, extension: str) -> None:
    assert extension_of(path) == extension
