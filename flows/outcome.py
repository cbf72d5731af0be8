"""How a flow run ends: Completed, or Failed in so many words when the report holds findings of severity error."""

from __future__ import annotations

from typing import Any, Protocol

from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from strongroom.core.findings import printable


class Report(Protocol):
    """What a use case gives back, as far as a flow cares."""

    @property
    def exit_status(self) -> int:
        """What the command exits with: 0 when all is well."""

    def summary(self) -> list[str]:
        """Lines for people."""


def outcome(report: Report) -> State[Any]:
    """The final state of a flow run that ended with `report`, which it carries without keeping it in Prefect."""
    message = printable("; ".join(line.strip() for line in report.summary()))[:1000]
    return Failed(message=message, data=report) if report.exit_status else Completed(message=message, data=report)
