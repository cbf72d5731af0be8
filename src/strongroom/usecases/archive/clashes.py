"""Names of one source that no folder could hold together: in a bucket, an object may be called as what others lie in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from strongroom.core.findings import Code, Finding
from strongroom.core.paths import escaped
from strongroom.sources.interface import UNHOLDABLE
from strongroom.usecases.archive.spool import Spool

# In UTF-8 "0" follows "/": a range holds what lies in a folder.
_FILES: Final = (
    "CREATE TEMP TABLE clashing AS SELECT f.id, f.path, substr(CAST(f.path AS BLOB), 6) AS name FROM files f WHERE f.name IS NULL "
    "AND EXISTS (SELECT 1 FROM files g WHERE g.path > f.path || '/' AND g.path < f.path || '0') "
    "UNION ALL SELECT f.id, f.path, f.name FROM files f WHERE f.name IS NOT NULL AND EXISTS "
    "(SELECT 1 FROM files g WHERE g.name > CAST(f.name || '/' AS BLOB) AND g.name < CAST(f.name || '0' AS BLOB))"
)
_FOLDERS: Final = (
    "CREATE TEMP TABLE clashing_folder AS SELECT path FROM structure WHERE kind = 'directory' AND path IN (SELECT path FROM files)"
)


def leave_out(spool: Spool, place: str, found: Callable[[Finding], None]) -> None:
    """Leave out, each with a finding, objects whose names are those of folders with something in them, then empty folders whose names are
    those of objects. To be called once after the scan, before `Spool.index_paths`."""
    with spool.transaction() as db:
        db.execute("CREATE INDEX clashing_path ON files (path)")
        db.execute("CREATE INDEX clashing_name ON files (name) WHERE name IS NOT NULL")
        # A key that was replaced while it was listed may come on two pages: the later one counts.
        db.execute("DELETE FROM files WHERE EXISTS (SELECT 1 FROM files g WHERE g.path = files.path AND g.id > files.id)")
        db.execute(_FILES)
        for number, path, name in db.cursor().execute("SELECT id, path, name FROM clashing"):
            shown = name.decode("utf-8", "surrogateescape")
            found(Finding(Code.SOURCE_NAME, f"{place}/{shown}", "left out of the bag: other objects lie below it as in a folder, and no "
                          "folder can have the name of a file beside it; give one of them another key"))
            values = (escaped(name), UNHOLDABLE, name)
            db.execute("INSERT OR REPLACE INTO structure (path, kind, reason, name) VALUES (?, 'excluded', ?, ?)", values)
            db.execute("DELETE FROM names WHERE path = ?", (path,))
            db.execute("DELETE FROM files WHERE id = ?", (number,))
        db.execute(_FOLDERS)
        for (path,) in db.cursor().execute("SELECT path FROM clashing_folder"):
            shown = f"{place}/{path.removeprefix('data/')}/"
            found(Finding(Code.SOURCE_NAME, shown, "left out of the bag: an empty folder with the name of an object beside it"))
            db.execute("DELETE FROM structure WHERE path = ?", (path,))
        for what in ("TABLE clashing", "TABLE clashing_folder", "INDEX clashing_path", "INDEX clashing_name"):
            db.execute(f"DROP {what}")
