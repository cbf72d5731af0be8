"""The file of SQLite that run databases build on."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from strongroom.database import Database, attached, read_only, transaction

TABLES = "CREATE TABLE things (name TEXT PRIMARY KEY) WITHOUT ROWID;"


def test_what_a_transaction_did_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "odd ?name#.sqlite"
    with Database(path, TABLES) as database:
        with database.transaction() as db:
            db.execute("INSERT INTO things VALUES ('kept')")
        with pytest.raises(ZeroDivisionError), database.transaction() as db:
            db.execute("INSERT INTO things VALUES ('lost')")
            raise ZeroDivisionError
        with closing(read_only(path)) as other:  # while it is open, and after an error
            assert other.execute("SELECT name FROM things").fetchall() == [("kept",)]
        assert database.one("SELECT name FROM things WHERE name > ? AND name < ?", "a", "z") == "kept"
        assert database.one("SELECT name FROM things WHERE name = ?", "lost") is None
        with database.transaction():
            for (name,) in database.rows("SELECT name FROM things"):  # asked and changed at once
                database.db.execute("INSERT INTO things VALUES (?)", (f"a {name}",))
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        database.one("SELECT 1")
    with closing(read_only(path)) as other:
        assert other.execute("SELECT name FROM things").fetchall() == [("a kept",), ("kept",)]


def test_whoever_only_reads_makes_and_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        read_only(tmp_path / "none.sqlite").execute("SELECT 1 FROM things")
    assert not list(tmp_path.iterdir())
    with (
        Database(tmp_path / "one.sqlite", TABLES), closing(read_only(tmp_path / "one.sqlite")) as other,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        other.execute("INSERT INTO things VALUES ('x')")


def test_another_database_is_asked_as_long_as_it_is_attached(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with Database(other, TABLES) as theirs, Database(tmp_path / "one.sqlite", TABLES) as database:
        theirs.db.execute("INSERT INTO things VALUES ('theirs')")
        with attached(database.db, other, "part") as db:
            with transaction(db, "DEFERRED"):  # which leaves it to others to write
                db.execute("INSERT INTO things SELECT name FROM part.things")
                theirs.db.execute("INSERT INTO things VALUES ('meanwhile')")
            with pytest.raises(ZeroDivisionError), transaction(db):
                db.execute("INSERT INTO part.things VALUES ('lost')")
                raise ZeroDivisionError
        with pytest.raises(ZeroDivisionError), attached(database.db, other, "part"):  # the name is free again, now and after an error
            raise ZeroDivisionError
        with attached(database.db, other, "part") as db:
            assert db.execute("SELECT name FROM part.things ORDER BY name").fetchall() == [("meanwhile",), ("theirs",)]
        assert list(database.rows("SELECT name FROM things")) == [("theirs",)]
