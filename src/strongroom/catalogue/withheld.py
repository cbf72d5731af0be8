"""How many files of each bag are withheld: figures for people. What is withheld is decided by tombstones alone."""

from __future__ import annotations

from collections.abc import Iterable

from strongroom.catalogue.catalogue import Catalogue
from strongroom.core.ids import BagId


def note_withheld(catalogue: Catalogue, rows: Iterable[tuple[str, int, bytes, int]]) -> None:
    """Remember (collection, version, SHA-256, files): so many files of that bag have this content, which is withheld."""
    with catalogue.transaction() as db:
        db.executemany(
            "INSERT INTO withheld_files (name, version, sha256, files) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (name, version, sha256) DO UPDATE SET files = excluded.files", rows,
        )


def forget_withheld(catalogue: Catalogue, contents: Iterable[bytes] | None = None) -> None:
    """These contents, by their SHA-256, are not withheld any more; None: nothing is."""
    with catalogue.transaction() as db:
        if contents is None:
            db.execute("DELETE FROM withheld_files")
        else:
            db.executemany("DELETE FROM withheld_files WHERE sha256 = ?", ((one,) for one in contents))


def withheld_files(catalogue: Catalogue) -> dict[BagId, int]:
    """The bags with files that are withheld, and how many."""
    with catalogue.transaction() as db:
        found = db.execute("SELECT name, version, sum(files) FROM withheld_files GROUP BY name, version ORDER BY 1, 2").fetchall()
    return {BagId(name, version): files for name, version, files in found}


def withheld_contents(catalogue: Catalogue) -> dict[str, int]:
    """The collections that have contents that are withheld, and how many; one that several bags have counts once."""
    with catalogue.transaction() as db:
        return dict(db.execute("SELECT name, count(DISTINCT sha256) FROM withheld_files GROUP BY name ORDER BY 1").fetchall())
