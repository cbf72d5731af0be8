"""What is asked of an import."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from strongroom.unpacking.limits import Limits


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """`bags`: bags, serialised or not, and folders of bags; absolute. `stores`, `settings` or the name of a known collection is needed."""

    bags: tuple[Path, ...]
    stores: tuple[str, ...] = ()  # URLs; they replace those of `settings`
    settings: Path | None = None  # of a collection manifest without `collection` and `source`: what the imported share
    collection: str | None = None  # whose next version each bag becomes; None: one of its own, or that of its External-Identifier
    staging: Path | None = None  # where serialised bags are unpacked; None: below STRONGROOM_HOME
    limits: Limits = field(default_factory=Limits)
    fetched: bool = False  # take a bag with a fetch.txt of which everything was fetched
    replicas: bool = True
