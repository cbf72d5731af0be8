"""What is legal but dangerous is said, and the bag stays valid."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from strongroom.core.findings import Code, Severity
from strongroom.usecases.context import Context
from strongroom.usecases.verify import verify
from strongroom.usecases.verify.serialised import verify_file
from tests.verify.conformance.builder import PAYLOAD, Builder, digest


def warnings(root: Path, **changes: object) -> list[tuple[Code, str]]:
    bag = Builder(**{"version": "1.0", "algorithms": ("sha256",), **changes}).write(root)  # type: ignore[arg-type]
    report = verify(bag)
    assert report.valid, [str(finding) for finding in report.findings]
    assert all(finding.severity is Severity.WARNING for finding in report.findings)
    return [(finding.code, finding.place) for finding in report.findings]


@pytest.mark.parametrize(("one", "other"), [("a.txt", "A.TXT"), ("é", "e\u0301"), ("Straße", "STRASSE"), ("dir/a", "DIR/a")])
def test_names_that_collide_elsewhere(one: str, other: str, tmp_path: Path) -> None:
    first, second = sorted((f"data/{one}", f"data/{other}"))
    assert warnings(tmp_path / "bag", payload={first: b"1", second: b"2"}) == [(Code.BAG_NAMES_COLLIDE, second)]


@pytest.mark.parametrize("name", [".DS_Store", "a/Thumbs.db", "a/desktop.ini", "._resource", "__MACOSX/a", "ehthumbs.db"])
def test_system_files(name: str, tmp_path: Path) -> None:
    assert warnings(tmp_path / "bag", payload={f"data/{name}": b"1"}) == [(Code.BAG_WARNING, f"data/{name}")]


@pytest.mark.parametrize("name", ["CON", "aux/a", "nul.txt", "blank /a", "full stop."])
def test_names_that_windows_cannot_hold_in_a_folder_and_in_a_tar(name: str, tmp_path: Path) -> None:
    expected = [(Code.BAG_WARNING, f"data/{name}")]
    assert warnings(tmp_path / "bag", payload={f"data/{name}": b"1"}) == expected
    with tarfile.open(tmp_path / "bag.tar", "w") as tar:
        tar.add(tmp_path / "bag", "bag")
    report = verify_file(tmp_path / "bag.tar", Context(tmp_path / "home"))
    assert report.valid
    assert [(finding.code, finding.place) for finding in report.findings] == expected


@pytest.mark.parametrize("algorithms", [("md5",), ("sha1",), ("md5", "sha1")])
def test_weak_digests_alone(algorithms: tuple[str, ...], tmp_path: Path) -> None:
    assert warnings(tmp_path / "bag", algorithms=algorithms) == [(Code.BAG_WEAK_DIGESTS, f"manifest-{algorithms[0]}.txt")]


def test_weak_digests_beside_a_strong_one_are_fine(tmp_path: Path) -> None:
    assert warnings(tmp_path / "bag", algorithms=("md5", "sha256")) == []


def test_old_versions_and_other_encodings(tmp_path: Path) -> None:
    assert warnings(tmp_path / "old", version="0.97") == [(Code.BAG_WARNING, "bagit.txt")]
    assert warnings(tmp_path / "latin", encoding="ISO-8859-1", codec="latin-1") == [(Code.BAG_WARNING, "bagit.txt")]


def test_before_1_0_one_manifest_is_enough_for_a_file(tmp_path: Path) -> None:
    bag = Builder(version="0.97", algorithms=("sha256",), tag_algorithms=()).write(tmp_path / "bag")
    (bag / "manifest-sha512.txt").write_text(f"{digest(PAYLOAD['data/text-file.txt'], 'sha512')}  data/text-file.txt\n")
    report = verify(bag)
    assert report.valid
    assert (Code.BAG_WARNING, "data/bare-filename") in [(finding.code, finding.place) for finding in report.findings]


def test_tag_files_that_nothing_guards(tmp_path: Path) -> None:
    assert warnings(tmp_path / "none", tag_algorithms=()) == [(Code.BAG_WARNING, "tagmanifest-sha256.txt")]
    bag = Builder(version="1.0", algorithms=("sha256",)).write(tmp_path / "bag")
    (bag / "notes.txt").write_bytes(b"")
    assert [(finding.code, finding.place) for finding in verify(bag).findings] == [(Code.BAG_WARNING, "notes.txt")]


def test_an_empty_folder(tmp_path: Path) -> None:
    bag = Builder(version="1.0", algorithms=("sha256",)).write(tmp_path / "bag")
    (bag / "data/empty").mkdir()
    assert [(finding.code, finding.place) for finding in verify(bag).findings] == [(Code.BAG_WARNING, "data/empty")]


def test_no_oxum_and_repeated_elements(tmp_path: Path) -> None:
    twice = [("Bag-Size", "1 kB"), ("Bag-Size", "2 kB"), ("Contact-Name", "a"), ("Contact-Name", "b")]
    found = warnings(tmp_path / "bag", oxum=False, info=twice)
    assert found == [(Code.BAG_WARNING, "bag-info.txt, line 2"), (Code.BAG_WARNING, "bag-info.txt")]


def test_paths_and_lines_of_other_tools(tmp_path: Path) -> None:
    found = warnings(tmp_path / "bag", listed={"data/text-file.txt": "./data//text-file.txt"}, extra_lines=[""])
    assert found == [(Code.BAG_WARNING, "manifest-sha256.txt, line 2"), (Code.BAG_WARNING, "manifest-sha256.txt, line 3")]


def test_a_file_under_another_unicode_normalisation(tmp_path: Path) -> None:
    found = warnings(tmp_path / "bag", payload={"data/e\u0301": b"x"}, listed={"data/e\u0301": "data/é"})
    assert found == [(Code.BAG_NAMES_COLLIDE, "manifest-sha256.txt, line 1")]
