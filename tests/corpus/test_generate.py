"""The generator: same seed, same bytes; the promised proportions; never into a folder that holds something."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import pytest

from corpus.generate import GIB, KIB, MIB, Item, large, main, mixed, mixed_size, small, write


def tree_digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(f"{path.relative_to(folder)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def sizes(items: list[Item]) -> list[int]:
    return [sum(map(len, item.blocks)) for item in items]


def test_the_bytes_of_a_seed_never_change(tmp_path: Path) -> None:
    """Pinned, so that measurements made with a seed can be repeated with any Python and any later version."""
    assert main(["--profile", "small", "--files", "50", "--seed", "7", str(tmp_path / "small")]) == 0
    assert main(["--profile", "mixed", "--files", "20", "--seed", "7", str(tmp_path / "mixed")]) == 0
    assert main(["--profile", "large", "--files", "2", "--size", "3000001", "--seed", "7", str(tmp_path / "large")]) == 0
    found = [tree_digest(tmp_path / name)[:16] for name in ("small", "mixed", "large")]
    assert found == ["74472a1569e33274", "a740fdc9d8687f68", "5ebaaac6f86ec168"]


def test_another_process_and_another_seed(tmp_path: Path) -> None:
    def run(seed: str, dest: str, hash_seed: str) -> str:
        command = [sys.executable, "-m", "corpus.generate", "--profile", "small", "--files", "30", "--seed", seed, str(tmp_path / dest)]
        root = Path(__file__).parents[2]
        done = subprocess.run(command, env={"PYTHONHASHSEED": hash_seed}, cwd=root, capture_output=True, text=True, check=True)
        assert "30 of 30 files" in done.stderr
        assert done.stdout == ""
        return tree_digest(tmp_path / dest)

    assert run("1", "a", "1") == run("1", "b", "2") != run("2", "c", "1")


def test_small_is_pages_with_three_tenths_duplicates() -> None:
    items = list(small(2500, seed=3))
    bodies = [b"".join(item.blocks) for item in items]
    assert len(set(bodies)) == 1750
    assert all(body.startswith(b"<!doctype html>\n<html>") and body.endswith(b"</html>\n") for body in bodies)
    assert KIB <= min(map(len, bodies)) < 1100 and 16 * KIB - 100 < max(map(len, bodies)) <= 16 * KIB
    ratio = sum(map(len, bodies)) / sum(len(zlib.compress(body)) for body in bodies)
    assert 1.8 < ratio < 2.5
    text = "".join(body.decode() for body in bodies)  # every cut is between characters
    assert all(any(first <= letter <= last for letter in text) for first, last in ("az", "àő", "ая", "αω", "את", "一鿿"))
    assert max(Counter(item.path.split("/")[0] for item in items).values()) == 1000
    assert len({item.path for item in items}) == 2500


def test_mixed_has_the_promised_distribution() -> None:
    items = list(mixed(500, seed=3))
    found = sorted(sizes(items))
    assert 19 * KIB < found[250] < 21 * KIB
    assert found[-1] > 10 * MIB and found[0] < 100
    blocks = {"txt": b"", "bin": b""}
    for item in mixed(500, seed=3):
        kind = item.path[-3:]
        if len(blocks[kind]) < MIB:
            blocks[kind] += b"".join(item.blocks)[:MIB]
    assert len(zlib.compress(blocks["bin"])) > len(blocks["bin"])
    assert len(zlib.compress(blocks["txt"])) < 0.6 * len(blocks["txt"])


def test_five_thousand_mixed_files_are_about_1_7_gigabytes() -> None:
    found = [mixed_size(rank, 5000) for rank in range(5000)]
    assert 1.6e9 < sum(found) < 1.8e9
    assert max(found) == 64 * MIB
    assert sorted(sizes(list(mixed(40, seed=1)))) == [mixed_size(rank, 40) for rank in range(40)]


def test_large_streams_files_of_the_given_size() -> None:
    for item in large(2, seed=1, size=5 * MIB + 3):
        lengths = [len(block) for block in item.blocks]
        assert (sum(lengths), max(lengths)) == (5 * MIB + 3, MIB)
    first = next(iter(next(large(1, seed=1)).blocks))  # a GiB by default, made as it is read
    assert len(first) == MIB and GIB == 1 << 30


def test_a_folder_that_holds_something_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["--profile", "small", "--files", "5", str(tmp_path)]) == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_unwritable_place_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["--profile", "small", "--files", "5", str(tmp_path / "file/below")]) == 3
    assert str(tmp_path / "file") in capsys.readouterr().err


def test_write_counts_bytes(tmp_path: Path) -> None:
    assert write([Item("000/a", (b"12", b"345")), Item("000/b", ())], tmp_path / "new", 2) == 5
    assert (tmp_path / "new/000/a").read_bytes() == b"12345"
