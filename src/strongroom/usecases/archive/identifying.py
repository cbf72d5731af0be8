"""Which contents of a batch are to be identified, and identifying them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from strongroom.core.formats import Format
from strongroom.database import Db
from strongroom.identify.process import IdentificationFailedError, identifier
from strongroom.usecases.archive.claims import Claims
from strongroom.usecases.given import GIVEN

_KNOWN: Final = (
    GIVEN + "SELECT f.sha256, f.extension FROM given g JOIN formats f ON f.sha256 = g.sha256 "  # noqa: S608 -- constants
    "JOIN verdicts v ON v.number = f.verdict WHERE v.signatures = ?2"
)


@dataclass(slots=True)
class Identified:
    """What was found. `rows`: (SHA-256, extension, verdict); `failed`: (SHA-256, why there is none)."""

    rows: list[tuple[bytes, str, Format]] = field(default_factory=list)
    failed: list[tuple[bytes, str]] = field(default_factory=list)


class Identification:
    """The identification of one batch's contents: each content once for each extension, and only if these signatures did not yet."""

    def __init__(self, catalogue: Db, claims: Claims, scratch: Path) -> None:
        self._catalogue, self._claims, self._scratch = catalogue, claims, scratch
        self._verdicts: dict[Format, Format] = {}  # few, so that one object stands for equal ones on the way to the parent
        self.found = Identified()

    def wanted(self, pairs: Iterable[tuple[bytes, str]]) -> list[tuple[bytes, str]]:
        """Those of the (SHA-256, extension) that are this batch's to identify."""
        pairs = list(pairs)
        if not pairs:
            return []
        contents = b"".join(dict.fromkeys(sha256 for sha256, _ in pairs))
        known = set(self._catalogue.execute(_KNOWN, (contents, identifier().signatures(self._scratch))))
        keys = {hashlib.sha256(sha256 + extension.encode()).digest(): (sha256, extension) for sha256, extension in pairs
                if (sha256, extension) not in known}
        return [keys[key] for key in sorted(self._claims.claim(keys))]

    def identify(self, contents: Sequence[tuple[bytes, str, bytes | int]]) -> None:
        """(SHA-256, extension, content): its bytes, or the descriptor of a file that holds them."""
        answers = identifier().identify_all([(content, extension) for _, extension, content in contents], self._scratch)
        for (sha256, extension, _), answer in zip(contents, answers, strict=True):
            verdict: Format | None
            if isinstance(answer, IdentificationFailedError):
                self.found.failed.append((sha256, str(answer)))
                verdict = answer.verdict
            else:
                verdict = answer
            if verdict is not None:
                self.found.rows.append((sha256, extension, self._verdicts.setdefault(verdict, verdict)))
