"""One step of a batch job each time: price it, have it made, ask how it goes, read its report, compare, and record that."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from strongroom.catalogue import Catalogue
from strongroom.catalogue.checks import AuditRow, begin_audit, end_audit, mark_objects, record_checks, record_reading
from strongroom.core.checksums import Job, parse_report
from strongroom.core.errors import InvalidValueError, NotFoundInStoreError, StoreRefusedError, StrongroomError, UsageError, WrongStoreError
from strongroom.core.events import AGENT, Event, EventType, Outcome, utc_now
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import new_id
from strongroom.core.keys import StoreKey, is_bulk
from strongroom.core.outcomes import CheckOutcome
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size
from strongroom.core.warmth import FROZEN
from strongroom.runner.interface import Runner
from strongroom.stores.describe import read_description
from strongroom.stores.interface import Store
from strongroom.stores.open import S3Location, StoreOptions, open_batch, parse_url
from strongroom.usecases import log
from strongroom.usecases.audit.kinds import name_of
from strongroom.usecases.audit.published import publish
from strongroom.usecases.batch.compare import Comparison
from strongroom.usecases.batch.report import BatchReport, Step
from strongroom.usecases.batch.state import JobState, States
from strongroom.usecases.context import Context
from strongroom.usecases.locks import locked
from strongroom.usecases.policies import Policies
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Address, known_bags
from strongroom.usecases.sealed.places import open_address
from strongroom.usecases.thaw.table import load_prices

#: The scope of such an audit in `checks/` and the catalogue; no name of a collection (docs/format.md, section 9).
SCOPE: Final = "~batch"
_MOVING: Final = "INTELLIGENT_TIERING"  # may be in an archive tier, which a list does not say
_GOING: Final = frozenset({"New", "Preparing", "Suspended", "Ready", "Active", "Pausing", "Paused", "Completing", "Cancelling", "Failing"})


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """`account`, `role`, `reports` (s3://BUCKET/PREFIX, for the list and the report) are needed until the job is made. `everything`: packs
    and large contents in warm classes as well."""

    store: str  # URL
    account: str | None = None
    role: str | None = None
    reports: str | None = None
    spend: bool = False
    everything: bool = False


def batch(request: BatchRequest, context: Context, runner: Runner) -> BatchReport:
    """Do the next step. Raises UsageError, StoreError; what was begun is gone on with by running it again."""
    location = parse_url(request.store)
    if not isinstance(location, S3Location):
        raise UsageError(f"{request.store}: batch jobs are over buckets of Amazon S3")
    known = {row.url: row for row in known_bags(context).stores}
    row = known.get(location.url)
    options = Policies.known(context).options(row.id if row else None, location.url, runner.workers)
    store = open_address(Address(location.url, row.id if row else None), options=options)
    with Catalogue.open(context.catalogue) as catalogue, context.scratch("batch") as scratch:
        store_id = read_description(store).id
        number = catalogue.see_store(store_id, location.url)
        with locked(context.catalogue, f"batch-{store_id}", busy=f"another run is at a batch job over {location.url} now"):
            return _Run(request, location, options, store, store_id, number, catalogue, context, runner, scratch).step()


class _Run:
    def __init__(
        self, request: BatchRequest, location: S3Location, options: StoreOptions, store: Store, store_id: str, number: int,
        catalogue: Catalogue, context: Context, runner: Runner, scratch: Path,
    ) -> None:
        self._request, self._location, self._options, self._store, self._id = request, location, options, store, store_id
        self._number, self._catalogue, self._runner, self._scratch = number, catalogue, runner, scratch
        self._states, self._prices = States(context.home, store_id), load_prices(context.home)
        self._prefix = f"{location.prefix}/" if location.prefix else ""
        self._findings = Collector(runner.finding)

    def step(self) -> BatchReport:
        begun = self._states.load() or self._begin()
        if isinstance(begun, BatchReport):
            return begun
        state = begun if begun.job is not None else self._create(begun)
        try:
            said = open_batch(state.report_bucket, self._options).describe(state.account, state.job or "")
        except NotFoundInStoreError:  # the service forgets jobs after some months
            return self._failed(state, "unknown", {"StatusUpdateReason": "the service knows no such job any more"})
        status = str(said.get("Status"))
        if status in _GOING:
            return self._report("running", state, status)
        if status != "Complete":
            return self._failed(state, status, said)
        return self._read(state, status)

    # -- making it

    def _begin(self) -> JobState | BatchReport:
        listed = self._scratch / "listed.csv"
        objects, size = self._list(listed)
        request = self._request
        if not objects or not request.spend:
            price, found = self._prices.checksums(objects, size) if objects else None, self._findings.findings()
            step: Step = "priced" if objects else "nothing"
            return BatchReport(self._store.url, step, objects, size, price, self._prices.basis, None, None, {}, found)
        if request.account is None or request.role is None or request.reports is None:
            raise UsageError("say for whom and by whom the job is made: --account, --role and --reports s3://BUCKET/PREFIX")
        place = parse_url(request.reports)
        if not isinstance(place, S3Location):
            raise UsageError(f"{request.reports}: reports of a batch job are written to a bucket")
        ours, theirs = f"{self._location.url}/", f"{place.url}/"
        if theirs.startswith(ours):
            raise UsageError(f"{request.reports} lies in the store; give another prefix or bucket: nothing but the store may be there")
        prefix = place.prefix or "strongroom"
        token = new_id()
        state = JobState(request.account, request.role, token, place.bucket, prefix,
                         f"{prefix}/list-{token}.csv", objects, size, utc_now())
        self._states.begin(state, listed)
        return state

    def _list(self, path: Path) -> tuple[int, int]:
        """Into a file: bucket, key and size of each object that is asked about."""
        objects = total = 0
        with path.open("w", encoding="utf-8") as out, self._runner.stage("list the store") as progress:
            for prefix in ("content/", "packs/"):
                for stat in self._store.list(prefix):
                    cold = stat.storage_class in FROZEN or stat.storage_class == _MOVING
                    if is_bulk(stat.key) and (cold or self._request.everything):
                        out.write(f"{self._location.bucket},{quote(self._prefix + stat.key.text)},{stat.size}\n")
                        objects, total = objects + 1, total + stat.size
                    progress.advance(1)
        return objects, total

    def _create(self, state: JobState) -> JobState:
        """Again after a run that was cut off: the token sees to it that there is one job. What the service refuses is no job, and not
        asked for again as it was: account, role or place may have been mistyped."""
        manifest = self._scratch / "manifest.csv"
        with self._states.listed.open(encoding="utf-8", newline="") as lines, manifest.open("w", encoding="utf-8") as out:
            for bucket, key, _ in csv.reader(lines):
                out.write(f"{bucket},{key}\n")
        service = open_batch(state.report_bucket, self._options)
        try:
            etag = service.upload(manifest, state.manifest_key)
            arn = f"arn:aws:s3:::{state.report_bucket}/{state.manifest_key}"
            job = service.create(Job(state.account, state.role, state.token, arn, etag, state.report_bucket, state.report_prefix))
        except (StoreRefusedError, WrongStoreError, NotFoundInStoreError) as error:
            self._states.forget()
            raise StrongroomError(f"{error}. No job was made, and nothing was spent: correct --account, --role or --reports, or the "
                                  "permissions, and give the whole command again") from error
        made = replace(state, job=job)
        self._states.save(made)
        self._runner.say(f"{self._store.url}: job {job} over {plural(state.objects, 'object')} was made")
        return made

    # -- its end

    def _failed(self, state: JobState, status: str, said: dict[str, Any]) -> BatchReport:
        why = "; ".join(f"{one.get('FailureCode', '')}: {one.get('FailureReason', '')}" for one in said.get("FailureReasons", ()))
        why = why or said.get("StatusUpdateReason") or "no reason is given"
        what = f"job {state.job} ended as {status}: {why}. Nothing is known of the objects; run it again for another"
        self._findings.add(Finding(Code.BATCH_FAILED, self._store.url, what))
        self._states.forget()
        return self._report("failed", state, status)

    def _read(self, state: JobState, status: str) -> BatchReport:
        comparison = Comparison(self._scratch / "compare.sqlite", self._store.url, self._location.bucket, self._prefix)
        try:
            comparison.ask(self._states.listed)
            if not self._take(state, comparison):
                return self._report("running", state, f"{status}, and its report is not there yet")
            return self._record(state, status, comparison)
        finally:
            comparison.close()

    def _take(self, state: JobState, comparison: Comparison) -> bool:
        """The whole report; False if it is not there yet, which may take some minutes after the job."""
        service = open_batch(state.report_bucket, self._options)
        place = f"{state.report_prefix}/job-{state.job}/manifest.json"
        try:
            columns, files = parse_report(service.read(place))
        except NotFoundInStoreError:
            return False
        with self._runner.stage("read the report", files=len(files)) as progress:
            for one in files:
                file = self._scratch / "results.csv"
                service.download(one.key, one.md5, file)
                try:
                    comparison.take(file, columns)
                except InvalidValueError as error:
                    raise InvalidValueError(
                        f"s3://{state.report_bucket}/{one.key}: {error}. Nothing was recorded. To give this job up and begin a new one, "
                        f"remove {self._states.file}") from error
                progress.advance(1)
        return True

    def _record(self, state: JobState, status: str, comparison: Comparison) -> BatchReport:
        job, catalogue, number = str(state.job), self._catalogue, self._number
        audit = begin_audit(catalogue, number, lambda seq: AuditRow(seq, SCOPE, seq, state.began))
        for rows in comparison.checks(audit.seq):
            record_checks(catalogue, number, rows)
            record_reading(catalogue, number, audit.seq, (row.key for row in rows))
        damaged = comparison.say(job, self._findings.add)
        names = [stored for key in damaged if (stored := name_of(StoreKey(key)).stored) is not None]
        mark_objects(catalogue, number, ((kind, digest.raw, False) for kind, digest in names))
        outcomes, ended = comparison.outcomes(), utc_now()
        publish(catalogue, self._store, number, self._id, audit, ended=ended, complete=True)
        log.append(catalogue, self._store, number, self._id, [self._event(state, outcomes, comparison.size(), damaged)])
        end_audit(catalogue, number, audit.seq, ended=ended, complete=True)
        self._states.forget()
        return self._report("compared", state, status, outcomes)

    def _event(self, state: JobState, outcomes: dict[CheckOutcome, int], size: int, damaged: list[str]) -> Event:
        counts = ", ".join(f"{count} {outcome.value}" for outcome, count in outcomes.items() if count)
        detail = (f"SHA-256 of {human_size(size)} of packs and large contents, computed where they lie by Amazon S3 Batch Operations "
                  f"(Compute checksum, job {state.job}), and compared with the digests in their names by this software; no byte was read")
        agents = (AGENT, f"service: Amazon S3 Batch Operations, account {state.account}")
        return Event(EventType.FIXITY_CHECK, detail, (f"store:{self._id}",), Outcome.FAIL if damaged else Outcome.SUCCESS, counts, agents)

    def _report(self, step: Step, state: JobState, status: str, outcomes: dict[CheckOutcome, int] | None = None) -> BatchReport:
        price = self._prices.checksums(state.objects, state.bytes)
        return BatchReport(self._store.url, step, state.objects, state.bytes, price, self._prices.basis, state.job, status, outcomes or {},
                           self._findings.findings())
