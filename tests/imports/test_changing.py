"""A bag that changes after it was found valid."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.imports.conftest import Intake
from tests.imports.hostile import good


def test_what_changes_after_it_was_validated_is_refused(intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import strongroom.usecases.imports.one as one

    archive = one.archive_and_replicate
    for change in (
        lambda bag: (bag / "data/text-file.txt").write_bytes(b"a text filE\n"),
        lambda bag: (bag / "data/more").write_bytes(b"x"),
        lambda bag: (bag / "data/text-file.txt").unlink(),
    ):
        shutil.rmtree(tmp_path / "bag", ignore_errors=True)
        bag = good(tmp_path / "bag", algorithms=("sha1", "md5"))

        def late(*args: object, bag: Path = bag, change=change, **how: object):
            change(bag)
            return archive(*args, **how)

        monkeypatch.setattr(one, "archive_and_replicate", late)
        (done,) = intake.take(bag).bags
        assert done.outcome == "refused" and "import-changed" in {finding.code.label for finding in done.findings}
        assert intake.bags() == []
