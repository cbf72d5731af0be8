"""Replicate, audit, repair, and extend locks: what one runs after plugging a disk in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from strongroom.collections.model import CollectionManifest
from strongroom.core.findings import Finding
from strongroom.runner.interface import Runner
from strongroom.usecases.context import Context
from strongroom.usecases.repair.report import RepairReport
from strongroom.usecases.repair.run import repair
from strongroom.usecases.replicate.report import ReplicateReport
from strongroom.usecases.replicate.run import replicate
from strongroom.usecases.retain.report import RetainReport
from strongroom.usecases.retain.run import retain


class Audited(Protocol):
    """What an audit answers, as far as this goes."""

    @property
    def exit_status(self) -> int: ...
    def to_json(self) -> dict[str, Any]: ...
    def summary(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class DueReport:
    """The reports of what was done, in the order in which it was done."""

    replicate: ReplicateReport
    audits: tuple[Audited, ...]
    repair: RepairReport
    retain: RetainReport

    @property
    def exit_status(self) -> int:
        """That of the whole. Damage that the audit found and the repair healed is no error any more."""
        statuses = [self.replicate.exit_status, self.repair.exit_status, self.retain.exit_status]
        audited = [one.exit_status for one in self.audits]
        statuses += [status for status in audited if status != 1 or not self.repair.repaired]
        return next((status for status in (1, 3) if status in statuses), 0)

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/due-report.schema.json."""
        return {
            "format": "strongroom-due-report/1", "replicate": self.replicate.to_json(), "audits": [one.to_json() for one in self.audits],
            "repair": self.repair.to_json(), "retain": self.retain.to_json(),
        }

    def summary(self) -> list[str]:
        """The lines a person reads."""
        kept = self.retain.summary() if self.retain.stores else []
        return [*self.replicate.summary(), *(line for one in self.audits for line in one.summary()), *self.repair.summary(), *kept]


def due(
    manifests: Sequence[CollectionManifest], context: Context, runner: Runner, *, spool_bytes: int = 0, from_source: bool = False,
    findings: Sequence[Finding] = (),
) -> DueReport:
    """Bring what is behind, read what is due, heal what is unsound, bring what that made possible, extend locks. Raises StoreError."""
    first = replicate(manifests, context, runner, spool_bytes=spool_bytes, findings=findings)
    audits = [_audit(context, runner)]
    healed = repair(context, runner, manifests=manifests if from_source else ())
    if healed.repaired and any(line.attached and line.waiting for line in first.lines):
        first = replicate(manifests, context, runner, spool_bytes=spool_bytes, findings=findings)
    return DueReport(first, tuple(audits), healed, retain(context, runner, only_due=True))


def _audit(context: Context, runner: Runner) -> Audited:
    from strongroom.usecases.audit.request import AuditRequest  # noqa: PLC0415 -- as late as it is needed
    from strongroom.usecases.audit.run import audit  # noqa: PLC0415

    report: Audited = audit(AuditRequest(), context, runner)
    return report
