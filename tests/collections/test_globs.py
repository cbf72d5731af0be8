from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.collections.globs import compile_globs
from strongroom.core.errors import InvalidValueError
from strongroom.core.litter import is_litter

SOURCE = Path(__file__).parents[2] / "src"


@pytest.mark.parametrize(("pattern", "yes", "no"), [
    ("*.tmp", ["a.tmp", "x/y/a.tmp", "a.tmp/below"], ["a.tmpx", "tmp"]),
    ("cache/", ["cache/x", "a/cache/b/c", "cache/"], ["cache", "xcache/a"]),
    ("/a", ["a", "a/b"], ["b/a"]),
    ("a/b*.html", ["a/b.html", "a/bcd.html"], ["x/a/b.html", "a/b/c.html"]),
    ("a/**/z", ["a/z", "a/b/z", "a/b/c/z", "a/b/c/z/y"], ["a/bz", "b/a/z"]),
    ("**/x/y", ["x/y", "a/b/x/y"], ["x", "ax/y"]),
    ("a/**", ["a/b", "a/b/c"], ["a", "ab"]),
    ("**", ["a", "a/b"], []),
    ("a?c", ["abc", "aéc", "x/a😀c"], ["a/c", "ac", "abbc"]),
    ("[a-c]x", ["ax", "d/bx"], ["dx", "/x"]),
    ("[!a-c]x", ["dx"], ["ax", "a/x/"]),
    ("a*b*c", ["abc", "aXbYc", "abcbc", "aXbYbZc"], ["ab", "acb", "a/b/c"]),
    ("*a*/b", ["xax/b", "aa/b"], ["xx/b", "c/xax/b"]),
    ("**/a/**/b/*.c", ["a/b/x.c", "q/a/a/b/b/x.c"], ["b/a/x.c"]),
    ("a.b", ["a.b"], ["aXb"]),
])  # fmt: skip
def test_patterns(pattern: str, yes: list[str], no: list[str]) -> None:
    matches = compile_globs([pattern])
    assert [path for path in yes if not matches(path.encode())] == []
    assert [path for path in no if matches(path.encode())] == []


def test_any_bytes_and_several_patterns() -> None:
    matches = compile_globs(["*.bak", "caf?"])
    assert matches(b"\xff\xfe.bak") and matches(b"caf\xe9") and not matches(b"x\n.ba")
    assert not compile_globs([])(b"anything")


def test_time_grows_with_the_length_only() -> None:
    """In a process, which can be ended: tried in every way, these patterns would take longer than anybody lives."""
    code = (
        "from strongroom.collections.globs import compile_globs\n"
        "matches = compile_globs(['*a*a*a*a*a*a*a*a*a*b', '**/a/**/a/**/a/**/a/**/a/**/b'])\n"
        "assert not matches(b'a' * 255) and not matches(b'a/' * 2000 + b'c')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, env={**os.environ, "PYTHONPATH": str(SOURCE)})


@pytest.mark.parametrize("pattern", ["", "!a", "a[", "../a", "a//b", "/", "[z-a]", "a\0"])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(InvalidValueError):
        compile_globs([pattern])


def test_litter() -> None:
    yes = [
        b".DS_Store",
        b"._photo.jpg",
        b"Thumbs.db",
        b"THUMBS.DB",
        b"desktop.ini",
        b".Spotlight-V100",
        b"System Volume Information",
        b"$RECYCLE.BIN",
    ]
    assert all(map(is_litter, yes))
    assert not any(map(is_litter, [b"DS_Store", b"._", b"Thumbs.db.html", b"photo.jpg", b".htaccess", b".git"]))
