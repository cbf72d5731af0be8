"""What a repair says in the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom.core.findings import Code, Finding, exit_status
from strongroom.core.plural import plural


@dataclass(frozen=True, slots=True)
class StoreRepair:
    """One store: keys by what became of them."""

    store: str  # URL
    suspects: int
    sound: int  # on a second look
    repaired: tuple[str, ...]  # keys that hold sound bytes now (a generation, where a damaged one is there)
    left: tuple[str, ...]  # keys of which nothing sound is within reach
    rescued: tuple[str, ...] = ()  # new packs, and contents by themselves, of what is left of packs that cannot be made whole


@dataclass(frozen=True, slots=True)
class RepairReport:
    """The outcome of one run. `lost`: payload files of which no sound copy is within reach, "NAME/vN: data/path"."""

    stores: tuple[StoreRepair, ...]
    lost: int
    findings: tuple[Finding, ...]
    unreachable: bool = False

    @property
    def exit_status(self) -> int:
        return exit_status(self.findings, Code.UNREADABLE, undone=self.unreachable)

    @property
    def repaired(self) -> int:
        return sum(len(one.repaired) for one in self.stores)

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/repair-report.schema.json."""
        return {
            "format": "strongroom-repair-report/1",
            "stores": [
                {"store": one.store, "suspects": one.suspects, "sound": one.sound, "repaired": list(one.repaired), "left": list(one.left),
                 "rescued": list(one.rescued)}
                for one in self.stores
            ],
            "lost_files": self.lost,
            "findings": [finding.to_json() for finding in self.findings],
        }

    def summary(self) -> list[str]:
        """The lines a person reads."""
        lines = [
            f"{one.store}: {one.suspects} unsound or not to be read by the last audit; {len(one.repaired)} repaired, {one.sound} sound "
            f"when looked at again, {len(one.left)} left"
            + (f"; what was left of packs went into {plural(len(one.rescued), 'new object')}" if one.rescued else "")
            for one in self.stores if one.suspects
        ]
        if self.lost:
            lines.append(f"{plural(self.lost, 'payload file is', 'payload files are')} lost in every store within reach; "
                         "the findings name them")
        return lines or ["Nothing is known to be unsound."]
