"""Getting the contents of a payload into the store: reading the source, and making sure of what is already there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.catalogue import Catalogue, ObjectRow
from strongroom.catalogue.formats import record_formats
from strongroom.collections.model import CollectionManifest
from strongroom.core.errors import RefusedError, StrongroomError
from strongroom.core.findings import Code, Finding
from strongroom.runner.interface import Runner
from strongroom.sources.interface import Source
from strongroom.stores.interface import Store
from strongroom.usecases.archive import batches, claims, hearsay, known, reliance
from strongroom.usecases.archive.formats import Examples
from strongroom.usecases.archive.ingest import IngestJob, IngestResult, ingest
from strongroom.usecases.archive.previous import SealedTagFiles
from strongroom.usecases.archive.readback import ReadBackJob, ReadBackResult, read_back
from strongroom.usecases.archive.reliance import Place
from strongroom.usecases.archive.screening import Screening
from strongroom.usecases.archive.spool import CONTENTS, Spool
from strongroom.usecases.archive.stages import Stages
from strongroom.usecases.withheld.leaving_out import leave_out_file
from strongroom.usecases.withheld.tombstones import Withheld

_ROUNDS: Final = 5  # of reading again what turned out not to be in the store


@dataclass(slots=True)
class Done:
    """What was done so far in this run."""

    read_bytes: int = 0
    problems: int = 0  # files that could not be read as they were
    new_contents: int = 0
    stored_bytes: int = 0
    verified: int = 0  # objects
    identified: int = 0  # contents, in this run


class Contents:
    """The contents of one run."""

    def __init__(
        self, manifest: CollectionManifest, source: Source, algorithms: tuple[str, ...], place: Place, spool: Spool, catalogue: Catalogue,
        runner: Runner, stages: Stages, scratch: Path, found: Callable[[Finding], None], withheld: Withheld,
    ) -> None:
        self._manifest = manifest
        self._source = source
        self._algorithms = algorithms
        self._place = place
        self._spool = spool
        self._catalogue = catalogue
        self._runner = runner
        self._stages = stages
        self._scratch = scratch
        self._found = found
        self.withheld = withheld
        self._written: set[int] = set()  # objects written in this run
        self._own: set[int] = set()  # and by the attempt that is open now: what a lost attempt wrote may be swept
        self.screening: Screening | None = None  # where the collection manifest names a virus scanner
        self._cold: set[int] = set()  # objects that nobody can look into without thawing them
        self.done = Done()
        self.failed = Examples()  # contents that could not be identified

    def attempt_opened(self) -> None:
        """What was written before now is looked at again before it is relied upon."""
        self._own.clear()

    def learn(self) -> None:
        """Take in what others, or a run of ours that was cut off, left in the store."""
        with self._stages.stage("learn what the store holds"):
            known.learn(self._catalogue, self._place.store, self._place.number)

    def read_source(self, *, store: bool) -> None:
        """Read every file that is not known unchanged; store what is new, or only fingerprint it."""
        with self._spool.transaction() as db:
            db.execute("DELETE FROM work")
            db.execute("INSERT INTO work (file) SELECT id FROM files WHERE sha256 IS NULL ORDER BY path")
        self._ingest("fingerprint and pack" if store else "fingerprint", self._place.store if store else None)

    def hold(self, ensure_open: Callable[[], None], before: SealedTagFiles | None, *, making: bool, verify: bool) -> None:
        """See to it that every content of the payload lies in the store, in objects that are there with their length and, if `verify`,
        were verified or are our own of this run. Where a bag is `making`, what the catalogue alone says is looked up; `before`, the last
        bag, if it lies in this store, vouches for the contents it has.

        `ensure_open` is called before anything is written. Raises StrongroomError when what is stored keeps vanishing, RefusedError
        when contents that are carried over lie nowhere within reach.
        """
        looked_at: set[int] = set()
        for _ in range(_ROUNDS):
            if not reliance.choose_places(self._spool, self._catalogue.path, self._place.number, self._place.scope):
                if reliance.queue_missing(self._spool, self._catalogue.path, self._place.number, self._place.scope):
                    ensure_open()
                    self._ingest("pack what the store lacks", self._place.store)
                    continue
                self._refuse_lost_carried()
            relied = [row for row in self.chosen() if row.id not in self._own]
            gone, unread = reliance.find_gone(self._place.store, self._catalogue, relied)
            unread = [row for row in unread if verify and row.id not in looked_at]
            looked_at.update(row.id for row in unread)
            for row in gone:
                self._found(self._finding(row, "is gone from the store; its contents are stored again"))
            if not gone and not unread:
                passed = self._own | self._written | looked_at
                doubtful = self._doubtful(relied, passed, before) if making else []
                if not doubtful:
                    return
                unread = doubtful
                looked_at.update(row.id for row in doubtful)
            for row in self._read_back("verify what is reused", unread, members=True):
                if row.id in self._cold:
                    place, what = f"{self._place.store.url}: {reliance.object_key(row)}", "no run of this installation has read it"
                    self._found(Finding(Code.COLD, place, f"lies in a cold storage class, and {what}; its contents are stored again"))
                else:
                    self._found(self._finding(row, "is damaged; its contents are stored again"))
        raise StrongroomError(f"{self._place.store.url}: what is stored keeps vanishing or failing; this store cannot be trusted now")

    def _doubtful(self, relied: list[ObjectRow], passed: set[int], before: SealedTagFiles | None) -> list[ObjectRow]:
        """Those of the packs relied upon, but for those `passed`, whose index does not bear out what the catalogue says of them."""
        with self._stages.timed("look up what is reused"):
            return hearsay.doubtful(self._spool, CONTENTS, self._catalogue.path, self._place, relied, passed, before, self._found)

    def read_back(self) -> int:
        """Verify what this run wrote, from the medium. How many objects are damaged."""
        written = [row for row in self.chosen() if row.id in self._written and not row.verified]
        damaged = self._read_back("read back", written, members=False)
        for row in damaged:
            self._found(self._finding(row, "does not read back as it was written; run the archive again, and it is stored again"))
        return len(damaged)

    def chosen(self) -> Iterator[ObjectRow]:
        """The packs and large contents the payload relies on in this store."""
        return reliance.chosen(self._spool, self._catalogue.path)

    # -- batches

    def _ingest(self, name: str, store: Store | None) -> None:
        sizes = self._spool.db.cursor().execute("SELECT f.size FROM work w JOIN files f ON f.id = w.file ORDER BY w.seq")
        files, total, before = self._spool.db.execute(
            "SELECT count(*), coalesce(sum(f.size), 0), coalesce(min(w.seq), 1) - 1 FROM work w JOIN files f ON f.id = w.file"
        ).fetchone()
        if not files:
            return
        claimed = self._scratch / f"claims-{time.monotonic_ns()}.sqlite"
        claims.make_claims(claimed)
        jobs = [
            IngestJob(
                self._spool.path, claimed, self._catalogue.path, self._source,
                before + first, before + last, self._algorithms, self._manifest.identify, store, self._place.number, self._place.scope,
                self._manifest.compression == "zstd", self.withheld, self.screening.job if self.screening is not None else None,
            )
            for first, last in batches.cut((size for (size,) in sizes), files, total)
        ]
        with self._stages.timed(name):
            here = self.screening is not None  # what a scanner finds is held on this machine
            for result in self._runner.map(name, ingest, jobs, files=files, size=total, weigh=_weigh, here=here):
                self._take(result)
                del result  # as in Pool.map
        if self.screening is not None:
            self.done.problems += self.screening.leave_out(self._spool, self._catalogue.path, self._found)

    def _take(self, result: IngestResult) -> None:
        with self._spool.transaction() as db:
            db.executemany(
                "UPDATE files SET size = ?, mtime = ?, ctime = ?, inode = ?, mode = ?, sha256 = ?, others = ?, pin = ?, "
                "read = 1 WHERE id = ?",
                result.files,
            )
            for number, _, reason in (problem for problem in result.problems if problem[1] == "withheld"):
                leave_out_file(db, number, reason, self._found)
            for number, kind, message in (problem for problem in result.problems if problem[1] != "withheld"):
                (path,) = db.execute("SELECT path FROM files WHERE id = ?", (number,)).fetchone()
                self._found(Finding(_PROBLEMS[kind], path, f"left out of the bag: {message}"))
                reason = "unreadable" if kind == "unreadable" else "changing"
                db.execute("INSERT OR REPLACE INTO structure (path, kind, reason) VALUES (?, 'excluded', ?)", (path, reason))
                db.execute("DELETE FROM files WHERE id = ?", (number,))
        self.done.problems += len(result.problems)
        with self._catalogue.transaction():
            for stored in result.objects:
                number = self._catalogue.record_object(
                    self._place.number, stored.kind, stored.digest, stored.size, scope=self._place.scope, contents=stored.contents,
                    members=stored.members,
                )
                if number not in self._written:  # two workers may have met the same large content at the same time
                    self.done.new_contents += len(stored.contents)
                    self.done.stored_bytes += stored.size
                self._written.add(number)
                self._own.add(number)
        if self.screening is not None:
            self.screening.take(self._catalogue, result.scans)
        record_formats(self._catalogue, result.formats.rows)
        self.done.identified += len(result.formats.rows)
        for sha256, why in result.formats.failed:
            self.failed.add(self._spool.one("SELECT min(path) FROM files WHERE sha256 = ?", sha256), why)
        self.done.read_bytes += result.read

    def _read_back(self, name: str, rows: list[ObjectRow], *, members: bool) -> list[ObjectRow]:
        """Verify objects by reading them; those that are damaged, which are marked and relied upon no more.

        `members`: packs that others made hold what they are seen to hold, whatever their index says.
        """
        if not rows:
            return []
        total = sum(row.size for row in rows)
        jobs = [
            ReadBackJob(self._place.store, tuple(rows[first - 1 : last]), members)
            for first, last in batches.cut((row.size for row in rows), len(rows), total)
        ]
        damaged: set[int] = set()
        with self._stages.timed(name):
            for result in self._runner.map(name, read_back, jobs, files=len(rows), size=total, weigh=_weigh_read_back):
                for number, (contents, named) in result.members.items():
                    self._catalogue.correct_places(number, contents, named)
                self._catalogue.mark_verified(result.sound)
                self._catalogue.mark_damaged(result.damaged)
                damaged.update(result.damaged)
                self._cold.update(result.cold)
                self.done.verified += len(result.sound)
        return [row for row in rows if row.id in damaged]

    # -- trouble

    def _finding(self, row: ObjectRow, message: str) -> Finding:
        code = Code.CONTENT_DAMAGED if row.kind == "content" else Code.PACK_DAMAGED
        return Finding(code, f"{self._place.store.url}: {reliance.object_key(row)}", message)

    def _refuse_lost_carried(self) -> None:
        lost = reliance.unplaced(self._spool, self._catalogue.path, self._place.number, self._place.scope)
        if lost:
            raise RefusedError(
                f"{self._place.store.url} does not hold the contents of {len(lost)} or more files that are carried over from the bag "
                f"before ({', '.join(lost[:3])}, …), and the source has them no longer. Replicate that bag to this store first"
            )


def _weigh(result: IngestResult) -> tuple[int, int]:
    return len(result.files) + len(result.problems), result.read


def _weigh_read_back(result: ReadBackResult) -> tuple[int, int]:
    return len(result.sound) + len(result.damaged), result.size


_PROBLEMS: Final = {"changing": Code.SOURCE_CHANGED, "vanished": Code.SOURCE_VANISHED, "unreadable": Code.SOURCE_UNREADABLE}
