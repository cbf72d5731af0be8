"""What an audit is asked to do."""

from __future__ import annotations

from dataclasses import dataclass

from strongroom.core.errors import UsageError
from strongroom.core.ids import BagId, check_collection_name


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """Which stores and bags, how thoroughly, and how much of it in this run."""

    name: str | None = None  # a collection: only what its bags need
    version: int | None = None  # … this one of them
    stores: tuple[str, ...] = ()  # URLs; none: every store the catalogue knows
    quick: bool = False  # listing, sizes and store-held checksums; no byte is read
    max_bytes: int | None = None  # a store; the last object may overrun it
    max_minutes: float | None = None  # a store
    max_age_days: float | None = None  # read only what was not read within so many days
    everything: bool = False  # whatever the collection manifests say of ages and budgets; else they hold where no limit is given here
    reread_days: float | None = None  # read it after so many days already; None: after max_age_days

    def __post_init__(self) -> None:
        if self.name is not None:
            check_collection_name(self.name)
        if self.version is not None:
            BagId(self.name or "", self.version)
        for limit in (self.max_bytes, self.max_minutes, self.max_age_days):
            if limit is not None and limit <= 0:
                raise UsageError(f"a limit must be above 0, not {limit}")

    @property
    def scope(self) -> str:
        """As the catalogue names it: "", NAME or NAME/vN."""
        return (self.name or "") + (f"/v{self.version}" if self.version is not None else "")

    @property
    def limited(self) -> bool:
        """Whether one run may leave something for the next."""
        return self.max_bytes is not None or self.max_minutes is not None
