"""Which bags and payload paths depend on what is damaged or gone, and which contents no place holds.

Nothing is called missing before the packs that could hold it were looked into (docs/format.md, 3.3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import members_known
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError
from strongroom.core.keys import StoreKey, pack_index
from strongroom.core.pack import INDEX_LIMIT, parse_index
from strongroom.database import attached
from strongroom.runner.interface import Runner
from strongroom.stores.generations import generations, read_all
from strongroom.stores.interface import Store
from strongroom.usecases.audit.cover import CoverJob, covered
from strongroom.usecases.audit.kinds import Kind, index_of, name_of
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.scope import asked
from strongroom.usecases.audit.scratch import Scratch
from strongroom.usecases.audit.trace import MembersJob, TraceJob, sound_members, trace
from strongroom.usecases.restore.indexes import IndexBatch, read_indexes

_Item = TypeVar("_Item")
_BATCHES: Final = 12
#: Bases that were read now, or when they were read last, as damaged, and of which no generation is sound. One that cannot be read may be.
_DAMAGED: Final = (
    "SELECT DISTINCT base FROM looks l WHERE outcome = 'damaged' "
    "AND NOT EXISTS (SELECT 1 FROM looks s WHERE s.base = l.base AND s.outcome IN ('sound', 'unreadable', 'cold'))"
)
#: … in SQL over `things`: not known damaged, or looked at now and not seen to be.
_SOUND_BEFORE: Final = (
    "(was IS NULL OR was != 'damaged' OR EXISTS (SELECT 1 FROM looks l WHERE l.base = things.base "
    "AND l.outcome IN ('sound', 'unreadable', 'cold')))"
)


class Consequences:
    """Works out `hits`: for each content that is bad or held nowhere, the bags and paths that need it."""

    def __init__(
        self, scratch: Scratch, store: Store, number: int, catalogue: Catalogue, runner: Runner, request: AuditRequest, folder: Path
    ) -> None:
        self._scratch, self._store, self._number, self._catalogue = scratch, store, number, catalogue
        self._runner, self._request, self._folder = runner, request, folder
        self.unread: set[str] = set()  # bags whose manifests cannot be verified: they may need more than is known
        self.blind: set[str] = set()  # packs that the store cannot give, and of which nobody says what they hold
        self.unsaid = 0  # contents that lie nowhere, unless there

    def work_out(self) -> None:
        """Raises StoreUnreachableError."""
        self._name_bad()
        self._pass_over_withheld()
        everything = self._scratch.one(
            "SELECT 1 FROM bad UNION SELECT 1 FROM absent WHERE base LIKE 'packs/%.tar%' OR base LIKE 'content/%'")
        bags = [row for row in self._bags() if everything or (row[2] is not None and self._was_read(row[0]))]
        if not everything:
            bags = self._not_covered(bags)
        if not bags:
            return
        self._scratch.db.executemany("INSERT OR IGNORE INTO traced VALUES (?)", ((bag,) for bag, _, _ in bags))
        self._hold_objects()
        if everything:
            self._open(self._packs())
        else:
            self._open(self._packs("AND base IN (SELECT p.base FROM placed p WHERE p.bag IN (SELECT bag FROM traced))"))
        self._trace(bags)
        for harder in (self._open_rest, self._open_unproved):
            if self._scratch.one("SELECT 1 FROM hits WHERE sha256 NOT IN (SELECT sha256 FROM held)") is None:
                break
            harder()
            self._scratch.db.execute(
                "DELETE FROM hits WHERE sha256 IN (SELECT sha256 FROM held) AND sha256 NOT IN (SELECT sha256 FROM bad)")
        if self.blind:  # what lies nowhere else may lie there
            nowhere = "hits WHERE sha256 NOT IN (SELECT sha256 FROM bad)"
            self.unsaid = self._scratch.one(f"SELECT count(DISTINCT sha256) FROM {nowhere}")  # noqa: S608 -- a constant
            self._scratch.db.execute(f"DELETE FROM {nowhere}")  # noqa: S608

    # -- what is bad

    def _name_bad(self) -> None:
        for (base,) in self._scratch.db.execute(_DAMAGED).fetchall():
            self._bad(base)
        for (base,) in self._scratch.db.execute("SELECT base FROM absent").fetchall():
            self._bad(base)

    def _pass_over_withheld(self) -> None:
        """What is withheld may be damaged, and may be gone."""
        with self._scratch.transaction() as db:
            db.execute("DELETE FROM bad WHERE sha256 IN (SELECT sha256 FROM withheld)")
            db.execute("INSERT OR IGNORE INTO held SELECT sha256 FROM withheld")

    def _bad(self, base: str) -> None:
        name = name_of(StoreKey(base))
        if name.digest is None or name.kind not in (Kind.PACK, Kind.CONTENT):
            return
        members = iter([name.digest.raw]) if name.kind is Kind.CONTENT else self._members(name.digest)
        while some := list(islice(members, 5000)):
            with self._scratch.transaction() as db:
                db.executemany(
                    "INSERT OR IGNORE INTO bad SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM members WHERE unit = ?2 AND sha256 = ?1)",
                    ((sha256, base) for sha256 in some),
                )

    def _members(self, digest: Digest) -> Iterator[bytes]:
        """What a pack should hold, by every copy of its index that makes sense, and by the catalogue."""
        for key in generations(self._store, pack_index(digest)):
            with suppress(NotFoundInStoreError, DamagedInStoreError, InvalidValueError):
                yield from (member.digest.raw for member in parse_index(read_all(self._store, key, INDEX_LIMIT)))
        yield from members_known(self._catalogue, self._number, digest.raw)

    # -- what is held

    def _hold_objects(self) -> None:
        """Large contents lie where their names say, unless they were seen damaged."""
        sql = f"SELECT DISTINCT base FROM things WHERE kind = ? AND base NOT IN ({_DAMAGED}) AND {_SOUND_BEFORE}"  # noqa: S608
        found = (bytes.fromhex(base.rpartition("/")[2]) for (base,) in self._scratch.rows(sql, Kind.CONTENT))
        while some := list(islice(found, 5000)):
            self._hold((sha256,) for sha256 in some)

    def _hold(self, rows: Iterator[tuple[bytes]]) -> None:
        with self._scratch.transaction() as db:
            db.executemany("INSERT OR IGNORE INTO held VALUES (?)", rows)

    def _packs(self, more: str = "") -> list[str]:
        """The packs that are there, were not seen damaged in this run, and are not opened yet."""
        sql = (
            f"SELECT DISTINCT base FROM things WHERE kind = ? AND base NOT IN ({_DAMAGED}) "  # noqa: S608 -- of our own making
            f"AND base NOT IN (SELECT base FROM opened) {more} ORDER BY base"
        )
        return [base for (base,) in self._scratch.rows(sql, Kind.PACK)]

    def _open(self, packs: Sequence[str]) -> None:
        """Take in what packs hold: by their index, by their headers where that was seen to be wrong, and for those that were damaged
        when they were read last, by reading them."""
        self._scratch.db.execute(f"INSERT OR IGNORE INTO held SELECT sha256 FROM members WHERE unit IN ({_DAMAGED})")  # noqa: S608
        doubtful = [base for base in packs if self._scratch.one("SELECT 1 FROM things WHERE base = ? AND was = 'damaged'", base)
                    and self._scratch.one("SELECT 1 FROM looks WHERE base = ?", base) is None]
        wrong = {base for base in packs if self._scratch.one(
            "SELECT 1 FROM looks WHERE base = ? AND outcome = 'damaged'", index_of(base))}
        self._read_whole(doubtful)
        left = [base for base in packs if base not in set(doubtful)]
        for headers in (False, True):
            chosen = [base for base in left if (base in wrong) == headers]
            jobs = [IndexBatch(self._store, tuple(part), headers) for part in _parts(self._keys(chosen))]
            for result in self._runner.map("read pack indexes", read_indexes, jobs) if jobs else ():
                self._hold((sha256,) for sha256 in result.digests())
                self._believe(result.unread)
        self._scratch.db.executemany("INSERT OR IGNORE INTO opened VALUES (?)", ((base,) for base in packs))

    def _keys(self, bases: Sequence[str]) -> list[str]:
        """For each pack the key of a generation that is there and was not seen damaged; rather one that can be read."""
        sql = ("SELECT t.key FROM things t LEFT JOIN looks l ON l.key = t.key WHERE t.base = ? AND coalesce(l.outcome, '') != 'damaged' "
               "ORDER BY coalesce(l.outcome, '') IN ('unreadable', 'cold'), t.key LIMIT 1")
        return [key for base in bases if (key := self._scratch.one(sql, base))]

    def _believe(self, unread: Sequence[str]) -> None:
        """A pack that the store cannot give holds what its index or the catalogue names: nothing is known against it."""
        for key in unread:
            name = name_of(StoreKey(key))
            members = set(self._members(name.digest)) if name.digest is not None else set()
            self._hold((sha256,) for sha256 in members)
            if not members:
                self.blind.add(key)

    def _open_rest(self) -> None:
        self._open(self._packs())

    def _open_unproved(self) -> None:
        """Read whole every pack whose index nobody has compared with it yet."""
        self._read_whole([base for (base,) in self._scratch.rows(
            "SELECT DISTINCT base FROM things t WHERE kind = ? AND NOT EXISTS (SELECT 1 FROM things i JOIN looks l ON l.key = i.key "
            "WHERE i.base = replace(t.unit, '.tar', '.jsonl') AND l.outcome = 'sound') AND NOT EXISTS "
            "(SELECT 1 FROM things i WHERE i.base = replace(t.unit, '.tar', '.jsonl') AND i.was = 'sound')", Kind.PACK)])

    def _read_whole(self, bases: Sequence[str]) -> None:
        keys = [key for base in bases for (key,) in self._scratch.rows("SELECT key FROM things WHERE base = ?", base)]
        jobs = [MembersJob(self._store, tuple(part)) for part in _parts(keys)]
        for result in self._runner.map("look into packs", sound_members, jobs) if jobs else ():
            self._believe([key for key, members in result if members is None])
            for members in (members for _, members in result if members is not None):
                self._hold((members[at : at + 32],) for at in range(0, len(members), 32))

    # -- who needs it

    def _bags(self) -> list[tuple[str, str, str | None]]:
        """Every bag: its label, its attempt, and the digest of its seal where that can be believed."""
        rows = self._scratch.rows(
            "SELECT DISTINCT a.bag, a.attempt, s.digest FROM attempts a LEFT JOIN seals s "
            "ON s.bag = a.bag AND s.attempt = a.attempt AND s.credible ORDER BY a.bag, a.attempt")
        return [row for row in rows if asked(row[0], self._request)]

    def _was_read(self, bag: str) -> bool:
        """Whether the payload manifest of the bag was read in this run, so that it is its turn to be looked through."""
        sql = "SELECT 1 FROM looks WHERE base GLOB ? AND outcome = 'sound'"
        return self._scratch.one(sql, f"bags/{bag}/*/bag/manifest-sha256.txt") is not None

    def _not_covered(self, bags: list[tuple[str, str, str | None]]) -> list[tuple[str, str, str | None]]:
        """Where nothing is known to be bad, most bags need nothing but what their placements name, and that is seen quickly."""
        jobs = [CoverJob(self._store, self._scratch.path, tuple((bag, attempt) for bag, attempt, _ in part)) for part in _parts(bags)]
        found = {one for result in self._runner.map("compare bags with packs", covered, jobs) for one in result} if jobs else set()
        return [row for row in bags if row[:2] not in found]

    def _trace(self, bags: Sequence[tuple[str, str, str | None]]) -> None:
        jobs = [
            TraceJob(self._store, self._scratch.path, tuple(part), self._folder / f"trace-{number}.sqlite")
            for number, part in enumerate(_parts(bags))
        ]
        for result in self._runner.map("see what bags need", trace, jobs):
            self.unread.update(result.unread)
            with attached(self._scratch.db, result.out, "traced_bags") as db:
                db.execute("INSERT OR IGNORE INTO hits SELECT sha256, bag, path FROM traced_bags.hits")
            result.out.unlink()


def _parts(items: Sequence[_Item]) -> list[Sequence[_Item]]:
    size = max(1, -(-len(items) // _BATCHES))
    return [items[at : at + size] for at in range(0, len(items), size)]
