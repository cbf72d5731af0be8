"""Whatever a name, a record or a store says, what reaches a terminal, a log or a page cannot steer it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.core.findings import Code, Finding
from strongroom.usecases.archive import known
from tests.archive.conftest import Site
from tests.fixtures.catalogues import tables

EVIL = "a\x1b[2J\x1b]0;owned\x07\r\n\u202e\u009b31m\u2028.txt"


def steering(text: str) -> list[str]:
    """What of a text could steer a terminal; lines end in LF."""
    return [character for character in text.replace("\n", "") if not character.isprintable()]


def test_a_finding_in_words_steers_nothing() -> None:
    said = str(Finding(Code.SOURCE_UNREADABLE, f"data/{EVIL}", f"cannot be read: {EVIL}\udcff"))
    assert steering(said) == [] and "\n" not in said and "\\x1b[2J" in said


def command(site: Site, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "STRONGROOM_HOME": str(site.root / "home"), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run([sys.executable, "-m", "strongroom", *arguments], env=environment, capture_output=True, timeout=600, check=False)


def test_names_and_records_with_controls_steer_neither_terminal_nor_report(site: Site) -> None:
    site.write(EVIL, b"x")
    site.write("metadata.csv", f'filename,title\n"{EVIL}","{EVIL}"\n"gone{EVIL}","t"\n')
    os.mkfifo(site.source / f"fifo{EVIL}")
    manifest = site.manifest()
    for arguments in (["archive", str(manifest)], ["show", "site"], ["list"], ["audit", "site", "--full"],
                      ["restore", "site", str(site.root / "out")], ["verify", str(site.root / "out")]):
        made = command(site, *arguments, *([] if arguments[0] in ("show", "list", "verify") else ["--no-prefect"]))
        text = (made.stdout + made.stderr).decode()
        assert "Traceback" not in text, text
        assert steering(text) == [], arguments
        assert made.returncode in (0, 1), text
    written = command(site, "archive", str(manifest), "--json", "--no-prefect")
    assert json.loads(written.stdout)["format"] and steering(written.stderr.decode()) == []


def test_the_summary_of_a_run_steers_nothing_and_makes_no_markup(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.write(EVIL, b"x")
    os.mkfifo(site.source / "<img src=x onerror=alert(1)>`|](x)`")
    os.mkfifo(site.source / f"fifo{EVIL}<script>alert(1)</script>".replace("/", "_"))
    shown: list[str] = []
    monkeypatch.setattr(site.runner, "artifact", lambda key, markdown: shown.append(markdown), raising=False)
    site.run()
    assert shown and any("onerror" in markdown or "script" in markdown for markdown in shown)
    for markdown in shown:
        assert steering(markdown) == []
        assert all(line.count("`") in (0, 2) for line in markdown.splitlines())  # findings lie in code spans, where nothing is markup …
        assert "<" not in re.sub(r"`[^`\n]*`", "", markdown)  # … and outside them nothing comes from the archive


def test_a_file_changed_within_the_same_tick_is_read_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Same size, same times, same inode: only that it was young when it was read gives the change away."""
    monkeypatch.setattr(known, "RACY_NANOSECONDS", 3600 * 10**9)  # it is young when it is read, however late that is
    young = site.write("young", b"before")
    site.run()
    found = young.stat()
    young.write_bytes(b"after!")
    os.utime(young, ns=(found.st_atime_ns, found.st_mtime_ns))
    with tables(site.root / "home") as db:
        db.execute("UPDATE source_files SET ctime = ?", (young.stat().st_ctime_ns,))  # the clock did not tick between the two writes
    report = site.run()
    assert report.outcome == "sealed" and site.payload(2)["data/young"] == b"after!"


@pytest.mark.parametrize("document", [
    "a: &a [1]\nb: *a\n", "x: &x [&y [&z [1]]]\n" * 3, "[" * 5000, "? " * 3000, "!!python/object/apply:os.system ['true']\n", "\x00",
    "a: \x1b[2J\n",
])
def test_hostile_collection_manifests_are_wrong_usage_in_plain_words(site: Site, document: str) -> None:
    file = Path(site.root / "evil.yaml")
    file.write_text(document)
    made = command(site, "archive", str(file), "--no-prefect")
    text = made.stderr.decode()
    assert made.returncode == 2 and "Traceback" not in text and steering(text) == [] and "evil.yaml" in text
