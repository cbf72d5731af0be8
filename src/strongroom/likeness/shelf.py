"""What was learned of contents by looking at them, in a file of its own below STRONGROOM_HOME. A cache: losing it costs reading again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from strongroom.database import Database, read_only
from strongroom.likeness.features import METHOD, ImageFeatures, Nothing, TextFeatures

Looked = TextFeatures | ImageFeatures | Nothing

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS looked (
  number    INTEGER PRIMARY KEY,
  sha256    BLOB NOT NULL UNIQUE,
  method    TEXT NOT NULL,
  kind      TEXT NOT NULL,             -- 'text', 'image' or 'none'
  form      TEXT NOT NULL,             -- of 'none': why
  first     INTEGER,                   -- these of texts
  words     INTEGER,
  shingles  BLOB,
  blocks    BLOB,
  width     INTEGER,                   -- and these of images
  height    INTEGER,
  hash      BLOB,
  thumbnail BLOB
);
"""
_INSERT: Final = (
    "INSERT OR REPLACE INTO looked (sha256, method, kind, form, first, words, shingles, blocks, width, height, hash, thumbnail) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class Shelf(Database):
    """One open shelf. Several may read while one writes."""

    def __init__(self, path: Path, *, write: bool = False) -> None:
        if write:
            super().__init__(path, _TABLES, synchronous="NORMAL")
        else:
            self.path, self.db = path, read_only(path)

    def put(self, rows: Iterable[tuple[bytes, Looked]]) -> None:
        """Remember (SHA-256, what was learned), all or nothing."""
        with self.transaction() as db:
            db.executemany(_INSERT, (_row(sha, looked) for sha, looked in rows))

    def forget(self, contents: Iterable[bytes]) -> None:
        with self.transaction() as db:
            db.executemany("DELETE FROM looked WHERE sha256 = ?", ((sha,) for sha in contents))

    def known(self, sha256: bytes) -> tuple[str, str] | None:
        """("text", ""), ("image", "") or ("none", why) of a content that was looked at in the present way; None if it was not."""
        row = self.db.execute("SELECT kind, form FROM looked WHERE sha256 = ? AND method = ?", (sha256, METHOD)).fetchone()
        return None if row is None else (row[0], row[1] if row[0] == "none" else "")

    def text(self, sha256: bytes) -> TextFeatures:
        """What was learned of a text that is `known`."""
        sql = "SELECT form, shingles, first, blocks, words FROM looked WHERE sha256 = ?"
        return TextFeatures(*self.db.execute(sql, (sha256,)).fetchone())

    def image(self, sha256: bytes) -> ImageFeatures:
        """What was learned of a picture that is `known`."""
        sql = "SELECT form, width, height, hash, thumbnail FROM looked WHERE sha256 = ?"
        form, width, height, bits, thumbnail = self.db.execute(sql, (sha256,)).fetchone()
        return ImageFeatures(form, width, height, int.from_bytes(bits), thumbnail)


def _row(sha: bytes, looked: Looked) -> tuple[Any, ...]:
    match looked:
        case TextFeatures(form, shingles, first, blocks, words):
            return sha, METHOD, "text", form, first, words, shingles, blocks, None, None, None, None
        case ImageFeatures(form, width, height, bits, thumbnail):
            return sha, METHOD, "image", form, None, None, None, None, width, height, bits.to_bytes(8), thumbnail
        case Nothing(why):
            return sha, METHOD, "none", why, *([None] * 8)
