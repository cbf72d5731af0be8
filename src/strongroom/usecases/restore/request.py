"""What is asked of a restore, and what it answers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from strongroom.core import canonical
from strongroom.core.digests import Digest
from strongroom.core.findings import Code, Finding, has_errors
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size
from strongroom.core.warmth import Thawing

#: Findings that tell of damage in a store.
_DAMAGE: Final = frozenset({
    Code.CONTENT_DAMAGED, Code.CONTENT_MISSING, Code.UNREADABLE, Code.COPY_DAMAGED, Code.TAG_FILE_DAMAGED, Code.TAG_FILE_MISSING,
})


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """NAME or NAME/vN to DEST.

    `paths` (globs) and `into` imply `payload_only`: part of a bag is not a bag, and what is put back into a folder is its files.
    """

    name: str
    dest: Path
    version: int | None = None  # None: the latest
    payload_only: bool = False
    paths: tuple[str, ...] = ()
    source: str | None = None  # URL of the store to read from first
    into: bool = False
    seal: Digest | None = None  # which bag, where a label is forked
    thawing: Thawing = field(default_factory=Thawing)  # of what lies in cold storage classes

    @property
    def whole(self) -> bool:
        """Whether the result is a BagIt bag."""
        return not (self.payload_only or self.paths or self.into)

    def identity(self, seal: Digest) -> str:
        """16 hexadecimal digits that are the same for the same request about the same bag, so that only its own rerun resumes it."""
        value = {"seal": seal.hex, "whole": self.whole, "paths": sorted(self.paths), "into": self.into}
        return hashlib.sha256(canonical.dumps(value)).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """How a restore ended. `complete`: everything asked for lies at `result`. Otherwise `result` is where the rest was put, or None."""

    bag: str
    whole: bool  # a BagIt bag was asked for
    of: int  # files of the bag
    seal: str
    dest: str
    complete: bool
    result: str | None
    files: int  # asked for
    written: int
    present: int  # were there already, and sound
    different: int  # were left alone because something else stands in their place
    lost: int  # could not be had, or not be written
    withheld: int  # taken down on purpose, and left out: a bag without them is incomplete
    bytes: int  # of all files asked for
    folders: int
    links: int
    stores: tuple[str, ...]  # that were read from
    findings: tuple[Finding, ...]

    @property
    def exit_status(self) -> int:
        return 1 if has_errors(self.findings) else 0

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/restore-report.schema.json."""
        return {
            "format": "strongroom-restore-report/1", "bag": self.bag, "seal": self.seal, "destination": self.dest,
            "complete": self.complete, "result": self.result, "files": self.files, "of": self.of, "written": self.written,
            "present": self.present, "different": self.different, "lost": self.lost, "withheld": self.withheld,
            "bytes": self.bytes, "folders": self.folders, "links": self.links, "stores": list(self.stores),
            "findings": [finding.to_json() for finding in self.findings],
        }

    def summary(self) -> list[str]:
        """Lines for people."""
        counts = [f"{self.written:,} written"]
        if self.present:
            counts.append(f"{self.present:,} there already, and sound")
        if self.different:
            counts.append(f"{self.different:,} left alone because something else stands in their place")
        if self.lost:
            counts.append(f"{self.lost:,} lost")
        if self.withheld:
            counts.append(f"{self.withheld:,} withheld and left out" + (", so that this is an incomplete bag" if self.whole else ""))
        lines = [self._headline(), f"{plural(self.files, 'file')}, {human_size(self.bytes)}: {', '.join(counts)}"]
        if any(finding.code in _DAMAGE for finding in self.findings):
            then = "" if self.complete else ", and the same restore then brings the rest"
            lines.append(f"a restore notes and heals no damage: `strongroom audit {self.bag}` notes it, `strongroom repair` heals what it "
                         f"can{then}")
        return lines

    def _headline(self) -> str:
        what = self.bag if self.files == self.of else f"{self.files:,} of the {plural(self.of, 'file')} of {self.bag}"
        are = "is" if what == self.bag or self.files == 1 else "are"
        if self.complete:
            return f"{what} {are} restored to {self.result}"
        if self.result is None:
            return f"{self.bag} was not restored"
        return f"{what} could not be restored whole; what could be had lies in {self.result}"
