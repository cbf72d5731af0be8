"""The catalogue's questions and answers, in short transactions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Final, Self

from strongroom.catalogue.rows import BagRow, CollectionRow, ObjectRow, StoreRow
from strongroom.catalogue.schema import connect
from strongroom.core.digests import Digest
from strongroom.core.events import utc_now
from strongroom.core.ids import BagId, new_id
from strongroom.core.seal import Seal
from strongroom.database import Db, Where, beside, open_reader, transaction

_BAGS: Final = (
    "SELECT name, version, seal, collection, attempt, sealed, files, bytes, state, "
    "(SELECT group_concat(s.id, ' ') FROM bag_stores b JOIN stores s ON s.number = b.store WHERE b.seal = bags.seal) FROM bags "
)
_ADD_PLACE: Final = "INSERT INTO places (store, scope, sha256, object, length) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"


class Catalogue:
    """One open catalogue. Use as a context manager."""

    def __init__(self, db: Db, path: Where) -> None:
        self._db = db
        self.path = path

    @classmethod
    def open(cls, path: Where) -> Self:
        """The catalogue at `path`, made if absent. Raises StrongroomError with the way out if it cannot be used."""
        if isinstance(path, Path):
            return cls(connect(path), path)
        from strongroom.catalogue import shared  # noqa: PLC0415 -- only who uses it pays for it

        return cls(shared.connect(path), path)

    @property
    def home(self) -> Path:
        """STRONGROOM_HOME."""
        return self.path.parent if isinstance(self.path, Path) else self.path.home

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[Db]:
        """A write transaction: all or nothing. Within another it is part of that."""
        if self._db.in_transaction:
            yield self._db
            return
        with transaction(self._db):
            yield self._db

    def beside(self, other: Path, name: str, tables: Mapping[str, str]) -> AbstractContextManager[Db]:
        """Its database, for statements that ask tables of the SQLite database at `other` as well (strongroom.database.beside)."""
        return beside(self._db, other, name, tables)

    # -- stores

    def stores(self) -> list[StoreRow]:
        return [StoreRow(*row) for row in self._db.execute("SELECT id, url, seen FROM stores ORDER BY number")]

    def store_ids(self, url: str) -> list[str]:
        """The ids of the stores that were last seen at `url`: several, if they take turns there."""
        return [store_id for (store_id,) in self._db.execute("SELECT id FROM stores WHERE url = ? ORDER BY number", (url,))]

    def store_number(self, store_id: str) -> int:
        """The number in this catalogue of a store it knows."""
        return int(self._db.execute("SELECT number FROM stores WHERE id = ?", (store_id,)).fetchone()[0])

    def see_store(self, store_id: str, url: str) -> int:
        """Remember that the store lies at `url` now. Its number in this catalogue."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO stores (id, url, writer, seen) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET url = excluded.url, seen = excluded.seen",
                (store_id, url, new_id(), utc_now()),
            )
            return int(db.execute("SELECT number FROM stores WHERE id = ?", (store_id,)).fetchone()[0])

    def writer(self, store: int) -> str:
        """This installation's log writer in that store."""
        return str(self._db.execute("SELECT writer FROM stores WHERE number = ?", (store,)).fetchone()[0])

    def set_dirty(self, store: int, dirty: bool) -> None:
        """Whether the store may hold objects this catalogue has not heard of: a run of ours is under way there, or was cut off."""
        with self.transaction() as db:
            db.execute("UPDATE stores SET dirty = ? WHERE number = ?", (dirty, store))

    def is_dirty(self, store: int) -> bool:
        return bool(self._db.execute("SELECT dirty FROM stores WHERE number = ?", (store,)).fetchone()[0])

    def renew_writer(self, store: int) -> str:
        """Take a new writer id, because the chain of the old one cannot be continued."""
        writer = new_id()
        with self.transaction() as db:
            db.execute("UPDATE stores SET writer = ? WHERE number = ?", (writer, store))
        return writer

    # -- collections and bags

    def collections(self) -> list[CollectionRow]:
        rows = self._db.execute("SELECT name, manifest, last_archive, last_outcome FROM collections ORDER BY name")
        return [CollectionRow(*row) for row in rows]

    def record_run(self, name: str, manifest: str, outcome: str) -> None:
        """An archive run ended so. One that was refused is no archive: the time of the last good one stays."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO collections (name, manifest, last_archive, last_outcome) "
                "VALUES (?1, ?2, CASE WHEN ?4 != 'refused' THEN ?3 END, ?4) ON CONFLICT (name) DO UPDATE SET "
                "manifest = ?2, last_archive = CASE WHEN ?4 != 'refused' THEN ?3 ELSE collections.last_archive END, last_outcome = ?4",
                (name, manifest, utc_now(), outcome),
            )

    def bags(self, name: str | None = None) -> list[BagRow]:
        """Every known bag, or those of one collection, by name and version."""
        where, values = ("", ()) if name is None else ("WHERE name = ?", (name,))
        rows = self._db.execute(_BAGS + where + " ORDER BY name, version, seal", values)
        return [
            BagRow(BagId(row[0], row[1]), Digest.from_bytes(row[2]), row[3], row[4], row[5], row[6], row[7], Digest.from_bytes(row[8]),
                   tuple(sorted((row[9] or "").split())))
            for row in rows
        ]

    def latest(self, name: str) -> BagRow | None:
        rows = self.bags(name)
        return rows[-1] if rows else None

    def record_bag(self, seal: Seal, digest: Digest, store: int) -> None:
        """Remember that `store` (its number here) holds the bag of this seal."""
        with self.transaction() as db:
            db.execute(
                "INSERT INTO bags (seal, name, version, collection, attempt, sealed, files, bytes, state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (digest.raw, seal.bag.name, seal.bag.version, seal.collection, seal.attempt, seal.sealed, seal.payload_files,
                 seal.payload_bytes, seal.state.raw),
            )
            db.execute("INSERT INTO bag_stores (seal, store) VALUES (?, ?) ON CONFLICT DO NOTHING", (digest.raw, store))

    def forget_bag(self, digest: Digest, store: int) -> None:
        """What lies in `store` (its number here) under this seal is not the bag: another is, under its label."""
        with self.transaction() as db:
            db.execute("DELETE FROM bag_stores WHERE seal = ? AND store = ?", (digest.raw, store))
            db.execute("DELETE FROM bags WHERE seal = ?1 AND NOT EXISTS (SELECT 1 FROM bag_stores WHERE seal = ?1)", (digest.raw,))

    # -- objects and places

    def record_object(
        self, store: int, kind: str, digest: Digest, size: int, *, scope: str, contents: Iterable[tuple[bytes, int]],
        verified: bool = False, members: Digest | None = None,
    ) -> int:
        """Remember a pack or large content and the (sha256, length) of what lies in it. Its number.

        `members`: the digest of the index of a pack whose members the caller compared with their names; without it, `contents` is what
        a hint says. Recording an object again (a generation beside a damaged one) makes it trusted again, but not verified.
        """
        with self.transaction() as db:
            where = (store, kind, digest.raw)
            known = db.execute("SELECT id, members FROM objects WHERE store = ? AND kind = ? AND digest = ?", where).fetchone()
            db.execute(
                "INSERT INTO objects (store, kind, digest, size, verified, since) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (store, kind, digest) DO UPDATE SET "
                "verified = (objects.verified AND NOT objects.damaged) OR excluded.verified, damaged = FALSE",
                (store, kind, digest.raw, size, verified, utc_now()),
            )
            number = db.execute("SELECT id FROM objects WHERE store = ? AND kind = ? AND digest = ?", where).fetchone()[0]
            if members is not None:
                contents = list(contents)
                if known is None or known[1] is None:
                    self.correct_places(number, contents, members)
            elif known is not None and known[1] is not None:  # what was seen in it outweighs the hint
                contents = db.execute("SELECT DISTINCT sha256, length FROM places WHERE object = ?", (number,)).fetchall()
            db.executemany(
                _ADD_PLACE,
                ((store, scope, sha256, number, length) for sha256, length in contents),
            )
        return int(number)

    def correct_places(self, number: int, contents: Iterable[tuple[bytes, int]], members: Digest | None) -> None:
        """Replace what was believed to lie in an object by the (sha256, length) that were seen in it; `members`: of a pack in which
        every member is what its name says, the digest of its index."""
        with self.transaction() as db:
            db.execute("UPDATE objects SET members = ? WHERE id = ?", (members.raw if members else None, number))
            scopes = db.execute("SELECT DISTINCT store, scope FROM places WHERE object = ?", (number,)).fetchall()
            db.execute("DELETE FROM places WHERE object = ?", (number,))
            rows = ((store, scope, sha256, number, length) for sha256, length in contents for store, scope in scopes)
            db.executemany(_ADD_PLACE, rows)

    def known_objects(self, store: int) -> set[tuple[str, bytes]]:
        """(kind, digest) of every object of the store that the catalogue knows, sound or not."""
        return set(self._db.execute("SELECT kind, digest FROM objects WHERE store = ?", (store,)))

    def has_object(self, store: int, kind: str, digest: Digest) -> bool:
        sql = "SELECT 1 FROM objects WHERE store = ? AND kind = ? AND digest = ?"
        return self._db.execute(sql, (store, kind, digest.raw)).fetchone() is not None

    def scopes_of(self, store: int, kind: str, digest: Digest) -> list[str]:
        """How far what lies in an object is shared."""
        sql = ("SELECT DISTINCT p.scope FROM places p JOIN objects o ON o.id = p.object WHERE o.store = ? AND o.kind = ? AND o.digest = ?")
        return [scope for (scope,) in self._db.execute(sql, (store, kind, digest.raw))]

    def forget_objects(self, store: int, objects: Iterable[tuple[str, Digest]]) -> None:
        """What a sweep removed, by (kind, digest), with all that was believed to lie in it."""
        with self.transaction() as db:
            for kind, digest in objects:
                where = "store = ? AND kind = ? AND digest = ?"
                db.execute(f"DELETE FROM places WHERE object IN (SELECT id FROM objects WHERE {where})", (store, kind, digest.raw))  # noqa: S608
                db.execute(f"DELETE FROM objects WHERE {where}", (store, kind, digest.raw))  # noqa: S608

    def object(self, number: int) -> ObjectRow:
        row = self._db.execute("SELECT id, kind, digest, size, verified FROM objects WHERE id = ?", (number,)).fetchone()
        return ObjectRow(row[0], row[1], Digest.from_bytes(row[2]), row[3], bool(row[4]))

    def mark_verified(self, numbers: Iterable[int]) -> None:
        with self.transaction() as db:
            db.executemany("UPDATE objects SET verified = TRUE, damaged = FALSE WHERE id = ?", ((n,) for n in numbers))

    def mark_unverified(self, numbers: Iterable[int]) -> None:
        """What was read once is elsewhere now (a later generation): read it again before relying on it."""
        with self.transaction() as db:
            db.executemany("UPDATE objects SET verified = FALSE WHERE id = ?", ((n,) for n in numbers))

    def mark_damaged(self, numbers: Iterable[int]) -> None:
        """Never rely on these again, until they are recorded anew."""
        with self.transaction() as db:
            db.executemany("UPDATE objects SET damaged = TRUE, verified = FALSE WHERE id = ?", ((n,) for n in numbers))


def reading(catalogue: Catalogue) -> closing[Db]:
    """A connection of its own, so that a long answer is a snapshot and holds up no writer."""
    return closing(open_reader(catalogue.path))
