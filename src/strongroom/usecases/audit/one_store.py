"""The audit of one store. The methods of StoreRun stand in the order in which they run."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import (
    AuditRow,
    CheckRow,
    ageing,
    begin_audit,
    end_audit,
    forget_checks,
    forget_places,
    judge_packs,
    last_audit,
    mark_objects,
    record_checks,
    record_reading,
    unread_keys,
    unsound,
)
from strongroom.core.errors import StoreError, StoreUnreachableError, WrongStoreError
from strongroom.core.events import utc_now
from strongroom.core.findings import Code, Finding
from strongroom.core.keys import StoreKey
from strongroom.core.outcomes import CheckOutcome
from strongroom.core.plural import plural, sentence
from strongroom.core.sizes import human_size
from strongroom.runner.interface import Runner
from strongroom.signing import Keyring, Trust
from strongroom.stores.answering import AnsweringStore
from strongroom.stores.generations import answers
from strongroom.stores.interface import Store
from strongroom.usecases import log
from strongroom.usecases.audit import quick
from strongroom.usecases.audit.absences import confirm_absent, confirm_vanished
from strongroom.usecases.audit.choose import Choice, begin, choose, cut
from strongroom.usecases.audit.consequences import Consequences
from strongroom.usecases.audit.events import audit_events
from strongroom.usecases.audit.expect import expect
from strongroom.usecases.audit.kinds import NOT_READ, Kind, index_of, name_of
from strongroom.usecases.audit.listing import list_store, note_absent, recall
from strongroom.usecases.audit.look import LookJob, LookResult, look
from strongroom.usecases.audit.published import learn, publish
from strongroom.usecases.audit.report import StoreAudit, Unsound
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.scope import OUT, asked, limit
from strongroom.usecases.audit.scratch import Scratch
from strongroom.usecases.audit.verdicts import finding, strangers, strike_unneeded, unsound_objects
from strongroom.usecases.context import Context
from strongroom.usecases.replicate.keep import open_kept
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.signatures.store_keys import trust_in
from strongroom.usecases.sweep.condemned import Condemned
from strongroom.usecases.withheld.memory import memory_of
from strongroom.usecases.withheld.tombstones import Withheld

#: Objects that a report lists one by one; all of them are in `checks/` and in the catalogue.
LISTED: Final = 10_000


class StoreRun:
    """One run over one store; `number` is the store's in the catalogue."""

    def __init__(
        self, request: AuditRequest, store: Store, store_id: str, number: int, catalogue: Catalogue, runner: Runner, folder: Path,
        collector: Collector, keyring: Keyring,
    ) -> None:
        store = AnsweringStore(store)  # one object that cannot be read does not end the audit of the others
        self._request, self._store, self._id, self._number = request, store, store_id, number
        self._catalogue, self._runner, self._folder, self._findings = catalogue, runner, folder, collector
        self._keyring, self._trust = keyring, Trust()
        self._scratch = Scratch(folder / "audit.sqlite")
        self._consequences = Consequences(self._scratch, store, number, catalogue, runner, request, folder)
        self._unsound: list[Unsound] = []
        self._outcomes: Counter[CheckOutcome] = Counter()
        self._more = self._read = self._left = 0
        self._seq: int | None = None

    def run(self) -> StoreAudit:
        """What was found; a store that stops answering is a finding, and what was found before stays found."""
        problem = None
        try:
            self._look_around()
            if self._request.quick:
                self._compare()
            else:
                self._audit()
        except (StoreUnreachableError, WrongStoreError) as error:
            problem = str(error)
            self._findings.add(Finding(Code.UNREACHABLE, self._store.url, f"stopped answering: {sentence(error)} What was read until then "
                                       "counts, and nothing is called missing; the same command goes on from there"))
        try:
            return self._report(problem)
        finally:
            self._scratch.close()

    def _look_around(self) -> None:
        with self._runner.stage("list the store") as progress:
            list_store(self._scratch, self._store, progress)
        if not self._request.quick:
            self._trust = trust_in(self._keyring, [self._store])
            self._findings.extend(learn(self._scratch, self._catalogue, self._store, self._number, self._id))
        recall(self._scratch, self._catalogue, self._number)

    # -- quick

    def _compare(self) -> None:
        quick.compare(self._scratch, self._catalogue, self._number, self._id)
        limit(self._scratch, self._request)
        confirm_absent(self._scratch, self._store, self._id, Condemned.load(self._store, self._folder))
        self._say()

    # -- full

    def _audit(self) -> None:
        self._learn_withheld()
        said = expect(self._scratch, self._store, self._id, self._number, self._catalogue, self._runner, self._trust)
        self._findings.extend(one for label, one in said if asked(label, self._request))
        limit(self._scratch, self._request)
        gone = [key for key, _ in unread_keys(self._catalogue, self._number)
                if self._scratch.one("SELECT 1 FROM things WHERE key = ?", key.text) is None]
        record_reading(self._catalogue, self._number, 0, gone)
        last = last_audit(self._catalogue, self._number, self._request.scope)
        audit = begin_audit(self._catalogue, self._number, lambda seq: begin(last, self._request, seq))
        self._seq = audit.seq
        if audit.round != audit.seq:
            why = "was cut off" if last is not None and last.ended is None else "left something for later"
            self._runner.say(f"goes on with the round that audit {audit.round} of this store began: the last audit {why}")
        choice = choose(self._scratch, audit.round, self._request)
        self._left = choice.left
        self._look(choice)
        with self._runner.stage("look again for what is not there"):
            confirm_absent(self._scratch, self._store, self._id, Condemned.load(self._store, self._folder))
            forget_checks(self._catalogue, self._number, confirm_vanished(self._scratch, self._store))
        self._consequences.work_out()
        self._forget(strike_unneeded(self._scratch, self._consequences.unread))
        self._say()
        self._record_missing()
        self._forget_stale(audit.seq)
        self._end(audit, complete=self._left == 0)

    def _end(self, audit: AuditRow, *, complete: bool) -> None:
        """Everything was read. A store that can be read and not written was audited all the same."""
        ended, published = utc_now(), False
        try:
            publish(self._catalogue, self._store, self._number, self._id, audit, ended=ended, complete=complete)
            published = True
            events = audit_events(self._id, audit, self._outcomes, self._read, self._left, self._unsound)
            log.append(self._catalogue, self._store, self._number, self._id, events)
        except StoreError as error:
            if not answers(self._store):
                raise
            what = "its results lie in the store, without a line in its log" if published else (
                "its results are in the catalogue only, and the next audit that can write here puts them into the store")
            self._findings.add(Finding(Code.STORE_LIMIT, self._store.url, f"the audit counts; {what}: {error}"))
        end_audit(self._catalogue, self._number, audit.seq, ended=ended, complete=complete)

    def _learn_withheld(self) -> None:
        """What was taken down on purpose is not missed; it is counted as withheld."""
        folder = self._folder / "withheld"
        home = self._catalogue.home
        withheld = Withheld.load([self._store, open_kept(Context(home))], self._trust, folder, self._findings.add, memory_of(home))
        with self._scratch.transaction() as db:
            db.executemany("INSERT INTO withheld VALUES (?)", ((raw,) for raw in withheld))
        if len(withheld):
            self._outcomes[CheckOutcome.WITHHELD] = len(withheld)

    def _look(self, choice: Choice) -> None:
        deadline = None if self._request.max_minutes is None else time.time() + 60 * self._request.max_minutes
        jobs = [LookJob(self._store, self._id, self._scratch.path, first, last, deadline) for first, last in cut(self._scratch)]
        if not jobs:
            return
        for result in self._runner.map("read and compare", look, jobs, files=choice.units, size=choice.size, weigh=_weigh):
            self._take(result)

    def _take(self, result: LookResult) -> None:
        """Keep what a batch found, in the catalogue at once: a run that is killed goes on after it."""
        self._left += result.left
        self._read += result.size
        now, seq = utc_now(), self._seq or 0
        with self._scratch.transaction() as db:
            for one in result.looks:
                base = StoreKey(one.key).base[0].text
                if one.outcome is CheckOutcome.MISSING:
                    db.execute("DELETE FROM things WHERE key = ?", (one.key,))
                    if db.execute("SELECT 1 FROM things WHERE base = ?", (base,)).fetchone() is None:
                        note_absent(self._scratch, base, one.expected, "it was listed, and then was gone")
                    continue
                db.execute(
                    "INSERT OR REPLACE INTO looks VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (one.key, base, one.outcome, one.size, one.expected, one.found, one.first, one.reason),
                )
                name = name_of(StoreKey(one.key))
                raws = {one.sound[at : at + 32] for at in range(0, len(one.sound), 32)}
                db.executemany("INSERT OR IGNORE INTO members VALUES (?, ?)", ((name.base, raw) for raw in raws))
                broken = (bytes.fromhex(text) for text in one.broken if len(text) == 64)
                db.executemany("INSERT OR IGNORE INTO bad VALUES (?, ?)", ((raw, name.base) for raw in broken if raw not in raws))
        read = [one for one in result.looks if one.outcome in (CheckOutcome.SOUND, CheckOutcome.DAMAGED)]
        unread = [StoreKey(one.key) for one in result.looks if one.outcome is CheckOutcome.UNREADABLE]
        cold = [StoreKey(one.key) for one in result.looks if one.outcome is CheckOutcome.COLD]
        record_reading(self._catalogue, self._number, seq, (StoreKey(one.key) for one in result.looks), unread, cold)
        record_checks(self._catalogue, self._number, (
            CheckRow(StoreKey(one.key), seq, one.outcome, now, one.size, one.expected, one.found) for one in read))
        judged = ((name_of(StoreKey(one.key)).stored, one) for one in result.looks if one.members is not None)
        judge_packs(self._catalogue, self._number, (
            (stored[0], stored[1].raw, one.members, one.contents) for stored, one in judged if stored is not None and one.members))
        bases = {name_of(StoreKey(one.key)).base: name_of(StoreKey(one.key)) for one in read}
        mark_objects(self._catalogue, self._number, (
            (name.stored[0], name.stored[1].raw, self._is_sound(base)) for base, name in bases.items() if name.stored is not None))

    def _is_sound(self, base: str) -> bool:
        return self._scratch.one("SELECT 1 FROM looks WHERE base = ? AND outcome = 'sound'", base) is not None

    def _forget(self, bases: list[str]) -> None:
        derived = [index_of(base) for base in bases if name_of(StoreKey(base)).kind is Kind.PACK]
        forget_checks(self._catalogue, self._number, map(StoreKey, bases + derived))

    def _record_missing(self) -> None:
        now, seq = utc_now(), self._seq or 0
        missing = [one for one in self._unsound if one.outcome is CheckOutcome.MISSING]
        record_checks(self._catalogue, self._number, (
            CheckRow(StoreKey(one.key), seq, one.outcome, now, None, one.expected, None) for one in missing))
        names = [name_of(StoreKey(one.key)) for one in missing]
        mark_objects(self._catalogue, self._number, (
            (name.stored[0], name.stored[1].raw, False) for name in names if name.stored is not None))
        forget_places(self._catalogue, self._number, (name.digest.raw for name in names if name.kind is Kind.CONTENT and name.digest))

    def _forget_stale(self, seq: int) -> None:
        """What was damaged or missing once, and by now is neither looked at nor missed: of a dead attempt, swept, found elsewhere."""
        stale = []
        for row in unsound(self._catalogue, self._number):
            found = self._scratch.db.execute("SELECT skip FROM things WHERE key = ?", (row.key.text,)).fetchone()
            # Within a scope nothing was asked of the rest.
            if row.seq < seq and (self._request.name is None if found is None else found[0] not in (None, OUT)):
                stale.append(row.key)
        forget_checks(self._catalogue, self._number, stale)

    # -- what is said

    def _say(self) -> None:
        for one in unsound_objects(self._scratch, self._consequences.unread):
            self._findings.add(finding(self._store.url, one))
            if len(self._unsound) < LISTED:
                self._unsound.append(one)
            else:
                self._more += 1
            if one.outcome is CheckOutcome.MISSING:
                self._outcomes[CheckOutcome.MISSING] += 1
        twice = "SELECT key, first, found, reason FROM looks WHERE outcome = 'sound' AND first IS NOT NULL ORDER BY key"
        for key, first, found, reason in self._scratch.rows(twice):
            self._findings.add(Finding(
                Code.READ_TWICE, f"{self._store.url}: {key}", f"{reason}, at the first look (SHA-256 {first}); at the second, past "
                f"caches and over another connection, it is sound ({found}). A cable, memory or cache on the way is failing"))
        unread = ("SELECT key, reason, EXISTS (SELECT 1 FROM looks s WHERE s.base = l.base AND s.outcome = 'sound') "
                  "FROM looks l WHERE outcome = 'unreadable' ORDER BY key")
        for key, reason, repaired in self._scratch.rows(unread):
            if repaired:
                what = f"could not be read: {reason}; another generation is sound, so nothing is lost"
                self._findings.add(Finding(Code.COPY_DAMAGED, f"{self._store.url}: {key}", what))
                continue
            what = f"could not be read: {reason}. It is not called damaged or missing; `strongroom audit` asks for it again"
            self._findings.add(Finding(Code.UNREADABLE, f"{self._store.url}: {key}", what))
        cold, size = self._scratch.db.execute(
            "SELECT count(*), coalesce(sum(t.size), 0) FROM looks l JOIN things t ON t.key = l.key WHERE l.outcome = 'cold'").fetchone()
        if cold:
            what = (f"{plural(cold, 'object lies', 'objects lie')} in a cold storage class ({human_size(size)}): cold, not read. "
                    "Sizes and the checksums that the store keeps are compared by `strongroom audit --quick`")
            self._findings.add(Finding(Code.COLD, self._store.url, what))
        if self._consequences.unsaid:
            what = (f"{plural(self._consequences.unsaid, 'content that bags need lies', 'contents that bags need lie')} nowhere else and "
                    "may lie in there: it could not be read, and nothing says what it holds")
            self._findings.add(Finding(
                Code.UNREADABLE, f"{self._store.url}: {', '.join(sorted(self._consequences.blind)[:5])}", what))
        strangers(self._scratch, self._store.url, self._findings.add)

    def _report(self, problem: str | None) -> StoreAudit:
        scratch = self._scratch
        if not self._request.quick:
            self._outcomes.update({CheckOutcome(outcome): count for outcome, count in scratch.rows(
                "SELECT outcome, count(*) FROM looks GROUP BY outcome")})
        self._outcomes.update({CheckOutcome(skip): count for skip, count in scratch.rows(
            "SELECT skip, count(*) FROM things WHERE skip IS NOT NULL AND skip != ? GROUP BY skip", OUT)})
        kinds = ", ".join(f"'{kind.value}'" for kind in sorted(NOT_READ))
        auditable = f"FROM things t WHERE skip IS NULL AND kind NOT IN ({kinds})"
        looked = "SELECT 1 FROM looks l WHERE l.key = t.key AND l.outcome IN ('sound', 'damaged')"
        never = scratch.one(f"SELECT count(*) {auditable} AND coalesce(seq, 0) = 0 AND NOT EXISTS ({looked})")
        self._outcomes[CheckOutcome.NEVER_CHECKED] += never
        listed, size = scratch.db.execute(f"SELECT count(*), coalesce(sum(size), 0) {auditable}").fetchone()
        age = ageing(self._catalogue, self._number, self._request.max_age_days or 36_500)
        return StoreAudit(
            self._store.url, self._id, True, problem, self._seq, dict(self._outcomes), self._read, listed, size, self._left, never,
            self._request.max_age_days, age.recent_bytes, None if never else age.oldest_time, tuple(self._unsound), self._more,
        )


def _weigh(result: LookResult) -> tuple[int, int]:
    return len(result.looks), result.size
