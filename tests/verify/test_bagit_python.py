"""The same verdict as bagit-python 1.9.0 on bags that are valid, ours and its own; and where it is known to differ, how."""

from __future__ import annotations

from pathlib import Path

import bagit
import pytest

from strongroom.core.bag.encoding import encode_path
from strongroom.usecases.verify import verify
from tests.verify.conformance.builder import Builder
from tests.verify.conformance.cases import CASES, Case


@pytest.mark.parametrize("case", [case for case in CASES if case.outcome == "valid"], ids=str)
def test_valid_cases(case: Case, tmp_path: Path) -> None:
    bag = case.make(tmp_path / "bag")
    assert verify(bag).valid
    assert bagit.Bag(str(bag)).validate()


@pytest.mark.parametrize("checksums", [["md5"], ["sha1"], ["sha256", "sha512"], ["sha3_256", "blake2b"]])
def test_bags_that_bagit_python_makes(checksums: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "bag"
    (folder / "sub folder").mkdir(parents=True)
    for name in ("plain.txt", "with space", "日本語", "100%", "%25", "%0A", "new\nline", "sub folder/é"):
        (folder / name).write_bytes(name.encode())
    info = {"Contact-Name": "A. Keeper", "External-Description": "long " * 50}
    if "blake2b" in checksums:
        checksums = ["sha3_256"]  # the other name is not BagIt's
    bagit.make_bag(str(folder), bag_info=info, checksums=checksums)
    if checksums == ["sha3_256"]:
        assert (folder / "manifest-sha3_256.txt").exists()  # the spelling RFC 8493, 2.4, normalises away
    report = verify(folder)
    assert report.valid, [str(finding) for finding in report.findings]


def test_a_bag_with_hard_names(tmp_path: Path) -> None:
    payload = {f"data/{name}": name.encode() for name in ("a b", " leading", "~home", "é", "日本語", "#&;'\"", "a\tb")}
    bag = Builder(version="1.0", algorithms=("sha256", "sha512"), payload=payload).write(tmp_path / "bag")
    assert verify(bag).valid
    assert bagit.Bag(str(bag)).validate()


@pytest.mark.parametrize("name", ["trailing ", "100%25", "a\u2028b"])
def test_where_bagit_python_cannot_cope(name: str, tmp_path: Path) -> None:
    """It strips lines, never decodes %25, and ends lines at any Unicode line break; RFC 8493 says otherwise."""
    path = f"data/{name}"
    bag = Builder(version="1.0", algorithms=("sha256",), payload={path: b"x"}, listed={path: encode_path(path)}).write(tmp_path / "bag")
    assert verify(bag).valid
    with pytest.raises(bagit.BagError):
        bagit.Bag(str(bag)).validate()
