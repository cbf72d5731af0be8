"""What is said of checksums that a provider computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from strongroom.core.findings import Code, Finding, exit_status
from strongroom.core.outcomes import CheckOutcome
from strongroom.core.plural import plural
from strongroom.core.prices import dollars
from strongroom.core.sizes import human_size

#: nothing: nothing is cold. priced: nothing was asked for. running: come again. failed: the job ended without a report. compared: done.
Step = Literal["nothing", "priced", "running", "failed", "compared"]


@dataclass(frozen=True, slots=True)
class BatchReport:
    store: str  # URL
    step: Step
    objects: int
    bytes: int
    price: float | None  # dollars, estimated
    basis: str  # of that estimate
    job: str | None
    status: str | None  # as the provider says it
    outcomes: Mapping[CheckOutcome, int]
    findings: tuple[Finding, ...]

    @property
    def exit_status(self) -> int:
        undone = self.step in ("priced", "running", "failed")
        return exit_status(self.findings, Code.UNREADABLE, Code.BATCH_FAILED, undone=undone)

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/batch-report.schema.json."""
        return {
            "format": "strongroom-batch-report/1", "store": self.store, "step": self.step, "objects": self.objects, "bytes": self.bytes,
            "price": self.price, "basis": self.basis, "job": self.job, "status": self.status,
            "outcomes": {outcome.value: count for outcome, count in self.outcomes.items()},
            "findings": [finding.to_json() for finding in self.findings],
        }

    def summary(self) -> list[str]:
        what = f"{plural(self.objects, 'object')} ({human_size(self.bytes)})"
        price = "" if self.price is None else f"about {dollars(self.price)}, by {self.basis}"
        match self.step:
            case "nothing":
                return [f"{self.store}: nothing lies in a cold storage class"]
            case "priced":
                return [f"{self.store}: {what} to be read where they lie: {price}. Nothing was asked for, and nothing was spent",
                        "the same command with --yes-spend has the job made"]
            case "running":
                return [f"{self.store}: job {self.job} over {what} is {self.status}; run the same command again to read its report"]
            case "failed":
                return [f"{self.store}: job {self.job} over {what} ended as {self.status}; run the same command again for another"]
        counts = ", ".join(f"{count:,} {outcome.value}" for outcome, count in self.outcomes.items() if count)
        return [f"{self.store}: job {self.job}: checksums of {what} were computed by the provider and compared here: {counts or 'nothing'}"]
