"""What an audit says in the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from strongroom.core.findings import Code, Finding, Severity, exit_status
from strongroom.core.outcomes import CheckOutcome
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size, percent, share_of

_NOT_READ: Final = (Code.UNREACHABLE, Code.UNREADABLE)  # stores, and objects of stores that answer


@dataclass(frozen=True, slots=True)
class Dependent:
    """A bag that needs what is damaged or missing."""

    bag: str  # NAME/vN
    files: int  # payload files of it that are concerned; 0 where the object is none of the payload
    paths: tuple[str, ...]  # of those, in order; at most PATHS


@dataclass(frozen=True, slots=True)
class Unsound:
    """An object that is damaged or missing."""

    key: str
    outcome: CheckOutcome
    expected: str | None  # SHA-256 in hexadecimal
    found: str | None
    first: str | None  # what the first look found
    size: int | None  # bytes
    reason: str
    contents: int  # payload contents that are lost in this store with it
    repaired: bool  # another generation is sound
    bags: tuple[Dependent, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "key": self.key, "outcome": self.outcome.value, "expected": self.expected, "found": self.found, "first_found": self.first,
            "size": self.size, "reason": self.reason, "contents": self.contents, "repaired": self.repaired,
            "bags": [{"bag": one.bag, "files": one.files, "paths": list(one.paths)} for one in self.bags],
        }


@dataclass(frozen=True, slots=True)
class StoreAudit:
    """One store. Sizes in bytes."""

    url: str
    id: str | None
    reached: bool
    problem: str | None  # why it was not, or not to the end
    seq: int | None  # number of this audit of the store; None in quick mode
    outcomes: Mapping[CheckOutcome, int]  # keys, of those looked at in this run and those that are not to be read
    bytes_read: int
    listed: int  # keys
    listed_bytes: int
    left: int  # units (a pack with its index is one) of this round that are left for the next run
    never_read: int  # keys
    max_age_days: float | None  # as asked for, or as the collection manifests say
    recent_bytes: int  # read within max_age_days; ever, where there is no such limit
    oldest_read: str | None  # UTC, when that was read which is unread longest; None if something was never read
    unsound: tuple[Unsound, ...] = ()
    more_unsound: int = 0  # not listed one by one

    def to_json(self) -> dict[str, Any]:
        return {
            "url": self.url, "id": self.id, "reached": self.reached, "problem": self.problem, "seq": self.seq,
            "outcomes": {outcome.value: self.outcomes.get(outcome, 0) for outcome in CheckOutcome},
            "bytes_read": self.bytes_read, "listed": self.listed, "listed_bytes": self.listed_bytes, "left": self.left,
            "never_read": self.never_read, "max_age_days": self.max_age_days, "recent_bytes": self.recent_bytes,
            "recent_share": self.recent_share, "oldest_read": self.oldest_read,
            "unsound": [one.to_json() for one in self.unsound], "more_unsound": self.more_unsound,
        }

    @property
    def recent_share(self) -> float:
        """The share of the store's bytes that was read within max_age_days; 1 only if all were."""
        return share_of(self.recent_bytes, self.listed_bytes)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The outcome of one run over one or several stores."""

    mode: str  # "full" or "quick"
    scope: str  # "", NAME or NAME/vN
    max_age_days: float | None  # as asked for; None: each store as the collection manifests say
    stores: tuple[StoreAudit, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def exit_status(self) -> int:
        """1 if something is damaged or missing, 3 if a store did not answer or something could not be read, unless 1 applies as well."""
        return exit_status(self.findings, *_NOT_READ)

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/audit-report.schema.json."""
        return {
            "format": "strongroom-audit-report/1", "mode": self.mode, "scope": self.scope or None, "max_age_days": self.max_age_days,
            "stores": [store.to_json() for store in self.stores], "findings": [finding.to_json() for finding in self.findings],
            "notes": list(self.notes),
        }

    def summary(self) -> list[str]:
        """The lines a person reads."""
        lines = [self._headline()]
        for store in self.stores:
            lines += self._store(store)
        return lines + [f"  note      {note}" for note in self.notes]

    def _headline(self) -> str:
        errors = sum(1 for finding in self.findings if finding.severity is Severity.ERROR and finding.code not in _NOT_READ)
        verdict = "not everything could be read" if self.exit_status else "all is sound"
        verdict = "something is damaged, missing or forked" if errors else verdict
        if self.mode == "quick":
            verdict = verdict if self.exit_status else "nothing is amiss so far as that shows"
            return f"Quick audit (listing, sizes and checksums the stores keep; no byte was read): {verdict}."
        beside = any(store.outcomes.get(one) for store in self.stores for one in (CheckOutcome.DAMAGED, CheckOutcome.UNREADABLE))
        but = "; beside what is damaged or cannot be read lies a sound copy" if beside else ""
        return f"Audit: {verdict}{'' if self.exit_status else ' of what was read' + but}."

    def _store(self, store: StoreAudit) -> list[str]:
        lines = [store.url]
        if store.problem is not None:
            lines.append(f"  unreachable: {store.problem}")
        if not store.reached:
            return lines
        counts = [f"{count:,} {outcome.value}" for outcome, count in store.outcomes.items() if count]
        lines.append(f"  there     {plural(store.listed, 'object')}, {human_size(store.listed_bytes)}")
        lines.append(f"  looked at {', '.join(counts) or 'nothing'}")
        if self.mode == "full":
            left = f"; {plural(store.left, 'object is', 'objects are')} left for the next run" if store.left else ""
            lines.append(f"  read      {human_size(store.bytes_read)}{left}")
        age = f"within {store.max_age_days:g} days" if store.max_age_days is not None else "at some time"
        never = f"{plural(store.never_read, 'object was', 'objects were')} never read"
        oldest = f"longest unread since {store.oldest_read}" if store.oldest_read else never
        lines.append(f"  policy    {percent(store.recent_share, 1)} of the bytes were read {age}; {oldest}")
        return lines

    def markdown(self) -> str:
        """The same for a run's artifacts."""
        shown = "\n".join(f"* `{str(finding).replace('`', chr(39))}`" for finding in self.findings[:50])
        return f"# {self._headline()}\n\n" + "\n".join(f"    {line}" for line in self.summary()[1:]) + f"\n\n{shown}\n"
