"""What is asked of a page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PageRequest:
    file: Path  # where the page goes; replaced if it is there
    name: str | None = None  # the one collection it is about
    curator: bool = False  # also what may not be shown to everybody
    attestations: Path | None = None  # None: attestations.yaml among the collection manifests, if there is one
    since: str | None = None  # UTC: runs and logged events from then on
    log: bool = False  # read the logs of the stores
