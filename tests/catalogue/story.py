"""Everything the catalogue can be told and asked, in one story: what it answers must not depend on where it lies."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from strongroom.catalogue import (
    Catalogue,
    access,
    catalogue,
    checks,
    formats,
    holdings,
    keeping,
    likeness_work,
    places,
    reads,
    relearn,
    runs,
    scans,
    withheld,
)
from strongroom.core.digests import Digest
from strongroom.core.formats import Format
from strongroom.core.ids import BagId
from strongroom.core.keys import StoreKey
from strongroom.core.outcomes import CheckOutcome
from strongroom.core.scans import Scan
from strongroom.database import Where

NOW = datetime(2030, 1, 1, tzinfo=UTC)
D = [Digest.of(bytes([number])) for number in range(40)]
_TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")
#: What is told of elsewhere: opening (test_opening), near-copies (test_likeness), and old files of SQLite (tests/rebuild).
ELSEWHERE = {"reading", "condition", "take_runs"}


class Seal:
    """As much of one as the catalogue looks at."""

    def __init__(self, name: str, version: int) -> None:
        self.bag, self.collection, self.attempt, self.sealed = BagId(name, version), "c" * 32, "a" * 26, "2026-01-01T00:00:00Z"
        self.payload_files, self.payload_bytes, self.state = 3, 2**40, D[30 + version]


def check(key: str, seq: int, outcome: CheckOutcome, *, size: int = 7, time: str = "2029-12-01T00:00:00Z") -> checks.CheckRow:
    return checks.CheckRow(StoreKey(key), seq, outcome, time, size, D[0].hex, D[1].hex)


def told(where: Where, scratch: Path) -> list[Any]:
    with Catalogue.open(where) as cat:
        answers = [_stores(cat), _objects(cat), _checks(cat), _figures(cat, scratch), _likeness(cat, scratch), _relearned(cat, scratch)]
    with Catalogue.open(where) as cat:  # it is all there when it is opened again
        answers += [cat.bags(), cat.collections(), cat.stores()]
    return [_TIME.sub("TIME", repr(answer)) if "2026-11" in repr(answer) else repr(answer) for answer in answers]


def _stores(cat: Catalogue) -> list[Any]:
    one, two = cat.see_store("1" * 32, "file:///a"), cat.see_store("2" * 32, "file:///b")
    cat.see_store("1" * 32, "file:///b")
    cat.set_dirty(one, dirty=False)
    first = cat.writer(one)
    answers: list[Any] = [one, two, cat.store_ids("file:///b"), cat.store_number("2" * 32), cat.is_dirty(one), cat.is_dirty(two),
                          cat.renew_writer(one) != first, [(row.id, row.url) for row in cat.stores()]]
    for name, version, digest in (("site", 1, D[1]), ("site", 2, D[2]), ("other", 1, D[3]), ("site", 2, D[4])):
        cat.record_bag(Seal(name, version), digest, one)
        cat.record_bag(Seal(name, version), digest, two)
    cat.forget_bag(D[4], one)
    cat.forget_bag(D[4], two)
    cat.forget_bag(D[3], two)
    for outcome in ("sealed", "refused"):
        cat.record_run("site", "/manifest.yaml", outcome)
    rows = [(row.name, row.manifest, row.last_archive is not None, row.last_outcome) for row in cat.collections()]
    try:
        with cat.transaction() as db, cat.transaction():
            db.execute("DELETE FROM bags")
            raise KeyError
    except KeyError:
        pass
    return [*answers, cat.bags(), cat.bags("other"), cat.latest("site"), cat.latest("none"), rows]


def _objects(cat: Catalogue) -> list[Any]:
    contents = [(D[n].raw, n * 10) for n in range(10)]
    pack = cat.record_object(1, "pack", D[20], 5000, scope="", contents=contents, members=D[21])
    hinted = cat.record_object(1, "zstd", D[22], 50, scope="site", contents=(one for one in contents[:3]))
    large = cat.record_object(2, "content", D[9], 2**33, scope="", contents=[(D[9].raw, 2**33)], verified=True)
    again = cat.record_object(1, "pack", D[20], 5000, scope="more", contents=contents[:1])
    cat.mark_verified([pack, hinted])
    cat.mark_damaged([hinted])
    cat.mark_unverified([large])
    answers: list[Any] = [again == pack, [cat.object(n) for n in (pack, hinted, large)], sorted(cat.known_objects(1)),
                          cat.has_object(1, "pack", D[20]), cat.has_object(2, "pack", D[20]), sorted(cat.scopes_of(1, "pack", D[20]))]
    cat.record_object(1, "zstd", D[22], 50, scope="site", contents=contents[:4], verified=True)
    cat.correct_places(hinted, contents[5:7], None)
    answers += [cat.object(hinted), places.content_places(cat, D[5].raw, ["site"]), places.content_places(cat, D[5].raw, []),
                places.content_places(cat, D[9].raw, [])]
    checks.mark_objects(cat, 1, [("pack", D[20].raw, False), ("zstd", D[22].raw, True)])
    checks.judge_packs(cat, 1, [("zstd", D[22].raw, D[23], contents[:2]), ("pack", D[29].raw, D[23], [])])
    answers += [cat.object(pack), cat.object(hinted), sorted(checks.members_known(cat, 1, D[22].raw)), holdings.stored_in(cat, 1)]
    checks.forget_places(cat, 1, [D[1].raw])
    answers += [sorted(checks.members_known(cat, 1, D[22].raw))]
    answers += [list(keeping.objects_holding(cat, 1, D[:12])), keeping.last_retained(cat, 1), keeping.last_found(cat, 1)]
    keeping.note_retained(cat, 1)
    for notes in (["a"], ["a", "ü"]):
        keeping.note_found(cat, 1, {"create_only": True, "checks_sha256": False, "notes": notes})
    found = keeping.last_found(cat, 1) or {}
    answers += [bool(keeping.last_retained(cat, 1)), keeping.last_retained(cat, 2), len(found.pop("at")), sorted(found.items()),
                keeping.last_found(cat, 99)]
    cat.forget_objects(2, [("content", D[9])])
    return [*answers, holdings.stored_in(cat, 2), sorted(cat.known_objects(2))]


def _checks(cat: Catalogue) -> list[Any]:
    seal, log = "bags/a/v1/seal.json", "log/w/{:020}.json"
    checks.record_checks(cat, 1, [
        check(seal, 3, CheckOutcome.SOUND), check(f"{seal}~1", 2, CheckOutcome.DAMAGED), check("content/ab/x", 3, CheckOutcome.DAMAGED),
        check("keys/Z", 4, CheckOutcome.MISSING), check("keys/a", 4, CheckOutcome.SOUND, time="2019-01-01T00:00:00Z", size=2**40),
        *(check(log.format(n), 2, CheckOutcome.SOUND) for n in (1, 2)),
    ])
    checks.record_checks(cat, 1, [check(seal, 1, CheckOutcome.DAMAGED)])  # older: it says nothing any more
    checks.record_checks(cat, 1, [check("keys/d", 2, CheckOutcome.SOUND)], published=True)
    checks.mark_published(cat, 1, [check("keys/Z", 4, CheckOutcome.MISSING), check("content/ab/x", 2, CheckOutcome.DAMAGED)])
    checks.record_written(cat, 1, StoreKey("keys/b"), b"new")
    checks.record_reading(cat, 1, 4, [StoreKey("keys/c")], [StoreKey("keys/Z"), StoreKey("keys/c"), StoreKey("keys/a")])
    checks.record_reading(cat, 1, 5, [StoreKey("keys/c")], [StoreKey("keys/a")], [StoreKey("content/ab/x"), StoreKey("keys/Z")])
    for seq, scope in ((3, ""), (4, "site"), (5, "")):
        checks.begin_audit(cat, 1, lambda _, seq=seq, scope=scope: checks.AuditRow(seq, scope, 3, "2029-01-01T00:00:00Z"))
    checks.end_audit(cat, 1, 3, ended="2029-01-02T00:00:00Z", complete=True)
    checks.end_audit(cat, 1, 4, ended="2029-01-03T00:00:00Z", complete=False)
    answers: list[Any] = [
        list(checks.unread_keys(cat, 1)), list(checks.unreadable(cat, 1)), checks.count_unreadable(cat, 1), checks.count_cold(cat, 1),
        checks.count_cold(cat, 2), list(checks.unsound(cat, 1)),
        checks.count_unsound(cat, 1), list(checks.found_damaged(cat)), list(checks.known_below(cat, 1, "log/")),
        checks.last_known(cat, 1, "log/"), checks.last_known(cat, 1, "sweep/"), sorted(checks.known_digests(cat, 1, StoreKey(seal))),
        checks.check_of(cat, 1, StoreKey(seal)), checks.check_of(cat, 2, StoreKey(seal)), checks.last_known_checks(cat, 1, StoreKey(seal)),
        checks.ageing(cat, 1, 36500), checks.last_seq(cat, 1), checks.last_seq(cat, 2), checks.last_audit(cat, 1),
        checks.last_audit(cat, 2),
        checks.audits_of(cat, 1, ["", "site"], 2), list(checks.unpublished(cat, 1)), reads.last_audited(cat, 1),
        reads.last_audited(cat, 1, "site"),
        reads.bytes_by_age(cat, 1, [30, 90], now=NOW), reads.bytes_by_age(cat, 2, [30], now=NOW),
    ]
    found = reads.reads(cat, 1, 60, now=NOW, judged=NOW)
    checks.forget_checks(cat, 1, [StoreKey("keys/Z")])
    sizes = found.bytes, found.recent, found.late, found.never, found.oldest
    return [*answers, sizes, [row.key for row in checks.all_checks(cat, 1)]]


def _figures(cat: Catalogue, scratch: Path) -> list[Any]:
    verdicts = [Format("text/plain", "x-fmt/111", "Plain", "", "extension", "", "s1"),
                Format("image/png", "", "PNG", "1", "signature", "mismatch", "s1")]
    formats.record_formats(cat, [(D[1].raw, "txt", verdicts[0]), (D[1].raw, "png", verdicts[1]), (D[2].raw, "", verdicts[1])])
    formats.record_formats(cat, [(D[2].raw, "", verdicts[0])])
    total = formats.FormatTotal
    formats.note_bag_formats(cat, D[2], [total(verdicts[0], 2, 2**40), total(verdicts[1], 1, 5), total(verdicts[0], 1, 1)])
    scans.record_scans(cat, "s1", [(D[1].raw, Scan("clean", "")), (D[2].raw, Scan("infected", "Eicar"))])
    scans.record_scans(cat, "s2", [(D[2].raw, Scan("clean", ""))])
    access.note_access(cat, D[1], "open", None)
    access.note_access(cat, D[1], "embargo", "2031-01-01")
    withheld.note_withheld(cat, [("site", 1, D[1].raw, 2), ("site", 2, D[1].raw, 2), ("other", 1, D[2].raw, 1)])
    withheld.note_withheld(cat, [("site", 1, D[1].raw, 3)])
    told = [withheld.withheld_files(cat), withheld.withheld_contents(cat)]
    withheld.forget_withheld(cat, [D[2].raw])
    told += [withheld.withheld_files(cat)]
    withheld.forget_withheld(cat)
    for number, row in enumerate(cat.bags()):
        spool = holdings.Spool(scratch / f"spool-{number}")
        spool.add((D[n % 7].raw, n % 7) for n in range(number, 12))
        spool.close()
        holdings.count_bag(cat, row, spool.path, {"largest": [number]})
        holdings.count_bag(cat, row, spool.path, {})
    begun = [runs.begin_run(cat, job, name, "") for job, name in (("archive", "site"), ("audit", ""), ("archive", "site"))]
    ended = [runs.end_run(cat, number, "good", 0, {"n": number}) for number in begun[:2]]
    everything: list[Any] = [
        formats.format_of(cat, D[1].raw), formats.format_of(cat, D[1].raw, "png"), formats.format_of(cat, D[7].raw),
        list(formats.compare_formats(cat, [(D[2].raw, "", verdicts[1]), (D[7].raw, "", verdicts[1])])), formats.bag_formats(cat, D[2]),
        formats.formats_now(cat), formats.formats_now(cat, "site"), formats.formats_now(cat, "none"), access.noted_access(cat, D[:3]), told,
        withheld.withheld_files(cat), holdings.uncounted(cat, cat.bags()), list(holdings.notable_of(cat, [D[1], D[9]])),
        *(holdings.sharing(cat, names) for names in (None, ["site"], [])), holdings.shared_with(cat, "site", None),
        holdings.shared_with(cat, "site", ["other"]), holdings.scanned(cat, None), holdings.scanned(cat, ["other"]),
        sorted(holdings.new_by_version(cat, None).items()), [row.number - begun[0] for row in ended],
        [row.outcome for row in runs.recent_runs(cat)], sorted(runs.count_runs(cat)), runs.last_runs(cat, "archive")["site"].outcome,
        [row.job for row in runs.latest_of_each(cat)], [row.summary for row in runs.runs_since(cat, "")], runs.last_run(cat).exit_status,
        runs.last_runs(cat, "none"), list(runs.recent_runs(cat, "2999")),
    ]
    return everything


def _likeness(cat: Catalogue, scratch: Path) -> list[Any]:
    shelf = scratch / "shelf"
    with closing(sqlite3.connect(shelf)) as db:
        db.execute("CREATE TABLE looked (number INTEGER PRIMARY KEY, sha256 BLOB, method TEXT, kind TEXT, form TEXT, first INTEGER, "
                   "shingles BLOB, hash BLOB)")
        db.executemany("INSERT INTO looked (sha256, method, kind, form, first, shingles, hash) VALUES (?, 'm1', ?, ?, 1, ?, ?)", [
            (D[1].raw, "text", "", b"one", None), (D[2].raw, "image", "", None, b"two"), (D[3].raw, "none", "why", None, None)])
        db.commit()
    held = likeness_work.Held
    likeness_work.record_members(cat, BagId("site", 2), [held(D[n].raw, n, None, f"data/{n}", n) for n in range(1, 5)])
    likeness_work.record_members(cat, BagId("site", 1), [held(D[1].raw, None, "text/plain", "data/old", 9)])
    likeness_work.record_listed(cat, D[1])
    likeness_work.record_listed(cat, D[1])
    likeness_work.renew(cat, shelf, "m1")
    before = [list(likeness_work.unread(cat, "site")), likeness_work.counts(cat), likeness_work.counts(cat, "none")]
    likeness_work.record_looked(cat, "m1", [(D[4].raw, "none", "broken")])
    likeness_work.record_boilerplate(cat, "site", 5, b"shared")
    with likeness_work.replacing(cat, "text"):
        pass
    told = [likeness_work.uncompared(cat, "text"), likeness_work.uncompared(cat, "image"), likeness_work.boilerplate(cat),
            [(number, bool(compared), data) for number, compared, data in likeness_work.texts(cat, shelf)],
            [(number, bool(compared), data) for number, compared, data in likeness_work.images(cat, shelf)],
            list(likeness_work.sample(cat, shelf, "site", 5)), likeness_work.listed_bags(cat), likeness_work.counts(cat, "site")]
    return [before, told, likeness_work.forget(cat, [D[1].raw, D[9].raw]), likeness_work.counts(cat)]


def _relearned(cat: Catalogue, scratch: Path) -> list[Any]:
    part = scratch / "part"
    with closing(sqlite3.connect(part)) as db:
        db.executescript(relearn.PART_FORMATS)
        db.execute("INSERT INTO verdicts VALUES (1, 'text/plain', 'x-fmt/111', 'Plain', '', 'extension', '', 's1')")
        db.execute("INSERT INTO verdicts VALUES (2, 'new', '', '', '', '', '', 's2')")
        db.executemany("INSERT INTO formats VALUES (?, 'new', ?)", [(D[11].raw, 1), (D[12].raw, 2)])
        db.executemany("INSERT INTO bag_formats VALUES (?, ?, 1, ?)", [(D[3].raw, 2, 2**40), (D[3].raw, 2, 1)])
        db.commit()
    for _ in range(2):
        relearn.take_formats(cat, part)
    relearn.put_collection(cat, "site", None, "2026-02-02T00:00:00Z")
    relearn.put_collection(cat, "new", "/m.yaml", None)
    for ended in ("2029-02-02T00:00:00Z", "2028-02-02T00:00:00Z"):
        relearn.put_audit(cat, 2, checks.AuditRow(7, "", 7, "2028-01-01T00:00:00Z", ended, complete=True))
    return [formats.format_of(cat, D[12].raw), formats.bag_formats(cat, D[3]), checks.last_audit(cat, 2), cat.collections()]


MODULES = (access, catalogue, checks, formats, holdings, keeping, likeness_work, places, reads, relearn, runs, scans, withheld)
