"""Who may see what: the one rule for everything that shows collections to people, be it a page, a report, a search or a comparison.

A collection is shown to everybody if its newest settings say that it is open and under no embargo: those of its newest sealed bag and those
of its collection manifest as it stands now, **both**. They hold for every version of it. What cannot be learned is not shown.

A content that a shown and a hidden collection share may be shown as the shown one's, and never tells of the other: ask `shown_names` first,
and speak only of what those collections hold.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from strongroom.catalogue import BagRow, Catalogue
from strongroom.catalogue.access import note_access, noted_access
from strongroom.collections.model import Access
from strongroom.core.digests import Digest
from strongroom.core.errors import StrongroomError
from strongroom.core.findings import Code, Finding
from strongroom.core.plural import plural
from strongroom.usecases.context import Context
from strongroom.usecases.replicate.keep import open_kept
from strongroom.usecases.sealed.bag import open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Known, known_bags
from strongroom.usecases.sealed.places import Places, Target
from strongroom.usecases.status.manifests import all_manifests


@dataclass(frozen=True, slots=True)
class Statement:
    """What one source says of access; `level` and `embargo_until` as they are written there, whoever wrote them."""

    source: str  # for people: "mysite/v3", or the path of a collection manifest
    level: str | None  # None: it could not be read
    embargo_until: str | None = None  # "2031-01-31"


@dataclass(frozen=True, slots=True)
class Visibility:
    """Everything that is known of access to one collection; every statement must let it pass."""

    name: str
    statements: tuple[Statement, ...]

    def reasons(self, today: date) -> tuple[str, ...]:
        """Why it is shown to nobody, a sentence each; none: it is shown to everybody. For the curator's eyes only."""
        if not self.statements:
            return ("nothing is known of who may see it",)
        return tuple(f"{one.source}: {why}" for one in self.statements if (why := _why_not(one.level, one.embargo_until, today)))

    def is_shown(self, today: date) -> bool:
        """Whether everybody may see it."""
        return not self.reasons(today)


def today() -> date:
    """The day it is: the earlier of that in UTC and that where this machine says it is, so that no embargo ends some hours too soon.

    A clock that was put back only hides more.
    """
    return min(datetime.now(UTC).date(), datetime.now().date())


def may_show(access: Access | None, today: date) -> bool:
    """Whether a collection with these settings may be shown to everybody on this day; None: they are not known."""
    return access is not None and _why_not(access.level, access.embargo_until, today) is None


def _why_not(level: str | None, embargo_until: str | None, today: date) -> str | None:
    if level is None:
        return "what it says of access cannot be read"
    if level != "open":
        return f"access is {level}"
    if embargo_until is None:
        return None
    try:
        until = date.fromisoformat(embargo_until)
    except ValueError:
        return f"an embargo until {embargo_until!r}, which is no date"
    return f"embargoed until {until}" if until > today else None


def visibilities(context: Context, collector: Collector | None = None) -> dict[str, Visibility]:
    """By name, every collection that has bags: what its newest bag (all of them, where it is forked) and its collection manifest say.

    What a bag says is read once, from what is kept at home or from the stores that hold it, and then remembered. What cannot be read is
    a finding, and such a collection is not shown.
    """
    collector = collector or Collector()
    known = known_bags(context)
    newest: dict[str, list[BagRow]] = {}
    for row in known.rows:  # by name and version
        here = newest.setdefault(row.bag.name, [])
        if here and here[0].bag != row.bag:
            here.clear()
        here.append(row)
    said = _sealed(context, known, [row for rows in newest.values() for row in rows], collector)
    files = _manifests(known)
    return {
        name: Visibility(name, (*(said[row.seal] for row in rows), *files.get(name, ()))) for name, rows in newest.items()
    }


def shown_names(context: Context, collector: Collector | None = None) -> frozenset[str]:
    """The collections that everybody may see today."""
    day = today()
    return frozenset(name for name, one in visibilities(context, collector).items() if one.is_shown(day))


def tellable(context: Context, key: str, markdown: str, about: str = "") -> tuple[str, str]:
    """What may be kept as an artifact of a run, where more people read than may see every collection: key and text. `about`: the
    collection that the run was over, where it was one.

    Lines that name a collection which is not shown to everybody are left out; of a run over such a one nothing is told but that it was.
    """
    known = known_bags(context)
    day = today()
    hidden = {name for name, one in visibilities(context).items() if not one.is_shown(day)}
    hidden |= {name for name, one in all_manifests(known, Collector()).items() if not may_show(one.access, day)}
    own = next((name for name in hidden if name == about or key == f"archive-{name}".replace("_", "-").replace(".", "-")), None)
    if own is not None:
        text = "# A run over a collection that not everybody may see\n\n`strongroom report` tells the curator what it did.\n"
        return "archive" if key.startswith("archive-") else key, text
    named = re.compile("|".join(rf"(?<![a-z0-9._-]){re.escape(name)}(?![a-z0-9_-])" for name in sorted(hidden)) or r"(?!)")
    lines = markdown.splitlines()
    told = [line for line in lines if not named.search(line)]
    if len(told) == len(lines):
        return key, markdown
    told += ["", f"Left out: {plural(len(lines) - len(told), 'line')} about collections that not everybody may see."]
    return key, "\n".join(told) + "\n"


def _sealed(context: Context, known: Known, rows: Iterable[BagRow], collector: Collector) -> dict[Digest, Statement]:
    rows = list(rows)
    if not rows:
        return {}
    found: dict[Digest, Statement] = {}
    with Catalogue.open(context.catalogue) as catalogue:
        noted = noted_access(catalogue, (row.seal for row in rows))
        for row in rows:
            if row.seal not in noted:
                document = _collection_json(context, known, row, collector)
                access = document.get("access") if isinstance(document, dict) else None
                level, until = (access.get("level"), access.get("embargo_until")) if isinstance(access, dict) else (None, None)
                if not isinstance(level, str) or not isinstance(until, str | None):
                    found[row.seal] = Statement(str(row.bag), None)
                    continue
                note_access(catalogue, row.seal, level, until)
                noted[row.seal] = level, until
            found[row.seal] = Statement(str(row.bag), *noted[row.seal])
    return found


def _collection_json(context: Context, known: Known, row: BagRow, collector: Collector) -> Any:
    places = Places(known.addresses([row]), collector, [open_kept(context)])
    try:
        with context.scratch("access") as scratch:
            return open_bag(Target(row.bag, row.seal, places), scratch, collector).document("metadata/collection.json")
    except StrongroomError as error:
        what = f"what it says of access could not be read, so its collection is shown to nobody: {error}"
        collector.add(Finding(Code.NOT_REACHED, str(row.bag), what))
        return None


def _manifests(known: Known) -> dict[str, list[Statement]]:
    """What the collection manifests say that can be found now. One that is there and cannot be read hides its collection: whoever made
    it stricter and mistyped something else did not mean to show it."""
    found = {
        name: [Statement(str(manifest.file), manifest.access.level, manifest.access.embargo_until)]
        for name, manifest in all_manifests(known, Collector()).items()
    }
    for row in known.collections:
        if row.manifest is not None and row.name not in found and _is_there(row.manifest):
            found[row.name] = [Statement(row.manifest, None)]
    return found


def _is_there(path: str) -> bool:
    """Whether a file may be there: one that cannot be looked at counts."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
