"""What the search for near-copies asks of the catalogue and remembers in it. How it is asked about them: likeness.py."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from strongroom.catalogue.catalogue import Catalogue, reading
from strongroom.core.digests import Digest
from strongroom.core.ids import BagId
from strongroom.database import Slice, attached


class Held(NamedTuple):
    """A content of a bag."""

    sha256: bytes
    length: int | None
    type: str | None  # MIME
    path: str  # one of its paths
    files: int  # with this content


class Unread(NamedTuple):
    """A content that was not looked at yet."""

    sha256: bytes
    length: int | None
    type: str | None
    path: str


def listed_bags(catalogue: Catalogue) -> set[Digest]:
    """The seals of the bags whose payload is known here."""
    with reading(catalogue) as db:
        return {Digest.from_bytes(seal) for (seal,) in db.execute("SELECT seal FROM likeness_bags")}


def record_members(catalogue: Catalogue, bag: BagId, contents: Iterable[Held]) -> None:
    """Remember contents of a bag. Doing it again changes nothing."""
    rows = list(contents)
    with catalogue.transaction() as db:
        db.executemany(
            "INSERT INTO likeness_contents (sha256, length, type) VALUES (?, ?, ?) ON CONFLICT (sha256) DO UPDATE SET "
            "length = coalesce(likeness_contents.length, excluded.length), type = coalesce(likeness_contents.type, excluded.type)",
            ((one.sha256, one.length, one.type) for one in rows),
        )
        db.executemany(
            "INSERT INTO likeness_members AS m (collection, content, path, files, first, last) "
            "SELECT ?1, number, ?2, ?3, ?4, ?4 FROM likeness_contents WHERE sha256 = ?5 ON CONFLICT (collection, content) DO UPDATE SET "
            "path = CASE WHEN excluded.last >= m.last THEN excluded.path ELSE m.path END, "
            "files = CASE WHEN excluded.last >= m.last THEN excluded.files ELSE m.files END, "
            "first = CASE WHEN excluded.first < m.first THEN excluded.first ELSE m.first END, "
            "last = CASE WHEN excluded.last > m.last THEN excluded.last ELSE m.last END",
            ((bag.name, one.path, one.files, bag.version, one.sha256) for one in rows),
        )


def record_listed(catalogue: Catalogue, seal: Digest) -> None:
    """All contents of the bag are remembered."""
    with catalogue.transaction() as db:
        db.execute("INSERT INTO likeness_bags (seal) VALUES (?) ON CONFLICT DO NOTHING", (seal.raw,))


def renew(catalogue: Catalogue, shelf: Path, method: str) -> None:
    """What was looked at in another way, or is not on the shelf (its file) any more, is to be looked at again."""
    with catalogue.beside(shelf, "shelf", {"looked": "sha256 BYTEA, method TEXT, kind TEXT, form TEXT"}) as db:
        db.execute(
            "UPDATE likeness_contents SET method = NULL, compared = FALSE WHERE method != ?1 OR (kind IN ('text', 'image') "
            "AND NOT EXISTS (SELECT 1 FROM shelf.looked l WHERE l.sha256 = likeness_contents.sha256 AND l.method = ?1))",
            (method,),
        )
        # what is on the shelf already, because the catalogue was lost or a run was cut off, need not be read again
        db.execute(
            "UPDATE likeness_contents SET method = l.method, kind = l.kind, "
            "note = CASE l.kind WHEN 'none' THEN l.form ELSE '' END, compared = FALSE "
            "FROM shelf.looked l WHERE l.sha256 = likeness_contents.sha256 AND likeness_contents.method IS NULL AND l.method = ?",
            (method,),
        )


def unread(catalogue: Catalogue, collection: str) -> Iterator[Unread]:
    """The contents of a collection that were not looked at yet."""
    with reading(catalogue) as db:
        yield from map(Unread._make, db.execute(
            "SELECT c.sha256, c.length, c.type, m.path FROM likeness_contents c "
            "JOIN likeness_members m ON m.content = c.number AND m.collection = ? WHERE c.method IS NULL ORDER BY c.number",
            (collection,),
        ))


def record_looked(catalogue: Catalogue, method: str, rows: Iterable[tuple[bytes, str, str]]) -> None:
    """Remember (SHA-256, kind, why nothing could be compared) of contents that were looked at."""
    with catalogue.transaction() as db:
        db.executemany(
            "UPDATE likeness_contents SET method = ?, kind = ?, note = ?, compared = FALSE WHERE sha256 = ?",
            ((method, kind, note, sha) for sha, kind, note in rows),
        )


def forget(catalogue: Catalogue, contents: Iterable[bytes]) -> list[bytes]:
    """These contents are withheld: nothing that was learned of them is kept. Those of which something was."""
    gone = []
    with catalogue.transaction() as db:
        for sha in contents:
            row = db.execute("SELECT number FROM likeness_contents WHERE sha256 = ? AND kind IN ('text', 'image')", (sha,)).fetchone()
            if row is not None:
                gone.append(sha)
                db.execute("DELETE FROM likeness_pairs WHERE a = ?1 OR b = ?1", row)
                db.execute("UPDATE likeness_contents SET method = NULL, kind = NULL, compared = FALSE WHERE number = ?", row)
    return gone


def texts(catalogue: Catalogue, shelf: Path) -> Iterator[tuple[int, bool, bytes]]:
    """(number, whether it was compared, shingles) of every text that was looked at in the present way."""
    with _on_shelf(catalogue, shelf, _of_kind("text")) as db:
        yield from db.execute(
            "SELECT c.number, c.compared, l.shingles FROM shelf.looked l JOIN cat.likeness_contents c ON c.sha256 = l.sha256 "
            "WHERE c.kind = 'text' AND c.method IS NOT NULL ORDER BY l.number")


def images(catalogue: Catalogue, shelf: Path) -> Iterator[tuple[int, bool, bytes]]:
    """(number, whether it was compared, hash) of every picture that was looked at in the present way."""
    with _on_shelf(catalogue, shelf, _of_kind("image")) as db:
        yield from db.execute(
            "SELECT c.number, c.compared, l.hash FROM shelf.looked l JOIN cat.likeness_contents c ON c.sha256 = l.sha256 "
            "WHERE c.kind = 'image' AND c.method IS NOT NULL ORDER BY c.number")


def sample(catalogue: Catalogue, shelf: Path, collection: str, most: int) -> Iterator[tuple[bytes, int]]:
    """(shingles, first shingle) of at most `most` texts of a collection, chosen as if at random."""
    members = Slice("likeness_members", "collection, content", "collection, content", "collection = ?", (collection,))
    with _on_shelf(catalogue, shelf, _of_kind("text"), members) as db:
        yield from db.execute(
            "SELECT l.shingles, l.first FROM (SELECT c.sha256 FROM cat.likeness_members m JOIN cat.likeness_contents c "
            "ON c.number = m.content WHERE m.collection = ? AND c.kind = 'text' AND c.method IS NOT NULL ORDER BY c.sha256 LIMIT ?) c "
            "JOIN shelf.looked l ON l.sha256 = c.sha256",
            (collection, most),
        )


def counts(catalogue: Catalogue, collection: str | None = None) -> dict[str, int]:
    """Contents by kind: "text", "image", "none", and "" for those that were not looked at."""
    within = "WHERE EXISTS (SELECT 1 FROM likeness_members m WHERE m.content = number AND m.collection = ?)"
    with reading(catalogue) as db:
        return dict(db.execute(
            "SELECT CASE WHEN method IS NULL THEN '' ELSE kind END, count(*) "  # noqa: S608 -- constants
            f"FROM likeness_contents {within if collection else ''} GROUP BY 1 ORDER BY 1",
            (collection,) if collection else (),
        ))


def uncompared(catalogue: Catalogue, kind: str) -> int:
    """How many contents of a kind were not compared yet."""
    with reading(catalogue) as db:
        return int(db.execute("SELECT count(*) FROM likeness_contents WHERE kind = ? AND NOT compared", (kind,)).fetchone()[0])


def boilerplate(catalogue: Catalogue) -> dict[str, tuple[int, bytes]]:
    """By collection: how many documents it had when its boilerplate was found, and that."""
    with reading(catalogue) as db:
        return {name: (documents, shingles) for name, documents, shingles in db.execute("SELECT * FROM likeness_boilerplate")}


def record_boilerplate(catalogue: Catalogue, collection: str, documents: int, shingles: bytes) -> None:
    """Remember the boilerplate of a collection. If it is another than before, all texts are to be compared again."""
    with catalogue.transaction() as db:
        before = db.execute("SELECT shingles FROM likeness_boilerplate WHERE collection = ?", (collection,)).fetchone()
        db.execute(
            "INSERT INTO likeness_boilerplate (collection, documents, shingles) VALUES (?, ?, ?) "
            "ON CONFLICT (collection) DO UPDATE SET documents = excluded.documents, shingles = excluded.shingles",
            (collection, documents, shingles),
        )
        if shingles != (b"" if before is None else before[0]):
            db.execute("UPDATE likeness_contents SET compared = FALSE WHERE kind = 'text'")


@contextmanager
def replacing(catalogue: Catalogue, kind: str) -> Iterator[None]:
    """Around the recording of all pairs of a kind that contents not compared yet have: theirs of before are gone, and they count as
    compared afterwards. All or nothing."""
    with catalogue.transaction() as db:
        stale = "(SELECT number FROM likeness_contents WHERE kind = ? AND NOT compared)"
        for side in ("a", "b"):
            db.execute(f"DELETE FROM likeness_pairs WHERE {side} IN {stale}", (kind,))  # noqa: S608 -- constants
        yield
        db.execute("UPDATE likeness_contents SET compared = TRUE WHERE kind = ?", (kind,))


@contextmanager
def _on_shelf(catalogue: Catalogue, shelf: Path, *needed: Slice) -> Iterator[sqlite3.Connection]:
    """The shelf as `shelf`, which is only read, and the catalogue as `cat`."""
    with closing(sqlite3.connect("", uri=True, timeout=60, isolation_level=None)) as db:
        db.execute("ATTACH ? AS shelf", (f"{shelf.absolute().as_uri()}?mode=ro",))
        with attached(db, catalogue.path, "cat", needed):
            yield db


def _of_kind(kind: str) -> Slice:
    """The contents of a kind that were looked at in the present way."""
    columns = "number, sha256, kind, method, compared"
    return Slice("likeness_contents", columns, "sha256", "kind = ? AND method IS NOT NULL", (kind,))
