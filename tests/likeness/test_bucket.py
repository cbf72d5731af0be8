"""The search over a bucket: the same, by ranges of packs and by objects of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.usecases.archive.run import archive
from tests.likeness.conftest import Vault, paths
from tests.likeness.words import sentences


@pytest.mark.s3
def test_a_collection_in_a_bucket(tmp_path: Path, s3_bucket: Callable[[], str]) -> None:
    url = s3_bucket()
    init_store(url)
    with LocalRunner(2, quiet=True) as runner:  # of its own: workers know the bucket's server by their environment
        vault = Vault(tmp_path, runner)
        for number in range(6):
            vault.write("site", f"{number}.txt", "\n".join(sentences(number // 2, 12 + number % 2)))
        vault.write("site", "large.txt", "\n".join(sentences("large", 50_000)))
        vault.write("site", "larger.txt", "\n".join(sentences("large", 50_010)))
        assert archive(vault.describe("site", [url]), vault.context, runner).outcome == "sealed"
        report = vault.similar("site")
    assert {paths(shown) for shown in report.clusters} == {
        *(frozenset({f"site/{number}.txt", f"site/{number + 1}.txt"}) for number in (0, 2, 4)),
        frozenset({"site/large.txt", "site/larger.txt"}),
    }
    assert report.contents.get("", 0) == 0
