"""An archive run from beginning to end. The methods of _Run stand in the order in which they run."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from strongroom import metadata
from strongroom.catalogue import Catalogue
from strongroom.collections.model import CollectionManifest
from strongroom.core.digests import Digest
from strongroom.core.errors import RefusedError, StoreError, StrongroomError, UsageError
from strongroom.core.events import Event
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId, new_id
from strongroom.core.seal import Seal
from strongroom.runner.interface import Runner
from strongroom.signing import Keyring, Signer
from strongroom.stores.interface import Store
from strongroom.usecases.archive import accrual, gather, known, supplied
from strongroom.usecases.archive.attempt import Attempt
from strongroom.usecases.archive.contents import Contents
from strongroom.usecases.archive.delivery import Delivery
from strongroom.usecases.archive.described import described_by
from strongroom.usecases.archive.destination import Destination, open_destination
from strongroom.usecases.archive.happened import after_the_seal, agents, before_the_seal, stored_again
from strongroom.usecases.archive.noting import Noting
from strongroom.usecases.archive.predecessor import Predecessor
from strongroom.usecases.archive.previous import SealedTagFiles
from strongroom.usecases.archive.refusing import must_refuse, refuse_loss
from strongroom.usecases.archive.reliance import Place
from strongroom.usecases.archive.report import ArchiveReport
from strongroom.usecases.archive.screening import Screening
from strongroom.usecases.archive.sealing import Sealing
from strongroom.usecases.archive.spool import Spool
from strongroom.usecases.archive.stages import Stages
from strongroom.usecases.archive.tagfiles import Payload, TagFile, TagFiles, state_digest
from strongroom.usecases.archive.telling import Telling
from strongroom.usecases.context import Context
from strongroom.usecases.locks import locked
from strongroom.usecases.replicate.keep import open_kept
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sources import open_source
from strongroom.usecases.sweep.heed import heed
from strongroom.usecases.tidying import tidy
from strongroom.usecases.withheld.leaving_out import leave_out_withheld
from strongroom.usecases.withheld.loading import load_withheld
from strongroom.usecases.withheld.tombstones import Withheld

_RACES: Final = 20  # of losing the next number to other runs


def archive(
    manifest: CollectionManifest, context: Context, runner: Runner, *,
    dry_run: bool = False, accept_loss: bool = False, reread: bool = False, sign: bool = True, delivery: Delivery | None = None,
) -> ArchiveReport:
    """Make the next bag of a collection, or find that none is needed.

    `dry_run` only looks; `accept_loss` lifts `max_loss`; `reread` reads files that look unchanged too. The seal is signed where this
    installation has a key, unless `sign` is off. `delivery`: the source is the payload of a bag that was received and validated.

    Raises UsageError (manifest, no passphrase), SourceError (not there), RefusedError (max_loss; a bag before this one that a signature
    must not answer for), StoreError (store absent, another, unreachable, full) and whatever stops the machinery; what concerns the archive
    itself is in the report's findings. A run that was stopped anywhere is carried on by running it again.
    """
    gather.check_source_apart(manifest)
    signer = Keyring(context.home).signer() if sign and not dry_run else None
    with (
        locked(context.catalogue, f"{manifest.name}.lock", f"another run is archiving {manifest.name} now; wait for it to end"),
        context.scratch("archive") as scratch,
        Catalogue.open(context.catalogue) as catalogue,
        open_destination(manifest, catalogue, runner.workers) as destination,
    ):
        run = _Run(manifest, runner, scratch, catalogue, destination, open_kept(context), context.home, signer,
                   accept_loss=accept_loss, reread=reread, delivery=delivery)
        try:
            run.look()
            report = run.plan() if dry_run else run.go()
        finally:
            run.spool.close()
        if not dry_run:
            tidy(destination.store)
            catalogue.record_run(manifest.name, str(manifest.file), report.outcome)
        runner.artifact(f"archive-{manifest.name}".replace("_", "-").replace(".", "-"), report.markdown())
        return report


class _Run:
    def __init__(
        self, manifest: CollectionManifest, runner: Runner, scratch: Path, catalogue: Catalogue, destination: Destination, kept: Store,
        home: Path, signer: Signer | None, *, accept_loss: bool, reread: bool, delivery: Delivery | None,
    ) -> None:
        self.manifest = manifest
        self.source = open_source(manifest, runner.workers, afar=runner.afar)
        self.home = home
        self.accept_loss = accept_loss
        self.reread = reread or delivery is not None
        self.delivery = delivery
        self.scratch = scratch
        self.catalogue = catalogue
        self.destination = destination
        self.runner = runner
        self.spool = Spool(scratch / "run.sqlite")
        self.stages = Stages(runner)
        self.findings = Collector(runner.finding)
        self.findings.extend(destination.findings)
        self.noting = Noting(manifest, catalogue, destination, kept, scratch, self.findings)
        self.started = time.time_ns()
        self.attempt: Attempt | None = None
        self.before = Predecessor(manifest, catalogue, destination, kept, home, scratch, self.findings)
        self.sealing = Sealing(manifest, catalogue, destination, self.before, self.stages, signer)

    # -- before the first byte of a file is read

    def look(self) -> None:
        self.root = self.source.identity()
        with self.stages.stage("scan") as progress:
            gather.scan(self.manifest, self.source, self.home, self.spool, progress, self.findings.add,
                        whole=self.delivery is not None)
            if self.delivery is not None:
                self.delivery.take_names(self.spool)
        self.before.find()
        with self.stages.stage("validate metadata"):
            folder = self.scratch / "metadata"
            folder.mkdir()
            described = self.delivery.without_records(folder) if self.delivery else described_by(self.source, self.spool, folder)
            try:
                self.records = metadata.validate(self.manifest.metadata, described, folder, self.spool)
            except UsageError as error:
                raise UsageError(f"{self.manifest.file}: {error}") from error
            self.findings.extend(self.records.findings)
            supplied.leave_out(self.spool, self.records.held())
        self.algorithms = self.manifest.fixity + supplied.extra_algorithms(self.records, self.manifest.fixity)
        if self.delivery is not None:
            self.algorithms += tuple(name for name in self.delivery.algorithms if name not in self.algorithms)
        if not self.reread:
            known.recall(self.spool, self.catalogue.path, self.manifest.name, str(self.manifest.source), self.algorithms)
        withheld = self._load_withheld()
        place = Place(self.destination.store, self.destination.number, self.manifest.name if self.manifest.dedup == "collection" else "")
        self.contents = Contents(self.manifest, self.source, self.algorithms, place, self.spool, self.catalogue, self.runner, self.stages,
                                 self.scratch, self.findings.add, withheld)
        self.telling = Telling(self.manifest, self.destination, self.spool, self.records, self.contents, self.stages, self.findings)
        self._leave_out_withheld()

    def plan(self) -> ArchiveReport:
        """What a run would do, a refusal included; nothing is written to the store."""
        if (closed := self.before.closed_by()) is not None:
            return self.telling.report("closed", closed)
        try:
            self._refuse_loss()
        except RefusedError as error:
            self.findings.add(Finding(Code.SOURCE_LOSS, str(self.manifest.source), str(error)))
        if self._must_refuse():
            return self.telling.report("refused", None)
        files, size = self.spool.unread()
        self.telling.find_short_space()
        self._carry_over()
        planned = self.telling.report("planned", None)
        return replace(planned, read_files=files, read_bytes=size, duplicates=None if files else planned.duplicates)

    def go(self) -> ArchiveReport:
        if (closed := self.before.closed_by()) is not None:
            return self.telling.report("closed", closed)
        self._refuse_loss()
        if self._must_refuse():
            return self.telling.report("refused", None)
        if self.manifest.scan is not None:
            self.contents.screening = Screening(self.manifest.scan, self.home, self.manifest.name, self.scratch)
        try:
            self.telling.find_short_space()
            if self._heed() or self._must_learn():
                self.contents.learn()
            self._read_source()
            return self._end_without_bag("refused", None) if self._must_refuse() else self._seal_next()
        except RefusedError:
            self._close_attempt("refused")
            raise

    def _refuse_loss(self) -> None:
        if self.manifest.mode != "accrue" and not self.accept_loss:
            refuse_loss(self.manifest, self.spool, self.catalogue.path, self.before, self.contents.withheld)

    def _must_refuse(self) -> bool:
        return self.records.refused or must_refuse(self.manifest, self.findings.findings())

    def _must_learn(self) -> bool:
        """Whether the store may hold what the catalogue has not heard of: a run was cut off there, or somebody else sealed."""
        return self.catalogue.is_dirty(self.destination.number) or self.before.is_foreign()

    def _heed(self) -> int:
        """Pass over what sweeps condemned; how many objects the catalogue had to forget for that."""
        return heed(self.destination.store, self.catalogue, self.destination.number, self.scratch)

    # -- contents

    def _read_source(self) -> None:
        check_first = self.manifest.metadata.on_invalid == "refuse" and next(self.records.checksums(), None) is not None
        if self.spool.unread()[0]:
            if not check_first:  # with checksums that can refuse the whole, nothing is stored before they were compared
                self._ensure_open()
            self.contents.read_source(store=not check_first)
        self._compare_checksums()
        self._carry_over()

    def _compare_checksums(self) -> None:
        differing = supplied.compare_checksums(self.spool, self.records, self.algorithms, self.findings.add)
        if self.manifest.metadata.on_invalid == "hold":
            supplied.leave_out(self.spool, iter(differing))
        if self.delivery is not None:
            self.findings.extend(self.delivery.compare(self.spool, self.algorithms))
            self.findings.extend(self.delivery.put_back(self.spool))

    def _carry_over(self) -> None:
        if self.manifest.mode == "accrue" and self.before.files is not None:
            accrual.carry_over(self.spool, self.before.files, self.manifest.fixity, self.findings.add)
            self._leave_out_withheld()

    def _load_withheld(self) -> Withheld:
        return load_withheld(self.home, self.destination.all, self.scratch / f"withheld-{new_id()}", self.findings.add)

    def _leave_out_withheld(self) -> None:
        leave_out_withheld(self.spool, self.contents.withheld, self.findings.add)

    def _ensure_open(self) -> None:
        if self.attempt is None:
            self.sealing.prepare()
            self.catalogue.set_dirty(self.destination.number, dirty=True)
            self.attempt = Attempt.open(self.destination.store, BagId(self.manifest.name, self.before.last.highest + 1))
            self.contents.attempt_opened()
            try:
                self._heed()  # a sweep that began before now may not have seen this attempt
            except StoreError:
                self._close_attempt("a sweep is pending")
                raise
            self.contents.withheld = self._load_withheld()  # what was taken down until now
            self._leave_out_withheld()

    def _hold_contents(self) -> None:
        """Every content in the store; and since files may have been read again for that, everything that reading can change, again."""
        while True:
            before = self.contents.done.problems
            # An unchanged collection relies on nothing new: without a bag to be made, only what `readback` asks for is read.
            making = self.attempt is not None
            self.contents.hold(self._ensure_open, self._before_here(), making=making, verify=making or self.manifest.readback)
            self._compare_checksums()
            if self.contents.done.problems == before:
                break
            self._carry_over()
        if self.source.identity() != self.root:
            raise RefusedError(f"{self.manifest.source}: another folder than when the run began (unmounted, or replaced); no bag was made")
        if self.contents.done.problems:
            self._refuse_loss()

    def _before_here(self) -> SealedTagFiles | None:
        """The last bag, if this store has it."""
        return self.before.files if self.before.last.store is self.destination.store else None

    # -- the bag

    def _seal_next(self) -> ArchiveReport:
        for _ in range(_RACES):
            self._hold_contents()
            if self._must_refuse():
                return self._end_without_bag("refused", None)
            writer = TagFiles(self.scratch / "tag", self.manifest)
            if self._looks_unchanged():
                with self.stages.stage("compare with the last bag"):
                    state = state_digest(writer.state(self.spool, self._supplied()))
                if (same := self.before.seal_of(state)) is not None:
                    return self._unchanged(same)
            with self.stages.stage("write tag files"):
                payload = writer.payload(self.spool, self.catalogue.path, self._supplied())
            state = state_digest(payload)
            if (same := self.before.seal_of(state)) is not None:
                return self._unchanged(same)
            if self.attempt is None:
                self._ensure_open()
                continue  # what is relied upon is looked at again, now that the attempt is open
            self.telling.find(payload, self.catalogue.path)
            events = self._events_until_the_seal(self.attempt, payload)
            files = self.sealing.store_tag_files(self.attempt, writer, payload, events, self.contents.chosen())
            seal, digest = self.sealing.seal(self.attempt, payload, files, state)
            if digest is not None:
                return self._finish(self.attempt, seal, digest, files, payload)
            self._close_attempt("the number went to another run")
            self.before.find()
            self.contents.learn()  # what the winner stored
            self._carry_over()
        raise StrongroomError(f"{self.destination.store.url}: lost {_RACES} races for a version number; run it again when fewer others do")

    def _looks_unchanged(self) -> bool:
        """Whether it is likely enough that no bag is needed to find that out before the tag files of one are written."""
        last = self.before.last.seal
        return last is not None and last.payload_files == self.spool.totals()[0] and not self.telling.read_files()

    def _supplied(self) -> list[tuple[str, Path]]:
        return self.sealing.supplied(self.records, self.delivery, self.spool, self.scratch)

    def _events_until_the_seal(self, attempt: Attempt, payload: Payload) -> list[Event]:
        counts = self.telling.counts(payload.files, payload.size, payload)
        before = before_the_seal(self.manifest, attempt, counts, self.findings.findings())
        return [*self._earlier(attempt.bag, f"attempt:{attempt.id}"), *before]

    # -- after the seal

    def _finish(self, attempt: Attempt, seal: Seal, digest: Digest, files: list[TagFile], payload: Payload) -> ArchiveReport:
        damaged = 0
        if self.manifest.readback:
            damaged = self.contents.read_back()
            with self.stages.stage("read back tag files"):
                wrong = attempt.verify_tag_files(files)
                self.findings.extend(wrong)
                damaged += len(wrong)
        with self.stages.stage("catalogue"):
            counts = self.telling.counts(seal.payload_files, seal.payload_bytes, payload)
            earlier = self._earlier(seal.bag, f"sha256:{digest}")
            self.noting.log([*earlier, *after_the_seal(self.manifest, seal, digest, counts, damaged)])
            self.noting.sealed(seal, digest, payload.formats)
            self._remember(digest)
            self.noting.clean()
            self.noting.keep(seal.bag, digest)
        return self.telling.report("sealed", seal.bag)

    def _earlier(self, bag: BagId, what: str) -> list[Event]:
        """What was done with a delivery before it became this bag, and what the virus scanner found."""
        events = self.delivery.received(bag) if self.delivery is not None else []
        if self.contents.screening is not None:
            events += self.contents.screening.events(self.spool, self.catalogue.path, (str(bag), what), agents(self.manifest))
        return events

    def _unchanged(self, seal: Seal) -> ArchiveReport:
        last = self.before.last
        if last.digest is not None:
            if last.store is self.destination.store:
                self.noting.known(seal, last.digest)
            if self.telling.read_files() or self.reread:
                self._remember(last.digest)
        if self.manifest.readback:
            self.contents.read_back()
        if self.contents.done.new_contents:
            self.noting.log([stored_again(self.manifest, seal, self.contents.done.new_contents)])
        return self._end_without_bag("unchanged", seal.bag)

    def _end_without_bag(self, outcome: str, bag: BagId | None) -> ArchiveReport:
        held = self.contents.screening.held_events(agents(self.manifest)) if self.contents.screening is not None else []
        if held:
            self.noting.log(held)
        self._close_attempt(outcome)
        self.noting.clean()
        return self.telling.report(outcome, bag)

    def _close_attempt(self, reason: str) -> None:
        if self.attempt is not None:
            self.attempt.close(reason)
            self.attempt = None

    def _remember(self, seal: Digest) -> None:
        if self.delivery is None:  # which would not come again from where it lies now
            name, source = self.manifest.name, str(self.manifest.source)
            known.remember(self.spool, self.catalogue, name, source, self.algorithms, seal, self.started)
