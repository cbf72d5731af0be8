"""A catalogue that cannot be opened is not left open."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from strongroom.catalogue import Catalogue
from strongroom.core.errors import StrongroomError
from tests.fixtures.connections import all_closed


@pytest.mark.parametrize("version", [None, 7])
def test_what_is_no_catalogue_or_of_another_version_is_closed_again(tmp_path: Path, version: int | None) -> None:
    path = tmp_path / "catalogue.sqlite"
    if version is None:
        path.write_bytes(b"no database at all" * 100)
    else:
        with sqlite3.connect(path) as db:
            db.execute(f"PRAGMA user_version = {version}")
        db.close()
    with all_closed(), pytest.raises(StrongroomError):
        Catalogue.open(path)
