"""`strongroom similar`, as a process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_archive import collection, strongroom, valid
from tests.likeness.words import sentences


@pytest.fixture
def home(tmp_path: Path) -> Path:
    manifest = collection(tmp_path, "letters", files=3)
    for name, body in (("first", sentences("letter", 20)), ("second", sentences("letter", 22)), ("extract", sentences("letter", 6))):
        (tmp_path / f"letters/{name}.txt").write_text("\n".join(body))
    (tmp_path / "letters/torn.pdf").write_bytes(b"%PDF-1.7\nnothing more\n" + bytes(range(256)) * 4)
    assert strongroom(tmp_path, "archive", manifest).returncode == 0
    return tmp_path


def test_it_says_what_is_alike_and_in_words_how(home: Path) -> None:
    shown = strongroom(home, "similar", "letters", "--quiet")
    assert shown.returncode == 0, shown.stderr
    assert "cluster 1: 3 contents" in shown.stdout
    assert "letters/v1  first.txt" in shown.stdout
    assert "added 2 lines" in shown.stdout or "lost 2 lines" in shown.stdout
    assert "contained in the longer one: 100 %" in shown.stdout or "contains 100 % of the shorter one; 3 times as long" in shown.stdout
    assert "not compared: letters/data/torn.pdf: " in shown.stdout
    assert "1 cluster of near-copies" in shown.stdout


def test_its_document_and_its_bars(home: Path) -> None:
    document = json.loads(strongroom(home, "similar", "--json").stdout)
    assert valid(document, "similar-report")
    assert document["collections"] == ["letters"]
    assert [len(cluster["contents"]) for cluster in document["clusters"]] == [3]
    assert document["contents"] == {"text": 3, "image": 0, "neither": 2, "unread": 0}
    strict = json.loads(strongroom(home, "similar", "letters", "--json", "--threshold", "0.99", "--contained", "1").stdout)
    assert valid(strict, "similar-report")
    assert all(pair["a_in_b"] == 1 or pair["b_in_a"] == 1 for cluster in strict["clusters"] for pair in cluster["pairs"])


def test_wrong_usage(home: Path) -> None:
    assert strongroom(home, "similar", "nobody").returncode == 2
    assert strongroom(home, "similar", "--threshold", "0.4").returncode == 2
    assert strongroom(home, "similar", "--contained", "some").returncode == 2


def test_what_is_remembered_of_the_run_names_nothing(home: Path) -> None:
    assert strongroom(home, "similar", "letters").returncode == 0
    told = strongroom(home, "report", "--json").stdout
    assert "similar" in told
    assert "first.txt" not in told
    assert "torn" not in told
