"""What the file system restored to cannot hold: found by trying, never by its name."""

from __future__ import annotations

import contextlib
import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.core.findings import Code, Finding
from strongroom.usecases.restore.plan import SKIPPED, Plan
from strongroom.usecases.sealed.collector import Collector

_PROBE: Final = ".strongroom-probe-\u00e4"
_TIME: Final = 1_234_567_890_123_456_789


@dataclass(frozen=True, slots=True)
class Limits:
    ignores_case: bool
    ignores_normalisation: bool  # takes "ä" composed and decomposed for one name
    modes: bool
    nanoseconds: bool
    links: bool

    @property
    def one_name_each(self) -> bool:
        return not (self.ignores_case or self.ignores_normalisation)

    def fold(self, target: bytes) -> bytes:
        """What this file system may take two names for one by: equal results mean the same file."""
        text = target.decode("utf-8", "surrogateescape")
        if self.ignores_normalisation:
            text = unicodedata.normalize("NFD", text)
        if self.ignores_case:
            text = text.casefold()
        return text.encode("utf-8", "surrogateescape")


def probe(folder: Path) -> Limits:
    """Try the file system that `folder` lies on, leaving nothing behind. Raises OSError if nothing can be written there at all."""
    plain = folder / ".strongroom-probe"
    link = folder / ".strongroom-probe-link"
    try:
        plain.touch(mode=0o600)
        plain.chmod(0o440)
        modes = plain.stat().st_mode & 0o777 == 0o440
        plain.chmod(0o600)
        os.utime(plain, ns=(_TIME, _TIME))
        nanoseconds = plain.stat().st_mtime_ns == _TIME
        ignores_case = plain.with_name(plain.name.upper()).exists()
        with contextlib.suppress(OSError):
            link.symlink_to("nowhere")
        links = link.is_symlink()
        return Limits(ignores_case, _ignores_normalisation(folder), modes, nanoseconds, links)
    finally:
        plain.unlink(missing_ok=True)
        link.unlink(missing_ok=True)


def _ignores_normalisation(folder: Path) -> bool:
    composed = folder / _PROBE
    try:
        composed.touch(mode=0o600)
    except OSError:
        return False  # cannot hold the name at all, which each such file will show
    try:
        return (folder / unicodedata.normalize("NFD", _PROBE)).exists()
    finally:
        composed.unlink(missing_ok=True)


def apply(limits: Limits, plan: Plan, collector: Collector, dest: Path) -> None:
    """Say what the destination cannot hold, and leave out of the plan every file that would land on another one."""
    if not limits.modes and plan.one("SELECT count(*) FROM file WHERE mode IS NOT NULL"):
        collector.add(Finding(Code.RESTORE_LIMIT, str(dest), "this file system keeps no permissions: what is restored has none of its own"))
    if not limits.nanoseconds:
        collector.add(Finding(Code.RESTORE_LIMIT, str(dest), "this file system does not keep times to the nanosecond: they are rounded"))
    if not limits.links:
        for path, points in plan.db.execute("SELECT path, points FROM link"):
            what = f"this file system has no symbolic links; it pointed to {os.fsdecode(points)!r}"
            collector.add(Finding(Code.RESTORE_LIMIT, path, what))
        plan.db.execute("DELETE FROM link")
    if limits.one_name_each:
        return
    plan.db.create_function("fold", 1, limits.fold, deterministic=True)
    with plan.transaction() as db:
        db.execute("CREATE TEMP TABLE taken (name BLOB PRIMARY KEY, path TEXT) WITHOUT ROWID")
        db.execute("INSERT OR IGNORE INTO taken SELECT fold(target), path FROM file ORDER BY id")
        db.execute(
            "CREATE TEMP TABLE clash AS SELECT f.id AS id, f.path AS path, t.path AS other FROM file f "
            "JOIN taken t ON t.name = fold(f.target) WHERE t.path != f.path")
        for path, other in db.execute("SELECT path, other FROM clash ORDER BY id"):
            what = f"this file system takes its name for that of {other}; restore to another one"
            collector.add(Finding(Code.RESTORE_REFUSED, path, what))
        db.execute("UPDATE file SET state = ? WHERE id IN (SELECT id FROM clash)", (SKIPPED,))
        db.execute("DROP TABLE clash")
        db.execute("DROP TABLE taken")
