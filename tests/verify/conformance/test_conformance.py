"""Every case of the conformance suite: the right outcome, no crash, and not a byte of the bag touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from strongroom.core.findings import Code, Severity
from strongroom.usecases.verify import verify
from tests.verify.conformance.cases import CASES, Case
from tests.verify.conformance.suite import cases, wrong
from tests.verify.snapshot import snapshot

#: Why an invalid case is invalid: an error of this code, and no other kind of error, by the end of its name.
REASONS = {
    "baginfo-missing-encoding": {Code.BAG_INVALID},
    "bom-in-bagit.txt": {Code.BAG_INVALID},
    "invalid-version-number": {Code.BAG_INVALID},
    "bagit-with-invalid-whitespace": {Code.BAG_INVALID},
    "same-filename-listed-twice-with-different-hashes": {Code.BAG_INVALID, Code.BAG_FIXITY},
    "corrupt-data-file": {Code.BAG_FIXITY},
    "corrupt-tag-file": {Code.BAG_FIXITY},
    "extra-file-in-bag": {Code.BAG_FILE_UNLISTED},
    "missing-baginfo": {Code.BAG_FILE_MISSING},
    "missing-bagit.txt": {Code.BAG_FILE_MISSING},
    "missing-from-manifest": {Code.BAG_FILE_UNLISTED},
}


def test_the_suite_is_whole() -> None:
    assert len(CASES) == 54
    assert len({str(case) for case in CASES}) == 54


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case: Case, tmp_path: Path) -> None:
    bag = case.make(tmp_path / "bag")
    before = snapshot(bag)
    report = verify(bag)
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    assert report.valid == (not errors) == (case.outcome != "invalid"), [str(finding) for finding in errors]
    if case.outcome == "invalid":
        assert {finding.code for finding in errors} == REASONS.get(case.name, {Code.BAG_PATH})
    if case.outcome == "warning":
        basic = next(other for other in CASES if str(other) == "v0.97/valid/basic-bag").make(tmp_path / "basic")
        usual = {finding.message for finding in verify(basic).findings}
        assert {finding.message.replace("sha512", "md5") for finding in report.findings} - usual  # a warning of its own
    assert snapshot(bag) == before


def test_by_the_command_line_in_the_folders_of_the_suite(tmp_path: Path) -> None:
    """What runs a checkout of the suite itself, on the same cases: each is judged as its folder says."""
    for case in CASES:
        folder = tmp_path / case.version / case.folder
        folder.mkdir(parents=True, exist_ok=True)
        case.make(folder / case.name)
    names = {str(case) for case in CASES}  # some make a folder beside them, to lead to
    bags = [bag for bag in cases(tmp_path) if str(bag.relative_to(tmp_path)) in names]
    assert len(bags) == 54
    assert [(bag, problem) for bag in bags if (problem := wrong(bag)) is not None] == []
    swapped = tmp_path / "v0.97/valid/corrupt"
    (tmp_path / "v0.97/invalid/corrupt-data-file").rename(swapped)
    assert "exit status 1" in (wrong(swapped) or "")


@pytest.mark.skipif("BAGIT_CONFORMANCE_SUITE" not in os.environ, reason="BAGIT_CONFORMANCE_SUITE names no checkout of the suite")
def test_the_suite_itself() -> None:
    """At least 51 of its 54 cases: a new one may need a look."""
    bags = list(cases(Path(os.environ["BAGIT_CONFORMANCE_SUITE"])))
    problems = {str(bag): problem for bag in bags if (problem := wrong(bag)) is not None}
    assert len(bags) >= 54 and len(problems) <= 3, problems
