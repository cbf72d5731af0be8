"""What a sweep would condemn: candidates by listing and indexes, each judged by reading it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from strongroom.core.condemning import Condemnation, Why
from strongroom.core.digests import new_hash
from strongroom.core.errors import NotFoundInStoreError
from strongroom.core.findings import Code, Finding
from strongroom.core.keys import StoreKey
from strongroom.runner.interface import Runner
from strongroom.stores.interface import Store
from strongroom.usecases.audit.kinds import Kind
from strongroom.usecases.restore.indexes import IndexBatch, IndexResult, read_indexes
from strongroom.usecases.sweep.attempts import dead_objects
from strongroom.usecases.sweep.condemned import Condemned
from strongroom.usecases.sweep.judging import JudgeJob, Verdict, judge
from strongroom.usecases.sweep.scratch import Scratch

_BATCHES: Final = 24
_AT_ONCE: Final = 5000
_INDEXES: Final = 200  # packs a batch, at most
_LARGE: Final = (Kind.PACK.value, Kind.CONTENT.value)


class Planner:
    """Finds what may go. `named`: what records of the store name already."""

    def __init__(self, scratch: Scratch, store: Store, named: Condemned, runner: Runner) -> None:
        self._scratch, self._store, self._named, self._runner = scratch, store, named, runner
        self.findings: list[Finding] = []
        self.keep: dict[str, tuple[bytes, ...]] = {}  # by base: what must be stored anew before it goes

    def plan(self) -> None:
        """Note everything that may go in `condemned`."""
        self._judge(self._candidates())
        self._without_owner()
        self._note((key, Why.DEAD, size) for key, size in dead_objects(self._scratch))
        self._note(self._damaged_tags())

    def confirm(self, named: Sequence[Condemnation]) -> None:
        """The same for what a record names, and nothing else."""
        self._scratch.db.execute("CREATE TABLE IF NOT EXISTS asked (key TEXT PRIMARY KEY) WITHOUT ROWID")
        self._scratch.db.execute("DELETE FROM asked")
        with self._scratch.transaction() as db:
            db.executemany("INSERT OR IGNORE INTO asked VALUES (?)", ((one.key.text,) for one in named))
        sql = "SELECT DISTINCT base FROM things WHERE kind IN (?, ?) AND key IN (SELECT key FROM asked) ORDER BY base"
        self._judge([base for (base,) in self._scratch.rows(sql, *_LARGE)])
        self._only_asked()
        self._without_owner()
        self._note((key, Why.DEAD, size) for key, size in dead_objects(self._scratch))
        self._note(self._damaged_tags())
        self._only_asked()

    def _only_asked(self) -> None:
        self._scratch.db.execute("DELETE FROM condemned WHERE key NOT IN (SELECT key FROM asked)")

    # -- packs and large contents

    def _candidates(self) -> list[str]:
        """Bases of which anything may have to go, by what their indexes say, and all that have several generations or were named before."""
        rows = self._scratch.rows("SELECT base, count(*), max(key) FROM things WHERE kind = ? GROUP BY base ORDER BY base", Kind.PACK.value)
        packs = [(base, count) for base, count, _ in rows]
        found = [base for base, count in packs if count > 1 or self._is_named(base)]
        size = max(1, min(_INDEXES, -(-len(packs) // _BATCHES)))
        bases = [base for base, _ in packs]
        batches = [IndexBatch(self._store, tuple(bases[at : at + size]), headers=False) for at in range(0, len(bases), size)]
        for result in self._runner.map("read pack indexes", read_indexes, batches) if batches else ():
            found += [key for key, members in result.packs if self._goes(IndexResult([(key, members)]).digests())]
        contents = "SELECT base, count(*) FROM things WHERE kind = ? GROUP BY base"
        for base, count in self._scratch.rows(contents, Kind.CONTENT.value):
            if count > 1 or self._is_named(base) or self._goes(iter([bytes.fromhex(base.rpartition("/")[2])])):
                found.append(base)
        return sorted(set(found))

    def _goes(self, digests: Iterator[bytes]) -> bool:
        """Whether none of the contents is needed, or one is to go."""
        any_due = self._scratch.one("SELECT 1 FROM due") is not None
        needed = False
        for sha in digests:
            if any_due and self._scratch.one("SELECT 1 FROM due WHERE sha = ?", sha) is not None:
                return True
            needed = needed or self._scratch.one("SELECT 1 FROM needed WHERE sha = ?", sha) is not None
            if needed and not any_due:
                return False
        return not needed

    def _is_named(self, base: str) -> bool:
        return StoreKey(base) in self._named

    def _judge(self, bases: Sequence[str]) -> None:
        size = max(1, -(-len(bases) // _BATCHES))
        jobs = []
        for at in range(0, len(bases), size):
            part = tuple(bases[at : at + size])
            every = [key for base in part for (key,) in self._scratch.rows("SELECT key FROM things WHERE base = ?", base)]
            jobs.append(JudgeJob(self._store, self._scratch.path, part, frozenset(key for key in every if StoreKey(key) in self._named)))
        for verdicts in self._runner.map("read what may go", judge, jobs, files=len(bases)) if jobs else ():
            for verdict in verdicts:
                self._take(verdict)

    def _take(self, verdict: Verdict) -> None:
        if verdict.problem is not None:
            self.findings.append(Finding(Code.SWEEP_KEPT, f"{self._store.url}: {verdict.base}", verdict.problem))
        if verdict.keep:
            self.keep[verdict.base] = verdict.keep
        self._note((StoreKey(key), verdict.why, size) for key, size in verdict.keys)

    # -- what goes with them

    def _without_owner(self) -> None:
        """Indexes of packs, and pieces of contents, that are gone or go."""
        sql = "SELECT key, base, kind, size FROM things WHERE kind IN (?, ?) ORDER BY key"
        stays = "SELECT 1 FROM things t WHERE base = ? AND NOT EXISTS (SELECT 1 FROM condemned c WHERE c.key = t.key)"
        lines = []
        for key, base, kind, size in self._scratch.rows(sql, Kind.INDEX.value, Kind.PIECES.value):
            stem = base.removesuffix(".jsonl").removesuffix(".pieces")
            owners = [f"{stem}.tar", f"{stem}.tar.zst"] if kind == Kind.INDEX.value else [stem]
            if all(self._scratch.one(stays, owner) is None for owner in owners):
                lines.append((StoreKey(key), self._why(owners), size))
        self._note(iter(lines))

    def _why(self, owners: list[str]) -> Why:
        for owner in owners:
            found = self._scratch.one("SELECT why FROM condemned c JOIN things t ON t.key = c.key WHERE t.base = ?", owner)
            if found is not None:
                return Why(found)
        return Why.UNNEEDED

    # -- tag files

    def _damaged_tags(self) -> Iterator[tuple[StoreKey, Why, int]]:
        """Generations of tag files of sealed bags that are damaged, where one that is sound, and that no record names, stays."""
        rows = list(self._scratch.rows("SELECT base, digest FROM tagwanted ORDER BY base"))
        for base, digest in rows:
            found = list(self._scratch.rows("SELECT key, size FROM things WHERE base = ?", base))
            wrong = [(key, size) for key, size in found if not self._has(StoreKey(key), digest)]
            if any((key, size) not in wrong and StoreKey(key) not in self._named for key, size in found):
                yield from ((StoreKey(key), Why.DAMAGED, size) for key, size in wrong)

    def _has(self, key: StoreKey, digest: str) -> bool:
        algorithm, _, expected = digest.partition(":")
        running = new_hash(algorithm)
        try:
            with self._store.get(key, uncached=True) as reader:
                while chunk := reader.read(1 << 20):
                    running.update(chunk)
        except NotFoundInStoreError:
            return True
        return running.hexdigest() == expected

    def _note(self, lines: Iterator[tuple[StoreKey, Why, int]]) -> None:
        while rows := [(key.text, why.value, size) for key, why, size in islice(lines, _AT_ONCE)]:
            with self._scratch.transaction() as db:
                db.executemany("INSERT OR IGNORE INTO condemned VALUES (?, ?, ?)", rows)
