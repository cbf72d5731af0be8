"""From what was seen to what is said: unsound objects with all that depends on them, and findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Final

from strongroom.core.findings import Code, Finding
from strongroom.core.keys import StoreKey
from strongroom.core.outcomes import CheckOutcome
from strongroom.core.plural import plural
from strongroom.usecases.audit.kinds import Kind, index_of, name_of
from strongroom.usecases.audit.listing import PLACED
from strongroom.usecases.audit.report import Dependent, Unsound
from strongroom.usecases.audit.scratch import Scratch
from strongroom.usecases.sealed.seals import STAYS

#: Payload paths that are listed for each object and bag.
PATHS: Final = 1000
_DAMAGED: Final = {
    Kind.PACK: Code.PACK_DAMAGED, Kind.CONTENT: Code.CONTENT_DAMAGED, Kind.TAG: Code.TAG_FILE_DAMAGED, Kind.SEAL: Code.SEAL_DAMAGED,
}
_MISSING: Final = {
    Kind.PACK: Code.PACK_MISSING, Kind.CONTENT: Code.CONTENT_MISSING, Kind.TAG: Code.TAG_FILE_MISSING, Kind.SEAL: Code.SEAL_MISSING,
}


def unsound_objects(scratch: Scratch, unread: set[str]) -> Iterator[Unsound]:
    """Everything that is damaged or missing, in order of keys: objects first, then contents that lie nowhere although no object that
    is known to be damaged or gone held them."""
    damaged = (
        "SELECT key, base, size, expected, found, first, reason, EXISTS "
        "(SELECT 1 FROM looks s WHERE s.base = l.base AND s.outcome = 'sound') FROM looks l WHERE outcome = 'damaged' ORDER BY key"
    )
    for key, base, size, expected, found, first, reason, repaired in scratch.rows(damaged):
        if repaired:
            yield Unsound(key, CheckOutcome.DAMAGED, expected, found, first, size, reason, 0, True, ())
        else:
            yield Unsound(key, CheckOutcome.DAMAGED, expected, found, first, size, reason + _unsaid(base, unread), _lost(scratch, base),
                          False, _dependents(scratch, base))
    for base, expected, why in scratch.rows("SELECT base, expected, why FROM absent ORDER BY base"):
        yield Unsound(base, CheckOutcome.MISSING, expected, None, None, None, f"is not there; {why}" + _unsaid(base, unread),
                      _lost(scratch, base), False, _dependents(scratch, base))
    nowhere = "SELECT DISTINCT sha256 FROM hits WHERE sha256 NOT IN (SELECT sha256 FROM held) AND sha256 NOT IN (SELECT sha256 FROM bad)"
    for (sha256,) in scratch.rows(nowhere + " ORDER BY sha256"):
        text = sha256.hex()
        rows = scratch.rows("SELECT bag, path FROM hits WHERE sha256 = ? ORDER BY bag, path", sha256)
        yield Unsound(f"content/{text[:2]}/{text}", CheckOutcome.MISSING, text, None, None, None, "lies in no pack and is no object",
                      1, False, _grouped(rows))


def strike_unneeded(scratch: Scratch, unread: set[str]) -> list[str]:
    """Strike packs and contents that are gone and of which nothing is lost: swept, or stored anew elsewhere. Their keys.

    While there are bags that could not be looked through, what was really there before stays missing; what only a placement names may
    be a slip in that placement, which is but a hint.
    """
    struck = []
    with scratch.transaction() as db:
        for base, why in db.execute("SELECT base, why FROM absent").fetchall():
            known = unread and why != PLACED
            if name_of(StoreKey(base)).kind in (Kind.PACK, Kind.CONTENT) and not known and not _lost(scratch, base):
                db.execute("DELETE FROM absent WHERE base = ?", (base,))
                struck.append(base)
        for base in struck:  # … and the indexes and pieces that go with them
            for derived in (index_of(base), base + ".pieces"):
                db.execute("DELETE FROM absent WHERE base = ?", (derived,))
    return struck


def finding(url: str, one: Unsound) -> Finding:
    """What is said of an unsound object, with the bags and the first paths that need it."""
    place = f"{url}: {one.key}"
    kind = name_of(StoreKey(one.key)).kind
    if one.repaired:
        lost = f"{one.reason}; another generation is sound, so nothing is lost"
        return Finding(Code.SEAL_COPY_DAMAGED, place, f"{lost}. {STAYS}") if kind is Kind.SEAL else Finding(Code.COPY_DAMAGED, place, lost)
    code = _DAMAGED.get(kind, Code.OBJECT_DAMAGED) if one.outcome is CheckOutcome.DAMAGED else _MISSING.get(kind, Code.OBJECT_MISSING)
    looks = " (read twice)" if one.outcome is CheckOutcome.DAMAGED else ""
    needed = "; ".join(_needed(dependent) for dependent in one.bags)
    lost = f". {plural(one.contents, 'content is', 'contents are')} lost in this store with it" if one.contents else ""
    who = f". Needed by {needed}" if needed else ""
    return Finding(code, place, f"{one.reason}{looks}{lost}{who}. `strongroom repair` brings it back if another store has it sound")


def _needed(one: Dependent) -> str:
    if not one.files:
        return one.bag
    shown = ", ".join(one.paths[:5])
    return f"{one.bag} ({shown}{f', and {one.files - 5:,} more' if one.files > 5 else ''})"


def _lost(scratch: Scratch, base: str) -> int:
    return int(scratch.one(
        "SELECT count(DISTINCT h.sha256) FROM hits h JOIN bad b ON b.sha256 = h.sha256 WHERE b.base = ? "
        "AND h.sha256 NOT IN (SELECT sha256 FROM held)", base))


def _dependents(scratch: Scratch, base: str) -> tuple[Dependent, ...]:
    name = name_of(StoreKey(base))
    if name.bag is not None:
        return (Dependent(name.bag, 0, ()),)
    rows = scratch.rows(
        "SELECT h.bag, h.path FROM hits h JOIN bad b ON b.sha256 = h.sha256 WHERE b.base = ? ORDER BY h.bag, h.path", base)
    return _grouped(rows)


def _grouped(rows: Iterator[tuple[str, str]]) -> tuple[Dependent, ...]:
    found = []
    for bag, group in groupby(rows, key=lambda row: row[0]):
        paths: list[str] = []
        count = 0
        for _, path in group:
            count += 1
            if len(paths) < PATHS:
                paths.append(path)
        found.append(Dependent(bag, count, tuple(paths)))
    return tuple(found)


def _unsaid(base: str, unread: set[str]) -> str:
    if unread and name_of(StoreKey(base)).kind in (Kind.PACK, Kind.CONTENT):
        return f"; {', '.join(sorted(unread))} may need more of it than is named, since the manifests there cannot be verified"
    return ""


def strangers(scratch: Scratch, url: str, add: Callable[[Finding], None]) -> None:
    """Findings about what nothing accounts for."""
    sql = "SELECT key, kind FROM things WHERE skip = ? ORDER BY key"
    for key, kind in scratch.rows(sql, CheckOutcome.UNEXPECTED):
        if kind == Kind.LITTER:
            add(Finding(Code.LITTER, f"{url}: {key}", "was left by an operating system; it may be removed"))
        else:
            add(Finding(Code.UNEXPECTED, f"{url}: {key}", "nothing says that it should be there; see where it came from"))
