"""What a reading room opens and makes is closed and gone again where it fails."""

from __future__ import annotations

import pytest

from strongroom.core.digests import Digest
from strongroom.core.errors import StoreUnreachableError
from strongroom.usecases.context import Context
from strongroom.usecases.room import room
from strongroom.usecases.room.database import open_index
from strongroom.usecases.room.pieces import PieceBook
from tests.fixtures.connections import all_closed

RUBBISH = b"no database at all" * 100


def test_a_damaged_index_is_made_anew_and_nothing_stays_open(tmp_path):
    path = tmp_path / "room.sqlite"
    path.write_bytes(RUBBISH)
    with all_closed():
        open_index(path).close()
        open_index(path).close()


def test_a_damaged_book_of_pieces_is_closed_before_it_is_made_anew(tmp_path):
    book = PieceBook(tmp_path / "pieces.sqlite")
    (tmp_path / "pieces.sqlite").write_bytes(RUBBISH)
    with all_closed():
        assert book.find(Digest.of(b"")) is None
    assert not (tmp_path / "pieces.sqlite").exists()


def test_looking_up_what_is_withheld_leaves_nothing_where_it_fails(tmp_path, monkeypatch):
    def unreachable(*args):
        raise StoreUnreachableError("gone")

    with room.Room(Context(tmp_path / "home")) as opened:
        scratch = sorted(opened._scratch.iterdir())
        monkeypatch.setattr(room, "load_withheld", unreachable)
        with pytest.raises(StoreUnreachableError):
            opened._refresh()
        assert sorted(opened._scratch.iterdir()) == scratch
