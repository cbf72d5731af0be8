"""What is asked of a withdrawal, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from strongroom.core.digests import Digest
from strongroom.core.findings import Finding, has_errors
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size
from strongroom.core.tombstone import Action


@dataclass(frozen=True, slots=True)
class WithholdRequest:
    """Contents to be withheld, or (`action` lift) not any more: by digest, by what bags have at paths, or whole bags.

    `name` without `version`: every bag of the collection. `paths` are globs; none means every file.
    """

    action: Action
    reason: str
    name: str | None = None
    version: int | None = None
    paths: tuple[str, ...] = ()
    digests: tuple[Digest, ...] = ()
    agents: tuple[str, ...] = ()  # persons and institutions


@dataclass(frozen=True, slots=True)
class Shared:
    """A bag that was not asked about and has some of the contents; the first of its files that do."""

    bag: str
    files: int
    paths: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"bag": self.bag, "files": self.files, "paths": list(self.paths)}


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be done."""

    action: Action
    contents: int  # of which tombstones are to be made
    bytes: int  # of those whose length is known
    already: int  # contents that are as they should be
    asked: tuple[Shared, ...]  # the bags that were asked about
    shared: tuple[Shared, ...]  # the others

    def summary(self) -> list[str]:
        verb = "to be withheld" if self.action is Action.WITHHOLD else "not to be withheld any more"
        already = f"; {plural(self.already, 'is', 'are')} already" if self.already else ""
        lines = [f"{plural(self.contents, 'content')} ({human_size(self.bytes)}) {verb}{already}"]
        lines += [line for bag in self.asked for line in _lines(bag, "asked for")]
        lines += [line for bag in self.shared for line in _lines(bag, "SHARED WITH")]
        return lines


@dataclass(frozen=True, slots=True)
class Locked:
    """An object that holds what was withheld, and that its store keeps."""

    store: str  # URL
    key: str
    until: str  # UTC, or what must happen first
    mode: str | None  # "compliance": nobody removes it before; "governance": nobody without permission to bypass it; None: a legal hold

    def to_json(self) -> dict[str, Any]:
        return {"store": self.store, "key": self.key, "until": self.until, "mode": self.mode}


@dataclass(frozen=True, slots=True)
class WithholdReport:
    """What was done: tombstones made, and the stores that have them now."""

    plan: Plan
    done: bool
    stores: tuple[str, ...] = ()  # URLs
    waiting: tuple[str, ...] = ()  # stores with such bags that are not attached: `due` brings the tombstones there
    findings: tuple[Finding, ...] = field(default=())
    locked: tuple[Locked, ...] = ()

    @property
    def exit_status(self) -> int:
        return 1 if has_errors(self.findings) else 0

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/withhold-report.schema.json."""
        plan = self.plan
        return {
            "format": "strongroom-withhold-report/1", "action": plan.action.value, "done": self.done, "contents": plan.contents,
            "bytes": plan.bytes, "already": plan.already, "asked": [one.to_json() for one in plan.asked],
            "shared": [one.to_json() for one in plan.shared], "locked": [one.to_json() for one in self.locked],
            "stores": list(self.stores), "waiting": list(self.waiting),
            "findings": [finding.to_json() for finding in self.findings],
        }

    def summary(self) -> list[str]:
        """The lines a person reads in the end."""
        if not self.done:
            return ["nothing was done"]
        if not self.plan.contents:
            state = "withheld already" if self.plan.action is Action.WITHHOLD else "not withheld"
            return [f"{plural(self.plan.already, 'content is', 'contents are')} {state}; nothing was to be done"]
        what = "withheld" if self.plan.action is Action.WITHHOLD else "not withheld any more"
        contents = plural(self.plan.contents, "content is", "contents are")
        lines = [f"{contents} {what} in {', '.join(self.stores) or 'no store that is attached'}"]
        lines += [f"{url} is not attached; `strongroom due` brings the tombstones there when it is" for url in self.waiting]
        if self.plan.action is Action.WITHHOLD:
            lines.append("their bytes are still stored; `strongroom sweep` removes them")
            for store in dict.fromkeys(one.store for one in self.locked):
                dates = [one.until for one in self.locked if one.store == store]
                lines.append(f"  but not those in {plural(len(dates), 'object')} of {store}, which are locked, the last until {max(dates)}")
        return lines


def _lines(bag: Shared, what: str) -> list[str]:
    more = bag.files - len(bag.paths)
    return [f"  {what} {bag.bag}: {path.removeprefix('data/')}" for path in bag.paths] + (
        [f"  {what} {bag.bag}: and {plural(more, 'more file')}"] if more else [])
