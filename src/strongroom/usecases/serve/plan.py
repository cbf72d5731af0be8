"""From collection manifests to a list of scheduled jobs. Nothing of an engine is known here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from strongroom.collections.cron import check_cron
from strongroom.collections.load import manifests_folder
from strongroom.collections.model import CollectionManifest
from strongroom.core.errors import UsageError
from strongroom.core.findings import Finding
from strongroom.usecases.context import Context
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import known_bags
from strongroom.usecases.status.manifests import all_manifests

#: When `due` runs, unless the person says otherwise: daily, in the time zone of the first collection that has a schedule.
DUE: Final = "0 5 * * *"


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One job at its times. `parameters` are those of the flow `job`."""

    job: str  # "archive", "audit" or "due"
    name: str  # of the collection; unique for each job
    cron: str
    timezone: str
    parameters: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.job} {self.name}: {self.cron} ({self.timezone})"


def plan(context: Context, *, due: str | None = DUE) -> tuple[list[Scheduled], tuple[Finding, ...]]:
    """The jobs of all collections: those of the manifests folder, and those that were archived from elsewhere; and what kept some out.

    `due`: when to run it over all of them, None for never. Raises UsageError if no collection has a schedule.
    """
    collector = Collector()
    manifests = [manifest for _, manifest in sorted(all_manifests(known_bags(context), collector).items())]
    jobs = [job for manifest in manifests for job in _jobs(manifest)]
    if not jobs:
        told = "".join(f"\n{finding}" for finding in collector.findings())
        raise UsageError(
            f"no collection has a schedule: {len(manifests)} collection manifests were looked at, those in {manifests_folder().absolute()} "
            f"and those that were archived from. Put `schedule: 0 3 * * *` into one to have it archived every night at three{told}"
        )
    if due is not None:
        try:
            check_cron(due)
        except ValueError as error:
            raise UsageError(f"--due: expected {error}, found {due!r}") from error
        jobs.append(Scheduled("due", "all", due, jobs[0].timezone, {"quiet": True}))
    return jobs, collector.findings()


def _jobs(manifest: CollectionManifest) -> Iterator[Scheduled]:
    schedule = manifest.schedule
    if schedule.archive and manifest.mode != "closed":
        parameters = {"collection": manifest.name, "manifest": str(manifest.file), "quiet": True}
        yield Scheduled("archive", manifest.name, schedule.archive, schedule.timezone, parameters)
    urls = list(dict.fromkeys(store.url for store in manifest.stores if not store.offline))
    if schedule.audit and urls:  # those marked `offline` are left to `due`: they are seldom there
        parameters = {"name": manifest.name, "stores": urls, "quiet": True}
        yield Scheduled("audit", manifest.name, schedule.audit, schedule.timezone, parameters)
